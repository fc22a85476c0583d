"""`privacy users`: the people who sign in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from privacy.cli.output import json_option, show

if TYPE_CHECKING:
    from privacy.actors.accounts import User, UserCredentials
    from privacy.actors.people import People
    from privacy.kernel.terms import Actor

_ROLE = click.option("--role", "roles", multiple=True, required=True, help="A role of policies/roles.toml; may be given several times.")
_COLUMNS = ("username", "roles", "active", "second_factor", "id")


@click.group()
def users() -> None:
    """People who sign in."""


@users.command("list")
@json_option
def list_users(as_json: bool) -> None:
    """List all accounts of the tenant."""
    with _people() as (people, actor):
        show([_row(user) for user in people.all(actor)], as_json=as_json, columns=_COLUMNS)


@users.command()
@click.argument("name")
@_ROLE
@click.option("--totp/--no-totp", default=True, help="Start with an authenticator (default) or by password alone.")
@json_option
def add(name: str, roles: tuple[str, ...], totp: bool, as_json: bool) -> None:
    """Create an account and print its first password and authenticator secret, once."""
    with _people() as (people, actor):
        _tell(people.create(actor, name, roles, with_totp=totp), as_json)


@users.command()
@click.argument("name")
@_ROLE
@json_option
def roles(name: str, roles: tuple[str, ...], as_json: bool) -> None:
    """Give an account exactly these roles."""
    with _people() as (people, actor):
        show(_row(people.change(actor, people.named(actor, name).id, roles=roles)), as_json=as_json)


@users.command()
@click.argument("name")
@json_option
def disable(name: str, as_json: bool) -> None:
    """Refuse an account from now on, its open sessions included."""
    _switch(name, False, as_json)


@users.command()
@click.argument("name")
@json_option
def enable(name: str, as_json: bool) -> None:
    """Let a disabled account in again."""
    _switch(name, True, as_json)


@users.command()
@click.argument("name")
@click.option("--totp/--no-totp", default=True, help="Give a new authenticator too (default), or let the person enrol one.")
@json_option
def reset(name: str, totp: bool, as_json: bool) -> None:
    """Give a new first password, drop the old authenticator, end all sessions."""
    with _people() as (people, actor):
        _tell(people.reset(actor, people.named(actor, name).id, with_totp=totp), as_json)


@users.command()
@click.argument("name")
@json_option
def unlock(name: str, as_json: bool) -> None:
    """Let an account sign in again at once after too many failed attempts with its name."""
    with _people() as (people, actor):
        show(_row(people.unlock(actor, people.named(actor, name).id)), as_json=as_json)


def _switch(name: str, active: bool, as_json: bool) -> None:
    with _people() as (people, actor):
        show(_row(people.change(actor, people.named(actor, name).id, active=active)), as_json=as_json)


def _row(user: "User") -> dict[str, Any]:
    return {
        "username": user.username,
        "roles": sorted(user.roles),
        "active": user.active,
        "second_factor": user.totp_confirmed,
        "id": user.id,
        "created_at": user.created_at,
    }


def _tell(made: "UserCredentials", as_json: bool) -> None:
    show({"username": made.user.username, "roles": sorted(made.user.roles), "password": made.password, "totp_secret": made.totp_secret}, as_json=as_json)


@contextmanager
def _people() -> "Iterator[tuple[People, Actor]]":
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        yield application.actors.people, actor
    finally:
        application.close()
