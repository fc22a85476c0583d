"""The queue on every kind of database: enqueue, lease, renew, complete, give back, take back; what people may do; who leads."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from privacy.adapters.store.engine import SqlStore, connection
from privacy.adapters.store.jobs import SqlJobRepository
from privacy.audit.events import Action, Outcome
from privacy.jobs.leases import LEASE_EXPIRED, Backoff
from privacy.jobs.model import Job, JobState, Lease, LeaseLost, NewJob
from privacy.jobs.runner import HeldLease, perform, run_now
from privacy.jobs.service import Jobs
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AccessDenied, AuditUnavailable, Conflict, ConnectorUnavailable, InvalidInput, NotFound
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.store import Tx
from tests.cast import ALICE, CAROL, CHARLIE, OTHER_TENANT, actor_as
from tests.remembering import RememberingLog

LEASE = timedelta(seconds=30)


@pytest.fixture
def audit() -> RememberingLog:
    return RememberingLog()


@pytest.fixture
def jobs(store: SqlStore, audit: RememberingLog, fixed_clock: FixedClock) -> Jobs:
    """A queue whose time is the test's, on servers too."""
    repository = SqlJobRepository(fixed_clock, database_clock=False)
    return Jobs(store, repository, audit, lease=LEASE, backoff=Backoff(10, 4, 900))


@pytest.fixture
def put(store: SqlStore, jobs: Jobs) -> Callable[..., Job]:
    """Enqueue a job, each under another name unless one is given."""
    count = iter(range(1000))

    def enqueue(dedupe: str = "", kind: str = "test.work", tenant: str = DEFAULT_TENANT, **given: object) -> Job:
        new = replace(NewJob(kind, {"n": 1}, dedupe or f"job:{next(count)}"), **given)  # type: ignore[arg-type]
        return store.run(lambda tx: jobs.enqueue(tx, tenant, new, by="user:alice"))  # type: ignore[arg-type]

    return enqueue


def state(jobs: Jobs, job: Job) -> JobState:
    return jobs.of(job.tenant, job.id).state


def lease_of(jobs: Jobs, kinds: tuple[str, ...] = ("test.work",)) -> HeldLease:
    return HeldLease(jobs.leases, jobs.leases.claim(kinds, "w")[0], threading.Event(), write_every=0)


# --- enqueue -----------------------------------------------------------------------------------------------------------------------


