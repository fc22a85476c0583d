"""Accounts over HTTP: sign in and out, administer, get tokens as an application."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from privacy.actors.accounts import ClientCredentials
from privacy.audit.events import Action
from privacy.kernel.clock import FixedClock
from privacy.web.enforce import source_of
from tests.actors.builders import code_of
from tests.cast import PASSWORD
from tests.web.browser import Browser
from tests.web.conftest import Company

Browsers = Callable[..., Browser]


def test_a_person_signs_in_looks_at_themselves_and_signs_out(browser_for: Browsers) -> None:
    """The session works until it is closed, and not a call longer."""
    alice = browser_for("dpo")
    who = alice.get("/api/v1/sessions/current").get_json()
    assert (who["roles"], who["tenant"], who["assurance"]) == (["dpo"], "default", 2)
    assert "reveal" in who["scopes"]
    assert alice.delete("/api/v1/sessions/current").status_code == 204
    refused = alice.get("/api/v1/sessions/current")
    assert (refused.status_code, refused.get_json()["code"]) == (401, "unauthenticated")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


def test_wrong_credentials_get_a_problem_that_does_not_repeat_them(nobody: Browser) -> None:
    """Neither name nor password comes back."""
    answer = nobody.post("/api/v1/sessions", {"username": "somebody", "password": PASSWORD})
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert PASSWORD not in answer.text
    assert "somebody" not in answer.text


def test_a_missing_code_is_asked_for_by_name(company: Company, nobody: Browser, fixed_clock: FixedClock) -> None:
    """A program can tell that a code is wanted, and where to put it."""
    made = company.actors.people.create(company.office.operator(), "alice", ["dpo"], with_totp=True)
    body = {"username": "alice", "password": made.password}
    asked = nobody.post("/api/v1/sessions", body).get_json()
    assert (asked["code"], asked["errors"][0]["pointer"]) == ("totp_required", "/totp")
    opened = nobody.post("/api/v1/sessions", body | {"totp": code_of(made.totp_secret, fixed_clock)})
    assert opened.status_code == 201
    assert opened.get_json() | {"access_token": ""} == {"access_token": "", "token_type": "Bearer", "expires_in": 3600, "assurance": 2}


def test_too_many_attempts_say_when_to_come_again(nobody: Browser) -> None:
    """429 with Retry-After."""
    for _ in range(10):
        nobody.post("/api/v1/sessions", {"username": "nobody", "password": "x"})
    answer = nobody.post("/api/v1/sessions", {"username": "nobody", "password": "x"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")


def test_a_stranger_elsewhere_does_not_lock_a_person_out(company: Company, nobody: Browser) -> None:
    """The address is the peer's; a header anybody can send does not change it."""
    made = company.actors.people.create(company.office.operator(), "carol", ["auditor"])
    client = nobody.app.test_client()
    wrong = {"username": "carol", "password": "some long password"}
    statuses = [
        client.post("/api/v1/sessions", json=wrong, headers={"X-Forwarded-For": f"192.0.2.{n}"}, environ_base={"REMOTE_ADDR": "198.51.100.7"}).status_code
        for n in range(12)
    ]
    assert statuses == [401] * 10 + [429] * 2
    right = {"username": "carol", "password": made.password}
    assert client.post("/api/v1/sessions", json=right, environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 201


@pytest.mark.parametrize(
    ("peer", "forwarded", "behind_proxy", "source"),
    [
        ("192.0.2.1", "198.51.100.7", False, "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9, 198.51.100.7", True, "198.51.100.7"),
        ("192.0.2.1", "", True, "192.0.2.1"),
        ("192.0.2.1", "garbage", True, "192.0.2.1"),
        ("2001:db8:1:2:3::4", "", False, "2001:db8:1:2::/64"),
    ],
)
def test_where_a_call_comes_from(peer: str, forwarded: str, behind_proxy: bool, source: str) -> None:
    """Only the trusted proxy's own word counts, and it is the last."""
    incoming = Request(EnvironBuilder(headers={"X-Forwarded-For": forwarded}, environ_base={"REMOTE_ADDR": peer}).get_environ())
    assert source_of(incoming, behind_proxy) == source


def test_a_person_enrols_an_authenticator_and_changes_the_password(company: Company, nobody: Browser, fixed_clock: FixedClock) -> None:
    """All of it over HTTP, with the sessions ending where they must."""
    made = company.actors.people.create(company.office.operator(), "carol", ["auditor"])
    token = nobody.post("/api/v1/sessions", {"username": "carol", "password": made.password}).get_json()["access_token"]
    carol = Browser(nobody.app, token)
    begun = carol.post("/api/v1/sessions/current/totp").get_json()
    assert begun["address"].startswith("otpauth://")
    assert carol.put("/api/v1/sessions/current/totp", {"code": code_of(begun["secret"], fixed_clock)}).status_code == 204
    assert carol.get("/api/v1/sessions/current").status_code == 401
    fixed_clock.advance(timedelta(seconds=30))
    body = {"username": "carol", "password": made.password, "totp": code_of(begun["secret"], fixed_clock)}
    carol = Browser(nobody.app, nobody.post("/api/v1/sessions", body).get_json()["access_token"])
    assert carol.put("/api/v1/sessions/current/password", {"current": made.password, "new": PASSWORD}).status_code == 204
    assert carol.get("/api/v1/sessions/current").status_code == 401


def test_an_administrator_creates_reads_changes_and_resets_an_account(browser_for: Browsers) -> None:
    """The credentials are in the answer of creation and reset, and nowhere else."""
    admin = browser_for("admin")
    created = admin.post("/api/v1/users", {"username": "dave", "roles": ["agent"], "with_totp": True})
    assert created.status_code == 201
    made = created.get_json()
    assert len(made["password"]) == 24
    assert made["totp_secret"]
    path = created.headers["Location"]
    assert admin.get(path).get_json() == made["user"]
    changed = admin.put(path, {"roles": ["analyst"], "active": False}).get_json()
    assert (changed["roles"], changed["active"]) == (["analyst"], False)
    reset = admin.post(f"{path}/reset", {}).get_json()
    assert reset["password"] != made["password"]
    assert reset["totp_secret"] is None
    assert {user["username"] for user in admin.get("/api/v1/users").get_json()["users"]} >= {"dave", "admin.default"}
    assert made["password"] not in admin.get("/api/v1/users").text


def test_an_administrator_without_a_second_factor_is_asked_for_it(company: Company, nobody: Browser, fixed_clock: FixedClock) -> None:
    """RFC 9470: 401 with what is missing; once an authenticator is enrolled the same call is answered."""
    made = company.actors.people.create(company.office.operator(), "root", ["admin"])
    root = Browser(nobody.app, nobody.post("/api/v1/sessions", {"username": "root", "password": made.password}).get_json()["access_token"])
    asked = root.post("/api/v1/users", {"username": "carol", "roles": ["auditor"]})
    assert (asked.status_code, asked.get_json()["code"]) == (401, "insufficient_user_authentication")
    assert 'error="insufficient_user_authentication"' in asked.headers["WWW-Authenticate"]
    assert 'acr_values="2"' in asked.headers["WWW-Authenticate"]
    assert root.get("/api/v1/users").status_code == 200
    seed = root.post("/api/v1/sessions/current/totp").get_json()["secret"]
    assert root.put("/api/v1/sessions/current/totp", {"code": code_of(seed, fixed_clock)}).status_code == 204
    fixed_clock.advance(timedelta(seconds=30))
    body = {"username": "root", "password": made.password, "totp": code_of(seed, fixed_clock)}
    root = Browser(nobody.app, nobody.post("/api/v1/sessions", body).get_json()["access_token"])
    assert root.post("/api/v1/users", {"username": "carol", "roles": ["auditor"]}).status_code == 201


def test_an_administrator_registers_an_application_that_then_gets_tokens(browser_for: Browsers, nobody: Browser) -> None:
    """From registration to the first call, and to the end of the old secret."""
    admin = browser_for("admin")
    created = admin.post("/api/v1/clients", {"name": "billing", "roles": ["application"], "purposes": ["service"]})
    made = created.get_json()
    form = {"grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": made["client_secret"], "scope": "mask detect"}
    token = nobody.post("/oauth/token", data=form)
    assert token.status_code == 200
    assert token.get_json() | {"access_token": ""} == {"token_type": "Bearer", "expires_in": 600, "scope": "detect mask", "access_token": ""}
    assert token.headers["Cache-Control"] == "no-store"
    renewed = admin.post(f"/api/v1/clients/{made['client_id']}/secret").get_json()
    assert nobody.post("/oauth/token", data=form).status_code == 401
    assert nobody.post("/oauth/token", data=form | {"client_secret": renewed["client_secret"]}).status_code == 200
    admin.put(created.headers["Location"], {"active": False})
    assert nobody.post("/oauth/token", data=form | {"client_secret": renewed["client_secret"]}).status_code == 401
    assert [client["name"] for client in admin.get("/api/v1/clients").get_json()["clients"]] == ["billing"]


def test_roles_can_be_read(browser_for: Browsers) -> None:
    """What an administrator may give, with its meaning in two languages."""
    roles = {role["id"]: role for role in browser_for("admin").get("/api/v1/roles").get_json()["roles"]}
    assert roles["dpo"]["zh"] == "个人信息保护负责人"
    assert "approver" in roles["admin"]["excludes"]


def test_guards_speak_http(browser_for: Browsers) -> None:
    """Oneself: 403. A taken name: 409. An unknown account: 404. A role not for people: 422 with its place."""
    admin = browser_for("admin")
    me = next(user["id"] for user in admin.get("/api/v1/users").get_json()["users"] if user["username"] == "admin.default")
    assert admin.put(f"/api/v1/users/{me}", {"roles": ["approver"]}).status_code == 403
    assert admin.post("/api/v1/users", {"username": "ADMIN.default", "roles": ["agent"]}).status_code == 409
    assert admin.put("/api/v1/users/unknown", {"active": True}).status_code == 404
    refused = admin.post("/api/v1/users", {"username": "eve", "roles": ["operator"]})
    assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (422, "/roles")


@pytest.fixture
def billing(company: Company) -> ClientCredentials:
    made: ClientCredentials = company.actors.applications.create(company.office.operator(), "billing", ["application"], ["service"])
    return made


def basic(client: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()}


def test_a_client_may_send_its_secret_as_basic(nobody: Browser, billing: ClientCredentials) -> None:
    """client_secret_basic and client_secret_post."""
    answer = nobody.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=basic(billing.client.id, billing.secret))
    assert answer.status_code == 200
    assert answer.get_json()["scope"].split() == sorted(answer.get_json()["scope"].split())


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "unknown", "client_secret": "x"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "{id}", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "{id}", "client_secret": "{secret}", "scope": "actors:write"}, 400, "invalid_scope"),
        ({"grant_type": "client_credentials", "client_id": "{id}", "client_secret": "{secret}", "scope": "\u674e\u5c0f\u660e"}, 400, "invalid_scope"),
    ],
)
def test_the_token_endpoint_refuses_in_the_words_of_rfc_6749(
    nobody: Browser, billing: ClientCredentials, form: dict[str, str], status: int, error: str
) -> None:
    """And never repeats what was sent."""
    sent = {name: value.replace("{id}", billing.client.id).replace("{secret}", billing.secret) for name, value in form.items()}
    answer = nobody.post("/oauth/token", data=sent)
    assert (answer.status_code, answer.get_json()["error"]) == (status, error)
    assert billing.secret not in answer.text
    assert "李小明" not in json.loads(answer.text).get("error_description", "")


