"""`privacy jobs`: what waits, runs, stands still or needs attention. `privacy worker`: a process that runs jobs beside the serving ones."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from privacy.cli.output import json_option, show

if TYPE_CHECKING:
    from privacy.application import Application
    from privacy.config import Config
    from privacy.jobs.model import Job
    from privacy.kernel.terms import Actor

_COLUMNS = ("kind", "state", "progress", "attempts", "error_code", "run_at", "id")
_SHOWN = (
    *("id", "kind", "state", "step", "done", "total", "attempts", "max_attempts", "error_code", "error_detail", "pause_wanted", "cancellable", "lane"),
    *("created_at", "created_by", "run_at", "finished_at"),
)
_STATES = ("ready", "leased", "paused", "done", "needs_attention", "cancelled")


@click.group()
def jobs() -> None:
    """Long work that goes on by itself."""


@jobs.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only jobs in this state.")
@click.option("--kind", default="", help="Only jobs of this kind.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@json_option
def list_jobs(state: str | None, kind: str, limit: int, as_json: bool) -> None:
    """List jobs, newest first."""
    from privacy.jobs.model import JobState

    with _opened() as (application, actor):
        page = application.jobs.page(actor, states=[JobState(state)] if state else [], kind=kind, limit=limit)
        show([_row(job) for job in page.jobs], as_json=as_json, columns=_COLUMNS)


@jobs.command("show")
@click.argument("job")
@json_option
def show_job(job: str, as_json: bool) -> None:
    """Show one job: how far it is, and what is wrong where it needs attention."""
    with _opened() as (application, actor):
        show(_row(application.jobs.get(actor, job)), as_json=as_json)


@jobs.command()
@json_option
def schedules(as_json: bool) -> None:
    """List what is done at set times: last slot, slots missed before it, next slot."""
    with _opened() as (application, actor):
        show(application.schedules.standing(actor), as_json=as_json)


@jobs.command()
@click.argument("job")
@json_option
def pause(job: str, as_json: bool) -> None:
    """Stop a job at the next point where it can stop; it keeps its progress."""
    _act(lambda application, actor: application.jobs.pause(actor, job), as_json)


@jobs.command()
@click.argument("job")
@json_option
def resume(job: str, as_json: bool) -> None:
    """Let a paused job go on from where it is."""
    _act(lambda application, actor: application.jobs.resume(actor, job), as_json)


@jobs.command()
@click.argument("job")
@json_option
def retry(job: str, as_json: bool) -> None:
    """Try a job that needs attention again, with all its attempts."""
    _act(lambda application, actor: application.jobs.retry(actor, job), as_json)


@jobs.command()
@click.argument("job")
@json_option
def cancel(job: str, as_json: bool) -> None:
    """Give a job up that nobody works on."""
    _act(lambda application, actor: application.jobs.cancel(actor, job), as_json)


@click.command()
@click.option("--threads", type=click.IntRange(1, 64), help="Jobs it runs at once (default: PRIVACY_JOB_THREADS, at least 1).")
@click.option("--once", is_flag=True, help="Run what is due now and end; exit status 1 when one of these jobs needs attention.")
def worker(threads: int | None, once: bool) -> int:
    """Run jobs and schedules until interrupted, beside the serving processes of a server database.

    On SQLite `privacy serve` runs them itself; there only --once is for you.
    """
    from privacy.adapters import logs
    from privacy.config import load

    config = load()
    logs.configure(config.log_level)
    if not once:
        refuse_second_process(config)
    application = _ready(config)
    try:
        return _work_once(application) if once else _work(application, threads or max(1, config.job_threads))
    finally:
        application.close()


def refuse_second_process(config: "Config") -> None:
    """Raise Misconfigured for a worker on SQLite, which is served by one process (decisions/0002)."""
    from privacy.kernel.errors import Misconfigured

    if "sqlite" in (config.database_url.split(":")[0], config.keys_database_url.split(":")[0]):
        raise Misconfigured(
            "`privacy worker` needs a server database: on SQLite `privacy serve` runs jobs and schedules itself (PRIVACY_JOB_THREADS says how many). "
            "To run what is due while no service runs, call `privacy worker --once`."
        )


def _ready(config: "Config") -> "Application":
    from privacy.application import build, ready

    application = build(config)
    try:
        ready(application)
    except BaseException:
        application.close()
        raise
    return application


def _work(application: "Application", threads: int) -> int:
    ending = _ending()
    application.start(job_threads=threads)
    click.echo(f"Privacy Steward works: {threads} jobs at once", err=True)
    ending.wait()
    return 0


def _work_once(application: "Application") -> int:
    from privacy.jobs.model import JobState
    from privacy.jobs.runner import run_now

    # whoever leads deals with the schedules: when it is this process, then now
    if application.leadership.seek():
        application.schedules.fire_due()
        application.leadership.resign()
    done = run_now(application.jobs, application.handlers, reraise=False, stopping=_ending())
    application.sequencer.drain()
    failed = [job for job in done if job.state is JobState.NEEDS_ATTENTION]
    click.echo(f"{len(done)} jobs run, {len(failed)} of them need attention.", err=True)
    return 1 if failed else 0


def _ending() -> threading.Event:
    """Return what is set when the process is asked to end."""
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    return ending


def _act(act: "Callable[[Application, Actor], Job]", as_json: bool) -> None:
    with _opened() as (application, actor):
        show(_row(act(application, actor)), as_json=as_json)


def _row(job: "Job") -> dict[str, Any]:
    progress = f"{job.done}/{job.total}" if job.total is not None else str(job.done)
    return {name: getattr(job, name) for name in _SHOWN} | {"progress": progress, "payload": dict(job.payload), "result": dict(job.result)}


@contextmanager
def _opened() -> "Iterator[tuple[Application, Actor]]":
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        yield application, actor
    finally:
        application.close()
