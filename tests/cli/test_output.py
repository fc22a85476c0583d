"""How commands print what other people named."""

import json
from types import MappingProxyType

import pytest

from privacy.cli.output import harmless, show

ESCAPES = "a\x1b[2Jb\x9b31mc\rd\u202ee\ne\x07"


@pytest.mark.parametrize("data", [[{"column": ESCAPES}], [{"column": [ESCAPES]}], {"column": ESCAPES}, {"columns": [{"name": ESCAPES}]}])
def test_names_cannot_command_the_terminal(data: object, capsys: pytest.CaptureFixture[str]) -> None:
    """Escapes, carriage returns, bells and signs that turn the direction come out as marks, in tables and in lines."""
    show(data)
    printed = capsys.readouterr().out
    assert not set("\x1b\x9b\r\x07\u202e") & set(printed)
    assert "a" in printed


def test_ordinary_text_stays_as_it_is() -> None:
    """Chinese, accents, quotes and joined emoji are no control characters."""
    assert harmless("客户姓名 Müller 'x' 👩‍💻") == "客户姓名 Müller 'x' 👩‍💻"


def test_counts_are_shown_with_their_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """Also those of a read-only mapping: what a sweep did is its numbers, not their names."""
    counts = MappingProxyType({"deleted": 12, "kept": 0})
    show([{"rule": "r", "counts": counts}])
    assert "deleted: 12; kept: 0" in capsys.readouterr().out
    show({"counts": counts})
    assert "counts: deleted: 12; kept: 0" in capsys.readouterr().out
    show({"counts": counts}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"counts": {"deleted": 12, "kept": 0}}
