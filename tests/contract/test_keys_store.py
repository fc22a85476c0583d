"""Keys of subjects on every kind of database: made once, fenced for ever, and no race leaves a living key behind."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from privacy.adapters.key_file import FileKeyProvider
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.keys import SqlKeyRepository
from privacy.crypto.envelope import SealingKey, key_of, open_envelope, place, seal, subject_part
from privacy.crypto.flaws import UnknownKey
from privacy.crypto.keyring import KeyRing
from privacy.crypto.ports import Kind, Purpose, State
from privacy.crypto.rotation import rotate
from privacy.crypto.subject_keys import SubjectKeys, WantedKey
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import Conflict, KeyDestroyed, Misconfigured
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.terms import SubjectRef
from tests.cast import LI_XIAOMING, MARGUERITE, OTHER_TENANT

WHERE = place("default", "d1", "phone")
REPOSITORY = SqlKeyRepository()
LI, MARGARET = LI_XIAOMING.ref, MARGUERITE.ref


class Keys:
    """One process's view of the keys database: another instance is another process."""

    def __init__(self, store: SqlStore, provider: FileKeyProvider, clock: FixedClock) -> None:
        self.store = store
        self.ring = KeyRing(store, REPOSITORY, provider, clock)
        self.subjects = SubjectKeys(self.ring, store, REPOSITORY, clock)

    def write(self, subject: SubjectRef, text: bytes = b"13904172263") -> bytes:
        key = self.subjects.for_writing(DEFAULT_TENANT, [subject])[0]
        if not isinstance(key, SealingKey):
            raise key
        return seal(key, WHERE, subject_part(subject.system, subject.type, subject.key), text)

    def read(self, subject: SubjectRef, blob: bytes) -> bytes:
        key = self.subjects.for_reading(DEFAULT_TENANT, [WantedKey(subject, *key_of(blob))])[0]
        if not isinstance(key, SealingKey):
            raise key
        return open_envelope(key, WHERE, subject_part(subject.system, subject.type, subject.key), blob)


@pytest.fixture
def process(keys_store: SqlStore, tmp_path: Path, fixed_clock: FixedClock) -> Callable[[], Keys]:
    provider = FileKeyProvider.create(tmp_path / "root.key")
    KeyRing(keys_store, REPOSITORY, provider, fixed_clock).create_tenant(DEFAULT_TENANT)
    return lambda: Keys(keys_store, provider, fixed_clock)


def states(keys: Keys, kind: Kind = Kind.DATA) -> dict[State, int]:
    return keys.store.read(lambda tx: REPOSITORY.counts(tx, kind, DEFAULT_TENANT))


def together(*jobs: Callable[[], object]) -> list[object]:
    """Run the jobs at once and return what each gave or raised."""
    results: list[object] = [None] * len(jobs)
    gate = threading.Barrier(len(jobs))

    def work(number: int) -> None:
        gate.wait()
        try:
            results[number] = jobs[number]()
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_value_written_by_one_process_is_read_by_another(process: Callable[[], Keys]) -> None:
    """Keys live in the database, not in the process that made them."""
    blob = process().write(LI)
    assert process().read(LI, blob) == b"13904172263"


def test_creating_a_tenant_twice_keeps_the_first_keys(process: Callable[[], Keys]) -> None:
    """`privacy init` may run again at any time."""
    keys = process()
    before = keys.ring.derive(DEFAULT_TENANT, "cursor")
    assert keys.ring.create_tenant(DEFAULT_TENANT) is False
    assert process().ring.derive(DEFAULT_TENANT, "cursor") == before


def test_two_processes_that_create_a_tenant_agree_on_its_keys(process: Callable[[], Keys]) -> None:
    """Only one of two simultaneous creations counts."""
    one, two = process(), process()
    made = together(lambda: one.ring.create_tenant(OTHER_TENANT), lambda: two.ring.create_tenant(OTHER_TENANT))
    assert sorted(map(str, made)) == ["False", "True"]
    assert one.ring.derive(OTHER_TENANT, "x") == two.ring.derive(OTHER_TENANT, "x")


