#!/usr/bin/env python3
"""Kill an act on a connected database at many points, take it up again, and compare the end with an undisturbed run.

    scripts/drills/crash.py [--act erasure …] [--on sqlite postgresql mariadb] [--points 40] [--seed 7]

A point is the moment before or after any commit of any database, or any fsync. Another process writes other people's rows all the time. Needs the development
set-up; makes and drops databases of its own, as the tests do. Exit 1 when a run ended otherwise than the undisturbed one.
"""

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests import servers  # noqa: E402 - the project's folder first
from tests.databases import DIALECTS, open_kind  # noqa: E402
from tests.drills.acts import ACTS  # noqa: E402
from tests.drills.crashing import Drill, chosen  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill acts at many points and compare how they end.")
    parser.add_argument("--act", nargs="+", choices=sorted(ACTS), default=sorted(ACTS))
    parser.add_argument("--on", nargs="+", choices=DIALECTS, default=list(DIALECTS))
    parser.add_argument("--points", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    run, wrong = servers.open_run(), 0
    try:
        for dialect in given.on:
            for act in given.act:
                wrong += drill(run, dialect, act, given.points, given.seed)
    finally:
        servers.close_run(run)
    return 1 if wrong else 0


def drill(run: Path, dialect: str, name: str, count: int, seed: int) -> int:
    """Run one drill and print its lines; return how many points ended wrongly."""
    kind, wrong = open_kind(dialect, run, "drill"), 0
    with tempfile.TemporaryDirectory() as folder, kind.empty() as url:
        tried = Drill(Path(folder), url, ACTS[name]())
        tried.prepare()
        end, points = tried.undisturbed()
        for point in (points_tried := chosen(points, count, seed)):
            found = tried.killed_at(point)
            if found != end:
                wrong += 1
                print(f"  {name} on {dialect}, killed at point {point} of {points}: ended otherwise")
                print("   ", {key: value for key, value in found.outcome.items() if end.outcome[key] != value}, found.lost[:5])
                print("   ", [table for table in end.rows if end.rows[table] != found.rows[table]])
    kind.close()
    print(f"{name} on {dialect}: killed at {len(points_tried)} of {points} points, {wrong} ended otherwise", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
