"""From the condition algebra to SQL: bound parameters only, names quoted, text compared byte by byte on every database.

Equality that a column's collation takes loosely (case, accents, trailing blanks) is asked twice: once as the index knows it, once exactly.
A condition is true or it is not: NULL in a column makes none of them true, and `Not` holds then.
"""
# ruff: noqa: S608 - names are quoted, every value is a parameter

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from privacy.adapters.databases.clocks import before
from privacy.adapters.databases.forms import forms
from privacy.adapters.databases.known import Known, Stored
from privacy.adapters.databases.quoting import placeholder
from privacy.discovery.shapes import Family
from privacy.disposal.target import Before, Between, Both, ChildOf, Equals, IsNull, KeysIn, Not, Where
from privacy.kernel.errors import InvalidInput

# SQLite takes 32,766 parameters in its default build; beyond, keys travel as one JSON array
_PARAMETERS = 30_000


@dataclass(frozen=True, slots=True, repr=False)
class Clause:
    """SQL with its parameters, in the order in which they stand there."""

    sql: str
    parameters: tuple[Any, ...] = ()

    @classmethod
    def joined(cls, between: str, clauses: Iterable["Clause"]) -> "Clause":
        parts = tuple(clauses)
        return cls(between.join(part.sql for part in parts), tuple(value for part in parts for value in part.parameters))


NEVER, ALWAYS = Clause("1 = 0"), Clause("1 = 1")


class Conditions:
    """Writes conditions on the tables of one system.

    Args:
        known: returns a table by its name. Raises NotFound.
        keys: on MariaDB, whose DELETE and UPDATE evaluate a subquery once a row: reads the parents' keys of a ChildOf instead.
    """

    def __init__(self, kind: str, known: Callable[[str], Known], keys: Callable[[ChildOf], Iterable[Sequence[Any]]]) -> None:
        self._kind = kind
        self._mark = placeholder(kind)
        self._known = known
        self._keys = keys

    def write(self, table: str, where: Where) -> Clause:
        """Return the condition on `table`. Raises NotFound (a table or column that is not there), InvalidInput."""
        known = self._known(table)
        match where:
            case KeysIn():
                return self.keys_in(tuple(self.column(known, name) for name in where.columns), where.keys)
            case Equals():
                return self.keys_in((self.column(known, where.column),), ((where.value,),))
            case Between():
                return self._between(self.column(known, where.column), where)
            case Before():
                return Clause(*before(self._kind, self.column(known, where.column), where.instant))
            case IsNull():
                return Clause(f"{self.column(known, where.column).sql} IS {'NOT ' if where.negated else ''}NULL")
            case ChildOf():
                return self._child_of(known, where)
            case Both():
                return Clause.joined(" AND ", (self._enclosed(table, part) for part in where.parts)) if where.parts else ALWAYS
            case Not():
                inner = self._enclosed(table, where.where)
                return Clause(f"{inner.sql} IS NOT TRUE", inner.parameters)

    def column(self, known: Known, name: str) -> Stored:
        return column_of(known, name)

    def _enclosed(self, table: str, where: Where) -> Clause:
        clause = self.write(table, where)
        return Clause(f"({clause.sql})", clause.parameters)

    # --- equality -------------------------------------------------------------------------------------------------------------------

    def keys_in(self, columns: tuple[Stored, ...], keys: Iterable[Sequence[Any]]) -> Clause:
        """Return the condition that the columns equal one of `keys`."""
        found = tuple(dict.fromkeys(_formed(self._kind, columns, keys)))
        if not found:
            return NEVER
        if self._kind == "postgresql":
            return self._in_arrays(columns, found)
        return self._in_list(columns, found) if self._kind == "sqlite" else self._in_words(columns, found)

    def _in_arrays(self, columns: tuple[Stored, ...], keys: Sequence[tuple[Any, ...]]) -> Clause:
        """PostgreSQL takes each column's values as one array parameter, however many."""
        loosely = self._arrays([(column.sql, column.cast) if column.cast else (_exact(column), "text") for column in columns], keys)
        if not any(column.inexact for column in columns):
            return loosely
        exactly = self._arrays([(_exact(column), "text") if column.inexact or not column.cast else (column.sql, column.cast) for column in columns], keys)
        return Clause.joined(" AND ", (loosely, exactly))

    def _arrays(self, columns: Sequence[tuple[str, str]], keys: Sequence[tuple[Any, ...]]) -> Clause:
        values = tuple([_array_item(key[at]) for key in keys] for at in range(len(columns)))
        if len(columns) == 1:
            ((sql, cast),) = columns
            return Clause(f"{sql} = ANY(CAST(%s AS {_typed(cast)}[]))", values)
        arrays = ", ".join(f"CAST(%s AS {_typed(cast)}[])" for _, cast in columns)
        names = ", ".join(f"k{at}" for at in range(len(columns)))
        listed = ", ".join(sql for sql, _ in columns)
        return Clause(f"({listed}) IN (SELECT {names} FROM unnest({arrays}) AS keys ({names}))", values)

    def _in_list(self, columns: tuple[Stored, ...], keys: Sequence[tuple[Any, ...]]) -> Clause:
        """SQLite: a list of parameters, or one JSON array. `COLLATE BINARY` in a second condition leaves the first one its index."""
        values = _listed(keys) if len(columns) * len(keys) <= _PARAMETERS else _as_json(keys)
        loosely = Clause(f"{_row(column.sql for column in columns)} IN ({values.sql})", values.parameters)
        if not any(column.inexact for column in columns):
            return loosely
        exactly = Clause(f"{_row(f'{column.sql} COLLATE BINARY' for column in columns)} IN ({values.sql})", values.parameters)
        return Clause.joined(" AND ", (loosely, exactly)) if len(values.parameters) * 2 <= _PARAMETERS else exactly

    def _in_words(self, columns: tuple[Stored, ...], keys: Sequence[tuple[Any, ...]]) -> Clause:
        """MariaDB: a list of literals for one column, alternatives for several, since it finds no range for a list of rows."""
        if len(columns) == 1:
            (column,) = columns
            marks = ", ".join([self._mark] * len(keys))
            values = tuple(key[0] for key in keys)
            if not _by_text(column):
                return Clause(f"{column.sql} IN ({marks})", values)
            exact = tuple(_bytes(value) for value in values)
            return Clause(f"{column.sql} IN ({marks}) AND {_binary(column)} IN ({marks})", values + exact)
        one = " AND ".join(f"{column.sql} = %s" + (f" AND {_binary(column)} = %s" if _by_text(column) else "") for column in columns)
        values = tuple(
            each for key in keys for column, value in zip(columns, key, strict=True) for each in ((value, _bytes(value)) if _by_text(column) else (value,))
        )
        return Clause("(" + " OR ".join([f"({one})"] * len(keys)) + ")", values)

    # --- ranges and references -------------------------------------------------------------------------------------------------------

    def _between(self, column: Stored, where: Between) -> Clause:
        mark = f"CAST(%s AS {column.cast})" if self._kind == "postgresql" and column.cast else self._mark
        parts = []
        for operator, end in ((">=", where.low), ("<=", where.high)):
            if end is not None:
                form = forms(self._kind, column, end)
                if not form:
                    return NEVER
                parts.append(Clause(f"{column.sql} {operator} {mark}", (_array_item(form[0]) if self._kind == "postgresql" else form[0],)))
        return Clause.joined(" AND ", parts) if parts else ALWAYS

    def parent_keys(self, where: ChildOf) -> Iterable[Sequence[Any]]:
        """Return the key tuples of the parents that match, read beforehand."""
        return self._keys(where)

    def _child_of(self, known: Known, where: ChildOf) -> Clause:
        parent = self._known(where.parent)
        mine = tuple(self.column(known, name) for name in where.columns)
        theirs = tuple(self.column(parent, name) for name in where.parent_columns)
        if len(mine) != len(theirs):
            raise InvalidInput("A reference has as many columns as what it refers to.")
        if self._kind == "mysql":
            return self.keys_in(mine, self.parent_keys(where))
        inner = self.write(where.parent, where.where)
        pairs = [_alike(self._kind, child, other) for child, other in zip(mine, theirs, strict=True)]
        chosen = ", ".join(other for _, other in pairs)
        return Clause(f"{_row(child for child, _ in pairs)} IN (SELECT {chosen} FROM {parent.sql} WHERE {inner.sql})", inner.parameters)