def test_an_unknown_client_is_told_the_same_as_a_wrong_secret(nobody: Browser, billing: ClientCredentials) -> None:
    """Client ids cannot be probed."""
    answers = [
        nobody.post("/oauth/token", data={"grant_type": "client_credentials", "client_id": client, "client_secret": "wrong"})
        for client in (billing.client.id, "unknown")
    ]
    assert answers[0].data == answers[1].data
    assert answers[0].status_code == answers[1].status_code == 401


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic /////w==", "Basic eA==", "Bearer x", "Basic " + "A" * 5000])
def test_an_unreadable_basic_header_is_an_unknown_client(nobody: Browser, header: str) -> None:
    """Also bytes that are not UTF-8."""
    answer = nobody.post("/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": header})
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"grant_type": "client_credentials"}},
        {"data": "grant_type=client_credentials&grant_type=client_credentials", "content_type": "application/x-www-form-urlencoded"},
        {"data": "x", "content_type": "text/plain"},
    ],
)
def test_what_is_no_form_is_an_invalid_request(nobody: Browser, sent: dict[str, object]) -> None:
    """One form, each field once."""
    answer = nobody.post("/oauth/token", **sent)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_an_oversized_token_request_is_refused(nobody: Browser) -> None:
    """Nobody needs more than a few hundred bytes to ask for a token."""
    answer = nobody.post("/oauth/token", data={"grant_type": "x" * 20_000})
    assert (answer.status_code, answer.get_json()["code"]) == (413, "payload_too_large")


