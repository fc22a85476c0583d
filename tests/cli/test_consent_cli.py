"""`privacy consent` and `privacy purposes` from a terminal."""

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest

from privacy.adapters.store.catalogue import SqlCatalogueRepository
from privacy.adapters.store.consent import SqlConsentRepository
from privacy.adapters.store.engine import SqlStore
from privacy.cli import main, session
from privacy.consent.service import ConsentService
from privacy.inventory.catalogue import Catalogue
from privacy.kernel.clock import FixedClock
from privacy.kernel.terms import Actor
from tests.cast import ALICE, BOB, CHARLIE
from tests.consent.builders import ENTRIES, NOTICE, MemoryKeys, audit_refs
from tests.remembering import RememberingLog

Run = Callable[..., tuple[int, str]]
SUBJECT = "crm:customer:42"
GIVE = ("consent", "give", SUBJECT, "--purpose", "marketing", "--notice", "offers", "--language", "zh")


@pytest.fixture
def run(sqlite_store: SqlStore, fixed_clock: FixedClock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the command line as somebody and return exit code and output; each call is a minute later."""
    audit = RememberingLog()
    catalogue = Catalogue(sqlite_store, SqlCatalogueRepository(), audit, fixed_clock)
    catalogue.load(ALICE, ENTRIES)
    consent = ConsentService(sqlite_store, SqlConsentRepository(), catalogue, audit, MemoryKeys(), audit_refs, fixed_clock)
    consent.publish(ALICE, NOTICE)
    application = SimpleNamespace(catalogue=catalogue, consent=consent, close=lambda: None)

    def call(*arguments: str, actor: Actor = BOB) -> tuple[int, str]:
        fixed_clock.advance(timedelta(minutes=1))
        monkeypatch.setattr(session, "open_application", lambda: (application, actor))
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out + printed.err

    return call


def test_a_consent_is_given_checked_and_withdrawn(run: Run) -> None:
    """`check` exits 0 only while consent holds; the receipt can be shown again."""
    assert run("consent", "check", SUBJECT, "--purpose", "marketing")[0] == 1
    code, text = run(*GIVE, "--method", "paper", "--evidence", "form:F-7", "--json")
    receipt = json.loads(text)
    assert (code, receipt["subject"], receipt["notice"]["version"]) == (0, SUBJECT, 1)
    assert run("consent", "check", SUBJECT, "--purpose", "marketing")[0] == 0
    assert json.loads(run("consent", "receipt", receipt["receipt_id"], "--json")[1]) == receipt
    assert run("consent", "withdraw", SUBJECT, "--purpose", "marketing")[0] == 0
    code, text = run("consent", "check", SUBJECT, "crm:customer:43", "--purpose", "marketing", "--json")
    assert (code, [row["state"] for row in json.loads(text)]) == (1, ["withdrawn", "never"])


@pytest.mark.parametrize(
    "arguments",
    [
        (*GIVE, "--method", "paper"),
        (*GIVE, "--method", "paper", "--evidence", "F-7"),
        (*GIVE, "--at", "2026-11-22T10:00:00"),
        (*GIVE, "--at", "yesterday"),
        (*GIVE, "--notice-version", "9"),
        ("consent", "withdraw", "nobody", "--purpose", "marketing"),
        ("consent", "give", SUBJECT),
    ],
)
def test_a_wrong_call_is_a_usage_error(run: Run, arguments: tuple[str, ...]) -> None:
    """Exit 2, what is wrong and how to mend it, nothing recorded."""
    assert run(*arguments)[0] == 2
    assert run("consent", "check", SUBJECT, "--purpose", "marketing", "--json")[0] == 1


def test_purposes_are_listed_with_what_they_need(run: Run) -> None:
    """The list tells basis, need of consent and state; one purpose is shown with its versions."""
    code, text = run("purposes", "list")
    assert code == 0
    assert "separate consent" in text
    assert json.loads(run("purposes", "show", "marketing", "--json")[1])["versions"][0]["version"] == 1
    assert run("purposes", "show", "nothing")[0] == 1


def test_charlie_is_refused_everywhere(run: Run) -> None:
    """Without the scope no command answers."""
    for arguments in (GIVE, ("purposes", "list"), ("consent", "check", SUBJECT, "--purpose", "marketing"), ("consent", "receipt", "x")):
        assert run(*arguments, actor=CHARLIE)[0] == 1
