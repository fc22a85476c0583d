"""Runs jobs: takes what is ready, hands each to its handler in a thread, and sees to it that every lease ends one way or another.

A lease is renewed by the handler's own `renew` and by nobody else: a handler that hangs loses its job to another worker after the lease's length, and its
thread is replaced. kill -9 at any point is the same to the queue. When a kind fills all threads of a process but one, that one is kept for other kinds.
"""

import contextlib
import logging
import os
import socket
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from privacy.jobs.leases import Leases
from privacy.jobs.model import Handler, Interruption, Job, LeaseLost, PauseWanted, StopWanted
from privacy.jobs.service import Jobs
from privacy.kernel.errors import PrivacyError
from privacy.kernel.ids import new_id
from privacy.kernel.store import Tx

T = TypeVar("T")
_log = logging.getLogger(__name__)
_HANGING = 4  # times as many threads may hang as may work; then no more are begun, and the process has to be restarted
_WRITE_EVERY = 1.0  # seconds between renewals that are written; far below any lease


class HeldLease:
    """Implements `jobs.model.Lease` for one attempt at a job.

    Args:
        stopping: set when the process ends.
        write_every: seconds within which renewals of the same step are not written.
    """

    def __init__(self, leases: Leases, job: Job, stopping: threading.Event, write_every: float = _WRITE_EVERY) -> None:
        self._leases, self._job, self._stopping = leases, job, stopping
        self._write_every = min(write_every, leases.length.total_seconds() / 4)
        self._written = time.monotonic()
        self._shown: tuple[int, int | None, str] = (job.done, job.total, job.step)
        self._unwritten = False
        self.completed = False

    @property
    def job(self) -> Job:
        return self._job

    @property
    def token(self) -> int:
        return self._job.token

    @property
    def ends_at(self) -> float:
        """When the lease ends at the latest, as `time.monotonic` counts: measured from before the renewal was sent."""
        return self._written + self._leases.length.total_seconds()

    def renew(self, done: int, total: int | None = None, step: str = "") -> None:
        shown = (done, total, step)
        # within this time nobody else can have taken the job: the lease is several times as long
        if time.monotonic() - self._written >= self._write_every or step != self._shown[2] or self._stopping.is_set():
            self._write(shown)
        else:
            self._shown, self._unwritten = shown, True
        if self._stopping.is_set():
            raise StopWanted

    def guard(self, tx: Tx) -> None:
        if not self._leases.hold(tx, self._job):
            raise LeaseLost

    def complete(self, tx: Tx, result: Mapping[str, str | int] | None = None) -> None:
        if not self._leases.complete(tx, self._job, result or {}):
            raise LeaseLost
        self.completed = True

    def flush(self) -> None:
        """Write the last progress shown, before the lease is ended."""
        if self._unwritten:
            self._write(self._shown)

    def _write(self, shown: tuple[int, int | None, str]) -> None:
        started = time.monotonic()
        pause_wanted = self._leases.renew(self._job, *shown)
        if pause_wanted is None:
            raise LeaseLost
        self._written, self._shown, self._unwritten = started, shown, False
        if pause_wanted:
            raise PauseWanted


def perform(jobs: Jobs, handler: Handler, lease: HeldLease) -> Exception | None:
    """Run one attempt and end its lease: done, given back, waiting for another attempt, or needing attention. Return the error that ended it."""
    try:
        handler(lease)
        if not lease.completed:
            jobs.leases.finish(lease.job)
    except LeaseLost:
        _log.warning("job was taken over", extra=_named(lease.job))
    except (PauseWanted, StopWanted) as wanted:
        _give_back(jobs, lease, paused=isinstance(wanted, PauseWanted))
    except Exception as error:  # noqa: BLE001 - one broken job must not end the worker
        _log_failure(lease.job, error)
        _show_last(lease)
        jobs.leases.fail(lease.job, error)
        return error
    return None


def run_now(jobs: Jobs, handlers: Mapping[str, Handler], *, reraise: bool = True, stopping: threading.Event | None = None) -> list[Job]:
    """Run every job that is ready and has a handler, also those enqueued meanwhile, in the calling thread; return them as they stand afterwards.

    For `privacy worker --once` and for tests. With `reraise` an error that is no PrivacyError is raised again, once its job has been put back. Once
    `stopping` is set the job at hand is given back and no other taken.
    """
    jobs.leases.reap()
    stopping = stopping or threading.Event()
    run: list[Job] = []
    while not stopping.is_set() and (taken := jobs.leases.claim(handlers, worker_name())):
        lease = HeldLease(jobs.leases, taken[0], stopping)
        error = perform(jobs, handlers[taken[0].kind], lease)
        if reraise and error is not None and not isinstance(error, PrivacyError):
            raise error
        run.append(taken[0])
    return [jobs.of(job.tenant, job.id) for job in run]


