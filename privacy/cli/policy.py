"""`privacy policy`: read, test and compare policies, make one rule, and ask why a decision comes out as it does.

`check` and `test` need no database: they read the files of a folder, so a policy can be checked before it reaches any installation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privacy.cli.output import json_option, show

if TYPE_CHECKING:
    from privacy.access.policies import Candidate
    from privacy.access.reasons import Reason
    from privacy.access.requests import ExplainedField
    from privacy.application import Application
    from privacy.kernel.terms import Actor

_FOLDER = click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
_CHANGE_COLUMNS = ("direction", "role", "purpose", "recipient", "action", "datasets", "categories", "before", "after", "facts")


@click.group()
def policy() -> None:
    """Check, test, compare, apply and explain policies."""


@policy.command()
@_FOLDER
@json_option
def check(folder: Path | None, as_json: bool) -> int:
    """Read policy.csv and examples.csv of FOLDER strictly and list what looks wrong. Exit 1 when something forbids activation."""
    candidate = _offline(folder)
    found = [{"level": f.level, "line": f.line, "row": f.row, "code": f.code, "detail": f.detail} for f in candidate.findings]
    if as_json:
        show({"rules": len(candidate.policy.rows), "examples": len(candidate.examples), "digest": candidate.policy.digest, "findings": found}, as_json=True)
    else:
        click.echo(f"{len(candidate.policy.rows)} rules and {len(candidate.examples)} examples are well-formed.")
        show(found) if found else click.echo("Nothing looks wrong.")
    return int(any(f.level == "error" for f in candidate.findings))


@policy.command()
@_FOLDER
@json_option
def test(folder: Path | None, as_json: bool) -> int:
    """Run the examples of FOLDER by the compiled policy and by Casbin. Exit 1 when one comes out otherwise."""
    candidate = _offline(folder)
    failed = [
        {"line": f.line, "name": f.name, "expected": f.expected, "decided": f.decided, "rule": f.rule, "casbin_differs": f.oracle_differs}
        for f in candidate.failures
    ]
    if as_json:
        show({"examples": len(candidate.examples), "failed": failed}, as_json=True)
    else:
        click.echo(f"{len(candidate.examples) - len(failed)} of {len(candidate.examples)} examples come out as written.")
        if failed:
            show(failed)
    return int(bool(failed))


@policy.command()
@_FOLDER
@json_option
def diff(folder: Path | None, as_json: bool) -> None:
    """Tell who would gain or lose what if the files of FOLDER ruled."""
    with _opened() as (application, actor):
        candidate = _candidate(application, actor, folder)
        _show_changes(application.policies.diff(actor, candidate), as_json=as_json)


@policy.command()
@_FOLDER
@click.option("--note", default="", help="Why, for the log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def apply(folder: Path | None, note: str, yes: bool, as_json: bool) -> None:
    """Make the files of FOLDER the next version of the policy, after showing what changes for whom."""
    with _opened() as (application, actor):
        candidate = _candidate(application, actor, folder)
        changes = application.policies.diff(actor, candidate)
        if not as_json:
            _show_changes(changes, as_json=False)
        if not yes:
            click.confirm("Apply this policy?", abort=True, err=True)
        version = application.policies.apply(actor, candidate, note)
        done = {"version": version.version, "digest": version.digest, "activated_at": version.activated_at, "changes": len(changes)}
        show(done, as_json=as_json)


@policy.command()
@json_option
def versions(as_json: bool) -> None:
    """List the versions, newest first; the one that rules is marked."""
    with _opened() as (application, actor):
        active = application.policies.active(actor.tenant).version
        rows = [
            {"version": v.version, "rules_now": v.version == active, "activated_by": v.activated_by, "activated_at": v.activated_at, "note": v.note}
            for v in application.policies.versions(actor)
        ]
        show(rows, as_json=as_json)


@policy.command(name="show")
@click.option("--version", "number", type=int, help="An older version.")
def show_policy(number: int | None) -> None:
    """Print policy.csv as it rules now."""
    with _opened() as (application, actor):
        found = application.policies.version(actor, number or application.policies.active(actor.tenant).version)
        click.echo(found.policy, nl=False)


@policy.command()
@click.argument("dataset")
@click.argument("purpose")
@click.option("--role", "roles", multiple=True, help="A role; several times for more, none for all.")
@click.option("--field", "fields", multiple=True, help="A field; none for all.")
@click.option("--recipient", help="Who gets the data; none for internal use.")
@click.option("--action", type=click.Choice(["mask", "reveal", "protect", "index"]), default="mask", show_default=True)
@click.option("--all-rows", is_flag=True, help="Also the rows that do not fit, and why.")
@click.option("--oracle", is_flag=True, help="Also what Casbin answers over the same rows.")
@json_option
def explain(dataset: str, purpose: str, roles: tuple[str, ...], fields: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Tell who sees which field of DATASET for PURPOSE, and why."""
    from privacy.access.requests import Explain

    asked = Explain(
        dataset, purpose, options["recipient"], options["action"], frozenset(roles), frozenset(fields), None, options["all_rows"], options["oracle"]
    )
    with _opened() as (application, actor):
        explained = application.access.explain(actor, asked)
        rows = [_explained_row(field, explained.reasons[field.reason], notes=as_json or options["all_rows"]) for field in explained.fields]
        show(rows, as_json=as_json)


