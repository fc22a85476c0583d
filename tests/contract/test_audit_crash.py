"""kill -9 while rows are changed and sequenced: nothing acknowledged is lost, nothing half is left, the log goes on."""

import subprocess
import sys
from pathlib import Path

from privacy.adapters.store.engine import SqlStore, connection
from privacy.audit.verifier import Checkpoint
from privacy.kernel.clock import SystemClock
from tests.audit.builders import verify, world
from tests.cast import CAROL

KILLS = 3
PROJECT = Path(__file__).resolve().parents[2]


def run_until_killed(url: str, state: Path, acknowledged: int) -> list[str]:
    """Let the process work until it has acknowledged so many changes, kill it, and return what it acknowledged."""
    command = [sys.executable, "-m", "tests.audit.crashing", url, str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as process:
        assert process.stdout
        lines = [process.stdout.readline() for _ in range(acknowledged)]
        process.kill()
        lines += process.stdout.readlines()
    return [line.strip() for line in lines if line.endswith("\n")]


def test_after_every_kill_the_log_holds_exactly_what_was_committed(main_url: str, tmp_path: Path) -> None:
    """Rows equal events, acknowledged events are all there, the log has no gap, and every kept checkpoint is continued."""
    store = SqlStore(main_url)
    store.run(lambda tx: connection(tx).exec_driver_sql("CREATE TABLE crash_row (event VARCHAR(64) PRIMARY KEY)"))
    acknowledged: list[str] = []
    checkpoints: list[str] = []
    try:
        audit = world(store, SystemClock(), tmp_path)
        for kill in range(KILLS):
            acknowledged += run_until_killed(main_url, tmp_path, 10 + 15 * kill)
            checkpoints += store.read(lambda tx: connection(tx).exec_driver_sql("SELECT note FROM audit_checkpoint ORDER BY size DESC LIMIT 5").scalars().all())
        audit.sequencer.drain()
        assert audit.log.health()[0].state == "open"
        size = Checkpoint.parse(audit.trail.checkpoint(CAROL).partition("\n\n")[0] + "\n").size
        logged = [entry.event for entry in store.read(lambda tx: audit.repository.entries(tx, "default/1", 0, size))]
        rows = store.read(lambda tx: connection(tx).exec_driver_sql("SELECT event FROM crash_row").scalars().all())
        assert len(logged) == len(set(logged)) == size
        assert set(logged) == set(rows)
        assert set(acknowledged) <= set(logged)
        bundle = audit.bundle()
        for note in checkpoints:
            verify(bundle, audit.vkey, note)
        audit.log.close()
    finally:
        store.close()
