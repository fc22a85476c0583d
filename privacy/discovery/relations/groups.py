"""References of several columns: composite keys, and keys beside a column that names their table."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from privacy.discovery.proposals import Evidence
from privacy.discovery.relations.candidate import Candidate, suggest
from privacy.discovery.relations.naming import Naming
from privacy.discovery.relations.reading import ColumnReader
from privacy.discovery.relations.scenes import Part, Scene
from privacy.discovery.relations.types import compatible
from privacy.discovery.relations.words import RelationWords

_CODE_IN_COMMENT = re.compile(r"(\d{1,3})\s*[-:：=、.]?\s*([A-Za-z_]+|[\u3400-\u9fff]+)")
_KINDS_AT_MOST = 24  # distinct values of a column that names tables


class GroupRules:
    """Suggests such references for one schema. `alone` gives what one column suggests by itself."""

    def __init__(
        self,
        scenes: Sequence[Scene],
        naming: Naming,
        words: RelationWords,
        reader: ColumnReader,
        by_alias: Mapping[str, Sequence[tuple[Scene, float]]],
        alone: Callable[[Scene, Part], Iterable[Candidate]],
    ) -> None:
        self._scenes, self._naming, self._words, self._reader, self._by_alias, self._alone = scenes, naming, words, reader, by_alias, alone

    def of(self, scene: Scene) -> Iterator[Candidate]:
        """Yield the suggestions of one table."""
        yield from self._composite(scene)
        yield from self._polymorphic(scene)

    # -- several columns ---------------------------------------------------------------------------------------------------------------

    def _composite(self, scene: Scene) -> Iterator[Candidate]:
        """A child that holds every column of another table's composite key."""
        for parent in self._composite_parents():
            if parent is scene:
                continue
            pairs = [(column, self._counterpart(scene, parent, column)) for column in parent.key]
            if any(not mine for _, mine in pairs) or not self._telling(scene, parent):
                continue
            mine = tuple(found for _, found in pairs)
            if len(set(mine)) < len(mine) or (set(mine) == set(scene.key) and set(parent.key) == set(mine) and scene.name.joined < parent.name.joined):
                continue
            if all(compatible(scene.parts[left], parent.parts[right]) for right, left in pairs):
                detail = f"{', '.join(mine)} are all columns of the key of {parent.table.name}"
                named = max((scene.goes_by(alias.text) for alias in parent.aliases), default=0.0)
                yield Candidate(scene, mine, parent, parent.key, 0.85 if not named else 0.9, (Evidence("name", detail, 0.85),), "composite")

    def _composite_parents(self) -> Sequence[Scene]:
        return [scene for scene in self._scenes if len(scene.key) > 1]

    def _counterpart(self, scene: Scene, parent: Scene, column: str) -> str:
        part = parent.parts[column]
        for name, mine in scene.parts.items():
            if mine.name.joined == part.name.joined and (len(part.name.words) > 1 or not self._reader.mark(part.name.joined)):
                return name
        return next((name for name, mine in scene.parts.items() if parent.goes_by("".join(mine.short.words[: -len(part.short.words)])) > 0.7
                     and mine.short.words[-len(part.short.words) :] == part.short.words), "")  # fmt: skip

    def _telling(self, scene: Scene, parent: Scene) -> bool:
        """Does the key of the parent belong to it, or is it only a pair of references to others that two tables may well share?"""
        if any(parent.parts[column].column.family.value in ("date", "datetime", "time") for column in parent.key):
            return False
        own = [column for column in parent.key if not self._refers_elsewhere(parent, column)]
        named = any(alias.weight > 0.9 and alias.text in scene.name.joined for alias in parent.aliases)
        return bool(own) or named

    def _refers_elsewhere(self, parent: Scene, column: str) -> bool:
        if any(column in key.columns and len(key.columns) == 1 for key in parent.table.foreign_keys):
            return True
        part = parent.parts[column]
        return any(candidate.parent is not parent and candidate.score > 0.6 for candidate in self._alone(parent, part))

    # -- pairs of type and key ---------------------------------------------------------------------------------------------------------

    def typed_pairs(self, scene: Scene) -> Mapping[str, str]:
        """Return the columns that stand beside a column naming their table (`owner_id` and `owner_type`), with that column."""
        types = self._words["polymorphic.types"]
        kinds = [(other, part.short.words) for other, part in scene.parts.items() if not self._is_lookup(scene, other)]
        pairs = {}
        for name, part in scene.parts.items():
            stem = part.short.words[:-1]
            beside = [other for other, words in kinds if stem and words[: len(stem)] == stem and "".join(words[len(stem) :]) in types and other != name]
            for other in beside if part.holds_keys else ():
                marked = bool(self._reader.mark(part.short.words[-1]))
                if self._kinds(scene, other) if not marked or self.plainly_a_table(stem) else True:
                    pairs[name] = other
        return pairs

    def plainly_a_table(self, words: tuple[str, ...]) -> bool:
        """Is a table surely called so?"""
        return any(weight > 0.9 for _, weight in self._by_alias.get("".join(words), ()))

    def _is_lookup(self, scene: Scene, column: str) -> bool:
        return any(column in key.columns for key in scene.table.foreign_keys)

    def _polymorphic(self, scene: Scene) -> Iterator[Candidate]:
        for column, kind in self.typed_pairs(scene).items():
            part = scene.parts[column]
            for text, parent in self._kinds(scene, kind):
                # by the key, or by what both call the same (account_type beside account_name)
                same = next((name for name, theirs in parent.parts.items() if theirs.name == part.name), "")
                target = parent.lone_key if self._reader.mark(part.short.words[-1]) else same
                if target and parent is not scene and compatible(part, parent.parts[target]):
                    detail = f"{column} stands beside {kind}, one of whose words names {parent.table.name}"
                    found = suggest(scene, part, parent, target, 0.86, detail, "polymorphic")
                    yield replace(found, when=MappingProxyType({kind: text}))

    def _kinds(self, scene: Scene, column: str) -> list[tuple[str, Scene]]:
        """Return the values of a type column that name a table, by themselves or by the column's comment (1客户 2供应商)."""
        sample = scene.samples.get(column)
        values = sample.values if sample is not None and 0 < len(sample.values) <= _KINDS_AT_MOST else ()
        told = dict(_CODE_IN_COMMENT.findall(scene.parts[column].column.comment))
        found = []
        for value in values:
            word = told.get(value, value) if value.isdigit() else value
            # `App\Models\Customer`, `shop.Customer`
            if len(word) <= 120 and (parent := self._table_called(re.split(r"[\\./:]", word)[-1])) is not None:
                found.append((value, parent))
        return found

    def _table_called(self, text: str) -> Scene | None:
        name = self._naming.name(text)
        for words in (name.words, self._naming.concepts(name.words)):
            known = sorted(self._by_alias.get("".join(words), ()), key=lambda item: -item[1])
            if known and known[0][1] > 0.85:
                return known[0][0]
        return None
