"""The questions this room answers and what it answers, as frozen values.

Records and texts travel in a `Box`: like `Plaintext` it does not print, pickle or copy, but costs nothing per cell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, SupportsIndex

from privacy.access.reasons import Reason
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef

MAX_ITEMS = 1000
MAX_FIELDS = 500


class Box:
    """Personal values in bulk: hidden in every repr and traceback, never serialised; read it with `.reveal()`."""

    __slots__ = ("__content",)

    def __init__(self, content: Any) -> None:
        self.__content = content

    def reveal(self) -> Any:
        return self.__content

    def __repr__(self) -> str:
        return "Box(***)"

    __str__ = __repr__

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a Box of personal values is never copied or serialised")


@dataclass(frozen=True, slots=True)
class MaskRecords:
    """Records of one dataset. `records` boxes a list; what is not an object in it is answered with an error of its own.

    `subject_field` overrides the field that the data map names; `purpose` None means the only one the caller is registered for.
    """

    dataset: str
    purpose: str | None
    records: Box
    recipient: str | None = None
    subject_field: str | None = None

    @classmethod
    def of(cls, dataset: str, purpose: str | None, records: Sequence[Any], recipient: str | None = None, subject_field: str | None = None) -> "MaskRecords":
        return cls(dataset, purpose, Box(records), recipient, subject_field)


@dataclass(frozen=True, slots=True)
class TextItem:
    """A free text and, where known, whom it is about."""

    text: Plaintext
    subject: SubjectRef | None = None


@dataclass(frozen=True, slots=True)
class MaskTexts:
    """Free texts; `dataset` None means texts of no dataset, which only rows for `*` cover."""

    purpose: str | None
    texts: tuple[TextItem, ...]
    recipient: str | None = None
    dataset: str | None = None


@dataclass(frozen=True, slots=True)
class ItemError:
    """One item that could not be answered; the others were."""

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class MaskedBatch:
    """The answer to `MaskRecords`, item by item in order. `records` boxes a list in which a bad item is None and has an entry in `errors`.

    `not_personal` are the fields that the data map declares so: who sees nothing but these sees nothing of anybody.
    """

    records: Box
    decisions: list[Mapping[str, Mapping[str, Any]]]
    reasons: tuple[Reason, ...]
    policy_version: int
    errors: tuple[ItemError, ...] = ()
    not_personal: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TextSpanDecision:
    """One found piece: where it was, where what stands for it is now (code points), and what was decided."""

    start: int
    end: int
    masked_start: int
    masked_end: int
    entity: str
    effect: str
    technique: str
    reason: int


@dataclass(frozen=True, slots=True)
class TextDecision:
    effect: str
    technique: str
    reason: int


@dataclass(frozen=True, slots=True)
class MaskedTexts:
    """The answer to `MaskTexts`: `texts` boxes a list of text or None (withheld)."""

    texts: Box
    decisions: tuple[TextDecision, ...]
    spans: tuple[tuple[TextSpanDecision, ...], ...]
    reasons: tuple[Reason, ...]
    policy_version: int


@dataclass(frozen=True, slots=True)
class DecisionItem:
    """One question of `decide`: may the caller do `action` with this field, for this purpose, recipient and subject?"""

    dataset: str
    field: str
    purpose: str | None = None
    recipient: str | None = None
    subject: SubjectRef | None = None
    action: str = "mask"


@dataclass(frozen=True, slots=True)
class Decided:
    effect: str
    technique: str
    reason: int


@dataclass(frozen=True, slots=True)
class DecidedBatch:
    items: tuple[Decided, ...]
    reasons: tuple[Reason, ...]
    policy_version: int


@dataclass(frozen=True, slots=True)
class CipherItem:
    """One value to protect (plaintext), reveal (ciphertext) or index (plaintext). `subject` is not needed for an index."""

    field: str
    value: Plaintext
    subject: SubjectRef | None = None


@dataclass(frozen=True, slots=True)
class CipherBatch:
    dataset: str
    items: tuple[CipherItem, ...]
    purpose: str | None = None
    recipient: str | None = None


@dataclass(frozen=True, slots=True)
class Explain:
    """Who would see which field of a dataset for a purpose, and why. `roles` empty: every role; `fields` empty: every field.

    With a `subject` its consent is taken into account, which only a caller who may mask or read consents is told. `all_rows` also lists the rows
    that do not fit and the first column that says so; `oracle` adds casbin's own answer.
    """

    dataset: str
    purpose: str | None
    recipient: str | None = None
    action: str = "mask"
    roles: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    subject: SubjectRef | None = None
    all_rows: bool = False
    oracle: bool = False


@dataclass(frozen=True, slots=True)
class RowNote:
    """One row that was looked at. `outcome`: decides, condition does not hold, comes later, or the column that does not fit."""

    row: str
    priority: int
    condition: str
    effect: str
    technique: str
    outcome: str


@dataclass(frozen=True, slots=True)
class ExplainedField:
    role: str
    field: str
    category: str
    effect: str
    technique: str
    reason: int
    rows: tuple[RowNote, ...]
    oracle: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    fields: tuple[ExplainedField, ...]
    reasons: tuple[Reason, ...]
    policy_version: int


@dataclass(slots=True)
class ReasonList:
    """The reasons of one answer, each once; an answer refers to them by place."""

    _places: dict[Reason, int] = field(default_factory=dict)

    def place(self, reason: Reason) -> int:
        return self._places.setdefault(reason, len(self._places))

    def all(self) -> tuple[Reason, ...]:
        return tuple(self._places)
