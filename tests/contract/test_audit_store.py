"""The audit log on every kind of database."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from privacy.adapters.store.audit import INSERT_ONLY, SqlAuditRepository
from privacy.adapters.store.engine import SqlStore, connection
from privacy.audit.events import Action
from privacy.audit.export import ExportRequest
from privacy.audit.log import Log
from privacy.audit.merkle import tree_root
from privacy.audit.ports import EventFilter, EventRow, Progress
from privacy.audit.verifier import Checkpoint, Tampered, check_inclusion, subject_hash
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AuditUnavailable, Conflict, NotFound, StoreUnavailable
from privacy.kernel.store import Tx
from tests.audit.builders import World, audit_ref, event, seal, verify, world
from tests.cast import ALICE, BOB, CAROL, LI_XIAOMING, MARGUERITE, OTHER_TENANT, actor_as


@pytest.fixture
def audit(store: SqlStore, fixed_clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    made = world(store, fixed_clock, tmp_path)
    yield made
    made.log.close()


def test_an_event_comes_back_signed_and_provable(audit: World) -> None:
    """What is recorded stands in the log at an index, under a checkpoint that verifies with the pinned key."""
    audit.write(300)
    report = verify(audit.bundle(), audit.vkey)
    assert (report.first, report.end, report.size, report.disclosed) == (0, 300, 300, 300)


def test_an_event_of_a_change_that_is_rolled_back_is_not_in_the_log(audit: World) -> None:
    """No change, no event: the event lives in the transaction of the change."""

    def fail(tx: Tx) -> None:
        audit.log.append(tx, event())
        raise RuntimeError("the change did not work")

    audit.log.record(event())
    with pytest.raises(RuntimeError):
        audit.store.run(fail)
    audit.log.record(event())
    assert audit.sequencer.drain() == 2


def test_a_log_that_refuses_an_event_is_unavailable_and_no_conflict_of_the_change(audit: World, store: SqlStore) -> None:
    """A constraint or trigger on the log's tables stops what is recorded with 503, whether alone or within a change; then nothing was changed."""
    audit.log.record(event())
    refusing = _copies_of_the_first(audit)
    with pytest.raises(AuditUnavailable):
        refusing.log.record(event(Action.VALUES_REVEALED))

    def change(tx: Tx) -> None:
        audit.repository.touch_probe(tx, audit.clock.now() + timedelta(days=1))
        refusing.log.append(tx, event())

    with pytest.raises(AuditUnavailable):
        store.run(change)
    assert store.read(lambda tx: connection(tx).execute(text("SELECT count(*) FROM audit_progress WHERE name = 'probe'")).scalar()) == 0


def _copies_of_the_first(audit: World) -> World:
    """A log whose every event breaks the unique constraint, as one with a broken table would."""
    taken = audit.store.read(lambda tx: connection(tx).execute(text("SELECT event FROM audit_event")).scalar_one())
    add = audit.repository.add_event

    class Repository(SqlAuditRepository):
        def add_event(self, tx: Tx, row: EventRow) -> None:
            add(tx, replace(row, event=taken))

    return replace(audit, log=Log(audit.store, Repository(), audit.clock, seal))


@pytest.mark.parametrize("table", INSERT_ONLY)
def test_the_database_itself_refuses_to_change_or_remove_what_is_logged(audit: World, store: SqlStore, table: str) -> None:
    """Triggers refuse UPDATE and DELETE on the insert-only tables, whoever asks."""
    audit.write(2)
    for statement in (f"UPDATE {table} SET log_id = log_id", f"DELETE FROM {table}"):
        with pytest.raises((StoreUnavailable, Conflict, DBAPIError)):
            store.run(lambda tx, statement=statement: connection(tx).execute(text(statement)))
    assert verify(audit.bundle(), audit.vkey).size == 2


def test_many_writers_with_failures_among_them_give_a_log_without_gaps(audit: World) -> None:
    """Eight threads append, every third transaction rolls back, the sequencer runs beside them: the log is exactly what committed."""
    committed: list[str] = []
    lock, done = threading.Lock(), threading.Event()

    def write(thread: int) -> None:
        for n in range(30):

            def change(tx: Tx, n: int = n) -> str:
                written = audit.log.append(tx, event(request_id=f"{thread}-{n}"))
                if (n + thread) % 3 == 0:
                    raise ValueError
                return written

            try:
                written = audit.store.run(change)
            except ValueError:
                continue
            with lock:
                committed.append(written)

    def sequence() -> None:
        while not done.is_set():
            audit.sequencer.tick()

    writers = [threading.Thread(target=write, args=(thread,)) for thread in range(8)]
    sequencer = threading.Thread(target=sequence)
    for thread in (*writers, sequencer):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    sequencer.join()
    audit.sequencer.drain()
    size = Checkpoint.parse(audit.trail.checkpoint(CAROL).partition("\n\n")[0] + "\n").size
    entries = audit.store.read(lambda tx: audit.repository.entries(tx, "default/1", 0, size + 1))
    assert [entry.index for entry in entries] == list(range(size))
    assert sorted(entry.event for entry in entries) == sorted(committed)
    assert len(committed) == 160
    assert verify(audit.bundle(), audit.vkey).disclosed == 160


