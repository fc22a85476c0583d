"""The days that the law gives for chosen receipts, worked out by hand. Sources stand with each table."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from privacy.rights.model import Clock
from tests.rights.legal_days import noon, only, shipped, utc

D = date.fromisoformat

# Reg. (EEC, Euratom) 1182/71 Art. 3; CJEU C-171/03 Toeters; GDPR Art. 12(3).
# receipt, one month without roll, due in W, due in T, three months without roll, due in T, month 1 clipped plus two (wrong)
MONTHS = [
    ("2026-01-29", "2026-02-28", "2026-03-02", "2026-03-02", "2026-04-29", "2026-04-29", "2026-04-28"),
    ("2026-01-31", "2026-02-28", "2026-03-02", "2026-03-02", "2026-04-30", "2026-04-30", "2026-04-28"),
    ("2026-02-28", "2026-03-28", "2026-03-30", "2026-03-30", "2026-05-28", "2026-05-28", "2026-05-28"),
    ("2026-03-05", "2026-04-05", "2026-04-06", "2026-04-07", "2026-06-05", "2026-06-05", "2026-06-05"),
    ("2026-04-01", "2026-05-01", "2026-05-01", "2026-05-04", "2026-07-01", "2026-07-01", "2026-07-01"),
    ("2026-07-31", "2026-08-31", "2026-08-31", "2026-08-31", "2026-10-31", "2026-11-02", "2026-10-31"),
    ("2026-08-31", "2026-09-30", "2026-09-30", "2026-09-30", "2026-11-30", "2026-11-30", "2026-11-30"),
    ("2026-11-25", "2026-12-25", "2026-12-25", "2026-12-28", "2027-02-25", "2027-02-25", "2027-02-25"),
    ("2026-11-30", "2026-12-30", "2026-12-30", "2026-12-30", "2027-02-28", "2027-03-01", "2027-02-28"),
    ("2026-12-31", "2027-01-31", "2027-02-01", "2027-02-01", "2027-03-31", "2027-03-31", "2027-03-31"),
    ("2027-01-29", "2027-02-28", "2027-03-01", "2027-03-01", "2027-04-29", "2027-04-29", "2027-04-28"),
    ("2027-01-31", "2027-02-28", "2027-03-01", "2027-03-01", "2027-04-30", "2027-04-30", "2027-04-28"),
    ("2028-01-31", "2028-02-29", "2028-02-29", "2028-02-29", "2028-04-30", "2028-05-02", "2028-04-29"),
    ("2028-02-29", "2028-03-29", "2028-03-29", "2028-03-29", "2028-05-29", "2028-05-29", "2028-05-29"),
]


def extended(clock: Clock) -> Clock:
    told = datetime.fromisoformat(str(clock.inputs["received_at"])) + timedelta(days=1)
    return shipped().extend(clock, at=told, notified_at=told, reason="complex")


@pytest.mark.parametrize(("receipt", "unrolled", "due_w", "due_t", "long_unrolled", "long_due_t", "wrong"), MONTHS)
@pytest.mark.parametrize("regime", ["gdpr", "uk_gdpr"])
def test_a_month_ends_on_its_day_number_or_the_last_and_rolls_to_a_working_day(
    regime: str, receipt: str, unrolled: str, due_w: str, due_t: str, long_unrolled: str, long_due_t: str, wrong: str
) -> None:
    """30 days, or two months after a clipped month, give other days: the extension counts from the receipt."""
    in_w = only(shipped().clocks("access", [regime], "Europe/Berlin", "w", noon(receipt)))
    in_t = only(shipped().clocks("access", [regime], "Europe/Berlin", "t", noon(receipt)))
    assert (in_w.due, in_t.due, in_t.target) == (D(due_w), D(due_t), D(unrolled))
    assert not in_t.provisional
    longer = extended(in_t)
    assert (longer.due, longer.target) == (D(long_due_t), D(long_unrolled))
    assert longer.target >= D(wrong)


def test_the_local_day_of_the_establishment_counts_not_the_utc_day() -> None:
    clock = only(shipped().clocks("access", ["gdpr"], "Europe/Berlin", "t", utc("2026-03-31T23:30:00")))
    assert (clock.target, clock.due) == (D("2026-05-01"), D("2026-05-04"))
    in_utc = only(shipped().clocks("access", ["gdpr"], "UTC", "t", utc("2026-03-31T23:30:00")))
    assert in_utc.due == D("2026-04-30")


# GDPR Art. 33(1); 国家网络安全事件报告管理办法 Art. 4: elapsed hours, weekends and holidays included, no roll
HOURS = [
    ("2026-03-27T10:00", "Europe/Berlin", "gdpr", "gdpr.breach.authority", "2026-03-30T11:00+02:00"),
    ("2026-10-23T10:00", "Europe/Berlin", "gdpr", "gdpr.breach.authority", "2026-10-26T09:00+01:00"),
    ("2026-04-03T18:30", "Europe/Berlin", "gdpr", "gdpr.breach.authority", "2026-04-06T18:30+02:00"),
    ("2026-02-16T22:15", "Asia/Shanghai", "pipl", "cn.incident.provincial", "2026-02-17T02:15+08:00"),
]


@pytest.mark.parametrize(("aware", "zone", "regime", "rule", "limit"), HOURS)
def test_hours_run_on_the_instant(aware: str, zone: str, regime: str, rule: str, limit: str) -> None:
    """A change of summer time in between neither gives nor takes an hour."""
    known = datetime.fromisoformat(aware).replace(tzinfo=ZoneInfo(zone))
    clock = only(shipped().clocks("breach", [regime], zone, "t", known), "notify_authority", rule)
    assert isinstance(clock.due, datetime)
    assert clock.due.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes") == limit
    assert clock.target == clock.due


# Cal. Civ. Code 1798.130(a)(2); 11 CCR 7021, 7026, 7027. Business days Monday to Friday.
# receipt, 10 business days, 15 business days, +44, +45, +90
CALIFORNIA = [
    ("2026-03-05", "2026-03-19", "2026-03-26", "2026-04-18", "2026-04-19", "2026-06-03"),
    ("2026-07-01", "2026-07-15", "2026-07-22", "2026-08-14", "2026-08-15", "2026-09-29"),
    ("2026-11-20", "2026-12-04", "2026-12-11", "2027-01-03", "2027-01-04", "2027-02-18"),
    ("2026-12-18", "2027-01-01", "2027-01-08", "2027-01-31", "2027-02-01", "2027-03-18"),
]
_LA = "America/Los_Angeles"


@pytest.mark.parametrize(("receipt", "ten", "fifteen", "target", "due", "long_due"), CALIFORNIA)
def test_california_counts_calendar_days_from_the_receipt_and_rolls_nothing(receipt: str, ten: str, fifteen: str, target: str, due: str, long_due: str) -> None:
    clocks = shipped().clocks("access", ["ccpa"], _LA, "us", noon(receipt, _LA))
    answer = only(clocks)
    assert (answer.target, answer.due) == (D(target), D(due))
    assert extended(answer).due == D(long_due)
    assert only(clocks, "confirm_receipt").target == D(ten)
    assert only(shipped().clocks("opt_out", ["ccpa"], _LA, "us", noon(receipt, _LA))).target == D(fifteen)


def test_a_federal_holiday_moves_the_due_day_of_a_confirmation_and_never_its_alarm() -> None:
    """Christmas and New Year's Day lie in between; alarms count Monday to Friday because the regulation defines no business day."""
    clock = only(shipped().clocks("access", ["ccpa"], _LA, "us", noon("2026-12-18", _LA)), "confirm_receipt")
    assert (clock.target, clock.due) == (D("2027-01-01"), D("2027-01-05"))


