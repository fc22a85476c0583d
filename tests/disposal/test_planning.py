"""What happens to each row: the shop's truth, and the rules of keeping, untying, anonymising and order on small schemas."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from privacy.disposal.closure import Terrain, collect
from privacy.disposal.model import Obstacle, Share
from privacy.disposal.planning import Draft, Rules, draft
from privacy.disposal.ports import Hold, Keep
from privacy.disposal.preflight import look, weigh
from privacy.disposal.steps import StepKind, batches, from_sealed, sealed_form
from privacy.disposal.target import ForeignKeyShape, TableShape
from privacy.inventory.model import Status
from privacy.inventory.relations import Erase, Handling, Relation
from privacy.kernel.ids import DEFAULT_TENANT, DatasetId
from privacy.kernel.terms import SubjectRef
from tests.company.tables import BY_NAME
from tests.disposal import shop
from tests.disposal.memory_target import MemoryTarget, shape
from tests.disposal.shop import dataset, relation

AT = datetime(2026, 11, 22, tzinfo=UTC)
NOTHING = Rules({}, (), (), AT)
ANN = SubjectRef("shop", "customer", "1")
KEY = b"k" * 32


def plan(terrain: Terrain, target: MemoryTarget, who: SubjectRef, rules: Rules = NOTHING) -> Draft:
    return draft(terrain, target, collect(terrain, target, [who]), rules)


def run(target: MemoryTarget, made: Draft) -> None:
    """Execute a draft batch by batch, sealed and read back in between as the service does it."""
    again = [from_sealed(sealed_form(step)) for step in made.steps]
    for number, batch in enumerate(batches(again, 3)):
        done = target.apply("run", number, 1, [step.statement(KEY, target.tables) for step in batch])
        assert list(done.rows) == [len(step.keys) for step in batch]


@pytest.mark.parametrize("person", shop.TRUTH["people"])
def test_erasing_each_person_of_the_shop_removes_and_clears_what_the_truth_says_and_nothing_else(person: str) -> None:
    truth, target = shop.TRUTH["people"][person], shop.memory()
    expected = {table: {_name(table, row): dict(row) for row in rows} for table, rows in target.rows.items()}
    for table, keys in truth["erased"].items():
        for key in keys:
            del expected[table][key]
    for place in truth["cleared"]:
        table, key, column = place.rsplit("/", 2) if place.count("/") == 2 else place.split("/")
        expected[table][key][column] = None

    run(target, plan(shop.terrain(), target, shop.subject(person)))

    assert {table: {_name(table, row): row for row in rows} for table, rows in target.rows.items()} == expected


def _name(table: str, row: dict[str, Any]) -> str:
    return "/".join(str(row[column]) for column in BY_NAME[table].key)


# --- small schemas --------------------------------------------------------------------------------------------------------------------

Rows = list[dict[str, Any]]


def world(
    tables: dict[str, tuple[TableShape, Rows]], relations: list[Relation], *, subject: tuple[str, str] = ("customer", "id"), personal: tuple[str, ...] = ()
) -> tuple[Terrain, MemoryTarget]:
    """`people` holds the subjects; every column named in `personal` is confirmed as personal, the others as not."""
    shapes = {name: each for name, (each, _) in tables.items()}
    datasets = {
        name: dataset(name, {column: "name" if column in personal else "" for column in each.columns}, subject if name == "people" else None)
        for name, each in shapes.items()
    }
    target = MemoryTarget(shapes, {name: [dict(row) for row in rows] for name, (_, rows) in tables.items()})
    return Terrain(DEFAULT_TENANT, "shop", datasets, shapes, tuple(relations)), target


def handling(table: str, action: Erase, **said: Any) -> dict[str, Handling]:
    return {f"shop.{table}": Handling(f"shop.{table}", DatasetId(f"id-{table}"), action, **said)}


def key(column: str, parent: str, on_delete: str = "no action") -> ForeignKeyShape:
    return ForeignKeyShape((column,), parent, ("id",), on_delete)


PEOPLE = shape("people", "id:integer! name:text!20 email:text!40", unique=[("email",)])
PEOPLE_ROWS: Rows = [{"id": 1, "name": "Ann", "email": "a@x.example"}, {"id": 2, "name": "Ben", "email": "b@x.example"}]
ORDERS = shape("orders", "id:integer! person:integer! done:datetime?", keys=[key("person", "people")])
LINES = shape("lines", "id:integer! order:integer! note:text?", keys=[key("order", "orders")])
OWNED = [relation("orders", "person", "people", "id", "owned_by"), relation("lines", "order", "orders", "id", "owned_by")]


def _orders() -> dict[str, tuple[TableShape, Rows]]:
    orders: Rows = [
        {"id": 10, "person": 1, "done": datetime(2020, 1, 1)},  # noqa: DTZ001 - as databases give them
        {"id": 11, "person": 1, "done": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"id": 12, "person": 1, "done": None},
        {"id": 20, "person": 2, "done": None},
    ]
    lines: Rows = [{"id": order * 10, "order": order, "note": "x"} for order in (10, 11, 12, 20)]
    return {"people": (PEOPLE, PEOPLE_ROWS), "orders": (ORDERS, orders), "lines": (LINES, lines)}


def test_children_go_before_their_parents() -> None:
    terrain, target = world(_orders(), OWNED)
    made = plan(terrain, target, ANN)

    assert [step.table for step in made.steps] == ["lines", "orders", "people"]
    run(target, made)
    assert [row["id"] for row in target.rows["orders"]] == [20]


def test_a_statutory_minimum_restricts_young_rows_with_their_lines_and_leaves_the_person_anonymised_behind() -> None:
    terrain, target = world(_orders(), OWNED, personal=("name", "email"))
    keep = Keep("shop.orders", "cn.ecommerce.31", "E-Commerce Law 31", "done", AT - timedelta(days=3 * 365), lambda clock: clock.replace(year=clock.year + 3))

    made = plan(terrain, target, ANN, Rules({}, [keep], (), AT))

    kept = {(row.dataset, row.until): row for row in made.rows("shop") if row.action is Erase.RESTRICT}
    assert {place: row.rows for place, row in kept.items()} == {
        ("shop.orders", datetime(2029, 1, 1, tzinfo=UTC)): 1,
        ("shop.orders", None): 1,
        ("shop.lines", datetime(2029, 1, 1, tzinfo=UTC)): 1,
        ("shop.lines", None): 1,
    }
    assert all(row.rule == "cn.ecommerce.31" for row in kept.values())
    run(target, made)
    assert [row["id"] for row in target.rows["orders"]] == [11, 12, 20] and [row["id"] for row in target.rows["lines"]] == [110, 120, 200]
    person = target.rows["people"][0]
    assert person["id"] == 1 and person["name"] == "[erased]" and person["email"].startswith("erased-")
    assert target.rows["people"][1] == PEOPLE_ROWS[1]


def test_a_held_row_is_not_touched_and_the_longest_ground_counts() -> None:
    terrain, target = world(_orders(), OWNED)
    holds = [Hold("h1", "shop.orders", ("10",), AT + timedelta(days=1)), Hold("h2", "shop.orders")]

    made = plan(terrain, target, ANN, Rules({}, (), holds, AT))

    restricted = [step for step in made.steps if step.action is Erase.RESTRICT and step.table == "orders"]
    assert {(step.rule, step.reason) for step in restricted} == {("hold:h2", "a legal hold")} and sum(len(step.keys) for step in restricted) == 3


def test_a_row_of_others_lets_go_of_the_person_or_keeps_them_anonymised() -> None:
    tables = _orders() | {"tickets": (shape("tickets", "id:integer! agent:integer!", keys=[key("agent", "people")]), [{"id": 1, "agent": 1}])}
    terrain, target = world(tables, [*OWNED, relation("tickets", "agent", "people", "id", "handled_by")], personal=("name", "email"))

    made = plan(terrain, target, ANN)
    run(target, made)

    assert target.rows["tickets"] == [{"id": 1, "agent": 1}]
    assert [row["name"] for row in target.rows["people"]] == ["[erased]", "Ben"]
    (line,) = [row for row in made.rows("shop") if row.action is Erase.ANONYMISE]
    assert "refer to it and cannot let go" in line.reason and line.columns == ("email", "name")


def test_a_circle_is_broken_where_a_reference_may_be_empty() -> None:
    left = shape("lefts", "id:integer! person:integer! right:integer?", keys=[key("person", "people"), key("right", "rights")])
    right = shape("rights", "id:integer! left:integer!", keys=[key("left", "lefts")])
    tables = {
        "people": (PEOPLE, PEOPLE_ROWS),
        "lefts": (left, [{"id": 1, "person": 1, "right": 5}, {"id": 2, "person": 2, "right": None}]),
        "rights": (right, [{"id": 5, "left": 1}]),
    }
    terrain, target = world(tables, [relation("lefts", "person", "people", "id", "owned_by"), relation("rights", "left", "lefts", "id", "owned_by")])

    made = plan(terrain, target, ANN)
    run(target, made)

    assert next(step.kind for step in made.steps) is StepKind.BREAK
    assert target.rows["rights"] == [] and [row["id"] for row in target.rows["lefts"]] == [2]


def test_a_reply_chain_that_may_not_be_empty_goes_leaf_by_leaf() -> None:
    notes = shape("notes", "id:integer! person:integer! above:integer!", keys=[key("person", "people"), key("above", "notes")])
    rows: Rows = [{"id": 1, "person": 1, "above": 1}, {"id": 2, "person": 1, "above": 1}, {"id": 3, "person": 1, "above": 2}]
    terrain, target = world({"people": (PEOPLE, PEOPLE_ROWS), "notes": (notes, rows)}, [relation("notes", "person", "people", "id", "owned_by")])

    made = plan(terrain, target, ANN)

    assert [[k for (k,) in step.keys] for step in made.steps if step.table == "notes"] == [[3], [2], [1]]


def test_a_cascade_that_would_take_rows_nobody_decided_about_blocks() -> None:
    logs = shape("logs", "id:integer! order:integer!", keys=[key("order", "orders", "cascade")])
    terrain, target = world(_orders() | {"logs": (logs, [{"id": 1, "order": 10}])}, OWNED)

    made = plan(terrain, target, ANN)

    assert [(each.code, each.blocks) for each in made.obstacles] == [("cascade_unplanned", True)]


def test_a_join_row_that_only_grants_access_goes_and_the_list_stays() -> None:
    lists = shape("lists", "id:integer! title:text?")
    grants = shape("grants", "list:integer! person:integer!", key=("list", "person"), keys=[key("list", "lists"), key("person", "people")])
    tables = {
        "people": (PEOPLE, PEOPLE_ROWS),
        "lists": (lists, [{"id": 1, "title": "t"}]),
        "grants": (grants, [{"list": 1, "person": 1}, {"list": 1, "person": 2}]),
    }
    terrain, target = world(tables, [relation("grants", "person", "people", "id", "accessed_by"), relation("grants", "list", "lists", "id", "ref")])

    run(target, plan(terrain, target, ANN))

    assert target.rows["grants"] == [{"list": 1, "person": 2}] and target.rows["lists"] == [{"id": 1, "title": "t"}]


def test_decided_handlings_are_followed_with_their_replacements() -> None:
    terrain, target = world(_orders(), OWNED, personal=("name", "email", "note"))
    handlings = handling("people", Erase.ANONYMISE, replacements={"name": "text:former customer"}) | handling("lines", Erase.ANONYMISE)
    handlings |= handling("orders", Erase.KEEP, reason="accounts")

    made = plan(terrain, target, ANN, Rules(handlings, (), (), AT))
    run(target, made)

    assert target.rows["people"][0]["name"] == "former customer"
    assert [row["note"] for row in target.rows["lines"]] == [None, None, None, "x"]
    assert [(row.action, row.rows, row.reason) for row in made.rows("shop") if row.dataset == "shop.orders"] == [(Erase.KEEP, 3, "accounts")]


def test_a_soft_link_that_may_not_be_empty_is_overwritten_when_it_is_text() -> None:
    posts = shape("posts", "id:integer! author:text! text:text?")
    tables = {"people": (PEOPLE, PEOPLE_ROWS), "posts": (posts, [{"id": 1, "author": "a@x.example", "text": "t"}])}
    terrain, target = world(tables, [relation("posts", "author", "people", "email", "handled_by")])

    run(target, plan(terrain, target, ANN))

    assert target.rows["posts"] == [{"id": 1, "author": "[erased]", "text": "t"}]


def test_the_look_and_the_rehearsal_name_what_would_stop_it() -> None:
    checked = shape("orders", "id:integer! person:integer?", keys=[key("person", "people")])
    terrain, target = world({"people": (PEOPLE, PEOPLE_ROWS), "orders": (checked, [{"id": 1, "person": 1}])}, [])
    made = plan(terrain, target, ANN)
    statements = [step.statement(KEY, target.tables) for step in made.steps]

    looked = list(look("shop", target.tables, made.steps, target, "postgresql"))
    assert [(each.code, each.remedy, each.blocks) for each in looked] == [
        ("unindexed_reference", 'CREATE INDEX "ix_orders_person" ON "orders" ("person")', False)
    ]
    assert list(weigh("shop", terrain.shapes, made.steps, statements, target.rehearse(statements))) == []

    target.rows["orders"].append({"id": 2, "person": 1})
    (refused,) = weigh("shop", terrain.shapes, made.steps, statements, target.rehearse(statements))
    assert refused.code == "reference_violated" and refused.blocks


def test_shared_rows_are_never_deleted_or_blanked() -> None:
    transfers = shape("transfers", "id:integer! sender:integer? receiver:integer! text:text?", keys=[key("sender", "people"), key("receiver", "people")])
    rows: Rows = [{"id": 1, "sender": 1, "receiver": 2, "text": "t"}, {"id": 2, "sender": 2, "receiver": 1, "text": "u"}]
    edges = [relation("transfers", side, "people", "id", "owned_by") for side in ("sender", "receiver")]
    terrain, target = world({"people": (PEOPLE, PEOPLE_ROWS), "transfers": (transfers, rows)}, edges, personal=("text", "name", "email"))

    made = plan(terrain, target, ANN)
    run(target, made)

    assert {step.share for step in made.steps if step.table == "transfers"} == {Share.SHARED}
    assert target.rows["transfers"] == [{"id": 1, "sender": None, "receiver": 2, "text": "t"}, rows[1]]
    assert [row["name"] for row in target.rows["people"]] == ["[erased]", "Ben"]


# --- relations confirmed the wrong way round -------------------------------------------------------------------------------------------


def test_a_relation_that_leads_to_other_people_blocks_the_plan_and_names_itself() -> None:
    people = shape("people", "id:integer! boss:integer?", keys=[key("boss", "people")])
    rows: Rows = [{"id": 1, "boss": None}, {"id": 2, "boss": 1}, {"id": 3, "boss": 1}]
    terrain, target = world({"people": (people, rows)}, [relation("people", "boss", "people", "id", "owned_by")])

    made = plan(terrain, target, ANN)

    (told,) = [each for each in made.obstacles if each.blocks]
    assert (told.code, told.where) == ("other_people", "shop.people") and "2 row(s)" in told.detail and "people.boss" in told.detail
    assert [(step.keys, step.kind) for step in made.steps if step.kind is StepKind.DELETE] == [(((1,),), StepKind.DELETE)]


@pytest.mark.parametrize(("named", "blocks"), [(0, None), (1, False), (4, True)])
def test_rows_of_a_catalogue_that_others_refer_to_are_not_quietly_the_persons(named: int, blocks: bool | None) -> None:
    orders, things = shape("orders", "id:integer! person:integer! thing:integer!"), shape("things", "id:integer!")
    lists = shape("lists", "id:integer! thing:integer!", keys=[key("thing", "things")])
    tables: dict[str, tuple[TableShape, Rows]] = {
        "people": (PEOPLE, PEOPLE_ROWS),
        "orders": (orders, [{"id": 1, "person": 1, "thing": 7}, {"id": 2, "person": 2, "thing": 8}]),
        "things": (things, [{"id": 7}, {"id": 8}]),
        "lists": (lists, [{"id": number, "thing": 7} for number in range(named)]),
    }
    edges = [relation("orders", "person", "people", "id", "owned_by"), relation("orders", "thing", "things", "id", "owns")]
    terrain, target = world(tables, [*edges, relation("lists", "thing", "things", "id", "ref")])

    told = {each.code: each.blocks for each in plan(terrain, target, ANN).obstacles}

    assert told.get("owned_by_nobody") is blocks


MESSAGES = shape("messages", "id:integer! sender:integer! receiver:integer? body:text?")
MESSAGE_ROWS: Rows = [
    {"id": 1, "sender": 1, "receiver": 2, "body": "x"},
    {"id": 2, "sender": 1, "receiver": None, "body": "x"},
    {"id": 3, "sender": 1, "receiver": 1, "body": "x"},
    {"id": 4, "sender": 2, "receiver": 1, "body": "x"},
]


@pytest.mark.parametrize("role", ["owned_by", "accessed_by"])
@pytest.mark.parametrize("action", [Erase.DELETE, Erase.ANONYMISE])
def test_rows_that_may_be_somebody_elses_too_wait_until_that_relation_is_decided(role: str, action: Erase) -> None:
    """One half of a message decided, the other proposed: no message to others goes; one to nobody and one to the person stop nothing."""
    tables = {"people": (PEOPLE, PEOPLE_ROWS), "messages": (MESSAGES, MESSAGE_ROWS)}
    sender, receiver = (
        relation("messages", "sender", "people", "id", "owned_by"),
        relation("messages", "receiver", "people", "id", role, status=Status.PROPOSED),
    )
    rules = Rules(handling("messages", action), (), (), AT)

    def blocking(*relations: Relation, rows: Rows = MESSAGE_ROWS) -> list[Obstacle]:
        terrain, target = world(tables | {"messages": (MESSAGES, rows)}, list(relations), personal=("name", "email", "body"))
        return [each for each in plan(terrain, target, ANN, rules).obstacles if each.blocks]

    (told,) = blocking(sender, receiver)
    assert (told.code, told.where) == ("undecided_owner", "shop.messages")
    assert "shop.messages.receiver → shop.people.id (1 rows)" in told.detail and "privacy systems relations shop" in told.remedy
    assert blocking(sender, replace(receiver, status=Status.CONFIRMED)) == blocking(sender, replace(receiver, status=Status.REJECTED)) == []
    assert blocking(sender, replace(receiver, weak=True)) == [] and blocking(sender, receiver, rows=MESSAGE_ROWS[1:3]) == []


def test_an_undecided_reference_to_what_is_nobody_stops_nothing() -> None:
    goods = shape("goods", "id:integer! label:text?")
    order = shape("orders", "id:integer! person:integer! good:integer?")
    tables: dict[str, tuple[TableShape, Rows]] = {
        "people": (PEOPLE, PEOPLE_ROWS), "goods": (goods, [{"id": 7, "label": "x"}]), "orders": (order, [{"id": 1, "person": 1, "good": 7}])
    }  # fmt: skip
    proposed = relation("orders", "good", "goods", "id", "owned_by", status=Status.PROPOSED)
    terrain, target = world(tables, [relation("orders", "person", "people", "id", "owned_by"), proposed])
    assert [each for each in plan(terrain, target, ANN).obstacles if each.blocks] == []


def test_rows_about_a_subject_by_a_reference_are_no_subjects_of_their_own() -> None:
    """An invoice whose customer's number is confirmed as its subject is the customer's row, not a customer: what is kept of it keeps its lines."""
    terrain, target = world(_orders(), OWNED, personal=("name", "email"))
    orders = dataset("orders", dict.fromkeys(ORDERS.columns, ""), ("customer", "person"))
    terrain = replace(terrain, datasets={**terrain.datasets, "orders": orders})
    keep = Keep("shop.orders", "cn.ecommerce.31", "E-Commerce Law 31", "done", AT - timedelta(days=3 * 365))

    run(target, plan(terrain, target, ANN, Rules({}, [keep], (), AT)))

    assert [row["id"] for row in target.rows["orders"]] == [11, 12, 20] and [row["id"] for row in target.rows["lines"]] == [110, 120, 200]
    assert [row["id"] for row in target.rows["people"]] == [1, 2] and target.rows["people"][0]["name"] == "[erased]"
    assert (terrain.has_own_rows("people"), terrain.has_own_rows("orders")) == (True, False)
