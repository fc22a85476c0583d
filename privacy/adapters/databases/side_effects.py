"""Rows that cascades and triggers change or add beside a statement's own, counted inside the rehearsal's transaction.

PostgreSQL counts every change of a transaction itself; on SQLite temporary triggers of ours do. MariaDB tells nothing: there the rows that
foreign keys take are counted beforehand, tables that a trigger's text names before and after (so a trigger's UPDATE is not seen, and of rows it adds
and deletes only the difference is).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from privacy.adapters.databases.conditions import Conditions
from privacy.adapters.databases.counting import count
from privacy.adapters.databases.known import Known
from privacy.adapters.databases.quoting import quote
from privacy.adapters.databases.shapes import acting_keys
from privacy.disposal.target import Both, ChildOf, Delete, Not, Statement, Where

_WATCH = "_privacy_steward_watch"


@dataclass(frozen=True, slots=True)
class Beside:
    """Rows by table, without the statements' own: `changed` holds deleted ones too."""

    changed: Mapping[str, int]
    added: Mapping[str, int]


class Watch(Protocol):
    """Counts changes by table between two moments of a transaction."""

    def begin(self) -> None: ...

    def before(self, statement: Statement) -> None:
        """Look at what `statement` is about to take with it."""

    def beside(self, statements: Sequence[Statement], rows: Sequence[int]) -> Beside:
        """Return what happened since `begin`, without the statements' own `rows`."""


def watch(opened: Connection, tables: Mapping[str, Known], conditions: Conditions, statements: Sequence[Statement]) -> Watch:
    kinds: Mapping[str, type[_Triggers | _Statistics | _Counts]] = {"sqlite": _Triggers, "postgresql": _Statistics, "mysql": _Counts}
    return kinds[opened.dialect.name](opened, tables, conditions, statements)


def _filled(total: Mapping[str, int]) -> dict[str, int]:
    return {table: number for table, number in sorted(total.items()) if number > 0}


def _without(total: Mapping[str, int], statements: Sequence[Statement], rows: Sequence[int]) -> dict[str, int]:
    left = dict(total)
    for statement, own in zip(statements, rows, strict=True):
        left[statement.table] = left.get(statement.table, 0) - own
    return _filled(left)


class _Statistics:
    _SQL = """
    SELECT n.nspname, c.relname, sum(s.n_tup_upd + s.n_tup_del), sum(s.n_tup_ins)
    FROM pg_catalog.pg_stat_xact_user_tables s
    JOIN pg_catalog.pg_class c ON c.oid = coalesce(pg_catalog.pg_partition_root(s.relid), s.relid) JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    GROUP BY 1, 2 HAVING sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del) > 0
    """

    def __init__(self, opened: Connection, tables: Mapping[str, Known], _conditions: Conditions, _statements: Sequence[Statement]) -> None:
        self._opened = opened
        self._names = {known.sql: name for name, known in tables.items()}
        self._before: Mapping[str, tuple[int, int]] = {}

    def begin(self) -> None:
        self._before = self._read()

    def before(self, statement: Statement) -> None:
        """Nothing: the server counts."""

    def beside(self, statements: Sequence[Statement], rows: Sequence[int]) -> Beside:
        since = {name: (changed - self._known(name)[0], added - self._known(name)[1]) for name, (changed, added) in self._read().items()}
        changed = {name: changed for name, (changed, _) in since.items()}
        return Beside(_without(changed, statements, rows), _filled({name: added for name, (_, added) in since.items()}))

    def _known(self, name: str) -> tuple[int, int]:
        return self._before.get(name, (0, 0))

    def _read(self) -> Mapping[str, tuple[int, int]]:
        found = self._opened.exec_driver_sql(self._SQL, execution_options={"no_parameters": True})
        named = ((f"{quote('postgresql', schema)}.{quote('postgresql', name)}", int(changed), int(added)) for schema, name, changed, added in found)
        return {self._names[sql]: (changed, added) for sql, changed, added in named if sql in self._names}


