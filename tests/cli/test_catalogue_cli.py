"""`privacy purposes`, `recipients`, `controllers` and `notices` from a terminal, on the whole product."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from privacy.application import build
from privacy.cli import main, session
from privacy.kernel.terms import Actor
from tests.cast import ALICE, BOB, CAROL
from tests.web.steward import config_in, install

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("catalogue") / "state")


@pytest.fixture
def application(installed: Path, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """The whole product; it outlives the single call."""
    opened = build(config_in(Path(shutil.copytree(installed, tmp_path / "state"))))
    yield SimpleNamespace(catalogue=opened.catalogue, consent=opened.consent, close=lambda: None)
    opened.close()


@pytest.fixture
def run(application: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line as somebody and return exit code and output."""

    def call(*arguments: str, actor: Actor = ALICE) -> tuple[int, str]:
        monkeypatch.setattr(session, "open_application", lambda: (application, actor))
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return call


PURPOSES = """
[[purpose]]
id = "returns"
name = "Take goods back"
controller = "main"
lawful_basis = "contract"
categories = ["name", "address"]
"""
RECIPIENTS = """
[[recipient]]
id = "carrier"
name = "Parcel carrier"
kind = "processor"
country = "DE"
agreement_from = 2026-01-01
purposes = ["service"]
"""
NOTICE = """
id = "news"
controller = "main"
purposes = ["marketing"]
scope = "customers"
method = "sent by mail"
period = "two years"
categories = ["email"]
[texts]
en = "We send you news."
"""


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "file.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_purposes_come_from_a_file(run: Run, tmp_path: Path) -> None:
    """Added, left alone when nothing differs, changed as the next version."""
    file = written(tmp_path, PURPOSES)
    assert json.loads(run("purposes", "save", file, "--json")[1]) == [{"id": "returns", "result": "added", "version": 1}]
    assert json.loads(run("purposes", "save", file, "--json")[1])[0]["result"] == "unchanged"
    changed = written(tmp_path, PURPOSES.replace('"address"', '"phone"'))
    assert json.loads(run("purposes", "save", changed, "--json")[1]) == [{"id": "returns", "result": "changed", "version": 2}]
    assert "returns" in run("purposes", "list")[1]


def test_one_purpose_is_made_and_changed_by_options(run: Run) -> None:
    """A new one needs what every purpose needs; of one that is there only what is named changes."""
    code, said = run("purposes", "save", "--id", "returns", "--name", "Take goods back")
    assert code == 2
    assert "--controller, --lawful-basis, --category" in said
    given = ("--controller", "main", "--lawful-basis", "contract", "--category", "name", "--category", "phone")
    assert run("purposes", "save", "--id", "returns", "--name", "Take goods back", *given)[0] == 0
    assert run("purposes", "save", "--id", "returns", "--state", "retired")[0] == 0
    shown = json.loads(run("purposes", "show", "returns", "--json")[1])
    assert (shown["state"], shown["categories"], shown["name"]) == ("retired", ["name", "phone"], "Take goods back")
    assert run("purposes", "save", "--id", "returns", "--needs-consent")[0] == 0
    assert json.loads(run("purposes", "show", "returns", "--json")[1])["needs_consent"] is True


def test_recipients_are_saved_and_listed(run: Run, tmp_path: Path) -> None:
    """By file and by options, with the days of the agreement."""
    assert run("recipients", "save", written(tmp_path, RECIPIENTS))[0] == 0
    assert run("recipients", "save", "--id", "carrier", "--agreement-to", "2026-12-31")[0] == 0
    (carrier,) = [row for row in json.loads(run("recipients", "list", "--json")[1]) if row["id"] == "carrier"]
    assert (carrier["agreement_from"], carrier["agreement_to"], carrier["version"]) == ("2026-01-01", "2026-12-31", 2)
    assert "carrier" in run("recipients", "list")[1]


def test_controllers_are_listed_and_saved(run: Run, tmp_path: Path) -> None:
    """What a purpose refers to can be seen and made where the purpose is."""
    assert "main" in run("controllers", "list")[1]
    branch = '[[controller]]\nid = "branch"\nname = "Branch"\ncountry = "CN"\ntime_zone = "Asia/Shanghai"\nregimes = ["pipl"]\n'
    assert run("controllers", "save", written(tmp_path, branch))[0] == 0
    assert {row["id"] for row in json.loads(run("controllers", "list", "--json")[1])} == {"main", "branch"}


def test_a_notice_is_published_version_by_version(run: Run, tmp_path: Path) -> None:
    """The next version of a notice from its file, with when consent has to be asked for again."""
    assert json.loads(run("notices", "publish", written(tmp_path, NOTICE), "--json")[1])["version"] == 1
    again = json.loads(run("notices", "publish", written(tmp_path, NOTICE.replace("two years", "one year")), "--json")[1])
    assert (again["version"], again["material_since"]) == (2, 2)
    assert {row["content"]["id"] for row in json.loads(run("notices", "list", "--json")[1])} >= {"marketing", "news"}
    assert "news" in run("notices", "list")[1]


def test_the_words_that_may_be_used_are_listed(run: Run) -> None:
    """Categories, bases and kinds, without opening a database; `--help` names the bases too."""
    known = json.loads(run("purposes", "words", "--json")[1])
    assert "email" in known["categories"]
    assert "legitimate_interest" in known["lawful_basis"]
    assert "processor" in known["kind"]
    assert "legitimate_interest" in run("purposes", "words")[1]
    assert "legitimate_interest" in run("purposes", "save", "--help")[1]


@pytest.mark.parametrize(
    ("group", "text", "says"),
    [
        ("purposes", RECIPIENTS, "privacy recipients save"),
        ("recipients", PURPOSES, "privacy purposes save"),
        ("purposes", "", "[[purpose]]"),
        ("purposes", PURPOSES.replace("lawful_basis", "lawfull"), "unknown key"),
        ("purposes", PURPOSES.replace('"main"', '"nobody"'), "privacy controllers save"),
        ("purposes", PURPOSES.replace('"address"', '"nonsense"'), "privacy purposes words"),
    ],
)
def test_a_file_with_flaws_is_refused_with_the_remedy(run: Run, tmp_path: Path, group: str, text: str, says: str) -> None:
    """Exit 2, and the catalogue stays as it was."""
    code, said = run(group, "save", written(tmp_path, text))
    assert (code, says in said) == (2, True)
    assert "returns" not in run("purposes", "list")[1]


def test_a_broken_notice_and_a_call_without_arguments_are_mistakes_of_the_caller(run: Run, tmp_path: Path) -> None:
    """Exit 2 with what is wrong."""
    assert run("notices", "publish", written(tmp_path, "id = 1"))[0] == 2
    assert run("purposes", "save")[0] == 2
    assert run("purposes", "save", "--name", "x")[0] == 2
    assert run("purposes", "save", written(tmp_path, PURPOSES), "--id", "x")[0] == 2


def test_those_without_the_scope_save_nothing(run: Run, tmp_path: Path) -> None:
    """An auditor reads and saves nothing; an application neither publishes nor saves."""
    for actor in (CAROL, BOB):
        assert run("purposes", "save", written(tmp_path, PURPOSES), actor=actor)[0] == 1
        assert run("recipients", "save", written(tmp_path, RECIPIENTS), actor=actor)[0] == 1
        assert run("notices", "publish", written(tmp_path, NOTICE), actor=actor)[0] == 1
    assert run("recipients", "list", actor=CAROL)[0] == 0
