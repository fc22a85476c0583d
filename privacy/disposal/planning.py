"""From rows to a plan: what happens to each row, in which order, and why some stay.

A row's fate begins with the decided handling of its dataset (owned rows are deleted without one). Holds and statutory minimum periods turn it
into a restriction, and what hangs from a restricted record stays with it unchanged. Then the references decide: a row that stays may not name
one that goes, so its reference is cleared; where that cannot be, or where the row may not be touched, the named row is anonymised instead of
deleted. Nothing here writes; nothing depends on the order in which rows were read.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from privacy.disposal.closure import Terrain, in_words, key_columns, matching
from privacy.disposal.model import Collection, Obstacle, PlannedRows, RowSet, Share
from privacy.disposal.ports import Hold, Keep, Target
from privacy.disposal.references import Reference, breaking, cleared, groups_in_order, is_link, references
from privacy.disposal.replacing import Blanks, blanks
from privacy.disposal.steps import Step, StepKind
from privacy.disposal.target import Before, Both, Equals, KeysIn
from privacy.disposal.values import Key, as_instant, canonical_key
from privacy.inventory.relations import Erase, Handling, Ownership, Relation

_STAYS, _GOES = (Erase.RESTRICT, Erase.KEEP), (Erase.DELETE, Erase.ANONYMISE)
_SHARED_REASON = "other people own it too"
_MANY = 3  # rows of others from which on a table that `owns` leads to looks like everybody's
_FIXED_REASON = "the reference cannot be emptied"
_HELD_REASON = "a legal hold"  # why it was placed is sealed and may name people: only `holds` shows it, to signed-in people


@dataclass(frozen=True, slots=True)
class Rules:
    """What people and the law decided about one system: handlings by dataset name, minimum periods and holds in force at `at`."""

    handlings: Mapping[str, Handling]
    keeps: Sequence[Keep]
    holds: Sequence[Hold]
    at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """A system's part of a plan: steps in order, and what the approver must know of it."""

    steps: tuple[Step, ...]
    obstacles: tuple[Obstacle, ...]

    def rows(self, system: str) -> list[PlannedRows]:
        """Return the plan as people read it: one line per table, action and reason; columns cleared before a deletion are no line of their own."""
        lines: dict[tuple[Any, ...], PlannedRows] = {}
        for step in self.steps:
            if step.kind is StepKind.BREAK:
                continue
            place = (step.dataset, step.action, step.share, step.columns, step.reason, step.rule, step.until)
            known = lines.get(place)
            rows = len(step.keys) + (known.rows if known else 0)
            lines[place] = PlannedRows(system, step.dataset, step.action, rows, step.share, step.columns, step.reason, step.rule, step.until)
        return list(lines.values())


@dataclass(eq=False, repr=False)
class _Fate:
    """What happens to one row. `fixed`: it may not be changed at all (held, restricted, kept for a reason)."""

    table: str
    key: tuple[Any, ...]
    share: Share
    action: Erase
    depth: int
    own: bool = False
    reason: str = ""
    rule: str = ""
    until: datetime | None = None
    clear: dict[str, Any] = field(default_factory=dict)
    complete: bool = True  # everything in it that names the subject can be cleared

    @property
    def fixed(self) -> bool:
        return self.action in _STAYS


def draft(terrain: Terrain, target: Target, collection: Collection, rules: Rules) -> Draft:
    """Decide everything for one system. Reads the target, writes nothing. Raises ConnectorUnavailable, Conflict (`drift`, `no_key`)."""
    return _Planner(terrain, target, collection, rules).draft()


