"""Who the command line acts as: the token it is given, or the operator, who administers and sees no personal values (decision 16)."""

import getpass

from privacy.application import Application, build
from privacy.config import load
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.terms import Actor


def open_application() -> tuple[Application, Actor]:
    """Build the application from the settings and return it with the actor of this command.

    Raises Misconfigured when settings, keys or databases are missing, Unauthenticated when the given token proves nothing.
    """
    config = load()
    application = build(config)
    if config.token:
        return application, application.actors.authenticate(config.token)
    return application, operator(application)


def operator(application: Application) -> Actor:
    """Return the operator: the person at the shell, with the scopes of role `operator` of policies/roles.toml."""
    return Actor(
        ref=f"operator:{getpass.getuser()}",
        tenant=DEFAULT_TENANT,
        roles=frozenset({"operator"}),
        scopes=application.actors.roles.scopes({"operator"}),
        auth="os",
    )
