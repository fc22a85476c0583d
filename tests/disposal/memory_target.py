"""A small faithful `Target` in memory: conditions, keys, references with their rules, NOT NULL, UNIQUE, markers. The memory member of the targets' contract."""

import copy
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from privacy.disposal.target import (
    Applied,
    Before,
    Between,
    Both,
    Cells,
    ChildOf,
    ColumnShape,
    Delete,
    Equals,
    ForeignKeyShape,
    Hit,
    IsNull,
    KeysIn,
    Not,
    Rehearsal,
    Statement,
    TableShape,
    Violation,
    Where,
)
from privacy.disposal.values import as_instant, canonical, canonical_key
from privacy.kernel.errors import Conflict, ConnectorUnavailable
from privacy.kernel.plaintext import Plaintext

Rows = dict[str, list[dict[str, Any]]]


class Broken(Exception):
    def __init__(self, kind: str, name: str) -> None:
        super().__init__(kind)
        self.kind, self.name = kind, name


def shape(
    name: str,
    columns: str,
    *,
    key: tuple[str, ...] = ("id",),
    keys: Sequence[ForeignKeyShape] = (),
    unique: Sequence[tuple[str, ...]] = (),
    indexes: Sequence[tuple[str, ...]] = (),
) -> TableShape:
    """Make a shape from words: `id:integer! name:text? email:text!20` (`!` NOT NULL, a number its length)."""
    made = {}
    for word in columns.split():
        column, _, kind = word.partition(":")
        required = "!" in kind
        family, _, length = kind.replace("?", "!").partition("!")
        made[column] = ColumnShape(column, family, family, nullable=not required, length=int(length) if length else None)
    return TableShape(name, made, key, tuple(keys), tuple(unique), indexes=(key, *unique, *indexes))


