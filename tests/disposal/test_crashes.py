"""Kill -9 at any seam of an erasure, then let another process finish: the same rows, counts, ledger and keys as an undisturbed run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.disposal import shop
from tests.disposal.erasing import Case

POINTS = os.environ.get("PRIVACY_TEST_CRASH_POINTS", "4")  # 40 and more: the drill before a release
SEED = os.environ.get("PRIVACY_TEST_CRASH_SEED", "3")


def test_killed_anywhere_an_erasure_ends_as_if_undisturbed(case: Case, tmp_path: Path) -> None:
    plan = case.plan(shop.subject("xiaoming"))
    case.approve(plan)
    case.application.close()
    drill = tmp_path / "drill"
    shutil.copytree(case.application.config.state_dir, drill / "ready")

    command = [sys.executable, "-m", "tests.disposal.crash_drill", str(drill), case.url, POINTS, SEED]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])

    assert ran.returncode == 0, ran.stderr[-3000:]
    first, *points = [json.loads(line) for line in ran.stdout.splitlines()]
    assert first["result"]["done"] and len(points) == min(int(POINTS), first["seams"])
    assert {point["point"]: point["result"] for point in points} == {point["point"]: first["result"] for point in points}
