"""What removing rows of a dataset takes with it: dependants by confirmed ownership, references that are emptied, rows that keep a row from going.

Only confirmed relations are followed. A declared foreign key that nobody confirmed is never followed and never broken: its child rows keep their parent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from privacy.disposal.target import ChildOf, Delete, Not, Statement, TableShape, Update, Where
from privacy.inventory.relations import Ownership, Relation
from privacy.kernel.terms import qualified
from privacy.retention.conditions import EVERY, any_of, children, parents, table_of


@dataclass(frozen=True, slots=True)
class Node:
    """A dataset whose rows go, and the confirmed relations that make them belong to rows of other nodes (none for the root)."""

    dataset: str
    table: str
    links: tuple[Relation, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """Columns of `table` that point to rows of `parent` without belonging to them. `cleared`: emptied before the parent goes, else they keep it."""

    table: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    cleared: bool

    def pointing(self, to: Where) -> Where:
        return ChildOf(self.columns, self.parent, self.parent_columns, to)

    def pointed_at(self) -> Where:
        """Return the rows of the parent that some row points to."""
        return ChildOf(self.parent_columns, self.table, self.columns, EVERY)


class Tree:
    """The datasets that go together, children before parents; the last one is the root."""

    def __init__(self, system: str, root: str, relations: Sequence[Relation], shapes: Mapping[str, TableShape], *, alone: bool = False) -> None:
        self.system = system
        self._confirmed = [each for each in relations if each.confirmed and not each.weak]
        self._shapes = shapes
        self.nodes = (Node(root, table_of(root, system)),) if alone else self._grown(root)
        self._by_name = {node.dataset: node for node in self.nodes}
        self.references = () if alone else tuple(self._references())

    @property
    def root(self) -> Node:
        return self.nodes[-1]

    @property
    def dependants(self) -> tuple[Node, ...]:
        return self.nodes[:-1]

    @property
    def owns_itself(self) -> bool:
        """Tell whether rows of the root own other rows of the root: then leaves go first, in passes."""
        return bool(self._self_owned)

    @property
    def refers_to_itself(self) -> bool:
        return self.owns_itself or any(reference.table == reference.parent for reference in self.references)

    def rows(self, node: Node, root: Where) -> Where:
        """Return the rows of `node` that belong to the root rows matching `root`."""
        if node is self.root:
            return root
        return any_of(children(link, self.system, self.rows(self._by_name[link.parent], root)) for link in node.links)

    def roots_with(self, node: Node, of: Where) -> Where:
        """Return the root rows to which a row of `node` that matches `of` belongs."""
        if node is self.root:
            return of
        return any_of(self.roots_with(self._by_name[link.parent], parents(link, self.system, of)) for link in node.links)

    def owners(self, node: Node) -> list[Relation]:
        """Return the relations by which rows of `node` belong to somebody, where there are several: such a row may belong to two."""
        found = [each for each in self._confirmed if each.role is Ownership.OWNED_BY and each.child == node.dataset and each.parent != node.dataset]
        return found if len(found) > 1 else []

    def node(self, dataset: str) -> Node | None:
        return self._by_name.get(dataset)

    def owners_of(self, rows: Where) -> Where:
        """Return the root rows that own a root row matching `rows`."""
        return any_of(parents(relation, self.system, rows) for relation in self._self_owned)

    def leaves(self) -> Where:
        """Return the root rows that own no other root row."""
        return Not(self.owners_of(EVERY))

    def statements(self, root: Where) -> list[Statement]:
        """Return what removes the root rows that match: references emptied, then rows, dependants first. Always as many, in the same order."""
        statements: list[Statement] = []
        for reference in self.references:
            if reference.cleared:
                node = next(node for node in self.nodes if node.table == reference.parent)
                statements.append(Update(reference.table, reference.pointing(self.rows(node, root)), dict.fromkeys(reference.columns)))
        return statements + [Delete(node.table, self.rows(node, root)) for node in self.nodes]

    def tables(self) -> tuple[str, ...]:
        """Return what each of `statements` counts: `dataset` for rows removed, `dataset.columns` for references emptied."""
        emptied = [f"{qualified(self.system, each.table)}.{'+'.join(each.columns)}" for each in self.references if each.cleared]
        return (*emptied, *(node.dataset for node in self.nodes))

    @property
    def _self_owned(self) -> list[Relation]:
        root = self.root.dataset
        return [each for each in self._confirmed if each.role is Ownership.OWNED_BY and each.child == each.parent == root]

    def _grown(self, root: str) -> tuple[Node, ...]:
        order: list[str] = []

        def visit(dataset: str, above: frozenset[str]) -> None:
            for relation in self._confirmed:
                child = relation.child
                if relation.role is Ownership.OWNED_BY and relation.parent == dataset and child not in above and child != dataset and child not in order:
                    visit(child, above | {dataset})
            if dataset not in order:
                order.append(dataset)

        visit(root, frozenset({root}))
        return tuple(Node(dataset, table_of(dataset, self.system), self._links(dataset, order)) for dataset in order)

    def _links(self, dataset: str, order: Sequence[str]) -> tuple[Relation, ...]:
        if dataset == order[-1]:
            return ()
        later = set(order[order.index(dataset) + 1 :])
        return tuple(each for each in self._confirmed if each.role is Ownership.OWNED_BY and each.child == dataset and each.parent in later)

    def _references(self) -> Iterable[Reference]:
        linked = {(table_of(link.child, self.system), link.child_columns, table_of(link.parent, self.system)) for node in self.nodes for link in node.links}
        linked |= {(self.root.table, each.child_columns, self.root.table) for each in self._self_owned}
        seen = set(linked)
        for table, columns, parent, parent_columns, cleared in (*self._from_relations(), *self._from_keys()):
            if (table, columns, parent) not in seen:
                seen.add((table, columns, parent))
                yield Reference(table, columns, parent, parent_columns, cleared and self._nullable(table, columns))

    def _from_relations(self) -> Iterable[tuple[str, tuple[str, ...], str, tuple[str, ...], bool]]:
        for each in self._confirmed:
            if each.parent in self._by_name:
                # a reply within a removed thread: the thread goes as a whole, so the pointers between its rows may be emptied first
                cleared = (each.role is not Ownership.OWNED_BY or each.child == each.parent) and not each.when
                yield table_of(each.child, self.system), each.child_columns, table_of(each.parent, self.system), each.parent_columns, cleared

    def _from_keys(self) -> Iterable[tuple[str, tuple[str, ...], str, tuple[str, ...], bool]]:
        tables = {node.table for node in self.nodes}
        for table, shape in self._shapes.items():
            for key in shape.foreign_keys:
                if key.parent in tables:
                    yield table, key.columns, key.parent, key.parent_columns, key.on_delete == "set null"

    def _nullable(self, table: str, columns: tuple[str, ...]) -> bool:
        shape = self._shapes.get(table)
        return shape is not None and all(name in shape.columns and shape.columns[name].nullable for name in columns)


def pointed(node: Node, references: Iterable[Reference]) -> Iterable[tuple[str, Where]]:
    """Yield (table, rows of `node` that a row of that table points to and keeps)."""
    for reference in references:
        if reference.parent == node.table and not reference.cleared:
            yield reference.table, reference.pointed_at()
