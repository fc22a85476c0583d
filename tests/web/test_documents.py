"""The description of the service is made from what is enforced, valid, and readable without anything from elsewhere."""

import base64
import hashlib
import json
import re
from typing import Annotated, Any

import pytest
from flask import Flask
from markupsafe import escape
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import TypeAdapter, ValidationError

from privacy.web.api import all_routes
from privacy.web.app import routes_of
from privacy.web.docs_page import render
from privacy.web.endpoint import PUBLIC
from privacy.web.examples import EXAMPLES
from privacy.web.openapi import document
from privacy.web.problems import TITLES
from privacy.web.strict_json import forms, nodes, parse_body
from privacy.web.words import FIELDS
from tests.web.browser import Browser


@pytest.fixture
def described(nobody: Browser) -> dict[str, Any]:
    body: dict[str, Any] = nobody.get("/openapi.json").get_json()
    return body


def operations(described: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(method, path, operation) for path, methods in described["paths"].items() for method, operation in methods.items()]


def test_the_description_of_every_room_is_valid_openapi() -> None:
    """All declared routes, whether this company has the rooms or not."""
    routes = [route for room in all_routes() for route in room.all]
    OpenAPIV31SpecValidator(document(routes)).validate()  # type: ignore[arg-type]


def test_every_declared_route_is_described_with_its_scope(web: Flask, described: dict[str, Any]) -> None:
    """Nothing is enforced that is not told, and the other way round."""
    OpenAPIV31SpecValidator(described).validate()  # type: ignore[arg-type]
    told = {(method.upper(), path) for method, path, _ in operations(described)}
    assert told == {(route.method, re.sub(r"<(\w+)>", r"{\1}", route.path)) for route in routes_of(web)}
    for method, path, operation in operations(described):
        route = next(r for r in routes_of(web) if (r.method.lower(), re.sub(r"<(\w+)>", r"{\1}", r.path)) == (method, path))
        assert (operation["security"] == []) == (route.scope == PUBLIC)
        assert route.scope in (PUBLIC, "self") or f"`{route.scope}`" in operation["description"]
        assert operation["summary"]


def test_bodies_refuse_unknown_fields_in_the_description_too(described: dict[str, Any]) -> None:
    """A generated client knows what a strict service will say."""
    schemas = described["components"]["schemas"]
    for _, _, operation in operations(described):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert schemas[content["schema"]["$ref"].rsplit("/", 1)[-1]]["additionalProperties"] is False


def test_no_example_or_default_tells_a_secret(described: dict[str, Any]) -> None:
    """Passwords are marked as such."""
    properties = described["components"]["schemas"]["SignInBody"]["properties"]
    assert (properties["password"]["format"], properties["password"]["writeOnly"]) == ("password", True)


def test_the_page_shows_every_call_and_code_and_loads_nothing(nobody: Browser, described: dict[str, Any]) -> None:
    """No script, no address of another host; its one style is allowed by its hash."""
    answer = nobody.get("/docs")
    page = answer.text
    for _, path, operation in operations(described):
        assert path in page
        assert str(escape(operation["summary"])) in page
    for code in TITLES:
        assert f"id='{code}'" in page
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=['\"](?!#)", page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert answer.content_type == "text/html; charset=utf-8"


def test_the_page_escapes_what_it_is_given() -> None:
    """Summaries are text, never markup."""
    operation = {"tags": ["x"], "summary": "<b>bold</b>", "description": "`<i>`", "responses": {}}
    page = render({"paths": {"/<x>": {"get": operation}}, "info": {"summary": "s", "description": "d"}, "components": {"schemas": {}}})
    assert "<b>bold" not in page
    assert "<i>" not in page


def everything() -> dict[str, Any]:
    return document([route for room in all_routes() for route in room.all])


def test_every_field_of_every_room_says_what_it_is_for() -> None:
    """In bodies, answers, addresses and headers; the words are in web/words.py, the forms with the types."""
    described = everything()
    silent = [
        f"{model}.{field}"
        for model, schema in described["components"]["schemas"].items()
        for field, each in schema.get("properties", {}).items()
        if not each.get("description")
    ]
    for method, path, operation in operations(described):
        silent += [f"{method} {path} {each['name']}" for each in operation.get("parameters", []) if not each.get("description")]
    assert silent == []


def test_no_word_is_about_a_field_that_is_gone() -> None:
    """What is written down is shown somewhere."""
    schemas = everything()["components"]["schemas"]
    queries = {route.query for room in all_routes() for route in room.all if route.query}
    shown = {(name.rsplit("__", 1)[-1], field) for name, schema in schemas.items() for field in schema.get("properties", {})}
    shown |= {(query.__name__, field) for query in queries for field in query.model_fields}
    known = {field for _, field in shown} | {f"{model}.{field}" for model, field in shown}
    # the token endpoint, health and the problems themselves belong to no room
    known |= {"parts", "grant_type", "client_id", "access_token", "token_type", "expires_in", "scope", "error_description"}
    assert set(FIELDS) - known == set()


def test_every_call_with_a_body_shows_one_that_it_takes(described: dict[str, Any]) -> None:
    """Pasted from the page, it is understood."""
    routes = [route for room in all_routes() for route in room.all if route.body is not None]
    assert [route.name for route in routes if route.name not in EXAMPLES] == []
    for route in routes:
        assert parse_body(route.body, json.dumps(EXAMPLES[route.name]).encode()) is not None  # type: ignore[type-var]
    shown = [operation["requestBody"]["content"] for _, _, operation in operations(described) if "requestBody" in operation]
    assert all("example" in content for each in shown for content in each.values())


def test_every_pattern_has_words_that_an_error_can_say() -> None:
    """`^[A-Z]{2}$` helps nobody; two capital letters do."""
    models = {model for room in all_routes() for route in room.all for model in (route.body, route.query) if model is not None}
    patterns = {
        (model, pattern)
        for model in models
        for node in nodes(model.model_json_schema())
        for pattern in ([node["pattern"]] if isinstance(node.get("pattern"), str) else node.get("patternProperties", ()))
    }
    assert len(patterns) > 20
    assert [(model.__name__, pattern) for model, pattern in patterns if not forms(model).get(pattern)] == []


def test_marking_a_request_is_described_where_it_is_understood() -> None:
    """What changes something for a known caller may be sent again."""
    for method, path, operation in operations(everything()):
        named = any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", []))
        assert named == (method != "get" and operation["security"] != []), path


def test_no_field_of_any_room_takes_a_number_for_a_time() -> None:
    """Dates and times are written out; `When` and `Day` see to it."""
    models = {model for room in all_routes() for route in room.all for model in (route.body, route.query) if model is not None}
    taken = [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if "date" in str(field.annotation).lower()
        for text in ('"0"', '"0.5"')
        if _accepts(Annotated[(field.annotation, *field.metadata, "as declared")], text)
    ]
    assert taken == []


def _accepts(kind: Any, text: str) -> bool:
    try:
        TypeAdapter(kind).validate_json(text)
    except ValidationError:
        return False
    return True
