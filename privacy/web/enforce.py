"""What happens around every handler: who calls, may they, is the body acceptable; then the handler; then the answer's form.

The order is fixed and each step ends the request: token, scope, size, query, body. An address without a declared route does not exist.
"""

import contextlib
import ipaddress
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from flask import Request, Response, g, request
from pydantic import BaseModel
from werkzeug.exceptions import RequestEntityTooLarge

from privacy.kernel.errors import AccessDenied, InvalidInput, NotFound, PayloadTooLarge, StepUpRequired, Unauthenticated
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.terms import Actor
from privacy.web.endpoint import PUBLIC, Binary, Call, Reply, Route
from privacy.web.idempotency import once
from privacy.web.problems import UnsupportedMedia, logger, place
from privacy.web.strict_json import Malformed, parse_body, parse_query

if TYPE_CHECKING:
    from privacy.application import Application

ANONYMOUS = Actor("anonymous", DEFAULT_TENANT)
_BEARER = re.compile(r"[Bb]earer +([A-Za-z0-9._~+/=-]{1,8192})")
_UNFIT_PATH = re.compile("[\x00-\x1f\x7f\ufffd\ud800-\udfff]")
_DRAIN_BYTES = 64 * 1024 * 1024
_DRAIN_SECONDS = 5.0
_DRAIN_SILENCE = 1.0
_CHUNK = 64 * 1024


class Door:
    """Turns declared routes into views. `max_bytes` bounds every body that a route does not bound tighter."""

    def __init__(self, application: "Application", max_bytes: int) -> None:
        self._app = application
        self._max_bytes = max_bytes
        settings = getattr(application, "config", None)
        self._behind_proxy = bool(settings and settings.trusted_proxy)

    def view(self, route: Route) -> Callable[..., Response]:
        def answer(**parameters: str) -> Response:
            return self._serve(route, parameters)

        return answer

    def _serve(self, route: Route, parameters: dict[str, str]) -> Response:
        token = bearer(request, route)
        actor = self._app.actors.authenticate(token) if token else ANONYMOUS
        if self._app.actors.needs_second_factor(actor, route.scope):
            raise StepUpRequired(
                "This call needs a session with a one-time code. Enrol an authenticator (POST and PUT /api/v1/sessions/current/totp) and sign in with `totp`."
            )
        may(actor, route)
        if any(_UNFIT_PATH.search(value) or len(value) > 512 for value in parameters.values()):
            raise NotFound("There is nothing at this address.")
        call = Call(self._app, actor, g.request_id, _query(route, request), token, source_of(request, self._behind_proxy))
        raw = self._json(route) if route.body else b""
        given = (parse_body(route.body, raw),) if route.body else ()
        return once(call, route, request, raw, lambda: respond(route, route.handler(call, *given, **parameters)))

    def _json(self, route: Route) -> bytes:
        if request.mimetype != "application/json":
            raise UnsupportedMedia("Send JSON with Content-Type: application/json.")
        return read_body(request, route.max_bytes or self._max_bytes)


def source_of(incoming: Request, behind_proxy: bool) -> str:
    """Return where a call comes from: the peer, or what the trusted proxy put last into X-Forwarded-For. IPv6: the /64, which one caller owns whole."""
    text = incoming.headers.get("X-Forwarded-For", "").rsplit(",", 1)[-1].strip() if behind_proxy else ""
    try:
        address = ipaddress.ip_address(text or incoming.remote_addr or "")
    except ValueError:
        return incoming.remote_addr or ""
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def read_body(incoming: Request, limit: int) -> bytes:
    """Return the whole body, kept for the framework's own form reader. Raises PayloadTooLarge, before a byte is read where the size was declared."""
    if (incoming.content_length or 0) > limit:
        raise _too_large(limit)
    g.touched = True
    # sent in pieces, without its size: the framework cuts such a body at the limit, so that one byte more tells a cut from an end
    incoming.max_content_length = limit + 1
    try:
        raw = incoming.get_data()
    except RequestEntityTooLarge:
        raise _too_large(limit) from None
    if len(raw) > limit:
        raise _too_large(limit)
    if len(raw) < (incoming.content_length or 0):
        raise InvalidInput("The body ends before the length that was declared.", code="bad_request")
    return raw


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body is larger than {limit:,} bytes. Send fewer records in a call.")