def test_a_thousand_new_subjects_get_their_keys_in_one_transaction(process: Callable[[], Keys]) -> None:
    """Bulk provisioning does not go subject by subject."""
    keys = process()
    transactions = 0
    run = keys.store.run

    def counted(fn: Callable[..., object]) -> object:
        nonlocal transactions
        transactions += 1
        return run(fn)

    keys.store.run = counted  # type: ignore[method-assign, assignment]
    subjects = [SubjectRef("crm", "customer", str(number)) for number in range(1000)]
    made = keys.subjects.for_writing(DEFAULT_TENANT, subjects)
    assert all(isinstance(key, SealingKey) for key in made)
    assert transactions == 1
    assert states(keys) == {State.ACTIVE: 1000}
    assert len({key.header for key in made if isinstance(key, SealingKey)}) == 1000


def test_processes_that_provision_the_same_subjects_share_one_key_each(process: Callable[[], Keys]) -> None:
    """A race of writers ends with one key per subject, which all of them use."""
    subjects = [SubjectRef("crm", "customer", str(number)) for number in range(40)]
    workers = [process() for _ in range(4)]
    orders = [subjects, subjects[::-1], subjects[20:] + subjects[:20], subjects]
    lists = together(*(lambda w=w, o=o: w.subjects.for_writing(DEFAULT_TENANT, o) for w, o in zip(workers, orders, strict=True)))
    headers = [{subject: key.header for subject, key in zip(order, made, strict=True)} for order, made in zip(orders, lists, strict=True)]  # type: ignore[call-overload]
    assert all(each == headers[0] for each in headers)
    assert states(workers[0]) == {State.ACTIVE: 40}


def test_a_destroyed_key_neither_reads_nor_writes_in_any_process(process: Callable[[], Keys]) -> None:
    """The next batch everywhere refuses, with the key still in that process's cache."""
    here, there = process(), process()
    blob = there.write(LI)
    here.subjects.destroy(DEFAULT_TENANT, [LI], "case:1")
    with pytest.raises(KeyDestroyed):
        there.read(LI, blob)
    with pytest.raises(KeyDestroyed):
        there.write(LI)


def test_destroying_reaches_no_other_subject(process: Callable[[], Keys]) -> None:
    """Only the named subject's values become unreadable."""
    keys = process()
    kept = keys.write(MARGARET)
    keys.write(LI)
    keys.subjects.destroy(DEFAULT_TENANT, [LI], "case:1")
    assert keys.read(MARGARET, kept) == b"13904172263"


def test_destroying_twice_changes_nothing(process: Callable[[], Keys]) -> None:
    """A repeated step of an erasure reports the same keys and destroys none."""
    keys = process()
    keys.write(LI)
    first = keys.subjects.destroy(DEFAULT_TENANT, [LI], "case:1")
    again = keys.subjects.destroy(DEFAULT_TENANT, [LI], "case:1")
    assert (first.destroyed_now, again.destroyed_now) == (1, 0)
    assert first.keys == again.keys
    assert len(first.keys[LI][0].commitment) == 32


def test_a_subject_destroyed_before_its_first_key_is_fenced_too(process: Callable[[], Keys]) -> None:
    """An import after an erasure cannot make the person a key."""
    keys = process()
    keys.subjects.destroy(DEFAULT_TENANT, [LI], "case:1")
    with pytest.raises(KeyDestroyed):
        process().write(LI)
    assert process().subjects.audit_refs(DEFAULT_TENANT, [LI]) == [b""]


def test_only_a_readmission_gives_a_destroyed_subject_new_keys(process: Callable[[], Keys]) -> None:
    """Who comes back starts afresh: new values work, the old ones stay gone, the pseudonym is another."""
    keys = process()
    old, pseudonym = keys.write(LI), keys.subjects.audit_refs(DEFAULT_TENANT, [LI])
    keys.subjects.destroy(DEFAULT_TENANT, [LI], "case:1")
    keys.subjects.readmit(DEFAULT_TENANT, LI, "authorisation:7")
    assert keys.read(LI, keys.write(LI, b"new")) == b"new"
    with pytest.raises(KeyDestroyed):
        keys.read(LI, old)
    assert keys.subjects.audit_refs(DEFAULT_TENANT, [LI]) not in (pseudonym, [b""])


