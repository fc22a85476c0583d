"""Discovery's use cases over real files: connect, scan into the map, scan again."""

import sqlite3
from pathlib import Path

import pytest

from privacy.adapters.databases import locate, open_connector
from privacy.adapters.store.engine import SqlStore
from privacy.audit.events import Action
from privacy.discovery.service import Discovery, digest
from privacy.discovery.shapes import Column, Sample
from privacy.inventory.model import Status
from privacy.inventory.service import Inventory
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AccessDenied, ConnectorUnavailable, InvalidInput, TooBusy
from privacy.kernel.ids import DEFAULT_TENANT
from tests.cast import ALICE, BOB, CAROL, actor_as
from tests.conftest import DatabaseUrls
from tests.discovery.building import classifier
from tests.inventory.builders import inventory_on
from tests.remembering import RememberingLog

OPERATOR = actor_as("dpo", ref="operator:root")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    change(
        path,
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT, seen DATETIME)",
        "CREATE TABLE staff (id INTEGER PRIMARY KEY, first_name TEXT, email TEXT)",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), rep_id INTEGER REFERENCES staff (id), total REAL)",
        "INSERT INTO customers VALUES (1, 'Ada Miller', 'ada@example.com', '2026-01-01 10:00:00'), (2, 'Bea Miller', 'bea@example.com', '2026-01-02 11:00:00')",
        "INSERT INTO staff VALUES (1, 'Ada', 'staff@example.com')",
        "INSERT INTO orders VALUES (1, 1, 1, 9.5)",
    )
    return path


