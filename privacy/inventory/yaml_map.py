"""The map of one system as a file an operator edits: strict both ways; every flaw is told with its line.

    system: shop
    controller: main
    datasets:
      customers:
        subject: {type: customer, field: id}
        fields:
          email: {status: confirmed, category: email, controls: [encrypted], meaning: "address for receipts", owner: "sales"}

Only `confirmed`, `rejected` and `not_personal` are applied; `proposed` and `unknown` are what an export shows and an import leaves alone.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime

from privacy.inventory.deciding import apply_subject, check_category
from privacy.inventory.model import Dataset, Description, Field, Status, System
from privacy.inventory.ports import DatasetRow, FieldRow
from privacy.inventory.taxonomy import CONTROLS, NOT_PERSONAL, Taxonomy
from privacy.kernel.errors import Flaw, InvalidInput, PrivacyError
from privacy.kernel.ids import ControllerId, DatasetId, SystemId, new_id

_DESCRIPTION = tuple(f.name for f in fields(Description))
_SYSTEM_KEYS = ("system", "kind", "controller", "version", "datasets")
_DATASET_KEYS = ("id", "kind", "subject", "fields")
_FIELD_KEYS = ("status", "category", "level", "technique", "type", "carrier", "controls", "proposed", *_DESCRIPTION)
_MAX_FLAWS = 50
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Marked:
    """A value of a parsed file with the line it stands on; mappings and lists hold further `Marked`."""

    value: object
    line: int


@dataclass(frozen=True, slots=True)
class WantedField:
    name: str
    status: Status | None
    category: str
    level: int | None
    technique: str | None
    controls: tuple[str, ...] | None
    description: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WantedDataset:
    table: str
    subject: tuple[str, str] | None
    fields: tuple[WantedField, ...]


@dataclass(frozen=True, slots=True)
class WantedMap:
    system: str
    controller: ControllerId | None
    datasets: tuple[WantedDataset, ...]


def to_plain(system: System, datasets: Sequence[Dataset], version: int) -> dict[str, object]:
    """Return a system's map as plain data."""
    head: dict[str, object] = {"system": system.name, "kind": system.kind}
    if system.controller:
        head["controller"] = system.controller
    return head | {"version": version, "datasets": {dataset.table: _dataset_plain(dataset) for dataset in datasets if not dataset.gone}}


def _dataset_plain(dataset: Dataset) -> dict[str, object]:
    plain: dict[str, object] = {"id": dataset.id, "kind": dataset.kind}
    if dataset.subject_type and dataset.subject_field:
        plain["subject"] = {"type": dataset.subject_type, "field": dataset.subject_field}
    return plain | {"fields": {field.name: _field_plain(field) for field in dataset.fields.values() if not field.gone}}


def _field_plain(field: Field) -> dict[str, object]:
    plain: dict[str, object] = {"status": field.status.value}
    if field.status is Status.CONFIRMED:
        plain |= {"category": field.category, "level": field.level}
    elif field.status is Status.PROPOSED:
        plain["proposed"] = field.category
    plain |= {"type": field.data_type} if field.data_type else {}
    plain |= {"carrier": field.carrier.value} if field.carrier else {}
    plain |= {"controls": sorted(field.controls)} if field.controls else {}
    return plain | {name: text for name, text in asdict(field.description).items() if text}


def read(document: Marked, taxonomy: Taxonomy) -> WantedMap:
    """Check a parsed file and return what it wants. Raises InvalidInput with all flaws (fifty at most), each with its line."""
    reader = _Reader(taxonomy)
    wanted = reader.map(document)
    if reader.flaws:
        raise InvalidInput("The map file has flaws; nothing was changed.", flaws=tuple(reader.flaws[:_MAX_FLAWS]))
    return wanted


def apply(wanted: WantedMap, system: SystemId, known: Mapping[str, DatasetRow], by: str, at: datetime) -> tuple[list[DatasetRow], int]:
    """Return the rows to save and how many fields change. Datasets and fields that no scan has seen yet are declared by the file."""
    rows, changed = [], 0
    for dataset in wanted.datasets:
        row = known.get(dataset.table) or DatasetRow(DatasetId(new_id()), system, dataset.table, kind="declared")
        changes = {}
        for number, want in enumerate(dataset.fields):
            before = row.fields.get(want.name)
            after = _applied(before or FieldRow(want.name, len(row.fields) + number), want, by, at)
            if after != before:
                changes[want.name] = after
        changed += len(changes)
        result = replace(row, fields=changes)
        if dataset.subject is not None:
            type, name = dataset.subject
            every = {**row.fields, **changes}
            subject = apply_subject(replace(row, fields=every if name in every else {**every, name: FieldRow(name, len(every))}), type, name, by, at)
            result = replace(subject, fields={**changes, **subject.fields})
        rows.append(result)
    return rows, changed


