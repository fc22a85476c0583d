"""What goes on when something that kept rows ends: sweeps of the system's rules are asked for at once, put-off erasures of their case too."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from privacy.jobs.model import Job, NewJob
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor
from privacy.retention.model import Consequence, Hold, Rule
from privacy.retention.ports import DataMap, Queue, Resumption, RetentionRepository, WaitingRow

SWEEP = "sweep"


class Releases:
    """Enqueues, in the transaction of whatever ended."""

    def __init__(self, repository: RetentionRepository, queue: Queue, data_map: DataMap, resume: Resumption | None = None) -> None:
        self._repository, self._queue, self._data_map, self._resume = repository, queue, data_map, resume

    def hold_ended(self, tx: Tx, actor: Actor, hold: Hold, at: datetime) -> int:
        """Schedule what a released hold kept; return how many jobs and cases that are."""
        rules = [rule for rule in self._repository.rules(tx, actor.tenant) if rule.active and rule.system == hold.system]
        sweeping = [rule for rule in rules if rule.consequence is not Consequence.REVIEW]
        for rule in sweeping:
            self.sweep(tx, rule, f"hold:{hold.id}", actor.ref)
        waiting = [row for row in self._repository.waiting(tx, actor.tenant, system=hold.system) if row.until is None or hold.id in row.rule]
        return len(sweeping) + self._resumed(tx, actor.tenant, waiting, at)

    def over(self, tx: Tx, tenant: TenantId, at: datetime) -> int:
        """Resume the erasures whose period or hold is over by `at`; return how many cases."""
        return self._resumed(tx, tenant, self._repository.waiting(tx, tenant, at=at), at)

    def sweep(self, tx: Tx, rule: Rule, slot: str, by: str) -> Job:
        """Put the sweep of a rule for one slot into the queue; the same slot again returns the first job."""
        return self._queue.enqueue(tx, rule.tenant, sweep_job(rule, slot), by=by)

    def _resumed(self, tx: Tx, tenant: TenantId, rows: Sequence[WaitingRow], at: datetime) -> int:
        if self._resume is None:  # nobody would go on with them: they go on waiting, and stay listed
            return 0
        plans: dict[tuple[str, str], None] = {}
        for row in rows:
            plans[row.case, row.plan] = None
            self._repository.save_waiting(tx, replace(row, resumed_at=at))
        for case, plan in plans:
            self._resume(tx, tenant, case, plan)
        return len(plans)


def sweep_job(rule: Rule, slot: str) -> NewJob:
    """Return the job of one slot of a rule; work on one system waits for its turn in that system's lane."""
    return NewJob(SWEEP, {"rule": rule.id, "slot": slot}, dedupe=f"{SWEEP}:{rule.id}:{slot}", lane=f"system:{rule.system}", cancellable=False)
