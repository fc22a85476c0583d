"""After a run: what a database keeps of deleted rows, as far as it can be asked to let go.

SQLite overwrites deleted cells itself (`secure_delete`), but the write-ahead log holds old pages until it is emptied. PostgreSQL keeps dead rows
until a vacuum. MariaDB purges by itself. Backups, replicas and archived logs are beyond this.
"""

import contextlib
from collections.abc import Mapping, Sequence

from sqlalchemy.exc import SQLAlchemyError

from privacy.adapters.databases.known import Known
from privacy.adapters.databases.writable import WritableDatabase


def tidy(database: WritableDatabase, tables: Mapping[str, Known], names: Sequence[str]) -> None:
    """Do it where this user may; where not, nothing is said: the next checkpoint or autovacuum does it."""
    with contextlib.suppress(SQLAlchemyError):
        if database.kind == "sqlite":
            _empty_log(database)
        elif database.kind == "postgresql":
            _vacuum(database, [tables[name] for name in names if name in tables and not tables[name].unsafe])


def _empty_log(database: WritableDatabase) -> None:
    # outside any transaction, so beside SQLAlchemy's own
    opened = database.engine.raw_connection()
    try:
        cursor = opened.cursor()
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.close()
    finally:
        opened.close()


def _vacuum(database: WritableDatabase, tables: Sequence[Known]) -> None:
    for known in tables:
        with contextlib.suppress(SQLAlchemyError), database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as opened:
            opened.exec_driver_sql("SET statement_timeout = 0")
            try:
                opened.exec_driver_sql(f"VACUUM (ANALYZE) {known.sql}")
            finally:
                opened.invalidate()  # its settings end with it