class Runner:
    """Runs jobs in threads of this process until stopped: make and start it after any fork.

    Args:
        handlers: what to do for each kind; jobs of other kinds are left to processes that know them.
        poll: seconds between looks for new work while a thread is idle.
        reap_every: seconds between looks for leases that ended by themselves, of any process.
    """

    def __init__(self, jobs: Jobs, handlers: Mapping[str, Handler], *, poll: float = 0.3, reap_every: float = 5.0) -> None:
        self._jobs, self._handlers, self._poll, self._reap_every = jobs, handlers, poll, reap_every
        self._threads = 0
        self._name = worker_name()
        self._stopping = threading.Event()
        self._counting = threading.Lock()
        self._busy = False
        self._active: dict[threading.Thread, HeldLease | None] = {}
        self._given_up: list[threading.Thread] = []
        self._dispatcher: threading.Thread | None = None

    def start(self, threads: int) -> None:
        """Start: so many jobs run at once."""
        self._threads = threads
        self._dispatcher = threading.Thread(target=self._watch, name="jobs", daemon=True)
        self._dispatcher.start()

    def stop(self, timeout: float = 8.0) -> None:
        """Ask every handler to stop at its next `renew` and wait `timeout` seconds in all; jobs go back with their progress.

        A job whose handler does not get there in time is taken up by another worker when its lease ends.
        """
        self._stopping.set()
        deadline = time.monotonic() + timeout
        for thread in [self._dispatcher, *list(self._active)]:
            if thread is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def running(self) -> int:
        """How many jobs this process works on."""
        return sum(lease is not None for lease in list(self._active.values()))

    # --- the watch: keeps threads alive, takes back what hangs ---------------------------------------------------------------------

    def _watch(self) -> None:
        reaped_at = 0.0
        while not self._stopping.is_set():
            self._replace_hanging()
            while len(self._active) < self._threads and len(self._given_up) < _HANGING * self._threads:
                self._add_thread()
            if time.monotonic() - reaped_at >= self._reap_every:
                self._quietly(self._jobs.leases.reap)
                reaped_at = time.monotonic()
            self._stopping.wait(self._poll)

    def _add_thread(self) -> None:
        thread = threading.Thread(target=self._work, name="jobs-worker", daemon=True)
        self._active[thread] = None
        thread.start()

    def _replace_hanging(self) -> None:
        self._given_up = [thread for thread in self._given_up if thread.is_alive()]
        for thread, lease in list(self._active.items()):
            if not thread.is_alive():
                self._active.pop(thread, None)
            elif lease is not None and time.monotonic() > lease.ends_at:
                # the thread cannot be ended from outside; whatever it still tries to write names a token that is no longer good
                _log.error("job hangs: its handler has not renewed, its thread is given up", extra=_named(lease.job))
                self._active.pop(thread, None)
                self._given_up.append(thread)

    # --- a worker thread -----------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        me = threading.current_thread()
        while not self._stopping.is_set() and me in self._active:
            lease = self._quietly(self._claim)
            if lease is None:
                self._stopping.wait(self._poll)
                continue
            self._quietly(lambda lease=lease: perform(self._jobs, self._handlers[lease.job.kind], lease))  # type: ignore[misc]
            if me in self._active:
                self._active[me] = None

    def _claim(self) -> HeldLease | None:
        kinds = self._wanted()
        # after a job there is probably another; else a look first, since taking is a write, also when there is nothing to take
        if not self._busy and not self._jobs.leases.waiting(kinds):
            return None
        taken = self._jobs.leases.claim(kinds, self._name)
        self._busy = bool(taken)
        return self._begin(taken[0]) if taken else None

    def _begin(self, job: Job) -> HeldLease | None:
        lease = HeldLease(self._jobs.leases, job, self._stopping)
        with self._counting:
            if job.kind in self._wanted():
                self._active[threading.current_thread()] = lease
                return lease
        # another thread took one of this kind in the same moment, and now it would have all of them
        self._jobs.leases.give_back(job)
        return None

    def _wanted(self) -> list[str]:
        if self._threads == 1:
            return list(self._handlers)
        share = Counter(lease.job.kind for lease in list(self._active.values()) if lease is not None)
        return [kind for kind in self._handlers if share[kind] < self._threads - 1]

    def _quietly(self, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except PrivacyError as error:
            _log.warning("jobs wait: %s", error.code, extra={"code": error.code})
        except Exception as error:  # noqa: BLE001 - the threads must outlive what nobody foresaw
            _log.error("jobs stumbled: %s at %s", type(error).__name__, _place(error), extra={"error": type(error).__name__})
        self._stopping.wait(self._poll)
        return None


def worker_name() -> str:
    """Return a name for this process as a worker, new with every call: host, process, chance."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{new_id()[-8:]}"


def _give_back(jobs: Jobs, lease: HeldLease, *, paused: bool) -> None:
    _show_last(lease)
    jobs.leases.give_back(lease.job, paused=paused)


def _show_last(lease: HeldLease) -> None:
    # how far it came decides whether the attempt counts; where it cannot be written now, ending the lease says so
    with contextlib.suppress(Interruption, PrivacyError):
        lease.flush()


def _log_failure(job: Job, error: Exception) -> None:
    if isinstance(error, PrivacyError):
        _log.warning("job failed: %s", error.code, extra=_named(job) | {"code": error.code})
    else:  # type and place only: texts may quote rows
        _log.error("job failed: %s at %s", type(error).__name__, _place(error), extra=_named(job) | {"error": type(error).__name__})


def _named(job: Job) -> dict[str, str]:
    return {"job": job.id, "kind": job.kind}


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown place"
