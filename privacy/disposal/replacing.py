"""What an anonymised field becomes, by its type: nothing where the column allows it, otherwise a fixed value that says nothing about anybody.

Texts become `[erased]`, cut to the column's length; numbers 0, booleans false, dates and times 2 January 1970 (inside the range of every
database in every zone; keeping the year would keep a birth year), JSON `{}`, bytes nothing at all. A field that must stay unique gets a keyed
digest of its row's key instead. Keys, references and generated columns are never replaced.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from privacy.disposal.target import ColumnShape, TableShape
from privacy.disposal.values import canonical
from privacy.inventory.model import Dataset, Status
from privacy.inventory.relations import Handling
from privacy.kernel.canonical import length_prefixed

ERASED = "[erased]"
_FIXED: Mapping[str, Any] = {
    "integer": 0,
    "decimal": 0,
    "boolean": False,
    "date": date(1970, 1, 2),
    "datetime": datetime(1970, 1, 2),  # noqa: DTZ001 - the column decides whether it has a zone
    "time": time(0),
    "json": "{}",
    "binary": b"",
    "uuid": UUID(int=0),
    "inet": "0.0.0.0",  # noqa: S104 - an address that is nobody's
}
_NOT_UNIQUE = {"boolean", "json", "binary", "date", "datetime", "time", "inet"}


@dataclass(frozen=True, slots=True)
class Blanks:
    """What happens to the columns of one table: `values` for all rows alike, `unique` row by row, `left` are personal and cannot be replaced."""

    values: Mapping[str, Any] = field(default_factory=dict)
    unique: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(sorted((*self.values, *self.unique)))


def blanks(shape: TableShape, dataset: Dataset, handling: Handling | None, untouched: Collection[str]) -> Blanks:
    """Decide what each column of an anonymised row becomes; `untouched` are references and columns that others refer to.

    Fields confirmed as not personal stay; what nobody decided yet counts as personal. What stands encrypted beside a field is emptied with it.
    """
    values: dict[str, Any] = {}
    unique: list[str] = []
    left: list[str] = []
    said = handling.replacements if handling else {}
    singular = {column for columns in shape.unique for column in columns}
    for name, column in shape.columns.items():
        # an encrypted column takes no words of ours
        wish = said.get(name) if name not in dataset.beside else None
        if name in dataset.ours:
            continue
        if name in shape.primary_key or column.generated or (wish is None and (name in untouched or _is_not_personal(dataset, name))):
            continue
        if wish is not None and wish.startswith("text:"):
            values[name] = _cut(wish.removeprefix("text:"), column)
        elif column.nullable:
            values[name] = None
        elif name in singular and column.family not in _NOT_UNIQUE:
            unique.append(name)
        elif column.family == "text" and not _is_listed(column):
            values[name] = _cut(ERASED, column)
        elif column.family in _FIXED:
            values[name] = _FIXED[column.family]
        else:
            left.append(name)
    emptied = {column for field, columns in dataset.beside.items() if field in values or field in unique for column in columns}
    return Blanks({**values, **dict.fromkeys(sorted(emptied & shape.columns.keys()))}, tuple(unique), tuple(left))


def row_values(key: bytes, shape: TableShape, columns: Sequence[str], row: tuple[Any, ...]) -> dict[str, Any]:
    """Return for one row a value of its own for each of `columns`: from a keyed digest of the row's key, the same again after a crash."""
    return {name: _own(key, shape, shape.columns[name], row) for name in columns}


def _own(key: bytes, shape: TableShape, column: ColumnShape, row: tuple[Any, ...]) -> Any:
    parts = (shape.name, column.name, *map(canonical, row))
    digest = hmac.new(key, length_prefixed(part.encode("utf-8", "surrogatepass") for part in parts), hashlib.sha256).digest()
    if column.family in ("integer", "decimal"):
        # below every number a running key gives; 31 bits fit an ordinary integer column
        return -(int.from_bytes(digest[:4], "big") >> 1) - 1
    if column.family == "uuid":
        return UUID(bytes=digest[:16], version=8)
    return _cut(f"erased-{digest.hex()}", column) if (column.length or 64) >= 20 else digest.hex()[: column.length]


def _cut(text: str, column: ColumnShape) -> str:
    return text[: column.length] if column.length is not None else text


def _is_listed(column: ColumnShape) -> bool:
    """Tell a type with a closed list of words (ENUM, SET): no word of ours is in it."""
    return column.type.lower().startswith(("enum", "set("))


def _is_not_personal(dataset: Dataset, name: str) -> bool:
    known = dataset.fields.get(name)
    return known is not None and known.status is Status.NOT_PERSONAL
