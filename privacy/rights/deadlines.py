"""When an answer is due: clocks of one event under every regime, computed from dated rules and calendars alone.

Pure: no clock is read, nothing is stored. A day counts in the zone of the controller's establishment; a period in hours runs on UTC.
Sources of the arithmetic: Reg. (EEC, Euratom) 1182/71 Art. 3 and CJEU C-171/03 (months end on the same day number, at the latest on the month's last day).
"""

from calendar import monthrange
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from privacy.kernel.clock import rfc3339
from privacy.kernel.days import check_day
from privacy.kernel.errors import Conflict, InvalidInput, Misconfigured
from privacy.rights.calendars import Calendars, Walk, YearMissing
from privacy.rights.model import Clock
from privacy.rights.rules import ESTABLISHMENT, FACTS, KINDS, STOPS, Accepted, Reading, Rule, Rules

EVENTS = tuple(f"{stop}_{what}" for stop in STOPS for what in ("requested", "received"))
IN_EFFECT = ("in_force", "accepted")
_DAY = timedelta(days=1)
_OPEN = ".."


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """A question to the person, or its answer: `identity_requested`, `identity_received`, `clarification_requested`, `clarification_received`."""

    kind: str
    at: datetime


class Pause(NamedTuple):
    """From a question to its answer; `end` is None while it is open."""

    start: datetime
    end: datetime | None


class _Case(NamedTuple):
    """The stored inputs of a clock in working form."""

    received_at: datetime
    zone: ZoneInfo
    calendar: str
    pauses: tuple[Pause, ...]


class _Answer(NamedTuple):
    due: date | datetime
    target: date | datetime
    calendar: str
    trace: str
    provisional: bool


