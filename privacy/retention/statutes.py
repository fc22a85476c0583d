"""The shipped periods of law, policies/retention.toml, read strictly: a mistyped key, an unknown status or a period that is none stops the start."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from privacy.kernel.errors import InvalidInput, Misconfigured
from privacy.retention.model import Statute
from privacy.retention.periods import Period, shorter

STATUSES = ("in_force", "to_verify", "proposed", "repealed")
BINDING = ("in_force", "to_verify")
_TEXTS = ("id", "regime", "en", "zh", "article", "clock", "source")
_DAYS = ("valid_from", "checked_on")
_REQUIRED = (*_TEXTS, "version", "status", *_DAYS)
_KEYS = {*_REQUIRED, "min", "max", "set_by", "valid_to"}
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


class Statutes:
    """Every version of every statute of this installation."""

    def __init__(self, statutes: Iterable[Statute]) -> None:
        self._versions: Mapping[str, tuple[Statute, ...]] = _grouped(statutes)

    @classmethod
    def load(cls, path: Path) -> "Statutes":
        """Read retention.toml. Raises Misconfigured with file, line and remedy."""
        return cls(_Reader(path).read())

    def __iter__(self) -> Iterator[Statute]:
        return (each for versions in self._versions.values() for each in versions)

    def names(self) -> tuple[str, ...]:
        return tuple(self._versions)

    def versions(self, id: str) -> tuple[Statute, ...]:
        return self._versions.get(id, ())

    def binding(self, id: str, day: date) -> tuple[Statute, ...]:
        """Return the versions of a statute that bind on `day` or later; an event's own day may fall under any of them, so each has to be kept."""
        return tuple(each for each in self.versions(id) if each.status in BINDING and (each.valid_to is None or each.valid_to >= day))


def _grouped(statutes: Iterable[Statute]) -> Mapping[str, tuple[Statute, ...]]:
    grouped: dict[str, list[Statute]] = {}
    for statute in statutes:
        grouped.setdefault(statute.id, []).append(statute)
    return {id: tuple(sorted(versions, key=lambda each: each.version)) for id, versions in grouped.items()}


class _Reader:
    """Reads the table and finds the line of what is wrong: tomllib keeps no lines, so they are looked up in the text."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[str] = []

    def read(self) -> list[Statute]:
        document = self._document()
        for key in document:
            if key != "statute":
                self._fail(key, -1, f"the table {key!r} is not known here; only [[statute]] is")
        entries = document.get("statute", [])
        if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
            self._fail("", -1, "there is no [[statute]]")
        statutes = [self._statute(entry, number) for number, entry in enumerate(entries)]
        self._check_versions(statutes)
        return statutes

    def _document(self) -> dict[str, Any]:
        try:
            text = self._path.read_text("utf-8")
            self._lines = text.splitlines()
            return tomllib.loads(text)
        except (OSError, UnicodeDecodeError):
            raise Misconfigured(f"{self._path.name} cannot be read as UTF-8; restore the shipped file or set PRIVACY_POLICIES.") from None
        except tomllib.TOMLDecodeError as error:
            raise Misconfigured(f"{self._path.name} is not TOML: {error}.") from None

    def _statute(self, entry: dict[str, Any], number: int) -> Statute:
        self._check_keys(entry, number)
        least, most = self._period(entry, "min", number), self._period(entry, "max", number)
        if bool(least or most) == (entry.get("set_by") == "dpo"):
            self._fail("set_by", number, 'give min or max, or set_by = "dpo" where the law names no number')
        if least and most and shorter(most, least):
            self._fail("max", number, "max is shorter than min")
        valid_to = entry.get("valid_to")
        if valid_to is not None and valid_to < entry["valid_from"]:
            self._fail("valid_to", number, "valid_to lies before valid_from")
        given = {key: entry[key] for key in _REQUIRED}
        return Statute(**given, min=least, max=most, valid_to=valid_to)

    def _check_keys(self, entry: dict[str, Any], number: int) -> None:
        for key in entry:
            if key not in _KEYS:
                self._fail(key, number, f"the key {key!r} is not known{_near(key, _KEYS)}")
        for key in _REQUIRED:
            if key not in entry:
                self._fail("", number, f"the key {key!r} is missing")
        for key in _TEXTS:
            if not isinstance(entry[key], str) or not entry[key].strip():
                self._fail(key, number, f"{key} must be a text")
        for key in (*_DAYS, "valid_to"):
            if type(entry.get(key, date.min)) is not date:
                self._fail(key, number, f"{key} must be a day, written like 2025-01-01 without quotes")
        self._check_words(entry, number)

    def _check_words(self, entry: dict[str, Any], number: int) -> None:
        if not _ID.fullmatch(entry["id"]):
            self._fail("id", number, "an id is 1 to 64 small letters, digits, dots, dashes or underscores")
        if type(entry["version"]) is not int or entry["version"] < 1:
            self._fail("version", number, "version must be a whole number from 1 on")
        if entry["status"] not in STATUSES:
            self._fail("status", number, f"status must be one of {', '.join(STATUSES)}")
        if entry.get("set_by", "dpo") != "dpo":
            self._fail("set_by", number, 'set_by can only be "dpo"')

    def _period(self, entry: dict[str, Any], key: str, number: int) -> Period | None:
        if key not in entry:
            return None
        try:
            return Period.parse(entry[key]) if isinstance(entry[key], str) else self._fail(key, number, f"{key} must be a text like P3Y")
        except InvalidInput as error:
            self._fail(key, number, error.detail.rstrip("."))

    def _check_versions(self, statutes: list[Statute]) -> None:
        seen: dict[str, Statute] = {}
        for number, statute in enumerate(statutes):
            before = seen.get(statute.id)
            if before is not None and statute.version <= before.version:
                self._fail("version", number, f"versions of {statute.id!r} must grow down the file")
            if before is not None and before.valid_to is None and before.status in BINDING:
                self._fail("valid_from", number, f"version {before.version} of {statute.id!r} has no end: give it valid_to, the day before this one begins")
            seen[statute.id] = statute

    def _fail(self, needle: str, number: int, what: str) -> NoReturn:
        raise Misconfigured(f"{self._path.name}:{self._line(needle, number)}: {what}.")

    def _line(self, needle: str, number: int) -> int:
        """Return the line of a key inside the statute of this number, its first line when the key is not there."""
        heads = [index for index, line in enumerate(self._lines) if line.strip() == "[[statute]]"]
        start = heads[number] if 0 <= number < len(heads) else 0
        end = heads[number + 1] if 0 <= number < len(heads) - 1 else len(self._lines)
        place = re.compile(rf'^\s*(\[+\s*)?"?{re.escape(needle)}"?\s*[=\]]')
        return next((index for index in range(start, end) if needle and place.search(self._lines[index])), start) + 1


def _near(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, sorted(known), 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(known))}"
