"""People found and read live in connected systems, read-only: SQLite, PostgreSQL, MariaDB and MySQL, CSV.

A table is asked twice: first an IN over the usual ways of writing (an index answers at once), then one pass over the table that lets through every cell that
could be the value: those that hold its characters in order, whatever stands between, and all that are not plain ASCII. Each candidate is normalised and
compared here, so that SQL decides nothing. Bounds: 20 s a table (a setting), 5 s for what an index answers, 100 subjects a value.
"""

import datetime as dt
import decimal
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from privacy.adapters.databases.sampling import Unreadable
from privacy.adapters.databases.types import family
from privacy.adapters.files.csv_system import CsvConnector
from privacy.discovery.ports import Opener
from privacy.discovery.shapes import Family
from privacy.inventory.model import Dataset
from privacy.kernel.errors import ConnectorUnavailable, InvalidInput, NotFound
from privacy.kernel.ids import TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.subjects.model import IdentifierKind
from privacy.subjects.normalising import Spellings
from privacy.subjects.ports import EncryptedField, Hit, Hits, PeopleSession, Probe

SCAN_SECONDS, KEY_SECONDS = 20.0, 5.0
_MOST_HITS = 100  # of one probe
_CHUNK = 200  # keys in one statement
_EXACT = (IdentifierKind.LOGIN, IdentifierKind.MEMBER_CARD)
_NUMBERS = (Family.INTEGER, Family.DECIMAL)
_UNTEXTUAL = (Family.BINARY, Family.BOOLEAN, Family.GEO)


class Address(Protocol):
    def __call__(self, tenant: TenantId, name: str) -> str:
        """Return a system's address with credentials (`Inventory.system_url`)."""


class SqlReader(Protocol):
    """What the SQL connectors offer beyond scanning."""

    @property
    def kind(self) -> str: ...

    def quote(self, name: str) -> str: ...

    def query(self, statement: str, parameters: Sequence[Any] = (), *, seconds: float = 5.0) -> Generator[Sequence[Any]]: ...

    def close(self) -> None: ...


class LivePeople:
    """Implements `subjects.ports.PeopleFinder`."""

    def __init__(self, address: Address, opener: Opener, spellings: Spellings, *, seconds: float = SCAN_SECONDS) -> None:
        self._address, self._opener, self._spellings, self._seconds = address, opener, spellings, seconds

    @contextmanager
    def opened(self, tenant: TenantId) -> Iterator[PeopleSession]:
        session = _Session(tenant, self._address, self._opener, self._spellings, self._seconds)
        try:
            yield session
        finally:
            session.close()


class _Session:
    def __init__(self, tenant: TenantId, address: Address, opener: Opener, spellings: Spellings, seconds: float) -> None:
        self._tenant, self._address, self._opener, self._spellings, self._seconds = tenant, address, opener, spellings, seconds
        self._systems: dict[str, _SqlPeople | _CsvPeople | ConnectorUnavailable] = {}

    def find(self, dataset: Dataset, probes: Sequence[Probe], encrypted: Mapping[str, EncryptedField]) -> Hits:
        return self._system(dataset).find(dataset, probes, encrypted)

    def read(
        self, dataset: Dataset, fields: Sequence[str], keys: Collection[str], encrypted: Mapping[str, EncryptedField]
    ) -> Mapping[str, Mapping[str, Sequence[Plaintext]]]:
        return self._system(dataset).read(dataset, fields, keys, encrypted)

    def one_row_each(self, dataset: Dataset) -> bool:
        return self._system(dataset).one_row_each(dataset)

    def close(self) -> None:
        for system in self._systems.values():
            if not isinstance(system, ConnectorUnavailable):
                system.close()

    def _system(self, dataset: Dataset) -> "_SqlPeople | _CsvPeople":
        name = dataset.system
        if name not in self._systems:
            self._systems[name] = self._open(name)
        system = self._systems[name]
        if isinstance(system, ConnectorUnavailable):
            raise system
        return system

    def _open(self, name: str) -> "_SqlPeople | _CsvPeople | ConnectorUnavailable":
        try:
            connector = self._opener(self._address(self._tenant, name))
            connector.check()
        except ConnectorUnavailable as error:
            return error
        except (InvalidInput, NotFound) as error:
            return ConnectorUnavailable(error.detail)
        if isinstance(connector, CsvConnector):
            return _CsvPeople(connector, self._spellings)
        return _SqlPeople(cast(SqlReader, connector), self._spellings, self._seconds)


# --- databases ------------------------------------------------------------------------------------------------------------------------


