"""Relations and handlings in the map file: written out, read strictly, and turned into rows with every flaw told by its line.

`confirmed` (what an edge without a status is) and `rejected` are applied; `proposed` is what an export shows and an import leaves alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from privacy.audit.ports import LeafGuard
from privacy.audit.reasons import check_impersonal
from privacy.inventory import relation_rules as rules
from privacy.inventory.model import Status
from privacy.inventory.ports import DatasetRow, HandlingRow, RelationRow
from privacy.inventory.relation_rules import Edge
from privacy.inventory.relations import Erase, Ownership
from privacy.inventory.strict_yaml import Marked, StrictReader
from privacy.kernel.errors import Flaw, InvalidInput
from privacy.kernel.ids import DatasetId, SystemId

_RELATION_KEYS = ("child", "child_columns", "parent", "parent_columns", "role", "status", "weak", "depth", "when", "declared")
_HANDLING_KEYS = ("action", "reason", "rule", "replacements")
_STATUSES = (Status.CONFIRMED, Status.REJECTED, Status.PROPOSED)


@dataclass(frozen=True, slots=True)
class WantedRelation:
    edge: Edge
    status: Status
    line: int


@dataclass(frozen=True, slots=True)
class WantedHandling:
    action: Erase
    line: int
    reason: str = ""
    rule: str = ""
    replacements: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


# --- out --------------------------------------------------------------------------------------------------------------------------------


def relations_plain(rows: Sequence[RelationRow], tables: Mapping[DatasetId, str]) -> list[dict[str, object]]:
    """Return the relations between these tables as plain data, in the order of their ends."""
    known = [row for row in rows if row.child_id in tables and row.parent_id in tables]
    known.sort(key=lambda row: (tables[row.child_id], row.child_columns, tables[row.parent_id], row.parent_columns, sorted(row.when.items())))
    return [_relation_plain(row, tables) for row in known]


def _relation_plain(row: RelationRow, tables: Mapping[DatasetId, str]) -> dict[str, object]:
    plain: dict[str, object] = {
        "child": tables[row.child_id],
        "child_columns": list(row.child_columns),
        "parent": tables[row.parent_id],
        "parent_columns": list(row.parent_columns),
        "role": row.role.value,
        "status": row.status.value,
    }
    plain |= {"declared": True} if row.declared else {}
    plain |= {"weak": True} if row.weak else {}
    plain |= {"depth": row.depth} if row.depth is not None else {}
    return plain | ({"when": dict(row.when)} if row.when else {})


def handling_plain(row: HandlingRow) -> dict[str, object]:
    """Return what erasure does to a dataset as plain data."""
    plain: dict[str, object] = {"action": row.action.value}
    plain |= {"reason": row.reason} if row.reason else {}
    plain |= {"rule": row.rule} if row.rule else {}
    return plain | ({"replacements": dict(row.replacements)} if row.replacements else {})


# --- in ---------------------------------------------------------------------------------------------------------------------------------


def read_relations(reader: StrictReader, entry: Marked) -> tuple[WantedRelation, ...]:
    """Return the relations of a file; what is wrong with one is noted with its line."""
    if not isinstance(entry.value, list):
        reader.flaw(entry.line, "relations is a list of relations")
        return ()
    found = [_relation(reader, item) for item in entry.value if isinstance(item, Marked)]
    return tuple(relation for relation in found if relation is not None)


def _relation(reader: StrictReader, entry: Marked) -> WantedRelation | None:
    before = len(reader.flaws)
    keys = reader.mapping(entry, _RELATION_KEYS, "a relation")
    if not keys:
        return None
    role = reader.word(keys.get("role"), "role", tuple(Ownership), entry.line)
    status = reader.word(keys["status"], "status", _STATUSES, entry.line) if "status" in keys else Status.CONFIRMED.value
    child, parent = (reader.text(keys.get(end), end, entry.line) for end in ("child", "parent"))
    if not child or not parent:
        reader.flaw(entry.line, "a relation names its child and its parent")
    mine, theirs = (reader.names(keys.get(end), end, entry.line) for end in ("child_columns", "parent_columns"))
    depth, weak = reader.whole(keys.get("depth"), "depth"), reader.yes(keys.get("weak"), "weak")
    reader.yes(keys.get("declared"), "declared")  # what an export shows; only a scan knows
    when = _texts(reader, keys["when"], "when") if "when" in keys else {}
    if len(reader.flaws) > before:
        return None
    return WantedRelation(Edge(child, mine, parent, theirs, Ownership(role), False, weak, depth, when), Status(status), entry.line)


def read_handling(reader: StrictReader, entry: Marked) -> WantedHandling | None:
    """Return what a file says about erasing a dataset, or None after noting what is wrong with it."""
    before = len(reader.flaws)
    keys = reader.mapping(entry, _HANDLING_KEYS, "erase")
    action = reader.word(keys.get("action"), "action", tuple(Erase), entry.line)
    reason, rule = (reader.text(keys.get(key), key, entry.line) for key in ("reason", "rule"))
    replacements = _texts(reader, keys["replacements"], "replacements") if "replacements" in keys else {}
    if len(reader.flaws) > before:
        return None
    return WantedHandling(Erase(action), entry.line, reason, rule, replacements)


def _texts(reader: StrictReader, entry: Marked, key: str) -> dict[str, str]:
    found = {name: _text(item) for name, item in reader.mapping(entry, None, key).items()}
    if any(text is None for text in found.values()):
        reader.flaw(entry.line, f"{key} gives a text for each name; put numbers in quotes")
    return {name: text for name, text in found.items() if text is not None}


def _text(entry: Marked) -> str | None:
    if entry.value is None:
        return rules.NULL  # `null` without quotes means what it says
    return entry.value if isinstance(entry.value, str) else None


# --- rows -------------------------------------------------------------------------------------------------------------------------------


def relation_rows(
    wanted: Sequence[WantedRelation], system: SystemId, tables: Mapping[str, DatasetRow], known: Sequence[RelationRow], by: str, at: datetime
) -> list[RelationRow]:
    """Return the relations that the file changes. Raises InvalidInput with every flaw and its line."""
    before = {row.id: row for row in known}
    changed: dict[str, RelationRow] = {}
    flaws: list[Flaw] = []
    for item in wanted:
        try:
            row = rules.row_of(system, item.edge, tables)
        except InvalidInput as error:
            flaws.append(Flaw(f"line {item.line}", error.detail))
            continue
        if item.status is not Status.PROPOSED:
            old = before.get(row.id, row)
            new = replace(old, role=row.role, weak=row.weak, depth=row.depth, status=item.status)
            if new != before.get(row.id):
                changed[row.id] = replace(new, decided_by=by, decided_at=at)
    if flaws:
        raise InvalidInput("The map file has flaws; nothing was changed.", flaws=tuple(flaws))
    return list(changed.values())


def handling_rows(
    wanted: Mapping[str, WantedHandling], tables: Mapping[str, DatasetRow], known: Sequence[HandlingRow], by: str, at: datetime, guard: LeafGuard | None = None
) -> dict[str, HandlingRow]:
    """Return the handlings that the file changes, by table. Raises InvalidInput with every flaw and its line."""
    before = {row.dataset_id: row for row in known}
    changed: dict[str, HandlingRow] = {}
    flaws: list[Flaw] = []
    for table, item in wanted.items():
        try:
            rules.check_handling(tables[table], item.action, item.reason, item.replacements)
            check_impersonal(guard, item.reason, "/reason")
        except InvalidInput as error:
            flaws.append(Flaw(f"line {item.line}", error.detail))
            continue
        old = before.get(tables[table].id)
        new = HandlingRow(tables[table].id, item.action, item.reason.strip(), item.rule, dict(item.replacements))
        if old is None or new != replace(old, decided_by="", decided_at=None):
            changed[table] = replace(new, decided_by=by, decided_at=at)
    if flaws:
        raise InvalidInput("The map file has flaws; nothing was changed.", flaws=tuple(flaws))
    return changed