def test_a_transaction_that_commits_late_is_sequenced_late_and_never_lost(audit: World, store: SqlStore) -> None:
    """Numbers are given out before the commit: one that appears below the last one still gets its place."""
    written, may_commit = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        audit.log.append(tx, event(request_id="slow"))
        written.set()
        may_commit.wait(1.5)

    audit.write(1)
    late = threading.Thread(target=lambda: store.run(slow))
    late.start()
    written.wait()
    meanwhile = 0 if store.dialect == "sqlite" else len(audit.write(2))  # SQLite has one writer: its numbers commit in order
    may_commit.set()
    late.join()
    assert audit.sequencer.drain() == 1
    assert verify(audit.bundle(), audit.vkey).end == 2 + meanwhile
    assert audit.trail.events(CAROL, EventFilter()).events[0]["request_id"] == "slow"


def test_the_sweep_finds_what_lies_below_the_low_water_mark(audit: World, fixed_clock: FixedClock, tmp_path: Path) -> None:
    """An event that committed after the mark had passed its number is found by the look at everything."""
    for _ in range(3):
        audit.log.record(event())
    audit.store.run(lambda tx: audit.repository.save_progress(tx, Progress(100, fixed_clock.now())))
    assert world(audit.store, fixed_clock, tmp_path).sequencer.drain() == 3


def test_the_low_water_mark_follows_the_settled_events(audit: World, fixed_clock: FixedClock) -> None:
    """Minutes after an event was sequenced the tick no longer looks at it."""
    audit.write(3)
    for _ in range(20):
        fixed_clock.advance(timedelta(seconds=21))
        audit.sequencer.tick()
    progress = audit.store.read(audit.repository.progress)
    assert progress is not None
    assert progress.low_water == 3
    assert len(audit.write(2)) == 2
    assert verify(audit.bundle(), audit.vkey).end == 5


