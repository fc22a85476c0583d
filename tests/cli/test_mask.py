"""`privacy mask`: whole files through the same door as the API, complete or not at all."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from privacy.actors.roles import Roles
from privacy.audit.events import Action
from privacy.cli import main, session
from privacy.kernel.terms import Actor
from tests.access.builders import SHIPPED, Company, as_role, customer, open_company
from tests.cast import LI_XIAOMING, secrets_of_the_cast

Run = Callable[..., int]
FIELDS = ("id", "name", "phone", "email", "id_card")
OPERATOR = Actor("operator:test", as_role("agent").tenant, frozenset({"operator"}), frozenset({"mask"}), "os")


@pytest.fixture
def company() -> Company:
    return open_company()


@pytest.fixture
def run(company: Company, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call the command line as `actor` and return its exit code."""

    def call(*arguments: object, actor: Actor = OPERATOR) -> int:
        application = SimpleNamespace(access=company.access, actors=SimpleNamespace(roles=Roles.load(SHIPPED / "roles.toml")), close=lambda: None)
        monkeypatch.setattr(session, "open_application", lambda: (application, actor))
        with pytest.raises(SystemExit) as ended:
            main(["mask", *map(str, arguments)])
        return int(ended.value.code or 0)

    return call


def rows(count: int = 3) -> list[dict[str, Any]]:
    return [{field: customer(str(n))[field] for field in FIELDS} for n in range(count)]


def write_csv(path: Path, records: list[dict[str, Any]], **options: Any) -> Path:
    encoding = options.pop("encoding", "utf-8")
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(records[0]), **options)
        writer.writeheader()
        writer.writerows(records)
    return path


AGENT = ("--dataset", "crm.customer", "--purpose", "support", "--role", "agent")


def test_a_csv_is_masked_as_the_role_sees_it(run: Run, tmp_path: Path) -> None:
    """Same fields, same order, each value as support may see it, nothing of the person left."""
    source, target = write_csv(tmp_path / "in.csv", rows()), tmp_path / "out.csv"
    assert run(source, target, *AGENT) == 0
    with target.open(encoding="utf-8", newline="") as file:
        masked = list(csv.DictReader(file))
    assert list(masked[0]) == list(FIELDS)
    assert [row["name"] for row in masked] == ["李**"] * 3
    text = target.read_text("utf-8")
    assert not [name for name, value in secrets_of_the_cast().items() if value in text]
    assert target.stat().st_mode & 0o077 == 0


def test_json_lines_keep_order_and_types(run: Run, tmp_path: Path) -> None:
    """A withheld value is null, a number that may be shown stays a number."""
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    records = [{**rows(1)[0], "id": str(n), "health": "流感"} for n in range(5)]
    source.write_text("\n".join(json.dumps(record, ensure_ascii=False) for record in records) + "\n\n", "utf-8")
    assert run(source, target, *AGENT) == 0
    masked = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert len(masked) == 5
    assert {record["health"] for record in masked} == {None}


def test_many_rows_go_through_in_batches(run: Run, company: Company, tmp_path: Path) -> None:
    """A file of more rows than one call takes is one call after another, each with its event, and no row is lost."""
    source, target = write_csv(tmp_path / "in.csv", rows(2500)), tmp_path / "out.csv"
    assert run(source, target, *AGENT) == 0
    assert len(target.read_text("utf-8").splitlines()) == 2501
    events = [event for event in company.audit.events if event.action is Action.RECORDS_MASKED]
    assert [event.counts["records"] for event in events] == [1000, 1000, 500]
    assert {(event.actor.ref, event.actor.roles) for event in events} == {("operator:test", frozenset({"agent"}))}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_the_file_comes_back_as_it_was_written(run: Run, tmp_path: Path, encoding: str, delimiter: str) -> None:
    """Encoding, mark, delimiter and line ends are those of the input."""
    source, target = write_csv(tmp_path / "in.csv", rows(), encoding=encoding, delimiter=delimiter), tmp_path / "out.csv"
    assert run(source, target, *AGENT) == 0
    assert target.read_bytes()[:2] == source.read_bytes()[:2]
    lines = target.read_bytes().decode(encoding).split("\r\n")
    assert lines[0].split(delimiter) == list(FIELDS)
    assert len(lines) == 5


def test_a_cell_that_a_spreadsheet_would_run_is_disarmed(run: Run, tmp_path: Path) -> None:
    """Formulas in fields that are shown in clear get a quote in front; numbers do not; a flag keeps them."""
    records = [{"id": "1", "created": "=HYPERLINK(1)"}, {"id": "2", "created": "-12.5"}, {"id": "3", "created": "@x"}]
    source = write_csv(tmp_path / "in.csv", records)
    assert run(source, tmp_path / "a.csv", *AGENT) == 0
    assert run(source, tmp_path / "b.csv", *AGENT, "--keep-formulas") == 0
    created = [[row["created"] for row in csv.DictReader((tmp_path / name).read_text("utf-8").splitlines())] for name in ("a.csv", "b.csv")]
    assert created == [["'=HYPERLINK(1)", "-12.5", "'@x"], ["=HYPERLINK(1)", "-12.5", "@x"]]


