"""Erasure requests follow their plan, and nobody approves what they took in, vouched for or planned."""

from dataclasses import replace

import pytest

from privacy.disposal.model import PlannedRows, PlanState, Share
from privacy.inventory.relations import Erase
from privacy.kernel.errors import AccessDenied, Conflict, NotFound, StepUpRequired
from privacy.kernel.plaintext import Plaintext
from privacy.rights.model import RequestKind
from tests.cast import ALICE, BOB, CAROL, CHARLIE, DAVE, actor_as
from tests.rights.office import AGNES, PHONE, Bureau

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
