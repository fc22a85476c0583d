"""`privacy mask IN OUT`: a file as a role may see it for a purpose, through the same decisions, log and techniques as POST /api/v1/mask."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click

from privacy.cli.output import json_option, show
from privacy.discovery.limits import LONGEST_CALL, length_of
from privacy.kernel.errors import AccessDenied, InvalidInput
from privacy.kernel.ids import new_id
from privacy.kernel.terms import Actor

_EMPTY = ("empty", "-", "-")


@dataclass(slots=True)
class Report:
    """What was done: rows, what happened to each field and by which rule or gate, and which lines were left out.

    Counted by the reason's code, not its text: texts name days and places, and a big file would have as many as rows.
    An empty cell is counted as empty, whatever was decided about its field: there was nothing to mask or withhold.
    """

    rows: int = 0
    fields: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    texts: dict[str, str] = field(default_factory=dict)
    left_out: list[int] = field(default_factory=list)
    allowed: set[str] = field(default_factory=set)
    not_personal: frozenset[str] = frozenset()

    def count(self, batch: Any, sent: Sequence[Mapping[str, Any]]) -> None:
        named = [reason.rule or reason.code for reason in batch.reasons]
        for word, reason in zip(named, batch.reasons, strict=True):
            self.texts.setdefault(word, reason.en)
        for decision, record in zip(batch.decisions, sent, strict=True):
            for name, shown in decision.items():
                self.allowed |= {name} if shown["effect"] != "withheld" else set()
                self.fields[(name, *(_EMPTY if _is_empty(record[name]) else (shown["effect"], shown["technique"], named[shown["reason"]])))] += 1
        self.not_personal = batch.not_personal

    @property
    def shows_anything(self) -> bool:
        """Tell whether something of a person is shown. Fields declared not personal do not count beside personal ones of which nothing may be seen."""
        personal = {name for name, *_ in self.fields} - self.not_personal
        return bool(self.allowed & personal) if personal else bool(self.allowed)

    def table(self) -> list[dict[str, object]]:
        return [
            {"field": name, "effect": effect, "technique": technique, "decided_by": word, "rows": count}
            for (name, effect, technique, word), count in sorted(self.fields.items())
        ]


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


@dataclass(frozen=True, slots=True)
class Question:
    """What the whole file is asked for."""

    dataset: str
    purpose: str | None
    recipient: str | None
    subject_field: str | None
    skip_bad: bool


@click.command()
@click.argument("source", metavar="IN", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--dataset", required=True, help="The dataset of the data map whose fields the file has: system.table.")
@click.option("--purpose", help="What the data is for; `privacy purposes list` shows the purposes.")
@click.option("--recipient", help="Who gets it; without one it is for internal use.")
@click.option("--role", help="See it as this role would: the operator previews, a token's holder picks one of their own. It is recorded.")
@click.option("--subject-field", help="The field with the key of the person a row is about, where the data map names none.")
@click.option("--bad-rows", type=click.Choice(["stop", "skip"]), default="stop", show_default=True, help="What to do with a row that cannot be read.")
@click.option("--overwrite", is_flag=True, help="Replace OUT when it exists.")
@click.option("--keep-formulas", is_flag=True, help="Do not put ' before cells that a spreadsheet would run (CSV).")
@json_option
def mask(
    source: Path,
    target: Path,
    dataset: str,
    purpose: str | None,
    recipient: str | None,
    role: str | None,
    subject_field: str | None,
    bad_rows: str,
    overwrite: bool,
    keep_formulas: bool,
    as_json: bool,
) -> int:
    """Mask the CSV or JSON Lines file IN into OUT.

    Needs no more memory for a big file than for a small one. OUT appears when it is complete; a withheld value is empty (CSV) or null.
    Exit 1 when the policy lets nothing of a person through: then OUT is not written.
    """
    from privacy.adapters.files.records import kind_of
    from privacy.cli.session import open_application

    _check_target(source, target, overwrite)
    if kind_of(source) != kind_of(target):
        raise InvalidInput("OUT must be of the same kind as IN (.csv to .csv, .jsonl to .jsonl).")
    application, actor = open_application()
    try:
        actor = seen_as(application, actor, role)
        question = Question(dataset, purpose, recipient, subject_field, bad_rows == "skip")
        report = mask_file(application.access, actor, question, source, target, guard_formulas=not keep_formulas)
    finally:
        application.close()
    _tell(report, target, as_json)
    return 0


def seen_as(application: Any, actor: Actor, role: str | None) -> Actor:
    """Return `actor` in one role: a preview for the operator, one of their own for anybody else. Raises AccessDenied for another's."""
    if role is None:
        return actor
    if application.actors.roles.get(role) is None:
        raise InvalidInput(f"There is no such role; known are {', '.join(application.actors.roles.names())}.")
    if not actor.ref.startswith("operator:") and role not in actor.roles:
        raise AccessDenied("Your token does not carry this role; sign in as somebody who has it.")
    return replace(actor, roles=frozenset({role}))


