"""The rights office on SQLite files."""

from pathlib import Path

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.kernel.clock import FixedClock
from tests.rights.office import Bureau, open_bureau


@pytest.fixture
def office(sqlite_store: SqlStore, sqlite_keys_store: SqlStore, tmp_path: Path, fixed_clock: FixedClock) -> Bureau:
    return open_bureau(sqlite_store, sqlite_keys_store, tmp_path, fixed_clock)
