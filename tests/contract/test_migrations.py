"""Migrations: what an operator upgrades to is what the code works with, on every kind of database, however often and by however many it is run."""

import importlib
import pkgutil
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, inspect, text

import privacy.adapters.store
from privacy.adapters import migrations
from privacy.adapters.store import schema
from privacy.adapters.store.engine import SqlStore
from privacy.kernel.errors import Misconfigured, StoreUnavailable

ROLES = ("main", "keys")


@pytest.fixture(params=ROLES)
def new(request: pytest.FixtureRequest, empty_url: str) -> Any:
    """A store of either role over a database with nothing in it."""
    store = SqlStore(empty_url, role=request.param, timeout=10)
    yield store
    store.close()


def tables_of(role: str) -> MetaData:
    for module in pkgutil.iter_modules(privacy.adapters.store.__path__):
        importlib.import_module(f"privacy.adapters.store.{module.name}")
    return schema.MAIN if role == "main" else schema.KEYS


def test_the_migrated_schema_is_the_one_the_code_declares(new: SqlStore) -> None:
    """A table, column or index that only one side knows would fail at an operator's, not here."""
    migrations.upgrade(new)
    with new.engine.connect() as opened:
        context = MigrationContext.configure(opened, opts={"version_table": "schema_version", "compare_type": False})
        assert compare_metadata(context, tables_of(new.role)) == []


def test_upgrading_again_changes_nothing(new: SqlStore) -> None:
    """`privacy init` may be run whenever somebody is unsure."""
    migrations.upgrade(new)
    migrations.upgrade(new)
    assert migrations.pending(new) == []


def test_an_upgrade_that_was_interrupted_is_mended_by_running_it_again(new: SqlStore) -> None:
    """MariaDB keeps every statement of a half-done revision; the next run must not stumble over them."""
    migrations.upgrade(new)
    new.run(lambda tx: tx.connection.execute(text("DELETE FROM schema_version")))  # type: ignore[attr-defined]
    assert migrations.pending(new) != []
    migrations.upgrade(new)
    assert migrations.pending(new) == []


def test_two_upgrades_at_once_take_turns(new: SqlStore, empty_url: str) -> None:
    """Two hosts are rolled out together."""
    other = SqlStore(empty_url, role=new.role, timeout=10)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(migrations.upgrade, [new, other]))
    other.close()
    assert migrations.pending(new) == []


def test_what_is_missing_is_named_before_anything_is_done(new: SqlStore) -> None:
    """`privacy doctor` and readiness tell it, and touch nothing."""
    if new.dialect == "sqlite":
        new.run(lambda tx: None)  # a file that was never written cannot be read
    assert migrations.pending(new) != []
    with new.engine.connect() as opened:
        assert inspect(opened).get_table_names() == []


def test_a_schema_from_a_newer_version_is_refused(new: SqlStore) -> None:
    """An old program on a new schema would write what the new one cannot read."""
    migrations.upgrade(new)
    new.run(lambda tx: tx.connection.execute(text("UPDATE schema_version SET version_num = '9999_from_the_future'")))  # type: ignore[attr-defined]
    with pytest.raises(Misconfigured, match="newer"):
        migrations.pending(new)


def test_a_database_that_cannot_be_reached_is_said_to_be_so(tmp_path: Any) -> None:
    """No traceback for a wrong address."""
    with pytest.raises(StoreUnavailable):
        migrations.upgrade(SqlStore("postgresql://nobody@127.0.0.1:1/nothing"))
