"""The guards around every test: leaks, network, silent skips, servers left behind. A guard that does not bark is worse than none."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import servers
from tests.cast import LI_XIAOMING
from tests.leaks import LeakScan
from tests.sockets import NetworkRefused

_ROOT = Path(__file__).parents[2]


@pytest.fixture
def scan() -> LeakScan:
    return LeakScan()


@pytest.fixture
def log(scan: LeakScan) -> logging.Logger:
    """A logger that only the scan hears, so that the real one does not fail these tests."""
    logger = logging.Logger("privacy.guarded")  # noqa: LOG001 - outside the tree on purpose
    logger.addHandler(scan)
    return logger


# --- leaks -------------------------------------------------------------------------------------------------------------------------


def test_the_scan_finds_a_value_in_the_message_and_names_it_without_showing_it(scan: LeakScan, log: logging.Logger) -> None:
    """The report of a leak must not be the next leak."""
    log.info("called by %s", LI_XIAOMING.phone)
    (leak,) = scan.take()
    assert "42.phone" in str(leak)
    assert LI_XIAOMING.phone not in str(leak)


def test_the_scan_finds_a_value_in_the_traceback_of_a_logged_error(scan: LeakScan, log: logging.Logger) -> None:
    """Most values reach logs inside the text of an exception."""
    try:
        raise ValueError(f"bad value {LI_XIAOMING.email}")
    except ValueError:
        log.exception("failed")
    assert [leak.value for leak in scan.take()] == ["42.email"]


@pytest.mark.parametrize("render", [json.dumps, ascii, repr])
def test_the_scan_finds_a_chinese_name_however_it_is_escaped(scan: LeakScan, log: logging.Logger, render: object) -> None:
    r"""`李` is as much a leak as the character itself."""
    log.info("%s", render({"name": LI_XIAOMING.name}))  # type: ignore[operator]
    assert [leak.value for leak in scan.take()] == ["42.name"]


def test_the_scan_reports_a_leak_once(scan: LeakScan, log: logging.Logger) -> None:
    """A test is not blamed for the leak of the one before."""
    log.info(LI_XIAOMING.name)
    assert len(scan.take()) == 1
    assert scan.take() == []


def test_the_scan_hears_our_loggers_down_to_debug(pytestconfig: pytest.Config) -> None:
    """What an operator could switch on is scanned, not only what is on by default."""
    scan = next(handler for handler in logging.getLogger().handlers if isinstance(handler, LeakScan))
    before = scan.records_seen
    logging.getLogger("privacy.anything").debug("a quiet line")
    assert scan.records_seen == before + 1


# --- network -----------------------------------------------------------------------------------------------------------------------


def test_a_test_cannot_connect_to_another_machine() -> None:
    """192.0.2.1 is reserved for documentation: even a broken guard would reach nobody."""
    with socket.socket() as out, pytest.raises(NetworkRefused):
        out.connect(("192.0.2.1", 80))


def test_a_test_cannot_look_up_a_name_outside() -> None:
    """A look-up already tells somebody else what we do."""
    with pytest.raises(NetworkRefused):
        socket.getaddrinfo("privacy.example", 443)


def test_a_test_may_talk_to_this_machine() -> None:
    """Servers under test listen on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(("localhost", server.getsockname()[1]), timeout=5):
        pass


# --- the run as a whole ------------------------------------------------------------------------------------------------------------

_SAMPLE = """
import logging
import pytest

def test_that_skips():
    pytest.skip("no such server")

def test_that_leaks():
    logging.getLogger("privacy.sample").info("13904172263")

def test_that_is_fine():
    pass
"""


def run_sample(folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run the sample tests under our conftest in a process of their own."""
    sample = folder / "test_sample.py"
    sample.write_text(_SAMPLE)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "--rootdir", str(folder), "-c", os.devnull, "-q", "-rA", str(sample)]
    given = {name: value for name, value in os.environ.items() if not name.startswith(("PRIVACY_", "PYTEST_"))}
    return subprocess.run(command, cwd=_ROOT, env=given | environment, capture_output=True, text=True, check=False)


def test_a_leak_fails_its_test_and_a_skip_is_told_loudly(tmp_path: Path) -> None:
    """Without the databases a newcomer sees what could not run."""
    done = run_sample(tmp_path)
    assert done.returncode == 1
    assert "test_sample.py::test_that_leaks" in done.stdout.split("ERROR ")[-1]
    assert "COULD NOT RUN" in done.stdout
    assert "2 passed, 1 skipped, 1 error" in done.stdout
    assert "13904172263" not in done.stdout.split("short test summary")[1]


def test_where_databases_are_required_a_skip_is_a_failure(tmp_path: Path) -> None:
    """CI may not turn green by not looking."""
    done = run_sample(tmp_path, PRIVACY_REQUIRE_DATABASES="1")
    assert "test_sample.py::test_that_skips" in done.stdout.split("FAILED ")[-1]
    assert "lets nothing be skipped" in done.stdout


def test_a_killed_run_leaves_a_server_that_the_next_run_stops() -> None:
    """Whatever happens to a run, no server and no folder stays for ever."""
    program = (
        "import os, sys, tempfile\n"
        "tempfile.tempdir = sys.argv[1]\n"
        "from tests import servers\n"
        "run = servers.open_run()\n"
        "servers.start_postgresql(run)\n"
        "print(run, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    base = Path(os.environ[servers.RUN_VARIABLE]) / "killed"  # not tmp_path: the server's user may not enter it
    base.mkdir(mode=0o755)
    killed = subprocess.run([sys.executable, "-c", program, str(base)], cwd=_ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    run = Path(killed.stdout.strip())
    pid = int((run / "postgresql" / "data" / "postmaster.pid").read_text().split()[0])
    servers.sweep(base)
    assert not run.exists()
    assert ended(pid)


def ended(pid: int) -> bool:
    """Tell whether the process is gone, or dead and only not yet collected by its parent."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().split(") ")[1].startswith("Z"):
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False
