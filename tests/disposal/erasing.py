"""An erasure from the first look to the certificate, as tests drive it: plan by one person, approval by another, the job run here."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from privacy.application import Application
from privacy.disposal.model import Plan
from privacy.jobs.model import Job
from privacy.jobs.runner import run_now
from privacy.kernel.terms import Actor, SubjectRef
from tests.cast import ALICE, DAVE

Dump = dict[str, dict[tuple[Any, ...], dict[str, Any]]]


@dataclass(frozen=True)
class Case:
    application: Application
    url: str

    @property
    def approver(self) -> Actor:
        return replace(DAVE, authenticated_at=datetime.now(UTC))

    def plan(self, subject: SubjectRef, *more: SubjectRef, case: str = "case-1") -> Plan:
        return self.application.disposal.plan(ALICE, case, [subject, *more])

    def approve(self, plan: Plan) -> Plan:
        return self.application.disposal.approve(self.approver, plan.id, plan.hash)

    def run(self) -> list[Job]:
        return run_now(self.application.jobs, self.application.handlers)

    def now(self, plan: Plan) -> Plan:
        found = self.application.disposal.plan_of(plan.tenant, plan.id)
        assert found is not None
        return found

    def erase(self, subject: SubjectRef, *more: SubjectRef, case: str = "case-1") -> Plan:
        plan = self.plan(subject, *more, case=case)
        self.approve(plan)
        self.run()
        return self.now(plan)
