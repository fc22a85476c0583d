"""Calendar periods and the day a row becomes due: exact month ends and leap days, in the zone of whoever decides.

The day of the event is not counted and the last day counts whole (Regulation (EEC, Euratom) 1182/71 Art. 3, used here for every regime): a row whose
clock shows 31 January is due one month later from 1 March on, the first day after 28 (or 29) February. Deadlines of people's requests roll over
weekends; retention does not, since a sweep runs on any day.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from privacy.kernel.errors import InvalidInput

_TEXT = re.compile(r"P(?=\d)(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})D)?")
_ONE_DAY = timedelta(days=1)
# start days to compare two periods on: leap years, years between, and 2100, which is none
_SPANS = ((date(2023, 1, 1), date(2028, 12, 31)), (date(2095, 1, 1), date(2104, 12, 31)))


@dataclass(frozen=True, slots=True)
class Period:
    """So many months and then so many days; written `P3Y`, `P6M`, `P1Y6M`, `P90D` (ISO 8601)."""

    months: int
    days: int

    @classmethod
    def parse(cls, text: str, pointer: str = "/period") -> "Period":
        """Read a period. Raises InvalidInput for anything else, and for a period of nothing."""
        match = _TEXT.fullmatch(text)
        years, months, days = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
        if not years + months + days:
            raise InvalidInput("A period is written like P3Y, P6M, P1Y6M or P90D (ISO 8601), at least one day.", pointer=pointer)
        return cls(12 * years + months, days)

    def __str__(self) -> str:
        years, months = divmod(self.months, 12)
        return "P" + "".join(f"{number}{unit}" for number, unit in ((years, "Y"), (months, "M"), (self.days, "D")) if number)

    @property
    def years_at_least(self) -> float:
        return self.months / 12 + self.days / 366

    def last_day(self, start: date) -> date:
        """Return the last day of a period that an event on `start` began. Raises OverflowError beyond the year 9999."""
        year, month = divmod(start.year * 12 + start.month - 1 + self.months, 12)
        if year > 9999:
            raise OverflowError("beyond the year 9999")
        return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1])) + timedelta(days=self.days)

    def due_from(self, start: date) -> date:
        """Return the first day on which the period is over."""
        return self.last_day(start) + _ONE_DAY

    def cutoff(self, day: date) -> date:
        """Return the first event day that is *not* yet due on `day`: whatever happened before it is."""
        wanted = day - timedelta(days=self.days)
        year, month = divmod(wanted.year * 12 + wanted.month - 1 - self.months, 12)
        if year < 1:
            return date.min
        found = date(year, month + 1, min(wanted.day, calendar.monthrange(year, month + 1)[1]))
        while self.last_day(found) < day:  # a month end that the target month does not have: a few steps at most
            found += _ONE_DAY
        return found


@lru_cache(maxsize=1024)
def shorter(one: Period, other: Period) -> bool:
    """Tell whether there is a day from which `one` ends before `other`: months and days compare on the calendar alone (P12M is P1Y, P365D is less)."""
    return any(one.last_day(day) < other.last_day(day) for first, last in _SPANS for day in _days(first, last))


def start_of(day: date, zone: str) -> datetime:
    """Return the instant at which `day` begins in `zone`, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def day_of(instant: datetime, zone: str) -> date:
    return instant.astimezone(ZoneInfo(zone)).date()


def _days(first: date, last: date) -> list[date]:
    return [date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)]
