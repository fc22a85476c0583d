"""Keys on a SQLite file, for tests where the kind of database does not matter."""

from pathlib import Path

import pytest

from privacy.adapters.key_file import FileKeyProvider
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.keys import SqlKeyRepository
from privacy.crypto.keyring import KeyRing
from privacy.crypto.subject_keys import SubjectKeys
from privacy.kernel.clock import FixedClock
from privacy.kernel.ids import DEFAULT_TENANT
from tests.cast import OTHER_TENANT


@pytest.fixture
def ring(sqlite_keys_store: SqlStore, tmp_path: Path, fixed_clock: FixedClock) -> KeyRing:
    """Two tenants: the default one, and another that asked for Chinese national algorithms."""
    made = KeyRing(sqlite_keys_store, SqlKeyRepository(), FileKeyProvider.create(tmp_path / "root.key"), fixed_clock)
    made.create_tenant(DEFAULT_TENANT)
    made.create_tenant(OTHER_TENANT, "sm4-gcm")
    return made


@pytest.fixture
def subject_keys(ring: KeyRing, sqlite_keys_store: SqlStore, fixed_clock: FixedClock) -> SubjectKeys:
    return SubjectKeys(ring, sqlite_keys_store, SqlKeyRepository(), fixed_clock)
