"""What happens beside a plan: copies that triggers add are told, changes nobody decided about block, each with a remedy that exists."""

from dataclasses import replace

import pytest

from privacy.disposal.model import Obstacle, Share
from privacy.disposal.preflight import look, weigh
from privacy.disposal.steps import Step, StepKind
from privacy.disposal.target import Delete, ForeignKeyShape, KeysIn, Rehearsal
from privacy.inventory.relations import Erase
from privacy.kernel.ids import DatasetId
from tests.disposal.memory_target import MemoryTarget, shape

PEOPLE = replace(shape("people", "id:integer!"), triggers=("keep_history",))
SHAPES = {
    "people": PEOPLE,
    "history": shape("history", "id:integer! person:integer?"),
    "letters": shape("letters", "id:integer! person:integer?", keys=[ForeignKeyShape(("person",), "people", ("id",), "cascade")]),
}
STEP = Step(StepKind.DELETE, "people", "shop.people", DatasetId("id-people"), Erase.DELETE, Share.OWNED, ("id",), ((1,),))


def told(rehearsal: Rehearsal) -> list[Obstacle]:
    return list(weigh("shop", SHAPES, [STEP], [Delete("people", KeysIn(("id",), ((1,),)))], rehearsal))


def test_rows_that_a_trigger_adds_are_told_as_copies_and_do_not_block() -> None:
    (found,) = told(Rehearsal((1,), added={"history": 1}))

    assert (found.code, found.where, found.blocks) == ("trigger_adds_rows", "shop.history", False)
    assert "keep_history" in found.detail and "privacy systems subject shop history" in found.remedy


@pytest.mark.parametrize(("table", "remedy"), [("history", "let the trigger pass over"), ("letters", "Confirm the relation")])
def test_rows_that_are_changed_beside_the_plan_block_with_the_remedy_of_their_cause(table: str, remedy: str) -> None:
    (found,) = told(Rehearsal((1,), also_changed={table: 1}))

    assert (found.code, found.where, found.blocks) == ("cascade_unplanned", f"shop.{table}", True) and remedy in found.remedy


def test_a_subject_that_stands_in_a_view_is_told_with_what_to_do() -> None:
    shapes = {"people": replace(shape("people", "id:integer!", key=()), kind="view")}

    (found,) = look("shop", shapes, [STEP], MemoryTarget(shapes, {"people": []}), "sqlite")

    assert found.code == "not_a_table" and found.blocks and "privacy systems subject shop people --none" in found.remedy
