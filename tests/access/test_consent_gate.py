"""Consent as a gate: one answer for the question and for the masking call, for every recipient and for every field of a person."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from privacy.access.requests import DecisionItem, MaskedBatch, MaskRecords
from privacy.application import Application
from privacy.cli.session import operator
from privacy.consent.model import NoticeContent
from privacy.consent.notice_file import load_notices
from privacy.inventory.catalogue_model import Recipient
from privacy.inventory.model import Status
from tests.access.builders import Company, as_role, customer, customers, field_of, open_company
from tests.cast import LI_XIAOMING
from tests.web.browser import Browser

LI = LI_XIAOMING.ref
ACME = Recipient("acme", "Acme", "third_party", "DE", date(2026, 1, 1), date(2099, 12, 31), ("marketing",))


@pytest.fixture
def company() -> Company:
    made = open_company()
    made.catalogue.recipients_by_id["acme"] = ACME
    return made


def mask(company: Company, *records: Any, recipient: str | None = None) -> MaskedBatch:
    return company.access.mask_records(as_role("application"), MaskRecords.of("crm.customer", "marketing", list(records) or [customer()], recipient))


def effects(batch: MaskedBatch) -> set[str]:
    return {decision["effect"] for decided in batch.decisions for decision in decided.values()}


@pytest.mark.parametrize("separate", [False, True])
def test_a_consent_to_internal_use_opens_nothing_to_a_recipient(company: Company, separate: bool) -> None:
    """Whether the purpose needs separate consent or not, the consent room is asked about the recipient of the call."""
    company.catalogue.purposes_by_id["marketing"] = replace(company.catalogue.purposes_by_id["marketing"], separate_consent=separate)
    company.consent(LI, "marketing", "given")
    assert mask(company).decisions[0]["email"]["effect"] == "clear"
    refused = mask(company, recipient="acme")
    assert effects(refused) == {"withheld"}
    assert refused.reasons[refused.decisions[0]["email"]["reason"]].code == "consent_missing"
    item = DecisionItem("crm.customer", "email", "marketing", "acme", LI)
    assert [answer.effect for answer in company.access.decide(as_role("application"), [item]).items] == ["withheld"]
    company.consent(LI, "marketing", "given", recipient="acme")
    assert mask(company, recipient="acme").decisions[0]["email"]["effect"] == "clear"


@pytest.mark.parametrize("state", ["never", "withdrawn", "expired"])
def test_without_consent_nothing_of_that_person_is_shown(company: Company, state: str) -> None:
    """Not even what was declared not personal: the record is the person's."""
    company.consent(LI, "marketing", state)
    batch = mask(company)
    assert effects(batch) == {"withheld"} and set(batch.records.reveal()[0].values()) == {None}
    company.consent(LI, "marketing", "given")
    assert mask(company).decisions[0]["created"]["effect"] == "clear"


def test_a_record_that_does_not_say_whose_it_is_shows_nothing_either(company: Company) -> None:
    """No subject, no consent: the not personal fields are withheld like the rest."""
    assert effects(mask(company, {"created": "2020-01-01", "email": LI_XIAOMING.email})) == {"withheld"}


def test_a_dataset_about_nobody_needs_nobodys_consent(company: Company) -> None:
    """Where every field was declared not personal and no row has a subject there is nobody to ask."""
    fields = {"colour": field_of("colour", "not_personal", Status.NOT_PERSONAL)}
    company.data_map.by_name["crm.customer"] = replace(customers(), subject_field=None, subject_type=None, fields=fields)
    assert mask(company, {"colour": "red"}).records.reveal() == [{"colour": "red"}]


# --- over HTTP, with the real ledger ----------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(client_for: Callable[..., Browser], steward: Application) -> Browser:
    """An application's browser; the shipped notice is published and acme is a recipient that no notice names."""
    steward.catalogue.load(operator(steward), [ACME])
    for content in load_notices(steward.config.policies / "notices"):
        steward.consent.publish(operator(steward), content)
    return client_for("application")


GIVEN = {"subject": "crm:customer:42", "purpose": "marketing", "notice": "marketing", "notice_version": 1, "language": "zh"}


def answers(browser: Browser, recipient: str | None) -> tuple[str, str, set[str]]:
    """Return what the question, the masking call and the decision say about one and the same recipient."""
    named = {"recipient": recipient} if recipient else {}
    subject = {"subject": "crm:customer:42", "purpose": "marketing", **named}
    records = [{"id": "42", "email": LI_XIAOMING.email, "created": "2020"}]
    checked = browser.post("/api/v1/consents/check", {"items": [subject]}).json["items"][0]
    masked = browser.post("/api/v1/mask", {"dataset": "crm.customer", "purpose": "marketing", "records": records, **named}).json
    decided = browser.post("/api/v1/decisions", {"items": [{"dataset": "crm.customer", "field": "email", **subject}]}).json["items"][0]
    return checked["state"], decided["effect"], {decision["effect"] for decision in masked["decisions"][0].values()}


def test_the_question_and_the_masking_call_agree_for_every_recipient(browser: Browser) -> None:
    """`never` means withheld and `given` means shown, over the same ledger."""
    assert answers(browser, None) == ("never", "withheld", {"withheld"})
    assert browser.post("/api/v1/consents", GIVEN).status_code == 201
    assert answers(browser, None) == ("given", "clear", {"clear"})
    assert answers(browser, "acme") == ("never", "withheld", {"withheld"})
    assert browser.post("/api/v1/consents/withdraw", {"subject": "crm:customer:42", "purpose": "marketing"}).status_code == 201
    assert answers(browser, None) == ("withdrawn", "withheld", {"withheld"})


def test_a_consent_under_a_notice_that_names_the_recipient_reaches_it(browser: Browser, steward: Application) -> None:
    """Where the purpose needs no separate consent, being told is enough."""
    (shipped,) = load_notices(steward.config.policies / "notices")
    content: NoticeContent = replace(shipped, recipients=("acme",))
    steward.consent.publish(operator(steward), content)
    assert browser.post("/api/v1/consents", {**GIVEN, "notice_version": 2}).status_code == 201
    assert answers(browser, "acme") == ("given", "clear", {"clear"})
