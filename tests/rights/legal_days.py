"""Rules and calendars for tests: the shipped ones, and two made-up calendars whose days are computed by another way than the shipped files were."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from privacy.rights.calendars import Calendars, CalendarYear
from privacy.rights.deadlines import Deadlines
from privacy.rights.model import Clock
from privacy.rights.rules import Rules, Source

POLICIES = Path(__file__).parents[2] / "policies"
SOURCE = Source("made up for tests", date(2026, 1, 1))
WEEKEND = frozenset({5, 6})


def easter_sunday(year: int) -> date:
    """Return Easter Sunday by Gauss's method with Lichtenberg's correction."""
    century = year // 100
    moon = 15 + (3 * century + 3) // 4 - (8 * century + 13) // 25
    sun = 2 - (3 * century + 3) // 4
    golden = year % 19
    seed = (19 * golden + moon) % 30
    full_moon = 21 + seed - (seed // 29 + (seed // 28 - seed // 29) * (golden // 11))
    first_sunday = 7 - (year + year // 4 + sun) % 7
    return date(year, 3, 1) + timedelta(days=full_moon + (7 - (full_moon - first_sunday) % 7) - 1)


def holidays_t(year: int) -> frozenset[date]:
    """Return the holidays of calendar T: 1 January, Good Friday, Easter Monday, 1 May, 25 and 26 December."""
    easter = easter_sunday(year)
    return frozenset({date(year, 1, 1), easter - timedelta(2), easter + timedelta(1), date(year, 5, 1), date(year, 12, 25), date(year, 12, 26)})


def year_of(id: str, year: int, off_days: frozenset[date] = frozenset(), *, version: int = 1, status: str = "in_force") -> CalendarYear:
    return CalendarYear(id, "", "", year, version, status, WEEKEND, off_days, frozenset(), SOURCE)


@cache
def shipped() -> Deadlines:
    """Return the shipped rules with the shipped calendars and, beside them, W (weekends alone) and T of the years 2019 to 2037."""
    calendars = [*Calendars.load(POLICIES / "calendars"), year_of("w", 0), *(year_of("t", year, holidays_t(year)) for year in range(2019, 2038))]
    return Deadlines(Rules.load(POLICIES / "deadlines"), Calendars(calendars))


def noon(day: date | str, zone: str = "Europe/Berlin") -> datetime:
    local = date.fromisoformat(day) if isinstance(day, str) else day
    return datetime(local.year, local.month, local.day, 12, tzinfo=ZoneInfo(zone))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def only(clocks: tuple[Clock, ...], name: str = "answer", rule: str = "") -> Clock:
    (found,) = [clock for clock in clocks if clock.name == name and rule in ("", clock.rule)]
    return found
