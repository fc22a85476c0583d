"""A request marked with an Idempotency-Key is carried out once."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from privacy.adapters.store.engine import SqlStore
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import StoreUnavailable
from privacy.web import create_app
from privacy.web.endpoint import Answer, Body, Call, Reply, Routes
from tests.cast import LI_XIAOMING
from tests.web.browser import Browser
from tests.web.conftest import Company, token_for


class Order(Body):
    phone: str


class Made(Answer):
    number: int


class Desk:
    """Counts what was carried out; can be told to fail, or to call back in the middle."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.fails = False
        self.meanwhile: Callable[[], object] = lambda: None

    def routes(self) -> Routes:
        routes = Routes("desk")

        @routes.post("/kept", scope="mask", body=Order, answer=Made, status=201, replay=True)
        def kept(call: Call, body: Order) -> Reply:
            return self._carry_out(body)

        @routes.post("/unkept", scope="mask", body=Order, answer=Made, status=201)
        def unkept(call: Call, body: Order) -> Reply:
            return self._carry_out(body)

        @routes.delete("/orders/<order>", scope="mask")
        def remove(call: Call, order: str) -> None:
            self.done.append(order)

        return routes

    def _carry_out(self, body: Order) -> Reply:
        self.meanwhile()
        if self.fails:
            raise StoreUnavailable("The main database does not answer.")
        self.done.append(body.phone)
        return Reply(Made(number=len(self.done)), headers={"Location": f"/api/v1/orders/{len(self.done)}"})


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def web(company: Company, desk: Desk) -> Flask:
    return create_app(company, rooms=[desk.routes()])


@pytest.fixture
def bob(web: Flask, company: Company, fixed_clock: FixedClock) -> Browser:
    return Browser(web, token_for(web, company, "application", "default", fixed_clock))


def order(browser: Browser, path: str = "kept", key: str = "k-1", phone: str = LI_XIAOMING.phone) -> TestResponse:
    return browser.post(f"/api/v1/{path}", {"phone": phone}, headers={"Idempotency-Key": key})


def test_the_first_answer_comes_again_and_nothing_is_done_again(bob: Browser, desk: Desk) -> None:
    """Same status, body and place, marked as a repetition."""
    first, again = order(bob), order(bob)
    assert (first.status_code, first.data, first.headers["Location"]) == (again.status_code, again.data, again.headers["Location"])
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(desk.done) == 1


def test_without_a_key_each_request_counts(bob: Browser, desk: Desk) -> None:
    """Repeating is the caller's wish."""
    for _ in range(2):
        bob.post("/api/v1/kept", {"phone": "1"})
    assert len(desk.done) == 2


def test_an_answer_that_may_hold_personal_data_is_not_kept(bob: Browser, desk: Desk) -> None:
    """The caller learns that it was done, and where to look."""
    order(bob, "unkept")
    again = order(bob, "unkept")
    assert (again.status_code, again.get_json()["code"]) == (409, "conflict")
    assert "status 201" in again.get_json()["detail"]
    assert "/api/v1/orders/1" in again.get_json()["detail"]
    assert len(desk.done) == 1


def test_a_removal_is_repeated_without_a_word(bob: Browser, desk: Desk) -> None:
    """No content both times."""
    answers = [bob.delete("/api/v1/orders/7", headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert desk.done == ["7"]


def test_the_same_key_with_another_request_is_refused(bob: Browser, desk: Desk) -> None:
    """Another body, or another place."""
    order(bob)
    refused = order(bob, phone="13900000000")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "idempotency_key_reused")
    bob.delete("/api/v1/orders/7", headers={"Idempotency-Key": "k"})
    assert bob.delete("/api/v1/orders/8", headers={"Idempotency-Key": "k"}).status_code == 422
    assert desk.done == [LI_XIAOMING.phone, "7"]


def test_a_key_belongs_to_its_caller_and_route(bob: Browser, web: Flask, company: Company, desk: Desk, fixed_clock: FixedClock) -> None:
    """Two applications that count from one do not meet."""
    other = Browser(web, token_for(web, company, "agent", "default", fixed_clock))
    assert [order(bob).status_code, order(other).status_code, order(bob, "unkept").status_code] == [201, 201, 201]
    assert len(desk.done) == 3


def test_a_failed_request_may_be_sent_again(bob: Browser, desk: Desk) -> None:
    """A failure is not the answer for ever."""
    desk.fails = True
    assert order(bob).status_code == 503
    desk.fails = False
    assert order(bob).status_code == 201
    assert len(desk.done) == 1


def test_while_the_first_is_carried_out_the_second_is_told_so(bob: Browser, desk: Desk) -> None:
    """No two at a time."""
    seen: list[int] = []

    def meanwhile() -> None:
        desk.meanwhile = lambda: None
        seen.append(order(bob).status_code)

    desk.meanwhile = meanwhile
    assert order(bob).status_code == 201
    assert seen == [409]
    assert len(desk.done) == 1


def test_a_key_is_forgotten_after_a_day(web: Flask, company: Company, desk: Desk, fixed_clock: FixedClock) -> None:
    """What is kept, is kept for a time."""
    client = company.actors.applications.create(company.office.operator(), "billing", ["application"]).client
    for wait, done in ((timedelta(), 1), (timedelta(hours=23, minutes=59), 1), (timedelta(minutes=1), 2)):
        fixed_clock.advance(wait)
        assert order(Browser(web, company.actors.applications.issue_token(client, ["mask"]))).status_code == 201
        assert len(desk.done) == done


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ключ".encode().decode("latin-1")])
def test_an_unfit_key_is_refused(bob: Browser, desk: Desk, key: str) -> None:
    """Visible ASCII, a UUID for example."""
    assert order(bob, key=key).status_code == 422
    assert desk.done == []


def test_nothing_of_the_request_is_stored(bob: Browser, sqlite_store: SqlStore) -> None:
    """Neither phone nor key: a keyed digest of both."""
    order(bob, "unkept", key="order-of-li-xiaoming")
    content = b"".join(path.read_bytes() for path in Path(str(sqlite_store.address.url.database)).parent.iterdir())
    assert b"/api/v1/orders/1" in content
    assert LI_XIAOMING.phone.encode() not in content
    assert b"order-of-li-xiaoming" not in content
