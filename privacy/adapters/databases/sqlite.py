"""SQLite files: opened read-only and untrusting; comments are read from the text of CREATE TABLE, since SQLite has no others."""

import sqlite3
import time
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

from privacy.adapters.databases import inclusion
from privacy.adapters.databases.quoting import MARKER
from privacy.adapters.databases.sampling import CELL, STATEMENT_SECONDS, TABLE_SECONDS, Gather, Source, Unreadable, read_strata
from privacy.adapters.databases.sqlite_comments import comments
from privacy.adapters.databases.types import family
from privacy.adapters.databases.words import in_words
from privacy.discovery.shapes import Column, Family, ForeignKey, Inclusion, KeyShape, Sample, Table
from privacy.kernel.errors import ConnectorUnavailable

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 16 << 20, sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1 << 20, sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50, sqlite3.SQLITE_LIMIT_VDBE_OP: 250_000, sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}  # fmt: skip
_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION})
_PRAGMAS = frozenset({"table_xinfo", "foreign_key_list", "schema_version", "data_version"})
_DANGEROUS = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"})
_INSTRUCTIONS = 200  # between two looks at the clock: one instruction over a large value may take milliseconds


class SqliteConnector:
    """A file as a connected system. Never creates, repairs or upgrades it."""

    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._deadline = 0.0
        self._sources: dict[str, Source] = {}
        self._opened: sqlite3.Connection | None = None

    def is_database(self) -> bool:
        """Let SQLite itself look: a look of our own would drop, at its close, the locks of another scan of this file."""
        try:
            self._connection().execute("PRAGMA schema_version").fetchall()
        except sqlite3.Error as error:
            # a file that is busy or damaged is told when it is scanned
            return error.sqlite_errorcode != sqlite3.SQLITE_NOTADB
        return True

    def check(self) -> None:
        try:
            list(self._rows("SELECT count(*) FROM sqlite_master"))
        except Unreadable as error:
            raise ConnectorUnavailable(f"The file cannot be read: {error.reason}.") from None

    def tables(self) -> Sequence[Table]:
        try:
            listed = list(
                self._rows("SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name")
            )
        except Unreadable as error:
            raise ConnectorUnavailable(f"The file's catalogue cannot be read: {error.reason}.") from None
        names = {_s(name) for _, name, _ in listed}
        listed = [row for row in listed if _s(row[1]) != MARKER]  # our own table is none of the system's
        return [self._table(_s(kind), _s(name), _s(sql or "")) for kind, name, sql in listed if not is_shadow(_s(name), names)]

    def sample(self, table: Table, limit: int) -> Mapping[str, Sample]:
        gather = Gather(table.columns, limit, time.monotonic() + TABLE_SECONDS)
        try:
            read_strata(self._rows, self, table, self._sources[table.name], gather)
        except Unreadable as error:
            if not gather.rows:
                raise ConnectorUnavailable(f"The table cannot be read ({error.reason}).") from None
        return gather.samples()

    def included(
        self, child: Table, child_columns: Sequence[str], parent: Table, parent_columns: Sequence[str], sample: int, by: str = ""
    ) -> Mapping[str, Inclusion]:
        ends = (child, self._sources[child.name]), (parent, self._sources[parent.name])
        try:
            return inclusion.included(self._rows, self, ends[0], child_columns, ends[1], parent_columns, sample, by)
        except Unreadable as error:
            raise ConnectorUnavailable(f"The values cannot be compared ({error.reason}).") from None

    def key_shape(self, table: Table, columns: Sequence[str]) -> KeyShape:
        try:
            return inclusion.key_shape(self._rows, self, table, self._sources[table.name], columns)
        except Unreadable as error:
            raise ConnectorUnavailable(f"The values cannot be counted ({error.reason}).") from None

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def cell(self, column: str, family: Family) -> str:
        quoted = self.quote(column)
        # types are advice in SQLite: any cell may be bytes
        return f"CASE typeof({quoted}) WHEN 'blob' THEN substr({quoted}, 1, 64) WHEN 'text' THEN substr({quoted}, 1, {CELL}) ELSE {quoted} END"

    def quote(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def text_of(self, sql: str) -> str:
        return f"CAST({sql} AS TEXT) COLLATE BINARY"

    def query(self, statement: str, parameters: Sequence[Any] = (), *, seconds: float = STATEMENT_SECONDS) -> Generator[Sequence[Any]]:
        """Run a SELECT of ours with bound values (`?`) and stream its rows. Raises Unreadable."""
        yield from self._rows(statement, *parameters, seconds=seconds)

    # -- catalogue -----------------------------------------------------------------------------------------------------------------

    def _table(self, kind: str, name: str, sql: str) -> Table:
        try:
            described, own = comments(sql)
            info = list(self._rows('SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?)', name))
            columns = tuple(
                Column(_s(column), _s(declared or ""), family(_s(declared)) if declared else Family.TEXT, not required, described.get(_s(column).lower(), ""))
                for column, declared, required, _, hidden in info
                if hidden != 1
            )
            primary = tuple(_s(column) for column, _, _, position, _ in sorted(info, key=lambda row: row[3]) if position)
            table = Table(name, columns, kind, own, primary, self._foreign(name), self._count(name, kind))
        except Unreadable as error:
            # a view over a table that is gone, a virtual table whose module is missing
            return Table(name, (), kind, problem=f"cannot be described ({error.reason})")
        self._sources[name] = self._source(table)
        return table

    def _foreign(self, name: str) -> tuple[ForeignKey, ...]:
        keys: dict[int, list[tuple[str, str, str]]] = {}
        for number, parent, mine, theirs in self._rows('SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(?) ORDER BY id, seq', name):
            keys.setdefault(number, []).append((_s(parent), _s(mine), _s(theirs or "")))
        return tuple(ForeignKey(tuple(key[1] for key in parts), parts[0][0], tuple(key[2] for key in parts if key[2])) for parts in keys.values())

    def _count(self, name: str, kind: str) -> int | None:
        if kind == "view":
            return None
        try:
            ((count,),) = self._rows(f"SELECT count(*) FROM {self.quote(name)}")  # noqa: S608 - quoted
            return int(count)
        except Unreadable:
            return None

    def _source(self, table: Table) -> Source:
        lone = next((column for column in table.columns if table.primary_key == (column.name,)), None)
        integer = self.quote(lone.name) if lone and lone.family is Family.INTEGER else ""
        return Source(self.quote(table.name), ", ".join(map(self.quote, table.primary_key[:1])), integer)

    # -- connection ----------------------------------------------------------------------------------------------------------------

    def _rows(self, statement: str, *parameters: Any, seconds: float = STATEMENT_SECONDS) -> Generator[Sequence[Any]]:
        self._deadline = time.monotonic() + seconds
        try:
            yield from self._connection().execute(statement, parameters)
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            raise Unreadable(in_words(error)) from None

    def _connection(self) -> sqlite3.Connection:
        if self._opened is None:
            # mode=ro never creates a file; SQLite itself answers for locks and for a write-ahead log beside it
            connection = sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=2.0, check_same_thread=False, isolation_level=None)
            connection.text_factory = decode_text
            for pragma in ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
                connection.execute(f"PRAGMA {pragma}")
            _bind(connection)
            connection.set_progress_handler(self._too_late, _INSTRUCTIONS)
            self._opened = connection
        return self._opened

    def _too_late(self) -> bool:
        return time.monotonic() > self._deadline


