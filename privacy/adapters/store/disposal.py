"""Tables and repository of disposal: plans with their sealed rows, certificates, and how far main and keys have followed the erasure ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Row, Table, delete, insert, select, update

from privacy.adapters.store.engine import connection
from privacy.adapters.store.schema import KEYS, MAIN, blob, instant, json_text, key, name, text, upsert
from privacy.disposal.model import Obstacle, Plan, PlannedRows, PlanState, Share
from privacy.disposal.ports import CertificateRow, Mark
from privacy.inventory.relations import Erase
from privacy.kernel.clock import rfc3339
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx

PLAN = Table(
    "disposal_plan",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("case_ref", name(128), nullable=False),
    Column("state", key(), nullable=False),
    Column("hash", key(), nullable=False),
    Column("document", json_text(), nullable=False),
    Column("made_by", name(200), nullable=False),
    Column("made_at", instant(), nullable=False),
    Column("approved_by", name(200), nullable=False),
    Column("approved_at", instant()),
    Column("ended_at", instant()),
    Index("ix_disposal_plan_case", "tenant", "case_ref", "made_at"),
)
SEALED = Table(
    "disposal_sealed",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("plan", key(), primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("sealed", blob(1 << 20), nullable=False),
)
CERTIFICATE = Table(
    "disposal_certificate",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("plan", key(), primary_key=True),
    Column("case_ref", name(128), nullable=False),
    Column("text", text(), nullable=False),
    Column("digest", key(), nullable=False),
    Column("issued_at", instant(), nullable=False),
)


RUN = Table(
    "disposal_run",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("run", key(), primary_key=True),
    Column("case_ref", name(128), primary_key=True),
    Column("state", key(), nullable=False),
    Column("at", instant(), nullable=False),
)


def _mark_table(title: str, metadata: MetaData) -> Table:
    return Table(
        title,
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("seq", BigInteger, nullable=False),
        Column("hash", key(), nullable=False),
        Column("at", instant(), nullable=False),
    )


MARK = _mark_table("disposal_ledger_mark", MAIN)
KEYS_MARK = _mark_table("ledger_mark", KEYS)


class SqlMarks:
    """Implements `disposal.ports.MarkRepository` for one of the two databases."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def mark(self, tx: Tx) -> Mark | None:
        row = connection(tx).execute(select(self._table.c.seq, self._table.c.hash).where(self._table.c.id == 1)).one_or_none()
        return None if row is None else Mark(row.seq, row.hash)

    def set_mark(self, tx: Tx, mark: Mark, at: datetime) -> None:
        known = self.mark(tx)
        if known is None:
            upsert(connection(tx), self._table, [{"id": 1, "seq": mark.seq, "hash": mark.hash, "at": at}], ("id",), ("seq", "hash", "at"))
        elif known.seq < mark.seq:  # a slower process never moves it back
            moved = update(self._table).where(self._table.c.id == 1, self._table.c.seq < mark.seq)
            connection(tx).execute(moved.values(seq=mark.seq, hash=mark.hash, at=at))


