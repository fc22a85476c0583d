"""A column of a connected database is encrypted in place, used, and brought back: the shop's e-mails and phones, on every kind of database."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from privacy.disposal.replacing import blanks
from privacy.kernel.errors import AccessDenied, Conflict
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.protection.column_model import Phase, Step
from privacy.protection.items import IndexItem, ProtectItem
from privacy.retention.model import Consequence, NewRule
from privacy.retention.replacing import replacing
from privacy.subjects.model import Identifier, IdentifierKind
from tests.cast import ALICE, CAROL, LI_XIAOMING
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


def test_undo_gives_back_exactly_what_was_there(place: Place) -> None:
    """From the copy as from the switch; each can be planned anew."""
    rows, columns = tables.dump(place.url), place.columns("kh_info")
    for steps in ((COPY,), (COPY, SWITCH, VERIFY)):
        planned = place.plan("yx", "sjh", "csrq")
        for column in planned:
            place.do(column, *steps)
        assert place.columns("kh_info") != columns
        for column in planned:
            assert place.do(column, UNDO).phase is Phase.UNDONE
        assert tables.dump(place.url) == rows
        assert place.columns("kh_info") == columns


def test_a_person_is_found_in_every_phase(place: Place) -> None:
    """By an e-mail and a phone written in another way; also when the plaintext columns are dropped, before and after the next scan."""

    def found() -> list[list[str]]:
        phone = f"+86 {LI_XIAOMING.phone[:3]}-{LI_XIAOMING.phone[3:7]}-{LI_XIAOMING.phone[7:]}"
        asked = ((IdentifierKind.EMAIL, LI_XIAOMING.email.upper()), (IdentifierKind.PHONE, phone))
        resolved = [place.application.subjects.resolve(ALICE, [Identifier(kind, Plaintext(value))]) for kind, value in asked]
        return [[str(match.subject) for match in each.matches] for each in resolved]

    planned = place.plan("yx", "sjh")
    for step in (COPY, SWITCH, FINALISE):
        for column in planned:
            place.do(column, step, drop=True)
        assert found() == [["shop:customer:KH0001"]] * 2, step
    place.application.discovery.scan(ALICE, "shop")
    assert found() == [["shop:customer:KH0001"]] * 2
    assert "yx" not in place.columns("kh_info")


def test_a_scan_passes_our_columns_by_and_the_gap_report_sees_the_control(place: Place) -> None:
    def missing() -> dict[str, tuple[str, ...]]:
        return {gap.field: gap.missing for gap in place.application.inventory.gaps(ALICE.tenant, "shop") if gap.dataset == "shop.kh_info"}

    assert "encrypted" in missing()["zjhm"]
    (column,) = place.plan("zjhm")
    place.do(column, COPY, SWITCH)
    drift = place.application.discovery.scan(ALICE, "shop").drift
    assert (drift.new, drift.gone) == ((), ())
    assert "encrypted" not in missing().get("zjhm", ())
    place.do(column, UNDO)
    assert "encrypted" in missing()["zjhm"]


def test_erasing_and_anonymising_take_the_shadow_with_the_field(place: Place) -> None:
    """李小明's own row goes with everything; where a law keeps the row, value, shadow and index are emptied together."""
    columns = place.plan("yx", "sjh")
    for column in columns:
        place.do(column, COPY, SWITCH)
    application = place.application
    dataset = application.inventory.dataset(ALICE.tenant, "shop.kh_info")
    assert dataset is not None
    with closing(application.targets(ALICE.tenant, "shop")) as target:
        shape = target.shapes()["kh_info"]
    emptied = blanks(shape, dataset, None, ())
    assert {name: emptied.values[name] for name in ("yx", "yx_enc", "yx_bidx", "sjh_enc", "sjh_bidx")} == dict.fromkeys(
        ("yx", "yx_enc", "yx_bidx", "sjh_enc", "sjh_bidx")
    )
    only = replacing(dataset, shape, ["yx"], [], None)
    assert (set(only.values), only.obstacles) == ({"yx", "yx_enc", "yx_bidx"}, ())
    untouched = blanks(shape, dataset, None, {"yx", "sjh"})
    assert not {"yx", "yx_enc", "yx_bidx", "sjh_enc"} & set(untouched.values)


# --- applications that go on writing ------------------------------------------------------------------------------------------------------


def test_what_the_application_writes_during_the_copy_is_taken_up(place: Place) -> None:
    (column,) = place.plan("yx")
    column = place.do(column, COPY)
    place.run("UPDATE kh_info SET yx = 'neu@youjian.example' WHERE kh_bh = 'KH0002'")
    place.run("UPDATE kh_info SET yx = NULL WHERE kh_bh = 'KH0003'")
    place.run("INSERT INTO kh_info (kh_bh, xm, yx) VALUES ('KH0099', '新', '')")
    shadows = dict(place.rows("kh_info", "kh_bh", "yx_enc"))
    assert [shadows[key] for key in ("KH0002", "KH0003", "KH0099")] == [None] * 3  # stale shadows are no longer there
    column = place.do(column, COPY, SWITCH)
    wanted = {**EMAILS, "KH0002": "neu@youjian.example", "KH0003": None, "KH0099": ""}
    assert place.values(column) == wanted
    place.do(column, UNDO)
    assert dict(place.rows("kh_info", "kh_bh", "yx")) == wanted


