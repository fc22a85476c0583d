"""The data map's rules: what counts, who may change it, what a second scan may touch."""

from dataclasses import replace

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.inventory.deciding import FieldDecision
from privacy.inventory.merging import ScannedField, ScannedTable
from privacy.inventory.model import Field, Status
from privacy.inventory.service import Inventory, NewSystem
from privacy.inventory.yaml_map import Marked
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AccessDenied, InvalidInput, NotFound, PrivacyError
from privacy.kernel.ids import DEFAULT_TENANT
from tests.cast import ALICE, BOB, CAROL, CHARLIE, OTHER_TENANT
from tests.inventory.builders import SHOP, customers, found, inventory_on
from tests.remembering import RememberingLog


@pytest.fixture
def audit() -> RememberingLog:
    return RememberingLog()


@pytest.fixture
def inventory(sqlite_store: SqlStore, audit: RememberingLog, fixed_clock: FixedClock) -> Inventory:
    made = inventory_on(sqlite_store, audit, fixed_clock)
    made.add_system(ALICE, SHOP)
    made.record_scan(ALICE, "shop", [customers()])
    return made


def field(inventory: Inventory, name: str, dataset: str = "shop.customers") -> Field:
    found_dataset = inventory.dataset(DEFAULT_TENANT, dataset)
    assert found_dataset is not None
    return found_dataset.fields[name]


def decide(inventory: Inventory, name: str, decision: str, category: str | None = None, level: int | None = None) -> Field | PrivacyError:
    (answer,) = inventory.decide(ALICE, [FieldDecision("shop.customers", name, decision, category, level)])
    return answer


def test_only_decided_fields_count_for_disclosure(inventory: Inventory) -> None:
    """A proposal is not settled however sure it is; confirmed and not personal are; rejected is not."""
    assert not field(inventory, "email").status.settled
    decide(inventory, "email", "confirm")
    decide(inventory, "vip", "not_personal")
    decide(inventory, "nick", "reject")
    assert [field(inventory, name).status.settled for name in ("email", "vip", "nick")] == [True, True, False]


def test_an_unknown_field_is_as_strict_as_it_gets(inventory: Inventory) -> None:
    """What nobody decided and no scan proposed counts as the highest level, and is redacted."""
    assert (field(inventory, "vip").level, field(inventory, "vip").technique, field(inventory, "vip").category) == (4, "redact", "")
    decide(inventory, "email", "reject")
    assert field(inventory, "email").level == 4


def test_a_confirmed_field_has_class_level_and_technique_of_its_category(inventory: Inventory) -> None:
    """The taxonomy speaks for a confirmed field; another category than the proposed one may be confirmed."""
    decide(inventory, "email", "confirm")
    decide(inventory, "nick", "confirm", category="name")
    assert (field(inventory, "email").field_class, field(inventory, "email").level, field(inventory, "email").technique) == ("contact", 3, "email")
    assert field(inventory, "nick").category == "name"


def test_a_level_can_be_raised_and_never_lowered(inventory: Inventory) -> None:
    """A confirmed field may be stricter than its category, not laxer."""
    decide(inventory, "email", "confirm", level=4)
    assert field(inventory, "email").level == 4
    answer = decide(inventory, "email", "confirm", level=2)
    assert isinstance(answer, InvalidInput)
    assert field(inventory, "email").level == 4


def test_one_bad_decision_spoils_no_other(inventory: Inventory) -> None:
    """Answers come in order: an unknown field, an unknown category and a proposal that is not there each get their own error."""
    answers = inventory.decide(
        ALICE,
        [
            FieldDecision("shop.customers", "email", "confirm"),
            FieldDecision("shop.customers", "nothing", "confirm"),
            FieldDecision("shop.nothing", "email", "confirm"),
            FieldDecision("shop.customers", "nick", "confirm", category="taste"),
            FieldDecision("shop.customers", "vip", "confirm"),
            FieldDecision("shop.customers", "nick", "confirm", category="not_personal"),
            FieldDecision("shop.customers", "name", "confirm"),
        ],
    )
    assert [type(answer) for answer in answers] == [Field, NotFound, NotFound, InvalidInput, InvalidInput, InvalidInput, Field]
    assert [answer.flaws[0].pointer for answer in answers if isinstance(answer, PrivacyError)] == [
        "/decisions/1/field", "/decisions/2/field", "/decisions/3/category", "/decisions/4/category", "/decisions/5/category",
    ]  # fmt: skip


def test_bulk_confirmation_takes_only_what_the_scan_was_sure_of(inventory: Inventory) -> None:
    """Review items wait for a person; the subject's key is confirmed as what it is."""
    inventory.confirm_auto(ALICE, "shop")
    assert field(inventory, "nick").status is Status.PROPOSED
    assert field(inventory, "id").category == "subject_key"


