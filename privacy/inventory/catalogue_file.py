"""Reads policies/purposes.toml: the controllers, purposes and recipients that `privacy init` puts into a new tenant's catalogue.

Strict: an unknown table or key, a wrong type or a missing value stops the start with file, line and remedy.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from datetime import date
from pathlib import Path
from typing import Any

from privacy.inventory.catalogue_model import Controller, Purpose, Recipient
from privacy.inventory.catalogue_ports import Entry
from privacy.kernel.errors import InvalidInput, Misconfigured

_TABLES: Mapping[str, type[Controller] | type[Purpose] | type[Recipient]] = {"controller": Controller, "purpose": Purpose, "recipient": Recipient}


def load_catalogue(path: Path | str) -> tuple[Entry, ...]:
    """Return the entries of the file, each checked on its own. Raises Misconfigured with file, line and remedy."""
    return _Reader(Path(path)).read()


class _Reader:
    """Reads one file; a class only so that path and text need not travel through every helper."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured(f"{path}: the catalogue cannot be read ({type(error).__name__}). Restore the shipped file or set PRIVACY_POLICIES.") from None

    def read(self) -> tuple[Entry, ...]:
        try:
            data = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise Misconfigured(f"{self._path}: not TOML: {error}") from None
        for table in sorted(data.keys() - _TABLES.keys()):
            raise self._wrong("", 0, table, f"unknown; only {', '.join(f'[[{name}]]' for name in _TABLES)} exist here")
        entries: list[Entry] = []
        for table in _TABLES:
            given = data.get(table, [])
            if not isinstance(given, list):
                raise self._wrong("", 0, table, f"write [[{table}]] with two brackets")
            entries += [self._entry(table, place, values) for place, values in enumerate(given)]
        self._refuse_twins(entries)
        return tuple(entries)

    def _entry(self, table: str, place: int, values: Mapping[str, Any]) -> Entry:
        kind = _TABLES[table]
        known = {field.name: field for field in fields(kind) if field.name != "version"}
        for key in values:
            if key not in known:
                raise self._wrong(table, place, key, f"unknown key; known are {', '.join(known)}")
        for name, field in known.items():
            if name not in values and field.default is MISSING:
                raise self._wrong(table, place, "", f"the key {name} is missing")
        made = kind(**{key: self._value(table, place, known[key], value) for key, value in values.items()})
        try:
            made.check()
        except InvalidInput as error:
            raise self._wrong(table, place, error.flaws[0].pointer.strip("/"), error.flaws[0].detail.rstrip(".")) from None
        return made

    def _value(self, table: str, place: int, field: Field[Any], value: Any) -> Any:
        wanted = str(field.type)
        if "tuple" in wanted:
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise self._wrong(table, place, field.name, "write a list of texts")
            return tuple(value)
        kind = bool if "bool" in wanted else date if "date" in wanted else str
        if type(value) is not kind:
            raise self._wrong(table, place, field.name, f"write {_A_KIND[kind]}")
        return value

    def _refuse_twins(self, entries: list[Entry]) -> None:
        seen: set[tuple[type, str]] = set()
        for entry in entries:
            if (type(entry), entry.id) in seen:
                raise Misconfigured(f"{self._path}: {type(entry).__name__.lower()} {entry.id} stands here twice; remove one.")
            seen.add((type(entry), entry.id))

    def _wrong(self, table: str, place: int, key: str, detail: str) -> Misconfigured:
        return Misconfigured(f"{self._path}:{self._line(table, place, key)}: {key or f'[[{table}]]'}: {detail}.")

    def _line(self, table: str, place: int, key: str) -> int:
        """Return the line of `key` in the `place`-th [[table]]; tomllib keeps no positions."""
        seen = -1 if table else 0
        for number, line in enumerate(self._text.splitlines(), 1):
            if table and re.match(rf"\s*\[\[\s*{table}\s*\]\]", line):
                seen += 1
                if seen == place and not key:
                    return number
            elif seen == place and key and re.match(rf"\s*\[*\s*\"?{re.escape(key)}\"?\s*[=\]]", line):
                return number
        return 1


_A_KIND = {bool: "true or false", date: "a day like 2026-01-31, without quotes", str: "a text in quotes"}
