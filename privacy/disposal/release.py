"""What a law or a hold had put off goes on by itself when that ends (PIPL 47): a new plan of the same case, under the approval that stands.

The approval covers the rows of the plan it was given to, those that had to wait included. Where more rows than those have come since, or
something blocks, nothing is done: the new plan waits for a person like any other.
"""

from dataclasses import replace
from types import MappingProxyType

from privacy.disposal.execution import service
from privacy.disposal.model import Plan, PlanState, Share
from privacy.disposal.service import Contents, Disposal, Plans, execution_job
from privacy.disposal.steps import StepKind
from privacy.disposal.values import canonical_key
from privacy.jobs.model import Lease, NewJob
from privacy.jobs.service import Jobs
from privacy.kernel.ids import TenantId, new_id
from privacy.kernel.store import Tx

KIND = "disposal_release"


class Resuming:
    """Implements `retention.ports.Resumption`: asks, in the transaction of whatever ended, for the plan to be taken up again."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def __call__(self, tx: Tx, tenant: TenantId, case: str, plan: str) -> None:
        self._jobs.enqueue(tx, tenant, NewJob(KIND, {"plan": plan}, f"{KIND}:{new_id()}", cancellable=False))


class Release:
    """The handler of jobs of kind `disposal_release`; payload `{plan}`."""

    def __init__(self, disposal: Disposal, plans: Plans, jobs: Jobs) -> None:
        self._disposal, self._plans, self._jobs = disposal, plans, jobs

    def __call__(self, lease: Lease) -> None:
        tenant, id = lease.job.tenant, str(lease.job.payload["plan"])
        old = self._plans.get(tenant, id)
        if old.state not in (PlanState.DONE, PlanState.NEEDS_ATTENTION) or not old.approved_by:
            return
        contents = self._plans.open(tenant, id)
        fresh = self._disposal.plan_again(service(tenant), old.case, contents.subjects)
        covered = _covered(contents, self._plans.open(tenant, fresh.id))

        def go_on(tx: Tx) -> None:
            lease.guard(tx)
            plan = self._plans.locked(tx, tenant, fresh.id)
            if covered and not plan.blocked and plan.state is PlanState.PLANNED:
                under = MappingProxyType({**plan.problems})
                approved = replace(plan, state=PlanState.APPROVED, approved_by=old.approved_by, approved_at=old.approved_at, problems=under)
                self._plans.repository.save_plan(tx, approved)
                self._jobs.enqueue(tx, tenant, execution_job(approved), by=old.approved_by)
            if not _waits(plan):
                self._plans.repository.drop_sealed(tx, tenant, old.id)
            lease.complete(tx, {"plan": fresh.id, "approved": int(covered and not plan.blocked)})

        self._plans.store.run(go_on)


def _covered(old: Contents, fresh: Contents) -> bool:
    """Tell whether every row the new plan takes was in the plan that was approved."""
    approved = {(system, step.table, canonical_key(key)) for system, steps in old.steps.items() for step in steps for key in step.keys}
    taken = {
        (system, step.table, canonical_key(key))
        for system, steps in fresh.steps.items()
        for step in steps
        if step.kind is not StepKind.STAY and step.share is Share.OWNED
        for key in step.keys
    }
    return taken <= approved


def _waits(plan: Plan) -> bool:
    return any(row.action.value == "restrict" for row in plan.rows)
