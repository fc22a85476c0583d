"""Catalogue and consent over HTTP, with real tokens: what the DPO sets up, an application records and asks."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from privacy.adapters.store.catalogue import SqlCatalogueRepository
from privacy.adapters.store.consent import SqlConsentRepository
from privacy.adapters.store.engine import SqlStore
from privacy.consent.service import ConsentService
from privacy.inventory.catalogue import Catalogue
from privacy.kernel.clock import FixedClock
from privacy.web import create_app
from privacy.web.api import catalogue, consent, sessions
from tests.cast import ALICE
from tests.consent.builders import ENTRIES, NOTICE, audit_refs
from tests.web.browser import Browser
from tests.web.conftest import Company, token_for

SUBJECT = "crm:customer:42"
PURPOSE = {"id": "news", "name": "News", "controller": "main", "lawful_basis": "consent", "needs_consent": True, "categories": ["email"]}
CONSENT = {"subject": SUBJECT, "purpose": "marketing", "notice": "offers", "notice_version": 1, "language": "zh"}


@dataclass(frozen=True)
class Rooms:
    """The application as far as these routes need it."""

    actors: Any
    catalogue: Catalogue
    consent: ConsentService


@pytest.fixture
def as_role(company: Company, sqlite_store: SqlStore, fixed_clock: FixedClock) -> Callable[..., Browser]:
    audit = company.office.audit
    entries = Catalogue(sqlite_store, SqlCatalogueRepository(), audit, fixed_clock)
    entries.load(ALICE, ENTRIES)
    service = ConsentService(sqlite_store, SqlConsentRepository(), entries, audit, company.office.keyring, audit_refs, fixed_clock)
    service.publish(ALICE, NOTICE)
    fixed_clock.advance(timedelta(minutes=1))
    web: Flask = create_app(Rooms(company.actors, entries, service), max_bytes=1 << 20, rooms=[sessions.routes, catalogue.routes, consent.routes])
    return lambda role: Browser(web, token_for(web, company, role, "default", fixed_clock))


def test_the_dpo_adds_a_purpose_and_everybody_who_may_reads_it(as_role: Callable[..., Browser]) -> None:
    """A saved purpose has version 1, the next save version 2, and both stand in its history."""
    dpo = as_role("dpo")
    assert dpo.post("/api/v1/purposes", json=PURPOSE).get_json()["version"] == 1
    saved = dpo.post("/api/v1/purposes", json={**PURPOSE, "state": "retired", "expected_version": 1})
    assert (saved.status_code, saved.get_json()["version"]) == (201, 2)
    listed = as_role("application").get("/api/v1/purposes").get_json()["purposes"]
    assert {entry["id"]: entry["state"] for entry in listed}["news"] == "retired"
    versions = dpo.get("/api/v1/purposes/news/versions").get_json()["versions"]
    assert [version["version"] for version in versions] == [2, 1]


def test_controllers_and_recipients_are_kept_alike(as_role: Callable[..., Browser]) -> None:
    """The three kinds have the same shape: POST answers what was saved, GET lists it."""
    dpo = as_role("dpo")
    controller = {"id": "berlin", "name": "Berlin GmbH", "country": "DE", "time_zone": "Europe/Berlin", "regimes": ["gdpr"]}
    recipient = {"id": "mailer", "name": "Mailer", "kind": "processor", "country": "IE", "agreement_from": "2026-01-01", "purposes": ["marketing"]}
    assert dpo.post("/api/v1/controllers", json=controller).status_code == 201
    assert dpo.post("/api/v1/recipients", json=recipient).get_json()["agreement_from"] == "2026-01-01"
    assert [entry["id"] for entry in dpo.get("/api/v1/controllers").get_json()["controllers"]] == ["berlin", "main"]
    assert "mailer" in [entry["id"] for entry in dpo.get("/api/v1/recipients").get_json()["recipients"]]


@pytest.mark.parametrize(
    ("change", "status", "pointer"),
    [
        ({"controller": "nobody"}, 422, "/controller"),
        ({"lawful_basis": "because"}, 422, "/lawful_basis"),
        ({"needs_consent": False}, 422, "/needs_consent"),
        ({"id": "NO GOOD"}, 422, "/id"),
        ({"colour": "red"}, 422, "/"),
        ({"expected_version": 7}, 409, None),
    ],
)
def test_a_flaw_in_a_purpose_is_named_by_its_place(as_role: Callable[..., Browser], change: dict[str, Any], status: int, pointer: str | None) -> None:
    """Problem document with a pointer; nothing is saved."""
    dpo = as_role("dpo")
    answer = dpo.post("/api/v1/purposes", json={**PURPOSE, **change})
    assert answer.status_code == status
    assert pointer is None or pointer in [flaw["pointer"] for flaw in answer.get_json()["errors"]]
    assert "news" not in [entry["id"] for entry in dpo.get("/api/v1/purposes").get_json()["purposes"]]


def test_give_ask_withdraw_ask(as_role: Callable[..., Browser], fixed_clock: FixedClock) -> None:
    """The whole life of a consent over HTTP; withdrawing takes no more than subject and purpose."""
    app = as_role("application")
    given = app.post("/api/v1/consents", json=CONSENT)
    assert given.status_code == 201
    receipt = app.get(given.headers["Location"])
    assert receipt.get_json() == given.get_json()
    question = {
        "items": [{"subject": SUBJECT, "purpose": "marketing"}, {"subject": "crm:customer:43", "purpose": "marketing"}, {"subject": SUBJECT, "purpose": "?"}]
    }
    first = app.post("/api/v1/consents/check", json=question).get_json()["items"]
    assert [item["state"] for item in first] == ["given", "never", None]
    assert first[2]["error"]["code"] == "invalid_input"
    fixed_clock.advance(timedelta(minutes=1))
    assert app.post("/api/v1/consents/withdraw", json={"subject": SUBJECT, "purpose": "marketing"}).status_code == 201
    assert app.post("/api/v1/consents/check", json=question).get_json()["items"][0]["state"] == "withdrawn"


BAD_PARTS = (
    {"subject": "crm:customer"},
    {"subject": "13800138000"},
    {"subject": "crm:customer:\x00"},
    {"subject": "crm:customer:" + "9" * 600},
    {"subject": 42},
    {"subject": None},
    {"purpose": None},
    {"purpose": ["marketing"]},
    {"purpose": "x" * 600},
    {"recipient": "nobody"},
    {"recipient": 7},
    {"recipient": {"id": "main"}},
    {"channel": "pigeon"},
    {"channel": True},
)


@pytest.mark.parametrize("bad", BAD_PARTS, ids=lambda part: str(part)[:40])
def test_one_bad_question_leaves_the_others_alone(as_role: Callable[..., Browser], bad: dict[str, Any]) -> None:
    """Item by item, in order: the bad one has its own error that says what to do and repeats nothing."""
    app = as_role("application")
    assert app.post("/api/v1/consents", json=CONSENT).status_code == 201
    good = {"subject": SUBJECT, "purpose": "marketing"}
    answer = app.post("/api/v1/consents/check", json={"items": [good, {**good, **bad}, good]})
    assert answer.status_code == 200
    first, refused, last = answer.get_json()["items"]
    assert (first["state"], last["state"]) == ("given", "given")
    assert refused["state"] is None and refused["error"]["code"] == "invalid_input" and refused["error"]["detail"]
    assert "13800138000" not in answer.get_data(as_text=True)


def test_a_refused_consent_says_what_to_do(as_role: Callable[..., Browser]) -> None:
    """The remedy is in the answer, the value is not."""
    answer = as_role("application").post("/api/v1/consents", json={**CONSENT, "purpose": "marketting", "subject": "crm:customer:4172263"})
    assert answer.status_code == 422
    assert "privacy purposes list" in answer.get_data(as_text=True)
    assert "4172263" not in answer.get_data(as_text=True)


def test_a_notice_is_published_by_the_dpo_and_read_in_every_version(as_role: Callable[..., Browser]) -> None:
    """Each version stays readable; the newest is the answer when none is named."""
    dpo = as_role("dpo")
    body = {"id": "offers", "controller": "main", "purposes": ["marketing"], "scope": "all", "method": "messages", "period": "1 year", "categories": ["email"]}
    published = dpo.post("/api/v1/notices", json={**body, "texts": {"en": "Text\nwith lines"}})
    assert (published.status_code, published.get_json()["version"]) == (201, 2)
    assert dpo.get("/api/v1/notices/offers").get_json()["material_since"] == 2
    assert dpo.get("/api/v1/notices/offers?version=1").get_json()["texts"]["zh"] == "告知"
    assert dpo.get("/api/v1/notices/offers?version=9").status_code == 404
    assert len(dpo.get("/api/v1/notices").get_json()["notices"]) == 1


def test_an_application_does_not_change_the_catalogue_and_charlie_does_nothing(as_role: Callable[..., Browser]) -> None:
    """Scopes open routes: writing the catalogue is the DPO's, recording consent the application's, nothing a stranger's."""
    app, charlie = as_role("application"), as_role("stranger")
    assert {app.post(f"/api/v1/{path}", json={}).status_code for path in ("purposes", "recipients", "controllers", "notices")} == {403}
    for method, path in (
        ("GET", "purposes"),
        ("GET", "notices"),
        ("POST", "consents"),
        ("POST", "consents/withdraw"),
        ("POST", "consents/check"),
        ("GET", "consents/x/receipt"),
    ):
        assert charlie.call(method, f"/api/v1/{path}").status_code == 403
