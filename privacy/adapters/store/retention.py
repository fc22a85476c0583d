"""Tables and repository of retention: rules in versions, statutes accepted by name, sweeps, holds, the register of restrictions."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Row, Table, UniqueConstraint, delete, insert, or_, select, update

from privacy.adapters.store.engine import connection
from privacy.adapters.store.schema import MAIN, blob, instant, json_text, key, name, text, upsert
from privacy.kernel.ids import DatasetId, TenantId
from privacy.kernel.store import Tx
from privacy.retention.model import Consequence, Effect, Hold, Preview, Restart, Rule, RuleState, Sweep, SweepState
from privacy.retention.periods import Period
from privacy.retention.ports import Batch, HoldRow, RestrictionRow, WaitingRow

RULE = Table(
    "retention_rule",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("system", name(64), nullable=False),
    Column("dataset", name(330), nullable=False),
    Column("dataset_id", key(), nullable=False),
    Column("content", json_text(), nullable=False),
    Column("consequence", key(), nullable=False),
    Column("state", key(), nullable=False),
    Column("hash", name(80), nullable=False),
    Column("effect", json_text()),
    Column("previewed_at", instant()),
    Column("preview_due", BigInteger),
    Column("proposed_by", name(200), nullable=False),
    Column("proposed_at", instant(), nullable=False),
    Column("approved_by", name(200), nullable=False),
    Column("approved_at", instant()),
    Column("ended_at", instant()),
    Index("ix_retention_rule_state", "tenant", "state"),
)
RULE_LOCK = Table(
    "retention_rule_lock",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("rule", key(), primary_key=True),
    Column("writes", BigInteger, nullable=False),
)
ACCEPTANCE = Table(
    "retention_acceptance",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("statute", key(), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("accepted_by", name(200), nullable=False),
    Column("accepted_at", instant(), nullable=False),
)
SWEEP = Table(
    "retention_sweep",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("rule", key(), nullable=False),
    Column("version", Integer, nullable=False),
    Column("slot", name(128), nullable=False),
    Column("on_day", key(), nullable=False),
    Column("state", key(), nullable=False),
    Column("asked_by", name(200), nullable=False),
    Column("started_at", instant(), nullable=False),
    Column("finished_at", instant()),
    Column("counts", json_text(), nullable=False),
    Column("kept", json_text(), nullable=False),
    Column("rows_left", BigInteger),
    Column("problem", text(), nullable=False),
    UniqueConstraint("tenant", "rule", "slot"),
)
BATCH = Table(
    "retention_batch",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("sweep", key(), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("sealed", blob(1 << 24), nullable=False),
    Column("done", Boolean, nullable=False),
)
HOLD = Table(
    "retention_hold",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("system", name(64), nullable=False),
    Column("dataset", name(330), nullable=False),
    Column("columns", json_text(), nullable=False),
    Column("scope", key(), nullable=False),
    Column("sealed", blob(1 << 16), nullable=False),
    Column("since", instant(), nullable=False),
    Column("until", instant()),
    Column("placed_by", name(200), nullable=False),
    Column("placed_at", instant(), nullable=False),
    Column("released_by", name(200), nullable=False),
    Column("released_at", instant()),
    Index("ix_retention_hold_system", "tenant", "system"),
)
RESTRICTION = Table(
    "retention_restriction",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("lookup", blob(32), nullable=False),
    Column("sealed", blob(1 << 13), nullable=False),
    Column("case_ref", name(128), nullable=False),
    Column("plan", key(), nullable=False),
    Column("rule", name(128), nullable=False),
    Column("until", instant()),
    Column("set_by", name(200), nullable=False),
    Column("set_at", instant(), nullable=False),
    Column("lifted_by", name(200), nullable=False),
    Column("lifted_at", instant()),
    UniqueConstraint("tenant", "lookup", "case_ref", "rule"),
)
WAITING = Table(
    "retention_waiting",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("case_ref", name(128), nullable=False),
    Column("plan", key(), nullable=False),
    Column("system", name(64), nullable=False),
    Column("dataset", name(330), nullable=False),
    Column("rule", name(128), nullable=False),
    Column("reason", name(500), nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("sealed", blob(1 << 24), nullable=False),
    Column("until", instant()),
    Column("set_at", instant(), nullable=False),
    Column("resumed_at", instant()),
    Index("ix_retention_waiting_plan", "tenant", "plan"),
    Index("ix_retention_waiting_until", "tenant", "until"),
)
_CHUNK = 5_000  # below every driver's limit of parameters
_CONTENT = ("clock", "clock_zone", "zone", "reason")


class SqlRetentionRepository:
    """Implements `retention.ports.RetentionRepository`."""

    # --- rules ---------------------------------------------------------------------------------------------------------------------

    def lock_rule(self, tx: Tx, tenant: TenantId, id: str) -> None:
        upsert(connection(tx), RULE_LOCK, [{"tenant": tenant, "rule": id, "writes": 0}], ["tenant", "rule"], [])
        mine = (RULE_LOCK.c.tenant == tenant, RULE_LOCK.c.rule == id)
        connection(tx).execute(update(RULE_LOCK).where(*mine).values(writes=RULE_LOCK.c.writes + 1))

    def rules(self, tx: Tx, tenant: TenantId, *, every: bool = False) -> Sequence[Rule]:
        query = select(RULE).where(RULE.c.tenant == tenant).order_by(RULE.c.id, RULE.c.version)
        if not every:
            query = query.where(RULE.c.state.in_((RuleState.PROPOSED.value, RuleState.ACTIVE.value)))
        return [_rule(row) for row in connection(tx).execute(query)]

    def save_rule(self, tx: Tx, rule: Rule) -> None:
        row = {column.name: getattr(rule, column.name) for column in RULE.columns if hasattr(rule, column.name)}
        row |= {"consequence": rule.consequence.value, "state": rule.state.value, "content": _content(rule)}
        row["effect"] = None if rule.effect is None else _effect_plain(rule.effect)
        upsert(connection(tx), RULE, [row], ["tenant", "id", "version"], [each for each in row if each not in ("tenant", "id", "version")])

    def keep_preview(self, tx: Tx, tenant: TenantId, preview: Preview, at: datetime) -> None:
        mine = (RULE.c.tenant == tenant, RULE.c.id == preview.rule, RULE.c.version == preview.version, RULE.c.state == RuleState.PROPOSED.value)
        seen = {"hash": preview.hash, "effect": _effect_plain(preview.effect), "previewed_at": at, "preview_due": preview.due}
        connection(tx).execute(update(RULE).where(*mine).values(seen))

    def accepted(self, tx: Tx, tenant: TenantId) -> Mapping[tuple[str, int], str]:
        rows = connection(tx).execute(select(ACCEPTANCE).where(ACCEPTANCE.c.tenant == tenant))
        return {(row.statute, row.version): row.accepted_by for row in rows}

    def accept(self, tx: Tx, tenant: TenantId, statute: str, version: int, by: str, at: datetime) -> None:
        row = {"tenant": tenant, "statute": statute, "version": version, "accepted_by": by, "accepted_at": at}
        upsert(connection(tx), ACCEPTANCE, [row], ["tenant", "statute", "version"], [])

    # --- sweeps --------------------------------------------------------------------------------------------------------------------

    def sweep(self, tx: Tx, tenant: TenantId, rule: str, slot: str) -> Sweep | None:
        return self._sweep(tx, SWEEP.c.tenant == tenant, SWEEP.c.rule == rule, SWEEP.c.slot == slot)

    def sweep_by_id(self, tx: Tx, tenant: TenantId, id: str) -> Sweep | None:
        return self._sweep(tx, SWEEP.c.tenant == tenant, SWEEP.c.id == id)

    def sweeps(self, tx: Tx, tenant: TenantId, rule: str | None, after: str, limit: int) -> Sequence[Sweep]:
        query = select(SWEEP).where(SWEEP.c.tenant == tenant).order_by(SWEEP.c.id.desc()).limit(limit)
        if rule:
            query = query.where(SWEEP.c.rule == rule)
        if after:
            query = query.where(SWEEP.c.id < after)
        return [_sweep(row) for row in connection(tx).execute(query)]

    def add_sweep(self, tx: Tx, sweep: Sweep) -> None:
        upsert(connection(tx), SWEEP, [_sweep_row(sweep)], ["tenant", "rule", "slot"], [])

    def save_sweep(self, tx: Tx, sweep: Sweep) -> None:
        changed = {name: value for name, value in _sweep_row(sweep).items() if name in ("state", "finished_at", "counts", "kept", "rows_left", "problem")}
        connection(tx).execute(update(SWEEP).where(SWEEP.c.tenant == sweep.tenant, SWEEP.c.id == sweep.id).values(changed))

    def _sweep(self, tx: Tx, *where: Any) -> Sweep | None:
        row = connection(tx).execute(select(SWEEP).where(*where)).one_or_none()
        return _sweep(row) if row else None

    def batches(self, tx: Tx, tenant: TenantId, sweep: str) -> Sequence[Batch]:
        rows = connection(tx).execute(select(BATCH).where(BATCH.c.tenant == tenant, BATCH.c.sweep == sweep).order_by(BATCH.c.number))
        return [Batch(row.sweep, row.number, bytes(row.sealed), bool(row.done)) for row in rows]

    def save_batch(self, tx: Tx, tenant: TenantId, batch: Batch) -> None:
        row = {"tenant": tenant, "sweep": batch.sweep, "number": batch.number, "sealed": batch.sealed, "done": batch.done}
        upsert(connection(tx), BATCH, [row], ["tenant", "sweep", "number"], ["sealed", "done"])

    def drop_batches(self, tx: Tx, tenant: TenantId, sweep: str) -> None:
        connection(tx).execute(delete(BATCH).where(BATCH.c.tenant == tenant, BATCH.c.sweep == sweep))

    # --- holds ---------------------------------------------------------------------------------------------------------------------

    def holds(self, tx: Tx, tenant: TenantId, system: str | None, *, every: bool = False) -> Sequence[HoldRow]:
        query = select(HOLD).where(HOLD.c.tenant == tenant).order_by(HOLD.c.id.desc())
        if system is not None:
            query = query.where(HOLD.c.system == system)
        if not every:
            query = query.where(HOLD.c.released_at.is_(None))
        return [_hold(row) for row in connection(tx).execute(query)]

    def hold(self, tx: Tx, tenant: TenantId, id: str) -> HoldRow | None:
        row = connection(tx).execute(select(HOLD).where(HOLD.c.tenant == tenant, HOLD.c.id == id)).one_or_none()
        return _hold(row) if row else None

    def save_hold(self, tx: Tx, row: HoldRow) -> None:
        hold = row.hold
        values = {column.name: getattr(hold, column.name) for column in HOLD.columns if column.name != "sealed"}
        values |= {"columns": list(hold.columns), "sealed": row.sealed}
        upsert(connection(tx), HOLD, [values], ["tenant", "id"], ["released_by", "released_at"])

    # --- restrictions --------------------------------------------------------------------------------------------------------------

    def restricted(self, tx: Tx, tenant: TenantId, lookups: Sequence[bytes], at: datetime) -> Mapping[bytes, str]:
        found: dict[bytes, str] = {}
        for start in range(0, len(lookups), _CHUNK):
            mine = (RESTRICTION.c.tenant == tenant, RESTRICTION.c.lookup.in_(lookups[start : start + _CHUNK]), RESTRICTION.c.lifted_at.is_(None))
            for row in connection(tx).execute(select(RESTRICTION.c.lookup, RESTRICTION.c.rule).where(*mine)):
                found[bytes(row.lookup)] = row.rule
        return found

    def any_restricted(self, tx: Tx, tenant: TenantId) -> bool:
        query = select(RESTRICTION.c.id).where(RESTRICTION.c.tenant == tenant, RESTRICTION.c.lifted_at.is_(None)).limit(1)
        return connection(tx).execute(query).first() is not None

    def restrictions(self, tx: Tx, tenant: TenantId, after: str, limit: int, *, every: bool = False) -> Sequence[RestrictionRow]:
        query = select(RESTRICTION).where(RESTRICTION.c.tenant == tenant).order_by(RESTRICTION.c.id.desc()).limit(limit)
        if after:
            query = query.where(RESTRICTION.c.id < after)
        if not every:
            query = query.where(RESTRICTION.c.lifted_at.is_(None))
        return [_restriction(row) for row in connection(tx).execute(query)]

    def restriction(self, tx: Tx, tenant: TenantId, id: str) -> RestrictionRow | None:
        row = connection(tx).execute(select(RESTRICTION).where(RESTRICTION.c.tenant == tenant, RESTRICTION.c.id == id)).one_or_none()
        return _restriction(row) if row else None

    def add_restrictions(self, tx: Tx, rows: Sequence[RestrictionRow]) -> int:
        new = [row for row in rows if not self._is_there(tx, row)]
        upsert(connection(tx), RESTRICTION, [_restriction_row(row) for row in new], ["tenant", "lookup", "case_ref", "rule"], [])
        return len(new)

    def save_restriction(self, tx: Tx, row: RestrictionRow) -> None:
        mine = (RESTRICTION.c.tenant == row.tenant, RESTRICTION.c.id == row.id)
        connection(tx).execute(update(RESTRICTION).where(*mine).values(lifted_by=row.lifted_by, lifted_at=row.lifted_at))

    def forget_restricted(self, tx: Tx, tenant: TenantId, lookups: Sequence[bytes]) -> int:
        gone = 0
        for start in range(0, len(lookups), _CHUNK):
            mine = (RESTRICTION.c.tenant == tenant, RESTRICTION.c.lookup.in_(lookups[start : start + _CHUNK]))
            gone += connection(tx).execute(delete(RESTRICTION).where(*mine)).rowcount
        return gone

    def add_waiting(self, tx: Tx, rows: Sequence[WaitingRow]) -> int:
        known = self._waiting_known(tx, rows)
        new = [row for row in rows if (row.plan, row.dataset, row.rule) not in known]
        if new:
            connection(tx).execute(insert(WAITING), [_waiting_row(row) for row in new])
        return len(new)

    def waiting(self, tx: Tx, tenant: TenantId, *, at: datetime | None = None, case: str | None = None, system: str | None = None) -> Sequence[WaitingRow]:
        query = select(WAITING).where(WAITING.c.tenant == tenant, WAITING.c.resumed_at.is_(None)).order_by(WAITING.c.id)
        if at is not None:
            query = query.where(or_(WAITING.c.until.is_not(None) & (WAITING.c.until <= at)))
        if case is not None:
            query = query.where(WAITING.c.case_ref == case)
        if system is not None:
            query = query.where(WAITING.c.system == system)
        return [_waiting(row) for row in connection(tx).execute(query)]

    def save_waiting(self, tx: Tx, row: WaitingRow) -> None:
        mine = (WAITING.c.tenant == row.tenant, WAITING.c.id == row.id)
        connection(tx).execute(update(WAITING).where(*mine).values(resumed_at=row.resumed_at))

    def _is_there(self, tx: Tx, row: RestrictionRow) -> bool:
        mine = (RESTRICTION.c.tenant == row.tenant, RESTRICTION.c.lookup == row.lookup, RESTRICTION.c.case_ref == row.case, RESTRICTION.c.rule == row.rule)
        return connection(tx).execute(select(RESTRICTION.c.id).where(*mine)).first() is not None

    def _waiting_known(self, tx: Tx, rows: Sequence[WaitingRow]) -> set[tuple[str, str, str]]:
        known: set[tuple[str, str, str]] = set()
        for tenant, plan in {(row.tenant, row.plan) for row in rows}:
            found = connection(tx).execute(select(WAITING.c.dataset, WAITING.c.rule).where(WAITING.c.tenant == tenant, WAITING.c.plan == plan))
            known |= {(plan, row.dataset, row.rule) for row in found}
        return known


def _content(rule: Rule) -> dict[str, Any]:
    said: dict[str, Any] = {name: getattr(rule, name) for name in _CONTENT}
    restarts = [[restart.dataset, restart.clock] for restart in rule.restarts]
    lists = {"statutes": list(rule.statutes), "columns": list(rule.columns), "restarts": restarts}
    return said | lists | {"period": str(rule.period), "valid_from": rule.valid_from.isoformat()}


def _rule(row: Row[Any]) -> Rule:
    said = row.content
    return Rule(
        id=row.id,
        version=row.version,
        tenant=TenantId(row.tenant),
        system=row.system,
        dataset=row.dataset,
        dataset_id=DatasetId(row.dataset_id),
        **{name: said[name] for name in _CONTENT},
        period=Period.parse(said["period"]),
        statutes=tuple(said["statutes"]),
        restarts=tuple(Restart(*each) for each in said["restarts"]),
        columns=tuple(said["columns"]),
        consequence=Consequence(row.consequence),
        valid_from=date.fromisoformat(said["valid_from"]),
        state=RuleState(row.state),
        proposed_by=row.proposed_by,
        proposed_at=row.proposed_at,
        hash=row.hash,
        effect=None if row.effect is None else Effect(**{name: tuple(values) for name, values in row.effect.items()}),
        previewed_at=row.previewed_at,
        preview_due=row.preview_due,
        approved_by=row.approved_by,
        approved_at=row.approved_at,
        ended_at=row.ended_at,
    )


def _effect_plain(effect: Effect) -> dict[str, list[str]]:
    return {name: list(values) for name, values in asdict(effect).items()}


def _sweep_row(sweep: Sweep) -> dict[str, Any]:
    shared = {name: getattr(sweep, name) for name in ("tenant", "id", "rule", "version", "slot", "asked_by", "started_at", "finished_at", "problem")}
    counts = {"counts": dict(sweep.counts), "kept": dict(sweep.kept), "rows_left": sweep.left}
    return shared | counts | {"on_day": sweep.on.isoformat(), "state": sweep.state.value}


def _sweep(row: Row[Any]) -> Sweep:
    return Sweep(
        id=row.id,
        tenant=TenantId(row.tenant),
        rule=row.rule,
        version=row.version,
        slot=row.slot,
        on=date.fromisoformat(row.on_day),
        state=SweepState(row.state),
        asked_by=row.asked_by,
        started_at=row.started_at,
        finished_at=row.finished_at,
        counts=MappingProxyType(row.counts),
        kept=MappingProxyType(row.kept),
        left=row.rows_left,
        problem=row.problem,
    )


def _hold(row: Row[Any]) -> HoldRow:
    """Return the hold without what is sealed beside it."""
    values = {name: value for name, value in row._mapping.items() if name != "sealed"}
    values |= {"tenant": TenantId(row.tenant), "columns": tuple(row.columns), "keys": (), "subject": None, "reason": "", "authority": ""}
    return HoldRow(Hold(**values), bytes(row.sealed))


def _restriction_row(row: RestrictionRow) -> dict[str, Any]:
    values = asdict(row)
    return values | {"case_ref": values.pop("case")}


def _restriction(row: Row[Any]) -> RestrictionRow:
    values = dict(row._mapping)
    values |= {"case": values.pop("case_ref"), "lookup": bytes(row.lookup), "sealed": bytes(row.sealed), "tenant": TenantId(row.tenant)}
    return RestrictionRow(**values)


def _waiting_row(row: WaitingRow) -> dict[str, Any]:
    values = asdict(row)
    return values | {"case_ref": values.pop("case"), "row_count": values.pop("rows")}


def _waiting(row: Row[Any]) -> WaitingRow:
    values = dict(row._mapping)
    values |= {"case": values.pop("case_ref"), "rows": values.pop("row_count"), "sealed": bytes(row.sealed), "tenant": TenantId(row.tenant)}
    return WaitingRow(**values)
