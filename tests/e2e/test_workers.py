"""Real worker processes on an installation: what was missed runs once, told to end they end in order, one of them leads."""

import contextlib
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import text

from privacy.adapters.store.engine import SqlStore, connection
from tests.databases import KEYS, MAIN, Kind
from tests.e2e.office import Installation
from tests.e2e.running import ROOT, serving, surroundings
from tests.servers import ServerMissing

pytestmark = pytest.mark.e2e
_DAY = 86_400_000_000  # microseconds


@pytest.fixture(params=["postgresql", "mariadb"])
def service(request: pytest.FixtureRequest, kind_of: Callable[[str], Kind], tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """An installation on a server database: the environment of its commands."""
    try:
        kind = kind_of(request.param)
    except ServerMissing as missing:
        pytest.skip(f"no {request.param}: {missing}")
    with contextlib.ExitStack() as lent:
        main, keys = (lent.enter_context(kind.empty()) for _ in (MAIN, KEYS))
        environment = surroundings(tmp_path / "var", PRIVACY_DATABASE_URL=main, PRIVACY_KEYS_DATABASE_URL=keys)
        made = privacy(environment, "init")
        assert made.returncode == 0, made.stderr
        yield environment


def privacy(environment: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([ROOT / ".venv/bin/privacy", *arguments], env=dict(environment), cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)


def worker(environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen([ROOT / ".venv/bin/privacy", "worker"], env=dict(environment), cwd=ROOT, stderr=subprocess.PIPE, text=True)


def ran(store: SqlStore) -> list[str]:
    """The states of the nightly job's runs."""
    return list(store.read(lambda tx: connection(tx).execute(text("SELECT state FROM job WHERE kind = 'jobs.purge'")).scalars()))


def let_three_days_pass(store: SqlStore) -> None:
    """Date the slots back, as if nothing had run for three days and more."""
    store.run(lambda tx: connection(tx).execute(text(f"UPDATE schedule_slot SET slot = slot - {3 * _DAY + _DAY // 2}")))


@pytest.mark.timeout(300)
def test_two_workers_started_together_after_downtime_run_what_was_missed_once(service: Mapping[str, str]) -> None:
    """Three nights or four were missed: one run, done, with the gap on record; told to end, both end at once and without an error."""
    once = privacy(service, "worker", "--once")
    assert once.returncode == 0, once.stderr
    store = SqlStore(service["PRIVACY_DATABASE_URL"], timeout=10)
    assert ran(store) == []
    let_three_days_pass(store)
    both = [worker(service), worker(service)]
    try:
        deadline = time.monotonic() + 60
        while ran(store) != ["done"]:
            assert time.monotonic() < deadline, ran(store)
            time.sleep(0.2)
        time.sleep(1)
        assert ran(store) == ["done"]
        for process in both:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(15) for process in both] == [0, 0]
        [standing] = [each for each in json.loads(privacy(service, "jobs", "schedules", "--json").stdout) if each["schedule"] == "jobs.purge"]
        assert standing["missed"] in (2, 3)
    finally:
        store.close()
        for process in both:
            process.kill()
            process.communicate()


def test_a_service_leads_until_it_ends_in_order_and_a_short_worker_may_run_beside_it(installed: Installation, tmp_path: Path) -> None:
    """The process that served ran the schedules too; when it ends the lead is free, so that the next one does not wait."""
    state = installed.copy(tmp_path / "var").state
    store = SqlStore(f"sqlite:///{state / 'main.db'}")

    def led() -> tuple[str, int] | None:
        row = store.read(lambda tx: connection(tx).execute(text("SELECT holder, until FROM leader")).one_or_none())
        return (row.holder, row.until) if row else None

    with serving(state) as service:
        deadline = time.monotonic() + 60
        while led() is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        once = privacy(service.environment, "worker", "--once")
        assert (once.returncode, "0 jobs run" in once.stderr) == (0, True), once.stderr
        assert service.stop() == 0
    held = led()
    store.close()
    assert held is not None
    assert held[1] <= time.time() * 1_000_000
    assert time.time() * 1_000_000 - held[1] < 15_000_000, "resigned, not merely run out"
