"""Runs the statements of a batch: one SQL statement for each where the database can, in bounded pieces where it cannot."""
# ruff: noqa: S608 - names are quoted, every value is a parameter

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from privacy.adapters.databases.conditions import Clause, Conditions, column_of
from privacy.adapters.databases.forms import forms
from privacy.adapters.databases.known import Known, Stored
from privacy.adapters.databases.quoting import placeholder, quote
from privacy.discovery.shapes import Family
from privacy.disposal.target import Both, ChildOf, Delete, KeysIn, Not, Statement, Update, Where
from privacy.kernel.errors import Conflict

# beyond some 16,000 literals MariaDB's optimiser gives up the index
_LITERALS = 4_000


class Runner:
    """Runs statements on one connection, inside the caller's transaction."""

    def __init__(self, opened: Connection, tables: Mapping[str, Known], conditions: Conditions) -> None:
        self._opened = opened
        self._kind = opened.dialect.name
        self._tables = tables
        self._conditions = conditions

    def run(self, statement: Statement) -> int:
        """Run one statement and return how many rows it changed. Raises Conflict for a table whose changes could not be rolled back."""
        known = self._tables.get(statement.table)
        if known is None or known.unsafe:
            why = known.unsafe if known else "it is not there (any more)"
            raise Conflict(f"{statement.table} cannot be changed: {why}.", code="not_transactional" if known and "engine" in why else "schema_changed")
        return sum(self._piece(known, replace(statement, where=where)) for where in self._pieces(statement.where))

    def _piece(self, known: Known, statement: Statement) -> int:
        where = self._conditions.write(statement.table, statement.where)
        if isinstance(statement, Delete):
            return self._do(Clause(f"DELETE FROM {known.sql} WHERE {where.sql}", where.parameters))
        if statement.per_row:
            return self._rows_and_rest(known, statement, where)
        if not statement.values:
            return 0
        return self._do(
            Clause.joined(" ", (Clause(f"UPDATE {known.sql} SET"), self._set(known, statement.values), Clause(f"WHERE {where.sql}", where.parameters)))
        )

    def _pieces(self, where: Where) -> Iterator[Where]:
        """Cut a long list of keys on MariaDB: the pieces together are the whole, since no key stands in two."""
        if self._kind != "mysql":
            yield where
            return
        parts = where.parts if isinstance(where, Both) else (where,)
        longest = max((part for part in parts if isinstance(part, KeysIn | ChildOf)), key=_size, default=None)
        if isinstance(longest, ChildOf):
            keys: Sequence[tuple[Any, ...]] = tuple(map(tuple, self._conditions.parent_keys(longest)))
            others = tuple(part for part in parts if part is not longest)
            yield from self._pieces(Both((KeysIn(longest.columns, tuple(dict.fromkeys(keys))), *others)))
        elif longest is None or len(longest.keys) <= _LITERALS:
            yield where
        else:
            distinct = tuple(dict.fromkeys(longest.keys))
            others = tuple(part for part in parts if part is not longest)
            for begin in range(0, len(distinct), _LITERALS):
                yield Both((KeysIn(longest.columns, distinct[begin : begin + _LITERALS]), *others))

    def _set(self, known: Known, values: Mapping[str, Any]) -> Clause:
        mark = placeholder(self._kind)
        assigned = ", ".join(f"{quote(self._kind, name)} = {mark}" for name in values)
        return Clause(assigned, tuple(_stored(column_of(known, name), value) for name, value in values.items()))

    def _rows_and_rest(self, known: Known, update: Update, where: Clause) -> int:
        """Rows with values of their own get them beside the fixed ones; the others that match get the fixed ones alone."""
        changed = sum(self._per_row(known, update, where, columns, rows) for columns, rows in _by_columns(update))
        if not update.values or _only_rows_of(update):
            return changed
        rest = Both((update.where, Not(KeysIn(update.key_columns, tuple(update.per_row)))))
        return changed + self._piece(known, Update(update.table, rest, update.values))

    def _per_row(self, known: Known, update: Update, where: Clause, columns: tuple[str, ...], rows: Sequence[tuple[tuple[Any, ...], Mapping[str, Any]]]) -> int:
        keys = tuple(column_of(known, name) for name in update.key_columns)
        found = [(key, values) for given, values in rows for key in [_one_form(self._kind, keys, given)] if key is not None]
        if self._kind == "postgresql":
            return sum(self._by_arrays(known, update, where, columns, found[begin : begin + 20_000]) for begin in range(0, len(found), 20_000))
        return self._one_by_one(known, update, where, columns, found)

    def _by_arrays(self, known: Known, update: Update, where: Clause, columns: tuple[str, ...], rows: Sequence[tuple[Any, Any]]) -> int:
        """PostgreSQL: one UPDATE joined to arrays of keys and values."""
        keys = [column_of(known, name) for name in update.key_columns]
        given = [column_of(known, name) for name in columns]
        casts = [*((column.cast or "text") for column in keys), *((column.cast or "text") for column in given)]
        names = [*(f"k{at}" for at in range(len(keys))), *(f"v{at}" for at in range(len(given)))]
        arrays = ", ".join(f"CAST(%s AS {cast.replace('%', '%%')}[])" for cast in casts)
        values = tuple(
            [[_item(key[at]) for key, _ in rows] for at in range(len(keys))]
            + [[_item(_stored(column, row[name])) for _, row in rows] for name, column in zip(columns, given, strict=True)]
        )
        assigned = [Clause(", ".join(f"{quote(self._kind, name)} = rows_given.v{at}" for at, name in enumerate(columns)))]
        assigned += [self._set(known, update.values)] if update.values else []
        # the exact comparison is left to `where` and to the keys themselves, which come from this very column
        joined = " AND ".join(f"{column.sql if column.cast else f'CAST({column.sql} AS text)'} = rows_given.k{at}" for at, column in enumerate(keys))
        head = Clause(f"UPDATE {known.sql} SET")
        tail = Clause(f"FROM unnest({arrays}) AS rows_given ({', '.join(names)}) WHERE {joined} AND ({where.sql})", (*values, *where.parameters))
        return self._do(Clause.joined(" ", (head, Clause.joined(", ", assigned), tail)))

    def _one_by_one(self, known: Known, update: Update, where: Clause, columns: tuple[str, ...], rows: Sequence[tuple[Any, Any]]) -> int:
        keys = tuple(column_of(known, name) for name in update.key_columns)
        changed = 0
        for key, values in rows:
            assigned = self._set(known, {**update.values, **{name: values[name] for name in columns}})
            exact = self._conditions.keys_in(keys, [key])
            parts = (Clause(f"UPDATE {known.sql} SET"), assigned, Clause("WHERE"), exact, Clause(f"AND ({where.sql})", where.parameters))
            changed += self._do(Clause.joined(" ", parts))
        return changed

    def _do(self, clause: Clause) -> int:
        return self._opened.exec_driver_sql(clause.sql, clause.parameters).rowcount


