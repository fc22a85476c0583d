"""PostgreSQL's tables by pg_catalog. A table without a primary key has no key here: `ctid` moves with every update."""
# ruff: noqa: S608 - names are quoted, every value is a parameter

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from privacy.adapters.databases.known import Known, Stored
from privacy.adapters.databases.quoting import quote
from privacy.adapters.databases.types import family
from privacy.discovery.shapes import Family
from privacy.disposal.target import ColumnShape, ForeignKeyShape, TableShape

_OURS = (
    "c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
    " AND n.nspname NOT LIKE 'pg\\_%' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
)
_TABLES = f"""
SELECT c.oid, n.nspname, c.relname, c.relkind, n.nspname = pg_catalog.current_schema()
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE {_OURS} ORDER BY n.nspname, c.relname
"""
_COLUMNS = f"""
SELECT a.attrelid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), coalesce(b.typname, t.typname), coalesce(b.typtype, t.typtype),
       pg_catalog.format_type(coalesce(b.oid, t.oid), -1), NOT (a.attnotnull OR t.typnotnull), a.atthasdef OR a.attidentity <> '',
       a.attgenerated <> '' OR a.attidentity = 'a',
       CASE WHEN coalesce(b.typname, t.typname) IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 END,
       coalesce((SELECT NOT l.collisdeterministic FROM pg_catalog.pg_collation l WHERE l.oid = a.attcollation), false)
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid LEFT JOIN pg_catalog.pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
WHERE a.attnum > 0 AND NOT a.attisdropped AND {_OURS} ORDER BY a.attrelid, a.attnum
"""
_NAMES = (
    "ARRAY(SELECT CAST(a.attname AS text) FROM unnest(k.{0}) WITH ORDINALITY u(n, i)"
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = k.{1} AND a.attnum = u.n ORDER BY u.i)"
)
_CONSTRAINTS = f"""
SELECT k.conrelid, k.contype, k.conname, k.confrelid, k.confdeltype, {_NAMES.format("conkey", "conrelid")}, {_NAMES.format("confkey", "confrelid")},
       CASE WHEN k.contype IN ('c', 'x') THEN pg_catalog.pg_get_constraintdef(k.oid) END
FROM pg_catalog.pg_constraint k WHERE k.contype IN ('p', 'f', 'u', 'c', 'x') AND k.conparentid = 0 ORDER BY k.conrelid, k.conname
"""
# the columns an expression or a condition reads are known by what the index depends on
_INDEXES = """
SELECT i.indrelid, i.indisunique, i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid,
       ARRAY(SELECT CAST(a.attname AS text) FROM unnest(i.indkey) WITH ORDINALITY u(n, o)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.n WHERE u.o <= i.indnkeyatts ORDER BY u.o),
       ARRAY(SELECT DISTINCT CAST(a.attname AS text) FROM pg_catalog.pg_depend d
             JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
             WHERE d.classid = CAST('pg_catalog.pg_class' AS regclass) AND d.objid = i.indexrelid AND d.refobjid = i.indrelid AND d.refobjsubid > 0 ORDER BY 1)
FROM pg_catalog.pg_index i ORDER BY i.indrelid, i.indexrelid
"""
_TRIGGERS = "SELECT tgrelid, tgname FROM pg_catalog.pg_trigger WHERE NOT tgisinternal ORDER BY tgname"
_KINDS = {"r": "table", "p": "table", "v": "view", "m": "view", "f": "foreign table"}
_ACTIONS = {"a": "no action", "r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}
_UNSAFE = {"v": "it is a view", "m": "it is a materialised view", "f": "it is a foreign table"}


def read(opened: Connection) -> Iterator[Known]:
    tables = _rows(opened, _TABLES)
    names = {oid: name if bare else f"{schema}.{name}" for oid, schema, name, _, bare in tables}
    columns, constraints, indexes, triggers = (_by_table(_rows(opened, query)) for query in (_COLUMNS, _CONSTRAINTS, _INDEXES, _TRIGGERS))
    for oid, schema, name, kind, _ in tables:
        qualified = f"{quote('postgresql', schema)}.{quote('postgresql', name)}"
        primary = next((tuple(row[5]) for row in constraints[oid] if row[1] == "p"), ())
        shape = TableShape(
            names[oid],
            {row[1]: _column(row) for row in columns[oid]},
            primary,
            tuple(_foreign(row, names) for row in constraints[oid] if row[1] == "f" and row[3] in names),
            _unique(indexes[oid]),
            tuple(row[2] + ": " + row[7] for row in constraints[oid] if row[1] in ("c", "x")),
            tuple(dict.fromkeys(tuple(row[3]) for row in indexes[oid] if row[2])),
            tuple(row[1] for row in triggers[oid]),
            _KINDS[kind],
        )
        stored = {row[1]: _stored(f"{qualified}.{quote('postgresql', row[1])}", row) for row in columns[oid]}
        yield Known(shape, qualified, stored, _UNSAFE.get(kind, ""))


def _rows(opened: Connection, query: str) -> Sequence[Any]:
    return opened.exec_driver_sql(query, execution_options={"no_parameters": True}).fetchall()


def _by_table(rows: Sequence[Any]) -> dict[int, list[Any]]:
    grouped: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row[0]].append(row)
    return grouped


def _column(row: Any) -> ColumnShape:
    _, name, declared, base, _, _, nullable, default, generated, length, _ = row
    return ColumnShape(name, declared, family(base).value, nullable, default or generated, length, generated)


def _foreign(row: Any, names: dict[int, str]) -> ForeignKeyShape:
    return ForeignKeyShape(tuple(row[5]), names[row[3]], tuple(row[6]), _ACTIONS[row[4]])


def _unique(rows: Sequence[Any]) -> tuple[tuple[str, ...], ...]:
    found = (tuple(row[3]) if row[2] else tuple(row[4]) for row in rows if row[1])
    return tuple(dict.fromkeys(columns for columns in found if columns))


def _stored(sql: str, row: Any) -> Stored:
    base, kind, cast, nondeterministic = row[3], row[4], row[5], row[10]
    known = family(base)
    if kind != "b" or base == "name" or known in (Family.OTHER, Family.INET, Family.GEO, Family.JSON):
        # enums, ranges, arrays, extensions' types: their text compares exactly
        return Stored(sql, Family.TEXT if kind == "e" or base == "name" else known, base)
    if known is Family.TEXT and base not in ("bpchar", "citext"):
        cast = "text"
    return Stored(sql, known, base, cast, inexact=nondeterministic or base == "citext")
