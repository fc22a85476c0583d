"""Every route of the whole product, as nobody, as Charlie, as somebody of another tenant. The list of routes is the application's own."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from privacy.actors.roles import SCOPES
from privacy.kernel.ids import TenantId
from privacy.web.app import routes_of
from privacy.web.endpoint import PUBLIC, SELF, Route
from tests.cast import OTHER_TENANT
from tests.web.browser import Browser
from tests.web.steward import Steward, open_steward

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD")
DOORS = {
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("POST", "/oauth/token"),
    ("POST", "/api/v1/sessions"),
}


def filled(path: str) -> str:
    return re.sub(r"<(?:\w+:)?\w+>", "7", path)


@pytest.fixture(scope="module")
def whole(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steward]:
    opened = open_steward(installation, tmp_path_factory.mktemp("strangers") / "state")
    opened.add_tenant(OTHER_TENANT)
    yield opened
    opened.application.close()


@pytest.fixture(scope="module")
def web(whole: Steward) -> Flask:
    return whole.app


@pytest.fixture(scope="module")
def browser_for(whole: Steward) -> Callable[..., Browser]:
    return whole.browser


@pytest.fixture
def nobody(web: Flask) -> Browser:
    return Browser(web)


@pytest.fixture
def closed(web: Flask) -> list[Route]:
    return [route for route in routes_of(web) if route.scope != PUBLIC]


def test_only_the_documented_doors_are_open(web: Flask) -> None:
    """A new public route is a decision, made here."""
    assert {(route.method, route.path) for route in routes_of(web) if route.scope == PUBLIC} == DOORS


def test_every_scope_of_a_route_is_a_scope_somebody_can_hold(web: Flask) -> None:
    """A mistyped scope would close a route for everybody without a word."""
    assert {route.scope for route in routes_of(web)} <= {*SCOPES, PUBLIC, SELF}


def test_nothing_is_served_that_was_not_declared(web: Flask) -> None:
    """The address map holds declared routes and nothing else."""
    declared = {(route.name, filled(route.path)) for route in routes_of(web)}
    assert {(rule.endpoint, filled(rule.rule)) for rule in web.url_map.iter_rules()} == declared


def test_nobody_is_asked_who_they_are_on_every_route(closed: list[Route], nobody: Browser) -> None:
    """401 with a challenge, before anything of the request is looked at."""
    for route in closed:
        answer = nobody.call(route.method, filled(route.path), data=b"\xff not json", content_type="application/json")
        assert answer.status_code == 401, route
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), route


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "bearer x y", "Basic YTpi", "Token abc", "Bearer a,Bearer b", "Bearer é", "Bearer " + "x" * 9000, "Bearer pss_unknown"],
)
def test_a_strange_authorization_header_proves_nothing(closed: list[Route], nobody: Browser, header: str) -> None:
    """Also an endless one."""
    for route in closed[:3]:
        answer = nobody.call(route.method, filled(route.path), headers={"Authorization": header.encode().decode("latin-1")})
        assert answer.status_code == 401


def test_charlie_is_refused_on_every_route_before_the_body_is_read(closed: list[Route], browser_for: Callable[..., Browser]) -> None:
    """A valid token without rights: 403, whatever is sent, in the name of the missing scope."""
    charlie = browser_for("stranger")
    for route in closed:
        answer = charlie.call(route.method, filled(route.path), data=b"\xff not json", content_type="text/plain")
        assert (answer.status_code, answer.get_json()["code"]) == (403, "access_denied"), route
        assert route.scope in answer.get_json()["detail"]


def test_an_administrator_of_another_tenant_finds_nothing(closed: list[Route], browser_for: Callable[..., Browser]) -> None:
    """The rights hold in one's own tenant; what belongs to others is not there."""
    made = browser_for("admin").post("/api/v1/clients", {"name": "theirs", "roles": ["application"]}).get_json()["client_id"]
    mallory = browser_for("admin", OTHER_TENANT)
    for route in closed:
        if route.scope.startswith("actors:") and "<client>" in route.path:
            answer = mallory.call(route.method, route.path.replace("<client>", made), json={})
            assert answer.status_code == 404, route
    assert mallory.get("/api/v1/clients").get_json() == {"clients": []}


def test_an_application_never_enters_the_routes_of_a_persons_own_session(closed: list[Route], browser_for: Callable[..., Browser]) -> None:
    """They change passwords and authenticators."""
    bob = browser_for("application")
    for route in closed:
        if route.scope == SELF:
            assert bob.call(route.method, filled(route.path), json={}).status_code == 403


def test_an_unknown_method_is_refused_with_the_known_ones(web: Flask, nobody: Browser) -> None:
    """405 with Allow, for every address and method that is not declared."""
    by_path: dict[str, set[str]] = {filled(route.path): set() for route in routes_of(web)}
    for route in routes_of(web):
        shape = re.compile(re.sub(r"<[^>]+>", "[^/]+", route.path))
        for path, methods in by_path.items():
            # /handlings is also what a dataset called handling would have
            if path == filled(route.path) or shape.fullmatch(path):
                methods.update({route.method, "HEAD"} if route.method == "GET" and not route.once else {route.method})
    for path, known in by_path.items():
        for method in set(METHODS) - known:
            answer = nobody.call(method, path)
            assert answer.status_code == 405, (method, path)
            assert set(answer.headers["Allow"].split(", ")) == known


@pytest.mark.parametrize("path", ["/", "/api", "/api/v1", "/api/v1/nothing", "/api/v1/users/", "//api/v1/users", "/api/v1/../v1/users", "/%00", "/docs/"])
def test_an_unknown_address_is_a_problem_without_the_address(nobody: Browser, path: str) -> None:
    """No redirect either: it would send token and body somewhere else."""
    answer = nobody.get(path)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert answer.content_type == "application/problem+json"


MARK = "only-of-the-default-tenant"


def test_no_reading_route_shows_another_tenant_what_is_ours(whole: Steward, closed: list[Route]) -> None:
    """One mark in everything that can be named; every role of the other tenant reads every list and finds none."""
    admin, dpo = whole.browser("admin"), whole.browser("dpo")
    controller = {"id": MARK, "name": MARK, "country": "CN", "time_zone": "Asia/Shanghai"}
    purpose = {"id": MARK, "name": MARK, "controller": MARK, "lawful_basis": "contract", "categories": ["name"]}
    recipient = {"id": MARK, "name": MARK, "kind": "processor", "country": "CN"}
    made = [
        admin.post("/api/v1/users", {"username": MARK, "roles": ["agent"]}),
        admin.post("/api/v1/clients", {"name": MARK, "roles": ["analyst"]}),
        dpo.post("/api/v1/controllers", controller),
        dpo.post("/api/v1/purposes", purpose),
        dpo.post("/api/v1/recipients", recipient),
    ]
    assert [answer.status_code for answer in made] == [201] * 5
    seen = dict.fromkeys((TenantId("default"), OTHER_TENANT), 0)
    for tenant in seen:
        readers = [whole.browser(role, tenant) for role in ("admin", "dpo", "auditor", "agent", "approver")]
        for route in closed:
            if route.method == "GET":
                path = re.sub(r"<(?:\w+:)?\w+>", MARK, route.path)
                seen[tenant] += sum(MARK in reader.get(path).text.replace(path, "") for reader in readers)
    assert seen[TenantId("default")] >= 5
    assert seen[OTHER_TENANT] == 0
