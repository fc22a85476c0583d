"""Fixtures for every test: fresh databases of three kinds, a clock that stands still, no network, no leaks, no silent skips."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.kernel.clock import FixedClock
from tests import servers
from tests.databases import DIALECTS, KEYS, MAIN, Kind, Postgresql, open_kind
from tests.leaks import LeakScan, watch_everything
from tests.servers import RUN_VARIABLE, ServerMissing
from tests.sockets import guard_sockets

_SCAN = pytest.StashKey[LeakScan]()
_PATCH = pytest.StashKey[pytest.MonkeyPatch]()
_RUN = pytest.StashKey[Path]()
_NO_SKIPS = "Skipped, although PRIVACY_REQUIRE_DATABASES=1 lets nothing be skipped"


class DatabaseUrls(NamedTuple):
    main: str
    keys: str


# --- the run as a whole ------------------------------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_RUN] = servers.open_run()
    config.stash[_SCAN] = LeakScan()
    watch_everything(config.stash[_SCAN])
    config.stash[_PATCH] = pytest.MonkeyPatch()
    guard_sockets(config.stash[_PATCH])


def pytest_unconfigure(config: pytest.Config) -> None:
    if patch := config.stash.get(_PATCH, None):
        patch.undo()
    if run := config.stash.get(_RUN, None):
        _drop_templates(run)
        servers.close_run(run)


def _drop_templates(run: Path) -> None:
    # a cluster of our own goes with its folder; on a given server the templates are ours to remove
    if os.environ.get("TEST_POSTGRES_URL") and (run / "postgresql-sweep.lock").exists():
        kind = Postgresql(run)
        kind.drop_templates()
        kind.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and _may_not_be_skipped(report):
        report.outcome = "failed"
        report.longrepr = f"{_NO_SKIPS}: {_reason(report)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and _may_not_be_skipped(report):
        report.outcome = "failed"
        report.longrepr = f"{_NO_SKIPS}: {_reason(report)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reasons[_reason(report)] = reasons.get(_reason(report), 0) + 1
    if reasons:
        terminalreporter.section("COULD NOT RUN", red=True, bold=True)
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"{count:5} tests  {reason}", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    # what threads and fixtures logged after the last test looked
    if left := session.config.stash[_SCAN].take():
        print("\n".join(["", "PERSONAL VALUES IN THE LOG:", *map(str, left)]))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def _may_not_be_skipped(report: pytest.TestReport | pytest.CollectReport) -> bool:
    """Where databases are required nothing is skipped, but for want of sample data that no clone carries."""
    lacks_samples = "PRIVACY_TEST_DATA" not in os.environ and "PRIVACY_TEST_DATA is not set" in _reason(report)
    return os.environ.get("PRIVACY_REQUIRE_DATABASES") == "1" and not lacks_samples


@pytest.fixture(autouse=True)
def no_leaks(pytestconfig: pytest.Config) -> Iterator[None]:
    """Fail the test during which a log record showed a value of the cast."""
    yield
    if leaks := pytestconfig.stash[_SCAN].take():
        pytest.fail("Personal values in the log:\n" + "\n".join(map(str, leaks)), pytrace=False)


# --- databases ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def kind_of() -> Iterator[Callable[[str], Kind]]:
    """Open each kind of database once per worker, when the first test asks for it."""
    run, worker = Path(os.environ[RUN_VARIABLE]), os.environ.get("PYTEST_XDIST_WORKER", "solo")
    opened: dict[str, Kind] = {}

    def lend(name: str) -> Kind:
        if name not in opened:
            opened[name] = open_kind(name, run, worker)
        return opened[name]

    yield lend
    for kind in opened.values():
        kind.close()


@pytest.fixture(params=DIALECTS)
def database_kind(request: pytest.FixtureRequest, kind_of: Callable[[str], Kind]) -> Kind:
    """One kind of database after the other; a test that uses it, or a fixture below, runs on all three."""
    return _kind(kind_of, request.param)


def _kind(kind_of: Callable[[str], Kind], name: str) -> Kind:
    try:
        return kind_of(name)
    except ServerMissing as missing:
        pytest.skip(f"no {name}: {missing}")


@pytest.fixture
def main_url(database_kind: Kind) -> Iterator[str]:
    with database_kind.migrated(MAIN) as url:
        yield url


@pytest.fixture
def keys_url(database_kind: Kind) -> Iterator[str]:
    with database_kind.migrated(KEYS) as url:
        yield url


@pytest.fixture
def empty_url(database_kind: Kind) -> Iterator[str]:
    """A database with nothing in it: for connectors, migrations and whoever brings tables of their own."""
    with database_kind.empty() as url:
        yield url


@pytest.fixture
def database_urls(main_url: str, keys_url: str) -> DatabaseUrls:
    return DatabaseUrls(main_url, keys_url)


@pytest.fixture
def store(main_url: str) -> Iterator[SqlStore]:
    """The migrated main database, fresh, on each of the three kinds."""
    yield from _opened(main_url, MAIN)


@pytest.fixture
def keys_store(keys_url: str) -> Iterator[SqlStore]:
    """The migrated keys database, fresh, of the same kind as `store`."""
    yield from _opened(keys_url, KEYS)


@pytest.fixture
def sqlite_urls(kind_of: Callable[[str], Kind]) -> Iterator[DatabaseUrls]:
    """Both databases as files, for tests where the kind does not matter."""
    with ExitStack() as lent:
        yield DatabaseUrls(*(lent.enter_context(kind_of("sqlite").migrated(role)) for role in (MAIN, KEYS)))


@pytest.fixture
def sqlite_store(sqlite_urls: DatabaseUrls) -> Iterator[SqlStore]:
    yield from _opened(sqlite_urls.main, MAIN)


@pytest.fixture
def sqlite_keys_store(sqlite_urls: DatabaseUrls) -> Iterator[SqlStore]:
    yield from _opened(sqlite_urls.keys, KEYS)


def _opened(url: str, role: str) -> Iterator[SqlStore]:
    opened = SqlStore(url, role=role)
    try:
        yield opened
    finally:
        opened.close()


# --- time --------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def fixed_clock() -> FixedClock:
    """Sunday 22 November 2026, 07:30 UTC, until a test moves it."""
    return FixedClock(datetime(2026, 11, 22, 7, 30, tzinfo=UTC))
