"""`privacy serve`: refuses unsafe set-ups, then runs the server; what must hold is checked in the serving process before anything is answered."""

import ssl
import sys
from pathlib import Path

import click

from privacy.cli.exit_codes import exit_code, say
from privacy.config import Config, load
from privacy.kernel.errors import Misconfigured, PrivacyError


@click.command()
@click.option("--host", help="Address to listen on (default: PRIVACY_HOST).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (default: PRIVACY_PORT).")
def serve(host: str | None, port: int | None) -> None:
    """Run the service until interrupted. Never creates keys or databases: `privacy init` does."""
    import dataclasses

    from privacy.adapters.server import ServerSettings, run

    config = load()
    config = dataclasses.replace(config, host=host or config.host, port=port or config.port)
    refuse_unsafe(config)
    settings = ServerSettings(config.host, config.port, config.workers, config.threads, config.tls_certificate, config.tls_key, config.log_level)
    run(settings, lambda: _make_app(config))


def refuse_unsafe(config: Config) -> None:
    """Raise Misconfigured for a set-up that would expose data (decision 31) or lose it (decision 3)."""
    from privacy.adapters.database_urls import is_loopback
    from privacy.adapters.private_files import refuse_open_folder

    refuse_open_folder(config.state_dir)
    if bool(config.tls_certificate) != bool(config.tls_key):
        raise Misconfigured("PRIVACY_TLS_CERTIFICATE and PRIVACY_TLS_KEY belong together: set both or neither.")
    if config.tls_certificate and config.tls_key:
        _refuse_useless_certificate(config.tls_certificate, config.tls_key)
    if not is_loopback(config.host) and not config.tls_certificate and not config.trusted_proxy:
        raise Misconfigured(
            "PRIVACY_HOST is not a loopback address, and neither a certificate (PRIVACY_TLS_CERTIFICATE, PRIVACY_TLS_KEY) nor "
            "PRIVACY_TRUSTED_PROXY=true is given: personal data would cross the network in clear."
        )
    if config.workers > 1 and "sqlite" in (config.database_url.split(":")[0], config.keys_database_url.split(":")[0]):
        raise Misconfigured("PRIVACY_WORKERS is more than 1, but SQLite is served by one process with threads; move both databases to a server first.")


def _refuse_useless_certificate(certificate: Path, key: Path) -> None:
    # the empty password: an encrypted key is refused here instead of asked for by every worker
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password="")
    except OSError:  # ssl's own errors are among them
        raise Misconfigured("PRIVACY_TLS_CERTIFICATE and PRIVACY_TLS_KEY name no pair of readable, unencrypted PEM files that belong together.") from None


def _make_app(config: Config) -> object:
    """Build, check and start the application in the serving process; the parent stays small and opens nothing."""
    from privacy.application import build, ready
    from privacy.web import create_app

    try:
        application = build(config)
        ready(application)
    except PrivacyError as error:
        say(error)
        # the server takes this status for a failed boot and ends with it instead of trying again for ever
        sys.exit(exit_code(error))
    application.start()
    scheme = "https" if config.tls_certificate else "http"
    click.echo(f"Privacy Steward listens on {scheme}://{config.host}:{config.port}", err=True)
    return create_app(application, max_bytes=config.max_body_mib * 1024 * 1024)
