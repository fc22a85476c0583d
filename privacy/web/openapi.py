"""OpenAPI 3.1 from the declared routes: what a caller reads is made from what is enforced."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from privacy.kernel import errors
from privacy.web import idempotency
from privacy.web.endpoint import PUBLIC, SELF, Answer, Route
from privacy.web.examples import EXAMPLES
from privacy.web.problems import MEDIA_TYPE, TITLES, status_of
from privacy.web.words import PATHS, meaning

_PARAMETER = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
Mode = Literal["validation", "serialization"]


class ProblemFlaw(Answer):
    """One thing wrong: where (JSON pointer, cut at the caller's own keys) and what."""

    pointer: str
    detail: str


class Problem(Answer):
    """RFC 9457. `code` is stable (docs/errors.md); nothing here repeats what was sent."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[ProblemFlaw] = Field(default_factory=list)


class OAuthError(Answer):
    """RFC 6749, section 5.2."""

    error: str
    error_description: str | None = None


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the whole document as JSON data."""
    listed = list(routes)
    references, components = _schemas(listed)
    paths: dict[str, dict[str, Any]] = {}
    for route in listed:
        paths.setdefault(_path(route), {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Privacy Steward",
            "version": "1",
            "summary": "Find, protect, decide, mask and audit personal data.",
            "description": "Errors are application/problem+json; `code` is stable, `errors` points at what is wrong, and no answer repeats a rejected value.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "POST /oauth/token for applications, POST /api/v1/sessions for people."}
            },
        },
    }


def _schemas(routes: list[Route]) -> tuple[dict[tuple[type[BaseModel], Mode], dict[str, Any]], dict[str, Any]]:
    wanted: list[tuple[type[BaseModel], Mode]] = [(Problem, "serialization"), (OAuthError, "serialization")]
    for route in routes:
        wanted += [(model, "validation") for model in (route.body, route.form, route.query) if model is not None]
        wanted += [(route.answer, "serialization")] if route.answer is not None else []
    references, shared = models_json_schema(list(dict.fromkeys(wanted)), ref_template="#/components/schemas/{model}")
    components: dict[str, Any] = shared.get("$defs", {})
    for name, schema in components.items():
        for field, each in schema.get("properties", {}).items():
            each["description"] = described(name, field, each)
    return cast(dict[tuple[type[BaseModel], Mode], dict[str, Any]], references), components


def described(model: str, field: str, schema: Mapping[str, Any]) -> str:
    """Return what a field is for and which form it has."""
    parts = (schema, *schema.get("anyOf", ()), schema.get("items", {}), schema.get("propertyNames", {}))
    forms = [part["description"] for part in parts if "description" in part]
    said = meaning(model, field)
    return f"{said} Form: {forms[0]}." if said and forms else said or "".join(forms[:1])


def _operation(route: Route, references: dict[tuple[type[BaseModel], Mode], dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name.replace(".", "_"),
        "tags": [route.room],
        "summary": route.summary or route.handler.__name__.replace("_", " "),
        "security": [] if route.scope == PUBLIC else [{"bearer": []}],
        "responses": _responses(route, references),
    }
    if route.scope not in (PUBLIC, SELF):
        operation["description"] = f"Needs the scope `{route.scope}`."
    elif route.scope == SELF:
        operation["description"] = "For a signed-in person, about their own session."
    if parameters := [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)]:
        operation["parameters"] = parameters
    for model, media_type in ((route.body, "application/json"), (route.form, "application/x-www-form-urlencoded")):
        if model is not None:
            content = {"schema": references[model, "validation"]} | ({"example": EXAMPLES[route.name]} if route.name in EXAMPLES else {})
            operation["requestBody"] = {"required": True, "content": {media_type: content}}
    return operation


def _responses(route: Route, references: dict[tuple[type[BaseModel], Mode], dict[str, Any]]) -> dict[str, Any]:
    problem = {MEDIA_TYPE: {"schema": references[Problem, "serialization"]}}
    if route.form is not None:  # the token endpoint speaks RFC 6749
        problem["application/json"] = {"schema": references[OAuthError, "serialization"]}
    answers: dict[str, Any] = {str(status): _success(route, references) for status in (route.status, route.other_status) if status}
    for status, description in sorted(_refusals(route).items()):
        answers[str(status)] = {"description": description, "content": problem}
    answers.setdefault("503", {"description": "Busy, or a database does not answer; retry.", "content": dict(problem)})
    if route.answer is not None and route.name == "health.ready":
        answers["503"]["content"] = {"application/json": {"schema": references[route.answer, "serialization"]}}
    answers["default"] = {"description": "Any other problem.", "content": problem}
    return answers


def _success(route: Route, references: dict[tuple[type[BaseModel], Mode], dict[str, Any]]) -> dict[str, Any]:
    if route.answer is not None:
        return {"description": "Done.", "content": {"application/json": {"schema": references[route.answer, "serialization"]}}}
    if route.status == 204:
        return {"description": "Done; nothing to tell."}
    return {"description": "Done.", "content": {media_type: {} for media_type in route.media_types}}


def _refusals(route: Route) -> dict[int, str]:
    found = dict.fromkeys((400, 413, 415, 422), "") if route.body is not None else {}
    if route.scope != PUBLIC:
        found |= dict.fromkeys((401, 403), "")
    if "<" in route.path:
        found[404] = ""
    samples = {status_of(_sample(kind)): TITLES.get(kind.code, kind.code) for kind in route.errors}
    known = {
        400: "Not JSON.",
        401: "No valid token.",
        403: "The scope is missing.",
        404: TITLES["not_found"] + ".",
        413: "The body is too large.",
        415: "Not application/json.",
        422: "Not acceptable; `errors` says where.",
    }
    return {status: known.get(status, "") for status in found} | {status: known.get(status, title + ".") for status, title in samples.items()}


def _sample(kind: type[errors.PrivacyError]) -> errors.PrivacyError:
    made = kind.__new__(kind)
    made.code = kind.code
    return made


def _path(route: Route) -> str:
    return _PARAMETER.sub(lambda found: "{" + found["name"] + "}", route.path)


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    kinds = {"int": {"type": "integer", "minimum": 0}}
    text = {"type": "string", "minLength": 1, "maxLength": 512}
    return [
        {"name": each["name"], "in": "path", "required": True, "schema": kinds.get(each["kind"], text), "description": _place(route, each.start())}
        for each in _PARAMETER.finditer(route.path)
    ]


def _place(route: Route, start: int) -> str:
    return PATHS.get(route.path[:start].rstrip("/").rsplit("/", 1)[-1], "")


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    if not idempotency.applies(route):
        return []
    again = "its answer comes again" if route.replay or route.status == 204 else "409 tells what was done, since the answer is not kept"
    return [
        {
            "name": idempotency.HEADER,
            "in": "header",
            "required": False,
            "schema": {"type": "string", "pattern": f"^{idempotency.FORM}$"},
            "description": f"A fresh word, for example a UUID. Sent again with the same request, nothing is done twice: {again}.",
        }
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema(ref_template="#/components/schemas/{model}")
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _plain(each), "description": described(route.query.__name__, name, each)}
        for name, each in schema.get("properties", {}).items()
    ]


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema without `null`, which a query string cannot say."""
    choices = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default", "title")}
    if "anyOf" not in schema:
        return rest
    return {**rest, **choices[0]} if len(choices) == 1 else {**rest, "anyOf": choices}
