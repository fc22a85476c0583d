"""A key's value in the form a column compares with. One value, one form: `7` and 7 are the same key, `007` and 7 are not.

A form is canonical so that following a reference there and back ends at the same rows on every database, and so that no database gets to apply
its own conversions, by which MariaDB finds 0 equal to every word.
"""

import math
import re
import uuid
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from privacy.adapters.databases.known import Stored
from privacy.discovery.shapes import Family

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,39})\Z", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]{1,60}(?:\.[0-9]{1,60})?\Z", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\Z", re.ASCII | re.IGNORECASE)
_BITS = {"int2": 16, "smallint": 16, "int4": 32, "integer": 64, "oid": 32, "int8": 64}
_TRUTH = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


def forms(kind: str, column: Stored, value: Any) -> tuple[Any, ...]:
    """Return what to compare `column` with; empty when no cell of it can equal `value`."""
    if value is None:
        return ()
    if type(value) is int and column.family is Family.INTEGER and -(1 << 31) <= value < 1 << 31 and column.base != "int2":
        return (value,)  # nearly every key there is
    if isinstance(value, memoryview | bytearray):
        value = bytes(value)
    if isinstance(value, str) and not _sendable(kind, value):
        return ()
    found = _loose(column, value) if kind == "sqlite" else _strict(kind, column, value)
    return tuple(dict.fromkeys(found))


def _sendable(kind: str, text: str) -> bool:
    """Lone surrogates are no text to any database, U+0000 to PostgreSQL."""
    return not any("\ud800" <= c <= "\udfff" for c in text) and not (kind == "postgresql" and "\x00" in text)


def _strict(kind: str, column: Stored, value: Any) -> tuple[Any, ...]:
    known: Any
    if column.family is Family.BOOLEAN and (kind == "mysql" or column.base == "bit"):
        # MySQL's booleans are small integers, or bits that arrive as bytes
        known = value if isinstance(value, bytes) and column.base == "bit" else integer(value)
    elif column.base == "bit":
        known = value if isinstance(value, bytes) else integer(value)
    elif kind == "mysql" and column.base == "float":
        known = None  # a FLOAT equals no literal
    else:
        read: Callable[[Any], Any] = _BY_FAMILY.get(column.family, text)
        known = read(value)
    if isinstance(known, int) and not isinstance(known, bool) and not _fits(kind, column, known):
        return ()
    return () if known is None else (known,)


def _fits(kind: str, column: Stored, number: int) -> bool:
    if kind == "postgresql" and column.family is Family.INTEGER:
        bits = _BITS.get(column.base, 64)
        return -(1 << bits - 1) <= number < 1 << bits - 1
    return -(1 << 63) <= number < 1 << 64


def _loose(column: Stored, value: Any) -> tuple[Any, ...]:
    """SQLite compares a cell by what it holds, whatever the column declares; a column's affinity converts what we give it."""
    if isinstance(value, bytes):
        return (value,)
    affinity: str = column.base
    written, number = text(value), integer(value)
    if number is not None and not -(1 << 63) <= number < 1 << 63:
        number = None
    if affinity in ("integer", "real", "numeric"):
        if number is not None:
            return (number,) if column.family is not Family.TEXT else (number, written)
        if isinstance(value, float | Decimal):
            return (float(value),)
        # a cell may hold text all the same; text that looks like a number would be converted, so it is none of these
        return (*_instants(value), *(() if written is None or _numeric(written) else (written,)))
    if affinity == "blob":
        return tuple(form for form in (written, number, float(value) if isinstance(value, float) else None) if form is not None)
    return (*_instants(value), *(() if written is None else (written,)))


def _instants(value: Any) -> tuple[str, ...]:
    return (value.isoformat(" "), value.isoformat("T")) if isinstance(value, datetime) else ()


def _numeric(written: str) -> bool:
    try:
        float(written)
    except ValueError:
        return False
    return True


def integer(value: Any) -> int | None:
    """Return a whole number from one, or from its canonical text."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float | Decimal):
        return int(value) if math.isfinite(value) and -(10**40) < value < 10**40 and value == int(value) else None
    return int(value) if isinstance(value, str) and _INTEGER.match(value) and value != "-0" else None


def decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        known = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        return known if known.is_finite() else None
    try:
        return Decimal(value) if isinstance(value, str) and _DECIMAL.match(value) else None
    except InvalidOperation:
        return None


def text(value: Any) -> str | None:
    """Return the one way to write a value as text; nothing for bytes and for what has no such way."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return None
    if isinstance(value, int | uuid.UUID):
        return str(value)
    if isinstance(value, float | Decimal):
        whole = integer(value)
        return str(whole) if whole is not None else str(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return value.isoformat() if isinstance(value, date | time) else None


def unique_id(value: Any) -> str | None:
    if isinstance(value, uuid.UUID):
        return str(value)
    return str(uuid.UUID(value)) if isinstance(value, str) and _UUID.match(value) else None


def binary(value: Any) -> bytes | None:
    return value if isinstance(value, bytes) else None


def day(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else None
    if isinstance(value, date):
        return value.isoformat()
    return _iso(value, lambda written: date.fromisoformat(written).isoformat() if len(written) == 10 else None)


def instant(value: Any) -> str | None:
    if isinstance(value, date):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return _iso(value, lambda written: datetime.fromisoformat(written).isoformat(" ") if len(written) >= 10 else None)


def clock(value: Any) -> str | None:
    if isinstance(value, time):
        return value.isoformat()
    return _iso(value, lambda written: time.fromisoformat(written).isoformat())


def truth(value: Any) -> str | None:
    known = value if isinstance(value, bool) else _TRUTH.get(str(value).lower()) if isinstance(value, int | str) else None
    return None if known is None else str(known).lower()


def _iso(value: Any, read: Callable[[str], str | None]) -> str | None:
    try:
        return read(value) if isinstance(value, str) else None
    except ValueError:
        return None


_BY_FAMILY: dict[Family, Callable[[Any], Any]] = {
    Family.INTEGER: integer,
    Family.DECIMAL: decimal,
    Family.BOOLEAN: truth,
    Family.UUID: unique_id,
    Family.BINARY: binary,
    Family.DATE: day,
    Family.DATETIME: instant,
    Family.TIME: clock,
}
