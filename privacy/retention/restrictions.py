"""The register of restricted subjects: their data may be stored and protected, nothing else (PIPL 47, GDPR 18). Decisions ask it, erasures fill it.

Guarantees: subjects stand in it as keyed hashes with the reference sealed beside them; a question about many subjects is one query, and when it cannot be
answered (StoreUnavailable) nothing is disclosed. A restriction never ends by itself: a person lifts it, or erasure removes the subject. What an erasure put
off for a period goes on by itself once that is over.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from privacy.actors.people import require
from privacy.audit.events import Action, AuditLog, Event
from privacy.disposal.ports import RestrictedRows
from privacy.kernel.clock import Clock
from privacy.kernel.days import check_day
from privacy.kernel.errors import Conflict, InvalidInput, NotFound
from privacy.kernel.ids import TenantId, new_id
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor, SubjectRef
from privacy.retention.identities import Identities
from privacy.retention.model import Restriction
from privacy.retention.ports import Keys, RestrictionRow, RetentionRepository, WaitingRow
from privacy.retention.release import Releases

BY_HAND = "person"
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class RestrictionPage:
    """Restrictions newest first; `next` is the `after` of the page that follows, empty on the last one."""

    restrictions: tuple[Restriction, ...]
    next: str = ""


class Restrictions:
    """Restrictions of all tenants."""

    def __init__(self, store: Store, repository: RetentionRepository, audit: AuditLog, keys: Keys, clock: Clock, releases: Releases) -> None:
        self._store, self._repository, self._audit, self._clock = store, repository, audit, clock
        self._identities = Identities(keys)
        self._releases = releases

    # --- for people ------------------------------------------------------------------------------------------------------------------

    def set(
        self, actor: Actor, subjects: Sequence[SubjectRef], reason: str, *, case: str = "", until: datetime | None = None, request_id: str = ""
    ) -> tuple[int, int]:
        """Restrict subjects; return how many newly were, and how many were under this case already. `until` is when somebody should look again."""
        require(actor, "retention:write")
        if not 1 <= len(subjects) <= _MOST:
            raise InvalidInput(f"One call restricts 1 to {_MOST} subjects.", pointer="/subjects")
        if not reason.strip() or len(reason) > 200 or not reason.isprintable():
            raise InvalidInput("A restriction names its reason: one line of at most 200 characters.", pointer="/reason")
        check_day(until, "/until")
        rows = self.rows(actor.tenant, tuple(dict.fromkeys(subjects)), case=case or BY_HAND, rule=BY_HAND, reason=reason, until=until, by=actor.ref)

        def write(tx: Tx) -> int:
            added = self._repository.add_restrictions(tx, rows)
            counts = {"subjects": len(rows), "new": added}
            self._audit.append(tx, Event(Action.RESTRICTION_SET, actor, object_type="case", object_ref=case or BY_HAND, counts=counts, request_id=request_id))
            return added

        added = self._store.run(write)
        return added, len(rows) - added

    def lift(self, actor: Actor, id: str, *, request_id: str = "") -> Restriction:
        """Lift one restriction (GDPR 18(3): tell the person before). Raises NotFound, Conflict when it was lifted before or an erasure waits for it."""
        require(actor, "retention:write")

        def write(tx: Tx) -> RestrictionRow:
            row = self._repository.restriction(tx, actor.tenant, id)
            if row is None:
                raise NotFound("There is no such restriction.")
            if row.lifted_at is not None:
                raise Conflict("This restriction was lifted before.")
            if row.plan:
                raise Conflict("An erasure put these rows off: the restriction ends with the erasure, which goes on once hold or period are over.")
            lifted = replace(row, lifted_by=actor.ref, lifted_at=self._clock.now())
            self._repository.save_restriction(tx, lifted)
            self._audit.append(tx, Event(Action.RESTRICTION_LIFTED, actor, object_type="restriction", object_ref=id, request_id=request_id))
            return lifted

        return self._shown(actor, self._store.run(write))

    def page(self, actor: Actor, *, after: str = "", limit: int = 50, every: bool = False) -> RestrictionPage:
        """Return restrictions in force (with `every` lifted ones too), newest first. Whom they name, and why, only a signed-in person is told (decision 16)."""
        require(actor, "retention:read")
        size = max(1, min(limit, 200))
        rows = self._store.read(lambda tx: self._repository.restrictions(tx, actor.tenant, after, size + 1, every=every))
        return RestrictionPage(tuple(self._shown(actor, row) for row in rows[:size]), rows[size - 1].id if len(rows) > size else "")

    # --- for decisions ---------------------------------------------------------------------------------------------------------------

    def of(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> Mapping[SubjectRef, str]:
        """Return those of `subjects` that are restricted, with the rule that did it. One query for all of them; where nobody is, no key is derived."""
        if not subjects or not self._store.read(lambda tx: self._repository.any_restricted(tx, tenant)):
            return {}
        lookups = self._identities.lookups(tenant, list(dict.fromkeys(subjects)))
        found = self._store.read(lambda tx: self._repository.restricted(tx, tenant, list(lookups.values()), self._clock.now()))
        return {subject: found[lookup] for subject, lookup in lookups.items() if lookup in found}

    # --- for sweeps and erasures -----------------------------------------------------------------------------------------------------

    def register(self, tx: Tx, tenant: TenantId, case: str, plan: str, subjects: Sequence[SubjectRef], rows: Sequence[RestrictedRows]) -> None:
        """Enter what a plan of erasure put off (implements `disposal.ports.Restrictions`). The same plan again changes nothing."""
        now = self._clock.now()
        reason, rule = (rows[0].reason, rows[0].rule) if rows else ("erasure put off", "")
        until = max((row.until for row in rows if row.until is not None), default=None)
        if rows:
            entries = self.rows(tenant, tuple(subjects), case=case, rule=rule, reason=reason, until=until, by=f"plan:{plan}", plan=plan)
            self._repository.add_restrictions(tx, entries)
        self._repository.add_waiting(tx, [self._waiting(tenant, case, plan, row, now) for row in rows])

    def forget(self, tx: Tx, tenant: TenantId, subjects: Sequence[SubjectRef], case: str) -> int:
        """Remove what the register holds about subjects that were erased (implements `disposal.ports.Forget`)."""
        return self._repository.forget_restricted(tx, tenant, list(self._identities.lookups(tenant, list(subjects)).values()))

    def named(self, tenant: TenantId) -> Iterator[SubjectRef]:
        """Yield every subject in the register, lifted or not (implements `disposal.ports.Known`)."""
        after = ""
        while rows := self._store.read(lambda tx, after=after: self._repository.restrictions(tx, tenant, after, _MOST, every=True)):  # type: ignore[misc]
            yield from map(self._subject, rows)
            after = rows[-1].id

    def resume_due(self, tenant: TenantId, at: datetime) -> int:
        """Ask for the erasures whose wait is over; return how many cases. For the daily job; idempotent."""
        return self._store.run(lambda tx: self._releases.over(tx, tenant, at))

    def rows(
        self, tenant: TenantId, subjects: Sequence[SubjectRef], *, case: str, rule: str, reason: str, until: datetime | None, by: str, plan: str = ""
    ) -> list[RestrictionRow]:
        """Return the entries of subjects, sealed, for `add_restrictions`."""
        now = self._clock.now()
        made = []
        for subject, lookup in self._identities.lookups(tenant, subjects).items():
            id = new_id()
            sealed = self._identities.seal(tenant, {"subject": str(subject), "reason": reason[:500]}, id)
            made.append(RestrictionRow(id, tenant, lookup, sealed, case, plan, rule, until, by, now))
        return made

    # --- inside ----------------------------------------------------------------------------------------------------------------------

    def _subject(self, row: RestrictionRow) -> SubjectRef:
        return self._named(row)[0]

    def _named(self, row: RestrictionRow) -> tuple[SubjectRef, str]:
        named = self._identities.unseal(row.tenant, row.sealed, row.id)
        return SubjectRef.parse(str(named["subject"])), str(named["reason"])

    def _shown(self, actor: Actor, row: RestrictionRow) -> Restriction:
        subject, reason = self._named(row) if actor.ref.startswith("user:") else (None, "")
        return Restriction(row.id, row.tenant, subject, row.case, row.rule, reason, row.until, row.set_by, row.set_at, row.lifted_by, row.lifted_at)

    def _waiting(self, tenant: TenantId, case: str, plan: str, rows: RestrictedRows, at: datetime) -> WaitingRow:
        id = new_id()
        keys = json.loads(json.dumps([list(key) for key in rows.keys], default=str))
        sealed = self._identities.seal(tenant, {"columns": list(rows.key_columns), "keys": keys}, id)
        return WaitingRow(id, tenant, case, plan, rows.system, rows.dataset, rows.rule, rows.reason[:500], len(rows.keys), sealed, rows.until, at)
