"""`privacy retention`, `privacy holds`, `privacy restrictions`: rules for how long, what is due, what is kept, who is restricted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from privacy.cli.output import json_option, show

if TYPE_CHECKING:
    from privacy.application import Application
    from privacy.kernel.terms import Actor

_CONSEQUENCES = ("delete", "anonymise", "archive", "restrict", "review")
_DAY = click.DateTime(["%Y-%m-%d"])
_TIME = click.DateTime(["%Y-%m-%dT%H:%M:%S%z"])
_RULES = ("id", "version", "state", "dataset", "clock", "period", "consequence", "statutes", "approved_by")
_PREVIEWS = ("rule", "version", "dataset", "consequence", "on", "due", "kept", "undated", "next", "obstacles")
_SWEEPS = ("rule", "slot", "on", "state", "counts", "kept", "left", "problem", "id")
_HOLDS = ("id", "system", "dataset", "scope", "authority", "since", "until", "placed_by", "released_at")
_RESTRICTIONS = ("id", "subject", "case", "rule", "reason", "until", "set_at", "lifted_at")


@click.group()
def retention() -> None:
    """How long data is kept, what is due, and what goes."""


@retention.command()
@json_option
def statutes(as_json: bool) -> None:
    """List the shipped periods of law with source, status and who accepted them."""
    with _opened() as (application, actor):
        found = application.retention.statutes(actor)
    rows = [_statute(each) for each in found]
    show(rows, as_json=as_json, columns=("id", "version", "min", "max", "status", "accepted_by", "article"))


@retention.command()
@click.argument("statute")
@json_option
def accept(statute: str, as_json: bool) -> None:
    """Accept STATUTE by name, after checking it against its source. Needs a person's token (PRIVACY_TOKEN)."""
    with _opened() as (application, actor):
        show(_statute(application.retention.accept(actor, statute)), as_json=as_json)


@retention.command()
@click.option("--all", "every", is_flag=True, help="Also versions that have ended.")
@json_option
def rules(every: bool, as_json: bool) -> None:
    """List the rules, proposed and in force."""
    with _opened() as (application, actor):
        found = [_rule(rule) for rule in application.retention.rules(actor, every=every)]
    show(found, as_json=as_json, columns=_RULES)


@retention.command()
@click.argument("id")
@click.argument("dataset")
@click.argument("clock")
@click.argument("period")
@click.argument("consequence", type=click.Choice(_CONSEQUENCES))
@click.option("--statute", "statute_ids", multiple=True, help="A statute the rule rests on; see `privacy retention statutes`.")
@click.option("--restart", "restarts", multiple=True, metavar="DATASET:CLOCK", help="Rows of DATASET that belong to the row start its clock anew.")
@click.option("--column", "columns", multiple=True, help="The rule is about these fields alone.")
@click.option("--zone", default="", help="Whose calendar counts; by default that of the system's controller.")
@click.option("--clock-zone", default="", help="The zone in which the system writes times without one; unknown: the later reading counts.")
@click.option("--from", "valid_from", type=_DAY, help="First day of the rule; by default today.")
@click.option("--reason", default="", help="Why this rule: one line.")
@json_option
def propose(
    id: str,
    dataset: str,
    clock: str,
    period: str,
    consequence: str,
    statute_ids: tuple[str, ...],
    restarts: tuple[str, ...],
    columns: tuple[str, ...],
    zone: str,
    clock_zone: str,
    valid_from: datetime | None,
    reason: str,
    as_json: bool,
) -> None:
    """Propose rule ID for DATASET (system.table): PERIOD (P3Y, P6M, P90D) after the day in column CLOCK comes CONSEQUENCE.

    It is in force once another person has approved its preview; one that only lists rows for review is so at once.
    """
    from privacy.retention.model import Consequence, NewRule, Restart

    pairs = tuple(Restart(*_split(each)) for each in restarts)
    day = valid_from.date() if valid_from else None
    new = NewRule(id, dataset, clock, period, Consequence(consequence), statute_ids, pairs, columns, zone, clock_zone, day, reason)
    with _opened() as (application, actor):
        show(_rule(application.retention.propose(actor, new)), as_json=as_json)


