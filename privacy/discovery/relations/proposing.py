"""From a schema to proposed relations: declared keys, then names, then values, then whose the rows are.

Each column or group of columns gets the best suggestion that the values do not refute. Guarantee: what would delete a person's rows (`owned_by`) is never
proposed with a confidence that allows confirming in bulk when a name alone speaks for it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from privacy.discovery.lexicon import Lexicon
from privacy.discovery.proposals import Evidence, TableReport
from privacy.discovery.relations.candidate import Candidate
from privacy.discovery.relations.candidates import NameRules
from privacy.discovery.relations.keys import with_composite_keys
from privacy.discovery.relations.naming import Naming
from privacy.discovery.relations.ownership import Owners
from privacy.discovery.relations.proving import Looks, Proof, Prover
from privacy.discovery.relations.scenes import Scene, SceneBuilder
from privacy.discovery.relations.soft_links import SoftLinks
from privacy.discovery.relations.types import described
from privacy.discovery.relations.words import RelationWords
from privacy.discovery.shapes import Sample, Table
from privacy.inventory.relation_rules import SURE, Edge
from privacy.inventory.relations import Ownership
from privacy.inventory.taxonomy import Taxonomy

_LEAST = 0.5  # below, a suggestion is not worth a person's look
_DOUBT = SURE - 0.01
_COVERED, _MANY = 0.5, 20
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RelationProposal:
    """One proposed relation with its evidence: numbers and words of the schema, never a value."""

    child: str
    child_columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    role: Ownership
    confidence: float
    evidence: tuple[Evidence, ...]
    declared: bool = False
    weak: bool = False
    when: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    def plain(self) -> dict[str, object]:
        plain: dict[str, object] = {
            "child": self.child,
            "child_columns": list(self.child_columns),
            "parent": self.parent,
            "parent_columns": list(self.parent_columns),
            "role": self.role.value,
            "confidence": round(self.confidence, 3),
            "declared": self.declared,
            "evidence": [evidence.plain() for evidence in self.evidence],
        }
        return plain | ({"when": dict(self.when)} if self.when else {})

    def edge(self) -> Edge:
        """Return the proposal as the data map keeps it."""
        return Edge(
            self.child, self.child_columns, self.parent, self.parent_columns, self.role, self.declared, self.weak, None, self.when,
            self.confidence, tuple(evidence.plain() for evidence in self.evidence),
        )  # fmt: skip


class RelationProposer:
    """Proposes relations of whole schemas. Immutable after construction; safe to share between threads."""

    def __init__(self, words: RelationWords, lexicon: Lexicon) -> None:
        self._words, self._lexicon = words, lexicon

    @classmethod
    def load(cls, policies: Path, taxonomy: Taxonomy) -> "RelationProposer":
        """Read `relations.toml` and `columns.toml` from the folder `policies`. Raises Misconfigured."""
        return cls(RelationWords.load(policies / "relations.toml"), Lexicon.load(policies / "columns.toml", taxonomy.categories))

    def propose(
        self, tables: Sequence[tuple[Table, Mapping[str, Sample]]], reports: Iterable[TableReport], looks: Looks | None = None
    ) -> list[RelationProposal]:
        """Return the proposals for a schema, by child and columns. `looks` compares values; without it names and samples must do."""
        told = {report.table.name: report for report in reports}
        columns = [column.name for table, _ in tables for column in table.columns]
        naming = Naming([table.name.rpartition(".")[2] for table, _ in tables], columns, self._words, self._lexicon.segment)
        scenes = SceneBuilder(naming, self._words).build(tables, told)
        prover = Prover(looks)
        scenes = with_composite_keys(scenes, prover, self._words)
        rules = NameRules(scenes, naming, self._words)
        chosen = list(_declared(scenes))
        taken = {(candidate.child.table.name, candidate.child_columns) for candidate, _ in chosen}
        chosen += self._chosen(rules, scenes, prover, taken)
        taken |= {(candidate.child.table.name, candidate.child_columns) for candidate, _ in chosen}
        chosen += self._soft(scenes, told, prover, taken)
        return self._with_roles(_without_implied(chosen), rules, told)

    # -- choosing ----------------------------------------------------------------------------------------------------------------------

    def _chosen(self, rules: NameRules, scenes: Sequence[Scene], prover: Prover, taken: set[tuple[str, tuple[str, ...]]]) -> list[tuple[Candidate, Proof]]:
        found: list[tuple[Candidate, Proof]] = []
        for scene in scenes:
            groups: dict[object, list[Candidate]] = defaultdict(list)
            for candidate in rules.of(scene):
                if (scene.table.name, candidate.child_columns) not in taken:
                    groups[candidate.child_columns, tuple(sorted(candidate.when.items()))].append(candidate)
            found += [best for group in groups.values() if (best := _best(group, prover))]
        return found

    def _soft(
        self, scenes: Sequence[Scene], reports: Mapping[str, TableReport], prover: Prover, taken: set[tuple[str, tuple[str, ...]]]
    ) -> Iterator[tuple[Candidate, Proof]]:
        if not prover.asks:
            return
        groups: dict[object, list[Candidate]] = defaultdict(list)
        for candidate in SoftLinks(scenes, reports, self._words).candidates():
            if (candidate.child.table.name, candidate.child_columns) not in taken:
                groups[candidate.child.table.name, candidate.child_columns].append(candidate)
        for group in groups.values():
            if best := _best(group, prover):
                yield best

    # -- roles -------------------------------------------------------------------------------------------------------------------------

    def _with_roles(self, chosen: Sequence[tuple[Candidate, Proof]], rules: NameRules, reports: Mapping[str, TableReport]) -> list[RelationProposal]:
        edges = [candidate for candidate, _ in chosen if not candidate.weak]
        kinds = {(c.child.table.name, column): rules.role_kind(c.child, column) for c, _ in chosen if c.parent.person for column in c.child_columns[:1]}
        owners = Owners(edges, kinds, {name: report.about for name, report in reports.items()}, self._words)
        proposals = []
        for candidate, proof in chosen:
            role, why = owners.role(candidate)
            confidence = _capped(candidate, proof, role)
            types = Evidence("type", described(candidate.child.parts[candidate.child_columns[0]], candidate.parent.parts[candidate.parent_columns[0]]), 0.0)
            proposals.append(
                RelationProposal(
                    candidate.child.table.name, candidate.child_columns, candidate.parent.table.name, candidate.parent_columns, role, round(confidence, 3),
                    (*candidate.evidence, types, *proof.evidence, why), candidate.declared, candidate.weak, candidate.when,
                )
            )  # fmt: skip
        return sorted(proposals, key=lambda p: (p.child, p.child_columns, p.parent, p.parent_columns, sorted(p.when.items())))


def _declared(scenes: Sequence[Scene]) -> Iterator[tuple[Candidate, Proof]]:
    by_name = {scene.table.name.lower(): scene for scene in scenes}
    for scene in scenes:
        for key in scene.table.foreign_keys:
            parent = by_name.get(key.parent.lower())
            if parent is None:
                continue
            theirs = key.parent_columns or parent.table.primary_key
            mine = _spelled(scene, key.columns)
            named = _spelled(parent, theirs)
            if mine and len(mine) == len(named) == len(key.columns):
                yield (
                    Candidate(scene, mine, parent, named, 0.99, (Evidence("declared", "a foreign key of the database", 0.99),), "declared", declared=True),
                    Proof(1.0),
                )


def _spelled(scene: Scene, columns: Sequence[str]) -> tuple[str, ...]:
    """Return columns as the table spells them: SQLite's keys may use another case."""
    known = {name.lower(): name for name in scene.parts}
    return tuple(known[column.lower()] for column in columns if column.lower() in known)


