"""MariaDB's and MySQL's tables by information_schema. Tables of an engine without transactions cannot be written by us: nothing there rolls back."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from privacy.adapters.databases.known import Known, Stored
from privacy.adapters.databases.quoting import quote
from privacy.adapters.databases.types import family
from privacy.discovery.shapes import Family
from privacy.disposal.target import ColumnShape, ForeignKeyShape, TableShape

_HERE = "TABLE_SCHEMA = DATABASE()"
_TABLES = f"SELECT TABLE_NAME, TABLE_TYPE, ENGINE FROM information_schema.TABLES WHERE {_HERE} ORDER BY TABLE_NAME"  # noqa: S608 - fixed text
_COLUMNS = f"""
SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT, EXTRA, CHARACTER_MAXIMUM_LENGTH, COLLATION_NAME
FROM information_schema.COLUMNS WHERE {_HERE} ORDER BY TABLE_NAME, ORDINAL_POSITION
"""  # noqa: S608
_KEYS = """
SELECT k.TABLE_NAME, k.CONSTRAINT_NAME, k.COLUMN_NAME,
       CASE WHEN k.REFERENCED_TABLE_SCHEMA = k.TABLE_SCHEMA THEN k.REFERENCED_TABLE_NAME
            ELSE CONCAT(k.REFERENCED_TABLE_SCHEMA, '.', k.REFERENCED_TABLE_NAME) END,
       k.REFERENCED_COLUMN_NAME, LOWER(r.DELETE_RULE)
FROM information_schema.KEY_COLUMN_USAGE k LEFT JOIN information_schema.REFERENTIAL_CONSTRAINTS r
  ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.TABLE_NAME = k.TABLE_NAME AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
WHERE k.TABLE_SCHEMA = DATABASE() AND (k.CONSTRAINT_NAME = 'PRIMARY' OR k.REFERENCED_TABLE_NAME IS NOT NULL)
ORDER BY k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION
"""
_INDEXES = (
    f"SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME FROM information_schema.STATISTICS WHERE {_HERE} ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"  # noqa: S608
)
_TRIGGERS = (
    "SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME, ACTION_STATEMENT FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = DATABASE() ORDER BY TRIGGER_NAME"
)
_CHECKS = "SELECT TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE()"
_CHECKS_MYSQL = """
SELECT t.TABLE_NAME, c.CONSTRAINT_NAME, c.CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS c JOIN information_schema.TABLE_CONSTRAINTS t
  ON t.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA AND t.CONSTRAINT_NAME = c.CONSTRAINT_NAME WHERE c.CONSTRAINT_SCHEMA = DATABASE()
"""
_TRANSACTIONAL = frozenset({"innodb", "ndbcluster", "rocksdb", "tokudb"})


def read(opened: Connection) -> Iterator[Known]:
    columns, keys, indexes, triggers, checks = (
        _by_table(rows) for rows in (*(_rows(opened, query) for query in (_COLUMNS, _KEYS, _INDEXES, _TRIGGERS)), _checks(opened))
    )
    for name, kind, engine in _rows(opened, _TABLES):
        if kind == "SEQUENCE":
            continue
        view = kind in ("VIEW", "SYSTEM VIEW")
        json_columns = {clause.split("`")[1] for _, _, clause in checks[name] if clause.lower().startswith("json_valid(") and clause.count("`") == 2}
        shape = TableShape(
            name,
            {row[1]: _column(row, json_columns) for row in columns[name]},
            tuple(row[2] for row in keys[name] if row[1] == "PRIMARY"),
            tuple(_foreign(keys[name])),
            tuple(_listed(row for row in indexes[name] if not row[2])),
            tuple(f"{row[1]}: {row[2]}" for row in checks[name]),
            tuple(_listed(indexes[name])),
            tuple(row[1] for row in triggers[name]),
            "view" if view else "table",
        )
        stored = {row[1]: _stored(f"{quote('mysql', name)}.{quote('mysql', row[1])}", row, json_columns) for row in columns[name]}
        unsafe = "it is a view" if view else "" if str(engine).lower() in _TRANSACTIONAL else f"its storage engine ({engine}) has no transactions"
        yield Known(shape, quote("mysql", name), stored, unsafe, trigger_words={row[1]: row[2] for row in triggers[name]})


def _rows(opened: Connection, query: str) -> Sequence[Any]:
    return opened.exec_driver_sql(query, execution_options={"no_parameters": True}).fetchall()


def _checks(opened: Connection) -> Sequence[Any]:
    # MariaDB names the table beside the clause, MySQL in another table, old versions know no checks
    for query in (_CHECKS, _CHECKS_MYSQL):
        try:
            return _rows(opened, query)
        except DBAPIError:
            continue
    return ()


def _by_table(rows: Sequence[Any]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row[0]].append(row)
    return grouped


def _family(declared: str, base: str, is_json: bool) -> Family:
    return Family.JSON if is_json else family(declared if declared.startswith("tinyint(1)") else base)


def _column(row: Any, json_columns: set[str]) -> ColumnShape:
    _, name, declared, base, nullable, default, extra, length, _ = row
    generated = "GENERATED" in (extra or "").upper() and "DEFAULT_GENERATED" not in (extra or "").upper()
    has_default = (default is not None and default != "NULL") or "auto_increment" in (extra or "").lower() or generated
    length = int(length) if length is not None and base in ("char", "varchar") else None
    return ColumnShape(name, declared, _family(declared, base, name in json_columns).value, nullable == "YES", has_default, length, generated)


def _foreign(rows: Sequence[Any]) -> Iterator[ForeignKeyShape]:
    grouped: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        if row[3] is not None:
            grouped[row[1]].append(row)
    for parts in grouped.values():
        yield ForeignKeyShape(tuple(row[2] for row in parts), parts[0][3], tuple(row[4] for row in parts), parts[0][5] or "no action")


def _listed(rows: Iterator[Any] | Sequence[Any]) -> Iterator[tuple[str, ...]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for _, index, _, column in rows:
        grouped[index] += [column] if column is not None else []  # MySQL lists an expression without a column
    yield from dict.fromkeys(tuple(columns) for columns in grouped.values() if columns)


def _stored(sql: str, row: Any, json_columns: set[str]) -> Stored:
    declared, base = str(row[2]), str(row[3]).lower()
    known = _family(declared, base, row[1] in json_columns)
    return Stored(sql, known, base, inexact=row[8] is not None, unsigned="unsigned" in declared.lower())