def test_tokens_and_refusals_are_recorded_by_id_and_never_fill_the_log(company: Company, nobody: Browser, billing: ClientCredentials) -> None:
    """An unknown client id is an event like a known one, so that time tells nothing; what follows within the minute is counted."""
    form = {"grant_type": "client_credentials", "client_id": billing.client.id, "client_secret": billing.secret}
    token = nobody.post("/oauth/token", data=form).get_json()["access_token"]
    nobody.post("/oauth/token", data=form | {"client_secret": "wrong"})
    nobody.post("/oauth/token", data=form | {"client_id": "unknown"})
    issued, refused, unknown = company.office.audit.events[-3:]
    assert (unknown.action, unknown.object_ref) == (Action.TOKEN_REFUSED, "")
    before = len(company.office.audit.events)
    for _ in range(3):
        nobody.post("/oauth/token", data=form | {"client_secret": "wrong"})
        nobody.post("/oauth/token", data=form | {"client_id": "unknown"})
    assert len(company.office.audit.events) == before
    assert (issued.action, issued.object_ref) == (Action.TOKEN_ISSUED, company.office.tokens.verify(token).token_id)
    assert (refused.action, refused.object_ref) == (Action.TOKEN_REFUSED, billing.client.ref)


def test_no_event_no_token(company: Company, nobody: Browser, billing: ClientCredentials) -> None:
    """503, to be retried, and no token."""
    company.office.audit.refuse = True
    form = {"grant_type": "client_credentials", "client_id": billing.client.id, "client_secret": billing.secret}
    answer = nobody.post("/oauth/token", data=form)
    assert (answer.status_code, answer.get_json()["code"], answer.headers["Retry-After"]) == (503, "audit_unavailable", "1")
    assert "access_token" not in answer.text