@dataclass
class MemoryTarget:
    """`broken_after`: batches after which the database stops answering; `before_apply` is called before each batch."""

    tables: dict[str, TableShape]
    rows: Rows
    kind: str = "sqlite"
    read_only: bool = False
    broken_after: int | None = None
    before_apply: Callable[[int], None] = lambda _batch: None
    markers: dict[tuple[str, int], tuple[int, Applied]] = field(default_factory=dict)
    tidied: list[tuple[str, ...]] = field(default_factory=list)

    def shapes(self) -> Mapping[str, TableShape]:
        return self.tables

    def fingerprint(self, tables: Sequence[str]) -> str:
        wanted = set(tables) | {name for name, each in self.tables.items() if any(key.parent in tables for key in each.foreign_keys)}
        return hashlib.sha256(repr([self.tables[name] for name in sorted(wanted) if name in self.tables]).encode()).hexdigest()

    def select(self, table: str, columns: Sequence[str], where: Where, *, limit: int | None = None) -> Iterator[Cells]:
        key = self.tables[table].primary_key
        found = sorted((row for row in self.rows[table] if self._holds(row, where)), key=lambda row: [_order(row[name]) for name in key])
        yield from [Cells(row[column] for column in columns) for row in found[:limit]]

    def count(self, table: str, where: Where) -> int:
        return sum(self._holds(row, where) for row in self.rows[table])

    def rehearse(self, statements: Sequence[Statement], *, seconds: float = 30.0) -> Rehearsal:
        scratch = MemoryTarget(self.tables, copy.deepcopy(self.rows))
        before = {table: len(rows) for table, rows in scratch.rows.items()}
        counts: list[int] = []
        for number, statement in enumerate(statements):
            try:
                counts.append(scratch._run(statement))
            except Broken as broken:
                return Rehearsal(tuple(counts), Violation(number, broken.kind, broken.name, "a constraint refuses it"))
        planned: dict[str, int] = {}
        for statement, count in zip(statements, counts, strict=True):
            if isinstance(statement, Delete):
                planned[statement.table] = planned.get(statement.table, 0) + count
        also = {table: gone for table, rows in scratch.rows.items() if (gone := before[table] - len(rows) - planned.get(table, 0))}
        return Rehearsal(tuple(counts), None, also)

    def apply(self, run: str, batch: int, token: int, statements: Sequence[Statement]) -> Applied:
        if self.read_only:
            raise Conflict("The database is read-only.", code="read_only")
        self.before_apply(batch)
        if self.broken_after is not None and batch >= self.broken_after:
            raise ConnectorUnavailable("The database does not answer.")
        if (run, batch) in self.markers:
            found = self.markers[run, batch][1]
            return Applied(found.run, found.batch, found.rows, again=True)
        if any(known > token for (other, _), (known, _) in self.markers.items() if other == run):
            raise Conflict("Another worker has taken over.", code="lease_lost")
        kept = copy.deepcopy(self.rows)
        try:
            done = Applied(run, batch, tuple(self._run(statement) for statement in statements))
        except Broken as broken:
            self.rows = kept
            raise Conflict(f"A constraint of the database refuses it: {broken.kind}.", code="constraint_violated") from None
        self.markers[run, batch] = token, done
        return done

    def applied(self, run: str) -> Sequence[Applied]:
        return [done for (of, _), (_, done) in sorted(self.markers.items(), key=lambda item: item[0]) if of == run]

    def boundaries(self, table: str, where: Where, rows: int) -> Iterator[tuple[object, object]]:
        (key,) = self.tables[table].primary_key
        found = sorted(row[key] for row in self.rows[table] if self._holds(row, where))
        for start in range(0, len(found), rows):
            part = found[start : start + rows]
            yield part[0], part[-1]

    def residue(self, table: str, columns: Sequence[str], needles: Sequence[Plaintext], *, limit: int = 100) -> Iterator[Hit]:
        key = self.tables[table].primary_key
        hits = 0
        for row in self.rows[table]:
            for column in columns:
                text = str(row[column] or "").casefold()
                if hits < limit and any(needle.reveal().casefold() in text for needle in needles):
                    hits += 1
                    yield Hit(table, column, [row[name] for name in key], "exact")

    def tidy(self, tables: Sequence[str]) -> None:
        self.tidied.append(tuple(tables))

    def close(self) -> None: ...

    # --- statements ---------------------------------------------------------------------------------------------------------------------

    def _run(self, statement: Statement) -> int:
        found = [row for row in self.rows[statement.table] if self._holds(row, statement.where)]
        if isinstance(statement, Delete):
            self._delete(statement.table, found)
        else:
            for row in found:
                own = statement.per_row.get(tuple(row[name] for name in statement.key_columns), {}) if statement.per_row else {}
                row.update({**statement.values, **own})
        self._check()
        return len(found)

    def _delete(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        gone = {id(row) for row in rows}
        self.rows[table] = [row for row in self.rows[table] if id(row) not in gone]
        for child, each in self.tables.items():
            for key in each.foreign_keys:
                if key.parent == table and key.on_delete in ("cascade", "set null"):
                    values = {tuple(row[name] for name in key.parent_columns) for row in rows}
                    pointing = [row for row in self.rows[child] if tuple(row[name] for name in key.columns) in values]
                    if key.on_delete == "cascade" and pointing:
                        self._delete(child, pointing)
                    for row in pointing if key.on_delete == "set null" else ():
                        row.update(dict.fromkeys(key.columns))

    def _check(self) -> None:
        for name, each in self.tables.items():
            for column in each.columns.values():
                if not column.nullable and any(row[column.name] is None for row in self.rows[name]):
                    raise Broken("not_null", column.name)
            for columns in (each.primary_key, *each.unique):
                values = [tuple(row[column] for column in columns) for row in self.rows[name] if all(row[column] is not None for column in columns)]
                if columns and len(values) != len(set(values)):
                    raise Broken("unique", "+".join(columns))
            for key in each.foreign_keys:
                parents = {tuple(row[column] for column in key.parent_columns) for row in self.rows[key.parent]}
                for row in self.rows[name]:
                    value = tuple(row[column] for column in key.columns)
                    if None not in value and value not in parents:
                        raise Broken("foreign_key", "+".join(key.columns))

    # --- conditions ---------------------------------------------------------------------------------------------------------------------

    def _holds(self, row: Mapping[str, Any], where: Where) -> bool:
        if isinstance(where, KeysIn):
            values = [row[column] for column in where.columns]
            return None not in values and canonical_key(values) in {canonical_key(key) for key in where.keys}
        if isinstance(where, Between):
            value = row[where.column]
            return value is not None and (where.low is None or value >= where.low) and (where.high is None or value <= where.high)
        if isinstance(where, Before):
            return _before(row[where.column], where.instant)
        if isinstance(where, IsNull):
            return (row[where.column] is None) is not where.negated
        if isinstance(where, Equals):
            return row[where.column] is not None and canonical(row[where.column]) == canonical(where.value)
        if isinstance(where, ChildOf):
            values = [row[column] for column in where.columns]
            parents = (each for each in self.rows[where.parent] if self._holds(each, where.where))
            return None not in values and any(canonical_key(values) == canonical_key(each[name] for name in where.parent_columns) for each in parents)
        if isinstance(where, Both):
            return all(self._holds(row, part) for part in where.parts)
        assert isinstance(where, Not)
        return not self._holds(row, where.where)


def _before(value: Any, instant: datetime | date) -> bool:
    limit = instant if isinstance(instant, datetime) else datetime(instant.year, instant.month, instant.day, tzinfo=UTC)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value < limit.astimezone(UTC).date()
    found = as_instant(value)
    return found is not None and found < limit


def _order(value: Any) -> tuple[bool, str, Any]:
    return value is not None, type(value).__name__, value if value is not None else 0
