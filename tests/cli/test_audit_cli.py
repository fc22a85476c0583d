"""`privacy audit` from a terminal: export, prove, verify, continue after a fork."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from privacy.adapters.store.engine import SqlStore, connection
from privacy.audit.events import Action
from privacy.cli import main, session
from privacy.kernel.clock import FixedClock
from privacy.kernel.terms import Actor
from tests.audit.builders import World, world
from tests.cast import ALICE, BOB, CAROL, LI_XIAOMING, actor_as

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def audit(sqlite_store: SqlStore, fixed_clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    state = tmp_path / "state"
    state.mkdir()
    made = world(sqlite_store, fixed_clock, state)
    made.write(3)
    made.write(1, action=Action.VALUES_REVEALED, actor=ALICE, subjects=[LI_XIAOMING.ref])
    yield made
    made.log.close()


@pytest.fixture
def run(audit: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Call the command line as somebody and return exit code and output."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, actor: Actor = CAROL) -> tuple[int, str]:
        parts = {"audit": audit.log, "trail": audit.trail, "exporter": audit.exporter, "sequencer": audit.sequencer}
        application = SimpleNamespace(**parts, close=lambda: None)
        monkeypatch.setattr(session, "open_application", lambda: (application, actor))
        with pytest.raises(SystemExit) as ended:
            main(["audit", *arguments])
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return call


def test_what_is_exported_verifies_and_what_was_altered_does_not(run: Run, audit: World) -> None:
    """Export, verify, spoil one byte: 0, 0, 1."""
    assert run("export", "a.bundle")[0] == 0
    assert Path("a.bundle").stat().st_mode & 0o077 == 0
    code, said = run("verify", "a.bundle", "--log-vkey", audit.vkey, "--json")
    assert (code, json.loads(said)["end"]) == (0, 4)
    data = bytearray(Path("a.bundle").read_bytes())
    data[len(data) // 2] ^= 1
    Path("a.bundle").write_bytes(data)
    code, said = run("verify", "a.bundle", "--log-vkey", audit.vkey, "--json")
    assert (code, json.loads(said)["verified"]) == (1, False)
    assert run("verify", "a.bundle")[0] == 3
    assert run("verify", "missing.bundle")[0] == 2


def test_a_kept_checkpoint_and_a_view_are_checked_with_the_bundle(run: Run, audit: World) -> None:
    """What an auditor kept from the last visit, and what is read in a spreadsheet."""
    code, note = run("checkpoint")
    Path("old").write_text(note, encoding="utf-8")
    audit.write(2)
    assert run("export", "a.bundle", "--first", "4", "--end", "6")[0] == 0
    assert run("export", "a.csv", "--csv", "--first", "4", "--end", "6")[0] == 0
    assert code == 0
    assert run("verify", "a.bundle", "--log-vkey", audit.vkey, "--old", "old", "--view", "a.csv")[0] == 0
    Path("a.csv").write_text(Path("a.csv").read_text("utf-8").replace("client:bob", "client:eve"), encoding="utf-8")
    assert run("verify", "a.bundle", "--log-vkey", audit.vkey, "--view", "a.csv")[0] == 1


def test_a_bundle_older_than_the_checkpoint_cannot_be_compared(run: Run, audit: World) -> None:
    """Exit 3 and a remedy, not the verdict that somebody altered the log."""
    assert run("export", "a.bundle")[0] == 0
    audit.write(2)
    Path("newer").write_text(run("checkpoint")[1], encoding="utf-8")
    code, said = run("verify", "a.bundle", "--log-vkey", audit.vkey, "--old", "newer")
    assert code == 3
    assert "older than the checkpoint" in said


def test_help_and_page_name_the_files_that_a_proof_writes(run: Run, audit: World) -> None:
    """The names printed are those that `--help` and docs/audit.md speak of, and the page's script accepts them as they are printed."""
    event = json.loads(run("events", "--action", "protection:values:revealed", "--json")[1])[0]
    code, printed = run("proof", event["id"])
    assert (code, printed.splitlines()[:2]) == (0, ["entry-3.json", "entry-3.tlog-proof"])
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text("utf-8")
    for said in (run("proof", "--help")[1], page):
        assert "entry-N.json" in said
        assert "entry-N.tlog-proof" in said
        assert "EVENT.json" not in said
        assert "ENTRY.json" not in said
    script = re.search(r"```sh check-proof\n(.*?)```", page, re.DOTALL)
    assert script
    Path("check-proof.sh").write_text(script[1], encoding="utf-8")
    done = subprocess.run(["sh", "check-proof.sh", *printed.splitlines()[:2], audit.vkey], capture_output=True, text=True, check=False)
    assert (done.returncode, "the entry is in the signed log" in done.stdout) == (0, True)


