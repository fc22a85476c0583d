"""Reads rows in pages along the primary key: constant memory, and no transaction stays open while the caller thinks."""
# ruff: noqa: S608 - names are quoted, every value is a parameter

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from privacy.adapters.databases.conditions import Clause, Conditions, column_of
from privacy.adapters.databases.known import Known, Stored
from privacy.adapters.databases.quoting import placeholder
from privacy.disposal.target import Where

PAGE = 5_000
Fetch = Callable[[Clause], Sequence[Sequence[Any]]]


class Pages:
    """One SELECT cut into pages. Rows that others change meanwhile may come or not; no row comes twice while its key stays."""

    def __init__(self, kind: str, known: Known, columns: Sequence[str], size: int = PAGE) -> None:
        self._kind = kind
        self._known = known
        self._columns = [column_of(known, name) for name in columns]
        self._keys = [column_of(known, name) for name in known.shape.primary_key]
        self._size = size

    def rows(self, fetch: Fetch, conditions: Conditions, where: Where, limit: int | None) -> Iterator[Sequence[Any]]:
        left = limit
        after: Sequence[Any] = ()
        offset = 0
        while left is None or left > 0:
            size = self._size if left is None else min(self._size, left)
            page = fetch(self._page(conditions.write(self._known.shape.name, where), after, offset, size))
            yield from (row[: len(self._columns)] for row in page)
            if len(page) < size:
                return
            left = None if left is None else left - len(page)
            after, offset = self._next(page, after, offset)

    def all(self, conditions: Conditions, where: Where, limit: int | None) -> Clause:
        """Return the whole as one statement: for tables without a key, which have no order to cut along."""
        chosen = conditions.write(self._known.shape.name, where)
        return self._select(chosen, f" LIMIT {int(limit)}" if limit is not None else "")

    def _next(self, page: Sequence[Sequence[Any]], after: Sequence[Any], offset: int) -> tuple[Sequence[Any], int]:
        last = page[-1][len(self._columns) :]
        if any(value is None for value in last):
            # SQLite lets NULL into a primary key: such rows are counted off instead
            return after, offset + len(page)
        return last, 0

    def _page(self, where: Clause, after: Sequence[Any], offset: int, size: int) -> Clause:
        ordered = f" ORDER BY {', '.join(ordering(self._kind, key) for key in self._keys)} LIMIT {int(size)}" + (f" OFFSET {int(offset)}" if offset else "")
        if not after:
            return self._select(where, ordered)
        return self._select(Clause.joined(" AND ", (Clause(f"({where.sql})", where.parameters), beyond(self._kind, self._keys, after))), ordered)

    def _select(self, where: Clause, rest: str) -> Clause:
        chosen = ", ".join([shown(self._kind, column) for column in self._columns] + [ordering(self._kind, key) for key in self._keys])
        return Clause(f"SELECT {chosen} FROM {self._known.sql} WHERE {where.sql}{rest}", where.parameters)


def shown(kind: str, column: Stored) -> str:
    """Return a column as it is read: CHAR(n) without its padding, as on the other databases."""
    return f"CAST({column.sql} AS text)" if kind == "postgresql" and column.base == "bpchar" else column.sql


def ordering(kind: str, column: Stored) -> str:
    """Return what rows are ordered by; types we cannot cast a parameter to are ordered as text."""
    return f'CAST({column.sql} AS text) COLLATE "C"' if kind == "postgresql" and not column.cast else column.sql


def beyond(kind: str, keys: Sequence[Stored], last: Sequence[Any]) -> Clause:
    """Return the condition for keys after `last` in the database's own order."""
    if kind == "mysql" and len(keys) > 1:
        # MariaDB finds no range for a comparison of rows
        alternatives = []
        for at, key in enumerate(keys):
            equal = [Clause(f"{before.sql} = %s", (value,)) for before, value in zip(keys[:at], last[:at], strict=True)]
            alternatives.append(Clause.joined(" AND ", [*equal, Clause(f"{key.sql} > %s", (last[at],))]))
        either = Clause.joined(") OR (", alternatives)
        return Clause(f"(({either.sql}))", either.parameters)
    marks = [placeholder(kind) if kind != "postgresql" else f"CAST(%s AS {(key.cast or 'text').replace('%', '%%')})" for key in keys]
    values = tuple(value if kind != "postgresql" or isinstance(value, bytes) else str(value) for value in last)
    if len(keys) == 1:
        return Clause(f"{ordering(kind, keys[0])} > {marks[0]}", values)
    return Clause(f"({', '.join(ordering(kind, key) for key in keys)}) > ({', '.join(marks)})", values)
