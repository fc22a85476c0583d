"""The use cases of retention: make rules, look at what is due, approve, ask for sweeps; and what erasures ask (statutory minimums).

Guarantees: a rule that takes something away runs only after another person approved its hash, which covers what it does to which tables and the statutes
behind it; every change and its event are one transaction; a preview writes nothing into the system.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from privacy.actors.people import require
from privacy.audit.events import Action, AuditLog, Event
from privacy.audit.ports import LeafGuard
from privacy.audit.reasons import check_impersonal
from privacy.disposal.ports import Keep, Target, Targets
from privacy.disposal.target import IsNull
from privacy.inventory.model import Dataset
from privacy.jobs.model import Job, JobState, Lease, NewJob
from privacy.jobs.schedules import Schedule
from privacy.kernel.clock import Clock, rfc3339
from privacy.kernel.days import check_day
from privacy.kernel.errors import AccessDenied, Conflict, InvalidInput, NotFound, StepUpRequired
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor
from privacy.retention import rules
from privacy.retention.conditions import is_clock, table_of
from privacy.retention.due import Due
from privacy.retention.model import Consequence, NewRule, Preview, Rule, RuleState, Statute, Sweep
from privacy.retention.periods import Period, day_of, start_of
from privacy.retention.ports import Controllers, DataMap, Queue, RetentionRepository
from privacy.retention.release import Releases
from privacy.retention.restrictions import Restrictions
from privacy.retention.scenes import Scenes
from privacy.retention.statutes import Statutes

ROUND = "retention_round"
SWEEP_AT = time(3)  # local time of the daily sweep in the rule's zone
_APPROVED = "This version of the rule was approved already and is in force; nothing waits for approval."
_LOOKED_BACK = 20  # sweeps of a rule: more do not run at once
_SAMPLE = 200
_ISO = re.compile(r"\s*\d{4}-\d\d-\d\d")
_OVER = (JobState.DONE, JobState.NEEDS_ATTENTION, JobState.CANCELLED)
_EVERY = "*/15 * * * *"


@dataclass(frozen=True, slots=True)
class KnownStatute:
    """A statute and who accepted it by name, "" for nobody."""

    statute: Statute
    accepted_by: str = ""


@dataclass(frozen=True, slots=True)
class SweepPage:
    """Sweeps newest first; `next` is the `after` of the page that follows, empty on the last one."""

    sweeps: tuple[Sweep, ...]
    next: str = ""


class Retention:
    """Retention of all tenants."""

    def __init__(
        self,
        store: Store,
        repository: RetentionRepository,
        statutes: Statutes,
        data_map: DataMap,
        controllers: Controllers,
        targets: Targets,
        scenes: Scenes,
        queue: Queue,
        releases: Releases,
        restrictions: Restrictions,
        audit: AuditLog,
        clock: Clock,
        guard: LeafGuard | None = None,
    ) -> None:
        self._store, self._repository, self._statutes, self._data_map, self._controllers = store, repository, statutes, data_map, controllers
        self._targets, self._scenes, self._queue, self._releases, self._restrictions = targets, scenes, queue, releases, restrictions
        self._audit, self._clock, self._guard = audit, clock, guard

    # --- statutes --------------------------------------------------------------------------------------------------------------------

    def statutes(self, actor: Actor) -> list[KnownStatute]:
        """Return every version of every shipped statute."""
        require(actor, "retention:read")
        accepted = self._store.read(lambda tx: self._repository.accepted(tx, actor.tenant))
        return [KnownStatute(each, accepted.get((each.id, each.version), "")) for each in self._statutes]

    def accept(self, actor: Actor, id: str, *, request_id: str = "") -> KnownStatute:
        """Record that a person checked the newest version of a statute against its source and accepts it by name. Raises NotFound, Conflict."""
        require(actor, "retention:write")
        _require_person(actor, "accepts a statute")
        versions = self._statutes.versions(id)
        if not versions:
            raise NotFound("There is no such statute; `privacy retention statutes` lists them.")
        newest = versions[-1]
        if newest.status != "to_verify":
            raise Conflict(f"{id} needs no acceptance: it is {newest.status.replace('_', ' ')}.")

        def write(tx: Tx) -> None:
            self._repository.accept(tx, actor.tenant, id, newest.version, actor.ref, self._clock.now())
            counts = {"version": newest.version}
            self._audit.append(tx, Event(Action.RULE_ACCEPTED, actor, object_type="statute", object_ref=id, counts=counts, request_id=request_id))

        self._store.run(write)
        return KnownStatute(newest, actor.ref)

    # --- rules -----------------------------------------------------------------------------------------------------------------------

    def rules(self, actor: Actor, *, every: bool = False) -> list[Rule]:
        """Return the rules proposed or active (with `every` all versions), by id and version."""
        require(actor, "retention:read")
        return list(self._store.read(lambda tx: self._repository.rules(tx, actor.tenant, every=every)))

    def propose(self, actor: Actor, new: NewRule, *, request_id: str = "") -> Rule:
        """Propose a rule, or the next version of one. One that only lists rows for review is in force at once, any other after approval.

        Raises NotFound for the dataset, InvalidInput (`no_clock`), ConnectorUnavailable, and Conflict (`rule_too_short`, `rule_too_long`,
        `statute_not_accepted`) with the remedy.
        """
        require(actor, "retention:write")
        check_impersonal(self._guard, new.reason, "/reason")
        dataset = self._dataset(actor.tenant, new.dataset)
        zone = rules.known_zone(new.zone or self._zone_of(dataset), "/zone")
        now = self._clock.now()
        self._check_clocks(actor.tenant, dataset, new)

        def write(tx: Tx) -> Rule:
            self._repository.lock_rule(tx, actor.tenant, new.id)
            versions = [rule for rule in self._repository.rules(tx, actor.tenant, every=True) if rule.id == new.id]
            made = rules.made(new, dataset, zone, 1 + max((rule.version for rule in versions), default=0), actor.ref, now, day_of(now, zone))
            rules.check_lawful(made, self._statutes, self._repository.accepted(tx, actor.tenant), day_of(now, zone))
            self._end(tx, [rule for rule in versions if rule.state is RuleState.PROPOSED], RuleState.SUPERSEDED, now)
            if made.consequence is Consequence.REVIEW:
                self._end(tx, [rule for rule in versions if rule.active], RuleState.SUPERSEDED, now)
                made = replace(made, state=RuleState.ACTIVE, approved_at=now)
            self._repository.save_rule(tx, made)
            self._audit.append(tx, _event(Action.RETENTION_RULE_SAVED, actor, made, request_id))
            return made

        return self._store.run(write)

    def approve(self, actor: Actor, id: str, hash: str, *, request_id: str = "") -> Rule:
        """Put the proposed version of a rule in force, as it was previewed with `hash`. By another person than proposed it, with a second factor.

        Raises AccessDenied, StepUpRequired, NotFound, Conflict (`preview_outdated` when the map, the law or the rule changed since that preview).
        """
        require(actor, "retention:approve")
        _require_person(actor, "approves a rule")
        if actor.assurance < 2:
            raise StepUpRequired("Approving a retention rule needs a session with a one-time code.")
        proposed = self._found(actor.tenant, id, RuleState.PROPOSED)
        if proposed.proposed_by == actor.ref:
            raise AccessDenied("Who proposed a rule cannot approve it; another person with the scope retention:approve can.")
        if not proposed.previewed_at:
            raise Conflict("Nobody has looked at what this rule would do: preview it first.", code="not_previewed")
        bound, obstacles = self._bound(proposed)
        if not hash or hash != bound.hash:
            raise Conflict("The hash is not that of what the rule would do now. Preview it again and approve what you see.", code="preview_outdated")
        if obstacles:
            raise Conflict(f"The rule cannot be carried out: {'; '.join(obstacles[:3])}.", code="rule_blocked")
        return self._store.run(lambda tx: self._activate(tx, actor, bound, request_id))

    def retire(self, actor: Actor, id: str, *, request_id: str = "") -> Rule:
        """End a rule: its active and its proposed version. Nothing is due under it any more. Raises NotFound."""
        require(actor, "retention:write")
        now = self._clock.now()

        def write(tx: Tx) -> Rule:
            self._repository.lock_rule(tx, actor.tenant, id)
            ending = [rule for rule in self._repository.rules(tx, actor.tenant) if rule.id == id]
            if not ending:
                raise NotFound("There is no such rule in force or proposed.")
            self._end(tx, ending, RuleState.RETIRED, now)
            last = replace(ending[-1], state=RuleState.RETIRED, ended_at=now)
            self._audit.append(tx, _event(Action.RETENTION_RULE_SAVED, actor, last, request_id))
            return last

        return self._store.run(write)

    # --- looking ---------------------------------------------------------------------------------------------------------------------

    def preview(self, actor: Actor, *, rule: str | None = None, on: date | None = None, request_id: str = "") -> list[Preview]:
        """Return what goes on a day (today in each rule's zone when none is named), rule by rule, proposed ones included. Writes nothing into the systems.

        Raises NotFound, Conflict (`schema_changed`, `relation_missing`), ConnectorUnavailable.
        """
        require(actor, "retention:read")
        check_day(on, "/on")
        chosen = [each for each in self._store.read(lambda tx: self._repository.rules(tx, actor.tenant)) if rule in (None, each.id)]
        if rule and not chosen:
            raise NotFound("There is no such rule in force or proposed.")
        previews = [self._preview(each, on) for each in chosen]
        now = self._clock.now()

        def write(tx: Tx) -> None:
            for found in previews:
                self._repository.keep_preview(tx, actor.tenant, found, now)
                self._audit.append(tx, _previewed(actor, found, request_id))

        self._store.run(write)
        return previews

    # --- sweeps ----------------------------------------------------------------------------------------------------------------------

    def ask(self, actor: Actor, rule: str, *, request_id: str = "") -> Job:
        """Put a sweep of an approved rule into the queue now, beside its schedule, and return the job; while one that was asked for waits or runs, that one.

        Raises NotFound, Conflict when the rule is not in force.
        """
        require(actor, "retention:write")
        active = self._found(actor.tenant, rule, RuleState.ACTIVE)

        def write(tx: Tx) -> Job:
            # the slot follows the last sweep that ended, so whoever asks before the next one ends asks for the same
            last = next((each.id for each in self._repository.sweeps(tx, actor.tenant, rule, "", _LOOKED_BACK) if each.finished_at is not None), "first")
            slot = f"asked:{last}"
            job = self._releases.sweep(tx, active, slot, actor.ref)
            while job.state in _OVER:  # it ended without ending its sweep
                slot = f"asked:{job.id}"
                job = self._releases.sweep(tx, active, slot, actor.ref)
            event = Event(Action.SWEEP_APPROVED, actor, object_type="rule", object_ref=rule, fields=(slot,), request_id=request_id, related=(active.hash,))
            self._audit.append(tx, event)
            return job

        return self._store.run(write)

    def sweeps(self, actor: Actor, *, rule: str | None = None, after: str = "", limit: int = 50) -> SweepPage:
        """Return sweeps newest first."""
        require(actor, "retention:read")
        size = max(1, min(limit, 200))
        found = self._store.read(lambda tx: self._repository.sweeps(tx, actor.tenant, rule, after, size + 1))
        return SweepPage(tuple(found[:size]), found[size - 1].id if len(found) > size else "")

    def sweep(self, actor: Actor, id: str) -> Sweep:
        """Raises NotFound."""
        require(actor, "retention:read")
        found = self._store.read(lambda tx: self._repository.sweep_by_id(tx, actor.tenant, id))
        if found is None:
            raise NotFound("There is no such sweep.")
        return found

    # --- what runs by itself -----------------------------------------------------------------------------------------------------------

    def schedule(self) -> Schedule:
        """Return the one schedule of this room: it looks four times an hour which rules have passed 03:00 in their zones.

        A rule's slot is its local day, so a day is swept once however often, late or by however many workers it is asked for; days missed in a downtime
        come to one sweep, of the last of them.
        """
        return Schedule(ROUND, _EVERY, "UTC", self._round)

    def run_round(self, lease: Lease) -> None:
        """Handle a job of kind `retention_round`: enqueue the sweeps whose slot has come, and erasures whose wait is over."""
        tenant, now = lease.job.tenant, self._clock.now()
        resumed = self._restrictions.resume_due(tenant, now)
        due = self._slots(tenant, now)

        def write(tx: Tx) -> None:
            for rule, slot in due:
                self._releases.sweep(tx, rule, slot, "")
            lease.complete(tx, {"sweeps": len(due), "resumed": resumed})

        self._store.run(write)

    def _round(self, tenant: TenantId, slot: datetime) -> NewJob | None:
        now = self._clock.now()
        waiting = self._store.read(lambda tx: self._repository.waiting(tx, tenant, at=now))
        if not waiting and not self._slots(tenant, now):
            return None
        return NewJob(ROUND, {"slot": rfc3339(slot)}, dedupe=f"{ROUND}:{rfc3339(slot)}")

    def _slots(self, tenant: TenantId, now: datetime) -> list[tuple[Rule, str]]:
        """Return active rules with the slot that has come and that no sweep has taken yet."""

        def read(tx: Tx) -> list[tuple[Rule, str]]:
            found = []
            for rule in self._repository.rules(tx, tenant):
                at, slot = last_slot(rule, now)
                begun = rule.approved_at
                if rule.active and begun is not None and begun < at and self._repository.sweep(tx, tenant, rule.id, slot) is None:
                    found.append((rule, slot))
            return found

        return self._store.read(read)

    # --- for erasures ------------------------------------------------------------------------------------------------------------------

    def keeps(self, tenant: TenantId, system: str, at: datetime) -> Sequence[Keep]:
        """Return the statutory minimums on datasets of a system (implements `disposal.ports.Keeps`): the statute's period, not a longer one of the rule."""
        active = [rule for rule in self._store.read(lambda tx: self._repository.rules(tx, tenant)) if rule.active and rule.system == system]
        found = []
        for rule in active:
            longest = rules.minimum(rule, self._statutes, day_of(at, rule.zone))
            if longest is not None:
                statute, period = longest
                cutoff = start_of(period.cutoff(day_of(at, rule.zone)), rule.zone)
                reason = f"{statute.article}: at least {period} ({statute.id})"
                found.append(Keep(rule.dataset, statute.id, reason, rule.clock, cutoff, _release(period, rule.zone)))
        return found

    # --- inside ------------------------------------------------------------------------------------------------------------------------

    def _check_clocks(self, tenant: TenantId, dataset: Dataset, new: NewRule) -> None:
        """Raise InvalidInput `no_clock` for a column of texts that are no times: nothing would ever be due. A column gone since is told by the preview."""
        wanted = [("/clock", dataset.name, new.clock), *((f"/restarts/{n}/clock", each.dataset, each.clock) for n, each in enumerate(new.restarts))]
        target = self._targets(tenant, dataset.system, write=False)
        try:
            shapes = target.shapes()
            for pointer, name, clock in wanted:
                table = table_of(name, dataset.system)
                shape = shapes[table].columns.get(clock) if table in shapes else None
                if shape is None:
                    continue
                if not is_clock(shape) or (shape.family == "text" and not _tells_times(target, table, clock)):
                    raise InvalidInput("A clock is a column of dates, timestamps, ISO texts or seconds; choose another one.", pointer=pointer, code="no_clock")
        finally:
            target.close()

    def _preview(self, rule: Rule, on: date | None) -> Preview:
        today = day_of(self._clock.now(), rule.zone)
        target = self._targets(rule.tenant, rule.system, write=False)
        try:
            return Due(rule, on or today, self._scenes.of(rule.tenant, rule.system, target), target).preview(self._statutes, today)
        finally:
            target.close()

    def _bound(self, rule: Rule) -> tuple[Rule, tuple[str, ...]]:
        """Return the rule with the hash of what it would do now, and the obstacles."""
        today = day_of(self._clock.now(), rule.zone)
        target = self._targets(rule.tenant, rule.system, write=False)
        try:
            due = Due(rule, today, self._scenes.of(rule.tenant, rule.system, target), target)
            return rules.bound(rule, due.effect, self._statutes, today), due.obstacles
        finally:
            target.close()

    def _activate(self, tx: Tx, actor: Actor, bound: Rule, request_id: str) -> Rule:
        now = self._clock.now()
        self._repository.lock_rule(tx, actor.tenant, bound.id)
        present = [rule for rule in self._repository.rules(tx, actor.tenant) if rule.id == bound.id]
        if not any(rule.version == bound.version and rule.state is RuleState.PROPOSED for rule in present):
            if any(rule.version == bound.version and rule.active for rule in present):
                raise Conflict(_APPROVED, code="already_approved")
            raise Conflict("The rule was changed meanwhile; look at it again.", code="preview_outdated")
        rules.check_lawful(bound, self._statutes, self._repository.accepted(tx, actor.tenant), day_of(now, bound.zone))
        self._end(tx, [rule for rule in present if rule.active], RuleState.SUPERSEDED, now)
        active = replace(bound, state=RuleState.ACTIVE, approved_by=actor.ref, approved_at=now)
        self._repository.save_rule(tx, active)
        self._audit.append(tx, _event(Action.SWEEP_APPROVED, actor, active, request_id))
        return active

    def _end(self, tx: Tx, ending: Sequence[Rule], state: RuleState, at: datetime) -> None:
        for rule in ending:
            self._repository.save_rule(tx, replace(rule, state=state, ended_at=at))

    def _found(self, tenant: TenantId, id: str, state: RuleState) -> Rule:
        present = [rule for rule in self._store.read(lambda tx: self._repository.rules(tx, tenant)) if rule.id == id]
        if not present:
            raise NotFound("There is no such rule in force or proposed.")
        wanted = next((rule for rule in present if rule.state is state), None)
        if wanted is None:
            if state is RuleState.PROPOSED:  # of a rule in these two states only one that is in force is left
                raise Conflict(_APPROVED, code="already_approved")
            raise Conflict("This rule is not in force: it has to be approved first.", code="rule_not_active")
        return wanted

    def _dataset(self, tenant: TenantId, name: str) -> Dataset:
        found = self._data_map.dataset(tenant, name)
        if found is None or found.gone:
            raise NotFound("There is no such dataset in the data map; write it system.table.", pointer="/dataset")
        return found

    def _zone_of(self, dataset: Dataset) -> str:
        system = self._data_map.system(dataset.tenant, dataset.system)
        controller = self._controllers.controller(dataset.tenant, system.controller) if system.controller else None
        if controller is None:
            raise InvalidInput("Name the zone whose calendar counts: the system has no controller that would tell.", pointer="/zone")
        return controller.time_zone


def _tells_times(target: Target, table: str, clock: str) -> bool:
    """Tell whether any of the first texts of a column begins like an ISO date; an empty column may be filled later."""
    texts = [str(cells.values[0]) for cells in target.select(table, (clock,), IsNull(clock, negated=True), limit=_SAMPLE)]
    filled = [text for text in texts if text.strip()]
    return not filled or any(_ISO.match(text) for text in filled)


def last_slot(rule: Rule, now: datetime) -> tuple[datetime, str]:
    """Return the last time a rule's daily sweep was due by `now`, and its slot: the local day."""
    local = now.astimezone(ZoneInfo(rule.zone))
    day = local.date() if local.time() >= SWEEP_AT else local.date() - timedelta(days=1)
    return datetime.combine(day, SWEEP_AT, ZoneInfo(rule.zone)).astimezone(UTC), day.isoformat()


def _release(period: Period, zone: str) -> Callable[[datetime], datetime]:
    """Return what tells from a row's clock when it may go."""
    return lambda clock: start_of(period.due_from(day_of(clock, zone)), zone)


def _require_person(actor: Actor, does: str) -> None:
    if not actor.ref.startswith("user:"):
        raise AccessDenied(f"Only a signed-in person {does}.")


def _event(action: Action, actor: Actor, rule: Rule, request_id: str) -> Event:
    counts = {"version": rule.version}
    fields = (rule.dataset, rule.consequence.value, str(rule.period), rule.state.value, *rule.statutes[:20])
    related = (rule.hash,) if rule.hash else ()
    return Event(action, actor, object_type="rule", object_ref=rule.id, fields=fields, counts=counts, request_id=request_id, related=related)


def _previewed(actor: Actor, found: Preview, request_id: str) -> Event:
    counts = {"due": found.due, "kept": sum(each.rows for each in found.kept), "version": found.version}
    fields = (found.dataset, found.on.isoformat())
    return Event(
        Action.RETENTION_PREVIEWED, actor, object_type="rule", object_ref=found.rule, fields=fields, counts=counts, request_id=request_id, related=(found.hash,)
    )
