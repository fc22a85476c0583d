"""A data protection officer's work on the shop and on Chinook: connect, scan, and confirm what the truth says."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from privacy.application import Application
from privacy.inventory.deciding import FieldDecision
from privacy.inventory.relation_rules import Edge
from privacy.inventory.relations import Ownership
from privacy.kernel.errors import PrivacyError
from privacy.kernel.terms import Actor

TRUTH: Mapping[str, Any] = tomllib.loads((Path(__file__).parent / "truth.toml").read_text("utf-8"))
CHINOOK_RELATIONS = (
    ("Invoice", "CustomerId", "Customer", "CustomerId", "owned_by"),
    ("InvoiceLine", "InvoiceId", "Invoice", "InvoiceId", "owned_by"),
    ("InvoiceLine", "TrackId", "Track", "TrackId", "ref"),
    ("Customer", "SupportRepId", "Employee", "EmployeeId", "handled_by"),
    ("Employee", "ReportsTo", "Employee", "EmployeeId", "handled_by"),
    ("Track", "AlbumId", "Album", "AlbumId", "ref"),
    ("Album", "ArtistId", "Artist", "ArtistId", "ref"),
)


def connect(application: Application, actor: Actor, name: str, url: str) -> None:
    """Connect and scan a system."""
    application.discovery.add(actor, name, url)
    application.discovery.scan(actor, name)


def confirm_shop(application: Application, actor: Actor, name: str = "shop") -> None:
    """Confirm fields, subjects and relations of the shop as the truth says; every other field is not personal."""
    subjects = {table: (said["type"], said["field"]) for table, said in TRUTH["subjects"].items()}
    relations = [_edge(said) for said in TRUTH["relations"]]
    confirm(application, actor, name, TRUTH["fields"], subjects, relations)


def confirm_chinook(application: Application, actor: Actor, name: str, spell: Any = str) -> None:
    """Confirm what a scan of Chinook proposes, and its relations; `spell` turns a name into the database's spelling of it."""
    application.inventory.confirm_auto(actor, name)
    application.inventory.declare_rest_not_personal(actor, name)
    for table, type, field in (("Customer", "customer", "CustomerId"), ("Employee", "employee", "EmployeeId")):
        application.inventory.set_subject(actor, f"{name}.{spell(table)}", type, spell(field))
    for child, column, parent, key, role in CHINOOK_RELATIONS:
        application.relations.add(actor, name, Edge(spell(child), (spell(column),), spell(parent), (spell(key),), Ownership(role)))


def confirm(
    application: Application,
    actor: Actor,
    name: str,
    fields: Mapping[str, str],
    subjects: Mapping[str, tuple[str, str]],
    relations: Sequence[Edge],
) -> None:
    """Confirm `table.field` → category, table → (subject type, key field), and relations."""
    decisions = []
    for dataset in application.inventory.datasets(actor.tenant, name):
        for field in dataset.fields.values():
            category = fields.get(f"{dataset.table}.{field.name}")
            decisions.append(FieldDecision(dataset.name, field.name, "confirm" if category else "not_personal", category))
    refused = [answer for answer in application.inventory.decide(actor, decisions) if isinstance(answer, PrivacyError)]
    assert refused == []
    for table, (type, key) in subjects.items():
        application.inventory.set_subject(actor, f"{name}.{table}", type, key)
    for edge in relations:
        application.relations.add(actor, name, edge)


def _edge(said: Mapping[str, Any]) -> Edge:
    return Edge(said["child"], tuple(said["columns"]), said["parent"], tuple(said["to"]), Ownership(said["role"]), when=said.get("when", {}))
