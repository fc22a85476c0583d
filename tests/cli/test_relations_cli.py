"""`privacy systems relate|relations|handling` from a terminal."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from privacy.adapters.databases import locate, open_connector
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.inventory import SqlInventoryRepository
from privacy.adapters.store.relations import SqlRelationRepository
from privacy.cli import main, session
from privacy.discovery.relations.finding import RelationFinder
from privacy.discovery.service import Discovery
from privacy.inventory.relating import Relations
from privacy.kernel.clock import FixedClock
from privacy.kernel.terms import Actor
from tests.cast import ALICE, BOB
from tests.discovery.building import classifier
from tests.discovery.relation_scores import proposer
from tests.inventory.builders import inventory_on
from tests.remembering import RememberingLog

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as opened:
        opened.executescript("""
            CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT, referred_by INT);
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INT REFERENCES customers(id), status INT);
            CREATE TABLE visits (id INTEGER PRIMARY KEY, customer INT);
        """)
        opened.executemany("INSERT INTO customers VALUES (?, ?, ?, NULL)", [(n, f"Ada Miller{n}", f"a{n}@example.com") for n in range(1, 31)])
        opened.executemany("INSERT INTO orders VALUES (?, ?, ?)", [(n, n % 30 + 1, n % 3) for n in range(1, 91)])
    opened.close()
    return path


@pytest.fixture
def run(sqlite_store: SqlStore, fixed_clock: FixedClock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    audit = RememberingLog()
    inventory = inventory_on(sqlite_store, audit, fixed_clock)
    discovery = Discovery(inventory, open_connector, locate, classifier(), lambda tenant, label: b"k" * 32, fixed_clock)
    relations = Relations(sqlite_store, SqlInventoryRepository(), SqlRelationRepository(), audit, fixed_clock)
    finder = RelationFinder(inventory, discovery, relations, proposer())
    application = SimpleNamespace(inventory=inventory, discovery=discovery, relations=relations, relation_finder=finder, close=lambda: None)

    def call(*arguments: str, actor: Actor = ALICE) -> tuple[int, str]:
        monkeypatch.setattr(session, "open_application", lambda: (application, actor))
        with pytest.raises(SystemExit) as ended:
            main(["systems", *arguments])
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return call


def test_a_bare_address_is_related_without_any_set_up(shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """No init, no state, no database: the proposals come with these keys, and nothing is written anywhere."""
    monkeypatch.setenv("PRIVACY_STATE_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit) as ended:
        main(["systems", "relate", str(shop), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert report.keys() == {"system", "tables", "proposals", "weak", "problems"}
    wanted = {"child", "child_columns", "parent", "parent_columns", "role", "confidence", "declared", "evidence"}
    assert all(set(proposal) == wanted for proposal in report["proposals"])
    assert {(p["child"], p["child_columns"][0], p["parent"], p["role"]) for p in report["proposals"]} == {
        ("customers", "referred_by", "customers", "handled_by"),
        ("orders", "customer_id", "customers", "owned_by"),
        ("visits", "customer", "customers", "owned_by"),
    }
    assert not (tmp_path / "nowhere").exists()


def test_relations_are_proposed_listed_and_decided(run: Run, shop: Path) -> None:
    """Sure ones in bulk, one by its child column with another role, one by the beginning of its id, one by hand."""
    run("add", "shop", str(shop))
    assert run("relate", "shop")[0] == 1  # nothing has been scanned yet
    run("scan", "shop")
    code, printed = run("relate", "shop", "--why")
    assert code == 0
    assert "3 relations between 3 tables." in printed
    assert "a foreign key of the database" in printed
    assert json.loads(run("relations", "shop", "--all-auto", "--json")[1]) == {"confirmed": 2}
    code, printed = run("relations", "shop", "--confirm", "visits.customer", "--role", "accessed_by", "--json")
    rows = {row["columns"]: row for row in json.loads(printed)}
    assert (rows["customer"]["role"], rows["customer"]["status"], rows["customer"]["decided_by"]) == ("accessed_by", "confirmed", "user:alice")
    code, printed = run("relations", "shop", "--reject", rows["referred_by"]["id"][:12], "--add", "visits.id=orders.id", "--role", "owned_by", "--json")
    rows = {row["columns"]: row for row in json.loads(printed)}
    assert (rows["referred_by"]["status"], rows["id"]["status"], rows["id"]["parent"]) == ("rejected", "confirmed", "shop.orders")
    assert "relations:" in run("map", "shop")[1]


def test_what_cannot_be_decided_is_told(run: Run, shop: Path) -> None:
    """An edge that is not there, one that is written wrong, a column nobody has; the exit code says that something was refused."""
    run("add", "shop", str(shop))
    run("scan", "shop")
    assert run("relations", "shop", "--confirm", "orders.nothing")[0] == 1
    assert run("relations", "shop", "--add", "orders->customers")[0] == 2
    code, printed = run("relations", "shop", "--add", "orders.nothing=customers.id")
    assert (code, "no such field" in printed) == (2, True)
    assert run("relations", "shop", "--add", "orders.status=customers.id", actor=BOB)[0] == 1


def test_handling_is_decided_per_table(run: Run, shop: Path) -> None:
    """Keeping without a reason is refused; replacements are fixed texts, or null."""
    run("add", "shop", str(shop))
    run("scan", "shop")
    code, printed = run("handling", "shop", "orders", "--action", "keep")
    assert (code, "legal reason" in printed) == (2, True)
    assert run("handling", "shop", "orders", "--action", "keep", "--reason", "accounts", "--rule", "de.hgb.257")[0] == 0
    assert run("handling", "shop", "customers", "--action", "anonymise", "--replace", "name=erased", "--replace", "email=null")[0] == 0
    assert "text:erased" in run("map", "shop")[1]
    assert run("handling", "shop", "customers", "--action", "anonymise", "--replace", "name")[0] == 2
