"""`privacy requests`: people's requests from receipt to answer.

Identifiers, codes and notes are asked for, or read from standard input as JSON: what stands on a command line, other users of the machine can read
(`ps`) and shells keep. The commands act as whoever PRIVACY_TOKEN stands for; without it the operator may list and show.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privacy.cli.asking import ask
from privacy.cli.output import json_option, show
from privacy.kernel.days import check_day
from privacy.kernel.errors import InvalidInput, PrivacyError
from privacy.kernel.plaintext import Plaintext

if TYPE_CHECKING:
    from privacy.application import Application
    from privacy.kernel.terms import Actor
    from privacy.rights.model import Reached, Request
    from privacy.rights.service import Requests, Shown
    from privacy.subjects.model import Identifier

_IDENTIFIERS = ("email", "phone", "resident_id", "login", "member_card", "subject", "name")
_KINDS = (
    "access", "erasure", "rectification", "restriction", "portability", "objection", "marketing_objection", "withdrawal", "automated_decision",
    "opt_out", "complaint",
)  # fmt: skip
_COLUMNS = ("days_left", "kind", "state", "controller", "received_at", "doubt", "id")


@click.group()
def requests() -> None:
    """What people ask for: their data, its erasure, its correction."""


@requests.command()
@click.option("--kind", required=True, type=click.Choice(_KINDS))
@click.option("--controller", required=True, help="`privacy controllers list` shows them.")
@click.option(
    "--ask", multiple=True, type=click.Choice(_IDENTIFIERS), help="Ask for an identifier of this kind without showing it; may be given several times."
)
@click.option("--scope", default="", help="Where a login or card was issued: system or system.table.")
@click.option("--stdin", "from_stdin", is_flag=True, help='Read identifiers as JSON lines: {"kind": "email", "value": "…", "scope": "…"}.')
@click.option("--regime", "regimes", multiple=True, help="gdpr, uk_gdpr, pipl or ccpa; without it the controller's.")
@click.option("--received", help="When it came (2026-11-22T10:00:00+01:00); without it, now.")
@click.option("--channel", default="", help="web, email, phone, post, in_person, app or authority.")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of messages and packages.")
@json_option
def new(kind: str, controller: str, ask: Sequence[str], scope: str, from_stdin: bool, as_json: bool, **given: Any) -> None:
    """Take in a request. The same person's open request of the same kind is shown instead of a second one."""
    from privacy.rights.model import NewRequest, RequestKind

    identifiers = [*_asked(ask, scope), *(_read_identifiers() if from_stdin else ())]
    received = _instant(given["received"], "--received")
    made: NewRequest = NewRequest(
        RequestKind(kind), controller, tuple(identifiers), tuple(given["regimes"]), received, given["channel"], given["language"]
    )  # fmt: skip
    with _opened() as (application, actor):
        taken = application.requests.receive(actor, made)
    if taken.duplicate:
        click.echo("There is an open request of this person and kind already:", err=True)
    show(_row(taken.shown), as_json=as_json)


@requests.command("list")
@click.option("--due", type=click.IntRange(0, 3650), help="Only open ones whose target ends within so many days; 0: overdue or due today.")
@click.option("--state", default="", help="Only those in this state.")
@click.option("--kind", type=click.Choice(_KINDS))
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@json_option
def list_requests(due: int | None, state: str, kind: str | None, limit: int, as_json: bool) -> None:
    """List requests, the earliest target first; days_left is negative when overdue."""
    from privacy.rights.model import RequestKind, RequestState

    wanted = _one_of(RequestState, state, "--state")
    with _opened() as (application, actor):
        page = application.requests.asked(wanted, RequestKind(kind) if kind else None, due, limit=limit)
        rows = [_row(each) for each in application.requests.page(actor, page)]
    show(rows, as_json=as_json, columns=_COLUMNS)


