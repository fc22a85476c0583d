"""The catalogue: controllers, purposes and recipients, versioned, each change an event in the same transaction.

Guarantees: an id that is not here is unknown to every decision; nothing is deleted, purposes are retired; a purpose names a controller
that exists and categories of the taxonomy. Limit: other processes see a change within `poll_seconds`.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from privacy.actors.people import require
from privacy.audit.events import Action, AuditLog, Event
from privacy.inventory.catalogue_model import Controller, Purpose, Recipient
from privacy.inventory.catalogue_ports import CatalogueRepository, Contents, Entry
from privacy.kernel.clock import Clock
from privacy.kernel.errors import Conflict, Flaw, InvalidInput
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor

E = TypeVar("E", bound=Entry)
_ACTIONS = {Controller: Action.CONTROLLER_SAVED, Purpose: Action.PURPOSE_SAVED, Recipient: Action.RECIPIENT_SAVED}


class Catalogue:
    """Purposes, recipients and controllers of all tenants.

    Args:
        categories: ids a purpose may name; empty means that categories are not checked (tests).
        poll_seconds: how long a reader may trust what it read before it looks at the version again.
    """

    def __init__(
        self, store: Store, repository: CatalogueRepository, audit: AuditLog, clock: Clock, categories: Collection[str] = (), *, poll_seconds: float = 0.5
    ) -> None:
        self._store, self._repository, self._audit, self._clock = store, repository, audit, clock
        self._categories = frozenset(categories)
        self._poll_seconds = poll_seconds
        self._known: dict[TenantId, tuple[float, Contents]] = {}

    # --- reading -------------------------------------------------------------------------------------------------------------------

    def purpose(self, tenant: TenantId, id: str) -> Purpose | None:
        return self.contents(tenant).purposes.get(id)

    def recipient(self, tenant: TenantId, id: str) -> Recipient | None:
        return self.contents(tenant).recipients.get(id)

    def controller(self, tenant: TenantId, id: str) -> Controller | None:
        return self.contents(tenant).controllers.get(id)

    def purposes(self, tenant: TenantId) -> list[Purpose]:
        return list(self.contents(tenant).purposes.values())

    def recipients(self, tenant: TenantId) -> list[Recipient]:
        return list(self.contents(tenant).recipients.values())

    def controllers(self, tenant: TenantId) -> list[Controller]:
        return list(self.contents(tenant).controllers.values())

    def version(self, tenant: TenantId) -> int:
        """Return a number that grows with each change of the tenant's catalogue."""
        return self.contents(tenant).version

    def contents(self, tenant: TenantId) -> Contents:
        """Return everything at one version, so that a caller's questions fit together."""
        now = time.monotonic()
        read_at, known = self._known.get(tenant, (0.0, None))
        if known is not None and now - read_at < self._poll_seconds:
            return known
        if known is None or known.version != self._store.read(lambda tx: self._repository.version(tx, tenant)):
            known = self._store.read(lambda tx: self._repository.contents(tx, tenant))
        self._known[tenant] = (now, known)
        return known

    def history(self, actor: Actor, kind: str, id: str) -> list[tuple[int, Mapping[str, object], str, datetime]]:
        """Return every version of an entry (`controller`, `purpose`, `recipient`), newest first."""
        require(actor, "catalogue:read")
        return self._store.read(lambda tx: self._repository.history(tx, actor.tenant, kind, id))

    # --- writing -------------------------------------------------------------------------------------------------------------------

    def save_controller(self, actor: Actor, controller: Controller, *, expected: int | None = None, request_id: str = "") -> Controller:
        """Add or replace a controller. `expected` is the version the caller saw (0: it must be new); Conflict when it has moved on."""
        return self._save(actor, controller, expected, request_id)

    def save_purpose(self, actor: Actor, purpose: Purpose, *, expected: int | None = None, request_id: str = "") -> Purpose:
        """Add or replace a purpose; like `save_controller`."""
        return self._save(actor, purpose, expected, request_id)

    def save_recipient(self, actor: Actor, recipient: Recipient, *, expected: int | None = None, request_id: str = "") -> Recipient:
        """Add or replace a recipient; like `save_controller`."""
        return self._save(actor, recipient, expected, request_id)

    def load(self, actor: Actor, entries: Collection[Entry], *, request_id: str = "") -> int:
        """Add the shipped entries that are not there yet and return how many; what is there rules over the files (decision 17).

        For `privacy init` only: the caller's scopes are not looked at.
        """

        def write(tx: Tx) -> int:
            added = 0
            for entry in sorted(entries, key=_order):
                if entry.id not in _of_kind(self._repository.contents(tx, actor.tenant), entry):
                    self._write(tx, actor, entry, 0, request_id)
                    added += 1
            return added

        added = self._store.run(write)
        self._known.pop(actor.tenant, None)
        return added

    def _save(self, actor: Actor, entry: E, expected: int | None, request_id: str) -> E:
        require(actor, "catalogue:write")
        saved = self._store.run(lambda tx: self._write(tx, actor, entry, expected, request_id))
        self._known.pop(actor.tenant, None)
        return saved

    def _write(self, tx: Tx, actor: Actor, entry: E, expected: int | None, request_id: str) -> E:
        entry.check()
        contents = self._repository.contents(tx, actor.tenant)
        self._check_references(entry, contents)
        there = _of_kind(contents, entry).get(entry.id)
        current = there.version if there else 0
        new = replace(entry, version=current + 1)
        if expected not in (None, current) or not self._repository.save(tx, actor.tenant, new, actor.ref, self._clock.now()):
            raise Conflict(f"The entry has moved on to version {current}; read it again and repeat the change.")
        kind = type(entry).__name__.lower()
        event = Event(_ACTIONS[type(entry)], actor, object_type=kind, object_ref=entry.id, request_id=request_id, counts={"version": new.version})
        self._audit.append(tx, event)
        return new

    def _check_references(self, entry: Entry, contents: Contents) -> None:
        flaws: list[Flaw] = []
        if isinstance(entry, Purpose):
            flaws = self._purpose_flaws(entry, contents)
        elif isinstance(entry, Recipient) and not set(entry.purposes) <= contents.purposes.keys():
            flaws = [Flaw("/purposes", "A purpose named here is not in the catalogue; add it first (`privacy purposes save`, POST /api/v1/purposes).")]
        if flaws:
            raise InvalidInput(flaws[0].detail, flaws=tuple(flaws))

    def _purpose_flaws(self, purpose: Purpose, contents: Contents) -> list[Flaw]:
        flaws = []
        controller = contents.controllers.get(purpose.controller)
        if controller is None:
            flaws.append(Flaw("/controller", "The controller is not in the catalogue; add it first (`privacy controllers save`, POST /api/v1/controllers)."))
        elif "pipl" in controller.regimes and purpose.lawful_basis == "legitimate_interest":
            flaws.append(Flaw("/lawful_basis", "The controller is under the PIPL, which knows no legitimate interest; choose consent or another basis."))
        if self._categories and not set(purpose.categories) <= self._categories:
            flaws.append(Flaw("/categories", "A category named here is not in policies/taxonomy.toml; `privacy purposes words` lists them."))
        return flaws


def _of_kind(contents: Contents, entry: Entry) -> Mapping[str, Entry]:
    if isinstance(entry, Controller):
        return contents.controllers
    return contents.purposes if isinstance(entry, Purpose) else contents.recipients


def _order(entry: Entry) -> int:
    # a purpose names its controller, a recipient its purposes
    return (Controller, Purpose, Recipient).index(type(entry))
