"""Leader and schedules on every kind of database: one leads, each slot is dealt with once, what was missed runs once."""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from privacy.adapters.scheduler import CronTimes, SchedulerTicker
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.jobs import SqlJobRepository, SqlScheduleRepository
from privacy.jobs.leader import Leadership, LeaderThread, NotLeading
from privacy.jobs.model import NewJob
from privacy.jobs.schedules import Schedule, Schedules
from privacy.jobs.service import Jobs
from privacy.kernel.clock import FixedClock, SystemClock
from privacy.kernel.errors import AccessDenied
from privacy.kernel.ids import DEFAULT_TENANT, TenantId
from tests.cast import CAROL, CHARLIE, OTHER_TENANT
from tests.remembering import RememberingLog

LENGTH = timedelta(seconds=6)


def nightly(tenant: TenantId, slot: datetime) -> NewJob:
    return NewJob("test.sweep", {}, f"sweep:{slot:%Y-%m-%dT%H:%MZ}")


SWEEP = Schedule("test.sweep", "0 3 * * *", "Asia/Shanghai", nightly)


def repository(clock: FixedClock) -> SqlScheduleRepository:
    return SqlScheduleRepository(clock, database_clock=False)


def leader(store: SqlStore, clock: FixedClock, holder: str) -> Leadership:
    return Leadership(store, repository(clock), holder, length=LENGTH)


@pytest.fixture
def queue(store: SqlStore, fixed_clock: FixedClock) -> Jobs:
    return Jobs(store, SqlJobRepository(fixed_clock, database_clock=False), RememberingLog())


@pytest.fixture
def office(store: SqlStore, queue: Jobs, fixed_clock: FixedClock) -> Callable[..., Schedules]:
    """Make what a process would: schedules, in the name of a leader."""

    def make(holder: str = "a", *schedules: Schedule, tenants: tuple[TenantId, ...] = (DEFAULT_TENANT,)) -> Schedules:
        leading = leader(store, fixed_clock, holder)
        leading.seek()
        return Schedules(store, repository(fixed_clock), queue, schedules or (SWEEP,), CronTimes, lambda: tenants, leading.guard)

    return make


def runs(queue: Jobs) -> list[str]:
    """The slots for which a job was enqueued, oldest first."""
    return [job.dedupe.removeprefix("sweep:") for job in reversed(queue.page(CAROL).jobs)]


# --- who leads ---------------------------------------------------------------------------------------------------------------------


def test_one_leads_until_its_lease_ends(store: SqlStore, fixed_clock: FixedClock) -> None:
    """A second process follows when the first one is silent for longer than its lease, and from then on the first can do nothing as leader."""
    first, second = leader(store, fixed_clock, "a"), leader(store, fixed_clock, "b")
    assert (first.seek(), second.seek(), first.seek()) == (True, False, True)
    store.run(first.guard)
    fixed_clock.advance(LENGTH + timedelta(milliseconds=1))
    assert second.seek()
    with pytest.raises(NotLeading):
        store.run(first.guard)
    store.run(second.guard)
    assert not first.seek()


def test_who_resigns_is_followed_at_once(store: SqlStore, fixed_clock: FixedClock) -> None:
    """A deployment leaves no gap."""
    first, second = leader(store, fixed_clock, "a"), leader(store, fixed_clock, "b")
    first.seek()
    first.resign()
    assert second.seek()


def test_of_many_that_start_together_one_leads(store: SqlStore, fixed_clock: FixedClock) -> None:
    """The very first election too, when the row is not there yet."""
    all_of_them = [leader(store, fixed_clock, f"process-{n}") for n in range(6)]
    won: list[bool] = []
    threads = [threading.Thread(target=lambda each=each: won.append(each.seek())) for each in all_of_them]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]


def test_after_a_crash_the_next_leads_within_a_second_of_the_leases_end(store: SqlStore) -> None:
    """In real time, by the database's clock: the crashed one never says a word again."""
    crashed = Leadership(store, SqlScheduleRepository(SystemClock()), "crashed", length=timedelta(seconds=1))
    next_one = Leadership(store, SqlScheduleRepository(SystemClock()), "next", length=timedelta(seconds=6))
    acted = threading.Event()
    crashed.seek()
    ended = time.monotonic() + 1
    thread = LeaderThread(next_one, SchedulerTicker([SWEEP]), acted.set)
    thread.start()
    assert acted.wait(5)
    took = time.monotonic() - ended
    thread.stop()
    assert -0.05 < took < 1
    assert crashed.seek(), "who stops gives the lead up"


# --- slots -------------------------------------------------------------------------------------------------------------------------


