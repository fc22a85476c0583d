"""Links that only values tell: a login name, an e-mail address, a card number that another table keeps as its own.

Equal telephone numbers and names are `weak`: they belong to a person's review, since households share the one and strangers the other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from privacy.discovery.proposals import Evidence, TableReport
from privacy.discovery.relations.candidate import Candidate
from privacy.discovery.relations.scenes import Part, Scene
from privacy.discovery.relations.types import compatible
from privacy.discovery.relations.words import RelationWords
from privacy.discovery.shapes import Family

_LEAST_VALUES, _LEAST_SHARED, _LONGEST = 8, 3, 64
_WEAK = frozenset({"phone", "name"})
_IDENTIFIES = frozenset({"email", "account", "national_id", "passport", "social_account", "device_id", "driver_license", "bank_card", "bank_account"})
_NEUTRAL = frozenset({"", "subject_key", "not_personal"})


class SoftLinks:
    """Suggests links by values of one schema's samples: an index of the values of key-like columns, so that no pair of columns is compared."""

    def __init__(self, scenes: Sequence[Scene], reports: Mapping[str, TableReport], words: RelationWords) -> None:
        self._scenes, self._words = scenes, words
        self._categories = {(name, proposal.column): proposal.category for name, report in reports.items() for proposal in report.proposals}

    def candidates(self) -> Iterator[Candidate]:
        """Yield suggestions whose samples share values; whether all are included is asked of the system itself."""
        holders: dict[str, list[tuple[Scene, str]]] = defaultdict(list)
        for scene in self._scenes:
            for column, part in scene.parts.items():
                if self._identifies(scene, column, part):
                    for value in scene.samples[column].values:
                        holders[value].append((scene, column))
        by_name = {scene.table.name: scene for scene in self._scenes}
        for scene in self._scenes:
            for column, part in scene.parts.items():
                if _telling(part) and column != scene.lone_key:
                    shared = Counter((other.table.name, name) for value in scene.samples[column].values for other, name in holders.get(value, ()))
                    yield from self._of(scene, column, part, shared, by_name)

    def _of(self, scene: Scene, column: str, part: Part, shared: Counter[tuple[str, str]], by_name: Mapping[str, Scene]) -> Iterator[Candidate]:
        for (table, name), times in shared.items():
            parent = by_name[table]
            if parent is scene or times < _LEAST_SHARED or not compatible(part, parent.parts[name]) or self._turned(scene, column, parent, name):
                continue
            category = self._categories.get((table, name), "")
            weak = category in _WEAK
            detail = f"values of {column} are found in {table}.{name}" + (f", which holds {category.replace('_', ' ')}" if category else "")
            yield Candidate(
                scene, (column,), parent, (name,), 0.5, (Evidence("values", detail, 0.5),), "values", needs_values=True, weak=weak,
            )  # fmt: skip

    def _identifies(self, scene: Scene, column: str, part: Part) -> bool:
        """Does this column tell the rows of its table apart, by its values and by what it is called or holds?"""
        if not _telling(part) or not part.unique:
            return False
        category = self._categories.get((scene.table.name, column), "")
        if category in _WEAK:
            return scene.person
        last = part.short.words[-1]
        named = last in self._words["keys.codes"] | self._words["keys.attributes"] | self._words["keys.words"]
        return category in _IDENTIFIES or (category in _NEUTRAL and (named or column == scene.lone_key))

    def _turned(self, scene: Scene, column: str, parent: Scene, name: str) -> bool:
        """Where both sides tell rows apart, the reference leads to the table about people, then to the one whose own key or name it is."""
        if not scene.parts[column].unique or not self._identifies(scene, column, scene.parts[column]):
            return False
        mine = (scene.person, scene.lone_key == column, scene.table.name)
        theirs = (parent.person, parent.lone_key == name, parent.table.name)
        return mine >= theirs


def _telling(part: Part) -> bool:
    return part.column.family in (Family.TEXT, Family.UUID) and part.values >= _LEAST_VALUES and part.cells > 0
