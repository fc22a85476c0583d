"""Schedules: what is enqueued at set times. Each slot of a schedule, a UTC instant, is dealt with exactly once in each tenant, whoever leads.

A slot and its job are written in one transaction, and (tenant, schedule, slot) is the slot's primary key: two leaders at once are harmless. Slots that
passed while nobody led come to one run for the last of them; how many there were before it is kept.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from privacy.jobs.leader import NotLeading
from privacy.jobs.model import NewJob
from privacy.jobs.ports import ScheduleRepository, Slot
from privacy.jobs.service import Jobs
from privacy.kernel.clock import rfc3339
from privacy.kernel.errors import AccessDenied, Conflict, PrivacyError
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor

_log = logging.getLogger(__name__)
_KEPT = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is to be enqueued when: five cron fields (weekdays by name, or 0 and 7 for Sunday) in an IANA zone.

    `make` returns the job of a tenant's slot, or None where nothing is to be done; it is asked outside any transaction, possibly more than once.
    """

    id: str
    cron: str
    zone: str
    make: Callable[[TenantId, datetime], NewJob | None]

    @property
    def plan(self) -> str:
        """Return cron and zone as one text: a change of it begins a new count of slots."""
        return f"{self.cron} {self.zone}"


class Times(Protocol):
    """The slots of one cron expression in one zone."""

    def last(self, after: datetime, upto: datetime) -> tuple[datetime | None, int]:
        """Return the last slot with after < slot ≤ upto, and how many there are before it in that range, counted up to 1,000."""

    def following(self, after: datetime) -> datetime:
        """Return the first slot after `after`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A schedule as people see it: when it ran last, how many slots before that had passed unused, and when it is due next."""

    schedule: str
    cron: str
    zone: str
    last: datetime | None
    job: str
    missed: int
    next: datetime


class Schedules:
    """Deals with what is due.

    Args:
        times: makes the slots of (cron, zone). Raises Misconfigured for what is no schedule.
        tenants: returns the tenants there are.
        guard: holds the leader's lease in a transaction.
    """

    def __init__(
        self,
        store: Store,
        repository: ScheduleRepository,
        jobs: Jobs,
        schedules: Sequence[Schedule],
        times: Callable[[str, str], Times],
        tenants: Callable[[], Collection[TenantId]],
        guard: Callable[[Tx], None],
    ) -> None:
        self._store, self._repository, self._jobs, self._tenants, self._guard = store, repository, jobs, tenants, guard
        self._schedules = {schedule.id: schedule for schedule in schedules}
        self._times = {schedule.id: times(schedule.cron, schedule.zone) for schedule in schedules}

    def fire_due(self) -> list[Slot]:
        """Enqueue what is due in every tenant and return the slots dealt with. A schedule that fails holds up no other. Raises NotLeading."""
        now, known = self._store.read(lambda tx: (self._repository.now(tx), self._repository.last_slots(tx, list(self._schedules))))
        tenants = self._tenants()
        due = [self._due(tenant, schedule, known.get((tenant, schedule.id)), now) for tenant in tenants for schedule in self._schedules.values()]
        return [slot for slot in due if slot is not None and self._deal_with(slot)]

    def standing(self, actor: Actor) -> list[Standing]:
        """Return every schedule with its last and its next slot in the actor's tenant."""
        if "jobs:read" not in actor.scopes:
            raise AccessDenied("This needs the scope jobs:read.")
        now, known = self._store.read(lambda tx: (self._repository.now(tx), self._repository.last_slots(tx, list(self._schedules))))
        return [self._standing(schedule, known.get((actor.tenant, schedule.id)), now) for schedule in self._schedules.values()]

    def purge(self, tenant: TenantId) -> int:
        """Delete slots older than 400 days, but the last of each schedule; return how many."""
        return self._store.run(lambda tx: self._repository.purge_slots(tx, tenant, self._repository.now(tx) - _KEPT))

    def _standing(self, schedule: Schedule, last: Slot | None, now: datetime) -> Standing:
        ran = last if last is not None and last.job else None
        following = self._times[schedule.id].following(now)
        return Standing(schedule.id, schedule.cron, schedule.zone, ran.slot if ran else None, ran.job if ran else "", ran.missed if ran else 0, following)

    def _due(self, tenant: TenantId, schedule: Schedule, last: Slot | None, now: datetime) -> Slot | None:
        if last is None or last.plan != schedule.plan:
            # seen for the first time: what lies before now was never promised, and from now on every slot counts
            return Slot(tenant, schedule.id, now, schedule.plan, "", 0, now)
        slot, missed = self._times[schedule.id].last(last.slot, now)
        return None if slot is None else Slot(tenant, schedule.id, slot, schedule.plan, "?", missed, now)

    def _deal_with(self, slot: Slot) -> bool:
        try:
            new = self._schedules[slot.schedule].make(slot.tenant, slot.slot) if slot.job else None
            self._store.run(lambda tx: self._write(tx, slot, new))
        except NotLeading:
            raise
        except Conflict:  # another leader dealt with it
            return False
        except PrivacyError as error:
            _log.warning("schedule waits: %s", error.code, extra={"schedule": slot.schedule, "code": error.code})
            return False
        except Exception as error:  # noqa: BLE001 - one broken schedule must not hold up the others; type only, texts may quote rows
            _log.error("schedule stumbled: %s", type(error).__name__, extra={"schedule": slot.schedule, "error": type(error).__name__})
            return False
        if slot.missed:
            _log.warning("schedule missed %d slots", slot.missed, extra={"schedule": slot.schedule, "slot": rfc3339(slot.slot)})
        return True

    def _write(self, tx: Tx, slot: Slot, new: NewJob | None) -> None:
        self._guard(tx)
        job = self._jobs.enqueue(tx, slot.tenant, new).id if new else ""
        self._repository.add_slot(tx, Slot(slot.tenant, slot.schedule, slot.slot, slot.plan, job, slot.missed, slot.fired_at))
