"""`privacy policy`: read, test and compare policies, make one rule, and ask why a decision comes out as it does.

`check` and `test` need no database: they read the files of a folder, so a policy can be checked before it reaches any installation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from privacy.cli.output import json_option, show
from privacy.cli.policy_tables import common_gate, explained_row, show_changes, show_explained
from privacy.kernel.errors import Conflict, Misconfigured

if TYPE_CHECKING:
    from privacy.access.policies import Candidate
    from privacy.access.requests import Explain
    from privacy.application import Application
    from privacy.kernel.terms import Actor

_FOLDER = click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
_FINDINGS = ("policy_invalid", "policy_refused")


@click.group()
def policy() -> None:
    """Check, test, compare, apply and explain policies."""


@policy.command()
@_FOLDER
@json_option
def check(folder: Path | None, as_json: bool) -> int:
    """Read policy.csv and examples.csv of FOLDER strictly and list what looks wrong. Exit 1 when something forbids activation."""
    try:
        candidate = _offline(folder)
    except Conflict as refused:
        if not as_json:
            raise
        findings = [{"level": "error", "line": flaw.pointer, "row": "", "code": refused.code, "detail": flaw.detail} for flaw in refused.flaws]
        show({"rules": None, "examples": None, "digest": None, "findings": findings}, as_json=True)
        return 1
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
        changes = application.policies.diff(actor, candidate)
        show(changes, as_json=True) if as_json else show_changes(changes)


@policy.command()
@_FOLDER
@click.option("--note", default="", help="Why, for the log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def apply(folder: Path | None, note: str, yes: bool, as_json: bool) -> int:
    """Make the files of FOLDER the next version of the policy, after showing what changes for whom.

    Asks only when a decision changes. Exit 1 when the files are refused, or the answer is no: then nothing was changed.
    """
    with _opened() as (application, actor):
        candidate = _candidate(application, actor, folder)
        changes = application.policies.diff(actor, candidate)
        if not as_json:
            show_changes(changes)
        # what would be refused anyway is not asked about
        if changes and candidate.may_be_activated and not yes and not click.confirm("Apply this policy?", err=True):
            click.echo("Nothing was changed.", err=True)
            return 1
        with _refusals_are_findings():
            version = application.policies.apply(actor, candidate, note)
        done = {"version": version.version, "digest": version.digest, "activated_at": version.activated_at, "changes": len(changes)}
        show(done, as_json=as_json)
        return 0


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
@click.option("--subject", help="Take this person's consent into account: system:type:key.")
@click.option("--action", type=click.Choice(["mask", "reveal", "protect", "index"]), default="mask", show_default=True)
@click.option("--all-rows", is_flag=True, help="Also the rows that do not fit, and why.")
@click.option("--oracle", is_flag=True, help="Also what Casbin answers over the same rows.")
@json_option
def explain(as_json: bool, **options: Any) -> int:
    """Tell who sees which field of DATASET for PURPOSE, and why. Exit 1 when the dataset, purpose or recipient is not known."""
    asked = _question(**options)
    with _opened() as (application, actor):
        explained = application.access.explain(actor, asked)
    if as_json:
        show([explained_row(field, explained.reasons[field.reason], notes=True) for field in explained.fields], as_json=True)
    else:
        show_explained(explained, all_rows=asked.all_rows)
    gate = common_gate(explained)
    return int(gate is not None and gate.code.endswith("_unknown"))


def _question(
    dataset: str,
    purpose: str,
    roles: tuple[str, ...],
    fields: tuple[str, ...],
    recipient: str | None,
    subject: str | None,
    action: str,
    all_rows: bool,
    oracle: bool,
) -> "Explain":
    from privacy.access.requests import Explain
    from privacy.kernel.terms import SubjectRef

    whom = SubjectRef.parse(subject, "--subject") if subject else None
    return Explain(dataset, purpose, recipient, action, frozenset(roles), frozenset(fields), whom, all_rows, oracle)


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
    files, oracle = PolicyFiles.read(place), CasbinOracle.from_file(_nearest(place, home, "model.conf"))
    with _refusals_are_findings():
        return examine(files, words, taxonomy, oracle)


def _nearest(place: Path, home: Path, name: str) -> Path:
    return place / name if (place / name).exists() else home / name


def _candidate(application: "Application", actor: "Actor", folder: Path | None) -> "Candidate":
    from privacy.access.policies import PolicyFiles

    files = PolicyFiles.read(folder or application.config.policies)
    with _refusals_are_findings():
        return application.policies.examine(actor.tenant, files)


@contextmanager
def _refusals_are_findings() -> Iterator[None]:
    """Tell a policy that is refused (exit 1) from an installation that is not in order (exit 3): the same error, but the files were only offered."""
    try:
        yield
    except Misconfigured as refused:
        if refused.code not in _FINDINGS:
            raise
        raise Conflict(refused.detail, code=refused.code, flaws=refused.flaws) from None


@contextmanager
def _opened() -> "Iterator[tuple[Application, Actor]]":
    from privacy.cli.session import open_application

    application, actor = open_application()
    try:
        yield application, actor
    finally:
        application.close()
