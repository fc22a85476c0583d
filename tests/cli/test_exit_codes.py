"""What a refused command says: each thing once, with its place."""

import json
from pathlib import Path

import pytest

from privacy.cli import main
from privacy.cli.exit_codes import say
from privacy.kernel.errors import Flaw, InvalidInput


def test_an_unknown_entity_is_told_with_one_list_of_the_known(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The list of forty names helps once."""
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps({"id": 1, "text": "x"}) + "\n")
    with pytest.raises(SystemExit) as ended:
        main(["detect", str(path), "--entities", "EMAIL_ADRESS"])
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert told.count("EMAIL_ADDRESS") == 1 and "/entities" in told


def test_a_single_fault_is_said_once_and_several_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    """An error whose only flaw is itself adds nothing but the place."""
    say(InvalidInput("A purpose is needed.", pointer="/purpose"))
    assert capsys.readouterr().err.splitlines() == ["privacy: A purpose is needed.", "  at /purpose"]
    say(InvalidInput("A is wrong.", flaws=(Flaw("/a", "A is wrong."), Flaw("/b", "B is wrong."))))
    assert capsys.readouterr().err.splitlines() == ["privacy: A is wrong.", "  at /a", "  at /b: B is wrong."]
