"""One column of a connected table, open for encryption in place: the port `Opened` of protection on SQLite, PostgreSQL and MariaDB.

Every method is a short transaction that first takes the move's fence in the marker table, so that a worker that lost its job writes nothing more. Where
a database commits every DDL statement by itself (MariaDB), each statement asks first whether it was done. Only names and phases go into the marker.
"""
# ruff: noqa: S608 - names are quoted, every value is a parameter

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from privacy.adapters.databases import shapes as reflection
from privacy.adapters.databases.access import refuse_read_only
from privacy.adapters.databases.drivers import read_leniently
from privacy.adapters.databases.known import Known
from privacy.adapters.databases.marker import Marker, ddl
from privacy.adapters.databases.quoting import MARKER, placeholder, quote
from privacy.adapters.databases.reserved import NOTHING, Reserved
from privacy.adapters.databases.shadow_cells import Cells, follows
from privacy.adapters.databases.shadow_survey import draw, index_name, obstacles
from privacy.adapters.databases.shadow_watch import Watch
from privacy.adapters.databases.tidying import tidy
from privacy.adapters.databases.violations import refusal
from privacy.adapters.databases.writable import STATEMENT_SECONDS, WritableDatabase, open_writable, unavailable
from privacy.kernel.errors import Conflict, NotFound
from privacy.kernel.plaintext import Plaintext
from privacy.protection.column_model import Layout, Obstacle, Which
from privacy.protection.column_ports import Cell, Key, Sealed

T = TypeVar("T")
RUN = "columns:"  # and the move's id: the name of its rows in the marker table
_STATE = 0
_ATTEMPTS = 5
_NO_TRIGGER = frozenset({1142, 1227, 1419, 1044, 1370, "42501"})
_SHADOW = {"sqlite": "TEXT", "postgresql": "text", "mysql": "MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NULL INVISIBLE"}
_INDEX = {"sqlite": "BIGINT", "postgresql": "bigint", "mysql": "BIGINT NULL INVISIBLE"}


def open_shadow(url: str, move: str, *, reserved: Reserved = NOTHING) -> "SqlShadow":
    """Open a connected system for the move called `move`. Raises InvalidInput, ConnectorUnavailable, Conflict with code `read_only`."""
    opened = SqlShadow(open_writable(url, reserved=reserved), move)
    try:
        opened.check()
    except BaseException:
        opened.close()
        raise
    return opened


