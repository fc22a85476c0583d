"""A CSV file, or a folder of them, as a connected system: each file is a table, read as a stream, never written.

Bounds: 20 s, 32 MB of sampled text and 200,000 rows a file. Encodings: UTF-8 (with or without mark), UTF-16 with mark, GB 18030.
"""

import csv
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from privacy.adapters.databases.sampling import TABLE_SECONDS, Gather
from privacy.discovery.shapes import Column, Sample, Table
from privacy.kernel.errors import ConnectorUnavailable

_SUFFIXES = (".csv", ".tsv")
_DELIMITERS = ",;\t|"
_ROWS = 200_000
_FILES = 2000
_FIELD = 16 << 20
_BLOCK = 1000


def is_csv(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES


class CsvConnector:
    kind = "csv"

    def __init__(self, path: Path) -> None:
        self._root = path
        self._files: dict[str, Path] = {}

    def tables(self) -> Sequence[Table]:
        try:
            paths = sorted(path for path in self._root.iterdir() if path.is_file() and is_csv(path)) if self._root.is_dir() else [self._root]
        except OSError as error:
            raise ConnectorUnavailable(f"The folder cannot be read ({type(error).__name__}).") from None
        return [self._table(path) for path in paths[:_FILES]]

    def sample(self, table: Table, limit: int) -> Mapping[str, Sample]:
        gather = Gather(table.columns, limit, time.monotonic() + TABLE_SECONDS)
        width = len(table.columns)
        try:
            with _open(self._files[table.name]) as file:
                rows = _reader(file)
                if not _headless(next(rows, [])):
                    _stream(rows, gather, width)
                else:
                    file.seek(0)
                    _stream(_reader(file), gather, width)
        except (OSError, csv.Error, UnicodeError) as error:
            if not gather.rows:
                raise ConnectorUnavailable(f"The file cannot be read ({type(error).__name__}).") from None
        return gather.samples()

    def close(self) -> None:
        self._files.clear()

    def _table(self, path: Path) -> Table:
        name = path.stem
        # two files may differ by suffix only
        name = path.name if name in self._files else name
        self._files[name] = path
        try:
            with _open(path) as file:
                header = next(_reader(file), [])
        except (OSError, csv.Error, UnicodeError) as error:
            return Table(name, (), "file", problem=f"cannot be read ({type(error).__name__})")
        return Table(name, tuple(Column(title, "text") for title in _titles(header)), "file", problem="" if header else "the file is empty")


def _stream(rows: Iterator[list[str]], gather: Gather, width: int) -> None:
    """Head whole, then every so manyth row, so that late rows count too."""
    for number, row in enumerate(rows):
        if number >= _ROWS or gather.full():
            return
        if number < _BLOCK or number % (number // _BLOCK + 1) == 0:
            cells = [cell.strip() or None for cell in row[:width]]
            gather.add("head" if number < _BLOCK else "later", cells + [None] * (width - len(cells)))


def _open(path: Path) -> TextIO:
    with path.open("rb") as file:
        head = file.read(64 << 10)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig" if _decodes(head, "utf-8") else "gb18030" if _decodes(head, "gb18030") else "utf-8-sig"
    return path.open("r", encoding=encoding, errors="replace", newline="")


def _decodes(head: bytes, encoding: str) -> bool:
    # the block may end inside a character
    return any(_strict(head[: len(head) - cut], encoding) for cut in range(4))


def _strict(head: bytes, encoding: str) -> bool:
    try:
        head.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _reader(file: TextIO) -> Iterator[list[str]]:
    start = file.tell()
    first = file.readline(1 << 16)
    file.seek(start)
    delimiter = max(_DELIMITERS, key=first.count)
    csv.field_size_limit(_FIELD)
    return (row for row in csv.reader((line.replace("\0", "") for line in file), delimiter=delimiter) if row)


def _titles(header: Sequence[str]) -> list[str]:
    """Return unique column names; a first row of data gives c1, c2, …"""
    names = [f"c{number}" for number in range(1, len(header) + 1)] if _headless(header) else [title.strip() for title in header]
    seen: dict[str, int] = {}
    unique = []
    for number, name in enumerate(names, 1):
        title = (name or f"c{number}")[:255]
        seen[title] = seen.get(title, 0) + 1
        unique.append(title if seen[title] == 1 else f"{title}_{seen[title]}")
    return unique


def _headless(header: Sequence[str]) -> bool:
    """Does the first row look like data? A header holds no e-mail address and is not mostly numbers."""
    cells = [cell.strip() for cell in header if cell.strip()]
    if not cells:
        return False
    return any("@" in cell and "." in cell for cell in cells) or sum(cell.replace(".", "").replace("-", "").isdigit() for cell in cells) * 2 > len(cells)
