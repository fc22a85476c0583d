"""A scan meets the map: what people decided stays, what was found is renewed, what differs is drift."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from privacy.inventory.model import Carrier, Finding, Status
from privacy.inventory.ports import DatasetRow, FieldRow
from privacy.kernel.ids import DatasetId, SystemId, new_id

AUTO = "auto"
_FIELDS_A_PART = 1000
REFERENCE = "reference"  # the key of a field that holds keys of people in another dataset


@dataclass(frozen=True, slots=True)
class ScannedField:
    """A column as a scan saw it; `finding` is None where nothing is proposed."""

    name: str
    data_type: str = ""
    nullable: bool = True
    key: str = ""
    comment: str = ""
    carrier: Carrier | None = None
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class ScannedTable:
    name: str
    fields: tuple[ScannedField, ...] = ()
    kind: str = "table"
    comment: str = ""
    rows: int | None = None
    subject_type: str | None = None
    subject_field: str | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs from the last scan, as `table.field` or `table`."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def __add__(self, other: "Drift") -> "Drift":
        return Drift(self.new + other.new, self.changed + other.changed, self.gone + other.gone)


@dataclass
class _Notes:
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


def merge(system: SystemId, known: Sequence[DatasetRow], scanned: Sequence[ScannedTable], *, first: bool) -> tuple[list[DatasetRow], Drift]:
    """Return the rows to save for these tables, and their drift; a `first` scan of a system has none.

    Nothing is deleted: a field that is gone is marked and keeps its decision.
    """
    notes = _Notes()
    before = {dataset.table: dataset for dataset in known}
    rows = [_dataset(system, before.get(table.name), table, notes, first=first) for table in scanned]
    return rows, Drift(tuple(notes.new), tuple(notes.changed), tuple(notes.gone))


def mark_gone(known: Sequence[DatasetRow], present: Collection[str]) -> tuple[list[DatasetRow], Drift]:
    """Return the rows of datasets that are no longer `present`, marked as gone, and that as drift."""
    rows = [replace(dataset, gone=True, fields={}) for dataset in known if dataset.table not in present and not dataset.gone]
    return rows, Drift(gone=tuple(row.table for row in rows))


def in_parts(tables: Sequence[ScannedTable]) -> Iterator[list[ScannedTable]]:
    """Cut a scan so that each part is a short transaction: others write between them. At least one part comes, if an empty one."""
    part: list[ScannedTable] = []
    fields = 0
    for table in tables:
        if part and fields + len(table.fields) > _FIELDS_A_PART:
            yield part
            part, fields = [], 0
        part.append(table)
        fields += len(table.fields)
    yield part


def _dataset(system: SystemId, old: DatasetRow | None, table: ScannedTable, notes: _Notes, *, first: bool) -> DatasetRow:
    if old is None:
        old = DatasetRow(DatasetId(new_id()), system, table.name)
        if not first:
            notes.new.append(table.name)
        fields = {scanned.name: _field(None, position, scanned, "") for position, scanned in enumerate(table.fields)}
    else:
        fields = _fields(old.fields, table, notes)
    return replace(
        old,
        kind=table.kind,
        comment=table.comment,
        rows=table.rows,
        proposed_subject_type=table.subject_type,
        proposed_subject_field=table.subject_field,
        problem=table.problem,
        gone=False,
        fields=fields,
    )


def _fields(old: Mapping[str, FieldRow], table: ScannedTable, notes: _Notes) -> dict[str, FieldRow]:
    fields = {}
    for position, scanned in enumerate(table.fields):
        before = old.get(scanned.name)
        drift = _drift(before, scanned)
        if drift:
            (notes.new if drift == "new" else notes.changed).append(f"{table.name}.{scanned.name}")
        fields[scanned.name] = _field(before, position, scanned, drift)
    # a table that could not be read says nothing about its columns
    missing = old.keys() - fields.keys() if table.fields else ()
    for name in sorted(missing):
        if not old[name].gone:
            notes.gone.append(f"{table.name}.{name}")
        fields[name] = replace(old[name], gone=True)
    return fields


def _drift(before: FieldRow | None, scanned: ScannedField) -> str:
    if before is None or before.gone:
        return "new"
    if before.data_type != scanned.data_type or before.carrier is not scanned.carrier:
        return "changed"
    then, now = before.finding, scanned.finding
    # what a person decided against is proposed again at every scan and is no news; another proposal is
    return "changed" if now is not None and now.outcome == AUTO and (then.category if then else "") != now.category else ""


def _field(before: FieldRow | None, position: int, scanned: ScannedField, drift: str) -> FieldRow:
    row = before or FieldRow(scanned.name)
    finding = replace(scanned.finding, drift=drift) if scanned.finding else None
    row = replace(
        row,
        position=position,
        data_type=scanned.data_type,
        nullable=scanned.nullable,
        key=scanned.key,
        comment=scanned.comment,
        carrier=scanned.carrier,
        finding=finding,
        gone=False,
    )
    if row.status in (Status.PROPOSED, Status.UNKNOWN):
        return replace(row, status=Status.PROPOSED if finding else Status.UNKNOWN, category=finding.category if finding else "")
    return row
