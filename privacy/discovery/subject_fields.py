"""Whom each row is about: the key of a table of people, or one reference to such a table. Proposed only; a person confirms it.

A reference through a word for another role (`support_rep_id`) is somebody who worked on the row, not whom it is about.
"""

from collections.abc import Mapping, Sequence

from privacy.discovery.names import Kind, NameReader
from privacy.discovery.proposals import SubjectProposal
from privacy.discovery.shapes import Table
from privacy.discovery.table_context import Scene

_KEY_WORDS = ("id", "number", "key", "code", "uuid", "编号", "号", "主键")
_TELLING = frozenset({"name", "email", "phone", "national_id"})


class SubjectReader:
    def __init__(self, names: NameReader) -> None:
        self._names = names

    def read(self, scenes: Sequence[Scene]) -> Mapping[str, SubjectProposal]:
        """Return the proposal of each table that has one, by table name."""
        people = {scene.table.name: self._type(scene) for scene in scenes if self._of_people(scene) and _own_key(scene)}
        found: dict[str, SubjectProposal] = {}
        for scene in scenes:
            if (type_ := people.get(scene.table.name)) is not None:
                found[scene.table.name] = SubjectProposal(type_, _own_key(scene) or "", "key of a table about people")
            elif (reference := self._reference(scene.table, people)) is not None:
                found[scene.table.name] = reference
        return found

    def references(self, scenes: Sequence[Scene]) -> Mapping[str, frozenset[str]]:
        """Return the columns of each table that hold keys of people: declared references to a table about people, whatever their role."""
        people = {scene.table.name for scene in scenes if self._of_people(scene)}
        return {
            scene.table.name: frozenset(key.columns[0] for key in scene.table.foreign_keys if len(key.columns) == 1 and key.parent in people)
            for scene in scenes
        }

    def _of_people(self, scene: Scene) -> bool:
        if scene.kind in (Kind.THING, Kind.ORGANISATION, Kind.PUBLIC_PERSON):
            return False
        named = any(hint.category in _TELLING and hint.strength >= 0.3 for look in scene.looks for hint in look.hints)
        proven = any(match.category in _TELLING and match.strength >= 0.5 for look in scene.looks for match in look.profile.matches)
        references = any(look.key == "foreign" or self._base(look.words) for look in scene.looks if look.column.name not in scene.table.primary_key)
        if scene.kind is Kind.PERSON:
            return named or proven or not scene.table.foreign_keys
        return scene.people >= 0.75 and (named or proven) and not references

    def _type(self, scene: Scene) -> str:
        words = [word for word in self._names.words(scene.table.name.rpartition(".")[2]) if len(word) > 1]
        kept = [word for word in words if not self._names.says_nothing(word)] or words
        return "_".join(kept) or "person"

    def _reference(self, table: Table, people: Mapping[str, str]) -> SubjectProposal | None:
        for key in table.foreign_keys:
            if len(key.columns) == 1 and key.parent in people and self._matches(key.columns[0], people[key.parent]):
                return SubjectProposal(people[key.parent], key.columns[0], "reference to a table about people")
        for column in table.columns:
            words = tuple(self._names.words(column.name))
            base = self._base(words)
            for type_ in people.values():
                if base and base in (type_, type_.rpartition("_")[2]):
                    return SubjectProposal(type_, column.name, "named like a table about people")
        return None

    def _matches(self, column: str, type_: str) -> bool:
        base = self._base(tuple(self._names.words(column)))
        return base == type_ or base is not None and base in type_.split("_")

    @staticmethod
    def _base(words: Sequence[str]) -> str | None:
        """`customer_id` → `customer`, `khbh` → `kh`; None for anything that is no reference."""
        if len(words) == 1 and len(words[0]) <= 6 and words[0].endswith("bh"):
            return words[0][:-2]
        return "_".join(words[:-1]) if len(words) > 1 and words[-1] in _KEY_WORDS else None


def _own_key(scene: Scene) -> str | None:
    if len(scene.table.primary_key) == 1:
        return scene.table.primary_key[0]
    if scene.table.primary_key:
        return None
    # files and old schemas declare no key: `id`, `<table>_id` or `编号` with as many values as cells
    for look in scene.looks:
        unique = look.profile.distinct > 0 and look.profile.nulls == 0
        if look.words and look.words[-1] in _KEY_WORDS and unique and look is scene.looks[0]:
            return look.column.name
    return None
