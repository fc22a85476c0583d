"""The closed vocabulary of conditions: named, pure, documented. No row carries code.

A predicate answers True, False or None (the fact is not known). Not known counts as false for a row that allows and as true for
a row that denies, so that a missing fact never opens anything.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from privacy.access.rows import DENY
from privacy.kernel.terms import Actor

MFA_MAX_AGE = timedelta(hours=12)
OFFICE_OPENS, OFFICE_CLOSES = 9, 18
TRUE = "true"

Truths = Mapping[str, bool | None]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one call and, for the consent predicates, about one subject."""

    actor: Actor
    now: datetime
    zone: str | None = None
    consent: str | None = None


@dataclass(frozen=True, slots=True)
class Predicate:
    """One word for the condition column. `per_subject` predicates are asked again for every subject of a call."""

    name: str
    en: str
    zh: str
    ask: Callable[[Facts], bool | None]
    per_subject: bool = False


def _mfa(facts: Facts) -> bool | None:
    if facts.actor.assurance < 2:
        return False
    if facts.actor.authenticated_at is None:
        return None
    return timedelta(0) <= facts.now - facts.actor.authenticated_at <= MFA_MAX_AGE


def _office_hours(facts: Facts) -> bool | None:
    if facts.zone is None:
        return None
    try:
        local = facts.now.astimezone(ZoneInfo(facts.zone))
    except (ZoneInfoNotFoundError, ValueError):
        return None
    return local.weekday() < 5 and OFFICE_OPENS <= local.hour < OFFICE_CLOSES


def _consent_is(state: str) -> Callable[[Facts], bool | None]:
    return lambda facts: None if facts.consent is None else facts.consent == state


PREDICATES: Mapping[str, Predicate] = {
    predicate.name: predicate
    for predicate in (
        Predicate(TRUE, "always", "始终成立", lambda facts: True),
        Predicate("mfa", "the caller signed in with a second factor within the last 12 hours", "调用者在 12 小时内完成了多因素认证", _mfa),
        Predicate(
            "office_hours",
            "it is Monday to Friday, 09:00 to 18:00, where the controller of the purpose is",
            "控制者所在地的工作时间（周一至周五 9–18 时）",
            _office_hours,
        ),
        Predicate("consent_given", "the subject's consent for the purpose is in force", "个人对该目的的同意有效", _consent_is("given"), per_subject=True),
        Predicate("consent_withdrawn", "the subject withdrew consent for the purpose", "个人已撤回对该目的的同意", _consent_is("withdrawn"), per_subject=True),
    )
}

# words whose facts do not exist yet: a policy that relies on them would silently never (or always) match
NOT_AVAILABLE = frozenset({"row_owner", "grant_open", "breakglass_open", "on_hold", "minor", "network_internal"})


def call_truths(facts: Facts) -> dict[str, bool | None]:
    """Answer the predicates that are the same for every subject of a call."""
    return {name: predicate.ask(facts) for name, predicate in PREDICATES.items() if not predicate.per_subject}


def consent_truths(state: str | None) -> dict[str, bool | None]:
    """Answer the predicates about one subject's consent; `state` None means it is not known."""
    return {"consent_given": None if state is None else state == "given", "consent_withdrawn": None if state is None else state == "withdrawn"}


def holds(condition: str, effect: str, truths: Truths) -> bool:
    """Return whether a row with this condition and effect applies; a fact that is not known closes rather than opens."""
    truth = truths.get(condition)
    return effect == DENY if truth is None else truth
