"""What people say about fields: confirm, reject, declare not personal; one by one, or everything a scan was sure of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from privacy.inventory.merging import AUTO, REFERENCE
from privacy.inventory.model import Status
from privacy.inventory.ports import DatasetRow, FieldRow
from privacy.inventory.taxonomy import NOT_PERSONAL, SUBJECT_KEY, Taxonomy
from privacy.kernel.errors import InvalidInput, NotFound
from privacy.kernel.terms import qualified

CONFIRM, REJECT, DECLARE = "confirm", "reject", "not_personal"
DECISIONS = (CONFIRM, REJECT, DECLARE)


@dataclass(frozen=True, slots=True)
class FieldDecision:
    """`confirm` takes the proposed category unless one is given; `level` may raise the category's level, never lower it."""

    dataset: str
    field: str
    decision: str
    category: str | None = None
    level: int | None = None


def decide(row: FieldRow | None, decision: FieldDecision, taxonomy: Taxonomy, by: str, at: datetime, *, pointer: str) -> FieldRow:
    """Return the field as decided. Raises NotFound or InvalidInput with `pointer`, never with the caller's words."""
    if row is None:
        raise NotFound("There is no such field in the data map; `privacy systems show` lists them.", pointer=f"{pointer}/field")
    decided = replace(row, decided_by=by, decided_at=at)
    if decision.decision == REJECT:
        return replace(decided, status=Status.REJECTED, category="", level=None)
    if decision.decision == DECLARE:
        return replace(decided, status=Status.NOT_PERSONAL, category=NOT_PERSONAL, level=None, technique=None)
    if decision.decision != CONFIRM:
        raise InvalidInput(f"A decision is one of {', '.join(DECISIONS)}.", pointer=f"{pointer}/decision")
    category = decision.category or (row.finding.category if row.finding else "") or row.category
    check_category(category, decision.level, taxonomy, pointer)
    return replace(decided, status=Status.CONFIRMED, category=category, level=decision.level)


def check_category(category: str, level: int | None, taxonomy: Taxonomy, pointer: str) -> None:
    """Raise InvalidInput for a category that may not be confirmed, or a level below the category's own."""
    if not category:
        raise InvalidInput("Nothing is proposed for this field: name the category to confirm.", pointer=f"{pointer}/category")
    if category not in taxonomy.categories:
        raise InvalidInput("The category is not in policies/taxonomy.toml.", pointer=f"{pointer}/category")
    if category == NOT_PERSONAL:
        raise InvalidInput("A field is declared not personal by the decision not_personal.", pointer=f"{pointer}/category")
    if level is not None and not taxonomy.categories[category].level <= level <= taxonomy.strictest:
        raise InvalidInput(
            f"The level may be raised above the category's own ({taxonomy.categories[category].level}), not lowered.", pointer=f"{pointer}/level"
        )


def everything_auto(system: str, rows: Sequence[DatasetRow]) -> list[FieldDecision]:
    """Return a confirmation of each undecided proposal that the scan was sure of, and of each declared reference to people."""
    references = [
        FieldDecision(qualified(system, row.table), field.name, CONFIRM, SUBJECT_KEY)
        for row in rows
        for field in row.fields.values()
        if not row.gone and not field.gone and field.status is Status.UNKNOWN and field.key == REFERENCE
    ]
    return references + [
        FieldDecision(qualified(system, row.table), field.name, CONFIRM)
        for row in rows
        for field in row.fields.values()
        if not row.gone and field.status is Status.PROPOSED and field.finding is not None and field.finding.outcome == AUTO and not field.gone
    ]


def everything_without_proposal(system: str, rows: Sequence[DatasetRow]) -> list[FieldDecision]:
    """Return a declaration for each undecided field without a proposal; carriers, subject keys and references to people never are."""
    return [
        FieldDecision(qualified(system, row.table), field.name, DECLARE)
        for row in rows
        for field in row.fields.values()
        if not row.gone
        and field.status is Status.UNKNOWN
        and field.carrier is None
        and field.key != REFERENCE
        and not field.gone
        and field.name not in (row.subject_field, row.proposed_subject_field)
    ]


def apply_subject(row: DatasetRow, type: str, field: str, by: str, at: datetime) -> DatasetRow:
    """Return the dataset with its subject; the field that holds the key becomes a confirmed subject key unless it was decided already."""
    if not type or ":" in type or len(type) > 128:
        raise InvalidInput("A subject type is a short word without colons, for example customer.", pointer="/subject_type")
    key = row.fields[field]
    if not key.status.settled:
        key = replace(key, status=Status.CONFIRMED, category=SUBJECT_KEY, decided_by=by, decided_at=at)
    return replace(row, subject_type=type, subject_field=field, fields={field: key})
