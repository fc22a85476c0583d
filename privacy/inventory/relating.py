"""How the datasets of a system belong together: keep what scans propose, let people decide edge by edge, and say what erasure does to each dataset.

Guarantees: each change and its event are one transaction and the map's version grows with it; only confirmed relations are ever followed by others.
`digest` changes when, and only when, what an erasure would do may change.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from privacy.actors.people import require
from privacy.audit.events import Action, AuditLog, Event
from privacy.audit.ports import LeafGuard
from privacy.audit.reasons import check_impersonal
from privacy.inventory import relation_rules as rules
from privacy.inventory.model import Status, System
from privacy.inventory.ports import DatasetRow, HandlingRow, InventoryRepository, RelationRepository, RelationRow
from privacy.inventory.relation_events import record_handling, record_relations
from privacy.inventory.relation_rules import Edge, RelationDecision
from privacy.inventory.relations import Erase, Handling, Ownership, Relation
from privacy.kernel.clock import Clock
from privacy.kernel.errors import Conflict, InvalidInput, NotFound, PrivacyError
from privacy.kernel.ids import DatasetId, TenantId
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor, qualified

_ITEMS_A_PART = 500
_NOTHING: Mapping[str, str] = MappingProxyType({})
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a scan's proposals changed: relations found, new ones, undecided ones that are gone, and those sure enough to be confirmed in bulk."""

    found: int
    new: tuple[Relation, ...]
    dropped: int
    sure: int


@dataclass(frozen=True, slots=True)
class HandlingDecision:
    """What erasure shall do to the rows of `dataset` (`system.table`); see `inventory.relations.Handling`."""

    dataset: str
    action: Erase
    reason: str = ""
    rule: str = ""
    replacements: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


