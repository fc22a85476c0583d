"""Dated rules of law: every period, article and status is read from policies/deadlines/*.toml, none stands in code.

A pair (id, version) never changes once released; a change of law is the next version. Which version applies is chosen by the day the event happened.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from privacy.inventory.catalogue_model import REGIMES
from privacy.kernel.errors import Misconfigured
from privacy.rights.model import RequestKind
from privacy.rights.strict_file import StrictFile, check_released, digest

BREACH = "breach"  # the one kind of event that is no request of a person
KINDS = (*(kind.value for kind in RequestKind), BREACH)
UNITS = ("year", "month", "day", "business_day", "hour")
COUNTINGS = ("event_day_excluded", "event_day_included", "from_next_day")
MISSING_DAYS = ("last_of_month", "first_of_next_month")
ROLLS = ("none", "next_working_day")
STOPS = ("identity", "clarification")
AFTER_PAUSE = ("resume", "restart")
STATUSES = ("in_force", "to_verify", "proposed", "repealed")
FACTS = ("critical_infrastructure", "central_body", "high_risk")  # what may be known of a breach; a closed list, for a mistyped fact would hide a rule
ESTABLISHMENT = "establishment"  # the calendar of the place where the controller sits, as opposed to one that the rule names

Accepted = Collection[tuple[str, int]]
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a period of law: how long, how days are counted, and where it ends when that day is missing or nobody works."""

    n: int
    unit: str
    counting: str = "event_day_excluded"
    missing_day: str = "last_of_month"
    roll: str = "none"
    calendar: str = ""

    @property
    def needs_calendar(self) -> bool:
        return self.unit == "business_day" or self.roll != "none"

    def __str__(self) -> str:
        """Return the reading in words, for example `1 month, then the next working day (establishment)`."""
        unit = self.unit.replace("_", " ")
        words = [f"{self.n} {unit}" + ("s" if self.n > 1 else "")]
        if self.counting != COUNTINGS[0]:
            words.append("the day of the event counted" if self.counting == COUNTINGS[1] else "from the next day on")
        if self.missing_day != MISSING_DAYS[0]:
            words.append("a missing day is the first of the next month")
        if self.roll != "none":
            words.append("then the next working day")
        return ", ".join(words) + (f" ({self.calendar})" if self.calendar else "")

    def without_calendar(self) -> "Reading":
        """Return a reading that needs no calendar and can never end later: working days become days, and nothing moves to a later day."""
        return Reading(self.n, "day" if self.unit == "business_day" else self.unit, self.counting, self.missing_day)


@dataclass(frozen=True, slots=True)
class Extension:
    """The whole period, counted from the receipt, once the person was told within the first one. `notice` names the clock of that notice."""

    due: Reading
    target: Reading
    notice: str = "extension_notice"


