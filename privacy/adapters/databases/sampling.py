"""Gathers a bounded, stratified sample of distinct values a column; cells are cut, bytes are only named."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

from privacy.discovery.shapes import Column, Family, Sample, Table

CELL = 4096
STATEMENT_SECONDS = 5
TABLE_SECONDS = 20.0
MEGABYTES = 32
_MAGIC = (
    (b"\xff\xd8\xff", "image"), (b"\x89PNG", "image"), (b"GIF8", "image"), (b"BM", "image"), (b"RIFF", "recording"), (b"ID3", "recording"),
    (b"OggS", "recording"), (b"fLaC", "recording"), (b"%PDF", "document"), (b"PK\x03\x04", "document"), (b"\xd0\xcf\x11\xe0", "document"),
    (b"{\\rtf", "document"),
)  # fmt: skip
# old office databases put a header of their own in front of a picture
_OLE = b"\x15\x1c"

_WHOLE = 1500  # tables up to this many rows are read as a whole
_STRATUM = 500
_PROBES = 10
_SPARSE = 40


class Unreadable(Exception):
    """A statement failed; `reason` names the driver's error, never its text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Source:
    """How SQL names a table: already quoted, with its schema where that is not the default one.

    `order` is its first key column, `integer_key` its key when that is one integer, `sampled` the dialect's clause for a random sample.
    """

    sql: str
    order: str = ""
    integer_key: str = ""
    sampled: str = ""


class Rows(Protocol):
    def __call__(self, statement: str) -> Generator[Sequence[Any]]:
        """Run a SELECT and stream its rows. Raises Unreadable."""


class Speaks(Protocol):
    """The part of a dialect that sampling needs."""

    def cell(self, column: str, family: Family) -> str: ...

    def quote(self, name: str) -> str: ...


class Gather:
    """Collects rows until limit, time or memory is used up."""

    def __init__(self, columns: Sequence[Column], limit: int, deadline: float) -> None:
        self._columns = columns
        self._limit = limit
        self._deadline = deadline
        self._strata: dict[str, dict[str, dict[str, None]]] = {column.name: {} for column in columns}
        self._seen = dict.fromkeys(self._strata, 0)
        self._nulls = dict.fromkeys(self._strata, 0)
        self._binary = dict.fromkeys(self._strata, 0)
        self._media: dict[str, str] = {}
        self._size = 0
        self.rows = 0
        self.complete = True

    def partial(self) -> None:
        """Remember that not the whole table was seen."""
        self.complete = False

    def full(self) -> bool:
        return time.monotonic() > self._deadline or self._size > MEGABYTES << 20

    def non_null(self, name: str) -> int:
        return self._seen[name] - self._nulls[name]

    def take(self, stratum: str, rows: Generator[Sequence[Any]], only: str = "") -> int:
        """Add rows (of all columns, or of the one column `only`); return how many came."""
        columns = [column for column in self._columns if not only or column.name == only]
        count = 0
        with closing(rows):
            for row in rows:
                count += 1
                self.add(stratum, row, columns)
                if self.full():
                    self.partial()
                    break
        return count

    def add(self, stratum: str, row: Sequence[Any], columns: Sequence[Column] | None = None) -> None:
        """Add one row of these columns, of all by default."""
        self.rows += 1
        for column, cell in zip(self._columns if columns is None else columns, row, strict=True):
            self._cell(stratum, column, cell)

    def samples(self) -> dict[str, Sample]:
        return {column.name: self._sample(column.name) for column in self._columns}

    def _cell(self, stratum: str, column: Column, cell: Any) -> None:
        name = column.name
        self._seen[name] += 1
        if cell is None:
            self._nulls[name] += 1
            return
        value = self._text(column, cell)
        if value is None:
            self._binary[name] += 1
            return
        values = self._strata[name].setdefault(stratum, {})
        if value and len(values) < self._limit and value not in values:
            values[value] = None
            self._size += len(value)

    def _text(self, column: Column, cell: Any) -> str | None:
        if isinstance(cell, memoryview | bytearray):
            cell = bytes(cell)
        if isinstance(cell, float) and cell.is_integer():
            cell = int(cell)  # SQLite keeps a phone number in a REAL column as 13800138000.0
        if not isinstance(cell, bytes):
            return str(cell)[:CELL]
        if column.family is not Family.BINARY:
            for encoding in ("utf-8", "gb18030"):
                try:
                    return cell.decode(encoding)[:CELL]
                except UnicodeDecodeError:
                    continue
        self._media.setdefault(column.name, media(cell))
        return None

    def _sample(self, name: str) -> Sample:
        """Merge strata so that each has its share: the oldest rows of a table are often unlike the newest."""
        strata = list(self._strata[name].values())
        share = self._limit // max(1, len(strata))
        merged: dict[str, None] = {}
        for values in strata:
            merged.update(dict.fromkeys(list(values)[:share]))
        for values in strata:
            for value in values:
                if len(merged) >= self._limit:
                    break
                merged[value] = None
        return Sample(tuple(merged), seen=self._seen[name], nulls=self._nulls[name], binary=self._binary[name], media=self._media.get(name, ""))


