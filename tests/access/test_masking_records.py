"""The masking call: one body, different roles, purposes, recipients and consents; each record and field with its reason."""

import copy
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from privacy.access.requests import Box, MaskedBatch, MaskRecords
from privacy.audit.events import Action, Outcome
from privacy.discovery.limits import LONGEST_TEXT
from privacy.kernel.errors import AuditUnavailable, InvalidInput
from privacy.kernel.terms import Actor, SubjectRef
from tests.access.builders import Company, as_role, customer, customers, field_of, open_company
from tests.cast import CHARLIE, LI_XIAOMING

LI = LI_XIAOMING.ref


@pytest.fixture
def company() -> Company:
    return open_company()


def mask(company: Company, actor: Actor, purpose: str | None, *records: Any, **more: Any) -> MaskedBatch:
    return company.access.mask_records(actor, MaskRecords.of("crm.customer", purpose, list(records) or [customer()], **more), "req-1")


def effects(batch: MaskedBatch, index: int = 0) -> dict[str, Any]:
    return {name: decision["effect"] for name, decision in batch.decisions[index].items()}


def codes(batch: MaskedBatch, field: str, index: int = 0) -> str:
    place = batch.decisions[index][field]["reason"]
    return batch.reasons[place].code


def test_one_body_shows_each_role_what_its_purpose_allows(company: Company) -> None:
    """Application, agent, analyst and DPO get clear, masked, generalised and withheld values of the same record."""
    body = customer(health="diabetes")
    by_role = {
        "application": mask(company, as_role("application"), "service", body),
        "agent": mask(company, as_role("agent"), "support", body),
        "analyst": mask(company, as_role("analyst"), "analytics", body),
        "dpo": mask(company, as_role("dpo", mfa=True), "dsr", body),
    }
    shown = {role: batch.records.reveal()[0] for role, batch in by_role.items()}
    assert shown["application"]["phone"] == LI_XIAOMING.phone and shown["application"]["id_card"] == "4****************9"
    assert (shown["agent"]["name"], shown["agent"]["phone"], shown["agent"]["address"]) == ("李**", "139****2263", "湖北省武汉市")
    assert shown["analyst"]["name"] is None and shown["analyst"]["birthday"] == "1987" and shown["analyst"]["id"].startswith("subject_key_")
    assert shown["dpo"] == body
    assert [shown[role]["health"] for role in ("application", "agent", "analyst")] == [None, None, None]


def test_every_decision_names_its_rule(company: Company) -> None:
    """A reason carries its code, the deciding row and a sentence in English and Chinese."""
    batch = mask(company, as_role("agent"), "support")
    reason = batch.reasons[batch.decisions[0]["phone"]["reason"]]
    assert (reason.code, reason.rule) == ("rule", "support-contact")
    assert "support-contact" in reason.en and "support-contact" in reason.zh
    assert batch.policy_version == 1


def test_a_second_factor_opens_what_is_masked_without_one(company: Company) -> None:
    """The DPO's second factor counts for twelve hours, and a missing time of sign-in counts as none."""
    dpo = as_role("dpo", mfa=True)
    stale, unknown = replace(dpo, authenticated_at=company.clock.now() - timedelta(hours=13)), replace(dpo, authenticated_at=None)
    assert effects(mask(company, dpo, "dsr"))["id_card"] == "clear"
    for actor in (as_role("dpo"), stale, unknown):
        assert effects(mask(company, actor, "dsr"))["id_card"] == "masked"


def test_a_stranger_gets_nothing(company: Company) -> None:
    """Charlie's role has no rule: every field is withheld, and the event says denied."""
    batch = mask(company, CHARLIE, "service")
    assert set(effects(batch).values()) == {"withheld"} and set(batch.records.reveal()[0].values()) == {None}
    assert company.audit.events[-1].outcome is Outcome.DENIED


