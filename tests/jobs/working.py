"""A worker process that kills itself at a seeded point of its work: `python -m tests.jobs.working URL PASSAGES`, 0 to live until everything is done.

Each job has three steps, each an effect row written under the fence in a transaction of its own; the last one completes the job. Nothing but the fence
and the transactions keeps the rows single: the table has no unique key.
"""

import os
import signal
import sys
import threading
import time
from datetime import timedelta

from sqlalchemy import text

from privacy.adapters.store.engine import SqlStore, connection
from privacy.adapters.store.jobs import SqlJobRepository
from privacy.jobs.leases import Backoff
from privacy.jobs.model import JobState, Lease, NewJob
from privacy.jobs.runner import Runner
from privacy.jobs.service import Jobs
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.store import Tx
from tests.remembering import RememberingLog

STEPS = 3


def open_jobs(store: SqlStore) -> Jobs:
    return Jobs(store, SqlJobRepository(), RememberingLog(), lease=timedelta(seconds=1), backoff=Backoff(0.05, 1))


def prepare(store: SqlStore, count: int) -> None:
    """Make the table of effects and enqueue `count` jobs, some of them in lanes."""
    store.run(lambda tx: connection(tx).execute(text("CREATE TABLE effect (job VARCHAR(64), step INTEGER)")))
    jobs = open_jobs(store)
    for n in range(count):
        # a kill costs an attempt: here it is never the job's fault
        new = NewJob("test.work", {"n": n}, f"job:{n}", max_attempts=100, lane=f"lane:{n % 5}" if n % 2 else "")
        store.run(lambda tx, new=new: jobs.enqueue(tx, DEFAULT_TENANT, new))  # type: ignore[misc]


class Worker:
    """Handler that counts its passages and dies at the last one."""

    def __init__(self, store: SqlStore, passages: int) -> None:
        self._store, self._left, self._lock = store, passages, threading.Lock()

    def __call__(self, lease: Lease) -> None:
        for step in range(STEPS):
            lease.renew(step, STEPS)
            self._pass()
            self._store.run(lambda tx, step=step: self._effect(tx, lease, step))  # type: ignore[misc]
            self._pass()

    def _effect(self, tx: Tx, lease: Lease, step: int) -> None:
        lease.guard(tx)
        row = {"job": lease.job.id, "step": step}
        if not connection(tx).execute(text("SELECT count(*) FROM effect WHERE job = :job AND step = :step"), row).scalar_one():
            connection(tx).execute(text("INSERT INTO effect (job, step) VALUES (:job, :step)"), row)
        self._pass()
        if step == STEPS - 1:
            lease.complete(tx)
        self._pass()

    def _pass(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, passages: str) -> None:
    store = SqlStore(url, timeout=10)
    jobs = open_jobs(store)
    runner = Runner(jobs, {"test.work": Worker(store, int(passages))}, poll=0.02, reap_every=0.2)
    runner.start(2)
    while (counts := jobs.counts())[JobState.READY] or counts[JobState.LEASED]:
        time.sleep(0.05)
    runner.stop()
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
