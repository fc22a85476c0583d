"""The shipped table of what personal data there is, read strictly from `policies/taxonomy.toml`.

One table for detection, data map, policy, masking and console: entity ↔ category ↔ field class ↔ level ↔ technique ↔ required controls.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from privacy.kernel.errors import Misconfigured

CONTROLS = ("access_policy", "masked_by_default", "encrypted", "mfa", "four_eyes")
NOT_PERSONAL = "not_personal"
SUBJECT_KEY = "subject_key"

_LEVEL_KEYS = {"id": int, "en": str, "zh": str, "controls": list}
_CATEGORY_KEYS = {"id": str, "en": str, "zh": str, "class": str, "level": int, "technique": str, "entities": list}


@dataclass(frozen=True, slots=True)
class Level:
    """A degree of sensitivity, 1 (not personal) to 4 (sensitive), and the controls it requires."""

    id: int
    en: str
    zh: str
    controls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Category:
    """What a field holds: `field_class` is what policy rows name, `technique` how it is masked where nothing else is said."""

    id: str
    en: str
    zh: str
    field_class: str
    level: int
    technique: str
    entities: tuple[str, ...]

    @property
    def entity(self) -> str:
        """Return the entity that stands for the category; the id in capitals where no text detector knows it."""
        return self.entities[0] if self.entities else self.id.upper()


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Levels, categories and entities, checked against each other when loaded."""

    levels: Mapping[int, Level]
    categories: Mapping[str, Category]
    _entities: Mapping[str, str]

    @classmethod
    def load(cls, path: Path | str) -> "Taxonomy":
        """Read the file. Raises Misconfigured with file, line and remedy for anything unknown, missing or contradictory."""
        return _Reader(Path(path)).read()

    def category(self, id: str) -> Category:
        """Return the category. Raises Misconfigured for an id that the taxonomy does not have: the map and the file disagree."""
        if (category := self.categories.get(id)) is None:
            raise Misconfigured("A stored category is missing from policies/taxonomy.toml; put it back, or re-classify the fields that use it.")
        return category

    def of_entity(self, entity: str) -> Category:
        """Return the category of a detector's entity. Raises Misconfigured for an entity that no category lists."""
        if (id := self._entities.get(entity)) is None:
            raise Misconfigured("A detector reports an entity that no category of policies/taxonomy.toml lists; add it to one.")
        return self.categories[id]

    @property
    def entities(self) -> frozenset[str]:
        return frozenset(self._entities)

    @property
    def classes(self) -> frozenset[str]:
        return frozenset(category.field_class for category in self.categories.values())

    @property
    def strictest(self) -> int:
        """Return the highest level: what an unknown field is treated as."""
        return max(self.levels)


class _Reader:
    """Reads one file; a class only so that path and text need not travel through every helper."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured(f"{path}: the taxonomy cannot be read ({type(error).__name__}). Restore the shipped file or set PRIVACY_POLICIES.") from None

    def read(self) -> Taxonomy:
        try:
            data = tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            raise Misconfigured(f"{self._path}: not TOML: {error}") from None
        for key in data.keys() - {"level", "category"}:
            raise self._wrong(key, "unknown table; only [[level]] and [[category]] exist")
        levels = {level.id: level for level in (self._level(entry) for entry in self._tables(data, "level"))}
        categories: dict[str, Category] = {}
        entities: dict[str, str] = {}
        for entry in self._tables(data, "category"):
            category = self._category(entry, levels)
            if category.id in categories:
                raise self._wrong(category.id, "the category is defined twice")
            categories[category.id] = category
            for entity in category.entities or (category.entity,):
                if entities.setdefault(entity, category.id) != category.id:
                    raise self._wrong(entity, "the entity belongs to two categories")
        for needed in (NOT_PERSONAL, SUBJECT_KEY):
            if needed not in categories:
                raise self._wrong("", f"the category {needed} is missing; the data map needs it")
        return Taxonomy(MappingProxyType(levels), MappingProxyType(categories), MappingProxyType(entities))

    def _tables(self, data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
        entries = data.get(name)
        if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
            raise self._wrong(name, f"at least one [[{name}]] is needed")
        return entries

    def _level(self, entry: Mapping[str, Any]) -> Level:
        self._check(entry, _LEVEL_KEYS, "level")
        for control in entry["controls"]:
            if control not in CONTROLS:
                raise self._wrong(str(control), f"unknown control; known are {', '.join(CONTROLS)}")
        return Level(entry["id"], entry["en"], entry["zh"], tuple(entry["controls"]))

    def _category(self, entry: Mapping[str, Any], levels: Mapping[int, Level]) -> Category:
        self._check(entry, _CATEGORY_KEYS, "category")
        if entry["level"] not in levels:
            raise self._wrong(entry["id"], "the level does not exist")
        if not all(isinstance(entity, str) for entity in entry["entities"]):
            raise self._wrong(entry["id"], "entities are names in quotes")
        return Category(entry["id"], entry["en"], entry["zh"], entry["class"], entry["level"], entry["technique"], tuple(entry["entities"]))

    def _check(self, entry: Mapping[str, Any], keys: Mapping[str, type], what: str) -> None:
        for key in sorted(entry.keys() - keys.keys()):
            raise self._wrong(key, f"unknown key in a [[{what}]]; known are {', '.join(keys)}")
        for key, kind in keys.items():
            if type(entry.get(key)) is not kind:
                raise self._wrong(str(entry.get("id", what)), f"the key {key} of this [[{what}]] is missing or of the wrong type")

    def _wrong(self, word: str, detail: str) -> Misconfigured:
        # tomllib keeps no positions; the first line that holds the word is where a reader starts to look
        line = next((number for number, text in enumerate(self._text.splitlines(), 1) if word and word in text), 1)
        return Misconfigured(f"{self._path}:{line}: {word}: {detail}.")
