"""Accounts of people, for administrators."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from privacy.actors.accounts import User, UserCredentials
from privacy.kernel.errors import AccessDenied, Conflict, NotFound
from privacy.web.endpoint import Answer, Body, Call, Name, Reply, Routes

routes = Routes("users")
RoleList = Annotated[list[Name], Field(min_length=1, max_length=16)]


class UserBody(Body):
    """A new account. With `with_totp` it starts with an authenticator, and its seed is in the answer."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    roles: RoleList
    with_totp: bool = False


class UserChange(Body):
    """What is left out stays as it is."""

    roles: RoleList | None = None
    active: bool | None = None


class ResetBody(Body):
    with_totp: bool = False


class UserAnswer(Answer):
    id: str
    username: str
    roles: list[str]
    active: bool
    second_factor: bool
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> "UserAnswer":
        return cls(
            id=user.id, username=user.username, roles=sorted(user.roles), active=user.active, second_factor=user.totp_confirmed, created_at=user.created_at
        )


class UsersAnswer(Answer):
    users: list[UserAnswer]


class CredentialsAnswer(Answer):
    """The first password, and the authenticator's seed where one was made. Shown once."""

    user: UserAnswer
    password: str
    totp_secret: str | None = None

    @classmethod
    def of(cls, made: UserCredentials) -> "CredentialsAnswer":
        return cls(user=UserAnswer.of(made.user), password=made.password, totp_secret=made.totp_secret or None)


class RoleAnswer(Answer):
    """A role, who may hold it (person, application, shell), and the scopes it gives."""

    id: str
    en: str
    zh: str
    holders: list[str]
    excludes: list[str]
    scopes: list[str]


class RolesAnswer(Answer):
    roles: list[RoleAnswer]


@routes.get("/roles", scope="actors:read", answer=RolesAnswer, summary="Roles and their scopes")
def list_roles(call: Call) -> RolesAnswer:
    roles = [
        RoleAnswer(id=role.id, en=role.en, zh=role.zh, holders=sorted(role.holders), excludes=sorted(role.excludes), scopes=sorted(role.scopes))
        for role in call.app.actors.roles
    ]
    return RolesAnswer(roles=roles)


@routes.get("/users", scope="actors:read", answer=UsersAnswer, summary="All people's accounts")
def list_users(call: Call) -> UsersAnswer:
    return UsersAnswer(users=[UserAnswer.of(user) for user in call.app.actors.people.all(call.actor)])


@routes.post("/users", scope="actors:write", body=UserBody, answer=CredentialsAnswer, status=201, summary="Create an account", errors=(Conflict,))
def create_user(call: Call, body: UserBody) -> Reply:
    made = call.app.actors.people.create(call.actor, body.username, body.roles, with_totp=body.with_totp, request_id=call.request_id)
    return Reply(CredentialsAnswer.of(made), headers={"Location": f"/api/v1/users/{made.user.id}"})


@routes.get("/users/<user>", scope="actors:read", answer=UserAnswer, summary="One account", errors=(NotFound,))
def get_user(call: Call, user: str) -> UserAnswer:
    return UserAnswer.of(call.app.actors.people.get(call.actor, user))


@routes.put(
    "/users/<user>", scope="actors:write", body=UserChange, answer=UserAnswer, summary="Change roles or state", errors=(AccessDenied, NotFound, Conflict)
)
def change_user(call: Call, body: UserChange, user: str) -> UserAnswer:
    return UserAnswer.of(call.app.actors.people.change(call.actor, user, roles=body.roles, active=body.active, request_id=call.request_id))


@routes.post(
    "/users/<user>/reset",
    scope="actors:write",
    body=ResetBody,
    answer=CredentialsAnswer,
    summary="Give a new first password, drop the authenticator, end all sessions",
    errors=(AccessDenied, NotFound),
)
def reset_user(call: Call, body: ResetBody, user: str) -> CredentialsAnswer:
    return CredentialsAnswer.of(call.app.actors.people.reset(call.actor, user, with_totp=body.with_totp, request_id=call.request_id))
