"""Cuts a table into ranges of its key for a sweep: a walk along the key alone, and a look at how many rows of each stretch are meant.

Each step is a short transaction of its own, so a sweep can stop at any boundary and go on from there. Keys compare in the column's own order,
which need not be Python's. Stretches with few matching rows are joined, those with none are left out.
"""
# ruff: noqa: S608 - names are quoted, every value is a parameter

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from privacy.adapters.databases.conditions import ALWAYS, Clause, Conditions
from privacy.adapters.databases.known import Known
from privacy.adapters.databases.reading import beyond, ordering
from privacy.disposal.target import Between, Both, Where

Fetch = Callable[[Clause], Sequence[Sequence[Any]]]
_SAMPLE = 8  # an eighth of a batch tells how dense a stretch is


def boundaries(kind: str, fetch: Fetch, conditions: Conditions, known: Known, where: Where, rows: int) -> Iterator[tuple[object, object]]:
    """Yield (low, high), both ends included, with about `rows` matching rows between them (never more than twice as many).

    Rows that come later between two ends belong to that range.
    """
    begun: Any = None
    last: Any = None
    found = 0
    for low, high in _stretches(kind, fetch, known, max(1, rows)):
        matching = _matching(kind, fetch, conditions, known, where, (low, high), rows)
        if begun is not None and found + matching > rows + rows // _SAMPLE:
            yield begun, last
            begun, found = None, 0
        if matching:
            begun, last = low if begun is None else begun, high
            found += matching
    if begun is not None:
        yield begun, last


def _stretches(kind: str, fetch: Fetch, known: Known, rows: int) -> Iterator[tuple[Any, Any]]:
    """Yield the ends of every so many keys, whatever their rows hold."""
    key = known.columns[known.shape.primary_key[0]]
    order = ordering(kind, key)

    def at(after: Clause, offset: int, direction: str = "") -> Any:
        sql = f"SELECT {order} FROM {known.sql} WHERE {key.sql} IS NOT NULL AND {after.sql} ORDER BY {order}{direction} LIMIT 1"
        row = fetch(Clause(f"{sql} OFFSET {int(offset)}" if offset else sql, after.parameters))
        return row[0][0] if row else None

    after = ALWAYS
    while (low := at(after, 0)) is not None:
        high = at(after, rows - 1)
        if high is None:
            high = at(after, 0, " DESC")
            yield low, high if high is not None else low
            return
        yield low, high
        after = beyond(kind, [key], [high])


def _matching(kind: str, fetch: Fetch, conditions: Conditions, known: Known, where: Where, ends: tuple[Any, Any], rows: int) -> int:
    """Return about how many rows of a stretch match: exact while they are few, else from how far the first of them reach."""
    (name,) = known.shape.primary_key
    order = ordering(kind, known.columns[name])
    sample = max(1, rows // _SAMPLE)
    clause = conditions.write(known.shape.name, Both((Between(name, *ends), where)))
    inner = f"SELECT {order} AS k FROM {known.sql} WHERE {clause.sql} ORDER BY {order} LIMIT {int(sample)}"
    highest = "max(k)" if isinstance(ends[0], int) else "NULL"
    ((count, reached),) = fetch(Clause(f"SELECT count(*), {highest} FROM ({inner}) AS first_ones", clause.parameters))
    if count < sample or reached is None:
        return int(count) if count < sample else rows
    low, high = ends
    return min(rows, int(count * (high - low + 1) / (reached - low + 1)))