def test_one_event_is_proved_by_two_files(run: Run, audit: World) -> None:
    """The entry as logged and its tlog-proof, which verify together and not without each other."""
    event = json.loads(run("events", "--action", "protection:values:revealed", "--json")[1])[0]
    assert run("proof", event["id"])[0] == 0
    assert run("verify", "entry-3.tlog-proof", "--entry", "entry-3.json", "--log-vkey", audit.vkey)[0] == 0
    assert run("verify", "entry-3.tlog-proof", "--log-vkey", audit.vkey)[0] == 3
    Path("entry-3.json").write_bytes(b"{}")
    assert run("verify", "entry-3.tlog-proof", "--entry", "entry-3.json", "--log-vkey", audit.vkey)[0] == 1
    assert run("proof", "0198c0de-0000-7000-8000-00000000dead")[0] == 1


def test_events_are_listed_and_filtered(run: Run) -> None:
    """By action, actor and subject; an unknown action names the known ones."""
    assert len(json.loads(run("events", "--json")[1])) == 4
    assert len(json.loads(run("events", "--actor", "client:bob", "--since", "2026-01-01", "--json")[1])) == 3
    assert len(json.loads(run("events", "--subject", str(LI_XIAOMING.ref), "--json")[1])) == 1
    assert "access:decision:made" in run("events")[1]
    code, said = run("events", "--action", "no:such:thing")
    assert code == 2
    assert "access:decision:made" in said


def test_a_token_without_the_scope_gets_nothing(run: Run) -> None:
    """Bob's application may not look, an approver may not export; no file is left behind."""
    for command in (("status",), ("events",), ("checkpoint",), ("proof", "x"), ("export", "a.bundle")):
        assert run(*command, actor=BOB)[0] == 1
    assert run("export", "a.bundle", actor=actor_as("approver"))[0] == 1
    assert not list(Path().glob("a.bundle*"))


def test_a_forked_log_is_shown_and_continued_by_the_operator_alone(run: Run, audit: World, sqlite_store: SqlStore) -> None:
    """status says what happened; reopen is for the shell, asks first, and gives the new key."""
    operator = Actor("operator:root", CAROL.tenant, scopes=CAROL.scopes, auth="os")
    assert run("reopen", "--yes", actor=operator)[0] == 1
    sqlite_store.run(lambda tx: connection(tx).execute(text("UPDATE audit_standing SET state = 'log_forked'")))
    logs = json.loads(run("status", "--json")[1])["logs"]
    assert [(log["log"], log["state"]) for log in logs] == [("default/1", "log_forked")]
    assert run("reopen", "--yes")[0] == 1
    code, said = run("reopen", "--yes", actor=operator)
    assert code == 0
    assert "privacy/default/2+" in said
    assert run("checkpoint", "--generation", "1")[1].startswith("audit.example.com/privacy/default/1\n4\n")


def test_a_lost_signed_json_is_shown_and_accepted_by_the_operator_alone(run: Run, audit: World, sqlite_store: SqlStore, fixed_clock: FixedClock) -> None:
    """Until then the log takes nothing; after it there is a file again, and a new key to hand out."""
    operator = Actor("operator:root", CAROL.tenant, scopes=CAROL.scopes, auth="os")
    Path("state/signed.json").unlink()
    audit.sequencer = world(sqlite_store, fixed_clock, Path("state")).sequencer  # as after a restart
    logs = json.loads(run("status", "--json")[1])["logs"]
    assert [(log["log"], log["state"]) for log in logs] == [("default/1", "signed_lost")]
    assert run("reopen", "--yes")[0] == 1 and not Path("state/signed.json").exists()
    code, said = run("reopen", "--yes", actor=operator)
    assert code == 0 and "privacy/default/2+" in said and Path("state/signed.json").exists()
    assert json.loads(run("events", "--json")[1])[0]["action"] == "audit:log:resumed"
