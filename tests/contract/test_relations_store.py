"""Relations and handlings on every kind of database."""

from dataclasses import replace

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.inventory import SqlInventoryRepository
from privacy.adapters.store.relations import SqlRelationRepository
from privacy.audit.events import Action
from privacy.inventory.deciding import FieldDecision
from privacy.inventory.model import Status
from privacy.inventory.ports import HandlingRow, RelationRow
from privacy.inventory.relating import HandlingDecision, Relations
from privacy.inventory.relation_rules import Edge, RelationDecision
from privacy.inventory.relations import Erase, Ownership, Relation
from privacy.inventory.service import Inventory
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AccessDenied, AuditUnavailable, InvalidInput, NotFound
from privacy.kernel.ids import DEFAULT_TENANT, DatasetId, SystemId
from tests.cast import ALICE, CAROL, OTHER_TENANT
from tests.inventory.builders import NOW, SHOP, customers, inventory_on, orders
from tests.remembering import RememberingLog

BY_ID = Edge("orders", ("customer_id",), "customers", ("id",), Ownership.OWNED_BY, declared=True, confidence=0.99)
BY_NAME = Edge("orders", ("buyer",), "customers", ("nick",), Ownership.OWNED_BY, confidence=0.6, evidence=({"kind": "name", "detail": "买家"},))
BY_PHONE = Edge("orders", ("phone",), "customers", ("email",), Ownership.OWNED_BY, weak=True, confidence=0.95)


@pytest.fixture
def audit() -> RememberingLog:
    return RememberingLog()


@pytest.fixture
def inventory(store: SqlStore, audit: RememberingLog, fixed_clock: FixedClock) -> Inventory:
    made = inventory_on(store, audit, fixed_clock)
    made.add_system(ALICE, SHOP)
    made.record_scan(ALICE, "shop", [customers(), orders()])
    return made


@pytest.fixture
def relations(store: SqlStore, inventory: Inventory, audit: RememberingLog, fixed_clock: FixedClock) -> Relations:
    return Relations(store, SqlInventoryRepository(), SqlRelationRepository(), audit, fixed_clock)


def test_relations_and_handlings_are_read_back_whole(store: SqlStore) -> None:
    """Every attribute survives the database: Chinese columns, conditions, evidence, depth, times; another tenant sees nothing."""
    repository = SqlRelationRepository()
    row = RelationRow(
        "r1", SystemId("s"), DatasetId("d1"), ("客户编号", "Zweig "), DatasetId("d2"), ("编号", "zweig"), Ownership.ACCESSED_BY, Status.CONFIRMED, True, True,
        3, {"类型": "客户"}, 0.873, ({"kind": "comment", "detail": "客户编号", "weight": 0.9},), "user:alice", NOW,
    )  # fmt: skip
    handling = HandlingRow(DatasetId("d1"), Erase.ANONYMISE, "账簿 §147 AO", "cn.books.30", {"姓名": "text:已删除", "phone": "null"}, "user:alice", NOW)
    store.run(lambda tx: repository.save_relations(tx, DEFAULT_TENANT, [row]))
    store.run(lambda tx: repository.save_handlings(tx, DEFAULT_TENANT, [handling]))
    assert store.read(lambda tx: list(repository.relations(tx, DEFAULT_TENANT, SystemId("s")))) == [row]
    assert store.read(lambda tx: list(repository.relations_by_id(tx, DEFAULT_TENANT, ["r1", "r2"]))) == [row]
    assert store.read(lambda tx: list(repository.handlings(tx, DEFAULT_TENANT, [DatasetId("d1"), DatasetId("d2")]))) == [handling]
    assert store.read(lambda tx: list(repository.relations(tx, OTHER_TENANT, SystemId("s")))) == []
    store.run(lambda tx: repository.drop_relations(tx, DEFAULT_TENANT, ["r1"]))
    assert store.read(lambda tx: list(repository.relations(tx, DEFAULT_TENANT, SystemId("s")))) == []


def test_what_was_decided_stays_through_every_scan(relations: Relations) -> None:
    """A second scan renews evidence, drops undecided proposals it no longer makes, and touches neither confirmation nor rejection."""
    relations.keep(ALICE, "shop", [BY_ID, BY_NAME, BY_PHONE])
    ids = {relation.child_columns[0]: relation.id for relation in relations.of_system(DEFAULT_TENANT, "shop")}
    relations.decide(ALICE, "shop", [RelationDecision(ids["customer_id"], "confirm", Ownership.ACCESSED_BY), RelationDecision(ids["buyer"], "reject")])
    again = relations.keep(ALICE, "shop", [replace(BY_ID, confidence=0.5), BY_NAME])
    assert (again.found, again.new, again.dropped) == (2, (), 1)
    told = {r.child_columns[0]: (r.status, r.role, r.confidence, r.decided_by) for r in relations.of_system(DEFAULT_TENANT, "shop")}
    assert told == {
        "customer_id": (Status.CONFIRMED, Ownership.ACCESSED_BY, 0.5, "user:alice"),
        "buyer": (Status.REJECTED, Ownership.OWNED_BY, 0.6, "user:alice"),
    }


