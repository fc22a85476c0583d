"""SQLite's single writer: jobs of many threads share one durable commit.

One fsync per commit is the price of durability, so throughput comes from sharing it (measured 19x with 32 threads). Processes that share the
file (the command line beside the server) take turns by a lock file: SQLite's own busy handler starves writers.
"""

import contextlib
import contextvars
import fcntl
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool

from privacy.adapters.store.anchor import Anchor

T = TypeVar("T")
_GROUP = 256  # jobs that share a commit at most: bounds the wait of the first
_LOG = "write-ahead log"  # in a connection's notes: which one it writes to
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "trusted_schema=OFF")


def sqlite_engine(url: URL, timeout: float, pool_size: int, anchor: Anchor, *, writable: bool) -> Engine:
    """Return an engine whose transactions are explicit: BEGIN IMMEDIATE for the writer, read-only snapshots for readers.

    Every transaction first asks `anchor` whether the file is still the one that was opened.
    """
    engine = create_engine(
        url,
        connect_args={"timeout": timeout, "check_same_thread": False},
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=1 if writable else pool_size,
        max_overflow=0 if writable else pool_size,
        pool_timeout=timeout,
    )

    @event.listens_for(engine, "do_connect")
    def look(*_: Any) -> None:
        anchor.check()  # a new connection would make an empty database in place of one that is gone

    @event.listens_for(engine, "connect")
    def prepare(opened: Any, record: Any) -> None:
        opened.isolation_level = None  # the driver must not open transactions of its own
        cursor = opened.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        if not writable:
            cursor.execute("PRAGMA query_only=ON")
        cursor.execute("SELECT count(*) FROM sqlite_master").fetchall()  # the first read opens the log
        cursor.close()
        record.info[_LOG] = anchor.hold()

    @event.listens_for(engine, "begin")
    def begin(opened: Connection) -> None:
        anchor.check(opened.info[_LOG])
        opened.exec_driver_sql("BEGIN IMMEDIATE" if writable else "BEGIN")

    return engine


class _Job:
    __slots__ = ("context", "fn", "future")

    def __init__(self, fn: Callable[[Connection], Any]) -> None:
        self.fn = fn
        self.context = contextvars.copy_context()
        self.future: Future[Any] = Future()


class GroupCommitWriter:
    """Runs jobs on one thread, a savepoint each, one commit for all that wait. A failed job spoils no other."""

    def __init__(self, url: URL, timeout: float, anchor: Anchor) -> None:
        self._engine = sqlite_engine(url, timeout, 1, anchor, writable=True)
        self._timeout = timeout
        self._gate = f"{url.database}.gate"
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="sqlite-writer", daemon=True)
        self._thread.start()

    def run(self, fn: Callable[[Connection], T]) -> T:
        """Run `fn` in the next group and return its result after the commit.

        Raises TimeoutError after the bounded wait: the job is then withdrawn, or, if it runs just now, its outcome is unknown to the caller.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError("store.run inside store.run: hand the open transaction on instead")
        job = _Job(fn)
        self._jobs.put(job)
        try:
            result: T = job.future.result(timeout=self._timeout + 0.5)
        except TimeoutError:
            job.future.cancel()
            raise
        return result

    def close(self) -> None:
        self._jobs.put(None)
        self._thread.join(timeout=5)
        self._engine.dispose()

    def _serve(self) -> None:
        while (first := self._jobs.get()) is not None:
            group, last = self._gather(first)
            live = [job for job in group if job.future.set_running_or_notify_cancel()]
            if live:
                self._commit(live)
            if last:
                return

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        group = [first]
        while len(group) < _GROUP:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, False
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _commit(self, group: list[_Job]) -> None:
        outcomes: list[tuple[_Job, Any, BaseException | None]] = []
        try:
            with self._turn(), self._engine.connect() as opened, opened.begin():
                outcomes = [(job, *_attempt(opened, job)) for job in group]
        except BaseException as error:  # noqa: BLE001 - the commit failed, so every job of the group failed
            for job in group:
                job.future.set_exception(error)
            return
        for job, result, failure in outcomes:
            if failure is None:
                job.future.set_result(result)
            else:
                job.future.set_exception(failure)

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        try:
            descriptor = os.open(self._gate, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            raise TimeoutError("the folder of the database cannot be written") from None
        try:
            _lock(descriptor, self._timeout)
            yield
        finally:
            os.close(descriptor)  # closing releases the lock, also after kill -9


def _attempt(opened: Connection, job: _Job) -> tuple[Any, BaseException | None]:
    nested = opened.begin_nested()
    try:
        result = job.context.run(job.fn, opened)
    except BaseException as error:  # noqa: BLE001 - handed to the caller that owns the job
        nested.rollback()
        return None, error
    nested.commit()
    return result, None


def _lock(descriptor: int, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    pause = 0.0005
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError("the database is in use by another process") from None
            time.sleep(pause)
            pause = min(pause * 2, 0.01)
