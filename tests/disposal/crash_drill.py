"""Kill an erasure with -9 at every seam, one process per point, and let another finish it: `python -m tests.disposal.crash_drill FOLDER URL POINTS SEED`.

FOLDER holds a prepared installation (`ready`: shop connected, plan approved); URL is its connected database. Seams are the moments before and
after each transaction of ours, each batch in the target and each line of the ledger. Prints one JSON line per point: what came out of it.
A process of its own forks for each point, so that nothing is opened before the fork and nothing survives the kill.
"""

import hashlib
import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, inspect, text

from privacy.adapters.database_urls import parse_address
from privacy.adapters.databases.target import SqlTarget
from privacy.adapters.ledger_file import LedgerFile
from privacy.adapters.store.engine import SqlStore
from privacy.application import Application, build
from privacy.disposal.model import PlanState
from privacy.jobs.runner import run_now
from privacy.kernel.ids import DEFAULT_TENANT
from tests.company import tables
from tests.web.steward import config_in

NEVER = 10**9


def main(folder: str, url: str, points: str, seed: str) -> None:
    home = Path(folder)
    undisturbed, seams = attempt(home, url, NEVER)
    print(json.dumps({"point": 0, "seams": seams, "result": undisturbed}), flush=True)
    chosen = sorted(random.Random(int(seed)).sample(range(1, seams + 1), min(int(points), seams)))
    for point in chosen:
        result, _ = attempt(home, url, point)
        print(json.dumps({"point": point, "result": result}), flush=True)


def attempt(home: Path, url: str, point: int) -> tuple[dict[str, Any], int]:
    """Begin an erasure that dies at `point`, finish it in another process, and return what is there then, and how many seams there were."""
    state, seen = home / "state", home / "seams"
    shutil.rmtree(state, ignore_errors=True)
    shutil.copytree(home / "ready", state)
    rebuild(url)
    seen.write_text("0")
    killed = in_child(lambda: run(state, point, seen))
    assert killed == (0 if point == NEVER else signal.SIGKILL), killed
    if point != NEVER:
        assert in_child(lambda: run(state, NEVER, home / "after")) == 0
    result = home / "result.json"
    assert in_child(lambda: result.write_text(json.dumps(outcome(state, url)))) == 0
    return json.loads(result.read_text()), int(seen.read_text())


def in_child(work: Callable[[], object]) -> int:
    """Run `work` in a forked process and return the signal that ended it, 0 when it ended well, -1 when it failed."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)


def run(state: Path, point: int, seen: Path) -> None:
    application = build(config_in(state, PRIVACY_STORE_TIMEOUT="30"))
    # what half a minute of waiting would bring about: the dead worker's lease ends, and so does the wait after it
    _do(application, "UPDATE job SET lease_until = 1 WHERE lease_until IS NOT NULL")
    application.jobs.leases.reap()
    _do(application, "UPDATE job SET run_at = 1 WHERE state = 'ready'")
    arm(point, seen)
    run_now(application.jobs, application.handlers)
    application.close()


def _do(application: Application, statement: str) -> None:
    application.store.run(lambda tx: tx.connection.execute(text(statement)))  # type: ignore[attr-defined]


def arm(point: int, seen: Path) -> None:
    """Count every seam, and kill this process at the one numbered `point`."""
    count = 0

    def seam() -> None:
        nonlocal count
        count += 1
        if count == point:
            os.kill(os.getpid(), signal.SIGKILL)
        if point == NEVER:
            seen.write_text(str(count))

    def around(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def wrapped(*arguments: Any, **named: Any) -> Any:
            seam()
            answer = real(*arguments, **named)
            seam()
            return answer

        setattr(owner, name, wrapped)

    around(SqlStore, "run")
    around(SqlTarget, "apply")
    around(LedgerFile, "_write")


def outcome(state: Path, url: str) -> dict[str, Any]:
    """Return everything that must be the same after any crash: the other database, the plan, the certificate's counts, ledger, keys, the gate."""
    application = build(config_in(state, PRIVACY_STORE_TIMEOUT="30"))
    try:
        (job,) = application.store.read(lambda tx: tx.connection.execute(text("SELECT payload, state FROM job WHERE kind = 'disposal'")).all())  # type: ignore[attr-defined]
        plan = application.disposal.plan_of(DEFAULT_TENANT, json.loads(job.payload)["plan"])
        assert plan is not None
        row = application.store.read(lambda tx: application.departures._places.repository.certificate(tx, DEFAULT_TENANT, plan.id))
        assert row is not None, (plan.state, dict(plan.problems), job.state)
        said = json.loads(row.text.partition("\n")[0])
        application.following.gate(0)
        lines = [(entry.kind, len(entry.lookups)) for entry in application.ledger.entries()]
        dump = hashlib.sha256(repr(sorted((table, sorted(map(repr, rows.items()))) for table, rows in tables.dump(url).items())).encode()).hexdigest()
        return {
            "state": plan.state.value,
            "job": job.state,
            "datasets": [each["datasets"] for each in said["systems"]],
            "keys": len(said["keys"]["destroyed"]),
            "ledger": lines,
            "dump": dump,
            "done": plan.state is PlanState.DONE,
        }
    finally:
        application.close()


def rebuild(url: str) -> None:
    """Bring the connected database back to its first state, our marker table gone."""
    address = parse_address(url, setting="the shop's address")
    engine = create_engine(address.url, connect_args=address.arguments)
    with engine.begin() as opened:
        for name in inspect(opened).get_table_names():
            opened.execute(text(f"DROP TABLE {name}"))
    engine.dispose()
    tables.build(url)


if __name__ == "__main__":
    main(*sys.argv[1:])