def _bind(connection: sqlite3.Connection) -> None:
    """Let statements only read, and keep a hostile schema from using much memory: a view can ask for a blob of two gigabytes.

    The bounds are SQLite's own (sqlite.org/limits.html, sqlite.org/security.html).
    """
    for limit, most in _LIMITS.items():
        connection.setlimit(limit, most)
    connection.set_authorizer(_allowed)


def _allowed(action: int, first: str | None, second: str | None, *_: object) -> int:
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_DENY if (second or "").lower() in _DANGEROUS else sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA:
        # asked for as tables: pragma_table_xinfo(…)
        return sqlite3.SQLITE_OK if first in _PRAGMAS else sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_UPDATE:
        # how SQLite itself makes those tables known, in memory; `query_only` stands against everything else
        return sqlite3.SQLITE_OK if first == "sqlite_master" else sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY


def decode_text(raw: bytes) -> str:
    """Decode a TEXT cell that may hold any bytes: UTF-8, then the old Chinese encoding, then with marks for what is broken."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace")


def is_shadow(name: str, names: set[str]) -> bool:
    """Is this one of the tables a full-text index keeps for itself?"""
    base, _, suffix = name.rpartition("_")
    return (
        suffix in {"data", "idx", "content", "docsize", "config", "segments", "segdir", "stat"}
        and base in names
        and f"{base}_idx" in names | {f"{base}_segdir"} & names
    )


def _s(value: object) -> str:
    return str(value)
