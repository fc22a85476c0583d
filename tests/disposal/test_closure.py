"""What is whose: rows found for a person are the truth's, on a schema without declared keys and on small awkward ones."""

import pytest

from privacy.disposal.closure import Terrain, collect
from privacy.disposal.model import Collection, Share
from privacy.disposal.target import ForeignKeyShape, TableShape
from privacy.inventory.model import Dataset, Status
from privacy.inventory.relations import Relation
from privacy.kernel.errors import Conflict
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.terms import SubjectRef
from tests.disposal import shop
from tests.disposal.memory_target import MemoryTarget, shape
from tests.disposal.shop import dataset, relation

ANN, BEN = SubjectRef("shop", "customer", "1"), SubjectRef("shop", "customer", "2")


def _keys(found: Collection, share: Share) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for rows in found.rows:
        if rows.share is share:
            keys.setdefault(rows.table, []).extend("/".join(map(str, key)) for key in rows.keys)
    return {table: sorted(found) for table, found in keys.items()}


@pytest.mark.parametrize("person", shop.TRUTH["people"])
def test_every_person_of_the_shop_has_exactly_the_rows_of_the_truth_file(person: str) -> None:
    truth = shop.TRUTH["people"][person]

    found = collect(shop.terrain(), shop.memory(), [shop.subject(person)])

    assert _keys(found, Share.OWNED) == {table: sorted(keys) for table, keys in truth["own"].items()}
    assert _keys(found, Share.SHARED) == {table: sorted(keys) for table, keys in truth["shared"].items()}
    assert {table: len(keys) for table, keys in _keys(found, Share.HANDLED).items()} == truth["handled"]


# --- small schemas --------------------------------------------------------------------------------------------------------------------


def _world(
    tables: dict[str, tuple[TableShape, list[dict[str, object]]]], people: dict[str, tuple[str, str]], relations: list[Relation]
) -> tuple[Terrain, MemoryTarget]:
    shapes = {name: each for name, (each, _) in tables.items()}
    datasets: dict[str, Dataset] = {name: dataset(name, dict.fromkeys(each.columns, ""), people.get(name)) for name, each in shapes.items()}
    return Terrain(DEFAULT_TENANT, "shop", datasets, shapes, tuple(relations)), MemoryTarget(shapes, {name: rows for name, (_, rows) in tables.items()})


PEOPLE = ("people", shape("people", "id:integer! boss:integer?"))


def _people(*rows: tuple[int, int | None]) -> tuple[TableShape, list[dict[str, object]]]:
    return PEOPLE[1], [{"id": number, "boss": boss} for number, boss in rows]


def test_a_row_with_two_owners_is_shared_and_one_whose_other_owner_does_not_exist_is_not() -> None:
    transfers = shape("transfers", "id:integer! sender:integer? receiver:integer?")
    rows: list[dict[str, object]] = [{"id": 1, "sender": 1, "receiver": 2}, {"id": 2, "sender": 1, "receiver": 1}, {"id": 3, "sender": 1, "receiver": 0}]
    edges = [relation("transfers", side, "people", "id", "owned_by") for side in ("sender", "receiver")]
    terrain, target = _world({"people": _people((1, None), (2, None)), "transfers": (transfers, rows)}, {"people": ("customer", "id")}, edges)

    one, both = collect(terrain, target, [ANN]), collect(terrain, target, [ANN, BEN])

    assert _keys(one, Share.OWNED)["transfers"] == ["2", "3"] and _keys(one, Share.SHARED) == {"transfers": ["1"]}
    assert [rows.link for rows in one.rows if rows.share is Share.SHARED] == [("sender",)]
    assert _keys(both, Share.OWNED)["transfers"] == ["1", "2", "3"] and not _keys(both, Share.SHARED)


