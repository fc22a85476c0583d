"""Reads one TOML file of law data strictly: an unknown key, a wrong type or a missing value stops the start with file, line and remedy."""

import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from privacy.kernel.errors import Misconfigured

_A_KIND: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    str: "a text in quotes",
    date: "a day like 2026-01-31, without quotes",
    list: "a list in brackets",
    dict: "a table like { n = …, unit = … }",
}
# what tells people about an entry and decides nothing may be mended in a released one
_WORDS = frozenset({"en", "zh", "note", "article", "source", "checked_on"})


class StrictFile:
    """One parsed file. `table` names the [[table]] whose entries it holds, or is empty for a file that is one entry."""

    def __init__(self, path: Path, table: str = "") -> None:
        self._path, self._table = path, table
        try:
            text = path.read_text("utf-8-sig")
            self._lines = text.splitlines()
            self.document: dict[str, Any] = tomllib.loads(text)
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured(f"{path}: cannot be read ({type(error).__name__}). Restore the shipped file or set PRIVACY_POLICIES.") from None
        except tomllib.TOMLDecodeError as error:
            raise Misconfigured(f"{path}: not TOML: {error}") from None

    def entries(self) -> list[dict[str, Any]]:
        """Return the entries of the file's table. Raises Misconfigured when anything else stands in the file."""
        for key in self.document:
            if key != self._table:
                self.fail(-1, key, f"unknown here; only [[{self._table}]] is known")
        found = self.document.get(self._table, [])
        if not isinstance(found, list) or not found:
            self.fail(-1, self._table, f"write at least one [[{self._table}]], with two brackets")
        return found

    def only(self, number: int, values: Mapping[str, Any], known: Iterable[str]) -> None:
        """Refuse a key that is not `known`: a mistyped key would otherwise be a rule that nobody applies."""
        for key in values:
            if key not in known:
                self.fail(number, key, f"unknown key{near(key, known)}")

    def take(self, number: int, values: Mapping[str, Any], key: str, kind: type, default: Any = ...) -> Any:
        """Return `values[key]`, of exactly `kind`. Without a default it must be there."""
        if key not in values:
            if default is ...:
                self.fail(number, "", f"the key {key} is missing")
            return default
        if type(values[key]) is not kind:
            self.fail(number, key, f"write {_A_KIND[kind]}")
        return values[key]

    def words(self, number: int, values: Mapping[str, Any], key: str, allowed: Iterable[str] | None = None) -> tuple[str, ...]:
        """Return a list of texts without twins, each among `allowed` when that is given."""
        found = self.take(number, values, key, list, [])
        if not all(isinstance(word, str) for word in found) or len(set(found)) != len(found):
            self.fail(number, key, "write a list of texts, each once")
        for word in found:
            if allowed is not None:
                self.among(number, key, word, allowed)
        return tuple(found)

    def among(self, number: int, key: str, word: str, allowed: Iterable[str]) -> str:
        if word not in allowed:
            self.fail(number, key, f"{word!r} is not known here{near(word, allowed)}")
        return word

    def fail(self, number: int, key: str, what: str) -> NoReturn:
        raise Misconfigured(f"{self._path}:{self._line(number, key)}: {key or self._table or 'file'}: {what}.")

    def _line(self, number: int, key: str) -> int:
        """Return the line of `key` in the entry of this number; tomllib keeps no positions."""
        heads = [index for index, line in enumerate(self._lines) if self._table and re.match(rf"\s*\[\[\s*{self._table}\s*\]\]", line)]
        start = heads[number] if 0 <= number < len(heads) else 0
        end = heads[number + 1] if 0 <= number < len(heads) - 1 else len(self._lines)
        place = re.compile(rf'(?:^|[\s{{,\[])"?{re.escape(key)}"?\s*[=\]]')
        return next((index for index in range(start, end) if key and place.search(self._lines[index])), start) + 1


def near(word: str, known: Iterable[str]) -> str:
    """Return what was probably meant, or what there is."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(names)}"


def digest(entry: Mapping[str, Any]) -> str:
    """Return the SHA-256 of an entry without the words that only tell people about it."""
    plain = {key: value for key, value in entry.items() if key not in _WORDS}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def check_released(folder: Path, found: Mapping[str, str]) -> None:
    """Compare `found` (name → digest) with released.toml of the folder, when it has one.

    A stored deadline names a rule and a version and must compute to the same day years later, so a released entry may neither change nor go.
    Entries that an operator adds beside the released ones are free. Raises Misconfigured.
    """
    path = folder / "released.toml"
    if not path.exists():
        return
    released = StrictFile(path).document
    for name, expected in released.items():
        if name not in found:
            raise Misconfigured(f"{folder}: {name} was released and is gone; stored deadlines name it. Restore it from the release.")
        if found[name] != expected:
            raise Misconfigured(f"{folder}: {name} was changed after its release; stored deadlines name it. Restore it and add the change as its next version.")
