"""What a rule does on a day: which rows are past their period, which of them stay and why, what goes. Counted in the system, nothing written.

A row that is past its period stays when a hold reaches it or a dependant, when another rule keeps it or a dependant longer, when a dependant is handled
otherwise, belongs to somebody else too, or is pointed at by rows that stay. Each such row is counted once, under the first reason in this order.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any

from privacy.disposal.ports import Target
from privacy.disposal.target import KeysIn, Not, Statement, TableShape, Update, Where
from privacy.disposal.values import Key, canonical_key
from privacy.inventory.model import Dataset
from privacy.inventory.relations import Erase, Handling, Relation
from privacy.kernel.errors import Conflict
from privacy.kernel.ids import TenantId
from privacy.retention import rules
from privacy.retention.conditions import EVERY, NOTHING, any_of, both, past, pointing, restarting_relations, shape_of, table_of, undated
from privacy.retention.effects import Node, Tree, pointed
from privacy.retention.model import Consequence, Effect, Hold, Kept, Preview, Rule
from privacy.retention.replacing import Replacing, replacing
from privacy.retention.statutes import Statutes

_NAMED_HOLDS = 20  # beyond, holds are counted together
_LEVEL = 5_000  # keys asked about at a time
_FAR = timedelta(days=366 * 100)
_NO_SHAPES: Mapping[str, TableShape] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Scene:
    """A system as it stands: its map, its rules in force, the holds on it. `rules` are active ones of this system alone."""

    tenant: TenantId
    system: str
    datasets: Mapping[str, Dataset]
    relations: Sequence[Relation]
    handlings: Mapping[str, Handling]
    rules: Sequence[Rule]
    holds: Sequence[Hold]
    shapes: Mapping[str, TableShape] = field(default_factory=lambda: _NO_SHAPES)


@dataclass(frozen=True, slots=True)
class Keeper:
    """A reason for which rows of the rule's dataset stay, and the rows it reaches."""

    reason: str
    by: str
    rows: Where


