"""References between tables as an erasure must respect them: declared foreign keys and confirmed relations, what may be cleared, in which order to delete."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from privacy.disposal.closure import Terrain
from privacy.disposal.replacing import ERASED
from privacy.disposal.target import Both, Equals, KeysIn, TableShape, Where
from privacy.inventory.model import Status
from privacy.inventory.relations import Ownership


@dataclass(frozen=True, slots=True)
class Reference:
    """Rows of `child` name rows of `parent`. `declared`: the database enforces it; `role` is None where nobody confirmed what it means."""

    child: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    declared: bool
    on_delete: str = ""
    role: Ownership | None = None
    when: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return f"{self.child}.{'+'.join(self.columns)} → {self.parent}.{'+'.join(self.parent_columns)}"

    def pointing(self, values: Iterable[tuple[Any, ...]]) -> Where:
        """Return the condition for child rows that name parents with these values."""
        there = KeysIn(self.columns, tuple(values))
        return Both((there, *(Equals(column, text) for column, text in sorted(self.when.items())))) if self.when else there


def references(terrain: Terrain) -> list[Reference]:
    """Return every declared key and every confirmed relation once; what both say is one declared reference with the confirmed role.

    A declared key whose relation somebody rejected counts as reference data: decided, and never anybody's.
    """
    rejected = {(terrain.table(r.child), r.child_columns, terrain.table(r.parent)) for r in terrain.relations if r.status is Status.REJECTED}
    roles = {(terrain.table(r.child), r.child_columns, terrain.table(r.parent)): r for r in terrain.followed}
    found = []
    for table, shape in sorted(terrain.shapes.items()):
        for key in shape.foreign_keys:
            known = roles.get((table, key.columns, key.parent))
            undecided = Ownership.REF if (table, key.columns, key.parent) in rejected else None
            role = known.role if known is not None and not known.when else undecided
            found.append(Reference(table, key.columns, key.parent, key.parent_columns, True, key.on_delete, role))
    declared = {(each.child, each.columns, each.parent) for each in found}
    for place, relation in roles.items():
        if place not in declared or relation.when:
            child, columns, parent = place
            found.append(Reference(child, columns, parent, relation.parent_columns, False, "", relation.role, relation.when))
    return found


def cleared(shape: TableShape, reference: Reference, others: Sequence[Reference]) -> dict[str, Any] | None:
    """Return the values that undo this reference in a child row, or None when it cannot be undone.

    One empty column undoes a composite reference: a column that no other reference needs is chosen. A text that no key enforces may be
    overwritten where it may not be empty; a number may not, since any number may be somebody's.
    """
    columns = [name for name in reference.columns if name in shape.columns and name not in shape.primary_key and not shape.columns[name].generated]
    empty = [name for name in columns if shape.columns[name].nullable]
    busy = {column for other in others if other.child == reference.child and other.columns != reference.columns for column in other.columns}
    if empty:
        chosen = [name for name in empty if name not in busy] or empty
        return dict.fromkeys(chosen)
    if not reference.declared and columns == list(reference.columns) and all(shape.columns[name].family == "text" for name in columns):
        return {name: ERASED[: shape.columns[name].length] for name in columns}
    return None


def is_link(shape: TableShape, refs: Sequence[Reference]) -> bool:
    """Tell a join table: every column belongs to its key or to a reference, so that a row says nothing but that two things belong together."""
    linking = {column for each in refs if each.child == shape.name for column in each.columns}
    return bool(linking) and set(shape.columns) <= linking | set(shape.primary_key)


def groups_in_order(tables: Iterable[str], refs: Iterable[Reference], depth: Mapping[str, int]) -> list[list[str]]:
    """Return the tables children first, those that refer to each other in a circle together (Tarjan's strongly connected components).

    Only declared keys force an order; where they leave it open, what was found further from the subject goes first.
    """
    wanted = sorted(set(tables), key=lambda name: (depth.get(name, 0), name))
    parents: dict[str, set[str]] = defaultdict(set)
    for each in refs:
        if each.declared and each.child in wanted and each.parent in wanted and each.child != each.parent:
            parents[each.child].add(each.parent)
    groups = _components(wanted, {name: sorted(parents[name], key=wanted.index) for name in wanted})
    return list(reversed(groups))


def _components(nodes: Sequence[str], edges: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return the strongly connected components, each after all that it leads to. Iterative: schemas have chains longer than Python's stack."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    found: list[list[str]] = []
    for root in nodes:
        work = [(root, 0)] if root not in number else []
        while work:
            node, place = work.pop()
            if place == 0:
                number[node] = low[node] = len(number)
                stack.append(node)
                waiting.add(node)
            for position in range(place, len(edges[node])):
                other = edges[node][position]
                if other not in number:
                    work += [(node, position + 1), (other, 0)]
                    break
                if other in waiting:
                    low[node] = min(low[node], number[other])
            else:
                if low[node] == number[node]:
                    cut = stack.index(node)
                    group, stack[cut:] = stack[cut:], []
                    waiting.difference_update(group)
                    found.append(group)
                if work:
                    above = work[-1][0]
                    low[above] = min(low[above], low[node])
    return found


def breaking(
    group: Sequence[str], refs: Iterable[Reference], shapes: Mapping[str, TableShape], others: Sequence[Reference]
) -> tuple[list[Reference], list[Reference]]:
    """Return the references to clear before a circle of tables can be deleted, and those within it that cannot be cleared."""
    inside = [each for each in refs if each.declared and each.child in group and each.parent in group]
    if len(group) == 1:
        inside = [each for each in inside if each.child == each.parent]
    soft = [each for each in inside if cleared(shapes[each.child], each, others) is not None]
    return soft, [each for each in inside if each not in soft]
