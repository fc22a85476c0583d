"""Scores proposed relations against a truth: keys by their ends, roles where the truth tells them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from privacy.adapters.databases import open_connector
from privacy.discovery.relations.finding import relate
from privacy.discovery.relations.proposing import RelationProposal, RelationProposer
from privacy.discovery.shapes import Table
from tests.discovery.building import POLICIES, classifier, taxonomy
from tests.discovery.relation_schemas import Truth


@cache
def proposer() -> RelationProposer:
    return RelationProposer.load(POLICIES, taxonomy())


def proposed(url: str) -> list[RelationProposal]:
    """Propose for the system at `url`, values included."""
    return list(relate(open_connector, classifier(), proposer(), url).proposals)


def proposed_by_names(tables: Sequence[Table]) -> list[RelationProposal]:
    """Propose from names, types and comments alone."""
    bare = [(table, {}) for table in tables]
    return proposer().propose(bare, classifier().classify(bare))


def tables_at(url: str) -> Sequence[Table]:
    connector = open_connector(url)
    try:
        return connector.tables()
    finally:
        connector.close()


@dataclass(frozen=True)
class Score:
    precision: float
    recall: float
    false: tuple[Truth, ...]
    missed: tuple[Truth, ...]
    roles: float
    wrong_roles: tuple[tuple[Truth, str, str], ...]

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall or 1)


def ends(truth: Truth) -> Truth:
    """Return the ends in one spelling: lower case, columns of composite keys in the order of the parent's."""
    child, mine, parent, theirs = truth
    pairs = sorted(zip(mine, theirs, strict=True), key=lambda pair: pair[1].lower())
    return child.lower(), tuple(left.lower() for left, _ in pairs), parent.lower(), tuple(right.lower() for _, right in pairs)


def score(found: Sequence[RelationProposal], truth: Mapping[Truth, str]) -> Score:
    told = {ends((p.child, p.child_columns, p.parent, p.parent_columns)): p.role.value for p in found if not p.weak}
    wanted = {ends(edge): role for edge, role in truth.items()}
    hits = told.keys() & wanted.keys()
    wrong = tuple((edge, told[edge], wanted[edge]) for edge in sorted(hits) if wanted[edge] and told[edge] != wanted[edge])
    return Score(
        len(hits) / max(1, len(told)), len(hits) / max(1, len(wanted)), tuple(sorted(told.keys() - wanted.keys())), tuple(sorted(wanted.keys() - told.keys())),
        1 - len(wrong) / max(1, len(hits)), wrong,
    )  # fmt: skip