class _Triggers:
    def __init__(self, opened: Connection, tables: Mapping[str, Known], _conditions: Conditions, statements: Sequence[Statement]) -> None:
        self._opened = opened
        shapes = {name: known.shape for name, known in tables.items()}
        affected = {statement.table for statement in statements}
        reached = affected | {found.child for found in acting_keys(shapes, affected)}
        real = [name for name, known in tables.items() if known.shape.kind == "table" and not known.unsafe and known.columns]
        # a trigger may write anywhere
        self._names = real if any(shapes[name].triggers for name in reached if name in shapes) else [name for name in real if name in reached]
        self._tables = tables

    def begin(self) -> None:
        self._do(f"CREATE TEMP TABLE {_WATCH} (at INTEGER PRIMARY KEY, changed INTEGER NOT NULL, added INTEGER NOT NULL)")
        for at, name in enumerate(self._names):
            self._do(f"INSERT INTO {_WATCH} VALUES ({at}, 0, 0)")  # noqa: S608 - fixed names and our own number
            for happening in ("INSERT", "UPDATE", "DELETE"):
                trigger = f"{_WATCH}_{at}_{happening.lower()}"
                told = "added" if happening == "INSERT" else "changed"
                count_up = f"UPDATE {_WATCH} SET {told} = {told} + 1 WHERE at = {at};"  # noqa: S608
                self._do(f"CREATE TEMP TRIGGER {trigger} AFTER {happening} ON main.{self._tables[name].sql} BEGIN {count_up} END")

    def before(self, statement: Statement) -> None:
        """Nothing: the triggers count."""

    def beside(self, statements: Sequence[Statement], rows: Sequence[int]) -> Beside:
        found = {row[0]: (int(row[1]), int(row[2])) for row in self._opened.exec_driver_sql(f"SELECT at, changed, added FROM {_WATCH}")}  # noqa: S608
        changed = {name: found[at][0] for at, name in enumerate(self._names)}
        return Beside(_without(changed, statements, rows), _filled({name: found[at][1] for at, name in enumerate(self._names)}))

    def _do(self, sql: str) -> None:
        self._opened.exec_driver_sql(sql)


class _Counts:
    def __init__(self, opened: Connection, tables: Mapping[str, Known], conditions: Conditions, statements: Sequence[Statement]) -> None:
        self._opened = opened
        self._tables = tables
        self._conditions = conditions
        self._shapes = {name: known.shape for name, known in tables.items()}
        self._deleted = {statement.table for statement in statements if isinstance(statement, Delete)}
        self._affected = {statement.table for statement in statements}
        self._sizes: dict[str, int] = {}
        self._set_null: dict[str, int] = {}

    def begin(self) -> None:
        cascades = {found.child for found in acting_keys(self._shapes, self._deleted) if found.key.on_delete == "cascade"}
        self._sizes = {name: self._size(name) for name in cascades | self._named_by_triggers(self._affected | cascades)}

    def before(self, statement: Statement) -> None:
        if not isinstance(statement, Delete):
            return
        for child, wheres in self._emptied(statement).items():
            either = Not(Both(tuple(Not(where) for where in wheres)))
            self._set_null[child] = self._set_null.get(child, 0) + self._count(child, either)

    def beside(self, statements: Sequence[Statement], rows: Sequence[int]) -> Beside:
        own: dict[str, int] = {}
        for statement, number in zip(statements, rows, strict=True):
            if isinstance(statement, Delete):
                own[statement.table] = own.get(statement.table, 0) + number
        lost = {name: size - self._size(name) - own.get(name, 0) for name, size in self._sizes.items()}
        changed = {name: number for name, number in lost.items() if number > 0}
        for name, number in self._set_null.items():
            changed[name] = changed.get(name, 0) + number
        return Beside(_filled(changed), _filled({name: -number for name, number in lost.items()}))

    def _emptied(self, statement: Delete) -> Mapping[str, list[Where]]:
        found: dict[str, list[Where]] = {}
        for child, where in self._reached(statement.table, statement.where, (statement.table,)):
            found.setdefault(child, []).append(where)
        return found

    def _reached(self, parent: str, where: Where, path: tuple[str, ...]) -> Iterator[tuple[str, Where]]:
        for child, shape in self._shapes.items():
            for key in shape.foreign_keys:
                if key.parent == parent and key.on_delete in ("set null", "set default"):
                    yield child, ChildOf(key.columns, parent, key.parent_columns, where)
                elif key.parent == parent and key.on_delete == "cascade" and child not in path:
                    yield from self._reached(child, ChildOf(key.columns, parent, key.parent_columns, where), (*path, child))

    def _named_by_triggers(self, tables: set[str]) -> set[str]:
        texts = " ".join(text for name in tables if name in self._tables for text in self._tables[name].trigger_words.values()).lower()
        return {name for name, known in self._tables.items() if known.shape.kind == "table" and name.lower() in texts}

    def _size(self, name: str) -> int:
        return self._count(name, Both())

    def _count(self, name: str, where: Where) -> int:
        return count(self._opened, self._tables[name], self._conditions, where)
