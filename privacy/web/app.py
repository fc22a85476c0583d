"""Builds the Flask application from the declared routes. Whatever is not declared with a scope cannot be reached."""

import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from privacy.adapters.logs import request_id as log_request_id
from privacy.adapters.oauth_server import TokenServer
from privacy.kernel.errors import Misconfigured, PrivacyError
from privacy.kernel.ids import new_id
from privacy.web import problems
from privacy.web.api import all_routes
from privacy.web.docs_page import docs_routes
from privacy.web.endpoint import Route, Routes
from privacy.web.enforce import Door, drain
from privacy.web.health import health_routes
from privacy.web.metrics import Metrics
from privacy.web.oauth import oauth_routes

_MIB = 1024 * 1024
_DEFAULT_MAX_BYTES = 16 * _MIB
_CSP = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class _Service(Flask):
    def log_exception(self, exc_info: Any) -> None:
        """Log what broke outside every handler by type and place: Flask's own line prints the error's text, which may quote a value."""
        problems.logger.error("unforeseen %s at %s", exc_info[0].__name__, problems.place(exc_info[1]))


def create_app(application: Any, *, max_bytes: int | None = None, rooms: Iterable[Routes] | None = None) -> Flask:
    """Return the WSGI application over `application`'s services.

    Args:
        application: the bag of services that `privacy.application.build` makes.
        max_bytes: the largest body that is read; by default the setting's.
        rooms: the routes beside health, documents and tokens; by default those of web/api.
    """
    settings = getattr(application, "config", None)
    limit = max_bytes or (settings.max_body_mib * _MIB if settings else _DEFAULT_MAX_BYTES)
    flask = _Service("privacy", static_folder=None, template_folder=None)
    flask.url_map.merge_slashes = False  # a redirect would repeat a body and its token
    flask.json.ensure_ascii = False  # type: ignore[attr-defined]
    metrics = Metrics()
    declared = [*(all_routes() if rooms is None else rooms), *_own_routes(application, metrics)]
    routes = [route for room in declared for route in room.all]
    flask.extensions["privacy"] = {"routes": routes, "metrics": metrics, "application": application}
    _mount(flask, Door(application, limit), routes)
    _answer_errors(flask)
    _around(flask, metrics, over_tls=bool(settings and settings.trusted_proxy))
    return flask


def routes_of(flask: Flask) -> list[Route]:
    """Return the declared routes of a built application: for OpenAPI and for the stranger's test."""
    routes: list[Route] = flask.extensions["privacy"]["routes"]
    return routes


def _own_routes(application: Any, metrics: Metrics) -> list[Routes]:
    tokens = TokenServer(application.actors.applications, application.actors.token_seconds)
    return [health_routes(metrics), oauth_routes(tokens), docs_routes()]


def _mount(flask: Flask, door: Door, routes: list[Route]) -> None:
    seen: set[str] = set()
    for route in routes:
        if route.name in seen:
            raise Misconfigured(f"Two routes are called {route.name}; rename one handler.")
        seen.add(route.name)
        flask.add_url_rule(route.path, route.name, door.view(route), methods=[route.method], provide_automatic_options=False)
        if route.once:
            for rule in flask.url_map.iter_rules(route.name):
                (rule.methods or set()).discard("HEAD")  # the framework adds it to every GET


def _answer_errors(flask: Flask) -> None:
    @flask.errorhandler(PrivacyError)
    def expected(error: PrivacyError) -> Response:
        return problems.problem(error, g.request_id)

    @flask.errorhandler(HTTPException)
    def framework(error: HTTPException) -> Response:
        return problems.http_problem(error, g.request_id)

    @flask.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        return problems.unforeseen(error, g.request_id)


def _around(flask: Flask, metrics: Metrics, *, over_tls: bool) -> None:
    @flask.before_request
    def begin() -> None:
        g.request_id = new_id()
        g.started = time.perf_counter()
        log_request_id.set(g.request_id)

    @flask.after_request
    def finish(response: Response) -> Response:
        own = {name for name, _ in response.headers}
        response.headers.extend([("X-Request-Id", g.request_id), *(header for header in _HEADERS if header[0] not in own)])
        if over_tls or request.is_secure:
            response.headers["Strict-Transport-Security"] = _HSTS
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            drain(request)
        # an unknown address has no route: its text must not become a label
        metrics.answered(request.endpoint or "none", request.method if request.endpoint else "any", response.status_code, time.perf_counter() - g.started)
        return response


_HSTS = "max-age=31536000"  # a year; the names below this host are not ours to bind
_HEADERS = (
    ("Content-Security-Policy", _CSP),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
