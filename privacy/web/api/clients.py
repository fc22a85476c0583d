"""Applications that call the service, for administrators."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from privacy.actors.accounts import Client, ClientCredentials
from privacy.kernel.errors import NotFound
from privacy.web.api.users import RoleList
from privacy.web.endpoint import ONE_LINE, Answer, Body, Call, Name, Reply, Routes, form

routes = Routes("clients")
Purposes = Annotated[list[Name], Field(max_length=64)]


class ClientBody(Body):
    """A new application. Where it is registered for one purpose only, calls that name none mean that one."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"), form(ONE_LINE)]
    roles: RoleList
    purposes: Purposes = Field(default_factory=list)


class ClientChange(Body):
    """What is left out stays as it is."""

    roles: RoleList | None = None
    purposes: Purposes | None = None
    active: bool | None = None


class ClientAnswer(Answer):
    id: str
    name: str
    roles: list[str]
    purposes: list[str]
    active: bool
    created_at: datetime

    @classmethod
    def of(cls, client: Client) -> "ClientAnswer":
        return cls(
            id=client.id,
            name=client.name,
            roles=sorted(client.roles),
            purposes=list(client.purposes),
            active=client.active,
            created_at=client.created_at,
        )


class ClientsAnswer(Answer):
    clients: list[ClientAnswer]


class ClientCredentialsAnswer(Answer):
    """The secret for POST /oauth/token. Shown once."""

    client: ClientAnswer
    client_id: str
    client_secret: str

    @classmethod
    def of(cls, made: ClientCredentials) -> "ClientCredentialsAnswer":
        return cls(client=ClientAnswer.of(made.client), client_id=made.client.id, client_secret=made.secret)


@routes.get("/clients", scope="actors:read", answer=ClientsAnswer, summary="All applications")
def list_clients(call: Call) -> ClientsAnswer:
    return ClientsAnswer(clients=[ClientAnswer.of(client) for client in call.app.actors.applications.all(call.actor)])


@routes.post("/clients", scope="actors:write", body=ClientBody, answer=ClientCredentialsAnswer, status=201, summary="Register an application")
def create_client(call: Call, body: ClientBody) -> Reply:
    made = call.app.actors.applications.create(call.actor, body.name, body.roles, body.purposes, request_id=call.request_id)
    return Reply(ClientCredentialsAnswer.of(made), headers={"Location": f"/api/v1/clients/{made.client.id}"})


@routes.get("/clients/<client>", scope="actors:read", answer=ClientAnswer, summary="One application", errors=(NotFound,))
def get_client(call: Call, client: str) -> ClientAnswer:
    return ClientAnswer.of(call.app.actors.applications.get(call.actor, client))


@routes.put("/clients/<client>", scope="actors:write", body=ClientChange, answer=ClientAnswer, summary="Change roles, purposes or state", errors=(NotFound,))
def change_client(call: Call, body: ClientChange, client: str) -> ClientAnswer:
    changed = call.app.actors.applications.change(call.actor, client, roles=body.roles, purposes=body.purposes, active=body.active, request_id=call.request_id)
    return ClientAnswer.of(changed)


@routes.post("/clients/<client>/secret", scope="actors:write", answer=ClientCredentialsAnswer, summary="Give a new secret", errors=(NotFound,))
def renew_secret(call: Call, client: str) -> ClientCredentialsAnswer:
    return ClientCredentialsAnswer.of(call.app.actors.applications.renew_secret(call.actor, client, request_id=call.request_id))
