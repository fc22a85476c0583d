"""The log as every room uses it: `append` in the caller's transaction, `record` before anything is disclosed.

Guarantees: no event, no change and no disclosure; an answer within a bounded wait; no personal value in a leaf. Order and signatures
come later, from `sequencer.py`: writers never wait for each other.
"""

import contextvars
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from privacy.audit.disclosures import pack
from privacy.audit.events import DISCLOSING, Action, Event
from privacy.audit.leaf import MemoryGuard, build_leaf, subject_rows
from privacy.audit.merkle import leaf_hash
from privacy.audit.notes import check_name
from privacy.audit.ports import DisclosureRow, EventRepository, EventRow, LeafGuard, LogRow, LogState, Seal, Standing, SubjectRow
from privacy.kernel.clock import Clock
from privacy.kernel.errors import AuditUnavailable, Conflict, InvalidInput, NotFound, PrivacyError, StoreUnavailable
from privacy.kernel.ids import EventId, TenantId, new_id
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor

T = TypeVar("T")
_log = logging.getLogger(__name__)
_FRESH = timedelta(seconds=1)  # how long a log's state is believed
_GATE_FRESH, _GATE_ONCE = 1.0, float("inf")
_IDLE = timedelta(seconds=60)  # a sequencer that caught up less than this ago cannot be too far behind
_FORKED = "The audit log contradicts what was signed before, so nothing is recorded or disclosed: run `privacy audit status`, then `privacy audit reopen`."
_LOST = "The record of what was signed is missing, so nothing is recorded or disclosed: put back signed.json, or run `privacy audit reopen`."
_UNWRITABLE = "The audit log cannot be written in time, so nothing was disclosed; try again, or run `privacy doctor`."
_BEHIND = "The audit log's sequencer is more than {} minutes behind, so nothing is disclosed: see that it runs (`privacy audit status`)."


def log_id(tenant: TenantId, generation: int) -> str:
    return f"{tenant}/{generation}"


@dataclass(frozen=True, slots=True)
class LogHealth:
    """How a log stands; `lag_seconds` is the age of the oldest event that is not yet signed."""

    log_id: str
    state: str
    size: int
    lag_seconds: float

    @property
    def ok(self) -> bool:
        return self.state == LogState.OPEN and self.lag_seconds <= 30


@dataclass(frozen=True, slots=True)
class _Known:
    log_id: str
    state: LogState
    behind: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class _Ready:
    row: EventRow
    disclosures: list[DisclosureRow]
    subjects: list[SubjectRow]


