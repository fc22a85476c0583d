"""The token endpoint: client credentials (RFC 6749, section 4.4) by Authlib's authorization server, without its web framework parts.

Authlib keeps the protocol; ours are the clients, the token and two texts: its own would tell an unknown client from a wrong secret, and repeat
the grant type they were sent.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator

from privacy.actors.accounts import Client
from privacy.actors.applications import Applications, is_secret_of

GRANT = "client_credentials"
METHODS = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What the endpoint answers; RFC 6749 section 5, success or error."""

    status: int
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str]


class TokenServer:
    """Answers token requests of `applications`.

    Args:
        applications: `actors.applications.Applications`.
        lifetime: seconds a token lives; told in the answer.
    """

    def __init__(self, applications: Applications, lifetime: int) -> None:
        # at debug level the library logs the token itself
        logging.getLogger("authlib").setLevel(logging.WARNING)
        self._applications = applications
        self._lifetime = lifetime

    def answer(self, form: Mapping[str, str], authorization: str, request_id: str) -> TokenAnswer:
        """Return the answer to one request; the token's event is durable before it leaves. Raises AuditUnavailable when it cannot be."""
        if form.get("grant_type") != GRANT:
            return _refusal(400, "unsupported_grant_type", f"Only grant_type={GRANT} is served here.")
        exchange = _Exchange(self._applications, self._lifetime, request_id)
        try:
            answered: TokenAnswer = exchange.create_token_response(_Incoming(form, authorization))
        except UnicodeDecodeError:  # a Basic header whose base64 is not UTF-8
            answered = _refusal(401, "invalid_client", "The Authorization header cannot be read.", {"WWW-Authenticate": 'Basic realm="privacy-steward"'})
        if answered.status >= 400:
            self._applications.token_refused(exchange.named, exchange.asked_for, request_id)
        return answered


class _Incoming(OAuth2Request):  # type: ignore[misc]
    """One request as Authlib reads it. The address is not ours to check here: whether TLS is spoken is the server's matter (docs/settings.md)."""

    def __init__(self, form: Mapping[str, str], authorization: str) -> None:
        super().__init__("POST", "https://localhost/oauth/token", headers={"Authorization": authorization} if authorization else {})
        self.payload = BasicOAuth2Payload(dict(form))
        self._form = dict(form)

    @property
    def form(self) -> dict[str, str]:
        return self._form

    @property
    def args(self) -> dict[str, str]:
        return {}


class _Caller:
    """A client as Authlib asks it; also stands in for an unknown one, so that both are refused alike."""

    def __init__(self, client: Client | None, scopes: frozenset[str]) -> None:
        self.client = client
        self._scopes = scopes

    def get_client_id(self) -> str:
        return self.client.id if self.client else ""

    def check_client_secret(self, secret: str) -> bool:
        return is_secret_of(self.client, secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return endpoint == "token" and method in METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == GRANT

    def get_allowed_scope(self, scope: str | None) -> str:
        wanted = frozenset(scope.split()) if scope else self._scopes
        if not wanted <= self._scopes:
            raise InvalidScopeError("The client may not have one of these scopes.")
        return " ".join(sorted(wanted))


class _Grant(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS


class _Exchange(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server for one request: it holds who was named, for the log."""

    def __init__(self, applications: Applications, lifetime: int, request_id: str) -> None:
        super().__init__()
        self.named: Client | None = None
        self.asked_for = ""
        self._applications = applications
        self._request_id = request_id
        self.register_token_generator("default", BearerTokenGenerator(self._make, expires_generator=lifetime))
        self.register_grant(_Grant)

    def query_client(self, client_id: str) -> _Caller:
        client = self._applications.find(client_id)
        self.named = client or self.named
        self.asked_for = client_id
        return _Caller(client, self._applications.allowed_scopes(client) if client else frozenset())

    def save_token(self, token: Mapping[str, Any], request: OAuth2Request) -> None:
        """Nothing is kept: the token is self-contained, and its event was written before it was made known."""

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> TokenAnswer:
        return TokenAnswer(status, dict(body), dict(headers))

    def handle_error_response(self, request: OAuth2Request, error: Any) -> TokenAnswer:
        if isinstance(error, InvalidClientError):
            basic = bool(request.headers)
            headers = {"WWW-Authenticate": 'Basic realm="privacy-steward"'} if basic else {}
            return _refusal(401, "invalid_client", "The client is unknown, disabled or its secret is wrong.", headers)
        status, body, _headers = error(None)
        return TokenAnswer(status, dict(body), {"Cache-Control": "no-store", "Pragma": "no-cache"})

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def _make(self, client: _Caller, grant_type: str, user: object, scope: str) -> str:
        if client.client is None:
            raise InvalidClientError
        return self._applications.issue_token(client.client, scope.split(), self._request_id)


def _refusal(status: int, error: str, description: str, headers: Mapping[str, str] | None = None) -> TokenAnswer:
    return TokenAnswer(status, {"error": error, "error_description": description}, {"Cache-Control": "no-store", "Pragma": "no-cache", **(headers or {})})
