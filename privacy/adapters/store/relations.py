"""Tables and repository of relations between datasets, and of what erasure does to each dataset."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Boolean, Column, Double, Index, Integer, Row, Table, delete, select

from privacy.adapters.store.engine import connection
from privacy.adapters.store.schema import MAIN, instant, json_text, key, name, text, upsert
from privacy.inventory.model import Status
from privacy.inventory.ports import HandlingRow, RelationRow
from privacy.inventory.relations import Erase, Ownership
from privacy.kernel.ids import DatasetId, SystemId, TenantId
from privacy.kernel.store import Tx

_IDS_A_STATEMENT = 500  # SQLite and the servers bound the parameters of one statement

RELATION = Table(
    "relation",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("system_id", key(), nullable=False),
    Column("child_id", key(), nullable=False),
    Column("child_columns", json_text(), nullable=False),
    Column("parent_id", key(), nullable=False),
    Column("parent_columns", json_text(), nullable=False),
    Column("role", key(), nullable=False),
    Column("status", key(), nullable=False),
    Column("declared", Boolean, nullable=False),
    Column("weak", Boolean, nullable=False),
    Column("depth", Integer),
    Column("conditions", json_text(), nullable=False),
    Column("confidence", Double, nullable=False),
    Column("evidence", json_text(), nullable=False),
    Column("decided_by", name(200), nullable=False),
    Column("decided_at", instant()),
    Index("ix_relation_system_id", "tenant", "system_id"),
)
HANDLING = Table(
    "handling",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("dataset_id", key(), primary_key=True),
    Column("action", key(), nullable=False),
    Column("reason", text(), nullable=False),
    Column("rule", name(255), nullable=False),
    Column("replacements", json_text(), nullable=False),
    Column("decided_by", name(200), nullable=False),
    Column("decided_at", instant()),
)


class SqlRelationRepository:
    """Implements `inventory.ports.RelationRepository`."""

    def relations(self, tx: Tx, tenant: TenantId, system: SystemId) -> Sequence[RelationRow]:
        wanted = select(RELATION).where(RELATION.c.tenant == tenant, RELATION.c.system_id == system).order_by(RELATION.c.id)
        return [_relation(row) for row in connection(tx).execute(wanted)]

    def relations_by_id(self, tx: Tx, tenant: TenantId, ids: Collection[str]) -> Sequence[RelationRow]:
        return [
            _relation(row)
            for part in _parts(ids)
            for row in connection(tx).execute(select(RELATION).where(RELATION.c.tenant == tenant, RELATION.c.id.in_(part)).order_by(RELATION.c.id))
        ]

    def save_relations(self, tx: Tx, tenant: TenantId, rows: Sequence[RelationRow]) -> None:
        changed = [column.name for column in RELATION.columns if column.name not in ("tenant", "id")]
        upsert(connection(tx), RELATION, [_relation_values(tenant, row) for row in rows], ["tenant", "id"], changed)

    def drop_relations(self, tx: Tx, tenant: TenantId, ids: Collection[str]) -> None:
        for part in _parts(ids):
            connection(tx).execute(delete(RELATION).where(RELATION.c.tenant == tenant, RELATION.c.id.in_(part)))

    def handlings(self, tx: Tx, tenant: TenantId, datasets: Collection[DatasetId]) -> Sequence[HandlingRow]:
        return [
            _handling(row)
            for part in _parts(datasets)
            for row in connection(tx).execute(select(HANDLING).where(HANDLING.c.tenant == tenant, HANDLING.c.dataset_id.in_(part)))
        ]

    def save_handlings(self, tx: Tx, tenant: TenantId, rows: Sequence[HandlingRow]) -> None:
        changed = [column.name for column in HANDLING.columns if column.name not in ("tenant", "dataset_id")]
        upsert(connection(tx), HANDLING, [_handling_values(tenant, row) for row in rows], ["tenant", "dataset_id"], changed)


def _parts(ids: Collection[str]) -> Iterator[list[str]]:
    every = sorted(set(ids))
    return (every[start : start + _IDS_A_STATEMENT] for start in range(0, len(every), _IDS_A_STATEMENT))


def _relation(row: Row[Any]) -> RelationRow:
    return RelationRow(
        row.id, SystemId(row.system_id), DatasetId(row.child_id), tuple(row.child_columns), DatasetId(row.parent_id), tuple(row.parent_columns),
        Ownership(row.role), Status(row.status), row.declared, row.weak, row.depth, row.conditions, row.confidence, tuple(row.evidence), row.decided_by,
        row.decided_at,
    )  # fmt: skip


def _relation_values(tenant: TenantId, row: RelationRow) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "id": row.id,
        "system_id": row.system_id,
        "child_id": row.child_id,
        "child_columns": list(row.child_columns),
        "parent_id": row.parent_id,
        "parent_columns": list(row.parent_columns),
        "role": row.role.value,
        "status": row.status.value,
        "declared": row.declared,
        "weak": row.weak,
        "depth": row.depth,
        "conditions": dict(row.when),
        "confidence": row.confidence,
        "evidence": [dict(part) for part in row.evidence],
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
    }


def _handling(row: Row[Any]) -> HandlingRow:
    return HandlingRow(DatasetId(row.dataset_id), Erase(row.action), row.reason, row.rule, row.replacements, row.decided_by, row.decided_at)


def _handling_values(tenant: TenantId, row: HandlingRow) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "dataset_id": row.dataset_id,
        "action": row.action.value,
        "reason": row.reason,
        "rule": row.rule,
        "replacements": dict(row.replacements),
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
    }
