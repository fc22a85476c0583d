"""How much the service and its commands weigh."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cast import LI_XIAOMING
from tests.e2e.office import Office
from tests.e2e.running import ROOT, Running

pytestmark = pytest.mark.e2e
HEAVY = ("sqlalchemy", "flask", "presidio_analyzer", "presidio_anonymizer", "spacy", "pyarrow", "casbin", "pydantic", "alembic")
MOST_MIB = 250


@pytest.mark.parametrize("words", [["--help"], ["audit", "verify", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    """As the interpreter itself lists it."""
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "privacy", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage:")
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "click" in imported
    assert imported.isdisjoint(HEAVY)


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read from /proc")
def test_a_serving_process_stays_below_250_mb_after_work(office: Office) -> None:
    """After detection in both languages and masking, not before it: what is imported on first use counts."""
    application = office.as_("application")
    texts = [f"客户{LI_XIAOMING.name}，手机{LI_XIAOMING.phone}", "Jane Smith, jane@example.com, paid with 4111 1111 1111 1111, call +44 7700 900417"] * 100
    assert all(application.detect(texts))
    assert len(application.mask(purpose="support", texts=texts)["texts"]) == 200
    weights = {pid: proportional_mib(pid) for pid in workers(office.service)}
    assert weights
    assert max(weights.values()) < MOST_MIB, weights


def workers(service: Running) -> list[int]:
    """Return the processes that answer: the children of the one that was started."""
    return [int(pid) for pid in Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()]


def proportional_mib(pid: int) -> float:
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found
    return int(found.group(1)) / 1024
