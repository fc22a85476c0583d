"""A lending library as a connected system, on any kind of database: members, loans with their lines, tickets handled by staff, a log; and the room over it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Date, DateTime, ForeignKey, Integer, MetaData, String, Table, Text, create_engine, insert, select, text
from sqlalchemy.pool import NullPool

from privacy.adapters.archive_files import ArchiveFiles
from privacy.adapters.database_urls import parse_address
from privacy.adapters.databases.target import open_target
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.jobs import SqlJobRepository
from privacy.adapters.store.retention import SqlRetentionRepository
from privacy.disposal.ports import Target
from privacy.inventory.catalogue_model import Controller
from privacy.inventory.model import Dataset, Field, Status, System
from privacy.inventory.relations import Handling, Ownership, Relation
from privacy.jobs.service import Jobs
from privacy.kernel.clock import Clock
from privacy.kernel.errors import NotFound
from privacy.kernel.ids import DEFAULT_TENANT, ControllerId, DatasetId, SystemId, TenantId
from privacy.kernel.terms import SubjectRef
from privacy.masking.catalogue import Techniques
from privacy.retention.holds import Holds
from privacy.retention.release import SWEEP, Releases
from privacy.retention.restrictions import Restrictions
from privacy.retention.scenes import Scenes
from privacy.retention.service import ROUND, Retention
from privacy.retention.statutes import Statutes
from privacy.retention.sweeps import Sweeper, Tools
from tests.consent.builders import MemoryKeys
from tests.remembering import RememberingLog

POLICIES = Path(__file__).parents[2] / "policies"
TABLES = MetaData()
STAFF = Table("staff", TABLES, Column("id", Integer, primary_key=True), Column("name", String(40), nullable=False))
MEMBERS = Table(
    "members",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("login", String(40), nullable=False, unique=True),
    Column("name", String(40), nullable=False),
    Column("born", Date),
    Column("joined", Date),
    Column("branch", String(20)),
    Column("sponsor_id", Integer, ForeignKey("members.id")),
)
LOANS = Table(
    "loans",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("member_id", Integer, ForeignKey("members.id"), nullable=False, index=True),
    Column("returned", DateTime, index=True),
    Column("remark", Text),
)
LINES = Table(
    "loan_lines",
    TABLES,
    Column("loan_id", Integer, ForeignKey("loans.id"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("title", String(40)),
)
TICKETS = Table(
    "tickets",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("member_id", Integer, ForeignKey("members.id"), index=True),
    Column("agent_id", Integer, ForeignKey("staff.id")),
    Column("opened", Date),
)
LOG = Table("door_log", TABLES, Column("id", Integer, primary_key=True), Column("at", DateTime, index=True), Column("card", String(20)))

# fields that say something about people; every other one is declared not personal
PERSONAL = {"name": "name", "login": "login", "born": "birth_date", "card": "member_card", "remark": "personal_text", "title": "reading"}
ZONE = "Asia/Shanghai"


@dataclass
class Map:
    """The data map of the library as people confirmed it; tests change it in place."""

    relations: list[Relation] = field(default_factory=list)
    handled: dict[str, Handling] = field(default_factory=dict)
    undecided: set[str] = field(default_factory=set)

    def system(self, tenant: TenantId, name: str) -> System:
        if name != "library":
            raise NotFound("There is no such system.")
        return System(SystemId("s1"), tenant, "library", "test", "test:", ControllerId("main"))

    def dataset(self, tenant: TenantId, name: str) -> Dataset | None:
        return next((each for each in self.datasets(tenant) if each.name == name), None)

    def datasets(self, tenant: TenantId, system: str | None = None) -> list[Dataset]:
        return [self._dataset(tenant, table) for table in TABLES.sorted_tables]

    def of_system(self, tenant: TenantId, system: str) -> list[Relation]:
        return self.relations

    def handlings(self, tenant: TenantId, system: str) -> Mapping[str, Handling]:
        return self.handled

    def controller(self, tenant: TenantId, id: str) -> Controller | None:
        return Controller(id, "听涛图书馆", "CN", ZONE)

    def _dataset(self, tenant: TenantId, table: Table) -> Dataset:
        subject = ("member", "id") if table is MEMBERS else ("agent", "id") if table is STAFF else (None, None)
        fields = {column.name: self._field(table, column.name) for column in table.columns}
        return Dataset(DatasetId(f"d-{table.name}"), tenant, "library", table.name, *subject, fields=fields)

    def _field(self, table: Table, name: str) -> Field:
        if f"{table.name}.{name}" in self.undecided:
            return Field(name, "", "", 4, "redact", Status.UNKNOWN)
        if name in PERSONAL:
            return Field(name, PERSONAL[name], "identity", 3, "name" if name == "name" else "redact", Status.CONFIRMED)
        return Field(name, "not_personal", "", 1, "none", Status.NOT_PERSONAL)


def relation(child: str, column: str, parent: str, role: Ownership = Ownership.OWNED_BY, **given: Any) -> Relation:
    made = Relation(
        id=f"{child}.{column}",
        tenant=DEFAULT_TENANT,
        system="library",
        child=f"library.{child}",
        child_id=DatasetId(f"d-{child}"),
        child_columns=(column,),
        parent=f"library.{parent}",
        parent_id=DatasetId(f"d-{parent}"),
        parent_columns=("id",),
        role=role,
        status=Status.CONFIRMED,
    )
    return replace(made, **given)


def confirmed() -> list[Relation]:
    return [
        relation("loans", "member_id", "members"),
        relation("loan_lines", "loan_id", "loans"),
        relation("tickets", "member_id", "members"),
        relation("tickets", "agent_id", "staff", Ownership.HANDLED_BY),
        relation("members", "sponsor_id", "members", Ownership.REF),
    ]


class Gone:
    """Stands for what disposal does when subjects' own rows go: remembers the calls."""

    def __init__(self) -> None:
        self.begun: dict[str, set[SubjectRef]] = {}
        self.finished: dict[str, set[SubjectRef]] = {}

    def begin(self, tenant: TenantId, case: str, run: str, subjects: Sequence[SubjectRef]) -> None:
        self.begun.setdefault(case, set()).update(subjects)

    def finish(self, tenant: TenantId, case: str, run: str, subjects: Sequence[SubjectRef]) -> int:
        assert set(subjects) <= self.begun[case]
        self.finished.setdefault(case, set()).update(subjects)
        return len(subjects)

    @property
    def subjects(self) -> set[str]:
        return {subject.key for subjects in self.finished.values() for subject in subjects}


