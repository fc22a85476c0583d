"""The keys of data subjects: made on first write, found for reading, superseded, and destroyed for good.

Guarantee: a subject whose keys were destroyed gets none again by itself: provisioning only ever inserts generation 1, and a destroyed
generation 1 keeps its row and thereby its place in the unique key (tenant, lookup, generation). Only `readmit` opens the next one.
Races: every change takes the tenant's row first, shared to provision, exclusive to supersede, readmit, rewrap or destroy. A rotation
beside a destruction therefore leaves no living key behind, on any database, and nobody waits in a circle.
Files: after a destruction SQLite's log is emptied, so that the wrapped keys stand in no file of the database any more.
Limit: a copy of the keys database from before a destruction still holds the wrapped key until the kek version above it is destroyed.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from privacy.crypto.cache import KeyCache
from privacy.crypto.ciphers import KEY_BYTES, Algorithm, subkeys
from privacy.crypto.derive import KeyedDigest
from privacy.crypto.envelope import DataKey, SealingKey
from privacy.crypto.flaws import Flaw, UnknownKey
from privacy.crypto.keyring import KeyRing
from privacy.crypto.ports import KeyEvent, KeyRepository, Kind, Lock, State, SubjectKeyRow, TenantRow
from privacy.crypto.wrap import WrappingKey
from privacy.kernel.canonical import length_prefixed
from privacy.kernel.clock import Clock
from privacy.kernel.errors import Conflict, KeyDestroyed, PrivacyError, TooBusy
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import SubjectRef

T = TypeVar("T")
_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class WantedKey:
    """What a ciphertext asks for: whose it is said to be, and the key and algorithm of its header."""

    subject: SubjectRef
    key_id: int
    algorithm: int


@dataclass(frozen=True, slots=True)
class DestroyedKey:
    """A key that is gone, as a certificate names it."""

    key_id: int
    generation: int
    commitment: str


@dataclass(frozen=True, slots=True)
class Destruction:
    """What `destroy` did: the keys by subject, tombstones of subjects that never had one included, and how many died just now.

    `overwritten`: the files of the keys database hold them no more (False while somebody's reading holds the log).
    """

    keys: Mapping[SubjectRef, tuple[DestroyedKey, ...]]
    destroyed_now: int
    overwritten: bool = True


class SubjectKeys:
    """Batch first: one small read per batch when all keys are in memory, two statements when none is.

    Args:
        cache_size: keys kept in memory at most, about 2.3 kB each.
        cache_seconds: how long a key may be used without asking the database about itself; destructions are asked about in every batch.
    """

    def __init__(self, ring: KeyRing, store: Store, repository: KeyRepository, clock: Clock, *, cache_size: int = 10_000, cache_seconds: float = 60.0) -> None:
        self._ring = ring
        self._store = store
        self._repository = repository
        self._clock = clock
        self._active: KeyCache[str, DataKey] = KeyCache(cache_size, cache_seconds)
        self._by_id: KeyCache[int, DataKey] = KeyCache(cache_size, cache_seconds)
        self._pseudonyms: KeyCache[str, bytes] = KeyCache(4 * cache_size, cache_seconds)

    def for_writing(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> list[SealingKey | PrivacyError]:
        """Return each subject's key in the tenant's algorithm, making missing ones in one transaction; KeyDestroyed in the place of a fenced subject."""
        lookups = self._ring.keys(tenant).lookups(set(subjects))
        keys, row = self._known(Kind.DATA, tenant, list(lookups.values()), self._active, _data_key)
        algorithm = Algorithm.of(row.algorithm)
        return [_ready(keys[lookups[subject]], algorithm) for subject in subjects]

    def for_reading(self, tenant: TenantId, wanted: Sequence[WantedKey]) -> list[SealingKey | PrivacyError]:
        """Return the keys that ciphertexts name, or why there is none: UnknownKey, KeyDestroyed, or TooBusy while one is being made."""
        return _retry(lambda: self._for_reading(tenant, wanted))

    def audit_refs(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> list[bytes]:
        """Return each subject's pseudonym for the audit log, 32 bytes; empty for a subject whose keys were destroyed.

        It follows from a secret of the subject's own, so that destroying the secret cuts the log from the person for ever.
        """
        lookups = self._ring.keys(tenant).lookups(set(subjects))
        known, _ = self._known(Kind.AUDIT, tenant, list(lookups.values()), self._pseudonyms, _pseudonym)
        refs = {lookup: b"" if isinstance(ref, PrivacyError) else ref for lookup, ref in known.items()}
        return [refs[lookups[subject]] for subject in subjects]

    def destroy(self, tenant: TenantId, subjects: Sequence[SubjectRef], reason_ref: str) -> Destruction:
        """Destroy all keys of these subjects, data and audit, in one transaction; repeating it changes nothing.

        A subject that never had a key gets a tombstone, so that a later import cannot make one. `reason_ref` names the case, never the person.
        """
        lookups = self._ring.keys(tenant).lookups(set(subjects))
        names = sorted(lookups.values())
        rows, count = self._store.run(lambda tx: self._destroy(tx, tenant, names, reason_ref))
        return Destruction({subject: _certified(rows, lookup) for subject, lookup in lookups.items()}, count, self._store.tidy())

    def destroy_lookups(self, tenant: TenantId, lookups: Sequence[str], reason_ref: str) -> int:
        """Destroy the keys of the subjects with these keyed digests: for a replay of the erasure ledger, which knows nobody by name."""
        names = sorted(set(lookups))
        if not names:
            return 0
        _, count = self._store.run(lambda tx: self._destroy(tx, tenant, names, reason_ref))
        self._store.tidy()
        return count

    def living(self, tenant: TenantId, lookups: Sequence[str]) -> int:
        """Return how many keys of the subjects with these keyed digests are not destroyed, of both kinds and all generations."""
        names = sorted(set(lookups))
        rows = self._store.read(lambda tx: [row for kind in Kind for row in self._repository.of_subjects(tx, kind, tenant, names)])
        return sum(row.state is not State.DESTROYED for row in rows)

    def supersede(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> int:
        """Give each subject a next generation to write with; the older ones only decrypt from now on. Raises KeyDestroyed when one has no active key."""
        return self._next_generation(tenant, subjects, State.ACTIVE, "key_superseded", "")

    def readmit(self, tenant: TenantId, subject: SubjectRef, authorisation_ref: str) -> None:
        """Let a person whose keys were destroyed come back, under new keys. The old ciphertexts stay unreadable. Raises Conflict when nothing was destroyed."""
        self._next_generation(tenant, [subject], State.DESTROYED, "subject_readmitted", authorisation_ref)

    def rewrap(self, tenant: TenantId, kind: Kind, limit: int = 500) -> int:
        """Wrap up to `limit` keys of older kek versions under the current one; return how many were found, 0 when nothing is left."""
        row = self._store.read(lambda tx: self._ring.locked(tx, tenant))
        kek = self._ring.kek(tenant, row.kek_version)
        old = self._store.read(lambda tx: self._repository.outdated(tx, kind, tenant, kek.version, limit))
        fresh = [_wrapped(kind, each, self._unwrap(kind, each), kek) for each in old]

        def write(tx: Tx) -> None:
            self._ring.locked(tx, tenant, Lock.EXCLUSIVE)
            self._repository.save_wraps(tx, kind, fresh)

        if fresh:
            self._store.run(write)
        return len(fresh)

    def _for_reading(self, tenant: TenantId, wanted: Sequence[WantedKey]) -> list[SealingKey | PrivacyError]:
        now = self._clock.now().timestamp()
        ids = {each.key_id for each in wanted}

        def look(tx: Tx) -> tuple[int, dict[int, DataKey], list[SubjectKeyRow]]:
            changes = self._ring.locked(tx, tenant).changes
            known = self._by_id.get_many(tenant, ids, changes, now)
            return changes, known, self._repository.by_ids(tx, Kind.DATA, tenant, sorted(ids - known.keys()))

        changes, known, rows = self._store.read(look)
        loaded = {row.id: DataKey(row.id, self._unwrap(Kind.DATA, row)) for row in rows if row.state in (State.ACTIVE, State.DECRYPT_ONLY)}
        self._by_id.put_many(tenant, loaded, changes, now)
        keys = known | loaded
        shut = {row.id: row for row in rows if row.id not in loaded}
        return [self._readable(tenant, each, keys, shut) for each in wanted]

    def _readable(self, tenant: TenantId, wanted: WantedKey, keys: Mapping[int, DataKey], shut: Mapping[int, SubjectKeyRow]) -> SealingKey | PrivacyError:
        if key := keys.get(wanted.key_id):
            return _ready(key, wanted.algorithm)
        row = shut.get(wanted.key_id)
        # only who names the right subject learns that a key existed
        if row is None or row.lookup != self._ring.keys(tenant).lookups([wanted.subject])[wanted.subject]:
            return UnknownKey()
        return _shut(row.state)

    def _known(
        self, kind: Kind, tenant: TenantId, lookups: list[str], cache: KeyCache[str, T], make: Callable[[SubjectKeyRow, bytes], T]
    ) -> tuple[dict[str, T | PrivacyError], TenantRow]:
        """Return what each lookup's newest generation makes, provisioning where there is none."""
        return _retry(lambda: self._look_up(kind, tenant, lookups, cache, make))

    def _look_up(
        self, kind: Kind, tenant: TenantId, lookups: list[str], cache: KeyCache[str, T], make: Callable[[SubjectKeyRow, bytes], T]
    ) -> tuple[dict[str, T | PrivacyError], TenantRow]:
        now = self._clock.now().timestamp()

        def look(tx: Tx) -> tuple[TenantRow, dict[str, T], list[SubjectKeyRow]]:
            row = self._ring.locked(tx, tenant)
            known = cache.get_many(tenant, lookups, row.changes, now)
            return row, known, self._repository.of_subjects(tx, kind, tenant, [each for each in lookups if each not in known])

        row, known, rows = self._store.read(look)
        found = {each.lookup for each in rows}
        if missing := sorted(each for each in lookups if each not in known and each not in found):
            rows = [*rows, *self._provision(kind, tenant, missing, row.kek_version)]
        newest = _newest(rows)
        loaded = {each.lookup: make(each, self._unwrap(kind, each)) for each in newest if each.state is State.ACTIVE}
        cache.put_many(tenant, loaded, row.changes, now)
        return {**known, **loaded, **{each.lookup: _shut(each.state) for each in newest if each.state is not State.ACTIVE}}, row

    def _provision(self, kind: Kind, tenant: TenantId, lookups: list[str], kek_version: int) -> list[SubjectKeyRow]:
        kek = self._ring.kek(tenant, kek_version)
        rows = self._fresh(kind, tenant, dict.fromkeys(lookups, 1), kek)

        def write(tx: Tx) -> list[SubjectKeyRow]:
            if self._ring.locked(tx, tenant, Lock.SHARED).kek_version != kek.version:
                raise _MovedOn
            self._repository.add(tx, kind, rows)
            return self._repository.of_subjects(tx, kind, tenant, lookups)  # not always ours: another process may have been first

        stored = self._store.run(write)
        if len({each.lookup for each in stored}) < len(lookups):
            raise _MovedOn  # a random id was taken: once in 2^63 tries
        return stored

    def _destroy(self, tx: Tx, tenant: TenantId, lookups: list[str], reason_ref: str) -> tuple[list[SubjectKeyRow], int]:
        row = self._ring.locked(tx, tenant, Lock.EXCLUSIVE)
        now = self._clock.now()
        for kind in Kind:
            pool = os.urandom(8 * len(lookups))
            blanks = [SubjectKeyRow(_id(pool, n), tenant, each, 1, 0, State.DESTROYED, None, "", now, now, reason_ref) for n, each in enumerate(lookups)]
            self._repository.add(tx, kind, blanks)
        count = self._repository.destroy(tx, Kind.DATA, tenant, lookups, now, reason_ref)
        count += self._repository.destroy(tx, Kind.AUDIT, tenant, lookups, now, reason_ref)
        self._repository.save_tenant(tx, replace(row, changes=row.changes + 1))
        self._repository.add_events(tx, [KeyEvent(tenant, "subject_destroyed", lookup, reason_ref, now) for lookup in lookups])
        return self._repository.of_subjects(tx, Kind.DATA, tenant, lookups), count

    def _next_generation(self, tenant: TenantId, subjects: Sequence[SubjectRef], needed: State, action: str, reason_ref: str) -> int:
        lookups = sorted(self._ring.keys(tenant).lookups(set(subjects)).values())
        kinds = (Kind.DATA,) if needed is State.ACTIVE else tuple(Kind)  # a pseudonym in the log outlives the rotation of a data key
        kek = self._ring.kek(tenant, self._store.read(lambda tx: self._ring.locked(tx, tenant)).kek_version)

        def write(tx: Tx) -> None:
            row = self._ring.locked(tx, tenant, Lock.EXCLUSIVE)
            if row.kek_version != kek.version:
                raise Conflict("The tenant's keys are being rotated; try again.")
            for kind in kinds:
                newest = _newest(self._repository.of_subjects(tx, kind, tenant, lookups))
                if len(newest) != len(lookups) or any(each.state is not needed for each in newest):
                    raise KeyDestroyed(_GONE) if needed is State.ACTIVE else Conflict("Only a subject whose keys were destroyed can be readmitted.")
                self._repository.supersede(tx, kind, tenant, [each.id for each in newest])
                self._repository.add(tx, kind, self._fresh(kind, tenant, {each.lookup: each.generation + 1 for each in newest}, kek))
            # caches hold the older generation as the one to write with
            self._repository.save_tenant(tx, replace(row, changes=row.changes + 1))
            self._repository.add_events(tx, [KeyEvent(tenant, action, lookup, reason_ref, self._clock.now()) for lookup in lookups])

        self._store.run(write)
        return len(lookups)

    def _fresh(self, kind: Kind, tenant: TenantId, generations: Mapping[str, int], kek: WrappingKey) -> list[SubjectKeyRow]:
        now = self._clock.now()
        step = KEY_BYTES + 8
        pool = os.urandom(step * len(generations))
        rows = []
        for n, (lookup, generation) in enumerate(generations.items()):
            secret = pool[n * step : n * step + KEY_BYTES]
            # random ids of 63 bits: known before the insert, so that they can be bound into the wrap; a collision would show as a missing row
            row = SubjectKeyRow(_id(pool, n, step, KEY_BYTES), tenant, lookup, generation, kek.version, State.ACTIVE, None, "", now)
            commitment = subkeys(Algorithm.AES_256_GCM, secret).commitment.hex() if kind is Kind.DATA else ""
            rows.append(replace(_wrapped(kind, row, secret, kek), commitment=commitment))
        return rows

    def _unwrap(self, kind: Kind, row: SubjectKeyRow) -> bytes:
        try:
            kek = self._ring.kek(row.tenant, row.kek_version)
        except UnknownKey:
            raise _MovedOn from None  # rewrapped and retired between our read and now
        return kek.unwrap(row.wrapped or b"", *_bound(kind, row))


class _MovedOn(Exception):
    """A rotation overtook this batch: read again."""


_GONE = "This subject's key was destroyed on purpose. What it encrypted cannot be read again; a return of the person needs an authorised readmission."


def _retry(work: Callable[[], T]) -> T:
    for _ in range(_ATTEMPTS):
        try:
            return work()
        except _MovedOn:
            continue
    raise TooBusy("The tenant's keys are being rotated; try again.")


def _ready(key: DataKey | PrivacyError, algorithm: int) -> SealingKey | PrivacyError:
    if isinstance(key, PrivacyError):
        return key
    try:
        return key.under(algorithm)
    except Flaw as flaw:
        return flaw


def _shut(state: State) -> PrivacyError:
    if state is State.PENDING:
        return TooBusy("This subject's key is being made; try again.")
    return KeyDestroyed(_GONE)


def _newest(rows: Iterable[SubjectKeyRow]) -> list[SubjectKeyRow]:
    newest: dict[str, SubjectKeyRow] = {}
    for row in rows:
        if row.lookup not in newest or newest[row.lookup].generation < row.generation:
            newest[row.lookup] = row
    return list(newest.values())


def _certified(rows: Iterable[SubjectKeyRow], lookup: str) -> tuple[DestroyedKey, ...]:
    return tuple(DestroyedKey(row.id, row.generation, row.commitment) for row in sorted(rows, key=lambda row: row.generation) if row.lookup == lookup)


def _data_key(row: SubjectKeyRow, secret: bytes) -> DataKey:
    return DataKey(row.id, secret)


def _pseudonym(row: SubjectKeyRow, secret: bytes) -> bytes:
    return KeyedDigest(secret).of(length_prefixed((b"pv1-audit-ref", row.tenant.encode(), row.lookup.encode())))


def _bound(kind: Kind, row: SubjectKeyRow) -> tuple[str, ...]:
    return kind.value, row.tenant, row.lookup, str(row.id), str(row.generation), str(row.kek_version)


def _wrapped(kind: Kind, row: SubjectKeyRow, secret: bytes, kek: WrappingKey) -> SubjectKeyRow:
    moved = replace(row, kek_version=kek.version)
    return replace(moved, wrapped=kek.wrap(secret, *_bound(kind, moved)))


def _id(pool: bytes, n: int, step: int = 8, offset: int = 0) -> int:
    start = n * step + offset
    return int.from_bytes(pool[start : start + 8], "big") >> 1 or 1
