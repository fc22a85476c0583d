"""Free text: found pieces are replaced one by one, the rest stays as it is.

The findings come from a detector and the choice of technique from the caller; this file only cuts and joins. All offsets are code points.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from privacy.masking.technique import Kind, MaskContext, Technique


@dataclass(frozen=True, slots=True)
class TextSpan:
    """A piece of a text [start, end) and how to mask it; `priority` (the detector's confidence) decides between overlapping pieces."""

    start: int
    end: int
    entity: str
    technique: Technique
    category: str = ""
    priority: float = 0.0


@dataclass(frozen=True, slots=True)
class MaskedSpan:
    """Where a piece was, where what replaced it stands now, and by which technique."""

    start: int
    end: int
    entity: str
    technique: str
    new_start: int
    new_end: int


def label(entity: str) -> str:
    """Return the fixed word for a piece that is not shown at all: `[PERSON]`."""
    return f"[{entity}]"


def mask_text(text: str, spans: Sequence[TextSpan], context: MaskContext) -> tuple[str, tuple[MaskedSpan, ...]]:
    """Return `text` with every span replaced, and what was done.

    Where spans overlap, the whole stretch they cover is replaced by the label of the strongest: no end of the weaker one may stay visible.
    Raises ValueError for a span outside the text.
    """
    shown: list[str] = []
    done: list[MaskedSpan] = []
    place = length = 0
    for span, alone in _merged(spans, len(text)):
        piece = _replacement(text[span.start : span.end], span, alone, context)
        shown += [text[place : span.start], piece]
        start = length + span.start - place
        length = start + len(piece)
        place = span.end
        done.append(MaskedSpan(span.start, span.end, span.entity, span.technique.name, start, length))
    return "".join([*shown, text[place:]]), tuple(done)


def _replacement(piece: str, span: TextSpan, alone: bool, context: MaskContext) -> str:
    if span.technique.kind is Kind.CLEAR:
        return piece
    own = MaskContext(context.key, context.tenant, context.dataset, context.field, context.purpose, span.category, context.language)
    masked = span.technique.apply(piece, own) if alone and span.technique.name not in ("text", "redact") else None
    return label(span.entity) if masked is None else masked


def _merged(spans: Sequence[TextSpan], length: int) -> list[tuple[TextSpan, bool]]:
    """Return stretches that do not overlap, in order, and whether each is a single span."""
    merged: list[tuple[TextSpan, bool]] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if not 0 <= span.start < span.end <= length:
            raise ValueError("a span lies outside its text")
        if merged and span.start < merged[-1][0].end:
            merged[-1] = (_union(merged[-1][0], span), _same(merged[-1][0], span) and merged[-1][1])
        else:
            merged.append((span, True))
    return merged


def _same(left: TextSpan, right: TextSpan) -> bool:
    return (left.start, left.end, left.technique) == (right.start, right.end, right.technique)


def _union(left: TextSpan, right: TextSpan) -> TextSpan:
    # a clear span must not win over a hiding one: what is hidden by one finding stays hidden
    best = max(left, right, key=lambda s: (s.technique.kind is not Kind.CLEAR, s.priority, s.end - s.start))
    return TextSpan(min(left.start, right.start), max(left.end, right.end), best.entity, best.technique, best.category, best.priority)
