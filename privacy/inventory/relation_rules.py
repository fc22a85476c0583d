"""What holds for relations whatever keeps them: which edge is which, what a scan may change, what a person may decide, and the digest of all that.

Guarantee: what a person decided stays through every scan; a proposal that nobody decided and no scan finds any more is dropped.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from privacy.inventory.merging import REFERENCE
from privacy.inventory.model import Status
from privacy.inventory.ports import DatasetRow, HandlingRow, RelationRow
from privacy.inventory.relations import Erase, Ownership
from privacy.kernel.errors import InvalidInput, NotFound
from privacy.kernel.ids import DatasetId, SystemId

SURE = 0.8  # from this confidence on a proposal may be confirmed in bulk
CONFIRM, REJECT = "confirm", "reject"
LONGEST_REASON, LONGEST_TEXT, DEEPEST = 500, 200, 100
NULL, TEXT = "null", "text:"
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge by table names, as a scan proposes it or a person writes it. `when` restricts it to rows whose columns hold these texts."""

    child: str
    child_columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    role: Ownership
    declared: bool = False
    weak: bool = False
    depth: int | None = None
    when: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    confidence: float = 0.0
    evidence: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class RelationDecision:
    """`confirm` takes the proposed role unless one is given; `reject` says that there is no such relation."""

    id: str
    decision: str
    role: Ownership | None = None
    depth: int | None = None


def row_of(system: SystemId, edge: Edge, tables: Mapping[str, DatasetRow]) -> RelationRow:
    """Return the edge as a row between dataset ids. Raises InvalidInput, with the edge's own words as pointers, for what the map does not have."""
    child, parent = tables.get(edge.child), tables.get(edge.parent)
    for end, row in (("/child", child), ("/parent", parent)):
        if row is None or row.gone:
            raise InvalidInput("The map has no such dataset in this system; `privacy systems show` lists them.", pointer=end)
    assert child is not None and parent is not None
    _check_columns(edge, child, parent)
    pairs = sorted(zip(edge.child_columns, edge.parent_columns, strict=True), key=lambda pair: (pair[1], pair[0]))
    mine, theirs = tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
    id = _id(child.id, mine, parent.id, theirs, edge.when)
    return RelationRow(
        id, system, child.id, mine, parent.id, theirs, edge.role, Status.PROPOSED, edge.declared, edge.weak, edge.depth, dict(edge.when),
        round(edge.confidence, 3), edge.evidence,
    )  # fmt: skip


def _check_columns(edge: Edge, child: DatasetRow, parent: DatasetRow) -> None:
    for end, names, row in (("/child_columns", edge.child_columns, child), ("/parent_columns", edge.parent_columns, parent), ("/when", edge.when, child)):
        if any(name not in row.fields or row.fields[name].gone for name in names):
            raise InvalidInput("The dataset has no such field; `privacy systems show` lists them.", pointer=end)
    if not edge.child_columns or len(edge.child_columns) != len(edge.parent_columns):
        raise InvalidInput("A relation names as many child columns as parent columns, at least one.", pointer="/parent_columns")
    if len(set(edge.child_columns)) < len(edge.child_columns) or len(set(edge.parent_columns)) < len(edge.parent_columns):
        raise InvalidInput("A column stands twice in one relation.", pointer="/child_columns")
    if set(edge.when) & set(edge.child_columns):
        raise InvalidInput("A column of the reference itself cannot be its condition.", pointer="/when")
    if child.id == parent.id and set(edge.child_columns) == set(edge.parent_columns):
        raise InvalidInput("A row cannot refer to itself by the same columns.", pointer="/child_columns")
    if any(not 0 < len(text) <= LONGEST_TEXT for text in edge.when.values()):
        raise InvalidInput(f"A condition compares with a text of 1 to {LONGEST_TEXT} characters.", pointer="/when")
    check_depth(edge.depth, self_reference=child.id == parent.id, pointer="/depth")


def check_depth(depth: int | None, *, self_reference: bool, pointer: str) -> None:
    """Raise InvalidInput for a bound on what is no self reference, or one that is out of range."""
    if depth is not None and (not self_reference or not 1 <= depth <= DEEPEST):
        raise InvalidInput(f"A depth bounds a self reference, from 1 to {DEEPEST}.", pointer=pointer)


def _id(child: DatasetId, mine: Sequence[str], parent: DatasetId, theirs: Sequence[str], when: Mapping[str, str]) -> str:
    return _digest([child, list(mine), parent, list(theirs), sorted(when.items())])[:32]


# --- scans ------------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Merged:
    """What a scan changes: rows to save, ids to drop, ids that were not known before."""

    save: tuple[RelationRow, ...]
    drop: tuple[str, ...]
    new: tuple[str, ...]


def merge(known: Sequence[RelationRow], found: Sequence[RelationRow]) -> Merged:
    """Lay what was found over what is known: decisions stay, their evidence is renewed, undecided proposals are replaced."""
    before = {row.id: row for row in known}
    now = {row.id: row for row in found}
    renewed = [_renewed(before.get(id), row) for id, row in now.items()]
    drop = tuple(row.id for row in known if row.status is Status.PROPOSED and row.id not in now)
    return Merged(tuple(row for row in renewed if row != before.get(row.id)), drop, tuple(id for id in now if id not in before))


def _renewed(before: RelationRow | None, found: RelationRow) -> RelationRow:
    if before is None or before.status is Status.PROPOSED:
        return found
    return replace(before, declared=found.declared, confidence=found.confidence, evidence=found.evidence)