def test_a_subject_whose_keys_live_cannot_be_readmitted(process: Callable[[], Keys]) -> None:
    """Readmission is for the destroyed only."""
    keys = process()
    keys.write(LI)
    with pytest.raises(Conflict):
        keys.subjects.readmit(DEFAULT_TENANT, LI, "authorisation:7")


def test_a_superseded_key_still_reads_and_the_pseudonym_stays(process: Callable[[], Keys]) -> None:
    """Rotation of a data key touches neither old values nor the audit trail."""
    keys, other = process(), process()
    old, pseudonym = other.write(LI), other.subjects.audit_refs(DEFAULT_TENANT, [LI])
    keys.subjects.supersede(DEFAULT_TENANT, [LI])
    new = other.write(LI)
    assert key_of(old) != key_of(new)
    assert other.read(LI, old) == other.read(LI, new)
    assert other.subjects.audit_refs(DEFAULT_TENANT, [LI]) == pseudonym


def test_a_destroyed_key_cannot_be_superseded(process: Callable[[], Keys]) -> None:
    """Rotation is no way around the fence."""
    keys = process()
    keys.write(LI)
    keys.subjects.destroy(DEFAULT_TENANT, [LI], "case:1")
    with pytest.raises(KeyDestroyed):
        keys.subjects.supersede(DEFAULT_TENANT, [LI])


@pytest.mark.parametrize("rival", ["supersede", "provision", "rewrap"])
def test_no_race_with_a_destruction_leaves_a_living_key(process: Callable[[], Keys], rival: str) -> None:
    """However rotation, writing and destruction interleave, the subject ends with no usable key of either kind."""
    for round_number in range(6):
        subject = SubjectRef("crm", "customer", f"{rival}-{round_number}")
        one, two = process(), process()
        if rival != "provision":
            one.write(subject)
            one.subjects.audit_refs(DEFAULT_TENANT, [subject])
        acts: dict[str, Callable[[], object]] = {
            "supersede": lambda s=subject, k=one: k.subjects.supersede(DEFAULT_TENANT, [s]),  # type: ignore[misc]
            "provision": lambda s=subject, k=one: k.subjects.for_writing(DEFAULT_TENANT, [s]),  # type: ignore[misc]
            "rewrap": lambda k=one: rotate(k.ring, k.subjects, DEFAULT_TENANT),  # type: ignore[misc]
        }
        together(acts[rival], lambda s=subject, k=two: k.subjects.destroy(DEFAULT_TENANT, [s], "case:1"))  # type: ignore[misc]
        assert State.ACTIVE not in states(two) and State.DECRYPT_ONLY not in states(two)
        with pytest.raises(KeyDestroyed):
            process().write(subject)


def test_rotation_rewraps_every_key_and_destroys_the_old_version(process: Callable[[], Keys]) -> None:
    """Values and pseudonyms stay, the version that wrapped them before is gone."""
    keys, other = process(), process()
    blob, pseudonym, derived = other.write(LI), other.subjects.audit_refs(DEFAULT_TENANT, [LI]), other.ring.derive(DEFAULT_TENANT, "x")
    report = rotate(keys.ring, keys.subjects, DEFAULT_TENANT)
    assert (report.version, report.rewrapped, report.retired) == (2, 2, (1,))
    fresh = process()
    assert fresh.read(LI, blob) == b"13904172263"
    assert fresh.subjects.audit_refs(DEFAULT_TENANT, [LI]) == pseudonym
    assert fresh.ring.derive(DEFAULT_TENANT, "x") == derived
    rows = keys.store.read(lambda tx: REPOSITORY.tenant_keys(tx, DEFAULT_TENANT))
    assert [(row.version, row.wrapped is None) for row in sorted(rows, key=lambda row: row.version) if row.purpose is Purpose.KEK] == [(1, True), (2, False)]


def test_a_process_that_missed_a_rotation_goes_on_writing(process: Callable[[], Keys]) -> None:
    """A process with the old version in memory wraps under the new one, so that nothing is lost when the old one dies."""
    keys, other = process(), process()
    other.write(LI)
    rotate(keys.ring, keys.subjects, DEFAULT_TENANT)
    blob = other.write(MARGARET)
    rotate(keys.ring, keys.subjects, DEFAULT_TENANT)
    assert process().read(MARGARET, blob) == b"13904172263"