class _Planner:
    def __init__(self, terrain: Terrain, target: Target, collection: Collection, rules: Rules) -> None:
        self._terrain, self._target, self._rules = terrain, target, rules
        self._refs = references(terrain)
        self._sets, self._others = collection.rows, collection.others
        self._key_columns = {rows.table: rows.key_columns for rows in collection.rows}
        self._times: dict[tuple[str, Key], int] = defaultdict(int)  # equal rows of a table without a key
        self._fates: dict[str, dict[Key, _Fate]] = defaultdict(dict)
        self._obstacles: dict[tuple[str, str], Obstacle] = {}

    def draft(self) -> Draft:
        for rows in self._sets:
            self._begin(rows)
        self._keep_statutory()
        self._keep_held()
        self._keep_what_hangs()
        self._spare_other_people()
        self._spare_common_goods()
        self._untie_others()
        self._respect_references()
        self._ask_for_others()
        steps = [*self._updates(Erase.UNLINK), *self._updates(Erase.ANONYMISE), *self._deletions(), *self._staying()]
        return Draft(tuple(steps), tuple(self._obstacles.values()))

    # --- first: what was decided for the dataset -----------------------------------------------------------------------------------------

    def _begin(self, rows: RowSet) -> None:
        handling = self._rules.handlings.get(rows.dataset)
        for place, times in Counter(map(canonical_key, rows.keys)).items():
            self._times[rows.table, place] = max(times, self._times[rows.table, place])
        for key in rows.keys:
            place = canonical_key(key)
            if place in self._fates[rows.table]:
                continue
            fate = _Fate(rows.table, key, rows.share, Erase.UNLINK, rows.depth, own=rows.via == "subject" and self._terrain.has_own_rows(rows.table))
            if rows.share is Share.OWNED and handling is not None:
                fate.action, fate.reason, fate.rule = handling.action, handling.reason, handling.rule
            elif rows.share is Share.OWNED:
                fate.action = Erase.DELETE
            self._fates[rows.table][place] = fate

    # --- second: what must stay ----------------------------------------------------------------------------------------------------------

    def _keep_statutory(self) -> None:
        for keep in self._rules.keeps:
            table = self._terrain.table(keep.dataset)
            mine = [fate for fate in self._fates.get(table, {}).values() if fate.share is Share.OWNED]
            if mine:
                for fate, clock in self._not_yet_due(keep, table, mine):
                    until = keep.release(clock) if clock is not None and keep.release is not None else None
                    self._restrict(fate, keep.reason, keep.rule, until)

    def _not_yet_due(self, keep: Keep, table: str, fates: Sequence[_Fate]) -> list[tuple[_Fate, datetime | None]]:
        """Return the rows this minimum still covers, with their clocks; a row without a clock has not begun to age."""
        keys = KeysIn(self._keys_of(table), tuple(fate.key for fate in fates))
        if not keep.clock or keep.instant is None:
            return [(fate, None) for fate in fates]
        if keep.clock not in self._terrain.shapes[table].columns:
            self._note("drift", table, f"The column {keep.clock} that rule {keep.rule} counts from is gone.", "Scan the system and correct the rule.")
            return [(fate, None) for fate in fates]
        width = len(self._keys_of(table))
        clocks = {canonical_key(c.values[:width]): as_instant(c.values[width]) for c in self._target.select(table, (*self._keys_of(table), keep.clock), keys)}
        due = {canonical_key(c.values) for c in self._target.select(table, self._keys_of(table), Both((keys, Before(keep.clock, keep.instant))))}
        return [(fate, clocks.get(place)) for fate in fates if (place := canonical_key(fate.key)) not in due]

    def _keep_held(self) -> None:
        for hold in self._rules.holds:
            for table, fates in self._fates.items():
                if hold.dataset and self._terrain.table(hold.dataset) != table:
                    continue
                for place, held in fates.items():
                    if not hold.key or canonical_key(hold.key) == place:
                        self._restrict(held, _HELD_REASON, f"hold:{hold.id}", hold.until)

    def _restrict(self, fate: _Fate, reason: str, rule: str, until: datetime | None) -> None:
        """Let a row stay; of several grounds the one that ends last counts, one without an end above all."""
        if fate.share is not Share.OWNED:
            fate.action, fate.reason, fate.rule = Erase.KEEP, reason, rule
            return
        longer = fate.action is not Erase.RESTRICT or until is None or (fate.until is not None and until > fate.until)
        if longer:
            fate.action, fate.reason, fate.rule, fate.until = Erase.RESTRICT, reason, rule, until

    def _keep_what_hangs(self) -> None:
        """Restrict what belongs to a restricted record (the lines of an order); what hangs from the person's own row is no part of it."""
        pending = [fate for fates in self._fates.values() for fate in fates.values() if fate.action is Erase.RESTRICT and not fate.own]
        edges = [each for each in self._terrain.followed if each.role is Ownership.OWNED_BY]
        while pending:
            sources, pending = pending, []
            for edge in edges:
                child, parent = self._terrain.table(edge.child), self._terrain.table(edge.parent)
                above = [fate for fate in sources if fate.table == parent]
                if not above or child not in self._fates:
                    continue
                values = self._values(parent, edge.parent_columns, above)
                by_value = {canonical_key(value): fate for fate in above if (value := values.get(canonical_key(fate.key))) is not None}
                names = (*self._keys_of(child), *edge.child_columns)
                width = len(self._keys_of(child))
                for cells in self._target.select(child, names, matching(edge, [v for v in values.values() if v is not None])):
                    fate, source = self._fates[child].get(canonical_key(cells.values[:width])), by_value.get(canonical_key(cells.values[width:]))
                    if fate is not None and source is not None and fate.share is Share.OWNED and not fate.fixed and not fate.own:
                        self._restrict(fate, f"part of a record in {edge.parent}: {source.reason}", source.rule, source.until)
                        pending.append(fate)

    # --- relations confirmed the wrong way round -----------------------------------------------------------------------------------------

    def _spare_other_people(self) -> None:
        for met in self._others:
            self._note(
                "other_people", met.table,
                f"{met.rows} row(s) of this table are other people themselves, and {', '.join(met.via)} makes them this person's. "
                "They are not taken, and nothing beyond them was followed.",
                f"Correct the role of that relation (a reference to staff is `handled_by`, to a contact `accessed_by` or `ref`): `privacy systems relations "
                f"{self._terrain.system}`. When they are the same human being, name those subjects in the case as well. Then plan again.",
            )  # fmt: skip

    def _spare_common_goods(self) -> None:
        """Tell rows taken by `owns` (an address, a household) that rows of others name as well: a catalogue is nobody's, however rarely it is used."""
        owning = {in_words(edge) for edge in self._terrain.followed if edge.role is Ownership.OWNS}
        taken: dict[tuple[str, str], list[_Fate]] = defaultdict(list)
        for rows in self._sets:
            if rows.share is Share.OWNED and rows.via in owning:
                going = {place: fate for place in map(canonical_key, rows.keys) if not (fate := self._fates[rows.table][place]).fixed}
                taken[rows.table, rows.via] += going.values()
        for (table, via), fates in taken.items():
            named = [(ref.words, self._named_by_others(ref, fates)) for ref in self._refs if ref.parent == table and fates]
            others = sum(count for _, count in named)
            if others:
                self._note(
                    "owned_by_nobody", table,
                    f"{via} makes {len(fates)} row(s) of this table the person's, and {others} row(s) that are not theirs refer to them by "
                    f"{', '.join(words for words, count in named if count)}.",
                    f"If the table is a catalogue, correct the role of {via} to `ref`: `privacy systems relations {self._terrain.system}`; if the other rows "
                    "are the person's, confirm their relation; else decide to keep the table's rows: `privacy systems handling "
                    f"{self._terrain.system} {table}`. Then plan again.",
                    blocks=others >= max(_MANY, len(fates)),
                )  # fmt: skip

    def _named_by_others(self, ref: Reference, fates: Sequence[_Fate]) -> int:
        """Return how many rows that are not the person's alone name these rows by `ref`."""
        shapes = self._terrain.shapes
        if ref.child not in shapes or not ref.parent_columns or not set(ref.parent_columns) <= shapes[ref.parent].columns.keys():
            return 0
        values = [value for value in self._values(ref.parent, ref.parent_columns, fates).values() if value is not None]
        if not values:
            return 0
        mine = {place for place, fate in self._fates.get(ref.child, {}).items() if fate.share is Share.OWNED}
        return sum(canonical_key(cells.values) not in mine for cells in self._target.select(ref.child, self._keys_of(ref.child), ref.pointing(values)))

    # --- relations nobody decided --------------------------------------------------------------------------------------------------------

    def _ask_for_others(self) -> None:
        """Block while rows that go name further people by a proposed relation: they may own these rows too (the receiver of a message)."""
        told: dict[str, list[str]] = defaultdict(list)
        for relation in self._terrain.undecided:
            table, parent = self._terrain.table(relation.child), self._terrain.table(relation.parent)
            if relation.role not in (Ownership.OWNED_BY, Ownership.ACCESSED_BY) or not self._terrain.holds_people(parent):
                continue
            going = [fate for fate in self._fates.get(table, {}).values() if fate.action in _GOES and fate.share is Share.OWNED and not fate.own]
            if going and (rows := self._naming_others(relation, going)):
                told[table].append(f"{in_words(relation)} ({rows} rows)")
        for table, words in told.items():
            self._note(
                "undecided_owner", table,
                f"Rows of this table that this plan deletes or anonymises name other people by {', '.join(words)}, and nobody decided whether those people "
                "own them too or may see them.",
                f"Confirm each of these relations with its role, or reject it: `privacy systems relations {self._terrain.system}`. Then plan again.",
            )  # fmt: skip

    def _naming_others(self, relation: Relation, going: Sequence[_Fate]) -> int:
        """Return how many of these rows hold a value there that is not the person's own."""
        keys, child = self._keys_of(going[0].table), self._terrain.table(relation.child)
        own = [fate for fate in self._fates.get(self._terrain.table(relation.parent), {}).values() if fate.own]
        values = self._values(self._terrain.table(relation.parent), relation.parent_columns, own) if own else {}
        mine = {canonical_key(value) for value in values.values() if value is not None}
        there = Both((KeysIn(keys, tuple(fate.key for fate in going)), *(Equals(column, text) for column, text in sorted(relation.when.items()))))
        named = (cells.values[len(keys) :] for cells in self._target.select(child, (*keys, *relation.child_columns), there))
        return sum(None not in values and canonical_key(values) not in mine for values in named)

    # --- third: rows of others, and references -------------------------------------------------------------------------------------------

    def _untie_others(self) -> None:
        """Decide rows that are not the subject's alone: clear what names the subject, or keep them as they are."""
        by_words = {in_words(edge): edge for edge in self._terrain.followed}
        for rows in self._sets:
            fates = [self._fates[rows.table][canonical_key(key)] for key in rows.keys]
            fates = [fate for fate in fates if fate.action is Erase.UNLINK and (fate.share is Share.OWNED) is (rows.share is Share.OWNED)]
            ties = [by_words[each] for each in rows.via.split(", ") if each in by_words and self._terrain.table(by_words[each].child) == rows.table]
            named = [each for each in self._refs if each.child == rows.table and any(each.columns == tie.child_columns for tie in ties)]
            if rows.link and not named:
                named = [Reference(rows.table, rows.link, rows.table, rows.link, declared=False)]
            emptied = [cleared(self._terrain.shapes[rows.table], each, self._refs) for each in named]
            for fate in fates:
                fate.complete = fate.complete and None not in emptied
                for values in emptied:
                    fate.clear.update(values or {})
        for table in self._fates.values():
            for each in table.values():
                if each.action is Erase.UNLINK:
                    self._untie(each)

    def _untie(self, fate: _Fate) -> None:
        if fate.share is Share.OWNED and not fate.clear:
            self._note(
                "cannot_unlink", fate.table, "These rows are to be unlinked from the person, and what names the person cannot be emptied.",
                f"Decide to delete or anonymise them: `privacy systems handling {self._terrain.system} {fate.table}`.",
            )  # fmt: skip
        if not fate.complete and fate.share is Share.ACCESSED and is_link(self._terrain.shapes[fate.table], self._refs):
            fate.action, fate.clear, fate.reason = Erase.DELETE, {}, "the row is nothing but the link to the person"
        elif not fate.clear:
            fate.action, fate.reason = Erase.KEEP, _SHARED_REASON if fate.share is Share.SHARED else _FIXED_REASON
        elif not fate.complete:
            fate.reason = _FIXED_REASON

    def _respect_references(self) -> None:
        """Until nothing changes: whatever stays lets go of what goes, or what goes stays behind, anonymised."""
        changed = True
        while changed:
            changed = sum(map(self._respect, self._refs)) > 0  # every reference each round: `any` would stop at the first

    def _respect(self, ref: Reference) -> bool:
        going = [fate for fate in self._fates.get(ref.parent, {}).values() if fate.action is Erase.DELETE]
        shape = self._terrain.shapes.get(ref.child)
        if not going or shape is None or ref.parent_columns == () or not set(ref.parent_columns) <= self._terrain.shapes[ref.parent].columns.keys():
            return False
        values = {place: value for place, value in self._values(ref.parent, ref.parent_columns, going).items() if value is not None}
        if not values:
            return False
        owners: dict[Key, list[_Fate]] = defaultdict(list)
        for fate in going:
            if (place := canonical_key(fate.key)) in values:
                owners[canonical_key(values[place])].append(fate)
        keys = self._keys_of(ref.child)
        changed = False
        emptied = cleared(shape, ref, self._refs)
        for cells in self._target.select(ref.child, (*keys, *ref.columns), ref.pointing(values.values())):
            key, named = cells.values[: len(keys)], cells.values[len(keys) :]
            parents = owners.get(canonical_key(named), [])
            staying = self._fates.get(ref.child, {}).get(canonical_key(key))
            if parents and (staying is None or staying.action is not Erase.DELETE):
                changed |= self._settle(ref, staying, tuple(key), parents, emptied)
        return changed

    def _settle(self, ref: Reference, fate: _Fate | None, key: tuple[Any, ...], parents: Sequence[_Fate], emptied: Mapping[str, Any] | None) -> bool:
        """One row that stays names rows that go. Return True when a fate changed."""
        if ref.child not in self._terrain.datasets:
            self._note(
                "unmapped_table", ref.child, f"Rows of this table refer to rows of {ref.parent} that go, and the data map does not know it.",
                f"Scan the system again: `privacy systems scan {self._terrain.system}`.",
            )  # fmt: skip
            return False
        if fate is None and not ref.declared:
            return False  # nothing enforces it and nobody says that it is the person's: a key without a bearer, told nothing by
        if fate is None and ref.role is None and ref.on_delete == "cascade":
            self._note(
                "cascade_unplanned", ref.child,
                f"Deleting rows of {ref.parent} would take rows of {ref.child} along (ON DELETE CASCADE), and nobody decided whose they are.",
                f"Confirm or reject the relation {ref.words}.",
            )  # fmt: skip
            return False
        if fate is None and ref.role is None:
            self._note(
                "unconfirmed_reference", ref.child,
                f"Rows of {ref.child} refer to rows that go, and nobody decided whose they are: the reference alone is cleared.",
                f"Confirm or reject the relation {ref.words}.", blocks=False,
            )  # fmt: skip
        if fate is not None and fate.fixed and fate.reason != _FIXED_REASON and fate.reason != _SHARED_REASON:
            return self._leave(parents, f"rows of {ref.child} that must stay refer to it: {fate.reason}")
        if emptied is None:
            return ref.declared and self._leave(parents, f"rows of {ref.child} refer to it and cannot let go")
        if fate is None:
            fate = _Fate(ref.child, key, Share.HANDLED, Erase.UNLINK, 0)
            self._fates[ref.child][canonical_key(key)] = fate
            self._times[ref.child, canonical_key(key)] = 1
        before = dict(fate.clear)
        fate.clear.update(emptied)
        if fate.action is Erase.KEEP:
            fate.action = Erase.UNLINK
        return fate.clear != before

    def _leave(self, parents: Sequence[_Fate], reason: str) -> bool:
        for fate in parents:
            fate.action, fate.reason = Erase.ANONYMISE, reason
        return bool(parents)

    # --- last: steps ---------------------------------------------------------------------------------------------------------------------

    def _updates(self, action: Erase) -> list[Step]:
        groups: dict[tuple[Any, ...], list[_Fate]] = defaultdict(list)
        known: dict[str, Blanks] = {}
        for table, fates in sorted(self._fates.items()):
            for fate in fates.values():
                if fate.action is action:
                    filled = self._blanks(table, known) if action is Erase.ANONYMISE else Blanks()
                    columns = tuple(sorted({**filled.values, **fate.clear}))
                    groups[table, fate.share, columns, filled.unique, fate.reason, fate.rule].append(fate)
        steps = []
        for (table, share, columns, unique, reason, rule), members in groups.items():
            values = {**(known[table].values if table in known else {}), **members[0].clear}
            if columns or unique:
                step = self._step(StepKind.UPDATE, table, action, share, members)
                steps.append(replace(step, values=values, unique=unique, columns=tuple(sorted((*columns, *unique))), reason=reason, rule=rule))
            else:  # nothing in these rows can be emptied and nothing names the person
                steps.append(replace(self._step(StepKind.STAY, table, Erase.KEEP, share, members), reason=reason or "nothing in it is personal", rule=rule))
        return steps

    def _blanks(self, table: str, known: dict[str, Blanks]) -> Blanks:
        if table not in known:
            dataset, shape = self._terrain.datasets[table], self._terrain.shapes[table]
            tied = {column for each in self._refs if each.child == table for column in each.columns}
            # a value that no key enforces need only stay where a row that stays is found by it
            held = {child for child, fates in self._fates.items() if any(fate.fixed for fate in fates.values())}
            named = {column for each in self._refs if each.parent == table and (each.declared or each.child in held) for column in each.parent_columns}
            known[table] = blanks(shape, dataset, self._rules.handlings.get(dataset.name), tied | named)
            if known[table].left:
                self._note(
                    "not_replaceable", table, f"No value of ours fits {', '.join(known[table].left)}, which may not be empty.",
                    f"Say what it becomes: `privacy systems handling {self._terrain.system} {table}`.",
                )  # fmt: skip
        return known[table]

    def _deletions(self) -> list[Step]:
        going = {table: members for table, fates in self._fates.items() if (members := [f for f in fates.values() if f.action is Erase.DELETE])}
        depth = {table: max(fate.depth for fate in members) for table, members in going.items()}
        steps: list[Step] = []
        for group in groups_in_order(going, self._refs, depth):
            soft, hard = breaking(group, self._refs, self._terrain.shapes, self._refs)
            steps += [step for ref in soft for step in self._break(ref, going)]
            for table in (name for part in groups_in_order(group, hard, depth) for name in part):
                ranks = [going[table]]
                for ref in hard:
                    if ref.child == table and ref.parent == table:
                        ranks = [part for rank in ranks for part in self._ranked(ref, rank)]
                steps += [replace(step, reason=reason) for rank in ranks for reason, step in self._delete(table, rank)]
        return steps

    def _delete(self, table: str, members: Sequence[_Fate]) -> list[tuple[str, Step]]:
        groups: dict[tuple[Share, str], list[_Fate]] = defaultdict(list)
        for fate in members:
            groups[fate.share, fate.reason].append(fate)
        return [(reason, self._step(StepKind.DELETE, table, Erase.DELETE, share, rows)) for (share, reason), rows in groups.items()]

    def _break(self, ref: Reference, going: Mapping[str, Sequence[_Fate]]) -> list[Step]:
        """Clear a reference within a circle in the rows that are deleted right after."""
        values = [value for value in self._values(ref.parent, ref.parent_columns, going[ref.parent]).values() if value is not None]
        emptied = cleared(self._terrain.shapes[ref.child], ref, self._refs)
        if not values or emptied is None:
            return []
        keys = self._keys_of(ref.child)
        mine = {canonical_key(fate.key): fate for fate in going[ref.child]}
        found = [mine[place] for c in self._target.select(ref.child, keys, ref.pointing(values)) if (place := canonical_key(c.values)) in mine]
        step = self._step(StepKind.BREAK, ref.child, Erase.DELETE, Share.OWNED, found)
        return [replace(step, values=emptied, columns=tuple(sorted(emptied)))] if found else []

    def _ranked(self, ref: Reference, rows: Sequence[_Fate]) -> list[list[_Fate]]:
        """Cut rows of a table that refers to itself into ranks, children before parents; a circle among them stays one rank."""
        upward = self._values(ref.child, ref.columns, rows)
        names = {canonical_key(v): place for place, v in self._values(ref.parent, ref.parent_columns, rows).items() if v is not None}
        above = {place: names[c] for place, v in upward.items() if v is not None and (c := canonical_key(v)) in names and names[c] != place}
        left = {canonical_key(fate.key): fate for fate in rows}
        ranks: list[list[_Fate]] = []
        while left:
            busy = {above[place] for place in left if place in above}
            free = [place for place in left if place not in busy] or list(left)
            ranks.append([left.pop(place) for place in free])
        return ranks

    def _staying(self) -> list[Step]:
        groups: dict[tuple[Any, ...], list[_Fate]] = defaultdict(list)
        for table, fates in sorted(self._fates.items()):
            for fate in fates.values():
                if fate.fixed:
                    groups[table, fate.share, fate.action, fate.reason, fate.rule, fate.until].append(fate)
        return [
            replace(self._step(StepKind.STAY, table, action, share, members), reason=reason, rule=rule, until=until)
            for (table, share, action, reason, rule, until), members in groups.items()
        ]

    def _step(self, kind: StepKind, table: str, action: Erase, share: Share, members: Iterable[_Fate]) -> Step:
        dataset = self._terrain.datasets[table]
        places = sorted((canonical_key(fate.key), fate.key) for fate in members)
        keys = tuple(key for place, key in places for _ in range(max(1, self._times[table, place])))
        return Step(kind, table, dataset.name, dataset.id, action, share, self._keys_of(table), keys)

    # --- reading -------------------------------------------------------------------------------------------------------------------------

    def _keys_of(self, table: str) -> tuple[str, ...]:
        if table not in self._key_columns:
            links = [column for each in self._refs if each.child == table for column in each.columns]
            self._key_columns[table] = key_columns(self._terrain.shapes[table], links)
        return self._key_columns[table]

    def _values(self, table: str, columns: Sequence[str], fates: Sequence[_Fate]) -> dict[Key, tuple[Any, ...] | None]:
        """Return the values of `columns` of these rows by key, None where one of them is NULL; read only where the key does not tell."""
        keys = self._keys_of(table)
        if tuple(columns) == keys:
            return {canonical_key(fate.key): fate.key for fate in fates}
        found: dict[Key, tuple[Any, ...] | None] = {}
        for cells in self._target.select(table, (*keys, *columns), KeysIn(keys, tuple(fate.key for fate in fates))):
            values = tuple(cells.values[len(keys) :])
            found[canonical_key(cells.values[: len(keys)])] = None if any(value is None for value in values) else values
        return found

    def _note(self, code: str, table: str, detail: str, remedy: str, *, blocks: bool = True) -> None:
        self._obstacles.setdefault((code, table), Obstacle(code, f"{self._terrain.system}.{table}", detail, remedy, blocks))
