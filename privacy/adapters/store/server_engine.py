"""Connections to PostgreSQL and MariaDB on which no wait is endless.

Two bounds work together: the server ends a statement or a lock wait after the time-out and says so; the driver gives up a little later when
the server says nothing at all (a frozen host, a cut cable). A connection that was given up is closed, never used again.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy import Engine, create_engine, event

from privacy.adapters.database_urls import Address

_GRACE = 0.25  # seconds by which the driver waits longer than the server, so that the server's own answer wins
_PING = 0.5  # seconds to find out that a pooled connection is dead; a new connection must still fit into the bound


class _BoundedConnection(psycopg.Connection[Any]):
    """A psycopg connection whose every wait ends: the driver itself waits for ever once it is connected."""

    bound: float | None = None

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        try:
            return super().wait(gen, interval, self.bound if timeout is None else timeout)
        except psycopg.OperationalError:
            if self.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                self.pgconn.finish()  # still in the middle of a statement: nobody answered in time
            raise


def server_engine(address: Address, timeout: float, pool_size: int) -> Engine:
    """Return an engine for a database server; `timeout` bounds a statement, a lock wait and the wait for a free connection."""
    engine = create_engine(
        address.url,
        connect_args=dict(address.arguments) | _limits(address.kind, timeout),
        isolation_level="READ COMMITTED",
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=timeout,
        pool_pre_ping=True,
    )
    if address.kind == "postgresql":
        _bound_postgresql(engine, timeout + _GRACE)
    else:
        _bound_mariadb(engine, timeout)
    _bound_ping(engine)
    return engine


def _limits(kind: str, timeout: float) -> dict[str, Any]:
    if kind == "postgresql":
        milliseconds = int(timeout * 1000)
        return {"options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds} -c idle_in_transaction_session_timeout=60000"}
    return {"read_timeout": timeout + _GRACE, "write_timeout": timeout + _GRACE}


def _bound_postgresql(engine: Engine, bound: float) -> None:
    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, args: Any, named: Any) -> _BoundedConnection:
        opened = _BoundedConnection.connect(*args, **named)
        opened.bound = bound
        return opened


def _bound_mariadb(engine: Engine, timeout: float) -> None:
    seconds = max(1, round(timeout))
    limits = f"max_statement_time={timeout}, innodb_lock_wait_timeout={seconds}, lock_wait_timeout={seconds}"

    # first of all listeners: SQLAlchemy reads the mode on connecting and quotes by it
    @event.listens_for(engine, "connect", insert=True)
    def limit(opened: Any, _record: Any) -> None:
        with opened.cursor() as cursor:
            cursor.execute(f"SET SESSION {limits}, sql_mode='STRICT_ALL_TABLES,ANSI_QUOTES'")


def _bound_ping(engine: Engine) -> None:
    ping = engine.dialect.do_ping

    def quick(dbapi_connection: Any) -> bool:
        with _hurried(dbapi_connection):
            return ping(dbapi_connection)

    engine.dialect.do_ping = quick  # type: ignore[method-assign]


@contextlib.contextmanager
def _hurried(opened: Any) -> Iterator[None]:
    # PyMySQL has no public way to change the limit of an open connection
    name = "bound" if isinstance(opened, _BoundedConnection) else "_read_timeout"
    usual = getattr(opened, name)
    setattr(opened, name, _PING)
    try:
        yield
    finally:
        setattr(opened, name, usual)
