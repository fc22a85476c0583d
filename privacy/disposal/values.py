"""Values of foreign databases as keys: compared across column types, written down and read back. They are personal: nothing here prints them."""

import base64
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

Key = tuple[str, ...]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM = 10**11


def canonical(value: Any) -> str:
    """Return a text that is equal for equal values of different types: 7, Decimal('7.0') and '7' are one key, as a soft link needs it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Decimal | float):
        return str(int(value)) if value == int(value) else format(value, "f")
    if isinstance(value, bytes | bytearray | memoryview):
        return f"\x00{bytes(value).hex()}"  # no text column can hold a NUL: bytes never pass for text
    if isinstance(value, datetime):
        return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat()
    return str(value)


def canonical_key(values: Iterable[Any]) -> Key:
    return tuple(canonical(value) for value in values)


def written(value: Any) -> Any:
    """Return a value as JSON keeps it: plain where JSON has the type, else `[type, text]`. Integers of any size come back exactly."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else ["int", str(value)]
    for kind, name, write in _WRITTEN:
        if isinstance(value, kind):
            return [name, write(value)]
    return ["text", str(value)]


def read_back(kept: Any) -> Any:
    """Return what `written` was given; a type of a database's own comes back as its text."""
    return _READ[kept[0]](kept[1]) if isinstance(kept, list) else kept


def as_instant(value: Any) -> datetime | None:
    """Return a clock column's value as an instant: dates at midnight UTC, naive times as UTC, ISO texts, epoch seconds (milliseconds from 10^11)."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, str):
        try:
            return as_instant(datetime.fromisoformat(value.strip()))
        except ValueError:
            return None
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = float(value)
        seconds = number / 1000 if abs(number) >= _MILLISECONDS_FROM else number
        try:
            return _EPOCH + timedelta(seconds=seconds)
        except OverflowError:
            return None
    return None


def in_chunks(keys: Sequence[tuple[Any, ...]], size: int) -> Iterable[tuple[tuple[Any, ...], ...]]:
    return (tuple(keys[start : start + size]) for start in range(0, len(keys), size))


_WRITTEN: tuple[tuple[Any, str, Any], ...] = (
    (datetime, "datetime", lambda value: value.isoformat()),  # before date: every datetime is one
    (date, "date", lambda value: value.isoformat()),
    (time, "time", lambda value: value.isoformat()),
    (timedelta, "seconds", lambda value: repr(value.total_seconds())),
    (Decimal, "decimal", str),
    (float, "float", float.hex),
    (UUID, "uuid", str),
    ((bytes, bytearray, memoryview), "bytes", lambda value: base64.b64encode(bytes(value)).decode("ascii")),
)
_READ: dict[str, Any] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "seconds": lambda text: timedelta(seconds=float(text)),
    "decimal": Decimal,
    "float": float.fromhex,
    "uuid": UUID,
    "bytes": base64.b64decode,
    "int": int,
    "text": str,
}
