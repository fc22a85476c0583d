"""A second way to compute the last day of a period: it walks day by day and knows nothing of the engine but the words of its rules."""

from collections.abc import Callable
from datetime import date, timedelta

from privacy.rights.rules import Reading

_ONE = timedelta(days=1)


def last_day(reading: Reading, receipt: date, is_working: Callable[[date], bool]) -> date:
    """Return the last day of `reading` for an event on `receipt`, by walking the calendar one day at a time."""
    if reading.unit in ("month", "year"):
        months = reading.n * (12 if reading.unit == "year" else 1)
        day = _same_number(receipt + _ONE if reading.counting == "from_next_day" else receipt, months, reading.missing_day)
        day -= _ONE if reading.counting == "event_day_included" else timedelta()
    else:
        day = _counted(reading, receipt, is_working if reading.unit == "business_day" else lambda _: True)
    while reading.roll == "next_working_day" and not is_working(day):
        day += _ONE
    return day


def _counted(reading: Reading, receipt: date, counts: Callable[[date], bool]) -> date:
    """Tick off days that count until there are enough; the day of receipt is ticked only where the reading says so."""
    day, ticked = receipt, 1 if reading.counting == "event_day_included" and counts(receipt) else 0
    while ticked < reading.n:
        day += _ONE
        ticked += counts(day)
    return day


def _same_number(start: date, months: int, missing_day: str) -> date:
    """Walk until the month has changed `months` times; stop at the day number, or where that month ends before it."""
    day, turned = start, 0
    while turned < months:
        day += _ONE
        turned += day.day == 1
    while day.day < start.day and (day + _ONE).day != 1:
        day += _ONE
    if day.day < start.day and missing_day == "first_of_next_month":
        day += _ONE
    return day
