"""The sequencer against time, crashes, restored databases and altered rows."""

import base64
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from privacy.adapters.state_files import SignedStateFile
from privacy.adapters.store.engine import SqlStore, connection
from privacy.audit.events import Action
from privacy.audit.ports import EventFilter, LogState, Signed
from privacy.audit.sequencer import SequencerThread
from privacy.audit.verifier import Checkpoint, LogKey
from privacy.crypto.signatures import verify_ed25519
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AuditBroken, AuditUnavailable, Conflict, Misconfigured, NotFound
from tests.audit.builders import World, event, verify, world
from tests.cast import ALICE, CAROL, LI_XIAOMING, OTHER_TENANT, actor_as


@pytest.fixture
def audit(sqlite_store: SqlStore, fixed_clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    made = world(sqlite_store, fixed_clock, tmp_path)
    yield made
    made.log.close()


def copy_of(store: SqlStore, to: Path) -> Path:
    """Back the database up as an operator would."""
    with sqlite3.connect(str(store.address.url.database)) as source, sqlite3.connect(to) as target:
        source.backup(target)
    target.close()
    source.close()
    return to


def restored(backup: Path, to: Path) -> SqlStore:
    shutil.copyfile(backup, to)
    return SqlStore(f"sqlite:///{to}")


def test_a_tick_without_events_writes_nothing_new(audit: World) -> None:
    """Rest is cheap: no checkpoint without entries."""
    audit.write(2)
    assert audit.sequencer.tick() == 0
    assert audit.store.read(lambda tx: connection(tx).execute(text("SELECT count(*) FROM audit_checkpoint")).scalar()) == 1


def test_every_checkpoint_ever_signed_continues_the_one_before(sqlite_store: SqlStore, fixed_clock: FixedClock, tmp_path: Path) -> None:
    """Batches of any size: each signed root is the root of the first entries of the next."""
    audit = world(sqlite_store, fixed_clock, tmp_path, batch=7)
    for count in (1, 7, 8, 300, 2):
        audit.write(count)
    key = LogKey.parse(audit.vkey)
    notes = sqlite_store.read(lambda tx: connection(tx).execute(text("SELECT note FROM audit_checkpoint ORDER BY size")).scalars().all())
    bundle = audit.bundle()
    assert len(notes) > 40
    for note in notes:
        assert verify(bundle, audit.vkey, note).grown_from == Checkpoint.open(note, key, verify_ed25519).size


def test_a_restored_older_database_is_noticed_and_signs_nothing_more(audit: World, fixed_clock: FixedClock, tmp_path: Path) -> None:
    """The state file knows a larger log: the sequencer stops, and nothing is recorded or disclosed until an operator decides."""
    audit.write(3)
    backup = copy_of(audit.store, tmp_path / "backup.sqlite")  # type: ignore[arg-type]
    audit.write(2)
    later = world(restored(backup, tmp_path / "restored.sqlite"), fixed_clock, tmp_path)
    later.log.record(event())
    assert later.sequencer.drain() == 0
    (health,) = later.log.health()
    assert (health.state, health.ok) == ("log_forked", False)
    fixed_clock.advance(timedelta(seconds=2))
    for action in (Action.VALUES_REVEALED, Action.CONSENT_GIVEN):
        with pytest.raises(AuditUnavailable, match="reopen"):
            later.log.record(event(action))


def test_a_restored_database_that_grew_again_is_noticed_by_its_root(audit: World, fixed_clock: FixedClock, tmp_path: Path) -> None:
    """More entries than before do not hide that they are others."""
    audit.write(3)
    backup = copy_of(audit.store, tmp_path / "backup.sqlite")  # type: ignore[arg-type]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copyfile(tmp_path / "signed.json", elsewhere / "signed.json")
    audit.write(2)
    store = restored(backup, tmp_path / "restored.sqlite")
    world(store, fixed_clock, elsewhere).write(5)  # with a state file of the same age nobody can know
    here = world(store, fixed_clock, tmp_path)
    here.sequencer.tick()
    assert here.log.health()[0].state == LogState.FORKED


def test_a_database_put_back_while_the_service_runs_is_noticed_too(audit: World, fixed_clock: FixedClock, tmp_path: Path) -> None:
    """What was signed is compared at every tick, not at the start alone."""
    audit.write(3)
    audit.store.run(lambda tx: connection(tx).execute(text("UPDATE audit_standing SET size = 2")))
    audit.log.record(event())
    assert audit.sequencer.tick() == 0
    assert audit.log.health()[0].state == LogState.FORKED


def test_altered_tiles_are_noticed_before_anything_is_signed_over_them(audit: World) -> None:
    """A hash that was changed in the database no longer gives the signed root."""
    audit.write(3)
    audit.store.run(lambda tx: connection(tx).execute(text("UPDATE audit_tile SET hashes = zeroblob(96)")))
    audit.log.record(event())
    assert audit.sequencer.tick() == 0
    assert audit.log.health()[0].state == LogState.FORKED


def test_a_forked_log_goes_on_under_a_new_name_whose_first_entry_tells(audit: World, fixed_clock: FixedClock, tmp_path: Path) -> None:
    """One way on: the next generation, its own key line, the old end named in its first entry; the old log stays readable."""
    dba = actor_as("admin", ref="operator:root")
    with pytest.raises(NotFound):
        audit.log.reopen(dba)
    audit.write(3)
    with pytest.raises(Conflict):
        audit.log.reopen(dba)
    audit.store.run(lambda tx: connection(tx).execute(text("UPDATE audit_standing SET state = 'log_forked'")))
    assert audit.log.reopen(dba) == "default/2"
    audit.write(1)
    events = audit.trail.events(CAROL, EventFilter()).events
    assert [found["action"] for found in events] == ["access:decision:made", "audit:log:forked"]
    assert events[1]["object"]["ref"] == "default/1"
    assert events[1]["counts"] == {"size": 3}
    old = audit.trail.checkpoint(CAROL, 1)
    assert events[1]["related"] == [base64.b64decode(old.splitlines()[2]).hex()]
    assert len(audit.trail.events(CAROL, EventFilter(), generation=1).events) == 3
    assert [health.log_id for health in audit.log.health()] == ["default/2"]
    assert verify(audit.bundle(), audit.vkey).size == 2


def test_one_forked_log_does_not_stop_the_others(audit: World, fixed_clock: FixedClock) -> None:
    """Tenants do not answer for each other's databases."""
    other = actor_as("application", tenant=OTHER_TENANT)
    audit.write(2)
    audit.write(1, actor=other)
    audit.log.record(event())
    audit.store.run(lambda tx: connection(tx).execute(text("UPDATE audit_standing SET size = 1 WHERE log_id = 'default/1'")))
    audit.log.record(event(actor=other))
    audit.sequencer.drain()
    audit.sequencer.drain()
    assert {health.log_id: (health.state, health.size) for health in audit.log.health()} == {"default/1": ("log_forked", 1), "other/1": ("open", 2)}


def test_a_crash_between_commit_and_state_file_is_made_good(audit: World, fixed_clock: FixedClock, tmp_path: Path) -> None:
    """The file may lag by one tick; the next start takes the log as it is and goes on."""
    audit.write(3)
    state = tmp_path / "signed.json"
    behind = state.read_bytes()
    audit.write(2)
    state.write_bytes(behind)
    again = world(audit.store, fixed_clock, tmp_path)
    assert len(again.write(1)) == 1
    assert (SignedStateFile(state).load() or {})["default/1"].size == 6
    assert verify(again.bundle(), again.vkey).size == 6


def test_without_a_writable_state_file_nothing_more_is_signed(audit: World, fixed_clock: FixedClock, tmp_path: Path) -> None:
    """The defence against rollback is not given up silently."""
    state = tmp_path / "state"
    state.mkdir()
    shutil.copyfile(_written(audit, tmp_path), state / "signed.json")
    gone = world(audit.store, fixed_clock, state)
    gone.sequencer.tick()
    state.rename(tmp_path / "elsewhere")
    audit.log.record(event())
    with pytest.raises(Misconfigured):
        gone.sequencer.tick()
    audit.log.record(event())
    with pytest.raises(Misconfigured):
        gone.sequencer.tick()
    assert audit.log.health()[0].size == 2


def test_an_unreadable_state_file_stops_the_start(audit: World, fixed_clock: FixedClock, tmp_path: Path) -> None:
    """A damaged file is not the same as none; readiness says so as well."""
    audit.write(1)
    for content in (b"", b"[]", b'{"default/1": {}}', b'{"default/1": {"size": 1, "root": "zz"}}', b"\xff"):
        (tmp_path / "signed.json").write_bytes(content)
        with pytest.raises(Misconfigured, match=r"signed\.json.*reopen"):
            world(audit.store, fixed_clock, tmp_path).sequencer.tick()
        with pytest.raises(Misconfigured):
            audit.sequencer.check_state()


def _written(audit: World, folder: Path) -> Path:
    audit.write(1)
    return folder / "signed.json"


def test_a_missing_state_file_stops_the_log_until_it_is_put_back(audit: World, fixed_clock: FixedClock, tmp_path: Path) -> None:
    """Nothing is signed, recorded or disclosed; the file comes back and everything goes on under the same name."""
    kept = _written(audit, tmp_path).rename(tmp_path / "kept")
    again = world(audit.store, fixed_clock, tmp_path)
    with pytest.raises(AuditBroken, match="reopen"):
        again.sequencer.check_state()
    again.log.record(event())
    assert again.sequencer.drain() == 0 and not (tmp_path / "signed.json").exists()
    assert [(health.state, health.ok) for health in again.log.health()] == [("signed_lost", False)]
    fixed_clock.advance(timedelta(seconds=2))
    for action in (Action.VALUES_REVEALED, Action.CONSENT_GIVEN):
        with pytest.raises(AuditUnavailable, match=r"signed\.json"):
            again.log.record(event(action))
    kept.rename(tmp_path / "signed.json")
    assert again.sequencer.drain() == 1
    assert [(health.log_id, health.state, health.size) for health in again.log.health()] == [("default/1", "open", 2)]


def test_an_older_database_is_not_hidden_by_taking_the_state_file_away(audit: World, fixed_clock: FixedClock, tmp_path: Path) -> None:
    """Also where the rows that say how far the log is signed were deleted; and the file put back shows the rollback."""
    audit.write(3)
    backup = copy_of(audit.store, tmp_path / "backup.sqlite")  # type: ignore[arg-type]
    audit.write(2)
    kept = (tmp_path / "signed.json").rename(tmp_path / "kept")
    store = restored(backup, tmp_path / "restored.sqlite")
    store.run(lambda tx: connection(tx).execute(text("DELETE FROM audit_standing")))
    later = world(store, fixed_clock, tmp_path)
    later.log.record(event())
    assert later.sequencer.drain() == 0
    assert later.log.health()[0].state == LogState.LOST
    kept.rename(tmp_path / "signed.json")
    assert later.sequencer.drain() == 0
    assert later.log.health()[0].state == LogState.FORKED


def test_a_lost_state_file_is_accepted_by_an_event_at_the_head_of_a_new_log(audit: World, fixed_clock: FixedClock, tmp_path: Path) -> None:
    """Interrupted between its two steps, nothing is opened by itself; the second time it goes through, and another tenant's log stays stopped."""
    dba = actor_as("admin", ref="operator:root")
    audit.write(2, actor=actor_as("application", tenant=OTHER_TENANT))
    audit.write(3)
    (tmp_path / "signed.json").unlink()
    again = world(audit.store, fixed_clock, tmp_path)
    again.sequencer.drain()
    again.sequencer.accept_loss()
    again.sequencer.drain()
    assert {health.state for health in again.log.health()} == {"signed_lost"}
    assert again.log.reopen(dba) == "default/2"
    again.write(1)
    events = again.trail.events(CAROL, EventFilter()).events
    assert [found["action"] for found in events] == ["access:decision:made", "audit:log:resumed"]
    assert (events[1]["object"]["ref"], events[1]["counts"]) == ("default/1", {"size": 3})
    assert {health.log_id: health.state for health in again.log.health()} == {"default/2": "open", f"{OTHER_TENANT}/1": "signed_lost"}
    again.sequencer.check_state()


def test_a_state_file_taken_away_while_the_service_runs_is_not_made_anew(audit: World, tmp_path: Path) -> None:
    """A new file with what this process knows would hide that the old one is gone."""
    _written(audit, tmp_path).unlink()
    audit.log.record(event())
    for _ in range(2):
        with pytest.raises(AuditBroken, match=r"signed\.json"):
            audit.sequencer.tick()
    assert not (tmp_path / "signed.json").exists()
    with pytest.raises(AuditBroken):
        audit.sequencer.check_state()


def test_a_log_that_never_was_signed_begins_its_state_file(audit: World, tmp_path: Path) -> None:
    """Events of a first `privacy init` are no reason to refuse; the file is there before the first signature."""
    audit.log.record(event())
    audit.sequencer.check_state()
    assert audit.sequencer.drain() == 1
    audit.sequencer.check_state()


def test_what_the_sequencer_waits_for_is_in_the_message(audit: World, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A line of the log names the code, whatever the formatter shows beside it."""
    (tmp_path / "signed.json").write_bytes(b"{")
    SequencerThread(audit.sequencer)._tick()
    assert caplog.messages == ["audit sequencer waits: misconfigured"]


def test_the_state_never_shrinks(tmp_path: Path) -> None:
    """Two processes may save in any order; the larger size stays."""
    state = SignedStateFile(tmp_path / "signed.json")
    assert state.load() is None
    state.begin()
    assert state.load() == {}
    state.save("default/1", Signed(5, b"\x05" * 32))
    state.save("default/1", Signed(4, b"\x04" * 32))
    state.save("other/1", Signed(1, b"\x01" * 32))
    assert SignedStateFile(tmp_path / "signed.json").load() == {"default/1": Signed(5, b"\x05" * 32), "other/1": Signed(1, b"\x01" * 32)}
    assert (tmp_path / "signed.json").stat().st_mode & 0o077 == 0


def test_the_thread_signs_in_the_background_and_stops_when_told(audit: World) -> None:
    """Events are signed without anybody asking; stopping takes a moment, not an interval."""
    thread = SequencerThread(audit.sequencer, interval=0.01)
    thread.start()
    written = audit.log.record(event())
    signed = threading.Event()
    for _ in range(500):
        if audit.log.health()[0].size:
            signed.set()
            break
        signed.wait(0.01)
    thread.stop()
    assert signed.is_set()
    assert audit.trail.proof(CAROL, written).index == 0
    audit.log.record(event())
    assert audit.log.health()[0].size == 1


def test_an_outage_does_not_end_the_thread(audit: World) -> None:
    """The sequencer waits a broken database out."""

    class Flaky:
        def __init__(self) -> None:
            self.ticks = 0
            self.recovered = threading.Event()

        def tick(self) -> int:
            self.ticks += 1
            if self.ticks == 1:
                raise AuditUnavailable("gone")
            if self.ticks == 2:
                raise RuntimeError("unforeseen")
            self.recovered.set()
            return 0

    flaky = Flaky()
    thread = SequencerThread(flaky, interval=0.001)  # type: ignore[arg-type]
    thread.start()
    assert flaky.recovered.wait(5)
    thread.stop()


def test_reading_the_log_of_a_subject_is_refused_while_the_log_is_forked(audit: World) -> None:
    """Answers about a person need their own event first."""
    audit.write(1)
    audit.store.run(lambda tx: connection(tx).execute(text("UPDATE audit_standing SET state = 'log_forked'")))
    fresh = world(audit.store, audit.clock, Path("/nowhere"))
    with pytest.raises(AuditUnavailable):
        fresh.trail.events(ALICE, EventFilter(), subject=LI_XIAOMING.ref)