def test_a_slot_is_enqueued_when_it_is_due_and_once(office: Callable[..., Schedules], queue: Jobs, fixed_clock: FixedClock) -> None:
    """Nothing for the time before the schedule was first seen; then each night's run, however often it is asked for."""
    for _ in range(24 * 3):
        schedules = office()
        schedules.fire_due()
        schedules.fire_due()
        fixed_clock.advance(timedelta(hours=1))
    assert runs(queue) == ["2026-11-22T19:00Z", "2026-11-23T19:00Z", "2026-11-24T19:00Z"]


def test_after_downtime_the_last_missed_slot_runs_once_and_the_gap_is_kept(office: Callable[..., Schedules], queue: Jobs, fixed_clock: FixedClock) -> None:
    """Four nights off: one run, for the last of them; three are recorded as missed."""
    office().fire_due()
    fixed_clock.advance(timedelta(days=4))
    [slot] = office().fire_due()
    assert (slot.missed, runs(queue)) == (3, ["2026-11-25T19:00Z"])
    [standing] = office().standing(CAROL)
    assert (standing.missed, standing.last, standing.next) == (3, slot.slot, slot.slot + timedelta(days=1))
    assert office().fire_due() == []


def test_two_leaders_at_once_are_harmless(store: SqlStore, queue: Jobs, office: Callable[..., Schedules], fixed_clock: FixedClock) -> None:
    """Without the guard of the lease, as if both held it: the slot's key alone lets one of them through."""
    office().fire_due()
    fixed_clock.advance(timedelta(days=2))
    barrier = threading.Barrier(4)
    both = [Schedules(store, repository(fixed_clock), queue, [SWEEP], CronTimes, lambda: [DEFAULT_TENANT], lambda tx: None) for _ in range(4)]

    def fire(schedules: Schedules) -> None:
        barrier.wait()
        schedules.fire_due()

    threads = [threading.Thread(target=fire, args=(schedules,)) for schedules in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runs(queue) == ["2026-11-23T19:00Z"]


def test_who_lost_the_lead_enqueues_nothing(office: Callable[..., Schedules], queue: Jobs, fixed_clock: FixedClock) -> None:
    """A process that slept through its lease and wakes up believing it leads."""
    sleeper = office("a")
    sleeper.fire_due()
    fixed_clock.advance(timedelta(days=1))
    awake = office("b")
    with pytest.raises(NotLeading):
        sleeper.fire_due()
    assert runs(queue) == []
    awake.fire_due()
    assert runs(queue) == ["2026-11-22T19:00Z"]


def test_each_tenant_has_its_own_runs_and_a_broken_schedule_holds_up_no_other(office: Callable[..., Schedules], queue: Jobs, fixed_clock: FixedClock) -> None:
    """A schedule that cannot make its job is tried again until it can; the others do not wait for it."""
    broken = [True]

    def fail(tenant: TenantId, slot: datetime) -> NewJob | None:
        if broken:
            raise ZeroDivisionError
        return NewJob("test.report", {}, "report")

    both = (Schedule("a.report", "0 3 * * *", "UTC", fail), SWEEP)
    office("a", *both, tenants=(DEFAULT_TENANT, OTHER_TENANT)).fire_due()
    fixed_clock.advance(timedelta(days=1))
    office("a", *both, tenants=(DEFAULT_TENANT, OTHER_TENANT)).fire_due()
    assert [job.kind for job in queue.page(CAROL).jobs] == ["test.sweep"]
    assert queue.find(OTHER_TENANT, "sweep:2026-11-22T19:00Z") is not None
    broken.clear()
    office("a", *both, tenants=(DEFAULT_TENANT, OTHER_TENANT)).fire_due()
    assert sorted(job.kind for job in queue.page(CAROL).jobs) == ["test.report", "test.sweep"]


def test_a_changed_schedule_begins_anew(office: Callable[..., Schedules], queue: Jobs, fixed_clock: FixedClock) -> None:
    """Another hour is promised from now on, not for the past."""
    office().fire_due()
    fixed_clock.advance(timedelta(days=1))
    later = Schedule("test.sweep", "0 5 * * *", "Asia/Shanghai", nightly)
    office("a", later).fire_due()
    assert runs(queue) == []
    fixed_clock.advance(timedelta(days=1))
    office("a", later).fire_due()
    assert runs(queue) == ["2026-11-23T21:00Z"]


def test_old_slots_go_but_the_last_stays(office: Callable[..., Schedules], queue: Jobs, fixed_clock: FixedClock) -> None:
    """Without the last one a schedule would be new again, and its next missed slot forgotten."""
    for _ in range(3):
        office().fire_due()
        fixed_clock.advance(timedelta(days=1))
    fixed_clock.advance(timedelta(days=500))
    assert office().purge(DEFAULT_TENANT) == 2
    assert [slot.missed for slot in office().fire_due()] == [500]


def test_reading_schedules_needs_the_scope_of_jobs(office: Callable[..., Schedules]) -> None:
    """They tell what a tenant does at night."""
    with pytest.raises(AccessDenied):
        office().standing(CHARLIE)
