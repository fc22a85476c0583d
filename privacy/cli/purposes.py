"""`privacy purposes`: what data may be processed for."""

from pathlib import Path
from typing import Any

import click

from privacy.cli.catalogue import FILE, save, words
from privacy.cli.output import json_option, show
from privacy.inventory.catalogue_model import LAWFUL_BASES, PURPOSE_STATES
from privacy.kernel.errors import AccessDenied, NotFound


@click.group()
def purposes() -> None:
    """Purposes of processing."""


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


@purposes.command("save")
@click.argument("file", type=FILE, required=False)
@click.option("--id", help="The purpose to add, or to change in what the other options say.")
@click.option("--name")
@click.option("--name-zh")
@click.option("--controller", help="`privacy controllers list` shows them.")
@click.option("--lawful-basis", type=click.Choice(LAWFUL_BASES))
@click.option("--category", "categories", multiple=True, help="A category of data it needs (`privacy purposes words`); may be repeated, replaces the list.")
@click.option("--retention", help="P3Y, P6M or P90D (ISO 8601).")
@click.option("--needs-consent/--needs-no-consent", default=None)
@click.option("--separate-consent/--no-separate-consent", default=None, help="PIPL: asked for on its own.")
@click.option("--needs-assessment/--needs-no-assessment", default=None, help="Denied until an assessment is named.")
@click.option("--assessment", help="The assessment's reference.")
@click.option("--state", type=click.Choice(PURPOSE_STATES), help="Nothing is deleted: retired ends a purpose.")
@click.option("--dpv", help="Its term of the Data Privacy Vocabulary.")
@json_option
def save_purposes(file: Path | None, as_json: bool, **given: Any) -> None:
    """Add or change purposes: the [[purpose]] tables of FILE, a TOML file like policies/purposes.toml, or the one that the options tell.

    Each change is the next version; `privacy purposes show` lists them.
    """
    save(file, "purpose", given, as_json=as_json)


@purposes.command("words")
@json_option
def purpose_words(as_json: bool) -> None:
    """List the words that purposes, recipients and controllers may use: categories, bases, states, kinds, regimes."""
    from privacy.config import load
    from privacy.inventory.taxonomy import Taxonomy

    known = words(list(Taxonomy.load(load().policies / "taxonomy.toml").categories))
    if as_json:
        show(known, as_json=True)
    else:
        show({key: ", ".join(allowed) for key, allowed in known.items()})


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