@pytest.mark.parametrize(
    ("change", "code", "remedy"),
    [
        ({"purpose": "fishing"}, "purpose_unknown", "privacy purposes list"),
        ({"recipient": "nobody"}, "recipient_unknown", "/api/v1/recipients"),
        ({"dataset": "crm.nowhere"}, "dataset_unknown", "privacy systems add"),
        ({"roles": frozenset({"emperor"})}, "role_unknown", "policies/roles.toml"),
    ],
)
def test_an_unknown_word_withholds_everything_and_names_the_remedy(company: Company, change: dict[str, Any], code: str, remedy: str) -> None:
    """Unknown purpose, recipient, dataset or role: nothing in clear, one reason, no key asked for, the word not repeated anywhere."""
    actor = replace(as_role("application"), roles=change.get("roles", frozenset({"application"})))
    asked = MaskRecords.of(change.get("dataset", "crm.customer"), change.get("purpose", "service"), [customer()], change.get("recipient"))
    batch = company.access.mask_records(actor, asked)
    assert set(effects(batch).values()) == {"withheld"} and [reason.code for reason in batch.reasons] == [code]
    assert remedy in batch.reasons[0].en
    event = company.audit.events[-1]
    assert company.refs.asked == [] and event.outcome is Outcome.DENIED
    assert not {"fishing", "nobody", "crm.nowhere", "emperor"} & {event.purpose, event.recipient, event.object_ref, *event.fields}


def test_unknown_words_never_reach_the_cache(company: Company) -> None:
    """A flood of invented purposes leaves no plan behind."""
    for number in range(50):
        mask(company, as_role("application"), f"invented-{number}")
    assert len(company.access._decider._plans) == 0


def test_an_unknown_field_is_withheld_with_its_place_and_the_command(company: Company) -> None:
    """The caller learns where the field stands and how to declare it; the event does not hold its name."""
    batch = mask(company, as_role("application"), "service", customer(), customer("43", **{"李小明/x": "1"}))
    reason = batch.reasons[batch.decisions[1]["李小明/x"]["reason"]]
    assert reason.code == "field_unknown" and reason.pointer == "/records/1/李小明~1x"
    assert "privacy systems confirm crm customer.FIELD" in reason.en
    assert "李小明" not in repr(company.audit.events[-1])


def test_a_caller_with_endless_unknown_fields_gets_a_bounded_answer(company: Company) -> None:
    """The first two hundred are named, the rest share one reason."""
    records = [{f"f{number}-{n}": 1 for n in range(100)} for number in range(10)]
    assert len(mask(company, as_role("application"), "service", *records).reasons) == 201


def test_a_field_nobody_confirmed_is_withheld(company: Company) -> None:
    """Proposed and rejected classifications do not count for disclosure."""
    batch = mask(company, as_role("application"), "service", customer(nickname="Ming", colour="red"))
    assert [codes(batch, name) for name in ("nickname", "colour")] == ["field_unconfirmed"] * 2
    reason = batch.reasons[batch.decisions[0]["nickname"]["reason"]]
    assert "privacy systems confirm crm customer.nickname" in reason.en


def test_a_category_the_purpose_was_not_declared_for_is_withheld(company: Company) -> None:
    """Whatever the rows say: analytics has no national ids."""
    batch = mask(company, as_role("analyst"), "analytics")
    assert codes(batch, "id_card") == "category_not_in_purpose"


def test_consent_decides_per_record_and_is_asked_once(company: Company) -> None:
    """Given, withdrawn on a day, expired and never: each record has its own effect and reason, with one query for all of them."""
    on = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for key, state in (("42", "given"), ("43", "withdrawn"), ("44", "expired")):
        company.consent(SubjectRef("crm", "customer", key), "marketing", state, on)
    batch = mask(company, as_role("application"), "marketing", *(customer(key) for key in ("42", "43", "44", "45")))
    assert [effects(batch, n)["email"] for n in range(4)] == ["clear", "withheld", "withheld", "withheld"]
    assert [codes(batch, "email", n) for n in range(1, 4)] == ["consent_withdrawn", "consent_expired", "consent_missing"]
    assert "on 2026-03-01" in batch.reasons[batch.decisions[1]["email"]["reason"]].en
    assert company.consents.calls == 1


