"""One person among a million orders, planned and erased with everything that proves it, beside the bare DELETE statements of the same rows.

A whole installation in a folder of its own; the connected database is an SQLite file, or a database on a server (`--url`), where two tables are
made and removed. Seconds are what a data protection officer waits for; the peer has no plan, no marker, no second look, no certificate.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from privacy.cli.bench_ratio import Ratio
from privacy.kernel.terms import Actor, SubjectRef

ORDERS, CUSTOMERS = 1_000_000, 100_000
_SYSTEM, _PEOPLE, _ORDERS = "bench", "privacy_bench_people", "privacy_bench_orders"
_PEER = "peer: the same rows by bare DELETE statements in one transaction; seconds, ours / peer"


def run(url: str = "", orders: int = ORDERS) -> list[Ratio]:
    """Measure on an SQLite file, and at `url` when it is given; about a minute each, most of it filling the tables."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "orders.sqlite")
        _empty_file(path)
        ratios = _measure(Path(folder, "own"), str(path), "SQLite", orders)
        return ratios + (_measure(Path(folder, "second"), url, "server", orders) if url else [])


def _measure(state: Path, url: str, kind: str, orders: int) -> list[Ratio]:
    with _filled(url, orders) as database, _installation(state) as application:
        _map(application, url)
        planned, erased = zip(*(_erase(application, number) for number in (11, 12, 13)), strict=True)
        peer = min(_delete(database, number) for number in (21, 22, 23))
        return [
            Ratio(f"erase one person, plan, {kind}", min(planned), peer, "s", min(planned) / peer, _PEER),
            Ratio(f"erase one person, carry out and prove, {kind}", min(erased), peer, "s", min(erased) / peer, _PEER),
        ]


def _erase(application: Any, number: int) -> tuple[float, float]:
    from privacy.disposal.model import PlanState
    from privacy.jobs.runner import run_now

    start = time.perf_counter()
    plan = application.disposal.plan(_officer(), f"bench-{number}", [SubjectRef(_SYSTEM, "customer", str(number))])
    between = time.perf_counter()
    application.disposal.approve(_approver(), plan.id, plan.hash)
    run_now(application.jobs, application.handlers)
    end = time.perf_counter()
    done = application.disposal.plan_of(plan.tenant, plan.id)
    if done.state is not PlanState.DONE:
        raise RuntimeError(f"the erasure did not end: {done.state}")
    return between - start, end - between


def _delete(database: Any, number: int) -> float:
    start = time.perf_counter()
    with database.begin() as opened:
        for table, column in ((_ORDERS, "customer_id"), (_PEOPLE, "id")):
            opened.exec_driver_sql(f"DELETE FROM {table} WHERE {column} = {number}")  # noqa: S608 - names and numbers of ours
    return time.perf_counter() - start


# --- the world ------------------------------------------------------------------------------------------------------------------------


@contextmanager
def _installation(state: Path) -> Iterator[Any]:
    from privacy.application import build
    from privacy.cli.init import prepare
    from privacy.config import load
    from privacy.kernel.ids import DEFAULT_TENANT

    config = load({"PRIVACY_STATE_DIR": str(state)})
    prepare(config)
    application = build(config)
    try:
        application.keyring.create_tenant(DEFAULT_TENANT)
        application.actors.bootstrap_tenant(_officer(), "bench")
        yield application
    finally:
        application.close()


def _map(application: Any, url: str) -> None:
    from privacy.inventory.deciding import FieldDecision
    from privacy.inventory.relation_rules import Edge
    from privacy.inventory.relations import Ownership

    actor = _officer()
    application.discovery.add(actor, _SYSTEM, url)
    application.discovery.scan(actor, _SYSTEM)
    personal = {"email": "email", "phone": "phone", "name": "name", "ship_to": "address"}
    fields = [field for table in (_PEOPLE, _ORDERS) for field in _fields(application, actor, table)]
    application.inventory.decide(
        actor, [FieldDecision(table, name, "confirm" if name in personal else "not_personal", personal.get(name)) for table, name in fields]
    )
    application.inventory.set_subject(actor, f"{_SYSTEM}.{_PEOPLE}", "customer", "id")
    application.relations.add(actor, _SYSTEM, Edge(_ORDERS, ("customer_id",), _PEOPLE, ("id",), Ownership.OWNED_BY))


def _fields(application: Any, actor: Actor, table: str) -> list[tuple[str, str]]:
    dataset = application.inventory.dataset(actor.tenant, f"{_SYSTEM}.{table}")
    return [(dataset.name, name) for name in dataset.fields]


@contextmanager
def _filled(url: str, orders: int) -> Iterator[Any]:
    from privacy.adapters.databases.writable import open_writable

    with closing(open_writable(url)) as database:
        big = "INTEGER" if database.kind == "sqlite" else "BIGINT"
        tables = {
            _PEOPLE: f"id {big} PRIMARY KEY, name VARCHAR(80) NOT NULL, email VARCHAR(120) NOT NULL, phone VARCHAR(20) NOT NULL",
            _ORDERS: f"id {big} PRIMARY KEY, customer_id {big} NOT NULL, ship_to VARCHAR(120), amount INTEGER NOT NULL",
        }
        with database.begin() as opened:
            for table, columns in tables.items():
                opened.exec_driver_sql(f"DROP TABLE IF EXISTS {table}")
                opened.exec_driver_sql(f"CREATE TABLE {table} ({columns})")
        try:
            _fill(database, orders)
            yield database
        finally:
            with database.begin() as opened:
                for table in tables:
                    opened.exec_driver_sql(f"DROP TABLE {table}")


def _fill(database: Any, orders: int) -> None:
    customers = max(1, min(CUSTOMERS, orders // 10))
    people = (f"({i}, 'Customer {i}', 'c{i}@people.example', '139{i:08}')" for i in range(customers))
    bought = (f"({i}, {i % customers}, '{i % 977} Lark Lane', {i % 500})" for i in range(orders))
    for table, rows in ((_PEOPLE, people), (_ORDERS, bought)):
        for part in _parts(rows, 10_000):
            with database.begin() as opened:
                opened.exec_driver_sql(f"INSERT INTO {table} VALUES {', '.join(part)}")  # noqa: S608 - rows of ours
    with database.begin() as opened:
        opened.exec_driver_sql(f"CREATE INDEX {_ORDERS}_customer ON {_ORDERS} (customer_id)")


def _parts(rows: Iterator[str], size: int) -> Iterator[list[str]]:
    from itertools import islice

    while part := list(islice(rows, size)):
        yield part


def _empty_file(path: Path) -> None:
    import sqlite3

    with closing(sqlite3.connect(path)) as opened:
        opened.execute("PRAGMA journal_mode = WAL")
        opened.execute("CREATE TABLE other (id INTEGER PRIMARY KEY)")


def _officer() -> Actor:
    from privacy.kernel.ids import DEFAULT_TENANT

    scopes = frozenset({"systems:read", "systems:write", "requests:read", "requests:write"})
    return Actor("user:bench-officer", DEFAULT_TENANT, frozenset({"dpo"}), scopes, "password+totp", 2, datetime.now(UTC))


def _approver() -> Actor:
    return replace(_officer(), ref="user:bench-approver", roles=frozenset({"approver"}), scopes=frozenset({"requests:read", "requests:approve"}))
