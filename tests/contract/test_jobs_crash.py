"""kill -9 of workers at seeded points of their work: no job is lost, no effect is there twice, on every kind of database."""

import os
import random
import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from privacy.adapters.store.engine import SqlStore, connection
from privacy.jobs.model import JobState
from tests.cast import CAROL
from tests.jobs import working

PROJECT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("PRIVACY_TEST_KILLS", "4"))
JOBS = 10 + 5 * KILLS


def test_workers_that_are_killed_lose_nothing_and_double_nothing(main_url: str) -> None:
    """Three workers at a time; each dies somewhere in its work and another takes its place, until so many were killed; the last ones finish."""
    store, chance = SqlStore(main_url, timeout=10), random.Random(417)
    try:
        working.prepare(store, JOBS)
        killed = 0
        while killed < KILLS:
            killed += run_three(main_url, [chance.randrange(1, 40) for _ in range(3)])
        assert run_three(main_url, [0, 0, 0]) == 0
        effects = store.read(lambda tx: connection(tx).execute(text("SELECT job, step FROM effect")).all())
        states = [job.state for job in working.open_jobs(store).page(CAROL, limit=200).jobs]
    finally:
        store.close()
    assert (len(states), set(states)) == (min(JOBS, 200), {JobState.DONE})
    assert len(effects) == len({(row.job, row.step) for row in effects}) == JOBS * working.STEPS


def run_three(url: str, passages: list[int]) -> int:
    """Run three workers to their ends and return how many were killed."""
    commands = [[sys.executable, "-m", "tests.jobs.working", url, str(count)] for count in passages]
    started = [subprocess.Popen(command, cwd=PROJECT) for command in commands]
    ended = [process.wait(60) for process in started]
    assert set(ended) <= {0, -9}
    return ended.count(-9)
