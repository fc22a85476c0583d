"""The data map as frozen values: systems hold datasets, datasets hold fields. Relations join them in a later room."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from privacy.kernel.ids import ControllerId, DatasetId, SystemId, TenantId
from privacy.kernel.terms import qualified

ARCHIVED = "~"  # stands in the names of removed systems alone


class Status(StrEnum):
    """How far a field's classification has come. Only `confirmed` and `not_personal` count for disclosure."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    NOT_PERSONAL = "not_personal"
    UNKNOWN = "unknown"

    @property
    def settled(self) -> bool:
        return self in (Status.CONFIRMED, Status.NOT_PERSONAL)


class Carrier(StrEnum):
    """A field whose values have no fixed content: listed as a carrier for ever, never reported as free of personal data."""

    FREE_TEXT = "free_text"
    JSON = "json"
    BLOB = "blob"
    IMAGE = "image"
    RECORDING = "recording"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Description:
    """What people say about a field (decision 27): all optional, all free of personal values."""

    meaning: str = ""
    format: str = ""
    source: str = ""
    owner: str = ""
    steward: str = ""
    update_rule: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the last scan proposed for a field, with its evidence; `digest` is keyed and tells a changed column without keeping a sample."""

    category: str
    entity: str
    confidence: float
    outcome: str
    evidence: tuple[Mapping[str, object], ...]
    digest: str
    scanned_at: datetime
    drift: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One column, key or path. Without a category it counts as the strictest level: `level` and `technique` already say so.

    `gone` fields are no longer in the system; their decision stays, since records delivered earlier may still carry them.
    """

    name: str
    category: str
    field_class: str
    level: int
    technique: str
    status: Status
    data_type: str = ""
    nullable: bool = True
    key: str = ""
    comment: str = ""
    carrier: Carrier | None = None
    controls: frozenset[str] = frozenset()
    description: Description = Description()
    finding: Finding | None = None
    decided_by: str = ""
    decided_at: datetime | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Dataset:
    """One table, file or collection. `id` never changes and is what ciphertexts, keys and indexes are bound to; names may change.

    `subject_field` holds the key of the subject each row is about, `subject_type` its kind (`customer`); both None until confirmed.
    `beside` names columns of ours in the table, by the field they stand for (encrypted in place): what is done to the field is done to them as well. They
    are no fields of the map.
    """

    id: DatasetId
    tenant: TenantId
    system: str
    table: str
    subject_type: str | None = None
    subject_field: str | None = None
    fields: Mapping[str, Field] = field(default_factory=lambda: MappingProxyType({}))
    kind: str = "table"
    comment: str = ""
    rows: int | None = None
    proposed_subject_type: str | None = None
    proposed_subject_field: str | None = None
    problem: str = ""
    gone: bool = False
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def name(self) -> str:
        return qualified(self.system, self.table)

    @property
    def ours(self) -> frozenset[str]:
        """Return the columns of ours in the table."""
        return frozenset(column for columns in self.beside.values() for column in columns)


@dataclass(frozen=True, slots=True)
class System:
    """A connected system. Its address with credentials stays sealed in the store; `shown_url` is the address without them.

    A removed system stays as an archive under a name that no connected one can have: `shop~1`, the first that was called shop.
    """

    id: SystemId
    tenant: TenantId
    name: str
    kind: str
    shown_url: str
    controller: ControllerId | None = None
    tls_waiver: str = ""
    created_at: datetime | None = None
    scanned_at: datetime | None = None

    @property
    def removed(self) -> bool:
        return ARCHIVED in self.name


@dataclass(frozen=True, slots=True)
class Gap:
    """A field that lacks a control its level requires; `remedy` is a command, or keys of the map file."""

    dataset: str
    field: str
    category: str
    level: int
    status: Status
    missing: tuple[str, ...]
    remedy: str = ""
