"""PostgreSQL: catalogue with comments, keys and row estimates in four queries, whatever the names and types."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from privacy.adapters.databases.sampling import CELL, STATEMENT_SECONDS, Source
from privacy.adapters.databases.types import family
from privacy.discovery.shapes import Column, Family, ForeignKey, Table

_KINDS = {"r": "table", "p": "table", "v": "view", "m": "view", "f": "foreign table"}
_TABLES = """
SELECT c.oid, n.nspname, c.relname, c.relkind, CAST(c.reltuples AS bigint), pg_catalog.obj_description(c.oid, 'pg_class'),
       pg_catalog.has_table_privilege(c.oid, 'SELECT') OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT'), n.nspname = pg_catalog.current_schema()
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg\\_%' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
ORDER BY n.nspname, c.relname
"""
_COLUMNS = """
SELECT a.attrelid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), coalesce(b.typname, t.typname), a.attnotnull,
       pg_catalog.col_description(a.attrelid, a.attnum), pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid LEFT JOIN pg_catalog.pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
ORDER BY a.attrelid, a.attnum
"""
_KEYS = """
SELECT k.conrelid, k.contype, k.confrelid,
       ARRAY(SELECT CAST(a.attname AS text) FROM unnest(k.conkey) WITH ORDINALITY u(n, i)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i),
       ARRAY(SELECT CAST(a.attname AS text) FROM unnest(k.confkey) WITH ORDINALITY u(n, i)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.i)
FROM pg_catalog.pg_constraint k WHERE k.contype IN ('p', 'f') ORDER BY k.conrelid, k.conname
"""
_INTEGERS = frozenset({"int2", "int4", "int8"})


class PostgreSql:
    kind = "postgresql"

    def prepare(self, connection: Connection) -> None:
        milliseconds = STATEMENT_SECONDS * 1000
        for statement in (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            f"SET statement_timeout = {milliseconds}",
            "SET lock_timeout = 2000",
            "SET idle_in_transaction_session_timeout = 60000",
            "SET standard_conforming_strings = on",
            "SET DateStyle = 'ISO, YMD'",
        ):
            connection.execute(text(statement))
        if connection.execute(text("SHOW server_encoding")).scalar() == "SQL_ASCII":
            # such a server vouches for no encoding: take bytes, and decode each cell with care
            connection.execute(text("SET client_encoding = 'SQL_ASCII'"))
        connection.commit()

    def allow(self, connection: Connection, seconds: float) -> None:
        connection.execute(text(f"SET LOCAL statement_timeout = {int(seconds * 1000)}"))

    def catalogue(self, connection: Connection) -> Sequence[tuple[Table, Source]]:
        tables = list(connection.execute(text(_TABLES.replace(":", "\\:"))))
        names = {row[0]: _s(row[2]) if row[7] else f"{_s(row[1])}.{_s(row[2])}" for row in tables}
        columns: dict[int, list[tuple[Column, str, bool]]] = {}
        for oid, name, declared, base, required, comment, readable in connection.execute(text(_COLUMNS)):
            column = Column(_s(name), _s(declared), family(_s(base)), not required, _s(comment or ""))
            columns.setdefault(oid, []).append((column, _s(base), bool(readable)))
        primary: dict[int, tuple[str, ...]] = {}
        foreign: dict[int, list[ForeignKey]] = {}
        for oid, kind, parent, mine, theirs in connection.execute(text(_KEYS)):
            if _s(kind) == "p":
                primary[oid] = tuple(map(_s, mine))
            elif parent in names:
                foreign.setdefault(oid, []).append(ForeignKey(tuple(map(_s, mine)), names[parent], tuple(map(_s, theirs))))
        found = []
        for oid, schema, name, kind, rows, comment, readable, _ in tables:
            known = columns.get(oid, [])
            problem = "" if readable else "no right to read it"
            table = Table(
                names[oid],
                tuple(column for column, _, allowed in known if allowed or problem),
                _KINDS[_s(kind)],
                _s(comment or ""),
                primary.get(oid, ()),
                tuple(foreign.get(oid, ())),
                None if rows < 0 else int(rows),
                problem,
            )
            found.append((table, self._source(_s(schema), _s(name), _s(kind), table, {column.name: base for column, base, _ in known})))
        return found

    def _source(self, schema: str, name: str, kind: str, table: Table, types: dict[str, str]) -> Source:
        lone = table.primary_key[0] if len(table.primary_key) == 1 else ""
        integer = self.quote(lone) if lone and types.get(lone) in _INTEGERS else ""
        share = min(100.0, 100.0 * 2000 / table.rows) if table.rows else 1.0
        sampled = f"TABLESAMPLE SYSTEM ({share:.6f}) REPEATABLE (7)" if kind in ("r", "p", "m") else ""
        return Source(f"{self.quote(schema)}.{self.quote(name)}", ", ".join(map(self.quote, table.primary_key[:1])), integer, sampled)

    def cell(self, column: str, family: Family) -> str:
        quoted = self.quote(column)
        if family is Family.BINARY:
            return f"substr({quoted}, 1, 64)"
        return f"left(CAST({quoted} AS text), {CELL})"

    def quote(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def text_of(self, sql: str) -> str:
        return f'CAST({sql} AS text) COLLATE "C"'


def _s(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


POSTGRESQL = PostgreSql()