@requests.command("show")
@click.argument("id")
@json_option
def show_request(id: str, as_json: bool) -> None:
    """Show one request with its deadlines, and what can be done with it."""
    with _opened() as (application, actor):
        shown = application.requests.get(actor, id)
        reached = _reached(shown.request, application.requests.identity.reached(shown.request))
        whole = _row(shown) | _standing(application.requests, actor, shown)
    clocks = [
        {"name": each.name, "regime": each.regime, "due": each.due.isoformat(), "target": each.target.isoformat(), "rule": f"{each.rule}@{each.version}",
         "calendar": each.calendar, "zone": each.zone, "status": each.status, "provisional": each.provisional}
        for each in shown.clocks
    ]  # fmt: skip
    if as_json:
        show(whole | {"clocks": clocks, "reached": reached}, as_json=True)
        return
    show({word: value for word, value in whole.items() if value not in (None, "", {}, [])})
    _part("Records it led to; only the proven ones are planned and packaged", reached, "It led to no record yet.")
    show(clocks, title="Deadlines")


@requests.command()
@click.argument("id")
@json_option
def timeline(id: str, as_json: bool) -> None:
    """Show every step: who, when, why."""
    with _opened() as (application, actor):
        _, steps, _ = application.requests.timeline(actor, id)
    rows = [{"at": each.at, "actor": each.actor, "act": each.act, "after": each.after, "reason": each.reason} for each in steps]
    show(rows, as_json=as_json)


@requests.command()
@click.argument("id")
@click.option("--ask", multiple=True, type=click.Choice(_IDENTIFIERS), help="Ask for an identifier of this kind without showing it.")
@click.option("--scope", default="", help="Where a login or card was issued.")
@click.option("--stdin", "from_stdin", is_flag=True, help='Read identifiers as JSON lines: {"kind": "email", "value": "…"}.')
@json_option
def identify(id: str, ask: Sequence[str], scope: str, from_stdin: bool, as_json: bool) -> None:
    """Add identifiers that the person gave later."""
    identifiers = [*_asked(ask, scope), *(_read_identifiers() if from_stdin else ())]
    with _opened() as (application, actor):
        show(_row(application.requests.identify(actor, id, identifiers)), as_json=as_json)


@requests.command()
@click.argument("id")
@click.option("--channel", type=click.Choice(["email", "phone"]), help="Without it, the first contact on file.")
@json_option
def identity(id: str, channel: str | None, as_json: bool) -> None:
    """Send a one-time code to a contact on file."""
    with _opened() as (application, actor):
        asked = application.requests.identity.ask(actor, id, channel or "")
    show({"sent_to": asked.shown, "channel": asked.channel, "expires_at": asked.expires_at, "state": asked.request.state}, as_json=as_json)


@requests.command()
@click.argument("id")
@click.option("--attest", help="How identity was proven: id_document, in_person, signed_in, known_contact, notarised or court_order.")
@click.option("--subject", "subjects", multiple=True, help="With --attest: a record (system:type:key) it covers beyond those the identifiers match.")
@json_option
def verify(id: str, attest: str | None, subjects: Sequence[str], as_json: bool) -> None:
    """Enter the code the person tells (it is asked for), or attest that identity was proven (where the proof is kept is asked for)."""
    from privacy.kernel.terms import SubjectRef

    if subjects and not attest:
        raise InvalidInput("A code proves the records that hold its contact; only an attestation can name others.", pointer="--subject")
    named = [SubjectRef.parse(each, "--subject") for each in subjects]
    given = Plaintext(ask("Where the proof is kept" if attest else "Code", hidden=attest is None))
    with _opened() as (application, actor):
        if attest:
            application.requests.identity.attest(actor, id, attest, given, named)
        else:
            application.requests.identity.verify(actor, id, given)
        show(_row(application.requests.shown(actor, id)), as_json=as_json)


