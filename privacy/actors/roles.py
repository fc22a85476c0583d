"""Roles and scopes: the shipped table policies/roles.toml, read strictly. A scope that no code knows, or a mistyped key, stops the start."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from privacy.kernel.errors import InvalidInput, Misconfigured

SCOPES: Mapping[str, str] = {
    "detect": "find personal data in texts and records",
    "mask": "get records and texts as the caller's role may see them",
    "explain": "ask who would see which field, and why",
    "decide": "ask for decisions without sending values",
    "protect": "encrypt values",
    "reveal": "decrypt values, where the policy says so",
    "index": "compute blind indexes",
    "consent:read": "read and check consents",
    "consent:write": "record and withdraw consents",
    "catalogue:read": "read purposes, notices, recipients, controllers",
    "catalogue:write": "change purposes, notices, recipients, controllers",
    "systems:read": "read connected systems, the data map and its findings",
    "systems:write": "connect and scan systems, decide findings",
    "systems:protect": "encrypt columns of connected databases in place, and undo it",
    "requests:receive": "take in people's requests and ask for proof of identity",
    "requests:read": "read people's requests, their timelines, plans and certificates",
    "requests:write": "work on people's requests: verify, plan, refuse, extend, hand over packages",
    "requests:approve": "approve plans of erasure made by somebody else",
    "retention:read": "read retention rules, what is due, holds and sweeps",
    "retention:write": "change retention rules, place and release holds, ask for sweeps",
    "retention:approve": "approve retention rules and sweeps asked for by somebody else",
    "jobs:read": "see jobs and their progress",
    "jobs:write": "pause, resume and retry jobs",
    "audit:read": "read the log and its proofs",
    "audit:export": "export signed bundles of the log",
    "policy:read": "read the policy and its versions",
    "policy:write": "apply another policy",
    "actors:read": "read accounts, clients and roles",
    "actors:write": "create and change accounts, clients and their roles",
}
HOLDERS = ("person", "application", "shell")
_KEYS = {"id", "en", "zh", "holders", "excludes", "scopes"}
_REQUIRED = ("id", "en", "zh", "holders", "scopes")


@dataclass(frozen=True, slots=True)
class Role:
    """A named list of scopes, who may hold it, and which roles the same account may not hold beside it."""

    id: str
    en: str
    zh: str
    holders: frozenset[str]
    scopes: frozenset[str]
    excludes: frozenset[str] = frozenset()


class Roles:
    """The roles of this installation."""

    def __init__(self, roles: Iterable[Role]) -> None:
        self._roles = {role.id: role for role in roles}

    @classmethod
    def load(cls, path: Path) -> "Roles":
        """Read roles.toml. Raises Misconfigured with file, line and remedy."""
        return _Reader(path).read()

    def __iter__(self) -> Iterator[Role]:
        return iter(self._roles.values())

    def get(self, name: str) -> Role | None:
        return self._roles.get(name)

    def names(self) -> tuple[str, ...]:
        return tuple(self._roles)

    def scopes(self, names: Iterable[str]) -> frozenset[str]:
        """Return what the roles give together. A name that is no longer in the table gives nothing."""
        return frozenset(scope for name in names if name in self._roles for scope in self._roles[name].scopes)

    def check(self, names: Iterable[str], holder: str, pointer: str = "/roles") -> frozenset[str]:
        """Return `names` as a set an account of this kind may hold. Raises InvalidInput naming what is offered, never what was sent."""
        wanted = frozenset(names)
        offered = [role.id for role in self._roles.values() if holder in role.holders]
        if not wanted or not wanted <= frozenset(offered):
            raise InvalidInput(f"At least one role is needed, and only these can be held here: {', '.join(offered)}.", pointer=pointer)
        for name in sorted(wanted):
            if clash := sorted(self._roles[name].excludes & wanted):
                raise InvalidInput(f"One account may not hold {name} and {clash[0]} together.", pointer=pointer)
        return wanted


class _Reader:
    """Reads the table and finds the line of what is wrong: tomllib keeps no lines, so they are looked up in the text."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[str] = []

    def read(self) -> Roles:
        document = self._document()
        for key in document:
            if key != "role":
                self._fail(key, -1, f"the table {key!r} is not known here; only [[role]] is")
        entries = document.get("role", [])
        if not isinstance(entries, list) or not entries:
            self._fail("", -1, "there is no [[role]]")
        roles = [self._role(entry, number) for number, entry in enumerate(entries)]
        self._check_names(roles)
        return Roles(roles)

    def _document(self) -> dict[str, Any]:
        try:
            text = self._path.read_text("utf-8")
            self._lines = text.splitlines()
            return tomllib.loads(text)
        except (OSError, UnicodeDecodeError):
            raise Misconfigured(f"{self._path.name} cannot be read as UTF-8; restore the shipped file or set PRIVACY_POLICIES.") from None
        except tomllib.TOMLDecodeError as error:
            raise Misconfigured(f"{self._path.name} is not TOML: {error}.") from None

    def _role(self, entry: dict[str, Any], number: int) -> Role:
        for key in entry:
            if key not in _KEYS:
                self._fail(key, number, f"the key {key!r} is not known{_near(key, _KEYS)}")
        for key in _REQUIRED:
            if key not in entry:
                self._fail("", number, f"the key {key!r} is missing")
        for key in ("id", "en", "zh"):
            if not isinstance(entry[key], str) or not entry[key].strip():
                self._fail(key, number, f"{key} must be a text")
        scopes = self._names(entry, "scopes", number, SCOPES)
        holders = self._names(entry, "holders", number, HOLDERS)
        return Role(entry["id"], entry["en"], entry["zh"], holders, scopes, self._names(entry, "excludes", number, None))

    def _names(self, entry: dict[str, Any], key: str, number: int, known: Iterable[str] | None) -> frozenset[str]:
        values = entry.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            self._fail(key, number, f"{key} must be a list of texts")
        for value in values:
            if known is not None and value not in known:
                self._fail(value, number, f"{value!r} is no {key.removesuffix('s')}{_near(value, known)}")
        if len(set(values)) != len(values):
            self._fail(key, number, f"{key} names something twice")
        return frozenset(values)

    def _check_names(self, roles: list[Role]) -> None:
        names = [role.id for role in roles]
        for number, role in enumerate(roles):
            if role.id in names[:number]:
                self._fail("id", number, f"the role {role.id!r} is declared twice")
            for other in sorted(role.excludes):
                if other not in names:
                    self._fail(other, number, f"excludes names {other!r}, which is no role{_near(other, names)}")

    def _fail(self, needle: str, number: int, what: str) -> NoReturn:
        raise Misconfigured(f"{self._path.name}:{self._line(needle, number)}: {what}.")

    def _line(self, needle: str, number: int) -> int:
        """Return the line of a key, a quoted value or a table inside the role of this number; without a role, in the whole file."""
        heads = [index for index, line in enumerate(self._lines) if line.strip() == "[[role]]"]
        start = heads[number] if 0 <= number < len(heads) else 0
        end = heads[number + 1] if 0 <= number < len(heads) - 1 else len(self._lines)
        place = re.compile(rf'^\s*"?{re.escape(needle)}"?\s*=|"{re.escape(needle)}"|^\s*\[+\s*"?{re.escape(needle)}\b')
        return next((index for index in range(start, end) if needle and place.search(self._lines[index])), start) + 1


def _near(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(known))}"
