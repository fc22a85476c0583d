"""What values say about a suggested reference: they refute it, prove it, or (small counted numbers) say nothing.

Any small number is among keys counted 1, 2, 3 …, so such keys only refute. Order numbers, logins, UUIDs, widely spread numbers prove.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from privacy.discovery.proposals import Evidence
from privacy.discovery.relations.candidate import Candidate
from privacy.discovery.relations.scenes import Part
from privacy.discovery.shapes import Family, Inclusion, KeyShape, Sample, Table
from privacy.kernel.errors import ConnectorUnavailable

SAMPLE = 500  # distinct values looked up
_SECONDS = 180.0  # for one system; what is left then rests on names
_ORPHANS = 0.9  # from here on the few that are missing may be rows deleted since
_REFUTED = 0.6
_NEARLY_UNIQUE = 0.98  # a key of an old table may have a few doubles
_FEW = 3  # below that many distinct values nothing is refuted or proved


class Looks(Protocol):
    """The part of a connector that compares values."""

    def included(
        self, child: Table, child_columns: Sequence[str], parent: Table, parent_columns: Sequence[str], sample: int, by: str = ""
    ) -> Mapping[str, Inclusion]: ...

    def key_shape(self, table: Table, columns: Sequence[str]) -> KeyShape: ...


@dataclass(frozen=True, slots=True)
class Proof:
    """`strength`: -1 refuted, 0 nothing known, up to 1 proved; `covers` the share of the parent's keys that the child holds."""

    strength: float
    evidence: tuple[Evidence, ...] = ()
    checked: int = 0
    ratio: float = 0.0
    dense: bool = False
    covers: float = 0.0


UNKNOWN = Proof(0.0)


class Prover:
    """Asks a connected system, each question once and only while the time lasts. Without one every answer is unknown."""

    def __init__(self, looks: Looks | None, *, seconds: float = _SECONDS) -> None:
        self._looks = looks
        self._deadline = time.monotonic() + seconds
        self._shapes: dict[tuple[str, tuple[str, ...]], KeyShape | None] = {}
        self._answers: dict[object, Mapping[str, Inclusion] | None] = {}

    @property
    def asks(self) -> bool:
        return self._looks is not None

    def prove(self, candidate: Candidate) -> Proof:
        """Return what the values say."""
        answer = self._included(candidate)
        if answer is None:
            return UNKNOWN
        kind = next(iter(candidate.when.values()), "")
        found = answer.get(kind, Inclusion(0, 0))
        shape = self.shape(candidate.parent.table, candidate.parent_columns)
        if not found.checked:
            return replace(UNKNOWN, evidence=(Evidence("values", "no values to compare", 0.0),))
        if shape is not None and not shape.rows:
            return replace(UNKNOWN, evidence=(Evidence("values", "the other table is empty", 0.0),))
        return self._judged(candidate, found, shape)

    def shape(self, table: Table, columns: tuple[str, ...]) -> KeyShape | None:
        """Return how columns look as a key, or None where nobody may look."""
        if (table.name, columns) not in self._shapes:
            self._shapes[table.name, columns] = self._ask_shape(table, columns)
        return self._shapes[table.name, columns]

    def _judged(self, candidate: Candidate, found: Inclusion, shape: KeyShape | None) -> Proof:
        dense = shape.dense if shape is not None else False
        telling = not dense and (len(candidate.child_columns) > 1 or _telling(candidate.parent.parts[candidate.parent_columns[0]], shape))
        covers = found.found / shape.distinct if shape is not None and shape.distinct else 0.0
        detail = f"{found.found} of {found.checked} distinct values are keys of {candidate.parent.table.name}"
        detail += ", which are counted numbers and prove nothing" if dense else ""
        strength = _strength(found, telling=telling)
        if shape is not None and shape.rows >= _FEW and shape.distinct < shape.rows * _NEARLY_UNIQUE:
            strength, detail = -1.0, f"{detail}, where they repeat: no key"
        return Proof(strength, (Evidence("values", detail, round(max(strength, 0.0), 2)),), found.checked, found.ratio, dense, covers)

    def _included(self, candidate: Candidate) -> Mapping[str, Inclusion] | None:
        by = next(iter(candidate.when), "")
        question = (candidate.child.table.name, candidate.child_columns, candidate.parent.table.name, candidate.parent_columns, by)
        if question not in self._answers:
            self._answers[question] = self._ask(candidate, by)
        return self._answers[question]

    def _ask(self, candidate: Candidate, by: str) -> Mapping[str, Inclusion] | None:
        if self._looks is None or time.monotonic() > self._deadline:
            return None
        try:
            return self._looks.included(candidate.child.table, candidate.child_columns, candidate.parent.table, candidate.parent_columns, SAMPLE, by)
        except ConnectorUnavailable:  # too slow, or no right: names must do
            return None

    def _ask_shape(self, table: Table, columns: tuple[str, ...]) -> KeyShape | None:
        if self._looks is None or time.monotonic() > self._deadline:
            return None
        try:
            return self._looks.key_shape(table, columns)
        except ConnectorUnavailable:
            return None


def _strength(found: Inclusion, *, telling: bool) -> float:
    if found.checked < _FEW:
        return 0.0 if found.found else -0.3
    if found.ratio < _REFUTED:
        return -1.0
    if found.ratio < _ORPHANS:
        return -0.3
    if telling:
        return 1.0 if found.ratio > 0.98 and found.checked >= 5 else 0.8
    return 0.2


def _telling(part: Part, shape: KeyShape | None) -> bool:
    """Are these values so many that others would hardly be among them by chance?"""
    if part.column.family is Family.UUID:
        return True
    if part.column.family is Family.TEXT:
        return shape is None or shape.distinct >= 8 or part.column.name.lower() not in ("code", "key")
    return shape is not None and shape.low is not None and not shape.dense


def overlaps(child: Sample | None, parent: Sample | None) -> int:
    """Return how many values two samples share."""
    return len(set(child.values) & set(parent.values)) if child is not None and parent is not None else 0
