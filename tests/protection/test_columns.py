"""A column of a connected database is encrypted in place, used, and brought back: the shop's e-mails and phones, on every kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from privacy.kernel.plaintext import Plaintext
from privacy.protection.column_model import Phase, Step
from privacy.subjects.model import Identifier, IdentifierKind
from tests.cast import ALICE, LI_XIAOMING
from tests.company import tables
from tests.company.confirming import confirm_shop, connect
from tests.company.rows import ROWS
from tests.protection.inplace import Place
from tests.web.steward import Steward, install, open_steward

EMAILS = {row[0]: row[3] for row in ROWS["kh_info"]}
COPY, VERIFY, SWITCH, FINALISE, UNDO = Step.COPY, Step.VERIFY, Step.SWITCH, Step.FINALISE, Step.UNDO


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("columns") / "state")


@pytest.fixture
def steward(template: Path, tmp_path: Path) -> Iterator[Steward]:
    opened = open_steward(template, tmp_path / "office")
    yield opened
    opened.application.close()


@pytest.fixture
def place(steward: Steward, empty_url: str) -> Place:
    tables.build(empty_url)
    connect(steward.application, steward.actor(), "shop", empty_url)
    confirm_shop(steward.application, steward.actor())
    return Place(steward.application, empty_url)


def test_planning_writes_nothing_into_the_system(place: Place) -> None:
    before = place.columns("kh_info")
    (column,) = place.plan("yx")
    assert (column.phase, column.layout.shadow, column.layout.index) == (Phase.PLANNED, "yx_enc", "yx_bidx")
    assert place.columns("kh_info") == before


def test_every_value_is_copied_beside_its_plaintext_and_verified(place: Place) -> None:
    (column,) = place.plan("yx")
    column = place.do(column, COPY)
    assert column.phase is Phase.COPIED
    assert dict(column.counts) == {"rows": 10, "filled": 9, "encrypted": 9, "empty": 1, "waiting": 0, "unfit": 0, "differing": 0}
    assert place.values(column) == EMAILS
    assert dict(place.rows("kh_info", "kh_bh", "yx")) == EMAILS


def test_after_the_switch_the_plaintext_is_gone_and_every_value_is_in_its_shadow(place: Place) -> None:
    (column,) = place.plan("yx")
    column = place.do(column, COPY, SWITCH)
    assert column.phase is Phase.SWITCHED
    assert {value for _, value in place.rows("kh_info", "kh_bh", "yx")} == {None}
    assert place.values(column) == EMAILS


@pytest.mark.parametrize("steps", [(COPY,), (COPY, SWITCH), (COPY, SWITCH, VERIFY)])
def test_undo_gives_back_exactly_what_was_there(place: Place, steps: tuple[Step, ...]) -> None:
    rows, columns = tables.dump(place.url), place.columns("kh_info")
    planned = place.plan("yx", "sjh", "csrq")
    for column in planned:
        place.do(column, *steps)
    for column in planned:
        assert place.do(column, UNDO).phase is Phase.UNDONE
    assert tables.dump(place.url) == rows
    assert place.columns("kh_info") == columns


@pytest.mark.parametrize("steps", [(COPY,), (COPY, SWITCH), (COPY, SWITCH, FINALISE)])
def test_a_person_is_found_by_their_encrypted_email(place: Place, steps: tuple[Step, ...]) -> None:
    for column in place.plan("yx", "sjh"):
        place.do(column, *steps, drop=True)
    for kind, value in (
        (IdentifierKind.EMAIL, LI_XIAOMING.email.upper()),
        (IdentifierKind.PHONE, f"+86 {LI_XIAOMING.phone[:3]}-{LI_XIAOMING.phone[3:7]}-{LI_XIAOMING.phone[7:]}"),
    ):
        found = place.application.subjects.resolve(ALICE, [Identifier(kind, Plaintext(value))])
        assert [str(match.subject) for match in found.matches] == ["shop:customer:KH0001"]
