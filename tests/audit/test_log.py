"""The log against a store that hangs, breaks or refuses: an answer in bounded time, and never a disclosure without its event."""

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from privacy.adapters.store.audit import SqlAuditRepository
from privacy.adapters.store.engine import SqlStore, connection
from privacy.audit.events import DISCLOSING, Action
from privacy.audit.log import Log
from privacy.audit.ports import EventFilter
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AuditUnavailable, InvalidInput, Misconfigured, StoreUnavailable
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx
from tests.audit.builders import World, event, seal, world
from tests.cast import BOB, CAROL, actor_as


class BrokenStore:
    """A database that does with every call what it is told: hang, or raise."""

    def __init__(self, happens: Callable[[], Any]) -> None:
        self._happens = happens

    def run(self, fn: Callable[[Tx], Any]) -> Any:
        return self._happens()

    read = run


@pytest.fixture
def audit(sqlite_store: SqlStore, fixed_clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    made = world(sqlite_store, fixed_clock, tmp_path)
    yield made
    made.log.close()


def fail_with(error: Exception) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


def test_a_store_that_hangs_is_given_up_in_time(fixed_clock: FixedClock) -> None:
    """Not even a disk that never answers holds a caller longer than the patience."""
    release = threading.Event()
    log = Log(BrokenStore(release.wait), SqlAuditRepository(), fixed_clock, seal, patience=0.05)
    with pytest.raises(AuditUnavailable):
        log.record(event())
    with pytest.raises(AuditUnavailable):
        log.probe()
    release.set()
    log.close()


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), RuntimeError("INSERT … VALUES (secret)"), TimeoutError()])
def test_whatever_breaks_the_store_the_answer_is_that_nothing_was_disclosed(fixed_clock: FixedClock, error: Exception) -> None:
    """One error for all of them, retryable, without the text of the cause."""
    log = Log(BrokenStore(fail_with(error)), SqlAuditRepository(), fixed_clock, seal)
    with pytest.raises(AuditUnavailable) as refused:
        log.record(event())
    assert refused.value.retryable
    assert "secret" not in refused.value.detail
    assert refused.value.__cause__ is None
    log.close()


def test_a_mistake_of_the_caller_stays_the_callers(fixed_clock: FixedClock, audit: World) -> None:
    """An event that is no event is not an outage."""
    with pytest.raises(InvalidInput):
        audit.log.record(event(object_ref="x" * 20_000))
    for wrong in (event(object_ref="\ud800"), event(counts={"n": 2**60}), event(counts={"数": 1})):
        with pytest.raises(InvalidInput) as refused:
            audit.log.record(wrong)
        assert "\ud800" not in refused.value.detail


def test_a_missing_table_is_an_unavailable_log(audit: World) -> None:
    """A database that lost its tables, or its grants, discloses nothing."""
    audit.store.run(lambda tx: connection(tx).execute(text("DROP TABLE audit_event")))
    with pytest.raises(AuditUnavailable):
        audit.log.record(event())


def test_a_tenant_whose_name_cannot_name_a_log_is_refused(audit: World) -> None:
    """The origin of a log is one word; nobody finds out only when a checkpoint is to be signed."""
    with pytest.raises(Misconfigured):
        audit.log.record(event(actor=actor_as("application", tenant=TenantId("two words"))))


def test_a_log_whose_first_event_was_rolled_back_begins_with_the_next(audit: World) -> None:
    """What a lost transaction knew is not believed."""

    def lose(tx: Tx) -> None:
        audit.log.append(tx, event())
        audit.log.append(tx, event())
        raise ValueError

    with pytest.raises(ValueError):
        audit.store.run(lose)
    assert len(audit.write(1)) == 1
    assert [log.log_id for log in audit.store.read(audit.repository.logs)] == ["default/1"]


def test_everything_that_hands_out_values_is_held_back_when_nobody_signs() -> None:
    """The list of disclosing actions names each way out of the service."""
    assert {Action.VALUES_REVEALED, Action.RECORDS_MASKED, Action.TEXTS_MASKED, Action.LOG_EXPORTED, Action.POLICY_ACTIVATED} <= DISCLOSING
    assert Action.CONSENT_WITHDRAWN not in DISCLOSING


def test_disclosures_open_only_for_their_own_event_and_field(audit: World) -> None:
    """What stands beside the log is sealed; who may reads it back, and the reading is an event."""
    (first,) = audit.write(1, free={"reason": "a complaint", "address": "10.0.0.1"})
    opened = audit.trail.disclosed(CAROL, first)
    assert {field: value for field, (_, value) in opened.items()} == {"reason": "a complaint", "address": "10.0.0.1"}
    stored = audit.store.read(lambda tx: connection(tx).execute(text("SELECT sealed FROM audit_disclosure")).scalars().all())
    assert not any(b"complaint" in sealed for sealed in stored)
    audit.store.run(lambda tx: connection(tx).execute(text("UPDATE audit_disclosure SET field = 'other' WHERE field = 'reason'")))
    with pytest.raises(Exception, match=r"^$"):
        audit.trail.disclosed(CAROL, first)
    audit.sequencer.drain()
    assert len(audit.trail.events(BOB, EventFilter(actions=(Action.LOG_READ,))).events) == 2


def test_the_page_for_auditors_marks_exactly_what_is_held_back() -> None:
    """docs/audit.md says with a D which actions are refused while nobody signs; it must be the list the code has."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "audit.md").read_text("utf-8")
    assert set(re.findall(r"`([a-z]+:[a-z]+:[a-z]+)` \*\*D\*\*", page)) == {action.value for action in DISCLOSING}