def _applied(row: FieldRow, want: WantedField, by: str, at: datetime) -> FieldRow:
    after = replace(
        row,
        technique=want.technique or row.technique,
        controls=row.controls if want.controls is None else want.controls,
        description=replace(row.description, **want.description),
    )
    if want.status is Status.CONFIRMED:
        after = replace(after, status=want.status, category=want.category, level=want.level)
    elif want.status in (Status.REJECTED, Status.NOT_PERSONAL):
        after = replace(after, status=want.status, category=NOT_PERSONAL if want.status is Status.NOT_PERSONAL else "", level=None)
    return replace(after, decided_by=by, decided_at=at) if after != row else row


class _Reader:
    """Walks the document and collects flaws instead of stopping at the first."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self.flaws: list[Flaw] = []

    def map(self, document: Marked) -> WantedMap:
        top = self._mapping(document, _SYSTEM_KEYS, "the file")
        name = self._text(top.get("system"), "system", document.line)
        controller = self._text(top["controller"], "controller", document.line) if "controller" in top else None
        datasets = self._mapping(top.get("datasets", Marked({}, document.line)), None, "datasets")
        if not name:
            self._flaw(document.line, "the key system is missing: the system's name")
        return WantedMap(name, ControllerId(controller) if controller else None, tuple(self._dataset(table, entry) for table, entry in datasets.items()))

    def _dataset(self, table: str, entry: Marked) -> WantedDataset:
        keys = self._mapping(entry, _DATASET_KEYS, "a dataset")
        subject = None
        if "subject" in keys:
            pair = self._mapping(keys["subject"], ("type", "field"), "subject")
            subject = (self._text(pair.get("type"), "type", keys["subject"].line), self._text(pair.get("field"), "field", keys["subject"].line))
            if not all(subject) or ":" in subject[0]:
                self._flaw(keys["subject"].line, "subject needs type (a word without colons) and field")
        named = self._mapping(keys.get("fields", Marked({}, entry.line)), None, "fields")
        return WantedDataset(table, subject, tuple(self._field(name, field) for name, field in named.items()))

    def _field(self, name: str, entry: Marked) -> WantedField:
        keys = self._mapping(entry, _FIELD_KEYS, "a field")
        status = self._status(keys.get("status"))
        category = self._text(keys.get("category"), "category", entry.line)
        level = self._level(keys.get("level"))
        technique = self._text(keys.get("technique"), "technique", entry.line) or None
        if status is Status.CONFIRMED:
            self._checked(category, level, entry.line)
            # an export shows every level; only a raised one is a statement of its own
            level = None if category in self._taxonomy.categories and level == self._taxonomy.categories[category].level else level
        elif category and category != NOT_PERSONAL:
            self._flaw(entry.line, "a category goes with status: confirmed")
        description = {key: self._text(keys[key], key, entry.line) for key in _DESCRIPTION if key in keys}
        controls = self._controls(keys["controls"]) if "controls" in keys else None
        return WantedField(name, status, category, level, technique, controls, description)

    def _checked(self, category: str, level: int | None, line: int) -> None:
        try:
            check_category(category, level, self._taxonomy, "")
        except PrivacyError as error:
            self._flaw(line, error.detail)

    def _status(self, entry: Marked | None) -> Status | None:
        if entry is None:
            return None
        if entry.value not in tuple(Status):
            self._flaw(entry.line, f"status is one of {', '.join(Status)}")
            return None
        return Status(str(entry.value))

    def _level(self, entry: Marked | None) -> int | None:
        if entry is None:
            return None
        if not isinstance(entry.value, int) or isinstance(entry.value, bool):
            self._flaw(entry.line, "level is a number")
            return None
        return entry.value

    def _controls(self, entry: Marked) -> tuple[str, ...]:
        items = entry.value if isinstance(entry.value, list) else None
        if items is None or not all(isinstance(item, Marked) and item.value in CONTROLS for item in items):
            self._flaw(entry.line, f"controls is a list of {', '.join(CONTROLS)}")
            return ()
        return tuple(sorted({str(item.value) for item in items}))

    def _mapping(self, entry: Marked, allowed: Collection[str] | None, what: str) -> dict[str, Marked]:
        if not isinstance(entry.value, Mapping):
            self._flaw(entry.line, f"{what} must be a mapping of keys to values")
            return {}
        found = {}
        for key, value in self._pairs(entry.value, what):
            if allowed is not None and key not in allowed:
                self._flaw(value.line, f"unknown key in {what}; known are {', '.join(allowed)}")
            else:
                found[key] = value
        return found

    def _pairs(self, mapping: Mapping[object, object], what: str) -> Iterator[tuple[str, Marked]]:
        for key, value in mapping.items():
            assert isinstance(value, Marked)
            if isinstance(key, str) and 0 < len(key) <= 255:
                yield key, value
            else:
                self._flaw(value.line, f"names in {what} are texts of 1 to 255 characters; put others in quotes")

    def _text(self, entry: Marked | None, key: str, line: int) -> str:
        if entry is None:
            return ""
        if not isinstance(entry.value, str) or len(entry.value) > _LONGEST:
            self._flaw(entry.line, f"{key} is a text of at most {_LONGEST} characters")
            return ""
        return entry.value

    def _flaw(self, line: int, detail: str) -> None:
        self.flaws.append(Flaw(f"line {line}", detail[0].upper() + detail[1:] + ("" if detail.endswith(".") else ".")))
