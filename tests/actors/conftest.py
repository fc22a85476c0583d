"""An office on SQLite, with an administrator and a second tenant."""

from pathlib import Path

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.kernel.clock import FixedClock
from tests.actors.builders import Office, open_office
from tests.cast import OTHER_TENANT


@pytest.fixture
def office(sqlite_store: SqlStore, sqlite_keys_store: SqlStore, tmp_path: Path, fixed_clock: FixedClock) -> Office:
    return open_office(sqlite_store, sqlite_keys_store, tmp_path, fixed_clock, ("default", OTHER_TENANT))
