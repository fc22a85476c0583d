"""Applies batches to a database until it is killed: `python -m tests.contract.applying URL TOKEN` prints a line for every acknowledged batch."""

import sys
from contextlib import closing

from privacy.adapters.databases.target import open_target
from privacy.disposal.target import Between, Delete, Update

BATCHES, ROWS = 50, 20


def main(url: str, token: int) -> None:
    with closing(open_target(url)) as target:
        for batch in range(BATCHES):
            low = batch * ROWS
            keys = Between("id", low, low + ROWS - 1)
            target.apply("run", batch, token, [Delete("gone", keys), Update("kept", keys, {"n": 1})])
            print(batch, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
