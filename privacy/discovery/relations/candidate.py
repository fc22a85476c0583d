"""A suggested reference: which columns may hold the keys of which other table, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from privacy.discovery.proposals import Evidence
from privacy.discovery.relations.scenes import Part, Scene

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reference that names suggest. `score` 0 to 1 is how clear the names are; `role_word` the kind of role the column is named by, if any."""

    child: Scene
    child_columns: tuple[str, ...]
    parent: Scene
    parent_columns: tuple[str, ...]
    score: float
    evidence: tuple[Evidence, ...]
    rule: str
    role_word: str = ""
    when: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    declared: bool = False
    needs_values: bool = False  # the name alone is too little
    weak: bool = False

    @property
    def ends(self) -> tuple[str, tuple[str, ...], str, tuple[str, ...], tuple[tuple[str, str], ...]]:
        return self.child.table.name, self.child_columns, self.parent.table.name, self.parent_columns, tuple(sorted(self.when.items()))


def suggest(
    scene: Scene,
    part: Part,
    parent: Scene,
    column: str,
    score: float,
    detail: str,
    rule: str,
    *,
    kind: str = "name",
    role: str = "",
    needs_values: bool = False,
) -> Candidate:
    """Return the suggestion that one column holds the keys of `column` of `parent`, with the reason as its evidence."""
    weight = round(min(score, 0.97), 3)
    return Candidate(scene, (part.column.name,), parent, (column,), weight, (Evidence(kind, detail, weight),), rule, role, needs_values=needs_values)
