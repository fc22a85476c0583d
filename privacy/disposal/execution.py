"""The job `disposal`: an approved plan carried out, system by system, so that it may be killed at any point and begun again.

What was done stands in the connected system itself, as the marker of each batch in the batch's own transaction; this side only repeats. One
system that fails never stops the others: it is a problem of the plan, the rest goes on, and the job comes back for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from privacy.audit.events import Action, AuditLog, Event, Outcome
from privacy.crypto.subject_keys import Destruction
from privacy.disposal.certificate import KEYS_IN_LOG, Certificates
from privacy.disposal.closure import Terrain
from privacy.disposal.departures import Departures, commitments
from privacy.disposal.model import Plan, PlanState, Share
from privacy.disposal.ports import CertificateRow, RestrictedRows, Restrictions, Target, Targets
from privacy.disposal.service import Contents, Gate, Plans
from privacy.disposal.steps import END, Step, StepKind, batches, numbered_batches
from privacy.disposal.surveying import Surveyor
from privacy.disposal.target import Statement
from privacy.disposal.values import canonical_key
from privacy.disposal.verifying import Verdict, rows_behind, rows_left, search, tally
from privacy.inventory.relations import Erase
from privacy.jobs.model import Interruption, Lease, LeaseLost
from privacy.kernel.clock import Clock, rfc3339
from privacy.kernel.errors import Conflict, ConnectorUnavailable, InvalidInput, PrivacyError
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor, SubjectRef

_RUNNABLE = (PlanState.APPROVED, PlanState.RUNNING, PlanState.NEEDS_ATTENTION)


@dataclass(frozen=True)
class Tools:
    """What an execution needs, as the composition root hands it over."""

    plans: Plans
    surveyor: Surveyor
    targets: Targets
    departures: Departures
    restrictions: Restrictions
    certificates: Certificates
    audit: AuditLog
    clock: Clock
    gate: Gate


class Execution:
    """The handler of jobs of kind `disposal`; payload `{plan}`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def __call__(self, lease: Lease) -> None:
        tenant, id = lease.job.tenant, str(lease.job.payload["plan"])
        plan = self._tools.plans.get(tenant, id)
        if plan.state in _RUNNABLE:
            _Run(self._tools, lease, plan).perform()


def service(tenant: TenantId) -> Actor:
    """Return who acts where a job does; the person who approved stands in the plan."""
    return Actor("service:disposal", tenant, auth="service")