def media(head: bytes) -> str:
    """Return `image`, `recording`, `document` or nothing, by the first bytes."""
    if head.startswith(_OLE):
        return "image"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), "")


def read_strata(rows: Rows, dialect: Speaks, table: Table, source: Source, gather: Gather) -> None:
    """Read a small table whole; of a large one its head, its tail and pieces from between, then more of nearly empty columns."""
    if not table.columns:
        return
    cells = ", ".join(dialect.cell(column.name, column.family) for column in table.columns)
    head = f"SELECT {cells} FROM {source.sql}"  # noqa: S608 - identifiers are quoted by the dialect, there are no values
    if gather.take("head", rows(f"{head} LIMIT {_WHOLE}")) < _WHOLE:
        return
    gather.partial()
    for name, statement in _strata(rows, head, source):
        if gather.full():
            return
        _tolerant(gather, name, rows, statement)
    for column in table.columns:
        if gather.non_null(column.name) < _SPARSE and not gather.full() and column.family is not Family.BINARY:
            cell = dialect.cell(column.name, column.family)
            statement = f"SELECT {cell} FROM {source.sql} WHERE {dialect.quote(column.name)} IS NOT NULL LIMIT {_SPARSE * 3}"  # noqa: S608
            _tolerant(gather, "sparse", rows, statement, column.name)


def _strata(rows: Rows, head: str, source: Source) -> Iterator[tuple[str, str]]:
    if source.order:
        yield "tail", f"{head} ORDER BY {source.order} DESC LIMIT {_STRATUM}"
    if source.integer_key:
        bounds = _bounds(rows, source)
        for start in (low + (high - low) * probe // _PROBES for low, high in bounds for probe in range(1, _PROBES)):
            yield "middle", f"{head} WHERE {source.integer_key} >= {start} ORDER BY {source.integer_key} LIMIT {_STRATUM // _PROBES}"
    elif source.sampled:
        yield "middle", f"{head} {source.sampled} LIMIT {_STRATUM}"


def _bounds(rows: Rows, source: Source) -> list[tuple[int, int]]:
    """Return the least and the greatest key, or nothing where the table has become empty or too slow."""
    try:
        ((low, high),) = rows(f"SELECT min({source.integer_key}), max({source.integer_key}) FROM {source.sql}")  # noqa: S608
        return [(int(low), int(high))]
    except (Unreadable, TypeError, ValueError):
        return []


def _tolerant(gather: Gather, stratum: str, rows: Rows, statement: str, column: str = "") -> None:
    try:
        gather.take(stratum, rows(statement), column)
    except Unreadable:
        # a slow or failing stratum costs evidence, not the table: the head has been read
        gather.partial()
