"""A process that changes rows with their events and sequences beside it until somebody kills it: `python -m tests.audit.crashing URL STATE_DIR`.

Prints the id of every event whose transaction was acknowledged.
"""

import itertools
import sys
import threading
from pathlib import Path

from privacy.adapters.store.engine import SqlStore, connection
from privacy.audit.sequencer import SequencerThread
from privacy.kernel.clock import SystemClock
from privacy.kernel.store import Tx
from tests.audit.builders import World, event, world


def change(audit: World, numbers: "itertools.count[int]", printing: threading.Lock) -> None:
    def both(tx: Tx) -> str:
        written = audit.log.append(tx, event())
        connection(tx).exec_driver_sql(f"INSERT INTO crash_row (event) VALUES ('{written}')")
        if next(numbers) % 5 == 0:
            raise ZeroDivisionError  # a change that fails takes its event with it
        return written

    while True:
        try:
            written = audit.store.run(both)
        except ZeroDivisionError:
            continue
        with printing:
            print(written, flush=True)


def main(url: str, state: str) -> None:
    audit = world(SqlStore(url), SystemClock(), Path(state), batch=50)
    SequencerThread(audit.sequencer, 0.01).start()
    numbers, printing = itertools.count(1), threading.Lock()
    threads = [threading.Thread(target=change, args=(audit, numbers, printing)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
