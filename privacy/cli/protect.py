"""`privacy protect`: columns of a connected database encrypted in place, step by step, with a way back until they are finalised.

The step is a job. It is done here, with a progress bar, unless a worker took it; interrupted, it goes on when the same command is given again.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from privacy.cli.output import json_option, show
from privacy.kernel.errors import InvalidInput
from privacy.kernel.terms import qualified

if TYPE_CHECKING:
    from privacy.application import Application
    from privacy.jobs.model import Job, Lease
    from privacy.kernel.terms import Actor
    from privacy.protection.column_model import Draft, ProtectedColumn

_COLUMNS = ("column", "phase", "shadow", "index", "counts", "problem", "id")
_STEPS = ("copy", "verify", "switch", "finalise", "undo")
_POLL = 0.5


@click.command()
@click.argument("system")
@click.argument("names", nargs=-1, metavar="DATASET.FIELD...")
@click.option("--plan", "step", flag_value="plan", help="Say what it would do and what stands in the way; plan what is free.")
@click.option("--dry-run", "step", flag_value="look", help="The same, with nothing kept.")
@click.option("--copy", "step", flag_value="copy", help="Encrypt every value beside its plaintext and verify; the application goes on as before.")
@click.option("--verify", "step", flag_value="verify", help="Open every value again and compare.")
@click.option("--switch", "step", flag_value="switch", help="Refuse new plaintext and empty the column, value by value.")
@click.option("--finalise", "step", flag_value="finalise", help="End the way back.")
@click.option("--undo", "step", flag_value="undo", help="Bring every value back and remove what is ours.")
@click.option("--status", "step", flag_value="status", default="status", help="Show how far the columns are (without any other option).")
@click.option("--drop", is_flag=True, help="With --finalise: drop the emptied column instead of keeping it empty.")
@json_option
def protect(system: str, names: Sequence[str], step: str, drop: bool, as_json: bool) -> int:
    """Encrypt columns of SYSTEM in place. Exit 1 when something stands in the way or a verification failed."""
    with _opened() as (application, actor):
        pairs = [_pair(system, name) for name in names]
        if step in ("plan", "look"):
            return _plan(application, actor, pairs, keep=step == "plan", as_json=as_json)
        columns = [column for column in application.columns.all(actor, system) if not pairs or (column.dataset, column.field) in pairs]
        if step == "status":
            show([_column(column) for column in columns], as_json=as_json, columns=_COLUMNS)
            return 0
        columns = [application.columns.of_field(actor, *pair) for pair in pairs]
        if not columns:
            raise InvalidInput("Name the columns: DATASET.FIELD, for example customers.email.")
        return _take(application, actor, columns, step, drop=drop, as_json=as_json)


def _pair(system: str, name: str) -> tuple[str, str]:
    table, dot, field = name.rpartition(".")
    if not dot or not table or not field:
        raise InvalidInput("A column is named DATASET.FIELD, for example customers.email.")
    return qualified(system, table), field


def _plan(application: "Application", actor: "Actor", pairs: Sequence[tuple[str, str]], *, keep: bool, as_json: bool) -> int:
    drafts = application.columns.plan(actor, pairs, keep=keep)
    if as_json:
        show([_draft(draft) for draft in drafts], as_json=True)
    else:
        for draft in drafts:
            _show_draft(draft)
    return 0 if all(draft.free for draft in drafts) else 1


def _take(application: "Application", actor: "Actor", columns: "Sequence[ProtectedColumn]", step: str, *, drop: bool, as_json: bool) -> int:
    from privacy.protection.column_model import Step

    failed = False
    for column in columns:
        _, job = application.columns.ask(actor, column.id, Step(step), drop=drop)
        if job is not None:
            with _progress(column, step) as shown:
                job = _followed(application, job, shown)
            if job.error_code:
                click.echo(f"{column.name}: {job.error_detail}", err=True)
            failed |= bool(job.error_code)
    after = [application.columns.get(actor, column.id) for column in columns]
    failed |= any(dict(column.counts).get("differing", 0) or dict(column.counts).get("unfit", 0) for column in after)
    show([_column(column) for column in after], as_json=as_json, columns=_COLUMNS)
    return 1 if failed else 0


@contextmanager
def _progress(column: "ProtectedColumn", step: str) -> Iterator[Callable[[int, str], None]]:
    """Show a bar on standard error, and only on a terminal: rows seen of those a plan counted."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, word: None
        return
    with Progress(TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), console=console, transient=True) as bar:
        task = bar.add_task(f"{step} {column.name}", total=dict(column.counts).get("rows"))
        yield lambda done, word: bar.update(task, completed=done, description=f"{word or step} {column.name}")


def _followed(application: "Application", job: "Job", show_progress: Callable[[int, str], None]) -> "Job":
    """Do the job here, or wait while another process does; return it as it ended, or as it waits for a person."""
    from privacy.jobs.model import JobState
    from privacy.jobs.runner import run_now
    from privacy.protection.columns import KIND

    def watched(lease: "Lease") -> None:
        application.handlers[KIND](_Shown(lease, show_progress))

    waiting = (JobState.READY, JobState.LEASED)
    while True:
        run_now(application.jobs, {KIND: watched})
        current = application.jobs.of(job.tenant, job.id)
        show_progress(current.done, current.step)
        if current.state not in waiting or current.error_code:
            return current
        time.sleep(_POLL)


class _Shown:
    """A lease whose progress is drawn."""

    def __init__(self, lease: "Lease", show_progress: Callable[[int, str], None]) -> None:
        self._lease, self._show = lease, show_progress

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lease, name)

    def renew(self, done: int, total: int | None = None, step: str = "") -> None:
        self._show(done, step)
        self._lease.renew(done, total, step)


def _column(column: "ProtectedColumn") -> dict[str, Any]:
    layout = column.layout
    return {
        "id": column.id,
        "column": column.name,
        "phase": column.phase.value,
        "shadow": layout.shadow,
        "index": layout.index,
        "watched": layout.guarded,
        "counts": dict(column.counts),
        "problem": column.problem,
        "changed_at": column.changed_at,
    }


def _draft(draft: "Draft") -> dict[str, Any]:
    return {
        "column": f"{draft.dataset}.{draft.field}",
        "free": draft.free,
        "rows": draft.rows,
        "filled": draft.filled,
        "seconds": draft.seconds,
        "shadow": draft.shadow,
        "index": draft.index,
        "id": draft.column.id if draft.column else "",
        "obstacles": list(draft.obstacles),
    }


def _show_draft(draft: "Draft") -> None:
    name = f"{draft.dataset}.{draft.field}"
    if draft.free:
        click.echo(f"{name}: {draft.filled} values in {draft.rows} rows, about {draft.seconds} s; {draft.shadow} and {draft.index} are put beside it.")
    else:
        click.echo(f"{name}: cannot be encrypted in place.")
    for obstacle in draft.obstacles:
        click.echo(f"  {'note' if obstacle.note else obstacle.code}: {obstacle.detail}{f' {obstacle.remedy}' if obstacle.remedy else ''}")


@contextmanager
def _opened() -> Iterator[tuple["Application", "Actor"]]:
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        yield application, actor
    finally:
        application.close()
