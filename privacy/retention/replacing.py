"""What an anonymised row holds in place of personal fields: nothing where the column allows it, else one fixed value per type.

A unique column that must not be empty cannot hold one value twice: it is an obstacle with its remedy, never a half-done row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from privacy.disposal.target import IsNull, KeysIn, Not, TableShape, Where
from privacy.inventory.model import Dataset, Field, Status
from privacy.inventory.relations import Handling
from privacy.retention.conditions import any_of

ERASED = "[erased]"
_FIXED: Mapping[str, Any] = {"integer": 0, "decimal": 0, "boolean": False, "date": "1900-01-01", "datetime": "1900-01-01 00:00:00", "json": "{}"}


@dataclass(frozen=True, slots=True)
class Replacing:
    """Column → what it becomes, and what stands in the way, in words."""

    values: Mapping[str, Any]
    obstacles: tuple[str, ...] = ()

    def not_yet(self) -> Where:
        """Return the rows in which at least one column does not hold its replacement: a batch that is run again finds none of its rows."""
        return any_of(IsNull(column, negated=True) if value is None else Not(KeysIn((column,), ((value,),))) for column, value in self.values.items())


def replacing(dataset: Dataset, shape: TableShape, columns: Iterable[str], kept: Iterable[str], handling: Handling | None) -> Replacing:
    """Return what the personal fields of a dataset become. `columns` limits them (empty: all); `kept` are keys, clocks and references, never touched."""
    wanted, untouched = frozenset(columns), frozenset(kept) | frozenset(shape.primary_key)
    values: dict[str, Any] = {}
    obstacles: list[str] = []
    for name, field in dataset.fields.items():
        if field.gone or name in untouched or (wanted and name not in wanted) or field.status is Status.NOT_PERSONAL:
            continue
        if flaw := _flaw(name, field, shape):
            obstacles.append(f"{dataset.name}.{name}: {flaw}")
            continue
        given = handling.replacements.get(name, "") if handling else ""
        values[name] = _value(name, shape, given)
    if not values and not obstacles:
        obstacles.append(f"{dataset.name}: no personal field is left to replace; confirm its fields, or choose another consequence")
    return Replacing(values, tuple(obstacles))


def _flaw(name: str, field: Field, shape: TableShape) -> str:
    column = shape.columns.get(name)
    if column is None:
        return "the column is gone; scan the system again"
    if field.status is not Status.CONFIRMED:
        return "nobody decided what it holds; confirm the field or declare it not personal"
    if column.generated:
        return "the database computes it; change what it is computed from"
    if column.nullable:
        return ""
    if any(name in unique for unique in shape.unique):
        return "it is unique and must not be empty; make the column nullable, or choose delete or archive"
    return "" if column.family == "text" or column.family in _FIXED else "it must not be empty and has no neutral value; make the column nullable"


def _value(name: str, shape: TableShape, given: str) -> Any:
    column = shape.columns[name]
    if given.startswith("text:"):
        return given.removeprefix("text:")[: column.length or None]
    if column.nullable:
        return None
    return ERASED[: column.length or None] if column.family == "text" else _FIXED[column.family]