def test_only_what_the_scan_was_sure_of_is_confirmed_in_bulk(relations: Relations, inventory: Inventory, audit: RememberingLog) -> None:
    """Equal phones are never confirmed in bulk, however many agree, nor is what a name alone says; the map's version grows, the event names the edges."""
    relations.keep(ALICE, "shop", [BY_ID, replace(BY_NAME, role=Ownership.ACCESSED_BY), BY_PHONE])
    version = inventory.version(DEFAULT_TENANT)
    assert relations.confirm_sure(ALICE, "shop") == 1
    assert relations.confirm_sure(ALICE, "shop") == 0
    assert [r.child_columns for r in relations.of_system(DEFAULT_TENANT, "shop") if r.confirmed] == [("customer_id",)]
    assert inventory.version(DEFAULT_TENANT) > version
    event = next(event for event in audit.events if event.action is Action.RELATION_DECIDED)
    assert (event.object_ref, event.fields, event.counts) == ("shop.orders", ("customer_id>customers.id:owned_by",), {"confirmed": 1})


def test_a_decision_that_cannot_be_made_spoils_no_other(relations: Relations) -> None:
    """An unknown relation, an unknown word and a depth on what is no self reference are told in their places; the rest is decided."""
    relations.keep(ALICE, "shop", [BY_ID, BY_NAME])
    by_name, by_id = (relation.id for relation in relations.of_system(DEFAULT_TENANT, "shop"))
    answers = relations.decide(
        ALICE, "shop", [RelationDecision("nothing", "confirm"), RelationDecision(by_id, "perhaps"), RelationDecision(by_name, "confirm", depth=2),
                        RelationDecision(by_id, "confirm")],
    )  # fmt: skip
    assert [type(answer) for answer in answers] == [NotFound, InvalidInput, InvalidInput, Relation]
    assert [answer.flaws[0].pointer for answer in answers if isinstance(answer, InvalidInput)] == ["/decisions/1/decision", "/decisions/2/depth"]
    assert [relation.confirmed for relation in relations.of_system(DEFAULT_TENANT, "shop")] == [False, True]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        (replace(BY_ID, child="order"), "/child"),
        (replace(BY_ID, child_columns=("customer",)), "/child_columns"),
        (replace(BY_ID, parent_columns=("id", "name")), "/parent_columns"),
        (replace(BY_ID, when={"state": "x"}), "/when"),
        (replace(BY_ID, depth=2), "/depth"),
        (Edge("customers", ("id",), "customers", ("id",), Ownership.OWNED_BY), "/child_columns"),
    ],
)
def test_a_relation_by_hand_must_fit_the_map(relations: Relations, wrong: Edge, pointer: str) -> None:
    """Datasets and fields must be there, columns pair up, and a row is not its own parent by the same column."""
    with pytest.raises(InvalidInput) as refused:
        relations.add(ALICE, "shop", wrong)
    assert refused.value.flaws[0].pointer == pointer
    assert relations.of_system(DEFAULT_TENANT, "shop") == []


def test_a_relation_by_hand_is_confirmed_and_kept(relations: Relations) -> None:
    """Composite columns may be given in any order: the same edge is the same relation, and a scan that finds it too changes no decision."""
    pair = Edge("orders", ("customer_id", "shop_no"), "customers", ("id", "nick"), Ownership.OWNED_BY)
    turned = Edge("orders", ("shop_no", "customer_id"), "customers", ("nick", "id"), Ownership.HANDLED_BY)
    assert relations.add(ALICE, "shop", pair).id == relations.add(ALICE, "shop", turned).id
    relations.keep(ALICE, "shop", [pair])
    (only,) = relations.of_system(DEFAULT_TENANT, "shop")
    assert (only.status, only.role, only.decided_by) == (Status.CONFIRMED, Ownership.HANDLED_BY, "user:alice")


