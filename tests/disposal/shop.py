"""The Chinese shop of tests/company as disposal sees it: its data map from the truth file, in memory or in a database."""

import tomllib
from pathlib import Path
from types import MappingProxyType
from typing import Any

from privacy.disposal.closure import Terrain
from privacy.disposal.target import ColumnShape, TableShape
from privacy.inventory.model import Carrier, Dataset, Field, Status
from privacy.inventory.relations import Ownership, Relation
from privacy.kernel.ids import DEFAULT_TENANT, DatasetId
from privacy.kernel.terms import SubjectRef
from tests.company.rows import ROWS
from tests.company.tables import TABLES
from tests.disposal.memory_target import MemoryTarget

TRUTH: dict[str, Any] = tomllib.loads((Path(__file__).parent.parent / "company" / "truth.toml").read_text("utf-8"))
SYSTEM = "shop"
_FAMILIES = {"key": "text", "text": "text", "long": "text", "bytes": "binary", "number": "integer", "moment": "datetime", "day": "date", "money": "decimal"}


def shapes() -> dict[str, TableShape]:
    made = {}
    for table in TABLES:
        columns = {name: ColumnShape(name, kind, _FAMILIES[kind], nullable=not required) for name, kind, required, _ in table.columns}
        made[table.name] = TableShape(table.name, columns, table.key, indexes=(table.key,))
    return made


def memory() -> MemoryTarget:
    return MemoryTarget(shapes(), {table.name: [dict(zip(table.names, row, strict=True)) for row in ROWS[table.name]] for table in TABLES})


def dataset(table: str, columns: dict[str, str], subject: tuple[str, str] | None = None, system: str = SYSTEM) -> Dataset:
    """Return a dataset whose fields are confirmed with the category given, or not personal where it is empty."""
    fields = {name: _field(name, category) for name, category in columns.items()}
    kind, key = subject or (None, None)
    return Dataset(DatasetId(f"id-{table}"), DEFAULT_TENANT, system, table, kind, key, MappingProxyType(fields))


def _field(name: str, category: str) -> Field:
    status = Status.CONFIRMED if category else Status.NOT_PERSONAL
    carrier = {"personal_text": Carrier.FREE_TEXT, "biometric": Carrier.IMAGE}.get(category)
    return Field(name, category or "not_personal", "", 3 if category else 1, "redact", status, carrier=carrier)


def datasets() -> dict[str, Dataset]:
    made = {}
    for table in TABLES:
        subject = TRUTH["subjects"].get(table.name)
        columns = {name: TRUTH["fields"].get(f"{table.name}.{name}", "") for name in table.names}
        made[table.name] = dataset(table.name, columns, (subject["type"], subject["field"]) if subject else None)
    return made


def relation(
    child: str, columns: str, parent: str, to: str, role: str, *, when: dict[str, str] | None = None, status: Status = Status.CONFIRMED,
    depth: int | None = None, weak: bool = False, system: str = SYSTEM,
) -> Relation:  # fmt: skip
    """Return a relation in one line; columns of composite keys are separated by spaces."""
    return Relation(
        id=f"{child}.{columns}>{parent}.{to}:{sorted((when or {}).items())}",
        tenant=DEFAULT_TENANT,
        system=system,
        child=f"{system}.{child}",
        child_id=DatasetId(f"id-{child}"),
        child_columns=tuple(columns.split()),
        parent=f"{system}.{parent}",
        parent_id=DatasetId(f"id-{parent}"),
        parent_columns=tuple(to.split()),
        role=Ownership(role),
        status=status,
        weak=weak,
        depth=depth,
        when=MappingProxyType(when or {}),
    )


def relations() -> tuple[Relation, ...]:
    return tuple(
        relation(each["child"], " ".join(each["columns"]), each["parent"], " ".join(each["to"]), each["role"], when=each.get("when"))
        for each in TRUTH["relations"]
    )


def terrain() -> Terrain:
    return Terrain(DEFAULT_TENANT, SYSTEM, datasets(), shapes(), relations())


def subject(person: str) -> SubjectRef:
    kind, _, key = TRUTH["people"][person]["subject"].partition(":")
    return SubjectRef(SYSTEM, kind, key)
