"""Masking applied to JSON values: what a technique, which knows text only, means for numbers, lists, booleans and objects.

Text is masked. A number is masked as its text, so the answer is text. null stays null. A list is masked element by element. A boolean or an
object has no masked form (a pseudonym of yes or no is a riddle with two answers; an object's keys may be personal too): it is withheld.
A value may be remembered inside one call, never longer.
"""

from collections.abc import Callable
from typing import Any

from privacy.access.decision import ConsentFact, Effect, Judge, Verdict
from privacy.access.ports import TextDetector
from privacy.masking.catalogue import Techniques
from privacy.masking.technique import MaskContext
from privacy.masking.text import MaskedSpan, TextSpan, mask_text

TEXT = "text"
MaskText = Callable[[str], str | None]


class Unmaskable(Exception):
    """A value without a masked form; carries nothing."""


def as_text(value: Any) -> str | None:
    """Return a scalar's text, None for null. Raises Unmaskable for anything else."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, bool):
        raise Unmaskable
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    raise Unmaskable


def mask_value(value: Any, mask: MaskText) -> Any:
    """Return the masked form of any JSON value. Raises Unmaskable where there is none."""
    if isinstance(value, list):
        return [_mask_scalar(element, mask) for element in value]
    return _mask_scalar(value, mask)


def _mask_scalar(value: Any, mask: MaskText) -> str | None:
    text = as_text(value)
    return None if text is None else mask(text)


class Painter:
    """Turns verdicts into functions on text, with the call's key and context."""

    def __init__(self, judge: Judge, techniques: Techniques, detector: TextDetector, key: bytes) -> None:
        self._judge = judge
        self._techniques = techniques
        self._detector = detector
        self._key = key

    def brush(self, verdict: Verdict, field: str, category: str, consent: ConsentFact | None) -> MaskText:
        """Return the function that masks the values of one field under `verdict`."""
        if verdict.effect is not Effect.MASKED:
            raise ValueError("only a masked value is painted")
        context = self._context(field, category)
        if verdict.technique == TEXT:
            return lambda text: self.text(text, context, consent)[0]
        apply = self._techniques.get(verdict.technique).apply
        return lambda text: apply(text, context)

    def free_text(self, text: str, consent: ConsentFact | None) -> tuple[str, tuple[MaskedSpan, ...]]:
        return self.text(text, self._context("", ""), consent)

    def text(self, text: str, context: MaskContext, consent: ConsentFact | None) -> tuple[str, tuple[MaskedSpan, ...]]:
        """Replace what the detector finds, each piece as its own category is decided; what is found and not allowed becomes its label."""
        spans = []
        for finding in self._detector.find(text):
            verdict = self._judge.finding(finding.entity, consent)
            technique = self._techniques.get("redact" if verdict.effect is Effect.WITHHELD else verdict.technique)
            category = self._judge.category_of(finding.entity)
            spans.append(TextSpan(finding.start, finding.end, finding.entity, technique, category, finding.confidence))
        return mask_text(text, spans, context)

    def _context(self, field: str, category: str) -> MaskContext:
        bench = self._judge.bench
        return MaskContext(
            key=self._key,
            tenant=bench.tenant,
            dataset=bench.dataset.id if bench.dataset else "",
            field=field,
            purpose=bench.purpose.id if bench.purpose else "",
            category=category,
            language=bench.language,
        )
