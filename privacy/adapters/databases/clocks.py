"""Is this cell earlier than that instant? In SQL, for dates, timestamps, texts and numbers, on each database.

What is no instant is never early: NULL, '', '0000-00-00', infinity, a text that is no ISO date. A number counts from 10^8 on (3 March 1973 as
seconds, and as milliseconds from 10^11): smaller ones are sentinels, days like 20240101, or Julian days, and erasing by mistake is the worse error.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from privacy.adapters.databases.known import Stored
from privacy.discovery.shapes import Family
from privacy.kernel.errors import InvalidInput

_LEAST, _MILLISECONDS = 100_000_000, 100_000_000_000
# ISO 8601 as people's databases hold it; days that no month has would stop PostgreSQL's cast, so they are none here
_YEAR = r"[12][0-9]{3}"
_DAY = (
    rf"({_YEAR}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    r"|([12][0-9](0[48]|[2468][048]|[13579][26])|(16|20|24|28|12)00)-02-29)"
)
_TIME = r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?"
_ZONE = r"( ?(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9]))?)?"
_ISO = rf"^{_DAY}{_TIME}{_ZONE}$"

_YEAR_1000 = 2086302.5  # as a Julian day: 0001-01-01 is a sentinel

Written = tuple[str, tuple[Any, ...]]


def before(kind: str, column: Stored, instant: datetime | date) -> Written:
    """Return SQL that is true where the cell is an instant earlier than `instant`. Raises InvalidInput for a column that holds no time."""
    moment = _moment(instant)
    if kind == "sqlite":
        return _sqlite(column, moment)
    if column.family in (Family.INTEGER, Family.DECIMAL):
        return _number(column.sql, moment, "%s")
    if column.family is Family.DATE:
        return _date(kind, column, moment.date())
    if column.family is Family.DATETIME:
        return _timestamp(kind, column, moment)
    if column.family is Family.TEXT:
        return _postgresql_text(column, moment) if kind == "postgresql" else _mariadb_text(column, moment)
    raise InvalidInput("A clock is a column of dates, timestamps, ISO texts or seconds; choose another one.", code="no_clock")


def _moment(instant: datetime | date) -> datetime:
    if not isinstance(instant, datetime):
        return datetime.combine(instant, time(0), UTC)
    if instant.tzinfo is None:
        raise InvalidInput("An instant needs a time zone.")
    return instant.astimezone(UTC)


def _number(sql: str, moment: datetime, mark: str) -> Written:
    seconds = int(moment.timestamp())
    if seconds <= _LEAST:
        return "1 = 0", ()
    # the greatest bound first: it alone tells that a text is no number, since SQLite sorts texts after numbers
    written = f"({sql} < {mark} AND {sql} >= {_LEAST} AND ({sql} < {mark} OR {sql} >= {_MILLISECONDS}))"
    return written, (int(moment.timestamp() * 1000), min(seconds, _MILLISECONDS))


def _date(kind: str, column: Stored, day: date) -> Written:
    if kind == "postgresql":
        return f"({column.sql} < CAST(%s AS date) AND isfinite({column.sql}))", (day.isoformat(),)
    return f"({column.sql} < %s AND YEAR({column.sql}) > 0)", (day.isoformat(),)


def _timestamp(kind: str, column: Stored, moment: datetime) -> Written:
    if kind == "postgresql":
        written = moment.isoformat() if column.base == "timestamptz" else moment.replace(tzinfo=None).isoformat(" ")
        return f"({column.sql} < CAST(%s AS {column.cast or 'timestamptz'}) AND isfinite({column.sql}))", (written,)
    return f"({column.sql} < %s AND YEAR({column.sql}) > 0)", (moment.replace(tzinfo=None).isoformat(" "),)


def _postgresql_text(column: Stored, moment: datetime) -> Written:
    # the session's zone is UTC, so a text without a zone is read as UTC
    cell = f"CAST({column.sql} AS text)"
    return f"(CASE WHEN {cell} ~ '{_ISO}' THEN CAST({cell} AS timestamptz) < CAST(%s AS timestamptz) END)", (moment.isoformat(),)


def _mariadb_text(column: Stored, moment: datetime) -> Written:
    plain = f"REPLACE(CONVERT({column.sql} USING utf8mb4), 'T', ' ')"
    zone = f"REGEXP_SUBSTR({plain}, '[+-][0-9]{{2}}:?[0-9]{{2}}$')"
    # the time up to its seconds and fraction; what follows is a zone
    local = f"CAST(REGEXP_SUBSTR({plain}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}( [0-9:.]+)?') AS DATETIME(6))"
    offset = f"CONCAT(LEFT({zone}, 3), ':', RIGHT({zone}, 2))"
    # a day has no zone, although its last three characters look like one
    utc = f"CASE WHEN CHAR_LENGTH({plain}) > 10 AND {zone} <> '' THEN CONVERT_TZ({local}, {offset}, '+00:00') ELSE {local} END"
    written = f"(CASE WHEN {column.sql} REGEXP '{_ISO}' THEN {utc} < %s END)"
    return written, (moment.replace(tzinfo=None).isoformat(" "),)


def _sqlite(column: Stored, moment: datetime) -> Written:
    """Cells decide, not the column: text is read as ISO, numbers as seconds or milliseconds. Written for speed: a sweep asks it of every row."""
    cell = column.sql
    if column.family is Family.DATE:
        latest, least = moment.date().isoformat(), f"julianday({cell}) >= {_YEAR_1000}"
        values: tuple[str, ...] = (latest,)
    else:
        # a day later than any zone could make it is never early: one comparison tells most rows of a sweep
        latest = (moment + timedelta(days=2)).date().isoformat()
        colon = f"substr({cell}, 1, length({cell}) - 2) || ':' || substr({cell}, -2)"
        # SQLite reads +08:00, not +0800; its instants are whole milliseconds, so "before" is "up to the one before"
        parsed = f"coalesce(julianday({cell}), CASE WHEN length({cell}) > 15 THEN julianday({colon}) END)"
        least = f"{parsed} BETWEEN {_YEAR_1000} AND julianday(?)"
        values = (latest, (moment - timedelta(milliseconds=1)).replace(tzinfo=None).isoformat(" ", "milliseconds"))
    text = f"{cell} LIKE '____-__-__%' AND {least}"
    if column.base == "text":
        return f"({cell} < ? AND {text})", values
    # numbers sort before texts; a unary plus keeps a text cell from being read as a number
    number, bounds = _number(f"+{cell}", moment, "?")
    return f"({cell} < ? AND (({text}) OR {number}))", (*values, *bounds)
