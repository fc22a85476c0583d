"""Retention at the shell: statutes, a rule proposed and looked at, holds and restrictions; approving and accepting need a person."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from privacy.cli import privacy
from privacy.kernel.errors import AccessDenied
from tests.web.steward import install


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    install(tmp_path / "var")
    monkeypatch.setenv("PRIVACY_STATE_DIR", str(tmp_path / "var"))

    def run(*arguments: str, fails: bool = False) -> Any:
        result: Result = CliRunner().invoke(privacy, [*arguments, "--json"])
        assert (result.exit_code != 0) is fails, result.output + repr(result.exception)
        return result.exception if fails else json.loads(result.output)

    return run


def test_a_rule_at_the_shell(shell: Any, tmp_path: Path) -> None:
    """The operator proposes and looks; accepting a law and approving are for people who sign in."""
    import sqlite3

    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as opened:
        opened.execute("CREATE TABLE logs (id INTEGER PRIMARY KEY, at DATE)")
        opened.executemany("INSERT INTO logs VALUES (?, ?)", [(1, "2020-01-01"), (2, "2999-01-01"), (3, None)])
    opened.close()
    shell("systems", "add", "shop", str(path))
    shell("systems", "scan", "shop")
    known = {each["id"]: each for each in shell("retention", "statutes")}
    assert (known["cn.network_logs"]["min"], known["de.books"]["status"]) == ("P6M", "to_verify")
    assert isinstance(shell("retention", "accept", "de.books", fails=True), AccessDenied)
    rule = ("retention", "propose", "logs", "shop.logs", "at", "P6M", "delete", "--statute", "cn.network_logs", "--zone", "Asia/Shanghai")
    assert shell(*rule)["state"] == "proposed"
    (seen,) = shell("retention", "preview", "logs", "--on", "2027-01-01")
    assert (seen["due"], seen["undated"], seen["on"]) == (1, 1, "2027-01-01")
    assert isinstance(shell("retention", "approve", "logs", seen["hash"], fails=True), AccessDenied)
    assert shell("retention", "sweep", "logs")[0]["due"] == 1
    shell("retention", "sweep", "logs", "--run", fails=True)
    assert [each["id"] for each in shell("retention", "rules")] == ["logs"]
    assert shell("retention", "retire", "logs")["state"] == "retired"


def test_holds_and_restrictions_at_the_shell(shell: Any, tmp_path: Path) -> None:
    """Placed and released; whom they name is not told to the shell."""
    (tmp_path / "shop.csv").write_text("id,name\n1,A\n")
    shell("systems", "add", "shop", str(tmp_path / "shop.csv"))
    held = shell("holds", "place", "shop", "--subject", "shop:customer:1", "--reason", "claim", "--authority", "court", "--until", "2199-01-31T00:00:00+0800")
    assert [(each["id"], each["subject"], each["scope"]) for each in shell("holds", "list")] == [(held["id"], None, "subject")]
    assert shell("holds", "release", held["id"])["released_by"].startswith("operator:")
    assert shell("holds", "list") == []
    assert shell("restrictions", "set", "shop:customer:1", "--reason", "contested") == {"new": 1, "before": 0}
    (listed,) = shell("restrictions", "list")
    assert listed["subject"] is None
    shell("restrictions", "lift", listed["id"])
    assert shell("restrictions", "list") == []
