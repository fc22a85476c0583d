"""`privacy systems`: connect databases and files, scan them, decide what was found, and take the data map out and in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from privacy.cli.looking import application_for, is_address, progress_bar, shown
from privacy.cli.output import harmless, json_option, show
from privacy.cli.relations import handling, relate, relations
from privacy.kernel.errors import Flaw, InvalidInput, NotFound, PrivacyError

_check_option = click.option("--check/--no-check", default=True, help="Try the connection first (the default).")
_COLUMNS = ("table", "column", "category", "level", "confidence", "outcome")


@click.group()
def systems() -> None:
    """Connected systems and the data map."""


@systems.command()
@click.argument("name")
@click.argument("url")
@click.option("--controller", help="Id of the legal entity that decides about the system.")
@_check_option
@json_option
def add(name: str, url: str, controller: str | None, check: bool, as_json: bool) -> None:
    """Connect the system at URL under NAME, after trying the connection.

    URL is sqlite:///path, postgresql://user@host/name, mariadb://user@host/name, csv:/path, or the path of an SQLite or CSV file. A password in it is
    stored encrypted and never shown. PostgreSQL and MariaDB beyond this machine must show a valid certificate, unless the address says why not
    (?unverified_tls_reason=…).
    """
    with application_for() as (application, actor):
        system = application.discovery.add(actor, name, url, controller=controller, check=check)
    show(_system_row(system), as_json=as_json)


@systems.command()
@click.argument("name")
@click.argument("url")
@_check_option
@json_option
def change(name: str, url: str, check: bool, as_json: bool) -> None:
    """Give the system NAME another address, URL. Map, decisions and dataset ids stay; scan it afterwards to see what differs."""
    with application_for() as (application, actor):
        system = application.discovery.change(actor, name, url, check=check)
    show(_system_row(system), as_json=as_json)


@systems.command()
@click.argument("name")
@click.confirmation_option(prompt="Disconnect the system and archive its map? Its datasets can then be masked and read under the archive's name alone.")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Disconnect the system NAME, forget its address and archive its map; the system itself is not touched.

    The archive is called NAME~1 (NAME~2, …): `privacy systems show NAME~1` shows it. NAME is free again. To correct an address, use `change`.
    """
    with application_for() as (application, actor):
        archive = application.inventory.remove_system(actor, name)
    show({"removed": name, "archive": archive.name}, as_json=as_json)


@systems.command("list")
@click.option("--removed", is_flag=True, help="Also the archives of removed systems.")
@json_option
def list_systems(removed: bool, as_json: bool) -> None:
    """List the connected systems."""
    with application_for("systems:read") as (application, actor):
        found = application.inventory.systems(actor.tenant, removed=removed)
    show([_system_row(system) for system in found], as_json=as_json, columns=("name", "kind", "address", "controller", "scanned_at"))


@systems.command()
@click.argument("target")
@click.option("--why", is_flag=True, help="Show the evidence of each proposal.")
@json_option
def scan(target: str, why: bool, as_json: bool) -> None:
    """Look for personal data in the system TARGET: a connected system's name, or an address.

    An address is scanned as it stands: nothing is stored, and neither `privacy init` nor a database is needed. The findings of a connected system are
    kept for `privacy systems findings`; values are not.
    """
    with progress_bar(quiet=as_json) as progress:
        if is_address(target):
            reports: Sequence[Any] = _look(target, progress)
            drift = None
        else:
            with application_for() as (application, actor):
                result = application.discovery.scan(actor, target, progress=progress)
            reports, drift = result.reports, result.drift
    report = _scan_report(target, reports, drift)
    if as_json:
        show(report, as_json=True)
        return
    show([_proposal_row(proposal) for proposal in report["proposals"]], columns=(*_COLUMNS, "why") if why else _COLUMNS)
    _say_rest(report)


