"""Tables and repository of people's requests: the requests, keyed lookups, clocks, timeline, codes, packages in sealed chunks, accepted rules."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Row, Select, Table, and_, delete, func, insert, or_, select, update

from privacy.adapters.store.engine import connection
from privacy.adapters.store.schema import MAIN, blob, instant, json_text, key, name, text, upsert
from privacy.kernel.errors import Conflict
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx
from privacy.rights.acceptance import Acceptance
from privacy.rights.model import OPEN, Clock, Code, CodeState, Package, PackageState, Request, Requester, RequestKind, RequestState, Step
from privacy.rights.ports import Page

REQUEST = Table(
    "request",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("kind", key(), nullable=False),
    Column("state", key(), nullable=False),
    Column("controller", key(), nullable=False),
    Column("regimes", json_text(), nullable=False),
    Column("received_at", instant(), nullable=False),
    Column("recorded_at", instant(), nullable=False),
    Column("received_by", name(200), nullable=False),
    Column("channel", key(), nullable=False),
    Column("language", key(), nullable=False),
    Column("requester", key(), nullable=False),
    Column("identifier_kinds", json_text(), nullable=False),
    Column("file", blob(2**20)),
    Column("subjects", blob(2**20)),
    Column("doubt", key(), nullable=False),
    Column("verified_how", key(), nullable=False),
    Column("verified_by", name(200), nullable=False),
    Column("verified_at", instant()),
    Column("held_since", instant()),
    Column("plan", key(), nullable=False),
    Column("plan_hash", name(128), nullable=False),
    Column("outcome", key(), nullable=False),
    Column("closed_at", instant()),
    Column("purge_at", instant()),
    Column("purged_at", instant()),
    Column("target_at", instant()),
    Column("clocks", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_request_due", "tenant", "state", "target_at"),
    Index("ix_request_purge", "purge_at"),
)
LOOKUP = Table(
    "request_lookup",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("lookup", blob(32), primary_key=True),
    Column("request", key(), primary_key=True),
    Index("ix_request_lookup_request", "tenant", "request"),
)
CLOCK = Table(
    "request_clock",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("request", key(), primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("name", key(), nullable=False),
    Column("rule", name(128), nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("regime", key(), nullable=False),
    Column("calendar", key(), nullable=False),
    Column("calendar_version", text(), nullable=False),
    Column("zone", key(), nullable=False),
    Column("inputs", json_text(), nullable=False),
    Column("due", key(), nullable=False),
    Column("target", key(), nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("status", key(), nullable=False),
    Column("computed_at", instant(), nullable=False),
)
STEP = Table(
    "request_step",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("request", key(), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", instant(), nullable=False),
    Column("actor", name(200), nullable=False),
    Column("act", key(), nullable=False),
    Column("before", key(), nullable=False),
    Column("after", key(), nullable=False),
    Column("reason", key(), nullable=False),
    Column("details", json_text(), nullable=False),
    Column("note", blob(2**17)),
)
CODE = Table(
    "request_code",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("request", key(), nullable=False),
    Column("digest", blob(32), nullable=False),
    Column("contact", blob(32), nullable=False),
    Column("channel", key(), nullable=False),
    Column("state", key(), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("sent_at", instant(), nullable=False),
    Column("expires_at", instant(), nullable=False),
    Index("ix_request_code_request", "tenant", "request", "sent_at"),
    Index("ix_request_code_contact", "tenant", "contact", "sent_at"),
)
PACKAGE = Table(
    "request_package",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("request", key(), nullable=False),
    Column("state", key(), nullable=False),
    Column("made_at", instant(), nullable=False),
    Column("made_by", name(200), nullable=False),
    Column("expires_at", instant(), nullable=False),
    Column("chunks", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("digest", name(80), nullable=False),
    Column("read_at", instant()),
    Column("read_by", name(200), nullable=False),
    Column("subjects", json_text(), nullable=False),
    Column("unsearched", json_text(), nullable=False),
    Index("ix_request_package_request", "tenant", "request"),
    Index("ix_request_package_expires", "expires_at"),
)
CHUNK = Table(
    "request_package_chunk",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("package", key(), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("sealed", blob(2**21), nullable=False),
)
ACCEPTANCE = Table(
    "rule_acceptance",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", name(128), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("accepted_by", name(200), nullable=False),
    Column("accepted_at", instant(), nullable=False),
    Column("reason", text(), nullable=False),
)
_OPEN = sorted(state.value for state in OPEN)
_REQUEST_COLUMNS = [column.name for column in REQUEST.columns]


class SqlRequestRepository:
    """Implements `rights.ports.RequestRepository`."""

    # --- requests ------------------------------------------------------------------------------------------------------------------

    def add(self, tx: Tx, request: Request, lookups: Collection[bytes]) -> None:
        connection(tx).execute(insert(REQUEST).values(_values(request)))
        self.add_lookups(tx, request.tenant, request.id, lookups)

    def get(self, tx: Tx, tenant: TenantId, id: str, *, lock: bool = False) -> Request | None:
        query = select(REQUEST).where(REQUEST.c.tenant == tenant, REQUEST.c.id == id)
        row = connection(tx).execute(query.with_for_update() if lock else query).one_or_none()
        return _request(row) if row else None

    def save(self, tx: Tx, request: Request) -> None:
        mine = (REQUEST.c.tenant == request.tenant, REQUEST.c.id == request.id, REQUEST.c.version == request.version - 1)
        if connection(tx).execute(update(REQUEST).where(*mine).values(_values(request))).rowcount != 1:
            raise Conflict("The request was changed by somebody else just now; look at it again.")

    def add_lookups(self, tx: Tx, tenant: TenantId, id: str, lookups: Collection[bytes]) -> None:
        rows = [{"tenant": tenant, "lookup": lookup, "request": id} for lookup in sorted(lookups)]
        upsert(connection(tx), LOOKUP, rows, ("tenant", "lookup", "request"), ())

    def found_by(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> Mapping[str, frozenset[bytes]]:
        if not lookups:
            return {}
        ids = select(LOOKUP.c.request).where(LOOKUP.c.tenant == tenant, LOOKUP.c.lookup.in_(sorted(lookups)))
        found = sorted(set(connection(tx).execute(ids).scalars()))
        held: dict[str, set[bytes]] = {id: set() for id in found}
        for row in connection(tx).execute(select(LOOKUP).where(LOOKUP.c.tenant == tenant, LOOKUP.c.request.in_(found))):
            held[row.request].add(bytes(row.lookup))
        return {id: frozenset(digests) for id, digests in held.items()}

    def page(self, tx: Tx, tenant: TenantId, page: Page) -> list[Request]:
        query = select(REQUEST).where(REQUEST.c.tenant == tenant)
        if page.states:
            query = query.where(REQUEST.c.state.in_([state.value for state in page.states]))
        if page.kind is not None:
            query = query.where(REQUEST.c.kind == page.kind.value)
        if page.until is not None:
            query = query.where(REQUEST.c.target_at <= page.until)
        query = self._after(tx, tenant, query, page.after)
        return [_request(row) for row in connection(tx).execute(query.order_by(REQUEST.c.target_at, REQUEST.c.id).limit(page.limit))]

    def _after(self, tx: Tx, tenant: TenantId, query: Select[Any], id: str) -> Select[Any]:
        last = self.get(tx, tenant, id) if id and id.isascii() else None
        if last is None:
            return query
        later = REQUEST.c.target_at > last.target_at
        return query.where(or_(later, and_(REQUEST.c.target_at == last.target_at, REQUEST.c.id > last.id)))

    def to_purge(self, tx: Tx, tenant: TenantId, now: datetime, limit: int) -> list[Request]:
        due = (REQUEST.c.tenant == tenant, REQUEST.c.purge_at <= now, REQUEST.c.purged_at.is_(None), REQUEST.c.state.not_in(_OPEN))
        return [_request(row) for row in connection(tx).execute(select(REQUEST).where(*due).order_by(REQUEST.c.purge_at).limit(limit))]

    def forget(self, tx: Tx, tenant: TenantId, id: str) -> None:
        opened = connection(tx)
        packages = select(PACKAGE.c.id).where(PACKAGE.c.tenant == tenant, PACKAGE.c.request == id)
        for package in list(opened.execute(packages).scalars()):
            self.drop_chunks(tx, tenant, package)
        for table in (LOOKUP, CODE, PACKAGE):
            opened.execute(delete(table).where(table.c.tenant == tenant, table.c.request == id))
        opened.execute(update(STEP).where(STEP.c.tenant == tenant, STEP.c.request == id).values(note=None))

    # --- clocks and steps ----------------------------------------------------------------------------------------------------------

    def add_clocks(self, tx: Tx, tenant: TenantId, id: str, generation: int, clocks: Sequence[Clock], at: datetime) -> None:
        rows = [_clock_values(tenant, id, generation, seq, clock, at) for seq, clock in enumerate(clocks)]
        if rows:
            connection(tx).execute(insert(CLOCK), rows)

    def clocks(self, tx: Tx, tenant: TenantId, id: str, generation: int | None = None) -> list[tuple[int, Clock]]:
        query = select(CLOCK).where(CLOCK.c.tenant == tenant, CLOCK.c.request == id).order_by(CLOCK.c.generation, CLOCK.c.seq)
        rows = connection(tx).execute(query if generation is None else query.where(CLOCK.c.generation == generation))
        return [(row.generation, _clock(row)) for row in rows]

    def add_step(self, tx: Tx, tenant: TenantId, id: str, step: Step) -> None:
        row = {column: getattr(step, column) for column in ("seq", "at", "actor", "act", "before", "after", "reason", "note")}
        connection(tx).execute(insert(STEP).values(tenant=tenant, request=id, details=dict(step.details), **row))

    def steps(self, tx: Tx, tenant: TenantId, id: str) -> list[Step]:
        rows = connection(tx).execute(select(STEP).where(STEP.c.tenant == tenant, STEP.c.request == id).order_by(STEP.c.seq))
        return [Step(row.seq, row.at, row.actor, row.act, row.before, row.after, row.reason, row.details, _bytes(row.note)) for row in rows]

    # --- codes ---------------------------------------------------------------------------------------------------------------------

    def add_code(self, tx: Tx, tenant: TenantId, code: Code) -> None:
        values = {column.name: getattr(code, column.name) for column in CODE.columns if column.name != "tenant"}
        connection(tx).execute(insert(CODE).values(values | {"tenant": tenant, "state": code.state.value}))

    def newest_code(self, tx: Tx, tenant: TenantId, request: str, *, lock: bool = False) -> Code | None:
        query = select(CODE).where(CODE.c.tenant == tenant, CODE.c.request == request).order_by(CODE.c.sent_at.desc(), CODE.c.id.desc()).limit(1)
        row = connection(tx).execute(query.with_for_update() if lock else query).one_or_none()
        if row is None:
            return None
        times = (row.sent_at, row.expires_at)
        return Code(row.id, row.request, bytes(row.digest), bytes(row.contact), row.channel, CodeState(row.state), row.attempts, *times)

    def set_code(self, tx: Tx, tenant: TenantId, id: str, state: CodeState, attempts: int) -> None:
        connection(tx).execute(update(CODE).where(CODE.c.tenant == tenant, CODE.c.id == id).values(state=state.value, attempts=attempts))

    def void_codes(self, tx: Tx, tenant: TenantId, request: str) -> None:
        active = (CODE.c.tenant == tenant, CODE.c.request == request, CODE.c.state == CodeState.ACTIVE.value)
        connection(tx).execute(update(CODE).where(*active).values(state=CodeState.VOIDED.value))

    def codes_since(self, tx: Tx, tenant: TenantId, since: datetime, *, request: str = "", contact: bytes = b"") -> int:
        query = select(func.count()).select_from(CODE).where(CODE.c.tenant == tenant, CODE.c.sent_at > since)
        if request:
            query = query.where(CODE.c.request == request)
        if contact:
            query = query.where(CODE.c.contact == contact)
        return int(connection(tx).execute(query).scalar_one())

    # --- packages ------------------------------------------------------------------------------------------------------------------

    def add_package(self, tx: Tx, tenant: TenantId, package: Package) -> None:
        connection(tx).execute(insert(PACKAGE).values(_package_values(tenant, package)))

    def package(self, tx: Tx, tenant: TenantId, id: str, *, lock: bool = False) -> Package | None:
        query = select(PACKAGE).where(PACKAGE.c.tenant == tenant, PACKAGE.c.id == id)
        row = connection(tx).execute(query.with_for_update() if lock else query).one_or_none()
        return _package(row) if row else None

    def packages(self, tx: Tx, tenant: TenantId, request: str) -> list[Package]:
        query = select(PACKAGE).where(PACKAGE.c.tenant == tenant, PACKAGE.c.request == request)
        return [_package(row) for row in connection(tx).execute(query.order_by(PACKAGE.c.made_at.desc(), PACKAGE.c.id.desc()))]

    def packages_about(self, tx: Tx, tenant: TenantId, subjects: Collection[str]) -> list[Package]:
        held = (PACKAGE.c.tenant == tenant, PACKAGE.c.state.in_([PackageState.BUILDING.value, PackageState.READY.value]))
        found = [_package(row) for row in connection(tx).execute(select(PACKAGE).where(*held))]
        return [each for each in found if not set(subjects).isdisjoint(each.subjects)]

    def save_package(self, tx: Tx, tenant: TenantId, package: Package) -> None:
        mine = (PACKAGE.c.tenant == tenant, PACKAGE.c.id == package.id)
        connection(tx).execute(update(PACKAGE).where(*mine).values(_package_values(tenant, package)))

    def add_chunk(self, tx: Tx, tenant: TenantId, package: str, seq: int, sealed: bytes) -> None:
        connection(tx).execute(insert(CHUNK).values(tenant=tenant, package=package, seq=seq, sealed=sealed))

    def chunk(self, tx: Tx, tenant: TenantId, package: str, seq: int) -> bytes | None:
        found = select(CHUNK.c.sealed).where(CHUNK.c.tenant == tenant, CHUNK.c.package == package, CHUNK.c.seq == seq)
        return _bytes(connection(tx).execute(found).scalar_one_or_none())

    def drop_chunks(self, tx: Tx, tenant: TenantId, package: str) -> None:
        connection(tx).execute(delete(CHUNK).where(CHUNK.c.tenant == tenant, CHUNK.c.package == package))

    def stale_packages(self, tx: Tx, tenant: TenantId, now: datetime, limit: int) -> list[Package]:
        over = or_(PACKAGE.c.state.in_([PackageState.READ.value, PackageState.REPLACED.value]), PACKAGE.c.expires_at <= now)
        holds = select(CHUNK.c.seq).where(CHUNK.c.tenant == PACKAGE.c.tenant, CHUNK.c.package == PACKAGE.c.id).exists()
        return [_package(row) for row in connection(tx).execute(select(PACKAGE).where(PACKAGE.c.tenant == tenant, over, holds).limit(limit))]


class SqlAcceptanceRepository:
    """Implements `rights.acceptance.AcceptanceRepository`."""

    def add(self, tx: Tx, tenant: TenantId, acceptance: Acceptance) -> None:
        connection(tx).execute(insert(ACCEPTANCE).values(tenant=tenant, **asdict(acceptance)))

    def all(self, tx: Tx, tenant: TenantId) -> list[Acceptance]:
        rows = connection(tx).execute(select(ACCEPTANCE).where(ACCEPTANCE.c.tenant == tenant).order_by(ACCEPTANCE.c.accepted_at, ACCEPTANCE.c.id))
        return [Acceptance(row.id, row.version, row.accepted_by, row.accepted_at, row.reason) for row in rows]


def _values(request: Request) -> dict[str, Any]:
    values = {column: getattr(request, column) for column in _REQUEST_COLUMNS}
    words = {"kind": request.kind.value, "state": request.state.value, "requester": request.requester.value}
    return values | words | {"regimes": list(request.regimes), "identifier_kinds": list(request.identifier_kinds)}


def _request(row: Row[Any]) -> Request:
    values = dict(row._mapping)
    words = {"kind": RequestKind(row.kind), "state": RequestState(row.state), "requester": Requester(row.requester), "tenant": TenantId(row.tenant)}
    lists = {"regimes": tuple(row.regimes), "identifier_kinds": tuple(row.identifier_kinds)}
    return Request(**values | words | lists | {"file": _bytes(row.file), "subjects": _bytes(row.subjects)})


def _clock_values(tenant: TenantId, id: str, generation: int, seq: int, clock: Clock, at: datetime) -> dict[str, Any]:
    words = ("name", "rule", "regime", "calendar", "calendar_version", "zone", "provisional", "status")
    values = {word: getattr(clock, word) for word in words} | {"inputs": dict(clock.inputs)}
    days = {"due": clock.due.isoformat(), "target": clock.target.isoformat()}
    return values | days | {"tenant": tenant, "request": id, "generation": generation, "seq": seq, "rule_version": clock.version, "computed_at": at}


def _clock(row: Row[Any]) -> Clock:
    return Clock(
        rule=row.rule,
        version=row.rule_version,
        regime=row.regime,
        calendar=row.calendar,
        calendar_version=row.calendar_version,
        zone=row.zone,
        inputs=row.inputs,
        due=_limit(row.due),
        target=_limit(row.target),
        provisional=bool(row.provisional),
        status=row.status,
        name=row.name,
    )


def _limit(text: str) -> date | datetime:
    # a day has ten characters, an instant more
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


def _package_values(tenant: TenantId, package: Package) -> dict[str, Any]:
    values = {column.name: getattr(package, column.name) for column in PACKAGE.columns if column.name != "tenant"}
    lists = {"subjects": list(package.subjects), "unsearched": list(package.unsearched)}
    return values | lists | {"tenant": tenant, "state": package.state.value}


def _package(row: Row[Any]) -> Package:
    values = {column: value for column, value in row._mapping.items() if column != "tenant"}
    return Package(**values | {"state": PackageState(row.state), "subjects": tuple(row.subjects), "unsearched": tuple(row.unsearched)})


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
