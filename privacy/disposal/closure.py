"""From subjects to rows: everything in one system that is theirs, by key tuples, following confirmed relations alone.

Four steps: the rows about the subjects themselves; a semi-naive walk along `owned_by` (down to children) and `owns` (up to parents), in which
only new keys join each round, so that cycles end; ownership, as the greatest set in which no row has another owner; last the rows that were
merely handled or accessed. A row that is another subject's own ends the walk, whatever relation led to it.
Weak, proposed and rejected relations are never followed; those that touch what was found are told as doubts.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from privacy.disposal.model import Collection, OtherPeople, RowSet, Share
from privacy.disposal.ports import Target
from privacy.disposal.target import Both, Cells, Equals, KeysIn, TableShape, Where
from privacy.disposal.values import Key, canonical, canonical_key
from privacy.inventory.model import Dataset, Status
from privacy.inventory.relations import Ownership, Relation
from privacy.kernel.errors import Conflict, InvalidInput
from privacy.kernel.ids import TenantId
from privacy.kernel.terms import SubjectRef

MOST_ROWS = 200_000


@dataclass(frozen=True)
class Terrain:
    """One system as the walk sees it: the decided map and what its database says. Names of tables as in the data map, without the system."""

    tenant: TenantId
    system: str
    datasets: Mapping[str, Dataset]  # by table
    shapes: Mapping[str, TableShape]
    relations: tuple[Relation, ...]

    @property
    def followed(self) -> list[Relation]:
        """Confirmed relations between tables and columns that are there."""
        return [relation for relation in self.relations if relation.confirmed and not relation.weak and self._is_there(relation)]

    @property
    def undecided(self) -> list[Relation]:
        """Proposed relations between tables and columns that are there; weak ones are for review and decide nothing."""
        return [relation for relation in self.relations if relation.status is Status.PROPOSED and not relation.weak and self._is_there(relation)]

    def holds_people(self, table: str) -> bool:
        """Tell a table whose rows are people each, rather than rows that refer to somebody (an invoice by its customer's number)."""
        dataset, shape = self.datasets.get(table), self.shapes.get(table)
        key = (dataset.subject_field or dataset.proposed_subject_field) if dataset else None
        return shape is not None and key is not None and _is_unique(shape, (key,))

    def has_own_rows(self, table: str) -> bool:
        """Are rows that name a subject the subject itself, once, rather than further rows that refer to it by that field?"""
        dataset, shape = self.datasets[table], self.shapes[table]
        key = (dataset.subject_field,) if dataset.subject_field else ()
        if _is_unique(shape, key):
            return True
        told = [each.child_columns for each in self.relations if self.table(each.child) == table and each.status is not Status.REJECTED and not each.weak]
        return key not in (*told, *(each.columns for each in shape.foreign_keys))

    def table(self, dataset: str) -> str:
        return dataset.removeprefix(f"{self.system}.")

    def _is_there(self, relation: Relation) -> bool:
        ends = ((relation.child, (*relation.child_columns, *relation.when)), (relation.parent, relation.parent_columns))
        shapes = [(self.shapes.get(self.table(name)), columns) for name, columns in ends]
        return all(shape is not None and set(columns) <= shape.columns.keys() for shape, columns in shapes)


@dataclass(eq=False, repr=False)
class Row:
    """A row on the walk: the columns that relations need, how it was reached, and over how many steps of each self reference."""

    table: str
    key: tuple[Any, ...]
    values: Mapping[str, Any]
    via: str
    depth: int = 0
    own: bool = False  # it *is* the subject: nobody else can own it
    hops: Mapping[str, int] = field(default_factory=dict)

    def at(self, columns: Sequence[str]) -> tuple[Any, ...] | None:
        """Return the values of `columns`, None when one of them is NULL: such a reference points nowhere."""
        found = tuple(self.values[column] for column in columns)
        return None if any(value is None for value in found) else found


def collect(terrain: Terrain, target: Target, subjects: Sequence[SubjectRef], *, most_rows: int = MOST_ROWS) -> Collection:
    """Return what belongs to `subjects` in this system.

    Raises Conflict with code `too_many_rows` beyond `most_rows`, `no_key` for a table whose rows cannot be told apart, ConnectorUnavailable.
    """
    return _Walk(terrain, target, tuple(dict.fromkeys(subjects)), most_rows).collection()


def key_columns(shape: TableShape, links: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the columns that name a row: the primary key, else a unique key without NULL, else every column that is never NULL plus `links`.

    In the last case equal rows share a key; since the reference that made them somebody's is part of it, they are all that person's.
    """
    if shape.primary_key:
        return shape.primary_key
    firm = [columns for columns in shape.unique if all(name in shape.columns and not shape.columns[name].nullable for name in columns)]
    if firm:
        return min(firm, key=len)
    exact = ("float", "double", "real", "json", "blob", "bytea")
    filled = (name for name, column in shape.columns.items() if not column.nullable and not any(word in column.type.lower() for word in exact))
    return tuple(dict.fromkeys((*filled, *links)))


def in_words(relation: Relation) -> str:
    """Return `shop.orders.customer_id → shop.customers.id`."""
    return f"{relation.child}.{'+'.join(relation.child_columns)} → {relation.parent}.{'+'.join(relation.parent_columns)}"


def matching(relation: Relation, keys: Iterable[tuple[Any, ...]]) -> Where:
    """Return the condition for child rows that point to parents with these values."""
    pointing = KeysIn(relation.child_columns, tuple(keys))
    return Both((pointing, *(Equals(column, text) for column, text in sorted(relation.when.items())))) if relation.when else pointing


class _Walk:
    def __init__(self, terrain: Terrain, target: Target, subjects: tuple[SubjectRef, ...], most_rows: int) -> None:
        self._terrain, self._target, self._subjects, self._most_rows = terrain, target, subjects, most_rows
        self._relations = terrain.followed
        self._reached: dict[str, dict[Key, Row]] = defaultdict(dict)
        self._strangers: dict[str, dict[Key, str]] = defaultdict(dict)  # by table: the relation that led to another subject's own row
        self._count = 0
        self._wanted = self._wanted_columns()
        self._mine = {(subject.type, canonical(subject.key)) for subject in subjects if subject.system == terrain.system}
        self._self_fields = dict(_self_fields(terrain))

    def collection(self) -> Collection:
        self._spread(self._start())
        shared = self._not_alone()
        owned = {table: [row for row in rows.values() if row not in shared] for table, rows in self._reached.items()}
        sets = [*self._owned_sets(owned), *self._shared_sets(shared, owned), *self._side_sets(owned)]
        touched = {each.table for each in sets if each.share in (Share.OWNED, Share.SHARED)}
        carriers, doubts = self._carriers(touched), self._doubts(touched)
        return Collection(self._terrain.tenant, self._terrain.system, self._subjects, tuple(sets), carriers, doubts, tuple(self._others()))

    # --- the rows about the subjects themselves -----------------------------------------------------------------------------------------

    def _start(self) -> list[Row]:
        found: list[Row] = []
        for table, dataset in self._terrain.datasets.items():
            keys = {(subject.key,) for subject in self._subjects if subject.type == dataset.subject_type and subject.system == self._terrain.system}
            shape = self._terrain.shapes.get(table)
            if not keys or dataset.subject_field is None or shape is None:
                continue
            if dataset.subject_field not in shape.columns:
                raise Conflict(f"{dataset.name} no longer has the column that names its subject: scan the system again.", code="drift")
            own = _is_unique(shape, (dataset.subject_field,))
            found += [row for row in self._read(table, KeysIn((dataset.subject_field,), tuple(sorted(keys))), "subject", own=own) if self._join(row)]
        return found

    # --- the walk -----------------------------------------------------------------------------------------------------------------------

    def _spread(self, frontier: list[Row]) -> None:
        while frontier:
            by_table: dict[str, list[Row]] = defaultdict(list)
            for row in frontier:
                by_table[row.table].append(row)
            frontier = []
            for relation in self._relations:
                child, parent = self._ends(relation)
                if relation.role is Ownership.OWNED_BY and parent in by_table:
                    frontier += self._down(relation, by_table[parent])
                if relation.role is Ownership.OWNS and child in by_table:
                    frontier += self._up(relation, by_table[child])

    def _down(self, relation: Relation, parents: Sequence[Row]) -> list[Row]:
        sources = self._sources(relation, parents, relation.parent_columns)
        if not sources:
            return []
        child, _ = self._ends(relation)
        where = matching(relation, (values for values, _ in sources.values()))
        return [row for row in self._read(child, where, in_words(relation)) if self._joined_from(row, relation, sources, relation.child_columns)]

    def _up(self, relation: Relation, children: Sequence[Row]) -> list[Row]:
        sources = self._sources(relation, [row for row in children if _applies(relation, row)], relation.child_columns)
        if not sources:
            return []
        _, parent = self._ends(relation)
        where = KeysIn(relation.parent_columns, tuple(values for values, _ in sources.values()))
        return [row for row in self._read(parent, where, in_words(relation)) if self._joined_from(row, relation, sources, relation.parent_columns)]

    def _sources(self, relation: Relation, rows: Sequence[Row], columns: Sequence[str]) -> dict[Key, tuple[tuple[Any, ...], Row]]:
        """Return the values by which this relation leads on, with a row they come from; a bounded self reference stops at its depth."""
        sources: dict[Key, tuple[tuple[Any, ...], Row]] = {}
        for row in rows:
            values = row.at(columns)
            spent = relation.depth is not None and row.hops.get(relation.id, 0) >= relation.depth
            if values is not None and not spent:
                sources.setdefault(canonical_key(values), (values, row))
        return sources

    def _joined_from(self, row: Row, relation: Relation, sources: Mapping[Key, tuple[tuple[Any, ...], Row]], columns: Sequence[str]) -> bool:
        values = row.at(columns)
        source = sources.get(canonical_key(values)) if values is not None else None
        if source is None:  # the database compares more loosely than we do (letter case, trailing spaces): not the same key
            return False
        if self._is_stranger(row):
            self._meet(row)
            return False
        origin = source[1]
        row.depth = origin.depth + 1
        row.hops = {**origin.hops, relation.id: origin.hops.get(relation.id, 0) + 1} if relation.depth is not None else origin.hops
        return self._join(row)

    def _is_stranger(self, row: Row) -> bool:
        """Tell whether the row is a person outside the case: the same human being under another subject counts as one until the case names it."""
        kind, column = self._self_fields.get(row.table, ("", ""))
        value = row.values[column] if column else None
        return value is not None and (kind, canonical(value)) not in self._mine and canonical_key(row.key) not in self._reached[row.table]

    def _meet(self, row: Row) -> None:
        if canonical_key(row.key) not in self._strangers[row.table]:
            self._strangers[row.table][canonical_key(row.key)] = row.via
            self._one_more()

    def _join(self, row: Row) -> bool:
        key = canonical_key(row.key)
        if key in self._reached[row.table]:
            return False
        self._reached[row.table][key] = row
        self._one_more()
        return True

    def _one_more(self) -> None:
        self._count += 1
        if self._count > self._most_rows:
            raise Conflict(
                f"More than {self._most_rows:,} rows of {self._terrain.system} would belong to these subjects: "
                "a relation is probably confirmed the wrong way round. Look at `privacy systems relations`.",
                code="too_many_rows",
            )

    # --- whose it is --------------------------------------------------------------------------------------------------------------------

    def _not_alone(self) -> set[Row]:
        """Return the reached rows that somebody else owns too: start from all alone and take away until nothing changes."""
        foreign, leaning = self._claims()
        shared = set(foreign)
        pending = list(foreign)
        while pending:
            for row in leaning.get(pending.pop(), ()):
                if row not in shared and not row.own:
                    shared.add(row)
                    pending.append(row)
        return shared

    def _claims(self) -> tuple[set[Row], dict[Row, list[Row]]]:
        """Return the rows with an owner outside what was reached, and for each reached row those that are alone only if it is."""
        foreign: set[Row] = set()
        leaning: dict[Row, list[Row]] = defaultdict(list)
        for relation in self._relations:
            child, parent = self._ends(relation)
            if relation.role is Ownership.OWNED_BY and child in self._reached:
                rows, other, columns, back = self._reached[child].values(), parent, relation.child_columns, relation.parent_columns
            elif relation.role is Ownership.OWNS and parent in self._reached:
                rows, other, columns, back = self._reached[parent].values(), child, relation.parent_columns, relation.child_columns
            else:
                continue
            claimed = [row for row in rows if not row.own and (relation.role is Ownership.OWNS or _applies(relation, row))]
            for row, owner in self._owners(relation, claimed, other, columns, back):
                if owner is None:
                    foreign.add(row)
                else:
                    leaning[owner].append(row)
        return foreign, leaning

    def _owners(self, relation: Relation, rows: Sequence[Row], other: str, columns: Sequence[str], back: Sequence[str]) -> Iterator[tuple[Row, Row | None]]:
        """Yield each row with each row at the other end of the relation, None for one that was not reached. A value nobody has is no owner."""
        by_value: dict[Key, list[Row]] = defaultdict(list)
        raw: dict[Key, tuple[Any, ...]] = {}
        for row in rows:
            values = row.at(columns)
            if values is not None:
                by_value[canonical_key(values)].append(row)
                raw[canonical_key(values)] = values
        if not by_value:
            return
        where = KeysIn(tuple(back), tuple(raw.values())) if relation.role is Ownership.OWNED_BY else matching(relation, raw.values())
        for found in self._read(other, where, ""):
            values = found.at(back)
            owner = self._reached.get(other, {}).get(canonical_key(found.key))
            for row in by_value.get(canonical_key(values), ()) if values is not None else ():
                if row is not owner:
                    yield row, owner

    # --- what comes out -----------------------------------------------------------------------------------------------------------------

    def _owned_sets(self, owned: Mapping[str, Sequence[Row]]) -> Iterator[RowSet]:
        for table, rows in owned.items():
            for via in dict.fromkeys(row.via for row in rows):
                yield self._row_set(table, [row for row in rows if row.via == via], Share.OWNED, via, self._link(via))

    def _shared_sets(self, shared: set[Row], owned: Mapping[str, Sequence[Row]]) -> Iterator[RowSet]:
        for table, reached in self._reached.items():
            rows = [row for row in reached.values() if row in shared]
            if rows:
                edges = [relation for relation in self._relations if self._ends(relation)[0] == table and relation.role is Ownership.OWNED_BY]
                yield from self._grouped(table, rows, edges, owned, Share.SHARED, self._subject_link(table))

    def _side_sets(self, owned: Mapping[str, Sequence[Row]]) -> Iterator[RowSet]:
        for share, role in ((Share.ACCESSED, Ownership.ACCESSED_BY), (Share.HANDLED, Ownership.HANDLED_BY)):
            edges: dict[str, list[Relation]] = defaultdict(list)
            for relation in self._relations:
                if relation.role is role and owned.get(self._ends(relation)[1]):
                    edges[self._ends(relation)[0]].append(relation)
            for table, relations in edges.items():
                rows = self._pointing(table, relations, owned)
                strangers = {row for row in rows if self._is_stranger(row)}  # a person is nobody's to see or to remove, at most somebody's contact
                yield from self._grouped(table, [row for row in rows if row not in strangers], relations, owned, share)
                yield from self._grouped(table, [row for row in rows if row in strangers], relations, owned, Share.HANDLED)

    def _pointing(self, table: str, relations: Sequence[Relation], owned: Mapping[str, Sequence[Row]]) -> list[Row]:
        """Return the rows of `table` that these relations tie to owned rows, without those that are owned themselves."""
        mine = {canonical_key(row.key) for row in owned.get(table, ())}
        found: dict[Key, Row] = {}
        for relation in relations:
            sources = self._sources(relation, owned[self._ends(relation)[1]], relation.parent_columns)
            if sources:
                for row in self._read(table, matching(relation, (values for values, _ in sources.values())), in_words(relation)):
                    key = canonical_key(row.key)
                    values = row.at(relation.child_columns)
                    if values is not None and canonical_key(values) in sources and key not in mine and key not in found:
                        found[key] = row
        if len(found) + self._count > self._most_rows:
            raise Conflict(f"More than {self._most_rows:,} rows of {self._terrain.system} refer to these subjects: raise the limit.", code="too_many_rows")
        return list(found.values())

    def _grouped(
        self, table: str, rows: Sequence[Row], edges: Sequence[Relation], owned: Mapping[str, Sequence[Row]], share: Share, subject_link: tuple[str, ...] = ()
    ) -> Iterator[RowSet]:
        """Yield the rows by which of these relations tie them to owned rows, so that a row comes once with all the columns that name the subject."""
        ends = {edge.id: {canonical_key(v) for row in owned.get(self._ends(edge)[1], ()) if (v := row.at(edge.parent_columns))} for edge in edges}
        groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        words = {edge.id: in_words(edge) for edge in edges}
        for row in rows:
            held = tuple(
                edge.id for edge in edges if _applies(edge, row) and (v := row.at(edge.child_columns)) is not None and canonical_key(v) in ends[edge.id]
            )
            groups[(*held, *(["subject"] if row.via == "subject" else []))].append(row)
        by_id = {edge.id: edge for edge in edges}
        for held, members in groups.items():
            ties = [by_id[each] for each in held if each in by_id]
            link = tuple(dict.fromkeys([*(column for edge in ties for column in edge.child_columns), *(subject_link if "subject" in held else ())]))
            via = ", ".join([*(words[edge.id] for edge in ties), *(["subject"] if "subject" in held else [])])
            # a row that hangs from a shared one names nobody itself: there is nothing in it to let go of
            yield self._row_set(table, members, share, via or f"through {members[0].via}", link)

    def _row_set(self, table: str, rows: Sequence[Row], share: Share, via: str, link: tuple[str, ...]) -> RowSet:
        dataset = self._terrain.datasets.get(table)
        if dataset is None:
            raise Conflict(f"{self._terrain.system}.{table} is not in the data map: scan the system again.", code="drift")
        keys = sorted((row.key for row in rows), key=canonical_key)
        if self._repeats(table):  # equal rows share a key: it comes once for each of them
            keys = sorted((row.key for row in self._read(table, KeysIn(self._keys_of(table), tuple(keys)), via)), key=canonical_key)
        return RowSet(dataset.name, dataset.id, table, self._keys_of(table), tuple(keys), share, via, link, min(row.depth for row in rows))

    def _link(self, via: str) -> tuple[str, ...]:
        down = {in_words(relation): relation.child_columns for relation in self._relations if relation.role is Ownership.OWNED_BY}
        return tuple(down.get(via, ()))

    def _subject_link(self, table: str) -> tuple[str, ...]:
        dataset = self._terrain.datasets.get(table)
        return (dataset.subject_field,) if dataset is not None and dataset.subject_field else ()

    def _others(self) -> Iterator[OtherPeople]:
        for table, met in sorted(self._strangers.items()):
            if met:
                yield OtherPeople(table, len(met), tuple(sorted(set(met.values()))))

    def _carriers(self, tables: Iterable[str]) -> dict[str, str]:
        datasets = [(table, self._terrain.datasets[table]) for table in sorted(tables)]
        return {
            f"{table}.{column.name}": column.carrier.value
            for table, dataset in datasets
            for column in dataset.fields.values()
            if column.carrier is not None and not column.gone
        }

    def _doubts(self, tables: Iterable[str]) -> tuple[str, ...]:
        touched, told = set(tables), []
        for relation in self._terrain.relations:
            ends = {self._terrain.table(relation.child), self._terrain.table(relation.parent)}
            if ends & touched and not relation.confirmed and relation.status is not Status.REJECTED:
                told.append(f"{in_words(relation)} ({relation.role.value}{', weak' if relation.weak else ''}) is not confirmed: not followed")
        known = {(self._terrain.table(each.child), each.child_columns, self._terrain.table(each.parent)) for each in self._terrain.relations}
        told += [
            f"{table}.{'+'.join(key.columns)} → {key.parent} is declared in the database and not in the map: not followed"
            for table, shape in self._terrain.shapes.items()
            for key in shape.foreign_keys
            if key.parent in touched and (table, key.columns, key.parent) not in known
        ]
        return tuple(sorted(told))

    # --- reading ------------------------------------------------------------------------------------------------------------------------

    def _ends(self, relation: Relation) -> tuple[str, str]:
        return self._terrain.table(relation.child), self._terrain.table(relation.parent)

    def _wanted_columns(self) -> dict[str, tuple[str, ...]]:
        """Return for every table the columns the walk reads: its key, what relations join on, and the columns of their conditions."""
        links: dict[str, list[str]] = defaultdict(list)
        for relation in self._relations:
            child, parent = self._ends(relation)
            links[child] += [*relation.child_columns, *relation.when]
            links[parent] += relation.parent_columns
        for table, dataset in self._terrain.datasets.items():
            shape = self._terrain.shapes.get(table)
            if dataset.subject_field and shape is not None and dataset.subject_field in shape.columns:
                links[table].append(dataset.subject_field)
        self._key_columns = {table: key_columns(shape, links[table]) for table, shape in self._terrain.shapes.items()}
        return {table: tuple(dict.fromkeys((*self._key_columns[table], *links[table]))) for table in self._terrain.shapes}

    def _keys_of(self, table: str) -> tuple[str, ...]:
        return self._key_columns[table]

    def _repeats(self, table: str) -> bool:
        shape = self._terrain.shapes[table]
        return not shape.primary_key and not _is_unique(shape, self._keys_of(table))

    def _read(self, table: str, where: Where, via: str, *, own: bool = False) -> Iterator[Row]:
        columns = self._wanted[table]
        if not self._keys_of(table):
            raise Conflict(
                f"{self._terrain.system}.{table} has no key and no column that is never empty, so its rows cannot be told apart: give it a primary key.",
                code="no_key",
            )
        width = len(self._keys_of(table))
        for cells in self._target.select(table, columns, where):
            values = _named(columns, cells)
            yield Row(table, tuple(cells.values[:width]), values, via, own=own)


def _named(columns: Sequence[str], cells: Cells) -> dict[str, Any]:
    if len(columns) != len(cells.values):
        raise InvalidInput("A row came back with other columns than were asked for.")
    return dict(zip(columns, cells.values, strict=True))


def _applies(relation: Relation, row: Row) -> bool:
    return all(canonical(row.values[column]) == canonical(text) for column, text in relation.when.items())


def _self_fields(terrain: Terrain) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield (table, (subject type, column)) where each row is one subject: the confirmed subject key is unique in it."""
    for table, dataset in terrain.datasets.items():
        shape = terrain.shapes.get(table)
        if dataset.subject_type and dataset.subject_field and shape is not None and _is_unique(shape, (dataset.subject_field,)):
            yield table, (dataset.subject_type, dataset.subject_field)


def _is_unique(shape: TableShape, columns: Sequence[str]) -> bool:
    wanted = set(columns)
    return any(set(each) <= wanted and each for each in (shape.primary_key, *shape.unique))