def test_after_the_switch_new_plaintext_is_refused_and_new_shadows_are_kept(place: Place) -> None:
    (column,) = place.plan("yx")
    column = place.do(column, COPY, SWITCH)
    for statement in (
        "UPDATE kh_info SET yx = 'spaet@youjian.example' WHERE kh_bh = 'KH0002'",
        "INSERT INTO kh_info (kh_bh, xm, yx) VALUES ('KH0098', '晚', 'spaet@youjian.example')",
        "UPDATE kh_info SET kh_bh = 'KH0097' WHERE kh_bh = 'KH0002'",  # its value is bound to its key
    ):
        with pytest.raises(DBAPIError, match=r"encrypted in place|bound to its key"):
            place.run(statement)
    place.run("UPDATE kh_info SET xm = '王芳芳' WHERE kh_bh = 'KH0002'")
    subject, value = SubjectRef("shop", "customer", "KH0002"), Plaintext("neu@youjian.example")
    shadow = place.application.protection.protect_one(column.tenant, column.dataset_id, ProtectItem(subject, "yx", value, column.category))
    number = place.application.protection.index_one(column.tenant, column.dataset_id, IndexItem("yx", value, column.category))
    place.run("UPDATE kh_info SET yx_enc = :shadow, yx_bidx = :number WHERE kh_bh = 'KH0002'", shadow=shadow, number=int(number))
    place.do(column, SWITCH, VERIFY)
    assert dict(place.now(column).counts)["differing"] == 0
    place.do(column, UNDO)
    assert dict(place.rows("kh_info", "kh_bh", "yx")) == {**EMAILS, "KH0002": "neu@youjian.example"}


def test_a_shadow_that_does_not_open_stops_the_undo_and_loses_nothing(place: Place) -> None:
    (column,) = place.plan("yx")
    column = place.do(column, COPY, SWITCH)
    before = place.rows("kh_info", "kh_bh", "yx_enc")
    place.run("UPDATE kh_info SET yx_enc = 'pv1:broken' WHERE kh_bh = 'KH0002'")
    assert place.ask(column, VERIFY) is not None
    assert dict(place.now(column).counts)["differing"] == 1
    job = place.ask(column, UNDO)
    assert job is not None and job.error_code == "unreadable"
    assert place.now(column).phase is Phase.UNDOING and place.now(column).problem
    place.run("UPDATE kh_info SET yx_enc = :shadow WHERE kh_bh = 'KH0002'", shadow=dict(before)["KH0002"])
    assert place.do(column, UNDO).phase is Phase.UNDONE
    assert dict(place.rows("kh_info", "kh_bh", "yx")) == EMAILS


def test_a_row_without_a_person_stands_in_the_way_of_the_copy_and_is_named(place: Place) -> None:
    """Nothing of the row is touched; the remedy is in the job."""
    place.run("INSERT INTO kh_info (kh_bh, xm, yx) VALUES ('', '无', 'niemand@youjian.example')")
    (column,) = place.plan("yx")
    job = place.ask(column, COPY)
    assert job is not None and job.error_code == "not_verified"
    place.run("DELETE FROM kh_info WHERE kh_bh = ''")
    assert place.do(column, COPY, SWITCH).phase is Phase.SWITCHED


def test_steps_follow_each_other(place: Place) -> None:
    (column,) = place.plan("yx")
    for step in (SWITCH, FINALISE, VERIFY):
        with pytest.raises(Conflict, match="planned"):
            place.ask(column, step)
    place.do(column, COPY, SWITCH, FINALISE)
    with pytest.raises(Conflict, match="finalised"):
        place.ask(column, UNDO)
    assert {value for _, value in place.rows("kh_info", "kh_bh", "yx")} == {None}
    with pytest.raises(AccessDenied):
        place.application.columns.plan(CAROL, [("shop.kh_info", "sjh")])


def test_every_phase_can_be_told_from_the_database_alone(place: Place) -> None:
    def told() -> str:
        ((rows,),) = place.rows("privacy_steward_marker WHERE run LIKE 'columns:%' AND batch = 0", '"rows"' if "mariadb" not in place.url else "`rows`")
        return str(json.loads(rows)["phase"])

    (column,) = place.plan("yx")
    seen = []
    for step in (COPY, SWITCH, UNDO):
        place.do(column, step)
        seen.append(told())
    assert seen == ["copied", "switched", "undone"]


def test_the_clock_of_a_retention_rule_is_not_encrypted(place: Place) -> None:
    """Nothing would ever be due again."""
    place.application.retention.propose(ALICE, NewRule("old", "shop.kh_info", "csrq", "P1Y", Consequence.DELETE, zone="Asia/Shanghai"))
    (draft,) = place.application.columns.plan(ALICE, [("shop.kh_info", "csrq")], keep=False)
    assert [obstacle.code for obstacle in draft.obstacles if not obstacle.note] == ["clock"]
