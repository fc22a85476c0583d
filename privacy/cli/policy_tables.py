"""What `privacy policy` prints for people: changes and explanations in blocks that fit a terminal. `--json` has all of it as data."""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from privacy.cli.output import show

if TYPE_CHECKING:
    from privacy.access.diff import Change
    from privacy.access.reasons import Reason
    from privacy.access.requests import Explained, ExplainedField, RowNote

_NARROW = 100
_MISFIT = "does not fit: "


def show_changes(changes: Sequence["Change"]) -> None:
    """Print each change as a block: who and what in one line, then datasets, categories and conditions."""
    if not changes:
        click.echo("No decision changes for anybody.")
    regions = len({change.region for change in changes}) > 1  # one for all: no row tells regions apart
    for change in changes:
        place = f"recipient {change.recipient}" + (f", region {change.region}" if regions else "")
        click.echo(f"{change.direction}: {change.role} · {change.purpose} · {change.action} · {place}: {change.before} → {change.after}")
        _line("categories", change.categories)
        _line("datasets", grouped(change.datasets))
        _line("when", [change.facts])


def show_explained(explained: "Explained", *, all_rows: bool) -> None:
    """Print the answer: once when one gate decides everything, else a line per role and field, or with `all_rows` a block per role and field."""
    gate = common_gate(explained)
    if gate is not None:
        click.echo(f"Nothing is shown to anybody: {gate.en}")
    elif all_rows:
        for field in explained.fields:
            _show_block(field, explained.reasons[field.reason])
    else:
        show([explained_row(field, explained.reasons[field.reason], notes=False) for field in explained.fields])


def explained_row(field: "ExplainedField", reason: "Reason", *, notes: bool) -> dict[str, object]:
    """Return one role and field as a flat mapping; `notes` adds the rows that were looked at."""
    row: dict[str, object] = {"role": field.role, "field": field.field, "category": field.category, "effect": field.effect, "technique": field.technique}
    row |= {"rule": reason.rule, "why": reason.en}
    if field.oracle:
        row["casbin"] = field.oracle
    if notes:
        row["rows"] = [f"{note.row} ({note.effect} {note.technique} if {note.condition}): {note.outcome}" for note in field.rows]
    return row


def common_gate(explained: "Explained") -> "Reason | None":
    """Return the one gate that decides about every role and field (an unknown purpose, say), None when rows or several gates do."""
    found = {explained.reasons[field.reason] for field in explained.fields}
    if len(found) != 1:
        return None
    (reason,) = found
    return reason if not reason.rule and reason.code.startswith(("purpose_", "recipient_", "dataset_", "assessment_")) else None


def grouped(names: Iterable[str]) -> list[str]:
    """Return datasets by their system: `crm.customer`, or `crm.* (12)` where more than three of a system are meant."""
    systems: dict[str, list[str]] = {}
    for name in names:
        systems.setdefault(name.partition(".")[0], []).append(name)
    return [shown for system, own in sorted(systems.items()) for shown in (own if len(own) <= 3 else [f"{system}.* ({len(own)})"])]


def _show_block(field: "ExplainedField", reason: "Reason") -> None:
    category = f" ({field.category})" if field.category else ""
    click.echo(f"{field.role} · {field.field}{category}: {field.effect} {field.technique}")
    _line("why", [reason.en])
    if field.oracle:
        _line("casbin", [field.oracle])
    for note in field.rows:
        if not note.outcome.startswith(_MISFIT):
            _line(note.outcome, [f"{note.row}, priority {note.priority}: {note.effect} {note.technique} if {note.condition}"])
    for outcome, rows in _misfits(field.rows).items():
        _line(outcome, rows)


def _misfits(notes: Iterable["RowNote"]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for note in notes:
        if note.outcome.startswith(_MISFIT):
            found.setdefault(note.outcome.replace(":", " by"), []).append(note.row)
    return found


def _line(label: str, words: Iterable[str]) -> None:
    """Print `label: words`, wrapped to the terminal; a pipe, which has no width, gets lines of a fixed one."""
    width = shutil.get_terminal_size((_NARROW, 24)).columns if sys.stdout.isatty() else _NARROW
    text = f"{label}: {', '.join(words)}"
    click.echo(textwrap.fill(text, max(width, 40), initial_indent="    ", subsequent_indent="        ", break_long_words=False, break_on_hyphens=False))