def test_what_hangs_from_a_shared_row_is_shared_as_well() -> None:
    accounts, lines = shape("accounts", "id:integer! a:integer? b:integer?"), shape("lines", "id:integer! account:integer!")
    edges = [relation("accounts", side, "people", "id", "owned_by") for side in ("a", "b")] + [relation("lines", "account", "accounts", "id", "owned_by")]
    tables = {
        "people": _people((1, None), (2, None)),
        "accounts": (accounts, [{"id": 7, "a": 1, "b": 2}, {"id": 8, "a": 1, "b": None}]),
        "lines": (lines, [{"id": 70, "account": 7}, {"id": 80, "account": 8}]),
    }
    terrain, target = _world(tables, {"people": ("customer", "id")}, edges)

    found = collect(terrain, target, [ANN])

    assert _keys(found, Share.OWNED)["lines"] == ["80"] and _keys(found, Share.SHARED) == {"accounts": ["7"], "lines": ["70"]}


def test_a_household_belongs_to_its_last_member_alone() -> None:
    members, homes = shape("members", "id:integer! home:integer?"), shape("homes", "id:integer!")
    tables = {
        "members": (members, [{"id": 1, "home": 5}, {"id": 2, "home": 5}, {"id": 3, "home": 6}]),
        "homes": (homes, [{"id": 5}, {"id": 6}]),
    }  # fmt: skip
    terrain, target = _world(tables, {"members": ("customer", "id")}, [relation("members", "home", "homes", "id", "owns")])

    assert _keys(collect(terrain, target, [ANN]), Share.SHARED) == {"homes": ["5"]}
    assert _keys(collect(terrain, target, [ANN, BEN]), Share.OWNED)["homes"] == ["5"]
    assert _keys(collect(terrain, target, [SubjectRef("shop", "customer", "3")]), Share.OWNED)["homes"] == ["6"]


def test_a_reporting_line_never_makes_another_person_somebodys_row() -> None:
    terrain, target = _world(
        {"people": _people((1, None), (2, 1), (3, 2))}, {"people": ("customer", "id")}, [relation("people", "boss", "people", "id", "handled_by")]
    )

    found = collect(terrain, target, [ANN])

    assert _keys(found, Share.OWNED) == {"people": ["1"]} and _keys(found, Share.HANDLED) == {"people": ["2"]}


@pytest.mark.parametrize(("depth", "expected"), [(1, ["1", "2"]), (2, ["1", "2", "3"]), (None, ["1", "2", "3", "4"])])
def test_a_self_reference_is_followed_to_its_depth_and_a_cycle_ends(depth: int | None, expected: list[str]) -> None:
    notes = shape("notes", "id:integer! person:integer? above:integer?")
    rows: list[dict[str, object]] = [
        {"id": 1, "person": 1, "above": 4},
        {"id": 2, "person": None, "above": 1},
        {"id": 3, "person": None, "above": 2},
        {"id": 4, "person": None, "above": 3},
    ]
    edges = [relation("notes", "person", "people", "id", "owned_by"), relation("notes", "above", "notes", "id", "owned_by", depth=depth)]
    if depth is not None:
        rows[0]["above"] = None
    terrain, target = _world({"people": _people((1, None)), "notes": (notes, rows)}, {"people": ("customer", "id")}, edges)

    assert _keys(collect(terrain, target, [ANN]), Share.OWNED)["notes"] == expected


def test_a_soft_link_joins_a_number_with_its_text_and_composite_keys_join_whole() -> None:
    orders, lines = (
        shape("orders", "shop:integer! number:integer! customer:text?", key=("shop", "number")),
        shape("lines", "id:integer! shop:integer! number:integer!"),
    )
    tables = {
        "people": _people((1, None), (2, None)),
        "orders": (orders, [{"shop": 1, "number": 1, "customer": "1"}, {"shop": 2, "number": 1, "customer": "2"}]),
        "lines": (lines, [{"id": 1, "shop": 1, "number": 1}, {"id": 2, "shop": 2, "number": 1}]),
    }
    edges = [relation("orders", "customer", "people", "id", "owned_by"), relation("lines", "shop number", "orders", "shop number", "owned_by")]
    terrain, target = _world(tables, {"people": ("customer", "id")}, edges)

    found = _keys(collect(terrain, target, [ANN]), Share.OWNED)

    assert found == {"people": ["1"], "orders": ["1/1"], "lines": ["1"]}


