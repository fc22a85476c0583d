"""Accounts on every kind of database: the same answers, no lost guess, no code used twice, no change overwritten."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from privacy.actors.accounts import Attempts, Client, Session, Tenant, User
from privacy.actors.repeats import Repeat, Repeats
from privacy.adapters.store.actors import SqlActorRepository
from privacy.adapters.store.engine import SqlStore
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import Conflict
from privacy.kernel.ids import DEFAULT_TENANT, new_id
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor
from tests.cast import OTHER_TENANT

NOW = datetime(2026, 11, 22, 7, 30, 0, 123456, tzinfo=UTC)
ACTORS = SqlActorRepository()


def person(username: str = "alice", **changes: object) -> User:
    made = User(new_id(), DEFAULT_TENANT, username, frozenset({"dpo", "agent"}), True, "$argon2id$…", b"\x00sealed\xff", True, 58_000_000, NOW)
    return replace(made, **changes)  # type: ignore[arg-type]


def application(name: str = "billing") -> Client:
    return Client(new_id(), DEFAULT_TENANT, name, frozenset({"application"}), ("service", "support"), True, bytes(range(32)), NOW)


def session(user: User, number: int = 1, hours: int = 1) -> Session:
    return Session(bytes([number]) * 32, user.tenant, user.id, "password+totp", 2, NOW, NOW + timedelta(hours=hours))


def test_what_is_stored_comes_back_as_it_was(store: SqlStore) -> None:
    """Microseconds, zero bytes, sets and Chinese names included."""
    tenant, user, client = Tenant(DEFAULT_TENANT, "默认租户", True, NOW), person("王小姐"), application("计费系统 𠮷")

    def write(tx: Tx) -> None:
        ACTORS.add_tenant(tx, tenant)
        ACTORS.add_user(tx, user)
        ACTORS.add_client(tx, client)
        ACTORS.add_session(tx, session(user))

    store.run(write)
    assert store.read(lambda tx: ACTORS.tenant(tx, DEFAULT_TENANT)) == tenant
    assert store.read(lambda tx: ACTORS.user(tx, DEFAULT_TENANT, user.id)) == user
    assert store.read(lambda tx: ACTORS.user_named(tx, "王小姐")) == user
    assert store.read(lambda tx: ACTORS.client(tx, client.id)) == client
    assert store.read(lambda tx: ACTORS.session(tx, session(user).digest)) == (session(user), user)


def test_what_is_not_there_is_none(store: SqlStore) -> None:
    """Also an id of another tenant."""
    user = person()
    store.run(lambda tx: ACTORS.add_user(tx, user))
    assert store.read(lambda tx: ACTORS.user(tx, OTHER_TENANT, user.id)) is None
    assert store.read(lambda tx: ACTORS.user_named(tx, "ALICE")) is None
    assert store.read(lambda tx: ACTORS.user_named(tx, "alice ")) is None
    assert store.read(lambda tx: ACTORS.client(tx, "unknown")) is None
    assert store.read(lambda tx: ACTORS.session(tx, b"\x01" * 32)) is None
    assert store.read(lambda tx: ACTORS.users(tx, OTHER_TENANT)) == []


def test_a_name_is_taken_once_in_the_whole_installation(store: SqlStore) -> None:
    """Signing in names no tenant, so that two accounts of one name could not be told apart."""
    store.run(lambda tx: ACTORS.add_user(tx, person()))
    with pytest.raises(Conflict):
        store.run(lambda tx: ACTORS.add_user(tx, person(tenant=OTHER_TENANT)))


def test_saving_changes_one_account_and_no_other(store: SqlStore) -> None:
    """The row of that id in that tenant."""
    alice, bob = person(), person("bob")

    def write(tx: Tx) -> None:
        ACTORS.add_user(tx, alice)
        ACTORS.add_user(tx, bob)
        ACTORS.save_user(tx, replace(alice, roles=frozenset(), active=False, totp_seed=None, totp_confirmed=False))

    store.run(write)
    changed, same = store.read(lambda tx: ACTORS.users(tx, DEFAULT_TENANT))
    assert (changed.roles, changed.active, changed.totp_seed) == (frozenset(), False, None)
    assert same == bob


def test_sessions_are_revoked_one_by_one_or_all_of_a_person(store: SqlStore) -> None:
    """And expired ones are swept away."""
    alice, bob = person(), person("bob")

    def write(tx: Tx) -> None:
        for user, number in ((alice, 1), (alice, 2), (alice, 3), (bob, 4)):
            ACTORS.add_session(tx, session(user, number))
        ACTORS.add_session(tx, session(bob, 5, hours=-1))
        ACTORS.add_user(tx, alice)
        ACTORS.add_user(tx, bob)

    store.run(write)
    assert store.run(lambda tx: ACTORS.revoke_session(tx, bytes([1]) * 32)) is True
    assert store.run(lambda tx: ACTORS.revoke_session(tx, bytes([1]) * 32)) is False
    assert store.run(lambda tx: ACTORS.revoke_sessions_of(tx, DEFAULT_TENANT, alice.id)) == 2
    assert store.run(lambda tx: ACTORS.delete_sessions_before(tx, NOW)) == 1
    found = [store.read(lambda tx, n=number: ACTORS.session(tx, bytes([n]) * 32)) for number in (1, 4, 5)]  # type: ignore[misc]
    assert [each and each[0].revoked for each in found] == [True, False, None]


def test_failed_attempts_are_kept_forgotten_and_swept(store: SqlStore) -> None:
    """By the digest of a name, whether anybody has it or not."""
    old, fresh = Attempts(3, NOW, NOW - timedelta(days=2)), Attempts(11, NOW + timedelta(seconds=2), NOW)
    store.run(lambda tx: ACTORS.save_attempts(tx, b"a" * 32, old))
    store.run(lambda tx: ACTORS.save_attempts(tx, b"b" * 32, old))
    store.run(lambda tx: ACTORS.save_attempts(tx, b"b" * 32, fresh))
    assert store.run(lambda tx: ACTORS.attempts(tx, b"b" * 32)) == fresh
    store.run(lambda tx: ACTORS.sweep_attempts(tx, NOW - timedelta(days=1)))
    assert store.run(lambda tx: (ACTORS.attempts(tx, b"a" * 32), ACTORS.attempts(tx, b"b" * 32))) == (None, fresh)
    store.run(lambda tx: ACTORS.forget_attempts(tx, b"b" * 32))
    assert store.run(lambda tx: ACTORS.attempts(tx, b"b" * 32)) is None


def test_failed_attempts_with_one_name_are_forgotten_together(store: SqlStore) -> None:
    """Every address of the name, and no other name."""
    rows = [b"\x00a" * 8 + bytes(16), b"\x00a" * 8 + b"\xff" * 16, b"\x00b" * 8 + bytes(16), b"\x00`" * 8 + b"\xff" * 16]
    for row in rows:
        store.run(lambda tx, row=row: ACTORS.save_attempts(tx, row, Attempts(1, NOW, NOW)))  # type: ignore[misc]
    store.run(lambda tx: ACTORS.forget_attempts_with(tx, b"\x00a" * 8))
    assert [store.run(lambda tx, row=row: ACTORS.attempts(tx, row)) is None for row in rows] == [True, True, False, False]  # type: ignore[misc]


def at_once(work: Callable[[int], object], times: int = 8) -> list[object]:
    barrier = threading.Barrier(times)

    def together(number: int) -> object:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(together, range(times)))


def test_one_of_many_uses_of_a_code_wins(store: SqlStore) -> None:
    """Two requests with the same code at the same moment: one session."""
    alice = person(totp_step=100)
    store.run(lambda tx: ACTORS.add_user(tx, alice))
    won = at_once(lambda _: store.run(lambda tx: ACTORS.use_totp_step(tx, DEFAULT_TENANT, alice.id, 101)))
    assert won.count(True) == 1
    assert store.run(lambda tx: ACTORS.use_totp_step(tx, DEFAULT_TENANT, alice.id, 100)) is False


def test_no_attempt_is_lost_when_many_are_counted_at_once(store: SqlStore) -> None:
    """A guess that is not counted is a guess for nothing."""
    store.run(lambda tx: ACTORS.save_attempts(tx, b"a" * 32, Attempts(0, NOW, NOW)))

    def count(tx: Tx) -> None:
        known = ACTORS.attempts(tx, b"a" * 32)
        assert known is not None
        ACTORS.save_attempts(tx, b"a" * 32, replace(known, failures=known.failures + 1))

    at_once(lambda _: store.run(count))
    found = store.run(lambda tx: ACTORS.attempts(tx, b"a" * 32))
    assert found is not None
    assert found.failures == 8


def test_no_change_of_an_account_overwrites_another(store: SqlStore) -> None:
    """A new password and another role, saved by two people at the same moment, both hold."""
    alice = person(roles=frozenset(), password_hash="")
    store.run(lambda tx: ACTORS.add_user(tx, alice))

    def change(number: int) -> None:
        def work(tx: Tx) -> None:
            present = ACTORS.user(tx, DEFAULT_TENANT, alice.id, lock=True)
            assert present is not None
            ACTORS.save_user(tx, replace(present, roles=present.roles | {f"role{number}"}))

        store.run(work)

    at_once(change)
    assert store.read(lambda tx: ACTORS.users(tx, DEFAULT_TENANT))[0].roles == {f"role{number}" for number in range(8)}


def test_one_of_many_marked_requests_is_new(store: SqlStore) -> None:
    """The primary key decides between requests that arrive together."""
    repeats = Repeats(store, ACTORS, lambda tenant, label: b"k" * 32, FixedClock(NOW))
    actor = Actor("client:bob", DEFAULT_TENANT)

    def begin(_: int) -> str:
        try:
            return str(repeats.begin(actor, "desk.order", "key", b"request").status)
        except Conflict:
            return "conflict"

    assert sorted(map(str, at_once(begin))) == ["0", *["conflict"] * 7]


def test_marked_requests_come_back_as_they_were_and_are_swept(store: SqlStore) -> None:
    """Until their time is over."""
    kept = Repeat(b"a" * 32, DEFAULT_TENANT, b"b" * 32, 201, "/api/v1/orders/1", '{"名":"𠮷"}', NOW)
    store.run(lambda tx: ACTORS.add_repeat(tx, replace(kept, status=0, answer="")))
    store.run(lambda tx: ACTORS.save_repeat(tx, kept))
    assert store.read(lambda tx: ACTORS.repeat(tx, b"a" * 32)) == kept
    store.run(lambda tx: ACTORS.delete_repeat(tx, b"c" * 32, NOW - timedelta(seconds=1)))
    assert store.read(lambda tx: ACTORS.repeat(tx, b"a" * 32)) == kept
    store.run(lambda tx: ACTORS.delete_repeat(tx, b"c" * 32, NOW))
    assert store.read(lambda tx: ACTORS.repeat(tx, b"a" * 32)) is None