def test_writers_and_a_rotation_at_once_lose_no_value(process: Callable[[], Keys]) -> None:
    """Every value written beside rotations opens afterwards."""
    workers, rotator = [process() for _ in range(3)], process()
    written: dict[SubjectRef, bytes] = {}

    def write(keys: Keys, name: str) -> None:
        for number in range(12):
            subject = SubjectRef("crm", "customer", f"{name}-{number}")
            written[subject] = keys.write(subject)

    jobs = [lambda k=keys, n=str(n): write(k, n) for n, keys in enumerate(workers)]
    results = together(*jobs, lambda: [rotate(rotator.ring, rotator.subjects, DEFAULT_TENANT) for _ in range(2)])
    assert not [each for each in results if isinstance(each, Exception)]
    assert len(written) == 36
    reader = process()
    assert {reader.read(subject, blob) for subject, blob in written.items()} == {b"13904172263"}


def test_an_interrupted_rotation_is_finished_by_the_next(process: Callable[[], Keys]) -> None:
    """A process that died in the middle of a rotation leaves nothing unreadable, and no version for ever."""
    keys = process()
    blob = keys.write(LI)
    keys.ring.begin_version(DEFAULT_TENANT)
    assert process().read(LI, blob) == b"13904172263"
    assert rotate(keys.ring, keys.subjects, DEFAULT_TENANT).retired == (1, 2)
    assert process().read(LI, blob) == b"13904172263"


def test_a_version_that_still_wraps_is_not_destroyed(process: Callable[[], Keys]) -> None:
    """Retiring too early is refused instead of losing keys."""
    keys = process()
    keys.write(LI)
    keys.ring.begin_version(DEFAULT_TENANT)
    with pytest.raises(Conflict):
        keys.ring.retire(DEFAULT_TENANT, 2)


def test_another_tenant_does_not_find_the_key(process: Callable[[], Keys]) -> None:
    """A key id of one tenant means nothing to another."""
    keys = process()
    keys.ring.create_tenant(OTHER_TENANT)
    wanted = WantedKey(LI, *key_of(keys.write(LI)))
    assert isinstance(keys.subjects.for_reading(OTHER_TENANT, [wanted])[0], UnknownKey)


def test_the_database_alone_gives_nothing(process: Callable[[], Keys], keys_store: SqlStore, tmp_path: Path, fixed_clock: FixedClock) -> None:
    """With another root key the service refuses, and no wrapped key opens."""
    keys = process()
    keys.write(LI)
    stranger = FileKeyProvider.create(tmp_path / "another.key")
    with pytest.raises(Misconfigured, match="not the one"):
        Keys(keys_store, stranger, fixed_clock).write(LI)
    for row in keys_store.read(lambda tx: REPOSITORY.tenant_keys(tx, DEFAULT_TENANT)):
        with pytest.raises(Misconfigured):
            stranger.unwrap(row.wrapped or b"", ("tenant-key", row.tenant, row.purpose, str(row.version)))


def test_the_pseudonym_of_a_subject_is_the_same_everywhere_until_destroyed(process: Callable[[], Keys]) -> None:
    """Auditors can follow one subject through the log, and after destruction nobody can."""
    keys = process()
    first = keys.subjects.audit_refs(DEFAULT_TENANT, [LI, MARGARET, LI])
    assert first == process().subjects.audit_refs(DEFAULT_TENANT, [LI, MARGARET, LI])
    assert len(set(first)) == 2 and {len(ref) for ref in first} == {32}
    keys.subjects.destroy(DEFAULT_TENANT, [LI], "case:1")
    assert process().subjects.audit_refs(DEFAULT_TENANT, [LI, MARGARET]) == [b"", first[1]]


def test_what_was_done_to_keys_is_written_down(process: Callable[[], Keys]) -> None:
    """Deeds on keys leave their marker in the keys database, by keyed digests only."""
    keys = process()
    keys.write(LI)
    keys.subjects.destroy(DEFAULT_TENANT, [LI], "case:1")
    events = keys.store.read(lambda tx: REPOSITORY.events(tx, DEFAULT_TENANT))
    assert [event.action for event in events] == ["tenant_created", "subject_destroyed"]
    assert events[-1].object_ref == keys.ring.keys(DEFAULT_TENANT).lookups([LI])[LI]
    assert events[-1].reason_ref == "case:1"
