"""Erasure requests follow their plan, and nobody approves what they took in, vouched for or planned."""

from dataclasses import replace

import pytest

from privacy.disposal.model import PlannedRows, PlanState, Share
from privacy.inventory.relations import Erase
from privacy.kernel.errors import AccessDenied, Conflict, NotFound, StepUpRequired
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.plaintext import Plaintext
from privacy.rights.model import RequestKind, Step
from tests.cast import ALICE, BOB, CAROL, CHARLIE, DAVE, actor_as
from tests.rights.office import AGNES, DAY, NOW, PHONE, Bureau

PLAN = RequestKind.ERASURE


def planned(office: Bureau) -> tuple[str, str, str]:
    id = office.verified(PLAN)
    made = office.requests.erasing.plan(ALICE, id)
    return id, made.plan.id, made.plan.hash


def test_a_plan_names_whom_to_tell_afterwards(office: Bureau) -> None:
    """GDPR 19: whoever got the data has to hear of the erasure."""
    id = office.verified(PLAN)
    assert [each.id for each in office.requests.erasing.plan(ALICE, id).recipients] == ["parcel"]
    assert office.state(id) == "planned"


def test_nothing_is_planned_before_proof_of_identity(office: Bureau) -> None:
    id = office.receive(PLAN)
    with pytest.raises(Conflict, match="does not allow plan"):
        office.requests.erasing.plan(ALICE, id)
    assert office.disposal.plans == {}


def test_another_person_approves_exactly_what_they_read(office: Bureau) -> None:
    id, plan, digest = planned(office)
    for other in (ALICE, AGNES, BOB, CAROL, CHARLIE):
        with pytest.raises(AccessDenied):
            office.requests.erasing.approve(other, id, digest)
    weak = replace(DAVE, assurance=1)
    with pytest.raises(StepUpRequired):
        office.requests.erasing.approve(weak, id, digest)
    with pytest.raises(Conflict):
        office.requests.erasing.approve(DAVE, id, "another-hash")
    assert office.disposal.plans[plan].state is PlanState.PLANNED
    assert office.requests.erasing.approve(DAVE, id, digest).request.state.value == "approved"


def test_who_took_the_request_in_may_not_approve_it_under_another_role(office: Bureau) -> None:
    approver = actor_as("approver", ref=AGNES.ref)
    id, _, digest = planned(office)
    with pytest.raises(AccessDenied, match="Another person"):
        office.requests.erasing.approve(approver, id, digest)


@pytest.mark.parametrize("step", ["identify", "ask", "hold"])
def test_who_did_any_step_of_the_request_may_not_approve_it(office: Bureau, step: str) -> None:
    """Adding identifiers decides whose data it is, as asking for the code does."""
    helper, approver = actor_as("dpo", ref="user:helper"), actor_as("approver", ref="user:helper")
    id = office.receive(PLAN)
    if step == "identify":
        office.requests.identify(helper, id, [PHONE])
    if step == "ask":
        office.requests.identity.ask(helper, id)
    if step == "hold":
        office.requests.hold(helper, id, "dispute")
        office.requests.release(ALICE, id)
    office.requests.identity.attest(ALICE, id, "id_document", Plaintext("copy 17"))
    digest = office.requests.erasing.plan(ALICE, id).plan.hash
    with pytest.raises(AccessDenied, match="Another person"):
        office.requests.erasing.approve(approver, id, digest)
    assert office.requests.erasing.approve(DAVE, id, digest).request.state.value == "approved"


@pytest.mark.parametrize(
    ("states", "ends"),
    [
        ([PlanState.APPROVED, PlanState.RUNNING, PlanState.DONE], "done"),
        ([PlanState.DONE], "done"),
        ([PlanState.RUNNING, PlanState.NEEDS_ATTENTION], "needs_attention"),
        ([PlanState.NEEDS_ATTENTION, PlanState.RUNNING, PlanState.DONE], "done"),
        ([PlanState.APPROVED, PlanState.VOID], "verified"),
        ([PlanState.VOID], "verified"),
    ],
)
def test_the_request_follows_its_plan_however_far_it_has_come(office: Bureau, states: list[PlanState], ends: str) -> None:
    """Also when nobody looked in between, or a crash came between plan and request."""
    id, plan, _ = planned(office)
    for state in states:
        office.disposal.move(plan, state)
    assert office.requests.get(ALICE, id).request.state.value == ends
    assert office.requests.get(ALICE, id).request.state.value == ends


def test_a_void_plan_is_made_anew(office: Bureau) -> None:
    id, plan, _ = planned(office)
    office.disposal.move(plan, PlanState.VOID)
    again = office.requests.erasing.plan(ALICE, id)
    assert again.plan.id != plan and office.state(id) == "planned"


def test_a_plan_that_could_not_reach_everything_leaves_the_request_open(office: Bureau) -> None:
    """The remainder is planned again when the system answers."""
    id, plan, _ = planned(office)
    office.disposal.move(plan, PlanState.DONE, problems={"billing": "does not answer"})
    assert office.requests.get(ALICE, id).request.state.value == "needs_attention"
    assert office.requests.erasing.plan(ALICE, id).request.state.value == "planned"


def test_what_a_law_keeps_makes_the_outcome_partly(office: Bureau) -> None:
    id, plan, _ = planned(office)
    kept = PlannedRows("crm", "crm.invoice", Erase.RESTRICT, 2, Share.OWNED, reason="accounting")
    office.disposal.move(plan, PlanState.DONE, rows=(kept,))
    assert office.requests.get(ALICE, id).request.outcome == "partly"


