"""Give events their place in the log: gapless indexes, tiles, a signed checkpoint, all in one transaction a tick.

Guarantees: an event can be late, never lost; two sequencers beside each other do no harm; nothing signed leaves before its commit; a database
older than what was signed is noticed, and so is the loss of the file that remembers it: then nothing is signed any more. Events may be written by
any number of transactions in any order.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby

from privacy.audit import merkle, tiles
from privacy.audit.leaf import has_hash, search_columns
from privacy.audit.notes import checkpoint_text, sign
from privacy.audit.ports import EventRow, LeafRepository, LeafRow, LogRow, LogState, Progress, Signed, SignedState, Signer, Standing
from privacy.kernel.clock import Clock
from privacy.kernel.errors import AuditBroken, PrivacyError
from privacy.kernel.store import Store, Tx

_log = logging.getLogger(__name__)
# a number is handed out before its transaction commits, so what is older than this without a leaf is looked for by the sweep alone
_SETTLED = timedelta(minutes=5)
_HEARTBEAT = timedelta(seconds=20)
_SWEEP_EVERY = timedelta(hours=1)
_SWEEP_WINDOW = 20_000
_LOST = (
    "The record of what was signed (signed.json in the state directory) is missing, so nobody can tell whether the audit log was rolled back: put back a copy "
    "of it and restart. If there is none, find out why, then run `privacy audit reopen`."
)


class _Forked(Exception):
    def __init__(self, log_id: str) -> None:
        super().__init__("the log differs from what was signed")
        self.log_id = log_id


class Sequencer:
    """One per process that may sequence; call `tick` from one thread.

    Args:
        origin_of: the full name of a log, from its id; it is the name of the key as well.
        state: where the largest signed size is kept outside the database.
        batch: events a tick takes at most (20,000); on SQLite a tick holds up the writers, so fewer is kinder.
    """

    def __init__(
        self, store: Store, repository: LeafRepository, signer: Signer, origin_of: Callable[[str], str], state: SignedState, clock: Clock, *, batch: int = 5_000
    ) -> None:
        self._store, self._repository, self._signer, self._origin_of, self._state, self._clock = store, repository, signer, origin_of, state, clock
        self._batch = min(batch, 20_000)
        self._signed: dict[str, Signed] | None = None  # the largest signed size of each log, as far as this process knows
        self._unsaved: dict[str, Signed] = {}
        self._seen: deque[tuple[datetime, int]] = deque()  # (when, newest number then): moves the low-water mark
        self._low_water = 0
        self._sweep_from: int | None = 0
        self._swept_at = clock.now()
        self._beat_at: datetime | None = None

    def tick(self) -> int:
        """Sequence what waits, up to one batch, and return how many events that was. Raises StoreUnavailable, AuditBroken or Misconfigured."""
        if self._signed is None and not self._start():
            return 0
        self._save_state()
        taken = self._take(self._low_water, None)
        if taken < self._batch:
            self._beat()
        return taken or self._sweep()

    def drain(self) -> int:
        """Tick until nothing waits; return how many events were sequenced."""
        total = 0
        while taken := self.tick():
            total += taken
        return total

    def check_state(self) -> None:
        """Raise AuditBroken when the record of what was signed is missing though something was, Misconfigured when it cannot be read. Changes nothing."""
        if self._record()[1]:
            raise AuditBroken(_LOST)

    def accept_loss(self) -> None:
        """Begin a new record of what was signed where there is none; logs that were stopped for its loss stay so until they are reopened."""
        self._state.begin()

    # --- one tick ------------------------------------------------------------------------------------------------------------

    def _take(self, after: int, upto: int | None) -> int:
        """Sequence up to one batch of what has after < seq ≤ upto."""
        # most ticks find nothing: they cost a read and no write
        if not self._store.read(lambda tx: self._repository.unsequenced(tx, after, upto, 1, self._stopped(tx))):
            return 0
        try:
            taken, signed = self._store.run(lambda tx: self._in_transaction(tx, after, upto))
        except _Forked as fork:
            self._stop(fork.log_id)
            return 0
        # the commit has returned: only now may anybody, this process included, rely on what was signed
        self._unsaved |= signed
        self._save_state()
        return taken

    def _in_transaction(self, tx: Tx, after: int, upto: int | None) -> tuple[int, dict[str, Signed]]:
        now = self._clock.now()
        self._repository.lock_progress(tx, now)  # before anything is read: what is read after it is what the last holder committed
        rows = self._repository.unsequenced(tx, after, upto, self._batch, self._stopped(tx))
        standings = {standing.log_id: standing for standing in self._repository.standings(tx)}
        signed = {}
        for log_id, group in groupby(sorted(rows, key=lambda row: (row.log_id, row.seq)), key=lambda row: row.log_id):
            standing = standings.get(log_id) or Standing(log_id, LogState.OPEN, 0, merkle.EMPTY_ROOT)
            signed[log_id] = self._extend(tx, standing, list(group), now)
        return len(rows), signed

    def _extend(self, tx: Tx, standing: Standing, rows: Sequence[EventRow], now: datetime) -> Signed:
        log_id = standing.log_id
        self._compare(tx, standing)
        changed = tiles.extend(standing.size, [row.leaf_hash for row in rows], lambda level, n: self._repository.tile(tx, log_id, level, n))
        size = standing.size + len(rows)
        root = merkle.root(tiles.hashes_of(lambda level, n: changed.get((level, n)) or self._repository.tile(tx, log_id, level, n)), size)
        note = sign(checkpoint_text(self._origin_of(log_id), size, root), self._origin_of(log_id), self._signer)
        self._repository.add_leaves(tx, [_leaf_row(row, standing.size + n) for n, row in enumerate(rows)])
        self._repository.put_tiles(tx, log_id, changed)
        self._repository.add_checkpoint(tx, log_id, size, note, now)
        self._repository.save_standing(tx, Standing(log_id, LogState.OPEN, size, root))
        return Signed(size, root)

    # --- rollback and forks ---------------------------------------------------------------------------------------------------

    def _start(self) -> bool:
        """Compare every log with the state file before anything is signed; return False when the file is missing and there are signed logs."""
        signed, orphans = self._record()
        if orphans:
            self._lose(orphans)
            return False
        if signed is None:
            self._state.begin()

        def look(tx: Tx) -> tuple[Progress | None, dict[str, Standing]]:
            return self._repository.progress(tx), {standing.log_id: standing for standing in self._repository.standings(tx)}

        progress, standings = self._store.read(look)
        self._low_water = progress.low_water if progress else 0
        self._signed = dict(signed or {})
        for log_id in self._signed:
            self._check(standings.get(log_id) or Standing(log_id, LogState.OPEN, 0, merkle.EMPTY_ROOT))
        return True

    def _record(self) -> tuple[Mapping[str, Signed] | None, list[Standing]]:
        """Return what the state file holds and, where there is none, the logs that were signed all the same."""
        signed = self._state.load()
        orphans = self._store.read(self._signed_logs) if signed is None else []
        if orphans:
            signed = self._state.load()  # made by another process before its first commit, which is what we just saw
        return signed, orphans if signed is None else []

    def _signed_logs(self, tx: Tx) -> list[Standing]:
        standings = {standing.log_id: standing for standing in self._repository.standings(tx)}

        def of(log: LogRow) -> Standing:
            # a checkpoint cannot be deleted as quietly as a standing
            return standings.get(log.log_id) or Standing(log.log_id, LogState.OPEN, 0, merkle.EMPTY_ROOT)

        found = [of(log) for log in self._repository.logs(tx) if log.log_id in standings or self._repository.checkpoint(tx, log.log_id)]
        return [standing for standing in found if standing.state is not LogState.CLOSED]

    def _lose(self, orphans: Sequence[Standing]) -> None:
        lost = [standing for standing in orphans if standing.state is LogState.OPEN]

        def mark(tx: Tx) -> None:
            for standing in lost:
                self._repository.save_standing(tx, replace(standing, state=LogState.LOST))

        if lost:
            self._store.run(mark)
            _log.error("audit log stopped: signed.json is missing from the state directory though %d log(s) were signed", len(lost))

    def _check(self, standing: Standing) -> None:
        try:
            if standing.state in (LogState.OPEN, LogState.LOST):
                self._store.read(lambda tx: self._compare(tx, standing))
            if standing.state is LogState.LOST:  # the file was put back, and the log continues it
                self._store.run(lambda tx: self._repository.save_standing(tx, replace(standing, state=LogState.OPEN)))
        except _Forked:
            self._stop(standing.log_id)

    def _compare(self, tx: Tx, standing: Standing) -> None:
        """Raise _Forked unless the log is a continuation of everything signed, and its tiles give its own root."""
        hashes = tiles.hashes_of(lambda level, n: self._repository.tile(tx, standing.log_id, level, n))
        seen = (self._signed or {}).get(standing.log_id)
        try:
            if merkle.root(hashes, standing.size) != standing.root:
                raise _Forked(standing.log_id)
            if seen and (standing.size < seen.size or (standing.root if standing.size == seen.size else merkle.root(hashes, seen.size)) != seen.root):
                raise _Forked(standing.log_id)
        except AuditBroken:
            raise _Forked(standing.log_id) from None

    def _stop(self, log_id: str) -> None:
        def mark(tx: Tx) -> None:
            standings = {standing.log_id: standing for standing in self._repository.standings(tx)}
            found = standings.get(log_id) or Standing(log_id, LogState.OPEN, 0, merkle.EMPTY_ROOT)
            self._repository.save_standing(tx, Standing(log_id, LogState.FORKED, found.size, found.root))

        self._store.run(mark)
        _log.error("audit log forked: the database is older than what was signed, or was altered", extra={"log_id": log_id})

    def _stopped(self, tx: Tx) -> list[str]:
        return [standing.log_id for standing in self._repository.standings(tx) if standing.state is not LogState.OPEN]

    def _save_state(self) -> None:
        for log_id, signed in list(self._unsaved.items()):
            self._state.save(log_id, signed)
            assert self._signed is not None
            self._signed[log_id] = signed
            del self._unsaved[log_id]

    # --- what can be left out ---------------------------------------------------------------------------------------------------

    def _sweep(self) -> int:
        """Look once more at a part of what lies below the low-water mark; once round an hour, beginning at the start."""
        now = self._clock.now()
        if self._sweep_from is None and now - self._swept_at >= _SWEEP_EVERY:
            self._sweep_from = 0
        if self._sweep_from is None:
            return 0
        upto = min(self._sweep_from + _SWEEP_WINDOW, self._low_water)
        taken = self._take(self._sweep_from, upto)
        if not taken:
            self._sweep_from, self._swept_at = (upto if upto < self._low_water else None), now
        return taken

    def _beat(self) -> None:
        """Nothing is left: write that down now and then, and up to where nothing can come any more."""
        now = self._clock.now()
        if self._beat_at is not None and now - self._beat_at < _HEARTBEAT:
            return
        self._seen.append((now, self._store.read(self._repository.newest_seq)))
        while self._seen and now - self._seen[0][0] >= _SETTLED:
            self._low_water = max(self._low_water, self._seen.popleft()[1])

        def save(tx: Tx) -> None:
            before = self._repository.lock_progress(tx, now)
            self._repository.save_progress(tx, Progress(max(before.low_water, self._low_water), max(before.caught_up_at, now)))

        self._store.run(save)
        self._beat_at = now


def _leaf_row(row: EventRow, index: int) -> LeafRow:
    if not has_hash(row.entry, row.leaf_hash):
        raise AuditBroken(f"Event {row.event} was altered in the main database before it was signed, so nothing more is signed: restore that database.")
    _, *columns = search_columns(row.entry)
    return LeafRow(row.log_id, index, row.seq, row.event, row.at, *columns)


class SequencerThread:
    """Ticks in the background until stopped; an outage of the database is waited out, events are kept meanwhile."""

    def __init__(self, sequencer: Sequencer, interval: float = 0.5) -> None:
        self._sequencer, self._interval = sequencer, interval
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._serve, name="audit-sequencer", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Let a running tick finish, then stop."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _serve(self) -> None:
        while not self._stopping.is_set():
            if not self._tick():
                self._stopping.wait(self._interval)

    def _tick(self) -> int:
        try:
            return self._sequencer.tick()
        except PrivacyError as error:
            _log.warning("audit sequencer waits: %s", error.code, extra={"code": error.code})
        except Exception as error:  # noqa: BLE001 - the thread must outlive what it did not foresee; type only, texts may quote rows
            _log.error("audit sequencer stumbled: %s", type(error).__name__, extra={"kind": type(error).__name__})
        return 0