class Library:
    """The connected database and the room over it."""

    def __init__(self, url: str, store: SqlStore, clock: Clock, folder: Path) -> None:
        self.url, self.store, self.clock, self.folder = url, store, clock, folder
        address = parse_address(url, setting="test")
        self.engine = create_engine(address.url, connect_args=address.arguments, poolclass=NullPool)
        self.map, self.audit, self.gone, keys = Map(confirmed()), RememberingLog(), Gone(), MemoryKeys()
        self.repository = SqlRetentionRepository()
        self.jobs = Jobs(store, SqlJobRepository(), self.audit)
        releases = Releases(self.repository, self.jobs, self.map)
        self.holds = Holds(store, self.repository, self.map, self.audit, keys, clock, releases)
        self.restrictions = Restrictions(store, self.repository, self.audit, keys, clock, releases)
        scenes = Scenes(store, self.repository, self.map, self.map, self.holds, clock)
        statutes = Statutes.load(POLICIES / "retention.toml")
        self.retention = Retention(
            store, self.repository, statutes, self.map, self.map, self.open, scenes, self.jobs, releases, self.restrictions, self.audit, clock
        )
        archives = ArchiveFiles(folder / "archives")
        self.tools = Tools(
            store,
            self.repository,
            self.open,
            scenes,
            statutes,
            self.audit,
            keys,
            clock,
            self.gone,
            self.restrictions,
            archives,
            Techniques.shipped(),
        )
        self.handlers = {SWEEP: Sweeper(self.tools), ROUND: self.retention.run_round}

    def open(self, tenant: TenantId, system: str, *, write: bool = True) -> Target:
        return open_target(self.url, write=write)

    def create(self) -> None:
        TABLES.create_all(self.engine)

    def fill(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
        with self.engine.begin() as opened:
            opened.execute(insert(table), [{column.name: row.get(column.name) for column in table.columns} for row in rows])

    def rows(self, table: Table) -> list[tuple[Any, ...]]:
        with self.engine.connect() as opened:
            return [tuple(row) for row in opened.execute(select(table).order_by(*table.primary_key.columns))]

    def ids(self, table: Table) -> list[Any]:
        return [row[0] for row in self.rows(table)]

    def in_clear(self, table: str) -> str:
        """Return whatever stands in one of our own tables, as text."""
        with self.store.engine.connect() as opened:
            return repr(opened.execute(text(f"SELECT * FROM {table}")).all())

    def close(self) -> None:
        self.engine.dispose()


def member(id: int, joined: date | None, **given: Any) -> dict[str, Any]:
    return {"id": id, "login": f"m{id}", "name": f"Reader {id}", "born": date(1980, 1, 1), "joined": joined, "branch": "north"} | given


def loan(id: int, of: int, returned: datetime | None) -> dict[str, Any]:
    return {"id": id, "member_id": of, "returned": returned, "remark": "left a scarf"}