def _explained_row(field: "ExplainedField", reason: "Reason", *, notes: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"role": field.role, "field": field.field, "category": field.category, "effect": field.effect, "technique": field.technique}
    row |= {"rule": reason.rule, "why": reason.en}
    if field.oracle:
        row["casbin"] = field.oracle
    if notes:
        row["rows"] = [f"{note.row} ({note.effect} {note.technique} if {note.condition}): {note.outcome}" for note in field.rows]
    return row


def _show_changes(changes: list[Any], *, as_json: bool) -> None:
    if not changes and not as_json:
        click.echo("No decision changes for anybody.")
        return
    show(changes, as_json=as_json, columns=_CHANGE_COLUMNS)


def _offline(folder: Path | None) -> "Candidate":
    """Examine the files of a folder with the words that the same folder declares."""
    from privacy.access.policies import PolicyFiles, examine, vocabulary
    from privacy.actors.roles import Roles
    from privacy.adapters.casbin_policy import CasbinOracle
    from privacy.config import load
    from privacy.inventory.catalogue_file import load_catalogue
    from privacy.inventory.catalogue_model import Purpose, Recipient
    from privacy.inventory.taxonomy import Taxonomy
    from privacy.masking.catalogue import Techniques

    home = load().policies
    place = folder or home
    taxonomy = Taxonomy.load(_nearest(place, home, "taxonomy.toml"))
    entries = load_catalogue(_nearest(place, home, "purposes.toml"))
    purposes = [entry.id for entry in entries if isinstance(entry, Purpose)]
    recipients = [entry.id for entry in entries if isinstance(entry, Recipient)]
    roles = Roles.load(_nearest(place, home, "roles.toml")).names()
    words = vocabulary(taxonomy, Techniques.shipped().names(), roles, purposes, recipients or None)
    return examine(PolicyFiles.read(place), words, taxonomy, CasbinOracle.from_file(_nearest(place, home, "model.conf")))


def _nearest(place: Path, home: Path, name: str) -> Path:
    return place / name if (place / name).exists() else home / name


def _candidate(application: "Application", actor: "Actor", folder: Path | None) -> "Candidate":
    from privacy.access.policies import PolicyFiles

    return application.policies.examine(actor.tenant, PolicyFiles.read(folder or application.config.policies))


@contextmanager
def _opened() -> "Iterator[tuple[Application, Actor]]":
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        yield application, actor
    finally:
        application.close()