@dataclass(slots=True, repr=False)
class _Sql:
    """A piece of SQL with its values: pieces join, values never become text."""

    text: str
    values: list[Any] = field(default_factory=list)

    @classmethod
    def any(cls, parts: Sequence["_Sql"]) -> "_Sql":
        return cls("(" + " OR ".join(part.text for part in parts) + ")", [value for part in parts for value in part.values])


class _SqlPeople:
    def __init__(self, reader: SqlReader, spellings: Spellings, seconds: float) -> None:
        self._reader, self._spellings, self._seconds = reader, spellings, seconds
        self._mark = "?" if reader.kind == "sqlite" else "%s"
        self._tables: dict[str, str] = {}

    def close(self) -> None:
        self._reader.close()

    # --- finding ---------------------------------------------------------------------------------------------------------------------

    def find(self, dataset: Dataset, probes: Sequence[Probe], encrypted: Mapping[str, EncryptedField]) -> Hits:
        plain = [probe for probe in probes if not dataset.fields[probe.field].gone]
        hits = _Gathered()
        hits.take(self._hidden(dataset, probes, encrypted))
        hits.take(self._compared(dataset, plain, self._by_index(dataset, plain), KEY_SECONDS))
        try:
            hits.take(self._compared(dataset, plain, self._by_scan(dataset, plain), self._seconds))
        except ConnectorUnavailable:
            if not hits.found:
                raise
            return Hits(hits.found, complete=False)
        return Hits(hits.found)

    def _compared(self, dataset: Dataset, probes: Sequence[Probe], where: _Sql | None, seconds: float) -> Iterator[Hit]:
        """Yield the rows of a condition whose cells really hold a form."""
        if where is None:
            return
        names = list(dict.fromkeys(probe.field for probe in probes))
        for key, *cells in self._select(dataset, [dataset.subject_field or "", *names], where, seconds):
            texts = dict(zip(names, map(_text, cells), strict=True))
            owner = _text(key)
            if owner is not None:
                yield from _hits(owner, texts, probes, self._spellings)

    def _by_index(self, dataset: Dataset, probes: Sequence[Probe]) -> _Sql | None:
        parts = [part for probe in probes if (part := self._in(dataset, probe))]
        return _Sql.any(parts) if parts else None

    def _in(self, dataset: Dataset, probe: Probe) -> _Sql | None:
        written: list[Any] = [text for form in probe.forms for text in self._spellings.written(probe.kind, form.reveal())]
        kind = _family(dataset, probe.field)
        if kind in _UNTEXTUAL:
            return None
        if kind in _NUMBERS and self._reader.kind != "sqlite":
            written = [int(text) for text in written if text.isascii() and text.isdecimal() and len(text) <= 18]
        return self._equal(self._column(probe.field, _family(dataset, probe.field)), written)

    def _by_scan(self, dataset: Dataset, probes: Sequence[Probe]) -> _Sql | None:
        parts: list[_Sql] = []
        for probe in probes:
            traces = {self._spellings.trace(probe.kind, form.reveal()) for form in probe.forms} - {""}
            if probe.kind in _EXACT or _family(dataset, probe.field) in _UNTEXTUAL or not traces:
                continue
            cell = self._as_text(probe.field)
            parts += [_Sql(f"LOWER({cell}) LIKE {self._mark} ESCAPE '!'", [_pattern(trace)]) for trace in sorted(traces)]
        # names in other scripts would let the whole table through, and only ever make a list for people
        unplain = {probe.field for probe in probes if probe.kind not in (*_EXACT, IdentifierKind.NAME) and _family(dataset, probe.field) not in _NUMBERS}
        parts += [_Sql(self._not_ascii(name)) for name in sorted(unplain) if _family(dataset, name) not in _UNTEXTUAL]
        return _Sql.any(parts) if parts else None

    def _hidden(self, dataset: Dataset, probes: Sequence[Probe], encrypted: Mapping[str, EncryptedField]) -> Iterator[Hit]:
        """Yield what blind indexes find; each candidate is opened and compared, for an index can collide."""
        for probe in probes:
            column = encrypted.get(probe.field)
            if column is None:
                continue
            wanted = [int(number) for number in column.index(list(probe.forms))]
            where = self._equal(self._named(column.index_column), wanted)
            rows = [] if where is None else list(self._select(dataset, [dataset.subject_field or "", column.shadow_column], where, KEY_SECONDS))
            held = [(key, text) for key, text in ((_text(key), _text(cell)) for key, cell in rows) if key is not None and text is not None]
            opened = column.reveal([(_subject(dataset, key), text) for key, text in held])
            for (key, _), value in zip(held, opened, strict=True):
                if value is not None:
                    yield from _hits(key, {probe.field: value.reveal()}, [probe], self._spellings)

    # --- reading ---------------------------------------------------------------------------------------------------------------------

    def read(
        self, dataset: Dataset, fields: Sequence[str], keys: Collection[str], encrypted: Mapping[str, EncryptedField]
    ) -> Mapping[str, Mapping[str, Sequence[Plaintext]]]:
        wanted = [key for key in keys if key]
        plain = [name for name in fields if not dataset.fields[name].gone]
        shadows = {name: encrypted[name] for name in fields if name in encrypted}
        columns = [dataset.subject_field or "", *plain, *(column.shadow_column for column in shadows.values())]
        read: dict[str, dict[str, list[Plaintext]]] = {}
        for start in range(0, len(wanted), _CHUNK):
            where = self._keys(dataset, wanted[start : start + _CHUNK])
            for key, *cells in self._select(dataset, columns, where, KEY_SECONDS) if where else ():
                owner = _text(key)
                if owner is not None and owner in keys:
                    row = read.setdefault(owner, {})
                    _keep(row, zip(plain, map(_text, cells), strict=False))
                    _keep(row, _opened(dataset, owner, shadows, cells[len(plain) :]))
        return read

    def one_row_each(self, dataset: Dataset) -> bool:
        key = self._named(dataset.subject_field or "")
        statement = f"SELECT 1 FROM {self._table(dataset.table)} WHERE {key} IS NOT NULL GROUP BY {key} HAVING COUNT(*) > 1 LIMIT 1"  # noqa: S608 - quoted
        return not list(self._run(_Sql(statement), self._seconds))

    def _keys(self, dataset: Dataset, keys: Sequence[str]) -> _Sql | None:
        kind = _family(dataset, dataset.subject_field or "")
        values: list[Any] = list(keys)
        if kind in _NUMBERS and self._reader.kind != "sqlite":
            values = [number for key in keys if (number := _number(key)) is not None]
        return self._equal(self._column(dataset.subject_field or "", kind), values)

    # --- SQL -------------------------------------------------------------------------------------------------------------------------

    def _select(self, dataset: Dataset, columns: Sequence[str], where: _Sql, seconds: float) -> Iterator[Sequence[Any]]:
        cells = ", ".join(map(self._named, columns))
        # names are quoted, values bound
        return self._run(_Sql(f"SELECT {cells} FROM {self._table(dataset.table)} WHERE {where.text}", where.values), seconds)  # noqa: S608

    def _run(self, sql: _Sql, seconds: float) -> Iterator[Sequence[Any]]:
        try:
            yield from self._reader.query(sql.text, sql.values, seconds=seconds)
        except Unreadable as error:
            raise ConnectorUnavailable(f"The table cannot be searched: {error.reason}.") from None

    def _equal(self, column: str, values: Sequence[Any]) -> _Sql | None:
        return _Sql(f"{column} IN ({', '.join([self._mark] * len(values))})", list(values)) if values else None

    def _column(self, name: str, kind: Family) -> str:
        """Return the column as it is compared with texts: as it stands where an index may answer."""
        strict = self._reader.kind == "postgresql" and kind not in _NUMBERS
        return f"CAST({self._named(name)} AS text)" if strict else self._named(name)

    def _as_text(self, name: str) -> str:
        named = self._named(name)
        match self._reader.kind:
            case "postgresql":
                return f'CAST({named} AS text) COLLATE "C"'  # other collations may refuse LIKE
            case "sqlite":
                return f"CAST({named} AS TEXT)"
            case _:
                return f"CONVERT({named} USING utf8mb4)"

    def _not_ascii(self, name: str) -> str:
        named = self._named(name)
        match self._reader.kind:
            case "postgresql":
                return rf"CAST({named} AS text) ~ '[^\u0001-\u007f]'"
            case "sqlite":
                return f"length(CAST({named} AS BLOB)) <> length(CAST({named} AS TEXT))"
            case _:
                return f"LENGTH(CONVERT({named} USING utf8mb4)) <> CHAR_LENGTH({named})"

    def _named(self, name: str) -> str:
        quoted = self._reader.quote(name)
        return quoted if self._mark == "?" else quoted.replace("%", "%%")

    def _table(self, name: str) -> str:
        """Return the quoted table; a dot may be part of its name or stand behind a schema's."""
        if name not in self._tables:
            self._tables[name] = self._located(name)
        return self._tables[name]

    def _located(self, name: str) -> str:
        schema, _, table = name.partition(".")
        if self._reader.kind != "postgresql" or not table:
            return self._named(name)
        (found,) = self._run(_Sql("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", [self._reader.quote(name)]), KEY_SECONDS)
        return self._named(name) if found[0] else f"{self._named(schema)}.{self._named(table)}"