def test_without_a_subject_nothing_that_needs_consent_is_shown(company: Company) -> None:
    """No key in the record: nobody can have consented."""
    for key in (None, ""):
        assert codes(mask(company, as_role("application"), "marketing", customer(key)), "email") == "subject_missing"
    nameless = replace(customers(), subject_field=None)
    company.data_map.by_name["crm.customer"] = nameless
    assert codes(mask(company, as_role("application"), "marketing"), "email") == "subject_missing"


def test_separate_consent_is_asked_for_the_recipient(company: Company) -> None:
    """Consent to the purpose is not consent to hand data to this recipient."""
    company.catalogue.purposes_by_id["marketing"] = replace(company.catalogue.purposes_by_id["marketing"], separate_consent=True)
    courier = company.catalogue.recipients_by_id["courier"]
    company.catalogue.recipients_by_id["courier"] = replace(courier, purposes=("service", "marketing"))
    company.consent(LI, "marketing", "given")
    assert effects(mask(company, as_role("application"), "marketing"))["email"] == "clear"
    assert codes(mask(company, as_role("application"), "marketing", recipient="courier"), "email") == "consent_missing"
    company.consent(LI, "marketing", "given", recipient="courier")
    assert effects(mask(company, as_role("application"), "marketing", recipient="courier"))["email"] == "clear"


def test_a_recipient_gets_data_only_while_its_agreement_is_in_force(company: Company) -> None:
    """Before, after, without a date, or for another purpose: withheld with the reason."""
    bob, courier = as_role("application"), company.catalogue.recipients_by_id["courier"]

    def code(**change: Any) -> str:
        company.catalogue.recipients_by_id["courier"] = replace(courier, **change)
        return codes(mask(company, bob, "service", recipient="courier"), "phone")

    assert code() == "rule"
    assert code(agreement_to=date(2026, 11, 23)) == "rule"
    assert code(agreement_to=date(2026, 11, 22)) == code(agreement_from=date(2026, 11, 24)) == code(agreement_from=None) == "recipient_agreement"
    assert code(purposes=("support",)) == "recipient_purpose"
    assert company.audit.events[-1].recipient == "courier"


def test_a_purpose_without_its_assessment_or_not_live_discloses_nothing(company: Company) -> None:
    """An unassessed, draft or retired purpose decides: withheld."""
    service = company.catalogue.purposes_by_id["service"]
    for change, code in (
        ({"needs_assessment": True}, "assessment_missing"),
        ({"state": "draft"}, "purpose_inactive"),
        ({"state": "retired"}, "purpose_inactive"),
    ):
        company.catalogue.purposes_by_id["service"] = replace(service, **change)  # type: ignore[arg-type]
        assert codes(mask(company, as_role("application"), "service"), "phone") == code


def test_the_first_registered_purpose_is_meant_when_none_is_named(company: Company) -> None:
    """An administrator says what a client is for; who is registered for nothing must name a purpose, and nobody gets past the list."""
    one, two = as_role("application", purposes=["service"]), as_role("application", purposes=["service", "marketing"])
    for actor in (one, two):
        assert company.access.mask_records(actor, MaskRecords.of("crm.customer", None, [customer()])).decisions[0]["phone"]["effect"] == "clear"
    turned = as_role("application", purposes=["support", "service"])
    assert company.access.mask_records(turned, MaskRecords.of("crm.customer", None, [customer()])).decisions[0]["phone"]["effect"] == "masked"
    with pytest.raises(InvalidInput) as caught:
        mask(company, as_role("application"), None)
    assert caught.value.flaws[0].pointer == "/purpose"
    assert codes(mask(company, one, "support"), "phone") == "purpose_not_registered"


