"""`privacy policy`: what an operator sees at the shell, before and after a policy reaches an installation."""

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from privacy.cli import main, session
from privacy.cli.policy import policy
from tests.access.builders import SHIPPED, Company, customers, open_company, operator
from tests.cast import LI_XIAOMING


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the two files an operator edits; the other tables come from the installation."""
    for name in ("policy.csv", "examples.csv"):
        shutil.copy(SHIPPED / name, tmp_path / name)
    return tmp_path


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(policy, [str(argument) for argument in arguments], standalone_mode=False)


def edit(folder: Path, name: str, line_start: str, replacement: str) -> None:
    lines = (folder / name).read_text().splitlines()
    changed = [replacement if line.startswith(line_start) else line for line in lines]
    assert changed != lines
    (folder / name).write_text("\n".join(changed) + "\n")


def test_the_shipped_files_pass_without_any_database() -> None:
    """Before `privacy init` there is nothing but files."""
    checked, tested = run("check", "--json"), run("test", "--json")
    assert checked.return_value == 0 and json.loads(checked.stdout)["findings"] == []
    assert tested.return_value == 0 and json.loads(tested.stdout)["failed"] == []


def test_lint_errors_make_the_check_fail(folder: Path) -> None:
    """Exit 1, with level, line and rule."""
    edit(folder, "policy.csv", "p,  service-identifier", "p, service-identifier, 110, application, service, *, *, identifier, *, mask, true, none, allow")
    result = run("check", folder, "--json")
    (finding,) = json.loads(result.stdout)["findings"]
    assert result.return_value == 1 and (finding["level"], finding["row"]) == ("error", "service-identifier")


def test_a_broken_example_makes_the_test_fail(folder: Path) -> None:
    """Exit 1, with what was expected and what came out."""
    edit(folder, "policy.csv", "p,  support-address", "p, support-address, 203, front, support, *, *, address, *, mask, true, redact, allow")
    result = run("test", folder, "--json")
    (failed,) = json.loads(result.stdout)["failed"]
    assert result.return_value == 1
    assert (failed["expected"], failed["decided"], failed["casbin_differs"]) == ("masked address_city", "masked redact", False)


def test_a_malformed_file_is_a_finding_with_its_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1 as the help says: file, line, column and remedy, for people and as JSON."""
    edit(folder, "policy.csv", "p,  support-address", "p, short, row")
    assert at_the_shell("check", folder) == 1
    told = capsys.readouterr().err
    assert f"{folder / 'policy.csv'}:" in told and "13 are needed" in told
    assert at_the_shell("check", folder, "--json") == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert finding["level"] == "error" and finding["line"].startswith(str(folder / "policy.csv"))
    assert at_the_shell("test", folder) == 1


def test_a_file_that_is_not_there_is_no_finding(folder: Path) -> None:
    """Exit 3: the environment is not in order, nothing was checked."""
    (folder / "policy.csv").unlink()
    assert at_the_shell("check", folder) == 3


