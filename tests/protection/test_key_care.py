"""Looking after keys: who may, and that every rotation leaves its events."""

from dataclasses import replace

import pytest

from privacy.audit.events import Action, Event, Outcome
from privacy.crypto.keyring import KeyRing
from privacy.crypto.ports import State
from privacy.crypto.subject_keys import SubjectKeys
from privacy.kernel.errors import AccessDenied, AuditUnavailable, Conflict
from privacy.kernel.ids import DEFAULT_TENANT, EventId
from privacy.kernel.store import Tx
from privacy.protection.key_care import KeyCare
from tests.cast import ALICE, CAROL, CHARLIE, LI_XIAOMING


class ListedEvents:
    """An audit log that keeps a list, and fails on request."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.broken = False

    def append(self, tx: Tx, event: Event) -> EventId:
        return self.record(event)

    def record(self, event: Event) -> EventId:
        if self.broken:
            raise AuditUnavailable("The log cannot be written.")
        self.events.append(event)
        return EventId(str(len(self.events)))


@pytest.fixture
def log() -> ListedEvents:
    return ListedEvents()


@pytest.fixture
def care(ring: KeyRing, subject_keys: SubjectKeys, log: ListedEvents) -> KeyCare:
    return KeyCare(ring, subject_keys, log)


def test_status_tells_versions_and_counts_and_no_key(care: KeyCare, subject_keys: SubjectKeys) -> None:
    """An operator sees how the keys stand before and after a rotation."""
    subject_keys.for_writing(DEFAULT_TENANT, [LI_XIAOMING.ref])
    assert care.status(CAROL).data_keys == {State.ACTIVE: 1}
    care.rotate(ALICE)
    status = care.status(CAROL)
    assert [(each.version, each.state) for each in status.versions] == [(1, State.DESTROYED), (2, State.ACTIVE)]
    assert (status.cipher, status.digest, status.destroying_means) == ("aes-256-gcm", "sha256", "best_effort")


def test_a_rotation_is_recorded_before_and_after(care: KeyCare, log: ListedEvents) -> None:
    """A process that dies in between leaves the attempt."""
    care.rotate(ALICE, request_id="r-1")
    assert [(event.action, event.outcome, event.request_id) for event in log.events] == [
        (Action.KEYS_CHANGED, Outcome.ATTEMPTED, "r-1"),
        (Action.KEYS_CHANGED, Outcome.SUCCESS, "r-1"),
    ]
    assert log.events[-1].counts == {"version": 2, "rewrapped": 0, "retired": 1}


def test_a_failed_rotation_is_recorded_as_failed(care: KeyCare, log: ListedEvents, ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outcome in the log is what happened."""

    def refuse(tenant: str) -> int:
        raise Conflict("Another rotation runs.")

    monkeypatch.setattr(ring, "begin_version", refuse)
    with pytest.raises(Conflict):
        care.rotate(ALICE)
    assert [event.outcome for event in log.events] == [Outcome.ATTEMPTED, Outcome.FAILED]


def test_without_the_log_no_key_is_touched(care: KeyCare, log: ListedEvents) -> None:
    """No event, no rotation."""
    log.broken = True
    with pytest.raises(AuditUnavailable):
        care.rotate(ALICE)
    assert len(care.status(CAROL).versions) == 1


def test_who_has_no_right_neither_sees_nor_rotates(care: KeyCare, log: ListedEvents) -> None:
    """Charlie gets nothing; reading alone does not rotate."""
    with pytest.raises(AccessDenied):
        care.status(CHARLIE)
    for actor in (CHARLIE, replace(ALICE, scopes=frozenset({"systems:read"}))):
        with pytest.raises(AccessDenied):
            care.rotate(actor)
    assert log.events == []
