"""The use cases of disposal: collect what is a person's, plan what happens to it, rehearse, approve by another person; execution is a job.

Guarantees: a plan binds rows by key, actions, order, map and schema in one hash, and nobody approves their own; the keys of rows and the subjects'
identifiers lie sealed until the plan is done, then they are dropped. A system that cannot be reached never hides the others: it is told as a
problem of the plan, and its subjects stay until a later plan.
"""

import hashlib
import json
from collections.abc import Collection as Several
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Protocol

from privacy.actors.people import require
from privacy.audit.events import Action, AuditLog, Event
from privacy.disposal.model import Collection, Obstacle, Plan, PlannedRows, PlanState
from privacy.disposal.ports import CertificateRow, DisposalRepository, Target, Targets
from privacy.disposal.preflight import look, weigh
from privacy.disposal.steps import Step, StepKind, described, from_sealed, sealed_form
from privacy.disposal.surveying import Survey, Surveyor, by_system
from privacy.jobs.model import Job, NewJob
from privacy.kernel.canonical import canonical_json
from privacy.kernel.clock import Clock
from privacy.kernel.errors import AccessDenied, Conflict, ConnectorUnavailable, InvalidInput, NotFound, OnHold, PrivacyError, StepUpRequired
from privacy.kernel.ids import TenantId, new_id
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor, SubjectRef

KIND = "disposal"
FRESH = timedelta(minutes=15)
_LABEL, _ROWS = "disposal-plan", "disposal-rows"
_PART = 512 * 1024
_FORMAT = 1