# --- files ----------------------------------------------------------------------------------------------------------------------------


class _CsvPeople:
    """A file has no index: each question reads it to its end."""

    def __init__(self, connector: CsvConnector, spellings: Spellings) -> None:
        self._connector, self._spellings = connector, spellings

    def close(self) -> None:
        self._connector.close()

    def find(self, dataset: Dataset, probes: Sequence[Probe], encrypted: Mapping[str, EncryptedField]) -> Hits:
        hits = _Gathered()
        for row in self._connector.rows(dataset.table):
            if key := row.get(dataset.subject_field or ""):
                hits.take(_hits(key, row, probes, self._spellings))
        return Hits(hits.found)

    def read(
        self, dataset: Dataset, fields: Sequence[str], keys: Collection[str], encrypted: Mapping[str, EncryptedField]
    ) -> Mapping[str, Mapping[str, Sequence[Plaintext]]]:
        read: dict[str, dict[str, list[Plaintext]]] = {}
        for row in self._connector.rows(dataset.table):
            key = row.get(dataset.subject_field or "", "")
            if key and key in keys:
                _keep(read.setdefault(key, {}), ((name, row.get(name)) for name in fields))
        return read

    def one_row_each(self, dataset: Dataset) -> bool:
        seen: set[str] = set()
        for row in self._connector.rows(dataset.table):
            if key := row.get(dataset.subject_field or ""):
                if key in seen:
                    return False
                seen.add(key)
        return True


