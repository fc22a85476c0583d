"""A CSV file, or a folder of them, as a connected system: each file is a table, read as a stream, never written.

Bounds: 20 s, 256 Mi characters read, 32 MB of sampled text and 200,000 rows a file, 1 Mi characters a line, 4,096 columns. Only regular files
are opened, without waiting, and of a folder only what lies in it: a link out of it is reported, not followed.
Encodings: UTF-8 (with or without mark), UTF-16 with mark, GB 18030.
"""

import csv
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TextIO

from privacy.adapters.databases.sampling import TABLE_SECONDS, Gather
from privacy.adapters.databases.words import in_words
from privacy.discovery.shapes import Column, Inclusion, KeyShape, Sample, Table
from privacy.kernel.errors import ConnectorUnavailable, InvalidInput

_SUFFIXES = (".csv", ".tsv")
_DELIMITERS = ",;\t|"
_ROWS = 200_000
_FILES = 2000
_FIELD = 16 << 20
_LINE = 1 << 20
_READ = 256 << 20
_COLUMNS = 4096
_BLOCK = 1000
_NOBODY = frozenset({"", "0", "-1"})  # cells that are nobody's key


def is_csv(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES


class CsvConnector:
    kind = "csv"

    """Reads `path`, already resolved; `refuse` raises InvalidInput for files that must not be opened, whatever they are called."""

    def __init__(self, path: Path, refuse: Callable[[Path], None] = lambda path: None) -> None:
        self._root = path
        self._refuse = refuse
        self._files: dict[str, Path] = {}

    def check(self) -> None:
        for path in self._paths()[:1]:
            try:
                with self._open(path) as file:
                    file.read(1)
            except InvalidInput as error:
                raise ConnectorUnavailable(error.detail) from None
            except OSError as error:
                raise ConnectorUnavailable(f"The file cannot be read: {in_words(error)}.") from None
            return
        raise ConnectorUnavailable("The folder holds no .csv or .tsv file.")

    def tables(self) -> Sequence[Table]:
        return [self._table(path) for path in self._paths()]

    def sample(self, table: Table, limit: int) -> Mapping[str, Sample]:
        gather = Gather(table.columns, limit, time.monotonic() + TABLE_SECONDS)
        width = len(table.columns)
        try:
            with self._open(self._files[table.name]) as file:
                rows = _reader(file)
                if not _headless(next(rows, [])):
                    _stream(rows, gather, width)
                else:
                    file.seek(0)
                    _stream(_reader(file), gather, width)
        except InvalidInput as error:
            raise ConnectorUnavailable(error.detail) from None
        except (OSError, csv.Error, UnicodeError) as error:
            if not gather.rows:
                raise ConnectorUnavailable(f"The file cannot be read ({in_words(error)}).") from None
        return gather.samples()

    def rows(self, table: str) -> Iterator[dict[str, str]]:
        """Yield every row of a file by column, empty cells left out. Raises ConnectorUnavailable when the file is gone or too large to read to its end."""
        if not self._files:
            self.tables()
        if table not in self._files:
            raise ConnectorUnavailable("The file is not there any more.")
        try:
            with self._open(self._files[table]) as file:
                rows = _reader(file)
                header = next(rows, [])
                titles = _titles(header)
                for row in chain([header] if _headless(header) else [], rows):
                    yield {title: text for title, cell in zip(titles, row, strict=False) if (text := cell.strip())}
                if file.read(1):
                    raise ConnectorUnavailable("The file is too large to be read to its end.")
        except InvalidInput as error:
            raise ConnectorUnavailable(error.detail) from None
        except (OSError, csv.Error, UnicodeError) as error:
            raise ConnectorUnavailable(f"The file cannot be read ({in_words(error)}).") from None

    def included(
        self, child: Table, child_columns: Sequence[str], parent: Table, parent_columns: Sequence[str], sample: int, by: str = ""
    ) -> Mapping[str, Inclusion]:
        wanted: dict[str, set[tuple[str, ...]]] = {}
        for kind, *key in self._cells(child, [by, *child_columns] if by else [child_columns[0], *child_columns]):
            held = wanted.setdefault(kind if by else "", set())
            if not _NOBODY.intersection(key) and sum(map(len, wanted.values())) < sample:
                held.add(tuple(key))
        left = {kind: set(keys) for kind, keys in wanted.items()}
        for key in self._cells(parent, parent_columns):
            for keys in left.values():
                keys.discard(tuple(key))
        return {kind: Inclusion(len(keys), len(keys) - len(left[kind])) for kind, keys in wanted.items() if keys}

    def key_shape(self, table: Table, columns: Sequence[str]) -> KeyShape:
        rows = [tuple(cells) for cells in self._cells(table, columns) if all(cells)]
        distinct = set(rows)
        numbers = [int(cells[0]) for cells in distinct if len(cells) == 1 and cells[0].isdecimal() and len(cells[0]) < 19]
        whole = len(numbers) == len(distinct) > 0
        return KeyShape(len(rows), len(distinct), min(numbers) if whole else None, max(numbers) if whole else None)

    def close(self) -> None:
        self._files.clear()

    def _cells(self, table: Table, columns: Sequence[str]) -> Iterator[list[str]]:
        """Yield these cells of each row; the same bounds hold as for a sample."""
        places = [next(number for number, column in enumerate(table.columns) if column.name == name) for name in columns]
        try:
            with self._open(self._files[table.name]) as file:
                rows = _reader(file)
                if _headless(next(rows, [])):
                    rows = _reader(file)
                for number, row in enumerate(rows):
                    if number >= _ROWS:
                        return
                    yield [row[place].strip() if place < len(row) else "" for place in places]
        except InvalidInput as error:
            raise ConnectorUnavailable(error.detail) from None
        except (OSError, csv.Error, UnicodeError) as error:
            raise ConnectorUnavailable(f"The file cannot be read ({in_words(error)}).") from None

    def _paths(self) -> list[Path]:
        try:
            paths = sorted(path for path in self._root.iterdir() if path.is_file() and is_csv(path)) if self._root.is_dir() else [self._root]
        except OSError as error:
            raise ConnectorUnavailable(f"The folder cannot be read: {in_words(error)}.") from None
        return paths[:_FILES]

    def _open(self, path: Path) -> TextIO:
        whole = path.resolve()
        if not is_csv(whole) or not whole.is_relative_to(self._root):
            raise InvalidInput("This is a link to something else than a CSV file of this folder.")
        self._refuse(whole)
        return _regular(whole)

    def _table(self, path: Path) -> Table:
        name = path.stem
        # two files may differ by suffix only
        name = path.name if name in self._files else name
        self._files[name] = path
        try:
            with self._open(path) as file:
                header = next(_reader(file), [])
            _check_width(header)
        except InvalidInput as error:
            return Table(name, (), "file", problem=error.detail)
        except (OSError, csv.Error, UnicodeError) as error:
            return Table(name, (), "file", problem=f"cannot be read ({in_words(error)})")
        return Table(name, tuple(Column(title, "text") for title in _titles(header)), "file", problem="" if header else "the file is empty")


def _stream(rows: Iterator[list[str]], gather: Gather, width: int) -> None:
    """Head whole, then every so manyth row, so that late rows count too."""
    for number, row in enumerate(rows):
        if number >= _ROWS or gather.full():
            return
        if number < _BLOCK or number % (number // _BLOCK + 1) == 0:
            cells = [cell.strip() or None for cell in row[:width]]
            gather.add("head" if number < _BLOCK else "later", cells + [None] * (width - len(cells)))


def _regular(path: Path) -> TextIO:
    """Open a regular file as text. A pipe or device is refused instead of waited for, a link at the end of the path as well."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InvalidInput("Only regular files are read.")
        encoding = _encoding(file.read(64 << 10))
        return open(os.dup(descriptor), encoding=encoding, errors="replace", newline="")


def _encoding(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8-sig" if _decodes(head, "utf-8") else "gb18030" if _decodes(head, "gb18030") else "utf-8-sig"


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
    file.seek(0)
    first = file.readline(1 << 16)
    file.seek(0)
    delimiter = max(_DELIMITERS, key=first.count)
    csv.field_size_limit(_FIELD)
    return (row for row in csv.reader(_lines(file), delimiter=delimiter) if row)


def _lines(file: TextIO) -> Iterator[str]:
    """Yield lines while they are short, the time lasts and not too much was read: also where no row ever comes of them."""
    deadline, left = time.monotonic() + TABLE_SECONDS, _READ
    while (line := file.readline(_LINE)) and left > 0 and time.monotonic() < deadline:
        if len(line) >= _LINE:
            raise InvalidInput("A line is longer than 1 Mi characters: this is hardly a table.")
        left -= len(line)
        yield line.replace("\0", "")


def _check_width(header: Sequence[str]) -> None:
    if len(header) > _COLUMNS:
        raise InvalidInput(f"The file has more than {_COLUMNS:,} columns.")


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
