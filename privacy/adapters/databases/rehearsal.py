"""Runs statements and rolls them back: exact counts, what cascades and triggers would take with them, or the first constraint that stops it."""

import contextlib
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from privacy.adapters.databases.conditions import Conditions
from privacy.adapters.databases.known import Known
from privacy.adapters.databases.limits import limit_time, unlimit_time
from privacy.adapters.databases.orphans import Deferred, name_of
from privacy.adapters.databases.side_effects import watch
from privacy.adapters.databases.statements import Runner
from privacy.adapters.databases.violations import Refusal, refusal
from privacy.adapters.databases.writable import STATEMENT_SECONDS
from privacy.disposal.target import Rehearsal, Statement, Violation
from privacy.kernel.errors import Conflict


def rehearse(opened: Connection, tables: Mapping[str, Known], conditions: Conditions, statements: Sequence[Statement], seconds: float) -> Rehearsal:
    """Run in the caller's transaction, which is rolled back here in any case."""
    watched = watch(opened, tables, conditions, statements)
    runner = Runner(opened, tables, conditions)
    rows: list[int] = []
    try:
        limit_time(opened, seconds)
        deferred = Deferred(opened, tables, statements)
        watched.begin()
        for statement in statements:
            watched.before(statement)
            rows.append(runner.run(statement))
        _check_deferred(opened)
        if later := deferred.violation(len(statements) - 1):
            return Rehearsal(tuple(rows), later)
        beside = watched.beside(statements, rows)
        return Rehearsal(tuple(rows), also_changed=beside.changed, added=beside.added)
    except DBAPIError as error:
        why = refusal(error)  # a time-out is no constraint either
        if not why.kind:
            raise
        at = min(len(rows), len(statements) - 1)
        if opened.dialect.name == "sqlite" and why.kind == "foreign_key":
            why = Refusal(why.kind, name_of(opened, tables, runner, statements[at]))
        return Rehearsal(tuple(rows), why.violation(at))
    except Conflict as refused:
        return Rehearsal(tuple(rows), Violation(len(rows), "other", statements[len(rows)].table, refused.detail))
    finally:
        with contextlib.suppress(DBAPIError):  # on PostgreSQL a failed transaction takes its own bound along
            unlimit_time(opened, STATEMENT_SECONDS)
        opened.rollback()


def _check_deferred(opened: Connection) -> None:
    if opened.dialect.name == "postgresql":
        opened.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
