"""People sign in: one answer for every wrong reason, guesses slowed down, one-time codes used once."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select

from privacy.actors.accounts import OpenedSession, UserCredentials
from privacy.adapters.store.actors import ATTEMPTS
from privacy.adapters.store.engine import SqlStore
from privacy.audit.events import Action, Outcome
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AuditUnavailable, Conflict, InvalidInput, TooBusy, TooManyAttempts, Unauthenticated
from tests.actors.builders import Office, cheap_passwords, code_of, open_office
from tests.cast import OTHER_TENANT


@pytest.fixture
def alice(office: Office) -> UserCredentials:
    """Alice, DPO, with an authenticator."""
    return office.actors.people.create(office.operator(), "Alice", ["dpo"], with_totp=True)


@pytest.fixture
def carol(office: Office) -> UserCredentials:
    """Carol, auditor, by password alone."""
    return office.actors.people.create(office.operator(), "carol", ["auditor"])


def sign_in(office: Office, who: UserCredentials, totp: str | None = None) -> OpenedSession:
    return office.actors.open_session(who.user.username, who.password, totp)


def test_a_password_opens_a_session_that_stands_for_the_person(office: Office, carol: UserCredentials) -> None:
    """The token proves who called, with the scopes of the roles held now."""
    actor = office.actors.authenticate(sign_in(office, carol).token)
    assert (actor.ref, actor.tenant, actor.auth, actor.assurance) == (carol.user.ref, "default", "password", 1)
    assert "audit:read" in actor.scopes
    assert "reveal" not in actor.scopes


def test_names_are_one_whatever_their_case_and_width(office: Office, carol: UserCredentials) -> None:
    """`Carol` and full-width `ＣＡＲＯＬ` are the same account, so that no second one can be made beside it."""
    assert office.actors.open_session("ＣＡＲＯＬ", carol.password).assurance == 1
    with pytest.raises(Conflict):
        office.actors.people.create(office.operator(), "CAROL", ["analyst"])
    with pytest.raises(Conflict):
        office.actors.people.create(office.operator(OTHER_TENANT), "carol", ["analyst"])


def test_an_enrolled_authenticator_must_be_used_and_raises_the_assurance(office: Office, alice: UserCredentials, fixed_clock: FixedClock) -> None:
    """Without a code the right password is not enough; with it the session has assurance 2."""
    with pytest.raises(Unauthenticated) as asked:
        sign_in(office, alice)
    assert asked.value.code == "totp_required"
    opened = sign_in(office, alice, code_of(alice.totp_secret, fixed_clock))
    assert opened.assurance == 2
    assert office.actors.authenticate(opened.token).auth == "password+totp"


def test_a_one_time_code_is_refused_the_second_time(office: Office, alice: UserCredentials, fixed_clock: FixedClock) -> None:
    """A code that was seen over a shoulder is worth nothing, neither is the one before it."""
    code = code_of(alice.totp_secret, fixed_clock)
    sign_in(office, alice, code)
    with pytest.raises(Unauthenticated):
        sign_in(office, alice, code)
    fixed_clock.advance(timedelta(seconds=30))
    with pytest.raises(Unauthenticated):
        sign_in(office, alice, code)
    assert sign_in(office, alice, code_of(alice.totp_secret, fixed_clock)).assurance == 2


@pytest.mark.parametrize(("seconds", "accepted"), [(-30, True), (59, True), (-31, False), (60, False)])
def test_a_code_is_good_for_one_step_around_its_time(office: Office, alice: UserCredentials, fixed_clock: FixedClock, seconds: int, accepted: bool) -> None:
    """Clocks of telephones differ a little: half a minute is forgiven, a whole step more is not (07:30:00 begins a step)."""
    skewed = FixedClock(fixed_clock.now() + timedelta(seconds=seconds))
    expected = contextlib.nullcontext() if accepted else pytest.raises(Unauthenticated)
    with expected:
        assert sign_in(office, alice, code_of(alice.totp_secret, skewed)).assurance == 2


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "-12345", "000000\n"])
def test_what_is_no_code_is_refused(office: Office, alice: UserCredentials, code: str) -> None:
    """Only six ASCII digits are compared at all."""
    with pytest.raises(Unauthenticated):
        sign_in(office, alice, code)


def test_unknown_wrong_and_disabled_get_the_same_answer(office: Office, carol: UserCredentials) -> None:
    """Nobody learns from the answer which names exist."""
    office.actors.people.change(office.operator(), carol.user.id, active=False)
    said = set()
    for name, password in (("nobody", "some long password"), ("carol", "some long password"), ("carol", carol.password), ("no name at all\x00", "x")):
        with pytest.raises(Unauthenticated) as refused:
            office.actors.open_session(name, password)
        said.add((refused.value.code, refused.value.detail, refused.value.flaws))
    assert len(said) == 1


class CountingHasher(PasswordHasher):
    """Notes the settings of every hash that is compared."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.compared: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.compared.append(str(hash)[:27])
        return super().verify(hash, password)