class SqlShadow:
    """See `protection.column_ports.ShadowTable` and `Survey`. One object is used by one thread."""

    def __init__(self, database: WritableDatabase, move: str) -> None:
        self._database, self._run = database, RUN + move
        self._reader = database.engine.execution_options(reading=True)
        self._tables: Mapping[str, Known] = {}
        self._cells: dict[Layout, tuple[Watch, Cells]] = {}
        event.listen(database.engine, "connect", read_leniently(database.kind))

    @property
    def kind(self) -> str:
        return self._database.kind

    def check(self) -> None:
        with self._reading() as opened:
            refuse_read_only(opened)

    def close(self) -> None:
        self._database.close()

    # --- looking -----------------------------------------------------------------------------------------------------------------------

    def obstacles(self, table: str, field: str, subject: str) -> Sequence[Obstacle]:
        with self._reading() as opened:
            return list(obstacles(opened, self._look(opened), table, field, subject))

    def draw(self, table: str, field: str, subject: str) -> Layout:
        with self._reading() as opened:
            self._look(opened)
        return draw(self.kind, self._known(table), field, subject)

    def count(self, table: str, field: str) -> tuple[int, int]:
        known = self._known(table)
        with self._reading() as opened:
            (rows, filled) = opened.exec_driver_sql(f"SELECT count(*), count({known.columns[field].sql}) FROM {known.sql}").one()
        return int(rows), int(filled)

    def page(self, layout: Layout, which: Which, after: Key, limit: int) -> Sequence[Cell]:
        def work() -> Sequence[Cell]:
            with self._reading() as opened:
                return self._of(opened, layout)[1].page(opened, which, after, limit)

        return self._again(work)

    # --- cells -------------------------------------------------------------------------------------------------------------------------

    def fill(self, layout: Layout, token: int, sealed: Sequence[Sealed], *, empty: bool) -> int:
        return self._fenced(token, lambda opened: self._of(opened, layout)[1].fill(opened, sealed, empty=empty))

    def restore(self, layout: Layout, token: int, values: Sequence[tuple[Cell, Plaintext]]) -> int:
        return self._fenced(token, lambda opened: self._of(opened, layout)[1].restore(opened, values))

    # --- the table ---------------------------------------------------------------------------------------------------------------------

    def prepare(self, layout: Layout, token: int) -> Layout:
        self._make_marker()
        self._fenced(token, lambda opened: self._remember(opened, layout, token, "copying"))
        self._fenced(token, lambda opened: self._add_columns(opened, layout))
        self._add_index(layout)
        guarded = self._watch(layout, token, lambda watch: watch.copying())
        return replace(layout, guarded=guarded)

    def guard(self, layout: Layout, token: int) -> None:
        def relax(opened: Connection) -> None:
            if layout.relaxed:
                opened.exec_driver_sql(f"ALTER TABLE {self._known(layout.table).sql} ALTER COLUMN {quote(self.kind, layout.field)} DROP NOT NULL")

        self._fenced(token, relax)
        if layout.guarded and not self._watch(layout, token, lambda watch: watch.guarding()):
            raise Conflict("Our trigger on the table cannot be changed by this user any more. Give the right back that it had.", code="read_only")
        self._fenced(token, lambda opened: self._remember(opened, layout, token, "switching"))

    def open(self, layout: Layout, token: int) -> None:
        self._fenced(token, lambda opened: self._remember(opened, layout, token, "undoing"))
        if layout.guarded and not self._watch(layout, token, lambda watch: watch.copying()):
            raise Conflict("Our trigger on the table cannot be changed by this user any more. Give the right back that it had.", code="read_only")

    def finish(self, layout: Layout, token: int, *, drop: bool) -> None:
        def work(opened: Connection) -> None:
            known = self._look(opened)[layout.table]
            if drop and layout.field in known.shape.columns:
                if any(layout.field in columns for columns in known.shape.indexes) and self.kind == "sqlite":
                    raise Conflict("An index is on the column: drop it first, or finalise without dropping the column.", code="constraint_violated")
                for statement in Watch(self.kind, known, layout, replaces=True).removing():
                    opened.exec_driver_sql(statement)
                opened.exec_driver_sql(f"ALTER TABLE {known.sql} DROP COLUMN {quote(self.kind, layout.field)}")
            self._remember(opened, layout, token, "finalised")

        self._fenced(token, work, long=True)
        self._forget()

    def remove(self, layout: Layout, token: int, *, emptied: bool) -> bool:
        def work(opened: Connection) -> bool:
            known = self._look(opened).get(layout.table)
            if known is None:
                raise NotFound(f"The system has no table {layout.table} any more.", code="schema_changed")
            ours = [name for name in (layout.shadow, layout.index) if name in known.shape.columns]
            watch = Watch(self.kind, known, layout, replaces=True)
            with self._locked(opened, known, write=bool(ours)):
                if emptied and layout.shadow in ours and self._is_hidden(opened, known, layout, watch):
                    return False
                for statement in self._removal(known, layout, watch, ours):
                    opened.exec_driver_sql(statement)
            self._remember(opened, layout, token, "undone")
            return True

        done = self._fenced(token, work, long=True)
        self._forget()
        return done

    def write_phase(self, layout: Layout, token: int, phase: str) -> None:
        self._fenced(token, lambda opened: self._remember(opened, layout, token, phase))

    def tidy(self, layout: Layout) -> None:
        tidy(self._database, self._tables, [layout.table])

    # --- inside ------------------------------------------------------------------------------------------------------------------------

    def _add_columns(self, opened: Connection, layout: Layout) -> None:
        known = self._look(opened).get(layout.table)
        if known is None or layout.field not in known.shape.columns:
            raise NotFound(f"The system has no column {layout.table}.{layout.field} any more.", code="schema_changed")
        for name, type_ in ((layout.shadow, _SHADOW), (layout.index, _INDEX)):
            if name not in known.shape.columns:
                opened.exec_driver_sql(f"ALTER TABLE {known.sql} ADD COLUMN {quote(self.kind, name)} {type_[self.kind]}")
        self._forget()

    def _add_index(self, layout: Layout) -> None:
        """On PostgreSQL beside the writers; an index that an interrupted attempt left unusable is made anew."""
        known, name = self._known(layout.table), quote(self.kind, index_name(layout))
        if (layout.index,) in known.shape.indexes:
            return
        column = quote(self.kind, layout.index)
        if self.kind != "postgresql":
            with self._writing(long=True) as opened:
                opened.exec_driver_sql(f"CREATE INDEX {name} ON {known.sql} ({column})")
        else:
            schema = known.sql[: known.sql.rindex(".", 0, known.sql.rindex('"', 0, len(known.sql) - 1))]
            with _translated(), self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as opened:
                opened.exec_driver_sql("SET statement_timeout = 0")
                try:
                    opened.exec_driver_sql(f"DROP INDEX IF EXISTS {schema}.{name}")
                    (partitioned,) = opened.exec_driver_sql(
                        "SELECT relkind = 'p' FROM pg_catalog.pg_class WHERE oid = CAST(%s AS regclass)", (known.sql.replace("%%", "%"),)
                    ).one()
                    opened.exec_driver_sql(f"CREATE INDEX {'' if partitioned else 'CONCURRENTLY '}{name} ON {known.sql} ({column})")
                finally:
                    opened.invalidate()  # its settings end with it
        self._forget()

    def _watch(self, layout: Layout, token: int, which: Callable[[Watch], Sequence[str]]) -> bool:
        """Set our triggers; False where this user may not make any."""

        def work(opened: Connection) -> None:
            watch = Watch(self.kind, self._known(layout.table), layout, replaces=bool(getattr(opened.dialect, "is_mariadb", False)))
            if self.kind == "postgresql":
                # waits for writers that are under way with the trigger as it was, and holds off new ones for a moment
                opened.exec_driver_sql(f"LOCK TABLE {self._known(layout.table).sql} IN SHARE ROW EXCLUSIVE MODE")
            for statement in which(watch):
                opened.exec_driver_sql(statement)

        try:
            self._fenced(token, work)
        except Conflict as refused:
            if refused.code == "read_only":
                return False
            raise
        return True

    def _is_hidden(self, opened: Connection, known: Known, layout: Layout, watch: Watch) -> bool:
        gone, shadow = watch.is_empty(known.columns[layout.field].sql), known.columns[layout.shadow].sql
        return opened.exec_driver_sql(f"SELECT 1 FROM {known.sql} WHERE {gone} AND {shadow} IS NOT NULL LIMIT 1").first() is not None

    def _removal(self, known: Known, layout: Layout, watch: Watch, ours: Sequence[str]) -> Iterator[str]:
        yield from watch.removing()
        if self.kind == "sqlite":
            yield f"DROP INDEX IF EXISTS {quote(self.kind, index_name(layout))}"
        if self.kind == "sqlite":
            yield from (f"ALTER TABLE {known.sql} DROP COLUMN {quote(self.kind, name)}" for name in reversed(ours))
        elif ours:
            yield f"ALTER TABLE {known.sql} {', '.join(f'DROP COLUMN {quote(self.kind, name)}' for name in ours)}"
        if layout.relaxed:
            yield f"ALTER TABLE {known.sql} ALTER COLUMN {quote(self.kind, layout.field)} SET NOT NULL"

    @contextlib.contextmanager
    def _locked(self, opened: Connection, known: Known, *, write: bool) -> Iterator[None]:
        if self.kind == "postgresql":
            opened.exec_driver_sql(f"LOCK TABLE {known.sql} IN ACCESS EXCLUSIVE MODE")
            yield
        elif self.kind == "mysql" and write:
            opened.exec_driver_sql(f"LOCK TABLES {known.sql} WRITE")
            try:
                yield
            finally:
                opened.exec_driver_sql("UNLOCK TABLES")
        else:
            yield

    def _remember(self, opened: Connection, layout: Layout, token: int, phase: str) -> None:
        """Write phase and layout beside the fence: what one needs to go on, or back, when our own database is lost."""
        mark, rows, at = placeholder(self.kind), quote(self.kind, "rows"), quote(self.kind, "at")
        words = json.dumps({"phase": phase, **asdict(layout)}, ensure_ascii=True, sort_keys=True)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        changed = opened.exec_driver_sql(
            f"UPDATE {MARKER} SET token = {mark}, {rows} = {mark}, {at} = {mark} WHERE run = {mark} AND batch = {_STATE}", (token, words, now, self._run)
        )
        found = changed.rowcount or opened.exec_driver_sql(f"SELECT 1 FROM {MARKER} WHERE run = {mark} AND batch = {_STATE}", (self._run,)).first()
        if not found:
            values = (self._run, _STATE, token, words, now)
            opened.exec_driver_sql(f"INSERT INTO {MARKER} (run, batch, token, {rows}, {at}) VALUES ({', '.join([mark] * 5)})", values)

    def _make_marker(self) -> None:
        with self._reading() as opened:
            there = Marker(opened).exists()
        if not there:
            with self._writing() as opened:
                opened.exec_driver_sql(ddl(self.kind))

    def _look(self, opened: Connection) -> Mapping[str, Known]:
        self._tables = reflection.read_catalogue(opened)
        self._cells.clear()
        return self._tables

    def _forget(self) -> None:
        self._tables = {}
        self._cells.clear()

    def _known(self, table: str) -> Known:
        if not self._tables:
            with self._reading() as opened:
                self._look(opened)
        if table not in self._tables:
            raise NotFound(f"The system has no table {table} (any more): scan it again.", code="schema_changed")
        return self._tables[table]

    def _of(self, opened: Connection, layout: Layout) -> tuple[Watch, Cells]:
        if layout not in self._cells:
            tables = self._tables or self._look(opened)
            known = tables.get(layout.table)
            if known is None or any(name not in known.columns for name in (*layout.key, layout.field, layout.subject, layout.shadow, layout.index)):
                self._forget()
                raise NotFound(f"The table {layout.table} has other columns than when this began: scan the system again.", code="schema_changed")
            watch = Watch(self.kind, known, layout, replaces=True)
            self._cells[layout] = (watch, Cells(self.kind, known, layout, watch, follows(opened, layout.table)))
        return self._cells[layout]

    def _fenced(self, token: int, work: Callable[[Connection], T], *, long: bool = False) -> T:
        def attempt() -> T:
            with self._writing(long=long) as opened:
                Marker(opened).fence(self._run, token)
                return work(opened)

        return self._again(attempt)

    def _again(self, work: Callable[[], T]) -> T:
        """Locks and deadlocks pass: what was begun is undone, so it may be done again."""
        for attempt in range(_ATTEMPTS):
            try:
                with _translated(retry=attempt < _ATTEMPTS - 1):
                    return work()
            except _Again:
                self._forget()
                time.sleep(0.05 * 2**attempt)
        raise AssertionError("unreachable")

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._reader.connect() as opened, opened.begin():
            yield opened

    @contextlib.contextmanager
    def _writing(self, *, long: bool = False) -> Iterator[Connection]:
        with self._database.engine.begin() as opened:
            if long and self.kind == "postgresql":
                opened.exec_driver_sql("SET LOCAL statement_timeout = 0")
            if long and self.kind == "mysql":
                _limit(opened, 0)
            try:
                yield opened
            finally:
                if long and self.kind == "mysql":
                    _limit(opened, STATEMENT_SECONDS)


def _limit(opened: Connection, seconds: int) -> None:
    with contextlib.suppress(SQLAlchemyError):  # MySQL limits SELECT alone
        opened.exec_driver_sql(f"SET SESSION max_statement_time = {seconds}")


class _Again(Exception):
    """A lock, a deadlock, a lost connection."""


@contextlib.contextmanager
def _translated(*, retry: bool = False) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        why = refusal(error)
        if retry and (why.retry or error.connection_invalidated):
            raise _Again from None
        if why.read_only or why.kind == "permission" or _code(error) in _NO_TRIGGER:
            detail = "This system's user may not change the table: it needs the right to alter it, and to make triggers and indexes on it."
            raise Conflict(detail, code="read_only") from None
        if why.kind:
            named = f" ({why.name})" if why.name else ""
            raise Conflict(f"The database refuses: {why.detail}{named}. Nothing of this step was done.", code="constraint_violated") from None
        raise unavailable(error) from None
    except (SQLAlchemyError, UnicodeError) as error:
        raise unavailable(error) from None


def _code(error: DBAPIError) -> Any:
    driver = error.orig
    return getattr(driver, "sqlstate", None) or (driver.args[0] if driver is not None and driver.args and isinstance(driver.args[0], int) else None)
