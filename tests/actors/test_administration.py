"""Accounts are changed by administrators, in the log, and never by oneself for oneself."""

import threading
from pathlib import Path

import pytest

from privacy.actors.accounts import UserCredentials
from privacy.actors.applications import is_secret_of
from privacy.audit.events import Action
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AccessDenied, AuditUnavailable, Conflict, InvalidInput, NotFound, PrivacyError, Unauthenticated
from privacy.kernel.terms import Actor
from tests.actors.builders import Office, code_of
from tests.cast import ALICE, BOB, CAROL, CHARLIE, OTHER_TENANT


@pytest.fixture
def admin(office: Office) -> UserCredentials:
    return office.actors.people.create(office.operator(), "root-of-all", ["admin"], with_totp=True)


def acting(office: Office, who: UserCredentials) -> Actor:
    code = code_of(who.totp_secret, office.clock) if who.totp_secret else None
    return office.actors.authenticate(office.actors.open_session(who.user.username, who.password, code).token)


def test_without_a_second_factor_an_administrator_changes_nothing(office: Office) -> None:
    """A password that was seen gives nobody an account; reading stays."""
    made = office.actors.people.create(office.operator(), "second-admin", ["admin"])
    me = acting(office, made)
    assert me.scopes >= {"actors:read", "policy:read"}
    assert not me.scopes & {"actors:write", "policy:write", "systems:write", "audit:export"}
    assert office.actors.needs_second_factor(me, "actors:write")
    assert not office.actors.needs_second_factor(me, "reveal")
    with pytest.raises(AccessDenied):
        office.actors.people.create(me, "carol", ["auditor"])
    assert not office.actors.needs_second_factor(
        acting(office, office.actors.people.create(office.operator(), "root", ["admin"], with_totp=True)), "actors:write"
    )


def test_an_administrator_creates_and_disables_accounts(office: Office, admin: UserCredentials) -> None:
    """A disabled person is refused at once, session or not."""
    me = acting(office, admin)
    made = office.actors.people.create(me, "carol", ["auditor"])
    session = office.actors.open_session("carol", made.password)
    assert office.actors.authenticate(session.token).roles == {"auditor"}
    office.actors.people.change(me, made.user.id, active=False)
    with pytest.raises(Unauthenticated):
        office.actors.authenticate(session.token)
    with pytest.raises(Unauthenticated):
        office.actors.open_session("carol", made.password)


def test_another_role_counts_from_the_next_call(office: Office, admin: UserCredentials) -> None:
    """Rights are those held now, not those of the sign-in."""
    made = office.actors.people.create(office.operator(), "carol", ["auditor"])
    token = office.actors.open_session("carol", made.password).token
    assert "audit:read" in office.actors.authenticate(token).scopes
    office.actors.people.change(acting(office, admin), made.user.id, roles=["analyst"])
    assert "audit:read" not in office.actors.authenticate(token).scopes


@pytest.mark.parametrize("change", [{"roles": ["approver"]}, {"roles": ["stranger"]}, {"active": False}])
def test_nobody_changes_their_own_roles_or_state(office: Office, admin: UserCredentials, change: dict[str, object]) -> None:
    """An administrator cannot make themselves approver, nor lock themselves out."""
    office.actors.people.create(office.operator(), "second-admin", ["admin"], with_totp=True)
    with pytest.raises(AccessDenied):
        office.actors.people.change(acting(office, admin), admin.user.id, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"roles": ["stranger"]}, {"active": False}])
def test_the_last_administrator_stays(office: Office, admin: UserCredentials, change: dict[str, object]) -> None:
    """An installation never loses its last administrator; a disabled one does not count."""
    other = office.actors.people.create(office.operator(), "second-admin", ["admin"], with_totp=True)
    office.actors.people.change(office.operator(), other.user.id, active=False)
    with pytest.raises(Conflict):
        office.actors.people.change(office.operator(), admin.user.id, **change)  # type: ignore[arg-type]


