"""The runner: threads that take jobs, stop when asked, replace what hangs, and never let one kind have everything."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.jobs import SqlJobRepository
from privacy.jobs.leases import Backoff
from privacy.jobs.model import Handler, Job, JobState, Lease, LeaseLost, NewJob
from privacy.jobs.runner import Runner
from privacy.jobs.service import Jobs
from privacy.kernel.ids import DEFAULT_TENANT
from tests.remembering import RememberingLog

Start = Callable[..., Runner]


@pytest.fixture
def jobs(sqlite_store: SqlStore) -> Jobs:
    return Jobs(sqlite_store, SqlJobRepository(), RememberingLog(), lease=timedelta(seconds=0.4), backoff=Backoff(0.01, 1))


@pytest.fixture
def start(jobs: Jobs) -> Iterator[Start]:
    """Start a runner that is stopped after the test."""
    runners: list[Runner] = []

    def begin(handlers: dict[str, Handler], threads: int = 2) -> Runner:
        runner = Runner(jobs, handlers, poll=0.02, reap_every=0.1)
        runners.append(runner)
        runner.start(threads)
        return runner

    yield begin
    for runner in runners:
        runner.stop(1)


def put(store: SqlStore, jobs: Jobs, dedupe: str, kind: str = "work", **given: int) -> Job:
    return store.run(lambda tx: jobs.enqueue(tx, DEFAULT_TENANT, NewJob(kind, {}, dedupe, **given)))


def until(met: Callable[[], bool], seconds: float = 8) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


def test_jobs_are_done_soon_after_they_are_enqueued(sqlite_store: SqlStore, jobs: Jobs, start: Start) -> None:
    """Each once, also those enqueued while others run; a job of a kind nobody here knows stays."""
    seen: list[str] = []
    start({"work": lambda lease: seen.append(lease.job.id)})
    made = [put(sqlite_store, jobs, f"job:{n}").id for n in range(20)]
    unknown = put(sqlite_store, jobs, "other", kind="unknown")
    until(lambda: jobs.counts()[JobState.READY] == 1 and jobs.counts()[JobState.LEASED] == 0)
    assert sorted(seen) == made
    assert jobs.of(DEFAULT_TENANT, unknown.id).state is JobState.READY


def test_stopping_gives_a_job_back_with_its_progress(sqlite_store: SqlStore, jobs: Jobs, start: Start) -> None:
    """A long job is at once ready for another process, no attempt counted, and goes on where it was."""
    job = put(sqlite_store, jobs, "long")

    def long(lease: Lease) -> None:
        for done in range(10_000):
            lease.renew(done, 10_000, "copy")
            time.sleep(0.002)

    runner = start({"work": long})
    until(lambda: jobs.of(DEFAULT_TENANT, job.id).done > 10)
    began = time.monotonic()
    runner.stop()
    left = jobs.of(DEFAULT_TENANT, job.id)
    assert time.monotonic() - began < 2
    assert (left.state, left.attempts, left.step) == (JobState.READY, 0, "copy")
    assert left.done > 10


def test_a_handler_that_hangs_loses_its_job_and_its_thread_is_replaced(sqlite_store: SqlStore, jobs: Jobs, start: Start) -> None:
    """One thread: the job that hangs is tried again and done, others are done too, and what the hanging one says later counts for nothing."""
    released, late = threading.Event(), []
    attempts: list[Lease] = []

    def hang_once(lease: Lease) -> None:
        attempts.append(lease)
        if len(attempts) == 1:
            released.wait(10)
            try:
                lease.renew(1)
            except LeaseLost:
                late.append("lost")
                raise

    hanging = put(sqlite_store, jobs, "hangs", kind="hangs", priority=1)
    other = put(sqlite_store, jobs, "other")
    start({"hangs": hang_once, "work": lambda lease: None}, threads=1)
    until(lambda: {jobs.of(DEFAULT_TENANT, job.id).state for job in (hanging, other)} == {JobState.DONE})
    released.set()
    until(lambda: late == ["lost"])
    assert jobs.of(DEFAULT_TENANT, hanging.id).state is JobState.DONE


def test_no_kind_has_all_threads(sqlite_store: SqlStore, jobs: Jobs, start: Start) -> None:
    """Ten long jobs of one kind wait, and a job of another kind is done beside them all the same."""
    ending = threading.Event()

    def long(lease: Lease) -> None:
        while not ending.wait(0.02):
            lease.renew(0)

    for n in range(10):
        put(sqlite_store, jobs, f"long:{n}", kind="long", priority=1)
    runner = start({"long": long, "work": lambda lease: None}, threads=3)
    until(lambda: runner.running == 2)
    quick = put(sqlite_store, jobs, "quick")
    until(lambda: jobs.of(DEFAULT_TENANT, quick.id).state is JobState.DONE)
    assert jobs.counts()[JobState.LEASED] == 2
    ending.set()


def test_an_outage_of_the_database_is_waited_out(sqlite_store: SqlStore, jobs: Jobs, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the runner ends because the queue cannot be asked for a while."""
    real, calls = jobs.leases.claim, []

    def broken(*given: object, **named: object) -> list[Job]:
        calls.append(1)
        raise OSError

    monkeypatch.setattr(jobs.leases, "claim", broken)
    start({"work": lambda lease: None})
    job = put(sqlite_store, jobs, "waits")
    until(lambda: len(calls) > 2)
    monkeypatch.setattr(jobs.leases, "claim", real)
    until(lambda: jobs.of(DEFAULT_TENANT, job.id).state is JobState.DONE)