class Relations:
    """Relations and handlings of all tenants."""

    def __init__(
        self, store: Store, inventory: InventoryRepository, repository: RelationRepository, audit: AuditLog, clock: Clock, guard: LeafGuard | None = None
    ) -> None:
        self._guard = guard
        self._store, self._inventory, self._repository, self._audit, self._clock = store, inventory, repository, audit, clock

    # --- reading -------------------------------------------------------------------------------------------------------------------

    def of_system(self, tenant: TenantId, system: str) -> list[Relation]:
        """Return every relation between datasets that are still there, whatever its status, by child, columns and parent. Raises NotFound."""
        return self._store.read(lambda tx: self._relations(tx, tenant, system))

    def handlings(self, tenant: TenantId, system: str) -> Mapping[str, Handling]:
        """Return what was decided for each dataset, by its name; a dataset without a decision is not in it. Raises NotFound."""
        return self._store.read(lambda tx: self._handlings(tx, tenant, system))

    def digest(self, tenant: TenantId, system: str) -> str:
        """Return a hash of everything in the map that decides about an erasure in this system. Raises NotFound."""

        def read(tx: Tx) -> str:
            found = self._system(tx, tenant, system)
            datasets = self._inventory.datasets(tx, tenant, found.id)
            handlings = self._repository.handlings(tx, tenant, [row.id for row in datasets])
            present = {row.id for row in datasets if not row.gone}
            relations = [row for row in self._repository.relations(tx, tenant, found.id) if {row.child_id, row.parent_id} <= present]
            return rules.digest(datasets, relations, handlings)

        return self._store.read(read)

    # --- proposals -------------------------------------------------------------------------------------------------------------------

    def keep(self, actor: Actor, system: str, edges: Sequence[Edge], *, request_id: str = "") -> Proposed:
        """Keep what a scan proposes: decisions stay, undecided proposals it no longer makes are dropped. Edges outside the map are left out."""
        require(actor, "systems:write")

        def work(tx: Tx) -> Proposed:
            known_system = self._connected(tx, actor.tenant, system)
            tables = {row.table: row for row in self._inventory.datasets(tx, actor.tenant, known_system.id)}
            found = [row for edge in edges if (row := _row_or_none(known_system, edge, tables)) is not None]
            known = self._repository.relations(tx, actor.tenant, known_system.id)
            merged = rules.merge(known, found)
            self._repository.save_relations(tx, actor.tenant, merged.save)
            self._repository.drop_relations(tx, actor.tenant, merged.drop)
            now = {row.id: row for row in (*known, *merged.save) if row.id not in merged.drop}
            saved = {row.id for row in merged.save}
            sure = sum(row.id in saved for row in rules.sure_together(now.values(), tables.values()))
            counts = {"relations": len(found), "new": len(merged.new), "dropped": len(merged.drop), "sure": sure}
            event = Event(Action.RELATIONS_PROPOSED, actor, object_type="system", object_ref=system, counts=counts, request_id=request_id)
            self._audit.append(tx, event)
            names = {row.id: row.table for row in tables.values()}
            new = tuple(_relation(actor.tenant, system, row, names) for row in merged.save if row.id in merged.new)
            return Proposed(len(found), new, len(merged.drop), sure)

        return self._changed(actor, work)

    # --- decisions -------------------------------------------------------------------------------------------------------------------

    def decide(self, actor: Actor, system: str, decisions: Sequence[RelationDecision], *, request_id: str = "") -> list[Relation | PrivacyError]:
        """Decide relations of one system, item by item and in order; what is wrong with one item spoils no other. Raises NotFound for the system."""
        require(actor, "systems:write")
        return self._changed(actor, lambda tx: self._decide(tx, actor, system, decisions, request_id))

    def confirm_sure(self, actor: Actor, system: str, *, request_id: str = "") -> int:
        """Confirm every undecided proposal that is not weak and whose confidence is at least `relation_rules.SURE`. Return how many.

        Of several references that make rows of one table people's own all are confirmed or none.
        """
        require(actor, "systems:write")

        def find(tx: Tx) -> list[str]:
            id = self._system(tx, actor.tenant, system).id
            rows = self._repository.relations(tx, actor.tenant, id)
            return [row.id for row in rules.sure_together(rows, self._inventory.datasets(tx, actor.tenant, id))]

        ids = self._store.read(find)
        return sum(
            self._changed(actor, partial(self._confirm_open, actor=actor, system=system, ids=ids[start : start + _ITEMS_A_PART], request_id=request_id))
            for start in range(0, len(ids), _ITEMS_A_PART)
        )

    def add(self, actor: Actor, system: str, edge: Edge, *, request_id: str = "") -> Relation:
        """Add a relation by hand, confirmed by whoever adds it; one that is known takes the given role.

        Raises NotFound for the system, InvalidInput for datasets or fields that the map does not have.
        """
        require(actor, "systems:write")

        def work(tx: Tx) -> Relation:
            known_system = self._connected(tx, actor.tenant, system)
            tables = {row.table: row for row in self._inventory.datasets(tx, actor.tenant, known_system.id)}
            row = self._by_hand(tx, actor, rules.row_of(known_system.id, edge, tables))
            self._repository.save_relations(tx, actor.tenant, [row])
            names = {dataset.id: dataset.table for dataset in tables.values()}
            self._record(tx, actor, system, [row], names, request_id)
            return _relation(actor.tenant, system, row, names)

        return self._changed(actor, work)

    def handle(self, actor: Actor, decisions: Sequence[HandlingDecision], *, request_id: str = "") -> list[Handling | PrivacyError]:
        """Say what erasure does to the rows of datasets, item by item and in order; what is wrong with one item spoils no other."""
        require(actor, "systems:write")

        def work(tx: Tx) -> list[Handling | PrivacyError]:
            return [self._handle(tx, actor, decision, f"/decisions/{number}", request_id) for number, decision in enumerate(decisions)]

        return self._changed(actor, work)

    # --- inside --------------------------------------------------------------------------------------------------------------------

    def _changed(self, actor: Actor, work: Callable[[Tx], T]) -> T:
        def change(tx: Tx) -> T:
            # first of all: concurrent changes of one map wait for each other on this row
            self._inventory.grow(tx, actor.tenant)
            return work(tx)

        return self._store.run(change)

    def _by_hand(self, tx: Tx, actor: Actor, wanted: RelationRow) -> RelationRow:
        known = next(iter(self._repository.relations_by_id(tx, actor.tenant, [wanted.id])), None)
        row = replace(known, role=wanted.role, weak=wanted.weak, depth=wanted.depth) if known else wanted
        return replace(row, status=Status.CONFIRMED, decided_by=actor.ref, decided_at=self._clock.now())

    def _decide(self, tx: Tx, actor: Actor, system: str, decisions: Sequence[RelationDecision], request_id: str) -> list[Relation | PrivacyError]:
        known_system = self._connected(tx, actor.tenant, system)
        names = {row.id: row.table for row in self._inventory.datasets(tx, actor.tenant, known_system.id)}
        rows = {row.id: row for row in self._repository.relations_by_id(tx, actor.tenant, [decision.id for decision in decisions])}
        rows = {id: row for id, row in rows.items() if row.system_id == known_system.id}
        touched: dict[str, RelationRow] = {}
        answers: list[Relation | PrivacyError] = []
        for number, decision in enumerate(decisions):
            try:
                row = rules.decide(rows.get(decision.id), decision, actor.ref, self._clock.now(), pointer=f"/decisions/{number}")
            except PrivacyError as error:
                answers.append(error)
            else:
                touched[row.id] = rows[row.id] = row
                answers.append(_relation(actor.tenant, system, row, names))
        self._repository.save_relations(tx, actor.tenant, list(touched.values()))
        self._record(tx, actor, system, list(touched.values()), names, request_id)
        return answers

    def _confirm_open(self, tx: Tx, *, actor: Actor, system: str, ids: Sequence[str], request_id: str) -> int:
        # somebody may have decided meanwhile
        still = [row.id for row in self._repository.relations_by_id(tx, actor.tenant, ids) if rules.sure(row)]
        answers = self._decide(tx, actor, system, [RelationDecision(id, rules.CONFIRM) for id in still], request_id)
        return sum(isinstance(answer, Relation) for answer in answers)

    def _handle(self, tx: Tx, actor: Actor, decision: HandlingDecision, pointer: str, request_id: str) -> Handling | PrivacyError:
        system_name, _, table = decision.dataset.partition(".")
        system = self._inventory.system(tx, actor.tenant, system_name) if table else None
        row = next(iter(self._inventory.datasets(tx, actor.tenant, system.id, [table])), None) if system else None
        if row is None or row.gone:
            return NotFound("There is no such dataset; `privacy systems show` lists them.", pointer=f"{pointer}/dataset")
        try:
            rules.check_handling(row, decision.action, decision.reason, decision.replacements)
            check_impersonal(self._guard, decision.reason, "/reason")
        except InvalidInput as error:
            return InvalidInput(error.detail, pointer=f"{pointer}{error.flaws[0].pointer}")
        kept = HandlingRow(
            row.id, decision.action, decision.reason.strip(), decision.rule, dict(decision.replacements), actor.ref, self._clock.now()
        )  # fmt: skip
        self._repository.save_handlings(tx, actor.tenant, [kept])
        record_handling(tx, self._audit, actor, decision.dataset, kept, request_id)
        return _handling(decision.dataset, kept)

    def _record(self, tx: Tx, actor: Actor, system: str, rows: Sequence[RelationRow], names: Mapping[DatasetId, str], request_id: str) -> None:
        record_relations(tx, self._audit, actor, system, rows, names, request_id)

    def _system(self, tx: Tx, tenant: TenantId, name: str) -> System:
        if (system := self._inventory.system(tx, tenant, name)) is None:
            raise NotFound("No system with this name is connected; `privacy systems list` shows them, `privacy systems add NAME URL` connects one.")
        return system

    def _connected(self, tx: Tx, tenant: TenantId, name: str) -> System:
        if (system := self._system(tx, tenant, name)).removed:
            raise Conflict("This system was removed; what is left is the archive of its map. Connect it again under a name of its own.")
        return system

    def _relations(self, tx: Tx, tenant: TenantId, name: str) -> list[Relation]:
        system = self._system(tx, tenant, name)
        tables = {row.id: row.table for row in self._inventory.datasets(tx, tenant, system.id) if not row.gone}
        rows = [row for row in self._repository.relations(tx, tenant, system.id) if row.child_id in tables and row.parent_id in tables]
        found = [_relation(tenant, name, row, tables) for row in rows]
        return sorted(found, key=lambda relation: (relation.child, relation.child_columns, relation.parent, relation.parent_columns, relation.id))

    def _handlings(self, tx: Tx, tenant: TenantId, name: str) -> Mapping[str, Handling]:
        system = self._system(tx, tenant, name)
        names = {row.id: qualified(name, row.table) for row in self._inventory.datasets(tx, tenant, system.id) if not row.gone}
        found = [_handling(names[row.dataset_id], row) for row in self._repository.handlings(tx, tenant, list(names))]
        return {handling.dataset: handling for handling in sorted(found, key=lambda handling: handling.dataset)}


def _row_or_none(system: System, edge: Edge, tables: Mapping[str, DatasetRow]) -> RelationRow | None:
    try:
        return rules.row_of(system.id, edge, tables)
    except InvalidInput:  # a table that came after the last scan of the map: the next one knows it
        return None


def _relation(tenant: TenantId, system: str, row: RelationRow, tables: Mapping[DatasetId, str]) -> Relation:
    return Relation(
        row.id, tenant, system, qualified(system, tables.get(row.child_id, "")), row.child_id, row.child_columns,
        qualified(system, tables.get(row.parent_id, "")), row.parent_id, row.parent_columns, Ownership(row.role), row.status, row.declared, row.weak,
        row.depth, MappingProxyType(dict(row.when)), row.confidence, row.evidence, row.decided_by, row.decided_at,
    )  # fmt: skip


def _handling(dataset: str, row: HandlingRow) -> Handling:
    return Handling(
        dataset, row.dataset_id, row.action, row.reason, row.rule, MappingProxyType(dict(row.replacements)), row.decided_by, row.decided_at
    )  # fmt: skip