def test_bulk_declaration_spares_carriers_proposals_and_subject_keys(inventory: Inventory) -> None:
    """Free text, proposals under review and the key of the subject are never declared not personal in bulk."""
    inventory.declare_rest_not_personal(ALICE, "shop")
    assert {name: field(inventory, name).status.value for name in ("id", "nick", "vip", "remark")} == {
        "id": "unknown", "nick": "proposed", "vip": "not_personal", "remark": "unknown",
    }  # fmt: skip


def test_a_second_scan_keeps_decisions_and_tells_drift(inventory: Inventory) -> None:
    """New, changed and vanished columns and tables are told; what people decided stays as they decided it."""
    inventory.confirm_auto(ALICE, "shop")
    decide(inventory, "nick", "reject")
    before = inventory.dataset(DEFAULT_TENANT, "shop.customers")
    changed = customers(ScannedField("fax", "TEXT", finding=found("phone")))
    fields = tuple(replace(f, data_type="JSON") if f.name == "email" else f for f in changed.fields if f.name != "vip")
    drift = inventory.record_scan(ALICE, "shop", [replace(changed, fields=fields), ScannedTable("orders")])
    assert (drift.new, drift.changed, drift.gone) == (("customers.fax", "orders"), ("customers.email",), ("customers.vip",))
    after = inventory.dataset(DEFAULT_TENANT, "shop.customers")
    assert before is not None
    assert after is not None
    assert after.id == before.id
    assert (field(inventory, "email").status, field(inventory, "nick").status, field(inventory, "vip").gone) == (Status.CONFIRMED, Status.REJECTED, True)
    assert field(inventory, "fax").finding == replace(found("phone"), drift="new")


def test_a_table_that_cannot_be_read_loses_nothing(inventory: Inventory) -> None:
    """A scan that could not see a table's columns does not mark them as gone, and says why."""
    inventory.record_scan(ALICE, "shop", [ScannedTable("customers", problem="no right to read it")])
    dataset = inventory.dataset(DEFAULT_TENANT, "shop.customers")
    assert dataset is not None
    assert dataset.problem
    assert not any(f.gone for f in dataset.fields.values())


def test_a_vanished_table_stays_in_the_map_as_gone(inventory: Inventory) -> None:
    """Records delivered earlier may still be asked about: the dataset keeps its id and decisions."""
    inventory.confirm_auto(ALICE, "shop")
    assert inventory.record_scan(ALICE, "shop", []).gone == ("customers",)
    dataset = inventory.dataset(DEFAULT_TENANT, "shop.customers")
    assert dataset is not None
    assert dataset.gone
    assert dataset.fields["email"].status is Status.CONFIRMED


def test_gaps_list_what_a_level_requires_and_a_field_lacks(inventory: Inventory) -> None:
    """An undecided field lacks everything; a confirmed one has what this product does for it and lacks what people must declare; not personal lacks nothing."""
    inventory.confirm_auto(ALICE, "shop")
    decide(inventory, "vip", "not_personal")
    decide(inventory, "nick", "confirm", "national_id")
    missing = {gap.field: gap.missing for gap in inventory.gaps(DEFAULT_TENANT, "shop")}
    assert missing["nick"] == ("encrypted", "mfa", "four_eyes")
    assert "email" not in missing
    assert missing["remark"] == ("access_policy", "masked_by_default", "encrypted", "mfa", "four_eyes")
    assert "vip" not in missing
    assert "id" not in missing


def test_a_field_with_no_technique_is_not_masked_by_default(inventory: Inventory) -> None:
    """Derived, not assumed: a map that takes the technique away opens the gap again."""
    inventory.confirm_auto(ALICE, "shop")
    apply(inventory, {"email": {"technique": "none"}})
    (gap,) = [gap for gap in inventory.gaps(DEFAULT_TENANT, "shop") if gap.field == "email"]
    assert gap.missing == ("masked_by_default",)
    assert "technique: redact" in gap.remedy


def test_each_gap_closes_by_its_remedy(inventory: Inventory) -> None:
    """Undecided fields name the command, decided ones the keys of the map file, keeping what was declared before."""
    decide(inventory, "nick", "confirm", "national_id")
    apply(inventory, {"nick": {"controls": ["mfa"]}})
    remedies = {gap.field: gap.remedy for gap in inventory.gaps(DEFAULT_TENANT, "shop")}
    assert "privacy systems confirm shop customers.email (" in remedies["email"]
    assert "privacy systems not-personal shop customers.remark" in remedies["remark"]
    assert "controls: [encrypted, four_eyes, mfa] at customers.nick" in remedies["nick"]
    apply(inventory, {"nick": {"controls": ["encrypted", "four_eyes", "mfa"]}})
    assert "nick" not in {gap.field for gap in inventory.gaps(DEFAULT_TENANT, "shop")}


