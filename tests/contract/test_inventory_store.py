"""The data map on every kind of database."""

from dataclasses import replace
from threading import Barrier, Thread

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.inventory import SqlInventoryRepository
from privacy.audit.events import Action
from privacy.inventory.deciding import FieldDecision
from privacy.inventory.merging import ScannedTable
from privacy.inventory.model import Carrier, Description, Status
from privacy.inventory.ports import DatasetRow, FieldRow
from privacy.inventory.service import Inventory, NewSystem
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AuditUnavailable, Conflict
from privacy.kernel.ids import DEFAULT_TENANT, DatasetId, SystemId
from tests.cast import ALICE, OTHER_TENANT
from tests.inventory.builders import NOW, SHOP, customers, found, inventory_on
from tests.remembering import RememberingLog


@pytest.fixture
def audit() -> RememberingLog:
    return RememberingLog()


@pytest.fixture
def inventory(store: SqlStore, audit: RememberingLog, fixed_clock: FixedClock) -> Inventory:
    return inventory_on(store, audit, fixed_clock)


def test_a_dataset_is_read_back_whole(store: SqlStore) -> None:
    """Every attribute of a field survives the database: Chinese, evidence, controls, description, times."""
    repository = SqlInventoryRepository()
    field = FieldRow(
        "电子邮箱", 3, "VARCHAR(80)", False, "foreign", "收货用", Carrier.JSON, Status.CONFIRMED, "email", 4, "redact", ("encrypted", "mfa"),
        Description("meaning", "格式", "shop", "sales", "王丽华", "nightly"), found("email"), "user:alice", NOW, gone=True,
    )  # fmt: skip
    row = DatasetRow(
        DatasetId("d1"), SystemId("s1"), "客户 表", "view", "客户", 59, "customer", "编号", "customer", "id", "too slow", gone=True, fields={field.name: field}
    )
    store.run(lambda tx: repository.save_datasets(tx, DEFAULT_TENANT, [row]))
    assert store.read(lambda tx: list(repository.datasets(tx, DEFAULT_TENANT))) == [row]
    assert store.read(lambda tx: list(repository.datasets(tx, OTHER_TENANT))) == []


def test_names_that_differ_only_by_case_or_space_are_two(store: SqlStore) -> None:
    """Names compare byte by byte on every database: `Email`, `email` and `email ` are three fields."""
    repository = SqlInventoryRepository()
    fields = {name: FieldRow(name, number) for number, name in enumerate(("Email", "email", "email "))}
    rows = [DatasetRow(DatasetId(f"d{n}"), SystemId("s"), table, fields=fields) for n, table in enumerate(("T", "t"))]
    store.run(lambda tx: repository.save_datasets(tx, DEFAULT_TENANT, rows))
    (only,) = store.read(lambda tx: repository.datasets(tx, DEFAULT_TENANT, SystemId("s"), ["t"]))
    assert only.id == "d1"
    assert list(only.fields) == ["Email", "email", "email "]


def test_a_change_and_its_event_are_one_transaction(inventory: Inventory, audit: RememberingLog) -> None:
    """When the log cannot be written, nothing changes: neither the system nor the map's version."""
    audit.refuse = True
    with pytest.raises(AuditUnavailable):
        inventory.add_system(ALICE, SHOP)
    audit.refuse = False
    assert inventory.systems(DEFAULT_TENANT) == []
    assert inventory.version(DEFAULT_TENANT) == 0


def test_a_system_name_is_taken_once_in_a_tenant(inventory: Inventory) -> None:
    """The same name again is a conflict; another tenant may use it, and sees nothing of the first."""
    inventory.add_system(ALICE, SHOP)
    with pytest.raises(Conflict):
        inventory.add_system(ALICE, SHOP)
    inventory.add_system(replace(ALICE, tenant=OTHER_TENANT), SHOP)
    assert [system.name for system in inventory.systems(OTHER_TENANT)] == ["shop"]


def test_the_address_is_sealed_at_rest_and_opened_for_connectors_only(inventory: Inventory, store: SqlStore) -> None:
    """The stored bytes do not hold the password; the shown address has neither user nor password; the connector gets the whole."""
    system = inventory.add_system(ALICE, SHOP)
    sealed = store.read(lambda tx: SqlInventoryRepository().sealed_url(tx, DEFAULT_TENANT, system.id))
    assert b"hunter2secret" not in sealed
    assert "someone" not in system.shown_url
    assert inventory.system_url(DEFAULT_TENANT, "shop") == SHOP.url


