"""`privacy subjects` from a terminal: identifiers asked for or piped in, doubts decided, exit codes that a script can use."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.cli import asking, main, session
from privacy.kernel.clock import FixedClock
from privacy.kernel.terms import Actor
from tests.cast import ALICE, CHARLIE
from tests.subjects.building import dataset, fill, service

Run = Callable[..., tuple[int, str]]
MAP = [dataset("crm.customers", "customer", "id", {"full_name": "name", "email": "email", "phone": "phone", "login": "account"})]


@pytest.fixture
def run(sqlite_store: SqlStore, fixed_clock: FixedClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line over a small system and return exit code and output."""
    url = f"sqlite:///{tmp_path}/crm.db"
    fill(
        url,
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, full_name TEXT, email TEXT, phone TEXT, login TEXT)",
        "INSERT INTO customers VALUES (1, 'Li Na', 'li@quillfeather.example', '13904172263', 'kestrel')",
        "INSERT INTO customers VALUES (2, 'Li Na', 'na@quillfeather.example', '02788415500', 'wren')",
        "INSERT INTO customers VALUES (3, 'Zhao', NULL, '027-88415500', NULL)",
    )
    application = SimpleNamespace(subjects=service(sqlite_store, fixed_clock, {"crm": url}, MAP), close=lambda: None)

    def call(*arguments: str, actor: Actor = ALICE, stdin: str = "") -> tuple[int, str]:
        monkeypatch.setattr(session, "open_application", lambda: (application, actor))
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return call


def test_identifiers_come_on_standard_input_and_are_not_printed(run: Run) -> None:
    """One JSON document a line; exit 0 when it is one person and nothing is in doubt."""
    lines = '{"kind": "email", "value": "LI@quillfeather.example"}\n\n{"kind": "login", "value": "kestrel", "scope": "crm.customers"}\n'
    code, text = run("subjects", "resolve", "--stdin", "--json", stdin=lines)
    assert (code, json.loads(text)["subjects"]) == (0, ["crm:customer:1"])
    assert "quillfeather" not in text


def test_identifiers_can_be_asked_for(run: Run) -> None:
    """Nothing of them stands on the command line; without a terminal a line of standard input answers."""
    code, text = run("subjects", "resolve", "--ask", "phone", stdin="+86 139 0417 2263\n")
    assert (code, "crm:customer:1" in text) == (0, True)


def test_at_a_terminal_identifiers_are_asked_for_without_showing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []

    def prompt(text: str, *, hide_input: bool, err: bool) -> str:
        asked.append((text, hide_input and err))
        return "typed"

    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("privacy.cli.asking.click.prompt", prompt)
    assert (asking.ask("phone"), asked) == ("typed", [("phone", True)])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--phone", "02788415500"), "shared"),
        (("--name", "Li Na"), "weak"),
        (("--email", "nobody@quillfeather.example"), "Nothing to show"),
        (("--email", "li@quillfeather.example", "--email", "na@quillfeather.example"), "Several people"),
    ],
)
def test_whatever_is_not_one_person_is_exit_1(run: Run, arguments: tuple[str, ...], said: str) -> None:
    """A script that goes on must not go on here."""
    code, text = run("subjects", "resolve", *arguments)
    assert (code, said in text) == (1, True)


@pytest.mark.parametrize(
    "stdin",
    ["", "nonsense 13904172263\n", '{"kind": "shoe size", "value": "42"}\n', '{"kind": "email", "value": 3}\n', '{"kind": "email", "value": "13904172263"}\n'],
)
def test_what_is_no_identifier_is_refused_without_repeating_it(run: Run, stdin: str) -> None:
    """The line is named, its text is not."""
    code, text = run("subjects", "resolve", "--stdin", stdin=stdin)
    assert code == 2
    assert "13904172263" not in text


def test_doubts_are_listed_and_decided(run: Run) -> None:
    """Then the person is shown, with contacts masked, and taken apart again."""
    run("subjects", "resolve", "--phone", "02788415500")
    (review,) = json.loads(run("subjects", "review", "list", "--json")[1])
    assert (review["reason"], review["subjects"]) == ("shared", ["crm:customer:2", "crm:customer:3"])
    assert run("subjects", "review", "decide", review["id"], "same", "--reason", "seen at the counter")[0] == 0
    assert run("subjects", "review", "decide", review["id"], "different", "--reason", "no")[0] == 1
    code, text = run("subjects", "show", "crm:customer:2", "--json")
    shown = json.loads(text)
    assert (code, shown["subjects"]) == (0, ["crm:customer:2", "crm:customer:3"])
    assert [contact["masked"] for contact in shown["contacts"]] == ["n***@q…", "…00"]
    assert run("subjects", "unlink", "crm:customer:2")[0] == 0
    assert "Linked with no other" in " ".join(run("subjects", "show", "crm:customer:2")[1].split())
    assert run("subjects", "link", "crm:customer:1", "crm:customer:2", "--evidence", "both accounts shown")[0] == 0


def test_who_may_not_is_told_so(run: Run) -> None:
    """A refusal is exit 1 and finds nobody."""
    code, text = run("subjects", "resolve", "--email", "li@quillfeather.example", actor=CHARLIE)
    assert (code, "crm:customer" in text) == (1, False)
