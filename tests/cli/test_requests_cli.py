"""`privacy requests` from a terminal: nothing personal on the command line or on the screen, exit codes that a script can use."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.cli import main, session
from privacy.disposal.model import Obstacle, PlannedRows, PlanState, Share
from privacy.inventory.relations import Erase
from privacy.kernel.clock import FixedClock
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import Actor
from privacy.rights.model import RequestKind
from tests.cast import ALICE, CAROL, CHARLIE, DAVE, LI_XIAOMING
from tests.rights.office import AGNES, SWITCHBOARD, Bureau, open_bureau

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
        monkeypatch.setattr(session, "open_application", lambda: (application, actor))
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin or "".join(f"{answer}\n" for answer in answers)))
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


def test_who_approves_reads_the_whole_plan_first(run: Run, office: Bureau) -> None:
    """Columns emptied, reasons, what could not be searched, whom to tell, obstacles with remedies, and the hash; making none."""
    id = office.verified(RequestKind.ERASURE)
    assert run("plan", id, "--show", actor=DAVE)[0] == 1
    made = office.requests.erasing.plan(ALICE, id).plan
    cleared = PlannedRows("crm", "crm.invoice", Erase.UNLINK, 2, Share.SHARED, columns=("customer_id",), reason="accounting")
    told = Obstacle("unreachable", "billing", "It does not answer.", "Make a new plan when it answers.", blocks=False)
    office.disposal.move(made.id, PlanState.PLANNED, rows=(cleared,), carriers=("crm.invoice.scan (image)",), obstacles=(told,))
    code, text = run("plan", id, "--show", actor=DAVE)
    assert code == 0 and len(office.disposal.plans) == 1
    for word in ("customer_id", "accounting", "crm.invoice.scan (image)", "Parcel Ltd", "Make a new plan when it answers.", made.hash, ALICE.ref):
        assert word in text, word
    told_json = json.loads(run("plan", id, "--show", "--json", actor=DAVE)[1])
    assert told_json["rows"][0]["columns"] == ["customer_id"] and told_json["hash"] == made.hash
    office.disposal.move(made.id, PlanState.PLANNED, rows=(), carriers=(), obstacles=())
    text = run("plan", id, "--show", actor=DAVE)[1]
    assert "Nothing to show." not in text and "No row of this person was found." in text
    assert run("plan", id, "--show", actor=CHARLIE)[0] == 1


def test_show_tells_how_code_plan_and_package_stand_and_what_can_be_done(run: Run, office: Bureau) -> None:
    id = office.receive(RequestKind.ERASURE)
    office.requests.identity.ask(AGNES, id)
    text = run("show", id)[1]
    assert "attempts_left: 5" in text and "active" in text
    possible = json.loads(run("show", id, "--json")[1])["possible"]
    assert set(possible) == {"identify", "identity", "verify", "close", "refuse", "withdraw", "extend", "hold"}
    office.requests.hold(ALICE, id, "dispute")
    possible = json.loads(run("show", id, "--json")[1])["possible"]
    assert "release" in possible and "hold" not in possible
    office.requests.release(ALICE, id)
    office.requests.identity.attest(ALICE, id, "id_document", Plaintext("copy"))
    made = office.requests.erasing.plan(ALICE, id).plan
    office.disposal.move(made.id, PlanState.VOID, problems={"plan": "crm: the schema was changed after the approval: make a new plan"})
    text = run("show", id)[1]
    assert "plan_state: void" in text and "the schema was changed" in text


def test_a_package_stands_in_show(run: Run, office: Bureau) -> None:
    id = office.verified()
    office.requests.packages.make(ALICE, id)
    assert json.loads(run("show", id, "--json")[1])["package"]["state"] == "ready"


def test_remedies_at_the_shell_name_commands(run: Run, office: Bureau) -> None:
    id = office.receive(RequestKind.ACCESS, SWITCHBOARD)
    code, text = run("identity", id, actor=AGNES)
    assert code == 1 and "`privacy requests identify ID`" in text and "POST" not in text
    text = run("show", id)[1]
    assert "`privacy requests identify ID`" in text and "POST" not in text


def test_every_certificate_is_printed(run: Run, office: Bureau) -> None:
    id = office.verified(RequestKind.ERASURE)
    first = office.requests.erasing.plan(ALICE, id).plan
    office.requests.erasing.approve(DAVE, id, first.hash)
    held = PlannedRows("crm", "crm.invoice", Erase.RESTRICT, 2, Share.OWNED, reason="hold")
    office.disposal.move(first.id, PlanState.DONE, rows=(held,))
    office.requests.get(ALICE, id)
    second = office.disposal.put_off(id, PlanState.DONE)
    assert run("certificate", id)[1] == f'{{"certificate": "{second}"}}'
    assert [each["plan"] for each in json.loads(run("certificate", id, "--all")[1])] == [second, first.id]