def change(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as opened:
        for statement in statements:
            opened.execute(statement)
    opened.close()


@pytest.fixture
def audit() -> RememberingLog:
    return RememberingLog()


@pytest.fixture
def inventory(sqlite_store: SqlStore, audit: RememberingLog, fixed_clock: FixedClock) -> Inventory:
    return inventory_on(sqlite_store, audit, fixed_clock)


@pytest.fixture
def discovery(inventory: Inventory, fixed_clock: FixedClock, sqlite_urls: DatabaseUrls) -> Discovery:
    return Discovery(inventory, open_connector, locate, classifier(), lambda tenant, label: f"{tenant}{label}".encode(), fixed_clock, own=sqlite_urls)


def test_what_a_scan_finds_is_in_the_map_with_its_evidence(discovery: Discovery, inventory: Inventory, audit: RememberingLog, shop: Path) -> None:
    """After a scan the map holds every field, proposals with evidence, subjects, and one event with counts alone."""
    discovery.add(ALICE, "shop", str(shop))
    result = discovery.scan(ALICE, "shop")
    assert len(result.proposals) == 4
    dataset = inventory.dataset(DEFAULT_TENANT, "shop.customers")
    assert dataset is not None
    assert (dataset.proposed_subject_type, dataset.proposed_subject_field) == ("customer", "id")
    email = dataset.fields["email"]
    assert (email.status, email.category, email.level) == (Status.PROPOSED, "email", 3)
    assert email.finding is not None
    assert {evidence["kind"] for evidence in email.finding.evidence} == {"name", "values"}
    assert audit.events[-1].action is Action.SYSTEM_SCANNED
    assert audit.events[-1].counts["fields"] == 11
    assert "example.com" not in repr(audit.events)


def test_references_to_people_are_confirmed_as_keys_of_people(discovery: Discovery, inventory: Inventory, shop: Path) -> None:
    """Who an order is about and who handled it are keys of people: `confirm_auto` says so, and no bulk declaration calls them not personal."""
    discovery.add(ALICE, "shop", str(shop))
    discovery.scan(ALICE, "shop")
    inventory.declare_rest_not_personal(ALICE, "shop")
    inventory.confirm_auto(ALICE, "shop")
    orders = inventory.dataset(DEFAULT_TENANT, "shop.orders")
    assert orders is not None
    assert {name: field.category for name, field in orders.fields.items()} == {
        "id": "not_personal", "customer_id": "subject_key", "rep_id": "subject_key", "total": "not_personal",
    }  # fmt: skip
    assert (orders.subject_type, orders.subject_field) == ("customer", "customer_id")


def test_a_changed_schema_is_drift(discovery: Discovery, shop: Path) -> None:
    """A column that came and one that went are told at the next scan; an unchanged system has no drift."""
    discovery.add(ALICE, "shop", str(shop))
    discovery.scan(ALICE, "shop")
    assert discovery.scan(ALICE, "shop").drift == type(discovery.scan(ALICE, "shop").drift)()
    change(shop, "ALTER TABLE customers ADD COLUMN phone TEXT", "ALTER TABLE customers DROP COLUMN seen")
    drift = discovery.scan(ALICE, "shop").drift
    assert (drift.new, drift.changed, drift.gone) == (("customers.phone",), (), ("customers.seen",))


def test_our_own_databases_are_refused_under_any_address(discovery: Discovery, sqlite_urls: DatabaseUrls, tmp_path: Path) -> None:
    """By its address ours is refused at once; a copy of it under another name is known by its tables."""
    for url in sqlite_urls:
        with pytest.raises(InvalidInput):
            discovery.add(ALICE, "own", url)
    for number, url in enumerate(sqlite_urls):
        copy = tmp_path / f"copy{number}.sqlite"
        copy.write_bytes(Path(url.removeprefix("sqlite:///")).read_bytes())
        discovery.add(ALICE, f"copy{number}", str(copy))
        with pytest.raises(InvalidInput, match="copy of one"):
            discovery.scan(ALICE, f"copy{number}")


def test_files_may_be_bound_to_folders_for_all_but_the_operator(inventory: Inventory, fixed_clock: FixedClock, shop: Path, tmp_path: Path) -> None:
    """With folders named, a caller connects files below them only, also through a link; the operator connects any."""
    inside = tmp_path / "data"
    inside.mkdir()
    bound = Discovery(inventory, open_connector, locate, classifier(), lambda tenant, label: b"k", fixed_clock, roots=[inside])
    (inside / "link.sqlite").symlink_to(shop)
    (inside / "copy.sqlite").write_bytes(shop.read_bytes())
    for path in (shop, inside / "link.sqlite", inside / ".." / "shop.sqlite"):
        with pytest.raises(InvalidInput):
            bound.add(ALICE, "x", str(path))
    bound.add(ALICE, "inside", str(inside / "copy.sqlite"))
    bound.add(OPERATOR, "outside", str(shop))


def test_a_system_that_is_gone_is_told_and_changes_nothing(discovery: Discovery, inventory: Inventory, shop: Path) -> None:
    """When the file is away the scan fails and the map stays as it was."""
    discovery.add(ALICE, "shop", str(shop))
    discovery.scan(ALICE, "shop")
    version = inventory.version(DEFAULT_TENANT)
    shop.unlink()
    with pytest.raises((InvalidInput, ConnectorUnavailable)):
        discovery.scan(ALICE, "shop")
    assert inventory.version(DEFAULT_TENANT) == version


def test_at_most_two_scans_run_at_once(discovery: Discovery, shop: Path) -> None:
    """A third scan is told to come back instead of taking the machine."""
    discovery.add(ALICE, "shop", str(shop))
    refused: list[type[Exception]] = []

    def third(done: int, total: int, table: str) -> None:
        with pytest.raises(TooBusy):
            discovery.scan(ALICE, "shop")
        refused.append(TooBusy)

    def second(done: int, total: int, table: str) -> None:
        if not refused:
            discovery.scan(ALICE, "shop", progress=third)

    discovery.scan(ALICE, "shop", progress=second)
    assert refused
    discovery.scan(ALICE, "shop")


def test_scanning_and_findings_need_their_scopes(discovery: Discovery, shop: Path) -> None:
    """Bob neither scans nor reads; Carol reads and does not scan."""
    discovery.add(ALICE, "shop", str(shop))
    for actor in (BOB, CAROL):
        with pytest.raises(AccessDenied):
            discovery.scan(actor, "shop")
    with pytest.raises(AccessDenied):
        discovery.findings(BOB, "shop")
    assert discovery.findings(CAROL, "shop") == []


def test_digests_tell_change_and_nothing_else() -> None:
    """The same sample in another order has the same digest; another value or another key has another."""
    column = Column("email", "TEXT")
    first = digest(column, Sample(("a", "b")), b"k")
    assert first == digest(column, Sample(("b", "a")), b"k")
    assert len({first, digest(column, Sample(("a", "c")), b"k"), digest(column, Sample(("a", "b")), b"other"), digest(column, Sample(("ab",)), b"k")}) == 4