def test_what_is_no_longer_in_the_system_is_no_gap(inventory: Inventory) -> None:
    """A table that vanished leaves its decisions, and nothing to mend."""
    inventory.record_scan(ALICE, "shop", [])
    assert inventory.gaps(DEFAULT_TENANT, "shop") == []


def apply(inventory: Inventory, fields: dict[str, dict[str, object]]) -> None:
    """Import a map file that says this about fields of customers."""

    def marked(value: object) -> Marked:
        if isinstance(value, dict):
            return Marked({key: marked(item) for key, item in value.items()}, 1)
        return Marked([marked(item) for item in value] if isinstance(value, list) else value, 1)

    inventory.import_map(ALICE, marked({"system": "shop", "datasets": {"customers": {"fields": fields}}}))


def test_only_those_with_the_scope_change_the_map(inventory: Inventory) -> None:
    """Bob, Carol and Charlie cannot connect, decide or import."""
    for actor in (BOB, CAROL, CHARLIE):
        with pytest.raises(AccessDenied):
            inventory.decide(actor, [FieldDecision("shop.customers", "email", "confirm")])
        with pytest.raises(AccessDenied):
            inventory.add_system(actor, replace(SHOP, name="other"))
        with pytest.raises(AccessDenied):
            inventory.confirm_auto(actor, "shop")
        with pytest.raises(AccessDenied):
            inventory.record_scan(actor, "shop", [])
    with pytest.raises(AccessDenied):
        inventory.export_map(CHARLIE, "shop")


def test_tenants_do_not_see_each_other(inventory: Inventory) -> None:
    """Another tenant finds neither the system nor the dataset, and its version is its own."""
    assert inventory.dataset(OTHER_TENANT, "shop.customers") is None
    assert inventory.version(OTHER_TENANT) == 0
    with pytest.raises(NotFound):
        inventory.system_url(OTHER_TENANT, "shop")


@pytest.mark.parametrize("name", ["", "a.b", "a:b", "a b", "x" * 65, "a/b"])
def test_a_system_name_can_stand_before_the_dot(inventory: Inventory, name: str) -> None:
    """Names with dots, colons or spaces would make `system.table` ambiguous."""
    with pytest.raises(InvalidInput):
        inventory.add_system(ALICE, NewSystem(name, "sqlite", "sqlite:///x", "sqlite:///x"))


def test_a_dataset_is_found_by_a_name_with_dots(inventory: Inventory) -> None:
    """The first dot ends the system; a schema's own dot belongs to the table."""
    inventory.record_scan(ALICE, "shop", [ScannedTable("sales.orders", (ScannedField("id"),))])
    dataset = inventory.dataset(DEFAULT_TENANT, "shop.sales.orders")
    assert dataset is not None
    assert dataset.table == "sales.orders"


def test_many_decisions_make_events_of_bounded_size(inventory: Inventory, audit: RememberingLog) -> None:
    """Two hundred fields decided at once make several events, none of which names more than sixty."""
    names = [f"c{number}" for number in range(200)]
    inventory.record_scan(ALICE, "shop", [ScannedTable("wide", tuple(ScannedField(name, finding=found("email")) for name in names))])
    audit.events.clear()
    inventory.confirm_auto(ALICE, "shop")
    assert sum(len(event.fields) for event in audit.events if event.object_ref == "shop.wide") == 200
    assert max(len(event.fields) for event in audit.events) <= 60


def test_the_subject_of_a_view_is_never_confirmed_in_bulk_and_a_subject_can_be_taken_back(inventory: Inventory) -> None:
    """A view of people shows the rows of a table: nothing can be erased in it, so that a person decides about it alone."""
    inventory.record_scan(ALICE, "shop", [customers(), replace(customers(), name="active_customers", kind="view")])
    inventory.confirm_auto(ALICE, "shop")
    assert inventory.dataset(DEFAULT_TENANT, "shop.customers").subject_type == "customer"
    assert inventory.dataset(DEFAULT_TENANT, "shop.active_customers").subject_type is None

    inventory.set_subject(ALICE, "shop.active_customers", "customer", "id")
    inventory.clear_subject(ALICE, "shop.active_customers")
    assert inventory.dataset(DEFAULT_TENANT, "shop.active_customers").subject_field is None
    with pytest.raises(AccessDenied):
        inventory.clear_subject(CHARLIE, "shop.customers")