@retention.command()
@click.argument("rule")
@click.argument("hash")
@json_option
def approve(rule: str, hash: str, as_json: bool) -> None:
    """Put RULE in force as it was previewed with HASH. Needs the token of another person than proposed it."""
    with _opened() as (application, actor):
        show(_rule(application.retention.approve(actor, rule, hash)), as_json=as_json)


@retention.command()
@click.argument("rule")
@json_option
def retire(rule: str, as_json: bool) -> None:
    """End RULE: nothing is due under it any more."""
    with _opened() as (application, actor):
        show(_rule(application.retention.retire(actor, rule)), as_json=as_json)


@retention.command()
@click.argument("rule", required=False)
@click.option("--on", "day", type=_DAY, help="The day to look at, YYYY-MM-DD; today by default.")
@json_option
def preview(rule: str | None, day: datetime | None, as_json: bool) -> None:
    """Say what goes on a day and why, rule by rule; nothing is changed."""
    with _opened() as (application, actor):
        _show_previews(application, actor, rule, day.date() if day else None, as_json)


@retention.command()
@click.argument("rule")
@click.option("--run/--dry-run", default=False, help="Do it; by default only say what it would do.")
@json_option
def sweep(rule: str, run: bool, as_json: bool) -> None:
    """Carry RULE out now, beside its daily schedule: a job does it (`privacy jobs show`)."""
    with _opened() as (application, actor):
        if not run:
            _show_previews(application, actor, rule, None, as_json)
            return
        job = application.retention.ask(actor, rule)
    show({"job": job.id, "state": job.state, "rule": rule}, as_json=as_json)