class Keys(Protocol):
    """Keyed digests and sealing; `crypto.keyring.KeyRing` is one."""

    def derive(self, tenant: TenantId, label: str) -> bytes: ...

    def seal(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes: ...

    def unseal(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes: ...

    def keys(self, tenant: TenantId) -> "Lookups": ...


class Lookups(Protocol):
    def lookups(self, subjects: Sequence[SubjectRef]) -> Mapping[SubjectRef, str]: ...


class Queue(Protocol):
    def enqueue(self, tx: Tx, tenant: TenantId, new: NewJob, *, by: str = "") -> Job: ...

    def find(self, tenant: TenantId, dedupe: str) -> Job | None: ...


class Gate(Protocol):
    def __call__(self) -> None:
        """Raises StoreUnavailable with code `replay_needed` while a database of ours has not followed the ledger."""


@dataclass(frozen=True, repr=False)
class Contents:
    """What a plan seals: whose it is, the steps by system, and the identifiers to look for afterwards."""

    subjects: tuple[SubjectRef, ...]
    steps: Mapping[str, tuple[Step, ...]]
    needles: Mapping[str, tuple[Plaintext, ...]]


class Plans:
    """Plans at rest: sealed and opened, hashed. Shared by the service, the job and the replay."""

    def __init__(self, store: Store, repository: DisposalRepository, keys: Keys) -> None:
        self.store, self.repository, self.keys = store, repository, keys

    def get(self, tenant: TenantId, id: str) -> Plan:
        found = self.store.read(lambda tx: self.repository.plan(tx, tenant, id))
        if found is None:
            raise NotFound("There is no such plan.")
        return found

    def locked(self, tx: Tx, tenant: TenantId, id: str) -> Plan:
        found = self.repository.plan(tx, tenant, id, lock=True)
        if found is None:
            raise NotFound("There is no such plan.")
        return found

    def rows_key(self, tenant: TenantId) -> bytes:
        """Return the key of the rows' digests and of placeholder values."""
        return self.keys.derive(tenant, _ROWS)

    def lookups(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> list[str]:
        return sorted(self.keys.keys(tenant).lookups(list(subjects)).values())

    def hash(self, tenant: TenantId, case: str, subjects: Sequence[SubjectRef], decided: Mapping[str, Mapping[str, Any]]) -> str:
        """Return the plan's hash; `decided` is what `Survey.decides` says of each system."""
        whole = {
            "format": _FORMAT,
            "tenant": tenant,
            "case": case,
            "subjects": self.lookups(tenant, subjects),
            "systems": [[system, said] for system, said in sorted(decided.items())],
        }
        return hashlib.sha256(canonical_json(whole)).hexdigest()

    def decided(self, plan: Plan, contents: "Contents") -> dict[str, dict[str, Any]]:
        """Return what the sealed steps decide, as it was hashed when the plan was made."""
        key = self.rows_key(plan.tenant)
        return {
            system: {"map": plan.map_digests[system], "fingerprint": plan.fingerprints[system], "steps": [described(step, key) for step in steps]}
            for system, steps in contents.steps.items()
        }

    def seal(self, tenant: TenantId, id: str, contents: Contents) -> list[bytes]:
        whole = json.dumps(
            {
                "subjects": [str(subject) for subject in contents.subjects],
                "steps": {system: [sealed_form(step) for step in steps] for system, steps in contents.steps.items()},
                "needles": {system: [needle.reveal() for needle in needles] for system, needles in contents.needles.items()},
            },
            ensure_ascii=True,  # a lone surrogate of a foreign database survives
        ).encode("ascii")
        parts = [whole[start : start + _PART] for start in range(0, len(whole), _PART)]
        return [self.keys.seal(tenant, _LABEL, part, f"{id}/{number}/{len(parts)}".encode()) for number, part in enumerate(parts)]

    def open(self, tenant: TenantId, id: str) -> Contents:
        """Return what was sealed. Raises Conflict when it was dropped because the plan has ended."""
        parts = self.store.read(lambda tx: self.repository.sealed(tx, tenant, id))
        if not parts:
            raise Conflict("This plan has ended; its rows are no longer kept.", code="plan_ended")
        whole = b"".join(self.keys.unseal(tenant, _LABEL, part, f"{id}/{number}/{len(parts)}".encode()) for number, part in enumerate(parts))
        said = json.loads(whole)
        return Contents(
            tuple(SubjectRef.parse(text) for text in said["subjects"]),
            {system: tuple(from_sealed(step) for step in steps) for system, steps in said["steps"].items()},
            {system: tuple(Plaintext(text) for text in texts) for system, texts in said["needles"].items()},
        )


class Disposal:
    """Plans of all tenants."""

    def __init__(self, plans: Plans, surveyor: Surveyor, targets: Targets, audit: AuditLog, clock: Clock, queue: Queue, gate: Gate) -> None:
        self._plans, self._surveyor, self._targets, self._audit, self._clock, self._queue, self._gate = plans, surveyor, targets, audit, clock, queue, gate
        self._store, self._repository = plans.store, plans.repository

    # --- finding ----------------------------------------------------------------------------------------------------------------------

    def collect(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> list[Collection]:
        """Return what belongs to `subjects`, one collection per system. For rooms of ours: checks no scope, writes no event.

        Raises ConnectorUnavailable when a system does not answer: a part must never pass for the whole.
        """
        self._gate()
        found = []
        for system, mine in by_system(subjects).items():
            with self._opened(tenant, system, write=False) as target:
                found.append(self._surveyor.collect(tenant, system, mine, target))
        return found

    # --- planning ---------------------------------------------------------------------------------------------------------------------

    def plan(self, actor: Actor, case: str, subjects: Sequence[SubjectRef], *, request_id: str = "") -> Plan:
        """Plan the erasure of these subjects for a case, rehearse it, and keep the plan. Older plans of the case that did not begin become void."""
        require(actor, "requests:write")
        return self.plan_again(actor, case, subjects, request_id=request_id)

    def plan_again(self, actor: Actor, case: str, subjects: Sequence[SubjectRef], *, request_id: str = "") -> Plan:
        """The same for rooms of ours, which act without a scope: what was put off goes on."""
        self._gate()
        wanted, tenant, id = tuple(dict.fromkeys(subjects)), actor.tenant, new_id()
        surveys: dict[str, Survey] = {}
        obstacles: list[Obstacle] = []
        problems: dict[str, str] = {}
        for system, mine in by_system(wanted).items():
            try:
                survey, told = self._surveyed(tenant, system, mine)
            except (ConnectorUnavailable, InvalidInput) as error:  # no answer, or an address at which there is nothing any more
                problems[system] = error.detail
                remedy = "Make a new plan when it answers: this one leaves the system, and the keys of its subjects, as they are."
                obstacles.append(Obstacle("unreachable", system, error.detail, remedy, blocks=False))
            except PrivacyError as error:
                problems[system] = error.detail
                obstacles.append(Obstacle(error.code, system, error.detail, "Mend this, then make a new plan."))
            else:
                surveys[system] = survey
                obstacles += told
        plan = self._made(actor, id, case, wanted, surveys, obstacles, problems)
        contents = Contents(wanted, {s: each.draft.steps for s, each in surveys.items()}, {s: each.needles for s, each in surveys.items()})
        sealed = self._plans.seal(tenant, id, contents)

        def write(tx: Tx) -> None:
            for older in self._repository.plans_of(tx, tenant, case):
                if older.state in (PlanState.PLANNED, PlanState.APPROVED):
                    self._void(tx, actor, older, "replaced by a new plan", request_id)
            self._repository.add_plan(tx, plan, sealed)
            counts = {"rows": sum(row.rows for row in plan.rows), "systems": len(surveys), "obstacles": len(obstacles), "unreachable": len(problems)}
            self._audit.append(tx, _event(Action.PLAN_MADE, actor, plan, request_id, counts))

        self._store.run(write)
        return plan

    def rehearse(self, actor: Actor, id: str, *, request_id: str = "") -> Plan:
        """Run the plan once more in every system and roll it back; return it with what was found. Raises Conflict for a plan that has begun or ended."""
        require(actor, "requests:write")
        self._gate()
        plan = self._plans.get(actor.tenant, id)
        _refuse_unless(plan, PlanState.PLANNED, PlanState.APPROVED)
        contents = self._plans.open(actor.tenant, id)
        told: list[Obstacle] = [obstacle for obstacle in plan.obstacles if obstacle.code in _STANDING]
        for system, steps in contents.steps.items():
            try:
                with self._opened(actor.tenant, system) as target:
                    told += self._tried(actor.tenant, system, steps, target)
            except PrivacyError as error:
                told.append(Obstacle(error.code, system, error.detail, "Mend this, then rehearse again."))

        def write(tx: Tx) -> Plan:
            fresh = replace(self._plans.locked(tx, actor.tenant, id), obstacles=tuple(told))
            self._repository.save_plan(tx, fresh)
            counts = {"obstacles": len(told), "blocking": sum(each.blocks for each in told)}
            self._audit.append(tx, _event(Action.PLAN_REHEARSED, actor, fresh, request_id, counts))
            return fresh

        return self._store.run(write)

    def _surveyed(self, tenant: TenantId, system: str, subjects: Sequence[SubjectRef]) -> tuple[Survey, list[Obstacle]]:
        with self._writable(tenant, system) as (target, refused):
            survey = self._surveyor.survey(tenant, system, subjects, target, self._clock.now())
            told = list(survey.draft.obstacles)
            if refused is not None:
                told.append(Obstacle("read_only", system, refused.detail, "Connect it with a user that may change it, or take the rows out by hand."))
            else:
                told += self._tried(tenant, system, survey.draft.steps, target)
            if not survey.collection.rows:
                told.append(Obstacle("nothing_found", system, "No row of these subjects is in this system.", "Nothing to do.", blocks=False))
            return survey, told + _doubts(system, survey.collection)

    def _tried(self, tenant: TenantId, system: str, steps: Sequence[Step], target: Target) -> list[Obstacle]:
        """Look at the schema, then rehearse all steps in one transaction that is rolled back."""
        shapes = target.shapes()
        writing = [step for step in steps if step.kind is not StepKind.STAY]
        statements = [step.statement(self._plans.rows_key(tenant), shapes) for step in writing]
        told = list(look(system, shapes, writing, target, target.kind))
        return told + (list(weigh(system, shapes, writing, statements, target.rehearse(statements))) if statements else [])

    def _made(
        self,
        actor: Actor,
        id: str,
        case: str,
        subjects: Sequence[SubjectRef],
        surveys: Mapping[str, Survey],
        obstacles: Sequence[Obstacle],
        problems: Mapping[str, str],
    ) -> Plan:
        key = self._plans.rows_key(actor.tenant)
        rows: list[PlannedRows] = [row for system, survey in surveys.items() for row in survey.draft.rows(system)]
        carriers = [f"{system}.{field} ({kind})" for system, survey in surveys.items() for field, kind in survey.collection.carriers.items()]
        return Plan(
            id=id,
            tenant=actor.tenant,
            case=case,
            state=PlanState.PLANNED,
            hash=self._plans.hash(actor.tenant, case, subjects, {system: survey.decides(key) for system, survey in surveys.items()}),
            rows=tuple(rows),
            obstacles=tuple(obstacles),
            carriers=tuple(carriers),
            map_digests=MappingProxyType({system: survey.map_digest for system, survey in surveys.items()}),
            fingerprints=MappingProxyType({system: survey.fingerprint for system, survey in surveys.items()}),
            made_by=actor.ref,
            made_at=self._clock.now(),
            problems=MappingProxyType(dict(problems)),
            systems=tuple(surveys),
        )

    # --- approving --------------------------------------------------------------------------------------------------------------------

    def approve(self, actor: Actor, id: str, plan_hash: str, *, not_by: Several[str] = (), request_id: str = "") -> Plan:
        """Approve exactly what `plan_hash` says and have it carried out by a job.

        Another person than who made it (and than those in `not_by`: who took the request in) with a second factor shown within 15 minutes.
        Raises AccessDenied, StepUpRequired, Conflict (`plan_changed`, `plan_blocked`, wrong state), OnHold.
        """
        require(actor, "requests:approve")
        if not actor.ref.startswith("user:"):
            raise AccessDenied("Only a signed-in person approves an erasure.")
        if actor.assurance < 2 or (actor.authenticated_at is not None and self._clock.now() - actor.authenticated_at > FRESH):
            raise StepUpRequired("Approving an erasure needs a one-time code shown within the last 15 minutes: sign in again.")

        def write(tx: Tx) -> Plan:
            plan = self._plans.locked(tx, actor.tenant, id)
            if actor.ref == plan.made_by or actor.ref in not_by:
                raise AccessDenied("Another person than who made the plan, or took the request in, has to approve it.")
            if plan_hash != plan.hash:
                raise Conflict("This is not the hash of this plan: read it again, then approve what you read.", code="plan_changed")
            if plan.state is PlanState.APPROVED and plan.approved_by == actor.ref:
                return plan
            _refuse_unless(plan, PlanState.PLANNED)
            _refuse_blocked(plan)
            approved = replace(plan, state=PlanState.APPROVED, approved_by=actor.ref, approved_at=self._clock.now())
            self._repository.save_plan(tx, approved)
            self._audit.append(tx, _event(Action.PLAN_APPROVED, actor, approved, request_id, {"rows": sum(row.rows for row in plan.rows)}))
            self._queue.enqueue(tx, actor.tenant, execution_job(approved), by=actor.ref)
            return approved

        return self._store.run(write)

    # --- reading ----------------------------------------------------------------------------------------------------------------------

    def plan_of(self, tenant: TenantId, id: str) -> Plan | None:
        """Return a plan to the room that asked for it."""
        return self._store.read(lambda tx: self._repository.plan(tx, tenant, id))

    def history(self, tenant: TenantId, case: str) -> list[Plan]:
        """Return the plans of a case, newest first, to the room that asked for them: also those that a job of ours made."""
        return list(self._store.read(lambda tx: self._repository.plans_of(tx, tenant, case)))

    def job_of(self, plan: Plan) -> Job | None:
        """Return the job that carries the plan out, None before its approval."""
        return self._queue.find(plan.tenant, f"{KIND}:{plan.id}")

    def get(self, actor: Actor, id: str) -> Plan:
        require(actor, "requests:read")
        return self._plans.get(actor.tenant, id)

    def plans_of(self, actor: Actor, case: str) -> list[Plan]:
        """Return the plans of a case, newest first."""
        require(actor, "requests:read")
        return self.history(actor.tenant, case)

    def certificate(self, actor: Actor, id: str, *, request_id: str = "") -> bytes:
        """Return the signed certificate of a plan; reading it is an event. Raises NotFound before there is one."""
        require(actor, "requests:read")

        def read(tx: Tx) -> CertificateRow:
            found = self._repository.certificate(tx, actor.tenant, id)
            if found is None:
                raise NotFound("There is no certificate of this plan: it is not done.")
            return found

        row = self._store.read(read)
        event = Event(Action.CERTIFICATE_READ, actor, object_type="plan", object_ref=id, request_id=request_id, related=(f"sha256:{row.digest}",))
        self._audit.record(event)
        return row.text.encode("utf-8")

    # --- inside -----------------------------------------------------------------------------------------------------------------------

    def _void(self, tx: Tx, actor: Actor, plan: Plan, why: str, request_id: str) -> None:
        self._repository.save_plan(
            tx, replace(plan, state=PlanState.VOID, problems=MappingProxyType({**plan.problems, "plan": why}), ended_at=self._clock.now())
        )
        self._repository.drop_sealed(tx, plan.tenant, plan.id)
        self._audit.append(tx, _event(Action.PLAN_VOIDED, actor, plan, request_id, {}))

    @contextmanager
    def _opened(self, tenant: TenantId, system: str, *, write: bool = True) -> Iterator[Target]:
        target = self._targets(tenant, system, write=write)
        try:
            yield target
        finally:
            target.close()

    @contextmanager
    def _writable(self, tenant: TenantId, system: str) -> Iterator[tuple[Target, Conflict | None]]:
        """Open for writing; where that is refused open for reading, with the refusal: a plan can still be looked at."""
        try:
            target, refused = self._targets(tenant, system), None
        except Conflict as error:
            if error.code != "read_only":
                raise
            target, refused = self._targets(tenant, system, write=False), error
        try:
            yield target, refused
        finally:
            target.close()


def execution_job(plan: Plan) -> NewJob:
    """Return the job of a plan; work on one system waits for its turn in that system's lane, a plan over several in the first one's."""
    return NewJob(KIND, {"plan": plan.id}, f"{KIND}:{plan.id}", lane=f"system:{plan.systems[0]}" if plan.systems else KIND, cancellable=False)


# what the survey told, not the rehearsal: it stands until a new plan is made
_STANDING = (
    "unconfirmed_relation",
    "unreachable",
    "nothing_found",
    "cascade_unplanned",
    "unconfirmed_reference",
    "not_replaceable",
    "cannot_unlink",
    "drift",
    "other_people",
    "owned_by_nobody",
    "undecided_owner",
)


def _doubts(system: str, found: Collection) -> list[Obstacle]:
    remedy = f"Decide it: `privacy systems relations {system}`; until then no rows are found by it, and whom it names is not asked for."
    return [Obstacle("unconfirmed_relation", system, doubt, remedy, blocks=False) for doubt in found.doubts]


def _refuse_unless(plan: Plan, *states: PlanState) -> None:
    if plan.state not in states:
        raise Conflict(f"The plan is {plan.state.value}: that is possible for one that is {' or '.join(state.value for state in states)}.")


def _refuse_blocked(plan: Plan) -> None:
    blocking = [obstacle for obstacle in plan.obstacles if obstacle.blocks]
    if any(obstacle.code == "on_hold" for obstacle in blocking):
        raise OnHold("A legal hold forbids this erasure.")
    if blocking:
        first = blocking[0]
        raise Conflict(f"{len(blocking)} obstacle(s) block this plan, the first at {first.where}: {first.detail} {first.remedy}", code="plan_blocked")


def _event(action: Action, actor: Actor, plan: Plan, request_id: str, counts: Mapping[str, int]) -> Event:
    kept: dict[str, Any] = dict(counts)
    return Event(action, actor, object_type="plan", object_ref=plan.id, counts=kept, request_id=request_id, related=(plan.case, f"sha256:{plan.hash}"))
