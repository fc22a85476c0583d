"""Erasure of a request: plan, approval by another person, and the request's state, which follows its plan.

Disposal collects, plans, rehearses, executes and certifies; here stands what the request adds: who may, in which state, and whom to tell afterwards.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from privacy.actors.people import require
from privacy.audit.events import Action, Outcome
from privacy.disposal.model import Plan, PlannedRows, PlanState
from privacy.inventory.catalogue_model import Recipient
from privacy.inventory.relations import Erase
from privacy.jobs.model import JobState
from privacy.kernel.clock import rfc3339
from privacy.kernel.errors import AccessDenied, Conflict, NotFound, StepUpRequired
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor
from privacy.rights.cases import Cases, Change, Telling, unchanged
from privacy.rights.closing import closing
from privacy.rights.identity import Identity
from privacy.rights.letters import Letters
from privacy.rights.model import Reached, Request, RequestKind, RequestState
from privacy.rights.ports import Catalogue, Disposal
from privacy.rights.states import TRANSITIONS, Act

PARTLY, UNFINISHED = "partly", "unfinished"
FOLLOWS = (RequestState.PLANNED, RequestState.APPROVED, RequestState.RUNNING, RequestState.NEEDS_ATTENTION)
# what a plan's state means for the request, in the order of the acts that lead there
_ACTS = {
    PlanState.PLANNED: (),
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


@dataclass(frozen=True, slots=True)
class Certified:
    """A signed certificate, byte for byte, of one plan of the request."""

    plan: str
    approved_by: str
    ended_at: datetime | None
    text: bytes


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
        """Return everyone who did any step on the request but approve."""
        steps = self._cases.store.read(lambda tx: self._cases.repository.steps(tx, request.tenant, request.id))
        acted = (step.actor for step in steps if step.act != Act.APPROVE)  # who approved a plan that became void may approve the next
        return frozenset(filter(None, (request.received_by, request.verified_by, plan.made_by, *acted)))

    def certificate(self, actor: Actor, id: str, *, request_id: str = "") -> bytes:
        """Return the newest signed certificate. Raises NotFound before the erasure is done."""
        found = self._certificates(actor, id, request_id)
        newest = next(found, None)
        if newest is None:
            raise NotFound("There is no certificate: nothing of this request is erased yet.")
        return newest.text

    def certificates(self, actor: Actor, id: str, *, request_id: str = "") -> list[Certified]:
        """Return every certificate of the request, newest first: what a law or a hold kept goes later and has its own."""
        return list(self._certificates(actor, id, request_id))

    def _certificates(self, actor: Actor, id: str, request_id: str) -> Iterator[Certified]:
        require(actor, "requests:read")
        request = self.followed(self._cases.get(actor.tenant, id))
        for plan in self._disposal.history(request.tenant, request.id):
            try:
                text = self._disposal.certificate(actor, plan.id, request_id=request_id)
            except NotFound:
                continue
            yield Certified(plan.id, plan.approved_by, plan.ended_at, text)

    def recipients(self, request: Request) -> tuple[Recipient, ...]:
        """Return who gets data for the live purposes of the request's controller: whoever is among them has to be told of the erasure."""
        contents = self._catalogue.contents(request.tenant)
        purposes = {each.id for each in contents.purposes.values() if each.controller == request.controller}
        return tuple(each for each in contents.recipients.values() if purposes & set(each.purposes))

    def standing(self, request: Request) -> tuple[str, Mapping[str, str]]:
        """Return the state of the request's plan, empty where there is none, and its problems: of systems, of its job, or why it became void."""
        plan = self._disposal.plan_of(request.tenant, request.plan) if request.plan else None
        if plan is None:
            return "", {}
        job = self._disposal.job_of(plan)
        stopped = {"job": job.error_detail or job.error_code} if job is not None and job.state is JobState.NEEDS_ATTENTION else {}
        return plan.state.value, {**plan.problems, **stopped}

    # --- following the plan --------------------------------------------------------------------------------------------------------

    def followed(self, request: Request) -> Request:
        """Return the request in the state its plan has come to; the plan rules, so that a crash between the two cannot leave them apart.

        What was put off goes on under a newer plan, which a job made: the request is open again, as that plan stands.
        """
        if request.kind is not RequestKind.ERASURE or not request.plan:
            return request
        if newer := self._newer(request):
            request = self._resumed(request, newer)
        plan = self._disposal.plan_of(request.tenant, request.plan) if request.state in FOLLOWS else None
        if plan is None:
            return request
        trouble = self._trouble(plan)
        for act in _ACTS[PlanState.NEEDS_ATTENTION if trouble else plan.state]:
            target = TRANSITIONS[act].get(request.state)
            if target is not None and target is not request.state:
                request = self._moved(request, act, plan, trouble)
        return request

    def _newer(self, request: Request) -> Plan | None:
        """Return the newest plan of the case when a job of ours made it and the request does not follow it yet."""
        if request.state not in TRANSITIONS[Act.RESUME] or (request.state is RequestState.DONE and request.outcome != PARTLY):
            return None
        newest = next(iter(self._disposal.history(request.tenant, request.id)), None)
        # a plan that a person makes is the request's by the very same use case, a moment later
        return newest if newest is not None and newest.id != request.plan and newest.made_by.startswith("service:") else None

    def _trouble(self, plan: Plan) -> str:
        """Return the code of why the plan does not go on by itself, empty while it does."""
        if plan.state is PlanState.DONE:
            return UNFINISHED if plan.problems else ""
        if plan.state not in (PlanState.APPROVED, PlanState.RUNNING, PlanState.NEEDS_ATTENTION):
            return ""
        job = self._disposal.job_of(plan)
        if job is not None and job.state is JobState.NEEDS_ATTENTION:
            return job.error_code or UNFINISHED
        return ((job.error_code if job else "") or UNFINISHED) if plan.state is PlanState.NEEDS_ATTENTION else ""

    def _resumed(self, request: Request, plan: Plan) -> Request:
        def change(_tx: Tx, before: Request) -> Request:
            if before.plan != request.plan:
                raise Conflict("Somebody else followed the plan at the same time.")
            return replace(before, plan=plan.id, plan_hash=plan.hash, outcome="", closed_at=None, purge_at=None)

        telling = Telling(Action.REQUEST_MOVED, "put_off_goes_on", details={"plan": plan.id, "before": request.plan}, related=(plan.id, request.plan))
        return self._followed(request, Act.RESUME, telling, change)

    def _moved(self, request: Request, act: Act, plan: Plan, trouble: str) -> Request:
        change = closing(self._cases, self._letters, outcome_of(plan.rows)) if act is Act.FINISH else unchanged
        return self._followed(request, act, _telling(act, plan, trouble), change)

    def _followed(self, request: Request, act: Act, telling: Telling, change: Change) -> Request:
        try:
            return self._cases.do(Actor("service:rights", request.tenant), request.id, act, telling, change)
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
    return PARTLY if any(each.action in kept for each in rows) else "erased"


