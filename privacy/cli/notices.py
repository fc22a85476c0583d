"""`privacy notices`: what people are shown before they agree, version by version."""

from pathlib import Path
from typing import Any

import click

from privacy.cli.catalogue import FILE, opened
from privacy.cli.output import json_option, show
from privacy.kernel.errors import InvalidInput, Misconfigured


@click.group()
def notices() -> None:
    """The notices people are shown before they agree."""


@notices.command("list")
@json_option
def list_notices(as_json: bool) -> None:
    """List the newest version of every notice."""
    with opened("catalogue:read") as (application, actor):
        found = application.consent.notices(actor)
    show(found if as_json else [_row(notice) for notice in found], as_json=as_json, columns=tuple(_row(found[0])) if found else ())


@notices.command()
@click.argument("file", type=FILE)
@json_option
def publish(file: Path, as_json: bool) -> None:
    """Publish FILE, a TOML file like policies/notices/marketing.toml, as the next version of its notice.

    A published version never changes. A change of anything but texts, contact and valid_for is material: consent given before has to be asked for again.
    """
    from privacy.consent.notice_file import load_notice

    try:
        content = load_notice(file)
    except Misconfigured as error:  # to `privacy init` a broken installation, here a mistake in what was given
        raise InvalidInput(error.detail) from None
    with opened("catalogue:write") as (application, actor):
        published = application.consent.publish(actor, content)
    show(published if as_json else _row(published), as_json=as_json)


def _row(notice: Any) -> dict[str, Any]:
    content = notice.content
    shown = {"id": content.id, "version": notice.version, "material_since": notice.material_since, "purposes": list(content.purposes)}
    return shown | {"languages": sorted(content.texts), "published_at": notice.published_at, "published_by": notice.published_by}