def test_a_job_is_there_when_its_transaction_is_and_only_then(store: SqlStore, jobs: Jobs) -> None:
    """What a room decides and the work that follows stand or fall together."""

    def undone(tx: Tx) -> None:
        jobs.enqueue(tx, DEFAULT_TENANT, NewJob("test.work", {"plan": "p-1"}, "plan:p-1"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.run(undone)
    assert jobs.find(DEFAULT_TENANT, "plan:p-1") is None
    made = store.run(lambda tx: jobs.enqueue(tx, DEFAULT_TENANT, NewJob("test.work", {"plan": "p-1"}, "plan:p-1"), by="user:alice"))
    assert jobs.get(actor_as("dpo"), made.id) == made
    assert (made.state, made.created_by, made.payload) == (JobState.READY, "user:alice", {"plan": "p-1"})


def test_the_same_work_is_enqueued_once(jobs: Jobs, put: Callable[..., Job]) -> None:
    """The name of the work is unique in its tenant, whatever became of it; another tenant's is another's."""
    first = put("plan:1")
    assert put("plan:1").id == first.id
    run_now(jobs, {"test.work": lambda lease: None})
    assert (put("plan:1").id, put("plan:1").state) == (first.id, JobState.DONE)
    assert put("plan:1", tenant=OTHER_TENANT).id != first.id


@pytest.mark.parametrize("payload", [{"who": "a b"}, {"mail": "someone@example.org"}, {"n": "x" * 129}, {"a b": 1}])
def test_a_payload_of_more_than_ids_is_refused(put: Callable[..., Job], payload: dict[str, str]) -> None:
    """A name, an address or a text would lie in the queue in clear; the refusal does not repeat it."""
    with pytest.raises(InvalidInput) as refused:
        put(payload=payload)
    assert not any(value in refused.value.detail for value in map(str, payload.values()) if len(value) > 1)


# --- leases ------------------------------------------------------------------------------------------------------------------------


def test_the_most_urgent_and_then_the_oldest_goes_first(jobs: Jobs, put: Callable[..., Job], fixed_clock: FixedClock) -> None:
    """What is due later or of a kind nobody here knows is left alone."""
    late, first, urgent = put(run_at=fixed_clock.now() + timedelta(hours=1)), put(), put(priority=10)
    unknown = put(kind="test.unknown")
    assert [jobs.leases.claim(["test.work"], "w")[0].id for _ in range(2)] == [urgent.id, first.id]
    assert jobs.leases.claim(["test.work"], "w") == []
    fixed_clock.advance(timedelta(hours=1))
    assert jobs.leases.claim(["test.work"], "w")[0].id == late.id
    assert state(jobs, unknown) is JobState.READY


def test_no_job_is_leased_twice_however_many_ask(jobs: Jobs, put: Callable[..., Job]) -> None:
    """Eight workers, forty jobs: each job goes to one of them."""
    wanted = {put().id for _ in range(40)}
    taken: list[str] = []

    def take() -> None:
        while got := jobs.leases.claim(["test.work"], "w", limit=3):
            taken.extend(job.id for job in got)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(wanted)


def test_of_a_lane_one_job_runs_at_a_time(jobs: Jobs, put: Callable[..., Job]) -> None:
    """Two jobs on one connected system wait for each other; another system, and the same name in another tenant, do not."""
    one, two = put(lane="system:crm"), put(lane="system:crm")
    other, foreign = put(lane="system:erp"), put(lane="system:crm", tenant=OTHER_TENANT)
    taken = [job for _ in range(4) for job in jobs.leases.claim(["test.work"], "w", limit=4)]
    assert {job.id for job in taken} == {one.id, other.id, foreign.id}
    assert not jobs.leases.waiting(["test.work"])
    jobs.leases.finish(next(job for job in taken if job.id == one.id))
    assert jobs.leases.claim(["test.work"], "w")[0].id == two.id


def test_a_lane_lets_one_in_whatever_the_race(jobs: Jobs, put: Callable[..., Job]) -> None:
    """Many workers at one lane at once: at no time do two hold it, and every job has its turn."""
    wanted = {put(lane="system:crm").id for _ in range(12)}
    done: list[str] = []
    inside: list[str] = []
    crowds: list[int] = []

    def work() -> None:
        while len(done) < len(wanted):
            for job in jobs.leases.claim(["test.work"], "w"):
                inside.append(job.id)
                crowds.append(len(inside))
                inside.remove(job.id)
                jobs.leases.finish(job)
                done.append(job.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(done), max(crowds)) == (sorted(wanted), 1)


def test_what_a_worker_leaves_goes_back_and_its_late_writing_counts_for_nothing(
    store: SqlStore, jobs: Jobs, put: Callable[..., Job], fixed_clock: FixedClock
) -> None:
    """After its lease ended another took the job: the first can neither renew nor complete, and its effect is rolled back."""
    put()
    first = lease_of(jobs)
    first.renew(3, 10, "copy")
    fixed_clock.advance(LEASE + timedelta(seconds=1))
    assert (jobs.leases.reap(), jobs.leases.reap()) == (1, 0)
    fixed_clock.advance(timedelta(seconds=10))
    second = lease_of(jobs)
    assert second.token > first.token
    assert (second.job.done, second.job.total, second.job.step) == (3, 10, "copy")

    def effect(tx: Tx) -> None:
        put_in(tx, "effect:late")
        first.complete(tx)

    def put_in(tx: Tx, dedupe: str) -> None:
        jobs.enqueue(tx, DEFAULT_TENANT, NewJob("test.effect", {}, dedupe))

    with pytest.raises(LeaseLost):
        first.renew(4)
    with pytest.raises(LeaseLost):
        store.run(first.guard)
    with pytest.raises(LeaseLost):
        store.run(effect)
    assert jobs.find(DEFAULT_TENANT, "effect:late") is None
    assert jobs.leases.give_back(first.job) is False
    assert jobs.leases.fail(first.job, ConnectorUnavailable("gone")) is False
    store.run(lambda tx: second.complete(tx, {"rows": 7}))
    assert (state(jobs, second.job), jobs.of(DEFAULT_TENANT, second.job.id).result) == (JobState.DONE, {"rows": 7})


def test_a_renewed_lease_is_not_taken_back(jobs: Jobs, put: Callable[..., Job], fixed_clock: FixedClock) -> None:
    """Work that goes on for hours keeps its job."""
    put()
    lease = lease_of(jobs)
    for done in range(5):
        fixed_clock.advance(timedelta(seconds=20))
        lease.renew(done)
        assert jobs.leases.reap() == 0


def test_a_job_that_kills_its_workers_needs_attention_at_last(jobs: Jobs, put: Callable[..., Job], fixed_clock: FixedClock, audit: RememberingLog) -> None:
    """As many attempts as it has, then a person has to look; the event names the job, not what it was about."""
    job = put(max_attempts=2)
    for _ in range(2):
        fixed_clock.advance(timedelta(hours=1))
        assert jobs.leases.claim(["test.work"], "w")
        fixed_clock.advance(LEASE * 2)
        jobs.leases.reap()
    stands = jobs.of(DEFAULT_TENANT, job.id)
    assert (stands.state, stands.error_code, stands.attempts) == (JobState.NEEDS_ATTENTION, LEASE_EXPIRED, 2)
    assert "retry" in stands.error_detail
    [event] = audit.events
    assert (event.action, event.outcome, event.object_ref) == (Action.JOB_CHANGED, Outcome.FAILED, job.id)


def test_attempts_that_come_further_are_not_counted_against_a_job(jobs: Jobs, put: Callable[..., Job], fixed_clock: FixedClock) -> None:
    """A long job survives more restarts than it has attempts; one that turns in circles does not."""
    long, circling = put("long", max_attempts=2), put("circling", kind="test.circle", max_attempts=2)
    for attempt in range(1, 6):
        fixed_clock.advance(timedelta(hours=1))
        lease_of(jobs).renew(attempt)
        if jobs.of(DEFAULT_TENANT, circling.id).state is JobState.READY:
            lease_of(jobs, ("test.circle",)).renew(1)
        fixed_clock.advance(LEASE * 2)
        jobs.leases.reap()
    assert (state(jobs, long), state(jobs, circling)) == (JobState.READY, JobState.NEEDS_ATTENTION)


# --- failing -----------------------------------------------------------------------------------------------------------------------


def test_what_may_pass_is_tried_again_later_and_what_cannot_needs_attention(jobs: Jobs, put: Callable[..., Job], fixed_clock: FixedClock) -> None:
    """The delay grows; code and remedy are shown; an error nobody foresaw shows no text of its own."""
    passing, hopeless, unforeseen = put("a", kind="a"), put("b", kind="b"), put("c", kind="c")

    def fail(error: Exception) -> Callable[[Lease], None]:
        def handler(lease: Lease) -> None:
            raise error

        return handler

    handlers = {"a": fail(ConnectorUnavailable("The system is away.")), "b": fail(Conflict("The plan is void.")), "c": fail(ValueError("13904172263"))}
    run_now(jobs, handlers, reraise=False)
    stands = {job.id: jobs.of(DEFAULT_TENANT, job.id) for job in (passing, hopeless, unforeseen)}
    assert (stands[hopeless.id].state, stands[hopeless.id].error_code, stands[hopeless.id].error_detail) == (
        JobState.NEEDS_ATTENTION,
        "conflict",
        "The plan is void.",
    )
    assert (stands[unforeseen.id].state, stands[unforeseen.id].error_code) == (JobState.READY, "internal")
    assert "13904172263" not in stands[unforeseen.id].error_detail
    delay = stands[passing.id].run_at - fixed_clock.now()
    assert timedelta(seconds=5) <= delay <= timedelta(seconds=10)
    fixed_clock.advance(timedelta(seconds=10))
    run_now(jobs, handlers, reraise=False)
    assert timedelta(seconds=20) <= jobs.of(DEFAULT_TENANT, passing.id).run_at - fixed_clock.now() <= timedelta(seconds=40)


def test_a_broken_job_does_not_hold_up_the_others(jobs: Jobs, put: Callable[..., Job], fixed_clock: FixedClock) -> None:
    """The poisonous one comes first every time and still the rest is done."""
    poison, rest = put(kind="test.poison", priority=1), [put() for _ in range(5)]

    def explode(lease: Lease) -> None:
        raise ZeroDivisionError

    for _ in range(6):
        run_now(jobs, {"test.poison": explode, "test.work": lambda lease: None}, reraise=False)
        fixed_clock.advance(timedelta(hours=1))
    assert state(jobs, poison) is JobState.NEEDS_ATTENTION
    assert {state(jobs, job) for job in rest} == {JobState.DONE}


def test_no_event_no_change(jobs: Jobs, put: Callable[..., Job], audit: RememberingLog) -> None:
    """While the log refuses, a job is neither changed by a person nor given up by the service."""
    job = put(max_attempts=1)
    audit.refuse = True
    with pytest.raises(AuditUnavailable):
        jobs.pause(ALICE, job.id)
    lease = lease_of(jobs)
    with pytest.raises(AuditUnavailable):
        perform(jobs, _raising, lease)
    assert state(jobs, job) is JobState.LEASED


def _raising(lease: Lease) -> None:
    raise Conflict("no")


# --- people ------------------------------------------------------------------------------------------------------------------------


def test_a_running_job_pauses_where_it_can_and_goes_on_from_there(jobs: Jobs, put: Callable[..., Job], audit: RememberingLog) -> None:
    """The pause is asked for, honoured at the next renewal, and what was done stays done."""
    job = put()
    seen: list[int] = []

    def work(lease: Lease) -> None:
        for done in range(lease.job.done, 10):
            lease.renew(done, 10)
            seen.append(done)
            if done == 4:
                jobs.pause(ALICE, job.id)

    perform(jobs, work, lease_of(jobs))
    paused = jobs.get(ALICE, job.id)
    assert (paused.state, paused.done, paused.attempts, seen) == (JobState.PAUSED, 5, 0, [0, 1, 2, 3, 4])
    assert jobs.leases.claim(["test.work"], "w") == []
    assert jobs.resume(ALICE, job.id).state is JobState.READY
    perform(jobs, work, lease_of(jobs))
    assert (state(jobs, job), seen) == (JobState.DONE, list(range(10)))
    assert [event.fields[0] for event in audit.events] == ["pause", "resume"]


def test_a_pause_survives_the_worker_that_was_to_honour_it(jobs: Jobs, put: Callable[..., Job], fixed_clock: FixedClock) -> None:
    """Killed before it could pause: the job is paused when its lease is taken back."""
    job = put()
    lease_of(jobs)
    jobs.pause(ALICE, job.id)
    fixed_clock.advance(LEASE * 2)
    jobs.leases.reap()
    assert state(jobs, job) is JobState.PAUSED


def test_retry_gives_all_attempts_again_and_cancel_ends_what_nobody_holds(jobs: Jobs, put: Callable[..., Job]) -> None:
    """Each act only in the states where it means something, else the refusal says what to do instead."""
    job, part = put(), put(kind="test.part", cancellable=False)
    perform(jobs, _raising, lease_of(jobs))
    with pytest.raises(Conflict, match="retried"):
        jobs.resume(ALICE, job.id)
    again = jobs.retry(ALICE, job.id)
    assert (again.state, again.attempts, again.error_code) == (JobState.READY, 0, "")
    held = lease_of(jobs)
    with pytest.raises(Conflict, match="pause"):
        jobs.cancel(ALICE, job.id)
    jobs.leases.give_back(held.job)
    assert jobs.cancel(ALICE, job.id).state is JobState.CANCELLED
    for act in (jobs.cancel, jobs.retry, jobs.pause, jobs.resume):
        with pytest.raises(Conflict):
            act(ALICE, job.id)
    with pytest.raises(Conflict, match="larger act"):
        jobs.cancel(ALICE, part.id)


def test_people_see_and_change_the_jobs_of_their_tenant_alone(jobs: Jobs, put: Callable[..., Job]) -> None:
    """Reading and changing need their scopes; another tenant's job does not exist."""
    job, foreign = put(), put(tenant=OTHER_TENANT)
    assert [found.id for found in jobs.page(CAROL).jobs] == [job.id]
    with pytest.raises(NotFound):
        jobs.get(ALICE, foreign.id)
    with pytest.raises(NotFound):
        jobs.pause(ALICE, foreign.id)
    with pytest.raises(AccessDenied):
        jobs.pause(CAROL, job.id)
    for read in (lambda: jobs.page(CHARLIE), lambda: jobs.get(CHARLIE, job.id)):
        with pytest.raises(AccessDenied):
            read()


def test_the_list_goes_page_by_page_newest_first(jobs: Jobs, put: Callable[..., Job]) -> None:
    """Filtered by state and kind; the last page says that it is the last."""
    made = [put(kind="a" if n % 2 else "b").id for n in range(7)]
    first = jobs.page(ALICE, limit=4)
    rest = jobs.page(ALICE, limit=4, after=first.next)
    assert [job.id for job in (*first.jobs, *rest.jobs)] == sorted(made, reverse=True)
    assert rest.next == ""
    assert {job.kind for job in jobs.page(ALICE, kind="a").jobs} == {"a"}
    assert jobs.page(ALICE, states=[JobState.DONE]).jobs == ()


def test_what_ended_long_ago_is_cleared_away(jobs: Jobs, put: Callable[..., Job], fixed_clock: FixedClock) -> None:
    """Done and cancelled jobs after thirty days; what waits or needs attention stays however old."""
    put(), put()
    run_now(jobs, {"test.work": lambda lease: None})
    waiting = put()
    assert jobs.counts()[JobState.READY] == 1
    assert jobs.purge(DEFAULT_TENANT) == 0
    fixed_clock.advance(timedelta(days=31))
    assert (jobs.purge(DEFAULT_TENANT), [job.id for job in jobs.page(ALICE).jobs]) == (2, [waiting.id])


def test_the_time_of_leases_is_the_databases(store: SqlStore, audit: RememberingLog, fixed_clock: FixedClock) -> None:
    """Workers whose clocks differ agree on who holds what: on a server its clock counts, on SQLite this machine's."""
    fixed_clock.advance(timedelta(days=-400))
    told = store.read(SqlJobRepository(fixed_clock).now)
    if store.dialect == "sqlite":
        assert told == fixed_clock.now()
    else:
        question = "SELECT CURRENT_TIMESTAMP(6)" if store.dialect == "mysql" else "SELECT clock_timestamp()"
        assert store.read(lambda tx: connection(tx).exec_driver_sql(question).scalar_one()).minute in (told.minute, (told.minute + 1) % 60)
        assert told - fixed_clock.now() > timedelta(days=300)


def test_a_pause_is_kept_when_the_process_ends_first(jobs: Jobs, put: Callable[..., Job]) -> None:
    """Asked for between the last renewal and the end of the process: given back paused, not ready."""
    job = put()
    lease = lease_of(jobs)
    jobs.pause(ALICE, job.id)
    jobs.leases.give_back(lease.job)
    assert state(jobs, job) is JobState.PAUSED


def test_how_far_a_failed_attempt_came_is_shown(jobs: Jobs, put: Callable[..., Job]) -> None:
    """Also when it failed before its progress was due to be written."""
    job = put()

    def work(lease: Lease) -> None:
        lease.renew(7, 9)
        raise ConnectorUnavailable("away")

    lease = HeldLease(jobs.leases, jobs.leases.claim(["test.work"], "w")[0], threading.Event())
    perform(jobs, work, lease)
    assert (jobs.of(DEFAULT_TENANT, job.id).done, jobs.of(DEFAULT_TENANT, job.id).total) == (7, 9)
