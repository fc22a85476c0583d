"""`privacy audit`: look at the log, export it, prove it, verify a bundle.

`verify` needs no configuration, no database and no server: an auditor runs it anywhere. Everything else acts as the token or the operator.
"""

import contextlib
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from privacy.audit import verifier
from privacy.cli.output import json_option, show


@click.group()
def audit() -> None:
    """Export, prove and verify the audit log."""


# --- offline ------------------------------------------------------------------------------------------------------------------


@audit.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--log-vkey", help="The key of the log, obtained from somewhere else than the bundle.")
@click.option("--old", type=click.Path(exists=True, dir_okay=False), help="A checkpoint kept from an earlier visit: shows that the log only grew.")
@click.option("--entry", type=click.Path(exists=True, dir_okay=False), help="The entry, when FILE is a .tlog-proof.")
@click.option("--view", type=click.Path(exists=True, dir_okay=False), help="A CSV view to compare with the bundle.")
@json_option
def verify(file: str, log_vkey: str | None, old: str | None, entry: str | None, view: str | None, as_json: bool) -> int:
    """Verify FILE, a bundle or a .tlog-proof, offline. Exit status: 0 verified, 1 altered, 2 usage, 3 cannot be verified."""
    from privacy.crypto.signatures import verify_ed25519

    try:
        report = verifier.verify_files(file, log_vkey, verify_ed25519, old=old, entry=entry, view=view)
    except verifier.Tampered as problem:
        return _verdict("NOT VERIFIED", problem, 1, as_json=as_json)
    except verifier.Unverifiable as problem:
        return _verdict("CANNOT VERIFY", problem, 3, as_json=as_json)
    shown = {"verified": True, "origin": report.origin, "size": report.size, "first": report.first, "end": report.end, "disclosed": report.disclosed}
    show(shown | ({} if report.grown_from is None else {"grown_from": report.grown_from}), as_json=as_json)
    return 0


def _verdict(word: str, problem: Exception, code: int, *, as_json: bool) -> int:
    if as_json:
        show({"verified": False, "problem": str(problem)}, as_json=True)
    else:
        click.echo(f"{word}: {problem}", err=True)
    return code


# --- with the service's databases ------------------------------------------------------------------------------------------------


@audit.command()
@json_option
def status(as_json: bool) -> None:
    """Show how far each log is signed, and the key to give to auditors."""
    with _opened("audit:read") as (application, actor):
        rows = [
            {"log": health.log_id, "state": health.state, "size": health.size, "lag_seconds": round(health.lag_seconds, 1)}
            for health in application.audit.health()
            if health.log_id.rpartition("/")[0] == actor.tenant
        ]
        show({"log_vkey": application.trail.vkey(actor), "logs": rows}, as_json=as_json)


