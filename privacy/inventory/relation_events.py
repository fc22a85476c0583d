"""Events of decided relations and handlings: edges by names of the schema, reasons as erasable text."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from privacy.audit.events import Action, AuditLog, Event
from privacy.inventory.model import Status
from privacy.inventory.ports import HandlingRow, RelationRow
from privacy.kernel.ids import DatasetId
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor, qualified

_EDGES_AN_EVENT, _BYTES_AN_EVENT = 60, 8000


def record_relations(tx: Tx, audit: AuditLog, actor: Actor, system: str, rows: Sequence[RelationRow], names: Mapping[DatasetId, str], request_id: str) -> None:
    """Write the events of decided relations: those of one child dataset and one outcome together, each edge as `column>table.column:role`."""
    groups: dict[tuple[DatasetId, Status], list[RelationRow]] = defaultdict(list)
    for row in rows:
        groups[row.child_id, row.status].append(row)
    for (child, status), members in groups.items():
        for part in _event_parts([_spelled(row, names) for row in members]):
            audit.append(
                tx,
                Event(
                    Action.RELATION_DECIDED,
                    actor,
                    object_type="dataset",
                    object_ref=qualified(system, names.get(child, "")),
                    fields=tuple(part),
                    counts={status.value: len(part)},
                    request_id=request_id,
                ),
            )


def record_handling(tx: Tx, audit: AuditLog, actor: Actor, dataset: str, row: HandlingRow, request_id: str) -> None:
    """Write the event of a decided handling: its action and rule as a leaf, its reason as erasable text."""
    audit.append(
        tx,
        Event(
            Action.HANDLING_DECIDED,
            actor,
            object_type="dataset",
            object_ref=dataset,
            fields=tuple(sorted(row.replacements))[:_EDGES_AN_EVENT],
            counts={row.action.value: 1},
            free={"reason": row.reason} if row.reason else {},
            request_id=request_id,
        ),
    )


def _spelled(row: RelationRow, names: Mapping[DatasetId, str]) -> str:
    return f"{','.join(row.child_columns)}>{names.get(row.parent_id, '')}.{','.join(row.parent_columns)}:{row.role.value}"


def _event_parts(texts: Sequence[str]) -> Iterator[list[str]]:
    """Cut a list so that its texts fit into one leaf of the log each."""
    part: list[str] = []
    size = 0
    for text in texts:
        length = len(text.encode("utf-8", "replace"))
        if part and (len(part) == _EDGES_AN_EVENT or size + length > _BYTES_AN_EVENT):
            yield part
            part, size = [], 0
        part.append(text)
        size += length
    if part:
        yield part
