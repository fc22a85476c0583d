"""A destroyed key is gone from the files of the keys database too, not only from its tables."""

import sqlite3
import time
from pathlib import Path

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.keys import SqlKeyRepository
from privacy.crypto.ports import Kind
from privacy.crypto.subject_keys import SubjectKeys
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.terms import SubjectRef

PEOPLE = [SubjectRef("shop", "customer", str(number)) for number in range(40)]


@pytest.fixture
def path(sqlite_keys_store: SqlStore) -> Path:
    return Path(sqlite_keys_store.address.url.database or "")


def _wraps(store: SqlStore, keys: SubjectKeys) -> list[bytes]:
    """Provide everybody with keys and return the wrapped values, as the database holds them."""
    keys.for_writing(DEFAULT_TENANT, PEOPLE)
    keys.audit_refs(DEFAULT_TENANT, PEOPLE)
    lookups = sorted(keys._ring.keys(DEFAULT_TENANT).lookups(set(PEOPLE)).values())
    rows = store.read(lambda tx: [row for kind in Kind for row in SqlKeyRepository().of_subjects(tx, kind, DEFAULT_TENANT, lookups)])
    found = [row.wrapped for row in rows if row.wrapped]
    assert len(found) == 2 * len(PEOPLE)
    return found


def _still_there(path: Path, wraps: list[bytes]) -> int:
    files = [each.read_bytes() for each in path.parent.glob(f"{path.name}*")]
    return sum(wrap in content for wrap in wraps for content in files)


def test_wrapped_values_stand_in_no_file_once_destruction_returns(path: Path, sqlite_keys_store: SqlStore, subject_keys: SubjectKeys) -> None:
    wraps = _wraps(sqlite_keys_store, subject_keys)
    assert _still_there(path, wraps)

    destruction = subject_keys.destroy(DEFAULT_TENANT, PEOPLE, "case-1")

    assert destruction.overwritten and _still_there(path, wraps) == 0


def test_a_reader_that_holds_the_log_fails_nothing_and_is_told_and_the_next_time_empties_it(
    path: Path, sqlite_keys_store: SqlStore, subject_keys: SubjectKeys
) -> None:
    wraps = _wraps(sqlite_keys_store, subject_keys)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM key_event").fetchall()

    began = time.monotonic()
    destruction = subject_keys.destroy(DEFAULT_TENANT, PEOPLE, "case-1")
    assert not destruction.overwritten and destruction.destroyed_now == len(wraps) and time.monotonic() - began < 8
    subject_keys.for_writing(DEFAULT_TENANT, [SubjectRef("shop", "customer", "new")])  # writing goes on beside the reader
    reader.close()

    assert sqlite_keys_store.tidy() and _still_there(path, wraps) == 0