@pytest.mark.parametrize(
    ("text", "line"),
    [("id,name\n1,李小明\n2,李小明,x\n", "Line 3"), ("id,name\n\n1\n", "Line 3"), ('id,name\n1,"李小明\n', "Line 2"), ('id,name\n1,"a"b\n', "Line 2")],
)
def test_a_row_that_cannot_be_read_stops_by_its_line_and_leaves_no_file(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, line: str
) -> None:
    """Nothing half done: no output, no part of one, and no value in the error."""
    source = tmp_path / "in.csv"
    source.write_text(text, "utf-8")
    assert run(source, tmp_path / "out.csv", *AGENT) == 2
    said = capsys.readouterr().err
    assert line in said
    assert LI_XIAOMING.name not in said
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_bad_rows_can_be_left_out_and_are_named(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is left out stands in the report by its line; the others are there."""
    source = tmp_path / "in.jsonl"
    good = json.dumps(rows(1)[0], ensure_ascii=False)
    bad = '{\n{"id": 1, "id": 2}\n[1]\n{"id": NaN}\n{"id": 1e999}'
    source.write_text(f"{good}\n{bad}\n{good}", "utf-8")
    assert run(source, tmp_path / "out.jsonl", *AGENT, "--bad-rows", "skip", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["rows"], report["left_out_lines"]) == (2, [2, 3, 4, 5, 6])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--dataset", "crm.unknown", "--purpose", "support", "--role", "agent"), "Nothing of this file"),
        (("--dataset", "crm.customer", "--purpose", "nothing", "--role", "agent"), "Nothing of this file"),
        (("--dataset", "crm.customer", "--purpose", "support"), "Nothing of this file"),
    ],
)
def test_when_nothing_may_be_shown_there_is_no_file(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    """Unknown dataset or purpose, or the operator without a role: refused with the reason."""
    assert run(write_csv(tmp_path / "in.csv", rows()), tmp_path / "out.csv", *arguments) == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(("role", "purpose"), [("analyst", "support"), ("agent", "analytics")])
def test_a_file_in_which_only_fields_of_nobody_remain_is_none(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], role: str, purpose: str) -> None:
    """No rule shows this role anything personal for this purpose: a file of dates and empty cells would look like an answer."""
    source = write_csv(tmp_path / "in.csv", [{**row, "created": "2020"} for row in rows()])
    assert run(source, tmp_path / "out.csv", "--dataset", "crm.customer", "--purpose", purpose, "--role", role) == 1
    assert "Nothing of this file" in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


def test_a_file_of_nothing_personal_is_shown_to_who_works_with_data(run: Run, tmp_path: Path) -> None:
    """Where there is nothing personal to withhold, what is declared not personal is the answer."""
    source = write_csv(tmp_path / "in.csv", [{"created": "2020"}])
    assert run(source, tmp_path / "out.csv", "--dataset", "crm.customer", "--purpose", "support", "--role", "analyst") == 0
    assert (tmp_path / "out.csv").read_text().split() == ["created", "2020"]


def test_empty_cells_are_counted_as_empty(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report tells what was masked and withheld; where there was nothing, nothing was."""
    records = [{**row, "phone": phone, "health": health} for row, phone, health in zip(rows(), ("", " ", "13904172263"), ("", "x", "x"), strict=True)]
    assert run(write_csv(tmp_path / "in.csv", records), tmp_path / "out.csv", *AGENT, "--json") == 0
    counted = [(row["field"], row["effect"], row["rows"]) for row in json.loads(capsys.readouterr().out)["fields"] if row["field"] in ("phone", "health")]
    assert sorted(counted) == [("health", "empty", 1), ("health", "withheld", 2), ("phone", "empty", 2), ("phone", "masked", 1)]


def test_nobody_sees_a_file_in_a_role_they_do_not_have(run: Run, tmp_path: Path) -> None:
    """A token's holder picks among their own roles; only the operator previews others, and unknown roles are a usage error."""
    source = write_csv(tmp_path / "in.csv", rows())
    arguments = ("--dataset", "crm.customer", "--purpose", "dsr")
    assert run(source, tmp_path / "out.csv", *arguments, "--role", "dpo", actor=as_role("agent")) == 1
    assert run(source, tmp_path / "out.csv", *arguments, "--role", "king") == 2
    assert not (tmp_path / "out.csv").exists()


def test_a_preview_carries_no_second_factor(run: Run, tmp_path: Path) -> None:
    """The operator in the DPO's role sees no more than a DPO who did not show a second factor: rules that ask for one do not apply."""
    source, target = write_csv(tmp_path / "in.csv", rows()), tmp_path / "out.csv"
    run(source, target, "--dataset", "crm.customer", "--purpose", "dsr", "--role", "dpo")
    assert not target.exists() or LI_XIAOMING.id_number not in target.read_text("utf-8")


def test_the_original_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    """OUT may be neither IN (by whatever name) nor, without asking, any file that exists."""
    source = write_csv(tmp_path / "in.csv", rows())
    before = source.read_bytes()
    (tmp_path / "link.csv").symlink_to(source)
    (tmp_path / "there.csv").write_text("x")
    for target in (source, tmp_path / "link.csv", tmp_path / "there.csv", tmp_path / "nowhere" / "out.csv", tmp_path / "out.jsonl", tmp_path / "out.xls"):
        assert run(source, target, *AGENT, *(("--overwrite",) if target.name != "there.csv" else ())) == 2
    assert source.read_bytes() == before
    assert run(source, tmp_path / "there.csv", *AGENT, "--overwrite") == 0


def test_a_log_that_refuses_leaves_no_file(run: Run, company: Company, tmp_path: Path) -> None:
    """No event, no disclosure: environment error, nothing written."""
    company.audit.refuse = True
    assert run(write_csv(tmp_path / "in.csv", rows()), tmp_path / "out.csv", *AGENT) == 3
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("content", [b"", b"\n", b"a,,c\n", b"a,a\n", b"\xff\xfe\xff"])
def test_a_file_without_a_proper_header_is_refused(run: Run, tmp_path: Path, content: bytes) -> None:
    """The first line names the fields, each once; bytes that are no text are said to be none."""
    (tmp_path / "in.csv").write_bytes(content)
    assert run(tmp_path / "in.csv", tmp_path / "out.csv", *AGENT) == 2
    assert not (tmp_path / "out.csv").exists()
