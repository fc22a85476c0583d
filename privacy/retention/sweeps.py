"""Sweeps: a rule carried out for one slot, in batches, whenever the worker is killed ending in the same state with the same counts.

Guarantees: one sweep per (rule, slot); every batch is one transaction in the system together with its marker; counts come from the markers; a hold or a
longer rule placed while it runs is seen from the next batch on; whose own row goes is in the ledger before, and without keys after. A rule whose effect is
no longer the approved one does nothing. Limits: between two statements of a batch another writer may add a row for somebody just being removed; at the
isolation our sessions run at (READ COMMITTED) that row's own foreign key decides.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from privacy.audit.events import Action, AuditLog, Event, Outcome
from privacy.disposal.ports import SubjectsGone, Target, Targets
from privacy.disposal.replacing import row_values
from privacy.disposal.target import Between, KeysIn, Statement, Update, Where
from privacy.disposal.values import read_back, written
from privacy.inventory.relations import Ownership
from privacy.jobs.model import Lease
from privacy.kernel.clock import Clock
from privacy.kernel.errors import Conflict, PrivacyError
from privacy.kernel.ids import TenantId, new_id
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor, SubjectRef
from privacy.masking.catalogue import Techniques
from privacy.retention import rules
from privacy.retention.archiving import Copyist
from privacy.retention.conditions import both, looks_elsewhere, narrowed
from privacy.retention.due import Due
from privacy.retention.effects import Node
from privacy.retention.identities import Identities
from privacy.retention.model import Consequence, Preview, Rule, RuleState, Sweep, SweepState
from privacy.retention.periods import day_of
from privacy.retention.ports import Archives, Batch, Keys, RetentionRepository
from privacy.retention.restrictions import Restrictions
from privacy.retention.scenes import Scenes
from privacy.retention.statutes import Statutes

EFFECT_CHANGED, BLOCKED = "effect_changed", "rule_blocked"
_RANGE = {"sqlite": 20_000, "postgresql": 50_000, "mysql": 20_000}  # rows of a ranged batch, measured against one statement
_KEYED, _PAGE = 2_000, 50_000  # rows of a batch by key, keys read at a time
_SUBJECTS = 500  # subjects of a batch: each has keys to destroy
_PASSES = 64
_NAMES, _BYTES = 60, 8_000


@dataclass(frozen=True, slots=True)
class Tools:
    """What a sweep works with."""

    store: Store
    repository: RetentionRepository
    targets: Targets
    scenes: Scenes
    statutes: Statutes
    audit: AuditLog
    keys: Keys
    clock: Clock
    gone: SubjectsGone
    restrictions: Restrictions
    archives: Archives
    techniques: Techniques


def machine(tenant: TenantId) -> Actor:
    """Return the service itself as the actor of what runs by schedule."""
    return Actor("service:retention", tenant, auth="none")


class Sweeper:
    """The handler of jobs of kind `sweep`, payload `{rule, slot}`. `pace` seconds are rested per second of work, so that others get their turn."""

    def __init__(self, tools: Tools, *, pace: float = 0.0, sleep: Callable[[float], None] = time.sleep) -> None:
        self._tools, self._pace, self._sleep = tools, pace, sleep

    def __call__(self, lease: Lease) -> None:
        """Carry the sweep out or go on with it. Raises Conflict (not approved any more, obstacles), ConnectorUnavailable, LeaseLost, PauseWanted."""
        tenant = lease.job.tenant
        sweep, rule = self._begun(lease, tenant)
        if sweep.state is SweepState.DONE:
            return
        try:
            self._run(lease, sweep, rule)
        except PrivacyError as error:
            if not error.retryable:
                self._stumbled(sweep, rule, error)
            raise

    def _run(self, lease: Lease, sweep: Sweep, rule: Rule) -> None:
        writes = rule.consequence in (Consequence.DELETE, Consequence.ANONYMISE, Consequence.ARCHIVE)
        target = self._tools.targets(sweep.tenant, rule.system, write=writes)
        try:
            work = _Work(self._tools, lease, sweep, rule, target, self._rest)
            work.check()
            work.carry_out()
            after = work.look()
            counts = work.counts()
            if writes:
                target.tidy([node.table for node in work.due.tree.nodes])
        finally:
            target.close()
        self._finish(lease, sweep, rule, counts, after)

    def _begun(self, lease: Lease, tenant: TenantId) -> tuple[Sweep, Rule]:
        id, slot = str(lease.job.payload["rule"]), str(lease.job.payload["slot"])
        tools, now = self._tools, self._tools.clock.now()

        def begin(tx: Tx) -> tuple[Sweep, Rule]:
            known = tools.repository.rules(tx, tenant, every=True)
            active = next((rule for rule in known if rule.id == id and rule.active), None)
            sweep = tools.repository.sweep(tx, tenant, id, slot)
            if sweep is not None:
                return sweep, next(rule for rule in known if (rule.id, rule.version) == (id, sweep.version))
            if active is None:
                raise Conflict("No version of this rule is in force; approve one, or cancel the job.", code="rule_not_active")
            sweep = Sweep(new_id(), tenant, id, active.version, slot, day_of(now, active.zone), SweepState.RUNNING, lease.job.created_by, now)
            tools.repository.add_sweep(tx, sweep)
            sweep = tools.repository.sweep(tx, tenant, id, slot) or sweep
            tools.audit.append(tx, _event(Action.SWEEP_ATTEMPTED, sweep, active, Outcome.ATTEMPTED))
            return sweep, active

        return tools.store.run(begin)

    def _finish(self, lease: Lease, sweep: Sweep, rule: Rule, counts: dict[str, int], after: Preview) -> None:
        tools = self._tools
        kept: dict[str, int] = {}
        for each in after.kept:
            kept[each.reason] = kept.get(each.reason, 0) + each.rows
        left = 0 if rule.consequence in (Consequence.RESTRICT, Consequence.REVIEW) else after.due
        found = {rule.dataset: after.due} if rule.consequence is Consequence.REVIEW else counts
        state = SweepState.NEEDS_ATTENTION if left else SweepState.DONE
        done = replace(sweep, state=state, finished_at=tools.clock.now(), counts=found, kept=kept, left=left)

        def finish(tx: Tx) -> None:
            tools.repository.save_sweep(tx, done)
            tools.repository.drop_batches(tx, sweep.tenant, sweep.id)
            tools.audit.append(tx, _event(Action.SWEEP_DONE, done, rule, Outcome.FAILED if left else Outcome.SUCCESS))
            lease.complete(tx, {"rows": sum(found.values()), "left": left, "sweep": sweep.id})

        tools.store.run(finish)

    def _stumbled(self, sweep: Sweep, rule: Rule, error: PrivacyError) -> None:
        failed = replace(sweep, state=SweepState.NEEDS_ATTENTION, problem=f"{error.code}: {error.detail}"[:2000])

        def write(tx: Tx) -> None:
            self._tools.repository.save_sweep(tx, failed)
            self._tools.audit.append(tx, _event(Action.SWEEP_DONE, failed, rule, Outcome.FAILED, error.code))

        self._tools.store.run(write)

    def _rest(self, seconds: float) -> None:
        if self._pace:
            self._sleep(seconds * self._pace)


class _Work:
    """One sweep at work on one open system."""

    def __init__(self, tools: Tools, lease: Lease, sweep: Sweep, rule: Rule, target: Target, rest: Callable[[float], None]) -> None:
        self.tools, self.lease, self.sweep, self.rule, self.target, self._rest = tools, lease, sweep, rule, target, rest
        self._identities = Identities(tools.keys)
        self._done = self._last = 0
        self.due = self._due()

    def check(self) -> None:
        """Raise Conflict unless the rule is still lawful and does what was approved, and nothing stands in its way."""
        today = day_of(self.tools.clock.now(), self.rule.zone)
        if self.rule.state is not RuleState.ACTIVE:
            raise Conflict("This version of the rule is no longer in force; the next slot runs under the new one.", code="rule_not_active")
        accepted = self.tools.store.read(lambda tx: self.tools.repository.accepted(tx, self.sweep.tenant))
        rules.check_lawful(self.rule, self.tools.statutes, accepted, today)
        if self.rule.consequence is Consequence.REVIEW:
            return
        if rules.bound(self.rule, self.due.effect, self.tools.statutes, today).hash != self.rule.hash:
            raise Conflict(
                "What this rule would do is no longer what was approved: relations, fields or the law changed. Preview it, propose it anew, have it approved.",
                code=EFFECT_CHANGED,
            )
        if self.due.obstacles:
            raise Conflict(f"The rule cannot be carried out: {'; '.join(self.due.obstacles[:3])}.", code=BLOCKED)

    def carry_out(self) -> None:
        match self.rule.consequence:
            case Consequence.REVIEW:
                return
            case Consequence.RESTRICT:
                self._restrict()
            case _ if self._in_ranges:
                self._by_ranges()
            case _:
                self._resume()
                self._by_keys()

    def look(self) -> Preview:
        """Return what a fresh look finds: what is left and why."""
        self.due = self._due()
        return self.due.preview(self.tools.statutes, day_of(self.tools.clock.now(), self.rule.zone), days=False)

    def counts(self) -> dict[str, int]:
        """Return rows by dataset (references emptied by `dataset.columns`), from the markers or the register alone."""
        if self.rule.consequence is Consequence.RESTRICT:
            return {self.rule.dataset: self._done}
        if self.rule.consequence is Consequence.REVIEW:
            return {}
        sums = dict.fromkeys(self.due.counted, 0)
        for batch in self.target.applied(self.sweep.id):
            for name, rows in zip(self.due.counted, batch.rows, strict=True):
                sums[name] += rows
        return sums

    # --- ways ------------------------------------------------------------------------------------------------------------------------

    @property
    def _in_ranges(self) -> bool:
        """Tell whether rows may go by ranges of their key: nothing else hangs on them, and telling them apart needs no other table."""
        removes_alone = self.rule.consequence is Consequence.DELETE and len(self.due.tree.nodes) == 1 and not self.due.tree.references
        replaces = self.rule.consequence is Consequence.ANONYMISE and not self.due.replacing.unique
        simple = not looks_elsewhere(self.due.going) and len(self.due.shape.primary_key) == 1
        return simple and (removes_alone or replaces) and not self._own_rows()

    def _by_ranges(self) -> None:
        column = self.due.shape.primary_key[0]
        # read beforehand: on SQLite an open reader would hold up the writer
        bounds = list(self.target.boundaries(self.due.table, self.due.going, _RANGE[self.target.kind]))
        for low, high in bounds:
            going = self._refreshed().going
            self._apply(self._next_number(), self.due.statements(both(Between(column, low, high), going)), total=len(bounds))

    def _by_keys(self) -> None:
        """Go by keys: pages of keys that are due now, in batches; over again until none is left or nothing moves."""
        for _ in range(_PASSES):
            moved, due = 0, self._refreshed()
            where = both(due.going, due.tree.leaves()) if due.tree.owns_itself else due.going
            keys = [cells.values for cells in self.target.select(due.table, due.shape.primary_key, where, limit=_PAGE)]
            for chunk in _chunks(keys, _SUBJECTS if self._own_rows() else _KEYED):
                moved += self._batch(self._next_number(), chunk)
            if not moved:
                return

    def _batch(self, number: int, keys: Sequence[tuple[Any, ...]]) -> int:
        """Do one batch; return how many of its root rows went. What must be known after a crash is stored sealed before."""
        subjects = self._subjects(keys)
        if subjects or self.rule.consequence is Consequence.ARCHIVE:
            self._remember(number, keys, subjects)
        return self._carry(number, keys, subjects)

    def _carry(self, number: int, keys: Sequence[tuple[Any, ...]], subjects: Sequence[tuple[str, str, str]]) -> int:
        due = self._refreshed()
        still = self._still_going(due, tuple(keys))
        # what changed since the keys were read is asked beforehand; the clock, and what restarts it, once more inside the transaction
        root = both(KeysIn(due.shape.primary_key, still), narrowed(due.past, due.shape.primary_key, still))
        refs = [SubjectRef(self.rule.system, type, key) for _, type, key in subjects]
        case = f"sweep:{self.sweep.id}:{number}"
        if refs:
            self.tools.gone.begin(self.sweep.tenant, case, self.sweep.id, refs)
        if self.rule.consequence is Consequence.ARCHIVE and not self._is_applied(number):
            self._copy(number, root)
        rows = self._apply(number, self._statements(root, keys))
        if refs:
            self.tools.gone.finish(self.sweep.tenant, case, self.sweep.id, self._really_gone(subjects))
        if subjects or self.rule.consequence is Consequence.ARCHIVE:
            self.tools.store.run(lambda tx: self.tools.repository.save_batch(tx, self.sweep.tenant, Batch(self.sweep.id, number, b"", done=True)))
        return rows[-1]

    def _still_going(self, due: Due, keys: tuple[tuple[Any, ...], ...]) -> tuple[tuple[Any, ...], ...]:
        key = due.shape.primary_key
        where = both(KeysIn(key, keys), narrowed(due.going, key, keys))
        return tuple(cells.values for cells in self.target.select(due.table, key, where))

    def _resume(self) -> None:
        """Finish batches that were begun before a crash, whether or not their rows went."""
        for batch in self.tools.store.read(lambda tx: self.tools.repository.batches(tx, self.sweep.tenant, self.sweep.id)):
            if not batch.done:
                kept: dict[str, Any] = self._identities.unseal(self.sweep.tenant, batch.sealed, f"{self.sweep.id}:{batch.number}")
                keys = [tuple(map(read_back, key)) for key in kept["keys"]]
                self._carry(batch.number, keys, [(dataset, type, key) for dataset, type, key in kept["subjects"]])

    def _restrict(self) -> None:
        dataset = self.due.scene.datasets[self.rule.dataset]
        column, type = str(dataset.subject_field), dataset.subject_type or dataset.table
        reason = f"retention rule {self.rule.id}"
        for page in _chunks(self.target.select(self.due.table, (column,), self.due.going), _KEYED):
            refs = [SubjectRef(self.rule.system, type, str(cells.values[0])) for cells in page if cells.values[0] is not None]
            case = f"rule:{self.rule.id}"
            rows = self.tools.restrictions.rows(
                self.sweep.tenant, tuple(dict.fromkeys(refs)), case=case, rule=self.rule.id, reason=reason, until=None, by="service:retention"
            )
            self._done += self.tools.store.run(lambda tx, rows=rows: self._entered(tx, rows))  # type: ignore[misc]
            self.lease.renew(self._done, step="restricting")

    def _entered(self, tx: Tx, rows: Sequence[Any]) -> int:
        return self.tools.repository.add_restrictions(tx, rows)

    # --- pieces ----------------------------------------------------------------------------------------------------------------------

    def _due(self) -> Due:
        return Due(self.rule, self.sweep.on, self.tools.scenes.of(self.sweep.tenant, self.rule.system, self.target), self.target)

    def _refreshed(self) -> Due:
        """Look at the holds again: one placed while the sweep runs counts from the next batch on."""
        scene = self.tools.scenes.with_holds(self.due.scene, self.tools.clock.now())
        if scene.holds != self.due.scene.holds:
            self.due = Due(self.rule, self.sweep.on, scene, self.target)
        return self.due

    def _apply(self, number: int, statements: Sequence[Statement], total: int | None = None) -> tuple[int, ...]:
        self.lease.renew(self._done, total, "sweeping")
        began = time.monotonic()
        applied = self.target.apply(self.sweep.id, number, self.lease.token, statements)
        self._done += 1 if total else applied.rows[-1]
        self._rest(time.monotonic() - began)
        return applied.rows

    def _statements(self, root: Where, keys: Sequence[tuple[Any, ...]]) -> list[Statement]:
        unique = self.due.replacing.unique if self.rule.consequence is Consequence.ANONYMISE else ()
        if not unique:
            return self.due.statements(root)
        secret = self.tools.keys.derive(self.sweep.tenant, "retention-replacement")
        per_row = {key: row_values(secret, self.due.shape, unique, key) for key in keys}
        return [Update(self.due.table, root, dict(self.due.replacing.values), self.due.shape.primary_key, per_row)]

    def _next_number(self) -> int:
        """Return a number no batch of this sweep has: after a crash those of the markers and those begun are taken."""
        if not self._last:
            applied = [each.batch for each in self.target.applied(self.sweep.id)]
            begun = [each.number for each in self.tools.store.read(lambda tx: self.tools.repository.batches(tx, self.sweep.tenant, self.sweep.id))]
            self._last = max((0, *applied, *begun))
        self._last += 1
        return self._last

    def _is_applied(self, number: int) -> bool:
        return any(each.batch == number for each in self.target.applied(self.sweep.id))

    def _own_rows(self) -> list[Node]:
        """Return the datasets among those that go in which a row is a subject itself, not something that belongs to one."""
        return [node for node in self.due.tree.nodes if self.rule.consequence.removes and self._is_subjects_own(node)]

    def _is_subjects_own(self, node: Node) -> bool:
        dataset = self.due.scene.datasets[node.dataset]
        shape = self.due.scene.shapes[node.table]
        column = (dataset.subject_field,)
        if not dataset.subject_field or (column != shape.primary_key and column not in shape.unique):
            return False
        owned = [each for each in self.due.scene.relations if each.confirmed and each.role is Ownership.OWNED_BY and each.child == node.dataset]
        return all(each.child_columns != column or each.parent == node.dataset for each in owned)

    def _subjects(self, keys: Sequence[tuple[Any, ...]]) -> list[tuple[str, str, str]]:
        """Return (dataset, subject type, key) of the subjects whose own row goes with these root rows."""
        found = []
        for node in self._own_rows():
            dataset = self.due.scene.datasets[node.dataset]
            rows = self.due.tree.rows(node, KeysIn(self.due.shape.primary_key, tuple(keys)))
            cells = self.target.select(node.table, (str(dataset.subject_field),), rows)
            type = dataset.subject_type or dataset.table
            found += [(node.dataset, type, str(each.values[0])) for each in cells if each.values[0] is not None]
        return found

    def _really_gone(self, subjects: Sequence[tuple[str, str, str]]) -> list[SubjectRef]:
        """Return those of `subjects` whose row is no longer there: one that a hold caught at the last moment keeps its keys."""
        gone = []
        for node in self._own_rows():
            column = str(self.due.scene.datasets[node.dataset].subject_field)
            mine = [(type, key) for dataset, type, key in subjects if dataset == node.dataset]
            there = {str(cells.values[0]) for cells in self.target.select(node.table, (column,), KeysIn((column,), tuple((key,) for _, key in mine)))}
            gone += [SubjectRef(self.rule.system, type, key) for type, key in mine if key not in there]
        return gone

    def _remember(self, number: int, keys: Sequence[tuple[Any, ...]], subjects: Sequence[tuple[str, str, str]]) -> None:
        kept = {"keys": [[written(value) for value in key] for key in keys], "subjects": [list(each) for each in subjects]}
        sealed = self._identities.seal(self.sweep.tenant, kept, f"{self.sweep.id}:{number}")
        self.tools.store.run(lambda tx: self.tools.repository.save_batch(tx, self.sweep.tenant, Batch(self.sweep.id, number, sealed)))

    def _copy(self, number: int, root: Where) -> None:
        """Write the masked copy of what this batch removes; an earlier attempt's file is replaced."""
        with self.tools.archives.part(self.sweep.tenant, self.sweep.id, number) as file:
            for node in self.due.tree.nodes:
                dataset = self.due.scene.datasets[node.dataset]
                copyist = Copyist(dataset, self.tools.techniques, self.tools.keys.derive(self.sweep.tenant, "retention-archive"))
                columns = tuple(self.due.scene.shapes[node.table].columns)
                for cells in self.target.select(node.table, columns, self.due.tree.rows(node, root)):
                    file.write(node.dataset, copyist.copy(dict(zip(columns, cells.values, strict=True))))


def _chunks(items: Any, size: int) -> Iterator[list[Any]]:
    stream = iter(items)
    while chunk := list(islice(stream, size)):
        yield chunk


def _event(action: Action, sweep: Sweep, rule: Rule, outcome: Outcome, code: str = "") -> Event:
    counts = {"rows": sum(sweep.counts.values()), "kept": sum(sweep.kept.values()), "version": sweep.version}
    if sweep.left is not None:
        counts["left"] = sweep.left
    listed, size = [], 0
    for name, rows in sweep.counts.items():
        listed.append(f"{name}: {rows}")
        size += len(listed[-1].encode())
        if len(listed) == _NAMES or size > _BYTES:
            break
    fields = (rule.dataset, rule.consequence.value, sweep.on.isoformat(), *listed, *((code,) if code else ()))
    return Event(action, machine(sweep.tenant), outcome, "sweep", sweep.id, fields=fields, counts=counts, related=(rule.id, rule.hash))
