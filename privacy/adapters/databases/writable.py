"""Connected databases opened for writing: bounded waits, explicit short transactions, errors in words. What `target.py` and `shadow.py` stand on.

Nothing here decides what is written. A connected database's own constraints stay on: on SQLite foreign keys are enforced in our sessions.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from privacy.adapters.databases.open import Place, locate
from privacy.adapters.databases.reserved import NOTHING, Reserved
from privacy.adapters.databases.words import in_words
from privacy.kernel.errors import Conflict, ConnectorUnavailable

LOCK_SECONDS, STATEMENT_SECONDS = 5, 60
_POSTGRESQL = (
    f"SET statement_timeout = {STATEMENT_SECONDS * 1000}",
    f"SET lock_timeout = {LOCK_SECONDS * 1000}",
    "SET idle_in_transaction_session_timeout = 60000",
    "SET standard_conforming_strings = on",
    "SET DateStyle = 'ISO, YMD'",
    "SET TimeZone = 'UTC'",
)
_MARIADB = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES'",
    f"SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}",
    f"SET SESSION lock_wait_timeout = {LOCK_SECONDS}",
    "SET SESSION time_zone = '+00:00'",
)
_PRAGMAS = ("foreign_keys = ON", "secure_delete = ON", "trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0")


class WritableDatabase:
    """One connected database. Connections are made on first use; `close` it.

    Raises ConnectorUnavailable for whatever the server or file refuses, Conflict with code `read_only` for a system that cannot be written at all.
    """

    def __init__(self, place: Place) -> None:
        if place.kind == "csv":
            raise Conflict("A CSV system cannot be changed in place; mask the file into a new one with `privacy mask`.", code="read_only")
        self.kind = place.kind
        self.engine: Engine = _sqlite(place) if place.path is not None else _server(place)

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open one transaction; commit at the end, roll back on any error. What goes wrong on connecting comes as ConnectorUnavailable."""
        with contextlib.ExitStack() as stack:
            try:
                opened = stack.enter_context(self.engine.begin())
            except (SQLAlchemyError, UnicodeDecodeError) as error:
                raise unavailable(error) from None
            yield opened

    def close(self) -> None:
        self.engine.dispose()


def open_writable(url: str, *, reserved: Reserved = NOTHING) -> WritableDatabase:
    """Open a connected system for writing by its address. Raises InvalidInput, Conflict (`read_only`)."""
    return WritableDatabase(locate(url, reserved=reserved))


def unavailable(error: BaseException, what: str = "The system") -> ConnectorUnavailable:
    """Return a driver's error in our words: never its text, which may quote rows or the address."""
    return ConnectorUnavailable(f"{what}: {in_words(error)}.")


def _sqlite(place: Place) -> Engine:
    assert place.path is not None
    # mode=rw never creates a file that is gone
    engine = create_engine(
        f"sqlite+pysqlite:///file:{place.path.as_posix()}?mode=rw&uri=true",
        connect_args={"timeout": LOCK_SECONDS, "check_same_thread": False},
        poolclass=NullPool,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(opened: Any, _record: Any) -> None:
        opened.isolation_level = None  # the driver must not open transactions of its own
        for pragma in _PRAGMAS:
            opened.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(opened: Connection) -> None:
        reading = opened.get_execution_options().get("reading", False)
        opened.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _server(place: Place) -> Engine:
    assert place.address is not None
    engine = create_engine(
        place.address.url,
        connect_args=dict(place.address.arguments),
        isolation_level="READ COMMITTED",
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=3,
        pool_pre_ping=True,
        hide_parameters=True,
    )
    statements = _POSTGRESQL if place.kind == "postgresql" else _MARIADB

    @event.listens_for(engine, "connect", insert=True)
    def prepare(opened: Any, _record: Any) -> None:
        with opened.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            if place.kind != "postgresql":
                _limit_statements(cursor)
        opened.commit()

    return engine


def _limit_statements(cursor: Any) -> None:
    # MariaDB knows the first (seconds), MySQL the second (milliseconds, SELECT only)
    for statement in (f"SET SESSION max_statement_time = {STATEMENT_SECONDS}", f"SET SESSION max_execution_time = {STATEMENT_SECONDS * 1000}"):
        with contextlib.suppress(Exception):
            cursor.execute(statement)
            return


def default_schema(opened: Connection) -> str:
    """Return the schema whose tables have bare names in the data map; empty on SQLite."""
    if opened.dialect.name == "postgresql":
        return str(opened.execute(text("SELECT pg_catalog.current_schema()")).scalar() or "")
    return "" if opened.dialect.name == "sqlite" else str(opened.execute(text("SELECT DATABASE()")).scalar() or "")