@retention.command()
@click.option("--rule", help="Only sweeps of this rule.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@json_option
def sweeps(rule: str | None, limit: int, as_json: bool) -> None:
    """List sweeps, newest first: what went, what stayed and why."""
    with _opened() as (application, actor):
        found = application.retention.sweeps(actor, rule=rule, limit=limit).sweeps
    show(
        [{name: getattr(each, name) for name in (*_SWEEPS, "version", "asked_by", "started_at", "finished_at")} for each in found],
        as_json=as_json,
        columns=_SWEEPS,
    )


@click.group()
def holds() -> None:
    """Legal holds: what forbids erasure for now."""


@holds.command("list")
@click.option("--system", help="Only holds on this system.")
@click.option("--all", "every", is_flag=True, help="Also released ones.")
@json_option
def list_holds(system: str | None, every: bool, as_json: bool) -> None:
    """List holds, newest first. Whom they name is shown to a person's token alone."""
    with _opened() as (application, actor):
        found = [_hold(hold) for hold in application.holds.all(actor, system=system, every=every)]
    show(found, as_json=as_json, columns=_HOLDS)


@holds.command()
@click.argument("system")
@click.option("--dataset", default="", help="Hold this dataset (system.table) alone.")
@click.option("--key", "keys", multiple=True, help="Hold one row of it: its primary key, once per column.")
@click.option("--subject", help="Hold everything of one subject, system:type:key.")
@click.option("--column", "columns", multiple=True, help="Hold these columns alone.")
@click.option("--reason", required=True, help="Why: one line, kept sealed.")
@click.option("--authority", required=True, help="On whose authority: one line.")
@click.option("--until", type=_TIME, help="When it ends by itself, for example 2027-01-31T00:00:00+0800.")
@json_option
def place(
    system: str,
    dataset: str,
    keys: tuple[str, ...],
    subject: str | None,
    columns: tuple[str, ...],
    reason: str,
    authority: str,
    until: datetime | None,
    as_json: bool,
) -> None:
    """Place a hold on SYSTEM, or on a part of it."""
    from privacy.kernel.terms import SubjectRef
    from privacy.retention.model import NewHold

    new = NewHold(system, reason, authority, dataset, keys, SubjectRef.parse(subject) if subject else None, columns, None, until)
    with _opened() as (application, actor):
        show(_hold(application.holds.place(actor, new)), as_json=as_json)


@holds.command()
@click.argument("hold")
@json_option
def release(hold: str, as_json: bool) -> None:
    """Release HOLD; what waited on it is scheduled at once."""
    with _opened() as (application, actor):
        show(_hold(application.holds.release(actor, hold)), as_json=as_json)


@click.group()
def restrictions() -> None:
    """Subjects whose data may only be stored."""


@restrictions.command("list")
@click.option("--all", "every", is_flag=True, help="Also lifted ones.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@json_option
def list_restrictions(every: bool, limit: int, as_json: bool) -> None:
    """List restrictions, newest first. Whom they name is shown to a person's token alone."""
    with _opened() as (application, actor):
        found = application.restrictions.page(actor, every=every, limit=limit).restrictions
    show([_restriction(each) for each in found], as_json=as_json, columns=_RESTRICTIONS)


@restrictions.command("set")
@click.argument("subjects", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why: one line without anybody's name.")
@click.option("--case", default="", help="Id of the request or case behind it.")
@json_option
def set_restrictions(subjects: tuple[str, ...], reason: str, case: str, as_json: bool) -> None:
    """Restrict SUBJECTS, each written system:type:key."""
    from privacy.kernel.terms import SubjectRef

    with _opened() as (application, actor):
        new, before = application.restrictions.set(actor, [SubjectRef.parse(each) for each in subjects], reason, case=case)
    show({"new": new, "before": before}, as_json=as_json)


@restrictions.command()
@click.argument("restriction")
@json_option
def lift(restriction: str, as_json: bool) -> None:
    """Lift RESTRICTION. GDPR 18(3): tell the person before."""
    with _opened() as (application, actor):
        show(_restriction(application.restrictions.lift(actor, restriction)), as_json=as_json)


@contextmanager
def _opened() -> Iterator[tuple["Application", "Actor"]]:
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        yield application, actor
    finally:
        application.close()


def _show_previews(application: "Application", actor: "Actor", rule: str | None, day: date | None, as_json: bool) -> None:
    found = application.retention.preview(actor, rule=rule, on=day)
    if as_json:
        show(found, as_json=True)
        return
    show([_preview(each) for each in found], columns=_PREVIEWS)
    for each in found:
        click.echo(f"{each.rule} version {each.version}: {each.hash}")


def _preview(found: Any) -> dict[str, Any]:
    plain = {name: getattr(found, name) for name in _PREVIEWS if name != "kept"}
    return plain | {"kept": [f"{each.rows} {each.reason} ({each.by})" for each in found.kept]}


def _rule(rule: Any) -> dict[str, Any]:
    names = (*_RULES, "clock_zone", "zone", "restarts", "columns", "valid_from", "reason", "hash", "effect", "proposed_by", "proposed_at", "approved_at")
    return {name: getattr(rule, name) for name in names if name != "period"} | {"period": str(rule.period)}


def _statute(known: Any) -> dict[str, Any]:
    statute = known.statute
    names = ("id", "version", "regime", "en", "zh", "article", "clock", "status", "valid_from", "valid_to", "source", "checked_on")
    periods = {name: str(period) if (period := getattr(statute, name)) else None for name in ("min", "max")}
    return {name: getattr(statute, name) for name in names} | periods | {"accepted_by": known.accepted_by}


def _hold(hold: Any) -> dict[str, Any]:
    names = (*_HOLDS, "keys", "columns", "reason", "placed_at", "released_by")
    return {name: getattr(hold, name) for name in names} | {"subject": str(hold.subject) if hold.subject else None}


def _restriction(restriction: Any) -> dict[str, Any]:
    names = (*_RESTRICTIONS, "set_by", "lifted_by")
    plain = {name: getattr(restriction, name) for name in names}
    return plain | {"subject": str(restriction.subject) if restriction.subject else None}


def _split(pair: str) -> tuple[str, str]:
    dataset, colon, clock = pair.rpartition(":")
    if not colon or not dataset or not clock:
        raise click.UsageError("Write --restart DATASET:CLOCK, for example --restart shop.orders:completed_at.")
    return dataset, clock
