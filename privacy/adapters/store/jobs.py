"""Tables and repositories of jobs: the queue, the leader's lease, the slots of schedules.

Servers: rows are taken by `SELECT … FOR UPDATE SKIP LOCKED` and then updated, which MariaDB (no UPDATE … RETURNING) and PostgreSQL both know. SQLite has
one writer, so the same statements without locks do.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Boolean, Index, Integer, Row, Select, UniqueConstraint, case, delete, func, insert, literal_column, select, update
from sqlalchemy.exc import IntegrityError

from privacy.adapters.store.engine import connection
from privacy.adapters.store.schema import MAIN, Column, Table, instant, json_text, key, name, text, upsert
from privacy.jobs.model import Job, JobState
from privacy.jobs.ports import Progress, Release, Slot
from privacy.kernel.clock import Clock, SystemClock
from privacy.kernel.errors import Conflict
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx

JOB = Table(
    "job",
    MAIN,
    Column("id", key(), primary_key=True),
    Column("tenant", key(), nullable=False),
    Column("kind", key(), nullable=False),
    Column("payload", json_text(), nullable=False),
    Column("dedupe", name(255), nullable=False),
    Column("state", key(), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("run_at", instant(), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("created_at", instant(), nullable=False),
    Column("created_by", name(200), nullable=False),
    Column("lease_until", instant()),
    Column("token", BigInteger, nullable=False),
    Column("worker", name(200), nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger),
    Column("furthest", BigInteger, nullable=False),  # the largest `done` of any attempt: tells progress from going in circles
    Column("step", name(200), nullable=False),
    Column("pause_wanted", Boolean, nullable=False),
    Column("cancellable", Boolean, nullable=False),
    Column("lane", name(200), nullable=False),
    Column("lane_held", name(200)),  # the lane while the job is leased, else NULL: unique, so that no race lets two in
    Column("error_code", key(), nullable=False),
    Column("error_detail", text(), nullable=False),
    Column("finished_at", instant()),
    Column("result", json_text(), nullable=False),
    UniqueConstraint("tenant", "dedupe"),
    UniqueConstraint("lane_held"),
    Index("ix_job_state", "state", "priority", "run_at", "id"),
    Index("ix_job_tenant", "tenant", "id"),
)
# no tenant: it leads for all of them
LEADER = Table(
    "leader",
    MAIN,
    Column("name", key(), primary_key=True),
    Column("holder", name(200), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("until", instant(), nullable=False),
)
SLOT = Table(
    "schedule_slot",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("schedule", key(), primary_key=True),
    Column("slot", instant(), primary_key=True, autoincrement=False),
    Column("plan", name(200), nullable=False),
    Column("job", key(), nullable=False),
    Column("missed", Integer, nullable=False),
    Column("fired_at", instant(), nullable=False),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FINAL = (JobState.DONE, JobState.CANCELLED)
# microseconds since 1970 in UTC, whatever zone the session has; in brackets of its own PostgreSQL asks once, not for every row
_NOW = {
    "postgresql": "(SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint))",
    "mysql": "TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6))",
}


class _Timed:
    """Knows the time that all workers of one database agree on.

    Args:
        clock: the time on SQLite, where all workers are on this machine.
        database_clock: False takes `clock` on servers too: for tests that move the time.
    """

    def __init__(self, clock: Clock | None = None, *, database_clock: bool = True) -> None:
        self._clock = clock or SystemClock()
        self._database_clock = database_clock

    def now(self, tx: Tx) -> datetime:
        told = self._soon(tx)
        if isinstance(told, datetime):
            return told
        answered: datetime = connection(tx).execute(select(told)).scalar_one()
        return answered

    def _soon(self, tx: Tx, later: timedelta = timedelta()) -> Any:
        """Return now, or a while later, as something to write into a statement: asking first would cost every statement another journey."""
        question = _NOW.get(tx.dialect) if self._database_clock else None
        if question is None:
            return self._clock.now() + later
        return literal_column(f"{question} + {later // timedelta(microseconds=1)}", instant())


class SqlJobRepository(_Timed):
    """Implements `jobs.ports.JobRepository`."""

    def add(self, tx: Tx, job: Job) -> None:
        upsert(connection(tx), JOB, [_row(job)], ["tenant", "dedupe"], [])

    def find(self, tx: Tx, tenant: TenantId, dedupe: str) -> Job | None:
        return _one(tx, select(JOB).where(JOB.c.tenant == tenant, JOB.c.dedupe == dedupe))

    def get(self, tx: Tx, tenant: TenantId, id: str, *, lock: bool = False) -> Job | None:
        query = select(JOB).where(JOB.c.tenant == tenant, JOB.c.id == id)
        return _one(tx, query.with_for_update() if lock else query)

    def page(self, tx: Tx, tenant: TenantId, states: Collection[JobState], kind: str, after: str, limit: int) -> list[Job]:
        query = select(JOB).where(JOB.c.tenant == tenant).order_by(JOB.c.id.desc()).limit(limit)
        if states:
            query = query.where(JOB.c.state.in_(sorted(states)))
        if kind:
            query = query.where(JOB.c.kind == kind)
        if after:
            query = query.where(JOB.c.id < after)
        return [_job(row) for row in connection(tx).execute(query)]

    def save(self, tx: Tx, job: Job) -> None:
        changed = {column: getattr(job, column) for column in ("state", "run_at", "attempts", "pause_wanted", "error_code", "error_detail", "finished_at")}
        connection(tx).execute(update(JOB).where(JOB.c.id == job.id).values(changed))

    # --- leases --------------------------------------------------------------------------------------------------------------------

    def claim(self, tx: Tx, kinds: Collection[str], worker: str, length: timedelta, limit: int) -> list[Job]:
        query = self._ready(tx, kinds).limit(limit).with_for_update(skip_locked=True)
        taken = [_job(row) for row in connection(tx).execute(query)]
        return [self._lease(tx, job, worker, length) for job in _one_a_lane(taken)]

    def waiting(self, tx: Tx, kinds: Collection[str]) -> bool:
        return connection(tx).execute(self._ready(tx, kinds).limit(1)).first() is not None

    def _ready(self, tx: Tx, kinds: Collection[str]) -> Select[Any]:
        busy = connection(tx).execute(select(JOB.c.lane_held).where(JOB.c.lane_held.is_not(None))).scalars().all()
        query = select(JOB).where(JOB.c.state == JobState.READY, JOB.c.run_at <= self._soon(tx), JOB.c.kind.in_(sorted(kinds)))
        if busy:
            query = query.where(JOB.c.lane.not_in(busy))
        # in the order of the index, so that a limit reads, and locks, no more rows than it needs; PostgreSQL would rather sort them all for as long as it
        # has not noticed that the queue has grown
        if tx.dialect == "postgresql":
            connection(tx).exec_driver_sql("SET LOCAL enable_sort = off")
        return query.order_by(JOB.c.priority, JOB.c.run_at, JOB.c.id)

    def _lease(self, tx: Tx, job: Job, worker: str, length: timedelta) -> Job:
        leased = replace(job, state=JobState.LEASED, attempts=job.attempts + 1, token=job.token + 1, worker=worker)
        changed = {"state": JobState.LEASED, "attempts": leased.attempts, "token": leased.token, "worker": worker, "lease_until": self._soon(tx, length)}
        try:
            connection(tx).execute(update(JOB).where(JOB.c.id == job.id).values(**changed, lane_held=_lane(job) or None))
        except IntegrityError:
            raise Conflict("Another worker took a job of the same lane just now.") from None
        return leased

    def renew(self, tx: Tx, id: str, token: int, progress: Progress) -> bool | None:
        further = JOB.c.furthest < progress.done
        changed: dict[str, Any] = {"done": progress.done, "total": progress.total, "step": progress.step, "lease_until": self._soon(tx, progress.length)}
        # MariaDB sets columns from left to right and reads the new values: `attempts` must come before `furthest`
        counted = [(JOB.c.attempts, case((further, 1), else_=JOB.c.attempts)), (JOB.c.furthest, case((further, progress.done), else_=JOB.c.furthest))]
        pairs = [(JOB.c[column], value) for column, value in changed.items()] + counted
        if connection(tx).execute(_held(update(JOB), id, token).ordered_values(*pairs)).rowcount != 1:
            return None
        return bool(connection(tx).execute(select(JOB.c.pause_wanted).where(JOB.c.id == id)).scalar_one())

    def hold(self, tx: Tx, id: str, token: int) -> bool:
        return connection(tx).execute(_held(select(JOB.c.id), id, token).with_for_update()).one_or_none() is not None

    def complete(self, tx: Tx, id: str, token: int, result: Mapping[str, str | int]) -> bool:
        ended = {"state": JobState.DONE, "finished_at": self._soon(tx), "result": dict(result), "error_code": "", "error_detail": "", "pause_wanted": False}
        return connection(tx).execute(_held(update(JOB), id, token).values(**ended, **_FREE)).rowcount == 1

    def release(self, tx: Tx, id: str, token: int, release: Release) -> bool:
        left = {"state": release.state, "run_at": release.run_at, "attempts": release.attempts}
        why = {"error_code": release.error_code, "error_detail": release.error_detail, "pause_wanted": False}
        return connection(tx).execute(_held(update(JOB), id, token).values(**left, **why, **_FREE)).rowcount == 1

    def expired(self, tx: Tx, now: datetime, limit: int) -> list[Job]:
        query = select(JOB).where(JOB.c.state == JobState.LEASED, JOB.c.lease_until < now).order_by(JOB.c.priority, JOB.c.run_at, JOB.c.id).limit(limit)
        return [_job(row) for row in connection(tx).execute(query.with_for_update(skip_locked=True))]

    # --- care ----------------------------------------------------------------------------------------------------------------------

    def purge(self, tx: Tx, tenant: TenantId, before: datetime, limit: int) -> int:
        old = select(JOB.c.id).where(JOB.c.tenant == tenant, JOB.c.state.in_(_FINAL), JOB.c.finished_at < before).limit(limit)
        ids = connection(tx).execute(old).scalars().all()
        return connection(tx).execute(delete(JOB).where(JOB.c.id.in_(ids))).rowcount if ids else 0

    def counts(self, tx: Tx) -> Mapping[JobState, int]:
        waiting = [state for state in JobState if state not in _FINAL]
        query = select(JOB.c.state, func.count()).where(JOB.c.state.in_(waiting)).group_by(JOB.c.state)
        found = {row[0]: row[1] for row in connection(tx).execute(query)}
        return {state: found.get(state, 0) for state in waiting}


class SqlScheduleRepository(_Timed):
    """Implements `jobs.ports.ScheduleRepository`."""

    def lead(self, tx: Tx, name: str, holder: str, now: datetime, until: datetime) -> int | None:
        upsert(connection(tx), LEADER, [{"name": name, "holder": "", "token": 0, "until": _EPOCH}], ["name"], [])
        row = connection(tx).execute(select(LEADER).where(LEADER.c.name == name).with_for_update()).one()
        if row.holder != holder and row.until > now:
            return None
        # one's own lease that ran out counts as a new one: another may have led meanwhile
        token = int(row.token) if row.holder == holder and row.until > now else int(row.token) + 1
        connection(tx).execute(update(LEADER).where(LEADER.c.name == name).values(holder=holder, token=token, until=until))
        return token

    def led_until(self, tx: Tx, name: str) -> tuple[str, datetime] | None:
        row = connection(tx).execute(select(LEADER.c.holder, LEADER.c.until).where(LEADER.c.name == name)).one_or_none()
        return (row.holder, row.until) if row else None

    def hold(self, tx: Tx, name: str, holder: str, token: int) -> bool:
        mine = select(LEADER.c.name).where(LEADER.c.name == name, LEADER.c.holder == holder, LEADER.c.token == token)
        return connection(tx).execute(mine.with_for_update()).one_or_none() is not None

    def resign(self, tx: Tx, name: str, holder: str, now: datetime) -> None:
        connection(tx).execute(update(LEADER).where(LEADER.c.name == name, LEADER.c.holder == holder).values(until=now))

    def last_slots(self, tx: Tx, schedules: Collection[str]) -> Mapping[tuple[TenantId, str], Slot]:
        wanted = SLOT.c.schedule.in_(sorted(schedules))
        last = select(SLOT.c.tenant, SLOT.c.schedule, func.max(SLOT.c.slot).label("slot")).where(wanted).group_by(SLOT.c.tenant, SLOT.c.schedule).subquery()
        same = (SLOT.c.tenant == last.c.tenant) & (SLOT.c.schedule == last.c.schedule) & (SLOT.c.slot == last.c.slot)
        rows = connection(tx).execute(select(SLOT).join(last, same))
        return {(slot.tenant, slot.schedule): slot for slot in map(_slot, rows)}

    def add_slot(self, tx: Tx, slot: Slot) -> None:
        row = {field.name: getattr(slot, field.name) for field in fields(Slot)}
        try:
            connection(tx).execute(insert(SLOT).values(row))
        except IntegrityError:
            raise Conflict("This slot of the schedule was dealt with before.") from None

    def purge_slots(self, tx: Tx, tenant: TenantId, before: datetime) -> int:
        last = select(SLOT.c.schedule, func.max(SLOT.c.slot).label("slot")).where(SLOT.c.tenant == tenant).group_by(SLOT.c.schedule)
        removed = 0
        for row in connection(tx).execute(last).all():
            older = (SLOT.c.tenant == tenant, SLOT.c.schedule == row.schedule, SLOT.c.slot < min(before, row.slot))
            removed += connection(tx).execute(delete(SLOT).where(*older)).rowcount
        return removed


_FREE: Mapping[str, Any] = {"lease_until": None, "lane_held": None, "worker": ""}


def _held(statement: Any, id: str, token: int) -> Any:
    return statement.where(JOB.c.id == id, JOB.c.token == token, JOB.c.state == JobState.LEASED)


def _one_a_lane(jobs: Sequence[Job]) -> list[Job]:
    first: dict[str, Job] = {}
    for job in jobs:
        first.setdefault(_lane(job) or job.id, job)
    return list(first.values())


def _lane(job: Job) -> str:
    return f"{job.tenant}/{job.lane}" if job.lane else ""


def _one(tx: Tx, query: Select[Any]) -> Job | None:
    row = connection(tx).execute(query).one_or_none()
    return _job(row) if row else None


_JOB_COLUMNS = [field.name for field in fields(Job)]


def _row(job: Job) -> dict[str, Any]:
    row = {column: getattr(job, column) for column in _JOB_COLUMNS}
    return row | {"payload": dict(job.payload), "result": dict(job.result), "lane": _lane(job), "furthest": 0}


def _job(row: Row[Any]) -> Job:
    values = {column: row._mapping[column] for column in _JOB_COLUMNS}
    tenant = TenantId(row.tenant)
    return Job(**values | {"tenant": tenant, "state": JobState(row.state), "lane": row.lane.removeprefix(f"{tenant}/")})


def _slot(row: Row[Any]) -> Slot:
    values = {field.name: row._mapping[field.name] for field in fields(Slot)}
    return Slot(**values | {"tenant": TenantId(row.tenant)})