def test_unconfirmed_relations_are_told_and_not_followed() -> None:
    notes = shape("notes", "id:integer! person:integer?", keys=[ForeignKeyShape(("person",), "people", ("id",))])
    tables = {"people": _people((1, None)), "notes": (notes, [{"id": 1, "person": 1}])}
    edge = relation("notes", "person", "people", "id", "owned_by", status=Status.PROPOSED)
    terrain, target = _world(tables, {"people": ("customer", "id")}, [edge])

    found = collect(terrain, target, [ANN])

    assert _keys(found, Share.OWNED) == {"people": ["1"]}
    assert found.doubts == ("shop.notes.person → shop.people.id (owned_by) is not confirmed: not followed",)


def test_a_table_without_a_key_counts_equal_rows_one_by_one() -> None:
    visits = shape("visits", "person:integer? page:text!", key=())
    rows: list[dict[str, object]] = [{"person": 1, "page": "a"}, {"person": 1, "page": "a"}, {"person": 2, "page": "a"}]
    tables = {"people": _people((1, None), (2, None)), "visits": (visits, rows)}
    terrain, target = _world(tables, {"people": ("customer", "id")}, [relation("visits", "person", "people", "id", "owned_by")])

    assert _keys(collect(terrain, target, [ANN]), Share.OWNED)["visits"] == ["a/1", "a/1"]


def test_too_many_rows_are_refused_with_the_likely_reason() -> None:
    tables = {"people": _people(*((number, 1) for number in range(1, 50)))}
    terrain, target = _world(tables, {"people": ("customer", "id")}, [relation("people", "boss", "people", "id", "owned_by")])

    with pytest.raises(Conflict, match="the wrong way round") as refused:
        collect(terrain, target, [ANN], most_rows=20)
    assert refused.value.code == "too_many_rows"


@pytest.mark.parametrize("role", ["owned_by", "owns", "accessed_by"])
def test_no_relation_makes_another_person_somebodys_row_nor_leads_past_them(role: str) -> None:
    orders = shape("orders", "id:integer! person:integer!")
    tables = {"people": _people((1, 2), (2, 1), (3, 2)), "orders": (orders, [{"id": 10, "person": 1}, {"id": 20, "person": 2}, {"id": 30, "person": 3}])}
    edges = [relation("people", "boss", "people", "id", role), relation("orders", "person", "people", "id", "owned_by")]
    terrain, target = _world(tables, {"people": ("customer", "id")}, edges)

    found, both = collect(terrain, target, [ANN]), collect(terrain, target, [ANN, BEN])

    assert _keys(found, Share.OWNED) == {"people": ["1"], "orders": ["10"]} and not _keys(found, Share.SHARED) and not _keys(found, Share.ACCESSED)
    assert sum(each.rows for each in found.others) == (0 if role == "accessed_by" else 1)
    assert _keys(both, Share.OWNED) == {"people": ["1", "2"], "orders": ["10", "20"]}


def test_staff_confirmed_as_the_owner_of_their_customers_takes_none_of_them() -> None:
    staff, invoices = shape("staff", "id:integer!"), shape("invoices", "id:integer! person:integer!")
    people = shape("people", "id:integer! rep:integer?")
    tables: dict[str, tuple[TableShape, list[dict[str, object]]]] = {
        "staff": (staff, [{"id": 1}]),
        "people": (people, [{"id": 1, "rep": 1}, {"id": 2, "rep": 1}]),
        "invoices": (invoices, [{"id": 1, "person": 1}, {"id": 2, "person": 2}]),
    }
    edges = [relation("people", "rep", "staff", "id", "owned_by"), relation("invoices", "person", "people", "id", "owned_by")]
    terrain, target = _world(tables, {"people": ("customer", "id"), "staff": ("employee", "id")}, edges)

    found = collect(terrain, target, [SubjectRef("shop", "employee", "1")])

    assert _keys(found, Share.OWNED) == {"staff": ["1"]}
    assert [(each.table, each.rows, each.via) for each in found.others] == [("people", 2, ("shop.people.rep → shop.staff.id",))]