@requests.command()
@click.argument("id")
@json_option
@click.option("--show", "present", is_flag=True, help="Show the present plan, as whoever approves it reads it; none is made.")
def plan(id: str, as_json: bool, present: bool) -> int:
    """Plan an erasure and show what would happen. Exit 1 when something blocks it."""
    with _opened() as (application, actor):
        erasing = application.requests.erasing
        planned = erasing.shown(actor, id) if present else erasing.plan(actor, id)
    rows = [{word: getattr(each, word) for word in ("dataset", "action", "rows", "share", "columns", "reason", "rule", "until")} for each in planned.plan.rows]
    obstacles = [
        {"where": each.where, "code": each.code, "blocks": each.blocks, "detail": each.detail, "remedy": each.remedy} for each in planned.plan.obstacles
    ]
    about = {word: getattr(planned.plan, word) for word in ("state", "made_by", "made_at", "approved_by", "hash")}
    about = {"plan": planned.plan.id} | about
    recipients = [{"id": each.id, "name": each.name, "contact": each.contact} for each in planned.recipients]
    if as_json:
        told = about | {"rows": rows, "obstacles": obstacles, "carriers": planned.plan.carriers, "unsearched": planned.unsearched}
        show(told | {"problems": planned.plan.problems, "recipients": recipients, "reached": _reached(planned.request, planned.reached)}, as_json=True)
    else:
        reached = _reached(planned.request, planned.reached)
        _part("Records it led to; only the proven ones are planned", reached, "The records it led to are known no more: its file was removed.")
        _part("What happens to which rows", rows, "No row of this person was found.")
        _part("Obstacles", obstacles, "No obstacle.")
        _part("Could not be searched for personal data", [{"field": each} for each in planned.plan.carriers], "No file, image or free text in these rows.")
        _part("To be told afterwards", recipients, "No recipient gets data for this controller's purposes.")
        show({word: value for word, value in (about | {"unsearched": planned.unsearched, "problems": planned.plan.problems}).items() if value})
    return 1 if planned.plan.blocked else 0


@requests.command()
@click.argument("id")
@click.option("--hash", "plan_hash", required=True, help="The hash of the plan that was read.")
@json_option
def approve(id: str, plan_hash: str, as_json: bool) -> None:
    """Approve exactly this plan, as another person than who made it."""
    with _opened() as (application, actor):
        planned = application.requests.erasing.approve(actor, id, plan_hash)
    show({"plan": planned.plan.id, "state": planned.plan.state, "approved_by": planned.plan.approved_by}, as_json=as_json)


@requests.command()
@click.argument("id")
@click.option("--reason", required=True, help="`privacy requests reasons` lists them.")
@click.option("--note", "with_note", is_flag=True, help="Ask for a note; it is kept sealed.")
@json_option
def refuse(id: str, reason: str, with_note: bool, as_json: bool) -> None:
    """Refuse, and show what the person must be told."""
    with _opened() as (application, actor):
        _, refusal = application.requests.refuse(actor, id, reason, _note(with_note))
    ground = refusal.reason
    told = {"reason": ground.id, "article": ground.article, "status": ground.status, "en": ground.en, "zh": ground.zh}
    complaints = [{"regime": regime, "en": en, "zh": zh} for regime, en, zh in refusal.complaints]
    show(told | {"complaints": complaints}, as_json=as_json)


@requests.command()
@json_option
def reasons(as_json: bool) -> None:
    """List the grounds on which a request may be refused today."""
    with _opened() as (application, actor):
        rows = [{"id": each.id, "regimes": list(each.regimes), "article": each.article, "status": each.status} for each in application.requests.reasons(actor)]
    show(rows, as_json=as_json)


@requests.command("accept-rule")
@click.argument("rule")
@click.argument("version", type=int)
@click.option("--reason", required=True, help="On what ground, for example where it was read.")
@json_option
def accept_rule(rule: str, version: int, reason: str, as_json: bool) -> None:
    """Accept RULE (or a calendar's year) in VERSION, which nobody has verified yet; `privacy deadlines list` shows them."""
    with _opened() as (application, actor):
        show(application.acceptance.accept(actor, rule, version, reason), as_json=as_json)