def test_one_bad_item_does_not_spoil_the_rest(company: Company) -> None:
    """Order is kept; what is not a record is null with an error that names its place and not its content."""
    batch = mask(company, as_role("agent"), "support", customer("1"), LI_XIAOMING.phone, customer(True), customer(["x"]), customer("5"))
    assert [record is None for record in batch.records.reveal()] == [False, True, True, True, False]
    assert [error.pointer for error in batch.errors] == ["/records/1", "/records/2", "/records/3"]
    assert LI_XIAOMING.phone not in repr(batch.errors) and batch.records.reveal()[4]["id"] == "5"
    assert company.audit.events[-1].counts["errors"] == 3


def test_more_records_than_one_call_takes_are_refused(company: Company) -> None:
    """The limit is said, before anything is looked at."""
    with pytest.raises(InvalidInput, match="at most 1000"):
        mask(company, as_role("agent"), "support", *[{}] * 1001)
    assert company.audit.events == []


def test_numbers_lists_and_nulls_are_masked_by_their_text(company: Company) -> None:
    """A masked number becomes text, a list is masked element by element, null stays null and says so by the field's decision."""
    body = customer(phone=[13904172263, None, "13904172264"], age=39.0, email=None)
    shown = mask(company, as_role("agent"), "support", body).records.reveal()[0]
    assert shown["phone"] == ["139****2263", None, "139****2264"]
    assert shown["age"] == "35–39" and shown["email"] is None


@pytest.mark.parametrize("value", [True, {"mobile": "13904172263"}, [["13904172263"]], [{"a": 1}]])
def test_what_has_no_masked_form_is_withheld(company: Company, value: Any) -> None:
    """Booleans, objects and lists of lists: null, and the decision of that record says why."""
    batch = mask(company, as_role("agent"), "support", customer(phone=value), customer("43"))
    assert batch.records.reveal()[0]["phone"] is None and codes(batch, "phone") == "not_maskable"
    assert effects(batch, 1)["phone"] == "masked"


def test_clear_values_keep_their_types(company: Company) -> None:
    """What is shown in clear is passed on as it came."""
    body = customer(phone=[13904172263, {"a": None}], age=39, gender=False)
    shown = mask(company, as_role("application"), "service", body).records.reveal()[0]
    assert (shown["phone"], shown["age"], shown["gender"]) == ([13904172263, {"a": None}], 39, False)


def test_free_text_in_a_record_is_masked_piece_by_piece(company: Company) -> None:
    """What is found is decided by its own category; what is not allowed for the purpose becomes its label."""
    text = f"客户{LI_XIAOMING.name}，电话{LI_XIAOMING.phone}，身份证{LI_XIAOMING.id_number}。"
    agent = mask(company, as_role("agent"), "support", customer(notes=text)).records.reveal()[0]["notes"]
    assert LI_XIAOMING.phone not in agent and LI_XIAOMING.id_number not in agent and "139****2263" in agent
    application = mask(company, as_role("application"), "service", customer(notes=text)).records.reveal()[0]["notes"]
    assert LI_XIAOMING.phone in application and LI_XIAOMING.id_number not in application


def test_a_text_field_follows_the_consent_of_its_own_subject(company: Company) -> None:
    """The same text of two subjects is remembered apart."""
    company.catalogue.purposes_by_id["support"] = replace(company.catalogue.purposes_by_id["support"], needs_consent=True)
    company.consent(LI, "support", "given")
    batch = mask(company, as_role("agent"), "support", customer("42", notes="Tel 13904172263"), customer("43", notes="Tel 13904172263"))
    assert [record["notes"] is None for record in batch.records.reveal()] == [False, True]


def test_pseudonyms_join_within_a_purpose_and_tell_nothing(company: Company) -> None:
    """42 as a text and as a number is one person, 43 another; another tenant's key gives other words."""
    ids = [record["id"] for record in mask(company, as_role("analyst"), "analytics", customer("42"), customer(42), customer("43")).records.reveal()]
    assert ids[0] == ids[1] != ids[2] and "42" not in ids[0]
    company.access._derive = lambda tenant, label: b"another tenant's key of 32 bytes"
    assert mask(company, as_role("analyst"), "analytics", customer("42")).records.reveal()[0]["id"] != ids[0]


