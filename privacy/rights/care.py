"""The rights room's own job: every night the files of requests go whose retention has ended, and requests follow their plans."""

from datetime import datetime

from privacy.jobs.model import Lease, NewJob
from privacy.jobs.schedules import Schedule
from privacy.kernel.ids import TenantId
from privacy.rights.service import Requests

KIND = "requests.purge"


class Purge:
    """Handler: one tenant's requests."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    def __call__(self, lease: Lease) -> None:
        self._requests.follow(lease.job.tenant)
        self._requests.purge(lease.job.tenant)


def _tonight(tenant: TenantId, slot: datetime) -> NewJob:
    return NewJob(KIND, {}, f"{KIND}:{slot:%Y-%m-%d}", priority=500)


SCHEDULE = Schedule(KIND, "41 2 * * *", "UTC", _tonight)
