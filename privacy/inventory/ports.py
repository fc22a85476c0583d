"""What the data map needs: repositories of its rows and of the relations between them, and a way to seal addresses."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from privacy.inventory.model import Carrier, Description, Finding, Status, System
from privacy.inventory.relations import Erase, Ownership
from privacy.kernel.ids import DatasetId, SystemId, TenantId
from privacy.kernel.store import Tx


class Seal(Protocol):
    def __call__(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes:
        """Encrypt (or open) a small secret of ours, bound to tenant, label and context."""


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field as stored: class, level and technique come from the taxonomy unless `level` or `technique` say otherwise."""

    name: str
    position: int = 0
    data_type: str = ""
    nullable: bool = True
    key: str = ""
    comment: str = ""
    carrier: Carrier | None = None
    status: Status = Status.UNKNOWN
    category: str = ""
    level: int | None = None
    technique: str | None = None
    controls: tuple[str, ...] = ()
    description: Description = field(default_factory=Description)
    finding: Finding | None = None
    decided_by: str = ""
    decided_at: datetime | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class DatasetRow:
    id: DatasetId
    system_id: SystemId
    table: str
    kind: str = "table"
    comment: str = ""
    rows: int | None = None
    subject_type: str | None = None
    subject_field: str | None = None
    proposed_subject_type: str | None = None
    proposed_subject_field: str | None = None
    problem: str = ""
    gone: bool = False
    fields: Mapping[str, FieldRow] = field(default_factory=dict)


class Beside(Protocol):
    """Columns of ours in connected tables, by dataset and the field they stand for; protection has them."""

    def __call__(self, tx: Tx, tenant: TenantId) -> Mapping[DatasetId, Mapping[str, tuple[str, ...]]]: ...


def nothing_beside(tx: Tx, tenant: TenantId) -> Mapping[DatasetId, Mapping[str, tuple[str, ...]]]:
    return {}


class InventoryRepository(Protocol):
    """Rows of the data map; every method is of one tenant."""

    def version(self, tx: Tx, tenant: TenantId) -> int: ...

    def grow(self, tx: Tx, tenant: TenantId) -> int:
        """Add one to the map's version and return it; concurrent writers wait for each other here."""

    def systems(self, tx: Tx, tenant: TenantId) -> Sequence[System]: ...

    def system(self, tx: Tx, tenant: TenantId, name: str) -> System | None: ...

    def sealed_url(self, tx: Tx, tenant: TenantId, system: SystemId) -> bytes: ...

    def add_system(self, tx: Tx, system: System, sealed_url: bytes) -> None:
        """Raises Conflict when the name is taken."""

    def update_system(self, tx: Tx, system: System, sealed_url: bytes) -> None:
        """Replace name, kind and address of the system with this id."""

    def mark_scanned(self, tx: Tx, tenant: TenantId, system: SystemId, at: datetime) -> None: ...

    def datasets(self, tx: Tx, tenant: TenantId, system: SystemId | None = None, tables: Collection[str] | None = None) -> Sequence[DatasetRow]:
        """Return datasets (of one system, of these tables) with their fields, in order of table and position."""

    def save_datasets(self, tx: Tx, tenant: TenantId, datasets: Sequence[DatasetRow]) -> None:
        """Insert or replace these datasets and all fields they carry; other fields stay as they are."""


@dataclass(frozen=True, slots=True)
class RelationRow:
    """A relation as stored, between dataset ids: names may change. `id` follows from its ends, so that the same edge is the same row at every scan."""

    id: str
    system_id: SystemId
    child_id: DatasetId
    child_columns: tuple[str, ...]
    parent_id: DatasetId
    parent_columns: tuple[str, ...]
    role: Ownership
    status: Status = Status.PROPOSED
    declared: bool = False
    weak: bool = False
    depth: int | None = None
    when: Mapping[str, str] = field(default_factory=dict)
    confidence: float = 0.0
    evidence: tuple[Mapping[str, object], ...] = ()
    decided_by: str = ""
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandlingRow:
    """What erasure does to the rows of a dataset, as stored."""

    dataset_id: DatasetId
    action: Erase
    reason: str = ""
    rule: str = ""
    replacements: Mapping[str, str] = field(default_factory=dict)
    decided_by: str = ""
    decided_at: datetime | None = None


class RelationRepository(Protocol):
    """Relations and handlings; every method is of one tenant."""

    def relations(self, tx: Tx, tenant: TenantId, system: SystemId) -> Sequence[RelationRow]:
        """Return the relations of a system, in order of their ids."""

    def relations_by_id(self, tx: Tx, tenant: TenantId, ids: Collection[str]) -> Sequence[RelationRow]: ...

    def save_relations(self, tx: Tx, tenant: TenantId, rows: Sequence[RelationRow]) -> None:
        """Insert or replace these relations."""

    def drop_relations(self, tx: Tx, tenant: TenantId, ids: Collection[str]) -> None: ...

    def handlings(self, tx: Tx, tenant: TenantId, datasets: Collection[DatasetId]) -> Sequence[HandlingRow]: ...

    def save_handlings(self, tx: Tx, tenant: TenantId, rows: Sequence[HandlingRow]) -> None: ...