# --- people -----------------------------------------------------------------------------------------------------------------------------


def decide(row: RelationRow | None, decision: RelationDecision, by: str, at: datetime, *, pointer: str) -> RelationRow:
    """Return the relation as decided. Raises NotFound or InvalidInput with `pointer`."""
    if row is None:
        raise NotFound("There is no such relation; `privacy systems relations` lists them.", pointer=f"{pointer}/id")
    if decision.decision == REJECT:
        return replace(row, status=Status.REJECTED, decided_by=by, decided_at=at)
    if decision.decision != CONFIRM:
        raise InvalidInput(f"A decision is {CONFIRM} or {REJECT}.", pointer=f"{pointer}/decision")
    check_depth(decision.depth, self_reference=row.child_id == row.parent_id, pointer=f"{pointer}/depth")
    depth = row.depth if decision.depth is None else decision.depth
    return replace(row, status=Status.CONFIRMED, role=decision.role or row.role, depth=depth, decided_by=by, decided_at=at)


def sure(row: RelationRow) -> bool:
    """May this proposal be confirmed in bulk? Weak ones never: equal phones and names are no reference."""
    return row.status is Status.PROPOSED and not row.weak and row.confidence >= SURE


def sure_together(rows: Iterable[RelationRow], datasets: Iterable[DatasetRow]) -> list[RelationRow]:
    """Return what may be confirmed in bulk: of several references that make rows of one table people's own all or none.

    Half of them decided would make a message its sender's alone, and an erasure would take it from whom it was sent to.
    """
    people = {row.id for row in datasets if _holds_people(row)}
    known = list(rows)
    doubtful: dict[DatasetId, set[tuple[str, ...]]] = {}
    for row in known:
        if _owners(row, people) and not sure(row):
            doubtful.setdefault(row.child_id, set()).add(row.child_columns)

    def half(row: RelationRow) -> bool:
        # the same columns under another condition lead to somebody else instead, not as well
        return _owners(row, people) and bool(doubtful.get(row.child_id, set()) - {row.child_columns})

    return [row for row in known if sure(row) and not half(row)]


def _owners(row: RelationRow, people: Collection[DatasetId]) -> bool:
    return row.status is Status.PROPOSED and not row.weak and row.role is Ownership.OWNED_BY and row.parent_id in people


def _holds_people(row: DatasetRow) -> bool:
    """Are the rows of this table people, rather than rows that refer to them?"""
    key = row.fields.get(row.subject_field or row.proposed_subject_field or "")
    return key is not None and key.key != REFERENCE and not row.gone


def check_handling(row: DatasetRow, action: Erase, reason: str, replacements: Mapping[str, str]) -> None:
    """Raise InvalidInput for a handling that could not be carried out, or that says not why."""
    if action in (Erase.KEEP, Erase.RESTRICT) and not reason.strip():
        raise InvalidInput("Rows that are kept or restricted need the legal reason why.", pointer="/reason")
    if len(reason) > LONGEST_REASON:
        raise InvalidInput(f"A reason has at most {LONGEST_REASON} characters.", pointer="/reason")
    if replacements and action is not Erase.ANONYMISE:
        raise InvalidInput("Replacements go with the action anonymise.", pointer="/replacements")
    for name, wanted in replacements.items():
        known = row.fields.get(name)
        if known is None or known.gone:
            raise InvalidInput("The dataset has no field of one of these names; `privacy systems show` lists them.", pointer="/replacements")
        if wanted != NULL and not (wanted.startswith(TEXT) and len(wanted) <= LONGEST_TEXT + len(TEXT)):
            raise InvalidInput(f"A replacement is `{NULL}`, or `{TEXT}` and a fixed text of at most {LONGEST_TEXT} characters.", pointer="/replacements")
        if wanted == NULL and not known.nullable:
            raise InvalidInput(f"A field that may not be empty cannot become null; give it a fixed text with `{TEXT}`.", pointer="/replacements")


# --- digest -----------------------------------------------------------------------------------------------------------------------------


def digest(datasets: Sequence[DatasetRow], relations: Iterable[RelationRow], handlings: Iterable[HandlingRow]) -> str:
    """Return a hash of what decides about an erasure: confirmed relations that are followed, handlings, subjects, settled fields; 64 hex digits.

    Evidence, names of deciders, proposals, weak relations and reference data change nothing that is done, so they change nothing here.
    """
    followed = [row for row in relations if row.status is Status.CONFIRMED and not row.weak and row.role is not Ownership.REF]
    present = [row for row in datasets if not row.gone]
    return _digest(
        {
            "datasets": sorted(_dataset_plain(row) for row in present),
            "relations": sorted([row.id, row.role.value, row.depth or 0] for row in followed),
            "handlings": sorted(
                [row.dataset_id, row.action.value, row.reason, row.rule, sorted(row.replacements.items())]
                for row in handlings
                if row.dataset_id in {dataset.id for dataset in present}
            ),
        }
    )


def _dataset_plain(row: DatasetRow) -> list[object]:
    fields = sorted(row.fields.values(), key=lambda field: field.name)
    settled = [[field.name, field.status.value, field.category] for field in fields if field.status.settled and not field.gone]
    carriers = [[field.name, field.carrier.value] for field in fields if field.carrier and not field.gone]
    return [row.id, row.table, row.subject_type or "", row.subject_field or "", settled, carriers]


def _digest(plain: object) -> str:
    return hashlib.sha256(json.dumps(plain, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
