"""A statement that was stopped because its time was up: an error of its own, since some callers go on without its answer."""

import time

from sqlalchemy import Connection

from privacy.kernel.errors import ConnectorUnavailable


class TooSlow(ConnectorUnavailable):
    """The database was given so much time and no more."""


def limit_time(opened: Connection, seconds: float) -> None:
    """Bound the statements of the transaction that follows. On MySQL only SELECT is bounded, and the bound stays with the connection."""
    milliseconds = max(1, int(seconds * 1000))
    if opened.dialect.name == "postgresql":
        opened.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
    elif opened.dialect.name == "sqlite":
        deadline = time.monotonic() + seconds
        driver = opened.connection.driver_connection
        assert driver is not None
        driver.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    elif getattr(opened.dialect, "is_mariadb", False):
        opened.exec_driver_sql(f"SET SESSION max_statement_time = {milliseconds / 1000:.3f}")
    else:
        opened.exec_driver_sql(f"SET SESSION max_execution_time = {milliseconds}")


def unlimit_time(opened: Connection, seconds: float) -> None:
    """Put back a connection's own bound where `limit_time` outlives the transaction."""
    if opened.dialect.name == "mysql":
        limit_time(opened, seconds)
