"""The data map's use cases: connect systems, keep what scans find, and let people decide field by field.

Guarantees: each change and its event are one transaction and the map's version grows with it; dataset ids never change; an address with
credentials is stored sealed and never shown. Limit: other processes see a change within `poll_seconds`.
"""

import re
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from types import MappingProxyType
from typing import TypeVar

from privacy.actors.people import require
from privacy.audit.events import Action, AuditLog, Event
from privacy.audit.ports import LeafGuard
from privacy.inventory import relation_file, yaml_map
from privacy.inventory.deciding import FieldDecision, apply_subject, decide, everything_auto, everything_without_proposal
from privacy.inventory.gap import gaps
from privacy.inventory.merging import Drift, ScannedTable, in_parts, mark_gone, merge
from privacy.inventory.model import ARCHIVED, Dataset, Field, Gap, Status, System
from privacy.inventory.ports import Beside, DatasetRow, FieldRow, InventoryRepository, RelationRepository, Seal, nothing_beside
from privacy.inventory.relation_events import record_handling, record_relations
from privacy.inventory.taxonomy import NOT_PERSONAL, Taxonomy
from privacy.kernel.clock import Clock
from privacy.kernel.errors import Conflict, InvalidInput, NotFound, PrivacyError
from privacy.kernel.ids import ControllerId, DatasetId, SystemId, TenantId, new_id
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor, qualified

_NAME = re.compile(r"[\w-]{1,64}")
_STEM = 56  # characters of a removed system's name that its archive keeps
_LABEL = "system-url"
_REMEMBERED = 512
_FIELDS_AN_EVENT, _BYTES_AN_EVENT = 60, 8000
_ITEMS_A_PART = 500
_STRICTEST_TECHNIQUE = "redact"
T = TypeVar("T")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class NewSystem:
    """A system to connect: `url` with credentials, `shown_url` without, as a connector's `locate` gives them."""

    name: str
    kind: str
    url: str
    shown_url: str
    controller: ControllerId | None = None
    tls_waiver: str = ""