def test_the_certificate_is_there_when_it_is_done(office: Bureau) -> None:
    id, plan, _ = planned(office)
    with pytest.raises(NotFound):
        office.requests.erasing.certificate(CAROL, id)
    office.disposal.move(plan, PlanState.DONE)
    assert office.requests.erasing.certificate(CAROL, id).startswith(b"{")
    with pytest.raises(AccessDenied):
        office.requests.erasing.certificate(CHARLIE, id)


def test_what_was_approved_cannot_be_taken_back(office: Bureau) -> None:
    id, _, digest = planned(office)
    office.requests.erasing.approve(DAVE, id, digest)
    for act in (lambda: office.requests.withdraw(ALICE, id), lambda: office.requests.refuse(ALICE, id, "excessive")):
        with pytest.raises(Conflict):
            act()


def kept(office: Bureau) -> tuple[str, str]:
    """An erasure of which a hold kept two rows."""
    id, plan, digest = planned(office)
    office.requests.erasing.approve(DAVE, id, digest)
    office.disposal.move(plan, PlanState.DONE, rows=(PlannedRows("crm", "crm.invoice", Erase.RESTRICT, 2, Share.OWNED, reason="hold"),))
    assert office.requests.get(ALICE, id).request.outcome == "partly"
    office.clock.advance(DAY)
    return id, plan


def steps(office: Bureau, id: str) -> list[Step]:
    return office.requests.timeline(ALICE, id)[1]


def test_what_a_hold_kept_goes_on_under_a_new_plan_and_the_request_with_it(office: Bureau) -> None:
    id, first = kept(office)
    second = office.disposal.put_off(id, made_at=NOW + DAY)
    assert office.requests.get(ALICE, id).request.state.value == "approved"
    office.disposal.move(second, PlanState.DONE)
    office.requests.follow(DEFAULT_TENANT)  # nobody looks
    request = office.cases.get(DEFAULT_TENANT, id)
    assert (request.state.value, request.outcome, request.plan) == ("done", "erased", second)
    assert request.closed_at is not None and request.purge_at is not None
    told = [(step.act, step.actor, step.reason) for step in steps(office, id)][-3:]
    assert told == [
        ("resume", "service:rights", "put_off_goes_on"),
        ("approve", "service:rights", "approval_stands"),
        ("finish", "service:rights", "erased"),
    ]
    assert office.requests.erasing.certificate(CAROL, id) == f'{{"certificate": "{second}"}}'.encode()
    assert [each.plan for each in office.requests.erasing.certificates(CAROL, id)] == [second, first]
    with pytest.raises(AccessDenied):
        office.requests.erasing.certificates(CHARLIE, id)


def test_while_the_rest_goes_the_first_certificate_is_there(office: Bureau) -> None:
    id, first = kept(office)
    office.disposal.put_off(id, PlanState.RUNNING)
    assert office.requests.erasing.certificate(CAROL, id) == f'{{"certificate": "{first}"}}'.encode()


def test_where_more_rows_came_the_new_plan_waits_for_approval_on_the_open_request(office: Bureau) -> None:
    id, _ = kept(office)
    second = office.disposal.put_off(id, PlanState.PLANNED)
    assert office.requests.get(ALICE, id).request.state.value == "planned"
    digest = office.requests.erasing.shown(DAVE, id).plan.hash
    assert office.requests.erasing.approve(DAVE, id, digest).plan.id == second


def test_the_timeline_names_who_approved(office: Bureau) -> None:
    id, plan, digest = planned(office)
    office.requests.erasing.approve(DAVE, id, digest)
    assert [(step.act, step.actor) for step in steps(office, id)][-1] == ("approve", DAVE.ref)
    # and they may approve the plan that replaces one which became void
    office.disposal.move(plan, PlanState.VOID, problems={"plan": "crm: rows changed: make a new plan"})
    again = office.requests.erasing.plan(ALICE, id)
    assert office.requests.erasing.approve(DAVE, id, again.plan.hash).request.state.value == "approved"


@pytest.mark.parametrize("state", [PlanState.APPROVED, PlanState.RUNNING])
def test_an_erasure_that_stands_still_needs_attention_and_says_why(office: Bureau, state: PlanState) -> None:
    id, plan, _ = planned(office)
    office.disposal.move(plan, state)
    office.disposal.stop(plan, "replay_needed")
    assert office.requests.get(ALICE, id).request.state.value == "needs_attention"
    last = steps(office, id)[-1]
    assert (last.act, last.reason) == ("fail", "replay_needed")
    office.disposal.jobs.clear()  # somebody had it tried again
    office.disposal.move(plan, PlanState.RUNNING)
    assert office.requests.get(ALICE, id).request.state.value == "running"


def test_why_a_plan_became_void_is_told(office: Bureau) -> None:
    id, plan, _ = planned(office)
    office.disposal.move(plan, PlanState.VOID, problems={"plan": "crm: the data map was changed after the approval: make a new plan"})
    shown = office.requests.get(ALICE, id)
    assert (shown.request.state.value, shown.plan_state) == ("verified", "void")
    assert "data map" in shown.problems["plan"]
    assert "data map" in str(steps(office, id)[-1].details["why"])
