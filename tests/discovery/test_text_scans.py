"""Scanning on behalf of somebody: recorded with counts only, before anything is answered."""

import pytest

from privacy.audit.events import Action, Event
from privacy.discovery.limits import LONGEST_CALL, LONGEST_TEXT
from privacy.discovery.scans import Scope, TextScans
from privacy.discovery.text import Detector
from privacy.kernel.errors import AuditUnavailable, InvalidInput, PayloadTooLarge
from privacy.kernel.ids import EventId
from privacy.kernel.store import Tx
from tests.cast import ALICE


class Notebook:
    """An audit log in memory; a full one refuses."""

    def __init__(self, full: bool = False) -> None:
        self.events: list[Event] = []
        self._full = full

    def record(self, event: Event) -> EventId:
        if self._full:
            raise AuditUnavailable("The log cannot be written.")
        self.events.append(event)
        return EventId(str(len(self.events)))

    def append(self, tx: Tx, event: Event) -> EventId:
        return self.record(event)


DETECTOR = Detector()
TEXTS = ["电话13800138000", "nothing here", "a@example.org and b@example.org"]


def test_texts_are_answered_in_order_and_recorded_once() -> None:
    """One list per text; one event per call."""
    log = Notebook()
    found = TextScans(DETECTOR, log).texts(ALICE, TEXTS, Scope(), "req-1")
    assert [[f.entity for f in each] for each in found] == [["CN_MOBILE"], [], ["EMAIL_ADDRESS", "EMAIL_ADDRESS"]]
    assert len(log.events) == 1


def test_the_event_holds_counts_and_no_value() -> None:
    """Who, how many, which kinds: nothing of the texts."""
    log = Notebook()
    TextScans(DETECTOR, log).texts(ALICE, TEXTS, Scope(), "req-1")
    event = log.events[0]
    assert (event.action, event.actor, event.request_id) == (Action.TEXT_SCANNED, ALICE, "req-1")
    assert event.counts == {"items": 3, "findings": 3, "CN_MOBILE": 1, "EMAIL_ADDRESS": 2}
    assert "13800138000" not in repr(event)
    assert "example.org" not in repr(event)


def test_nothing_is_answered_when_the_log_refuses() -> None:
    """No event, no findings."""
    with pytest.raises(AuditUnavailable):
        TextScans(DETECTOR, Notebook(full=True)).texts(ALICE, TEXTS, Scope())


def test_the_name_of_a_field_is_a_label_of_its_value() -> None:
    """Offsets count in the value; values that are not text are read as text; flags and gaps are left out."""
    record = {
        "customer_name": "Rosa Lindqvist",
        "lastName": "Okonkwo",
        "phone": "467 3395",
        "mobile": 13800138000,
        "active": True,
        "note": None,
        "order number": "467 3395",
    }
    found = TextScans(DETECTOR, Notebook()).records(ALICE, [record], Scope())[0]
    assert [(f.field, f.finding.entity, f.finding.start, f.finding.end) for f in found] == [
        ("customer_name", "PERSON", 0, 14),
        ("lastName", "PERSON", 0, 7),
        ("phone", "PHONE_NUMBER", 0, 8),
        ("mobile", "CN_MOBILE", 0, 11),
    ]


def test_the_scope_narrows_what_is_looked_for() -> None:
    """Entities and threshold reach the detector."""
    scope = Scope(entities=frozenset({"EMAIL_ADDRESS"}))
    assert [len(each) for each in TextScans(DETECTOR, Notebook()).texts(ALICE, TEXTS, scope)] == [0, 0, 2]


def test_nothing_and_too_much_are_refused() -> None:
    """With the place and the remedy."""
    scans = TextScans(DETECTOR, Notebook(), max_items=2)
    with pytest.raises(InvalidInput):
        scans.texts(ALICE, [], Scope())
    with pytest.raises(PayloadTooLarge, match="2"):
        scans.records(ALICE, [{}, {}, {}], Scope())


def test_texts_beyond_what_a_call_scans_are_refused_with_their_place() -> None:
    """A caller must not keep a thread busy for minutes; the place is named, the text is not."""
    scans = TextScans(DETECTOR, Notebook())
    with pytest.raises(PayloadTooLarge) as caught:
        scans.texts(ALICE, ["short", "1 " * LONGEST_TEXT], Scope())
    assert caught.value.flaws[0].pointer == "/texts/1"
    with pytest.raises(PayloadTooLarge) as caught:
        scans.records(ALICE, [{"note": "a" * LONGEST_TEXT}] * (LONGEST_CALL // LONGEST_TEXT + 1), Scope())
    assert caught.value.flaws[0].pointer == "/records"