class Due:
    """One rule on one day against one scene. Conditions are built once; every count is one query."""

    def __init__(self, rule: Rule, day: date, scene: Scene, target: Target) -> None:
        self.rule, self.day, self.scene, self._target = rule, day, scene, target
        self.table = table_of(rule.dataset, rule.system)
        self.shape = shape_of(rule.dataset, rule.system, scene.shapes)
        self.tree = Tree(rule.system, rule.dataset, scene.relations, scene.shapes, alone=not rule.consequence.removes)

    # --- what happens ----------------------------------------------------------------------------------------------------------------

    @cached_property
    def past(self) -> Where:
        """Return the rows whose period is over and that the rule has not dealt with yet."""
        return self.past_on(self.day)

    def past_on(self, day: date) -> Where:
        found = past(self.rule, day, self.scene.shapes, self.scene.relations)
        return both(found, self.replacing.not_yet()) if self.rule.consequence is Consequence.ANONYMISE and self.replacing.values else found

    @cached_property
    def going(self) -> Where:
        """Return the rows that go."""
        return both(self.past, *(Not(keeper.rows) for keeper in self.keepers))

    @cached_property
    def keepers(self) -> tuple[Keeper, ...]:
        return tuple(self._keepers())

    @cached_property
    def replacing(self) -> Replacing:
        dataset = self.scene.datasets[self.rule.dataset]
        return replacing(dataset, self.shape, self.rule.columns, self._untouched(), self.scene.handlings.get(self.rule.dataset))

    @cached_property
    def effect(self) -> Effect:
        """Return what the rule touches, in words of the map. Raises Conflict when a relation it needs is not confirmed."""
        rule = self.rule
        restarts = tuple(
            f"{each.child}.{'+'.join(each.child_columns)}" for restart in rule.restarts for each in restarting_relations(rule, restart, self.scene.relations)
        )
        if rule.consequence is Consequence.ANONYMISE:
            return Effect(sets=tuple(f"{rule.dataset}.{name}" for name in self.replacing.columns), restarts=restarts)
        if not rule.consequence.removes:
            return Effect(restarts=restarts)
        names = self.tree.tables()
        emptied = len(names) - len(self.tree.nodes)
        return Effect(removes=names[emptied:], clears=names[:emptied], restarts=restarts)

    @property
    def obstacles(self) -> tuple[str, ...]:
        """Return what stops the rule from being carried out, in words with the remedy."""
        found = list(self.replacing.obstacles) if self.rule.consequence is Consequence.ANONYMISE else []
        if self.rule.consequence is not Consequence.REVIEW and not self.shape.primary_key:
            found.append(f"{self.rule.dataset} has no primary key, so its rows cannot be told apart: give the table one")
        return tuple(found)

    def statements(self, root: Where) -> list[Statement]:
        """Return what carries the rule out on the root rows that match; always as many statements, in the order of `counted`."""
        if self.rule.consequence is Consequence.ANONYMISE:
            return [Update(self.table, root, dict(self.replacing.values))]
        return self.tree.statements(root)

    @property
    def counted(self) -> tuple[str, ...]:
        return (self.rule.dataset,) if self.rule.consequence is Consequence.ANONYMISE else self.tree.tables()

    # --- looking ---------------------------------------------------------------------------------------------------------------------

    def preview(self, statutes: Statutes, today: date, *, days: bool = True) -> Preview:
        """Count what goes and what stays. The hash is that of `today`, whatever day is looked at. Raises ConnectorUnavailable.

        Without `days` the earliest and the next day are left out: finding them takes some thirty looks at the table.
        """
        rule, kept, left = self.rule, [], self.past
        for keeper in self.keepers:
            if rows := self._target.count(self.table, both(left, keeper.rows)):
                kept.append(Kept(keeper.reason, keeper.by, rows))
            left = both(left, Not(keeper.rows))
        due = self._target.count(self.table, left)
        bound = rules.bound(rule, self.effect, statutes, today)
        root = self._named(left) if due <= _LEVEL else left
        dependants = {node.dataset: self._target.count(node.table, self.tree.rows(node, root)) for node in self.tree.dependants} if due else {}
        return Preview(
            rule=rule.id,
            version=rule.version,
            dataset=rule.dataset,
            consequence=rule.consequence,
            on=self.day,
            zone=rule.zone,
            cutoff=rule.period.cutoff(self.day),
            due=due,
            kept=tuple(kept),
            dependants=dependants,
            effect=self.effect,
            hash=bound.hash,
            undated=self._target.count(self.table, undated(rule, self.scene.shapes)),
            earliest=self._first(rule.valid_from, self.day, left) if due and days else None,
            next=self._next() if days else None,
            statutes=rule.statutes,
            obstacles=self.obstacles,
        )

    def _named(self, where: Where) -> Where:
        """Return a few rows by their keys, where the table has one."""
        key = self.shape.primary_key
        return KeysIn(key, tuple(cells.values for cells in self._target.select(self.table, key, where))) if key else where

    def _next(self) -> date | None:
        """Return the next day on which further rows are past their period, holds and other rules aside."""
        known = Not(past(self.rule, self.day, self.scene.shapes, self.scene.relations))
        tomorrow = self.day + timedelta(days=1)
        near = max(tomorrow, self.rule.valid_from, self.rule.period.due_from(self.day))
        return self._first(tomorrow, near, known) or self._first(near, near + _FAR, known)

    def _first(self, low: date, high: date, among: Where) -> date | None:
        """Return the first day from `low` to `high` on which one of these rows is past its period: past stays past, so halving finds it."""

        def any_on(day: date) -> bool:
            return _some(self._target, self.table, self.shape, both(self.past_on(day), among))

        if low > high or not any_on(high):
            return None
        while low < high:
            middle = low + (high - low) // 2
            low, high = (low, middle) if any_on(middle) else (middle + timedelta(days=1), high)
        return low

    # --- reasons to stay -------------------------------------------------------------------------------------------------------------

    def _keepers(self) -> Iterator[Keeper]:
        if self.rule.consequence in (Consequence.RESTRICT, Consequence.REVIEW):
            return  # neither takes anything away
        first = [*self._held(), *self._other_rules(), *self._handled()]
        yield from first
        if not self.rule.consequence.removes:
            return
        going = both(self.past, *(Not(keeper.rows) for keeper in first))
        later = [*self._shared(going), *self._referenced()]
        yield from later
        if self.tree.owns_itself:
            yield Keeper("referenced", self.rule.dataset, self._above_others(both(going, *(Not(keeper.rows) for keeper in later))))

    def _held(self) -> Iterator[Keeper]:
        reached = [(hold, self._reached_by(hold)) for hold in self.scene.holds]
        reached = [(hold, rows) for hold, rows in reached if rows != NOTHING]
        if len(reached) > _NAMED_HOLDS:
            yield Keeper("hold", "several", any_of(rows for _, rows in reached))
            return
        for hold, rows in reached:
            yield Keeper("hold", hold.id, rows)

    def _reached_by(self, hold: Hold) -> Where:
        if hold.columns and self.rule.consequence is Consequence.ANONYMISE and not frozenset(hold.columns) & frozenset(self.replacing.columns):
            return NOTHING
        return any_of(self.tree.roots_with(node, held(hold, node.dataset, self.scene)) for node in self.tree.nodes)

    def _other_rules(self) -> Iterator[Keeper]:
        for node in self.tree.nodes:
            for other in self.scene.rules:
                if other.dataset == node.dataset and other.id != self.rule.id and self._minds(other, node):
                    reason = "rule" if node is self.tree.root else "dependant_rule"
                    young = Not(past(other, self.day, self.scene.shapes, self.scene.relations))
                    yield Keeper(reason, other.id, self.tree.roots_with(node, young))

    def _minds(self, other: Rule, node: Node) -> bool:
        """Tell whether another rule keeps a row from this one: on dependants any that decides over them, on the same rows one that rests on a statute."""
        if node is not self.tree.root:
            return other.consequence is not Consequence.RESTRICT or bool(other.statutes)
        if not other.statutes:
            return False
        about = frozenset(other.columns)
        return self.rule.consequence is not Consequence.ANONYMISE or not about or bool(about & frozenset(self.replacing.columns))

    def _handled(self) -> Iterator[Keeper]:
        for node in self.tree.dependants:
            handling = self.scene.handlings.get(node.dataset)
            if handling is not None and handling.action is not Erase.DELETE:
                yield Keeper("handling", node.dataset, self.tree.roots_with(node, EVERY))

    def _shared(self, going: Where) -> Iterator[Keeper]:
        for node in self.tree.dependants:
            staying = any_of(pointing(owner, values) for owner in self.tree.owners(node) if (values := self._staying(node, owner, going)))
            if staying != NOTHING:
                yield Keeper("shared", node.dataset, self.tree.roots_with(node, staying))

    def _staying(self, node: Node, owner: Relation, going: Where) -> tuple[tuple[Any, ...], ...]:
        """Return what rows of `node` that would go hold in a reference to somebody whose row stays. Read, since a condition would grow too deep."""
        parent, table = self.tree.node(owner.parent), table_of(owner.parent, self.rule.system)
        columns = owner.child_columns
        held = {canonical_key(cells.values): cells.values for cells in self._target.select(node.table, columns, self.tree.rows(node, going))}
        asked = [key for key in held.values() if None not in key]
        there, leaving = set(), set()
        for start in range(0, len(asked), _LEVEL):
            named = KeysIn(owner.parent_columns, tuple(asked[start : start + _LEVEL]))
            there |= self._keys(table, owner.parent_columns, named)
            if parent is not None:
                leaving |= self._keys(table, owner.parent_columns, both(named, self.tree.rows(parent, going)))
        return tuple(held[key] for key in there - leaving if key in held)

    def _keys(self, table: str, columns: tuple[str, ...], where: Where) -> set[Key]:
        return {canonical_key(cells.values) for cells in self._target.select(table, columns, where)}

    def _referenced(self) -> Iterator[Keeper]:
        for node in self.tree.nodes:
            for table, rows in pointed(node, self.tree.references):
                yield Keeper("referenced", f"{self.rule.system}.{table}", self.tree.roots_with(node, rows))

    def _above_others(self, going: Where) -> Where:
        """Return those of the going rows that own, at any depth, a row that stays. Read level by level: no condition could look down to the end."""
        key, found = self.shape.primary_key, dict[tuple[Any, ...], None]()
        level: list[Where] = [Not(going)]
        while level:
            rows = (cells.values for stays in level for cells in self._target.select(self.table, key, both(going, self.tree.owners_of(stays))))
            new = [row for row in dict.fromkeys(rows) if row not in found]
            found.update(dict.fromkeys(new))
            level = [KeysIn(key, tuple(new[start : start + _LEVEL])) for start in range(0, len(new), _LEVEL)]
        return KeysIn(key, tuple(found)) if found else NOTHING

    def _untouched(self) -> Iterator[str]:
        """Yield columns an anonymised row keeps: the clock, and whatever links the row to others."""
        yield self.rule.clock
        for key in self.shape.foreign_keys:
            yield from key.columns
        for relation in self.scene.relations:
            if relation.confirmed and relation.child == self.rule.dataset:
                yield from relation.child_columns
            if relation.confirmed and relation.parent == self.rule.dataset:
                yield from relation.parent_columns


