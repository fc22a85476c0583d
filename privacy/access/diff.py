"""What a change of policy means for people: who gains or loses which categories, for which purpose, under which conditions.

The question space is enumerated, not the text compared: a rewritten file with the same decisions has no difference. Datasets that the same
patterns match are one group, and conditions are tried all false and all true, so the list is short and misses no gain or loss of clear access.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from privacy.access.compiled import UNKNOWN_REGION, Plan, Scope
from privacy.access.decision import verdict_of
from privacy.access.ports import Categories
from privacy.access.predicates import PREDICATES, TRUE
from privacy.access.rows import ACTIONS, ANY, EXTERNAL, INTERNAL, Policy, Row, dataset_matches

_RANK = {"withheld": 0, "masked": 1, "clear": 2}
_SAMPLE_RECIPIENT = "another-recipient"  # stands for every recipient that no row names


@dataclass(frozen=True, slots=True)
class Change:
    """One role sees these categories otherwise than before. `direction` is opens, closes or changes (another technique)."""

    direction: str
    role: str
    purpose: str
    recipient: str
    region: str
    action: str
    facts: str
    datasets: tuple[str, ...]
    categories: tuple[str, ...]
    before: str
    after: str


def differences(old: Policy, new: Policy, roles: Iterable[str], purposes: Iterable[str], datasets: Iterable[str], taxonomy: Categories) -> list[Change]:
    """Return every change of decision between two policies, openings first."""
    both = (*old.rows, *new.rows)
    groups = _dataset_groups(datasets, both)
    recipients = [INTERNAL, *sorted({row.recipient for row in both} - {ANY, INTERNAL, EXTERNAL}), _SAMPLE_RECIPIENT]
    regions = [UNKNOWN_REGION, *sorted({row.region for row in both} - {ANY})]
    changes: list[Change] = []
    for role, purpose, recipient, region, action, names in product(sorted(roles), sorted(purposes), recipients, regions, sorted(ACTIONS), groups):
        scope = Scope(frozenset({role}), purpose, recipient, names[0], action, region)
        changes += _compare(Plan(old, scope), Plan(new, scope), scope, names, taxonomy)
    return sorted(_merged(changes), key=lambda change: ("opens", "changes", "closes").index(change.direction))


def _compare(old: Plan, new: Plan, scope: Scope, names: tuple[str, ...], taxonomy: Categories) -> Iterator[Change]:
    for label, truths in _FACTS:
        moved: dict[tuple[str, str], list[str]] = {}
        for category in taxonomy.categories.values():
            asked = (category.field_class, category.id)
            before, after = (verdict_of(plan.steps(*asked), truths, category.technique) for plan in (old, new))
            said = (f"{before.effect} {before.technique}", f"{after.effect} {after.technique}")
            if said[0] != said[1]:
                moved.setdefault(said, []).append(category.id)
        for (before_said, after_said), categories in moved.items():
            yield Change(
                _direction(before_said, after_said),
                next(iter(scope.roles)),
                scope.purpose,
                scope.recipient,
                scope.region,
                scope.action,
                label,
                names,
                tuple(categories),
                before_said,
                after_said,
            )


def _direction(before: str, after: str) -> str:
    ranks = _RANK[before.split()[0]], _RANK[after.split()[0]]
    return "opens" if ranks[1] > ranks[0] else "closes" if ranks[1] < ranks[0] else "changes"


_FACTS: Sequence[tuple[str, Mapping[str, bool | None]]] = (
    ("no conditions hold", {name: name == TRUE for name in PREDICATES}),
    ("all conditions hold", {name: name != "consent_withdrawn" for name in PREDICATES}),
)


def _dataset_groups(datasets: Iterable[str], rows: Iterable[Row]) -> list[tuple[str, ...]]:
    """Group datasets that exactly the same patterns match; with an empty data map, one stand-in per pattern."""
    patterns = sorted({row.dataset for row in rows})
    names = sorted(datasets) or [pattern.removesuffix(ANY) + "example" if pattern.endswith(ANY) else pattern for pattern in patterns]
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        groups.setdefault(tuple(pattern for pattern in patterns if dataset_matches(pattern, name)), []).append(name)
    return [tuple(group) for group in groups.values()]


def _merged(changes: list[Change]) -> list[Change]:
    """Fold what differs in one column only: first the facts, then recipient, then region."""
    for column, every in (("facts", "always"), ("recipient", ANY), ("region", ANY)):
        changes = _fold(changes, column, every)
    return changes


def _fold(changes: list[Change], column: str, every: str) -> list[Change]:
    values = {getattr(change, column) for change in changes}
    if len(values) < 2:
        return changes
    together: dict[Change, set[str]] = {}
    for change in changes:
        together.setdefault(_with(change, column, ""), set()).add(getattr(change, column))
    return [_with(change, column, value) for change, found in together.items() for value in ([every] if found == values else sorted(found))]


def _with(change: Change, column: str, value: str) -> Change:
    changed: Change = replace(change, **{column: value})  # type: ignore[arg-type]
    return changed
