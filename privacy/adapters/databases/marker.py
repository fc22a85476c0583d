"""Our one table in a connected database: what each batch of a run did, written in the transaction that did it (decision 1).

A run has a row `batch = -1` that carries the highest fencing token. Every batch locks it first, so that batches of one run follow each other
and a worker that lost its lease is refused.
"""
# ruff: noqa: S608 - names are quoted, every value is a parameter

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection

from privacy.adapters.databases.quoting import MARKER, placeholder, quote
from privacy.disposal.target import Applied
from privacy.kernel.errors import Conflict

FENCE = -1
_EXISTS = {
    "sqlite": f"SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{MARKER}'",
    "postgresql": f"SELECT 1 WHERE pg_catalog.to_regclass('{MARKER}') IS NOT NULL",
    "mysql": f"SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{MARKER}'",
}


def ddl(kind: str) -> str:
    """Return the statement that makes the table, also for an administrator who makes it for us."""
    run = "VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" if kind == "mysql" else "VARCHAR(190)"
    rows, at = quote(kind, "rows"), quote(kind, "at")
    engine = " ENGINE=InnoDB" if kind == "mysql" else ""
    columns = f"run {run} NOT NULL, batch BIGINT NOT NULL, token BIGINT NOT NULL, {rows} TEXT NOT NULL, {at} VARCHAR(40) NOT NULL"
    return f"CREATE TABLE IF NOT EXISTS {MARKER} ({columns}, PRIMARY KEY (run, batch)){engine}"


class Marker:
    def __init__(self, opened: Connection) -> None:
        self._opened = opened
        self._kind = opened.dialect.name
        self._mark = placeholder(self._kind)
        self._rows, self._at = quote(self._kind, "rows"), quote(self._kind, "at")

    def exists(self) -> bool:
        return self._opened.exec_driver_sql(_EXISTS[self._kind]).first() is not None

    def found(self, run: str, batch: int) -> Applied | None:
        row = self._do(f"SELECT {self._rows} FROM {MARKER} WHERE run = {self._mark} AND batch = {self._mark}", (run, batch)).first()
        return None if row is None else Applied(run, batch, tuple(json.loads(row[0])), again=True)

    def all(self, run: str) -> Sequence[Applied]:
        rows = self._do(f"SELECT batch, {self._rows} FROM {MARKER} WHERE run = {self._mark} AND batch >= 0 ORDER BY batch", (run,))
        return [Applied(run, int(batch), tuple(json.loads(counts)), again=True) for batch, counts in rows]

    def fence(self, run: str, token: int) -> None:
        """Take the run's lock for this transaction. Raises Conflict `lease_lost` when a higher token has written."""
        while not self._take(run, token):
            held = self._do(f"SELECT token FROM {MARKER} WHERE run = {self._mark} AND batch = {FENCE}", (run,)).first()
            if held is None:
                self.write(run, FENCE, token, ())
                return
            if held[0] > token:
                raise Conflict("Another worker has taken this run over; this one must stop.", code="lease_lost")
            # a worker that began the run in this moment wrote the row between our two looks: now it can be taken

    def _take(self, run: str, token: int) -> bool:
        raised = self._do(
            f"UPDATE {MARKER} SET token = {self._mark} WHERE run = {self._mark} AND batch = {FENCE} AND token <= {self._mark}", (token, run, token)
        )
        return bool(raised.rowcount)

    def write(self, run: str, batch: int, token: int, rows: Sequence[int]) -> None:
        values = (run, batch, token, json.dumps(list(rows)), datetime.now(UTC).isoformat(timespec="seconds"))
        marks = ", ".join([self._mark] * 5)
        self._do(f"INSERT INTO {MARKER} (run, batch, token, {self._rows}, {self._at}) VALUES ({marks})", values)

    def _do(self, sql: str, parameters: tuple[object, ...]):  # type: ignore[no-untyped-def]
        return self._opened.exec_driver_sql(sql, parameters)
