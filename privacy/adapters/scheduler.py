"""APScheduler 3 behind the ports of jobs: it reads cron expressions and wakes the leader in time. Nothing is stored in it (its stores keep pickles).

Slots are computed on the wall clock and then turned into UTC. Where clocks go forward, a time that does not exist comes as much later as they went; where
they go back, a time that exists twice counts once, the first; schedules that run every hour run in both.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger

from privacy.jobs.schedules import Schedule
from privacy.kernel.errors import Misconfigured

if TYPE_CHECKING:
    from apscheduler.schedulers.background import BackgroundScheduler

_DAY = timedelta(days=1)
_SHIFT = timedelta(hours=3)  # more than any clock is put forward or back
_COUNTED = 1000
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LOOK_BACK = (timedelta(hours=1), _DAY, 35 * _DAY, 400 * _DAY, 9 * 366 * _DAY)


class CronTimes:
    """Implements `jobs.schedules.Times`. Raises Misconfigured for what is no cron expression, no zone, or never comes."""

    def __init__(self, cron: str, zone: str) -> None:
        self._trigger = _trigger(cron)
        self._zone = _zone(zone)
        self._every_hour = cron.split()[1].startswith("*")
        if self._wall(datetime(2024, 1, 1)) is None:  # noqa: DTZ001 - wall clock time, whose zone is applied afterwards
            raise Misconfigured("A schedule's cron expression names a day that never comes.")

    def last(self, after: datetime, upto: datetime) -> tuple[datetime | None, int]:
        last = self._last(after, upto)
        if last is None:
            return None, 0
        before = self._between(after, last - timedelta(microseconds=1))
        return last, sum(1 for _, _ in zip(range(_COUNTED), before, strict=False))

    def following(self, after: datetime) -> datetime:
        return next(self._between(after, datetime.max.replace(tzinfo=UTC) - 2 * _DAY))

    def _last(self, after: datetime, upto: datetime) -> datetime | None:
        for span in _LOOK_BACK:
            start = max(after, upto - span)
            if found := list(self._between(start, upto)):
                return found[-1]
            if start == after:
                return None
        return None

    def _between(self, after: datetime, upto: datetime) -> Iterator[datetime]:
        """Yield the slots with after < slot ≤ upto in order, piece by piece: within a piece the clock may turn, and their order with it."""
        start, piece = after, timedelta(hours=1)
        while start < upto:
            first = self._wall(self._local(start) - _SHIFT)
            if first is None:
                return
            start = max(start, self._instant(first, 0) - 2 * _SHIFT)  # a yearly schedule has many empty days
            end = min(start + piece, upto)
            yield from sorted(slot for slot in self._near(start, end) if start < slot <= end)
            start, piece = end, min(4 * piece, _DAY)

    def _near(self, start: datetime, end: datetime) -> set[datetime]:
        found: set[datetime] = set()
        margin = _SHIFT if self._turns(start - _SHIFT, end + _SHIFT) else timedelta()
        wall, last = self._wall(self._local(start) - margin), self._local(end) + margin
        while wall is not None and wall <= last:
            found |= {self._instant(wall, fold) for fold in ((0, 1) if self._every_hour else (0,))}
            wall = self._wall(wall + timedelta(seconds=1))
        return found

    def _turns(self, start: datetime, end: datetime) -> bool:
        return start.astimezone(self._zone).utcoffset() != end.astimezone(self._zone).utcoffset()

    def _wall(self, at: datetime) -> datetime | None:
        """Return the first wall clock time at or after `at` that the expression names."""
        # as if the wall clock were UTC, which never turns
        found: datetime | None = self._trigger.get_next_fire_time(None, at.replace(tzinfo=UTC))
        return found.replace(tzinfo=None) if found else None

    def _local(self, instant: datetime) -> datetime:
        return instant.astimezone(self._zone).replace(tzinfo=None)

    def _instant(self, wall: datetime, fold: int) -> datetime:
        return wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC)


class SchedulerTicker:
    """Implements `jobs.leader.Ticker`: wakes the leader at every slot."""

    def __init__(self, schedules: Sequence[Schedule]) -> None:
        self._schedules = schedules
        self._scheduler: BackgroundScheduler | None = None

    def start(self, due: Callable[[], None]) -> None:
        from apscheduler.schedulers.background import BackgroundScheduler  # slow to import, and only the leader needs it

        self._scheduler = BackgroundScheduler(timezone=UTC)
        for schedule in self._schedules:
            trigger = _AtSlots(CronTimes(schedule.cron, schedule.zone))
            self._scheduler.add_job(due, trigger, id=schedule.id, coalesce=True, misfire_grace_time=None, max_instances=1)
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None


class _AtSlots(BaseTrigger):  # type: ignore[misc]
    def __init__(self, times: CronTimes) -> None:
        self._times = times

    def get_next_fire_time(self, previous_fire_time: Any, now: datetime) -> datetime:
        # slots that passed are the leader's to find: here only the next one matters
        return self._times.following(max(now, previous_fire_time) if previous_fire_time else now)


def _trigger(cron: str) -> CronTrigger:
    parts = cron.split()
    if len(parts) != 5:
        raise Misconfigured("A schedule has five cron fields: minute, hour, day of month, month, day of week.")
    if parts[2] != "*" and parts[4] != "*":
        # cron means either, APScheduler both: nobody shall have to know
        raise Misconfigured("A schedule names days of the month or days of the week, not both.")
    # APScheduler counts weekdays from Monday, cron from Sunday
    parts[4] = re.sub(r"(?<![/\w])[0-7](?!\w)", lambda day: _WEEKDAYS[int(day[0])], parts[4])
    try:
        return CronTrigger.from_crontab(" ".join(parts), timezone=UTC)
    except ValueError:
        raise Misconfigured("A schedule's cron expression cannot be read.") from None


def _zone(zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise Misconfigured("A schedule's zone is no IANA time zone, for example Asia/Shanghai.") from None