class _Run:
    def __init__(self, tools: Tools, lease: Lease, plan: Plan) -> None:
        self._tools, self._lease, self._plan = tools, lease, plan
        self._tenant, self._actor = plan.tenant, service(plan.tenant)
        self._checked: set[str] = set()  # systems found as they were approved, a moment ago

    def perform(self) -> None:
        self._tools.gate()
        contents = self._tools.plans.open(self._tenant, self._plan.id)
        if self._plan.state is PlanState.APPROVED:
            if why := self._drift(contents):
                self._void(why)
                return
            self._begin()
        self._tools.departures.intend(self._tenant, self._plan.case, self._plan.id, contents.subjects, self._plan.systems)
        failed = self._all_systems(contents)
        destruction = self._depart(contents, failed)
        if failed:
            self._fail(failed)
        self._end(contents, destruction)

    # --- before ------------------------------------------------------------------------------------------------------------------------

    def _drift(self, contents: Contents) -> str:
        """Return why the plan no longer fits, or nothing. A system that does not answer is looked at when its turn comes."""
        decided = self._tools.plans.decided(self._plan, contents)
        if self._tools.plans.hash(self._tenant, self._plan.case, contents.subjects, decided) != self._plan.hash:
            return "the sealed rows are not those that were approved"
        for system in self._plan.systems:
            try:
                with self._opened(system) as target:
                    if why := self._moved_on(system, contents, target):
                        return why
            except (ConnectorUnavailable, InvalidInput):
                continue
            self._checked.add(system)
        return ""

    def _moved_on(self, system: str, contents: Contents, target: Target) -> str:
        """Survey one system again and return what is not as it was approved."""
        mine = [subject for subject in contents.subjects if subject.system == system]
        try:
            survey = self._tools.surveyor.survey(self._tenant, system, mine, target, self._tools.clock.now())
        except ConnectorUnavailable:
            raise
        except PrivacyError as error:
            return f"{system}: {error.detail}"
        if survey.map_digest != self._plan.map_digests[system]:
            return f"{system}: the data map was changed after the approval"
        if survey.fingerprint != self._plan.fingerprints[system]:
            return f"{system}: the schema was changed after the approval"
        if survey.decides(self._tools.plans.rows_key(self._tenant)) != self._tools.plans.decided(self._plan, contents)[system]:
            return f"{system}: rows, rules or holds changed after the approval"
        return ""

    def _void(self, why: str) -> None:
        def write(tx: Tx) -> None:
            plan = self._tools.plans.locked(tx, self._tenant, self._plan.id)
            problems = MappingProxyType({**plan.problems, "plan": f"{why}: make a new plan"})
            self._save(tx, replace(plan, state=PlanState.VOID, problems=problems, ended_at=self._tools.clock.now()))
            self._tools.plans.repository.drop_sealed(tx, self._tenant, plan.id)
            self._tell(tx, Action.PLAN_VOIDED, Outcome.FAILED, {})
            self._lease.complete(tx, {"state": PlanState.VOID.value})

        self._tools.plans.store.run(write)

    def _begin(self) -> None:
        def write(tx: Tx) -> Plan:
            self._lease.guard(tx)
            begun = replace(self._tools.plans.locked(tx, self._tenant, self._plan.id), state=PlanState.RUNNING)
            self._save(tx, begun)
            self._tell(tx, Action.DISPOSAL_ATTEMPTED, Outcome.SUCCESS, {"rows": sum(row.rows for row in begun.rows)})
            return begun

        self._plan = self._tools.plans.store.run(write)

    # --- the systems ---------------------------------------------------------------------------------------------------------------------

    def _all_systems(self, contents: Contents) -> dict[str, PrivacyError]:
        failed: dict[str, PrivacyError] = {}
        for system in self._plan.systems:
            if system in self._plan.results:
                continue
            try:
                result = self._one_system(system, contents)
            except Interruption:
                raise
            except PrivacyError as error:
                failed[system] = error
            else:
                self._keep(system, result)
        return failed

    def _one_system(self, system: str, contents: Contents) -> dict[str, Any]:
        steps = contents.steps[system]
        with self._opened(system) as target:
            if system not in self._checked and not target.applied(self._plan.id) and (why := self._moved_on(system, contents, target)):
                raise Conflict(f"{why}: make a new plan for this system.", code="drift")
            carry_out(target, self._plan.id, self._lease.token, steps, self._tools.plans.rows_key(self._tenant), self._renewing(system))
            terrain = self._tools.surveyor.terrain(self._tenant, system, target)
            verdict = self._second_look(target, terrain, system, contents)
            target.tidy(sorted({step.table for step in steps if step.kind is not StepKind.STAY}))
            changed = counted(target, self._plan.id, steps)
            if not verdict.gone:
                raise Conflict(f"The second look found {_words(verdict)}: look at the system, then make a new plan for what is left.", code="rows_left")
            target.apply(self._plan.id, END, self._lease.token, ())
        return {"at": rfc3339(self._tools.clock.now()), "tally": tally(steps, changed), "checked": verdict.as_json()}

    def _second_look(self, target: Target, terrain: Terrain, system: str, contents: Contents) -> Verdict:
        verdict, steps = Verdict(), contents.steps[system]
        rows_left(target, steps, verdict)
        rows_behind(target, terrain, steps, verdict)
        found = self._tools.surveyor.collect(self._tenant, system, contents.subjects, target)
        left = {(step.table, canonical_key(key)) for step in steps if step.kind is not StepKind.DELETE for key in step.keys}
        verdict.again = sum((rows.table, canonical_key(key)) not in left for rows in found.rows if rows.share is Share.OWNED for key in rows.keys)
        self._lease.renew(0, None, f"{system}: searching for what was left")
        search(target, terrain, contents.needles.get(system, ()), steps, verdict)
        return verdict

    def _renewing(self, system: str) -> Callable[[int, int], None]:
        return lambda done, total: self._lease.renew(done, total, system)

    def _keep(self, system: str, result: Mapping[str, Any]) -> None:
        def write(tx: Tx) -> Plan:
            self._lease.guard(tx)
            plan = self._tools.plans.locked(tx, self._tenant, self._plan.id)
            problems = {name: why for name, why in plan.problems.items() if name != system}
            kept = replace(plan, results=MappingProxyType({**plan.results, system: result}), problems=MappingProxyType(problems))
            self._save(tx, kept)
            return kept

        self._plan = self._tools.plans.store.run(write)

    # --- afterwards -----------------------------------------------------------------------------------------------------------------------

    def _gone(self, contents: Contents) -> list[SubjectRef]:
        """Return the subjects of whom nothing stays: where a law keeps rows, what is encrypted in them must stay readable until they go."""
        kept = {system for system, steps in contents.steps.items() if any(step.kind is StepKind.STAY and step.share is Share.OWNED for step in steps)}
        return [subject for subject in contents.subjects if subject.system in self._plan.results and subject.system not in kept]

    def _depart(self, contents: Contents, failed: Mapping[str, PrivacyError]) -> Destruction | None:
        self._lease.renew(0, None, "keys")
        return self._tools.departures.part(self._tenant, self._plan.case, [each for each in self._gone(contents) if each.system not in failed])

    def _fail(self, failed: Mapping[str, PrivacyError]) -> None:
        """Write down what is missing, then let the job come back for it, or need attention when trying again cannot mend it."""

        def write(tx: Tx) -> None:
            self._lease.guard(tx)
            plan = self._tools.plans.locked(tx, self._tenant, self._plan.id)
            problems = MappingProxyType({**plan.problems, **{system: error.detail for system, error in failed.items()}})
            self._save(tx, replace(plan, state=PlanState.NEEDS_ATTENTION, problems=problems))
            self._tell(tx, Action.DISPOSAL_DONE, Outcome.FAILED, {"systems": len(plan.results), "failed": len(failed)})

        self._tools.plans.store.run(write)
        raise next((error for error in failed.values() if not error.retryable), next(iter(failed.values())))

    def _end(self, contents: Contents, destruction: Destruction | None) -> None:
        gone, clock, departures = self._gone(contents), self._tools.clock, self._tools.departures
        at = clock.now()
        keys = {
            "destroyed": commitments(destruction.keys) if destruction is not None else [],
            "subjects": len(gone),
            "kept_for": len(contents.subjects) - len(gone),
        }
        limits = [KEYS_IN_LOG] if destruction is not None and not destruction.overwritten else []
        note, digest = self._tools.certificates.issue(self._plan, keys, rfc3339(at), limits)
        restricted = _restricted(contents)
        state = PlanState.NEEDS_ATTENTION if self._plan.problems else PlanState.DONE

        def write(tx: Tx) -> None:
            self._lease.guard(tx)
            repository, plan = self._tools.plans.repository, self._tools.plans.locked(tx, self._tenant, self._plan.id)
            if repository.certificate(tx, self._tenant, plan.id) is None:
                repository.add_certificate(tx, self._tenant, CertificateRow(plan.id, plan.case, note, digest, at))
                if restricted:
                    staying = [subject for subject in contents.subjects if subject not in gone and subject.system in plan.results]
                    self._tools.restrictions.register(tx, self._tenant, plan.case, plan.id, staying, restricted)
                counts = {"systems": len(plan.results), "subjects": len(gone), "keys": len(keys["destroyed"])}  # type: ignore[arg-type]
                self._tell(tx, Action.DISPOSAL_DONE, Outcome.SUCCESS, counts | _totals(plan))
                self._tell(tx, Action.CERTIFICATE_ISSUED, Outcome.SUCCESS, {}, f"sha256:{digest}")
            self._save(tx, replace(plan, ended_at=at))

        self._tools.plans.store.run(write)
        departures.complete(self._tenant, self._plan.case, self._plan.id, gone, self._plan.systems)

        def close(tx: Tx) -> None:
            plan = self._tools.plans.locked(tx, self._tenant, self._plan.id)
            self._save(tx, replace(plan, state=state, ended_at=at))
            if not restricted:  # what waits needs its subjects again when it goes on
                self._tools.plans.repository.drop_sealed(tx, self._tenant, plan.id)
            self._close_older(tx, plan)
            self._lease.complete(tx, {"state": state.value})

        self._tools.plans.store.run(close)

    def _close_older(self, tx: Tx, done: Plan) -> None:
        """End plans of the case that stopped half-way: this one did what they left, and nobody shall take them up again."""
        repository = self._tools.plans.repository
        for older in repository.plans_of(tx, self._tenant, done.case):
            if older.id != done.id and older.state is PlanState.NEEDS_ATTENTION and repository.certificate(tx, self._tenant, older.id) is None:
                problems = MappingProxyType({**older.problems, "plan": f"finished by plan {done.id}"})
                self._save(tx, replace(older, state=PlanState.VOID, problems=problems, ended_at=self._tools.clock.now()))
                repository.drop_sealed(tx, self._tenant, older.id)

    # --- pieces -----------------------------------------------------------------------------------------------------------------------------

    def _save(self, tx: Tx, plan: Plan) -> None:
        self._tools.plans.repository.save_plan(tx, plan)

    def _tell(self, tx: Tx, action: Action, outcome: Outcome, counts: Mapping[str, int], *related: str) -> None:
        plan = self._plan
        event = Event(action, self._actor, outcome, "plan", plan.id, counts=dict(counts), related=(plan.case, f"sha256:{plan.hash}", *related))
        self._tools.audit.append(tx, event)

    @contextmanager
    def _opened(self, system: str) -> Iterator[Target]:
        target = self._tools.targets(self._tenant, system)
        try:
            yield target
        finally:
            target.close()


