"""`Store` over SQLAlchemy: on SQLite one writer thread commits in groups, on PostgreSQL and MariaDB ordinary transactions with retry.

Guarantees: `run` returns only after a durable commit; it fails with StoreUnavailable within the bounded wait instead of hanging;
no error text carries a value (drivers put rows into theirs, so those are replaced).
"""

import sqlite3
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, InternalError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from privacy.adapters.database_urls import Address, parse_address
from privacy.adapters.store.anchor import Anchor
from privacy.adapters.store.server_engine import server_engine
from privacy.adapters.store.sqlite_writer import GroupCommitWriter, sqlite_engine
from privacy.kernel.errors import Conflict, InvalidInput, PrivacyError, StoreUnavailable
from privacy.kernel.store import Tx

T = TypeVar("T")
_RETRYABLE_STATES = {"40001", "40P01"}  # PostgreSQL: serialisation failure, deadlock
_RETRYABLE_CODES = {1213}  # MariaDB: deadlock
_ATTEMPTS = 4
_YIELDING = 200  # ms a checkpoint waits for readers at a time: nobody else can write meanwhile


class SqlTx:
    """An open transaction: a thin holder, so that rooms cannot reach SQL by accident."""

    __slots__ = ("connection",)

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @property
    def dialect(self) -> str:
        return self.connection.dialect.name


def connection(tx: Tx) -> Connection:
    """Return the connection behind `tx`; for repositories only."""
    if not isinstance(tx, SqlTx):
        raise TypeError("this repository needs a transaction of a SqlStore")
    return tx.connection


class SqlStore:
    """One of our databases by its address. Engines and threads are made on first use, that is after any fork.

    Args:
        url: `sqlite:///path`, `postgresql://…` or `mariadb://…`.
        role: `main` or `keys`: how error texts call this database.
        timeout: seconds a statement, a lock or a free connection is waited for.
    """

    def __init__(self, url: str, *, role: str = "main", timeout: float = 2.0, pool_size: int = 16) -> None:
        self.role = role
        self._url = url
        self._timeout = timeout
        self._pool_size = pool_size
        self._address = parse_address(url, setting=f"the {role} database address", timeout=timeout)
        self._anchor = Anchor(self._address.url.database or "", role)
        self._engine: Engine | None = None
        self._writer: GroupCommitWriter | None = None

    @property
    def dialect(self) -> str:
        return self._address.kind

    @property
    def address(self) -> Address:
        return self._address

    @property
    def engine(self) -> Engine:
        """The engine for reading (SQLite) or for everything (servers); for migrations and repositories' own tests."""
        if self._engine is None:
            if self.dialect == "sqlite":
                self._engine = sqlite_engine(self._address.url, self._timeout, self._pool_size, self._anchor, writable=False)
            else:
                self._engine = server_engine(self._address, self._timeout, self._pool_size)
        return self._engine

    def patient(self, timeout: float = 60.0) -> "SqlStore":
        """Return another door to the same database for work that may take long: migrations, maintenance."""
        return SqlStore(self._url, role=self.role, timeout=timeout, pool_size=2)

    def run(self, fn: Callable[[Tx], T]) -> T:
        if self.dialect == "sqlite":
            return self._guarded(lambda: self._sqlite_writer().run(lambda c: fn(SqlTx(c))))
        return self._guarded(lambda: self._run_on_server(fn))

    def read(self, fn: Callable[[Tx], T]) -> T:
        def reading() -> T:
            # psycopg needs to know before the transaction begins; for the other two this option means nothing
            with self.engine.connect().execution_options(postgresql_readonly=True) as opened, opened.begin():
                if self.dialect == "mysql":
                    opened.exec_driver_sql("START TRANSACTION READ ONLY")
                return fn(SqlTx(opened))

        return self._guarded(reading)

    def tidy(self, seconds: float = 5.0) -> bool:
        """Empty SQLite's write-ahead log into the file (`secure_delete` overwrites there). Servers forget by their own vacuum and purge: True, see docs."""
        if self.dialect != "sqlite":
            return True
        ends = time.monotonic() + seconds
        while not (emptied := self._empty_log()) and time.monotonic() < ends:
            time.sleep(0.05)
        return emptied

    def _empty_log(self) -> bool:
        try:
            self._anchor.check()
            opened = self.engine.raw_connection()
        except (PrivacyError, SQLAlchemyError):
            return False
        try:
            cursor = opened.cursor()
            cursor.execute(f"PRAGMA busy_timeout={_YIELDING}")
            busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            cursor.execute(f"PRAGMA busy_timeout={int(self._timeout * 1000)}")
            cursor.close()
            return bool(busy == 0)
        except sqlite3.Error:
            opened.invalidate()  # with whatever patience it was left
            return False
        finally:
            opened.close()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        self._anchor.release()

    def _sqlite_writer(self) -> GroupCommitWriter:
        if self._writer is None:
            self._writer = GroupCommitWriter(self._address.url, self._timeout, self._anchor)
        return self._writer

    def _run_on_server(self, fn: Callable[[Tx], T]) -> T:
        for attempt in range(_ATTEMPTS):
            try:
                with self.engine.begin() as opened:
                    return fn(SqlTx(opened))
            except DBAPIError as error:
                if attempt + 1 == _ATTEMPTS or not _is_retryable(error):
                    raise
                time.sleep(0.01 * 2**attempt)
        raise AssertionError("unreachable")

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except IntegrityError:
            raise Conflict("The change contradicts what is stored: it exists already, or something it refers to does not.") from None
        except DataError:
            raise InvalidInput("A value is too long or of the wrong kind for its column.") from None
        except (OperationalError, InterfaceError, InternalError, PoolTimeout, TimeoutError):
            raise StoreUnavailable(f"The {self.role} database did not answer in time or cannot be reached; try again, or run `privacy doctor`.") from None


def _is_retryable(error: DBAPIError) -> bool:
    original: Any = error.orig
    if getattr(original, "sqlstate", None) in _RETRYABLE_STATES:
        return True
    arguments: tuple[Any, ...] = getattr(original, "args", ())
    return bool(arguments) and arguments[0] in _RETRYABLE_CODES
