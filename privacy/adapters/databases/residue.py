"""Searches the text of a table for identifiers: the database leaves out what cannot hold one, `needles.py` looks at the rest.

Bounds: so many seconds a table, so many characters a cell. What was not searched for that is told by a hit of the form `not_searched`
(with the row's key for one long cell, without a key for the rest of a table), never passed over.
"""
# ruff: noqa: S608 - names are quoted, every value is a parameter

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from privacy.adapters.databases.conditions import Clause, column_of
from privacy.adapters.databases.known import Known, Stored
from privacy.adapters.databases.limits import TooSlow
from privacy.adapters.databases.needles import Needles, Trace
from privacy.adapters.databases.quoting import placeholder
from privacy.adapters.databases.reading import beyond, ordering
from privacy.disposal.target import Hit

SECONDS = 60.0
LONGEST = 4 << 20
_PAGE = 2_000
NOT_SEARCHED = "not_searched"
Fetch = Callable[[Clause, float], Sequence[Sequence[Any]]]

# characters that folding leaves alone (but for case): a cell of these only can be judged by LIKE
_PLAIN = " -~\n\u3001-\u3017\u4e00-\u9fff，。！？：；（）"
_CODED = r"%[0-9A-Fa-f][0-9A-Fa-f]|\\[ux/]|&#|&[a-zA-Z]+;|=[0-9A-F][0-9A-F]"


def residue(kind: str, fetch: Fetch, known: Known, columns: Sequence[str], needles: Needles, limit: int, seconds: float = SECONDS) -> Iterator[Hit]:
    """Yield at most `limit` hits, one for each cell."""
    stored = [column_of(known, name) for name in columns]
    if not needles.traces or not stored or limit < 1:
        return
    deadline = time.monotonic() + seconds
    left = limit
    try:
        for row in _candidates(kind, fetch, known, stored, needles, deadline):
            for hit in _hits(known.shape.name, columns, len(known.shape.primary_key), row, needles):
                yield hit
                left -= 1
                if not left:
                    return
    except TooSlow:
        yield from (Hit(known.shape.name, column, (), NOT_SEARCHED) for column in columns)


def _hits(table: str, columns: Sequence[str], keys: int, row: Sequence[Any], needles: Needles) -> Iterator[Hit]:
    key = tuple(row[:keys])
    for at, column in enumerate(columns):
        cell, longer = row[keys + 2 * at], row[keys + 2 * at + 1]
        if form := needles.form_in(_text(cell)) if cell is not None else "":
            yield Hit(table, column, key, form)
        elif longer:
            yield Hit(table, column, key, NOT_SEARCHED)


def _text(cell: Any) -> str:
    if isinstance(cell, bytes | bytearray | memoryview):
        raw = bytes(cell)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.decode("gb18030", "replace")
    return str(cell)


def _candidates(kind: str, fetch: Fetch, known: Known, columns: Sequence[Stored], needles: Needles, deadline: float) -> Iterator[Sequence[Any]]:
    """Yield key, then the head of each cell and whether it is longer, of the rows that may hold a needle."""
    keys = [known.columns[name] for name in known.shape.primary_key]
    cells = [part for column in columns for part in _cell(kind, column)]
    chosen = ", ".join([ordering(kind, key) for key in keys] + cells)
    may = Clause.joined(" OR ", (_may_hold(kind, column, needles) for column in columns))
    order = f" ORDER BY {', '.join(ordering(kind, key) for key in keys)} LIMIT {_PAGE}" if keys else ""
    after: tuple[Any, ...] = ()
    while True:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TooSlow("The search took too long.")
        where = Clause(f"({may.sql})", may.parameters)
        if after:
            where = Clause.joined(" AND ", (where, beyond(kind, keys, after)))
        page = fetch(Clause(f"SELECT {chosen} FROM {known.sql} WHERE {where.sql}{order}", where.parameters), remaining)
        yield from page
        if not keys or len(page) < _PAGE or any(value is None for value in page[-1][: len(keys)]):
            return
        after = tuple(page[-1][: len(keys)])


def _as_text(kind: str, column: Stored) -> str:
    if kind == "postgresql":
        return f"CAST({column.sql} AS text)"
    # two texts of different collations cannot be compared on MariaDB
    return f"CONVERT({column.sql} USING utf8mb4) COLLATE utf8mb4_bin" if kind == "mysql" else column.sql


def _cell(kind: str, column: Stored) -> tuple[str, str]:
    text = _as_text(kind, column)
    length = "char_length" if kind != "sqlite" else "length"
    return f"substr({text}, 1, {LONGEST})", f"{length}({text}) > {LONGEST}"


def _may_hold(kind: str, column: Stored, needles: Needles) -> Clause:
    """Return a condition that every cell with a needle meets, in whatever form."""
    text = _as_text(kind, column)
    mark = placeholder(kind)
    length = "char_length" if kind != "sqlite" else "length"
    like = f"LOWER({text}) LIKE {mark}" if kind != "sqlite" else f"{text} LIKE {mark}"
    plain = [Clause(like, (_chain(trace),)) for trace in needles.traces]
    coded = [_matches(kind, text, pattern) for pattern in _patterns(kind, needles)]
    if needles.spaced:
        coded.append(Clause(f"{text} LIKE {mark}", ("%+%",)))
    any_of = Clause.joined(" OR ", (*plain, *coded))
    blob = f"typeof({text}) = 'blob' OR " if kind == "sqlite" else ""
    return Clause(f"({blob}({length}({text}) >= {needles.shortest} AND ({any_of.sql})))", any_of.parameters)


def _chain(trace: Trace) -> str:
    """Return the needle's characters with anything between them: separators, accents, marks."""
    return f"%{'%'.join(trace.characters)}%"


def _patterns(kind: str, needles: Needles) -> Sequence[str]:
    if kind == "sqlite":
        run = "[A-Za-z0-9+/_-]" * needles.run
        coded = ("*%[0-9A-Fa-f][0-9A-Fa-f]*", "*\\[ux/]*", "*&#*", "*&[a-zA-Z]*;*", "*=[0-9A-F][0-9A-F]*")
        return (f"*[^{_PLAIN}]*", f"*{run}*", *coded)
    return (f"[^{_PLAIN}]|[A-Za-z0-9+/_-]{{{needles.run}}}|{_CODED}",)


def _matches(kind: str, text: str, pattern: str) -> Clause:
    operator = {"sqlite": "GLOB ?", "postgresql": "~ %s", "mysql": "REGEXP %s"}[kind]
    return Clause(f"{text} {operator}", (pattern,))