def test_a_byte_order_mark_hides_no_other_fault(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The mark and the short line are told in one go."""
    edit(folder, "policy.csv", "p,  support-address", "p, short, row")
    path = folder / "policy.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert at_the_shell("check", folder) == 1
    told = capsys.readouterr().err
    assert "byte order mark" in told and "13 are needed" in told and "2 faults" in told


# --- with an installation ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> Company:
    """The shipped policy rules; the operator is at the shell."""
    made = open_company()
    actor = replace(operator(), scopes=operator().scopes | {"mask", "explain"})
    application = SimpleNamespace(access=made.access, policies=made.policies, config=SimpleNamespace(policies=SHIPPED), close=lambda: None)
    monkeypatch.setattr(session, "open_application", lambda: (application, actor))
    return made


def at_the_shell(*arguments: Any) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["policy", *map(str, arguments)])
    return int(ended.value.code or 0)


def active(company: Company) -> int:
    return company.policies.active(operator().tenant).version


MORE_FOR_AGENTS = "p, support-address, 203, front, support, *, *, address, *, mask, true, redact, allow"


def open_to_agents(folder: Path) -> None:
    """Change one decision and the example that tells it."""
    edit(folder, "policy.csv", "p,  support-address", MORE_FOR_AGENTS)
    edit(folder, "examples.csv", "agent sees the city", "agent sees no city, agent, -, support, internal, cn, crm.customer, address, mask, masked, redact")


def test_no_is_an_answer(company: Company, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 1, nothing was changed, and it says so; yes makes it version 2."""
    open_to_agents(folder)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert at_the_shell("apply", folder) == 1
    assert "Nothing was changed." in capsys.readouterr().err and active(company) == 1
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert at_the_shell("apply", folder) == 0 and active(company) == 2


def test_nobody_is_asked_when_no_decision_changes(company: Company, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Another id of a rule is another version and the same decisions; the very same rules are no version at all."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert at_the_shell("apply", folder) == 1 and active(company) == 1
    path = folder / "policy.csv"
    path.write_text(path.read_text().replace("support-address,", "support-places,"))
    assert at_the_shell("apply", folder) == 0 and active(company) == 2
    told = capsys.readouterr()
    assert "No decision changes for anybody." in told.out and "Apply this policy?" not in told.out + told.err


@pytest.mark.parametrize(
    "replacement",
    [
        "p, short, row",
        MORE_FOR_AGENTS,
        "p, clear-ids, 110, application, service, *, *, identifier, *, mask, true, none, allow",
    ],
    ids=["malformed", "example", "lint"],
)
def test_a_refused_policy_is_not_applied_and_not_asked_about(
    company: Company, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], replacement: str
) -> None:
    """Exit 1 for what the file says, an example or lint; the remedy is told and the old policy rules on."""
    edit(folder, "policy.csv", "p,  support-address", replacement)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert at_the_shell("apply", folder) == 1
    told = capsys.readouterr()
    assert "policy.csv" in told.err or "examples.csv" in told.err
    assert "Apply this policy?" not in told.out + told.err and active(company) == 1


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (("crm.nowhere", "support"), "privacy systems add"),
        (("crm.customer", "fishing"), "privacy purposes list"),
        (("crm.customer", "support", "--recipient", "nobody"), "/api/v1/recipients"),
    ],
)
def test_an_unknown_word_is_said_once_with_its_remedy(company: Company, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], remedy: str) -> None:
    """Not once for each role and field, and not an empty table: exit 1."""
    assert at_the_shell("explain", *arguments) == 1
    told = capsys.readouterr().out
    assert told.count(remedy) == 1 and len(told.splitlines()) == 1
    assert at_the_shell("explain", *arguments, "--json") == 1
    assert all(row["effect"] == "withheld" for row in json.loads(capsys.readouterr().out))


def test_an_explanation_can_be_about_one_person(company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    """With --subject the state of that person's consent decides."""
    asked = ("explain", "crm.customer", "marketing", "--role", "application", "--field", "email", "--json")
    company.consent(LI_XIAOMING.ref, "marketing", "given")
    assert at_the_shell(*asked, "--subject", str(LI_XIAOMING.ref)) == 0
    assert json.loads(capsys.readouterr().out)[0]["effect"] == "clear"
    assert at_the_shell(*asked) == 0
    assert json.loads(capsys.readouterr().out)[0]["effect"] == "withheld"
    assert at_the_shell(*asked, "--subject", "13800138000") == 2
    assert "13800138000" not in capsys.readouterr().err


def test_all_rows_fit_a_terminal(company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    """A block per role and field: what decides, what comes later, and the rows that do not fit by the column that says so."""
    assert at_the_shell("explain", "crm.customer", "dsr", "--role", "dpo", "--field", "id_card", "--all-rows") == 0
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 100
    assert told.startswith("dpo · id_card (national_id): masked id_number\n")
    assert "its condition does not hold: dsr-clear" in told and "decides: dsr-masked" in told and "does not fit by role: " in told


def test_a_difference_fits_a_terminal_however_many_datasets(company: Company, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Datasets are grouped by system; JSON still has every name."""
    company.data_map.by_name |= {f"crm.table_{n:03}": replace(customers(), table=f"table_{n:03}") for n in range(200)}
    open_to_agents(folder)
    assert at_the_shell("diff", folder) == 0
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 120 and "crm.* (201)" in told and "agent · support · mask" in told
    assert at_the_shell("diff", folder, "--json") == 0
    assert len(json.loads(capsys.readouterr().out)[0]["datasets"]) == 201
