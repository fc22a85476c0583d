"""How good detection is against labelled text: exact and overlap precision, recall and F1, per type and over all, always with n.

Exact: same start, end and type. Overlap: a prediction counts when it shares a character with a gold span of its type, a gold span when a
prediction of its type touches it. Types that the data does not label at all are listed, not scored.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Span = tuple[str, int, int]

# Other names of the same thing in public data sets.
ALIASES: Mapping[str, str] = {"DOMAIN_NAME": "URL", "GPE": "LOCATION", "IBAN": "IBAN_CODE", "EMAIL": "EMAIL_ADDRESS", "PHONE": "PHONE_NUMBER", "SSN": "US_SSN"}
TOO_FEW = 30


@dataclass(frozen=True, slots=True)
class Score:
    """One line of the result. `n` is the number of labels; below 30 the figures prove little."""

    type: str
    n: int
    predicted: int
    precision: float
    recall: float
    f1: float
    overlap_f1: float

    @property
    def too_few(self) -> bool:
        return self.n < TOO_FEW


@dataclass(frozen=True, slots=True)
class Report:
    """`micro` covers the labelled types that the detector knows; `any_type` asks for the right place only, whatever the type."""

    texts: int
    scores: tuple[Score, ...]
    micro: Score
    any_type: Score
    clean_texts: int
    false_per_1000_clean: float
    unlabelled: Mapping[str, int]
    unknown: tuple[str, ...]


@dataclass(slots=True)
class _Tally:
    gold: int = 0
    predicted: int = 0
    exact: int = 0
    gold_touched: int = 0
    predicted_touching: int = 0

    def add(self, gold: Sequence[Span], predicted: Sequence[Span]) -> None:
        self.gold += len(gold)
        self.predicted += len(predicted)
        self.exact += len(set(gold) & set(predicted))
        self.gold_touched += sum(any(_touch(g, p) for p in predicted) for g in gold)
        self.predicted_touching += sum(any(_touch(p, g) for g in gold) for p in predicted)

    def score(self, name: str) -> Score:
        precision, recall = _share(self.exact, self.predicted), _share(self.exact, self.gold)
        overlap = _f1(_share(self.predicted_touching, self.predicted), _share(self.gold_touched, self.gold))
        return Score(name, self.gold, self.predicted, precision, recall, _f1(precision, recall), overlap)


@dataclass(slots=True)
class Scorer:
    """Collects texts one by one; `known` are the types the detector can report."""

    known: frozenset[str]
    _pairs: list[tuple[tuple[Span, ...], tuple[Span, ...]]] = field(default_factory=list)

    def add(self, gold: Iterable[Span], predicted: Iterable[Span]) -> None:
        self._pairs.append((tuple((ALIASES.get(t, t), s, e) for t, s, e in gold), tuple(predicted)))

    def report(self) -> Report:
        """Return the figures over everything added so far."""
        labelled = {span[0] for gold, _ in self._pairs for span in gold}
        scored = labelled & self.known
        clean = [predicted for gold, predicted in self._pairs if not gold]
        false = sum(1 for predicted in clean for span in predicted if not labelled or span[0] in labelled)
        other = Counter(span[0] for _, predicted in self._pairs for span in predicted if span[0] not in labelled)
        return Report(
            texts=len(self._pairs),
            scores=tuple(self._tally({name}).score(name) for name in sorted(labelled)),
            micro=self._micro(scored),
            any_type=self._tally(scored, typed=False).score("any type"),
            clean_texts=len(clean),
            false_per_1000_clean=1000 * _share(false, len(clean)),
            unlabelled=dict(sorted(other.items())),
            unknown=tuple(sorted(labelled - self.known)),
        )

    def _micro(self, types: set[str]) -> Score:
        total = _Tally()
        for name in types:
            one = self._tally({name})
            total = _Tally(
                total.gold + one.gold,
                total.predicted + one.predicted,
                total.exact + one.exact,
                total.gold_touched + one.gold_touched,
                total.predicted_touching + one.predicted_touching,
            )
        return total.score("micro")

    def _tally(self, types: set[str], *, typed: bool = True) -> _Tally:
        tally = _Tally()
        for gold, predicted in self._pairs:
            tally.add(_of(gold, types, typed), _of(predicted, types, typed))
        return tally


def _of(spans: Sequence[Span], types: set[str], typed: bool) -> list[Span]:
    return [span if typed else ("", span[1], span[2]) for span in spans if span[0] in types]


def _touch(one: Span, other: Span) -> bool:
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
