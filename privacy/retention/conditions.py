"""Conditions of rules in the target's closed algebra: what is past its period on a day, and what belongs to such rows.

Every condition is evaluated in the connected database. Clocks: a date column holds days of the rule's zone; a column that knows its zone, or counts
seconds, is compared by instant; times without a zone are read in the zone the rule names, else in whichever reading keeps a row longer.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from privacy.disposal.target import Before, Both, ChildOf, ColumnShape, Equals, IsNull, KeysIn, Not, TableShape, Where
from privacy.inventory.relations import Relation
from privacy.kernel.errors import Conflict
from privacy.retention.model import Restart, Rule
from privacy.retention.periods import start_of

EVERY: Where = Both()
NOTHING: Where = Not(Both())
CHANGED = "schema_changed"
_COUNTING = frozenset({"integer", "decimal"})
_CLOCKS = frozenset({"date", "datetime", "text", *_COUNTING})


def both(*parts: Where) -> Where:
    """Return the rows that match all parts, as flat as can be: SQLite's parser takes about twenty levels."""
    kept = tuple(inner for part in parts for inner in (part.parts if isinstance(part, Both) else (part,)))
    return kept[0] if len(kept) == 1 else Both(kept)


def any_of(parts: Iterable[Where]) -> Where:
    """Return the rows that match at least one part."""
    some = tuple(part for part in parts if part != NOTHING)
    return some[0] if len(some) == 1 else Not(Both(tuple(map(opposite, some))))


def opposite(where: Where) -> Where:
    return where.where if isinstance(where, Not) else Not(where)


def past(rule: Rule, day: date, shapes: Mapping[str, TableShape], relations: Iterable[Relation]) -> Where:
    """Return the rows of the rule's dataset whose period is over on `day`, restarts included. Raises Conflict when a table or column is gone."""
    if day < rule.valid_from:
        return NOTHING
    own = earlier(rule, rule.clock, shape_of(rule.dataset, rule.system, shapes), day)
    return both(own, *(Not(young) for young in _restarting(rule, day, shapes, relations)))


def undated(rule: Rule, shapes: Mapping[str, TableShape]) -> Where:
    column(rule.clock, shape_of(rule.dataset, rule.system, shapes))
    return IsNull(rule.clock)


def earlier(rule: Rule, clock: str, shape: TableShape, day: date) -> Where:
    """Return the rows of a table whose clock lies before the rule's cutoff for `day`."""
    cutoff = rule.period.cutoff(day)
    return Before(clock, _bound(column(clock, shape), cutoff, rule.zone, rule.clock_zone))


def restarting_relations(rule: Rule, restart: Restart, relations: Iterable[Relation]) -> list[Relation]:
    """Return the confirmed relations by which rows of `restart.dataset` belong to rows of the rule's dataset. Raises Conflict when there is none."""
    found = [each for each in relations if each.confirmed and not each.weak and each.child == restart.dataset and each.parent == rule.dataset]
    if not found:
        raise Conflict(
            f"No confirmed relation leads from {restart.dataset} to {rule.dataset}, so its rows cannot restart the clock: confirm it with "
            f"`privacy systems relations {rule.system}`, or leave the restart out.",
            code="relation_missing",
        )
    return found


def children(relation: Relation, system: str, of: Where) -> Where:
    """Return the child rows whose parent row matches `of`."""
    inside = ChildOf(relation.child_columns, table_of(relation.parent, system), relation.parent_columns, of)
    return both(*_when(relation), inside)


def pointing(relation: Relation, keys: tuple[tuple[Any, ...], ...]) -> Where:
    """Return the child rows that point to one of these values."""
    return both(*_when(relation), KeysIn(relation.child_columns, keys))


def parents(relation: Relation, system: str, of: Where) -> Where:
    """Return the parent rows that have a child row which matches `of`."""
    return ChildOf(relation.parent_columns, table_of(relation.child, system), relation.child_columns, both(*_when(relation), of))


def narrowed(where: Where, columns: tuple[str, ...], keys: tuple[tuple[Any, ...], ...]) -> Where:
    """Return `where` for the rows with these keys alone: what it asks of rows pointing at them is asked of no others.

    Says the same of these rows as before; without it a database would look at all children for every batch.
    """
    match where:
        case Both():
            return Both(tuple(narrowed(part, columns, keys) for part in where.parts))
        case Not():
            return Not(narrowed(where.where, columns, keys))
        case ChildOf() if where.columns == columns:
            return ChildOf(where.columns, where.parent, where.parent_columns, both(KeysIn(where.parent_columns, keys), where.where))
        case _:
            return where


def looks_elsewhere(where: Where) -> bool:
    """Tell whether a condition looks at other tables."""
    match where:
        case ChildOf():
            return True
        case Not():
            return looks_elsewhere(where.where)
        case Both():
            return any(map(looks_elsewhere, where.parts))
        case _:
            return False


def shape_of(dataset: str, system: str, shapes: Mapping[str, TableShape]) -> TableShape:
    shape = shapes.get(table_of(dataset, system))
    if shape is None or shape.kind != "table":
        raise Conflict(f"{dataset} is not a table of the system any more: scan it again (`privacy systems scan {system}`).", code=CHANGED)
    return shape


def table_of(dataset: str, system: str) -> str:
    return dataset.removeprefix(f"{system}.")


def column(name: str, shape: TableShape) -> ColumnShape:
    found = shape.columns.get(name)
    if found is None:
        raise Conflict("A column this rule names is gone from its table: scan the system again and change the rule.", code=CHANGED)
    if not is_clock(found):
        raise Conflict("The clock of a rule is a column of dates, times, ISO texts or epoch seconds; this one is none of them.", code="no_clock")
    return found


def is_clock(column: ColumnShape) -> bool:
    """Tell whether a column's type can hold times."""
    return column.family in _CLOCKS


def _restarting(rule: Rule, day: date, shapes: Mapping[str, TableShape], relations: Iterable[Relation]) -> Iterable[Where]:
    known = list(relations)
    for restart in rule.restarts:
        young = Not(earlier(rule, restart.clock, shape_of(restart.dataset, rule.system, shapes), day))  # no date: still open, so it restarts as well
        for relation in restarting_relations(rule, restart, known):
            yield parents(relation, rule.system, young)


def _bound(clock: ColumnShape, cutoff: date, zone: str, clock_zone: str) -> datetime | date:
    instant = start_of(cutoff, zone)
    if clock.family == "date":
        return cutoff
    if clock.family in _COUNTING or _knows_its_zone(clock.type):
        return instant
    if clock_zone:
        return instant.astimezone(ZoneInfo(clock_zone)).replace(tzinfo=UTC)
    return min(instant, datetime.combine(cutoff, time(), UTC))


def _knows_its_zone(declared: str) -> bool:
    # MariaDB's TIMESTAMP is an instant (sessions of ours run in UTC), PostgreSQL's only WITH TIME ZONE; both may carry a precision
    low = declared.lower()
    return "with time zone" in low or "timestamptz" in low or "timezone=true" in low


def _when(relation: Relation) -> tuple[Where, ...]:
    return tuple(Equals(column, text) for column, text in sorted(relation.when.items()))
