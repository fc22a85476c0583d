"""Tables and repository of the data map: systems, datasets, fields, and the version that grows with each change."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Row, Table, insert, select, update

from privacy.adapters.store.engine import connection
from privacy.adapters.store.schema import MAIN, blob, instant, json_text, key, name, text, upsert
from privacy.inventory.model import Carrier, Description, Finding, Status, System
from privacy.inventory.ports import DatasetRow, FieldRow
from privacy.kernel.clock import rfc3339
from privacy.kernel.errors import Conflict
from privacy.kernel.ids import ControllerId, DatasetId, SystemId, TenantId
from privacy.kernel.store import Tx

SYSTEM = Table(
    "system",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("name", name(64), nullable=False),
    Column("kind", key(), nullable=False),
    Column("shown_url", text(), nullable=False),
    Column("sealed_url", blob(8192), nullable=False),
    Column("controller", key()),
    Column("tls_waiver", name(300), nullable=False),
    Column("created_at", instant(), nullable=False),
    Column("scanned_at", instant()),
    Index("uq_system_name", "tenant", "name", unique=True),
)
DATASET = Table(
    "dataset",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("system_id", key(), nullable=False),
    Column("table_name", name(255), nullable=False),
    Column("kind", key(), nullable=False),
    Column("comment", text(), nullable=False),
    Column("row_estimate", BigInteger),
    Column("subject_type", name(128)),
    Column("subject_field", name(255)),
    Column("proposed_subject_type", name(128)),
    Column("proposed_subject_field", name(255)),
    Column("problem", text(), nullable=False),
    Column("gone", Boolean, nullable=False),
    Index("uq_dataset_table", "tenant", "system_id", "table_name", unique=True),
)
FIELD = Table(
    "field",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("dataset_id", key(), primary_key=True),
    Column("name", name(255), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("data_type", text(), nullable=False),
    Column("nullable", Boolean, nullable=False),
    Column("key", key(), nullable=False),
    Column("comment", text(), nullable=False),
    Column("carrier", key()),
    Column("status", key(), nullable=False),
    Column("category", key(), nullable=False),
    Column("level", Integer),
    Column("technique", key()),
    Column("controls", json_text(), nullable=False),
    Column("description", json_text(), nullable=False),
    Column("finding", json_text()),
    Column("decided_by", name(200), nullable=False),
    Column("decided_at", instant()),
    Column("gone", Boolean, nullable=False),
)
STATE = Table(
    "inventory_state",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("version", BigInteger, nullable=False),
)


class SqlInventoryRepository:
    """Implements `inventory.ports.InventoryRepository`."""

    def version(self, tx: Tx, tenant: TenantId) -> int:
        return connection(tx).execute(select(STATE.c.version).where(STATE.c.tenant == tenant)).scalar_one_or_none() or 0

    def grow(self, tx: Tx, tenant: TenantId) -> int:
        upsert(connection(tx), STATE, [{"tenant": tenant, "version": 0}], ["tenant"], [])
        connection(tx).execute(update(STATE).where(STATE.c.tenant == tenant).values(version=STATE.c.version + 1))
        return self.version(tx, tenant)

    def systems(self, tx: Tx, tenant: TenantId) -> Sequence[System]:
        rows = connection(tx).execute(select(SYSTEM).where(SYSTEM.c.tenant == tenant).order_by(SYSTEM.c.name))
        return [_system(row) for row in rows]

    def system(self, tx: Tx, tenant: TenantId, name: str) -> System | None:
        row = connection(tx).execute(select(SYSTEM).where(SYSTEM.c.tenant == tenant, SYSTEM.c.name == name)).one_or_none()
        return _system(row) if row else None

    def sealed_url(self, tx: Tx, tenant: TenantId, system: SystemId) -> bytes:
        found: bytes = connection(tx).execute(select(SYSTEM.c.sealed_url).where(SYSTEM.c.tenant == tenant, SYSTEM.c.id == system)).scalar_one()
        return found

    def add_system(self, tx: Tx, system: System, sealed_url: bytes) -> None:
        if self.system(tx, system.tenant, system.name) is not None:
            raise Conflict("A system with this name is connected already; choose another name.")
        connection(tx).execute(insert(SYSTEM).values(**asdict(system), sealed_url=sealed_url))

    def update_system(self, tx: Tx, system: System, sealed_url: bytes) -> None:
        changed = {key: value for key, value in asdict(system).items() if key not in ("tenant", "id", "created_at")}
        connection(tx).execute(update(SYSTEM).where(SYSTEM.c.tenant == system.tenant, SYSTEM.c.id == system.id).values(**changed, sealed_url=sealed_url))

    def mark_scanned(self, tx: Tx, tenant: TenantId, system: SystemId, at: datetime) -> None:
        connection(tx).execute(update(SYSTEM).where(SYSTEM.c.tenant == tenant, SYSTEM.c.id == system).values(scanned_at=at))

    def datasets(self, tx: Tx, tenant: TenantId, system: SystemId | None = None, tables: Collection[str] | None = None) -> Sequence[DatasetRow]:
        wanted = [DATASET.c.tenant == tenant]
        wanted += [DATASET.c.system_id == system] if system is not None else []
        wanted += [DATASET.c.table_name.in_(list(tables))] if tables is not None else []
        datasets = connection(tx).execute(select(DATASET).where(*wanted).order_by(DATASET.c.system_id, DATASET.c.table_name)).all()
        same = (FIELD.c.tenant == DATASET.c.tenant) & (FIELD.c.dataset_id == DATASET.c.id)
        fields: dict[str, dict[str, FieldRow]] = {}
        for row in connection(tx).execute(select(FIELD).join(DATASET, same).where(*wanted).order_by(FIELD.c.dataset_id, FIELD.c.position, FIELD.c.name)):
            fields.setdefault(row.dataset_id, {})[row.name] = _field(row)
        return [_dataset(row, fields.get(row.id, {})) for row in datasets]

    def save_datasets(self, tx: Tx, tenant: TenantId, datasets: Sequence[DatasetRow]) -> None:
        _save(tx, DATASET, ("tenant", "id"), [_dataset_values(tenant, dataset) for dataset in datasets])
        _save(
            tx, FIELD, ("tenant", "dataset_id", "name"), [_field_values(tenant, dataset.id, field) for dataset in datasets for field in dataset.fields.values()]
        )


def _save(tx: Tx, table: Table, keys: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    upsert(connection(tx), table, rows, keys, [column.name for column in table.columns if column.name not in keys])


def _system(row: Row[Any]) -> System:
    controller = ControllerId(row.controller) if row.controller else None
    return System(SystemId(row.id), TenantId(row.tenant), row.name, row.kind, row.shown_url, controller, row.tls_waiver, row.created_at, row.scanned_at)


def _dataset(row: Row[Any], fields: Mapping[str, FieldRow]) -> DatasetRow:
    return DatasetRow(
        DatasetId(row.id), SystemId(row.system_id), row.table_name, row.kind, row.comment, row.row_estimate, row.subject_type, row.subject_field,
        row.proposed_subject_type, row.proposed_subject_field, row.problem, row.gone, fields,
    )  # fmt: skip


def _dataset_values(tenant: TenantId, dataset: DatasetRow) -> dict[str, Any]:
    values = asdict(replace(dataset, fields={}))
    del values["fields"]
    values["table_name"], values["row_estimate"] = values.pop("table"), values.pop("rows")
    return {"tenant": tenant, **values}


def _field(row: Row[Any]) -> FieldRow:
    return FieldRow(
        row.name, row.position, row.data_type, row.nullable, row.key, row.comment, Carrier(row.carrier) if row.carrier else None, Status(row.status),
        row.category, row.level, row.technique, tuple(row.controls), Description(**row.description), _finding(row.finding), row.decided_by,
        row.decided_at, row.gone,
    )  # fmt: skip


def _finding(stored: Mapping[str, Any] | None) -> Finding | None:
    if stored is None:
        return None
    scanned_at = datetime.fromisoformat(stored["scanned_at"])
    return Finding(**{**stored, "evidence": tuple(stored["evidence"]), "scanned_at": scanned_at})


def _field_values(tenant: TenantId, dataset: DatasetId, field: FieldRow) -> dict[str, Any]:
    finding = field.finding
    stored = None
    if finding is not None:
        stored = {
            "category": finding.category, "entity": finding.entity, "confidence": finding.confidence, "outcome": finding.outcome,
            "evidence": [dict(evidence) for evidence in finding.evidence], "digest": finding.digest, "scanned_at": rfc3339(finding.scanned_at),
            "drift": finding.drift,
        }  # fmt: skip
    return {
        "tenant": tenant,
        "dataset_id": dataset,
        "name": field.name,
        "position": field.position,
        "data_type": field.data_type,
        "nullable": field.nullable,
        "key": field.key,
        "comment": field.comment,
        "carrier": field.carrier.value if field.carrier else None,
        "status": field.status.value,
        "category": field.category,
        "level": field.level,
        "technique": field.technique,
        "controls": list(field.controls),
        "description": asdict(field.description),
        "finding": stored,
        "decided_by": field.decided_by,
        "decided_at": field.decided_at,
        "gone": field.gone,
    }
