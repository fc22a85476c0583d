"""`privacy controllers` and `privacy recipients`, and what saving an entry of the catalogue takes, for `privacy purposes` too.

A file holds the same tables as policies/purposes.toml; options change single values of an entry that is there, or make a new one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, fields, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click

from privacy.cli.output import json_option, show
from privacy.inventory.catalogue_model import LAWFUL_BASES, PURPOSE_STATES, RECIPIENT_KINDS, REGIMES, Controller, Purpose, Recipient
from privacy.kernel.errors import AccessDenied, InvalidInput, Misconfigured

F = TypeVar("F", bound=Callable[..., Any])
_KINDS: Mapping[str, type[Controller] | type[Purpose] | type[Recipient]] = {"controller": Controller, "purpose": Purpose, "recipient": Recipient}
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def controllers() -> None:
    """The legal entities that decide."""


@controllers.command("list")
@json_option
def list_controllers(as_json: bool) -> None:
    """List the controllers."""
    with opened("catalogue:read") as (application, actor):
        found = application.catalogue.controllers(actor.tenant)
    show(found, as_json=as_json, columns=("id", "name", "country", "time_zone", "regimes", "languages", "contact", "version"))


@controllers.command("save")
@click.argument("file", type=FILE)
@json_option
def save_controllers(file: Path, as_json: bool) -> None:
    """Add or change the [[controller]] tables of FILE, a TOML file like policies/purposes.toml."""
    save(file, "controller", {}, as_json=as_json)


@click.group()
def recipients() -> None:
    """Who gets data, for which purposes, under which agreement."""


@recipients.command("list")
@json_option
def list_recipients(as_json: bool) -> None:
    """List the recipients with the agreement that covers them."""
    with opened("catalogue:read") as (application, actor):
        found = application.catalogue.recipients(actor.tenant)
    show(found, as_json=as_json, columns=("id", "name", "kind", "country", "purposes", "agreement_from", "agreement_to", "version"))


@recipients.command("save")
@click.argument("file", type=FILE, required=False)
@click.option("--id", help="The recipient to add, or to change in what the other options say.")
@click.option("--name")
@click.option("--kind", type=click.Choice(RECIPIENT_KINDS))
@click.option("--country", help="Two capital letters (ISO 3166), for example CN.")
@click.option("--purpose", "purposes", multiple=True, help="What the recipient gets data for; may be repeated, replaces the list.")
@click.option("--agreement-from", type=click.DateTime(["%Y-%m-%d"]), help="First day of the agreement; without it nothing may be sent.")
@click.option("--agreement-to", type=click.DateTime(["%Y-%m-%d"]), help="Its last day.")
@click.option("--contact")
@json_option
def save_recipients(file: Path | None, as_json: bool, **given: Any) -> None:
    """Add or change recipients: the [[recipient]] tables of FILE, a TOML file like policies/purposes.toml, or the one that the options tell."""
    save(file, "recipient", given, as_json=as_json)


def save(file: Path | None, kind: str, given: Mapping[str, Any], *, as_json: bool) -> None:
    """Save the entries of `kind` of a file, or the one the options tell, and print what became of each. What is as it was is left alone."""
    wanted = {key: _value(value) for key, value in given.items() if value not in (None, ())}
    if (file is None) == (not wanted):
        raise click.UsageError("Give a FILE, or --id and other options, not both.")
    if file is None and "id" not in wanted:
        raise click.UsageError("Name the entry with --id.")
    # read as a whole before anything is saved: what is wrong with the third entry must not come up after the second was changed
    entries = _read(file, kind) if file is not None else []
    with opened("catalogue:write") as (application, actor):
        known = {entry.id: entry for entry in getattr(application.catalogue, f"{kind}s")(actor.tenant)}
        rows = []
        for entry in entries or [_merged(kind, known.get(wanted["id"]), wanted)]:
            before = known.get(entry.id)
            version = before.version if before else 0
            if before == replace(entry, version=version):
                rows.append({"id": entry.id, "result": "unchanged", "version": version})
                continue
            saved = getattr(application.catalogue, f"save_{kind}")(actor, entry, expected=version)
            rows.append({"id": entry.id, "result": "changed" if before else "added", "version": saved.version})
    show(rows, as_json=as_json, columns=("id", "result", "version"))


def words(categories: Sequence[str]) -> dict[str, Sequence[str]]:
    """Return the words that entries of the catalogue may use, by key."""
    return {"categories": categories, "lawful_basis": LAWFUL_BASES, "state": PURPOSE_STATES, "kind": RECIPIENT_KINDS, "regimes": REGIMES}


@contextmanager
def opened(scope: str) -> Iterator[tuple[Any, Any]]:
    """Lend the application and the actor, who must hold `scope`."""
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        if scope not in actor.scopes:
            raise AccessDenied(f"This needs the scope {scope}.")
        yield application, actor
    finally:
        application.close()


def _read(file: Path, kind: str) -> list[Any]:
    from privacy.inventory.catalogue_file import load_catalogue

    try:
        entries = load_catalogue(file)
    except Misconfigured as error:  # to `privacy init` a broken installation, here a mistake in what was given
        raise InvalidInput(error.detail) from None
    if not entries or not all(isinstance(entry, _KINDS[kind]) for entry in entries):
        others = ", ".join(f"`privacy {other}s save` takes [[{other}]]" for other in _KINDS if other != kind)
        raise InvalidInput(f"This command takes files with [[{kind}]] tables and no others; {others}.")
    return list(entries)


def _merged(kind: str, before: Any, wanted: Mapping[str, Any]) -> Any:
    if before is not None:
        return replace(before, **wanted)
    missing = [f"--{OPTIONS.get(field.name, field.name)}" for field in fields(_KINDS[kind]) if field.default is MISSING and field.name not in wanted]
    if missing:
        raise click.UsageError(f"There is no such {kind} yet; a new one needs {', '.join(missing).replace('_', '-')} as well.")
    return _KINDS[kind](**wanted)


OPTIONS = {"categories": "category", "purposes": "purpose"}  # keys whose option is named for one of their values


def _value(value: Any) -> Any:
    return date(value.year, value.month, value.day) if hasattr(value, "year") else value
