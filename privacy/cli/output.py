"""How commands print: JSON under `--json`, else a table or plain lines. Nothing here adds or hides data."""

import dataclasses
import json
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import click

from privacy.kernel.clock import rfc3339

# they make what follows stand elsewhere than it is
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """Give a command the flag `--json` (parameter `as_json`)."""
    return click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")(command)


def show(data: Any, *, as_json: bool = False, columns: Sequence[str] = (), title: str = "") -> None:
    """Print `data`: one JSON document, or a table of a list of mappings, or `key: value` lines of a mapping."""
    plain = to_plain(data)
    if as_json:
        click.echo(json.dumps(plain, ensure_ascii=False, indent=2))
    elif isinstance(plain, list):
        _table(plain, columns, title)
    elif isinstance(plain, dict):
        for key, value in plain.items():
            click.echo(f"{key}: {_cell(value)}")
    else:
        click.echo("\n".join(map(harmless, str(plain).split("\n"))))


def harmless(text: str) -> str:
    """Return `text` with what could move, recolour or reorder a terminal's text replaced: names of columns and files are other people's."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(sign) == "Cc" or sign in _TURNING else sign for sign in text)


def to_plain(data: Any) -> Any:
    """Return `data` as JSON types; raises TypeError for anything that has no plain form (a Plaintext, for one)."""
    if dataclasses.is_dataclass(data) and not isinstance(data, type):
        return {f.name: to_plain(getattr(data, f.name)) for f in dataclasses.fields(data)}
    if isinstance(data, Mapping):  # a read-only one too: iterating it would leave its keys alone
        return {str(key): to_plain(value) for key, value in data.items()}
    if isinstance(data, datetime):
        return rfc3339(data)
    if isinstance(data, date):
        return data.isoformat()
    if isinstance(data, Enum):
        return data.value
    if isinstance(data, Path):
        return str(data)
    if data is None or isinstance(data, bool | int | float | str):
        return data
    if isinstance(data, Iterable):
        return [to_plain(item) for item in data]
    raise TypeError(f"{type(data).__name__} has no plain form")


def _table(rows: list[Any], columns: Sequence[str], title: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    if not rows:
        click.echo("Nothing to show.")
        return
    names = list(columns) or list(rows[0])
    table = Table(*names, title=title or None, title_justify="left", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(escape(_cell(row.get(name))) for name in names))
    # a pipe has no width: nothing is cut for it
    Console(width=None if sys.stdout.isatty() else 400).print(table)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict) and not any(isinstance(each, list | dict) for each in value.values()):
        return "; ".join(f"{harmless(str(name))}: {_cell(each)}" for name, each in value.items())
    if isinstance(value, list | dict):
        is_words = isinstance(value, list) and all(isinstance(v, str) for v in value)
        return harmless("; ".join(value) if is_words else json.dumps(value, ensure_ascii=False))
    return harmless(str(value))
