"""Rules people make, held against the statutes they name: never shorter than a minimum, never longer than a maximum, never on a law nobody accepted."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from privacy.inventory.model import Dataset
from privacy.kernel.canonical import canonical_json
from privacy.kernel.days import check_day
from privacy.kernel.errors import Conflict, InvalidInput
from privacy.retention.model import Consequence, Effect, NewRule, Rule, RuleState, Statute
from privacy.retention.periods import Period, shorter
from privacy.retention.statutes import Statutes

TOO_SHORT, TOO_LONG, NOT_ACCEPTED = "rule_too_short", "rule_too_long", "statute_not_accepted"
_LONGEST_YEARS = 200  # beyond, cutoffs would leave the calendar
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


def made(new: NewRule, dataset: Dataset, zone: str, version: int, by: str, at: datetime, day: date) -> Rule:
    """Return a proposed version of a rule. Raises InvalidInput for what cannot be a rule, with the remedy."""
    if not _ID.fullmatch(new.id):
        raise InvalidInput("The id of a rule is 1 to 64 small letters, digits, dots, dashes or underscores.", pointer="/id")
    _known_columns(dataset, (new.clock,), "/clock")
    _known_columns(dataset, new.columns, "/columns")
    if new.clock in new.columns and new.consequence is Consequence.ANONYMISE:
        raise InvalidInput("The clock's own column cannot be replaced: without it nobody could tell what is due.", pointer="/columns")
    if new.consequence is Consequence.RESTRICT and not dataset.subject_field:
        raise InvalidInput("Only subjects can be restricted, and nobody said whose each row of this dataset is: `privacy systems subject`.", pointer="/dataset")
    if len(new.reason) > 500 or not new.reason.isprintable():
        raise InvalidInput("The reason is one line of at most 500 characters.", pointer="/reason")
    check_day(new.valid_from, "/valid_from")
    period = Period.parse(new.period)
    if period.years_at_least > _LONGEST_YEARS:
        raise InvalidInput(f"A period has at most {_LONGEST_YEARS} years; what is never to go needs no rule.", pointer="/period")
    return Rule(
        id=new.id,
        version=version,
        tenant=dataset.tenant,
        system=dataset.system,
        dataset=dataset.name,
        dataset_id=dataset.id,
        clock=new.clock,
        clock_zone=known_zone(new.clock_zone, "/clock_zone") if new.clock_zone else "",
        zone=known_zone(zone, "/zone"),
        period=period,
        statutes=tuple(dict.fromkeys(new.statutes)),
        restarts=new.restarts,
        columns=new.columns,
        consequence=new.consequence,
        valid_from=new.valid_from or day,
        reason=new.reason,
        state=RuleState.PROPOSED,
        proposed_by=by,
        proposed_at=at,
    )


def check_lawful(rule: Rule, statutes: Statutes, accepted: Mapping[tuple[str, int], str], day: date) -> None:
    """Raise Conflict when the rule keeps less or more than a statute it names demands, or rests on one that nobody accepted; InvalidInput for unknown ones.

    Every version that binds on `day` or later counts, since rows fall under the law of their own day.
    """
    for id in rule.statutes:
        versions = statutes.binding(id, max(day, rule.valid_from))
        if not versions:
            known = ", ".join(sorted({each.id for each in statutes if each.status in ("in_force", "to_verify")}))
            raise InvalidInput(f"A statute named here is not in policies/retention.toml, or not in force. Known are {known}.", pointer="/statutes")
        for statute in versions:
            _check_against(rule, statute, accepted)


def _check_against(rule: Rule, statute: Statute, accepted: Mapping[tuple[str, int], str]) -> None:
    if statute.status == "to_verify" and (statute.id, statute.version) not in accepted:
        raise Conflict(
            f"{statute.id} (version {statute.version}, {statute.article}) was not checked against its source yet. Check it, then accept it by name: "
            f"`privacy retention accept {statute.id}`.",
            code=NOT_ACCEPTED,
        )
    if statute.min is not None and shorter(rule.period, statute.min):
        raise Conflict(
            f"{rule.period} is shorter than the {statute.min} that {statute.id} demands ({statute.article}). Set the period to {statute.min} or longer, "
            "or do not name this statute if the data does not fall under it.",
            code=TOO_SHORT,
        )
    if statute.max is not None and shorter(statute.max, rule.period):
        raise Conflict(
            f"{rule.period} is longer than the {statute.max} that {statute.id} allows ({statute.article}). Set the period to {statute.max} or shorter.",
            code=TOO_LONG,
        )


def minimum(rule: Rule, statutes: Statutes, day: date) -> tuple[Statute, Period] | None:
    """Return the longest minimum period among the statutes of a rule, None when none of them has one."""
    longest: tuple[Statute, Period] | None = None
    for id in rule.statutes:
        for statute in statutes.binding(id, day):
            if statute.min is not None and (longest is None or shorter(longest[1], statute.min)):
                longest = statute, statute.min
    return longest


def bound(rule: Rule, effect: Effect, statutes: Statutes, day: date) -> Rule:
    """Return the rule with its hash: over all that decides its effect, the statutes in their versions included."""
    laws = [[each.id, each.version] for id in rule.statutes for each in statutes.binding(id, max(day, rule.valid_from))]
    content = {
        "id": rule.id,
        "version": rule.version,
        "dataset": rule.dataset_id,
        "clock": [rule.clock, rule.clock_zone, rule.zone],
        "period": str(rule.period),
        "statutes": laws,
        "restarts": [[restart.dataset, restart.clock] for restart in rule.restarts],
        "columns": list(rule.columns),
        "consequence": rule.consequence.value,
        "valid_from": rule.valid_from.isoformat(),
        "effect": [list(effect.removes), list(effect.sets), list(effect.clears), list(effect.restarts)],
    }
    return replace(rule, hash=_digest(content), effect=effect)


def _digest(content: Mapping[str, object]) -> str:
    return "sha256:" + hashlib.sha256(canonical_json(content)).hexdigest()


def _known_columns(dataset: Dataset, names: tuple[str, ...], pointer: str) -> None:
    for name in names:
        field = dataset.fields.get(name)
        if field is None or field.gone:
            raise InvalidInput(
                f"{dataset.name} has no field of that name in the data map; `privacy systems show {dataset.system}` lists them.", pointer=pointer
            )


def known_zone(name: str, pointer: str) -> str:
    """Return `name` when it is a time zone. Raises InvalidInput."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput("A time zone is an IANA name, for example Asia/Shanghai.", pointer=pointer) from None
    return name
