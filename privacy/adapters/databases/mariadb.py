"""MariaDB and MySQL: catalogue from information_schema, whatever sql_mode the server runs with."""

from collections.abc import Sequence

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from privacy.adapters.databases.sampling import CELL, STATEMENT_SECONDS, Source
from privacy.adapters.databases.types import family
from privacy.discovery.shapes import Column, Family, ForeignKey, Table

_TABLES = "SELECT TABLE_NAME, TABLE_TYPE, TABLE_ROWS, TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME"
_COLUMNS = """
SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, DATA_TYPE, IS_NULLABLE, COLUMN_COMMENT
FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION
"""
_KEYS = """
SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
FROM information_schema.KEY_COLUMN_USAGE
WHERE TABLE_SCHEMA = DATABASE() AND (CONSTRAINT_NAME = 'PRIMARY' OR REFERENCED_TABLE_NAME IS NOT NULL) ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION
"""
_JSON_CHECKS = (
    "SELECT TABLE_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE() AND CHECK_CLAUSE LIKE 'json_valid(%'"
)
_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")


class MariaDb:
    kind = "mysql"

    def prepare(self, connection: Connection) -> None:
        connection.execute(text("SET SESSION sql_mode = ''"))
        self.allow(connection, STATEMENT_SECONDS)
        connection.execute(text("SET SESSION lock_wait_timeout = 5"))
        connection.execute(text("SET SESSION TRANSACTION READ ONLY"))
        connection.commit()

    def allow(self, connection: Connection, seconds: float) -> None:
        for statement in (f"SET SESSION max_statement_time = {seconds}", f"SET SESSION max_execution_time = {int(seconds * 1000)}"):
            try:
                connection.execute(text(statement))
            except DBAPIError:
                continue  # MariaDB knows the first, MySQL the second

    def catalogue(self, connection: Connection) -> Sequence[tuple[Table, Source]]:
        json_columns = self._json_columns(connection)
        columns: dict[str, list[Column]] = {}
        types: dict[tuple[str, str], str] = {}
        for table, name, declared, base, nullable, comment in connection.execute(text(_COLUMNS)):
            types[table, name] = base
            kind = Family.JSON if (table, name) in json_columns else family(declared if declared.startswith("tinyint(1)") else base)
            columns.setdefault(table, []).append(Column(name, declared, kind, nullable == "YES", comment or ""))
        primary, foreign = self._keys(connection)
        found = []
        for name, kind, rows, comment in connection.execute(text(_TABLES)):
            if kind == "SEQUENCE":
                continue
            view = kind == "VIEW"
            # a view whose tables are gone says so here instead of listing columns
            broken = view and "references invalid" in (comment or "")
            table = Table(
                name,
                tuple(columns.get(name, ())),
                "view" if view else "table",
                "" if view else comment or "",
                tuple(primary.get(name, ())),
                tuple(foreign.get(name, ())),
                None if rows is None else int(rows),
                "the view refers to something that is gone" if broken else "",
            )
            lone = table.primary_key[0] if len(table.primary_key) == 1 else ""
            integer = self.quote(lone) if lone and types.get((name, lone)) in _INTEGERS else ""
            found.append((table, Source(self.quote(name), ", ".join(map(self.quote, table.primary_key[:1])), integer)))
        return found

    def _keys(self, connection: Connection) -> tuple[dict[str, list[str]], dict[str, list[ForeignKey]]]:
        primary: dict[str, list[str]] = {}
        pairs: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
        for table, constraint, column, parent, parent_column in connection.execute(text(_KEYS)):
            if parent is None:
                primary.setdefault(table, []).append(column)
            else:
                pairs.setdefault((table, constraint, parent), []).append((column, parent_column))
        foreign: dict[str, list[ForeignKey]] = {}
        for (table, _, parent), columns in pairs.items():
            foreign.setdefault(table, []).append(ForeignKey(tuple(mine for mine, _ in columns), parent, tuple(theirs for _, theirs in columns)))
        return primary, foreign

    def _json_columns(self, connection: Connection) -> set[tuple[str, str]]:
        """MariaDB keeps JSON as text with a check; MySQL has no such rows, and some versions no such table."""
        try:
            return {(table, clause.split("`")[1]) for table, clause in connection.execute(text(_JSON_CHECKS)) if clause.count("`") == 2}
        except DBAPIError:
            return set()

    def cell(self, column: str, family: Family) -> str:
        quoted = self.quote(column)
        if family in (Family.BINARY, Family.GEO):
            return f"SUBSTRING({quoted}, 1, 64)"
        if family in (Family.TEXT, Family.JSON):
            return f"LEFT({quoted}, {CELL})"
        return f"LEFT(CAST({quoted} AS CHAR), {CELL})"

    def quote(self, name: str) -> str:
        return "`" + name.replace("`", "``") + "`"

    def text_of(self, sql: str) -> str:
        return f"CAST({sql} AS BINARY)"


MARIADB = MariaDb()
