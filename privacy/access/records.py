"""Masking records in bulk: one lane per (set of fields, consent state), so that a decision is taken once and not for every cell."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from privacy.access import reasons
from privacy.access.decision import ConsentFact, Effect, Judge, Verdict, withheld
from privacy.access.reasons import Reason
from privacy.access.requests import MAX_FIELDS, ItemError, ReasonList
from privacy.access.trail import Account
from privacy.access.values import MaskText, Painter, Unmaskable, mask_value
from privacy.discovery.limits import LONGEST_TEXT, length_of
from privacy.inventory.model import Dataset
from privacy.kernel.errors import InvalidInput
from privacy.kernel.terms import SubjectRef

_MAX_KEY = 256
_MAX_NAMED = 200  # unknown fields that get a reason with their place; beyond that one reason for all

Shown = Mapping[str, Any]
_UNSEEN: Any = object()


@dataclass(frozen=True, slots=True)
class _Cell:
    """One field of a lane. `mask` None: the value is passed on (`keep`) or replaced by null."""

    name: str
    keep: bool
    mask: MaskText | None
    memo: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Lane:
    """What happens to every record with these fields and this consent: shared decisions, and which fields of the data map are disclosed how."""

    cells: tuple[_Cell, ...]
    decisions: Mapping[str, Shown]
    clear: tuple[str, ...]
    masked: tuple[str, ...]
    counts: Mapping[str, int]
    rules: frozenset[str]
    visits: dict[SubjectRef | None, None] = field(default_factory=dict)


def subject_of(record: Mapping[str, Any], dataset: Dataset | None, subject_field: str | None) -> SubjectRef | None:
    """Return whom a record is about, None when it does not say. Raises InvalidInput for a key that is no key; never names it."""
    name = subject_field or (dataset.subject_field if dataset else None)
    if dataset is None or name is None:
        return None
    value = record.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int) or len(text := str(value)) > _MAX_KEY:
        raise InvalidInput(f"The key of the subject is a text or a whole number of at most {_MAX_KEY} characters.")
    return SubjectRef(dataset.system, dataset.subject_type or dataset.table, text)


class RecordMasker:
    """Masks the records of one call; remembers lanes and masked values for the length of that call."""

    def __init__(self, judge: Judge, painter: Painter, reason_list: ReasonList) -> None:
        self._judge = judge
        self._painter = painter
        self._reasons = reason_list
        self._lanes: dict[tuple[tuple[str, ...], ConsentFact | None], Lane] = {}
        self._cells: dict[tuple[str, ConsentFact | None], tuple[_Cell, Verdict]] = {}
        self._named: dict[str, Reason] = {}
        self._counts = Counter[str]()

    def mask(
        self, index: int, record: Mapping[str, Any], subject: SubjectRef | None, consent: ConsentFact | None
    ) -> tuple[dict[str, Any], Mapping[str, Shown]]:
        """Return the record as it may be shown and the decision about each of its fields."""
        key = (tuple(record), consent)
        if (lane := self._lanes.get(key)) is None:
            lane = self._lanes[key] = self._lane(index, key[0], consent)
        lane.visits[subject] = None
        self._counts.update(lane.counts)
        shown: dict[str, Any] = {}
        changed: dict[str, Shown] = {}
        for cell in lane.cells:
            value = record[cell.name]
            if cell.mask is None:
                shown[cell.name] = value if cell.keep else None
                continue
            if type(value) is not str:
                shown[cell.name] = self._paint(cell, cell.mask, value, changed)
                continue
            masked = cell.memo.get(value, _UNSEEN)
            if masked is _UNSEEN:
                masked = cell.memo[value] = cell.mask(value)
            if masked is None:
                changed[cell.name] = self._shown(withheld(reasons.TECHNIQUE_WITHHELD))
            shown[cell.name] = masked
        if not changed:
            return shown, lane.decisions
        self._recount(changed, lane)
        return shown, {**lane.decisions, **changed}

    def account(self) -> Account:
        """Return what was done, for the event."""
        account = Account(dict(self._counts))
        for lane in self._lanes.values():
            account.fields.update(lane.clear, lane.masked)
            account.rules |= lane.rules
            for effect, names in ((Effect.CLEAR, frozenset(lane.clear)), (Effect.MASKED, frozenset(lane.masked))):
                for subject in lane.visits:
                    account.see(subject, effect, names)
        return account

    def _paint(self, cell: _Cell, mask: MaskText, value: Any, changed: dict[str, Shown]) -> Any:
        """Mask what is no text."""
        try:
            masked = mask_value(value, mask)
        except Unmaskable:
            changed[cell.name] = self._shown(withheld(reasons.NOT_MASKABLE))
            return None
        if masked is None and value is not None:
            changed[cell.name] = self._shown(withheld(reasons.TECHNIQUE_WITHHELD))
        return masked

    def _recount(self, changed: Mapping[str, Shown], lane: Lane) -> None:
        moved = sum(1 for name in changed if name in lane.masked)
        self._counts[Effect.MASKED] -= moved
        self._counts[Effect.WITHHELD] += moved

    def _lane(self, index: int, names: tuple[str, ...], consent: ConsentFact | None) -> Lane:
        cells, decisions, verdicts = [], {}, {}
        for name in names:
            cell, verdict = self._cell(index, name, consent)
            cells.append(cell)
            verdicts[name] = verdict
            decisions[name] = self._shown(verdict)
        rules = frozenset(verdict.reason.rule for verdict in verdicts.values() if verdict.reason.rule)
        clear, masked, hidden = (tuple(name for name in names if verdicts[name].effect is effect) for effect in Effect)
        counts = {"records": 1, **{str(effect): len(found) for effect, found in zip(Effect, (clear, masked, hidden), strict=True)}}
        return Lane(tuple(cells), decisions, clear, masked, counts, rules)

    def _cell(self, index: int, name: str, consent: ConsentFact | None) -> tuple[_Cell, Verdict]:
        if (known := self._cells.get((name, consent))) is not None:
            return known
        verdict = self._judge.field(name, consent)
        if verdict.reason.code == "field_unknown":
            verdict = withheld(self._named_reason(index, name, verdict.reason))
            return _Cell(name, False, None, {}), verdict
        mask = None
        if verdict.effect is Effect.MASKED:
            mask = self._painter.brush(verdict, name, self._category(name), consent)
        made = self._cells[name, consent] = (_Cell(name, verdict.effect is Effect.CLEAR, mask, {}), verdict)
        return made

    def _category(self, name: str) -> str:
        dataset = self._judge.bench.dataset
        return dataset.fields[name].category if dataset else ""

    def _named_reason(self, index: int, name: str, reason: Reason) -> Reason:
        """Name the first place of an unknown field; a caller who sends thousands of them gets one reason for the rest."""
        if name not in self._named and len(self._named) < _MAX_NAMED:
            self._named[name] = reason.at(f"/records/{index}/{escaped(name)}")
        return self._named.get(name, reason)

    def _shown(self, verdict: Verdict) -> Shown:
        return {"effect": verdict.effect.value, "technique": verdict.technique, "reason": self._reasons.place(verdict.reason)}


def escaped(name: str) -> str:
    """Return `name` as one step of a JSON pointer (RFC 6901), cut at 128 characters."""
    return name[:128].replace("~", "~0").replace("/", "~1")


def flaw_of(record: Any) -> str | None:
    """Return what is wrong with an item of `records`, None when it is an object of a size we mask."""
    if not isinstance(record, dict):
        return "A record is an object of field names and values."
    if len(record) > MAX_FIELDS:
        return f"A record has at most {MAX_FIELDS} fields; send fewer at a time."
    if length_of(record) > LONGEST_TEXT:
        return f"A record has at most {LONGEST_TEXT:,} characters; send long texts on their own."
    return None


def bad_item(index: int, code: str, detail: str) -> ItemError:
    return ItemError(f"/records/{index}", code, detail)
