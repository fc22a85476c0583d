"""The jobs room's own job: every night what ended long ago is deleted, tenant by tenant."""

from datetime import datetime

from privacy.jobs.model import Lease, NewJob
from privacy.jobs.schedules import Schedule, Schedules
from privacy.jobs.service import Jobs
from privacy.kernel.ids import TenantId

KIND = "jobs.purge"


class Purge:
    """Handler: deletes old jobs and slots of one tenant."""

    def __init__(self, jobs: Jobs, schedules: Schedules) -> None:
        self._jobs, self._schedules = jobs, schedules

    def __call__(self, lease: Lease) -> None:
        self._schedules.purge(lease.job.tenant)
        self._jobs.purge(lease.job.tenant)


def _tonight(tenant: TenantId, slot: datetime) -> NewJob:
    return NewJob(KIND, {}, f"{KIND}:{slot:%Y-%m-%d}", priority=500)


SCHEDULE = Schedule(KIND, "17 2 * * *", "UTC", _tonight)