def _only_rows_of(update: Update) -> bool:
    """Does the condition name no row but those with values of their own?"""
    where = update.where
    return isinstance(where, KeysIn) and where.columns == update.key_columns and set(where.keys) <= set(update.per_row)


def _size(where: KeysIn | ChildOf) -> float:
    return float("inf") if isinstance(where, ChildOf) else len(where.keys)


def _by_columns(update: Update) -> Iterator[tuple[tuple[str, ...], Sequence[tuple[tuple[Any, ...], Mapping[str, Any]]]]]:
    """Group rows that set the same columns."""
    rows = sorted(update.per_row.items(), key=lambda row: sorted(row[1]))
    for columns, group in groupby(rows, key=lambda row: tuple(sorted(row[1]))):
        yield columns, list(group)


def _one_form(kind: str, columns: Sequence[Stored], key: Sequence[Any]) -> tuple[Any, ...] | None:
    found = [forms(kind, column, value) for column, value in zip(columns, key, strict=True)]
    return tuple(each[0] for each in found) if all(found) else None


def _stored(column: Stored, value: Any) -> Any:
    """A number for a text column is written as text; the database converts the other way by itself."""
    return str(value) if column.family is Family.TEXT and isinstance(value, int) and not isinstance(value, bool) else value


def _item(value: Any) -> Any:
    return value if value is None or isinstance(value, bytes) else str(value)
