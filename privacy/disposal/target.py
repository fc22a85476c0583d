"""The words in which disposal speaks to a connected database: shapes, conditions, statements, ranges. Values in them never print."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any


class Cells:
    """Values of some columns of one row, in the order asked for; they never print."""

    __slots__ = ("values",)

    def __init__(self, values: Iterable[Any]) -> None:
        self.values = tuple(values)

    def __repr__(self) -> str:
        return f"Cells({len(self.values)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cells) and self.values == other.values

    def __hash__(self) -> int:
        return hash(self.values)


@dataclass(frozen=True, slots=True)
class ColumnShape:
    name: str
    type: str
    family: str
    nullable: bool
    default: bool = False  # has a default or is generated
    length: int | None = None
    generated: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKeyShape:
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    on_delete: str = "no action"  # lower case: no action, restrict, cascade, set null, set default


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table as its database enforces it. Names as in the data map (schema-qualified where that is not the default schema)."""

    name: str
    columns: Mapping[str, ColumnShape]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKeyShape, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    checks: tuple[str, ...] = ()  # names or clauses, for people
    indexes: tuple[tuple[str, ...], ...] = ()  # column lists, primary key and unique included
    triggers: tuple[str, ...] = ()
    kind: str = "table"


# --- conditions: a small closed algebra, so that no caller ever writes SQL -----------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class KeysIn:
    """Rows whose `columns` equal one of `keys`. Texts are converted to the column's type; a key that cannot be one matches nothing."""

    columns: tuple[str, ...]
    keys: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Between:
    """Rows whose key column lies in [low, high] (either end None: open)."""

    column: str
    low: Any
    high: Any


@dataclass(frozen=True, slots=True)
class Before:
    """Rows whose clock column is earlier than `instant` (aware). A date column compares dates in UTC, text columns ISO texts, integers epoch seconds
    (or milliseconds from 10^11); numbers below 10^8 are no instants. NULL, '' and zero dates never match."""

    column: str
    instant: datetime | date


@dataclass(frozen=True, slots=True)
class IsNull:
    column: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Equals:
    """Rows whose column holds this text or number of the schema (a type word, a state): never a personal value."""

    column: str
    value: str | int


@dataclass(frozen=True, slots=True)
class ChildOf:
    """Rows whose `columns` point to a parent row that matches `where`."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    where: "Where"


@dataclass(frozen=True, slots=True)
class Both:
    """All of them; empty: every row."""

    parts: "tuple[Where, ...]" = ()


@dataclass(frozen=True, slots=True)
class Not:
    where: "Where"


Where = KeysIn | Between | Before | IsNull | Equals | ChildOf | Both | Not


# --- statements ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delete:
    table: str
    where: Where


@dataclass(frozen=True, slots=True, repr=False)
class Update:
    """`values`: column → None (NULL) or a fixed text/number. `per_row`: key tuple of `key_columns` → column values, for columns that must stay unique.

    Every row that matches gets `values`; a row of `per_row` that matches gets its own beside them.
    """

    table: str
    where: Where
    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    key_columns: tuple[str, ...] = ()
    per_row: Mapping[tuple[Any, ...], Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))


Statement = Delete | Update


@dataclass(frozen=True, slots=True)
class Applied:
    """What one batch did, as its marker remembers it: rows changed by each statement, in order."""

    run: str
    batch: int
    rows: tuple[int, ...]
    again: bool = False  # the marker was there already, nothing was done now


@dataclass(frozen=True, slots=True)
class Violation:
    """A constraint that a statement would break: which statement, which kind of constraint, its name where the database tells."""

    statement: int
    kind: str  # foreign_key | not_null | unique | check | trigger | permission | other
    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Exact counts of statements that were run and rolled back, or the first that failed."""

    rows: tuple[int, ...]
    violation: Violation | None = None
    also_changed: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))  # rows that cascades and triggers took or changed, by table
    added: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))  # rows that triggers inserted, by table: our statements insert none


@dataclass(frozen=True, slots=True)
class Hit:
    """A row in which the residual scan found an identifier: which table, column and key; never the text.

    `form` says how it was written, or `not_searched` for what was left out: a very long cell (with its key), or a column in which the time
    was up (`key` empty). Such a hit is an open point, not a finding.
    """

    table: str
    column: str
    key: Sequence[Any]
    form: str  # exact | normalised | digits | base64 | url | json | html | quoted | not_searched
