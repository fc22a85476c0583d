"""Errors to exit codes: 1 finding or refusal, 2 usage, 3 environment. An unknown error prints its type and place, never its text."""

import os
import traceback

import click

from privacy.kernel import errors

_CODES: tuple[tuple[type[Exception], int], ...] = (
    (click.UsageError, 2),
    (errors.PayloadTooLarge, 2),
    (errors.InvalidInput, 2),
    (errors.Unauthenticated, 3),
    (errors.StepUpRequired, 1),
    (errors.AccessDenied, 1),
    (errors.ConsentMissing, 1),
    (errors.NotFound, 1),
    (errors.OnHold, 1),
    (errors.Conflict, 1),
    (errors.KeyDestroyed, 1),
    (errors.CiphertextInvalid, 1),
    (errors.TooBusy, 3),
    (errors.ConnectorUnavailable, 3),
    (errors.AuditUnavailable, 3),
    (errors.StoreUnavailable, 3),
    (errors.AuditBroken, 1),
    (errors.Misconfigured, 3),
)


def exit_code(error: Exception) -> int:
    """Return the exit code of `error`; 3 for everything unforeseen."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return 3


def say(error: Exception) -> None:
    """Print `error` on standard error: what is wrong, where, how to mend it."""
    if isinstance(error, click.ClickException):
        error.show()
    elif isinstance(error, errors.PrivacyError):
        click.echo(f"privacy: {error.detail}", err=True)
        if isinstance(error, errors.AccessDenied) and not os.environ.get("PRIVACY_TOKEN"):
            click.echo("  You act as the operator. As somebody with that right: export PRIVACY_TOKEN=$(privacy sign-in NAME)", err=True)
        for flaw in error.flaws:
            if flaw.pointer:
                # a single flaw is often the error's own sentence: then only its place is news
                click.echo(f"  at {flaw.pointer}" + (f": {flaw.detail}" if flaw.detail != error.detail else ""), err=True)
    else:
        place = traceback.extract_tb(error.__traceback__)[-1]
        click.echo(f"privacy: unforeseen {type(error).__name__} at {place.name} line {place.lineno}; please report it.", err=True)
