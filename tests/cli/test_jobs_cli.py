"""`privacy jobs` and `privacy worker` from a terminal."""

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest

from privacy.adapters.scheduler import CronTimes
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.jobs import SqlJobRepository, SqlScheduleRepository
from privacy.cli import main, session
from privacy.jobs import care
from privacy.jobs.model import Lease, NewJob
from privacy.jobs.runner import run_now
from privacy.jobs.schedules import Schedules
from privacy.jobs.service import Jobs
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import Conflict
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.terms import Actor
from tests.cast import ALICE, CAROL
from tests.remembering import RememberingLog

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def jobs(sqlite_store: SqlStore, fixed_clock: FixedClock) -> Jobs:
    return Jobs(sqlite_store, SqlJobRepository(fixed_clock), RememberingLog())


@pytest.fixture
def run(sqlite_store: SqlStore, jobs: Jobs, fixed_clock: FixedClock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line as somebody and return exit code and output."""
    repository = SqlScheduleRepository(fixed_clock)
    schedules = Schedules(sqlite_store, repository, jobs, [care.SCHEDULE], CronTimes, lambda: [DEFAULT_TENANT], lambda tx: None)
    schedules.fire_due()
    application = SimpleNamespace(jobs=jobs, schedules=schedules, close=lambda: None)

    def call(*arguments: str, actor: Actor = ALICE) -> tuple[int, str]:
        monkeypatch.setattr(session, "open_application", lambda: (application, actor))
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return call


def test_what_needs_attention_is_found_understood_and_tried_again(run: Run, jobs: Jobs, sqlite_store: SqlStore) -> None:
    """The list names the error, `show` tells how to mend it, `retry` begins anew."""
    job = sqlite_store.run(lambda tx: jobs.enqueue(tx, DEFAULT_TENANT, NewJob("test.work", {"plan": "p-1"}, "work:1")))

    def refuse(lease: Lease) -> None:
        lease.renew(4, 9)
        raise Conflict("Make the plan anew.")

    run_now(jobs, {"test.work": refuse})
    code, text = run("jobs", "list", "--state", "needs_attention")
    assert (code, all(word in text for word in (job.id, "conflict", "4/9"))) == (0, True)
    assert "Make the plan anew." in run("jobs", "show", job.id)[1]
    assert json.loads(run("jobs", "retry", job.id, "--json")[1])["state"] == "ready"
    for act, state in (("pause", "paused"), ("resume", "ready"), ("cancel", "cancelled")):
        assert json.loads(run("jobs", act, job.id, "--json")[1])["state"] == state
    assert run("jobs", "retry", job.id)[0] == 1


def test_who_may_look_may_not_act(run: Run, jobs: Jobs, sqlite_store: SqlStore) -> None:
    """The auditor's token lists and is refused the rest; a job that is not there is said not to be."""
    job = sqlite_store.run(lambda tx: jobs.enqueue(tx, DEFAULT_TENANT, NewJob("test.work", {}, "work:1")))
    assert run("jobs", "list", actor=CAROL)[0] == 0
    code, text = run("jobs", "pause", job.id, actor=CAROL)
    assert (code, "jobs:write" in text) == (1, True)
    assert run("jobs", "show", "nothing")[0] == 1


def test_schedules_are_listed_with_what_was_missed(run: Run, fixed_clock: FixedClock) -> None:
    """When each ran last, how many times passed unused, when it is due next."""
    [standing] = json.loads(run("jobs", "schedules", "--json")[1])
    assert (standing["schedule"], standing["last"], standing["missed"]) == ("jobs.purge", None, 0)
    assert standing["next"] == "2026-11-23T02:17:00.000000Z"
    fixed_clock.advance(timedelta(days=1))


def test_a_lasting_worker_is_refused_beside_sqlite(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason and what to do instead; nothing is opened."""
    monkeypatch.setenv("PRIVACY_DATABASE_URL", "sqlite:///nowhere/main.db")
    with pytest.raises(SystemExit) as ended:
        main(["worker"])
    assert (ended.value.code, "--once" in capsys.readouterr().err) == (3, True)
