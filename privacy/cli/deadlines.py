"""`privacy deadlines`: the dated rules of law, and when an answer would be due. Needs no database."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from privacy.cli.output import json_option, show
from privacy.kernel.errors import InvalidInput, NotFound
from privacy.rights.deadlines import ClockEvent, Deadlines, in_effect, lead
from privacy.rights.model import Clock
from privacy.rights.rules import FACTS, KINDS, Rule

_COLUMNS = ("regime", "name", "due", "target", "status", "provisional", "calendar", "rule")


@click.group()
def deadlines() -> None:
    """The dated rules of law, and when an answer would be due."""


@deadlines.command("list")
@click.option("--regime", help="Only rules of this regime.")
@json_option
def list_rules(regime: str | None, as_json: bool) -> None:
    """List the rules with their periods, status and source."""
    found = [_row(rule) for rule in _load().rules if regime in (None, rule.regime)]
    show(found, as_json=as_json, columns=("id", "version", "name", "due", "target", "status", "from", "source"))


@deadlines.command("show")
@click.argument("rule")
@json_option
def show_rule(rule: str, as_json: bool) -> None:
    """Show every version of RULE with all that decides it."""
    found = [each for each in _load().rules if each.id == rule]
    if not found:
        raise NotFound("There is no such rule; `privacy deadlines list` shows what there is.")
    if as_json:
        show(found, as_json=True)
        return
    for each in found:
        show({**_row(each), "applies to": list(each.kinds), **_details(each)})


@deadlines.command("calendars")
@click.option("--on", "day", help="The day to look from (default: today); from 1 December on next year's calendar is missed.")
@json_option
def list_calendars(day: str | None, as_json: bool) -> None:
    """List the calendars and the years that are missing. Exit 1 when one is missing."""
    calendars = _load().calendars
    today = _day(day, "/on") if day else datetime.now(UTC).date()
    rows = []
    for id in calendars.ids():
        known = [year for year in calendars if year.id == id]
        rows.append(
            {
                "calendar": id,
                "place": " ".join(filter(None, (known[0].country, known[0].region))),
                "years": ", ".join(sorted({str(year.year or "all") for year in known})),
                "to verify": ", ".join(sorted(f"{year.name}@{year.version}" for year in known if year.status == "to_verify")),
                "missing": ", ".join(map(str, calendars.missing(id, today))),
            }
        )
    show(rows, as_json=as_json)
    if any(row["missing"] for row in rows):
        raise click.exceptions.Exit(1)


@deadlines.command("try")
@click.option("--kind", type=click.Choice(KINDS), required=True, help="What is asked for, or breach.")
@click.option("--regime", "regimes", multiple=True, required=True, help="gdpr, uk_gdpr, pipl, ccpa; may be repeated.")
@click.option("--zone", required=True, help="Time zone of the controller's establishment, for example Europe/Berlin.")
@click.option("--calendar", default="", help="Its calendar (`privacy deadlines calendars`); without one what needs it is provisional.")
@click.option("--received", required=True, help="Day, or instant with offset, of the receipt (of the awareness, for a breach).")
@click.option("--event", "events", multiple=True, metavar="KIND=WHEN", help="identity_requested=2026-02-03T09:00:00+01:00 and the like; may be repeated.")
@click.option("--told", help="Extend: when the person was told of the extension and its reason.")
@click.option("--accept", "accepted", multiple=True, metavar="RULE@VERSION", help="As if this rule or calendar had been accepted; may be repeated.")
@click.option("--fact", "facts", multiple=True, type=click.Choice(FACTS), help="What is known of a breach; may be repeated.")
@click.option("--proposed", is_flag=True, help="Also show proposed law.")
@json_option
def try_clocks(
    kind: str, regimes: tuple[str, ...], zone: str, calendar: str, received: str, told: str | None, proposed: bool, as_json: bool, **more: tuple[str, ...]
) -> None:
    """Compute the deadlines of one event. Nothing is stored."""
    engine = _load()
    accepted = frozenset(_version(word) for word in more["accepted"])
    events = [_event(word, zone) for word in more["events"]]
    at = _instant(received, zone, "/received")
    clocks = engine.clocks(kind, regimes, zone, calendar, at, events=events, accepted=accepted, facts=more["facts"], proposed=proposed)
    if told:
        notified = _instant(told, zone, "/told")
        clocks = tuple(_extended(engine, clock, notified, accepted) for clock in clocks)
    first = lead(clocks)
    if as_json:
        show({"clocks": clocks, "lead": first}, as_json=True)
        return
    show([_clock_row(clock) for clock in clocks], columns=_COLUMNS)
    if first:
        click.echo(f"The earliest target leads: {first.target} ({first.rule}).")


def _load() -> Deadlines:
    from privacy.config import load

    return Deadlines.load(load().policies)


def _extended(engine: Deadlines, clock: Clock, told: datetime, accepted: frozenset[tuple[str, int]]) -> Clock:
    """Extend what its rule lets be extended; the others stay as they are."""
    rule = engine.rules.get(clock.rule, clock.version)
    if rule is None or rule.extension is None or clock.name != rule.name:
        return clock
    return engine.extend(clock, at=told, notified_at=told, reason="tried at the command line", accepted=accepted)


def _row(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "version": rule.version,
        "regime": rule.regime,
        "article": rule.article,
        "name": rule.name,
        "due": str(rule.due),
        "target": str(rule.target),
        "status": rule.status + (" (stands in)" if rule.stands_in else ""),
        "from": rule.valid_from,
        "source": f"{rule.source.cite} (checked {rule.source.checked_on})",
    }


def _details(rule: Rule) -> dict[str, Any]:
    extension = f"{rule.extension.due}; alarm: {rule.extension.target}" if rule.extension else "none"
    stops = f"{', '.join(rule.stops)}; then {rule.after_pause}" if rule.stops else "never"
    return {"extension": extension, "stops": stops, "only if": list(rule.only_if), "en": rule.en, "zh": rule.zh, "note": rule.note}


def _clock_row(clock: Clock) -> dict[str, Any]:
    zone = ZoneInfo(clock.zone)
    limits = {
        key: limit.astimezone(zone).isoformat() if isinstance(limit, datetime) else limit for key, limit in (("due", clock.due), ("target", clock.target))
    }
    status = clock.status if in_effect(clock) else f"{clock.status}, no effect"
    yes = "yes" if clock.provisional else ""
    rule = f"{clock.rule}@{clock.version}"
    return {"regime": clock.regime, "name": clock.name, **limits, "status": status, "provisional": yes, "calendar": clock.calendar_version, "rule": rule}


def _version(word: str) -> tuple[str, int]:
    name, _, version = word.rpartition("@")
    if not name or not version.isdecimal():
        raise InvalidInput("Write the rule and its version, for example pipl.dsr.app@1.", pointer="/accept")
    return name, int(version)


def _event(word: str, zone: str) -> ClockEvent:
    kind, _, when = word.partition("=")
    return ClockEvent(kind, _instant(when, zone, "/event"))


def _instant(text: str, zone: str, pointer: str) -> datetime:
    """Return the instant that `text` tells; a day, or a time without offset, is local to `zone`."""
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))
    except (KeyError, OSError, ValueError):
        raise InvalidInput(
            "Write a day like 2026-01-31 or an instant like 2026-01-31T09:00:00+01:00, and a time zone like Europe/Berlin.", pointer=pointer
        ) from None


def _day(text: str, pointer: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("Write a day like 2026-12-01.", pointer=pointer) from None
