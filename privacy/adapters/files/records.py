"""CSV and JSON Lines files as streams of records, and the same written back: constant memory, one encoding in and out.

Reading guesses encoding (byte order mark, else UTF-8, else GB 18030), delimiter and line ends from the file and refuses what it cannot read for sure,
by line. Writing goes to a file beside the target and takes its place only when everything is there. Error texts name lines, never values.
"""

import codecs
import csv
import io
import json
import math
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO

from privacy.kernel.errors import InvalidInput

_LONGEST_LINE = 16 * 1024 * 1024
_DELIMITERS = ",;\t|"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_KINDS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
# what a spreadsheet takes for a formula when a cell begins with it; plain numbers are none
_FORMULA = re.compile(r"[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?%?")


@dataclass(frozen=True, slots=True)
class Line:
    """One record and the line it ends on; `flaw` says why there is no record."""

    number: int
    record: Mapping[str, Any] | None
    flaw: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file is written, so that another can be written the same way."""

    kind: str
    encoding: str
    delimiter: str = ","
    newline: str = "\n"
    fields: tuple[str, ...] = ()


class RecordReader(Protocol):
    @property
    def shape(self) -> Shape: ...

    def __iter__(self) -> Iterator[Line]: ...

    def position(self) -> int:
        """Return how many bytes of the file were read so far."""


class RecordWriter(Protocol):
    def write(self, records: Sequence[Mapping[str, Any]]) -> None: ...


def kind_of(path: Path) -> str:
    """Return `csv` or `jsonl` by the file's name. Raises InvalidInput for any other."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-1:]]
    if not suffixes or suffixes[0] not in _KINDS:
        raise InvalidInput("The file's name must end in .csv, .tsv, .jsonl or .ndjson; other kinds of file are not part of this version.")
    return _KINDS[suffixes[0]]


@contextmanager
def open_reader(path: Path) -> Iterator[RecordReader]:
    """Open a file of records. Raises InvalidInput when it is missing or cannot be read as text."""
    kind, encoding = kind_of(path), _encoding_of(path)
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding, newline="") as text:
        yield _CsvReader(raw, text, encoding) if kind == "csv" else _JsonReader(raw, text, encoding)


