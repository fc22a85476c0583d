"""`privacy clients`: the applications that call the service, and the key their tokens are signed with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from privacy.cli.output import json_option, show

if TYPE_CHECKING:
    from privacy.actors.accounts import Client, ClientCredentials
    from privacy.application import Application
    from privacy.kernel.terms import Actor

_COLUMNS = ("name", "roles", "purposes", "active", "id")


@click.group()
def clients() -> None:
    """Applications that call the service."""


@clients.command("list")
@json_option
def list_clients(as_json: bool) -> None:
    """List all applications of the tenant."""
    with _opened() as (application, actor):
        show([_row(client) for client in application.actors.applications.all(actor)], as_json=as_json, columns=_COLUMNS)


@clients.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, help="A role of policies/roles.toml; may be given several times.")
@click.option("--purpose", "purposes", multiple=True, help="A purpose it is registered for; a call that names none means the first.")
@json_option
def add(name: str, roles: tuple[str, ...], purposes: tuple[str, ...], as_json: bool) -> None:
    """Register an application and print its id and secret, once."""
    with _opened() as (application, actor):
        _tell(application.actors.applications.create(actor, name, roles, purposes), as_json)


@clients.command()
@click.argument("client_id")
@click.option("--role", "roles", multiple=True, help="Exactly these roles from now on.")
@click.option("--purpose", "purposes", multiple=True, help="Exactly these purposes from now on.")
@click.option("--enable/--disable", "active", default=None, help="Let it in, or refuse it and its tokens from now on.")
@json_option
def change(client_id: str, roles: tuple[str, ...], purposes: tuple[str, ...], active: bool | None, as_json: bool) -> None:
    """Change roles, purposes or state; what is left out stays."""
    with _opened() as (application, actor):
        changed = application.actors.applications.change(actor, client_id, roles=roles or None, purposes=purposes or None, active=active)
        show(_row(changed), as_json=as_json)


@clients.command()
@click.argument("client_id")
@json_option
def secret(client_id: str, as_json: bool) -> None:
    """Give a new secret and print it, once; the old one ends now."""
    with _opened() as (application, actor):
        _tell(application.actors.applications.renew_secret(actor, client_id), as_json)


@clients.command("rotate-key")
@json_option
def rotate_key(as_json: bool) -> None:
    """Sign tokens with a new key from now on; the old one verifies until its last token has expired."""
    from datetime import UTC, datetime

    from privacy.actors.people import require
    from privacy.adapters.tokens import rotate_keys
    from privacy.audit.events import Action, Event, Outcome

    with _opened() as (application, actor):
        require(actor, "actors:write")
        # the key file is outside the database: the intent is recorded first, the outcome after it
        application.audit.record(Event(Action.KEYS_CHANGED, actor, Outcome.ATTEMPTED, object_type="token_key"))
        made = rotate_keys(application.config.state_dir / "token.keys", datetime.now(UTC))
        application.audit.record(Event(Action.KEYS_CHANGED, actor, object_type="token_key", object_ref=made))
        show({"key": made}, as_json=as_json)


def _row(client: "Client") -> dict[str, Any]:
    return {
        "name": client.name,
        "roles": sorted(client.roles),
        "purposes": list(client.purposes),
        "active": client.active,
        "id": client.id,
        "created_at": client.created_at,
    }


def _tell(made: "ClientCredentials", as_json: bool) -> None:
    show({"name": made.client.name, "client_id": made.client.id, "client_secret": made.secret}, as_json=as_json)


@contextmanager
def _opened() -> "Iterator[tuple[Application, Actor]]":
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        yield application, actor
    finally:
        application.close()
