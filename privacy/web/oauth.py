"""`POST /oauth/token` at the root: reads the form, hands it to the token server, answers as RFC 6749 wants it (not as a problem)."""

import json
from typing import Any, Literal

from flask import request

from privacy.adapters.oauth_server import TokenServer
from privacy.web.endpoint import PUBLIC, Answer, Binary, Call, Query, Reply, Routes
from privacy.web.enforce import read_body

_MAX_FORM = 16384


class TokenForm(Query):
    """Client id and secret come in the form, or as HTTP Basic. Without `scope` the client gets all its scopes."""

    grant_type: Literal["client_credentials"]
    client_id: str | None = None
    client_secret: str | None = None
    scope: str | None = None


class TokenAnswer(Answer):
    """An access token (RFC 9068), at most ten minutes long."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str | None = None


def oauth_routes(server: TokenServer) -> Routes:
    """Return the one route, served by `server`."""
    routes = Routes("oauth", prefix="")

    @routes.post("/oauth/token", scope=PUBLIC, form=TokenForm, answer=TokenAnswer, summary="Get an access token for an application", max_bytes=_MAX_FORM)
    def token(call: Call) -> Reply:
        form = _form()
        if form is None:
            return _reply(400, {"error": "invalid_request", "error_description": "Send one application/x-www-form-urlencoded form, each field once."})
        answered = server.answer(form, request.headers.get("Authorization", ""), call.request_id)
        return _reply(answered.status, answered.body, answered.headers)

    return routes


def _form() -> dict[str, str] | None:
    if request.mimetype != "application/x-www-form-urlencoded":
        return None
    read_body(request, _MAX_FORM)
    pairs = request.form.to_dict(flat=False)
    if any(len(values) > 1 for values in pairs.values()):
        return None
    return {name: values[0] for name, values in pairs.items()}


def _reply(status: int, body: Any, headers: Any = None) -> Reply:
    kept = {name: value for name, value in dict(headers or {}).items() if name.lower() != "content-type"}
    return Reply(Binary(json.dumps(dict(body)).encode(), "application/json"), status, kept)
