"""After a restore: which of the databases has not followed the ledger, and the replay that makes it follow. Until then the gate is closed.

Main and keys carry a mark with the ledger's place; entries beyond it are looked at one by one, so that a crash between ledger and mark closes
nothing. A connected system carries the marker of each run: a backup loses the newest first, so the newest completed entry of a system tells. A
replay knows nobody by name: it reads the subjects' keys from the system and from our own rows, and compares their keyed digests with the ledger's.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Protocol

from privacy.actors.people import require
from privacy.audit.events import Action, AuditLog, Event
from privacy.disposal.departures import Departures, Places
from privacy.disposal.execution import carry_out
from privacy.disposal.model import PlanState, Share
from privacy.disposal.ports import Forget, Known, Ledger, LedgerEntry, LedgerKind, Mark, Target
from privacy.disposal.service import Plans
from privacy.disposal.steps import END, StepKind
from privacy.disposal.surveying import Surveyor
from privacy.disposal.target import Both
from privacy.disposal.values import canonical
from privacy.disposal.verifying import Verdict, rows_left
from privacy.kernel.clock import Clock
from privacy.kernel.errors import Conflict, Misconfigured, NotFound, PrivacyError, StoreUnavailable
from privacy.kernel.ids import TenantId, new_id
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor, SubjectRef

_TOKEN = 2**31 - 1  # above every lease's: a worker that still holds an older one is refused
_SWEEP = "sweep:"
_SUBJECTS_AT_ONCE = 5_000
_GATE_SECONDS = 1.0


class LivingKeys(Protocol):
    """`crypto.subject_keys.SubjectKeys` is one."""

    def living(self, tenant: TenantId, lookups: Sequence[str]) -> int:
        """Return how many keys of these subjects are not destroyed."""

    def destroy_lookups(self, tenant: TenantId, lookups: Sequence[str], reason_ref: str) -> int:
        """Destroy all keys of the subjects with these digests; return how many died now."""


class OpenTarget(Protocol):
    def __call__(self, tenant: TenantId, system: str, *, write: bool = True) -> Target:
        """Open a connected system without asking whether it has followed the ledger."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the databases stand to the ledger: entries not yet followed. `unknown` are systems that could not be asked, with why."""

    head: int = 0
    main: tuple[LedgerEntry, ...] = ()
    keys: tuple[LedgerEntry, ...] = ()
    systems: Mapping[tuple[TenantId, str], tuple[LedgerEntry, ...]] = field(default_factory=lambda: MappingProxyType({}))
    unknown: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def followed(self) -> bool:
        return not (self.main or self.keys or self.systems)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did: entries, rows removed or changed, keys destroyed, subjects forgotten in our own stores; what is still open and why."""

    entries: int
    rows: int
    keys: int
    forgotten: int
    open: Mapping[str, str]


class Following:
    """Tells whether everything followed the ledger."""

    def __init__(self, places: Places, ledger: Ledger, keys: LivingKeys) -> None:
        self._places, self._ledger, self._keys = places, ledger, keys
        self._asked_at = 0.0
        self._lock = threading.Lock()

    def gate(self, seconds: float = _GATE_SECONDS) -> None:
        """Raise StoreUnavailable with code `replay_needed` while main or keys has not followed; a good answer serves for `seconds`."""
        with self._lock:
            if self._asked_at and time.monotonic() - self._asked_at < seconds:
                return
            self._asked_at = 0.0
            standing = self.stores()
            if standing.main or standing.keys:
                which = " and ".join(name for name, behind in (("main", standing.main), ("keys", standing.keys)) if behind)
                raise StoreUnavailable(
                    f"The {which} database is older than the erasure ledger: it was restored. Nothing is disclosed until `privacy ledger replay` has run.",
                    code="replay_needed",
                )
            self._asked_at = time.monotonic()

    def stores(self) -> Standing:
        """Ask our own two databases. Raises Misconfigured when the ledger itself is damaged, older than the databases, or gone."""
        head = self._ledger.head()
        main = self._places.main.read(self._places.repository.mark)
        keys = self._places.keys.read(self._places.key_marks.mark)
        for mark in (main, keys):
            self._refuse_another_ledger(head, mark)
        behind = [entry for entry in self._ledger.entries(main.seq if main else 0) if not self._main_followed(entry)]
        living = [entry for entry in self._ledger.entries(keys.seq if keys else 0) if not self._keys_followed(entry)]
        return Standing(head.seq if head else 0, tuple(behind), tuple(living))

    def check_target(self, tenant: TenantId, system: str, target: Target) -> None:
        """Raise Conflict `needs_replay` when this system lost the newest completed run that the ledger knows of it."""
        newest = next((entry for entry in reversed(self.of_system(tenant, system)) if entry.kind == LedgerKind.COMPLETED), None)
        if newest is not None and not has_marker(target, newest):
            raise Conflict(
                f"{system} was restored to a state before an erasure: what was erased is there again. Run `privacy ledger replay` first.", code="needs_replay"
            )

    def of_system(self, tenant: TenantId, system: str) -> list[LedgerEntry]:
        return [entry for entry in self._ledger.entries() if entry.tenant == tenant and system in entry.systems]

    def _refuse_another_ledger(self, head: LedgerEntry | None, mark: Mark | None) -> None:
        if mark is None:
            return
        at = next(iter(self._ledger.entries(mark.seq - 1)), None) if mark.seq else None
        if at is None or at.hash != mark.hash:
            place = head.seq if head else 0
            raise Misconfigured(
                f"The erasure ledger ends at entry {place}, or differs there, while a database has followed it to entry {mark.seq}: put back "
                "erasure.ledger of the state directory from its newest copy. Without it nobody can tell what a restore brought back.",
                code="ledger_lost",
            )

    def _main_followed(self, entry: LedgerEntry) -> bool:
        state = self._places.main.read(lambda tx: self._places.repository.run_state(tx, entry.tenant, entry.plan, entry.case))
        # a sweep that never finished is begun again by its own rule
        return state == "concluded" or (entry.kind == LedgerKind.INTENT and (bool(state) or entry.case.startswith(_SWEEP)))

    def _keys_followed(self, entry: LedgerEntry) -> bool:
        return entry.kind == LedgerKind.INTENT or not entry.lookups or not self._keys.living(entry.tenant, entry.lookups)


def has_marker(target: Target, entry: LedgerEntry) -> bool:
    """Tell whether the run of this entry left its last marker in the system: the closing one, or the batch of a sweep that its case names."""
    batch = int(entry.case.rpartition(":")[2]) if entry.case.startswith(_SWEEP) else END
    return any(each.batch in (batch, END) for each in target.applied(entry.plan))


class CheckedTargets:
    """Implements `disposal.ports.Targets`: opens a connected system only when it has followed the ledger."""

    def __init__(self, opened: OpenTarget, following: Following) -> None:
        self._opened, self._following = opened, following

    def __call__(self, tenant: TenantId, system: str, *, write: bool = True) -> Target:
        target = self._opened(tenant, system, write=write)
        try:
            self._following.check_target(tenant, system, target)
        except BaseException:
            target.close()
            raise
        return target


class Replay:
    """Makes restored databases follow the ledger again, under the approvals that stand behind its entries."""

    def __init__(
        self,
        following: Following,
        places: Places,
        ledger: Ledger,
        departures: Departures,
        keys: LivingKeys,
        plans: Plans,
        surveyor: Surveyor,
        opened: OpenTarget,
        known: Sequence[Known],
        forgets: Sequence[Forget],
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._following, self._places, self._ledger, self._departures, self._keys = following, places, ledger, departures, keys
        self._plans, self._surveyor, self._opened, self._known, self._forgets = plans, surveyor, opened, known, forgets
        self._audit, self._clock = audit, clock

    def state(self) -> Standing:
        """Ask every database: main, keys, and each system the ledger names."""
        stores = self._following.stores()
        systems: dict[tuple[TenantId, str], tuple[LedgerEntry, ...]] = {}
        unknown: dict[str, str] = {}
        for tenant, system in self._named_systems():
            try:
                behind = self._behind(tenant, system)
            except NotFound:
                continue  # disconnected since: nothing of ours reads it
            except PrivacyError as error:
                unknown[system] = error.detail
                continue
            if behind:
                systems[tenant, system] = tuple(behind)
        return replace(stores, systems=MappingProxyType(systems), unknown=MappingProxyType(unknown))

    def replay(self, actor: Actor, *, request_id: str = "") -> Replayed:
        """Erase again what a restore brought back, everywhere it did; idempotent, begun anew after a crash. Checks the scope jobs:write.

        The gate opens when main and keys have followed; a system that could not be reached stays shut by itself and is told in `open`.
        """
        require(actor, "jobs:write")
        standing = self.state()
        rows, open_ = 0, dict(standing.unknown)
        staying: set[str] = set()
        wanted: dict[tuple[TenantId, str], set[LedgerEntry]] = defaultdict(set)
        for place, behind in standing.systems.items():
            wanted[place] |= set(behind)
        for entry in self._unfinished(standing):
            for system in entry.systems:
                wanted[entry.tenant, system].add(entry)
        for (tenant, system), entries in wanted.items():
            try:
                rows += self._system_again(tenant, system, sorted(entries, key=lambda entry: entry.seq), staying)
            except NotFound:
                continue
            except PrivacyError as error:
                open_[system] = error.detail
        keys, forgotten = self._stores_again(standing, staying)
        replayed = {entry.seq for each in (standing.main, standing.keys, *standing.systems.values()) for entry in each}
        counts = {"entries": len(replayed), "rows": rows, "keys": keys, "forgotten": forgotten, "open": len(open_)}
        self._audit.record(Event(Action.LEDGER_REPLAYED, actor, object_type="ledger", object_ref=str(standing.head), counts=counts, request_id=request_id))
        return Replayed(len(replayed), rows, keys, forgotten, MappingProxyType(open_))

    # --- connected systems ---------------------------------------------------------------------------------------------------------------

    def _named_systems(self) -> list[tuple[TenantId, str]]:
        return sorted({(entry.tenant, system) for entry in self._ledger.entries() for system in entry.systems})

    def _behind(self, tenant: TenantId, system: str) -> list[LedgerEntry]:
        target = self._opened(tenant, system, write=False)
        try:
            done = [entry for entry in self._following.of_system(tenant, system) if entry.kind == LedgerKind.COMPLETED]
            return [entry for entry in done if not has_marker(target, entry)]
        finally:
            target.close()

    def _unfinished(self, standing: Standing) -> list[LedgerEntry]:
        """Return intents that a restored main does not know of and that were never completed: the approval stands, so they are carried out now."""
        completed = {(entry.tenant, entry.case, entry.plan) for entry in self._ledger.entries() if entry.kind == LedgerKind.COMPLETED}
        return [entry for entry in standing.main if entry.kind == LedgerKind.INTENT and (entry.tenant, entry.case, entry.plan) not in completed]

    def _system_again(self, tenant: TenantId, system: str, entries: Sequence[LedgerEntry], staying: set[str]) -> int:
        """Erase everybody these entries are about once more; `staying` gains those of whom a law keeps rows today."""
        lookups = {lookup for entry in self._following.of_system(tenant, system) if entry in entries for lookup in self._lookups_of(entry)}
        target = self._opened(tenant, system)
        try:
            found = list(self._subjects_in(tenant, system, target, lookups))
            rows, stays = self._erase(tenant, system, found, target)
            if stays:
                staying |= set(self._plans.lookups(tenant, found))
            for entry in entries:
                target.apply(entry.plan, _last(entry), _TOKEN, ())
            return rows
        finally:
            target.close()

    def _lookups_of(self, entry: LedgerEntry) -> set[str]:
        """Return everybody an entry is about: an erasure that left restricted rows completed for fewer than it intended."""
        return {
            lookup
            for each in self._ledger.entries()
            if (each.tenant, each.case, each.plan) == (entry.tenant, entry.case, entry.plan)
            and (each.kind == LedgerKind.COMPLETED or not each.case.startswith(_SWEEP))
            for lookup in each.lookups
        }

    def _subjects_in(self, tenant: TenantId, system: str, target: Target, lookups: set[str]) -> Iterator[SubjectRef]:
        """Read the subjects' keys of every dataset about people, and yield those that the ledger knows by digest."""
        terrain = self._surveyor.terrain(tenant, system, target)
        for table, dataset in sorted(terrain.datasets.items()):
            shape = terrain.shapes.get(table)
            if dataset.subject_type and dataset.subject_field and shape is not None and dataset.subject_field in shape.columns:
                kind, batch = dataset.subject_type, []
                for cells in target.select(table, (dataset.subject_field,), Both()):
                    if cells.values[0] is not None:
                        batch.append(SubjectRef(system, kind, canonical(cells.values[0])))
                    if len(batch) >= _SUBJECTS_AT_ONCE:
                        yield from self._matching(tenant, batch, lookups)
                        batch = []
                yield from self._matching(tenant, batch, lookups)

    def _matching(self, tenant: TenantId, subjects: Sequence[SubjectRef], lookups: set[str]) -> Iterator[SubjectRef]:
        digests = self._plans.keys.keys(tenant).lookups(list(dict.fromkeys(subjects)))
        yield from (subject for subject, lookup in digests.items() if lookup in lookups)

    def _erase(self, tenant: TenantId, system: str, subjects: Sequence[SubjectRef], target: Target) -> tuple[int, bool]:
        """Find their rows again and carry out what today's map, rules and holds say, in a run of its own: one that a crash ends, the next one finishes.

        Return how many of their rows changed, and whether some of them stay.
        """
        if not subjects:
            return 0, False
        steps = self._surveyor.survey(tenant, system, subjects, target, self._clock.now()).draft.steps
        run = new_id()
        carry_out(target, run, _TOKEN, steps, self._plans.rows_key(tenant), lambda _done, _total: None)
        verdict = Verdict()
        rows_left(target, steps, verdict)
        if not verdict.gone:
            raise Conflict(f"{system}: rows that were erased again are still there; run the replay once more.", code="rows_left")
        target.tidy(sorted({step.table for step in steps if step.kind is not StepKind.STAY}))
        mine = [step for step in steps if step.share is Share.OWNED]
        return sum(len(step.keys) for step in mine if step.kind in (StepKind.DELETE, StepKind.UPDATE)), any(step.kind is StepKind.STAY for step in mine)

    # --- our own databases -----------------------------------------------------------------------------------------------------------------

    def _stores_again(self, standing: Standing, staying: set[str]) -> tuple[int, int]:
        behind = {entry.seq: entry for entry in (*standing.main, *standing.keys)}
        unfinished = [replace(entry, lookups=tuple(each for each in entry.lookups if each not in staying)) for entry in self._unfinished(standing)]
        completed = [entry for entry in behind.values() if entry.kind == LedgerKind.COMPLETED] + unfinished
        by_tenant: dict[TenantId, list[LedgerEntry]] = defaultdict(list)
        for entry in completed:
            by_tenant[entry.tenant].append(entry)
        keys = sum(self._keys.destroy_lookups(entry.tenant, entry.lookups, entry.case) for entry in completed)
        forgotten = sum(self._forget_again(tenant, entries) for tenant, entries in by_tenant.items())
        for entry in behind.values():
            self._places.main.run(lambda tx, entry=entry: self._concluded(tx, entry))  # type: ignore[misc]
        now = self._clock.now()
        for entry in unfinished:
            self._ledger.append(LedgerKind.COMPLETED, entry.tenant, entry.case, entry.lookups, entry.systems, entry.plan, now)
        if head := self._ledger.head():
            self._departures.follow(head)
        return keys, forgotten

    def _forget_again(self, tenant: TenantId, entries: Sequence[LedgerEntry]) -> int:
        lookups = {lookup: entry.case for entry in entries for lookup in entry.lookups}
        named = list(dict.fromkeys(subject for known in self._known for subject in known(tenant)))
        digests = self._plans.keys.keys(tenant).lookups(named)
        found = {subject: lookups[digest] for subject, digest in digests.items() if digest in lookups}
        for subject, case in found.items():
            for forget in self._forgets:
                self._places.main.run(lambda tx, f=forget, s=subject, c=case: f(tx, tenant, [s], c))  # type: ignore[misc]
        return len(found)

    def _concluded(self, tx: Tx, entry: LedgerEntry) -> None:
        now = self._clock.now()
        self._places.repository.conclude(tx, entry.tenant, entry.plan, entry.case, now)
        plan = self._places.repository.plan(tx, entry.tenant, entry.plan, lock=True)
        if plan is not None and plan.state not in (PlanState.DONE, PlanState.VOID):
            problems = MappingProxyType({**plan.problems, "plan": "done before a restore and replayed; the certificate issued then stays valid"})
            self._places.repository.save_plan(tx, replace(plan, state=PlanState.DONE, problems=problems, ended_at=now))
            self._places.repository.drop_sealed(tx, plan.tenant, plan.id)


def _last(entry: LedgerEntry) -> int:
    return int(entry.case.rpartition(":")[2]) if entry.case.startswith(_SWEEP) else END


def opening(url_of: Callable[[TenantId, str], str], open_url: Callable[..., Target]) -> OpenTarget:
    """Return how systems are opened by their name, without any check."""

    def opened(tenant: TenantId, system: str, *, write: bool = True) -> Target:
        return open_url(url_of(tenant, system), write=write)

    return opened