def test_an_unknown_name_costs_one_password_check_like_a_known_one(
    office: Office, carol: UserCredentials, sqlite_store: SqlStore, sqlite_keys_store: SqlStore, tmp_path: Path, fixed_clock: FixedClock
) -> None:
    """The work is the same, so that time does not tell either."""
    passwords, hasher = cheap_passwords(), CountingHasher()
    passwords._hasher = hasher
    counting = open_office(sqlite_store, sqlite_keys_store, tmp_path, fixed_clock, passwords=passwords)
    for name in ("nobody", "carol"):
        with pytest.raises(Unauthenticated):
            counting.actors.open_session(name, "some long password")
    assert hasher.compared == [carol.user.password_hash[:27]] * 2


@pytest.mark.parametrize("name", ["carol", "nobody"])
def test_guessing_is_slowed_down_for_known_and_unknown_names_alike(office: Office, carol: UserCredentials, fixed_clock: FixedClock, name: str) -> None:
    """After ten wrong attempts each further one waits longer, five minutes at most."""
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            office.actors.open_session(name, "some long password")
    waits = []
    for _ in range(12):
        with pytest.raises(TooManyAttempts) as blocked:
            office.actors.open_session(name, "some long password")
        waits.append(blocked.value.retry_after)
        fixed_clock.advance(timedelta(seconds=blocked.value.retry_after))
        with pytest.raises(Unauthenticated):
            office.actors.open_session(name, "some long password")
    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == waits[-1] == 300


def test_the_right_password_is_not_tried_while_a_name_is_blocked(office: Office, carol: UserCredentials, fixed_clock: FixedClock) -> None:
    """A block holds for everybody, or it would tell who guessed right; it ends by itself."""
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            office.actors.open_session("carol", "some long password")
    with pytest.raises(TooManyAttempts):
        sign_in(office, carol)
    fixed_clock.advance(timedelta(seconds=2))
    assert sign_in(office, carol).assurance == 1
    for _ in range(9):
        with pytest.raises(Unauthenticated):
            office.actors.open_session("carol", "some long password")


def guess(office: Office, name: str, source: str, code: str | None = None) -> type[Exception]:
    with pytest.raises((Unauthenticated, TooManyAttempts)) as refused:
        office.actors.open_session(name, "some long password", code, source=source)
    return refused.type


def test_a_stranger_who_guesses_does_not_lock_the_owner_out(office: Office, carol: UserCredentials) -> None:
    """Attempts are counted by name and address."""
    kinds = [guess(office, "carol", "198.51.100.7") for _ in range(30)]
    assert kinds[:10] == [Unauthenticated] * 10
    assert set(kinds[10:]) == {TooManyAttempts}
    assert office.actors.open_session("carol", carol.password, source="192.0.2.1").assurance == 1


def test_a_name_guessed_from_many_addresses_opens_with_a_one_time_code_only(
    office: Office, alice: UserCredentials, carol: UserCredentials, fixed_clock: FixedClock
) -> None:
    """Nobody guesses both at once; an account by password alone waits, a made-up code does not help it."""
    for name in ("alice", "carol", "nobody"):
        kinds = [guess(office, name, f"198.51.100.{number}") for number in range(102)]
        assert kinds[:100] == [Unauthenticated] * 100
        assert kinds[-1] is TooManyAttempts
    for code in (None, "123456"):
        with pytest.raises((Unauthenticated, TooManyAttempts)):
            office.actors.open_session("carol", carol.password, code, source="192.0.2.1")
    assert guess(office, "nobody", "192.0.2.1") is TooManyAttempts
    assert guess(office, "alice", "192.0.2.1") is TooManyAttempts
    assert office.actors.open_session("alice", alice.password, code_of(alice.totp_secret, fixed_clock), source="192.0.2.1").assurance == 2


