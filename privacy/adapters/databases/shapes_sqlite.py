"""SQLite's tables by its pragmas. Where there is no primary key the row id is the key; VACUUM may renumber it, so it must not be kept for long."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from privacy.adapters.databases.known import Known, Stored
from privacy.adapters.databases.quoting import quote
from privacy.adapters.databases.sqlite import is_shadow
from privacy.adapters.databases.types import family
from privacy.discovery.shapes import Family
from privacy.disposal.target import ColumnShape, ForeignKeyShape, TableShape

_LISTED = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY name"
_COLUMNS = 'SELECT name, type, "notnull", dflt_value IS NOT NULL, pk, hidden FROM pragma_table_xinfo(?)'
_FOREIGN = 'SELECT id, "table", "from", "to", lower(on_delete) FROM pragma_foreign_key_list(?) ORDER BY id, seq'
_INDEXES = 'SELECT name, "unique", partial FROM pragma_index_list(?)'
_INDEXED = "SELECT name FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno"
_ROW_IDS = ("rowid", "_rowid_", "oid")


def read(opened: Connection) -> Iterator[Known]:
    listed = [tuple(map(str, row)) for row in opened.exec_driver_sql(_LISTED)]
    triggers: dict[str, dict[str, str]] = defaultdict(dict)
    for kind, name, table, sql in listed:
        if kind == "trigger":
            triggers[table.lower()][name] = sql
    tables = {name: (kind, sql) for kind, name, _, sql in listed if kind in ("table", "view") and not name.startswith("sqlite_")}
    actual = {name.lower(): name for name in tables}
    for name, (kind, sql) in tables.items():
        if not is_shadow(name, set(tables)):
            yield _table(opened, name, kind, sql, triggers[name.lower()], actual)


def _table(opened: Connection, name: str, kind: str, sql: str, triggers: Mapping[str, str], actual: Mapping[str, str]) -> Known:
    info = [] if _broken(opened, name) else [row for row in opened.exec_driver_sql(_COLUMNS, (name,)) if row[5] != 1]
    primary = tuple(str(row[0]) for row in sorted(info, key=lambda row: row[4]) if row[4])
    row_id = "" if primary or kind == "view" or _without_row_id(sql) else _free_row_id(row[0] for row in info)
    # a virtual table's arguments and a column's COLLATE both stand in the statement; where the word occurs equality is checked twice
    inexact = "collate" in sql.lower()
    indexes, unique = _indexes(opened, name)
    shape = TableShape(
        name,
        {str(row[0]): _column(row, primary) for row in info},
        primary or ((row_id,) if row_id else ()),
        _foreign(opened, name, actual),
        unique,
        tuple(_checks(sql)),
        ((primary,) if primary and primary not in indexes else ()) + indexes,
        tuple(sorted(triggers)),
        kind,
    )
    qualified = quote("sqlite", name)
    columns = {str(row[0]): _stored(f"{qualified}.{quote('sqlite', str(row[0]))}", str(row[1] or ""), inexact) for row in info}
    if row_id:
        columns[row_id] = Stored(f"{qualified}.{row_id}", Family.INTEGER, "integer")
    deferred = re.search(r"initially\s+deferred", sql, re.IGNORECASE) is not None
    return Known(shape, qualified, columns, "it is a view" if kind == "view" else "", deferred, triggers)


def _broken(opened: Connection, name: str) -> bool:
    """A view over a table that is gone, a virtual table whose module is missing."""
    try:
        opened.exec_driver_sql(_COLUMNS, (name,)).fetchall()
    except Exception as error:
        if not hasattr(error, "orig"):
            raise
        return True
    return False


def _column(row: Any, primary: tuple[str, ...]) -> ColumnShape:
    name, declared, required, default, key, hidden = row
    kind = family(str(declared)) if declared else Family.TEXT
    generated = hidden in (2, 3)
    numbered = primary == (str(name),) and str(declared).lower() == "integer"
    return ColumnShape(str(name), str(declared or ""), kind.value, not (required or key), bool(default) or generated or numbered, None, generated)


def _stored(sql: str, declared: str, inexact: bool) -> Stored:
    kind = family(declared) if declared else Family.TEXT
    return Stored(sql, kind, affinity(declared), "", inexact, loose=True)


def affinity(declared: str) -> str:
    """Return the affinity of a declared type by the five rules of sqlite.org/datatype3.html."""
    upper = declared.upper()
    for affinity_, marks in (("integer", ("INT",)), ("text", ("CHAR", "CLOB", "TEXT")), ("blob", ("BLOB",)), ("real", ("REAL", "FLOA", "DOUB"))):
        if any(mark in upper for mark in marks):
            return affinity_
    return "numeric" if declared else "blob"


def _foreign(opened: Connection, name: str, actual: Mapping[str, str]) -> tuple[ForeignKeyShape, ...]:
    parts: dict[int, list[tuple[str, str, str, str]]] = defaultdict(list)
    for number, parent, mine, theirs, action in opened.exec_driver_sql(_FOREIGN, (name,)):
        parts[number].append((actual.get(str(parent).lower(), str(parent)), str(mine), str(theirs or ""), str(action)))
    return tuple(_key(opened, rows) for rows in parts.values())


def _key(opened: Connection, rows: list[tuple[str, str, str, str]]) -> ForeignKeyShape:
    """Without named columns a key points to the parent's primary key."""
    parent, named = rows[0][0], tuple(row[2] for row in rows)
    known = [(str(row[0]), row[4]) for row in opened.exec_driver_sql(_COLUMNS, (parent,))]
    primary = tuple(name for name, position in sorted(known, key=lambda row: row[1]) if position)
    spelled = {name.lower(): name for name, _ in known}
    columns = tuple(spelled.get(name.lower(), name) for name in named) if all(named) else primary
    return ForeignKeyShape(tuple(row[1] for row in rows), parent, columns, rows[0][3])


def _indexes(opened: Connection, name: str) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]:
    """Return column lists of whole indexes and of unique ones (those of a part of the rows among the unique only)."""
    indexes: list[tuple[str, ...]] = []
    unique: list[tuple[str, ...]] = []
    for index, is_unique, partial in opened.exec_driver_sql(_INDEXES, (name,)).fetchall():
        named = [row[0] for row in opened.exec_driver_sql(_INDEXED, (index,))]
        columns = tuple(str(column) for column in named if column is not None)
        if not partial and columns and len(columns) == len(named):
            indexes.append(columns)
        if is_unique and columns:
            unique.append(columns)
    return tuple(dict.fromkeys(indexes)), tuple(dict.fromkeys(unique))


def _without_row_id(sql: str) -> bool:
    tail = sql[sql.rfind(")") + 1 :]
    return re.search(r"without\s+rowid", tail, re.IGNORECASE) is not None


def _free_row_id(columns: Iterator[Any]) -> str:
    taken = {str(column).lower() for column in columns}
    return next((name for name in _ROW_IDS if name not in taken), "")


_CHECK = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/|(?P<check>\bcheck\s*\()|(?P<open>\()|(?P<close>\))""", re.IGNORECASE | re.DOTALL
)


def _checks(sql: str) -> Iterator[str]:
    """Yield the text of each CHECK (…) in a CREATE TABLE, parentheses balanced and quoted text skipped."""
    depth, begun, at = 0, -1, 0
    for match in _CHECK.finditer(sql):
        if match["check"]:
            depth += 1
            if begun < 0:
                begun, at = depth, match.end()
        elif match["open"]:
            depth += 1
        elif match["close"]:
            if depth == begun:
                yield sql[at : match.start()].strip()
                begun = -1
            depth -= 1
