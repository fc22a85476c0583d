"""Long work: what waits, runs, stands still or needs attention, and what people may do about it."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from privacy.jobs.model import Job, JobState
from privacy.kernel.errors import Conflict, NotFound
from privacy.web.endpoint import Answer, Call, Name, Query, Reply, Routes

routes = Routes("jobs")


class JobsQuery(Query):
    state: JobState | None = None
    kind: Name | None = None
    after: Name | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class JobAnswer(Answer):
    """One job. Its `payload` and `result` hold ids and numbers alone."""

    id: str
    kind: str
    state: JobState
    done: int
    total: int | None
    step: str
    payload: dict[str, str | int]
    result: dict[str, str | int]
    attempts: int
    max_attempts: int
    error_code: str
    error_detail: str
    pause_wanted: bool
    cancellable: bool
    lane: str
    run_at: datetime
    created_at: datetime
    created_by: str
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> "JobAnswer":
        fields = {name: getattr(job, name) for name in cls.model_fields}
        return cls(**fields | {"payload": dict(job.payload), "result": dict(job.result)})


class JobsAnswer(Answer):
    jobs: list[JobAnswer]
    next: str


class ScheduleAnswer(Answer):
    schedule: str
    cron: str
    zone: str
    last: datetime | None
    job: str
    missed: int
    next: datetime


class SchedulesAnswer(Answer):
    schedules: list[ScheduleAnswer]


def accepted(job: Job) -> Reply:
    """Return the answer of a call whose work goes on in `job`: 202, and where to ask for it."""
    return Reply(JobAnswer.of(job), 202, {"Location": f"/api/v1/jobs/{job.id}"})


@routes.get("/jobs", scope="jobs:read", query=JobsQuery, answer=JobsAnswer, summary="Long work, newest first")
def list_jobs(call: Call) -> JobsAnswer:
    query: JobsQuery = call.query
    states = [query.state] if query.state else []
    page = call.app.jobs.page(call.actor, states=states, kind=query.kind or "", after=query.after or "", limit=query.limit)
    return JobsAnswer(jobs=[JobAnswer.of(job) for job in page.jobs], next=page.next)


@routes.get("/jobs/<job>", scope="jobs:read", answer=JobAnswer, summary="One job: its state and how far it is", errors=(NotFound,))
def get_job(call: Call, job: str) -> JobAnswer:
    return JobAnswer.of(call.app.jobs.get(call.actor, job))


@routes.post("/jobs/<job>/pause", scope="jobs:write", answer=JobAnswer, summary="Stop it where it can stop", errors=(NotFound, Conflict), replay=True)
def pause_job(call: Call, job: str) -> JobAnswer:
    return JobAnswer.of(call.app.jobs.pause(call.actor, job, request_id=call.request_id))


@routes.post("/jobs/<job>/resume", scope="jobs:write", answer=JobAnswer, summary="Let a paused job go on", errors=(NotFound, Conflict), replay=True)
def resume_job(call: Call, job: str) -> JobAnswer:
    return JobAnswer.of(call.app.jobs.resume(call.actor, job, request_id=call.request_id))


@routes.post("/jobs/<job>/retry", scope="jobs:write", answer=JobAnswer, summary="Try again what needs attention", errors=(NotFound, Conflict), replay=True)
def retry_job(call: Call, job: str) -> JobAnswer:
    return JobAnswer.of(call.app.jobs.retry(call.actor, job, request_id=call.request_id))


@routes.post("/jobs/<job>/cancel", scope="jobs:write", answer=JobAnswer, summary="Give a job up that nobody works on", errors=(NotFound, Conflict), replay=True)
def cancel_job(call: Call, job: str) -> JobAnswer:
    return JobAnswer.of(call.app.jobs.cancel(call.actor, job, request_id=call.request_id))


@routes.get("/schedules", scope="jobs:read", answer=SchedulesAnswer, summary="What is done at set times, and when it was last")
def list_schedules(call: Call) -> SchedulesAnswer:
    fields = ScheduleAnswer.model_fields
    return SchedulesAnswer(
        schedules=[ScheduleAnswer(**{name: getattr(standing, name) for name in fields}) for standing in call.app.schedules.standing(call.actor)]
    )