@dataclass(frozen=True, slots=True)
class Source:
    cite: str
    checked_on: date
    url: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule in one version.

    `valid_from` and `valid_to` are days of the event, both included. `stands_in` rules apply only while no other rule of their regime and name does.
    `only_if` names facts of an event (for a breach) that must all be so.
    """

    id: str
    version: int
    regime: str
    article: str
    name: str
    kinds: tuple[str, ...]
    status: str
    valid_from: date
    due: Reading
    target: Reading
    source: Source
    en: str
    zh: str
    valid_to: date | None = None
    stops: tuple[str, ...] = ()
    after_pause: str = "resume"
    extension: Extension | None = None
    stands_in: bool = False
    only_if: tuple[str, ...] = ()
    note: str = ""

    @property
    def key(self) -> tuple[str, int]:
        return self.id, self.version

    def calendars(self) -> frozenset[str]:
        """Return the ids of the calendars its readings name, `establishment` among them."""
        readings = (self.due, self.target, *((self.extension.due, self.extension.target) if self.extension else ()))
        return frozenset(reading.calendar for reading in readings if reading.calendar)

    def valid_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def in_effect(self, accepted: Accepted) -> bool:
        """Tell whether the rule takes effect on the days it is valid: law that was, or is, in force, or a reading that somebody accepted by name."""
        return self.status in ("in_force", "repealed") or (self.status == "to_verify" and self.key in accepted)


class Rules:
    """All rules of this installation."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules: dict[tuple[str, int], Rule] = {}
        for rule in rules:
            if rule.key in self._rules:
                raise Misconfigured(f"The rule {rule.id} has version {rule.version} twice; a change is the next version.")
            self._rules[rule.key] = rule
        self._by_kind: dict[tuple[str, str], tuple[Rule, ...]] = {
            (regime, kind): tuple(rule for rule in self if rule.regime == regime and kind in rule.kinds) for regime in REGIMES for kind in KINDS
        }

    @classmethod
    def load(cls, folder: Path) -> "Rules":
        """Read every *.toml of the folder but released.toml. Raises Misconfigured with file, line and remedy."""
        paths = [path for path in sorted(folder.glob("*.toml")) if path.name != "released.toml"]
        if not paths:
            raise Misconfigured(f"{folder}: there are no deadline rules here. Restore the shipped files or set PRIVACY_POLICIES.")
        read = [pair for path in paths for pair in _read(path)]
        check_released(folder, {f"{rule.id}/{rule.version}": mark for rule, mark in read})
        return cls(rule for rule, _ in read)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())

    def get(self, id: str, version: int) -> Rule | None:
        return self._rules.get((id, version))

    def regimes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(rule.regime for rule in self))

    def first_day(self, kind: str, regime: str) -> date | None:
        """Return the day from which law of a regime answers this kind of request, None where no rule of it does."""
        return min((rule.valid_from for rule in self._by_kind.get((regime, kind), ()) if rule.status != "proposed"), default=None)

    def applying(self, kind: str, regime: str, day: date, accepted: Accepted, facts: Collection[str], *, proposed: bool = False) -> list[tuple[Rule, str]]:
        """Return the rules for an event of `day`, each with the status its clock shows.

        In effect: per id, the newest version that is law (`in_force`) or was accepted (`accepted`). Shown beside them, without effect: newer versions
        that are `to_verify`, and with `proposed` those that are only proposed law.
        """
        valid = [rule for rule in self._by_kind.get((regime, kind), ()) if rule.valid_on(day) and all(fact in facts for fact in rule.only_if)]
        newest: dict[str, int] = {}
        for rule in valid:
            if rule.in_effect(accepted):
                newest[rule.id] = max(rule.version, newest.get(rule.id, 0))
        effective = {rule.key for rule in valid if newest.get(rule.id) == rule.version and rule.in_effect(accepted)}
        answered = {rule.name for rule in valid if rule.key in effective and not rule.stands_in}
        chosen: list[tuple[Rule, str]] = []
        for rule in valid:
            if rule.key in effective:
                if not (rule.stands_in and rule.name in answered):
                    chosen.append((rule, "accepted" if rule.status == "to_verify" else "in_force"))
            elif rule.version > newest.get(rule.id, 0) and (rule.status == "to_verify" or (proposed and rule.status == "proposed")):
                chosen.append((rule, rule.status))
        return chosen


_KEYS = (
    *("id", "version", "regime", "article", "name", "kinds", "status", "valid_from", "valid_to", "due", "target", "pause", "extension"),
    *("stands_in", "only_if", "source", "en", "zh", "note"),
)


def _read(path: Path) -> Iterator[tuple[Rule, str]]:
    file = StrictFile(path, "rule")
    for number, values in enumerate(file.entries()):
        yield _Entry(file, number, values).rule(), digest(values)


