"""Tables and repository of the catalogue: controllers, purposes, recipients, their history and the catalogue's version."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Boolean, Column, Integer, Row, Table, insert, select, update

from privacy.adapters.store.engine import connection
from privacy.adapters.store.schema import MAIN, instant, json_text, key, name, upsert
from privacy.inventory.catalogue_model import Controller, Purpose, Recipient
from privacy.inventory.catalogue_ports import Contents, Entry
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx

CONTROLLER = Table(
    "controller",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("name", name(200), nullable=False),
    Column("country", key(), nullable=False),
    Column("time_zone", key(), nullable=False),
    Column("calendar", key(), nullable=False),
    Column("regimes", json_text(), nullable=False),
    Column("languages", json_text(), nullable=False),
    Column("contact", name(200), nullable=False),
    Column("version", Integer, nullable=False),
)
PURPOSE = Table(
    "purpose",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("name", name(200), nullable=False),
    Column("name_zh", name(200), nullable=False),
    Column("controller", key(), nullable=False),
    Column("lawful_basis", key(), nullable=False),
    Column("categories", json_text(), nullable=False),
    Column("retention", key(), nullable=False),
    Column("needs_consent", Boolean, nullable=False),
    Column("separate_consent", Boolean, nullable=False),
    Column("needs_assessment", Boolean, nullable=False),
    Column("assessment", name(200)),
    Column("state", key(), nullable=False),
    Column("dpv", name(200), nullable=False),
    Column("version", Integer, nullable=False),
)
RECIPIENT = Table(
    "recipient",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("name", name(200), nullable=False),
    Column("kind", key(), nullable=False),
    Column("country", key(), nullable=False),
    Column("agreement_from", key()),  # ISO days: SQLite has no date, and days compare as texts
    Column("agreement_to", key()),
    Column("purposes", json_text(), nullable=False),
    Column("contact", name(200), nullable=False),
    Column("version", Integer, nullable=False),
)
HISTORY = Table(
    "catalogue_history",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("kind", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("entry", json_text(), nullable=False),
    Column("saved_by", name(200), nullable=False),
    Column("saved_at", instant(), nullable=False),
)
STATE = Table(
    "catalogue_state",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("version", Integer, nullable=False),
)
_TABLES: Mapping[type[Entry], Table] = {Controller: CONTROLLER, Purpose: PURPOSE, Recipient: RECIPIENT}


class SqlCatalogueRepository:
    """Implements `inventory.catalogue_ports.CatalogueRepository`."""

    def version(self, tx: Tx, tenant: TenantId) -> int:
        return connection(tx).execute(select(STATE.c.version).where(STATE.c.tenant == tenant)).scalar_one_or_none() or 0

    def contents(self, tx: Tx, tenant: TenantId) -> Contents:
        return Contents(self.version(tx, tenant), _all(tx, tenant, Controller), _all(tx, tenant, Purpose), _all(tx, tenant, Recipient))

    def save(self, tx: Tx, tenant: TenantId, entry: Entry, by: str, at: datetime) -> bool:
        table, row = _TABLES[type(entry)], _row(entry)
        if entry.version == 1:
            # a twin inserted meanwhile breaks the primary key and comes out as Conflict
            connection(tx).execute(insert(table).values(tenant=tenant, **row))
        else:
            mine = (table.c.tenant == tenant, table.c.id == entry.id, table.c.version == entry.version - 1)
            if connection(tx).execute(update(table).where(*mine).values(row)).rowcount != 1:
                return False
        connection(tx).execute(insert(HISTORY).values(tenant=tenant, kind=table.name, id=entry.id, version=entry.version, entry=row, saved_by=by, saved_at=at))
        self._move_on(tx, tenant)
        return True

    def history(self, tx: Tx, tenant: TenantId, kind: str, id: str) -> list[tuple[int, Mapping[str, object], str, datetime]]:
        if not (kind + id).isascii():
            return []  # MariaDB cannot even compare other letters with a column of ASCII
        mine = (HISTORY.c.tenant == tenant, HISTORY.c.kind == kind, HISTORY.c.id == id)
        rows = connection(tx).execute(select(HISTORY).where(*mine).order_by(HISTORY.c.version.desc()))
        return [(row.version, row.entry, row.saved_by, row.saved_at) for row in rows]

    def _move_on(self, tx: Tx, tenant: TenantId) -> None:
        upsert(connection(tx), STATE, [{"tenant": tenant, "version": 0}], ["tenant"], [])
        connection(tx).execute(update(STATE).where(STATE.c.tenant == tenant).values(version=STATE.c.version + 1))


def _all(tx: Tx, tenant: TenantId, kind: type[Any]) -> dict[str, Any]:
    table = _TABLES[kind]
    rows = connection(tx).execute(select(table).where(table.c.tenant == tenant).order_by(table.c.id))
    return {row.id: _entry(kind, row) for row in rows}


def _row(entry: Entry) -> dict[str, Any]:
    return {field: _out(value) for field, value in asdict(entry).items()}


def _out(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _entry(kind: type[Any], row: Row[Any]) -> Any:
    values = row._mapping
    return kind(**{field.name: _in(field.name, values[field.name]) for field in fields(kind)})


def _in(name: str, value: Any) -> Any:
    if name in ("agreement_from", "agreement_to"):
        return date.fromisoformat(value) if value else None
    return tuple(value) if isinstance(value, list) else value
