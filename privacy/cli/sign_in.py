"""`privacy sign-in`: a person's session at the shell, so that commands act as that person and not as the operator (decision 16)."""

import click

from privacy.cli.asking import ask


@click.command("sign-in")
@click.argument("name")
def sign_in(name: str) -> None:
    """Sign NAME in and print the token of the session, for `export PRIVACY_TOKEN=$(privacy sign-in NAME)`.

    Password and one-time code are asked for; without a terminal they are two lines of standard input, the second empty where there is no
    authenticator. The session lasts an hour.
    """
    from privacy.application import build
    from privacy.config import load

    password, code = ask("Password"), ask("One-time code", hidden=False).strip()
    application = build(load(_without_token()))
    try:
        opened = application.actors.open_session(name, password, code or None, source="shell")
    finally:
        application.close()
    click.echo(opened.token)


def _without_token() -> dict[str, str]:
    import os

    # an old token in the environment must not be in the way of a new one
    return {key: value for key, value in os.environ.items() if key not in ("PRIVACY_TOKEN", "PRIVACY_TOKEN_FILE")}
