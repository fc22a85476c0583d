"""Cuts the matching rows of a table into ranges of its key: a walk along the key that finds the next end by LIMIT and OFFSET.

Each step is a short transaction of its own, so a sweep can stop at any boundary and go on from there. Keys compare in the column's own order,
which need not be Python's.
"""
# ruff: noqa: S608 - names are quoted, every value is a parameter

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from privacy.adapters.databases.conditions import ALWAYS, Clause, Conditions
from privacy.adapters.databases.known import Known
from privacy.adapters.databases.reading import beyond, ordering
from privacy.disposal.target import Where

Fetch = Callable[[Clause], Sequence[Sequence[Any]]]


def boundaries(kind: str, fetch: Fetch, conditions: Conditions, known: Known, where: Where, rows: int) -> Iterator[tuple[object, object]]:
    """Yield (low, high), both ends included. Rows that come later between two ends belong to that range."""
    (key,) = (known.columns[name] for name in known.shape.primary_key)
    order = ordering(kind, key)
    low = _first(kind, fetch, conditions, known, where, ALWAYS)
    while low is not None:
        matching = conditions.write(known.shape.name, where)
        after = Clause.joined(" AND ", (Clause(f"({matching.sql})", matching.parameters), beyond(kind, [key], [low])))
        # the row at `low` is the first of the range
        found = fetch(Clause(f"SELECT {order} FROM {known.sql} WHERE {after.sql} ORDER BY {order} LIMIT 1 OFFSET {max(0, rows - 2)}", after.parameters))
        if not found or rows < 2:
            high = low if rows < 2 else _last(fetch, conditions, known, where, order)
            yield low, high
            if rows >= 2:
                return
        else:
            high = found[0][0]
            yield low, high
        low = _first(kind, fetch, conditions, known, where, beyond(kind, [key], [high]))


def _first(kind: str, fetch: Fetch, conditions: Conditions, known: Known, where: Where, beyond_last: Clause) -> Any:
    (key,) = (known.columns[name] for name in known.shape.primary_key)
    order = ordering(kind, key)
    matching = conditions.write(known.shape.name, where)
    both = Clause.joined(" AND ", (Clause(f"({matching.sql})", matching.parameters), beyond_last))
    found = fetch(Clause(f"SELECT {order} FROM {known.sql} WHERE {both.sql} AND {key.sql} IS NOT NULL ORDER BY {order} LIMIT 1", both.parameters))
    return found[0][0] if found else None


def _last(fetch: Fetch, conditions: Conditions, known: Known, where: Where, order: str) -> Any:
    matching = conditions.write(known.shape.name, where)
    found = fetch(Clause(f"SELECT {order} FROM {known.sql} WHERE {matching.sql} ORDER BY {order} DESC LIMIT 1", matching.parameters))
    return found[0][0] if found else None
