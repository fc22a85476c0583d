"""One suite for everything that keeps policy versions: SQLite, PostgreSQL, MariaDB, and the memory the other tests use."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from privacy.access.ports import PolicyRepository, PolicyVersion
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.policy import SqlPolicyRepository
from privacy.kernel.errors import Conflict
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.store import Store
from tests.access.builders import MemoryPolicyRepository, MemoryStore
from tests.cast import OTHER_TENANT

ONE = PolicyVersion(DEFAULT_TENANT, 1, "ab" * 32, "p, …\n" * 30_000, "例子, x\n", "user:alice", datetime(2026, 11, 22, 7, 30, 0, 123456, UTC), "首次")


def check(store: Store, policies: PolicyRepository) -> None:
    """What every implementation keeps."""
    assert store.read(lambda tx: policies.active(tx, DEFAULT_TENANT)) is None
    store.run(lambda tx: policies.add(tx, ONE))
    assert store.run(lambda tx: policies.activate(tx, DEFAULT_TENANT, 1, None))
    assert store.read(lambda tx: policies.active(tx, DEFAULT_TENANT)) == 1
    assert store.read(lambda tx: policies.version(tx, DEFAULT_TENANT, 1)) == ONE
    two = replace(ONE, version=2, note="")
    store.run(lambda tx: policies.add(tx, two))
    assert store.read(lambda tx: policies.active(tx, DEFAULT_TENANT)) == 1
    assert store.read(lambda tx: policies.versions(tx, DEFAULT_TENANT)) == [replace(version, policy="", examples="") for version in (two, ONE)]
    assert not store.run(lambda tx: policies.activate(tx, DEFAULT_TENANT, 2, 7))
    assert store.run(lambda tx: policies.activate(tx, DEFAULT_TENANT, 2, 1))
    assert store.read(lambda tx: policies.active(tx, DEFAULT_TENANT)) == 2
    assert store.read(lambda tx: policies.active(tx, OTHER_TENANT)) is None
    assert store.read(lambda tx: policies.version(tx, OTHER_TENANT, 1)) is None


def test_versions_are_kept_and_one_rules(store: SqlStore) -> None:
    """Texts of any size and script, activation by compare and set, tenants apart."""
    check(store, SqlPolicyRepository())


def test_the_memory_of_other_tests_keeps_the_same_promises() -> None:
    """Otherwise tests over it would prove nothing."""
    check(MemoryStore(), MemoryPolicyRepository())


def test_a_version_is_never_overwritten(store: SqlStore) -> None:
    """The same number twice is a conflict, and the first stays."""
    policies = SqlPolicyRepository()
    store.run(lambda tx: policies.add(tx, ONE))
    with pytest.raises(Conflict):
        store.run(lambda tx: policies.add(tx, replace(ONE, policy="other")))
    kept = store.read(lambda tx: policies.version(tx, DEFAULT_TENANT, 1))
    assert kept is not None and kept.policy == ONE.policy


def test_two_first_activations_cannot_both_happen(store: SqlStore) -> None:
    """Two processes that initialise at once: one of them is told."""
    policies = SqlPolicyRepository()
    store.run(lambda tx: policies.activate(tx, DEFAULT_TENANT, 1, None))
    with pytest.raises(Conflict):
        store.run(lambda tx: policies.activate(tx, DEFAULT_TENANT, 1, None))
