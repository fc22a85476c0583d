"""Reads the cells of a column in protection and writes them: pages by key, batches that only hit what was read.

A value travels as the text from which the database makes exactly the same cell again. Where there is none (bytes in a text column, a number in a column
without a type) the cell is not `fit`, and nothing is done to it.
"""
# ruff: noqa: S608 - names are quoted, every value is a parameter

import math
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from privacy.adapters.databases.known import Known
from privacy.adapters.databases.quoting import placeholder, quote
from privacy.adapters.databases.reading import beyond, ordering, shown
from privacy.adapters.databases.shadow_watch import Watch
from privacy.disposal.values import canonical
from privacy.kernel.plaintext import Plaintext
from privacy.protection.column_model import Layout, Which
from privacy.protection.column_ports import Cell, Key, Sealed

_AFFINITIES_OF_NUMBERS = ("integer", "real", "numeric")


class Cells:
    """Statements for one column. `follows`: columns that change by themselves on every UPDATE, and must not by ours."""

    def __init__(self, kind: str, known: Known, layout: Layout, watch: Watch, follows: Sequence[str]) -> None:
        self._kind, self._known, self._layout, self._watch = kind, known, layout, watch
        self._mark = placeholder(kind)
        self._keys = [known.columns[name] for name in layout.key]
        self._value, self._subject = known.columns[layout.field], known.columns[layout.subject]
        self._shadow, self._index = quote(kind, layout.shadow), quote(kind, layout.index)
        self._follows = "".join(f", {quote(kind, name)} = {quote(kind, name)}" for name in follows)

    # --- reading -----------------------------------------------------------------------------------------------------------------------

    def page(self, opened: Connection, which: Which, after: Key, limit: int) -> Sequence[Cell]:
        order = [ordering(self._kind, key) for key in self._keys]
        where, values = self._which(which), ()
        if after:
            later = beyond(self._kind, self._keys, after)
            where, values = f"({where}) AND {later.sql}", later.parameters
        chosen = [self._as_text(self._value.sql), shown(self._kind, self._subject), self._as_text(self._subject.sql), self._shadow, self._index, *order]
        sql = f"SELECT {', '.join(chosen)} FROM {self._known.sql} WHERE {where} ORDER BY {', '.join(order)} LIMIT {int(limit)}"
        return [self._cell(row, which) for row in opened.exec_driver_sql(sql, values)]

    def _cell(self, row: Sequence[Any], which: Which) -> Cell:
        raw, owner, subject, shadow, index, *key = row
        text, fit = self._text(raw)
        hidden = which in (Which.FILLED, Which.HIDDEN, Which.STORED) and shadow is not None and text == self._layout.empty
        who = canonical(owner) if owner is not None else ""
        number = int(index) if index is not None else None
        plain = None if hidden or text is None else Plaintext(text)
        return Cell(tuple(key), who or None, plain, (raw, subject), None if shadow is None else str(shadow), number, fit)

    def _text(self, raw: Any) -> tuple[str | None, bool]:
        if raw is None:
            return None, True
        if self._kind != "sqlite":
            return str(raw), True
        number = isinstance(raw, int | float)
        if isinstance(raw, bytes) or (number and self._value.base not in _AFFINITIES_OF_NUMBERS):
            return "", False
        if isinstance(raw, float):
            # SQLite itself writes 15 digits; these 17 come back as the same number
            return repr(raw), math.isfinite(raw)
        return str(raw), not any("\ud800" <= character <= "\udfff" for character in str(raw))

    def _which(self, which: Which) -> str:
        gone, value = self._watch.is_empty(self._value.sql), self._value.sql
        missing, held = f"({self._shadow} IS NULL OR {self._index} IS NULL)", f"{self._shadow} IS NOT NULL"
        match which:
            case Which.MISSING:
                return f"({value} IS NOT NULL AND {missing}) OR ({value} IS NULL AND {held})"
            case Which.FILLED:
                return f"{value} IS NOT NULL" if self._layout.empty is None else f"NOT {gone} OR {self._shadow} IS NULL"
            case Which.HIDDEN:
                return f"{gone} AND {held}"
            case _:
                return "1 = 1"

    def _as_text(self, column: str) -> str:
        match self._kind:
            case "sqlite":
                return column
            case "postgresql":
                return f"CAST({column} AS text)"
            case _:
                return f"CAST({column} AS CHAR)"

    # --- writing -----------------------------------------------------------------------------------------------------------------------

    def fill(self, opened: Connection, sealed: Sequence[Sealed], *, empty: bool) -> int:
        emptied = f", {quote(self._kind, self._layout.field)} = {self._watch.empty_sql()}" if empty else ""
        rows = [(each.cell, (each.shadow, each.index)) for each in sealed]
        return self._write(opened, f"{self._shadow} = {{0}}, {self._index} = {{1}}{emptied}", ("text", "bigint"), rows, guarded=self._value.sql, at=0)

    def restore(self, opened: Connection, values: Sequence[tuple[Cell, Plaintext]]) -> int:
        shape = self._known.shape.columns[self._layout.field]
        rows = [(cell, (value.reveal(),)) for cell, value in values]
        set_value = f"{quote(self._kind, self._layout.field)} = {{0}}, {self._shadow} = NULL, {self._index} = NULL"
        return self._write(opened, set_value, (shape.type,), rows, guarded=self._shadow, at=1)

    def _write(self, opened: Connection, change: str, types: Sequence[str], rows: Sequence[tuple[Cell, tuple[Any, ...]]], *, guarded: str, at: int) -> int:
        """Write rows whose `guarded` column (0: the value, 1: the shadow) and subject are still those that were read."""
        if not rows:
            return 0
        before = [(cell.raw[0] if at == 0 else cell.shadow, cell.raw[1]) for cell, _ in rows]
        if self._kind == "postgresql":
            return self._postgresql(opened, change, types, rows, before, guarded)
        marks = change.format(*[self._mark] * len(types))
        keys = " AND ".join(f"{key.sql} = {self._mark}" for key in self._keys)
        same = f"{self._same(guarded)} AND {self._same(self._subject.sql)}"
        sql = f"UPDATE {self._known.sql} SET {marks}{self._follows} WHERE {keys} AND {same}"
        parameters = [(*new, *cell.key, *old) for (cell, new), old in zip(rows, before, strict=True)]
        return int(opened.exec_driver_sql(sql, parameters).rowcount)

    def _same(self, column: str) -> str:
        if self._kind == "sqlite":
            return f"{column} COLLATE BINARY IS ?"
        return f"BINARY CAST({column} AS CHAR) <=> BINARY %s"

    def _postgresql(
        self,
        opened: Connection,
        change: str,
        types: Sequence[str],
        rows: Sequence[tuple[Cell, tuple[Any, ...]]],
        before: Sequence[tuple[Any, Any]],
        guarded: str,
    ) -> int:
        """One statement for the whole batch: arrays of texts, cast to what each column is."""
        names = [*(f"n{i}" for i in range(len(types))), *(f"k{i}" for i in range(len(self._keys))), "b0", "b1"]
        columns = zip(*((*new, *cell.key, *old) for (cell, new), old in zip(rows, before, strict=True)), strict=True)
        arrays = [[None if value is None else value if isinstance(value, str) else str(value) for value in column] for column in columns]
        news = [f"CAST(v.n{i} AS {type_.replace('%', '%%')})" for i, type_ in enumerate(types)]
        keys = [f"{ordering(self._kind, key)} = CAST(v.k{i} AS {(key.cast or 'text').replace('%', '%%')})" for i, key in enumerate(self._keys)]
        same = [f'CAST({column} AS text) COLLATE "C" IS NOT DISTINCT FROM v.{name}' for column, name in ((guarded, "b0"), (self._subject.sql, "b1"))]
        given = ", ".join(["CAST(%s AS text[])"] * len(names))
        sql = (
            f"UPDATE {self._known.sql} SET {change.format(*news)}{self._follows}"
            f" FROM unnest({given}) AS v ({', '.join(names)}) WHERE {' AND '.join([*keys, *same])}"
        )
        return int(opened.exec_driver_sql(sql, tuple(arrays)).rowcount)


def follows(opened: Connection, table: str) -> list[str]:
    """Return the columns of a table that MariaDB sets to the present time on every UPDATE that does not name them."""
    if opened.dialect.name != "mysql":
        return []
    sql = "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s AND LOWER(EXTRA) LIKE '%%on update%%'"
    return [str(row[0]) for row in opened.exec_driver_sql(sql, (table,))]
