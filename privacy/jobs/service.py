"""The queue: rooms enqueue in their own transactions, people look, pause, resume, retry and cancel. What workers do with jobs is in `leases.py`."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from privacy.audit.events import Action, AuditLog, Event
from privacy.jobs.leases import Backoff, Leases
from privacy.jobs.model import Job, JobState, NewJob
from privacy.jobs.ports import JobRepository
from privacy.kernel.errors import AccessDenied, Conflict, InvalidInput, NotFound
from privacy.kernel.ids import TenantId, new_id
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor

KEPT = timedelta(days=30)
_PAGE = 200
_PURGED = 500  # rows in one transaction
_WORD = re.compile(r"[\w.:/-]{1,128}")
_ID = re.compile(r"[\w.:/-]{0,128}")
_MOST = 32  # entries of a payload


@dataclass(frozen=True, slots=True)
class JobPage:
    """Jobs newest first; `next` is the `after` of the page that follows, empty on the last one."""

    jobs: tuple[Job, ...]
    next: str = ""


class Jobs:
    """Durable jobs of all tenants.

    Args:
        lease: how long a worker holds a job without renewing.
        backoff: how long a failed job waits.
    """

    def __init__(
        self, store: Store, repository: JobRepository, audit: AuditLog, *, lease: timedelta = timedelta(seconds=30), backoff: Backoff | None = None
    ) -> None:
        self._store, self._repository, self._audit = store, repository, audit
        self.leases = Leases(store, repository, audit, length=lease, backoff=backoff)

    # --- for rooms -----------------------------------------------------------------------------------------------------------------

    def enqueue(self, tx: Tx, tenant: TenantId, new: NewJob, *, by: str = "") -> Job:
        """Put `new` into the queue in the caller's transaction, or return the tenant's job with the same `dedupe`, whatever state it is in.

        `by` is the ref of the actor whose scope the caller has checked, empty for a schedule. Raises InvalidInput for a payload that is more than ids.
        """
        _refuse_more_than_ids(new)
        now = self._repository.now(tx)
        job = Job(
            id=new_id(),
            tenant=tenant,
            kind=new.kind,
            payload=dict(new.payload),
            dedupe=new.dedupe,
            state=JobState.READY,
            priority=new.priority,
            run_at=new.run_at or now,
            attempts=0,
            max_attempts=new.max_attempts,
            created_at=now,
            created_by=by,
            lane=new.lane,
            cancellable=new.cancellable,
        )
        self._repository.add(tx, job)
        # where there was one with this `dedupe`, also of a transaction that committed just now, it is the one found
        return self._repository.find(tx, tenant, new.dedupe) or job

    def of(self, tenant: TenantId, id: str) -> Job:
        """Return a job to the room that owns it. Raises NotFound."""
        return self._store.read(lambda tx: self._found(tx, tenant, id))

    def find(self, tenant: TenantId, dedupe: str) -> Job | None:
        """Return the tenant's job with this `dedupe`."""
        return self._store.read(lambda tx: self._repository.find(tx, tenant, dedupe))

    def end(self, tx: Tx, tenant: TenantId, id: str) -> Job:
        """Cancel a job for the room that owns it, in its transaction, also one that people cannot cancel. Raises Conflict while a worker has it."""
        return self._cancel(tx, self._found(tx, tenant, id, lock=True))

    def counts(self) -> Mapping[JobState, int]:
        """Return how many jobs of all tenants wait, run, are paused or need attention."""
        return self._store.read(self._repository.counts)

    def purge(self, tenant: TenantId, kept: timedelta = KEPT) -> int:
        """Delete what was done or cancelled in a tenant longer ago than `kept`; return how many. Their `dedupe` can then be used again."""
        removed = 0
        while count := self._store.run(lambda tx: self._repository.purge(tx, tenant, self._repository.now(tx) - kept, _PURGED)):
            removed += count
        return removed

    # --- for people ----------------------------------------------------------------------------------------------------------------

    def get(self, actor: Actor, id: str) -> Job:
        """Return one job of the actor's tenant. Raises NotFound."""
        _require(actor, "jobs:read")
        return self.of(actor.tenant, id)

    def page(self, actor: Actor, *, states: Collection[JobState] = (), kind: str = "", after: str = "", limit: int = 50) -> JobPage:
        """Return a page of jobs, newest first; `after` is the `next` of the page before."""
        _require(actor, "jobs:read")
        size = max(1, min(limit, _PAGE))
        found = self._store.read(lambda tx: self._repository.page(tx, actor.tenant, states, kind, after, size + 1))
        return JobPage(tuple(found[:size]), found[size - 1].id if len(found) > size else "")

    def pause(self, actor: Actor, id: str, *, request_id: str = "") -> Job:
        """Stop a job at the next point where it can stop; it keeps its progress. Raises Conflict for one that has ended."""

        def pause(job: Job, now: datetime) -> Job:
            if job.state is JobState.LEASED:
                return replace(job, pause_wanted=True)
            if job.state in (JobState.READY, JobState.PAUSED):
                return replace(job, state=JobState.PAUSED)
            raise Conflict("Only a job that waits or runs can be paused.")

        return self._change(actor, id, "pause", pause, request_id)

    def resume(self, actor: Actor, id: str, *, request_id: str = "") -> Job:
        """Let a paused job go on from where it is."""

        def resume(job: Job, now: datetime) -> Job:
            if job.state is JobState.PAUSED:
                return replace(job, state=JobState.READY, run_at=now)
            if job.state in (JobState.LEASED, JobState.READY):
                return replace(job, pause_wanted=False)
            raise Conflict("Only a paused job can be resumed; one that needs attention can be retried.")

        return self._change(actor, id, "resume", resume, request_id)

    def retry(self, actor: Actor, id: str, *, request_id: str = "") -> Job:
        """Try a job that needs attention again, with all its attempts; also one that waits after a failure, at once."""

        def retry(job: Job, now: datetime) -> Job:
            if job.state in (JobState.NEEDS_ATTENTION, JobState.READY):
                return replace(job, state=JobState.READY, run_at=now, attempts=0, error_code="", error_detail="")
            raise Conflict("Only a job that needs attention, or waits after a failure, can be retried.")

        return self._change(actor, id, "retry", retry, request_id)

    def cancel(self, actor: Actor, id: str, *, request_id: str = "") -> Job:
        """Give a job up that nobody works on. Raises Conflict for one that runs, has ended, or belongs to something only its own room can end."""

        def cancel(job: Job, now: datetime) -> Job:
            if not job.cancellable:
                raise Conflict("This job is part of a larger act and is ended there; here it can be paused and retried.")
            return _cancelled(job, now)

        return self._change(actor, id, "cancel", cancel, request_id)

    # --- inside --------------------------------------------------------------------------------------------------------------------

    def _change(self, actor: Actor, id: str, act: str, change: Callable[[Job, datetime], Job], request_id: str) -> Job:
        _require(actor, "jobs:write")

        def work(tx: Tx) -> Job:
            before = self._found(tx, actor.tenant, id, lock=True)
            after = change(before, self._repository.now(tx))
            if after != before:
                self._repository.save(tx, after)
                fields = (act, before.kind, before.state.value, after.state.value)
                self._audit.append(tx, Event(Action.JOB_CHANGED, actor, object_type="job", object_ref=id, fields=fields, request_id=request_id))
            return after

        return self._store.run(work)

    def _cancel(self, tx: Tx, job: Job) -> Job:
        after = _cancelled(job, self._repository.now(tx))
        self._repository.save(tx, after)
        return after

    def _found(self, tx: Tx, tenant: TenantId, id: str, *, lock: bool = False) -> Job:
        if job := self._repository.get(tx, tenant, id, lock=lock):
            return job
        raise NotFound("There is no such job.")


def _cancelled(job: Job, now: datetime) -> Job:
    if job.state is JobState.LEASED:
        raise Conflict("A worker has this job: pause it first.")
    if job.state in (JobState.DONE, JobState.CANCELLED):
        raise Conflict("This job has ended.")
    return replace(job, state=JobState.CANCELLED, finished_at=now, pause_wanted=False)


def _require(actor: Actor, scope: str) -> None:
    # the same check as in the room actors, which stands above this one
    if scope not in actor.scopes:
        raise AccessDenied(f"This needs the scope {scope}.")


def _refuse_more_than_ids(new: NewJob) -> None:
    """Raise InvalidInput for what cannot be a payload of ids: text with spaces, an address, a long value. Never says which."""
    words = [new.kind, new.dedupe, *new.payload]
    if not all(_WORD.fullmatch(word) for word in words) or not _ID.fullmatch(new.lane) or len(new.payload) > _MOST:
        raise InvalidInput("A job's kind, dedupe, lane and the names in its payload are words of 1 to 128 letters, digits and _ . : / -.")
    if not all(isinstance(value, int) or _ID.fullmatch(value) for value in new.payload.values()):
        raise InvalidInput("A job's payload holds ids and numbers alone: letters, digits and _ . : / -, at most 128.")
