"""Detection over HTTP: places and kinds, for those who may, recorded before it is answered."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from privacy.audit.events import Action, Event
from privacy.discovery.text import Detector
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AuditUnavailable
from privacy.kernel.ids import EventId
from privacy.web import create_app
from tests.web.browser import Browser
from tests.web.conftest import Company, token_for

DETECT = "/api/v1/detect"


@dataclass(slots=True)
class Notebook:
    """A log in memory that can be made to refuse."""

    events: list[Event] = field(default_factory=list)
    full: bool = False

    def record(self, event: Event) -> EventId:
        if self.full:
            raise AuditUnavailable("The log cannot be written; try again.")
        self.events.append(event)
        return EventId("1")


@dataclass(frozen=True, slots=True)
class WithDetector:
    """What the edge needs for this route."""

    company: Company
    audit: Notebook
    detector: Detector
    config: Any

    @property
    def actors(self) -> Any:
        return self.company.actors

    @property
    def checks(self) -> dict[str, Callable[[], object]]:
        return {}


@pytest.fixture
def log() -> Notebook:
    return Notebook()


@pytest.fixture
def web(company: Company, log: Notebook) -> Flask:
    from privacy.web.api import detect, sessions

    app = WithDetector(company, log, Detector(), SimpleNamespace(max_records=50, trusted_proxy=False))
    return create_app(app, max_bytes=1024 * 1024, rooms=[sessions.routes, detect.routes])


@pytest.fixture
def analyst(web: Flask, company: Company, fixed_clock: FixedClock) -> Browser:
    return Browser(web, token_for(web, company, "analyst", "default", fixed_clock))


def test_texts_are_answered_one_list_each_without_their_values(analyst: Browser, log: Notebook) -> None:
    """Entity, offsets, confidence, basis; the matched value is not in the answer and not in the event."""
    answer = analyst.post(DETECT, {"texts": ["电话13800138000", "nothing"]})
    assert answer.status_code == 200
    assert answer.get_json() == {"results": [[{"entity": "CN_MOBILE", "start": 2, "end": 13, "confidence": 0.95, "basis": "pattern+context"}], []]}
    assert "13800138000" not in answer.get_data(as_text=True)
    assert [(event.action, event.counts["findings"]) for event in log.events] == [(Action.TEXT_SCANNED, 1)]


def test_records_are_answered_by_field(analyst: Browser) -> None:
    """The field is named, and its name is a label."""
    answer = analyst.post(DETECT, {"records": [{"phone": "467 3395", "city": "Springfield"}, {"n": 1}]})
    results = answer.get_json()["results"]
    assert [[(f["field"], f["entity"], f["start"], f["end"]) for f in each] for each in results] == [[("phone", "PHONE_NUMBER", 0, 8)], []]


def test_what_is_looked_for_can_be_narrowed(analyst: Browser) -> None:
    """By entity, confidence and language."""
    body = {"texts": ["姓名：李小明 a@example.org 13800138000"], "entities": ["CN_MOBILE", "PERSON"], "language": "en", "min_confidence": 0}
    assert [f["entity"] for f in analyst.post(DETECT, body).get_json()["results"][0]] == ["CN_MOBILE"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"texts": ["a"], "records": [{"a": "b"}]},
        {"texts": []},
        {"texts": [13800138000]},
        {"texts": ["13800138000"], "entities": ["SHOE_SIZE"]},
        {"texts": ["13800138000"], "entities": []},
        {"texts": ["13800138000"], "language": "fr"},
        {"texts": ["13800138000"], "min_confidence": 2},
        {"texts": ["13800138000"], "shout": True},
        {"records": [{"a": {"b": "13800138000"}}]},
        {"texts": ["13800138000"] * 51},
    ],
)
def test_a_malformed_request_is_refused_without_its_values(analyst: Browser, log: Notebook, body: dict[str, object]) -> None:
    """A problem with a pointer, nothing echoed, nothing scanned."""
    answer = analyst.post(DETECT, body)
    assert answer.status_code in (413, 422)
    assert answer.content_type == "application/problem+json"
    assert "13800138000" not in answer.get_data(as_text=True)
    assert log.events == []


def test_charlie_and_nobody_get_nothing(web: Flask, company: Company, fixed_clock: FixedClock, log: Notebook) -> None:
    """Without the scope there is no answer, and nothing is scanned."""
    charlie = Browser(web, token_for(web, company, "stranger", "default", fixed_clock))
    assert charlie.post(DETECT, {"texts": ["a@example.org"]}).status_code == 403
    assert Browser(web).post(DETECT, {"texts": ["a@example.org"]}).status_code == 401
    assert log.events == []


def test_no_event_no_answer(analyst: Browser, log: Notebook) -> None:
    """When the log cannot be written the call fails and may be repeated."""
    log.full = True
    answer = analyst.post(DETECT, {"texts": ["a@example.org"]})
    assert answer.status_code == 503
    assert "findings" not in answer.get_data(as_text=True)
