"""Tables of the keys database: tenants, their wrapped keys, the wrapped keys of subjects, and what was done to them."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Index, Integer, Select, UniqueConstraint, bindparam, func, select
from sqlalchemy.engine import Row

from privacy.adapters.store.engine import connection
from privacy.adapters.store.schema import KEYS, Column, Table, blob, instant, key, name, serial, upsert
from privacy.crypto.ports import KeyEvent, Kind, Lock, Purpose, State, SubjectKeyRow, TenantKeyRow, TenantRow
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx

T = TypeVar("T")
_CHUNK = 500  # parameters of one IN list: few statement texts to plan, far below every driver's limit

key_tenant = Table(
    "key_tenant",
    KEYS,
    Column("tenant", name(64), primary_key=True),
    Column("algorithm", key(), nullable=False),
    Column("digest", key(), nullable=False),
    Column("kek_version", Integer, nullable=False),
    Column("changes", serial(), nullable=False),
    Column("created_at", instant(), nullable=False),
)

tenant_key = Table(
    "tenant_key",
    KEYS,
    Column("tenant", name(64), primary_key=True),
    Column("purpose", key(), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("state", key(), nullable=False),
    Column("wrapped", blob(1024)),
    Column("created_at", instant(), nullable=False),
    Column("destroyed_at", instant()),
)


def _subject_table(title: str) -> Table:
    return Table(
        title,
        KEYS,
        Column("id", serial(), primary_key=True, autoincrement=False),
        Column("tenant", name(64), nullable=False),
        Column("lookup", key(), nullable=False),
        Column("generation", Integer, nullable=False),
        Column("kek_version", Integer, nullable=False),
        Column("state", key(), nullable=False),
        Column("wrapped", blob(256)),
        Column("commitment", key(), nullable=False),
        Column("created_at", instant(), nullable=False),
        Column("destroyed_at", instant()),
        Column("reason_ref", name(128), nullable=False),
        UniqueConstraint("tenant", "lookup", "generation"),
        Index(f"ix_{title}_rewrap", "tenant", "kek_version", "id"),
    )


subject_key = _subject_table("subject_key")
subject_audit_secret = _subject_table("subject_audit_secret")
_TABLES = {Kind.DATA: subject_key, Kind.AUDIT: subject_audit_secret}

# insert-only: the marker by which an interrupted effect is recognised as done
key_event = Table(
    "key_event",
    KEYS,
    Column("id", serial(), primary_key=True),
    Column("tenant", name(64), nullable=False),
    Column("action", key(), nullable=False),
    Column("object_ref", key(), nullable=False),
    Column("reason_ref", name(128), nullable=False),
    Column("at", instant(), nullable=False),
    Index("ix_key_event_object", "tenant", "object_ref"),
)


class SqlKeyRepository:
    """The `KeyRepository` on SQLite, PostgreSQL and MariaDB."""

    def tenant(self, tx: Tx, tenant: TenantId, lock: Lock = Lock.NONE) -> TenantRow | None:
        query = select(key_tenant).where(key_tenant.c.tenant == tenant)
        # SQLite compiles no lock: its writers take turns anyway
        if lock is not Lock.NONE:
            query = query.with_for_update(read=lock is Lock.SHARED)
        row = connection(tx).execute(query).one_or_none()
        return None if row is None else _tenant(row)

    def tenants(self, tx: Tx) -> list[TenantRow]:
        return [_tenant(row) for row in connection(tx).execute(select(key_tenant).order_by(key_tenant.c.tenant))]

    def add_tenant(self, tx: Tx, row: TenantRow) -> None:
        connection(tx).execute(key_tenant.insert(), _values(row))

    def save_tenant(self, tx: Tx, row: TenantRow) -> None:
        connection(tx).execute(key_tenant.update().where(key_tenant.c.tenant == row.tenant).values(_values(row)))

    def tenant_keys(self, tx: Tx, tenant: TenantId) -> list[TenantKeyRow]:
        rows = connection(tx).execute(select(tenant_key).where(tenant_key.c.tenant == tenant))
        return [TenantKeyRow(tenant, Purpose(r.purpose), r.version, State(r.state), r.wrapped, r.created_at, r.destroyed_at) for r in rows]

    def add_tenant_keys(self, tx: Tx, rows: Sequence[TenantKeyRow]) -> None:
        connection(tx).execute(tenant_key.insert(), [_values(row) for row in rows])

    def save_tenant_keys(self, tx: Tx, rows: Sequence[TenantKeyRow]) -> None:
        upsert(connection(tx), tenant_key, [_values(row) for row in rows], ("tenant", "purpose", "version"), ("state", "wrapped", "destroyed_at"))

    def of_subjects(self, tx: Tx, kind: Kind, tenant: TenantId, lookups: Sequence[str]) -> list[SubjectKeyRow]:
        table = _TABLES[kind]
        query = select(table).where(table.c.tenant == tenant, table.c.lookup.in_(bindparam("wanted", expanding=True)))
        return _many(tx, query, lookups)

    def by_ids(self, tx: Tx, kind: Kind, tenant: TenantId, ids: Sequence[int]) -> list[SubjectKeyRow]:
        table = _TABLES[kind]
        query = select(table).where(table.c.tenant == tenant, table.c.id.in_(bindparam("wanted", expanding=True)))
        return _many(tx, query, ids)

    def add(self, tx: Tx, kind: Kind, rows: Sequence[SubjectKeyRow]) -> None:
        upsert(connection(tx), _TABLES[kind], [_values(row) for row in rows], ("tenant", "lookup", "generation"), ())

    def supersede(self, tx: Tx, kind: Kind, tenant: TenantId, ids: Sequence[int]) -> None:
        table = _TABLES[kind]
        for chunk in _chunks(ids):
            active = (table.c.tenant == tenant) & table.c.id.in_(chunk) & (table.c.state == State.ACTIVE.value)
            connection(tx).execute(table.update().where(active).values(state=State.DECRYPT_ONLY.value))

    def destroy(self, tx: Tx, kind: Kind, tenant: TenantId, lookups: Sequence[str], at: datetime, reason_ref: str) -> int:
        table = _TABLES[kind]
        gone = {"state": State.DESTROYED.value, "wrapped": None, "destroyed_at": at, "reason_ref": reason_ref}
        count = 0
        for chunk in _chunks(lookups):
            living = (table.c.tenant == tenant) & table.c.lookup.in_(chunk) & (table.c.state != State.DESTROYED.value)
            count += connection(tx).execute(table.update().where(living).values(gone)).rowcount
        return count

    def outdated(self, tx: Tx, kind: Kind, tenant: TenantId, kek_version: int, limit: int) -> list[SubjectKeyRow]:
        table = _TABLES[kind]
        old = (table.c.tenant == tenant) & (table.c.kek_version < kek_version) & table.c.wrapped.is_not(None)
        query = select(table).where(old).order_by(table.c.kek_version, table.c.id).limit(limit)
        return [_subject_key(row) for row in connection(tx).execute(query)]

    def save_wraps(self, tx: Tx, kind: Kind, rows: Sequence[SubjectKeyRow]) -> None:
        table = _TABLES[kind]
        # a key that was destroyed meanwhile stays destroyed
        living = (table.c.id == bindparam("row_id")) & table.c.wrapped.is_not(None)
        statement = table.update().where(living).values(wrapped=bindparam("new_wrap"), kek_version=bindparam("new_version"))
        connection(tx).execute(statement, [{"row_id": row.id, "new_wrap": row.wrapped, "new_version": row.kek_version} for row in rows])

    def counts(self, tx: Tx, kind: Kind, tenant: TenantId) -> dict[State, int]:
        table = _TABLES[kind]
        query = select(table.c.state, func.count()).where(table.c.tenant == tenant).group_by(table.c.state)
        return {State(state): count for state, count in connection(tx).execute(query)}

    def add_events(self, tx: Tx, events: Sequence[KeyEvent]) -> None:
        if events:
            connection(tx).execute(key_event.insert(), [_values(event) for event in events])

    def events(self, tx: Tx, tenant: TenantId) -> list[KeyEvent]:
        rows = connection(tx).execute(select(key_event).where(key_event.c.tenant == tenant).order_by(key_event.c.id))
        return [KeyEvent(tenant, row.action, row.object_ref, row.reason_ref, row.at) for row in rows]


def _many(tx: Tx, query: Select[Any], wanted: Sequence[Any]) -> list[SubjectKeyRow]:
    opened = connection(tx)
    return [_subject_key(row) for chunk in _chunks(wanted) for row in opened.execute(query, {"wanted": chunk})]


def _chunks(items: Sequence[T]) -> Iterator[list[T]]:
    return (list(items[start : start + _CHUNK]) for start in range(0, len(items), _CHUNK))


def _tenant(row: Row[Any]) -> TenantRow:
    return TenantRow(TenantId(row.tenant), row.algorithm, row.digest, row.kek_version, row.changes, row.created_at)


def _subject_key(row: Row[Any]) -> SubjectKeyRow:
    number, tenant, lookup, generation, kek_version, state, *rest = tuple(row)
    return SubjectKeyRow(number, tenant, lookup, generation, kek_version, State(state), *rest)


def _values(row: TenantRow | TenantKeyRow | SubjectKeyRow | KeyEvent) -> dict[str, Any]:
    # drivers disagree on how to write an enumeration, so they get its text
    values = {each.name: getattr(row, each.name) for each in fields(row)}
    return {column: value.value if isinstance(value, StrEnum) else value for column, value in values.items()}
