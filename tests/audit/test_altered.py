"""What a writer of the database changes behind the triggers is told when the log is read, not shown."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from privacy.adapters.store.engine import SqlStore, connection
from privacy.audit.ports import EventFilter
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AuditBroken
from tests.audit.builders import World, event, world
from tests.cast import CAROL

Read = Callable[[World], object]
READS: dict[str, Read] = {
    "events": lambda audit: audit.trail.events(CAROL, EventFilter()),
    "bundle": lambda audit: audit.bundle(),
    "tile": lambda audit: audit.trail.tile(CAROL, "entries/000.p/4"),
}


@pytest.fixture
def audit(sqlite_store: SqlStore, fixed_clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    made = world(sqlite_store, fixed_clock, tmp_path)
    made.write(4)
    yield made
    made.log.close()


def alter(audit: World, statement: str) -> None:
    """Change a row as somebody does who may drop triggers."""

    def change(table: str) -> None:
        audit.store.run(lambda tx: connection(tx).execute(text(f"DROP TRIGGER IF EXISTS {table}_no_update")))

    for table in ("audit_leaf", "audit_event"):
        change(table)
    audit.store.run(lambda tx: connection(tx).execute(text(statement)))


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_leaf SET actor = 'client:eve' WHERE leaf_index = 2",
        "UPDATE audit_leaf SET action = 'audit:log:read' WHERE leaf_index = 2",
        "UPDATE audit_leaf SET outcome = 'failed' WHERE leaf_index = 2",
        "UPDATE audit_leaf SET object_ref = 'crm.other' WHERE leaf_index = 2",
        "UPDATE audit_leaf SET request_id = 7 WHERE leaf_index = 2",
        "UPDATE audit_event SET entry = replace(CAST(entry AS TEXT), 'bob', 'eve') WHERE seq = 3",
        "UPDATE audit_event SET entry = CAST(replace(CAST(entry AS TEXT), 'bob', 'eve') AS BLOB) WHERE seq = 3",
        "UPDATE audit_event SET entry = CAST(entry AS TEXT) WHERE seq = 3",
        "UPDATE audit_event SET entry = 5 WHERE seq = 3",
        "UPDATE audit_event SET leaf_hash = 'x' WHERE seq = 3",
    ],
)
def test_an_altered_entry_or_column_is_named_by_its_index(audit: World, change: str, read: Read) -> None:
    """Whoever reads the log is told which entry is wrong, instead of being shown a false actor or an unforeseen error."""
    read(audit)
    alter(audit, change)
    with pytest.raises(AuditBroken, match="Entry 2 "):
        read(audit)


@pytest.mark.parametrize("change", ["CAST(replace(CAST(entry AS TEXT), 'bob', 'eve') AS BLOB)", "CAST(entry AS TEXT)"])
def test_an_entry_altered_before_it_was_signed_is_not_signed(audit: World, change: str) -> None:
    """Neither with other bytes under the old hash nor with a column of another type."""
    written = audit.log.record(event())
    alter(audit, f"UPDATE audit_event SET entry = {change} WHERE event = '{written}'")
    with pytest.raises(AuditBroken, match=written):
        audit.sequencer.tick()
    assert audit.log.health()[0].size == 4
