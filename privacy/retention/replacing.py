"""What an anonymised row holds in place of personal fields: as disposal decides it for erasures, held to what a standing rule needs.

A rule runs by itself for years, so it replaces only fields somebody decided about: an undecided one is an obstacle with its remedy.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from privacy.disposal import replacing as disposal
from privacy.disposal.target import IsNull, KeysIn, Not, TableShape, Where
from privacy.inventory.model import Dataset, Status
from privacy.inventory.relations import Handling
from privacy.retention.conditions import any_of


@dataclass(frozen=True, slots=True)
class Replacing:
    """Column → what it becomes in every row; `unique` columns get a value per row; `obstacles` say what stands in the way."""

    values: Mapping[str, Any]
    unique: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(sorted((*self.values, *self.unique)))

    def not_yet(self) -> Where:
        """Return the rows in which at least one column does not hold its replacement: a batch that is run again finds none of its rows."""
        return any_of(IsNull(column, negated=True) if value is None else Not(KeysIn((column,), ((value,),))) for column, value in self.values.items())


def replacing(dataset: Dataset, shape: TableShape, columns: Iterable[str], kept: Iterable[str], handling: Handling | None) -> Replacing:
    """Return what the personal fields of a dataset become. `columns` limits them (empty: all); `kept` are clocks and references, never touched."""
    wanted, untouched = frozenset(columns), frozenset(kept)
    chosen = {name for name in shape.columns if name not in untouched and (not wanted or name in wanted) and name not in dataset.ours}
    undecided = [name for name in sorted(chosen - set(shape.primary_key)) if not _decided(dataset, name)]
    blank = disposal.blanks(shape, dataset, handling, frozenset(shape.columns) - chosen)
    beside = {column for field in chosen for column in dataset.beside.get(field, ())}
    values = {name: value for name, value in blank.values.items() if name in chosen | beside}
    unique = tuple(name for name in blank.unique if name in chosen)
    obstacles = [f"{dataset.name}.{name}: nobody decided what it holds; confirm the field or declare it not personal" for name in undecided]
    obstacles += [f"{dataset.name}.{name}: it must not be empty and has no neutral value; make the column nullable" for name in blank.left if name in chosen]
    if not values and not obstacles:
        rest = "only unique fields are left" if unique else "no personal field is left"
        obstacles.append(f"{dataset.name}: {rest} to replace; confirm its fields, or choose delete or archive")
    return Replacing(values, unique, tuple(obstacles))


def _decided(dataset: Dataset, name: str) -> bool:
    field = dataset.fields.get(name)
    return field is not None and field.status in (Status.CONFIRMED, Status.NOT_PERSONAL)
