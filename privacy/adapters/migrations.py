"""Brings our own databases to the newest schema, and tells whether they are there.

Revisions are forward-only and idempotent (every object `if_not_exists`): MariaDB commits each DDL statement at once, so a revision that was
interrupted is simply run again. Alembic is imported on first use.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from privacy.adapters.store.anchor import Anchor
from privacy.adapters.store.engine import SqlStore, connection
from privacy.adapters.store.sqlite_writer import sqlite_engine
from privacy.kernel.errors import Misconfigured, StoreUnavailable

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).resolve().parent.parent.parent / "migrations"
_LOCK = 7_301_947_155  # any number of ours: two `privacy init` at once take turns


def upgrade(store: SqlStore, revision: str = "head") -> None:
    """Run every missing revision of the database behind `store`, up to `revision`. Raises StoreUnavailable when it cannot be reached."""
    from alembic import command

    try:
        with turn(store) as opened:
            command.upgrade(_config(store, opened), revision)
    except DBAPIError:
        raise StoreUnavailable(f"The {store.role} database cannot be reached or refused a change of its schema; check address and rights.") from None


def pending(store: SqlStore) -> list[str]:
    """Return the revisions that are missing, oldest first; empty when the schema is at head."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config(store, None))
    options = {"version_table": "schema_version"}
    present = store.read(lambda tx: MigrationContext.configure(connection(tx), opts=options).get_current_heads())
    revisions = [script.revision for script in scripts.walk_revisions()]
    if unknown := [revision for revision in present if revision not in revisions]:
        raise Misconfigured(f"The {store.role} database has schema {unknown[0]}, which this program does not know: it belongs to a newer version.")
    done = {script.revision for head in present for script in scripts.iterate_revisions(head, "base")}
    return [revision for revision in reversed(revisions) if revision not in done]


def _config(store: SqlStore, connection: Connection | None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER / store.role).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def current(store: SqlStore) -> str:
    """Return the revision the database stands at; empty when it has none of our tables."""
    from alembic.runtime.migration import MigrationContext

    options = {"version_table": "schema_version"}
    return store.read(lambda tx: MigrationContext.configure(connection(tx), opts=options).get_current_revision()) or ""


def known(store: SqlStore, revision: str) -> bool:
    """Tell whether this program knows the revision: one of a newer version it does not."""
    from alembic.script import ScriptDirectory

    return revision in {script.revision for script in ScriptDirectory.from_config(_config(store, None)).walk_revisions()}


@contextlib.contextmanager
def turn(store: SqlStore) -> Iterator[Connection]:
    """Lend a writing connection while nobody else changes the schema; commit at the end."""
    if store.dialect == "sqlite":
        with _sqlite_turn(store) as connection:
            yield connection
        return
    lock, unlock = (
        ("SELECT pg_advisory_lock(:k)", "SELECT pg_advisory_unlock(:k)")
        if store.dialect == "postgresql"
        else ("SELECT GET_LOCK(CONCAT('privacy-', :k), 60)", "SELECT RELEASE_LOCK(CONCAT('privacy-', :k))")
    )
    patient = store.patient()
    try:
        with patient.engine.connect() as holder, patient.engine.connect() as connection:
            holder.execute(text(lock), {"k": _LOCK})
            try:
                yield connection
                connection.commit()
            finally:
                holder.execute(text(unlock), {"k": _LOCK})
    finally:
        patient.close()


@contextlib.contextmanager
def _sqlite_turn(store: SqlStore) -> Iterator[Connection]:
    database = Path(store.address.url.database or "")
    database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    engine = sqlite_engine(store.address.url, 10, 1, Anchor(store.address.url.database or "", store.role), writable=True)
    try:
        with open(f"{database}.gate", "a") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            with engine.connect() as connection:
                yield connection
                connection.commit()
    finally:
        engine.dispose()