class SqlDisposalRepository(SqlMarks):
    """Implements `disposal.ports.DisposalRepository`."""

    def __init__(self) -> None:
        super().__init__(MARK)

    def add_plan(self, tx: Tx, plan: Plan, sealed: Sequence[bytes]) -> None:
        connection(tx).execute(insert(PLAN).values(_row(plan)))
        parts = [{"tenant": plan.tenant, "plan": plan.id, "part": number, "sealed": part} for number, part in enumerate(sealed)]
        if parts:
            connection(tx).execute(insert(SEALED), parts)

    def plan(self, tx: Tx, tenant: TenantId, id: str, *, lock: bool = False) -> Plan | None:
        query = select(PLAN).where(PLAN.c.tenant == tenant, PLAN.c.id == id)
        row = connection(tx).execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else _plan(row)

    def plans_of(self, tx: Tx, tenant: TenantId, case: str) -> list[Plan]:
        query = select(PLAN).where(PLAN.c.tenant == tenant, PLAN.c.case_ref == case).order_by(PLAN.c.made_at.desc(), PLAN.c.id.desc())
        return [_plan(row) for row in connection(tx).execute(query)]

    def save_plan(self, tx: Tx, plan: Plan) -> None:
        connection(tx).execute(update(PLAN).where(PLAN.c.tenant == plan.tenant, PLAN.c.id == plan.id).values(_row(plan)))

    def sealed(self, tx: Tx, tenant: TenantId, id: str) -> list[bytes]:
        query = select(SEALED.c.sealed).where(SEALED.c.tenant == tenant, SEALED.c.plan == id).order_by(SEALED.c.part)
        return [bytes(part) for part in connection(tx).execute(query).scalars()]

    def drop_sealed(self, tx: Tx, tenant: TenantId, id: str) -> None:
        connection(tx).execute(delete(SEALED).where(SEALED.c.tenant == tenant, SEALED.c.plan == id))

    def add_certificate(self, tx: Tx, tenant: TenantId, row: CertificateRow) -> None:
        values = {"tenant": tenant, "plan": row.plan, "case_ref": row.case, "text": row.text, "digest": row.digest, "issued_at": row.issued_at}
        upsert(connection(tx), CERTIFICATE, [values], ("tenant", "plan"), ())

    def certificate(self, tx: Tx, tenant: TenantId, plan: str) -> CertificateRow | None:
        row = connection(tx).execute(select(CERTIFICATE).where(CERTIFICATE.c.tenant == tenant, CERTIFICATE.c.plan == plan)).one_or_none()
        return None if row is None else CertificateRow(row.plan, row.case_ref, row.text, row.digest, row.issued_at)

    def announce(self, tx: Tx, tenant: TenantId, run: str, case: str, at: datetime) -> None:
        upsert(connection(tx), RUN, [{"tenant": tenant, "run": run, "case_ref": case, "state": "announced", "at": at}], ("tenant", "run", "case_ref"), ())

    def conclude(self, tx: Tx, tenant: TenantId, run: str, case: str, at: datetime) -> None:
        values = {"tenant": tenant, "run": run, "case_ref": case, "state": "concluded", "at": at}
        upsert(connection(tx), RUN, [values], ("tenant", "run", "case_ref"), ("state",))

    def run_state(self, tx: Tx, tenant: TenantId, run: str, case: str) -> str:
        query = select(RUN.c.state).where(RUN.c.tenant == tenant, RUN.c.run == run, RUN.c.case_ref == case)
        return connection(tx).execute(query).scalar_one_or_none() or ""


def _row(plan: Plan) -> dict[str, Any]:
    document = {
        "rows": [_json(asdict(row)) for row in plan.rows],
        "obstacles": [_json(asdict(obstacle)) for obstacle in plan.obstacles],
        "carriers": list(plan.carriers),
        "map_digests": dict(plan.map_digests),
        "fingerprints": dict(plan.fingerprints),
        "problems": dict(plan.problems),
        "systems": list(plan.systems),
        "results": {system: dict(result) for system, result in plan.results.items()},
    }
    return {
        "tenant": plan.tenant,
        "id": plan.id,
        "case_ref": plan.case,
        "state": plan.state.value,
        "hash": plan.hash,
        "document": document,
        "made_by": plan.made_by,
        "made_at": plan.made_at,
        "approved_by": plan.approved_by,
        "approved_at": plan.approved_at,
        "ended_at": plan.ended_at,
    }


def _json(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in values.items()}


def _plan(row: Row[Any]) -> Plan:
    said = row.document
    return Plan(
        row.id,
        TenantId(row.tenant),
        row.case_ref,
        PlanState(row.state),
        row.hash,
        tuple(_planned(each) for each in said["rows"]),
        tuple(Obstacle(**each) for each in said["obstacles"]),
        tuple(said["carriers"]),
        MappingProxyType(said["map_digests"]),
        MappingProxyType(said["fingerprints"]),
        row.made_by,
        row.made_at,
        row.approved_by,
        row.approved_at,
        MappingProxyType(said["problems"]),
        tuple(said["systems"]),
        MappingProxyType(said["results"]),
        row.ended_at,
    )


def _planned(said: Mapping[str, Any]) -> PlannedRows:
    until = datetime.fromisoformat(said["until"]) if said["until"] else None
    values = {**said, "action": Erase(said["action"]), "share": Share(said["share"]), "columns": tuple(said["columns"]), "until": until}
    return PlannedRows(**values)
