"""When a schedule is due: cron expressions in a zone, also on the days when clocks are turned."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.adapters.scheduler import CronTimes
from privacy.kernel.errors import Misconfigured

ZONES = ("UTC", "Asia/Shanghai", "Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns")
BEGINNINGS = st.integers(0, 3 * 365 * 24 * 60).map(lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def slots(cron: str, zone: str, after: datetime, upto: datetime) -> list[datetime]:
    """Every slot, by asking for the next one again and again."""
    times, found = CronTimes(cron, zone), [after]
    while (following := times.following(found[-1])) <= upto:
        found.append(following)
    return found[1:]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "upto", "expected"),
    [
        # the clock jumps from 2 to 3: a run at half past two comes at half past three
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-30T12:00", ["2026-03-29T01:30", "2026-03-30T00:30"]),
        # half past two comes twice: one run
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-26T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        # every hour is every hour, also in the night with twenty-five
        (
            "0 * * * *",
            "Europe/Berlin",
            "2026-10-24T23:30",
            "2026-10-25T03:30",
            ["2026-10-25T00:00", "2026-10-25T01:00", "2026-10-25T02:00", "2026-10-25T03:00"],
        ),
        # Sunday is 0, 7 and sun, as in every other cron
        ("0 3 * * 0", "UTC", "2026-11-21T00:00", "2026-11-30T00:00", ["2026-11-22T03:00", "2026-11-29T03:00"]),
        ("0 3 * * 7", "UTC", "2026-11-21T00:00", "2026-11-28T00:00", ["2026-11-22T03:00"]),
        ("0 3 * * 1-2", "UTC", "2026-11-21T00:00", "2026-11-28T00:00", ["2026-11-23T03:00", "2026-11-24T03:00"]),
        ("0 0 29 2 *", "UTC", "2026-11-22T00:00", "2032-03-01T00:00", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("0 3 1 * *", "Asia/Shanghai", "2026-11-22T00:00", "2027-01-01T00:00", ["2026-11-30T19:00", "2026-12-31T19:00"]),
    ],
)
def test_slots_are_what_a_person_would_expect(cron: str, zone: str, after: str, upto: str, expected: list[str]) -> None:
    """In the zone's wall clock time, whatever the clock does that night."""
    assert slots(cron, zone, at(after), at(upto)) == [at(slot) for slot in expected]


@pytest.mark.parametrize("cron", ["", "* * * *", "61 * * * *", "0 3 30 2 *", "0 3 1 * 1", "0 3 * * 8", "@daily"])
def test_what_is_no_schedule_is_refused_at_the_start(cron: str) -> None:
    """An expression that would never come, or that cron and its reader understand differently, is not taken."""
    with pytest.raises(Misconfigured):
        CronTimes(cron, "UTC")
    with pytest.raises(Misconfigured):
        CronTimes("0 3 * * *", "Mars/Olympus")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 59), st.integers(0, 23), st.sampled_from(ZONES), BEGINNINGS)
def test_a_daily_schedule_comes_once_on_every_day(minute: int, hour: int, zone: str, after: datetime) -> None:
    """Three weeks of any year in any zone: one slot for each date of the wall clock, never two, never none."""
    found = slots(f"{minute} {hour} * * *", zone, after, after + timedelta(days=21))
    days = [slot.astimezone(ZoneInfo(zone)).date() for slot in found]
    assert len(days) in (20, 21, 22)
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["*/20 * * * *", "5 */6 * * *", "30 2 * * *", "0 4 * * mon"]),
    st.sampled_from(ZONES),
    BEGINNINGS,
)
def test_the_last_slot_is_the_last_of_all_slots(cron: str, zone: str, after: datetime) -> None:
    """What a leader finds after downtime is what one who was always there would have seen."""
    upto = after + timedelta(days=9)
    every = slots(cron, zone, after, upto)
    assert CronTimes(cron, zone).last(after, upto) == (every[-1], len(every) - 1)
    assert CronTimes(cron, zone).last(every[-1], upto) == (None, 0)
