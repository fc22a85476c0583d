"""A column encrypted in place (copy with verification, switch, undo) beside a plain UPDATE in batches that writes a text of the same length into every row.

A whole installation in a folder of its own, every row another person's, so that each value has a key of its own. The connected database is an SQLite
file, or a database on a server (`--url`), where one table is made and removed; the marker table stays.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from privacy.cli.bench_erase import _empty_file, _installation
from privacy.cli.bench_erase import _officer as _dpo
from privacy.cli.bench_ratio import Ratio
from privacy.kernel.terms import Actor

ROWS, _BATCH = 50_000, 1_000
_SYSTEM, _TABLE, _TEXT = "bench", "privacy_bench_column", "x" * 100  # a ciphertext of an e-mail has about as many characters
_PEER = "peer: one UPDATE per 1,000 rows that writes 100 characters into each; higher is better"


def run(url: str = "", rows: int = ROWS) -> list[Ratio]:
    """Measure on an SQLite file, and at `url` when it is given; about two minutes each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "column.sqlite")
        _empty_file(path)
        ratios = _measure(Path(folder, "own"), str(path), "SQLite", rows)
        return ratios + (_measure(Path(folder, "second"), url, "server", rows) if url else [])


def _measure(state: Path, url: str, kind: str, rows: int) -> list[Ratio]:
    from privacy.protection.column_model import Step

    with _filled(url, rows) as database, _installation(state) as application:
        peer = _plainly(database, rows)
        column = _planned(application, url)
        seconds = {step: _step(application, column, step) for step in (Step.COPY, Step.VERIFY, Step.SWITCH, Step.UNDO)}
        return [Ratio.of_rates(f"protect in place, {step}, {kind}", rows, (taken, peer), _PEER, "rows/s") for step, taken in seconds.items()]


def _officer() -> Actor:
    officer = _dpo()
    return replace(officer, scopes=officer.scopes | {"systems:protect"})


def _plainly(database: Any, rows: int) -> float:
    mark = "?" if database.kind == "sqlite" else "%s"
    start = time.perf_counter()
    for begin in range(0, rows, _BATCH):
        with database.begin() as opened:
            opened.exec_driver_sql(
                f"UPDATE {_TABLE} SET plain = {mark} WHERE id >= {begin} AND id < {begin + _BATCH}",  # noqa: S608 - names and numbers of ours
                (_TEXT,),
            )
    return time.perf_counter() - start


def _planned(application: Any, url: str) -> Any:
    from privacy.inventory.deciding import FieldDecision

    actor, dataset = _officer(), f"{_SYSTEM}.{_TABLE}"
    application.discovery.add(actor, _SYSTEM, url)
    application.discovery.scan(actor, _SYSTEM)
    application.inventory.decide(actor, [FieldDecision(dataset, "email", "confirm", "email")])
    application.inventory.set_subject(actor, dataset, "customer", "id")
    (draft,) = application.columns.plan(actor, [(dataset, "email")])
    if draft.column is None:
        raise RuntimeError(f"the column cannot be encrypted: {[obstacle.code for obstacle in draft.obstacles]}")
    return draft.column


def _step(application: Any, column: Any, step: Any) -> float:
    from privacy.jobs.runner import run_now

    start = time.perf_counter()
    _, job = application.columns.ask(_officer(), column.id, step)
    run_now(application.jobs, application.handlers)
    taken = time.perf_counter() - start
    if ended := application.jobs.of(column.tenant, job.id).error_code:
        raise RuntimeError(f"{step} did not end: {ended}")
    return taken


@contextmanager
def _filled(url: str, rows: int) -> Iterator[Any]:
    from privacy.adapters.databases.writable import open_writable

    with closing(open_writable(url)) as database:
        with database.begin() as opened:
            opened.exec_driver_sql(f"DROP TABLE IF EXISTS {_TABLE}")
            opened.exec_driver_sql(f"CREATE TABLE {_TABLE} (id INTEGER NOT NULL PRIMARY KEY, email VARCHAR(80), plain VARCHAR(200))")
        try:
            for begin in range(0, rows, 10_000):
                part = ", ".join(f"({n}, 'c{n}@people.example', NULL)" for n in range(begin, min(rows, begin + 10_000)))
                with database.begin() as opened:
                    opened.exec_driver_sql(f"INSERT INTO {_TABLE} VALUES {part}")  # noqa: S608 - rows of ours
            yield database
        finally:
            with database.begin() as opened:
                opened.exec_driver_sql(f"DROP TABLE {_TABLE}")
