"""Read-only connector over SQLAlchemy: one catalogue query set a dialect, bounded samples, and one broken table never stops the rest.

Bounds: 5 s a statement, 20 s and 32 MB a table, 4,096 characters a cell. Sessions are read-only twice: by setting and by transaction.
"""

import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from privacy.adapters.database_urls import Address
from privacy.adapters.databases import inclusion
from privacy.adapters.databases.quoting import MARKER
from privacy.adapters.databases.sampling import STATEMENT_SECONDS, TABLE_SECONDS, Gather, Source, Unreadable, read_strata
from privacy.adapters.databases.words import in_words
from privacy.discovery.shapes import Family, Inclusion, KeyShape, Sample, Table
from privacy.kernel.errors import ConnectorUnavailable


class Dialect(Protocol):
    """What differs between servers."""

    kind: str

    def prepare(self, connection: Connection) -> None:
        """Make the session read-only, with statement timeouts."""

    def allow(self, connection: Connection, seconds: float) -> None:
        """Let the statements of this transaction take `seconds`; the session's own bound may be another."""

    def catalogue(self, connection: Connection) -> Sequence[tuple[Table, Source]]:
        """Return all tables with how to read them."""

    def cell(self, column: str, family: Family) -> str:
        """Return SQL that yields the cell as text (bytes for binary columns), cut to a length."""

    def quote(self, name: str) -> str: ...

    def text_of(self, sql: str) -> str:
        """Return SQL that yields a value as text which compares byte by byte, whatever the collations."""


class SqlConnector:
    """A connected database server."""

    def __init__(self, dialect: Dialect, address: Address) -> None:
        self._dialect = dialect
        self._engine: Engine = create_engine(address.url, connect_args=address.arguments, poolclass=NullPool, hide_parameters=True)
        self._sources: dict[str, Source] = {}
        self._connection: Connection | None = None

    @property
    def kind(self) -> str:
        return self._dialect.kind

    def check(self) -> None:
        self._open()

    def tables(self) -> Sequence[Table]:
        try:
            with self._open().begin():
                found = self._dialect.catalogue(self._open())
        except (SQLAlchemyError, UnicodeDecodeError) as error:
            raise _unavailable(error, "The system's catalogue cannot be read") from None
        # our own table is none of the system's
        self._sources = {table.name: source for table, source in found if table.name != MARKER}
        return [table for table, _ in found if table.name != MARKER]

    def sample(self, table: Table, limit: int) -> Mapping[str, Sample]:
        gather = Gather(table.columns, limit, time.monotonic() + TABLE_SECONDS)
        try:
            read_strata(self._rows, self._dialect, table, self._sources[table.name], gather)
        except Unreadable as error:
            if not gather.rows:
                raise ConnectorUnavailable(f"The table cannot be read ({error.reason}).") from None
        return gather.samples()

    def quote(self, name: str) -> str:
        return self._dialect.quote(name)

    def query(self, statement: str, parameters: Sequence[Any] = (), *, seconds: float = STATEMENT_SECONDS) -> Generator[Sequence[Any]]:
        """Run a SELECT of ours with bound values (`%s`; a `%` of a name is doubled) and stream its rows. Raises Unreadable."""
        try:
            with self._open().begin():
                self._dialect.allow(self._open(), seconds)
                options = {"stream_results": True, "max_row_buffer": 100}
                with closing(self._open().exec_driver_sql(statement, tuple(parameters), execution_options=options)) as result:
                    yield from result
        except (SQLAlchemyError, UnicodeDecodeError) as error:
            raise Unreadable(in_words(error)) from None

    def included(
        self, child: Table, child_columns: Sequence[str], parent: Table, parent_columns: Sequence[str], sample: int, by: str = ""
    ) -> Mapping[str, Inclusion]:
        ends = (child, self._sources[child.name]), (parent, self._sources[parent.name])
        try:
            return inclusion.included(self._rows, self._dialect, ends[0], child_columns, ends[1], parent_columns, sample, by)
        except Unreadable as error:
            raise ConnectorUnavailable(f"The values cannot be compared ({error.reason}).") from None

    def key_shape(self, table: Table, columns: Sequence[str]) -> KeyShape:
        try:
            return inclusion.key_shape(self._rows, self._dialect, table, self._sources[table.name], columns)
        except Unreadable as error:
            raise ConnectorUnavailable(f"The values cannot be counted ({error.reason}).") from None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._engine.dispose()

    def _open(self) -> Connection:
        if self._connection is None:
            try:
                self._connection = self._engine.connect()
                self._dialect.prepare(self._connection)
            except SQLAlchemyError as error:
                raise _unavailable(error, "The system cannot be connected") from None
        return self._connection

    def _rows(self, statement: str) -> Generator[Sequence[Any]]:
        # one transaction a statement: on PostgreSQL a failed statement would make the next ones fail too
        try:
            with self._open().begin():
                # no parameters: names may hold `:`, `%` and `?`, and the driver must leave them alone
                result = self._open().exec_driver_sql(statement, execution_options={"stream_results": True, "max_row_buffer": 100, "no_parameters": True})
                with closing(result):
                    yield from result
        except (SQLAlchemyError, UnicodeDecodeError) as error:
            raise Unreadable(in_words(error)) from None


def _unavailable(error: Exception, what: str) -> ConnectorUnavailable:
    return ConnectorUnavailable(f"{what}: {in_words(error)}.")