def bearer(incoming: Request, route: Route) -> str:
    """Return the token of the request, or nothing for a public route. Raises Unauthenticated when there is none, or two."""
    if route.scope == PUBLIC:
        return ""
    given = _BEARER.fullmatch(incoming.headers.get("Authorization", ""))
    if given is None:
        raise Unauthenticated("Send an access token: Authorization: Bearer … (POST /oauth/token for applications, POST /api/v1/sessions for people).")
    return given[1]


def _query(route: Route, incoming: Request) -> object:
    if route.query is not None:
        return parse_query(route.query, query_pairs(incoming))
    if incoming.query_string:
        raise InvalidInput("This call takes no query parameters.", pointer="/")
    return None


def may(actor: Actor, route: Route) -> None:
    """Raise AccessDenied unless `actor` holds the route's scope."""
    if route.scope != PUBLIC and route.scope not in actor.scopes:
        raise AccessDenied(f"This call needs the scope {route.scope}, which the caller's roles do not give.")


def drain(incoming: Request) -> None:
    """Read and drop what is left of a refused body, within bounds: a client that is still sending would see a reset instead of its answer."""
    ends_by_itself = bool(incoming.environ.get("wsgi.input_terminated"))
    declared = incoming.content_length
    if not ends_by_itself and (declared is None or g.get("touched")):
        return  # nothing was sent, or it was read; asking for more would wait for ever
    left = _DRAIN_BYTES if declared is None else min(declared, _DRAIN_BYTES)
    until = time.monotonic() + _DRAIN_SECONDS
    stream = incoming.environ["wsgi.input"]
    if hurry := incoming.environ.get("privacy.hurry"):  # the server's: a read alone may wait for a caller who has stopped sending
        hurry(_DRAIN_SECONDS, _DRAIN_SILENCE)
    with contextlib.suppress(OSError, InvalidInput):
        while left > 0 and time.monotonic() < until and (chunk := stream.read(min(_CHUNK, left))):
            left -= len(chunk)


def query_pairs(incoming: Request) -> dict[str, list[str]]:
    """Return the query parameters. Raises Malformed for bytes that are not UTF-8, which the framework would replace silently."""
    try:
        unquote_to_bytes(incoming.query_string).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("The query string is not UTF-8.", code="bad_request") from None
    pairs = incoming.args.to_dict(flat=False)
    if any("\x00" in value for values in pairs.values() for value in values):
        raise InvalidInput("A query parameter holds a NUL character.", pointer="/")
    return pairs


def respond(route: Route, result: object) -> Response:
    """Turn what a handler returned into a response."""
    reply = result if isinstance(result, Reply) else Reply(result)
    response = _body(route, reply.answer)
    response.status_code = reply.status or route.status
    response.headers.update(reply.headers)
    return response


def _body(route: Route, answer: object) -> Response:
    if answer is None:
        return Response(status=204)
    if isinstance(answer, Binary):
        return _binary(answer)
    if isinstance(answer, BaseModel):
        return Response(answer.model_dump_json(), content_type="application/json")
    return Response(json.dumps(answer, ensure_ascii=False, allow_nan=False), content_type=route.media_types[0])


def _binary(answer: Binary) -> Response:
    content = answer.content if isinstance(answer.content, bytes) else guarded(answer.content, g.request_id)
    response = Response(content, content_type=answer.media_type)
    response.headers.update(answer.headers)
    if answer.filename:
        response.headers["Content-Disposition"] = f'attachment; filename="{answer.filename}"'
    return response


def guarded(chunks: Iterable[bytes], request_id: str) -> Iterator[bytes]:
    """Yield `chunks`; a failure in mid-stream is logged without its text and breaks the connection, so that the receiver sees it is incomplete."""
    try:
        yield from chunks
    except GeneratorExit:
        raise
    except Exception as error:  # noqa: BLE001 - the server would log the text of whatever comes
        logger.error("stream broken: %s at %s request=%s", type(error).__name__, place(error), request_id)
        raise ConnectionAbortedError("stream broken") from None
