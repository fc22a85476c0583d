"""`privacy purposes`: what data may be processed for."""

from typing import Any

import click

from privacy.cli.output import json_option, show
from privacy.kernel.errors import AccessDenied, NotFound


@click.group()
def purposes() -> None:
    """Purposes of processing; POST /api/v1/purposes adds and changes them."""


@purposes.command("list")
@json_option
def list_purposes(as_json: bool) -> None:
    """List the purposes with their basis and what they need."""
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        if "catalogue:read" not in actor.scopes:
            raise AccessDenied("This needs the scope catalogue:read.")
        found = application.catalogue.purposes(actor.tenant)
    finally:
        application.close()
    if as_json:
        show(found, as_json=True)
    else:
        show([_row(purpose) for purpose in found], columns=("id", "name", "basis", "needs", "state", "retention"))


@purposes.command("show")
@click.argument("purpose")
@json_option
def show_purpose(purpose: str, as_json: bool) -> None:
    """Show one purpose with its categories and its history."""
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        history = application.catalogue.history(actor, "purpose", purpose)
    finally:
        application.close()
    if not history:
        raise NotFound("There is no such purpose; `privacy purposes list` shows what there is.")
    versions = [{"version": number, "saved_by": by, "saved_at": at} for number, _, by, at in history]
    show({**history[0][1], "versions": versions}, as_json=as_json)


def _row(purpose: Any) -> dict[str, object]:
    consent = "separate consent" if purpose.separate_consent else "consent" if purpose.needs_consent else ""
    needs = [need for need in (consent, "" if purpose.assessed else "assessment") if need]
    return {
        "id": purpose.id,
        "name": purpose.name_zh and f"{purpose.name} · {purpose.name_zh}" or purpose.name,
        "basis": purpose.lawful_basis,
        "needs": ", ".join(needs),
        "state": purpose.state,
        "retention": purpose.retention,
    }