def mask_file(access: Any, actor: Actor, question: Question, source: Path, target: Path, *, guard_formulas: bool = True) -> Report:
    """Mask `source` into `target` batch by batch. Raises InvalidInput naming the line of a row that cannot be read, AccessDenied when nothing may be shown."""
    from privacy.adapters.files.records import open_reader, open_writer

    report = Report()
    with open_reader(source) as reader, open_writer(target, reader.shape, guard_formulas=guard_formulas) as writer, _progress(source) as advance:
        for lines in _batches(reader, access.max_items):
            writer.write(_masked(access, actor, question, lines, report))
            advance(reader.position())
        if report.rows and not report.shows_anything:
            # raised inside, so that no empty file is left behind
            raise AccessDenied("Nothing of this file may be shown. " + " ".join(list(report.texts.values())[:3]))
    return report


def _masked(access: Any, actor: Actor, question: Question, lines: Sequence[Any], report: Report) -> list[dict[str, Any]]:
    from privacy.access.requests import MaskRecords

    good = [line for line in lines if line.record is not None]
    for line in lines:
        if line.record is None:
            _refuse(question, report, line.number, line.flaw)
    if not good:
        return []
    records = [dict(line.record) for line in good]
    command = MaskRecords.of(question.dataset, question.purpose, records, question.recipient, question.subject_field)
    batch = access.mask_records(actor, command, request_id=new_id())
    for error in batch.errors:
        _refuse(question, report, good[int(error.pointer.split("/")[2])].number, error.detail)
    report.count(batch, records)
    shown = [record for record in batch.records.reveal() if record is not None]
    report.rows += len(shown)
    return shown


def _refuse(question: Question, report: Report, line: int, detail: str) -> None:
    if not question.skip_bad:
        raise InvalidInput(f"Line {line}: {detail} Mend the row, or leave such rows out with --bad-rows skip.")
    report.left_out.append(line)


def _batches(reader: Iterable[Any], size: int) -> Iterator[list[Any]]:
    """Yield lines in batches that one call takes: so many, and not more text than it scans at a time."""
    batch: list[Any] = []
    room = LONGEST_CALL
    for line in reader:
        length = length_of(line.record)
        if batch and (len(batch) == size or length > room):
            yield batch
            batch, room = [], LONGEST_CALL
        batch.append(line)
        room -= length
    if batch:
        yield batch


def _check_target(source: Path, target: Path, overwrite: bool) -> None:
    if target.exists() and target.samefile(source):
        raise InvalidInput("OUT is IN: the original would be lost. Name another file.")
    if target.exists() and not overwrite:
        raise InvalidInput("OUT exists; name another file, or replace it with --overwrite.")
    if not target.parent.is_dir():
        raise InvalidInput("The folder of OUT does not exist.")


@contextmanager
def _progress(source: Path) -> Iterator[Callable[[int], None]]:
    """Give a function to call with the bytes read; it draws a bar where somebody is looking."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Masking", total=source.stat().st_size)
        yield lambda position: progress.update(task, completed=position)


def _tell(report: Report, target: Path, as_json: bool) -> None:
    result = {"out": str(target), "rows": report.rows, "left_out_lines": report.left_out, "fields": report.table()}
    if as_json:
        show(result, as_json=True)
        return
    click.echo(f"{report.rows} rows written to {target}" + (f", {len(report.left_out)} left out" if report.left_out else "") + ".")
    show(report.table(), columns=("field", "effect", "technique", "decided_by", "rows"))
