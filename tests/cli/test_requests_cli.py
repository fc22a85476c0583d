"""`privacy requests` from a terminal: nothing personal on the command line or on the screen, exit codes that a script can use."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.cli import main, session
from privacy.kernel.clock import FixedClock
from privacy.kernel.terms import Actor
from tests.cast import ALICE, CAROL, CHARLIE, DAVE, LI_XIAOMING
from tests.rights.office import AGNES, Bureau, open_bureau

Run = Callable[..., tuple[int, str]]
EMAIL = json.dumps({"kind": "email", "value": LI_XIAOMING.email})


@pytest.fixture
def office(sqlite_store: SqlStore, sqlite_keys_store: SqlStore, tmp_path: Path, fixed_clock: FixedClock) -> Bureau:
    return open_bureau(sqlite_store, sqlite_keys_store, tmp_path, fixed_clock)


@pytest.fixture
def run(office: Bureau, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line over the office and return exit code and output; `answers` are what a person types when asked."""
    application = SimpleNamespace(requests=office.requests, close=lambda: None)

    def call(*arguments: str, actor: Actor = ALICE, stdin: str = "", answers: tuple[str, ...] = ()) -> tuple[int, str]:
        typed = iter(answers)
        monkeypatch.setattr(session, "open_application", lambda: (application, actor))
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin or "".join(f"{answer}\n" for answer in answers)))
        monkeypatch.setattr("privacy.cli.requests.click.prompt", lambda text, **more: next(typed))
        with pytest.raises(SystemExit) as ended:
            main(["requests", *arguments])
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return call


def test_an_access_request_from_the_terminal(run: Run, office: Bureau, tmp_path: Path) -> None:
    """From receipt to the file on disk, which only its owner may read."""
    code, text = run("new", "--kind", "access", "--controller", "main", "--stdin", "--json", stdin=EMAIL, actor=AGNES)
    assert code == 0 and LI_XIAOMING.email not in text
    id = json.loads(text)["id"]
    code, text = run("identity", id, "--json", actor=AGNES)
    assert code == 0 and json.loads(text)["sent_to"] == "x***@t…"
    code, text = run("verify", id, "--json", answers=(office.pigeon.last_code.reveal(),))
    assert code == 0 and json.loads(text)["state"] == "verified"
    out = tmp_path / "package.zip"
    assert run("package", id, "--out", str(out))[0] == 0
    assert out.read_bytes() == office.builder.content and out.stat().st_mode & 0o777 == 0o600
    assert run("package", id, "--out", str(out))[0] == 2
    assert run("close", id, "--outcome", "answered", answers=("handed over",))[0] == 0
    code, text = run("timeline", id, "--json", actor=CAROL)
    assert [step["act"] for step in json.loads(text)][-1] == "close"


def test_an_erasure_request_from_the_terminal(run: Run) -> None:
    """Planned by one, approved by another."""
    _, text = run("new", "--kind", "erasure", "--controller", "main", "--ask", "email", "--json", answers=(LI_XIAOMING.email,), actor=AGNES)
    id = json.loads(text)["id"]
    assert run("verify", id, "--attest", "id_document", answers=("copy 17",))[0] == 0
    code, text = run("plan", id, "--json")
    told = json.loads(text)
    assert code == 0 and told["rows"][0]["action"] == "delete" and told["recipients"][0]["id"] == "parcel"
    assert run("approve", id, "--hash", told["hash"])[0] == 1
    code, text = run("approve", id, "--hash", told["hash"], "--json", actor=DAVE)
    assert code == 0 and json.loads(text)["approved_by"] == DAVE.ref
    assert run("withdraw", id)[0] == 1


def test_a_duplicate_says_so(run: Run) -> None:
    for _ in range(2):
        code, text = run("new", "--kind", "access", "--controller", "main", "--stdin", stdin=EMAIL)
    assert code == 0 and "open request of this person and kind already" in text


def test_what_is_due_and_what_may_be_said_when_refusing(run: Run, office: Bureau) -> None:
    id = office.receive()
    code, text = run("list", "--due", "400", "--json", actor=CAROL)
    assert code == 0 and json.loads(text)[0]["id"] == id and json.loads(text)[0]["days_left"] >= 0
    assert json.loads(run("list", "--due", "0", "--json", actor=CAROL)[1]) == []
    assert "excessive" in run("reasons", actor=CAROL)[1]
    code, text = run("refuse", id, "--reason", "excessive", "--json")
    assert code == 0 and json.loads(text)["complaints"][0]["zh"]
    assert "refused" in run("show", id)[1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("list", "--state", "lost"), 2),
        (("extend", "x", "--reason", "complexity", "--notified", "yesterday"), 2),
        (("show", "no-such-request"), 1),
        (("new", "--kind", "access", "--controller", "main", "--stdin"), 2),
    ],
)
def test_mistakes_have_their_exit_codes(run: Run, arguments: tuple[str, ...], code: int) -> None:
    assert run(*arguments)[0] == code


def test_charlie_gets_nothing(run: Run, office: Bureau) -> None:
    id = office.receive()
    for arguments in (
        ("list",),
        ("show", id),
        ("timeline", id),
        ("identity", id),
        ("plan", id),
        ("package", id),
        ("certificate", id),
        ("purge",),
        ("reasons",),
    ):
        code, text = run(*arguments, actor=CHARLIE)
        assert code == 1 and "scope" in text, arguments
