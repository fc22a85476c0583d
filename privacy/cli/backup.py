"""`privacy backup` and `privacy restore`: our own stores as files, and back; what was erased meanwhile is erased again before anything is served."""

from pathlib import Path
from typing import Any

import click

from privacy.cli.output import json_option, show
from privacy.kernel.errors import AccessDenied, Conflict, Misconfigured

_GENERATIONS = 100


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--part", type=click.Choice(["all", "main", "keys"]), default="all", help="main or keys alone: keep keys apart, and for a shorter time.")
@json_option
def backup(folder: Path, part: str, as_json: bool) -> None:
    """Write the stores to the new folder FOLDER while the service runs; the same form for SQLite, PostgreSQL and MariaDB.

    The root key is never in it: keep a copy of that file elsewhere. Personal values are sealed, but names of datasets and counts can be read.
    """
    from privacy.adapters.backup import take
    from privacy.audit.events import Action, Event
    from privacy.kernel.clock import SystemClock, rfc3339

    application, actor = _as_operator()
    try:
        stores = {"main": application.store, "keys": application.keys_store}
        wanted = {role: store for role, store in stores.items() if part in ("all", role)}
        root_key = application.keyring.status(actor.tenant).provider
        with _progress(quiet=as_json) as step:
            manifest = take(folder, wanted, application.config.state_dir, application.log_key.key, root_key, rfc3339(SystemClock().now()), step)
        counts = {role: sum(each.rows.values()) for role, each in manifest.parts.items()}
        application.audit.record(Event(Action.BACKUP_MADE, actor, object_type="backup", object_ref=manifest.made_at, counts=counts))
    finally:
        application.close()
    show({"folder": str(folder), "made_at": manifest.made_at, "rows": counts, "root_key": manifest.root_key}, as_json=as_json)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--replace", is_flag=True, help="Replace what the databases hold now.")
@click.option("--check", is_flag=True, help="Only look whether the backup is whole; change nothing.")
@json_option
def restore(folder: Path, replace: bool, check: bool, as_json: bool) -> int:
    """Put the backup in FOLDER back into the databases of the settings; stop the service first.

    The state directory keeps what is newer in it: the erasure ledger above all. What the ledger says was erased after the backup is erased again;
    until that is done nothing is served. Interrupted, run it again.
    """
    from privacy.adapters import backup as copies
    from privacy.adapters.private_files import alone, own_folder
    from privacy.application import key_file_path, store_of
    from privacy.config import load

    manifest = copies.inspect_folder(folder)
    rows = {role: sum(part.rows.values()) for role, part in manifest.parts.items()}
    if check:
        show({"whole": True, "made_at": manifest.made_at, "rows": rows, "root_key": manifest.root_key}, as_json=as_json)
        return 0
    config = load()
    if config.token:
        raise AccessDenied("Only the operator at the command line restores; call it without PRIVACY_TOKEN.")
    if not key_file_path(config).exists():
        raise Misconfigured(f"The root key file {key_file_path(config)} is missing: put back your copy of it first. No backup holds it.")
    own_folder(config.state_dir)
    stores = {role: store_of(config, role) for role in manifest.parts}
    try:
        if not replace and any(copies.holds_rows(store) for store in stores.values()):
            raise Conflict("The databases of the settings hold an installation; add --replace to put the backup in its place.")
        with alone(config.state_dir / "init.lock"), _progress(quiet=as_json) as step:
            state = copies.put_back_state(folder, config.state_dir)
            copies.begin_restore(config.state_dir)
            for role, store in stores.items():
                copies.put_back(folder, role, manifest.parts[role], store, step)
            copies.end_restore(config.state_dir)
    finally:
        for store in stores.values():
            store.close()
    after = _after(manifest.made_at)
    show({"made_at": manifest.made_at, "rows": rows, "state": state, **after}, as_json=as_json)
    if after["open"] and not as_json:
        click.echo("Some of it could not be erased again yet; until then nothing is disclosed: `privacy ledger status`, `privacy ledger replay`.", err=True)
    return 1 if after["open"] else 0


def _after(made_at: str) -> dict[str, Any]:
    """Open the restored stores: a log that is behind what was signed goes on under a new generation, and the erasure ledger is replayed."""
    from privacy.audit.events import Action, Event

    application, actor = _as_operator()
    try:
        application.keyring.reload(actor.tenant)
        reopened = _continued(application, actor)
        application.audit.record(Event(Action.BACKUP_RESTORED, actor, object_type="backup", object_ref=made_at))
        replayed = application.replay.replay(actor)
        application.sequencer.drain()
        erased = {"entries": replayed.entries, "rows": replayed.rows, "keys": replayed.keys, "forgotten": replayed.forgotten}
        return {"log": reopened or "continues", "erased_again": erased, "open": dict(replayed.open)}
    finally:
        application.close()


def _continued(application: Any, actor: Any) -> str:
    """Bring the log to a generation that nothing was signed of yet; return its id, or nothing when the log simply goes on.

    A backup that is restored a second time meets the generation that the first restore opened.
    """
    reopened = ""
    for _ in range(_GENERATIONS):
        application.sequencer.drain()
        if all(health.ok for health in application.audit.probe()):
            break
        reopened = application.audit.reopen(actor)
    return reopened


def _as_operator() -> tuple[Any, Any]:
    from privacy.cli.session import open_application

    application, actor = open_application()
    if not actor.ref.startswith("operator:"):
        application.close()
        raise AccessDenied("Only the operator at the command line backs up and restores; call it without PRIVACY_TOKEN.")
    return application, actor


def _progress(*, quiet: bool) -> Any:
    from contextlib import contextmanager

    @contextmanager
    def shown() -> Any:
        from rich.console import Console
        from rich.progress import Progress, TextColumn

        with Progress(TextColumn("{task.description}"), console=Console(stderr=True), disable=quiet, transient=True) as bar:
            task = bar.add_task("")
            yield lambda table, rows: bar.update(task, description=f"{table}: {rows} rows")

    return shown()
