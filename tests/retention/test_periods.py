"""Periods against an independent computation: month ends, leap days, zones, and the cutoff that says the same the other way round."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.kernel.errors import InvalidInput
from privacy.retention.periods import Period, day_of, shorter, start_of

DAYS = st.dates(date(1990, 1, 1), date(2110, 12, 31))
PERIODS = st.builds(Period, st.integers(0, 400), st.integers(0, 800)).filter(lambda period: period.months + period.days > 0)


def independently(start: date, period: Period) -> date:
    """Count months one by one, then look for the last day that exists."""
    year, month = start.year, start.month
    for _ in range(period.months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    for day in range(start.day, 27, -1) if start.day > 27 else [start.day]:
        try:
            return date(year, month, day) + timedelta(days=period.days)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


@given(DAYS, PERIODS)
def test_the_last_day_is_that_of_the_calendar(start: date, period: Period) -> None:
    assert period.last_day(start) == independently(start, period)
    assert period.due_from(start) == independently(start, period) + timedelta(days=1)


@given(DAYS, PERIODS, st.integers(-40, 40))
def test_what_lies_before_the_cutoff_is_due_and_nothing_else(day: date, period: Period, away: int) -> None:
    """Around the cutoff, day by day."""
    event = period.cutoff(day) + timedelta(days=away)
    assert (period.due_from(event) <= day) == (event < period.cutoff(day))


def test_every_day_of_eight_years_and_of_the_century_without_leap_day() -> None:
    """No event day is early or late by one, for the periods of law."""
    for period in map(Period.parse, ("P1M", "P6M", "P1Y", "P3Y", "P5Y", "P24M", "P90D", "P1Y6M10D")):
        for first in (date(2023, 1, 1), date(2097, 1, 1)):
            for number in range(8 * 366):
                event = first + timedelta(days=number)
                due = period.due_from(event)
                assert event < period.cutoff(due)
                assert event >= period.cutoff(due - timedelta(days=1))


# the vectors of Regulation 1182/71 without a roll: the period ends with this day, the row is due from the next one on
@pytest.mark.parametrize(
    ("start", "one", "three"),
    [
        ("2026-01-29", "2026-02-28", "2026-04-29"),
        ("2026-01-31", "2026-02-28", "2026-04-30"),
        ("2026-02-28", "2026-03-28", "2026-05-28"),
        ("2026-08-31", "2026-09-30", "2026-11-30"),
        ("2026-11-30", "2026-12-30", "2027-02-28"),
        ("2028-01-31", "2028-02-29", "2028-04-30"),
        ("2028-02-29", "2028-03-29", "2028-05-29"),
    ],
)
def test_vectors(start: str, one: str, three: str) -> None:
    day = date.fromisoformat(start)
    assert (Period(1, 0).last_day(day), Period(3, 0).last_day(day)) == (date.fromisoformat(one), date.fromisoformat(three))


def test_a_leap_day_is_over_on_the_first_of_march() -> None:
    assert Period(12, 0).due_from(date(2024, 2, 29)) == date(2025, 3, 1)
    assert Period(48, 0).due_from(date(2024, 2, 29)) == date(2028, 3, 1)


@settings(deadline=None, max_examples=40)
@given(PERIODS, PERIODS)
def test_shorter_is_what_the_calendar_says(one: Period, other: Period) -> None:
    """A period is shorter when it ends earlier from some day on; never both ways unless the calendar decides day by day."""
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(0, 1500, 7)]
    if any(one.last_day(day) < other.last_day(day) for day in days):
        assert shorter(one, other)
    assert not shorter(one, one)


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("P365D", "P1Y", True),
        ("P12M", "P1Y", False),
        ("P1Y", "P366D", True),
        ("P30D", "P1M", True),
        ("P31D", "P1M", False),
        ("P181D", "P6M", True),
        ("P184D", "P6M", False),
    ],
)
def test_months_and_days_compare_on_the_calendar(one: str, other: str, said: bool) -> None:
    assert shorter(Period.parse(one), Period.parse(other)) is said


@pytest.mark.parametrize("text", ["", "P", "3Y", "P0D", "P3W", "P-1Y", "PT5H", "P1Y ", "P1D1Y"])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="P3Y"):
        Period.parse(text)


@given(PERIODS)
def test_a_period_reads_back(period: Period) -> None:
    assert Period.parse(str(period)) == period


def test_days_are_those_of_the_zone_across_clock_changes() -> None:
    """The day the clocks go forward begins an hour later for UTC than the one before; in Apia a whole day is missing."""
    assert start_of(date(2026, 3, 29), "Europe/Berlin") == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert start_of(date(2026, 3, 30), "Europe/Berlin") == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert day_of(datetime(2026, 3, 31, 23, 30, tzinfo=UTC), "Europe/Berlin") == date(2026, 4, 1)
    assert day_of(datetime(2011, 12, 30, 9, tzinfo=UTC), "Pacific/Apia") == date(2011, 12, 29)
