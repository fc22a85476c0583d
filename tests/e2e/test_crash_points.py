"""A process that dies by kill -9 in the middle of an act on a connected database: after the next start everything is as if it had not.

A few points of each; `scripts/drills/crash.py` tries as many as one likes.
"""

from pathlib import Path

import pytest

from tests.drills.acts import ACTS
from tests.drills.crashing import Drill, chosen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")]


@pytest.mark.parametrize("act", sorted(ACTS))
def test_an_act_killed_anywhere_ends_as_if_undisturbed(act: str, empty_url: str, tmp_path: Path) -> None:
    drill = Drill(tmp_path, empty_url, ACTS[act]())
    drill.prepare()
    end, points = drill.undisturbed()
    for point in chosen(points, 4, seed=len(act)):
        assert drill.killed_at(point) == end, f"killed at point {point} of {points}"
