"""Which days are working days: one dated file per place and year in policies/calendars, never a guess.

A year without a file is missing: what needs it answers with a cautious, provisional day. So does a file that is `to_verify`, until accepted by name.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

from privacy.kernel.errors import Misconfigured
from privacy.rights.rules import Accepted, Source
from privacy.rights.strict_file import StrictFile, check_released, digest

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
STATUSES = ("in_force", "to_verify")
DECEMBER = 12  # next year's calendar is asked for from the first day of December on
_KEYS = ("id", "country", "region", "year", "version", "status", "checked_on", "weekend", "off_days", "make_up_days", "source", "note")
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class CalendarYear:
    """Off days and worked weekend days of one place in one year; `year` 0 holds for every year (a calendar of weekends alone)."""

    id: str
    country: str
    region: str
    year: int
    version: int
    status: str
    weekend: frozenset[int]
    off_days: frozenset[date]
    make_up_days: frozenset[date]
    source: Source
    note: str = ""

    @property
    def name(self) -> str:
        return f"{self.id}/{self.year or 'all'}"

    @cached_property
    def idle(self) -> frozenset[date]:
        """Every day of the year on which nobody works: one look-up a day is what makes bulk computation quick."""
        first = date(self.year, 1, 1)
        days = (first + timedelta(days=number) for number in range(366))
        weekends = {day for day in days if day.weekday() in self.weekend and day.year == self.year}
        return frozenset((weekends | self.off_days) - self.make_up_days)

    def works(self, day: date) -> bool:
        if not self.year:
            return day.weekday() not in self.weekend
        return day not in self.idle


class YearMissing(Exception):
    """A day was asked for whose year has no file."""


class Calendars:
    """All calendars of this installation, in all their versions."""

    def __init__(self, years: Iterable[CalendarYear]) -> None:
        self._years: dict[tuple[str, int, int], CalendarYear] = {}
        self._newest: dict[str, dict[int, CalendarYear]] = {}
        for year in years:
            key = (year.id, year.year, year.version)
            if key in self._years:
                raise Misconfigured(f"The calendar {year.name} has version {year.version} twice; a correction is the next version.")
            self._years[key] = year
            known = self._newest.setdefault(year.id, {})
            if year.year not in known or known[year.year].version < year.version:
                known[year.year] = year

    @classmethod
    def load(cls, folder: Path) -> "Calendars":
        """Read every *.toml of the folder but released.toml. Raises Misconfigured with file, line and remedy."""
        read = [_read(path) for path in sorted(folder.glob("*.toml")) if path.name != "released.toml"]
        check_released(folder, {f"{year.name}/{year.version}": mark for year, mark in read})
        return cls(year for year, _ in read)

    def __iter__(self) -> Iterator[CalendarYear]:
        return iter(self._years.values())

    def ids(self) -> tuple[str, ...]:
        return tuple(self._newest)

    def walk(self, id: str, accepted: Accepted = ()) -> "Walk":
        """Return a walk over the newest versions. An unknown id is a calendar without any year."""
        return Walk(id, self._newest.get(id, {}), accepted)

    def walk_again(self, id: str, trace: str) -> "Walk":
        """Return a walk that sees exactly what `trace` of an earlier one tells. Raises Misconfigured when a version it names is gone."""
        years: dict[int, CalendarYear] = {}
        accepted: set[tuple[str, int]] = set()
        for step in trace.split():
            name, _, version = step.rstrip("?").rpartition(".")
            place, _, year = name.rpartition("/")
            if place != id or version == "0":
                continue
            number = 0 if year == "all" else int(year)
            found = self._years.get((id, number, int(version)))
            if found is None:
                raise Misconfigured(f"The calendar {name} has no version {version} any more, but a stored deadline names it. Restore the shipped file.")
            years[number] = found
            if not step.endswith("?"):
                accepted.add((name, int(version)))
        return Walk(id, years, accepted)

    def missing(self, id: str, today: date) -> tuple[int, ...]:
        """Return the years that calendar `id` should have by now and has not: this one and, from 1 December on, the next."""
        known = self._newest.get(id, {})
        wanted = (today.year, today.year + 1) if today.month == DECEMBER else (today.year,)
        return () if 0 in known else tuple(year for year in wanted if year not in known)


class Walk:
    """Working days of one calendar during one computation; remembers which files it looked at, so that the same can be computed again."""

    __slots__ = ("_accepted", "_always", "_id", "_used", "_years", "unverified")

    def __init__(self, id: str, years: Mapping[int, CalendarYear], accepted: Accepted) -> None:
        self._id, self._years, self._accepted = id, years, accepted
        self._always = years.get(0)
        self._used: dict[int, int] = {}
        self.unverified = False

    def works(self, day: date) -> bool:
        """Tell whether `day` is a working day. Raises YearMissing."""
        number = 0 if self._always else day.year
        year = self._always or self._years.get(number)
        if number not in self._used:
            self._used[number] = year.version if year else 0
            if year and year.status == "to_verify" and (year.name, year.version) not in self._accepted:
                self.unverified = True
        if year is None:
            raise YearMissing
        return year.works(day)

    def next_working(self, day: date) -> date:
        """Return `day`, or the first working day after it."""
        while not self.works(day):
            day += _DAY
        return day

    def nth_working(self, day: date, n: int, skip: Collection[tuple[date, date]] = ()) -> date:
        """Return the n-th working day after `day`, passing over days from (included) to (excluded) of each interval in `skip`."""
        while n:
            day += _DAY
            if self.works(day) and not (skip and any(first <= day < end for first, end in skip)):
                n -= 1
        return day

    def trace(self) -> str:
        """Return what was looked at, for example `de/2026.1 de/2027.0`: year and version, 0 for missing, `?` for not yet verified."""
        return " ".join(self._step(year, self._used[year]) for year in sorted(self._used))

    def _step(self, number: int, version: int) -> str:
        name = f"{self._id}/{number or 'all'}"
        year = self._years.get(number)
        doubt = year is not None and year.status == "to_verify" and (name, version) not in self._accepted
        return f"{name}.{version}{'?' if doubt else ''}"


def _read(path: Path) -> tuple[CalendarYear, str]:
    file = StrictFile(path)
    values = file.document
    file.only(-1, values, _KEYS)
    source = file.take(-1, values, "source", dict)
    file.only(-1, source, ("cite", "url"))
    year = file.take(-1, values, "year", int, 0)
    made = CalendarYear(
        id=file.take(-1, values, "id", str),
        country=file.take(-1, values, "country", str, ""),
        region=file.take(-1, values, "region", str, ""),
        year=year,
        version=file.take(-1, values, "version", int),
        status=file.among(-1, "status", file.take(-1, values, "status", str), STATUSES),
        weekend=frozenset(WEEKDAYS.index(word) for word in file.words(-1, values, "weekend", WEEKDAYS)),
        off_days=_days(file, "off_days", year),
        make_up_days=_days(file, "make_up_days", year),
        source=Source(file.take(-1, source, "cite", str), file.take(-1, values, "checked_on", date), file.take(-1, source, "url", str, "")),
        note=file.take(-1, values, "note", str, ""),
    )
    _check(file, made)
    return made, digest(values)


def _check(file: StrictFile, made: CalendarYear) -> None:
    if not _ID.fullmatch(made.id):
        file.fail(-1, "id", "write small letters, digits, hyphens")
    if made.version < 1:
        file.fail(-1, "version", "versions start at 1")
    if not made.source.cite.strip():
        file.fail(-1, "cite", "say where the days come from")
    # a week without any working day would be walked for ever
    if not 0 < len(made.weekend) < len(WEEKDAYS):
        file.fail(-1, "weekend", "name the days of the weekend, for example saturday and sunday, and leave at least one working day")
    if not all(day.weekday() in made.weekend for day in made.make_up_days):
        file.fail(-1, "make_up_days", "a worked day must be one of the weekend")
    if both := made.off_days & made.make_up_days:
        file.fail(-1, "make_up_days", f"{min(both)} cannot be both off and worked")


def _days(file: StrictFile, key: str, year: int) -> frozenset[date]:
    days = file.take(-1, file.document, key, list, [])
    if not all(type(day) is date and day.year == year for day in days) or len(set(days)) != len(days):
        file.fail(-1, key, f"write days of {year}, each once, without quotes" if year else "a calendar of every year knows weekends alone")
    return frozenset(days)
