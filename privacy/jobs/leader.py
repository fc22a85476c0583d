"""Who leads: one process at a time, by a lease row in the main database that works on every kind of database.

The leader prolongs its lease every two seconds; the others look twice a second, so that they follow within a second after it ends. What a leader does in
its name it does in a transaction that holds the row (`guard`), so that one who was replaced without noticing does nothing.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from privacy.jobs.ports import ScheduleRepository
from privacy.kernel.errors import PrivacyError
from privacy.kernel.store import Store, Tx

_log = logging.getLogger(__name__)
_NAME = "schedules"


class NotLeading(Exception):
    """Another process leads: do nothing in the leader's name."""


class Leadership:
    """One process's part in the election.

    Args:
        holder: this process, unlike any other.
        length: how long the lease holds without being prolonged: so long nobody leads after a crash.
    """

    def __init__(self, store: Store, repository: ScheduleRepository, holder: str, *, length: timedelta = timedelta(seconds=6)) -> None:
        self._store, self._repository, self._holder, self._length = store, repository, holder, length
        self._token = 0
        self._until = 0.0  # as time.monotonic counts

    @property
    def leading(self) -> bool:
        """Whether this process leads, as far as it can know without asking."""
        return time.monotonic() < self._until

    def seek(self) -> bool:
        """Take the lead where it is free, prolong it where it is ours; return whether it is. A follower only reads."""
        if not self.leading and self._store.read(self._is_taken):
            return False
        started = time.monotonic()
        token = self._store.run(self._take)
        self._token, self._until = (token, started + self._length.total_seconds()) if token else (0, 0.0)
        return self.leading

    def guard(self, tx: Tx) -> None:
        """Hold the lead in this transaction. Raises NotLeading, which rolls it back."""
        if not self._token or not self._repository.hold(tx, _NAME, self._holder, self._token):
            raise NotLeading

    def resign(self) -> None:
        """Give the lead up, so that another process has it at once."""
        if self._token:
            self._token, self._until = 0, 0.0
            self._store.run(lambda tx: self._repository.resign(tx, _NAME, self._holder, self._repository.now(tx)))

    def _is_taken(self, tx: Tx) -> bool:
        led = self._repository.led_until(tx, _NAME)
        return led is not None and led[0] != self._holder and led[1] > self._repository.now(tx)

    def _take(self, tx: Tx) -> int | None:
        now = self._repository.now(tx)
        return self._repository.lead(tx, _NAME, self._holder, now, now + self._length)


class Ticker(Protocol):
    """Calls back when a schedule is due. Only the leader's is running."""

    def start(self, due: Callable[[], None]) -> None: ...

    def stop(self) -> None: ...


class LeaderThread:
    """Seeks the lead in the background and, while this process has it, deals with schedules: when the ticker calls, and every few seconds in any case.

    Args:
        act: deals with what is due; may be called more often than needed.
        poll: seconds between a follower's looks.
        renew_every: seconds between the leader's renewals.
    """

    def __init__(self, leadership: Leadership, ticker: Ticker, act: Callable[[], object], *, poll: float = 0.5, renew_every: float = 2.0) -> None:
        self._leadership, self._ticker, self._act, self._poll, self._renew_every = leadership, ticker, act, poll, renew_every
        self._stopping = False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._serve, name="jobs-leader", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Give the lead up and stop."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _serve(self) -> None:
        leads = False
        while not self._stopping:
            self._wake.clear()
            leads = self._changed(leads, self._quietly(self._leadership.seek) or self._leadership.leading)
            if leads:
                self._quietly(self._act)
            self._wake.wait(self._renew_every if leads else self._poll)
        self._changed(leads, False)
        self._quietly(self._leadership.resign)

    def _changed(self, before: bool, after: bool) -> bool:
        if after and not before:
            self._ticker.start(self._wake.set)
        elif before and not after:
            self._ticker.stop()
        return after

    def _quietly(self, work: Callable[[], object]) -> bool:
        try:
            return bool(work())
        except NotLeading:
            _log.info("another process leads")
        except PrivacyError as error:
            _log.warning("schedules wait: %s", error.code, extra={"code": error.code})
        except Exception as error:  # noqa: BLE001 - the thread must outlive what nobody foresaw; type only, texts may quote rows
            _log.error("schedules stumbled: %s", type(error).__name__, extra={"error": type(error).__name__})
        return False
