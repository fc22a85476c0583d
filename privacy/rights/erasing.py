"""Erasure of a request: plan, approval by another person, and the request's state, which follows its plan.

Disposal collects, plans, rehearses, executes and certifies; here stands what the request adds: who may, in which state, and whom to tell afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from privacy.actors.people import require
from privacy.audit.events import Action, Outcome
from privacy.disposal.model import Plan, PlannedRows, PlanState
from privacy.inventory.catalogue_model import Recipient
from privacy.inventory.relations import Erase
from privacy.kernel.errors import AccessDenied, Conflict, NotFound, StepUpRequired
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor
from privacy.rights.cases import Cases, Telling
from privacy.rights.closing import closing
from privacy.rights.identity import Identity
from privacy.rights.letters import Letters
from privacy.rights.model import Reached, Request, RequestKind, RequestState
from privacy.rights.ports import Catalogue, Disposal
from privacy.rights.states import TRANSITIONS, Act

FOLLOWS = (RequestState.PLANNED, RequestState.APPROVED, RequestState.RUNNING, RequestState.NEEDS_ATTENTION)
# what a plan's state means for the request, in the order of the acts that lead there
_ACTS = {
    PlanState.APPROVED: (Act.APPROVE,),
    PlanState.RUNNING: (Act.APPROVE, Act.RUN),
    PlanState.NEEDS_ATTENTION: (Act.APPROVE, Act.FAIL),
    PlanState.DONE: (Act.APPROVE, Act.FINISH),
    PlanState.VOID: (Act.VOID,),
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with what the request adds: datasets that could not be searched, recipients who must be told (GDPR 19; CCPA 1798.105(c)), and which subjects
    were reached by what: only the covered ones are planned."""

    request: Request
    plan: Plan
    unsearched: tuple[str, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    reached: tuple[Reached, ...] = ()


class Erasing:
    """Plans of erasure requests."""

    def __init__(self, cases: Cases, identity: Identity, disposal: Disposal, catalogue: Catalogue, letters: Letters) -> None:
        self._cases, self._identity, self._disposal, self._catalogue, self._letters = cases, identity, disposal, catalogue, letters

    def plan(self, actor: Actor, id: str, *, request_id: str = "") -> Planned:
        """Collect what is the person's as of now and plan what happens to it; an older plan of the request is replaced."""
        require(actor, "requests:write")
        request = self.followed(self._cases.get(actor.tenant, id))
        self._cases.allowed(request, Act.PLAN)
        standing = self._identity.again(actor, request, request_id=request_id)
        sealed = self._cases.seal.seal_subjects(actor.tenant, id, standing.reached)
        plan = self._disposal.plan(actor, id, standing.subjects, request_id=request_id)
        counts = {"rows": sum(each.rows for each in plan.rows), "systems": len({each.system for each in plan.rows}), "obstacles": len(plan.obstacles)}
        telling = Telling(
            Action.REQUEST_MOVED,
            details=counts | {"plan": plan.id, "unsearched": len(standing.unsearched), "subjects": len(standing.subjects)},
            counts=counts,
            related=(plan.id,),
        )

        def change(_tx: Tx, before: Request) -> Request:
            if before.subjects != request.subjects:  # verified anew, for somebody else perhaps
                raise Conflict("The request was changed by somebody else just now; look at it again.")
            return replace(before, plan=plan.id, plan_hash=plan.hash, subjects=sealed)

        done = self._cases.do(actor, id, Act.PLAN, telling, change, request_id=request_id)
        return Planned(done, plan, standing.unsearched, self.recipients(done), standing.reached)

    def shown(self, actor: Actor, id: str) -> Planned:
        """Return the plan as it stands. Raises NotFound when there is none yet."""
        require(actor, "requests:read")
        request = self.followed(self._cases.get(actor.tenant, id))
        return Planned(request, self._plan(request), (), self.recipients(request), self._identity.reached(request))

    def approve(self, actor: Actor, id: str, plan_hash: str, *, request_id: str = "") -> Planned:
        """Approve exactly this plan, as a person who has done nothing else on the request; it is carried out at once, by a job.

        Raises AccessDenied, StepUpRequired, Conflict when another plan is current, OnHold.
        """
        require(actor, "requests:approve")
        if not actor.ref.startswith("user:"):
            raise AccessDenied("Only a signed-in person approves an erasure.")
        if actor.assurance < 2:
            raise StepUpRequired("Approving an erasure needs a session with a one-time code: sign in with `totp`.")
        request = self.followed(self._cases.get(actor.tenant, id))
        self._cases.allowed(request, Act.APPROVE)
        plan = self._plan(request)
        workers = self._workers(request, plan)
        if actor.ref in workers:
            raise AccessDenied(
                "Another person has to approve it: one who neither took the request in, added to it, asked for or checked identity, nor planned."
            )
        if plan_hash != plan.hash:
            raise Conflict("This is not the hash of the present plan: read it (GET …/plan), then approve what you read.", code="plan_changed")
        approved = self._disposal.approve(actor, plan.id, plan_hash, not_by=workers, request_id=request_id)
        done = self.followed(self._cases.get(actor.tenant, id))
        return Planned(done, approved, (), self.recipients(done), self._identity.reached(done))

    def _workers(self, request: Request, plan: Plan) -> frozenset[str]:
        """Return everyone who did any step on the request. Approvals are no steps of people: the request follows its plan."""
        steps = self._cases.store.read(lambda tx: self._cases.repository.steps(tx, request.tenant, request.id))
        return frozenset(filter(None, (request.received_by, request.verified_by, plan.made_by, *(step.actor for step in steps))))

    def certificate(self, actor: Actor, id: str, *, request_id: str = "") -> bytes:
        """Return the signed certificate. Raises NotFound before the erasure is done."""
        require(actor, "requests:read")
        request = self.followed(self._cases.get(actor.tenant, id))
        if not request.plan:
            raise NotFound("There is no certificate: nothing was planned for this request.")
        return self._disposal.certificate(actor, request.plan, request_id=request_id)

    def recipients(self, request: Request) -> tuple[Recipient, ...]:
        """Return who gets data for the live purposes of the request's controller: whoever is among them has to be told of the erasure."""
        contents = self._catalogue.contents(request.tenant)
        purposes = {each.id for each in contents.purposes.values() if each.controller == request.controller}
        return tuple(each for each in contents.recipients.values() if purposes & set(each.purposes))

    # --- following the plan --------------------------------------------------------------------------------------------------------

    def followed(self, request: Request) -> Request:
        """Return the request in the state its plan has come to; the plan rules, so that a crash between the two cannot leave them apart."""
        if request.kind is not RequestKind.ERASURE or request.state not in FOLLOWS or not request.plan:
            return request
        plan = self._disposal.plan_of(request.tenant, request.plan)
        if plan is None:
            return request
        unfinished = plan.state is PlanState.DONE and plan.problems
        for act in _ACTS.get(PlanState.NEEDS_ATTENTION if unfinished else plan.state, ()):
            target = TRANSITIONS[act].get(request.state)
            if target is not None and target is not request.state:
                request = self._moved(request, act, plan)
        return request

    def _moved(self, request: Request, act: Act, plan: Plan) -> Request:
        actor = Actor("service:rights", request.tenant)
        change = closing(self._cases, self._letters, outcome_of(plan.rows)) if act is Act.FINISH else lambda _tx, before: before
        try:
            return self._cases.do(actor, request.id, act, _telling(act, plan), change)
        except Conflict:  # somebody else followed the plan at the same time
            return self._cases.get(request.tenant, request.id)

    def _plan(self, request: Request) -> Plan:
        found = self._disposal.plan_of(request.tenant, request.plan) if request.plan else None
        if found is None:
            raise NotFound("There is no plan yet; make one with POST …/plan.")
        return found


def outcome_of(rows: Sequence[PlannedRows]) -> str:
    """Return `erased`, or `partly` when a law or a hold keeps some rows."""
    kept = (Erase.KEEP, Erase.RESTRICT)
    return "partly" if any(each.action in kept for each in rows) else "erased"


def _telling(act: Act, plan: Plan) -> Telling:
    if act is Act.FINISH:
        counts = {"rows": sum(each.rows for each in plan.rows)}
        return Telling(Action.REQUEST_CLOSED, outcome_of(plan.rows), details={"plan": plan.id, **counts}, counts=counts, related=(plan.id,))
    details: dict[str, str | int] = {"plan": plan.id, "problems": len(plan.problems)}
    if act is Act.APPROVE:
        details["approved_by"] = plan.approved_by
    outcome = Outcome.FAILED if act in (Act.FAIL, Act.VOID) else Outcome.SUCCESS
    return Telling(Action.REQUEST_MOVED, "plan_void" if act is Act.VOID else "", details=details, related=(plan.id,), outcome=outcome)
