"""Tables of the audit log and their repository.

`audit_log`, `audit_event`, `audit_leaf` and `audit_checkpoint` are insert-only: triggers refuse UPDATE and DELETE (and TRUNCATE on PostgreSQL), beside the
grants a server may have. `audit_disclosure` and `audit_subject` are erasable. Tiles, standing and progress can be rebuilt from events and leaves.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Index, Integer, and_, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError, InternalError, ProgrammingError

from privacy.adapters.store.engine import connection
from privacy.adapters.store.schema import MAIN, Column, Table, blob, instant, json_text, key, name, serial, text, upsert
from privacy.audit.ports import DisclosureRow, Entry, EventFilter, EventRow, LeafRow, LogRow, LogState, Progress, Standing, SubjectRow
from privacy.kernel.errors import AuditBroken, AuditUnavailable
from privacy.kernel.ids import EventId, TenantId
from privacy.kernel.store import Tx

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CHUNK = 500  # values in one IN list


def insert_only_ddl(table: str, dialect: str) -> list[str]:
    """Return the statements that make `table` insert-only on `dialect`; migrations use them as well."""
    refusal = f"{table} is insert-only"
    if dialect == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        return [f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} {refuse}" for verb in ("update", "delete")]
    if dialect == "postgresql":
        return [
            f"CREATE OR REPLACE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{refusal}'; END $$",
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()",
        ]
    return [
        f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{refusal}'"
        for verb in ("update", "delete")
    ]


def _refuse_changes(table: Table, opened: Connection, **_: Any) -> None:
    for statement in insert_only_ddl(table.name, opened.dialect.name):
        opened.exec_driver_sql(statement)


INSERT_ONLY = ("audit_log", "audit_event", "audit_leaf", "audit_checkpoint")
_INSERT_ONLY: Any = [("after_create", _refuse_changes)]

logs_table = Table(
    "audit_log",
    MAIN,
    Column("log_id", name(128), primary_key=True),
    Column("tenant", name(64), nullable=False, index=True),
    Column("generation", Integer, nullable=False),
    Column("created_at", instant(), nullable=False),
    listeners=_INSERT_ONLY,
)
events_table = Table(
    "audit_event",
    MAIN,
    Column("seq", serial(), primary_key=True, autoincrement=True),
    Column("log_id", name(128), nullable=False),
    Column("event", key(), nullable=False, unique=True),
    Column("at", instant(), nullable=False),
    Column("leaf_hash", blob(32), nullable=False),
    Column("entry", blob(65_535), nullable=False),
    listeners=_INSERT_ONLY,
)
leaves_table = Table(
    "audit_leaf",
    MAIN,
    Column("log_id", name(128), primary_key=True),
    Column("leaf_index", BigInteger, primary_key=True, autoincrement=False),
    Column("event_seq", BigInteger, nullable=False, unique=True),
    Column("event", key(), nullable=False, unique=True),
    Column("at", instant(), nullable=False),
    Column("action", key(), nullable=False),
    Column("outcome", key(), nullable=False),
    Column("actor", name(128), nullable=False),
    Column("object_ref", name(256), nullable=False),
    Column("request_id", name(128), nullable=False),
    Index("ix_audit_leaf_action", "log_id", "action", "leaf_index"),
    Index("ix_audit_leaf_actor", "log_id", "actor", "leaf_index"),
    Index("ix_audit_leaf_object", "log_id", "object_ref", "leaf_index"),
    Index("ix_audit_leaf_at", "log_id", "at"),
    Index("ix_audit_leaf_request", "log_id", "request_id"),
    listeners=_INSERT_ONLY,
)
tiles_table = Table(
    "audit_tile",
    MAIN,
    Column("log_id", name(128), primary_key=True),
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", blob(8_192), nullable=False),
)
checkpoints_table = Table(
    "audit_checkpoint",
    MAIN,
    Column("log_id", name(128), primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", text(), nullable=False),
    Column("at", instant(), nullable=False),
    listeners=_INSERT_ONLY,
)
standings_table = Table(
    "audit_standing",
    MAIN,
    Column("log_id", name(128), primary_key=True),
    Column("state", key(), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", blob(32), nullable=False),
)
progress_table = Table(
    "audit_progress",
    MAIN,
    Column("name", key(), primary_key=True),  # `sequencer` and `probe`
    Column("low_water", BigInteger, nullable=False),
    Column("caught_up_at", instant(), nullable=False),
)
disclosures_table = Table(
    "audit_disclosure",
    MAIN,
    Column("tenant", name(64), nullable=False),
    Column("log_id", name(128), nullable=False),
    Column("event", key(), primary_key=True),
    Column("field", name(128), primary_key=True),
    Column("sealed", blob(1 << 20), nullable=False),
)
subjects_table = Table(
    "audit_subject",
    MAIN,
    Column("tenant", name(64), nullable=False),
    Column("log_id", name(128), nullable=False),
    Column("event", key(), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("hash", blob(32), nullable=False),
    Column("audit_ref", blob(32), nullable=True, index=True),
    Column("fields", json_text(), nullable=True),
    Column("effect", key(), nullable=True),
    Column("salt", blob(32), nullable=True),
)


class SqlAuditRepository:
    """Implements `AuditRepository` on SQLite, PostgreSQL and MariaDB."""

    # --- logs and how they stand ----------------------------------------------------------------------------------------------

    def open_log(self, tx: Tx, row: LogRow) -> None:
        values = {"log_id": row.log_id, "tenant": row.tenant, "generation": row.generation, "created_at": row.created_at}
        if connection(tx).dialect.name in ("mysql", "mariadb"):
            # an upsert that changes nothing would still fire the trigger against UPDATE
            connection(tx).execute(insert(logs_table).prefix_with("IGNORE"), values)
        else:
            upsert(connection(tx), logs_table, [values], ["log_id"], [])

    def newest_log(self, tx: Tx, tenant: TenantId) -> LogRow | None:
        query = _LOGS.where(logs_table.c.tenant == tenant).order_by(logs_table.c.generation.desc()).limit(1)
        found = connection(tx).execute(query).first()
        return LogRow(*found) if found else None

    def logs(self, tx: Tx) -> list[LogRow]:
        return [LogRow(*row) for row in connection(tx).execute(_LOGS.order_by(logs_table.c.tenant, logs_table.c.generation))]

    def standings(self, tx: Tx) -> list[Standing]:
        c = standings_table.c
        return [Standing(row[0], LogState(row[1]), row[2], row[3]) for row in connection(tx).execute(select(c.log_id, c.state, c.size, c.root))]

    def save_standing(self, tx: Tx, row: Standing) -> None:
        values = {"log_id": row.log_id, "state": row.state.value, "size": row.size, "root": row.root}
        upsert(connection(tx), standings_table, [values], ["log_id"], ["state", "size", "root"])

    def progress(self, tx: Tx) -> Progress | None:
        found = connection(tx).execute(_PROGRESS).first()
        return Progress(*found) if found else None

    def lock_progress(self, tx: Tx, now: datetime) -> Progress:
        opened = connection(tx)
        found = opened.execute(_PROGRESS.with_for_update()).first()
        if found is None:
            _mark(opened, "sequencer", 0, now, replace=False)
            found = opened.execute(_PROGRESS.with_for_update()).one()
        return Progress(*found)

    def save_progress(self, tx: Tx, row: Progress) -> None:
        _mark(connection(tx), "sequencer", row.low_water, row.caught_up_at, replace=True)

    def touch_probe(self, tx: Tx, at: datetime) -> None:
        _mark(connection(tx), "probe", 0, at, replace=True)

    # --- events and what stands beside them -------------------------------------------------------------------------------------

    def add_event(self, tx: Tx, row: EventRow) -> None:
        # the one statement of every call of the service: written for the driver, it costs a third of what the expression costs
        opened = connection(tx)
        mark = "?" if opened.dialect.name == "sqlite" else "%s"
        values = (row.log_id, row.event, (row.at - _EPOCH) // timedelta(microseconds=1), row.leaf_hash, row.entry)
        with _writing():
            opened.exec_driver_sql(f"INSERT INTO audit_event (log_id, event, at, leaf_hash, entry) VALUES ({mark}, {mark}, {mark}, {mark}, {mark})", values)  # noqa: S608

    def add_disclosures(self, tx: Tx, rows: Sequence[DisclosureRow]) -> None:
        values = [{"tenant": row.tenant, "log_id": row.log_id, "event": row.event, "field": row.field, "sealed": row.sealed} for row in rows]
        with _writing():
            connection(tx).execute(insert(disclosures_table), values)

    def add_subjects(self, tx: Tx, rows: Sequence[SubjectRow]) -> None:
        values = [
            {
                "tenant": row.tenant, "log_id": row.log_id, "event": row.event, "n": row.n, "hash": row.hash,
                "audit_ref": row.audit_ref, "fields": row.fields, "effect": row.effect, "salt": row.salt,
            }
            for row in rows
        ]  # fmt: skip
        with _writing():
            connection(tx).execute(insert(subjects_table), values)

    def oldest_unsequenced(self, tx: Tx, log_id: str, low_water: int) -> datetime | None:
        e = events_table.c
        query = select(e.at).where(e.seq > low_water, e.log_id == log_id, ~_HAS_LEAF).order_by(e.seq).limit(1)
        found: datetime | None = connection(tx).execute(query).scalar()
        return found

    def erase_subject(self, tx: Tx, tenant: TenantId, audit_refs: Sequence[bytes]) -> tuple[int, int]:
        opened, s, d = connection(tx), subjects_table.c, disclosures_table.c
        named = and_(s.tenant == tenant, s.audit_ref.in_(audit_refs))
        events = opened.execute(select(s.event).where(named).distinct()).scalars().all()
        rows = opened.execute(update(subjects_table).where(named).values(audit_ref=None, fields=None, effect=None, salt=None)).rowcount
        somebody_left = exists().where(s.event == d.event, s.audit_ref.is_not(None)).correlate(disclosures_table)
        removed = 0
        for begin in range(0, len(events), _CHUNK):
            part = events[begin : begin + _CHUNK]
            removed += opened.execute(delete(disclosures_table).where(d.event.in_(part), ~somebody_left)).rowcount
        return rows, removed

    # --- sequencing -------------------------------------------------------------------------------------------------------------

    def unsequenced(self, tx: Tx, after: int, upto: int | None, limit: int, without: Sequence[str]) -> list[EventRow]:
        e = events_table.c
        query = select(e.log_id, e.event, e.at, e.entry, e.leaf_hash, e.seq).where(e.seq > after, ~_HAS_LEAF)
        if upto is not None:
            query = query.where(e.seq <= upto)
        if without:
            query = query.where(e.log_id.not_in(without))
        return [EventRow(*row) for row in connection(tx).execute(query.order_by(e.seq).limit(limit))]

    def newest_seq(self, tx: Tx) -> int:
        return connection(tx).execute(select(func.max(events_table.c.seq))).scalar() or 0

    def add_leaves(self, tx: Tx, rows: Sequence[LeafRow]) -> None:
        values = [
            {
                "log_id": row.log_id, "leaf_index": row.index, "event_seq": row.seq, "event": row.event, "at": row.at, "action": row.action,
                "outcome": row.outcome, "actor": row.actor, "object_ref": row.object_ref, "request_id": row.request_id,
            }
            for row in rows
        ]  # fmt: skip
        connection(tx).execute(insert(leaves_table), values)

    def tile(self, tx: Tx, log_id: str, level: int, n: int) -> bytes:
        c = tiles_table.c
        found: bytes | None = connection(tx).execute(select(c.hashes).where(c.log_id == log_id, c.level == level, c.n == n)).scalar()
        return found or b""

    def put_tiles(self, tx: Tx, log_id: str, tiles: Mapping[tuple[int, int], bytes]) -> None:
        values = [{"log_id": log_id, "level": level, "n": n, "hashes": hashes} for (level, n), hashes in tiles.items()]
        upsert(connection(tx), tiles_table, values, ["log_id", "level", "n"], ["hashes"])

    def add_checkpoint(self, tx: Tx, log_id: str, size: int, note: str, at: datetime) -> None:
        connection(tx).execute(insert(checkpoints_table), {"log_id": log_id, "size": size, "note": note, "at": at})

    # --- reading ----------------------------------------------------------------------------------------------------------------

    def checkpoint(self, tx: Tx, log_id: str, at_most: int | None = None) -> tuple[int, str] | None:
        c = checkpoints_table.c
        query = select(c.size, c.note).where(c.log_id == log_id)
        if at_most is not None:
            query = query.where(c.size <= at_most)
        found = connection(tx).execute(query.order_by(c.size.desc()).limit(1)).first()
        return (found[0], found[1]) if found else None

    def entries(self, tx: Tx, log_id: str, first: int, end: int) -> list[Entry]:
        index = leaves_table.c.leaf_index
        query = _ENTRIES.where(leaves_table.c.log_id == log_id, index >= first, index < end).order_by(index)
        return [Entry(*row[:4], tuple(row[4:])) for row in connection(tx).execute(query)]

    def find(self, tx: Tx, log_id: str, wanted: EventFilter, before: int, limit: int) -> list[Entry]:
        index = leaves_table.c.leaf_index
        query = _ENTRIES.where(leaves_table.c.log_id == log_id, index < before, *_conditions(wanted)).order_by(index.desc()).limit(limit)
        return [Entry(*row[:4], tuple(row[4:])) for row in connection(tx).execute(query)]

    def matching(self, tx: Tx, log_id: str, wanted: EventFilter, first: int, end: int) -> set[int]:
        index = leaves_table.c.leaf_index
        query = select(index).where(leaves_table.c.log_id == log_id, index >= first, index < end, *_conditions(wanted))
        return set(connection(tx).execute(query).scalars())

    def index_of(self, tx: Tx, log_id: str, event: EventId) -> int | None:
        c = leaves_table.c
        found: int | None = connection(tx).execute(select(c.leaf_index).where(c.log_id == log_id, c.event == event)).scalar()
        return found

    def disclosures(self, tx: Tx, log_id: str, event: EventId) -> list[DisclosureRow]:
        c = disclosures_table.c
        query = select(c.tenant, c.log_id, c.event, c.field, c.sealed).where(c.log_id == log_id, c.event == event).order_by(c.field)
        return [DisclosureRow(*row) for row in connection(tx).execute(query)]

    def subjects(self, tx: Tx, log_id: str, event: EventId) -> list[SubjectRow]:
        c = subjects_table.c
        query = select(c.tenant, c.log_id, c.event, c.n, c.hash, c.audit_ref, c.fields, c.effect, c.salt)
        rows = connection(tx).execute(query.where(c.log_id == log_id, c.event == event).order_by(c.n)).all()
        if [row.n for row in rows] != list(range(len(rows))):
            raise AuditBroken("Rows of the audit log's subjects are missing; erasing a person empties them and removes none. Restore the main database.")
        return [SubjectRow(*row[:6], tuple(row.fields or ()), row.effect or "", row.salt or b"") for row in rows]


_HAS_LEAF = exists().where(leaves_table.c.event_seq == events_table.c.seq).correlate(events_table)
_LOGS = select(logs_table.c.log_id, logs_table.c.tenant, logs_table.c.generation, logs_table.c.created_at)
_PROGRESS = select(progress_table.c.low_water, progress_table.c.caught_up_at).where(progress_table.c.name == "sequencer")
_ENTRIES = select(
    leaves_table.c.leaf_index,
    events_table.c.event,
    events_table.c.entry,
    events_table.c.leaf_hash,
    leaves_table.c.event,
    leaves_table.c.action,
    leaves_table.c.outcome,
    leaves_table.c.actor,
    leaves_table.c.object_ref,
    leaves_table.c.request_id,
).join_from(leaves_table, events_table, leaves_table.c.event_seq == events_table.c.seq)


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Tell the log's own refusals from the caller's: a constraint, trigger or missing grant here is no conflict of the change that is recorded."""
    try:
        yield
    except (IntegrityError, ProgrammingError, InternalError):
        # deadlocks and lost connections are none of these: the store tries again, or says so itself
        raise AuditUnavailable("The audit log's tables refuse the event, so nothing was changed or disclosed; run `privacy doctor`.") from None


def _mark(opened: Connection, called: str, low_water: int, at: datetime, *, replace: bool) -> None:
    values = {"name": called, "low_water": low_water, "caught_up_at": at}
    upsert(opened, progress_table, [values], ["name"], ["low_water", "caught_up_at"] if replace else [])


def _conditions(wanted: EventFilter) -> list[ColumnElement[bool]]:
    c = leaves_table.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.actions:
        conditions.append(c.action.in_(wanted.actions))
    for column, value in ((c.outcome, wanted.outcome), (c.actor, wanted.actor), (c.object_ref, wanted.object_ref), (c.request_id, wanted.request_id)):
        if value:
            conditions.append(column == value)
    if wanted.since:
        conditions.append(c.at >= wanted.since)
    if wanted.until:
        conditions.append(c.at < wanted.until)
    if wanted.audit_refs is not None:
        s = subjects_table.c
        conditions.append(exists().where(s.event == c.event, s.audit_ref.in_(wanted.audit_refs)).correlate(leaves_table))
    return conditions
