"""What the jobs room needs of a database: rows of jobs, the lease of the leader, and the slots of schedules that have been dealt with."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from privacy.jobs.model import Job, JobState
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx


@dataclass(frozen=True, slots=True)
class Progress:
    """What a renewal writes: units done, of how many, the word for the step, and how long the lease holds from now."""

    done: int
    total: int | None
    step: str
    length: timedelta


@dataclass(frozen=True, slots=True)
class Release:
    """How a lease ends without the job being done."""

    state: JobState
    run_at: datetime
    attempts: int
    error_code: str = ""
    error_detail: str = ""


class JobRepository(Protocol):
    def now(self, tx: Tx) -> datetime:
        """Return the time that leases count by: the database's on a server, since its clients' clocks differ; this machine's on SQLite."""

    def add(self, tx: Tx, job: Job) -> None:
        """Insert a new job, unless its tenant has one with this `dedupe`."""

    def find(self, tx: Tx, tenant: TenantId, dedupe: str) -> Job | None: ...

    def get(self, tx: Tx, tenant: TenantId, id: str, *, lock: bool = False) -> Job | None: ...

    def page(self, tx: Tx, tenant: TenantId, states: Collection[JobState], kind: str, after: str, limit: int) -> list[Job]:
        """Return jobs newest first, those older than the job `after`."""

    def save(self, tx: Tx, job: Job) -> None:
        """Write what a person may change: state, run_at, attempts, pause_wanted, error, finished_at."""

    def claim(self, tx: Tx, kinds: Collection[str], worker: str, length: timedelta, limit: int) -> list[Job]:
        """Lease up to `limit` ready jobs of these kinds for `length`, of one lane at most one; their `lease_until` is not read back.

        Raises Conflict when another worker took the same lane just now.
        """

    def waiting(self, tx: Tx, kinds: Collection[str]) -> bool:
        """Tell whether a job of these kinds is ready whose lane is free."""

    def renew(self, tx: Tx, id: str, token: int, progress: Progress) -> bool | None:
        """Prolong the lease; return whether a pause is wanted, None when the lease is lost. Coming further than ever before forgets earlier attempts."""

    def hold(self, tx: Tx, id: str, token: int) -> bool:
        """Lock the row until the transaction ends; return whether the lease still holds."""

    def complete(self, tx: Tx, id: str, token: int, result: Mapping[str, str | int]) -> bool: ...

    def release(self, tx: Tx, id: str, token: int, release: Release) -> bool:
        """End the lease; return False when it was lost before."""

    def expired(self, tx: Tx, now: datetime, limit: int) -> list[Job]:
        """Return leased jobs whose lease has ended."""

    def purge(self, tx: Tx, tenant: TenantId, before: datetime, limit: int) -> int:
        """Delete a tenant's jobs that were done or cancelled before `before`; return how many."""

    def counts(self, tx: Tx) -> Mapping[JobState, int]:
        """Return how many jobs of all tenants are in each state that is not final."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One time of a schedule that was dealt with. `missed` slots before it passed while nobody led; `job` is empty where nothing was to be done."""

    tenant: TenantId
    schedule: str
    slot: datetime
    plan: str
    job: str
    missed: int
    fired_at: datetime


class ScheduleRepository(Protocol):
    def now(self, tx: Tx) -> datetime: ...

    def lead(self, tx: Tx, name: str, holder: str, now: datetime, until: datetime) -> int | None:
        """Take or prolong the leader's lease; return its fencing token, None while somebody else holds it."""

    def led_until(self, tx: Tx, name: str) -> tuple[str, datetime] | None:
        """Return who leads, and until when."""

    def hold(self, tx: Tx, name: str, holder: str, token: int) -> bool:
        """Lock the leader's lease until the transaction ends; return whether it is still this one."""

    def resign(self, tx: Tx, name: str, holder: str, now: datetime) -> None: ...

    def last_slots(self, tx: Tx, schedules: Collection[str]) -> Mapping[tuple[TenantId, str], Slot]: ...

    def add_slot(self, tx: Tx, slot: Slot) -> None:
        """Insert it. Raises Conflict when this slot of the schedule is there already."""

    def purge_slots(self, tx: Tx, tenant: TenantId, before: datetime) -> int:
        """Delete a tenant's slots before `before`, but of each schedule the last."""