@contextmanager
def open_writer(path: Path, shape: Shape, *, guard_formulas: bool = True) -> Iterator[RecordWriter]:
    """Write records like the file of `shape`; the file appears complete or not at all, readable by its owner only."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding=shape.encoding, newline="") as text:
            yield _CsvWriter(text, shape, guard_formulas) if shape.kind == "csv" else _JsonWriter(text, shape)
            text.flush()
            os.fsync(text.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


class _CsvReader:
    """Reads the header when it is made. Blank lines are skipped, a row with more or fewer cells than the header is a flaw."""

    def __init__(self, raw: BinaryIO, text: TextIO, encoding: str) -> None:
        csv.field_size_limit(_LONGEST_LINE)
        self._raw = raw
        self._lines = _bounded_lines(text)
        header = next(self._lines, "")
        delimiter = _delimiter_of(header)
        self._rows = csv.reader(_chain(header, self._lines), delimiter=delimiter, strict=True)
        fields = tuple(self._row() or ())
        _check_header(fields)
        self.shape = Shape("csv", encoding, delimiter, "\r\n" if header.endswith("\r\n") else "\n", fields)

    def position(self) -> int:
        return self._raw.tell()

    def __iter__(self) -> Iterator[Line]:
        width = len(self.shape.fields)
        while True:
            try:
                row = self._row()
            except InvalidInput as error:
                # after a broken quote nothing that follows can be trusted
                yield Line(self._rows.line_num, None, error.detail)
                return
            if row is None:
                return
            if not row:
                continue
            if len(row) != width:
                yield Line(self._rows.line_num, None, f"The row has {len(row)} cells, the header {width}.")
            else:
                yield Line(self._rows.line_num, dict(zip(self.shape.fields, row, strict=True)))

    def _row(self) -> list[str] | None:
        try:
            return next(self._rows, None)
        except csv.Error:
            raise InvalidInput("The row cannot be read: an open quote, text after a closing one, or a cell that is too long.") from None


class _JsonReader:
    """One object a line; blank lines are skipped, everything else is a flaw."""

    def __init__(self, raw: BinaryIO, text: TextIO, encoding: str) -> None:
        self._raw, self._text = raw, text
        self.shape = Shape("jsonl", encoding)

    def position(self) -> int:
        return self._raw.tell()

    def __iter__(self) -> Iterator[Line]:
        for number, line in enumerate(_bounded_lines(self._text), 1):
            if not line.strip():
                continue
            if len(line) >= _LONGEST_LINE:
                yield Line(number, None, "The line is longer than 16 MiB.")
                return
            yield _json_line(number, line)


def _json_line(number: int, line: str) -> Line:
    try:
        record = json.loads(line, object_pairs_hook=_once, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        return Line(number, None, "The line is not a JSON object with each name once and numbers of JSON only.")
    if not isinstance(record, dict):
        return Line(number, None, "The line is JSON but not an object of field names and values.")
    return Line(number, record)


class _CsvWriter:
    """A withheld value is an empty cell."""

    def __init__(self, text: TextIO, shape: Shape, guard_formulas: bool) -> None:
        self._fields = shape.fields
        self._guard = guard_formulas
        self._rows = csv.writer(text, delimiter=shape.delimiter, lineterminator=shape.newline)
        self._rows.writerow([self._cell(field) for field in shape.fields])

    def write(self, records: Sequence[Mapping[str, Any]]) -> None:
        self._rows.writerows([self._cell(record[field]) for field in self._fields] for record in records)

    def _cell(self, value: Any) -> str:
        text = "" if value is None else str(value)
        return f"'{text}" if self._guard and _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


class _JsonWriter:
    def __init__(self, text: TextIO, shape: Shape) -> None:
        self._text = text

    def write(self, records: Sequence[Mapping[str, Any]]) -> None:
        self._text.writelines(_json_text(record) + "\n" for record in records)


def _json_text(record: Mapping[str, Any]) -> str:
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    # half of a surrogate pair can only be written as an escape
    return json.dumps(record, allow_nan=False) if _SURROGATE.search(text) else text


def _encoding_of(path: Path) -> str:
    try:
        with path.open("rb") as raw:
            start = raw.read(4)
            marked = next((encoding for mark, encoding in _MARKS if start.startswith(mark)), "")
            for encoding in (marked,) if marked else ("utf-8", "gb18030"):
                raw.seek(0)
                if _decodes(raw, encoding):
                    return encoding
    except OSError as error:
        raise InvalidInput(f"The file cannot be opened ({type(error).__name__}).") from None
    raise InvalidInput("The file is neither UTF-8, UTF-16 nor GB 18030 text; save it as UTF-8.")


def _decodes(raw: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block := raw.read(1 << 20):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _bounded_lines(text: TextIO) -> Iterator[str]:
    while line := text.readline(_LONGEST_LINE):
        yield line


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest


def _delimiter_of(header: str) -> str:
    unquoted = re.sub(r'"(?:[^"]|"")*"', "", header)
    return max(_DELIMITERS, key=unquoted.count) if any(d in unquoted for d in _DELIMITERS) else ","


def _check_header(fields: Sequence[str]) -> None:
    if not fields:
        raise InvalidInput("The file is empty; its first line must name the fields.")
    if any(not field.strip() for field in fields):
        raise InvalidInput("The first line has a field without a name.")
    if len(set(fields)) != len(fields):
        raise InvalidInput("The first line names a field twice.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def _finite(text: str) -> float:
    # NaN and Infinity are no JSON, 1e999 would become one of them
    if not math.isfinite(number := float(text)):
        raise ValueError("not a number of JSON")
    return number