@systems.command()
@click.argument("name")
@click.option("--all", "everything", is_flag=True, help="Also what has been decided already.")
@json_option
def findings(name: str, everything: bool, as_json: bool) -> None:
    """List what the last scan of NAME proposes and nobody has decided yet."""
    with application_for() as (application, actor):
        found = application.discovery.findings(actor, name)
    rows = [_finding_row(item) for item in found if everything or not item.field.status.settled]
    show(rows, as_json=as_json, columns=("dataset", "field", "status", "category", "level", "confidence", "outcome", "carrier", "drift"))


@systems.command()
@click.argument("name")
@click.argument("fields", nargs=-1)
@click.option("--category", help="The category to confirm instead of the proposed one.")
@click.option("--level", type=int, help="Raise the level above the category's own.")
@click.option("--all-auto", is_flag=True, help="Confirm every proposal the scan was sure of, and the proposed subjects.")
@json_option
def confirm(name: str, fields: tuple[str, ...], category: str | None, level: int | None, all_auto: bool, as_json: bool) -> None:
    """Confirm proposals: FIELDS are written table.field."""
    if all_auto == bool(fields):
        raise click.UsageError("Name fields (table.field), or give --all-auto.")
    with application_for() as (application, actor):
        if all_auto:
            show({"confirmed": application.inventory.confirm_auto(actor, name)}, as_json=as_json)
        else:
            _decide(application, actor, name, fields, "confirm", category, level, as_json)


@systems.command()
@click.argument("name")
@click.argument("fields", nargs=-1, required=True)
@json_option
def reject(name: str, fields: tuple[str, ...], as_json: bool) -> None:
    """Reject proposals: the fields count as unknown, the strictest level, until somebody says what they hold."""
    with application_for() as (application, actor):
        _decide(application, actor, name, fields, "reject", None, None, as_json)


@systems.command("not-personal")
@click.argument("name")
@click.argument("fields", nargs=-1)
@click.option("--all-none", is_flag=True, help="Declare every undecided field without a proposal, except free text, JSON, bytes and subject keys.")
@json_option
def not_personal(name: str, fields: tuple[str, ...], all_none: bool, as_json: bool) -> None:
    """Declare fields not personal: FIELDS are written table.field."""
    if all_none == bool(fields):
        raise click.UsageError("Name fields (table.field), or give --all-none.")
    with application_for() as (application, actor):
        if all_none:
            show({"not_personal": application.inventory.declare_rest_not_personal(actor, name)}, as_json=as_json)
        else:
            _decide(application, actor, name, fields, "not_personal", None, None, as_json)


@systems.command()
@click.argument("name")
@click.argument("table")
@click.argument("type", required=False)
@click.argument("field", required=False)
@click.option("--none", "nobody", is_flag=True, help="Take back what was said: the rows of TABLE name no subject (a view of people, for example).")
def subject(name: str, table: str, type: str | None, field: str | None, nobody: bool) -> None:
    """Say whom the rows of TABLE are about: TYPE (for example customer) and the FIELD that holds their key."""
    if nobody == bool(type) or bool(type) != bool(field):
        raise click.UsageError("Give TYPE and FIELD, or --none.")
    with application_for() as (application, actor):
        if not type or not field:
            application.inventory.clear_subject(actor, f"{name}.{table}")
            click.echo(f"The rows of {name}.{table} name no subject.")
            return
        application.inventory.set_subject(actor, f"{name}.{table}", type, field)
    click.echo(f"Each row of {name}.{table} is about the {type} in {field}.")


@systems.command("show")
@click.argument("name")
@json_option
def show_system(name: str, as_json: bool) -> None:
    """Show the data map of NAME: every dataset with its fields and their state."""
    with application_for("systems:read") as (application, actor):
        system = application.inventory.system(actor.tenant, name)
        datasets = application.inventory.datasets(actor.tenant, name)
    rows = [_field_row(dataset, field) for dataset in datasets for field in dataset.fields.values()]
    if as_json:
        subjects = {dataset.name: {"type": dataset.subject_type, "field": dataset.subject_field} for dataset in datasets if dataset.subject_field}
        show({"system": _system_row(system), "subjects": subjects, "fields": rows}, as_json=True)
    else:
        show(rows, columns=("dataset", "field", "type", "status", "category", "level", "carrier"))