class Deadlines:
    """Clocks from rules and calendars."""

    def __init__(self, rules: Rules, calendars: Calendars) -> None:
        self.rules, self.calendars = rules, calendars

    @classmethod
    def load(cls, policies: Path) -> "Deadlines":
        """Read `deadlines` and `calendars` below the folder of policies. Raises Misconfigured with file, line and remedy."""
        made = cls(Rules.load(policies / "deadlines"), Calendars.load(policies / "calendars"))
        for rule in made.rules:
            for id in rule.calendars() - {ESTABLISHMENT, *made.calendars.ids()}:
                raise Misconfigured(f"The rule {rule.id} names the calendar {id}, of which there is no file; add one or mend the name.")
        return made

    def clocks(
        self,
        kind: str,
        regimes: Iterable[str],
        zone: str,
        calendar: str,
        received_at: datetime,
        *,
        events: Sequence[ClockEvent] = (),
        accepted: Accepted = frozenset(),
        facts: Collection[str] = frozenset(),
        proposed: bool = False,
    ) -> tuple[Clock, ...]:
        """Return every clock that an event of `kind` starts, regime by regime.

        Args:
            kind: a RequestKind, or `breach`.
            zone: IANA name of the time zone of the controller's establishment.
            calendar: id of its calendar; one that is not there makes what needs it provisional.
            received_at: when it happened or became known (aware).
            events: questions and answers that may stop a clock.
            accepted: (id, version) of the `to_verify` rules and (`id/year`, version) of the calendars that somebody accepted.
            facts: what is known of a breach, among rules.FACTS, for rules that apply only then.
            proposed: also show the clocks of proposed law.

        Raises InvalidInput for an unknown kind, regime, zone, fact or event, or an instant without zone.
        """
        _known("kind", kind, KINDS)
        for fact in facts:
            _known("facts", fact, FACTS)
        place = _zone(zone)
        received = _utc(received_at, "received_at")
        day = received.astimezone(place).date()
        calendar = calendar.lower()
        made: list[Clock] = []
        for regime in dict.fromkeys(regimes):
            _known("regimes", regime, self.rules.regimes())
            for rule, status in self.rules.applying(kind, regime, day, accepted, facts, proposed=proposed):
                case = _Case(received, place, calendar, _pauses(events, rule.stops, received))
                answer = self._answer(rule, case, False, accepted, None)
                clock = _clock(rule, status, case, answer, kind)
                made.append(clock)
                if rule.extension:
                    made.append(replace(clock, name=rule.extension.notice))
        return tuple(made)

    def extend(self, clock: Clock, *, at: datetime, notified_at: datetime, reason: str, accepted: Accepted = frozenset()) -> Clock:
        """Return the clock with the longer period of its rule, counted from the receipt.

        Args:
            at: when the extension is recorded.
            notified_at: when the person was told, with the reason; it must lie within the first period.

        Raises InvalidInput without a reason or with an instant that cannot be; Conflict when the rule knows no extension, there was one already,
        or the person was told after the first period had ended.
        """
        rule = self._rule(clock)
        if not reason.strip():
            raise InvalidInput("An extension needs its reason; the person must be told it.", pointer="/reason")
        if rule.extension is None or clock.name != rule.name:
            raise Conflict(f"The rule {rule.id} knows no extension of this clock.")
        if clock.inputs.get("extended"):
            raise Conflict("This clock was extended already; the law allows it once.")
        told, recorded = _utc(notified_at, "notified_at"), _utc(at, "at")
        case = _case(clock)
        if not case.received_at <= told <= recorded:
            raise InvalidInput("The notice must lie after the receipt and not in the future.", pointer="/notified_at")
        first = self.recompute(clock)
        # the period ends with the expiry of its last day where the controller sits
        if told >= ends_at(first.due, first.zone):
            raise Conflict(f"The person was told after the first period had ended ({first.due}); the extension does not hold and the first period stays.")
        answer = self._answer(rule, case, True, accepted, None)
        inputs = {**clock.inputs, "extended": True, "notified_at": rfc3339(told)}
        return _with(replace(clock, inputs=inputs), answer)

    def recompute(self, stored: Clock) -> Clock:
        """Return the clock computed anew from nothing but its stored inputs: same rule, version and calendar versions, so the same days.

        Raises Misconfigured when a rule or calendar version it names is gone.
        """
        return _with(stored, self._again(stored, _case(stored), (), stored.calendar_version))

    def renew(self, stored: Clock, *, events: Sequence[ClockEvent] | None = None, accepted: Accepted = frozenset()) -> Clock:
        """Return the clock under today's calendars (a missing year may have come) and, when `events` are given, with the pauses they make.

        The rule stays the one that held on the day of the receipt. `accepted` matters for calendars that are still to be verified.
        """
        rule = self._rule(stored)
        case = _case(stored)
        inputs = dict(stored.inputs)
        if events is not None:
            case = case._replace(pauses=_pauses(events, rule.stops, case.received_at))
            inputs = {key: value for key, value in inputs.items() if key not in ("pauses", "paused")} | _pause_inputs(case.pauses)
        return _with(replace(stored, inputs=inputs), self._again(stored, case, accepted, None))

    def _again(self, stored: Clock, case: _Case, accepted: Accepted, trace: str | None) -> _Answer:
        return self._answer(self._rule(stored), case, bool(stored.inputs.get("extended")), accepted, trace)

    def _rule(self, clock: Clock) -> Rule:
        rule = self.rules.get(clock.rule, clock.version)
        if rule is None:
            raise Misconfigured(f"The rule {clock.rule} has no version {clock.version} any more, but a stored deadline names it. Restore the shipped file.")
        return rule

    def _answer(self, rule: Rule, case: _Case, extended: bool, accepted: Accepted, trace: str | None) -> _Answer:
        """Compute both readings. `trace` pins the calendars to the versions it tells."""
        of_due, of_target = (rule.extension.due, rule.extension.target) if extended and rule.extension else (rule.due, rule.target)
        try:
            if of_due.unit == "hour":
                return _Answer(_after_hours(case, of_due), min(_after_hours(case, of_target), _after_hours(case, of_due)), "", "", False)
            return self._days(rule, case, of_due, of_target, accepted, trace)
        except (OverflowError, ValueError):
            raise InvalidInput("This day is too far away to compute a deadline from.", pointer="/received_at") from None

    def _days(self, rule: Rule, case: _Case, of_due: Reading, of_target: Reading, accepted: Accepted, trace: str | None) -> _Answer:
        walks: dict[str, Walk] = {}

        def walk(reading: Reading) -> Walk | None:
            if not reading.calendar:
                return None
            id = case.calendar if reading.calendar == ESTABLISHMENT else reading.calendar
            if id not in walks:
                walks[id] = self.calendars.walk(id, accepted) if trace is None else self.calendars.walk_again(id, trace)
            return walks[id]

        due, missing = _safely(of_due, case, walk(of_due), rule, whole=False)
        # without a pause the same reading gives the same day: half the work of bulk recomputation
        same = of_target is of_due and not case.pauses
        target, target_missing = (due, missing) if same else _safely(of_target, case, walk(of_target), rule, whole=True)
        provisional = missing or target_missing
        if any(each.unverified for each in walks.values()):
            # days of a calendar nobody vouched for may be shown, but alarms run on what cannot be late
            target = min(target, _end(of_due.without_calendar(), case, None, rule, whole=True))
            provisional = True
        calendar = case.calendar if of_due.calendar == ESTABLISHMENT else of_due.calendar
        return _Answer(due, min(due, target), calendar, " ".join(each.trace() for each in walks.values()), provisional)


