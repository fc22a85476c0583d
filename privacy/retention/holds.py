"""Legal holds: placed and released by people, each an event; read by sweeps and by plans of erasure, so that neither takes what is held.

Guarantees: a hold in force reaches what it names and what belongs to it (order → its lines); releasing one asks at once for what waited on it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from privacy.actors.people import require
from privacy.audit.events import Action, AuditLog, Event
from privacy.disposal import ports as disposal
from privacy.inventory.model import Dataset
from privacy.kernel.clock import Clock
from privacy.kernel.days import check_day
from privacy.kernel.errors import Conflict, InvalidInput, NotFound
from privacy.kernel.ids import TenantId, new_id
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor, SubjectRef
from privacy.retention.identities import Identities
from privacy.retention.model import Hold, NewHold
from privacy.retention.ports import DataMap, HoldRow, Keys, RetentionRepository
from privacy.retention.release import Releases


class Holds:
    """Holds of all tenants."""

    def __init__(self, store: Store, repository: RetentionRepository, data_map: DataMap, audit: AuditLog, keys: Keys, clock: Clock, releases: Releases) -> None:
        self._store, self._repository, self._data_map, self._audit, self._clock = store, repository, data_map, audit, clock
        self._identities = Identities(keys)
        self._releases = releases

    # --- for people ------------------------------------------------------------------------------------------------------------------

    def place(self, actor: Actor, new: NewHold, *, request_id: str = "") -> Hold:
        """Place a hold. Raises NotFound for a system or dataset that is not in the map, InvalidInput for what cannot be held."""
        require(actor, "retention:write")
        self._check(actor.tenant, new)
        now = self._clock.now()
        hold = Hold(
            id=new_id(),
            tenant=actor.tenant,
            system=new.system,
            dataset=new.dataset,
            keys=new.keys,
            subject=new.subject,
            columns=new.columns,
            reason=new.reason,
            authority=new.authority,
            since=new.since or now,
            until=new.until,
            placed_by=actor.ref,
            placed_at=now,
            scope=new.scope,
        )
        row = HoldRow(hold, self._identities.seal(actor.tenant, _named(hold), hold.id))

        def write(tx: Tx) -> None:
            self._repository.save_hold(tx, row)
            self._audit.append(tx, _event(Action.HOLD_PLACED, actor, hold, request_id))

        self._store.run(write)
        return hold

    def release(self, actor: Actor, id: str, *, request_id: str = "") -> Hold:
        """Release a hold; what waited on it is scheduled in the same transaction. Raises NotFound, Conflict when it was released before."""
        require(actor, "retention:write")
        now = self._clock.now()

        def write(tx: Tx) -> Hold:
            row = self._repository.hold(tx, actor.tenant, id)
            if row is None:
                raise NotFound("There is no such hold; `privacy holds list` shows them.")
            if row.hold.released_at is not None:
                raise Conflict("This hold was released before.")
            released = replace(row.hold, released_by=actor.ref, released_at=now)
            self._repository.save_hold(tx, replace(row, hold=released))
            scheduled = self._releases.hold_ended(tx, actor, released, now)
            self._audit.append(tx, _event(Action.HOLD_RELEASED, actor, released, request_id, scheduled))
            return self._opened(actor.tenant, HoldRow(released, row.sealed))

        return self._store.run(write)

    def all(self, actor: Actor, *, system: str | None = None, every: bool = False) -> list[Hold]:
        """Return holds not released (with `every` all), newest first. Whom they name, and why, only a signed-in person is told (decision 16)."""
        require(actor, "retention:read")
        rows = self._store.read(lambda tx: self._repository.holds(tx, actor.tenant, system, every=every))
        return [self._opened(actor.tenant, row) if actor.ref.startswith("user:") else row.hold for row in rows]

    # --- for sweeps and erasures -----------------------------------------------------------------------------------------------------

    def in_force(self, tenant: TenantId, system: str, at: datetime) -> list[Hold]:
        """Return the holds that reach into a system at `at`. Raises StoreUnavailable: then nothing may be deleted."""
        rows = self._store.read(lambda tx: self._repository.holds(tx, tenant, system))
        return [self._opened(tenant, row) for row in rows if row.hold.in_force(at)]

    def __call__(self, tenant: TenantId, system: str, subjects: Sequence[SubjectRef], at: datetime) -> Sequence[disposal.Hold]:
        """Return the holds that reach into an erasure of these subjects (implements `disposal.ports.Holds`). One on a subject holds all of its rows."""
        asked = frozenset(subjects)
        reaching = [hold for hold in self.in_force(tenant, system, at) if hold.subject is None or hold.subject in asked]
        return [disposal.Hold(hold.id, hold.dataset, hold.keys, hold.until) for hold in reaching]

    # --- inside ----------------------------------------------------------------------------------------------------------------------

    def _opened(self, tenant: TenantId, row: HoldRow) -> Hold:
        named: dict[str, Any] = self._identities.unseal(tenant, row.sealed, row.hold.id)
        subject = SubjectRef.parse(named["subject"]) if named["subject"] else None
        return replace(row.hold, keys=tuple(named["keys"]), subject=subject, reason=named["reason"], authority=named["authority"])

    def _check(self, tenant: TenantId, new: NewHold) -> None:
        self._data_map.system(tenant, new.system)
        for pointer, text in (("/reason", new.reason), ("/authority", new.authority)):
            if not text.strip() or len(text) > 200 or not text.isprintable():
                raise InvalidInput("A hold names its reason and on whose authority it is placed, each one line of at most 200 characters.", pointer=pointer)
        if new.keys and new.subject:
            raise InvalidInput("A hold is on one row or on one subject: place two for both.", pointer="/subject")
        check_day(new.since, "/since")
        check_day(new.until, "/until")
        if new.until is not None and new.until <= (new.since or self._clock.now()):
            raise InvalidInput("A hold ends after it begins.", pointer="/until")
        if (new.keys or new.columns) and not new.dataset:
            raise InvalidInput("Name the dataset that the row or the columns are in.", pointer="/dataset")
        if new.subject is not None and (new.subject.system != new.system or new.dataset):
            raise InvalidInput("A hold on a subject reaches all its rows of the subject's own system: leave the dataset out.", pointer="/subject")
        if new.dataset:
            self._check_dataset(tenant, new)

    def _check_dataset(self, tenant: TenantId, new: NewHold) -> None:
        dataset: Dataset | None = self._data_map.dataset(tenant, new.dataset)
        if dataset is None or dataset.system != new.system or dataset.gone:
            raise NotFound("There is no such dataset in this system; `privacy systems show` lists them.", pointer="/dataset")
        if unknown := [name for name in new.columns if name not in dataset.fields]:
            raise InvalidInput(f"{len(unknown)} of the columns are not in the data map of {dataset.name}.", pointer="/columns")


def _named(hold: Hold) -> dict[str, object]:
    return {"keys": list(hold.keys), "subject": str(hold.subject) if hold.subject else "", "reason": hold.reason, "authority": hold.authority}


def _event(action: Action, actor: Actor, hold: Hold, request_id: str, scheduled: int = 0) -> Event:
    place = hold.dataset or hold.system
    counts = {"scheduled": scheduled} if action is Action.HOLD_RELEASED else {"columns": len(hold.columns)}
    return Event(action, actor, object_type="hold", object_ref=hold.id, fields=(place, hold.scope), request_id=request_id, counts=counts)
