"""Masking free texts that come by themselves, each with the decision about the whole and about every piece found in it."""

from privacy.access import reasons
from privacy.access.decision import ConsentFact, Effect, Judge, Verdict, withheld
from privacy.access.requests import ReasonList, TextDecision, TextItem, TextSpanDecision
from privacy.access.trail import Account
from privacy.access.values import TEXT, Painter

Masked = tuple[str | None, TextDecision, tuple[TextSpanDecision, ...]]


class TextMasker:
    """Masks the texts of one call and keeps the account for its event."""

    def __init__(self, judge: Judge, painter: Painter, reason_list: ReasonList) -> None:
        self._judge = judge
        self._painter = painter
        self._reasons = reason_list
        self.account = Account({"texts": 0, Effect.CLEAR: 0, Effect.MASKED: 0, Effect.WITHHELD: 0})

    def mask(self, item: TextItem, consent: ConsentFact | None) -> Masked:
        """Return the text as it may be shown (None: withheld), the decision, and one for every piece that was found."""
        verdict, shown, spans = self._paint(item, consent)
        counts = self.account.counts
        counts["texts"] += 1
        counts[verdict.effect] += 1
        self.account.rules.update(filter(None, [verdict.reason.rule]))
        if verdict.effect is not Effect.WITHHELD:
            self.account.see(item.subject, verdict.effect, frozenset({"text"}))
        return shown, TextDecision(verdict.effect.value, verdict.technique, self._reasons.place(verdict.reason)), spans

    def _paint(self, item: TextItem, consent: ConsentFact | None) -> tuple[Verdict, str | None, tuple[TextSpanDecision, ...]]:
        verdict = self._judge.text(consent)
        if verdict.effect is Effect.WITHHELD:
            return verdict, None, ()
        text = item.text.reveal()
        if verdict.effect is Effect.CLEAR:
            return verdict, text, ()
        if verdict.technique != TEXT:
            shown = self._painter.brush(verdict, "", "", consent)(text)
            return (verdict, shown, ()) if shown is not None else (withheld(reasons.TECHNIQUE_WITHHELD), None, ())
        masked, spans = self._painter.free_text(text, consent)
        return verdict, masked, tuple(self._span(span.start, span.end, span.new_start, span.new_end, span.entity, consent) for span in spans)

    def _span(self, start: int, end: int, masked_start: int, masked_end: int, entity: str, consent: ConsentFact | None) -> TextSpanDecision:
        verdict = self._judge.finding(entity, consent)
        self.account.rules.update(filter(None, [verdict.reason.rule]))
        return TextSpanDecision(start, end, masked_start, masked_end, entity, verdict.effect.value, verdict.technique, self._reasons.place(verdict.reason))
