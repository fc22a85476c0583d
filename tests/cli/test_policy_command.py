"""`privacy policy`: what an operator sees at the shell, before and after a policy reaches an installation."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from privacy.cli.policy import policy
from privacy.kernel.errors import Misconfigured
from tests.access.builders import SHIPPED


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


def test_a_malformed_file_is_refused_with_its_place(folder: Path) -> None:
    """An environment error: file, line, column and remedy."""
    edit(folder, "policy.csv", "p,  support-address", "p, short, row")
    result = run("check", folder)
    assert isinstance(result.exception, Misconfigured)
    assert result.exception.flaws[0].pointer.startswith(str(folder / "policy.csv")) and "13 are needed" in result.exception.flaws[0].detail
