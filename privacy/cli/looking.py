"""What the commands about systems share: the application, addresses and names of systems, a bar while tables are read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def application_for(scope: str = "") -> Iterator[tuple[Any, Any]]:
    """Open the application as whoever is at the shell, who must hold `scope`."""
    from privacy.actors.people import require
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        if scope:
            require(actor, scope)
        yield application, actor
    finally:
        application.close()


def is_address(target: str) -> bool:
    """Is this an address or a path rather than a system's name? Names have no dots, slashes or colons."""
    return any(mark in target for mark in ("/", ":", "\\", "."))


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    """Show a bar on standard error, and only on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda done, total, table: None
        return
    with Progress(
        TextColumn("scanning"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[table]}", markup=False), console=console, transient=True
    ) as bar:
        task = bar.add_task("scan", total=None, table="")
        yield lambda done, total, table: bar.update(task, completed=done, total=total, table=table[:60])


def shown(target: str) -> str:
    """An address is shown without its credentials."""
    if not is_address(target):
        return target
    from privacy.adapters.databases import locate

    return locate(target).shown
