"""Steps: what is done to which rows of one table, and how steps become statements in batches. The same steps give the same batches, always.

After a crash the sealed steps are cut into the same batches again, so that a batch's number names its work and its marker tells that it is done.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from privacy.disposal.model import Share
from privacy.disposal.replacing import row_values
from privacy.disposal.target import Delete, KeysIn, Statement, TableShape, Update
from privacy.disposal.values import canonical_key, read_back, written
from privacy.inventory.relations import Erase
from privacy.kernel.canonical import canonical_json, length_prefixed
from privacy.kernel.clock import rfc3339
from privacy.kernel.ids import DatasetId

ROWS_A_BATCH = 2_000
END = 1_000_000_000  # number of the empty batch that says: this system is done


class StepKind(StrEnum):
    DELETE = "delete"
    UPDATE = "update"
    BREAK = "break"  # clears references within a circle of rows that are deleted afterwards
    STAY = "stay"  # no statement: restricted or kept rows


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """`values` hold for every row; `unique` columns get a value of their own per row. Keys are personal: never shown, sealed at rest."""

    kind: StepKind
    table: str
    dataset: str
    dataset_id: DatasetId
    action: Erase
    share: Share
    key_columns: tuple[str, ...]
    keys: tuple[tuple[Any, ...], ...]
    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    unique: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    reason: str = ""
    rule: str = ""
    until: datetime | None = None

    def statement(self, key: bytes, shapes: Mapping[str, TableShape]) -> Statement:
        """Return this step as one statement; `key` makes the values of unique columns."""
        distinct = tuple({canonical_key(each): each for each in self.keys}.values())
        where = KeysIn(self.key_columns, distinct)
        if self.kind is StepKind.DELETE:
            return Delete(self.table, where)
        own = {each: row_values(key, shapes[self.table], self.unique, each) for each in distinct} if self.unique else {}
        return Update(self.table, where, self.values, self.key_columns if own else (), own)


def batches(steps: Sequence[Step], size: int = ROWS_A_BATCH) -> Iterator[list[Step]]:
    """Cut the steps that write into batches of about `size` rows, in order; most people fit into one, that is one transaction."""
    return ([part for _, part in batch] for batch in numbered_batches(steps, size))


def numbered_batches(steps: Sequence[Step], size: int = ROWS_A_BATCH) -> Iterator[list[tuple[int, Step]]]:
    """The same, each part with the number of the step it was cut from."""
    batch: list[tuple[int, Step]] = []
    room = size
    for number, step in enumerate(steps):
        for part in _parts(step, size) if step.kind is not StepKind.STAY else ():
            if batch and len(part.keys) > room:
                yield batch
                batch, room = [], size
            batch.append((number, part))
            room -= len(part.keys)
    if batch:
        yield batch


def _parts(step: Step, size: int) -> Iterator[Step]:
    """Cut one step; equal keys (rows of a table without a key) stay together, since one statement takes them all."""
    start = 0
    while start < len(step.keys):
        end = min(start + size, len(step.keys))
        while end < len(step.keys) and step.keys[end] == step.keys[end - 1]:
            end += 1
        yield replace(step, keys=step.keys[start:end])
        start = end


def described(step: Step, key: bytes) -> dict[str, Any]:
    """Return everything that decides the effect, with the rows as one keyed digest: what the plan's hash covers."""
    named = b"".join(length_prefixed(part.encode("utf-8", "surrogatepass") for part in canonical_key(each)) for each in step.keys)
    set_to = canonical_json([[name, written(value)] for name, value in sorted(step.values.items())])
    return {
        **_plain(step),
        "rows": len(step.keys),
        "keys": hmac.new(key, named, hashlib.sha256).hexdigest(),
        "values": hmac.new(key, set_to, hashlib.sha256).hexdigest(),
    }


def sealed_form(step: Step) -> dict[str, Any]:
    """Return the whole step as JSON can keep it: for sealing, never for showing."""
    keys = [[written(value) for value in key] for key in step.keys]
    return {**_plain(step), "keys": keys, "values": {name: written(value) for name, value in step.values.items()}}


def from_sealed(kept: Mapping[str, Any]) -> Step:
    return Step(
        StepKind(kept["kind"]),
        kept["table"],
        kept["dataset"],
        DatasetId(kept["dataset_id"]),
        Erase(kept["action"]),
        Share(kept["share"]),
        tuple(kept["key_columns"]),
        tuple(tuple(read_back(value) for value in key) for key in kept["keys"]),
        MappingProxyType({name: read_back(value) for name, value in kept["values"].items()}),
        tuple(kept["unique"]),
        tuple(kept["columns"]),
        kept["reason"],
        kept["rule"],
        datetime.fromisoformat(kept["until"]) if kept["until"] else None,
    )


def _plain(step: Step) -> dict[str, Any]:
    return {
        "kind": step.kind.value,
        "table": step.table,
        "dataset": step.dataset,
        "dataset_id": step.dataset_id,
        "action": step.action.value,
        "share": step.share.value,
        "key_columns": list(step.key_columns),
        "unique": list(step.unique),
        "columns": list(step.columns),
        "reason": step.reason,
        "rule": step.rule,
        "until": rfc3339(step.until) if step.until else "",
    }