def held(hold: Hold, dataset: str, scene: Scene) -> Where:
    """Return the rows of `dataset` that a hold reaches: those it names, and what belongs to them."""
    if hold.scope == "system":
        return EVERY
    if hold.scope == "dataset":
        return EVERY if hold.dataset == dataset else NOTHING
    return any_of(_belonging(dataset, base, rows, scene) for base, rows in _named(hold, scene))


def _named(hold: Hold, scene: Scene) -> Iterator[tuple[str, Where]]:
    if hold.subject is None:
        shape = shape_of(hold.dataset, scene.system, scene.shapes)
        if len(shape.primary_key) != len(hold.keys):
            raise Conflict(f"The key of {hold.dataset} changed, so a hold on one of its rows cannot be found again: place it anew.", code="schema_changed")
        yield hold.dataset, KeysIn(shape.primary_key, (hold.keys,))
        return
    for dataset in scene.datasets.values():
        if dataset.subject_field and (dataset.subject_type or dataset.table) == hold.subject.type:
            yield dataset.name, KeysIn((dataset.subject_field,), ((hold.subject.key,),))


def _belonging(dataset: str, base: str, rows: Where, scene: Scene) -> Where:
    tree = Tree(scene.system, base, scene.relations, scene.shapes)
    node = next((node for node in tree.nodes if node.dataset == dataset), None)
    return NOTHING if node is None else tree.rows(node, rows)


def _some(target: Target, table: str, shape: TableShape, where: Where) -> bool:
    columns = shape.primary_key[:1] or tuple(shape.columns)[:1]
    return next(iter(target.select(table, columns, where, limit=1)), None) is not None
