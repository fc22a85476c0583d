"""`privacy users` and `privacy clients` on a real installation: what an operator does on the first day."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyotp
import pytest

from privacy.actors.service import Actors
from privacy.application import build
from privacy.cli import main
from privacy.kernel.errors import Unauthenticated
from tests.web.steward import config_in, install

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("accounts") / "state")


@pytest.fixture
def state(installed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(installed, tmp_path / "state"))


@pytest.fixture
def run(state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line as the operator and return exit code and output."""
    monkeypatch.setenv("PRIVACY_STATE_DIR", str(state))

    def call(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return call


def told(run: Run, *arguments: str) -> Any:
    code, printed = run(*arguments, "--json")
    assert code == 0, printed
    return json.loads(printed)


def with_actors(state: Path, look: Callable[[Actors], Any]) -> Any:
    application = build(config_in(state))
    try:
        return look(application.actors)
    finally:
        application.close()


def test_an_operator_adds_a_person_who_can_sign_in(run: Run, state: Path) -> None:
    """With the password and the authenticator secret that were printed once."""
    made = told(run, "users", "add", "Carol", "--role", "auditor")
    opened = with_actors(state, lambda actors: actors.open_session("carol", made["password"], pyotp.TOTP(made["totp_secret"]).now()))
    assert opened.assurance == 2
    assert {user["username"] for user in told(run, "users", "list")} == {"admin", "dpo", "approver", "auditor", "carol"}
    assert made["password"] not in json.dumps(told(run, "users", "list"))


def test_an_operator_changes_disables_enables_and_resets_a_person(run: Run, state: Path) -> None:
    """Each by name, each counting at once."""
    first = told(run, "users", "add", "carol", "--role", "auditor", "--no-totp")
    assert told(run, "users", "roles", "carol", "--role", "agent", "--role", "analyst")["roles"] == ["agent", "analyst"]
    assert told(run, "users", "disable", "carol")["active"] is False
    with pytest.raises(Unauthenticated):
        with_actors(state, lambda actors: actors.open_session("carol", first["password"]))
    assert told(run, "users", "enable", "carol")["active"] is True
    fresh = told(run, "users", "reset", "carol", "--no-totp")
    assert with_actors(state, lambda actors: actors.open_session("carol", fresh["password"])).assurance == 1


def test_guards_hold_at_the_shell_too(run: Run) -> None:
    """The last administrator, two roles that must be two people, a name that is taken or unknown: 1 or 2, with the reason."""
    assert run("users", "disable", "admin")[0] == 1
    assert run("users", "add", "eve", "--role", "admin", "--role", "approver")[0] == 2
    code, printed = run("users", "add", "ADMIN", "--role", "agent")
    assert (code, "taken" in printed) == (1, True)
    assert run("users", "reset", "nobody-of-that-name")[0] == 1
    assert run("users", "add", "eve")[0] == 2


def test_an_operator_registers_and_changes_an_application(run: Run, state: Path) -> None:
    """Id and secret once; the old secret ends with the new one."""
    made = told(run, "clients", "add", "billing", "--role", "application", "--purpose", "service")
    changed = told(run, "clients", "change", made["client_id"], "--purpose", "support", "--disable")
    assert (changed["purposes"], changed["roles"], changed["active"]) == (["support"], ["application"], False)
    assert told(run, "clients", "secret", made["client_id"])["client_secret"] != made["client_secret"]
    assert "billing" in {client["name"] for client in told(run, "clients", "list")}
    assert run("clients", "change", "unknown", "--enable")[0] == 1


def test_the_signing_key_is_rotated_without_ending_tokens(run: Run, state: Path) -> None:
    """The old key still verifies; the new one signs."""
    made = told(run, "clients", "add", "billing", "--role", "application")

    def token(actors: Actors) -> str:
        client = actors.applications.find(made["client_id"])
        assert client is not None
        return actors.applications.issue_token(client, ["mask"])

    before = with_actors(state, token)
    kid = told(run, "clients", "rotate-key")["key"]
    assert kid in (state / "token.keys").read_text()
    assert with_actors(state, lambda actors: actors.authenticate(before).scopes) == {"mask"}
