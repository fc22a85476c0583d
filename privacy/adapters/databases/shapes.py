"""What a connected database says of its tables: shapes for the plan, and what SQL needs to name and compare their columns.

The database's own catalogue is asked, a few queries for the whole system. Names are those of discovery's connectors: bare in the default
schema, `schema.table` otherwise; a partitioned table is one table.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from privacy.adapters.databases import shapes_mariadb, shapes_postgresql, shapes_sqlite
from privacy.adapters.databases.known import Known
from privacy.adapters.databases.quoting import MARKER
from privacy.disposal.target import ForeignKeyShape, TableShape

_READERS = {"sqlite": shapes_sqlite.read, "postgresql": shapes_postgresql.read, "mysql": shapes_mariadb.read}


def read_catalogue(opened: Connection) -> Mapping[str, Known]:
    """Return every table and view but our own marker table, by its name in the data map."""
    return {known.shape.name: known for known in _READERS[opened.dialect.name](opened) if known.shape.name != MARKER}


def fingerprint(shapes: Mapping[str, TableShape], tables: Iterable[str]) -> str:
    """Return a digest of these tables and of those that refer to them; a table that is not there counts as such."""
    asked = set(tables)
    children = {name for name, shape in shapes.items() if any(key.parent in asked for key in shape.foreign_keys)}
    described = [_described(shapes[name]) if name in shapes else [name, "missing"] for name in sorted(asked | children)]
    return hashlib.sha256(json.dumps(described, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _described(shape: TableShape) -> Sequence[object]:
    columns = [[c.name, c.type, c.nullable, c.default, c.length, c.generated] for c in sorted(shape.columns.values(), key=lambda c: c.name)]
    keys = sorted([list(key.columns), key.parent, list(key.parent_columns), key.on_delete] for key in shape.foreign_keys)
    return [shape.name, shape.kind, columns, list(shape.primary_key), keys, *(sorted(map(list, part)) for part in (shape.unique, shape.indexes)),
            sorted(shape.checks), sorted(shape.triggers)]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reached:
    """A foreign key that acts on child rows when parent rows go."""

    child: str
    key: ForeignKeyShape


def acting_keys(shapes: Mapping[str, TableShape], tables: Iterable[str]) -> list[Reached]:
    """Return the keys through which deleting rows of `tables` deletes or changes other rows, over any number of cascades."""
    found: dict[tuple[str, ForeignKeyShape], Reached] = {}
    waiting = list(dict.fromkeys(tables))
    seen = set(waiting)
    while waiting:
        parent = waiting.pop()
        for child, shape in shapes.items():
            for key in shape.foreign_keys:
                if key.parent == parent and key.on_delete in ("cascade", "set null", "set default"):
                    found.setdefault((child, key), Reached(child, key))
                    if key.on_delete == "cascade" and child not in seen:
                        seen.add(child)
                        waiting.append(child)
    return list(found.values())