def test_handling_says_what_erasure_does_and_why(relations: Relations, audit: RememberingLog) -> None:
    """Keeping needs a reason, replacements need anonymise and known fields; what is right is kept whatever else is wrong, and the reason stays erasable."""
    keep = HandlingDecision("shop.orders", Erase.KEEP, "accounts, ten years", "de.hgb.257")
    answers = relations.handle(
        ALICE,
        [
            keep,
            HandlingDecision("shop.orders", Erase.KEEP),
            HandlingDecision("shop.customers", Erase.DELETE, replacements={"name": "null"}),
            HandlingDecision("shop.customers", Erase.ANONYMISE, replacements={"id": "null"}),
            HandlingDecision("shop.customers", Erase.ANONYMISE, replacements={"nobody": "null"}),
            HandlingDecision("shop.nothing", Erase.DELETE),
            HandlingDecision("shop.customers", Erase.ANONYMISE, replacements={"name": "text:—"}),
        ],
    )
    assert [isinstance(answer, Exception) for answer in answers] == [False, True, True, True, True, True, False]
    handlings = relations.handlings(DEFAULT_TENANT, "shop")
    assert {name: (h.action, h.reason, h.rule, dict(h.replacements)) for name, h in handlings.items()} == {
        "shop.customers": (Erase.ANONYMISE, "", "", {"name": "text:—"}),
        "shop.orders": (Erase.KEEP, "accounts, ten years", "de.hgb.257", {}),
    }
    events = [event for event in audit.events if event.action is Action.HANDLING_DECIDED]
    assert [(event.object_ref, event.counts, event.free) for event in events] == [
        ("shop.orders", {"keep": 1}, {"reason": "accounts, ten years"}),
        ("shop.customers", {"anonymise": 1}, {}),
    ]


def test_the_digest_changes_when_and_only_when_an_erasure_would(relations: Relations, inventory: Inventory) -> None:
    """Proposals, rejections, weak and reference edges, another scan leave it; a followed edge, its role, a handling, a subject, a category change it."""

    def now() -> str:
        return relations.digest(DEFAULT_TENANT, "shop")

    first = now()
    relations.keep(ALICE, "shop", [BY_ID, BY_NAME, BY_PHONE])
    ids = {relation.child_columns[0]: relation.id for relation in relations.of_system(DEFAULT_TENANT, "shop")}
    relations.decide(ALICE, "shop", [RelationDecision(ids["phone"], "confirm"), RelationDecision(ids["buyer"], "reject")])
    relations.decide(ALICE, "shop", [RelationDecision(ids["customer_id"], "confirm", Ownership.REF)])
    inventory.record_scan(ALICE, "shop", [customers(), orders()])
    assert now() == first

    seen = {first}
    for change in (
        lambda: relations.decide(ALICE, "shop", [RelationDecision(ids["customer_id"], "confirm", Ownership.OWNED_BY)]),
        lambda: relations.decide(ALICE, "shop", [RelationDecision(ids["customer_id"], "confirm", Ownership.HANDLED_BY)]),
        lambda: relations.handle(ALICE, [HandlingDecision("shop.orders", Erase.UNLINK)]),
        lambda: relations.handle(ALICE, [HandlingDecision("shop.orders", Erase.RESTRICT, "complaint pending")]),
        lambda: inventory.set_subject(ALICE, "shop.customers", "customer", "id"),
        lambda: inventory.decide(ALICE, [FieldDecision("shop.customers", "email", "confirm")]),
        lambda: inventory.decide(ALICE, [FieldDecision("shop.customers", "email", "not_personal")]),
    ):
        change()
        assert now() not in seen, change
        seen.add(now())


def test_without_the_right_or_the_log_nothing_changes(relations: Relations, audit: RememberingLog) -> None:
    """An auditor reads and decides nothing; when the log refuses, the proposals are not kept either."""
    for attempt in (
        lambda: relations.keep(CAROL, "shop", [BY_ID]),
        lambda: relations.add(CAROL, "shop", BY_ID),
        lambda: relations.handle(CAROL, [HandlingDecision("shop.orders", Erase.DELETE)]),
        lambda: relations.confirm_sure(CAROL, "shop"),
    ):
        with pytest.raises(AccessDenied):
            attempt()
    audit.refuse = True
    with pytest.raises(AuditUnavailable):
        relations.keep(ALICE, "shop", [BY_ID])
    assert relations.of_system(DEFAULT_TENANT, "shop") == []


def test_tenants_do_not_see_each_other(relations: Relations) -> None:
    relations.keep(ALICE, "shop", [BY_ID])
    with pytest.raises(NotFound):
        relations.of_system(OTHER_TENANT, "shop")
    (known,) = relations.of_system(DEFAULT_TENANT, "shop")
    with pytest.raises(NotFound):
        relations.decide(replace(ALICE, tenant=OTHER_TENANT), "shop", [RelationDecision(known.id, "reject")])


def test_a_table_that_is_gone_takes_its_relations_out_of_sight(relations: Relations, inventory: Inventory) -> None:
    """Nothing follows an edge to a table that the last scan did not find; when the table is back, so is the decision."""
    relations.add(ALICE, "shop", BY_ID)
    inventory.record_scan(ALICE, "shop", [customers()])
    assert relations.of_system(DEFAULT_TENANT, "shop") == []
    inventory.record_scan(ALICE, "shop", [customers(), orders()])
    assert [relation.confirmed for relation in relations.of_system(DEFAULT_TENANT, "shop")] == [True]
