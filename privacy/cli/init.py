"""`privacy init`: everything a new installation needs. Each step is idempotent: interrupted anywhere, it is simply run again."""

from pathlib import Path
from typing import Any

import click

from privacy.cli.output import json_option, show
from privacy.config import Config, load
from privacy.kernel.errors import Misconfigured
from privacy.kernel.ids import DEFAULT_TENANT

# the accounts of a new installation: (name, role), and for applications the purposes they may name
PEOPLE = (("admin", "admin"), ("dpo", "dpo"), ("approver", "approver"), ("auditor", "auditor"))
CLIENTS = (("app", "application", ("service", "support", "marketing")), ("analyst", "analyst", ("analytics",)))


@click.command()
@click.option("--organisation", default="My organisation", help="Name of the tenant, shown to people.")
@json_option
def init(organisation: str, as_json: bool) -> None:
    """Create keys, databases, policies and first accounts; print the one-time credentials.

    Safe to repeat: what exists is kept, and only what is new is printed.
    """
    from privacy.adapters.private_files import alone, own_folder

    config = load()
    own_folder(config.state_dir)
    with alone(config.state_dir / "init.lock"):  # the second of two waits, and finds everything there
        prepare(config)
        result = _populate(config, organisation)
    if as_json:
        show(result, as_json=True)
    else:
        _tell(result)


def prepare(config: Config) -> None:
    """Make what must exist before the application can be built: state directory, keys, tables."""
    from privacy.adapters import log_key_file, migrations, tokens
    from privacy.adapters.key_file import FileKeyProvider
    from privacy.adapters.private_files import own_folder
    from privacy.adapters.store.engine import SqlStore
    from privacy.application import key_file_path, log_origin, store_of
    from privacy.crypto import probe

    probe.run()
    own_folder(config.state_dir)
    stores: list[SqlStore] = [store_of(config, "main"), store_of(config, "keys")]
    try:
        _refuse_a_second_key_ring(*stores)
        for store in stores:
            migrations.upgrade(store)
        _refuse_a_second_root_key(key_file_path(config), stores[1])
        FileKeyProvider.create(key_file_path(config))
        log_key_file.create(config.state_dir / "log.key", log_origin(config))
        tokens.create_keys(config.state_dir / "token.keys")
    finally:
        for store in stores:
            store.close()


def _refuse_a_second_key_ring(main: Any, keys: Any) -> None:
    """A main database with people in it whose keys database is gone or empty: a new ring would open nothing and hide the loss (decision 5)."""
    from privacy.adapters.backup import holds_rows
    from privacy.adapters.store.actors import SqlActorRepository
    from privacy.adapters.store.keys import SqlKeyRepository

    in_use = holds_rows(main) and main.read(lambda tx: SqlActorRepository().tenant(tx, DEFAULT_TENANT)) is not None
    has_keys = holds_rows(keys) and keys.read(lambda tx: SqlKeyRepository().tenant(tx, DEFAULT_TENANT)) is not None
    if in_use and not has_keys:
        raise Misconfigured(
            "The main database is in use, but the keys database is missing or empty: restore it (`privacy restore`, or your copy of it). "
            "A new one could open nothing, so none is made."
        )


def _refuse_a_second_root_key(path: Path, keys_store: Any) -> None:
    """A keys database without its root key means the key is lost or elsewhere: a new one would hide that."""
    from privacy.adapters.store.keys import SqlKeyRepository

    if not path.exists() and keys_store.read(lambda tx: SqlKeyRepository().tenant(tx, DEFAULT_TENANT)) is not None:
        raise Misconfigured(f"The keys database has keys, but the root key file {path} is missing: restore that file. A new one could open nothing.")


def _populate(config: Config, organisation: str) -> dict[str, Any]:
    from privacy.application import build
    from privacy.cli.session import operator

    # a mark, so that an interrupted first run goes on to make accounts and a later run does not bring back accounts that were removed on purpose
    unfinished = config.state_dir / "init.unfinished"
    application = build(config)
    try:
        actor = operator(application)
        application.keyring.create_tenant(actor.tenant, config.cipher)
        application.actors.bootstrap_tenant(actor, organisation)
        if not application.actors.people.all(actor):
            unfinished.touch(mode=0o600)
        application.load_shipped(actor)
        first = unfinished.exists()
        accounts = _accounts(application, actor) if first else {"users": [], "clients": []}
        application.sequencer.drain()
        unfinished.unlink(missing_ok=True)
        return {"created": first, "base_url": config.public_url, "log_vkey": application.trail.vkey(actor), **accounts}
    finally:
        application.close()


def _accounts(application: Any, actor: Any) -> dict[str, list[dict[str, Any]]]:
    users, clients = [], []
    for name, role in PEOPLE:
        if person := application.actors.bootstrap_user(actor, name, [role]):
            users.append({"role": role, "username": person.user.username, "password": person.password, "totp_secret": person.totp_secret})
    for name, role, purposes in CLIENTS:
        if client := application.actors.bootstrap_client(actor, name, [role], purposes):
            clients.append({"role": role, "client_id": client.client.id, "client_secret": client.secret})
    return {"users": users, "clients": clients}


def _tell(result: dict[str, Any]) -> None:
    if not result["created"]:
        click.echo("Everything is there already; nothing was changed. Lost a password? `privacy users reset NAME`. Another application? `privacy clients add`.")
        return
    click.echo("Ready. These credentials are shown once; keep them now.\n")
    for user in result["users"]:
        click.echo(f"  {user['role']:<12} username {user['username']}  password {user['password']}  TOTP secret {user['totp_secret']}")
    for client in result["clients"]:
        click.echo(f"  {client['role']:<12} client_id {client['client_id']}  client_secret {client['client_secret']}")
    click.echo(f"\nGive auditors this key by another way than the log itself:\n  {result['log_vkey']}")
