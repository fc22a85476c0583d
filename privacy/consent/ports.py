"""What consent needs from outside: a ledger, published notices, keys, pseudonyms for the log, the catalogue."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from privacy.consent.fold import Notices, Receipt
from privacy.consent.model import LedgerRow, Notice
from privacy.inventory.catalogue_ports import Contents
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx
from privacy.kernel.terms import SubjectRef


class ConsentRepository(Protocol):
    """Receipts are only added, and lose only what names a person (`pseudonymise`); notices are only added."""

    def add(self, tx: Tx, row: LedgerRow) -> None:
        """Add a receipt. The pair (tenant, reference) is unique where there is a reference; a twin surfaces as Conflict."""

    def receipt(self, tx: Tx, tenant: TenantId, id: str) -> LedgerRow | None: ...

    def by_reference(self, tx: Tx, tenant: TenantId, reference: bytes) -> LedgerRow | None: ...

    def receipts(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes], purposes: Collection[str]) -> Mapping[tuple[bytes, str], list[Receipt]]:
        """Return the receipts of all `lookups` for `purposes`, by (lookup, purpose), with one query for every few thousand lookups."""

    def history(self, tx: Tx, tenant: TenantId, lookup: bytes) -> list[LedgerRow]:
        """Return everything one subject ever agreed to or withdrew, oldest first."""

    def pseudonymise(self, tx: Tx, tenant: TenantId, lookup: bytes, pseudonym: bytes) -> int:
        """Give one subject's receipts another lookup, empty identity, evidence and reference, and return how many there were."""

    def sealed(self, tx: Tx, tenant: TenantId) -> Sequence[tuple[str, bytes]]:
        """Return (receipt, sealed identity) of one receipt of every subject that is still named."""

    def publish(self, tx: Tx, tenant: TenantId, notice: Notice) -> None: ...

    def notice(self, tx: Tx, tenant: TenantId, id: str, version: int | None = None) -> Notice | None:
        """Return one version of a notice, the newest when none is named."""

    def notices(self, tx: Tx, tenant: TenantId) -> list[Notice]:
        """Return the newest version of every notice."""

    def superseding(self, tx: Tx, tenant: TenantId, id: str, version: int) -> Notice | None:
        """Return the first later version that changed something material, if there is one."""

    def rules(self, tx: Tx, tenant: TenantId, ids: Collection[str]) -> Notices:
        """Return what the states of consents under these notices depend on."""


class Keys(Protocol):
    """Keyed digests and sealing of the tenant; `crypto.keyring.KeyRing` is one."""

    def derive(self, tenant: TenantId, label: str) -> bytes: ...

    def seal(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes: ...

    def unseal(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes: ...


AuditRefs = Callable[[TenantId, Sequence[SubjectRef]], Sequence[bytes]]
"""Erasable pseudonyms of subjects for the log; `crypto.subject_keys.SubjectKeys.audit_refs` is one."""


class PurposeCatalogue(Protocol):
    """Controllers, purposes and recipients at one version; `inventory.catalogue.Catalogue` is one."""

    def contents(self, tenant: TenantId) -> Contents: ...