def _telling(act: Act, plan: Plan, trouble: str) -> Telling:
    if act is Act.FINISH:
        counts = {"rows": sum(each.rows for each in plan.rows)}
        return Telling(Action.REQUEST_CLOSED, outcome_of(plan.rows), details={"plan": plan.id, **counts}, counts=counts, related=(plan.id,))
    details: dict[str, str | int] = {"plan": plan.id, "problems": len(plan.problems)}
    if act is Act.APPROVE:
        return Telling(Action.REQUEST_MOVED, *_approval(plan, details), related=(plan.id,), by="" if _stands(plan) else plan.approved_by)
    if act is Act.VOID:
        details["why"] = plan.problems.get("plan", "")
    reason = {Act.VOID: "plan_void", Act.FAIL: trouble}.get(act, "")
    outcome = Outcome.FAILED if act in (Act.FAIL, Act.VOID) else Outcome.SUCCESS
    return Telling(Action.REQUEST_MOVED, reason, details=details, related=(plan.id,), outcome=outcome)


def _approval(plan: Plan, details: dict[str, str | int]) -> tuple[str, dict[str, str | int]]:
    told = details | {"approved_by": plan.approved_by, "approved_at": rfc3339(plan.approved_at) if plan.approved_at else ""}
    return "approval_stands" if _stands(plan) else "", told


def _stands(plan: Plan) -> bool:
    """Was the approval given to an earlier plan of the case, whose rows these are?"""
    return plan.approved_at is not None and plan.approved_at < plan.made_at