def _best(group: Sequence[Candidate], prover: Prover) -> tuple[Candidate, Proof] | None:
    """Return the suggestion of a column that names and values together speak for most, or None."""
    judged = [(replace(candidate, score=score), proof) for candidate in group for score, proof in (_scored(candidate, prover.prove(candidate)),)]
    standing = [item for item in judged if item[0].score >= _LEAST]
    return max(standing, key=_order, default=None)


def _without_implied(chosen: Sequence[tuple[Candidate, Proof]]) -> list[tuple[Candidate, Proof]]:
    """Leave out what a composite reference says already: a booking's bank is the bank of its account."""
    composite: dict[str, list[frozenset[str]]] = defaultdict(list)
    for candidate, _ in chosen:
        if len(candidate.child_columns) > 1:
            composite[candidate.child.table.name].append(frozenset(candidate.child_columns))

    def implied(candidate: Candidate) -> bool:
        return not candidate.declared and any(set(candidate.child_columns) < columns for columns in composite[candidate.child.table.name])

    return [(candidate, proof) for candidate, proof in chosen if not implied(candidate)]


def _order(item: tuple[Candidate, Proof]) -> tuple[float, float, int, int, str]:
    candidate, proof = item
    shared = len(set(candidate.child.name.words) & set(candidate.parent.name.words))
    return round(candidate.score, 2), proof.strength, shared, -len(candidate.parent.name.words), candidate.parent.table.name


def _scored(candidate: Candidate, proof: Proof) -> tuple[float, Proof]:
    score = candidate.score
    if proof.strength <= -1.0:
        return 0.0, proof
    if proof.strength < 0.0:
        return score * 0.72, proof
    if candidate.needs_values and proof.strength < 0.8 and not _covered(proof):
        return 0.0, proof
    if proof.strength >= 0.8:
        return max(score, 0.9 if proof.strength < 1.0 else 0.95), proof
    return min(score + 0.15 * proof.strength, 0.95), proof


def _capped(candidate: Candidate, proof: Proof, role: Ownership) -> float:
    """Hold what would delete rows below the bound for confirming in bulk, unless more than a name speaks for it."""
    if candidate.weak:
        return min(candidate.score, 0.5)
    if role is not Ownership.OWNED_BY or candidate.declared or proof.strength >= 0.8:
        return candidate.score
    return candidate.score if _covered(proof) else min(candidate.score, _DOUBT)


def _covered(proof: Proof) -> bool:
    """Do the values run through most of the other table's keys? Ranks and counts, though numbers among them, do not."""
    return proof.strength > 0.0 and proof.ratio >= 0.98 and proof.checked >= _MANY and proof.covers >= _COVERED
