"""The result of classifying columns: a proposal with its evidence, for a person to confirm. Evidence holds numbers and schema words, never a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from privacy.discovery.shapes import Table


class Outcome(StrEnum):
    """`auto` may be confirmed in bulk, `review` needs a look, `none` is no proposal (and no proof of absence)."""

    AUTO = "auto"
    REVIEW = "review"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason: its kind (`name`, `comment`, `values`, `structure`, `guard`), what was seen, and its weight between 0 and 1."""

    kind: str
    detail: str
    weight: float

    def plain(self) -> Mapping[str, object]:
        return {"kind": self.kind, "detail": self.detail, "weight": round(self.weight, 2)}


@dataclass(frozen=True, slots=True)
class Proposal:
    table: str
    column: str
    entity: str
    category: str
    level: int
    confidence: float
    outcome: Outcome
    evidence: tuple[Evidence, ...]

    def plain(self) -> dict[str, object]:
        return {
            "table": self.table,
            "column": self.column,
            "entity": self.entity,
            "category": self.category,
            "level": self.level,
            "confidence": round(self.confidence, 3),
            "outcome": self.outcome.value,
            "evidence": [evidence.plain() for evidence in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class SubjectProposal:
    """Whom each row is about: the field that holds the subject's key, and the subject's type."""

    type: str
    field: str
    evidence: str


@dataclass(frozen=True, slots=True)
class TableReport:
    """What was found in one table. `carriers` maps columns without fixed content to their kind: listed whatever was found in them.

    `references` are the columns that hold keys of people in other tables.
    """

    table: Table
    about: str
    proposals: tuple[Proposal, ...] = ()
    carriers: Mapping[str, str] = field(default_factory=dict)
    subject: SubjectProposal | None = None
    references: frozenset[str] = frozenset()
