"""`privacy subjects`: whose identifiers these are, who is one person, and what is in doubt.

Identifiers are asked for, or read from standard input: what stands on a command line, other users of the machine can read (`ps`) and shells keep.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from privacy.cli import asking
from privacy.cli.output import json_option, show
from privacy.kernel.errors import InvalidInput
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef

if TYPE_CHECKING:
    from privacy.application import Application
    from privacy.kernel.terms import Actor
    from privacy.subjects.model import Identifier, Resolution, Review

_KINDS = ("email", "phone", "resident_id", "login", "member_card", "subject", "name")
_STATES = ("open", "same", "different", "dismissed")
_COLUMNS = ("reason", "dataset", "field", "kind", "count", "state", "id")
_VISIBLE = "Other users of this machine can see it while the command runs; prefer --ask."


@click.group()
def subjects() -> None:
    """Who is who over the connected systems."""


@subjects.command()
@click.option("--ask", multiple=True, type=click.Choice(_KINDS), help="Ask for an identifier of this kind without showing it; may be given several times.")
@click.option("--stdin", "from_stdin", is_flag=True, help='Read identifiers as JSON lines: {"kind": "email", "value": "…", "scope": "…"}.')
@click.option("--email", multiple=True, help=_VISIBLE)
@click.option("--phone", multiple=True, help=_VISIBLE)
@click.option("--resident-id", multiple=True, help=_VISIBLE)
@click.option("--login", multiple=True, help=_VISIBLE)
@click.option("--member-card", multiple=True, help=_VISIBLE)
@click.option("--name", multiple=True, help="Never finds anybody by itself: namesakes come to the review list.")
@click.option("--subject", multiple=True, help="A reference system:type:key.")
@click.option("--scope", default="", help="Where a login or card was issued: system, system.table or system.table.field.")
@json_option
def resolve(ask: Sequence[str], from_stdin: bool, scope: str, as_json: bool, **given: Sequence[str]) -> int:
    """Find whose identifiers these are. Exit 1 when it is nobody, several people, or something stayed in doubt."""
    identifiers = [_identifier(kind, value, scope) for kind, values in given.items() for value in values]
    identifiers += [_identifier(kind, asking.ask(kind), scope) for kind in ask]
    identifiers += list(_from_stdin(scope)) if from_stdin else []
    if not identifiers:
        raise InvalidInput("Name at least one identifier: --ask phone asks for it, --stdin reads JSON lines.")
    with _opened() as (application, actor):
        found = application.subjects.resolve(actor, identifiers)
    _show_resolution(found, as_json)
    return 0 if found.subjects and not found.several_people and not found.doubts else 1


@subjects.command("show")
@click.argument("subject")
@json_option
def show_subject(subject: str, as_json: bool) -> None:
    """Show whom SUBJECT (system:type:key) is linked with, and its contacts on file, masked."""
    reference = SubjectRef.parse(subject, "SUBJECT")
    with _opened() as (application, actor):
        person, contacts = application.subjects.show(actor, reference)
    linked = [str(each) for each in person.subjects] if person else [str(reference)]
    reached = [{"kind": contact.kind.value, "masked": contact.masked, "field": f"{contact.dataset}.{contact.field}"} for contact in contacts]
    if as_json:
        show({"person": person.id if person else None, "subjects": linked, "contacts": reached}, as_json=True)
        return
    show([{"subject": each} for each in linked], title=f"Person {person.id}" if person else "Linked with no other subject")
    show(reached, title="Contacts on file")


@subjects.command()
@click.argument("references", nargs=-1, required=True, metavar="SUBJECTS…")
@click.option("--evidence", default="", help="How it is known, without values.")
@json_option
def link(references: Sequence[str], evidence: str, as_json: bool) -> None:
    """Say that SUBJECTS (two or more) are one person."""
    wanted = [SubjectRef.parse(text, "SUBJECTS") for text in references]
    with _opened() as (application, actor):
        person = application.subjects.link(actor, wanted, evidence=evidence)
    show({"person": person.id, "subjects": [str(each) for each in person.subjects]}, as_json=as_json)


@subjects.command()
@click.argument("subject")
def unlink(subject: str) -> None:
    """Take SUBJECT out of its person; the others stay linked."""
    reference = SubjectRef.parse(subject, "SUBJECT")
    with _opened() as (application, actor):
        application.subjects.unlink(actor, reference)
    click.echo("Unlinked.", err=True)


@subjects.group()
def review() -> None:
    """What machines must not decide: shared values, weak and contradicting ones."""


@review.command("list")
@click.option("--state", type=click.Choice(_STATES), default="open", show_default=True)
@json_option
def list_reviews(state: str, as_json: bool) -> None:
    """List doubts, oldest first."""
    with _opened() as (application, actor):
        rows = [_row(each) for each in application.subjects.reviews(actor, state=state)]
    show(rows, as_json=as_json, columns=_COLUMNS)


@review.command()
@click.argument("id")
@click.argument("decision", type=click.Choice(_STATES[1:]))
@click.option("--reason", required=True, help="Why, in a sentence; it is kept sealed and goes when a subject is erased.")
@click.option("--subject", "chosen", multiple=True, help="Decide about these alone (default: all that the review names).")
@json_option
def decide(id: str, decision: str, reason: str, chosen: Sequence[str], as_json: bool) -> None:
    """Settle doubt ID: same person, different people, or dismissed."""
    from privacy.subjects.model import ReviewState

    wanted = [SubjectRef.parse(text, "--subject") for text in chosen]
    with _opened() as (application, actor):
        decided = application.subjects.decide(actor, id, ReviewState(decision), reason, subjects=wanted)
    show(_row(decided), as_json=as_json)


def _identifier(kind: str, value: str, scope: str) -> "Identifier":
    from privacy.subjects.model import Identifier, IdentifierKind

    own = IdentifierKind(kind)
    return Identifier(own, Plaintext(value), scope if own in (IdentifierKind.LOGIN, IdentifierKind.MEMBER_CARD) else "")


def _from_stdin(scope: str) -> "Iterator[Identifier]":
    for number, line in enumerate(sys.stdin, 1):
        if line.strip():
            yield _from_line(line, number, scope)


def _from_line(line: str, number: int, scope: str) -> "Identifier":
    try:
        read = json.loads(line)
    except json.JSONDecodeError:
        read = None
    known = isinstance(read, dict) and read.keys() <= {"kind", "value", "scope"} and all(isinstance(value, str) for value in read.values())
    if not known or read.get("kind") not in _KINDS or not read.get("value"):
        # never the line: it holds what it is about
        raise InvalidInput(
            f'Line {number} is no identifier; write {{"kind": "email", "value": "…"}} with a kind of {", ".join(_KINDS)}.', pointer=f"line {number}"
        )
    return _identifier(read["kind"], read["value"], read.get("scope", scope))


def _show_resolution(found: "Resolution", as_json: bool) -> None:
    matches = [{"subject": str(each.subject), "dataset": each.dataset, "field": each.field, "kind": each.kind.value} for each in found.matches]
    doubts = [
        {"reason": each.reason, "dataset": each.dataset, "field": each.field, "kind": each.kind.value, "subjects": [str(subject) for subject in each.subjects]}
        for each in found.doubts
    ]
    if as_json:
        show({"subjects": [str(each) for each in found.subjects], "several_people": found.several_people, "matches": matches, "doubts": doubts}, as_json=True)
        return
    show(matches, title="Several people: these identifiers contradict each other" if found.several_people else "Found")
    if doubts:
        show(doubts, title="In doubt")


def _row(each: "Review") -> dict[str, Any]:
    names = ("id", "reason", "dataset", "field", "kind", "state", "count", "created_at", "decided_by", "decided_at", "note")
    return {name: getattr(each, name) for name in names} | {"anchors": [str(one) for one in each.anchors], "subjects": [str(one) for one in each.subjects]}


@contextmanager
def _opened() -> "Iterator[tuple[Application, Actor]]":
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        yield application, actor
    finally:
        application.close()
