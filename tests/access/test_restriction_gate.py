"""Restriction as a gate: of a restricted subject nothing is shown, whatever policy and consent say; storage and protection go on."""

import pytest

from privacy.access.requests import CipherBatch, CipherItem, DecisionItem, Explain, MaskRecords, MaskTexts, TextItem
from privacy.kernel.errors import AccessDenied, StoreUnavailable
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.plaintext import Plaintext
from tests.access.builders import Company, as_role, customer, open_company
from tests.cast import LI_XIAOMING, MARGUERITE, OTHER_TENANT

LI, MARGARET = LI_XIAOMING.ref, MARGUERITE.ref
BOB = as_role("application")


@pytest.fixture
def company() -> Company:
    made = open_company()
    made.restrictions.restricted.add((DEFAULT_TENANT, LI))
    return made


def test_nothing_of_a_restricted_subject_is_masked_into_view(company: Company) -> None:
    """Every field of their record is withheld, also what is not personal by itself; the next record is not touched by it. One question for both."""
    batch = company.access.mask_records(BOB, MaskRecords.of("crm.customer", "service", [customer("42"), customer("43")], None))
    ours, theirs = batch.decisions
    assert {decision["effect"] for decision in ours.values()} == {"withheld"}
    assert {batch.reasons[decision["reason"]].code for decision in ours.values()} == {"restricted"}
    assert set(batch.records.reveal()[0].values()) == {None}
    assert "restricted" not in {batch.reasons[decision["reason"]].code for decision in theirs.values()}
    assert company.restrictions.calls == 1


def test_neither_consent_nor_a_text_nor_a_decision_gets_around_it(company: Company) -> None:
    """Consent given, free text of theirs, a question without values: all withheld with the same reason."""
    company.consent(LI, "marketing", "given")
    masked = company.access.mask_records(BOB, MaskRecords.of("crm.customer", "marketing", [customer("42")], None))
    assert {decision["effect"] for decision in masked.decisions[0].values()} == {"withheld"}
    texts = company.access.mask_texts(BOB, MaskTexts("service", (TextItem(Plaintext(f"call {LI_XIAOMING.phone}"), LI),)))
    assert texts.texts.reveal() == [None]
    decided = company.access.decide(BOB, [DecisionItem("crm.customer", "phone", "service", None, subject) for subject in (LI, MARGARET)])
    assert decided.items[0].effect == "withheld" and decided.reasons[decided.items[0].reason].code == "restricted"
    assert decided.items[1].effect != "withheld"


def test_revealing_is_refused_and_protecting_goes_on(company: Company) -> None:
    """Encryption is storage and security; decryption is not."""
    items = (CipherItem("phone", Plaintext("pv1:x"), LI),)
    (refused,) = company.access.reveal(BOB, CipherBatch("crm.customer", items, "service"))
    assert isinstance(refused, AccessDenied) and "restricted" in refused.detail
    asked = company.restrictions.calls
    decided = company.access.decide(BOB, [DecisionItem("crm.customer", "phone", "service", None, LI, "protect")])
    assert decided.items[0].effect == "clear" and company.restrictions.calls == asked


def test_the_explanation_says_it_and_who_asked_is_recorded(company: Company) -> None:
    explained = company.access.explain(
        as_role("dpo"), Explain("crm.customer", "service", subject=LI, fields=frozenset({"phone"}), roles=frozenset({"application"}))
    )
    assert explained.reasons[explained.fields[0].reason].code == "restricted"
    assert company.audit.events[-1].subjects


def test_when_the_register_cannot_be_read_nothing_is_shown(company: Company) -> None:
    """Fail closed: no answer, no event of a disclosure."""
    company.restrictions.broken = True
    with pytest.raises(StoreUnavailable):
        company.access.mask_records(BOB, MaskRecords.of("crm.customer", "service", [customer("43")], None))
    assert company.audit.events == []


def test_another_tenants_restriction_is_not_ours(company: Company) -> None:
    company.restrictions.restricted = {(OTHER_TENANT, LI)}
    batch = company.access.mask_records(BOB, MaskRecords.of("crm.customer", "service", [customer("42")], None))
    assert {decision["effect"] for decision in batch.decisions[0].values()} != {"withheld"}
