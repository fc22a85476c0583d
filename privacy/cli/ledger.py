"""`privacy ledger`: whether every database has followed the erasure ledger, and the replay after a restore."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from privacy.cli.output import json_option, show

if TYPE_CHECKING:
    from privacy.application import Application
    from privacy.kernel.terms import Actor


@click.group()
def ledger() -> None:
    """The erasure ledger: has everything followed it, and its replay after a restore."""


@ledger.command()
@json_option
def status(as_json: bool) -> int:
    """Tell which databases have not followed. Exit status 1 when one has not."""
    with _opened() as (application, _):
        standing = application.replay.state()
        behind = {f"{tenant}/{system}": len(entries) for (tenant, system), entries in standing.systems.items()}
        told = {"entries": standing.head, "followed": standing.followed, "main_behind": len(standing.main), "keys_behind": len(standing.keys)}
        show({**told, "systems_behind": behind, "not_asked": dict(standing.unknown)}, as_json=as_json)
        return 0 if standing.followed else 1


@ledger.command()
@json_option
def replay(as_json: bool) -> int:
    """Erase again what a restore brought back, in every database. Exit status 1 while a system could not be reached."""
    with _opened() as (application, actor):
        done = application.replay.replay(actor)
        show(
            {"entries": done.entries, "rows": done.rows, "keys_destroyed": done.keys, "subjects_forgotten": done.forgotten, "open": dict(done.open)},
            as_json=as_json,
        )
        return 1 if done.open else 0


@contextmanager
def _opened() -> "Iterator[tuple[Application, Actor]]":
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        yield application, actor
    finally:
        application.close()
