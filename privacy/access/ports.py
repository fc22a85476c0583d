"""What this room needs from others, named by role. The composition root hands in the real ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from privacy.access.rows import Policy
from privacy.inventory.catalogue_model import Controller, Purpose, Recipient
from privacy.inventory.model import Dataset
from privacy.inventory.taxonomy import Category
from privacy.kernel.errors import PrivacyError
from privacy.kernel.ids import DatasetId, TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.store import Tx
from privacy.kernel.terms import SubjectRef
from privacy.protection.items import IndexItem, ProtectItem, RevealItem


class Oracle(Protocol):
    """Casbin over the same rows: the reference that compiled decisions are compared with."""

    def decide(self, policy: Policy, request: "OracleRequest") -> tuple[bool, str]:
        """Return whether it is allowed and the id of the row that decided ("" when none did)."""


@dataclass(frozen=True, slots=True)
class OracleRequest:
    """One request in full, conditions answered."""

    roles: frozenset[str]
    purpose: str
    recipient: str
    dataset: str
    field_class: str
    category: str
    action: str
    region: str
    truths: Mapping[str, bool | None]


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A policy as it was activated. `policy` and `examples` are the files' texts, `digest` covers the meaning of the rows."""

    tenant: TenantId
    version: int
    digest: str
    policy: str
    examples: str
    activated_by: str
    activated_at: datetime
    note: str = ""


class PolicyRepository(Protocol):
    """Versions are only added; the epoch row says which one rules."""

    def active(self, tx: Tx, tenant: TenantId) -> int | None: ...

    def version(self, tx: Tx, tenant: TenantId, version: int) -> PolicyVersion | None: ...

    def versions(self, tx: Tx, tenant: TenantId) -> list[PolicyVersion]:
        """Return all versions, newest first, without their texts."""

    def add(self, tx: Tx, version: PolicyVersion) -> None: ...

    def activate(self, tx: Tx, tenant: TenantId, version: int, replacing: int | None) -> bool:
        """Make `version` rule if `replacing` still does (None: nothing does); return whether it did."""


class DataMap(Protocol):
    """The inventory as decisions see it."""

    def dataset(self, tenant: TenantId, name: str) -> Dataset | None: ...

    def datasets(self, tenant: TenantId) -> Sequence[Dataset]: ...

    def version(self, tenant: TenantId) -> int: ...


class Categories(Protocol):
    """The taxonomy as decisions see it."""

    def category(self, id: str) -> Category: ...

    def of_entity(self, entity: str) -> Category: ...

    @property
    def entities(self) -> frozenset[str]: ...

    @property
    def classes(self) -> frozenset[str]: ...

    @property
    def categories(self) -> Mapping[str, Category]: ...


class PurposeCatalogue(Protocol):
    """Purposes, recipients and controllers."""

    def purpose(self, tenant: TenantId, id: str) -> Purpose | None: ...

    def recipient(self, tenant: TenantId, id: str) -> Recipient | None: ...

    def controller(self, tenant: TenantId, id: str) -> Controller | None: ...

    def purposes(self, tenant: TenantId) -> Sequence[Purpose]: ...

    def recipients(self, tenant: TenantId) -> Sequence[Recipient]: ...


class ConsentState(Protocol):
    @property
    def state(self) -> str: ...

    @property
    def at(self) -> datetime | None: ...


class Consents(Protocol):
    def statuses(
        self, tenant: TenantId, subjects: Sequence[SubjectRef], purpose: str, recipient: str | None, channel: str | None = None
    ) -> Sequence[ConsentState]:
        """Return one status per subject, in order, with one query for all of them."""


class Restrictions(Protocol):
    """The register of restricted subjects (retention)."""

    def of(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> Mapping[SubjectRef, str]:
        """Return those of `subjects` whose data may only be stored, with what restricted them; one query. Raises StoreUnavailable: nothing is disclosed."""


class TextFinding(Protocol):
    @property
    def entity(self) -> str: ...

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...

    @property
    def confidence(self) -> float: ...


class TextDetector(Protocol):
    def find(self, text: str, *, language: str = "auto") -> Sequence[TextFinding]:
        """Return findings with offsets in code points of `text`, without overlaps, in order."""


class ValueProtection(Protocol):
    """Keys and values, never policy: this room decides and writes the event, then calls it."""

    def protect(self, tenant: TenantId, dataset: DatasetId, items: Sequence[ProtectItem]) -> Sequence[str | PrivacyError]: ...

    def reveal(self, tenant: TenantId, dataset: DatasetId, items: Sequence[RevealItem]) -> Sequence[Plaintext | PrivacyError]: ...

    def index(self, tenant: TenantId, dataset: DatasetId, items: Sequence[IndexItem]) -> Sequence[str | PrivacyError]: ...


class AuditRefs(Protocol):
    def audit_refs(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> Sequence[bytes]: ...


Derive = Callable[[TenantId, str], bytes]
