"""The data map as a file: what comes out goes back in, and every flaw is told with its line."""

from pathlib import Path

import pytest

from privacy.adapters.files.yaml_file import dump, load
from privacy.adapters.store.engine import SqlStore
from privacy.inventory.model import Status
from privacy.inventory.service import Inventory
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import InvalidInput
from privacy.kernel.ids import DEFAULT_TENANT
from tests.cast import ALICE
from tests.inventory.builders import SHOP, customers, inventory_on
from tests.remembering import RememberingLog

WHOLE = """
system: shop
controller: main
datasets:
  customers:
    subject: {type: customer, field: id}
    fields:
      email:
        status: confirmed
        category: email
        level: 4
        controls: [encrypted, masked_by_default]
        meaning: address for receipts
        owner: 销售部
        update_rule: nightly
      vip: {status: not_personal}
      nick: {status: rejected}
      no: {status: confirmed, category: account}
"""


@pytest.fixture
def inventory(sqlite_store: SqlStore, fixed_clock: FixedClock) -> Inventory:
    made = inventory_on(sqlite_store, RememberingLog(), fixed_clock)
    made.add_system(ALICE, SHOP)
    made.record_scan(ALICE, "shop", [customers()])
    return made


def test_a_map_file_is_applied_as_written(inventory: Inventory) -> None:
    """Status, category, level, controls, description and subject are as the file says; the rest stays."""
    inventory.import_map(ALICE, load(WHOLE))
    dataset = inventory.dataset(DEFAULT_TENANT, "shop.customers")
    assert dataset is not None
    email = dataset.fields["email"]
    assert (email.status, email.level, sorted(email.controls)) == (Status.CONFIRMED, 4, ["encrypted", "masked_by_default"])
    assert (email.description.meaning, email.description.owner, email.description.update_rule) == ("address for receipts", "销售部", "nightly")
    assert (dataset.subject_type, dataset.subject_field) == ("customer", "id")
    assert [dataset.fields[name].status.value for name in ("vip", "nick", "no", "name")] == ["not_personal", "rejected", "confirmed", "proposed"]


def test_what_is_exported_goes_back_in_and_changes_nothing(inventory: Inventory) -> None:
    """Export, import, export: the second file equals the first but for the map's version, and no field counts as changed."""
    inventory.import_map(ALICE, load(WHOLE))
    first = dump(inventory.export_map(ALICE, "shop"))
    assert inventory.import_map(ALICE, load(first)) == 0
    second = dump(inventory.export_map(ALICE, "shop"))
    assert _without_version(first) == _without_version(second)


def _without_version(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("version:")]


def test_a_system_without_address_can_be_declared(inventory: Inventory) -> None:
    """An application's data that no connector reaches is declared by a file alone."""
    inventory.import_map(ALICE, load("system: app\ndatasets:\n  profiles:\n    fields:\n      phone: {status: confirmed, category: phone}\n"))
    dataset = inventory.dataset(DEFAULT_TENANT, "app.profiles")
    assert dataset is not None
    assert dataset.fields["phone"].status is Status.CONFIRMED
    assert inventory.system(DEFAULT_TENANT, "app").kind == "declared"


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("        owner: 销售部", "        ovner: 销售部", 14, "Unknown key"),
        ("category: email", "category: mail", 9, "not in policies/taxonomy"),
        ("level: 4", "level: 2", 9, "raised"),
        ("level: 4", "level: high", 11, "number"),
        ("[encrypted, masked_by_default]", "[encripted]", 12, "controls is a list"),
        ("status: confirmed\n        category", "status: sure\n        category", 9, "status is one of"),
        ("{status: rejected}", "{status: rejected, category: name}", 17, "goes with status: confirmed"),
        ("{type: customer, field: id}", "{type: customer}", 6, "needs type"),
        ("system: shop", "system: [shop]", 2, "text"),
        ("datasets:", "data_sets:", 5, "Unknown key"),
        ("{status: not_personal}", "not_personal", 16, "mapping"),
    ],
)
def test_every_flaw_is_told_with_its_line_and_nothing_is_changed(inventory: Inventory, old: str, new: str, line: int, told: str) -> None:
    """A wrong file changes nothing at all."""
    assert old in WHOLE
    with pytest.raises(InvalidInput) as refused:
        inventory.import_map(ALICE, load(WHOLE.replace(old, new, 1)))
    assert any(flaw.pointer == f"line {line}" and told.lower() in flaw.detail.lower() for flaw in refused.value.flaws), refused.value.flaws
    dataset = inventory.dataset(DEFAULT_TENANT, "shop.customers")
    assert dataset is not None
    assert dataset.fields["vip"].status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\na: 2\n", 2),
        ("a: &x [1]\nb: *x\n", 2),
        ("a: [1\nb: 2\n", 2),
        ("a: !!python/object:os.system {}\n", 1),
        ("\tx: 1", 1),
        ("a: " + "[" * 100 + "]" * 100, 1),
    ],
)
def test_yaml_with_tricks_is_refused(text: str, line: int) -> None:
    """Doubles, aliases, tags, tabs and deep nesting are refused with their line."""
    with pytest.raises(InvalidInput) as refused:
        load(text)
    assert refused.value.flaws[0].pointer == f"line {line}"


def test_the_file_of_another_system_is_refused(inventory: Inventory) -> None:
    """`systems map crm --import shop.yaml` does not change the shop by mistake."""
    with pytest.raises(InvalidInput, match="another system"):
        inventory.import_map(ALICE, load(WHOLE), expected="crm")


def test_a_large_map_is_read_from_a_file(inventory: Inventory, tmp_path: Path) -> None:
    """Two thousand fields are one file."""
    fields = "".join(f"      c{number}: {{status: not_personal}}\n" for number in range(2000))
    path = tmp_path / "map.yaml"
    path.write_text(f"system: shop\ndatasets:\n  wide:\n    fields:\n{fields}", encoding="utf-8")
    assert inventory.import_map(ALICE, load(path.read_text(encoding="utf-8"))) == 2000