def test_codes_are_not_guessed_on_past_a_block(office: Office, alice: UserCredentials) -> None:
    """The way around the name's block is as narrow as for anybody: ten tries from an address."""
    for number in range(100):
        guess(office, "alice", f"198.51.100.{number}")
    kinds = [guess(office, "alice", "192.0.2.1", "123456") for _ in range(15)]
    assert kinds == [Unauthenticated] * 10 + [TooManyAttempts] * 5


def test_an_administrator_unlocks_a_name(office: Office, carol: UserCredentials) -> None:
    """From wherever the attempts came; it is in the log."""
    for _ in range(10):
        guess(office, "carol", "192.0.2.1")
    office.actors.people.unlock(office.operator(), carol.user.id)
    assert "unlocked" in office.audit.events[-1].fields
    assert office.actors.open_session("carol", carol.password, source="192.0.2.1").assurance == 1


def test_a_flood_of_names_is_a_few_events_and_leaves_no_rows(office: Office, carol: UserCredentials, sqlite_store: SqlStore, fixed_clock: FixedClock) -> None:
    """Refusals after the first are counted; attempts of an hour ago are swept."""
    before = len(office.audit.events)
    for number in range(100):
        guess(office, f"name-{number}", f"198.51.100.{number}")
    for number in range(5):
        guess(office, "carol", f"192.0.2.{number}")
    assert len(office.audit.events) - before == 60
    fixed_clock.advance(timedelta(hours=2))
    sign_in(office, carol)
    counted = {event.object_ref: event.counts["attempts"] for event in office.audit.events[before + 60 :] if event.action is Action.SESSION_REFUSED}
    assert counted == {"": 40, carol.user.ref: 5}
    with sqlite_store.engine.connect() as opened:
        assert opened.execute(select(func.count()).select_from(ATTEMPTS)).scalar_one() == 0


def test_guesses_sent_at_once_are_all_counted(office: Office, carol: UserCredentials) -> None:
    """Attempts are counted before they are tried: forty at once are no more than ten."""

    def guess(number: int) -> type[Exception]:
        with pytest.raises((Unauthenticated, TooManyAttempts)) as refused:
            office.actors.open_session("carol", f"wrong password {number}")
        return refused.type

    with ThreadPoolExecutor(8) as pool:
        kinds = list(pool.map(guess, range(40)))
    assert kinds.count(Unauthenticated) == 10


def test_sign_ins_and_refusals_are_recorded_without_the_name(office: Office, carol: UserCredentials) -> None:
    """The log knows the account's id, and nothing of what was typed."""
    sign_in(office, carol)
    with pytest.raises(Unauthenticated):
        office.actors.open_session("carol", "some long password")
    with pytest.raises(Unauthenticated):
        office.actors.open_session("typed-my-password-here", "some long password")
    opened, wrong, unknown = office.audit.events[-3:]
    assert (opened.action, opened.object_ref, opened.actor.ref) == (Action.SESSION_OPENED, carol.user.ref, carol.user.ref)
    assert (wrong.action, wrong.object_ref, wrong.outcome) == (Action.SESSION_REFUSED, carol.user.ref, Outcome.DENIED)
    assert (unknown.action, unknown.object_ref) == (Action.SESSION_REFUSED, "")
    assert "carol" not in repr(office.audit.events[-3:])


def test_no_event_no_session(office: Office, carol: UserCredentials) -> None:
    """Where the log cannot be written nobody signs in."""
    office.audit.refuse = True
    with pytest.raises(AuditUnavailable):
        sign_in(office, carol)


def test_signing_out_ends_the_session_at_once(office: Office, carol: UserCredentials) -> None:
    """A revoked token proves nothing, and no other session is touched."""
    first, second = sign_in(office, carol), sign_in(office, carol)
    office.actors.close_session(office.actors.authenticate(first.token), first.token)
    with pytest.raises(Unauthenticated):
        office.actors.authenticate(first.token)
    assert office.actors.authenticate(second.token).ref == carol.user.ref
    assert office.audit.events[-1].action is Action.SESSION_CLOSED


def test_a_session_ends_by_itself(office: Office, carol: UserCredentials, fixed_clock: FixedClock) -> None:
    """An hour, then the password again."""
    token = sign_in(office, carol).token
    fixed_clock.advance(timedelta(seconds=3599))
    office.actors.authenticate(token)
    fixed_clock.advance(timedelta(seconds=1))
    with pytest.raises(Unauthenticated):
        office.actors.authenticate(token)


