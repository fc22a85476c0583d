"""Leases: how workers take jobs, keep them, and give them back. A lease that is not renewed ends by itself, so a killed worker loses no job.

Every lease has a fencing token; whatever a worker writes about a job names it, and a worker whose lease was taken over writes nothing any more.
"""

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from privacy.audit.events import Action, AuditLog, Event, Outcome
from privacy.jobs.model import Job, JobState, LeaseLost
from privacy.jobs.ports import JobRepository, Progress, Release
from privacy.kernel.errors import Conflict, PrivacyError
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor

LEASE_EXPIRED = "lease_expired"
_BATCH = 50  # expired leases looked at in one go
_STEP = 200  # characters of a step's word that are kept
_EXPIRED = (
    "The worker ended or hung in the middle of this job, as often as it may be tried. Look for its last lines in the log; when the cause is mended, retry it."
)
_UNFORESEEN = "An error nobody foresaw; the log has its place under this job's id. When the cause is mended, retry the job."


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a job waits after a failed attempt: `first` seconds, then `factor` times as long, at most `longest`; half of it at random."""

    first: float = 5.0
    factor: float = 4.0
    longest: float = 900.0

    def after(self, attempts: int) -> timedelta:
        # some part at random, so that jobs that failed together do not come back together
        seconds = min(self.longest, self.first * self.factor ** max(0, min(attempts, 50) - 1))
        return timedelta(seconds=seconds * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, guards nothing


class Leases:
    """What a worker does with jobs.

    Args:
        length: how long a lease holds without renewal.
        backoff: how long a failed job waits.
    """

    def __init__(
        self, store: Store, repository: JobRepository, audit: AuditLog, *, length: timedelta = timedelta(seconds=30), backoff: Backoff | None = None
    ) -> None:
        self.length = length
        self._store, self._repository, self._audit, self._backoff = store, repository, audit, backoff or Backoff()

    def claim(self, kinds: Collection[str], worker: str, limit: int = 1) -> list[Job]:
        """Lease up to `limit` ready jobs, the most urgent first; none when another worker was quicker."""
        if not kinds or limit < 1:
            return []

        try:
            return self._store.run(lambda tx: self._repository.claim(tx, kinds, worker, self.length, limit))
        except Conflict:  # a job of the same lane went to another worker between our look and our write
            return []

    def waiting(self, kinds: Collection[str]) -> bool:
        """Tell, without taking anything, whether a job of these kinds could be taken."""
        return bool(kinds) and self._store.read(lambda tx: self._repository.waiting(tx, kinds))

    def renew(self, job: Job, done: int, total: int | None, step: str) -> bool | None:
        """Prolong the lease; return whether a pause is wanted, None when the lease is lost."""
        progress = Progress(done, total, step[:_STEP], self.length)
        return self._store.run(lambda tx: self._repository.renew(tx, job.id, job.token, progress))

    def hold(self, tx: Tx, job: Job) -> bool:
        return self._repository.hold(tx, job.id, job.token)

    def complete(self, tx: Tx, job: Job, result: Mapping[str, str | int]) -> bool:
        return self._repository.complete(tx, job.id, job.token, result)

    def finish(self, job: Job) -> None:
        """Mark a job done whose handler left that to us. Raises LeaseLost."""

        def work(tx: Tx) -> None:
            if not self.complete(tx, job, {}):
                raise LeaseLost

        self._store.run(work)

    def give_back(self, job: Job, *, paused: bool = False) -> bool:
        """End the lease of a job that was interrupted: it goes on where it is when it is resumed, or at once elsewhere."""

        def work(tx: Tx) -> bool:
            current = self._repository.get(tx, job.tenant, job.id, lock=True) or job
            state = JobState.PAUSED if paused or current.pause_wanted else JobState.READY
            # the interruption was not the job's fault: the attempt does not count
            return self._release(tx, job, Release(state, self._repository.now(tx), max(0, current.attempts - 1)))

        return self._store.run(work)

    def fail(self, job: Job, error: Exception) -> bool:
        """End the lease of a job that failed: with a delay where trying again may help and it has attempts left, else it needs attention."""
        foreseen = isinstance(error, PrivacyError)
        code, detail = (error.code, error.detail) if isinstance(error, PrivacyError) else ("internal", _UNFORESEEN)
        hopeless = foreseen and not getattr(error, "retryable", False)
        return self._store.run(lambda tx: self._put_back(tx, job, code, detail, hopeless=hopeless))

    def reap(self) -> int:
        """Take back every lease that ended by itself; return how many. Each in a transaction of its own, so that one that fails holds up no other."""
        found = self._store.run(lambda tx: self._repository.expired(tx, self._repository.now(tx), _BATCH))
        taken, trouble = 0, None
        for job in found:
            try:
                taken += self._store.run(lambda tx, job=job: self._reap(tx, job))  # type: ignore[misc]
            except PrivacyError as error:
                trouble = error
        if trouble is not None and not taken:
            raise trouble
        return taken

    def _reap(self, tx: Tx, job: Job) -> bool:
        # seen in another transaction: the token tells whether it is still the same lease, and a renewal since then whether it still hangs
        current = self._repository.get(tx, job.tenant, job.id, lock=True)
        now = self._repository.now(tx)
        if current is None or current.token != job.token or current.lease_until is None or current.lease_until >= now:
            return False
        if current.pause_wanted:
            return self._release(tx, current, Release(JobState.PAUSED, now, current.attempts))
        return self._put_back(tx, current, LEASE_EXPIRED, _EXPIRED, hopeless=False)

    def _put_back(self, tx: Tx, job: Job, code: str, detail: str, *, hopeless: bool) -> bool:
        current = self._repository.get(tx, job.tenant, job.id, lock=True)
        if current is None or current.token != job.token or current.state is not JobState.LEASED:
            return False
        now = self._repository.now(tx)
        if hopeless or current.attempts >= current.max_attempts:
            self._audit.append(tx, _needs_attention(current, code))
            return self._release(tx, current, Release(JobState.NEEDS_ATTENTION, now, current.attempts, code, detail))
        state = JobState.PAUSED if current.pause_wanted else JobState.READY
        return self._release(tx, current, Release(state, now + self._backoff.after(current.attempts), current.attempts, code, detail))

    def _release(self, tx: Tx, job: Job, release: Release) -> bool:
        return self._repository.release(tx, job.id, job.token, release)


def machine(tenant: TenantId) -> Actor:
    """Return the service itself as an actor: for what happens to jobs when no person is there."""
    return Actor("service:jobs", tenant, auth="none")


def _needs_attention(job: Job, code: str) -> Event:
    counts = {"attempts": job.attempts, "done": job.done}
    return Event(Action.JOB_CHANGED, machine(job.tenant), Outcome.FAILED, "job", job.id, fields=(JobState.NEEDS_ATTENTION.value, job.kind, code), counts=counts)