def lead(clocks: Iterable[Clock]) -> Clock | None:
    """Return the clock whose target comes first: among those in effect, else among those still to be verified (better a cautious alarm than none)."""
    every = [clock for clock in clocks if clock.status != "proposed"]
    # of two that end together the answer leads, not the notice of an extension that may never be needed
    return min(
        [clock for clock in every if in_effect(clock)] or every,
        key=lambda clock: (ends_at(clock.target, clock.zone), clock.name != "answer", clock.regime, clock.rule),
        default=None,
    )


def in_effect(clock: Clock) -> bool:
    return clock.status in IN_EFFECT


def ends_at(limit: date | datetime, zone: str) -> datetime:
    """Return the first instant (UTC) that is too late: midnight after a day in `zone`, or the instant itself."""
    if isinstance(limit, datetime):
        return limit.astimezone(UTC)
    return datetime.combine(limit + _DAY, time(), _zone(zone)).astimezone(UTC)


def _safely(reading: Reading, case: _Case, walk: Walk | None, rule: Rule, *, whole: bool) -> tuple[date, bool]:
    """Return the end and whether a calendar year was missing; then the end is one that needs no calendar and cannot be late."""
    try:
        return _end(reading, case, walk, rule, whole=whole), False
    except YearMissing:
        return _end(reading.without_calendar(), case, None, rule, whole=whole), True


def _end(reading: Reading, case: _Case, walk: Walk | None, rule: Rule, *, whole: bool) -> date:
    """Return the last day of a period with its pauses. `whole`: only days that were paused from midnight to midnight are given back."""
    start = case.received_at.astimezone(case.zone).date()
    last = _last_day(reading, start, walk)
    end = _rolled(reading, last, walk)
    paused: list[tuple[date, date]] = []
    for pause in case.pauses:
        asked = pause.start.astimezone(case.zone).date()
        # a question after the period has ended stops nothing, and an open one gives nothing back yet
        if pause.end is None or asked > end:
            break
        given = (asked + _DAY if whole else asked, pause.end.astimezone(case.zone).date())
        if rule.after_pause == "restart":
            start = given[1]
        elif asked > last:
            # asked on a day that only the roll gave: what was left of it is what remains after the answer
            end = _rolled(reading, end + max(given[1] - given[0], timedelta()), walk)
            continue
        else:
            paused.append(given)
        last = _last_day(reading, start, walk, paused)
        end = _rolled(reading, last, walk)
    return end


def _last_day(reading: Reading, start: date, walk: Walk | None, paused: Sequence[tuple[date, date]] = ()) -> date:
    if reading.unit == "business_day" and walk:
        n = reading.n
        # a day of receipt on which nobody works cannot be the first working day
        if reading.counting == "event_day_included" and walk.works(start):
            n -= 1
        return walk.nth_working(start, n, paused)
    if reading.counting == "from_next_day":
        start += _DAY
    if reading.unit == "day":
        end = start + timedelta(days=reading.n)
    else:
        end = _after_months(start, reading.n if reading.unit == "month" else reading.n * 12, reading.missing_day)
    if reading.counting == "event_day_included":
        end -= _DAY
    for first, last in paused:
        if last > first:
            end += last - first
    return end


def _rolled(reading: Reading, end: date, walk: Walk | None) -> date:
    return walk.next_working(end) if walk and reading.roll == "next_working_day" else end