@pytest.mark.parametrize("token", ["pss_", "pss_x", "pss_" + "A" * 43, "pss_é", "", "x", "a.b.c", "." * 500])
def test_an_invented_token_proves_nothing(office: Office, token: str) -> None:
    """One answer whatever it looks like."""
    with pytest.raises(Unauthenticated):
        office.actors.authenticate(token)


def test_only_a_few_passwords_are_checked_at_a_time() -> None:
    """Each check takes memory on purpose; who waits too long is told to come again."""
    passwords = cheap_passwords(concurrent=1, patience=0.01)
    hashed = passwords.hash("some long password")
    passwords._take_turn()
    with pytest.raises(TooBusy):
        passwords.verify(hashed, "some long password")


def test_a_weaker_hash_is_renewed_at_the_next_sign_in(
    office: Office, carol: UserCredentials, sqlite_store: SqlStore, sqlite_keys_store: SqlStore, tmp_path: Path, fixed_clock: FixedClock
) -> None:
    """Raising the cost reaches old accounts without asking anybody."""
    assert "t=1" in carol.user.password_hash
    later = open_office(sqlite_store, sqlite_keys_store, tmp_path, fixed_clock, passwords=cheap_passwords(time_cost=2))
    sign_in(later, carol)
    assert "t=2" in later.actors.people.get(later.operator(), carol.user.id).password_hash
    sign_in(later, carol)


def test_a_person_enrols_an_authenticator_and_signs_in_again(office: Office, carol: UserCredentials, fixed_clock: FixedClock) -> None:
    """A seed counts once a code of it was shown; then every session ends and the code is asked for."""
    token = sign_in(office, carol).token
    actor = office.actors.authenticate(token)
    seed, address = office.actors.people.begin_totp(actor)
    assert address.startswith("otpauth://totp/")
    assert sign_in(office, carol).assurance == 1
    with pytest.raises(InvalidInput):
        office.actors.people.confirm_totp(actor, "000000" if code_of(seed, fixed_clock) != "000000" else "111111")
    office.actors.people.confirm_totp(actor, code_of(seed, fixed_clock))
    with pytest.raises(Unauthenticated):
        office.actors.authenticate(token)
    with pytest.raises(Unauthenticated):
        sign_in(office, carol, code_of(seed, fixed_clock))
    fixed_clock.advance(timedelta(seconds=30))
    assert sign_in(office, carol, code_of(seed, fixed_clock)).assurance == 2


def test_an_enrolled_authenticator_is_not_replaced_by_its_own_session(office: Office, alice: UserCredentials, fixed_clock: FixedClock) -> None:
    """A stolen session cannot put another telephone in its place."""
    opened = sign_in(office, alice, code_of(alice.totp_secret, fixed_clock))
    with pytest.raises(Conflict):
        office.actors.people.begin_totp(office.actors.authenticate(opened.token))


def test_changing_the_password_asks_for_the_present_one_and_ends_sessions(office: Office, carol: UserCredentials) -> None:
    """A session left open is not enough to take an account over."""
    token = sign_in(office, carol).token
    actor = office.actors.authenticate(token)
    with pytest.raises(InvalidInput):
        office.actors.people.change_password(actor, "not the present one", "another long password")
    with pytest.raises(InvalidInput):
        office.actors.people.change_password(actor, carol.password, "short")
    office.actors.people.change_password(actor, carol.password, "another long password")
    with pytest.raises(Unauthenticated):
        office.actors.authenticate(token)
    assert office.actors.open_session("carol", "another long password").assurance == 1


def test_neither_password_nor_seed_nor_token_is_stored(office: Office, alice: UserCredentials, carol: UserCredentials, sqlite_store: SqlStore) -> None:
    """Who reads the database cannot sign in with what stands there."""
    token = sign_in(office, carol).token
    user = office.actors.people.get(office.operator(), alice.user.id)
    assert user.totp_seed is not None
    assert alice.totp_secret.encode() not in user.totp_seed
    assert alice.password not in user.password_hash
    content = b"".join(path.read_bytes() for path in Path(str(sqlite_store.address.url.database)).parent.iterdir())
    assert b"alice" in content
    for secret in (token, carol.password, alice.password, alice.totp_secret):
        assert secret.encode() not in content
