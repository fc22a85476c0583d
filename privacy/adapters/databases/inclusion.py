"""Are the values of one table's columns those of another's? One bounded statement, so that no value leaves the connected system.

Numbers compare as numbers, everything else as text byte by byte, whatever the collations. NULL and sentinels (0, -1, empty text) are nobody's key.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from privacy.adapters.databases.sampling import Rows, Source
from privacy.discovery.shapes import Family, Inclusion, KeyShape, Table

_NUMBERS = frozenset({Family.INTEGER, Family.DECIMAL})
_SENTINELS = "('', '0', '-1', '0.0')"
_HEAD = 20_000  # rows of the child from which distinct values are taken, at each end of the table
_ROWS = 200_000


class Speaks(Protocol):
    """The part of a dialect that comparing needs."""

    def quote(self, name: str) -> str: ...

    def text_of(self, sql: str) -> str:
        """Return SQL that yields a value as text which compares byte by byte."""


def included(
    rows: Rows, speaks: Speaks, child: tuple[Table, Source], child_columns: Sequence[str], parent: tuple[Table, Source], parent_columns: Sequence[str],
    sample: int, by: str = "",
) -> Mapping[str, Inclusion]:  # fmt: skip
    """Run the comparison and return its counts. Raises Unreadable."""
    mine, theirs = _expressions(speaks, child[0], child_columns, parent[0], parent_columns)
    kind = speaks.text_of(speaks.quote(by)) if by else "''"
    filled = " AND ".join(f"{speaks.quote(name)} IS NOT NULL AND {speaks.text_of(speaks.quote(name))} NOT IN {_SENTINELS}" for name in child_columns)
    names = [f"k{number}" for number in range(len(mine))]
    picked = ", ".join([f"{kind} AS kind", *(f"{expression} AS {name}" for expression, name in zip(mine, names, strict=True))])
    columns = ", ".join(["kind", *names])
    ends = [f"SELECT {picked} FROM {child[1].sql} WHERE {filled} LIMIT {_HEAD}"]  # noqa: S608 - identifiers are quoted by the dialect, there are no values
    if child[1].order:
        ends.append(f"SELECT {picked} FROM {child[1].sql} WHERE {filled} ORDER BY {child[1].order} DESC LIMIT {_HEAD}")  # noqa: S608
    both = " UNION ALL ".join(f"SELECT * FROM ({end}) e{number}" for number, end in enumerate(ends))  # noqa: S608
    keyed = ", ".join(f"{expression} AS p{number}" for number, expression in enumerate(theirs))
    held = " AND ".join(f"{speaks.quote(name)} IS NOT NULL" for name in parent_columns)
    match = " AND ".join(f"c.{name} = p.p{number}" for number, name in enumerate(names))
    # a join with the table as it stands can use the index of its key; unless the key is unique it could count a value twice
    unique = tuple(parent_columns) == parent[0].primary_key
    every = f"(SELECT {'' if unique else 'DISTINCT '}{keyed} FROM {parent[1].sql} WHERE {held})"  # noqa: S608
    statement = (
        f"SELECT c.kind, count(*), count(p.p0) FROM (SELECT DISTINCT {columns} FROM ({both}) b LIMIT {int(sample)}) c "  # noqa: S608
        f"LEFT JOIN {every} p ON {match} GROUP BY c.kind"
    )
    return {_text(kind): Inclusion(int(checked), int(found)) for kind, checked, found in rows(statement) if kind is not None}


def key_shape(rows: Rows, speaks: Speaks, table: Table, source: Source, columns: Sequence[str]) -> KeyShape:
    """Count the rows in which all of the columns are filled, and their distinct values. Raises Unreadable."""
    number = len(columns) == 1 and _family(table, columns[0]) is Family.INTEGER
    values = [speaks.quote(name) if number else speaks.text_of(speaks.quote(name)) for name in columns]
    names = [f"v{place}" for place in range(len(columns))]
    picked = ", ".join(f"{value} AS {name}" for value, name in zip(values, names, strict=True))
    held = " AND ".join(f"{speaks.quote(name)} IS NOT NULL" for name in columns)
    bounds = "min(v0), max(v0)" if number else "NULL, NULL"
    ((count, distinct, low, high),) = rows(
        f"SELECT coalesce(sum(n), 0), count(*), {bounds} FROM (SELECT {', '.join(names)}, count(*) AS n "  # noqa: S608
        f"FROM (SELECT {picked} FROM {source.sql} WHERE {held} LIMIT {_ROWS}) s GROUP BY {', '.join(names)}) g"
    )
    return KeyShape(int(count), int(distinct), _whole(low), _whole(high))


def _expressions(speaks: Speaks, child: Table, mine: Sequence[str], parent: Table, theirs: Sequence[str]) -> tuple[list[str], list[str]]:
    left, right = [], []
    for ours, other in zip(mine, theirs, strict=True):
        plain = _family(child, ours) in _NUMBERS and _family(parent, other) in _NUMBERS
        form: Callable[[str], str] = str if plain else speaks.text_of
        left.append(form(speaks.quote(ours)))
        right.append(form(speaks.quote(other)))
    return left, right


def _family(table: Table, column: str) -> Family:
    return next(known.family for known in table.columns if known.name == column)


def _whole(value: object) -> int | None:
    # SQLite keeps any type in any column
    return value if isinstance(value, int) else int(value) if isinstance(value, float) and value.is_integer() else None


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
