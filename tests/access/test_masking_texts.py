"""Free texts by themselves: masked piece by piece, with offsets in code points and a decision for each piece."""

from dataclasses import replace

import pytest

from privacy.access.requests import MaskedTexts, MaskTexts, TextItem
from privacy.audit.events import Action, Outcome
from privacy.inventory.catalogue_model import Purpose
from privacy.kernel.errors import AuditUnavailable
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import Actor, SubjectRef
from tests.access.builders import Company, as_role, open_company
from tests.cast import CHARLIE, LI_XIAOMING

TEXT = f"𠮷：客户{LI_XIAOMING.name}的手机号是{LI_XIAOMING.phone}，邮箱 {LI_XIAOMING.email}，身份证 {LI_XIAOMING.id_number}。"


@pytest.fixture
def company() -> Company:
    return open_company()


def mask(company: Company, actor: Actor, purpose: str, *texts: str, subject: SubjectRef | None = None, dataset: str | None = None) -> MaskedTexts:
    items = tuple(TextItem(Plaintext(text), subject) for text in texts)
    return company.access.mask_texts(actor, MaskTexts(purpose, items, None, dataset), "req-2")


def test_each_piece_is_decided_by_its_own_category(company: Company) -> None:
    """For service an application reads phone and e-mail in clear and the national id masked."""
    batch = mask(company, as_role("application"), "service", TEXT)
    shown = batch.texts.reveal()[0]
    assert LI_XIAOMING.phone in shown and LI_XIAOMING.email in shown and LI_XIAOMING.id_number not in shown
    by_entity = {span.entity: (span.effect, span.technique) for span in batch.spans[0]}
    assert by_entity["CN_MOBILE"] == ("clear", "none") and by_entity["CN_ID_CARD"] == ("masked", "id_number")


def test_offsets_are_code_points_before_and_after(company: Company) -> None:
    """Characters outside the basic plane count as one."""
    batch = mask(company, as_role("agent"), "support", TEXT)
    shown = batch.texts.reveal()[0]
    span = next(span for span in batch.spans[0] if span.entity == "CN_MOBILE")
    assert TEXT[span.start : span.end] == LI_XIAOMING.phone and shown[span.masked_start : span.masked_end] == "139****2263"


def test_a_piece_the_purpose_does_not_cover_becomes_its_label(company: Company) -> None:
    """Withheld inside a text means replaced, not left."""
    company.catalogue.purposes_by_id["support"] = _without(company, "support", "national_id")
    shown = mask(company, as_role("agent"), "support", TEXT).texts.reveal()[0]
    assert "[CN_ID_CARD]" in shown and LI_XIAOMING.id_number not in shown


def _without(company: Company, purpose: str, category: str) -> Purpose:
    found = company.catalogue.purposes_by_id[purpose]
    return replace(found, categories=tuple(id for id in found.categories if id != category))


def test_a_withheld_text_is_null_and_says_why(company: Company) -> None:
    """No rule, an unknown purpose, an unknown dataset, no consent: nothing of the text comes back."""
    cases = [
        (mask(company, CHARLIE, "service", TEXT), "no_rule"),
        (mask(company, as_role("agent"), "fishing", TEXT), "purpose_unknown"),
        (mask(company, as_role("agent"), "support", TEXT, dataset="crm.nowhere"), "dataset_unknown"),
    ]
    for batch, code in cases:
        assert batch.texts.reveal() == [None] and batch.spans == ((),)
        assert batch.reasons[batch.decisions[0].reason].code == code
    assert company.audit.events[-1].outcome is Outcome.DENIED


def test_consent_of_the_texts_subject_is_asked(company: Company) -> None:
    """A text for a purpose with consent needs a subject who gave it."""
    marketing = company.catalogue.purposes_by_id["marketing"]
    company.catalogue.purposes_by_id["support"] = _renamed(marketing)
    anonymous = mask(company, as_role("agent"), "support", TEXT)
    assert anonymous.reasons[anonymous.decisions[0].reason].code == "subject_missing"
    company.consent(LI_XIAOMING.ref, "support", "given")
    assert mask(company, as_role("agent"), "support", TEXT, subject=LI_XIAOMING.ref).texts.reveal()[0] is not None


def _renamed(purpose: Purpose) -> Purpose:
    return replace(purpose, id="support", categories=("*",))


def test_the_event_counts_texts_and_names_the_subject_by_pseudonym_only(company: Company) -> None:
    """Texts, rules and a trace per subject; no value, no text."""
    mask(company, as_role("agent"), "support", TEXT, "nothing here", subject=LI_XIAOMING.ref)
    event = company.audit.events[-1]
    assert event.action is Action.TEXTS_MASKED and event.counts["texts"] == 2
    assert [(trace.fields, trace.effect) for trace in event.subjects] == [(("text",), "masked")]
    assert LI_XIAOMING.name not in repr(event) and LI_XIAOMING.ref.key not in [event.object_ref, *event.fields]


def test_no_event_no_text(company: Company) -> None:
    """The log comes first."""
    company.audit.refuse = True
    with pytest.raises(AuditUnavailable):
        mask(company, as_role("agent"), "support", TEXT)


def test_no_texts_give_an_empty_answer(company: Company) -> None:
    """An empty batch is answered and recorded like any other."""
    batch = mask(company, as_role("agent"), "support")
    assert batch.texts.reveal() == [] and batch.decisions == () and len(company.audit.events) == 1
