"""The second look: after the rows went, are they gone, does anything still point to them, do the subjects' identifiers stand anywhere else?"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from privacy.disposal.closure import Terrain, in_words, matching
from privacy.disposal.ports import Target
from privacy.disposal.steps import Step, StepKind
from privacy.disposal.surveying import IDENTIFYING
from privacy.disposal.target import KeysIn
from privacy.disposal.values import Key, canonical_key
from privacy.inventory.relations import Ownership
from privacy.kernel.errors import PrivacyError
from privacy.kernel.plaintext import Plaintext

SEARCH_SECONDS = 60.0
_MOST_HITS = 100
_KEYS_AT_ONCE = 2_000


@dataclass(slots=True)
class Verdict:
    """What the second look found. `left`: rows that should be gone, by table; `behind`: rows that still name them, by relation; `again`: rows a new walk
    from the subjects finds; `residue`: other places with their identifiers, as (table, column, form) → rows; `not_searched`: table → why."""

    left: dict[str, int] = field(default_factory=dict)
    behind: dict[str, int] = field(default_factory=dict)
    again: int = 0
    residue: dict[tuple[str, str, str], int] = field(default_factory=dict)
    not_searched: dict[str, str] = field(default_factory=dict)

    @property
    def gone(self) -> bool:
        """Nothing that was to go is left; residue is a finding for people, not a failure."""
        return not self.left and not self.behind and not self.again

    def as_json(self) -> dict[str, Any]:
        residue = [{"table": table, "column": column, "form": form, "rows": rows} for (table, column, form), rows in sorted(self.residue.items())]
        return {"left": dict(self.left), "behind": dict(self.behind), "again": self.again, "residue": residue, "not_searched": dict(self.not_searched)}


def rows_left(target: Target, steps: Sequence[Step], verdict: Verdict) -> None:
    """Count the rows that were to be deleted, by key."""
    for step in steps:
        if step.kind is StepKind.DELETE:
            found = sum(target.count(step.table, KeysIn(step.key_columns, part)) for part in _parts(step.keys))
            if found:
                verdict.left[step.table] = verdict.left.get(step.table, 0) + found


def rows_behind(target: Target, terrain: Terrain, steps: Sequence[Step], verdict: Verdict) -> None:
    """Count rows that came after the plan and belong to rows that are gone: an order placed in the last second would otherwise be nobody's."""
    for relation in terrain.followed:
        child, parent = terrain.table(relation.child), terrain.table(relation.parent)
        for step in steps if relation.role is Ownership.OWNED_BY else ():
            if step.kind is StepKind.DELETE and step.table == parent and step.key_columns == relation.parent_columns:
                mine = {canonical_key(key) for each in steps if each.table == child for key in each.keys}
                found = _pointing(target, terrain, child, relation.child_columns, matching(relation, step.keys), mine)
                if found:
                    verdict.behind[in_words(relation)] = verdict.behind.get(in_words(relation), 0) + found


def _pointing(target: Target, terrain: Terrain, child: str, columns: Sequence[str], where: Any, planned: set[Key]) -> int:
    """Count child rows that point to what is gone; rows the plan left there on purpose (restricted, kept) are none of them."""
    key = terrain.shapes[child].primary_key
    if not key:
        return target.count(child, where)
    return sum(canonical_key(cells.values) not in planned for cells in target.select(child, key, where))


def search(target: Target, terrain: Terrain, needles: Sequence[Plaintext], steps: Sequence[Step], verdict: Verdict) -> None:
    """Look for the subjects' identifiers in free text, JSON and identifier columns of every table; rows the plan leaves on purpose are not told."""
    known = {(step.table, tuple(map(str, key))) for step in steps if step.kind is StepKind.STAY for key in step.keys}
    ends = time.monotonic() + SEARCH_SECONDS
    for table in sorted(terrain.datasets):
        shape = terrain.shapes.get(table)
        columns = [name for name in (shape.columns if shape else ()) if _may_hold(terrain, table, name)]
        if shape is None or shape.kind != "table" or not columns or not needles:
            continue
        if time.monotonic() > ends:
            verdict.not_searched[table] = "the time for the search had run out"
            continue
        try:
            for hit in target.residue(table, columns, needles, limit=_MOST_HITS):
                if (table, tuple(map(str, hit.key))) not in known:
                    place = (table, hit.column, hit.form)
                    verdict.residue[place] = verdict.residue.get(place, 0) + 1
        except PrivacyError as error:
            verdict.not_searched[table] = error.detail
    unread = [f"{table}.{name}" for table, dataset in terrain.datasets.items() for name, column in dataset.fields.items() if _is_opaque(column.carrier)]
    verdict.not_searched.update(dict.fromkeys(sorted(unread), "images, recordings, documents and bytes cannot be searched"))


def _may_hold(terrain: Terrain, table: str, name: str) -> bool:
    column = terrain.datasets[table].fields.get(name)
    family = terrain.shapes[table].columns[name].family
    if family not in ("text", "json") or column is None:
        return family in ("text", "json") and column is None
    return (column.carrier is not None or column.category in IDENTIFYING or not column.status.settled) and not _is_opaque(column.carrier)


def _is_opaque(carrier: Any) -> bool:
    return carrier is not None and carrier.value in ("blob", "image", "recording", "document")


def _parts(keys: Sequence[tuple[Any, ...]]) -> Iterable[tuple[tuple[Any, ...], ...]]:
    return (tuple(keys[start : start + _KEYS_AT_ONCE]) for start in range(0, len(keys), _KEYS_AT_ONCE))


def tally(steps: Sequence[Step], changed: Mapping[int, int]) -> list[dict[str, Any]]:
    """Return one line per dataset, action and reason with the rows as the markers counted them; `changed` is step number → rows."""
    lines: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number, step in enumerate(steps):
        if step.kind is StepKind.BREAK:
            continue
        until = step.until.isoformat() if step.until else ""
        place = (step.dataset, step.action.value, step.share.value, step.reason, step.rule, until)
        line = lines.setdefault(
            place,
            {"dataset": step.dataset, "action": step.action.value, "share": step.share.value, "found": 0, "rows": 0, "columns": [], "reason": step.reason,
             "rule": step.rule, "until": until},
        )  # fmt: skip
        line["found"] += len(step.keys)
        line["rows"] += changed.get(number, 0) if step.kind is not StepKind.STAY else len(step.keys)
        line["columns"] = sorted({*line["columns"], *step.columns})
    return list(lines.values())
