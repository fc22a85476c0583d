"""The map of one system as a file an operator edits: strict both ways; every flaw is told with its line.

    system: shop
    controller: main
    datasets:
      customers:
        subject: {type: customer, field: id}
        fields:
          email: {status: confirmed, category: email, controls: [encrypted], meaning: "address for receipts", owner: "sales"}
        erase: {action: anonymise, replacements: {email: "null"}}
    relations:
      - {child: orders, child_columns: [customer_id], parent: customers, parent_columns: [id], role: owned_by}

Only `confirmed`, `rejected` and `not_personal` are applied; `proposed` and `unknown` are what an export shows and an import leaves alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from types import MappingProxyType

from privacy.inventory import relation_file
from privacy.inventory.deciding import apply_subject, check_category
from privacy.inventory.model import Dataset, Description, Field, Status, System
from privacy.inventory.ports import DatasetRow, FieldRow, HandlingRow, RelationRow
from privacy.inventory.relation_file import WantedHandling, WantedRelation
from privacy.inventory.strict_yaml import Marked, StrictReader
from privacy.inventory.taxonomy import CONTROLS, NOT_PERSONAL, Taxonomy
from privacy.kernel.errors import InvalidInput, PrivacyError
from privacy.kernel.ids import ControllerId, DatasetId, SystemId, new_id

__all__ = ["Marked", "WantedMap", "apply", "read", "to_plain"]

_DESCRIPTION = tuple(f.name for f in fields(Description))
_SYSTEM_KEYS = ("system", "kind", "controller", "version", "datasets", "relations")
_DATASET_KEYS = ("id", "kind", "subject", "erase", "fields")
_FIELD_KEYS = ("status", "category", "level", "technique", "type", "carrier", "controls", "proposed", *_DESCRIPTION)
_MAX_FLAWS = 50


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
    erase: WantedHandling | None = None


@dataclass(frozen=True, slots=True)
class WantedMap:
    system: str
    controller: ControllerId | None
    datasets: tuple[WantedDataset, ...]
    relations: tuple[WantedRelation, ...] = ()


def to_plain(
    system: System,
    datasets: Sequence[Dataset],
    version: int,
    relations: Sequence[RelationRow] = (),
    handlings: Mapping[DatasetId, HandlingRow] = MappingProxyType({}),
) -> dict[str, object]:
    """Return a system's map as plain data."""
    head: dict[str, object] = {"system": system.name, "kind": system.kind}
    if system.controller:
        head["controller"] = system.controller
    plain = head | {"version": version, "datasets": {d.table: _dataset_plain(d, handlings.get(d.id)) for d in datasets if not d.gone}}
    edges = relation_file.relations_plain(relations, {dataset.id: dataset.table for dataset in datasets if not dataset.gone})
    return plain | ({"relations": edges} if edges else {})


def _dataset_plain(dataset: Dataset, handling: HandlingRow | None) -> dict[str, object]:
    plain: dict[str, object] = {"id": dataset.id, "kind": dataset.kind}
    if dataset.subject_type and dataset.subject_field:
        plain["subject"] = {"type": dataset.subject_type, "field": dataset.subject_field}
    if handling is not None:
        plain["erase"] = relation_file.handling_plain(handling)
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


class _Reader(StrictReader):
    """Walks the map of a system."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        super().__init__()
        self._taxonomy = taxonomy

    def map(self, document: Marked) -> WantedMap:
        top = self.mapping(document, _SYSTEM_KEYS, "the file")
        name = self.text(top.get("system"), "system", document.line)
        controller = self.text(top["controller"], "controller", document.line) if "controller" in top else None
        datasets = self.mapping(top.get("datasets", Marked({}, document.line)), None, "datasets")
        if not name:
            self.flaw(document.line, "the key system is missing: the system's name")
        relations = relation_file.read_relations(self, top["relations"]) if "relations" in top else ()
        wanted = tuple(self._dataset(table, entry) for table, entry in datasets.items())
        return WantedMap(name, ControllerId(controller) if controller else None, wanted, relations)

    def _dataset(self, table: str, entry: Marked) -> WantedDataset:
        keys = self.mapping(entry, _DATASET_KEYS, "a dataset")
        subject = None
        if "subject" in keys:
            pair = self.mapping(keys["subject"], ("type", "field"), "subject")
            subject = (self.text(pair.get("type"), "type", keys["subject"].line), self.text(pair.get("field"), "field", keys["subject"].line))
            if not all(subject) or ":" in subject[0]:
                self.flaw(keys["subject"].line, "subject needs type (a word without colons) and field")
        named = self.mapping(keys.get("fields", Marked({}, entry.line)), None, "fields")
        erase = relation_file.read_handling(self, keys["erase"]) if "erase" in keys else None
        return WantedDataset(table, subject, tuple(self._field(name, field) for name, field in named.items()), erase)

    def _field(self, name: str, entry: Marked) -> WantedField:
        keys = self.mapping(entry, _FIELD_KEYS, "a field")
        status = self._status(keys.get("status"))
        category = self.text(keys.get("category"), "category", entry.line)
        level = self.whole(keys.get("level"), "level")
        technique = self.text(keys.get("technique"), "technique", entry.line) or None
        if status is Status.CONFIRMED:
            self._checked(category, level, entry.line)
            # an export shows every level; only a raised one is a statement of its own
            level = None if category in self._taxonomy.categories and level == self._taxonomy.categories[category].level else level
        elif category and category != NOT_PERSONAL:
            self.flaw(entry.line, "a category goes with status: confirmed")
        description = {key: self.text(keys[key], key, entry.line) for key in _DESCRIPTION if key in keys}
        controls = self._controls(keys["controls"]) if "controls" in keys else None
        return WantedField(name, status, category, level, technique, controls, description)

    def _checked(self, category: str, level: int | None, line: int) -> None:
        try:
            check_category(category, level, self._taxonomy, "")
        except PrivacyError as error:
            self.flaw(line, error.detail)

    def _status(self, entry: Marked | None) -> Status | None:
        if entry is None:
            return None
        if entry.value not in tuple(Status):
            self.flaw(entry.line, f"status is one of {', '.join(Status)}")
            return None
        return Status(str(entry.value))

    def _controls(self, entry: Marked) -> tuple[str, ...]:
        items = entry.value if isinstance(entry.value, list) else None
        if items is None or not all(isinstance(item, Marked) and item.value in CONTROLS for item in items):
            self.flaw(entry.line, f"controls is a list of {', '.join(CONTROLS)}")
            return ()
        return tuple(sorted({str(item.value) for item in items}))
