"""What stands in the way of encrypting a column of a connected table in place, and how our columns beside it are to be named.

Views, triggers and generated columns are known by what the catalogue says they depend on (PostgreSQL), elsewhere by the column's name in their text:
a word too many makes an obstacle too many, never one too few.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from privacy.adapters.databases.known import Known
from privacy.adapters.databases.shadow_watch import names as trigger_names
from privacy.discovery.shapes import Family
from privacy.disposal.target import ColumnShape
from privacy.protection.column_model import Layout, Obstacle

LONGEST = 63  # characters of a name, the least of the three databases
_FAMILIES = {family.value for family in (Family.TEXT, Family.INTEGER, Family.DECIMAL, Family.DATE, Family.DATETIME, Family.TIME, Family.UUID)}
_EMPTY = {"text": "", "integer": "0", "decimal": "0", "date": "1970-01-02", "datetime": "1970-01-02 00:00:00", "time": "00:00:00"}

_VIEWS_POSTGRESQL = """
SELECT DISTINCT CAST(c.relname AS text) FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
JOIN pg_catalog.pg_class c ON c.oid = r.ev_class JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = CAST('pg_catalog.pg_rewrite' AS regclass) AND d.refobjid = CAST(%s AS regclass) AND a.attname = %s ORDER BY 1
"""
_GENERATED_POSTGRESQL = """
SELECT CAST(a.attname AS text), pg_catalog.pg_get_expr(f.adbin, f.adrelid) FROM pg_catalog.pg_attrdef f
JOIN pg_catalog.pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum WHERE f.adrelid = CAST(%s AS regclass) AND a.attgenerated <> ''
"""
_TRIGGERS_POSTGRESQL = """
SELECT CAST(t.tgname AS text), p.prosrc || ' ' || pg_catalog.pg_get_triggerdef(t.oid) FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal AND t.tgrelid = CAST(%s AS regclass) ORDER BY 1
"""
_PUBLISHED_POSTGRESQL = "SELECT 1 FROM pg_catalog.pg_constraint WHERE contype = 'x' AND conrelid = CAST(%s AS regclass) LIMIT 1"
_VIEWS_MARIADB = "SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()"
_GENERATED_MARIADB = (
    "SELECT COLUMN_NAME, GENERATION_EXPRESSION FROM information_schema.COLUMNS"
    " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s AND GENERATION_EXPRESSION IS NOT NULL AND GENERATION_EXPRESSION <> ''"
)
_VIEWS_SQLITE = "SELECT name, coalesce(sql, '') FROM sqlite_master WHERE type = 'view'"
_TABLE_SQLITE = "SELECT coalesce(sql, '') FROM sqlite_master WHERE type = 'table' AND name = ?"


def obstacles(opened: Connection, tables: Mapping[str, Known], table: str, field: str, subject: str) -> Iterator[Obstacle]:
    """Yield everything that forbids it, then what should be known before (`note`)."""
    known = tables.get(table)
    if known is None or field not in known.shape.columns:
        yield Obstacle("no_column", "The table has no such column (any more).", "Scan the system again: `privacy systems scan`.")
        return
    if known.unsafe or known.shape.kind != "table":
        yield Obstacle("not_a_table", f"This is no table whose rows can be changed: {known.unsafe or known.shape.kind}.", "Protect the table it is made from.")
        return
    if subject not in known.shape.columns:
        yield Obstacle("no_subject", "The table has no column with the subject's key (any more).", "Scan the system again: `privacy systems scan`.")
        return
    yield from _of_column(known, field, known.shape.columns[field])
    yield from _of_others(tables, known, field)
    yield from _of_words(opened, known, field)
    yield from _notes(opened, known, field)


def _of_column(known: Known, field: str, column: ColumnShape) -> Iterator[Obstacle]:
    shape = known.shape
    if not shape.primary_key or any(name not in shape.columns for name in shape.primary_key):
        yield Obstacle("no_key", "The table has no primary key, so that no row can be told from another.", "Add a primary key to the table.")
    if field in shape.primary_key:
        yield Obstacle("key", "The column is (part of) the table's primary key.", "Give the table another key; a key stays readable.")
    base = known.columns[field].base
    inexact = base in ("float", "double", "real") and known.columns[field].sql.startswith("`")
    if column.family not in _FAMILIES or inexact or base in ("money", "bit", "year") or column.type.lower().startswith(("enum", "set(")):
        yield Obstacle("type", f"Values of the type {column.type} have no text form that gives exactly the same value again.", "Protect texts, numbers, dates.")
    if column.generated:
        yield Obstacle("generated", "The database computes the column from others.", "Protect the columns it is computed from.")
    if any(field in columns for columns in shape.unique):
        yield Obstacle(
            "unique", "A unique constraint or index is on the column; the empty column could not keep it.", "Drop it first; values equal show in our index."
        )
    for key in shape.foreign_keys:
        if field in key.columns:
            yield Obstacle("foreign_key", f"The column refers to {key.parent}.", "Drop the foreign key, or leave the column: a key is no value.")
    if not column.nullable and known.columns[field].loose is False and known.sql.startswith('"'):
        return  # PostgreSQL: NOT NULL is taken off and put back
    if not column.nullable and column.family not in _EMPTY:
        yield Obstacle("required", f"The column may not be NULL and the type {column.type} has no empty value.", "Allow NULL in the column.")
    if not column.nullable and any(_names(field, check) for check in shape.checks):
        yield Obstacle("check", "A CHECK on the column may refuse the empty value.", "Allow NULL in the column, or drop the check.")


def _of_others(tables: Mapping[str, Known], known: Known, field: str) -> Iterator[Obstacle]:
    for name, other in tables.items():
        if any(key.parent == known.shape.name and field in key.parent_columns for key in other.shape.foreign_keys):
            yield Obstacle("foreign_key", f"{name} refers to the column.", "Let it refer to the table's primary key.")


def _of_words(opened: Connection, known: Known, field: str) -> Iterator[Obstacle]:
    kind, table = opened.dialect.name, known.shape.name
    for name, words in _texts(opened, kind, known, field, "views"):
        if words is None or (_names(field, words) and _names(table.rpartition(".")[2], words)):
            yield Obstacle("view", f"The view {name} shows the column.", "Drop the view, or let it show the column no more.")
    for name, words in _texts(opened, kind, known, field, "generated"):
        if words is None or _names(field, words):
            yield Obstacle("generated", f"The generated column {name} is computed from it.", "Drop that column first.")
    ours: set[str] = set()
    for each in known.shape.columns:
        ours.update(trigger_names(kind, _named(known, each)))
    for name, words in _texts(opened, kind, known, field, "triggers"):
        if name not in ours and (words is None or _names(field, words)):
            yield Obstacle("trigger", f"The trigger {name} reads or writes the column.", "Drop the trigger, or let it leave the column alone.")


def _notes(opened: Connection, known: Known, field: str) -> Iterator[Obstacle]:
    kind = opened.dialect.name
    ours = {name for each in known.shape.columns for name in trigger_names(kind, _named(known, each))}
    others = [name for name in known.shape.triggers if name not in ours]
    if others:
        yield Obstacle("triggers_run", f"Triggers of the table run on our updates: {', '.join(sorted(others)[:5])}.", note=True)
    if any(field in columns for columns in known.shape.indexes):
        yield Obstacle("indexed", "Searches by the column's own index find nothing after the switch; the index beside it is searched instead.", note=True)
    if kind == "sqlite":
        yield Obstacle("insert_without_columns", "An INSERT that names no columns fails while our two columns are there.", note=True)


def _texts(opened: Connection, kind: str, known: Known, field: str, what: str) -> Iterator[tuple[str, str | None]]:
    """Yield names with their text; None where the catalogue itself says that it is about the column."""
    table = known.shape.name
    if kind == "postgresql":
        here = known.sql.replace("%%", "%")
        if what == "views":
            yield from ((str(row[0]), None) for row in opened.exec_driver_sql(_VIEWS_POSTGRESQL, (here, field)))
        else:
            query = _GENERATED_POSTGRESQL if what == "generated" else _TRIGGERS_POSTGRESQL
            yield from ((str(row[0]), str(row[1])) for row in opened.exec_driver_sql(query, (here,)))
    elif kind == "mysql":
        if what == "triggers":
            yield from known.trigger_words.items()
        elif what == "views":
            yield from ((str(row[0]), str(row[1])) for row in opened.exec_driver_sql(_VIEWS_MARIADB))
        else:
            yield from ((str(row[0]), str(row[1])) for row in opened.exec_driver_sql(_GENERATED_MARIADB, (table,)))
    elif what == "triggers":
        yield from known.trigger_words.items()
    elif what == "views":
        yield from ((str(row[0]), str(row[1])) for row in opened.exec_driver_sql(_VIEWS_SQLITE))
    else:
        generated = [name for name, column in known.shape.columns.items() if column.generated]
        (text,) = opened.exec_driver_sql(_TABLE_SQLITE, (table,)).one()
        # the statement is all there is; a column's own definition names it once
        yield from ((name, None) for name in generated if len(_found(field, str(text))) > 1)


def _found(name: str, text: str) -> list[str]:
    return re.findall(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE)


def _names(name: str, text: str) -> bool:
    return bool(_found(name, text))


def _named(known: Known, field: str) -> Layout:
    return Layout(known.shape.name, field, (), "", "", "", "")


def draw(kind: str, known: Known, field: str, subject: str) -> Layout:
    """Return the layout of the column: names that are free in the table, what emptied cells hold."""
    shape = known.shape
    column = shape.columns[field]
    taken = {name.lower() for name in shape.columns}
    relaxed = not column.nullable and kind == "postgresql"
    required = not column.nullable and not relaxed
    return Layout(
        shape.name,
        field,
        shape.primary_key,
        subject,
        free(f"{field}_enc", taken),
        free(f"{field}_bidx", taken),
        column.family,
        required,
        relaxed,
        _EMPTY.get(column.family, "") if required else None,
        guarded=True,
    )


def free(wanted: str, taken: set[str]) -> str:
    """Return `wanted`, cut to the longest name there may be and numbered where it is taken; MariaDB counts characters, PostgreSQL bytes."""
    stem, dot, suffix = wanted.rpartition("_")
    number = 1
    while True:
        tail = f"{dot}{suffix}{number if number > 1 else ''}"
        head = stem
        while len(f"{head}{tail}".encode()) > LONGEST:
            head = head[:-1]
        if f"{head}{tail}".lower() not in taken:
            return f"{head}{tail}"
        number += 1


def index_name(layout: Layout) -> str:
    digest = hashlib.sha256(f"{layout.table}\x00{layout.field}\x00{layout.index}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"ix_privacy_{digest[:16]}"
