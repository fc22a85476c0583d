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
        assert privacy(environment, "init").returncode == 0
        yield environment


def privacy(environment: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([ROOT / ".venv/bin/privacy", *arguments], env=dict(environment), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def worker(environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen([ROOT / ".venv/bin/privacy", "worker"], env=dict(environment), cwd=ROOT, stderr=subprocess.PIPE, text=True)


def purges(environment: Mapping[str, str]) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = json.loads(privacy(environment, "jobs", "list", "--kind", "jobs.purge", "--json").stdout)
    return listed


def let_three_days_pass(url: str) -> None:
    """Date the slots back, as if nothing had run for three days and more."""
    store = SqlStore(url)
    store.run(lambda tx: connection(tx).execute(text(f"UPDATE schedule_slot SET slot = slot - {3 * _DAY + _DAY // 2}")))
    store.close()


@pytest.mark.timeout(180)
def test_two_workers_started_together_after_downtime_run_what_was_missed_once(service: Mapping[str, str]) -> None:
    """Three nights or four were missed: one run, done, with the gap on record; told to end, both end at once and without an error."""
    assert privacy(service, "worker", "--once").returncode == 0
    assert purges(service) == []
    let_three_days_pass(service["PRIVACY_DATABASE_URL"])
    both = [worker(service), worker(service)]
    try:
        deadline = time.monotonic() + 30
        while [job["state"] for job in purges(service)] != ["done"]:
            assert time.monotonic() < deadline, purges(service)
            time.sleep(0.3)
        time.sleep(1)
        assert [job["state"] for job in purges(service)] == ["done"]
        [standing] = [each for each in json.loads(privacy(service, "jobs", "schedules", "--json").stdout) if each["schedule"] == "jobs.purge"]
        assert standing["missed"] in (2, 3)
        began = time.monotonic()
        for process in both:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(10) for process in both] == [0, 0]
        assert time.monotonic() - began < 8
    finally:
        for process in both:
            process.kill()
            process.communicate()


def test_a_service_that_ends_in_order_gives_the_lead_up(installed: Installation, tmp_path: Path) -> None:
    """The process that served ran the schedules too; when it ends the lead is free, so that the next one does not wait."""
    state = installed.copy(tmp_path / "var").state
    store = SqlStore(f"sqlite:///{state / 'main.db'}")

    def led() -> tuple[str, int] | None:
        row = store.read(lambda tx: connection(tx).execute(text("SELECT holder, until FROM leader")).one_or_none())
        return (row.holder, row.until) if row else None

    with serving(state) as service:
        deadline = time.monotonic() + 20
        while led() is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert service.stop() == 0
    held = led()
    store.close()
    assert held is not None
    assert held[1] <= time.time() * 1_000_000
    assert time.time() * 1_000_000 - held[1] < 15_000_000, "resigned, not merely run out"