@requests.command()
@click.argument("id")
@click.option("--reason", required=True, help="complexity or number_of_requests.")
@click.option("--notified", required=True, help="When the person was told, with the reason (2026-11-22T10:00:00+01:00).")
@click.option("--note", "with_note", is_flag=True, help="Ask for a note; it is kept sealed.")
@json_option
def extend(id: str, reason: str, notified: str, with_note: bool, as_json: bool) -> None:
    """Extend the deadline where the law lets it be extended; the person must have been told before the first period ended."""
    told = _instant(notified, "--notified")
    assert told is not None
    _act(lambda application, actor: application.requests.extend(actor, id, reason, told, _note(with_note)), as_json)


@requests.command()
@click.argument("id")
@click.option("--reason", required=True, help="dispute, legal_claim, authority_order or clarification.")
@json_option
def hold(id: str, reason: str, as_json: bool) -> None:
    """Stop work on a request; its deadlines keep running."""
    _act(lambda application, actor: application.requests.hold(actor, id, reason), as_json)


@requests.command()
@click.argument("id")
@json_option
def release(id: str, as_json: bool) -> None:
    """End a hold."""
    _act(lambda application, actor: application.requests.release(actor, id), as_json)


@requests.command()
@click.argument("id")
@json_option
def withdraw(id: str, as_json: bool) -> None:
    """The person takes the request back."""
    _act(lambda application, actor: application.requests.withdraw(actor, id), as_json)


@requests.command()
@click.argument("id")
@click.option("--outcome", required=True, help="answered, carried_out, partly or nothing_held.")
@click.option("--evidence", default="", help="Where the answer is kept.")
@json_option
def close(id: str, outcome: str, evidence: str, as_json: bool) -> None:
    """Record what people answered (it is asked for)."""
    _act(lambda application, actor: application.requests.close(actor, id, outcome, _note(True), Plaintext(evidence) if evidence else None), as_json)


@requests.command()
@click.argument("id")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where to write the package, once: a new file of mode 0600.")
@json_option
def package(id: str, out: Path | None, as_json: bool) -> None:
    """Put the package together; with --out also write it, which is possible once."""
    if out is not None and out.exists():
        raise InvalidInput("There is a file of this name already; choose another.", pointer="--out")
    with _opened() as (application, actor):
        made = application.requests.packages.make(actor, id)
        if out is not None and made.job is None:
            _, chunks = application.requests.packages.read(actor, id)
            with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                file.writelines(chunks)
    job = made.job.id if made.job else None
    show(
        {"state": made.package.state, "size": made.package.size, "digest": made.package.digest, "expires_at": made.package.expires_at, "job": job},
        as_json=as_json,
    )
    if job:
        click.echo(f"It is large: job {job} puts it together. Download it with GET /api/v1/requests/{id}/package when that is done.", err=True)


@requests.command()
@click.argument("id")
@click.option("--all", "every", is_flag=True, help="Every certificate of the request as JSON, newest first: what a hold kept goes later and has its own.")
def certificate(id: str, every: bool) -> None:
    """Print the newest signed certificate of an erasure."""
    with _opened() as (application, actor):
        erasing = application.requests.erasing
        if not every:
            click.echo(erasing.certificate(actor, id).decode("utf-8"), nl=False)
            return
        found = erasing.certificates(actor, id)
    told = [{"plan": each.plan, "approved_by": each.approved_by, "ended_at": each.ended_at, "certificate": each.text.decode("utf-8")} for each in found]
    show(told, as_json=True)


@requests.command()
@json_option
def purge(as_json: bool) -> None:
    """Remove the files of requests whose own retention has ended, as the nightly job does."""
    from privacy.actors.people import require

    with _opened() as (application, actor):
        require(actor, "jobs:write")
        show({"purged": application.requests.purge(actor.tenant)}, as_json=as_json)


def _act(act: "Callable[[Application, Actor], Shown]", as_json: bool) -> None:
    with _opened() as (application, actor):
        show(_row(act(application, actor)), as_json=as_json)


@contextmanager
def _opened() -> "Iterator[tuple[Application, Actor]]":
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        yield application, actor
    except PrivacyError as error:
        # the rooms name a step by its route; who sits at a shell is told its command
        error.detail = at_the_shell(error.detail)
        error.args = (error.detail,)
        raise
    finally:
        application.close()


