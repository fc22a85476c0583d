"""`privacy serve`: checks what must hold before anything is answered, then hands over to the server."""

import click

from privacy.config import Config, load
from privacy.kernel.errors import Misconfigured


@click.command()
@click.option("--host", help="Address to listen on (default: PRIVACY_HOST).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (default: PRIVACY_PORT).")
def serve(host: str | None, port: int | None) -> None:
    """Run the service until interrupted. Never creates keys or databases: `privacy init` does."""
    import dataclasses

    from privacy.adapters.server import ServerSettings, run
    from privacy.application import build, check

    config = load()
    config = dataclasses.replace(config, host=host or config.host, port=port or config.port)
    refuse_unsafe(config)
    application = build(config)
    try:
        problems = [finding for finding in check(application) if not finding.ok]
    finally:
        application.close()
    if problems:
        raise Misconfigured("The service does not start: " + " ".join(f"{p.part}: {p.detail}" for p in problems))
    click.echo(f"Privacy Steward listens on {'https' if config.tls_certificate else 'http'}://{config.host}:{config.port}", err=True)
    settings = ServerSettings(config.host, config.port, config.workers, config.threads, config.tls_certificate, config.tls_key, config.log_level)
    run(settings, lambda: _make_app(config))


def refuse_unsafe(config: Config) -> None:
    """Raise Misconfigured for a set-up that would expose data (decision 31) or lose it (decision 3)."""
    from privacy.adapters.database_urls import is_loopback

    if bool(config.tls_certificate) != bool(config.tls_key):
        raise Misconfigured("PRIVACY_TLS_CERTIFICATE and PRIVACY_TLS_KEY belong together: set both or neither.")
    if not is_loopback(config.host) and not config.tls_certificate and not config.trusted_proxy:
        raise Misconfigured(
            "PRIVACY_HOST is not a loopback address, and neither a certificate (PRIVACY_TLS_CERTIFICATE, PRIVACY_TLS_KEY) nor PRIVACY_TRUSTED_PROXY=true is given: "
            "personal data would cross the network in clear."
        )
    if config.workers > 1 and "sqlite" in (config.database_url.split(":")[0], config.keys_database_url.split(":")[0]):
        raise Misconfigured("PRIVACY_WORKERS is more than 1, but SQLite is served by one process with threads; move both databases to PostgreSQL or MariaDB first.")


def _make_app(config: Config) -> object:
    from privacy.application import build
    from privacy.web import create_app

    application = build(config)
    application.start()
    return create_app(application)