class Inventory:
    """Systems, datasets and fields of all tenants.

    Args:
        seal, unseal: encrypt addresses at rest (`KeyRing.seal`, `KeyRing.unseal`).
        relations: the other half of the map file; `relating.Relations` decides them.
        beside: columns of ours in connected tables; whoever makes or removes one grows the map's version.
        poll_seconds: how long a reader may trust what it read before it looks at the version again.
    """

    def __init__(
        self,
        store: Store,
        repository: InventoryRepository,
        taxonomy: Taxonomy,
        audit: AuditLog,
        clock: Clock,
        seal: Seal,
        unseal: Seal,
        *,
        relations: RelationRepository,
        beside: Beside = nothing_beside,
        guard: LeafGuard | None = None,
        poll_seconds: float = 0.2,
    ) -> None:
        self._store, self._repository, self._taxonomy, self._audit, self._clock = store, repository, taxonomy, audit, clock
        self._seal, self._unseal, self._guard = seal, unseal, guard
        self._relations, self._beside = relations, beside
        self._poll_seconds = poll_seconds
        self._versions: dict[TenantId, tuple[float, int]] = {}
        self._datasets: OrderedDict[tuple[TenantId, str], tuple[int, Dataset]] = OrderedDict()

    @property
    def taxonomy(self) -> Taxonomy:
        return self._taxonomy

    # --- reading -------------------------------------------------------------------------------------------------------------------

    def version(self, tenant: TenantId) -> int:
        """Return a number that grows with each change of the tenant's map."""
        now = time.monotonic()
        read_at, version = self._versions.get(tenant, (0.0, -1))
        if version < 0 or now - read_at >= self._poll_seconds:
            version = self._store.read(lambda tx: self._repository.version(tx, tenant))
            self._versions[tenant] = (now, version)
        return version

    def dataset(self, tenant: TenantId, name: str) -> Dataset | None:
        """Return the dataset called `system.table`, or None."""
        version = self.version(tenant)
        remembered = self._datasets.get((tenant, name))
        if remembered is not None and remembered[0] == version:
            return remembered[1]
        found = self._store.read(lambda tx: self._read_dataset(tx, tenant, name))
        if found is not None:
            self._datasets[tenant, name] = (version, found)
            while len(self._datasets) > _REMEMBERED:
                self._datasets.popitem(last=False)
        return found

    def datasets(self, tenant: TenantId, system: str | None = None) -> list[Dataset]:
        """Return all datasets (of one system), by name. Raises NotFound for a system that is not connected."""
        return self._store.read(lambda tx: self._read_datasets(tx, tenant, system))

    def systems(self, tenant: TenantId, *, removed: bool = False) -> list[System]:
        """Return the connected systems by name; with `removed` the archived ones as well."""
        return [system for system in self._store.read(lambda tx: self._repository.systems(tx, tenant)) if removed or not system.removed]

    def system(self, tenant: TenantId, name: str) -> System:
        """Raises NotFound for a system that is not connected."""
        return self._store.read(lambda tx: self._system(tx, tenant, name))

    def system_url(self, tenant: TenantId, name: str) -> str:
        """Return the address with credentials: for connectors only, never to be shown or logged."""
        system = self.system(tenant, name)
        sealed = self._store.read(lambda tx: self._repository.sealed_url(tx, tenant, system.id))
        return self._unseal(tenant, _LABEL, sealed, system.id.encode()).decode()

    def gaps(self, tenant: TenantId, system: str | None = None) -> list[Gap]:
        """Return the fields that lack a control their level requires."""
        return list(gaps(self.datasets(tenant, system), self._taxonomy))

    # --- systems and scans -----------------------------------------------------------------------------------------------------------

    def add_system(self, actor: Actor, new: NewSystem, *, request_id: str = "") -> System:
        """Connect a system. Raises Conflict when the name is taken, InvalidInput for a malformed name."""
        require(actor, "systems:write")
        return self._changed(actor, lambda tx: self._add(tx, actor, new, request_id))

    def change_system(self, actor: Actor, new: NewSystem, *, request_id: str = "") -> System:
        """Give the system called `new.name` another address; map and decisions stay, the next scan tells what differs. Raises NotFound, Conflict."""
        require(actor, "systems:write")

        def change(tx: Tx) -> System:
            system = self._connected(tx, actor.tenant, new.name)
            changed = replace(system, kind=new.kind, shown_url=new.shown_url, tls_waiver=new.tls_waiver, controller=new.controller or system.controller)
            self._repository.update_system(tx, changed, self._seal(actor.tenant, _LABEL, new.url.encode(), system.id.encode()))
            free = {"tls_waiver": new.tls_waiver} if new.tls_waiver else {}
            self._audit.append(tx, Event(Action.SYSTEM_CHANGED, actor, object_type="system", object_ref=new.name, free=free, request_id=request_id))
            return changed

        return self._changed(actor, change)

    def remove_system(self, actor: Actor, name: str, *, request_id: str = "") -> System:
        """Disconnect a system, forget its address, and archive its map; return the archive. The name is free again, the datasets keep their ids.

        Ciphertexts stay readable under the archive's name. Raises NotFound, or Conflict for what is an archive already.
        """
        require(actor, "systems:write")

        def remove(tx: Tx) -> System:
            system = self._connected(tx, actor.tenant, name)
            taken = {known.name for known in self._repository.systems(tx, actor.tenant)}
            free = next(free for number in count(1) if (free := f"{name[:_STEM]}{ARCHIVED}{number}") not in taken)
            datasets = [replace(row, gone=True, fields={}) for row in self._repository.datasets(tx, actor.tenant, system.id)]
            self._repository.save_datasets(tx, actor.tenant, datasets)
            archive = replace(system, name=free)
            self._repository.update_system(tx, archive, self._seal(actor.tenant, _LABEL, b"", system.id.encode()))
            counts = {"datasets": len(datasets)}
            self._audit.append(tx, Event(Action.SYSTEM_REMOVED, actor, object_type="system", object_ref=name, counts=counts, request_id=request_id))
            return archive

        return self._changed(actor, remove)

    def record_scan(self, actor: Actor, system_name: str, tables: Sequence[ScannedTable], *, request_id: str = "") -> Drift:
        """Keep what a scan saw. Decisions stay; new and changed fields are returned as drift."""
        require(actor, "systems:write")

        before = self._store.read(lambda tx: self._rows(tx, actor.tenant, system_name))
        drift = Drift()
        for part in in_parts(tables):
            drift += self._changed(actor, partial(self._keep_part, actor=actor, system_name=system_name, part=part, first=not before, request_id=request_id))
        return drift + self._changed(actor, partial(self._finish_scan, actor=actor, system_name=system_name, before=before, present={t.name for t in tables}))

    def _keep_part(self, tx: Tx, *, actor: Actor, system_name: str, part: Sequence[ScannedTable], first: bool, request_id: str) -> Drift:
        system = self._system(tx, actor.tenant, system_name)
        known = self._repository.datasets(tx, actor.tenant, system.id, [table.name for table in part])
        rows, drift = merge(system.id, known, part, first=first)
        self._repository.save_datasets(tx, actor.tenant, rows)
        counts = {"datasets": len(part), "fields": sum(len(table.fields) for table in part)}
        counts |= {"proposals": sum(field.finding is not None for table in part for field in table.fields)}
        counts |= {"new": len(drift.new), "changed": len(drift.changed), "gone": len(drift.gone), "problems": sum(bool(table.problem) for table in part)}
        self._audit.append(tx, Event(Action.SYSTEM_SCANNED, actor, object_type="system", object_ref=system.name, counts=counts, request_id=request_id))
        return drift

    def _finish_scan(self, tx: Tx, *, actor: Actor, system_name: str, before: Sequence[DatasetRow], present: Collection[str]) -> Drift:
        system = self._system(tx, actor.tenant, system_name)
        rows, drift = mark_gone(before, present)
        if rows:
            self._repository.save_datasets(tx, actor.tenant, rows)
            counts = {"gone": len(rows)}
            self._audit.append(tx, Event(Action.SYSTEM_SCANNED, actor, object_type="system", object_ref=system.name, counts=counts))
        self._repository.mark_scanned(tx, actor.tenant, system.id, self._clock.now())
        return drift

    # --- decisions -------------------------------------------------------------------------------------------------------------------

    def decide(self, actor: Actor, decisions: Sequence[FieldDecision], *, request_id: str = "") -> list[Field | PrivacyError]:
        """Decide fields, item by item and in order; what is wrong with one item spoils no other."""
        require(actor, "systems:write")
        return self._changed(actor, lambda tx: self._decide(tx, actor, decisions, request_id))

    def confirm_auto(self, actor: Actor, system: str, *, request_id: str = "") -> int:
        """Confirm every proposal of outcome `auto`, and the proposed subject of each dataset. Return how many fields changed.

        The subject of a view waits for a person: its rows are those of the tables behind it, and nothing can be erased in it.
        """
        require(actor, "systems:write")

        rows = self._store.read(lambda tx: self._rows(tx, actor.tenant, system))
        changed = self._decide_in_parts(actor, everything_auto(system, rows), request_id)
        for part in _parts([row for row in rows if _sure_of_subject(row)]):
            self._changed(actor, partial(self._take_subjects, actor=actor, system=system, tables=[row.table for row in part], request_id=request_id))
        return changed

    def declare_rest_not_personal(self, actor: Actor, system: str, *, request_id: str = "") -> int:
        """Declare every undecided field without a proposal not personal, carriers and subject keys excepted. Return how many."""
        require(actor, "systems:write")
        rows = self._store.read(lambda tx: self._rows(tx, actor.tenant, system))
        return self._decide_in_parts(actor, everything_without_proposal(system, rows), request_id)

    def set_subject(self, actor: Actor, dataset: str, type: str, field: str, *, request_id: str = "") -> None:
        """Say whom each row of a dataset is about: the field that holds the subject's key, and the subject's type."""
        require(actor, "systems:write")

        def keep(tx: Tx) -> None:
            system, row = self._dataset_row(tx, actor.tenant, dataset)
            if row is None or field not in row.fields:
                raise NotFound("There is no such dataset or field; `privacy systems show` lists them.")
            self._subject(tx, actor, system, row, type, field, request_id)

        self._changed(actor, keep)

    def clear_subject(self, actor: Actor, dataset: str, *, request_id: str = "") -> None:
        """Take back whom a dataset is about: its rows are nobody's by themselves any more. Again does no harm."""
        require(actor, "systems:write")

        def clear(tx: Tx) -> None:
            system, row = self._dataset_row(tx, actor.tenant, dataset)
            if row is None:
                raise NotFound("There is no such dataset; `privacy systems show` lists them.")
            if row.subject_type is not None:
                self._repository.save_datasets(tx, actor.tenant, [replace(row, subject_type=None, subject_field=None)])
                name, field = qualified(system, row.table), row.subject_field or ""
                told = Event(Action.FINDING_DECIDED, actor, object_type="dataset", object_ref=name, fields=(field,), counts={"subject": 0})
                self._audit.append(tx, replace(told, request_id=request_id))

        self._changed(actor, clear)

    # --- the map as a file -------------------------------------------------------------------------------------------------------------

    def export_map(self, actor: Actor, system_name: str, *, request_id: str = "") -> Mapping[str, object]:
        """Return the map of a system as plain data, ready for YAML; the export is an event."""
        require(actor, "systems:read")
        system, datasets, version = self.system(actor.tenant, system_name), self.datasets(actor.tenant, system_name), self.version(actor.tenant)
        self._audit.record(
            Event(Action.MAP_EXPORTED, actor, object_type="system", object_ref=system.name, counts={"datasets": len(datasets)}, request_id=request_id)
        )
        relations = self._store.read(lambda tx: self._relations.relations(tx, actor.tenant, system.id))
        handlings = self._store.read(lambda tx: self._relations.handlings(tx, actor.tenant, [dataset.id for dataset in datasets]))
        return yaml_map.to_plain(system, datasets, version, relations, {row.dataset_id: row for row in handlings})

    def import_map(self, actor: Actor, document: yaml_map.Marked, *, expected: str | None = None, request_id: str = "") -> int:
        """Apply a map file; fields it does not name stay as they are. A system that is not connected is declared without an address.

        Raises InvalidInput with every flaw and its line, or when the file is of another system than `expected`; then nothing is changed.
        Returns how many fields, relations and handlings changed.
        """
        require(actor, "systems:write")
        wanted = yaml_map.read(document, self._taxonomy)
        if expected is not None and wanted.system != expected:
            raise InvalidInput("The file is the map of another system.", pointer=f"line {document.line}")

        def keep(tx: Tx) -> int:
            system = self._repository.system(tx, actor.tenant, wanted.system)
            if system is None:
                system = self._add(tx, actor, NewSystem(wanted.system, "declared", "", "", wanted.controller), request_id)
            known = {row.table: row for row in self._repository.datasets(tx, actor.tenant, system.id)}
            rows, changed = yaml_map.apply(wanted, system.id, known, actor.ref, self._clock.now())
            self._repository.save_datasets(tx, actor.tenant, rows)
            relations, handlings = self._import_relations(tx, actor, system, wanted, request_id)
            counts = {"datasets": len(wanted.datasets), "fields": changed, "relations": relations, "handlings": handlings}
            changed += relations + handlings
            self._audit.append(tx, Event(Action.MAP_IMPORTED, actor, object_type="system", object_ref=system.name, counts=counts, request_id=request_id))
            return changed

        return self._changed(actor, keep)

    # --- inside --------------------------------------------------------------------------------------------------------------------

    def _import_relations(self, tx: Tx, actor: Actor, system: System, wanted: yaml_map.WantedMap, request_id: str) -> tuple[int, int]:
        """Apply the file's relations and handlings; return how many of each changed."""
        erase = {dataset.table: dataset.erase for dataset in wanted.datasets if dataset.erase is not None}
        if not wanted.relations and not erase:
            return 0, 0
        tables = {row.table: row for row in self._repository.datasets(tx, actor.tenant, system.id)}
        now, names = self._clock.now(), {row.id: row.table for row in tables.values()}
        known = self._relations.relations(tx, actor.tenant, system.id)
        relations = relation_file.relation_rows(wanted.relations, system.id, tables, known, actor.ref, now)
        decided = self._relations.handlings(tx, actor.tenant, list(names))
        handlings = relation_file.handling_rows(erase, tables, decided, actor.ref, now, self._guard)
        self._relations.save_relations(tx, actor.tenant, relations)
        self._relations.save_handlings(tx, actor.tenant, list(handlings.values()))
        record_relations(tx, self._audit, actor, system.name, relations, names, request_id)
        for table, row in handlings.items():
            record_handling(tx, self._audit, actor, qualified(system.name, table), row, request_id)
        return len(relations), len(handlings)

    def _changed(self, actor: Actor, work: Callable[[Tx], T]) -> T:
        def change(tx: Tx) -> T:
            # first of all: concurrent changes of one map wait for each other on this row
            self._repository.grow(tx, actor.tenant)
            return work(tx)

        result = self._store.run(change)
        self._versions.pop(actor.tenant, None)
        return result

    def _add(self, tx: Tx, actor: Actor, new: NewSystem, request_id: str) -> System:
        if not _NAME.fullmatch(new.name):
            raise InvalidInput("A system's name is 1 to 64 letters, digits, _ or -; it stands before the dot in system.table.", pointer="/name")
        now = self._clock.now()
        system = System(SystemId(new_id()), actor.tenant, new.name, new.kind, new.shown_url, new.controller, new.tls_waiver, now)
        sealed = self._seal(actor.tenant, _LABEL, new.url.encode(), system.id.encode())
        self._repository.add_system(tx, system, sealed)
        free = {"tls_waiver": new.tls_waiver} if new.tls_waiver else {}
        self._audit.append(tx, Event(Action.SYSTEM_CONNECTED, actor, object_type="system", object_ref=new.name, free=free, request_id=request_id))
        return system

    def _decide(self, tx: Tx, actor: Actor, decisions: Sequence[FieldDecision], request_id: str) -> list[Field | PrivacyError]:
        answers: list[Field | PrivacyError] = []
        touched: dict[str, dict[str, FieldRow]] = {}
        rows = self._dataset_rows(tx, actor.tenant, {decision.dataset for decision in decisions})
        for number, decision in enumerate(decisions):
            row = rows.get(decision.dataset)
            current = touched.get(decision.dataset, {}).get(decision.field) or (row.fields.get(decision.field) if row else None)
            try:
                decided = decide(current, decision, self._taxonomy, actor.ref, self._clock.now(), pointer=f"/decisions/{number}")
            except PrivacyError as error:
                answers.append(error)
            else:
                touched.setdefault(decision.dataset, {})[decision.field] = decided
                answers.append(self._field(decided))
        self._repository.save_datasets(tx, actor.tenant, [replace(rows[name], fields=fields) for name, fields in touched.items()])
        for name, fields in touched.items():
            self._record_decisions(tx, actor, name, list(fields.values()), request_id)
        return answers

    def _decide_in_parts(self, actor: Actor, decisions: Sequence[FieldDecision], request_id: str) -> int:
        """Decide many fields in short transactions, leaving alone what somebody else has decided meanwhile."""
        changed = 0
        for part in _parts(decisions):
            changed += self._changed(actor, partial(self._decide_undecided, actor=actor, decisions=part, request_id=request_id))
        return changed

    def _decide_undecided(self, tx: Tx, *, actor: Actor, decisions: Sequence[FieldDecision], request_id: str) -> int:
        rows = self._dataset_rows(tx, actor.tenant, {decision.dataset for decision in decisions})
        open_ = [d for d in decisions if d.dataset in rows and (f := rows[d.dataset].fields.get(d.field)) and f.status in (Status.PROPOSED, Status.UNKNOWN)]
        return sum(isinstance(answer, Field) for answer in self._decide(tx, actor, open_, request_id))

    def _take_subjects(self, tx: Tx, *, actor: Actor, system: str, tables: Sequence[str], request_id: str) -> None:
        for row in self._repository.datasets(tx, actor.tenant, self._system(tx, actor.tenant, system).id, tables):
            if _sure_of_subject(row):
                self._subject(tx, actor, system, row, row.proposed_subject_type or "", row.proposed_subject_field or "", request_id)

    def _record_decisions(self, tx: Tx, actor: Actor, dataset: str, fields: Sequence[FieldRow], request_id: str) -> None:
        for part in _event_parts(fields):
            counts = Counter(field.status.value for field in part)
            names = tuple(field.name for field in part)
            event = Event(Action.FINDING_DECIDED, actor, object_type="dataset", object_ref=dataset, fields=names, counts=counts, request_id=request_id)
            self._audit.append(tx, event)

    def _subject(self, tx: Tx, actor: Actor, system: str, row: DatasetRow, type: str, field: str, request_id: str) -> None:
        changed = apply_subject(row, type, field, actor.ref, self._clock.now())
        self._repository.save_datasets(tx, actor.tenant, [changed])
        name = qualified(system, row.table)
        self._audit.append(
            tx, Event(Action.FINDING_DECIDED, actor, object_type="dataset", object_ref=name, fields=(field,), counts={"subject": 1}, request_id=request_id)
        )

    def _system(self, tx: Tx, tenant: TenantId, name: str) -> System:
        if (system := self._repository.system(tx, tenant, name)) is None:
            raise NotFound("No system with this name is connected; `privacy systems list` shows them, `privacy systems add NAME URL` connects one.")
        return system

    def _connected(self, tx: Tx, tenant: TenantId, name: str) -> System:
        if (system := self._system(tx, tenant, name)).removed:
            raise Conflict("This system was removed; what is left is the archive of its map. Connect it again under a name of its own.")
        return system

    def _rows(self, tx: Tx, tenant: TenantId, system: str) -> Sequence[DatasetRow]:
        return self._repository.datasets(tx, tenant, self._system(tx, tenant, system).id)

    def _dataset_row(self, tx: Tx, tenant: TenantId, name: str) -> tuple[str, DatasetRow | None]:
        system_name, _, table = name.partition(".")
        system = self._repository.system(tx, tenant, system_name) if table else None
        rows = self._repository.datasets(tx, tenant, system.id, [table]) if system else ()
        return system_name, rows[0] if rows else None

    def _dataset_rows(self, tx: Tx, tenant: TenantId, names: Collection[str]) -> dict[str, DatasetRow]:
        """Return the rows of the datasets that exist, by name; one query a system."""
        tables: dict[str, list[str]] = {}
        for name in names:
            system_name, _, table = name.partition(".")
            tables.setdefault(system_name, []).append(table)
        found = {}
        for system_name, wanted in tables.items():
            system = self._repository.system(tx, tenant, system_name)
            for row in self._repository.datasets(tx, tenant, system.id, wanted) if system else ():
                found[qualified(system_name, row.table)] = row
        return found

    def _read_dataset(self, tx: Tx, tenant: TenantId, name: str) -> Dataset | None:
        system, row = self._dataset_row(tx, tenant, name)
        return self._dataset(tenant, system, row, self._beside(tx, tenant)) if row else None

    def _read_datasets(self, tx: Tx, tenant: TenantId, system: str | None) -> list[Dataset]:
        if system is not None:
            self._system(tx, tenant, system)
        names = {known.id: known.name for known in self._repository.systems(tx, tenant)}
        wanted = next((id for id, name in names.items() if name == system), None)
        rows = self._repository.datasets(tx, tenant, wanted)
        beside = self._beside(tx, tenant)
        return sorted((self._dataset(tenant, names[row.system_id], row, beside) for row in rows), key=lambda dataset: dataset.name)

    def _dataset(self, tenant: TenantId, system: str, row: DatasetRow, beside: Mapping[DatasetId, Mapping[str, tuple[str, ...]]]) -> Dataset:
        fields = MappingProxyType({name: self._field(field) for name, field in row.fields.items()})
        return Dataset(
            row.id, tenant, system, row.table, row.subject_type, row.subject_field, fields, row.kind, row.comment, row.rows, row.proposed_subject_type,
            row.proposed_subject_field, row.problem, row.gone, beside.get(row.id, MappingProxyType({})),
        )  # fmt: skip

    def _field(self, row: FieldRow) -> Field:
        category = self._taxonomy.category(NOT_PERSONAL if row.status is Status.NOT_PERSONAL else row.category) if row.category or row.status.settled else None
        # undecided is unknown is strictest: nobody has said that it is less
        level = max(category.level, row.level or 0) if category else self._taxonomy.strictest
        return Field(
            name=row.name,
            category=category.id if category else "",
            field_class=category.field_class if category else "",
            level=level,
            technique=row.technique or (category.technique if category else _STRICTEST_TECHNIQUE),
            status=row.status,
            data_type=row.data_type,
            nullable=row.nullable,
            key=row.key,
            comment=row.comment,
            carrier=row.carrier,
            controls=frozenset(row.controls),
            description=row.description,
            finding=row.finding,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            gone=row.gone,
        )


def _parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Cut a list so that each part is a short transaction."""
    for start in range(0, len(items), _ITEMS_A_PART):
        yield items[start : start + _ITEMS_A_PART]


def _event_parts(fields: Sequence[FieldRow]) -> Iterator[list[FieldRow]]:
    """Cut a list of fields so that their names fit into one leaf of the log each."""
    part: list[FieldRow] = []
    size = 0
    for field in fields:
        length = len(field.name.encode("utf-8", "replace"))
        if part and (len(part) == _FIELDS_AN_EVENT or size + length > _BYTES_AN_EVENT):
            yield part
            part, size = [], 0
        part.append(field)
        size += length
    if part:
        yield part


def _sure_of_subject(row: DatasetRow) -> bool:
    return bool(row.proposed_subject_type and row.proposed_subject_field) and row.subject_type is None and row.kind != "view"