_ROUTE = re.compile(r"(GET|POST) …/(identifiers|identity|verify|plan|package|file)\b")
_COMMANDS = {"POST identifiers": "identify ID", "GET plan": "plan ID --show"}


def at_the_shell(remedy: str) -> str:
    """Return a remedy with the commands of its routes; what has none (a request's file) by its whole route."""

    def command(found: re.Match[str]) -> str:
        method, step = found.groups()
        if step == "file":
            return f"`{method} /api/v1/requests/ID/file`"
        return f"`privacy requests {_COMMANDS.get(f'{method} {step}', f'{step} ID')}`"

    return _ROUTE.sub(command, remedy)


def _standing(requests: "Requests", actor: "Actor", shown: "Shown") -> dict[str, Any]:
    """Return how plan, code and package stand, and what to do about a doubt."""
    from privacy.rights.identity import remedy_of

    code, package = requests.identity.code_of(shown.request), requests.packages.state(actor, shown.request.id)
    sent = {"state": code.state, "channel": code.channel, "expires_at": code.expires_at, "attempts_left": requests.identity.attempts_left(code)} if code else {}
    made = {word: getattr(package, word) for word in ("state", "made_at", "expires_at", "size", "digest", "read_at", "read_by")} if package else {}
    told: dict[str, Any] = {"plan_state": shown.plan_state, "problems": shown.problems, "code": sent, "package": made}
    return told | {"remedy": at_the_shell(remedy_of(shown.request.doubt))}


def _part(title: str, rows: Sequence[dict[str, Any]], none: str) -> None:
    if rows:
        show(rows, title=title)
    else:
        click.echo(none)


def _row(shown: "Shown") -> dict[str, Any]:
    from privacy.rights.states import steps_of

    request = shown.request
    words = ("id", "kind", "state", "controller", "regimes", "received_at", "language", "identifier_kinds", "doubt", "verified_how", "held_since", "outcome")
    row = {word: getattr(request, word) for word in words}
    return row | {
        "days_left": shown.days_left,
        "plan": request.plan,
        "possible": ["identify" if step == "identifiers" else step for step in steps_of(shown.possible)],
    }


def _reached(request: "Request", reached: "Sequence[Reached]") -> list[dict[str, Any]]:
    return [
        {"system": each.subject.system, "type": each.subject.type, "by": f"{each.dataset}.{each.field}".strip("."), "kind": each.kind, "how": each.how,
         "proven": each.covered and request.verified_at is not None}
        for each in reached
    ]  # fmt: skip


def _asked(kinds: Sequence[str], scope: str) -> "list[Identifier]":
    return [_identifier({"kind": kind, "value": ask(kind), "scope": scope}) for kind in kinds]


def _read_identifiers() -> "list[Identifier]":
    lines = [line for line in sys.stdin.read().splitlines() if line.strip()]
    try:
        return [_identifier(json.loads(line)) for line in lines]
    except ValueError:
        raise InvalidInput('Standard input is JSON lines, each {"kind": "email", "value": "…", "scope": "…"}.') from None


def _identifier(said: Any) -> "Identifier":
    from privacy.subjects.model import Identifier, IdentifierKind

    if not isinstance(said, dict) or said.get("kind") not in _IDENTIFIERS or not all(isinstance(value, str) for value in said.values()):
        raise InvalidInput(f"An identifier has a kind ({', '.join(_IDENTIFIERS)}), a value and, for a login or card, a scope.")
    return Identifier(IdentifierKind(said["kind"]), Plaintext(str(said.get("value", ""))), str(said.get("scope", "")))


def _note(wanted: bool) -> Plaintext | None:
    return Plaintext(click.prompt("Note")) if wanted else None


def _one_of(words: Any, text: str, option: str) -> Any:
    if text and text not in set(words):
        raise InvalidInput(f"Write one of: {', '.join(words)}.", pointer=option)
    return words(text) if text else None


def _instant(text: str | None, option: str) -> datetime | None:
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise InvalidInput("Write a time with its zone, for example 2026-11-22T10:00:00+01:00.", pointer=option)
    check_day(instant, option)
    return instant.astimezone(UTC)
