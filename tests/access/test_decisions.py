"""Decisions without values, and explanations: who sees what, for which purpose, and why."""

from dataclasses import replace

import pytest

from privacy.access.requests import DecidedBatch, DecisionItem, Explain, Explained, ExplainedField
from privacy.audit.events import Action, Outcome
from privacy.kernel.errors import AccessDenied, AuditUnavailable, InvalidInput
from privacy.kernel.terms import Actor
from tests.access.builders import Company, as_role, open_company
from tests.cast import LI_XIAOMING

LI = LI_XIAOMING.ref


@pytest.fixture
def company() -> Company:
    return open_company()


def ask(company: Company, actor: Actor, *items: DecisionItem) -> DecidedBatch:
    return company.access.decide(actor, items, "req-3")


def item(field: str = "phone", purpose: str | None = "service", **more: object) -> DecisionItem:
    return DecisionItem("crm.customer", field, purpose, **more)  # type: ignore[arg-type]


def test_decisions_come_item_by_item_in_order(company: Company) -> None:
    """Different fields, purposes and actions in one call."""
    asked = (item("phone"), item("id_card"), item("health"), item("phone", action="reveal"), item("phone", "analytics"), item("unheard"))
    batch = ask(company, as_role("application"), *asked)
    assert [answer.effect for answer in batch.items] == ["clear", "masked", "withheld", "clear", "withheld", "withheld"]
    assert batch.reasons[batch.items[5].reason].code == "field_unknown"


def test_decisions_ask_the_consent_of_their_subjects(company: Company) -> None:
    """The same question about two subjects is answered twice; the answer leaves a trace, since it tells the state of a consent."""
    company.consent(LI, "marketing", "given")
    other = replace(LI, key="43")
    batch = ask(company, as_role("application"), item(purpose="marketing", subject=LI), item(purpose="marketing", subject=other))
    assert [answer.effect for answer in batch.items] == ["clear", "withheld"] and company.consents.calls == 1
    event = company.audit.events[-1]
    assert event.action is Action.DECISION_MADE and [(trace.fields, trace.effect) for trace in event.subjects] == [(("consent",), "decided")] * 2


def test_protecting_asks_no_consent_and_no_purpose(company: Company) -> None:
    """Encrypting discloses nothing: a field that is only proposed may be encrypted, without a purpose."""
    batch = ask(company, as_role("application"), item("nickname", None, action="protect"), item("phone", "marketing", action="index"))
    assert [answer.effect for answer in batch.items] == ["clear", "clear"]


def test_one_event_for_each_purpose_and_dataset(company: Company) -> None:
    """An event has one purpose; a call that asks about too many is refused."""
    ask(company, as_role("application"), item("phone"), item("email"), item("phone", "analytics"))
    assert [event.purpose for event in company.audit.events] == ["service", "analytics"]
    with pytest.raises(InvalidInput, match="at most 20"):
        ask(company, as_role("application"), *(item(purpose=f"p{n}") for n in range(21)))


def test_an_unknown_action_is_refused(company: Company) -> None:
    """The list of actions is closed, and said."""
    with pytest.raises(InvalidInput, match="index, mask, protect, reveal"):
        ask(company, as_role("application"), item(action="steal"))


def test_no_event_no_decision(company: Company) -> None:
    """Decisions are recorded before they leave."""
    company.audit.refuse = True
    with pytest.raises(AuditUnavailable):
        ask(company, as_role("application"), item())


def explain(company: Company, actor: Actor, **asked: object) -> Explained:
    told: dict[str, object] = {"dataset": "crm.customer", "purpose": "support", "roles": frozenset({"agent"})}
    return company.access.explain(actor, Explain(**{**told, **asked}), "req-4")  # type: ignore[arg-type]


def only(explained: Explained) -> ExplainedField:
    (field,) = explained.fields
    return field


def test_an_explanation_names_the_rows_that_were_looked_at(company: Company) -> None:
    """For the DPO and national ids: the row that needs a second factor, then the one that decides without it."""
    asked = {"purpose": "dsr", "roles": frozenset({"dpo"}), "fields": frozenset({"id_card"})}
    field = only(explain(company, as_role("dpo"), **asked))
    assert (field.effect, field.technique) == ("masked", "id_number")
    assert [(note.row, note.outcome) for note in field.rows] == [("dsr-clear", "its condition does not hold"), ("dsr-masked", "decides")]
    field = only(explain(company, as_role("dpo", mfa=True), **asked))
    assert [(note.row, note.outcome) for note in field.rows] == [("dsr-clear", "decides"), ("dsr-masked", "comes later")]


def test_an_explanation_can_list_every_row_and_why_it_does_not_fit(company: Company) -> None:
    """With all_rows nothing is left out: each row says which column stopped it."""
    field = only(explain(company, as_role("auditor"), fields=frozenset({"phone"}), all_rows=True))
    outcomes = {note.row: note.outcome for note in field.rows}
    assert len(outcomes) == len(company.policies.active(as_role("auditor").tenant).policy.rows)
    assert outcomes["support-contact"] == "decides" and outcomes["support-identity"] == "does not fit: class"
    assert outcomes["service-contact"] == "does not fit: role" and outcomes["analytics-key"].startswith("does not fit")


def test_casbin_gives_the_same_answer(company: Company) -> None:
    """The reference is one flag away: for every role and field it names the same row."""
    explained = explain(company, as_role("auditor"), roles=frozenset(), oracle=True)
    assert len({field.role for field in explained.fields}) > 8
    for field in explained.fields:
        reason = explained.reasons[field.reason]
        if reason.code == "rule":
            assert field.oracle == f"allow {reason.rule}"
        elif reason.code == "no_rule":
            assert field.oracle == "deny"


def test_who_may_not_see_consents_may_not_ask_about_a_subject(company: Company) -> None:
    """An auditor explains roles and purposes, not people."""
    with pytest.raises(AccessDenied):
        explain(company, as_role("auditor"), subject=LI)


def test_an_explanation_about_a_subject_leaves_its_trace(company: Company) -> None:
    """Telling the state of somebody's consent is recorded as seen; explaining is otherwise an event without subjects."""
    asked = {"purpose": "marketing", "roles": frozenset({"application"}), "fields": frozenset({"email"})}
    field = only(explain(company, as_role("application"), subject=LI, **asked))
    assert field.effect == "withheld"
    event = company.audit.events[-1]
    assert event.action is Action.DECISION_EXPLAINED and event.outcome is Outcome.SUCCESS
    assert [(trace.fields, trace.effect) for trace in event.subjects] == [(("consent",), "explained")]
    explain(company, as_role("application"))
    assert company.audit.events[-1].subjects == ()


def test_an_unknown_role_is_refused_with_the_known_ones(company: Company) -> None:
    """The question is answered only for roles that exist."""
    with pytest.raises(InvalidInput, match="analyst"):
        explain(company, as_role("dpo"), roles=frozenset({"emperor"}))