def carry_out(target: Target, run: str, token: int, steps: Sequence[Step], key: bytes, renew: Callable[[int, int], None]) -> None:
    """Apply the steps batch by batch; batches whose marker is there are passed over. Raises LeaseLost when another worker has written since."""
    parts = list(batches(steps))
    shapes = target.shapes()
    done = {applied.batch for applied in target.applied(run)}
    for number, batch in enumerate(parts):
        renew(number, len(parts))
        if number not in done:
            statements: list[Statement] = [step.statement(key, shapes) for step in batch]
            try:
                target.apply(run, number, token, statements)
            except Conflict as error:
                if error.code == "lease_lost":
                    raise LeaseLost from None
                raise
    renew(len(parts), len(parts))


def counted(target: Target, run: str, steps: Sequence[Step]) -> dict[int, int]:
    """Return the rows changed by each step, as the markers of its batches say: exact after any crash."""
    applied = {each.batch: each.rows for each in target.applied(run)}
    changed: dict[int, int] = {}
    for number, batch in enumerate(numbered_batches(steps)):
        for (position, _), rows in zip(batch, applied.get(number, ()), strict=False):
            changed[position] = changed.get(position, 0) + rows
    return changed


def _restricted(contents: Contents) -> list[RestrictedRows]:
    return [
        RestrictedRows(system, step.dataset, step.dataset_id, step.table, step.key_columns, step.keys, step.rule, step.reason, step.until)
        for system, steps in contents.steps.items()
        for step in steps
        if step.kind is StepKind.STAY and step.action is Erase.RESTRICT
    ]


def _totals(plan: Plan) -> dict[str, int]:
    lines = [line for result in plan.results.values() for line in result.get("tally", ())]
    return {action.value: sum(line["rows"] for line in lines if line["action"] == action.value) for action in Erase}


def _words(verdict: Verdict) -> str:
    found = [f"{rows} row(s) of {table} still there" for table, rows in verdict.left.items()]
    found += [f"{rows} new row(s) by {relation}" for relation, rows in verdict.behind.items()]
    return "; ".join([*found, *([f"{verdict.again} row(s) by a new walk"] if verdict.again else [])])
