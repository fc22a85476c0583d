"""The drill of killing the service under load, in short; `scripts/drills/kill.py` alone does it twenty times."""

import contextlib
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.databases import Kind
from tests.e2e.running import ROOT
from tests.servers import ServerMissing

pytestmark = pytest.mark.e2e
TIMES = 3


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.timeout(300)
def test_killing_the_service_loses_nothing_that_was_answered(dialect: str, kind_of: Callable[[str], Kind]) -> None:
    """Every answered call has its event, every consent exactly one, the log has no gap and verifies offline with the pinned key."""
    with contextlib.ExitStack() as lent:
        arguments = ["--times", str(TIMES)]
        if dialect == "postgresql":
            arguments += [part for role in ("--main", "--keys") for part in (role, lent.enter_context(_empty(kind_of)))]
        drill = subprocess.run([sys.executable, ROOT / "scripts/drills/kill.py", *arguments], capture_output=True, text=True, check=False, timeout=280)
    assert drill.returncode == 0, drill.stdout + drill.stderr
    assert "nothing lost, nothing doubled, no gap" in drill.stdout
    assert _answered(drill.stderr) > 20, "the drill killed a service that had nothing to do"


def _empty(kind_of: Callable[[str], Kind]) -> contextlib.AbstractContextManager[str]:
    try:
        return kind_of("postgresql").empty()
    except ServerMissing as missing:
        pytest.skip(f"no postgresql: {missing}")


def _answered(told: str) -> int:
    return int(told.strip().splitlines()[-1].split(" calls answered")[0])