def _after_months(start: date, months: int, missing_day: str) -> date:
    """Return the same day number `months` later, or what stands for it where that month has no such day."""
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    last = monthrange(year, month)[1]
    if start.day <= last:
        return date(year, month, start.day)
    return date(year, month, last) + (_DAY if missing_day == "first_of_next_month" else timedelta())


def _after_hours(case: _Case, reading: Reading) -> datetime:
    return case.received_at + timedelta(hours=reading.n)


def _pauses(events: Sequence[ClockEvent], stops: Collection[str], received_at: datetime) -> tuple[Pause, ...]:
    """Return the intervals in which a rule's clock stands, merged where two questions were open at once."""
    for event in events:
        _known("events", event.kind, EVENTS)
    found: list[Pause] = []
    for stop in stops:
        asked: datetime | None = None
        for event in sorted((event for event in events if event.kind.startswith(f"{stop}_")), key=lambda event: _utc(event.at, "events")):
            at = max(_utc(event.at, "events"), received_at)
            if event.kind.endswith("_requested"):
                asked = asked or at
            elif asked is not None:
                found.append(Pause(asked, at))
                asked = None
        if asked is not None:
            found.append(Pause(asked, None))
    return _merged(sorted(found, key=lambda pause: pause.start))


def _merged(pauses: Iterable[Pause]) -> tuple[Pause, ...]:
    made: list[Pause] = []
    for pause in pauses:
        before = made[-1] if made else None
        if before and (before.end is None or pause.start <= before.end):
            made[-1] = Pause(before.start, max(before.end, pause.end) if before.end and pause.end else None)
        else:
            made.append(pause)
    return tuple(made)


def _clock(rule: Rule, status: str, case: _Case, answer: _Answer, kind: str) -> Clock:
    return Clock(
        rule=rule.id,
        version=rule.version,
        regime=rule.regime,
        calendar=answer.calendar,
        calendar_version=answer.trace,
        zone=case.zone.key,
        inputs={"kind": str(kind), "received_at": rfc3339(case.received_at), "calendar": case.calendar, **_pause_inputs(case.pauses)},
        due=answer.due,
        target=answer.target,
        provisional=answer.provisional,
        status=status,
        name=rule.name,
    )


def _with(clock: Clock, answer: _Answer) -> Clock:
    return replace(clock, due=answer.due, target=answer.target, calendar=answer.calendar, calendar_version=answer.trace, provisional=answer.provisional)


def _pause_inputs(pauses: Sequence[Pause]) -> dict[str, str | int | bool]:
    """Return pauses as stored: ISO 8601 intervals, `..` for an open end; `paused` while one is open."""
    if not pauses:
        return {}
    written = " ".join(f"{rfc3339(pause.start)}/{rfc3339(pause.end) if pause.end else _OPEN}" for pause in pauses)
    return {"pauses": written, "paused": True} if pauses[-1].end is None else {"pauses": written}


def _case(clock: Clock) -> _Case:
    """Read the stored inputs. Raises Misconfigured when they are not what this engine stored."""
    try:
        intervals = [interval.split("/") for interval in str(clock.inputs.get("pauses", "")).split()]
        pauses = tuple(Pause(datetime.fromisoformat(start), None if end == _OPEN else datetime.fromisoformat(end)) for start, end in intervals)
        return _Case(datetime.fromisoformat(str(clock.inputs["received_at"])), _zone(clock.zone), str(clock.inputs["calendar"]), pauses)
    except (KeyError, ValueError):
        raise Misconfigured(f"The stored inputs of a deadline under {clock.rule} cannot be read; restore the database from its backup.") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise InvalidInput("A time zone is an IANA name, for example Asia/Shanghai.", pointer="/zone") from None


def _utc(instant: datetime, pointer: str) -> datetime:
    if instant.tzinfo is None:
        raise InvalidInput("An instant needs its offset, for example 2026-01-31T09:00:00+01:00.", pointer=f"/{pointer}")
    check_day(instant, f"/{pointer}")
    return instant.astimezone(UTC)


def _known(pointer: str, word: str, allowed: Collection[str]) -> None:
    if word not in allowed:
        raise InvalidInput(f"Only these are known here: {', '.join(allowed)}.", pointer=f"/{pointer}")