def column_of(known: Known, name: str) -> Stored:
    if name not in known.columns:
        raise InvalidInput(f"{known.shape.name} has no column {name} (any more): scan the system again.", code="schema_changed")
    return known.columns[name]


def _formed(kind: str, columns: tuple[Stored, ...], keys: Iterable[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    if len(columns) == 1:
        (column,) = columns
        for (value,) in keys:
            for form in forms(kind, column, value):
                yield (form,)
    else:
        for key in keys:
            yield from product(*(forms(kind, column, value) for column, value in zip(columns, key, strict=True)))


def _row(columns: Iterable[str]) -> str:
    listed = tuple(columns)
    return listed[0] if len(listed) == 1 else f"({', '.join(listed)})"


def _typed(cast: str) -> str:
    return cast.replace("%", "%%")


def _exact(column: Stored) -> str:
    return f'CAST({column.sql} AS text) COLLATE "C"'


def _array_item(value: Any) -> Any:
    return value if isinstance(value, bytes) else str(value)


def _listed(keys: Sequence[tuple[Any, ...]]) -> Clause:
    values = tuple(value for key in keys for value in key)
    if len(keys[0]) == 1:
        return Clause(", ".join("?" * len(keys)), values)
    one = f"({', '.join('?' * len(keys[0]))})"
    return Clause(f"VALUES {', '.join([one] * len(keys))}", values)


def _as_json(keys: Sequence[tuple[Any, ...]]) -> Clause:
    if any(isinstance(value, bytes | float) or (isinstance(value, str) and "\x00" in value) for key in keys for value in key):
        raise InvalidInput(f"More than {_PARAMETERS} keys of this kind (bytes, fractions) at once; ask for fewer.", code="too_many_keys")
    if len(keys[0]) == 1:
        return Clause("SELECT value FROM json_each(?)", (json.dumps([key[0] for key in keys]),))
    chosen = ", ".join(f"json_extract(value, '$[{at}]')" for at in range(len(keys[0])))
    return Clause(f"SELECT {chosen} FROM json_each(?)", (json.dumps(keys),))


def _by_text(column: Stored) -> bool:
    return column.inexact or column.family in (Family.TEXT, Family.JSON, Family.OTHER)


def _binary(column: Stored) -> str:
    return f"CAST(CONVERT({column.sql} USING utf8mb4) AS BINARY)"


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _alike(kind: str, child: Stored, parent: Stored) -> tuple[str, str]:
    """Return both sides of a reference as they compare exactly: as they are, or as text when their types differ."""
    if kind == "sqlite":
        same = child.base == parent.base and not (child.inexact or parent.inexact) and child.family is parent.family
        return (child.sql, parent.sql) if same else (f"CAST({child.sql} AS TEXT) COLLATE BINARY", f"CAST({parent.sql} AS TEXT)")
    same = child.family is parent.family and bool(child.cast) and bool(parent.cast) and not (child.inexact or parent.inexact)
    if same and "bpchar" not in (child.base, parent.base):
        return child.sql, parent.sql
    return _exact(child), _exact(parent)