class Log:
    """Implements `AuditLog` over a store.

    Args:
        seal: encrypts what leaves the leaf (free text, refused names): (tenant, label, data, context) -> bytes.
        guard: tells personal values among names a caller can shape; None guards nothing.
        max_lag: how far the sequencer may be behind before disclosures are refused.
        patience: seconds `record` waits in all.
        gate: raises when nothing may be disclosed (a restored database that has not followed the erasure ledger); asked with how many seconds old a
            good answer may be.
    """

    def __init__(
        self,
        store: Store,
        repository: EventRepository,
        clock: Clock,
        seal: Seal,
        guard: LeafGuard | None = None,
        *,
        max_lag: timedelta = timedelta(minutes=5),
        patience: float = 3.0,
        gate: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._store, self._repository, self._clock, self._seal = store, repository, clock, seal
        self._guard = MemoryGuard(guard)
        self._max_lag, self._patience = max_lag, patience
        self._gate = gate
        self._known: dict[TenantId, _Known] = {}
        self._waiters = ThreadPoolExecutor(max_workers=64, thread_name_prefix="audit")

    def append(self, tx: Tx, event: Event) -> EventId:
        """Write `event` in the caller's transaction. Raises AuditUnavailable when the log refuses, InvalidInput when the event cannot be a leaf."""
        now = self._clock.now()
        if event.action in DISCLOSING:
            self._gate(_GATE_ONCE)  # inside a transaction the question itself would cost a second connection: asked once per process
        log = self._open(tx, event.actor.tenant, event.action, now)
        return self._insert(tx, self._prepare(event, log, now))

    def record(self, event: Event) -> EventId:
        """Write `event` durably and return; call it *before* anything is disclosed.

        Raises AuditUnavailable after the bounded wait at the latest, whatever hangs; the event may then still be written, but nothing follows it.
        """
        tenant, now = event.actor.tenant, self._clock.now()
        if event.action in DISCLOSING:
            self._gate(_GATE_FRESH)
        known = self._known.get(tenant)
        # made before the transaction: on SQLite the one writer then only inserts
        ready = self._prepare(event, known.log_id if known else log_id(tenant, 1), now)

        def write(tx: Tx) -> EventId:
            log = self._open(tx, tenant, event.action, now)
            return self._insert(tx, ready if log == ready.row.log_id else self._prepare(event, log, now))

        return self._bounded(lambda: self._store.run(write))

    def probe(self) -> list[LogHealth]:
        """Write a row durably and return how every log stands. Raises AuditUnavailable when nothing can be written."""
        self._bounded(lambda: self._store.run(lambda tx: self._repository.touch_probe(tx, self._clock.now())))
        return self.health()

    def health(self) -> list[LogHealth]:
        """Return how every log that is not closed stands."""
        return self._store.read(self._health)

    def erase_subject(self, tx: Tx, tenant: TenantId, audit_refs: Sequence[bytes]) -> tuple[int, int]:
        """Empty the erasable rows of a subject; leaves, roots and proofs stay as they are. Return (subject rows, disclosures).

        Free text goes with the last subject of its event: a reason that concerns several people stays until then.
        """
        return self._repository.erase_subject(tx, tenant, audit_refs)

    def reopen(self, actor: Actor) -> str:
        """Continue a forked log, or one whose record of what was signed is lost, under the next generation. Return the new log id.

        Its first entry tells which of the two it was, and where the last one ended.
        """
        tenant, now = actor.tenant, self._clock.now()

        def continue_in_next(tx: Tx) -> str:
            old = self._repository.newest_log(tx, tenant)
            if old is None:
                raise NotFound("This tenant has no audit log yet.")
            standing = self._standing(tx, old.log_id)
            if standing is None or standing.state not in (LogState.FORKED, LogState.LOST):
                raise Conflict("The audit log is in order; only one that is forked or lost its record is continued under a new generation.")
            new = LogRow(log_id(tenant, old.generation + 1), tenant, old.generation + 1, now)
            self._repository.open_log(tx, new)
            self._repository.save_standing(tx, Standing(old.log_id, LogState.CLOSED, standing.size, standing.root))
            why = Action.LOG_FORKED if standing.state is LogState.FORKED else Action.LOG_RESUMED
            genesis = Event(why, actor, object_type="log", object_ref=old.log_id, counts={"size": standing.size}, related=(standing.root.hex(),))
            self._insert(tx, self._prepare(genesis, new.log_id, now))
            return new.log_id

        opened = self._store.run(continue_in_next)
        self._known.pop(tenant, None)
        return opened

    def close(self) -> None:
        self._waiters.shutdown(wait=False, cancel_futures=True)

    # --- writing -----------------------------------------------------------------------------------------------------------

    def _prepare(self, event: Event, log: str, now: datetime) -> _Ready:
        tenant, event_id = event.actor.tenant, EventId(new_id())
        subjects = subject_rows(event, event_id, log, tenant)
        try:
            leaf = build_leaf(event, event_id, now, self._guard, subjects)
        except (UnicodeEncodeError, ValueError):  # never its text: it quotes what it stumbled over
            raise InvalidInput("An audit event holds text that is not Unicode, or a key or number that canonical JSON does not have.") from None
        disclosures = [self._sealed(tenant, log, event_id, field, *kept) for field, kept in leaf.disclosed.items()]
        return _Ready(EventRow(log, event_id, now, leaf.entry, leaf_hash(leaf.entry)), disclosures, subjects)

    def _insert(self, tx: Tx, ready: _Ready) -> EventId:
        self._repository.add_event(tx, ready.row)
        if ready.disclosures:
            self._repository.add_disclosures(tx, ready.disclosures)
        if ready.subjects:
            self._repository.add_subjects(tx, ready.subjects)
        return ready.row.event

    def _sealed(self, tenant: TenantId, log: str, event_id: EventId, field: str, salt: bytes, value: Any) -> DisclosureRow:
        return DisclosureRow(tenant, log, event_id, field, pack(self._seal, tenant, event_id, field, salt, value))

    def _bounded(self, work: Callable[[], T]) -> T:
        # on a thread of its own, since no setting of a database bounds a commit whose disk hangs
        future = self._waiters.submit(contextvars.copy_context().run, work)
        try:
            return future.result(timeout=self._patience)
        except (StoreUnavailable, Conflict, TimeoutError) as error:
            future.cancel()
            raise error if isinstance(error, AuditUnavailable) else AuditUnavailable(_UNWRITABLE) from None
        except PrivacyError:
            raise
        except Exception as error:  # noqa: BLE001 - a missing grant or table is no bug of the caller, and its text may quote the row
            _log.error("audit log not writable", extra={"kind": type(error).__name__})
            raise AuditUnavailable(_UNWRITABLE) from None

    # --- whether the log takes events ----------------------------------------------------------------------------------------

    def _open(self, tx: Tx, tenant: TenantId, action: Action, now: datetime) -> str:
        known = self._known.get(tenant)
        if known is None or abs(now - known.at) > _FRESH:
            known = self._look(tx, tenant, now)
        if known.state is not LogState.OPEN:
            raise AuditUnavailable(_LOST if known.state is LogState.LOST else _FORKED)
        if known.behind and action in DISCLOSING:
            raise AuditUnavailable(_BEHIND.format(int(self._max_lag.total_seconds() // 60)))
        return known.log_id

    def _look(self, tx: Tx, tenant: TenantId, now: datetime) -> _Known:
        log = self._repository.newest_log(tx, tenant)
        if log is None:
            log = LogRow(log_id(tenant, 1), tenant, 1, now)
            check_name(log.log_id)
            self._repository.open_log(tx, log)
        standing = self._standing(tx, log.log_id)
        behind = self._lag(tx, log.log_id, now) > self._max_lag
        known = _Known(log.log_id, standing.state if standing else LogState.OPEN, behind, now)
        if standing:
            # only what the sequencer saw is sure: this transaction may yet be rolled back, and a new log with it
            self._known[tenant] = known
        return known

    def _standing(self, tx: Tx, log: str) -> Standing | None:
        return next((standing for standing in self._repository.standings(tx) if standing.log_id == log), None)

    def _lag(self, tx: Tx, log: str, now: datetime) -> timedelta:
        progress = self._repository.progress(tx)
        if progress and now - progress.caught_up_at < _IDLE:
            return timedelta(0)
        return self._exact_lag(tx, log, now, progress.low_water if progress else 0)

    def _exact_lag(self, tx: Tx, log: str, now: datetime, low_water: int) -> timedelta:
        oldest = self._repository.oldest_unsequenced(tx, log, low_water)
        return max(now - oldest, timedelta(0)) if oldest else timedelta(0)

    def _health(self, tx: Tx) -> list[LogHealth]:
        now, progress = self._clock.now(), self._repository.progress(tx)
        standings = {standing.log_id: standing for standing in self._repository.standings(tx)}
        found = []
        for log in self._repository.logs(tx):
            standing = standings.get(log.log_id)
            if standing and standing.state is LogState.CLOSED:
                continue
            lag = self._exact_lag(tx, log.log_id, now, progress.low_water if progress else 0)
            found.append(LogHealth(log.log_id, standing.state if standing else LogState.OPEN, standing.size if standing else 0, lag.total_seconds()))
        return found