@systems.command("map")
@click.argument("name", required=False)
@click.option("--out", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write the map to this file instead of standard output.")
@click.option("--import", "source", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Apply this map file.")
@json_option
def data_map(name: str | None, target: Path | None, source: Path | None, as_json: bool) -> None:
    """Export the data map of NAME as YAML, or apply a map file with --import."""
    from privacy.adapters.files.yaml_file import dump, load

    with application_for() as (application, actor):
        if source is not None:
            document = load(_read(source))
            show({"changed": application.inventory.import_map(actor, document, expected=name)}, as_json=as_json)
            return
        if name is None:
            raise click.UsageError("Name the system whose map is exported.")
        exported = application.inventory.export_map(actor, name)
    if as_json:
        show(exported, as_json=True)
    elif target is not None:
        target.write_text(dump(exported), encoding="utf-8")
        click.echo(f"Written to {target}.")
    else:
        click.echo(dump(exported), nl=False)


@systems.command()
@click.argument("name", required=False)
@json_option
def gap(name: str | None, as_json: bool) -> None:
    """List the fields that lack a control their level requires, each with its remedy. Exits 1 when there are any.

    docs/data-map.md explains the controls.
    """
    with application_for("systems:read") as (application, actor):
        found = application.inventory.gaps(actor.tenant, name)
    show(found, as_json=as_json, columns=("dataset", "field", "status", "category", "level", "missing", "remedy"))
    if found:
        raise click.exceptions.Exit(1)


for _command in (relate, relations, handling):
    systems.add_command(_command)


# --- inside --------------------------------------------------------------------------------------------------------------------------


def _look(url: str, progress: Any) -> Sequence[Any]:
    """Scan an address without application, database or keys: only the policy files are read."""
    from functools import partial

    from privacy.adapters.databases import open_connector
    from privacy.application import reserved_files
    from privacy.config import load
    from privacy.discovery.columns import ColumnClassifier
    from privacy.discovery.service import look
    from privacy.discovery.text import Detector
    from privacy.inventory.taxonomy import Taxonomy

    config = load()
    taxonomy = Taxonomy.load(config.policies / "taxonomy.toml")
    classifier = ColumnClassifier.load(config.policies, taxonomy, Detector(None, config.phone_regions))
    reports, _ = look(partial(open_connector, reserved=reserved_files(config)), classifier, url, progress)
    return reports


def _scan_report(target: str, reports: Sequence[Any], drift: Any) -> dict[str, Any]:
    report: dict[str, Any] = {
        "system": shown(target),
        "tables": len(reports),
        "columns": sum(len(report.table.columns) for report in reports),
        "proposals": [proposal.plain() for report in reports for proposal in report.proposals],
        "subjects": [{"table": r.table.name, "type": r.subject.type, "field": r.subject.field, "evidence": r.subject.evidence} for r in reports if r.subject],
        "carriers": [{"table": r.table.name, "column": column, "carrier": kind} for r in reports for column, kind in r.carriers.items()],
        "problems": [{"table": r.table.name, "problem": r.table.problem} for r in reports if r.table.problem],
    }
    if drift is not None:
        report["drift"] = {"new": list(drift.new), "changed": list(drift.changed), "gone": list(drift.gone)}
    return report


def _proposal_row(proposal: dict[str, Any]) -> dict[str, Any]:
    return {**proposal, "why": "; ".join(part["detail"] for part in proposal["evidence"])}


def _say_rest(report: dict[str, Any]) -> None:
    proposals = report["proposals"]
    sure = sum(proposal["outcome"] == "auto" for proposal in proposals)
    click.echo(
        f"{len(proposals)} of {report['columns']} columns in {report['tables']} tables look personal: {sure} surely, {len(proposals) - sure} to be reviewed."
    )
    for item in report["subjects"]:
        _say(f"subject: each row of {item['table']} is about the {item['type']} in {item['field']} ({item['evidence']})")
    for item in report["carriers"]:
        _say(f"carrier: {item['table']}.{item['column']} holds {item['carrier'].replace('_', ' ')}: what was not found in it may still be there")
    for item in report["problems"]:
        click.echo(harmless(f"problem: {item['table']}: {item['problem']}"), err=True)
    for what, names in report.get("drift", {}).items():
        for name in names:
            _say(f"{what}: {name}")


def _say(line: str) -> None:
    click.echo(harmless(line))


def _system_row(system: Any) -> dict[str, Any]:
    return {"name": system.name, "kind": system.kind, "address": system.shown_url, "controller": system.controller, "scanned_at": system.scanned_at}


def _finding_row(item: Any) -> dict[str, Any]:
    field, finding = item.field, item.field.finding
    return {
        "dataset": item.dataset,
        "field": field.name,
        "status": field.status,
        "category": field.category,
        "level": field.level,
        "confidence": finding.confidence if finding else None,
        "outcome": finding.outcome if finding else "none",
        "carrier": field.carrier,
        "drift": finding.drift if finding else "",
        "entity": finding.entity if finding else "",
        "evidence": [dict(part) for part in finding.evidence] if finding else [],
    }


def _field_row(dataset: Any, field: Any) -> dict[str, Any]:
    return {
        "dataset": dataset.name,
        "field": field.name,
        "type": field.data_type,
        "status": field.status,
        "category": field.category,
        "level": field.level,
        "technique": field.technique,
        "carrier": field.carrier,
        "controls": sorted(field.controls),
        "gone": field.gone,
    }


def _decide(application: Any, actor: Any, name: str, fields: Sequence[str], decision: str, category: str | None, level: int | None, as_json: bool) -> None:
    from privacy.inventory.deciding import FieldDecision

    known = {dataset.table: dataset for dataset in application.inventory.datasets(actor.tenant, name)}
    decisions = [FieldDecision(f"{name}.{table}", column, decision, category, level) for table, column in _split_all(fields, known)]
    answers = application.inventory.decide(actor, decisions)
    failed = [answer for answer in answers if isinstance(answer, PrivacyError)]
    rows = [
        {"field": field, "status": "refused", "detail": answer.detail}
        if isinstance(answer, PrivacyError)
        else {"field": field, "status": answer.status, "detail": ""}
        for field, answer in zip(fields, answers, strict=True)
    ]
    show(rows, as_json=as_json)
    if failed:
        raise click.exceptions.Exit(1)


def _split_all(fields: Sequence[str], known: dict[str, Any]) -> list[tuple[str, str]]:
    """Cut each `table.field`. Raises NotFound that tells, by position, which are not in the map; words that are not in it are not repeated."""
    pairs = [_split(field, known) for field in fields]
    flaws = tuple(Flaw(f"field {number} of {len(fields)}", problem) for number, problem in enumerate(pairs, 1) if isinstance(problem, str))
    if flaws:
        raise NotFound("Nothing was decided: not every field is in the map. Write table.field as `privacy systems show` prints it.", flaws=flaws)
    return [pair for pair in pairs if isinstance(pair, tuple)]


def _split(field: str, known: dict[str, Any]) -> tuple[str, str] | str:
    """Cut `table.field` where a known table ends (both may hold dots), or return what is not known."""
    cuts = [(field[:at], field[at + 1 :]) for at, character in enumerate(field) if character == "."]
    tables = [(table, column) for table, column in cuts if table in known]
    if found := next(((table, column) for table, column in tables if column in known[table].fields), None):
        return found
    if tables:
        return f"The table {tables[-1][0]} has no such field."
    return "The map has no such table." if cuts else "There is no dot: write table.field."


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput("The map file is not UTF-8.") from None