# Working days by the State Council's notices of 2025 and 2026, the day after receipt being the first.
# receipt, 15 working days, 15 days Monday to Friday (wrong), +30 days
CHINA = [
    ("2026-02-06", "2026-03-05", "2026-02-27", "2026-03-08"),
    ("2026-02-10", "2026-03-09", "2026-03-03", "2026-03-12"),
    ("2026-02-14", "2026-03-13", "2026-03-06", "2026-03-16"),
    ("2026-04-20", "2026-05-13", "2026-05-11", "2026-05-20"),
    ("2026-09-14", "2026-10-10", "2026-10-05", "2026-10-14"),
    ("2026-09-21", "2026-10-19", "2026-10-12", "2026-10-21"),
    ("2026-09-30", "2026-10-27", "2026-10-21", "2026-10-30"),
    ("2026-12-01", "2026-12-22", "2026-12-22", "2026-12-31"),
]
_CN = "Asia/Shanghai"


@pytest.mark.parametrize(("receipt", "working", "guess", "thirty"), CHINA)
def test_china_counts_working_days_with_worked_weekends(receipt: str, working: str, guess: str, thirty: str) -> None:
    clocks = shipped().clocks("access", ["pipl"], _CN, "cn", noon(receipt, _CN))
    assert only(clocks, rule="pipl.dsr.app").due == D(working)
    assert only(clocks, rule="pipl.dsr.gbt").due == D(thirty)
    with_weekends = shipped().calendars.walk("weekends").nth_working(D(receipt), 15)
    assert with_weekends == D(guess)
    assert only(clocks, rule="pipl.dsr.timely").due <= min(D(working), D(thirty))
