"""What crypto needs from outside: a keeper of the root key, and tables in the keys database. Row types are here too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx


class KeyProvider(Protocol):
    """Keeps the root key and lends its use. One call per tenant key, at start and at rotation: never per subject or value.

    `context` (whose key, which, which version) is bound into the wrap: unwrapping with another context fails.
    Both raise Misconfigured with the remedy when the provider does not hold the key that wrapped.
    """

    def wrap(self, secret: bytes, context: Sequence[str]) -> bytes: ...

    def unwrap(self, wrapped: bytes, context: Sequence[str]) -> bytes: ...

    def current_version(self) -> str:
        """Name the root key that wraps now, without revealing it."""

    def health(self) -> str:
        """Prove that the key works and return a line for an operator; raises Misconfigured."""

    def destroy_semantics(self) -> str:
        """Say what destroying a root key version means here: `best_effort`, `immediate`, `pending:<days>` or `reversible`."""


class Purpose(StrEnum):
    """What a tenant's own key is for. Only the kek has more than one version; the others never rotate, or what they made would be lost."""

    KEK = "kek"  # wraps the keys of subjects
    DERIVE = "derive"  # root of derived keys: pseudonyms, cursors, sealed secrets
    INDEX = "index"  # blind indexes
    FENCE = "fence"  # keyed digests of subject references


class State(StrEnum):
    PENDING = "pending"  # written down, wrap not confirmed yet: neither encrypts nor decrypts
    ACTIVE = "active"
    DECRYPT_ONLY = "decrypt_only"  # superseded by the next generation
    DESTROYED = "destroyed"  # the row stays without its key, and fences


class Kind(StrEnum):
    """Two secrets per subject, in two tables: one encrypts, one makes the pseudonym in the audit log."""

    DATA = "data"
    AUDIT = "audit"


class Lock(StrEnum):
    """How a transaction holds the tenant's row: many may provision beside each other, nobody beside a rotation or a destruction."""

    NONE = "none"
    SHARED = "shared"
    EXCLUSIVE = "exclusive"


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant's settings in the keys database. `changes` grows with each destruction, supersession and readmission: caches compare it before every batch."""

    tenant: TenantId
    algorithm: str
    digest: str
    kek_version: int
    changes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TenantKeyRow:
    """One version of one of a tenant's own keys, wrapped by the provider; a destroyed version keeps its row."""

    tenant: TenantId
    purpose: Purpose
    version: int
    state: State
    wrapped: bytes | None
    created_at: datetime
    destroyed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SubjectKeyRow:
    """One generation of one subject's secret. `lookup` is a keyed digest of the subject; `commitment` lets a certificate name the key after its end."""

    id: int
    tenant: TenantId
    lookup: str
    generation: int
    kek_version: int
    state: State
    wrapped: bytes | None
    commitment: str
    created_at: datetime
    destroyed_at: datetime | None = None
    reason_ref: str = ""


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """What was done to keys; written in the transaction of the deed and never changed."""

    tenant: TenantId
    action: str
    object_ref: str
    reason_ref: str
    at: datetime


class KeyRepository(Protocol):
    """Tables in the keys database. Rows come back in no particular order; `add_…` of a row that exists already changes nothing."""

    def tenant(self, tx: Tx, tenant: TenantId, lock: Lock = Lock.NONE) -> TenantRow | None: ...

    def tenants(self, tx: Tx) -> list[TenantRow]: ...

    def add_tenant(self, tx: Tx, row: TenantRow) -> None: ...

    def save_tenant(self, tx: Tx, row: TenantRow) -> None: ...

    def tenant_keys(self, tx: Tx, tenant: TenantId) -> list[TenantKeyRow]: ...

    def add_tenant_keys(self, tx: Tx, rows: Sequence[TenantKeyRow]) -> None: ...

    def save_tenant_keys(self, tx: Tx, rows: Sequence[TenantKeyRow]) -> None: ...

    def of_subjects(self, tx: Tx, kind: Kind, tenant: TenantId, lookups: Sequence[str]) -> list[SubjectKeyRow]:
        """Return all generations of these subjects."""

    def by_ids(self, tx: Tx, kind: Kind, tenant: TenantId, ids: Sequence[int]) -> list[SubjectKeyRow]: ...

    def add(self, tx: Tx, kind: Kind, rows: Sequence[SubjectKeyRow]) -> None:
        """Insert; where (tenant, lookup, generation) is taken, the older row stays."""

    def supersede(self, tx: Tx, kind: Kind, tenant: TenantId, ids: Sequence[int]) -> None:
        """Turn active rows into decrypt-only ones."""

    def destroy(self, tx: Tx, kind: Kind, tenant: TenantId, lookups: Sequence[str], at: datetime, reason_ref: str) -> int:
        """Remove the keys of all generations of these subjects, keep the rows as destroyed; return how many were not so before."""

    def outdated(self, tx: Tx, kind: Kind, tenant: TenantId, kek_version: int, limit: int) -> list[SubjectKeyRow]:
        """Return up to `limit` living rows wrapped under an older kek."""

    def save_wraps(self, tx: Tx, kind: Kind, rows: Sequence[SubjectKeyRow]) -> None:
        """Store `wrapped` and `kek_version` of rows that still live."""

    def counts(self, tx: Tx, kind: Kind, tenant: TenantId) -> dict[State, int]: ...

    def add_events(self, tx: Tx, events: Sequence[KeyEvent]) -> None: ...

    def events(self, tx: Tx, tenant: TenantId) -> list[KeyEvent]:
        """Return the events, oldest first."""
