"""People sign in and out, and look after their own password and authenticator."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from privacy.actors.accounts import MAX_PASSWORD, MIN_PASSWORD
from privacy.kernel.errors import AccessDenied, Conflict, TooBusy, TooManyAttempts, Unauthenticated
from privacy.web.endpoint import PUBLIC, SELF, Answer, Body, Call, Routes, form

routes = Routes("sessions")
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$"), form("six digits")]
Typed = Annotated[SecretStr, Field(max_length=1024)]


class SignInBody(Body):
    """Name and password, and the present one-time code where an authenticator is enrolled."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    password: Typed
    totp: Code | None = None


class SessionAnswer(Answer):
    """A token for `Authorization: Bearer`. `assurance` is 2 after a one-time code."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int
    assurance: int


class WhoAnswer(Answer):
    """Who the token stands for, and what it opens now."""

    ref: str
    tenant: str
    roles: list[str]
    scopes: list[str]
    assurance: int
    authenticated_at: datetime | None


class PasswordBody(Body):
    """The present password and the next one."""

    current: Typed
    new: Annotated[SecretStr, Field(min_length=MIN_PASSWORD, max_length=MAX_PASSWORD)]


class AuthenticatorAnswer(Answer):
    """The seed to enter into an authenticator, as text and as the address of a QR code. Shown once."""

    secret: str
    address: str


class CodeBody(Body):
    """A code that the new authenticator shows."""

    code: Code


@routes.post(
    "/sessions",
    scope=PUBLIC,
    body=SignInBody,
    answer=SessionAnswer,
    status=201,
    summary="Sign in",
    errors=(Unauthenticated, TooManyAttempts, TooBusy),
    max_bytes=16384,
)
def open_session(call: Call, body: SignInBody) -> SessionAnswer:
    opened = call.app.actors.open_session(body.username, body.password.get_secret_value(), body.totp, request_id=call.request_id, source=call.source)
    return SessionAnswer(access_token=opened.token, expires_in=opened.expires_in, assurance=opened.assurance)


@routes.get("/sessions/current", scope=SELF, answer=WhoAnswer, summary="Who am I")
def who(call: Call) -> WhoAnswer:
    actor = call.actor
    return WhoAnswer(
        ref=actor.ref,
        tenant=actor.tenant,
        roles=sorted(actor.roles),
        scopes=sorted(actor.scopes),
        assurance=actor.assurance,
        authenticated_at=actor.authenticated_at,
    )


@routes.delete("/sessions/current", scope=SELF, summary="Sign out")
def close_session(call: Call) -> None:
    call.app.actors.close_session(call.actor, call.token, request_id=call.request_id)


@routes.put("/sessions/current/password", scope=SELF, body=PasswordBody, summary="Change your password; every session of yours ends", max_bytes=16384)
def change_password(call: Call, body: PasswordBody) -> None:
    call.app.actors.people.change_password(call.actor, body.current.get_secret_value(), body.new.get_secret_value(), request_id=call.request_id)


@routes.post("/sessions/current/totp", scope=SELF, answer=AuthenticatorAnswer, summary="Begin to enrol an authenticator", errors=(AccessDenied, Conflict))
def begin_totp(call: Call) -> AuthenticatorAnswer:
    secret, address = call.app.actors.people.begin_totp(call.actor)
    return AuthenticatorAnswer(secret=secret, address=address)


@routes.put("/sessions/current/totp", scope=SELF, body=CodeBody, summary="Confirm the authenticator; every session of yours ends", errors=(Conflict,))
def confirm_totp(call: Call, body: CodeBody) -> None:
    call.app.actors.people.confirm_totp(call.actor, body.code, request_id=call.request_id)
