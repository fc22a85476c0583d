"""What a connector tells about a system: tables, columns, and samples of values that are looked at once and never kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """Kinds of column types, the same for every database."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    JSON = "json"
    BINARY = "binary"
    UUID = "uuid"
    INET = "inet"
    GEO = "geo"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the system declares it."""

    name: str
    type: str = ""
    family: Family = Family.TEXT
    nullable: bool = True
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table, view or file. `problem` says why it could not be read; the others are scanned all the same."""

    name: str
    columns: tuple[Column, ...] = ()
    kind: str = "table"
    comment: str = ""
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    rows: int | None = None
    problem: str = ""


class Sample:
    """Distinct non-null values of one column, as text, each cut at a length: they never print, and nothing of them is stored.

    `seen` counts the cells looked at, `nulls` those that were empty, `binary` those that were bytes; `media` names the kind of bytes
    (`image`, `document`, `recording`, ``).
    """

    __slots__ = ("binary", "media", "nulls", "seen", "values")

    def __init__(self, values: Sequence[str] = (), *, seen: int | None = None, nulls: int = 0, binary: int = 0, media: str = "") -> None:
        self.values = tuple(values)
        self.seen = len(self.values) if seen is None else seen
        self.nulls = nulls
        self.binary = binary
        self.media = media

    def __repr__(self) -> str:
        return f"Sample({len(self.values)} distinct values of {self.seen} cells)"


EMPTY = Sample()


@dataclass(frozen=True, slots=True)
class Inclusion:
    """How many of some distinct values of a child's columns were found in the parent's. Empty cells and sentinels (0, -1, empty text) are not counted."""

    checked: int
    found: int

    @property
    def ratio(self) -> float:
        return self.found / self.checked if self.checked else 0.0


@dataclass(frozen=True, slots=True)
class KeyShape:
    """What the values of a column look like as a key: of `rows` filled cells `distinct` differ; least and greatest for whole numbers alone."""

    rows: int
    distinct: int
    low: int | None = None
    high: int | None = None

    @property
    def unique(self) -> bool:
        return 0 < self.rows == self.distinct

    @property
    def dense(self) -> bool:
        """Are these numbers counted one by one, so that any small number is among them?"""
        return self.low is not None and self.high is not None and self.high - self.low < max(10, 4 * self.distinct)