@audit.command()
@click.option("--action", "actions", multiple=True, help="Such as protection:values:revealed; may be repeated.")
@click.option("--actor", "who", default="", help="Who acted, such as client:… .")
@click.option("--object", "object_ref", default="", help="What it was done to.")
@click.option("--request", "request_id", default="", help="Request id.")
@click.option("--subject", help="Whose data: system:type:key. The question itself is recorded.")
@click.option("--since", type=click.DateTime(), help="UTC.")
@click.option("--until", type=click.DateTime(), help="UTC.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@json_option
def events(limit: int, as_json: bool, **given: Any) -> None:
    """List signed events, newest first."""
    with _opened("audit:read") as (application, actor):
        wanted, subject = _filter(given)
        found = application.trail.events(actor, wanted, subject=subject, limit=limit).events
        if as_json:
            show(found, as_json=True)
        for event in [] if as_json else found:
            click.echo(_line(event))


def _line(event: dict[str, Any]) -> str:
    target = event.get("object", {})
    place = " ".join(part for part in (target.get("type"), target.get("ref")) if part)
    return f"{event['index']:>8}  {event['time'][:19]}  {event['id']}  {event['action']} {event['outcome']}  {event['actor']['ref']}  {place}"


@audit.command()
@click.option("--generation", type=click.IntRange(1), help="An older log, before a fork.")
def checkpoint(generation: int | None) -> None:
    """Print the newest signed checkpoint; keep it, and a later bundle can be checked against it (verify --old)."""
    with _opened("audit:read") as (application, actor):
        click.echo(application.trail.checkpoint(actor, generation), nl=False)


@audit.command()
@click.argument("event")
@click.option("--to", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path(), help="Folder for the two files.")
def proof(event: str, folder: Path) -> None:
    """Write the entry EVENT as logged, entry-N.json, and its C2SP proof, entry-N.tlog-proof; N is its index in the log.

    EVENT is an event's id, as `privacy audit events` shows it. The names written are printed, and with them the command that verifies them.
    """
    from privacy.kernel.ids import EventId

    with _opened("audit:read") as (application, actor):
        found = application.trail.proof(actor, EventId(event))
    entry, proved = (folder / f"entry-{found.index}{suffix}" for suffix in (".json", ".tlog-proof"))
    for path, data in ((entry, found.entry), (proved, found.proof.encode())):
        path.write_bytes(data)
        click.echo(path)
    command = shlex.join(["privacy", "audit", "verify", str(proved), "--entry", str(entry), "--log-vkey"])
    click.echo(f"Verify with: {command} KEY", err=True)


@audit.command()
@click.argument("out", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--first", type=click.IntRange(0), default=0, help="Index of the first entry.")
@click.option("--end", type=click.IntRange(0), help="Index after the last entry; all that are signed where it is left out.")
@click.option("--csv", "as_csv", is_flag=True, help="The readable view instead of the bundle.")
@click.option("--action", "actions", multiple=True, help="Disclose these actions only; the others stay by their hash.")
@click.option("--actor", "who", default="", help="Disclose what this actor did.")
@click.option("--object", "object_ref", default="", help="Disclose what was done to this.")
@click.option("--request", "request_id", default="", help="Disclose one request.")
@click.option("--subject", help="Disclose what concerned this subject: system:type:key.")
@click.option("--since", type=click.DateTime(), help="UTC.")
@click.option("--until", type=click.DateTime(), help="UTC.")
@click.option("--generation", type=click.IntRange(1), help="An older log, before a fork.")
def export(out: Path, first: int, end: int | None, as_csv: bool, generation: int | None, **given: Any) -> None:
    """Write the log, or a range of it, to OUT as a bundle that verifies offline."""
    from privacy.audit.export import ExportRequest

    with _opened("audit:export") as (application, actor):
        wanted, subject = _filter(given)
        request = ExportRequest(first, end, wanted, subject, generation)
        pieces = application.exporter.view(actor, request) if as_csv else application.exporter.bundle(actor, request)
        _write(out, pieces)
        if not as_csv:
            click.echo(f"Written. Verify with: privacy audit verify {out} --log-vkey {application.trail.vkey(actor, generation)}", err=True)


@audit.command()
@click.confirmation_option(
    prompt="Continue the log under a new name? Do this only when you know why it contradicts what was signed, or why signed.json is gone."
)
def reopen() -> None:
    """Continue a forked log, or one whose signed.json is lost, under its next generation.

    The first entry of that tells which of the two it was and where the old log ended. Never needed when a copy of signed.json can be put back.
    """
    from privacy.kernel.errors import AccessDenied

    with _opened("audit:read") as (application, actor):
        if actor.auth != "os":
            raise AccessDenied("Only the operator at the command line reopens a log; call it without PRIVACY_TOKEN.")
        application.sequencer.accept_loss()  # first: interrupted after it, the log is still stopped, and this command is run again
        application.audit.reopen(actor)
        application.sequencer.drain()
        click.echo(f"Give auditors the new key:\n{application.trail.vkey(actor)}")


@contextlib.contextmanager
def _opened(scope: str) -> Iterator[tuple[Any, Any]]:
    """Open the application, see to the scope, sign what waits."""
    from privacy.cli.session import open_application
    from privacy.kernel.errors import AccessDenied

    application, actor = open_application()
    try:
        if scope not in actor.scopes:
            raise AccessDenied(f"This command needs the scope {scope}, which the token does not give.")
        application.sequencer.drain()  # the service may be down; signing beside it does no harm
        yield application, actor
    finally:
        application.close()


def _filter(given: dict[str, Any]) -> tuple[Any, Any]:
    from privacy.audit.events import Action
    from privacy.audit.ports import EventFilter
    from privacy.kernel.terms import SubjectRef

    known = [action.value for action in Action]
    if unknown := [action for action in given["actions"] if action not in known]:
        raise click.BadParameter(f"{len(unknown)} unknown; known are {', '.join(known)}", param_hint="--action")
    subject = SubjectRef.parse(given["subject"], "--subject") if given["subject"] else None
    since, until = (_utc(given[name]) for name in ("since", "until"))
    return EventFilter(tuple(given["actions"]), "", given["who"], given["object_ref"], given["request_id"], since, until), subject


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def _write(out: Path, pieces: Iterator[bytes]) -> None:
    # under another name first: a bundle that broke off never lies there as if it were whole
    part = out.with_name(out.name + ".part")
    try:
        with part.open("wb") as file:
            part.chmod(0o600)
            for piece in pieces:
                file.write(piece)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