class _Entry:
    """Reads one [[rule]]; a class only so that file, number and values need not travel through every helper."""

    def __init__(self, file: StrictFile, number: int, values: Mapping[str, Any]) -> None:
        self._file, self._number, self._values = file, number, values

    def rule(self) -> Rule:
        self._file.only(self._number, self._values, _KEYS)
        due = self._reading(self._table("due"))
        pause = self._table("pause", {}, ("on", "then"))
        made = Rule(
            id=self._text("id", _ID),
            version=self._version(),
            regime=self._among("regime", REGIMES),
            article=self._text("article"),
            name=self._text("name", _ID),
            kinds=self._file.words(self._number, self._values, "kinds", KINDS),
            status=self._among("status", STATUSES),
            valid_from=self._file.take(self._number, self._values, "valid_from", date),
            valid_to=self._file.take(self._number, self._values, "valid_to", date, None),
            due=due,
            target=self._reading(self._table("target")) if "target" in self._values else due,
            stops=self._file.words(self._number, pause, "on", STOPS),
            after_pause=self._file.among(self._number, "then", self._file.take(self._number, pause, "then", str, "resume"), AFTER_PAUSE),
            extension=self._extension(),
            stands_in=self._file.take(self._number, self._values, "stands_in", bool, False),
            only_if=self._file.words(self._number, self._values, "only_if", FACTS),
            source=self._source(),
            en=self._text("en"),
            zh=self._text("zh"),
            note=self._file.take(self._number, self._values, "note", str, ""),
        )
        self._check(made)
        return made

    def _check(self, rule: Rule) -> None:
        if not rule.kinds:
            self._fail("kinds", "name at least one")
        if rule.valid_to is not None and rule.valid_to < rule.valid_from:
            self._fail("valid_to", "lies before valid_from")
        if rule.status == "repealed" and rule.valid_to is None:
            self._fail("status", "a repealed rule needs valid_to, its last day")
        units = {rule.due.unit == "hour", rule.target.unit == "hour"}
        if len(units) > 1:
            self._fail("target", "hours and days cannot be mixed in one rule")
        if rule.due.unit == "hour" and (rule.stops or rule.extension):
            self._fail("due", "a period in hours can neither pause nor be extended")

    def _extension(self) -> Extension | None:
        if "extension" not in self._values:
            return None
        values = self._table("extension", None, ("due", "target", "notice"))
        due = self._reading(self._file.take(self._number, values, "due", dict))
        target = self._reading(values["target"]) if isinstance(values.get("target"), dict) else due
        return Extension(due, target, self._file.take(self._number, values, "notice", str, "extension_notice"))

    def _reading(self, values: Mapping[str, Any]) -> Reading:
        number = self._number
        self._file.only(number, values, ("n", "unit", "counting", "missing_day", "roll", "calendar"))
        made = Reading(
            n=self._file.take(number, values, "n", int),
            unit=self._file.among(number, "unit", self._file.take(number, values, "unit", str), UNITS),
            counting=self._file.among(number, "counting", self._file.take(number, values, "counting", str, COUNTINGS[0]), COUNTINGS),
            missing_day=self._file.among(number, "missing_day", self._file.take(number, values, "missing_day", str, MISSING_DAYS[0]), MISSING_DAYS),
            roll=self._file.among(number, "roll", self._file.take(number, values, "roll", str, "none"), ROLLS),
            calendar=self._file.take(number, values, "calendar", str, ""),
        )
        if made.n < 1:
            self._fail("n", "write a number above 0")
        if made.needs_calendar != bool(made.calendar):
            self._fail("calendar", "working days and rolling need a calendar (establishment or an id), nothing else does")
        if made.unit == "hour" and (made.roll != "none" or made.counting != COUNTINGS[0]):
            self._fail("unit", "a period in hours runs from the instant on: it neither rolls nor counts days")
        if made.counting == "from_next_day" and made.unit not in ("month", "year"):
            self._fail("counting", "from_next_day is a reading of months and years")
        return made

    def _source(self) -> Source:
        values = self._table("source", None, ("cite", "url", "checked_on"))
        take = self._file.take
        return Source(take(self._number, values, "cite", str), take(self._number, values, "checked_on", date), take(self._number, values, "url", str, ""))

    def _table(self, key: str, default: Any = None, known: Iterable[str] = ()) -> dict[str, Any]:
        values: dict[str, Any] = self._file.take(self._number, self._values, key, dict, ... if default is None else default)
        if known:
            self._file.only(self._number, values, known)
        return values

    def _text(self, key: str, shape: re.Pattern[str] | None = None) -> str:
        value: str = self._file.take(self._number, self._values, key, str)
        if not value.strip() or (shape and not shape.fullmatch(value)):
            self._fail(key, "write small letters, digits, dots, hyphens" if shape else "must not be empty")
        return value

    def _version(self) -> int:
        value: int = self._file.take(self._number, self._values, "version", int)
        if value < 1:
            self._fail("version", "versions start at 1")
        return value

    def _among(self, key: str, allowed: Iterable[str]) -> str:
        return self._file.among(self._number, key, self._file.take(self._number, self._values, key, str), allowed)

    def _fail(self, key: str, what: str) -> None:
        self._file.fail(self._number, key, what)
