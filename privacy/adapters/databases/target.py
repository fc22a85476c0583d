"""A connected database, open for reading and writing: the port `Target` of disposal on SQLite, PostgreSQL and MariaDB.

What a batch changes and the marker that says so are one transaction of that database (decision 1). No transaction stays open between calls.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from privacy.adapters.databases import shapes as reflection
from privacy.adapters.databases.access import refuse_read_only
from privacy.adapters.databases.conditions import Clause, Conditions
from privacy.adapters.databases.counting import count
from privacy.adapters.databases.drivers import read_leniently
from privacy.adapters.databases.known import Known
from privacy.adapters.databases.limits import TooSlow, limit_time, unlimit_time
from privacy.adapters.databases.marker import Marker, ddl
from privacy.adapters.databases.needles import Needles
from privacy.adapters.databases.ranges import boundaries
from privacy.adapters.databases.reading import Pages
from privacy.adapters.databases.rehearsal import rehearse
from privacy.adapters.databases.reserved import NOTHING, Reserved
from privacy.adapters.databases.residue import residue
from privacy.adapters.databases.statements import Runner
from privacy.adapters.databases.tidying import tidy
from privacy.adapters.databases.violations import Refusal, refusal
from privacy.adapters.databases.words import TIMEOUT, in_words
from privacy.adapters.databases.writable import STATEMENT_SECONDS, WritableDatabase, open_writable, unavailable
from privacy.disposal.target import Applied, Cells, ChildOf, Hit, Rehearsal, Statement, TableShape, Where
from privacy.kernel.errors import Conflict, ConnectorUnavailable, InvalidInput, NotFound
from privacy.kernel.plaintext import Plaintext

_ATTEMPTS = 5


def open_target(url: str, *, reserved: Reserved = NOTHING, write: bool = True) -> "SqlTarget":
    """Open a connected system. Raises InvalidInput, ConnectorUnavailable, Conflict with code `read_only` where `write` is asked and refused."""
    target = SqlTarget(open_writable(url, reserved=reserved), write=write)
    try:
        target.check()
    except BaseException:
        target.close()
        raise
    return target


class SqlTarget:
    """See `disposal.ports.Target`. One object is used by one thread at a time; generators it returns may outlive other calls."""

    def __init__(self, database: WritableDatabase, *, write: bool = True) -> None:
        self._database = database
        self._write = write
        self._reader = database.engine.execution_options(reading=True)
        self._known: Mapping[str, Known] | None = None
        self._marked = False
        event.listen(database.engine, "connect", read_leniently(database.kind))
        self._kept: Connection | None = None

    @property
    def kind(self) -> str:
        return self._database.kind

    def check(self) -> None:
        """Connect. Raises ConnectorUnavailable, Conflict `read_only`."""
        with self._reading() as opened:
            if self._write:
                refuse_read_only(opened)
        if self._write and self.kind == "sqlite":
            with self._writing():
                pass

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        self._database.close()

    # --- what is there ----------------------------------------------------------------------------------------------------------------

    def shapes(self) -> Mapping[str, TableShape]:
        """Read the catalogue afresh."""
        with self._reading() as opened:
            self._known = reflection.read_catalogue(opened)
        return {name: known.shape for name, known in self._known.items()}

    def fingerprint(self, tables: Sequence[str]) -> str:
        return reflection.fingerprint(self.shapes(), tables)

    def _tables(self) -> Mapping[str, Known]:
        if self._known is None:
            self.shapes()
        assert self._known is not None
        return self._known

    def _table(self, name: str) -> Known:
        known = self._tables().get(name)
        if known is None:
            raise NotFound(f"The system has no table {name} (any more): scan it again.", code="schema_changed")
        return known

    # --- reading ----------------------------------------------------------------------------------------------------------------------

    def select(self, table: str, columns: Sequence[str], where: Where, *, limit: int | None = None) -> Iterator[Cells]:
        known = self._table(table)
        pages = Pages(self.kind, known, columns)
        conditions = self._conditions()
        if known.shape.primary_key:
            yield from (Cells(row) for row in pages.rows(self._fetch, conditions, where, limit))
            return
        with self._reading() as opened:
            whole = pages.all(self._conditions(opened), where, limit)
            result = opened.execution_options(stream_results=True, max_row_buffer=1000).exec_driver_sql(whole.sql, whole.parameters)
            yield from (Cells(row) for row in result)

    def count(self, table: str, where: Where) -> int:
        with self._reading() as opened:
            return count(opened, self._table(table), self._conditions(opened), where)

    def _fetch(self, clause: Clause) -> Sequence[Sequence[Any]]:
        with self._reading() as opened:
            return opened.exec_driver_sql(clause.sql, clause.parameters).fetchall()

    def _fetch_within(self, clause: Clause, seconds: float) -> Sequence[Sequence[Any]]:
        with self._reading() as opened:
            limit_time(opened, min(seconds, STATEMENT_SECONDS))
            try:
                return opened.exec_driver_sql(clause.sql, clause.parameters).fetchall()
            finally:
                unlimit_time(opened, STATEMENT_SECONDS)

    def _conditions(self, opened: Connection | None = None) -> Conditions:
        def parents(where: ChildOf) -> Iterator[Sequence[Any]]:
            """Read the parents' keys, inside the caller's transaction where there is one."""
            chosen = Pages(self.kind, self._table(where.parent), where.parent_columns).all(conditions, where.where, None)
            rows = self._fetch(chosen) if opened is None else opened.exec_driver_sql(chosen.sql, chosen.parameters).fetchall()
            return (row[: len(where.parent_columns)] for row in rows)

        conditions = Conditions(self.kind, self._table, parents)
        return conditions

    # --- writing ----------------------------------------------------------------------------------------------------------------------

    def rehearse(self, statements: Sequence[Statement], *, seconds: float = 30.0) -> Rehearsal:
        self._tables()
        with self._writing() as opened:
            return rehearse(opened, self._tables(), self._conditions(opened), statements, seconds)

    def apply(self, run: str, batch: int, token: int, statements: Sequence[Statement]) -> Applied:
        if batch < 0:
            raise InvalidInput("A batch has a number from 0.")
        self._make_marker()
        self._tables()
        for attempt in range(_ATTEMPTS):
            try:
                return self._apply(run, batch, token, statements)
            except _Again as again:
                if attempt == _ATTEMPTS - 1:
                    raise again.error from None
                time.sleep(0.05 * 2**attempt)
        raise AssertionError("unreachable")

    def applied(self, run: str) -> Sequence[Applied]:
        with self._reading() as opened:
            marker = Marker(opened)
            return marker.all(run) if marker.exists() else []

    def _apply(self, run: str, batch: int, token: int, statements: Sequence[Statement]) -> Applied:
        at = -1
        try:
            with self._database.engine.begin() as opened:
                marker = Marker(opened)
                if done := marker.found(run, batch):
                    return done
                marker.fence(run, token)
                runner = Runner(opened, self._tables(), self._conditions(opened))
                rows = []
                for at, statement in enumerate(statements):  # noqa: B007 - which one failed
                    rows.append(runner.run(statement))
                if self.kind == "postgresql":
                    opened.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
                marker.write(run, batch, token, rows)
            return Applied(run, batch, tuple(rows))
        except DBAPIError as error:
            why = refusal(error)
            # two workers that begin a run at once both write its first row: the second one looks again
            if why.retry or (why.kind == "unique" and (at < 0 or self._wrote(run, batch))):
                raise _Again(unavailable(error)) from None
            raise _refused(why, error, statements[at].table if at >= 0 else "") from None
        except (SQLAlchemyError, UnicodeError) as error:
            raise unavailable(error) from None

    def _wrote(self, run: str, batch: int) -> bool:
        with self._reading() as opened:
            return Marker(opened).found(run, batch) is not None

    def _make_marker(self) -> None:
        if self._marked:
            return
        if not self._write:
            raise Conflict("This system was opened for reading only.", code="read_only")
        with self._reading() as opened:
            self._marked = Marker(opened).exists()
        if not self._marked:
            try:
                with self._writing() as opened:
                    opened.exec_driver_sql(ddl(self.kind))
            except (Conflict, ConnectorUnavailable) as refused:
                self._accept(refused)
            self._marked = True

    def _accept(self, refused: Conflict | ConnectorUnavailable) -> None:
        """Another worker may have made the table at the same time, which PostgreSQL does not take lightly. Raises `refused` where nobody has."""
        with self._reading() as opened:
            if Marker(opened).exists():
                return
        if refused.code == "read_only":
            raise Conflict(f"{refused.detail} Or let its administrator make the table: {ddl(self.kind)}", code="read_only") from None
        raise refused

    # --- ranges, residue, afterwards --------------------------------------------------------------------------------------------------

    def boundaries(self, table: str, where: Where, rows: int) -> Iterator[tuple[object, object]]:
        """Nothing for a table whose key has several columns or none: select its keys and go by KeysIn there."""
        known = self._table(table)
        if len(known.shape.primary_key) == 1:
            yield from boundaries(self.kind, self._fetch, self._conditions(), known, where, rows)

    def residue(self, table: str, columns: Sequence[str], needles: Sequence[Plaintext], *, limit: int = 100) -> Iterator[Hit]:
        """Time and cells are bounded (`residue.py`): a hit of the form `not_searched` names what was left out."""
        yield from residue(self.kind, self._fetch_within, self._table(table), columns, Needles([needle.reveal() for needle in needles]), limit)

    def tidy(self, tables: Sequence[str]) -> None:
        tidy(self._database, self._tables(), tables)

    # --- transactions -----------------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        with _translated(), self._reader.connect() if self.kind != "sqlite" else self._file() as opened, opened.begin():
            yield opened

    @contextlib.contextmanager
    def _file(self) -> Iterator[Connection]:
        """Lend a connection that stays open: the last one to close empties the write-ahead log, which must not happen after every batch."""
        if self._kept is None:
            self._kept = self._reader.connect()
        if self._kept.in_transaction():  # a reader that goes through a table without a key has it
            with self._reader.connect() as another:
                yield another
        else:
            yield self._kept

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _translated(), self._database.engine.begin() as opened:
            yield opened


class _Again(Exception):
    """A lock, a deadlock, a lost connection: what was begun is undone, or done and not acknowledged; the marker tells."""

    def __init__(self, error: ConnectorUnavailable) -> None:
        super().__init__()
        self.error = error


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise _refused(refusal(error), error, "") from None
    except (SQLAlchemyError, UnicodeError) as error:
        raise unavailable(error) from None


def _refused(why: Refusal, error: DBAPIError, table: str) -> Conflict | ConnectorUnavailable:
    where = f"{table}: " if table else ""
    if why.read_only or why.kind == "permission":
        return Conflict(f"{where}this system cannot be written to by this user. {_REMEDY}", code="read_only")
    if why.kind:
        named = f" ({why.name})" if why.name else ""
        return Conflict(f"{where}{why.detail}{named}. Nothing of this batch was done.", code="constraint_violated")
    return TooSlow(f"The system: {TIMEOUT}.") if in_words(error) == TIMEOUT else unavailable(error)


_REMEDY = "Connect it with a user that may update and delete, to a server or file that is not read-only."
