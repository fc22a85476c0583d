"""What the catalogue needs of a store. Entries are versioned: the current row is replaced, every version stays in the history."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from privacy.inventory.catalogue_model import Controller, Purpose, Recipient
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx

Entry = Controller | Purpose | Recipient


@dataclass(frozen=True, slots=True)
class Contents:
    """All current entries of a tenant at one version of its catalogue."""

    version: int
    controllers: Mapping[str, Controller]
    purposes: Mapping[str, Purpose]
    recipients: Mapping[str, Recipient]


class CatalogueRepository(Protocol):
    """Controllers, purposes and recipients of all tenants."""

    def version(self, tx: Tx, tenant: TenantId) -> int:
        """Return how often the tenant's catalogue was changed; 0 for none."""

    def contents(self, tx: Tx, tenant: TenantId) -> Contents: ...

    def save(self, tx: Tx, tenant: TenantId, entry: Entry, by: str, at: datetime) -> bool:
        """Write `entry` as its `version`, if the version before it is the current one (0: none there); return whether it was.

        Keeps the entry in the history and moves the catalogue's version on.
        """

    def history(self, tx: Tx, tenant: TenantId, kind: str, id: str) -> list[tuple[int, Mapping[str, object], str, datetime]]:
        """Return (version, entry as plain data, who, when) of one entry, newest first."""
