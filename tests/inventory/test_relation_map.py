"""Relations and handlings in the map file: what comes out goes back in, and every flaw is told with its line."""

from dataclasses import replace

import pytest

from privacy.adapters.files.yaml_file import dump, load
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.inventory import SqlInventoryRepository
from privacy.adapters.store.relations import SqlRelationRepository
from privacy.audit.events import Action
from privacy.inventory.model import Status
from privacy.inventory.relating import Relations
from privacy.inventory.relation_rules import Edge
from privacy.inventory.relations import Erase, Ownership
from privacy.inventory.service import Inventory
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import InvalidInput
from privacy.kernel.ids import DEFAULT_TENANT
from tests.cast import ALICE
from tests.inventory.builders import SHOP, customers, inventory_on, orders
from tests.remembering import RememberingLog

WHOLE = """
system: shop
datasets:
  orders:
    erase: {action: keep, reason: accounts, rule: de.hgb.257}
  customers:
    erase:
      action: anonymise
      replacements: {name: "text:—", email: null}
relations:
  - {child: orders, child_columns: [customer_id], parent: customers, parent_columns: [id], role: owned_by}
  - {child: orders, child_columns: [buyer], parent: customers, parent_columns: [nick], role: owned_by, status: rejected}
  - child: orders
    child_columns: [phone]
    parent: customers
    parent_columns: [email]
    role: owned_by
    weak: true
    when: {shop_no: "7"}
"""


@pytest.fixture
def audit() -> RememberingLog:
    return RememberingLog()


@pytest.fixture
def inventory(sqlite_store: SqlStore, audit: RememberingLog, fixed_clock: FixedClock) -> Inventory:
    made = inventory_on(sqlite_store, audit, fixed_clock)
    made.add_system(ALICE, SHOP)
    made.record_scan(ALICE, "shop", [customers(), orders()])
    return made


@pytest.fixture
def relations(sqlite_store: SqlStore, inventory: Inventory, audit: RememberingLog, fixed_clock: FixedClock) -> Relations:
    return Relations(sqlite_store, SqlInventoryRepository(), SqlRelationRepository(), audit, fixed_clock)


def test_a_map_file_decides_relations_and_handlings(inventory: Inventory, relations: Relations, audit: RememberingLog) -> None:
    """Role, status, weakness and condition are as the file says, decided by whom imported it; each change has its event."""
    assert inventory.import_map(ALICE, load(WHOLE)) == 5
    told = {r.child_columns[0]: (r.status, r.weak, dict(r.when), r.decided_by) for r in relations.of_system(DEFAULT_TENANT, "shop")}
    assert told == {
        "customer_id": (Status.CONFIRMED, False, {}, "user:alice"),
        "buyer": (Status.REJECTED, False, {}, "user:alice"),
        "phone": (Status.CONFIRMED, True, {"shop_no": "7"}, "user:alice"),
    }
    handlings = relations.handlings(DEFAULT_TENANT, "shop")
    assert (handlings["shop.orders"].action, handlings["shop.orders"].reason) == (Erase.KEEP, "accounts")
    assert dict(handlings["shop.customers"].replacements) == {"name": "text:—", "email": "null"}
    actions = [event.action for event in audit.events]
    assert (actions.count(Action.RELATION_DECIDED), actions.count(Action.HANDLING_DECIDED)) == (2, 2)


def test_what_is_exported_goes_back_in_and_changes_nothing(inventory: Inventory, relations: Relations) -> None:
    """Export, import, export: the same but for the map's version; proposals are shown and an import leaves them open."""
    inventory.import_map(ALICE, load(WHOLE))
    relations.keep(ALICE, "shop", [Edge("orders", ("shop_no",), "customers", ("nick",), Ownership.ACCESSED_BY, confidence=0.6)])
    first = dump(inventory.export_map(ALICE, "shop"))
    assert "status: proposed" in first
    assert inventory.import_map(ALICE, load(first)) == 0
    assert _without_version(dump(inventory.export_map(ALICE, "shop"))) == _without_version(first)


