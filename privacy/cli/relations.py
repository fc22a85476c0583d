"""`privacy systems relate|relations|handling`: how the tables of a system belong together, and what erasure does to each of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from privacy.cli.looking import application_for, is_address, progress_bar, shown
from privacy.cli.output import harmless, json_option, show
from privacy.kernel.errors import InvalidInput, NotFound, PrivacyError

_ROLES = click.Choice(["owned_by", "owns", "accessed_by", "handled_by", "ref"])
_ACTIONS = click.Choice(["delete", "anonymise", "unlink", "restrict", "keep"])
_SHOWN = ("child", "columns", "parent", "parent_columns", "role", "confidence")
_SHORTEST = 6  # characters of an id that name it, where no other begins alike


@click.command()
@click.argument("target")
@click.option("--why", is_flag=True, help="Show the evidence of each proposal.")
@json_option
def relate(target: str, why: bool, as_json: bool) -> None:
    """Propose how the tables of the system TARGET belong together: a connected system's name, or an address.

    An address is looked at as it stands: nothing is stored, and neither `privacy init` nor a database is needed. Proposals for a connected system, which
    must have been scanned, wait in `privacy systems relations`; nothing follows them before somebody confirms them. Values are compared inside the system.
    """
    with progress_bar(quiet=as_json) as progress:
        if is_address(target):
            result = _relate(target, progress)
        else:
            with application_for() as (application, actor):
                result = application.relation_finder.propose(actor, target, progress=progress)
    report = _report(shown(target), result)
    if as_json:
        show(report, as_json=True)
        return
    rows = [_proposal_row(plain) for plain in report["proposals"]]
    show(rows, columns=(*_SHOWN, "why") if why else _SHOWN)
    click.echo(f"{len(rows)} relations between {result.tables} tables.")
    for plain in report["weak"]:
        click.echo(harmless(f"to review: {_spelled(plain)} holds equal values, which is no reference"))
    for item in report["problems"]:
        click.echo(harmless(f"problem: {item['table']}: {item['problem']}"), err=True)
    if result.kept is not None:
        click.echo(f"{len(result.kept.new)} are new, {result.kept.sure} sure enough for `privacy systems relations {target} --all-auto`.")


@click.command()
@click.argument("name")
@click.option("--confirm", "confirmed", multiple=True, metavar="EDGE", help="Confirm a relation: the beginning of its id, or table.column of its child.")
@click.option("--reject", "rejected", multiple=True, metavar="EDGE", help="Say that there is no such relation.")
@click.option(
    "--add", "added", multiple=True, metavar="CHILD=PARENT", help="Add one by hand, confirmed: orders.customer_id=customers.id; more columns with commas."
)
@click.option("--role", type=_ROLES, help="The role of what is confirmed or added (added ones: owned_by unless given).")
@click.option("--when", "conditions", multiple=True, metavar="COLUMN=TEXT", help="With --add: only for rows of the child whose column holds this text.")
@click.option("--depth", type=int, help="With a self reference: how far chains are followed.")
@click.option("--weak", is_flag=True, help="With --add: equal values that feed the review list alone.")
@click.option("--all-auto", is_flag=True, help="Confirm every proposal that was sure; weak ones and names alone are never among them.")
@json_option
def relations(
    name: str, confirmed: tuple[str, ...], rejected: tuple[str, ...], added: tuple[str, ...], role: str | None, conditions: tuple[str, ...],
    depth: int | None, weak: bool, all_auto: bool, as_json: bool,
) -> None:  # fmt: skip
    """List the relations between the tables of NAME, or decide them.

    docs/relations.md explains the roles.
    """
    from privacy.inventory.relations import Ownership

    wanted = Ownership(role) if role else None
    deciding = bool(confirmed or rejected or added or all_auto)
    with application_for("systems:write" if deciding else "systems:read") as (application, actor):
        if all_auto:
            show({"confirmed": application.relations.confirm_sure(actor, name)}, as_json=as_json)
        for text in added:
            application.relations.add(actor, name, _edge(text, wanted or Ownership.OWNED_BY, conditions, depth, weak))
        failed = _decide(application, actor, name, [(edge, "confirm") for edge in confirmed] + [(edge, "reject") for edge in rejected], wanted, depth)
        if not all_auto:
            show([_row(relation) for relation in application.relations.of_system(actor.tenant, name)], as_json=as_json, columns=_LISTED)
    if failed:
        raise click.exceptions.Exit(1)


_LISTED = ("id", "child", "columns", "parent", "parent_columns", "role", "status", "confidence", "weak")


@click.command()
@click.argument("name")
@click.argument("table")
@click.option("--action", type=_ACTIONS, required=True, help="What the erasure of a person does to their rows here.")
@click.option("--reason", default="", help="The legal reason; keep and restrict need one.")
@click.option("--rule", default="", help="The retention rule behind it.")
@click.option("--replace", "replaced", multiple=True, metavar="FIELD=TEXT", help="With anonymise: what the field becomes; FIELD=null empties it.")
@json_option
def handling(name: str, table: str, action: str, reason: str, rule: str, replaced: tuple[str, ...], as_json: bool) -> None:
    """Say what erasure does to the rows of TABLE in the system NAME. Without a decision, rows that a person owns are deleted."""
    from privacy.inventory.relating import HandlingDecision
    from privacy.inventory.relations import Erase

    replacements = {field: text if text == "null" else f"text:{text}" for field, text in map(_pair, replaced)}
    with application_for() as (application, actor):
        (answer,) = application.relations.handle(actor, [HandlingDecision(f"{name}.{table}", Erase(action), reason, rule, replacements)])
    if isinstance(answer, PrivacyError):
        raise answer
    show({"dataset": answer.dataset, "action": answer.action, "reason": answer.reason, "rule": answer.rule}, as_json=as_json)


# --- inside --------------------------------------------------------------------------------------------------------------------------


def _relate(url: str, progress: Any) -> Any:
    """Propose for an address without application, database or keys: only the policy files are read."""
    from functools import partial

    from privacy.adapters.databases import open_connector
    from privacy.application import reserved_files
    from privacy.config import load
    from privacy.discovery.columns import ColumnClassifier
    from privacy.discovery.relations.finding import relate
    from privacy.discovery.relations.proposing import RelationProposer
    from privacy.discovery.text import Detector
    from privacy.inventory.taxonomy import Taxonomy

    config = load()
    taxonomy = Taxonomy.load(config.policies / "taxonomy.toml")
    classifier = ColumnClassifier.load(config.policies, taxonomy, Detector(None, config.phone_regions))
    proposer = RelationProposer.load(config.policies, taxonomy)
    return relate(partial(open_connector, reserved=reserved_files(config)), classifier, proposer, url, progress)


def _report(shown: str, result: Any) -> dict[str, Any]:
    return {
        "system": shown,
        "tables": result.tables,
        "proposals": [proposal.plain() for proposal in result.proposals if not proposal.weak],
        "weak": [proposal.plain() for proposal in result.proposals if proposal.weak],
        "problems": [{"table": table, "problem": problem} for table, problem in result.problems.items()],
    }


def _proposal_row(plain: dict[str, Any]) -> dict[str, Any]:
    return {
        **plain,
        "columns": ", ".join(plain["child_columns"]),
        "parent_columns": ", ".join(plain["parent_columns"]),
        "why": "; ".join(part["detail"] for part in plain["evidence"]),
    }


def _spelled(plain: dict[str, Any]) -> str:
    return f"{plain['child']}.{','.join(plain['child_columns'])} and {plain['parent']}.{','.join(plain['parent_columns'])}"


def _row(relation: Any) -> dict[str, Any]:
    return {
        "id": relation.id,
        "child": relation.child,
        "columns": ", ".join(relation.child_columns),
        "child_columns": list(relation.child_columns),
        "parent": relation.parent,
        "parent_columns": list(relation.parent_columns),
        "role": relation.role,
        "status": relation.status,
        "confidence": relation.confidence,
        "declared": relation.declared,
        "weak": relation.weak,
        "depth": relation.depth,
        "when": dict(relation.when),
        "decided_by": relation.decided_by,
        "evidence": [dict(part) for part in relation.evidence],
    }


def _decide(application: Any, actor: Any, name: str, decisions: Sequence[tuple[str, str]], role: Any, depth: int | None) -> bool:
    """Decide what is named; print what was refused and return whether anything was."""
    from privacy.inventory.relation_rules import RelationDecision

    if not decisions:
        return False
    known = application.relations.of_system(actor.tenant, name)
    named = [(relation.id, word) for edge, word in decisions for relation in _named(edge, known, name)]
    answers = application.relations.decide(actor, name, [RelationDecision(id, word, role if word == "confirm" else None, depth) for id, word in named])
    refused = [answer for answer in answers if isinstance(answer, PrivacyError)]
    for answer in refused:
        click.echo(answer.detail, err=True)
    return bool(refused)


def _named(edge: str, known: Sequence[Any], name: str) -> list[Any]:
    """Return the one relation that begins with this id, or those of this child column. Raises NotFound without the caller's words."""
    by_id = [relation for relation in known if len(edge) >= _SHORTEST and relation.id.startswith(edge)]
    by_child = [relation for relation in known if f"{name}.{edge}" == f"{relation.child}.{','.join(relation.child_columns)}"]
    found = by_id if len(by_id) == 1 else by_child
    if not found:
        raise NotFound("One of the relations named is not in the map, or several begin like it: `privacy systems relations NAME` lists them.")
    return found


@dataclass(frozen=True, slots=True)
class _End:
    table: str
    columns: tuple[str, ...]


def _edge(text: str, role: Any, conditions: Sequence[str], depth: int | None, weak: bool) -> Any:
    from privacy.inventory.relation_rules import Edge

    child, _, parent = text.partition("=")
    left, right = _end(child), _end(parent)
    return Edge(left.table, left.columns, right.table, right.columns, role, weak=weak, depth=depth, when=dict(map(_pair, conditions)))


def _end(text: str) -> _End:
    table, _, columns = text.strip().rpartition(".")
    if not table or not columns:
        raise InvalidInput("Write a relation as child.column=parent.column, several columns with commas: orders.customer_id=customers.id")
    return _End(table, tuple(column.strip() for column in columns.split(",")))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise InvalidInput("Write NAME=TEXT.")
    return name, value
