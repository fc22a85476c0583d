"""Acceptance of law that nobody has verified yet: a `to_verify` rule or calendar takes effect in a tenant only after somebody accepted it by name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from privacy.actors.people import require
from privacy.audit.events import Action, AuditLog, Event
from privacy.audit.ports import LeafGuard
from privacy.audit.reasons import check_impersonal
from privacy.kernel.clock import Clock as Time
from privacy.kernel.errors import Conflict, NotFound
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor
from privacy.rights.deadlines import Deadlines


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Somebody took responsibility for a rule (`pipl.dsr.app`) or a calendar (`us-ca/2026`) in one version. `reason` says on what ground."""

    id: str
    version: int
    accepted_by: str
    accepted_at: datetime
    reason: str


class AcceptanceRepository(Protocol):
    """Rows of (tenant, id, version), which are only added."""

    def add(self, tx: Tx, tenant: TenantId, acceptance: Acceptance) -> None: ...

    def all(self, tx: Tx, tenant: TenantId) -> list[Acceptance]:
        """Return every acceptance of the tenant, oldest first."""


class RuleAcceptance:
    """Who accepted what. Clocks take the result of `accepted` as an argument, so that they stay computable without a database."""

    def __init__(
        self, deadlines: Deadlines, store: Store, repository: AcceptanceRepository, audit: AuditLog, clock: Time, guard: LeafGuard | None = None
    ) -> None:
        self._guard = guard
        self._deadlines, self._store, self._repository, self._audit, self._clock = deadlines, store, repository, audit, clock

    def accept(self, actor: Actor, id: str, version: int, reason: str, *, request_id: str = "") -> Acceptance:
        """Record that `actor` accepts a rule or calendar. Accepting it again returns the first record.

        Raises NotFound when there is no such version, Conflict when it is not one that waits for acceptance,
        InvalidInput for a reason with a personal value.
        """
        require(actor, "requests:write")
        check_impersonal(self._guard, reason, "/reason")
        status = self._status(id, version)
        if status is None:
            raise NotFound("There is no rule or calendar of this id and version; `privacy deadlines list` shows what there is.")
        if status != "to_verify":
            raise Conflict(f"Only what is to be verified is accepted; this is {status.replace('_', ' ')}.")
        made = Acceptance(id, version, actor.ref, self._clock.now(), reason.strip())

        def write(tx: Tx) -> Acceptance:
            known = {(each.id, each.version): each for each in self._repository.all(tx, actor.tenant)}
            if (id, version) in known:
                return known[id, version]
            self._repository.add(tx, actor.tenant, made)
            self._audit.append(tx, _event(actor, made, request_id))
            return made

        return self._store.run(write)

    def accepted(self, tenant: TenantId) -> frozenset[tuple[str, int]]:
        """Return (id, version) of all that the tenant accepted, as `Deadlines.clocks` wants it."""
        return frozenset((each.id, each.version) for each in self._store.read(lambda tx: self._repository.all(tx, tenant)))

    def list(self, actor: Actor) -> list[Acceptance]:
        require(actor, "requests:read")
        return self._store.read(lambda tx: self._repository.all(tx, actor.tenant))

    def _status(self, id: str, version: int) -> str | None:
        if rule := self._deadlines.rules.get(id, version):
            return rule.status
        return next((year.status for year in self._deadlines.calendars if (year.name, year.version) == (id, version)), None)


def _event(actor: Actor, made: Acceptance, request_id: str) -> Event:
    # the reason is written by people: it goes beside the leaf, where it can be erased
    free = {"reason": made.reason} if made.reason else {}
    return Event(Action.RULE_ACCEPTED, actor, object_type="rule", object_ref=f"{made.id}@{made.version}", free=free, request_id=request_id)
