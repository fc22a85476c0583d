"""Calendar periods (ISO 8601, years, months, days): a year is a year, not 365 days."""

import calendar
import re
from datetime import datetime, timedelta

_PERIOD = re.compile(r"P(?=\d)(?:(\d{1,3})Y)?(?:(\d{1,3})M)?(?:(\d{1,4})D)?")


def is_period(text: str) -> bool:
    return _PERIOD.fullmatch(text) is not None


def after(start: datetime, period: str) -> datetime:
    """Return `start` plus `period`; a day that the month does not have becomes its last day. Raises ValueError for anything but a period."""
    match = _PERIOD.fullmatch(period)
    if match is None:
        raise ValueError("not a period like P2Y")
    years, months, days = (int(part or 0) for part in match.groups())
    month = start.month - 1 + months + 12 * years
    year, month = start.year + month // 12, month % 12 + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return start.replace(year=year, month=month, day=day) + timedelta(days=days)
