"""`privacy keys`: how the tenant's keys stand, and their rotation."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from privacy.cli.output import json_option, show

if TYPE_CHECKING:
    from privacy.kernel.terms import Actor
    from privacy.protection.key_care import KeyCare


@click.group()
def keys() -> None:
    """Status and rotation of keys."""


@keys.command()
@json_option
def status(as_json: bool) -> None:
    """Tell cipher, versions and counts; never a key. Fails when the root key does not open what it should."""
    with _care() as (care, actor):
        show(care.status(actor), as_json=as_json)


@keys.command()
@json_option
def rotate(as_json: bool) -> None:
    """Rewrap the keys of all subjects under a new version and destroy the older ones. Values stay as they are."""
    with _care() as (care, actor):
        show(care.rotate(actor), as_json=as_json)


@contextmanager
def _care() -> "Iterator[tuple[KeyCare, Actor]]":
    from privacy.cli.session import open_application
    from privacy.protection.key_care import KeyCare

    application, actor = open_application()
    try:
        yield KeyCare(application.keyring, application.subject_keys, application.audit), actor
    finally:
        application.close()
