"""Table and repository of columns that are protected in place."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Boolean, Column, Integer, Row, Table, UniqueConstraint, delete, insert, select, update

from privacy.adapters.store.engine import connection
from privacy.adapters.store.schema import MAIN, instant, json_text, key, name, text
from privacy.kernel.ids import DatasetId, TenantId
from privacy.kernel.store import Tx
from privacy.protection.column_model import Layout, Phase, ProtectedColumn

COLUMN = Table(
    "protected_column",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("system", name(64), nullable=False),
    Column("dataset", name(330), nullable=False),
    Column("dataset_id", key(), nullable=False),
    Column("field", name(255), nullable=False),
    Column("subject_type", name(128), nullable=False),
    Column("category", key(), nullable=False),
    Column("layout", json_text(), nullable=False),
    Column("phase", key(), nullable=False),
    Column("planned_by", name(200), nullable=False),
    Column("planned_at", instant(), nullable=False),
    Column("changed_at", instant(), nullable=False),
    Column("asked", Integer, nullable=False),
    Column("dropping", Boolean, nullable=False),
    Column("emptied", Boolean, nullable=False),
    Column("problem", text(), nullable=False),
    Column("counts", json_text(), nullable=False),
    UniqueConstraint("tenant", "dataset_id", "field"),
)
_OWN = ("id", "system", "dataset", "dataset_id", "subject_type", "category", "planned_by", "planned_at", "changed_at", "asked", "emptied", "problem")


class SqlColumnRepository:
    """Implements `protection.column_ports.ColumnRepository`."""

    def all(self, tx: Tx, tenant: TenantId, system: str = "") -> Sequence[ProtectedColumn]:
        query = select(COLUMN).where(COLUMN.c.tenant == tenant).order_by(COLUMN.c.dataset, COLUMN.c.field)
        if system:
            query = query.where(COLUMN.c.system == system)
        return [_column(row) for row in connection(tx).execute(query)]

    def of_dataset(self, tx: Tx, tenant: TenantId, dataset: DatasetId) -> Sequence[ProtectedColumn]:
        query = select(COLUMN).where(COLUMN.c.tenant == tenant, COLUMN.c.dataset_id == dataset).order_by(COLUMN.c.field)
        return [_column(row) for row in connection(tx).execute(query)]

    def beside(self, tx: Tx, tenant: TenantId) -> Mapping[DatasetId, Mapping[str, tuple[str, ...]]]:
        """Implement `inventory.ports.Beside`."""
        nowhere = (Phase.PLANNED.value, Phase.UNDONE.value)
        query = select(COLUMN.c.dataset_id, COLUMN.c.field, COLUMN.c.layout).where(COLUMN.c.tenant == tenant, COLUMN.c.phase.not_in(nowhere))
        found: dict[DatasetId, dict[str, tuple[str, ...]]] = {}
        for row in connection(tx).execute(query):
            found.setdefault(DatasetId(row.dataset_id), {})[row.field] = (row.layout["shadow"], row.layout["index"])
        return found

    def get(self, tx: Tx, tenant: TenantId, id: str, *, lock: bool = False) -> ProtectedColumn | None:
        query = select(COLUMN).where(COLUMN.c.tenant == tenant, COLUMN.c.id == id)
        row = connection(tx).execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else _column(row)

    def add(self, tx: Tx, column: ProtectedColumn) -> bool:
        same = (COLUMN.c.tenant == column.tenant, COLUMN.c.dataset_id == column.dataset_id, COLUMN.c.field == column.field)
        connection(tx).execute(delete(COLUMN).where(*same, COLUMN.c.phase == Phase.UNDONE.value))
        if connection(tx).execute(select(COLUMN.c.id).where(*same)).first() is not None:
            return False
        connection(tx).execute(insert(COLUMN).values(tenant=column.tenant, **_values(column)))
        return True

    def save(self, tx: Tx, column: ProtectedColumn) -> None:
        same = (COLUMN.c.tenant == column.tenant, COLUMN.c.id == column.id)
        connection(tx).execute(update(COLUMN).where(*same).values(**_values(column)))


def _values(column: ProtectedColumn) -> dict[str, Any]:
    plain = {name: getattr(column, name) for name in _OWN}
    made = {"field": column.field, "layout": asdict(column.layout), "phase": column.phase.value, "dropping": column.drop, "counts": dict(column.counts)}
    return plain | made


def _column(row: Row[Any]) -> ProtectedColumn:
    layout = Layout(**{**row.layout, "key": tuple(row.layout["key"])})
    plain = {name: getattr(row, name) for name in _OWN}
    return ProtectedColumn(tenant=TenantId(row.tenant), layout=layout, phase=Phase(row.phase), drop=row.dropping, counts=row.counts, **plain)