# --- cells ----------------------------------------------------------------------------------------------------------------------------


class _Gathered:
    """Hits by subject and probe. Of a value that hundreds share only some are kept: two are enough to know that it identifies nobody."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], Hit] = {}
        self._counts: dict[int, int] = {}

    @property
    def found(self) -> tuple[Hit, ...]:
        return tuple(self._kept.values())

    def take(self, hits: Iterable[Hit]) -> None:
        for hit in hits:
            probe = id(hit.probe)
            if self._counts.get(probe, 0) < _MOST_HITS and (hit.key, probe) not in self._kept:
                self._kept[hit.key, probe] = hit
                self._counts[probe] = self._counts.get(probe, 0) + 1


def _hits(key: str, cells: Mapping[str, str | None], probes: Sequence[Probe], spellings: Spellings) -> Iterator[Hit]:
    for probe in probes:
        if cell := cells.get(probe.field):
            forms = spellings.forms(probe.kind, cell)
            if found := next((form for form in probe.forms if form.reveal() in forms), None):
                yield Hit(key, probe, found)


def _keep(row: dict[str, list[Plaintext]], cells: Iterable[tuple[str, str | None]]) -> None:
    for name, cell in cells:
        if cell and cell.strip() and cell not in [value.reveal() for value in row.get(name, ())]:
            row.setdefault(name, []).append(Plaintext(cell))


def _opened(dataset: Dataset, key: str, shadows: Mapping[str, EncryptedField], cells: Sequence[Any]) -> Iterator[tuple[str, str | None]]:
    for (name, column), cell in zip(shadows.items(), cells, strict=True):
        if text := _text(cell):
            (value,) = column.reveal([(_subject(dataset, key), text)])
            yield name, value.reveal() if value else None


def _subject(dataset: Dataset, key: str) -> SubjectRef:
    return SubjectRef(dataset.system, dataset.subject_type or "", key)


def _text(cell: Any) -> str | None:
    """Return a cell as the text it is known by: whole numbers without a point, days and UUIDs in their usual form."""
    match cell:
        case None:
            return None
        case bool():
            return str(cell).lower()
        case float() if cell.is_integer():
            return str(int(cell))
        case decimal.Decimal():
            return format(cell.normalize() if cell == cell.to_integral_value() else cell, "f")
        case dt.datetime():
            return cell.isoformat(" ")
        case dt.date():
            return cell.isoformat()
        case bytes() | bytearray() | memoryview():
            return _decoded(bytes(cell))
        case _:
            return str(cell)


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.hex()


def _number(key: str) -> int | decimal.Decimal | None:
    try:
        number = decimal.Decimal(key)
    except decimal.InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= 1 << 63:
        return None
    return int(number) if number == number.to_integral_value() else number


def _family(dataset: Dataset, name: str) -> Family:
    known = dataset.fields.get(name)
    return family(known.data_type) if known and known.data_type else Family.TEXT


def _pattern(trace: str) -> str:
    """Return a LIKE pattern that asks for the characters in order, with anything around and between."""
    escaped = (f"!{character}" if character in "!%_" else character for character in trace)
    return f"%{'%'.join(escaped)}%"