def test_two_sequencers_beside_each_other_do_no_harm(audit: World, fixed_clock: FixedClock, tmp_path: Path) -> None:
    """Several processes may sequence: the lock lets one at a time, and each sees what the other did."""
    other = world(audit.store, fixed_clock, tmp_path)
    for round_ in range(6):
        audit.log.record(event())
        assert (audit, other)[round_ % 2].sequencer.tick() == 1
    for _ in range(100):
        audit.log.record(event())
    threads = [threading.Thread(target=made.sequencer.drain) for made in (audit, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify(audit.bundle(), audit.vkey).end == 106


def test_events_are_found_by_what_an_auditor_asks(audit: World, fixed_clock: FixedClock) -> None:
    """By action, actor, object, request, outcome and time, newest first, in pages."""
    audit.write(3)
    fixed_clock.advance(timedelta(hours=1))
    moment = fixed_clock.now()
    audit.write(2, action=Action.VALUES_REVEALED, actor=ALICE, object_ref="crm.orders")
    for wanted, expected in (
        (EventFilter(), [4, 3, 2, 1, 0]),
        (EventFilter(actions=(Action.VALUES_REVEALED,)), [4, 3]),
        (EventFilter(actor=BOB.ref), [2, 1, 0]),
        (EventFilter(object_ref="crm.orders"), [4, 3]),
        (EventFilter(request_id="r1"), [4, 1]),
        (EventFilter(outcome="denied"), []),
        (EventFilter(since=moment), [4, 3]),
        (EventFilter(until=moment), [2, 1, 0]),
        (EventFilter(audit_refs=()), []),
    ):
        assert [found["index"] for found in audit.trail.events(CAROL, wanted).events] == expected
    first = audit.trail.events(CAROL, EventFilter(), limit=2)
    assert ([found["index"] for found in first.events], first.next) == ([4, 3], 3)
    last = audit.trail.events(CAROL, EventFilter(), before=1, limit=2)
    assert ([found["index"] for found in last.events], last.next) == ([0], None)


def test_who_saw_a_subjects_phone_is_answered_from_the_erasable_rows(audit: World) -> None:
    """The pseudonym finds the events, the row says which fields and how, and a path proves it under the leaf; the question is an event too."""
    audit.write(1, subjects=[MARGUERITE.ref])
    (seen,) = audit.write(1, subjects=[MARGUERITE.ref, LI_XIAOMING.ref, MARGUERITE.ref])
    (found,) = audit.trail.events(CAROL, EventFilter(), subject=LI_XIAOMING.ref).events
    assert found["id"] == seen
    (proof,) = audit.trail.subject_proof(CAROL, seen, LI_XIAOMING.ref)
    assert (proof.fields, proof.effect) == (("phone",), "masked")
    row = subject_hash(seen, proof.audit_ref, proof.fields, proof.effect, proof.salt)
    check_inclusion(row, proof.n, found["subjects_size"], proof.path, bytes.fromhex(found["subjects_root"]))
    audit.sequencer.drain()
    assert len(audit.trail.events(ALICE, EventFilter(actions=(Action.LOG_READ,))).events) == 2


def test_erasing_a_subject_leaves_every_proof_valid(audit: World) -> None:
    """Rows are emptied, free text goes with the last subject; bundles, roots and the neighbours' paths stay as they were."""
    alone, shared = audit.write(1, subjects=[LI_XIAOMING.ref], free={"reason": "客户来电"}) + audit.write(
        1, subjects=[LI_XIAOMING.ref, MARGUERITE.ref], free={"reason": "a batch"}
    )
    before = audit.bundle()
    refs = [audit_ref(LI_XIAOMING.ref)]
    assert audit.store.run(lambda tx: audit.log.erase_subject(tx, BOB.tenant, refs)) == (2, 1)
    assert verify(before, audit.vkey).size == verify(audit.bundle(), audit.vkey).size == 2
    assert audit.trail.events(CAROL, EventFilter(), subject=LI_XIAOMING.ref).events == []
    assert audit.trail.subject_proof(CAROL, alone, LI_XIAOMING.ref) == []
    assert set(audit.trail.disclosed(CAROL, alone)) == set()
    assert set(audit.trail.disclosed(CAROL, shared)) == {"reason"}
    rows = audit.store.read(lambda tx: audit.repository.subjects(tx, "default/1", shared))
    assert [row.audit_ref is None and row.salt == b"" for row in rows] == [True, False]
    (leaf,) = (found for found in audit.trail.events(CAROL, EventFilter()).events if found["id"] == shared)
    assert tree_root([row.hash for row in rows]).hex() == leaf["subjects_root"]
    (proof,) = audit.trail.subject_proof(CAROL, shared, MARGUERITE.ref)
    assert proof.n == 1


def test_one_tenant_never_sees_the_log_of_another(audit: World) -> None:
    """Every tenant has a log of its own, with its own name and key line."""
    dave = actor_as("auditor", ref="user:dave", tenant=OTHER_TENANT)
    audit.write(2)
    (theirs,) = audit.write(1, actor=dave)
    assert [found["id"] for found in audit.trail.events(dave, EventFilter()).events] == [theirs]
    assert len(audit.trail.events(CAROL, EventFilter()).events) == 2
    with pytest.raises(NotFound):
        audit.trail.proof(CAROL, theirs)
    assert audit.trail.vkey(dave) != audit.vkey
    with pytest.raises(Tampered):
        verify(b"".join(audit.exporter.bundle(dave, ExportRequest())), audit.vkey)


def test_a_log_that_cannot_be_written_refuses_within_three_seconds(audit: World, store: SqlStore) -> None:
    """A lock somebody else holds makes the log unavailable in bounded time: nothing hangs, nothing is disclosed."""
    audit.log.record(event())
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        def lock(tx: Tx) -> None:
            if tx.dialect == "postgresql":
                connection(tx).execute(text("LOCK TABLE audit_event IN ACCESS EXCLUSIVE MODE"))
            elif tx.dialect != "sqlite":
                connection(tx).execute(text("LOCK TABLES audit_event WRITE"))
            held.set()
            release.wait(10)

        store.run(lock)

    holder = threading.Thread(target=lambda: suppressed(hold))
    holder.start()
    held.wait()
    started = time.monotonic()
    try:
        with pytest.raises(AuditUnavailable):
            audit.log.record(event())
        assert time.monotonic() - started < 3.5  # the requirement itself, with room for a busy machine
    finally:
        release.set()
        holder.join()


def suppressed(work: Callable[[], None]) -> None:
    with contextlib.suppress(Exception):
        work()


def test_the_probe_writes_and_reports_how_the_log_stands(audit: World, fixed_clock: FixedClock) -> None:
    """Readiness is a durable write plus the age of what is not signed yet."""
    assert audit.log.probe() == []
    audit.log.record(event())
    fixed_clock.advance(timedelta(seconds=40))
    (waiting,) = audit.log.probe()
    assert (waiting.size, waiting.lag_seconds, waiting.ok) == (0, 40, False)
    audit.sequencer.drain()
    (signed,) = audit.log.probe()
    assert (signed.size, signed.lag_seconds, signed.ok) == (1, 0, True)


def test_disclosures_are_refused_while_the_sequencer_is_far_behind(audit: World, fixed_clock: FixedClock) -> None:
    """Five minutes without a signature: nothing more is disclosed, while changes are still recorded."""
    audit.write(1)
    audit.log.record(event())
    fixed_clock.advance(timedelta(minutes=6))
    with pytest.raises(AuditUnavailable):
        audit.log.record(event(Action.VALUES_REVEALED))
    audit.log.record(event(Action.CONSENT_WITHDRAWN))
    audit.sequencer.drain()
    fixed_clock.advance(timedelta(seconds=2))
    assert audit.log.record(event(Action.VALUES_REVEALED))
