"""A sweep (batches of key ranges, each with its marker) beside one DELETE, and anonymising in batches beside one UPDATE, over the same rows.

Both sides use the same connection settings and leave the same rows. `--url` names a database on a server to measure there as well; two tables of
its own are made in it and removed, the marker table stays.
"""

import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from privacy.adapters.databases.target import SqlTarget
from privacy.adapters.databases.writable import WritableDatabase, open_writable
from privacy.cli.bench_ratio import Ratio
from privacy.disposal.target import Before, Between, Both, Delete, Statement, Update, Where

ROWS = 1_000_000
BATCH = 50_000
_PASSES = 3
_TABLE, _SOURCE = "privacy_bench_sweep", "privacy_bench_source"
_DUE = datetime(2021, 1, 1, tzinfo=UTC)
_DELETE = "peer: one DELETE of the same rows; higher is better"
_UPDATE = "peer: one UPDATE of the same rows; higher is better"


def run(url: str = "", rows: int = ROWS) -> list[Ratio]:
    """Measure on an SQLite file, and at `url` when it is given; about a minute each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sweep.sqlite")
        _sqlite_file(path)
        ratios = _measure(str(path), rows)
    return ratios + (_measure(url, rows) if url else [])


def _sqlite_file(path: Path) -> None:
    import sqlite3

    with closing(sqlite3.connect(path)) as opened:
        opened.execute("PRAGMA journal_mode = WAL")
        opened.execute("CREATE TABLE other (id INTEGER PRIMARY KEY)")


def _measure(url: str, rows: int) -> list[Ratio]:
    with closing(open_writable(url)) as database, _tables(database, rows):
        target = SqlTarget(database)
        due = Before("created", _DUE)
        half = rows // 2
        delete = _compare(
            database, target, lambda: _sweep(target, lambda where: Delete(_TABLE, where), due), "DELETE FROM {table} WHERE created < '2021-01-01'"
        )
        values = {"name": None, "phone": "-"}
        update = _compare(
            database,
            target,
            lambda: _sweep(target, lambda where: Update(_TABLE, where, values), due),
            "UPDATE {table} SET name = NULL, phone = '-' WHERE created < '2021-01-01'",
        )
        kind = "SQLite" if database.kind == "sqlite" else "PostgreSQL" if database.kind == "postgresql" else "MariaDB"
        return [
            Ratio.of_rates(f"sweep, delete, {kind}", half, delete, _DELETE, "rows/s"),
            Ratio.of_rates(f"sweep, anonymise, {kind}", half, update, _UPDATE, "rows/s"),
        ]


def _sweep(target: SqlTarget, statement: Callable[[Where], Statement], due: Where) -> None:
    run_id = uuid.uuid4().hex
    for batch, (low, high) in enumerate(target.boundaries(_TABLE, due, BATCH)):
        target.apply(run_id, batch, 1, [statement(Both((due, Between("id", low, high))))])


def _compare(database: WritableDatabase, target: SqlTarget, ours: Callable[[], None], peer: str) -> tuple[float, float]:
    def theirs() -> None:
        _do(database, peer.format(table=_TABLE))

    best = [float("inf"), float("inf")]
    for _ in range(_PASSES):
        for side, work in enumerate((ours, theirs)):
            _refill(database, target)
            start = time.perf_counter()
            work()
            best[side] = min(best[side], time.perf_counter() - start)
    return best[0], best[1]


@contextmanager
def _tables(database: WritableDatabase, rows: int) -> Iterator[None]:
    columns = "(id INTEGER NOT NULL PRIMARY KEY, created TIMESTAMP NULL, name VARCHAR(40), phone VARCHAR(40), city VARCHAR(40))"
    _drop(database)
    for table in (_SOURCE, _TABLE):
        _do(database, f"CREATE TABLE {table} {columns}")
    mark = "?" if database.kind == "sqlite" else "%s"
    for begin in range(0, rows, 50_000):
        # every second row is due
        chunk = [
            (n, f"{2020 + n % 2}-06-{n % 28 + 1:02} 12:00:00", f"name {n}", f"139{n:08}", f"city {n % 300}") for n in range(begin, min(rows, begin + 50_000))
        ]
        with database.begin() as opened:
            opened.exec_driver_sql(f"INSERT INTO {_SOURCE} VALUES ({', '.join([mark] * 5)})", chunk)  # noqa: S608 - fixed names
    try:
        yield
    finally:
        _drop(database)


def _refill(database: WritableDatabase, target: SqlTarget) -> None:
    _do(database, f"DELETE FROM {_TABLE}" if database.kind == "sqlite" else f"TRUNCATE TABLE {_TABLE}")  # noqa: S608
    _do(database, f"INSERT INTO {_TABLE} SELECT * FROM {_SOURCE}")  # noqa: S608
    # a table that has stood for a while is vacuumed; the first reader of a fresh one pays for all
    target.tidy([_TABLE])


def _drop(database: WritableDatabase) -> None:
    for table in (_TABLE, _SOURCE):
        _do(database, f"DROP TABLE IF EXISTS {table}")


def _do(database: WritableDatabase, sql: str) -> None:
    with database.begin() as opened:
        opened.exec_driver_sql(sql)
