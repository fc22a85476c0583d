"""What every room may rely on of a store, on every kind of database."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Integer, MetaData, String, create_engine, func, insert, select

from privacy.adapters.database_urls import parse_address
from privacy.adapters.store.engine import SqlStore, connection
from privacy.adapters.store.schema import Column, Table
from privacy.kernel.store import Tx

_TABLES = MetaData()
THINGS = Table("things", _TABLES, Column("id", Integer, primary_key=True, autoincrement=False), Column("word", String(20)))


@pytest.fixture
def things(empty_url: str) -> Iterator[SqlStore]:
    """A store with one table of the test's own, so that this suite depends on no room."""
    address = parse_address(empty_url, setting="test")
    engine = create_engine(address.url, connect_args=address.arguments)
    _TABLES.create_all(engine)
    engine.dispose()
    store = SqlStore(empty_url)
    yield store
    store.close()


def add(number: int) -> "callable":
    return lambda tx: connection(tx).execute(insert(THINGS).values(id=number, word="x"))


def count(tx: Tx) -> int:
    return connection(tx).execute(select(func.count()).select_from(THINGS)).scalar_one()


def test_what_run_returns_is_committed_for_every_reader(things: SqlStore) -> None:
    """A change is visible to others once `run` has returned."""
    things.run(add(1))
    assert things.read(count) == 1