def test_a_scan_is_kept_and_decided_on_every_database(inventory: Inventory, audit: RememberingLog) -> None:
    """Scan, confirm what is sure, declare the rest: the dataset says so, the version grew, every step has its event."""
    inventory.add_system(ALICE, SHOP)
    inventory.record_scan(ALICE, "shop", [customers()])
    assert inventory.confirm_auto(ALICE, "shop") == 2
    assert inventory.declare_rest_not_personal(ALICE, "shop") == 1
    dataset = inventory.dataset(DEFAULT_TENANT, "shop.customers")
    assert dataset is not None
    assert {name: field.status.value for name, field in dataset.fields.items()} == {
        "id": "confirmed", "name": "confirmed", "email": "confirmed", "nick": "proposed", "vip": "not_personal", "remark": "unknown",
    }  # fmt: skip
    assert (dataset.subject_type, dataset.subject_field, dataset.rows) == ("customer", "id", 59)
    assert inventory.version(DEFAULT_TENANT) >= 4
    assert [event.action for event in audit.events[:2]] == [Action.SYSTEM_CONNECTED, Action.SYSTEM_SCANNED]
    assert {event.action for event in audit.events[2:]} == {Action.FINDING_DECIDED}


def test_each_change_makes_the_version_grow(inventory: Inventory) -> None:
    """Whoever remembers a version can tell that the map has changed; reading does not change it."""
    seen = [inventory.version(DEFAULT_TENANT)]
    for change in (
        lambda: inventory.add_system(ALICE, SHOP),
        lambda: inventory.record_scan(ALICE, "shop", [customers()]),
        lambda: inventory.confirm_auto(ALICE, "shop"),
        lambda: inventory.declare_rest_not_personal(ALICE, "shop"),
        lambda: inventory.set_subject(ALICE, "shop.customers", "client", "id"),
    ):
        change()
        inventory.datasets(DEFAULT_TENANT)
        seen.append(inventory.version(DEFAULT_TENANT))
    assert seen == sorted(set(seen))


def test_many_deciders_at_once_lose_nothing(inventory: Inventory) -> None:
    """Eight people decide eight fields at the same moment: all eight decisions stand and the version counts each."""
    inventory.add_system(ALICE, SHOP)
    names = [f"c{number}" for number in range(8)]
    inventory.record_scan(ALICE, "shop", [ScannedTable("t", tuple(replace(customers().fields[1], name=name) for name in names))])
    before, start = inventory.version(DEFAULT_TENANT), Barrier(len(names))

    def confirm(name: str) -> None:
        start.wait()
        inventory.decide(ALICE, [FieldDecision("shop.t", name, "confirm")])

    threads = [Thread(target=confirm, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    dataset = inventory.dataset(DEFAULT_TENANT, "shop.t")
    assert dataset is not None
    assert all(field.status is Status.CONFIRMED for field in dataset.fields.values())
    assert inventory.version(DEFAULT_TENANT) == before + len(names)


def test_a_system_of_many_tables_is_kept_in_one_scan(inventory: Inventory) -> None:
    """Three hundred tables of ten columns are one transaction, and are all there afterwards."""
    inventory.add_system(ALICE, NewSystem("big", "sqlite", "sqlite:///big", "sqlite:///big"))
    tables = [ScannedTable(f"t{number}", tuple(replace(customers().fields[4], name=f"c{n}") for n in range(10))) for number in range(300)]
    inventory.record_scan(ALICE, "big", tables)
    datasets = inventory.datasets(DEFAULT_TENANT, "big")
    assert len(datasets) == 300
    assert all(len(dataset.fields) == 10 for dataset in datasets)


def test_a_system_is_changed_and_archived_on_every_database(inventory: Inventory, store: SqlStore) -> None:
    """The new address is sealed, the archive has none and keeps its dataset ids, and the name is free."""
    inventory.add_system(ALICE, SHOP)
    inventory.record_scan(ALICE, "shop", [customers()])
    before = inventory.datasets(DEFAULT_TENANT, "shop")[0].id
    inventory.change_system(ALICE, NewSystem("shop", "mysql", "mysql://u:otherSecret@h/shop", "mysql://h/shop"))
    assert inventory.system_url(DEFAULT_TENANT, "shop") == "mysql://u:otherSecret@h/shop"
    archive = inventory.remove_system(ALICE, "shop")
    assert (archive.name, inventory.system_url(DEFAULT_TENANT, "shop~1"), inventory.systems(DEFAULT_TENANT)) == ("shop~1", "", [])
    assert [(row.id, row.gone) for row in inventory.datasets(DEFAULT_TENANT, "shop~1")] == [(before, True)]
    inventory.add_system(ALICE, SHOP)
    assert inventory.remove_system(ALICE, "shop").name == "shop~2"