def test_two_administrators_cannot_disable_each_other_at_once(office: Office, admin: UserCredentials) -> None:
    """One of the two changes comes too late."""
    other = office.actors.people.create(office.operator(), "second-admin", ["admin"], with_totp=True)
    refused: list[PrivacyError] = []

    def disable(actor: Actor, user: str) -> None:
        try:
            office.actors.people.change(actor, user, active=False)
        except PrivacyError as error:
            refused.append(error)

    pairs = ((acting(office, admin), other.user.id), (acting(office, other), admin.user.id))
    threads = [threading.Thread(target=disable, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert sum(user.active for user in office.actors.people.all(office.operator())) == 1


@pytest.mark.parametrize("actor", [ALICE, BOB, CAROL, CHARLIE], ids=lambda actor: actor.ref)
def test_who_does_not_administer_changes_nothing(office: Office, actor: Actor) -> None:
    """The service asks for the scope itself: the web is not the only door."""
    people, applications = office.actors.people, office.actors.applications
    with pytest.raises(AccessDenied):
        people.create(actor, "mallory", ["admin"])
    with pytest.raises(AccessDenied):
        people.change(actor, "any", active=False)
    with pytest.raises(AccessDenied):
        people.reset(actor, "any")
    with pytest.raises(AccessDenied):
        applications.create(actor, "theirs", ["application"])
    with pytest.raises(AccessDenied):
        applications.change(actor, "any", active=True)
    with pytest.raises(AccessDenied):
        applications.renew_secret(actor, "any")
    assert office.audit.events[-1].action is Action.TENANT_CREATED


def test_another_tenants_accounts_do_not_exist(office: Office, admin: UserCredentials) -> None:
    """The tenant comes from who acts; a foreign id is an unknown one."""
    stranger = office.operator(OTHER_TENANT)
    client = office.actors.applications.create(office.operator(), "billing", ["application"]).client
    for attempt in (
        lambda: office.actors.people.get(stranger, admin.user.id),
        lambda: office.actors.people.change(stranger, admin.user.id, active=False),
        lambda: office.actors.people.reset(stranger, admin.user.id),
        lambda: office.actors.applications.get(stranger, client.id),
        lambda: office.actors.applications.change(stranger, client.id, active=False),
        lambda: office.actors.applications.renew_secret(stranger, client.id),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert office.actors.people.all(stranger) == []
    assert office.actors.applications.all(stranger) == []


@pytest.mark.parametrize("name", ["", " ", "two words", "tab\there", "nul\x00", "a" * 129, "a/b", "<b>", "\ud800"])
def test_a_name_that_cannot_be_typed_again_is_refused(office: Office, name: str) -> None:
    """The message does not repeat it."""
    with pytest.raises(InvalidInput) as refused:
        office.actors.people.create(office.operator(), name, ["auditor"])
    assert refused.value.flaws[0].pointer == "/username"


def test_a_chinese_name_signs_in(office: Office) -> None:
    """Names in any script."""
    made = office.actors.people.create(office.operator(), "王小姐", ["agent"])
    assert office.actors.open_session("王小姐", made.password).assurance == 1


def test_a_reset_ends_sessions_and_drops_the_authenticator(office: Office, admin: UserCredentials, fixed_clock: FixedClock) -> None:
    """A lost telephone: another administrator gives a new start, and nothing old works."""
    made = office.actors.people.create(office.operator(), "alice", ["dpo"], with_totp=True)
    session = office.actors.open_session("alice", made.password, code_of(made.totp_secret, fixed_clock))
    fresh = office.actors.people.reset(acting(office, admin), made.user.id)
    with pytest.raises(Unauthenticated):
        office.actors.authenticate(session.token)
    with pytest.raises(Unauthenticated):
        office.actors.open_session("alice", made.password)
    assert office.actors.open_session("alice", fresh.password).assurance == 1


def test_nobody_resets_themselves(office: Office, admin: UserCredentials) -> None:
    """Or a stolen session would become a stolen account."""
    with pytest.raises(AccessDenied):
        office.actors.people.reset(acting(office, admin), admin.user.id)


def test_every_change_stands_in_the_log_with_the_roles_that_hold_from_then_on(office: Office, admin: UserCredentials) -> None:
    """The list of accounts as of any day can be told from the log alone."""
    made = office.actors.people.create(office.operator(), "carol", ["auditor"])
    office.actors.people.change(office.operator(), made.user.id, roles=["agent", "analyst"], active=False)
    created, changed = office.audit.events[-2:]
    assert (created.action, created.object_ref, created.fields) == (Action.USER_CREATED, made.user.ref, ("role:auditor", "state:active"))
    assert (changed.action, changed.fields) == (Action.USER_CHANGED, ("role:agent", "role:analyst", "state:disabled"))
    assert "carol" not in repr(office.audit.events)


def test_no_event_no_change(office: Office, admin: UserCredentials) -> None:
    """Account and event stand or fall together."""
    made = office.actors.people.create(office.operator(), "carol", ["auditor"])
    client = office.actors.applications.create(office.operator(), "billing", ["application"]).client
    office.audit.refuse = True
    for attempt in (
        lambda: office.actors.people.create(office.operator(), "dave", ["auditor"]),
        lambda: office.actors.people.change(office.operator(), made.user.id, roles=["dpo"]),
        lambda: office.actors.applications.change(office.operator(), client.id, roles=["analyst"]),
        lambda: office.actors.applications.create(office.operator(), "other", ["application"]),
    ):
        with pytest.raises(AuditUnavailable):
            attempt()
    assert {user.username: user.roles for user in office.actors.people.all(office.operator())} == {"root-of-all": {"admin"}, "carol": {"auditor"}}
    assert [(each.name, each.roles) for each in office.actors.applications.all(office.operator())] == [("billing", {"application"})]


def test_a_clients_secret_is_shown_once_and_can_be_renewed(office: Office) -> None:
    """256 random bits; the old secret ends with the new one."""
    made = office.actors.applications.create(office.operator(), "billing", ["application"], ["service"])
    assert len(made.secret) >= 43
    assert is_secret_of(made.client, made.secret)
    renewed = office.actors.applications.renew_secret(office.operator(), made.client.id)
    found = office.actors.applications.find(made.client.id)
    assert found is not None
    assert not is_secret_of(found, made.secret)
    assert is_secret_of(found, renewed.secret)
    assert made.secret not in repr(made)


def test_setting_up_again_changes_nothing(office: Office, tmp_path: Path) -> None:
    """`privacy init` may run twice."""
    first = office.actors.bootstrap_user(office.operator(), "admin", ["admin"])
    client = office.actors.bootstrap_client(office.operator(), "demo", ["application"], ["service"])
    assert first is not None
    assert first.totp_secret
    assert client is not None
    assert office.actors.bootstrap_user(office.operator(), "Admin", ["admin"]) is None
    assert office.actors.bootstrap_client(office.operator(), "demo", ["application"]) is None
    assert office.actors.bootstrap_tenant(office.operator(), "again") is False
    assert len(office.actors.people.all(office.operator())) == 1