def test_the_event_is_committed_before_anything_is_returned(company: Company) -> None:
    """When the log refuses there is no answer."""
    company.audit.refuse = True
    with pytest.raises(AuditUnavailable):
        mask(company, as_role("agent"), "support")


def test_the_event_tells_who_saw_which_fields_of_whom_and_no_value(company: Company) -> None:
    """One event a call: purpose, basis, policy, rules, counts, and one trace per subject and effect under its pseudonym."""
    mask(company, as_role("agent"), "support", customer("42"), customer("42"), customer("43"))
    (event,) = company.audit.events
    assert (event.action, event.purpose, event.legal_basis, event.request_id) == (Action.RECORDS_MASKED, "support", "contract", "req-1")
    assert event.object_ref == "crm.customer" and event.counts["records"] == 3 and event.counts["subjects"] == 2
    assert event.decision is not None and event.decision.policy_ref.startswith("v1:") and "support-contact" in event.decision.rules
    assert [(trace.effect, "phone" in trace.fields) for trace in event.subjects] == [("clear", False), ("masked", True)] * 2
    assert all(len(trace.audit_ref) == 32 for trace in event.subjects)
    for value in LI_XIAOMING.personal_values().values():
        assert value not in repr(event)


def test_nothing_points_to_a_subject_whose_keys_were_destroyed(company: Company) -> None:
    """The event keeps its counts and has no trace of the person."""
    company.refs.destroyed.add(LI)
    mask(company, as_role("agent"), "support")
    assert company.audit.events[-1].subjects == () and company.audit.events[-1].counts["subjects"] == 1


def test_an_event_stays_small_however_wide_the_dataset(company: Company) -> None:
    """A leaf has 16 KiB: names are cut, the counts are not."""
    wide = {f"字段_{number:04}_{'长' * 60}": field_of(f"f{number}", "phone") for number in range(450)}
    company.data_map.by_name["crm.customer"] = replace(customers(), fields={**customers().fields, **wide})
    mask(company, as_role("agent"), "support", dict.fromkeys(wide, "13904172263"))
    event = company.audit.events[-1]
    assert event.counts["fields"] == 450 and 0 < len("".join(event.fields).encode()) <= 4000


def test_another_tenants_dataset_is_unknown(company: Company) -> None:
    """The tenant comes from the actor; its policy and its data map are its own."""
    stranger = replace(as_role("application"), tenant=customers("other").tenant)
    with pytest.raises(Exception, match="No policy is active"):
        company.access.mask_records(stranger, MaskRecords.of("crm.customer", "service", [customer()]))


def test_boxed_records_show_themselves_nowhere() -> None:
    """A command in a log line, a traceback or a copy holds no value."""
    command = MaskRecords.of("crm.customer", "service", [customer()])
    assert LI_XIAOMING.name not in repr(command) + str(command.records)
    with pytest.raises(TypeError):
        copy.deepcopy(command)
    with pytest.raises(TypeError):
        json.dumps(Box([1]))


def test_a_map_change_counts_at_once(company: Company) -> None:
    """A field that becomes another class is decided as that class on the next call, without a new policy."""
    assert effects(mask(company, as_role("application"), "service"))["gender"] == "clear"
    fields = {**customers().fields, "gender": field_of("gender", "health")}
    company.data_map.by_name["crm.customer"] = replace(customers(), fields=fields)
    assert effects(mask(company, as_role("application"), "service"))["gender"] == "withheld"


def test_a_record_with_more_text_than_is_scanned_is_a_bad_item(company: Company) -> None:
    """It costs itself its answer, not the others theirs."""
    batch = mask(company, as_role("agent"), "support", customer("1"), customer("2", note="x" * (LONGEST_TEXT + 1)), customer("3"))
    assert [record is None for record in batch.records.reveal()] == [False, True, False]
    assert [error.pointer for error in batch.errors] == ["/records/1"]
