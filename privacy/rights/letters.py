"""Reasons of refusal, what a refusal tells the person, and how long a request's file is kept: `policies/requests.toml`, read strictly."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from privacy.consent.periods import after, is_period
from privacy.inventory.catalogue_model import REGIMES
from privacy.kernel.errors import InvalidInput, Misconfigured

_STATUSES = ("in_force", "to_verify")
_DATED = {"valid_from": date, "source": str, "checked_on": date}
_SHAPES: Mapping[str, Mapping[str, type]] = {
    "refusal": {"id": str, "en": str, "zh": str, "regimes": list, "article": str, "status": str, **_DATED},
    "complaint": {"regime": str, "en": str, "zh": str, **_DATED},
    "file": {"regime": str, "period": str, "article": str, "status": str, **_DATED},
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A ground of refusal, in force from `valid_from` to `valid_to` (None: still)."""

    id: str
    en: str
    zh: str
    regimes: tuple[str, ...]
    article: str
    status: str
    valid_from: date
    source: str
    checked_on: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Complaint:
    regime: str
    en: str
    zh: str
    valid_from: date
    source: str
    checked_on: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class FileRule:
    """How long the file of a closed request is kept; `period` is an ISO 8601 period."""

    regime: str
    period: str
    article: str
    status: str
    valid_from: date
    source: str
    checked_on: date
    valid_to: date | None = None


Entry = Reason | Complaint | FileRule


class Letters:
    """The dated tables. Immutable."""

    def __init__(self, reasons: Iterable[Reason], complaints: Iterable[Complaint], files: Iterable[FileRule]) -> None:
        self._reasons, self._complaints, self._files = tuple(reasons), tuple(complaints), tuple(files)

    @classmethod
    def load(cls, path: Path) -> "Letters":
        """Read requests.toml. Raises Misconfigured naming file, line and what is wrong."""
        return _Reader(path).read()

    def reasons(self, day: date, regimes: Iterable[str] = REGIMES) -> list[Reason]:
        """Return the grounds that any of these regimes knows on this day."""
        wanted = set(regimes)
        return [each for each in self._reasons if _holds(each, day) and wanted & set(each.regimes)]

    def reason(self, id: str, regimes: Iterable[str], day: date) -> Reason:
        """Return one ground. Raises InvalidInput naming those there are."""
        offered = self.reasons(day, regimes)
        found = next((each for each in offered if each.id == id), None)
        if found is None:
            raise InvalidInput(f"A request is refused for one of: {', '.join(each.id for each in offered)}.", pointer="/reason")
        return found

    def complaints(self, regimes: Iterable[str], day: date) -> list[Complaint]:
        return [each for each in self._complaints if each.regime in regimes and _holds(each, day)]

    def purge_at(self, regimes: Iterable[str], closed_at: datetime, zone: str) -> datetime:
        """Return when the file of a request closed then is to go: the longest period of its regimes, counted in the controller's zone."""
        local = closed_at.astimezone(ZoneInfo(zone))
        rules = [each for each in self._files if each.regime in regimes and _holds(each, local.date())]
        # a regime without a rule of its own is kept like the longest there is: too early cannot be mended
        rules = rules or [each for each in self._files if _holds(each, local.date())]
        return max(after(local, rule.period) for rule in rules)


def _holds(entry: Entry, day: date) -> bool:
    return entry.valid_from <= day and (entry.valid_to is None or day <= entry.valid_to)


class _Reader:
    """tomllib keeps no lines, so the line of what is wrong is looked up in the text."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[str] = []

    def read(self) -> Letters:
        try:
            text = self._path.read_text("utf-8")
            self._lines = text.splitlines()
            document = tomllib.loads(text)
        except (OSError, UnicodeDecodeError):
            raise Misconfigured(f"{self._path.name} cannot be read as UTF-8; restore the shipped file or set PRIVACY_POLICIES.") from None
        except tomllib.TOMLDecodeError as error:
            raise Misconfigured(f"{self._path.name} is not TOML: {error}.") from None
        for table in document:
            if table not in _SHAPES:
                self._fail(f"the table {table!r} is not known; known are {', '.join(_SHAPES)}", table, 0)
        reasons = [Reason(**self._entry("refusal", entry, n)) for n, entry in enumerate(document.get("refusal", ()))]
        complaints = [Complaint(**self._entry("complaint", entry, n)) for n, entry in enumerate(document.get("complaint", ()))]
        files = [FileRule(**self._entry("file", entry, n)) for n, entry in enumerate(document.get("file", ()))]
        if not files or not reasons:
            self._fail("it needs at least one [[refusal]] and one [[file]]", "", 0)
        return Letters(reasons, complaints, files)

    def _entry(self, table: str, entry: dict[str, Any], number: int) -> dict[str, Any]:
        shape = {**_SHAPES[table], "valid_to": date}
        for key in entry:
            if key not in shape:
                self._fail(f"the key {key!r} is not known here", table, number, key)
        for key, kind in _SHAPES[table].items():
            if not isinstance(entry.get(key), kind) or entry[key] in ("", []):
                self._fail(f"{key} is missing or is not {kind.__name__}", table, number, key)
        self._check_words(table, entry, number)
        return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}

    def _check_words(self, table: str, entry: dict[str, Any], number: int) -> None:
        regimes = entry.get("regimes", [entry.get("regime")])
        if not set(regimes) <= set(REGIMES):
            self._fail(f"known regimes are {', '.join(REGIMES)}", table, number, "regime")
        if entry.get("status", "in_force") not in _STATUSES:
            self._fail(f"status is {' or '.join(_STATUSES)}", table, number, "status")
        if table == "file" and not is_period(entry["period"]):
            self._fail("period is written like P24M or P3Y (ISO 8601)", table, number, "period")

    def _fail(self, what: str, table: str, number: int, key: str = "") -> None:
        heads = [at for at, line in enumerate(self._lines) if line.strip() == f"[[{table}]]"]
        start = heads[number] if number < len(heads) else 0
        line = next((at for at in range(start, len(self._lines)) if key and self._lines[at].startswith(key)), start)
        raise Misconfigured(f"{self._path.name}:{line + 1}: {what}.")
