"""Runs statements and rolls them back: exact counts, what cascades and triggers would take with them, or the first constraint that stops it."""

import time
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from privacy.adapters.databases.conditions import Conditions
from privacy.adapters.databases.known import Known
from privacy.adapters.databases.side_effects import beside, watch
from privacy.adapters.databases.statements import Runner
from privacy.adapters.databases.violations import refusal
from privacy.disposal.target import Rehearsal, Statement, Violation
from privacy.kernel.errors import Conflict


def rehearse(opened: Connection, tables: Mapping[str, Known], conditions: Conditions, statements: Sequence[Statement], seconds: float) -> Rehearsal:
    """Run in the caller's transaction, which is rolled back here in any case."""
    watched = watch(opened, tables, conditions, statements)
    runner = Runner(opened, tables, conditions)
    rows: list[int] = []
    try:
        _limit(opened, seconds)
        watched.begin()
        for statement in statements:
            watched.before(statement)
            rows.append(runner.run(statement))
        _check_deferred(opened)
        return Rehearsal(tuple(rows), also_changed=beside(watched.total(), statements, rows))
    except DBAPIError as error:
        why = refusal(error)
        if not why.kind:
            raise
        return Rehearsal(tuple(rows), why.violation(min(len(rows), len(statements) - 1)))
    except Conflict as refused:
        return Rehearsal(tuple(rows), Violation(len(rows), "other", statements[len(rows)].table, refused.detail))
    finally:
        opened.rollback()


def _limit(opened: Connection, seconds: float) -> None:
    """Bound the whole: a rehearsal holds locks while it runs."""
    milliseconds = max(1, int(seconds * 1000))
    if opened.dialect.name == "postgresql":
        opened.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
    elif opened.dialect.name == "sqlite":
        deadline = time.monotonic() + seconds
        driver = opened.connection.driver_connection
        assert driver is not None
        driver.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)


def _check_deferred(opened: Connection) -> None:
    if opened.dialect.name == "postgresql":
        opened.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
