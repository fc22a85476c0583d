"""`privacy protect` from a terminal: from the plan to the undo, over an SQLite file."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from privacy.application import Application
from privacy.cli import main, session
from privacy.inventory.deciding import FieldDecision
from tests.cast import ALICE
from tests.web.steward import install, open_steward

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("protect") / "state")


@pytest.fixture
def application(template: Path, tmp_path: Path) -> Iterator[Application]:
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT UNIQUE, phone TEXT)")
        opened.executemany("INSERT INTO customers VALUES (?, ?, ?)", [(n, f"c{n}@people.example", f"1390555{n:04}") for n in range(30)])
    steward = open_steward(template, tmp_path / "office")
    application = steward.application
    application.discovery.add(ALICE, "crm", str(path))
    application.discovery.scan(ALICE, "crm")
    application.inventory.decide(ALICE, [FieldDecision("crm.customers", field, "confirm", field) for field in ("email", "phone")])
    application.inventory.set_subject(ALICE, "crm.customers", "customer", "id")
    yield application
    application.close()


@pytest.fixture
def run(application: Application, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setattr(session, "open_application", lambda: (application, ALICE))
    monkeypatch.setattr(type(application), "close", lambda self: None)

    def call(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["protect", "crm", *arguments])
        return int(ended.value.code or 0), capsys.readouterr().out

    return call


def test_from_the_plan_to_the_undo(run: Run, tmp_path: Path) -> None:
    assert run() == (0, "Nothing to show.\n")
    code, said = run("customers.phone", "customers.email", "--dry-run")
    assert code == 1 and "30 values in 30 rows" in said and "unique" in said
    assert run("customers.phone", "--plan")[0] == 0
    for step, phase in (("--copy", "copied"), ("--verify", "copied"), ("--switch", "switched"), ("--undo", "undone")):
        code, said = run("customers.phone", step, "--json")
        (column,) = json.loads(said)
        assert (code, column["phase"], column["problem"]) == (0, phase, ""), step
        with closing(sqlite3.connect(tmp_path / "crm.db")) as opened:
            held = [row[0] for row in opened.execute("SELECT phone FROM customers WHERE phone IS NOT NULL")]
        assert len(held) == (0 if phase == "switched" else 30)
    (column,) = json.loads(run("--json")[1])
    assert column["phase"] == "undone"


def test_what_cannot_be_done_says_why(run: Run) -> None:
    assert run("phone", "--plan")[0] == 2
    assert run("customers.phone", "--switch")[0] == 1
    run("customers.phone", "--plan")
    assert run("customers.phone", "--switch")[0] == 1
