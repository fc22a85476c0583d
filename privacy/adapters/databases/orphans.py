"""SQLite says that a foreign key stopped a change, not which; and what is deferred it says on commit only. Both are found by looking for orphans.

Orphans that were there before do not count: many files were filled while foreign keys were off.
"""

import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from privacy.adapters.databases.known import Known
from privacy.adapters.databases.statements import Runner
from privacy.adapters.databases.violations import Refusal
from privacy.disposal.target import Statement, Violation

Orphans = Counter[tuple[str, str]]
_REFUSED = Refusal("foreign_key")


class Deferred:
    """Compares orphans before and after, in tables whose foreign keys wait for the commit. On other databases there is nothing to do."""

    def __init__(self, opened: Connection, tables: Mapping[str, Known], statements: Iterable[Statement]) -> None:
        self._opened = opened
        self._tables = tables
        near = _near(tables, {statement.table for statement in statements}) if opened.dialect.name == "sqlite" else set()
        self._watched = {name for name in near if tables[name].deferred}
        self._before = orphans(opened, tables, self._watched)

    def violation(self, last: int) -> Violation | None:
        """Return what a commit now would refuse; `last` is the statement it is told of, since SQLite does not know which one it was."""
        new = orphans(self._opened, self._tables, self._watched) - self._before
        return Violation(last, "foreign_key", _named(new), _REFUSED.detail) if new else None


def orphans(opened: Connection, tables: Mapping[str, Known], names: Iterable[str]) -> Orphans:
    """Count rows without a parent by (child, parent)."""
    found: Orphans = Counter()
    for name in sorted(names):
        for child, _, parent, _ in opened.exec_driver_sql(f"PRAGMA foreign_key_check({tables[name].sql})"):
            found[str(child), str(parent)] += 1
    return found


def name_of(opened: Connection, tables: Mapping[str, Known], runner: Runner, statement: Statement) -> str:
    """Return which reference a refused statement breaks: it is run once more with foreign keys deferred. Empty where that does not tell."""
    near = _near(tables, {statement.table})
    with contextlib.suppress(DBAPIError):
        before = orphans(opened, tables, near)
        opened.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        runner.run(statement)
        return _named(orphans(opened, tables, near) - before)
    return ""


def _near(tables: Mapping[str, Known], names: set[str]) -> set[str]:
    children = {child for child, known in tables.items() if any(key.parent in names for key in known.shape.foreign_keys)}
    return {name for name in names | children if name in tables and tables[name].shape.kind == "table"}


def _named(found: Orphans) -> str:
    return ", ".join(f"{child} → {parent}" for child, parent in sorted(found))
