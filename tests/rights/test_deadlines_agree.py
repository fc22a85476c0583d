"""The engine against a second implementation that walks day by day: every receipt day of sixteen years, every kind of rule, every calendar."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.rights.calendars import Calendars, CalendarYear
from privacy.rights.deadlines import Deadlines
from privacy.rights.rules import COUNTINGS, MISSING_DAYS, ROLLS, UNITS, Reading, Rule, Rules
from tests.rights.day_by_day import last_day
from tests.rights.legal_days import SOURCE, WEEKEND, holidays_t, noon, shipped, year_of

FIRST, LAST = date(2020, 1, 1), date(2035, 12, 31)
DAYS = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]


def a_rule(due: Reading, **more: object) -> Rule:
    settled = {"kinds": ("access",), "status": "in_force", "valid_from": date(2000, 1, 1), "en": "", "zh": "", "article": "", "name": "answer"}
    return Rule(id="test.rule", version=1, regime="gdpr", due=due, target=due, source=SOURCE, **{**settled, **more})  # type: ignore[arg-type]


def engine(due: Reading, **more: object) -> Deadlines:
    return Deadlines(Rules([a_rule(due, **more)]), shipped().calendars)


def working(calendar: str) -> Callable[[date], bool]:
    """Tell working days from the files' lists alone."""
    off = {day for year in shipped().calendars if year.id == calendar for day in year.off_days}
    worked = {day for year in shipped().calendars if year.id == calendar for day in year.make_up_days}
    if calendar == "t":
        off = {day for year in range(2019, 2038) for day in holidays_t(year)}
    return lambda day: day in worked or (day.weekday() < 5 and day not in off)


def readings(calendar: str) -> list[Reading]:
    """Return every combination of unit, counting, missing day and roll that a rule file may hold, with short and long periods."""
    made = []
    for unit, counting, missing, roll in product(UNITS, COUNTINGS, MISSING_DAYS, ROLLS):
        by_month = unit in ("month", "year")
        if unit == "hour" or (counting == "from_next_day" and not by_month) or (missing != MISSING_DAYS[0] and not by_month):
            continue
        for n in {"year": (1,), "month": (1, 3), "day": (1, 45), "business_day": (1, 15)}[unit]:
            wants = unit == "business_day" or roll != "none"
            made.append(Reading(n, unit, counting, missing, roll, calendar if wants else ""))
    return made


def kinds_of(calendar: str) -> list[Reading]:
    """Return the shipped readings, and the invented ones that the shipped rules do not use yet."""
    used = [each for rule in shipped().rules for each in (rule.due, rule.target, *((rule.extension.due, rule.extension.target) if rule.extension else ()))]
    return [Reading(each.n, each.unit, each.counting, each.missing_day, each.roll, calendar if each.calendar else "") for each in used if each.unit != "hour"]


@pytest.mark.parametrize("calendar", ["t", "weekends"])
def test_shipped_periods_agree_on_every_receipt_day(calendar: str) -> None:
    is_working = working(calendar)
    for reading in dict.fromkeys(kinds_of(calendar)):
        clocks = engine(reading)
        differing = [day for day in DAYS if clocks.clocks("access", ["gdpr"], "UTC", calendar, noon(day, "UTC"))[0].due != last_day(reading, day, is_working)]
        assert differing == [], reading


@pytest.mark.parametrize("calendar", sorted({year.id for year in shipped().calendars} - {"t", "w", "weekends"}))
def test_shipped_calendars_agree_on_every_receipt_day_they_cover(calendar: str) -> None:
    """Beyond the years of its files a day is provisional and what needs no calendar."""
    is_working = working(calendar)
    years = {year.year for year in shipped().calendars if year.id == calendar}
    accepted = frozenset((year.name, year.version) for year in shipped().calendars)
    for reading in dict.fromkeys(each for each in kinds_of(calendar) if each.needs_calendar):
        clocks = engine(reading)
        for day in (each for each in DAYS if each.year in range(2024, 2030)):
            clock = clocks.clocks("access", ["gdpr"], "UTC", calendar, noon(day, "UTC"), accepted=accepted)[0]
            reached = last_day(reading, day, is_working)
            first = day + timedelta(days=1) if reading.unit == "business_day" else last_day(reading.without_calendar(), day, is_working)
            covered = set(range(first.year, reached.year + 1)) <= years
            wanted = reached if covered else last_day(reading.without_calendar(), day, is_working)
            assert (clock.due, clock.provisional) == (wanted, not covered), (reading, day)


@pytest.mark.parametrize("reading", readings("t"), ids=str)
@settings(max_examples=30)
@given(day=st.dates(FIRST, LAST))
def test_every_kind_of_reading_agrees(reading: Reading, day: date) -> None:
    """Also those that no shipped rule uses: an operator's own file may."""
    assert engine(reading).clocks("access", ["gdpr"], "UTC", "t", noon(day, "UTC"))[0].due == last_day(reading, day, working("t"))


@given(
    day=st.dates(date(2026, 1, 1), date(2026, 6, 30)),
    n=st.integers(1, 40),
    off=st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=60),
    data=st.data(),
)
def test_any_calendar_with_worked_weekends_agrees(day: date, n: int, off: frozenset[date], data: st.DataObject) -> None:
    weekends = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    worked = data.draw(st.frozensets(st.sampled_from([each for each in weekends if each.weekday() >= 5 and each not in off]), max_size=20))
    years = [CalendarYear("any", "", "", 2026, 1, "in_force", WEEKEND, off, worked, SOURCE), year_of("any", 2027)]
    reading = Reading(n, "business_day", roll="none", calendar="any")
    clock = Deadlines(Rules([a_rule(reading)]), Calendars(years)).clocks("access", ["gdpr"], "UTC", "any", noon(day, "UTC"))[0]
    assert clock.due == last_day(reading, day, lambda each: each in worked or (each.weekday() < 5 and each not in off))