def test_a_map_goes_to_another_installation(inventory: Inventory, relations: Relations, sqlite_store: SqlStore) -> None:
    """Names are what travels: on a system scanned anew, with other ids, the file makes the same decisions."""
    inventory.import_map(ALICE, load(WHOLE))
    text = dump(inventory.export_map(ALICE, "shop"))
    before = [(r.child_columns, r.role, r.status, r.weak) for r in relations.of_system(DEFAULT_TENANT, "shop")]
    inventory.remove_system(ALICE, "shop")
    inventory.add_system(ALICE, SHOP)
    inventory.record_scan(ALICE, "shop", [customers(), orders()])
    assert relations.of_system(DEFAULT_TENANT, "shop") == []
    inventory.import_map(ALICE, load(text))
    assert [(r.child_columns, r.role, r.status, r.weak) for r in relations.of_system(DEFAULT_TENANT, "shop")] == before


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("role: owned_by}\n  - {child: orders, child_columns: [buyer]", "role: owner}\n  - {child: orders, child_columns: [buyer]", 11, "Role is one of"),
        ("status: rejected", "status: perhaps", 12, "Status is one of"),
        ("child_columns: [phone]", "child_columns: phone", 14, "list of names"),
        ("child_columns: [phone]", "child_columns: [telephone]", 13, "no such field"),
        ("    parent: customers\n", "    parent: clients\n", 13, "no such dataset"),
        ("weak: true", "weak: maybe", 18, "true or false"),
        ("weak: true", "weekly: true", 18, "Unknown key"),
        ('{shop_no: "7"}', "{shop_no: 7}", 19, "put numbers in quotes"),
        ("    parent: customers\n", "", 13, "names its child and its parent"),
        ("action: keep, reason: accounts,", "action: keep,", 5, "need the legal reason"),
        ("action: keep,", "action: hide,", 5, "Action is one of"),
        ("{name: ", "{nobody: ", 8, "no field of one of these names"),
        ("action: anonymise", "action: delete", 8, "go with the action anonymise"),
        ('"text:—"', "Anonymous", 8, "fixed text"),
    ],
)
def test_every_flaw_is_told_with_its_line_and_nothing_is_changed(inventory: Inventory, relations: Relations, old: str, new: str, line: int, told: str) -> None:
    assert WHOLE.count(old) == 1
    with pytest.raises(InvalidInput) as refused:
        inventory.import_map(ALICE, load(WHOLE.replace(old, new)))
    assert [(flaw.pointer, told in flaw.detail) for flaw in refused.value.flaws] == [(f"line {line}", True)], refused.value.flaws
    assert relations.of_system(DEFAULT_TENANT, "shop") == []
    assert relations.handlings(DEFAULT_TENANT, "shop") == {}


def _without_version(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("version:")]


def test_references_that_make_rows_peoples_own_are_confirmed_in_bulk_together_or_not_at_all(inventory: Inventory, relations: Relations) -> None:
    """A sure sender beside an unsure receiver: half a decision would take the message from the receiver. What leads elsewhere goes its own way."""
    sender, buyer = (Edge("orders", (column,), "customers", ("id",), Ownership.OWNED_BY, confidence=0.9) for column in ("customer_id", "buyer"))
    shown = Edge("orders", ("shop_no",), "customers", ("nick",), Ownership.REF, confidence=0.9)

    kept = relations.keep(ALICE, "shop", [sender, replace(buyer, confidence=0.79), shown])
    assert (kept.sure, relations.confirm_sure(ALICE, "shop")) == (1, 1)
    assert {r.child_columns[0] for r in relations.of_system(DEFAULT_TENANT, "shop") if r.confirmed} == {"shop_no"}

    assert relations.keep(ALICE, "shop", [sender, buyer, shown]).sure == 1  # the other one is sure since before; this scan saved one
    assert relations.confirm_sure(ALICE, "shop") == 2


def test_one_reference_under_several_conditions_is_no_pair(inventory: Inventory, relations: Relations) -> None:
    told = [
        Edge("orders", ("buyer",), "customers", ("id",), Ownership.OWNED_BY, when={"shop_no": no}, confidence=sure) for no, sure in (("1", 0.9), ("2", 0.7))
    ]
    relations.keep(ALICE, "shop", told)
    assert relations.confirm_sure(ALICE, "shop") == 1
