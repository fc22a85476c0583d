"""What a masking technique is: a name, a promise and a pure function.

Guarantees, for every technique but `none`: the function never raises for any text; a value whose shape it does not know becomes the
redaction token or None (withheld), never clear; a technique that hides never returns its input (the guard in `Technique.apply`), but for what it
names itself as nothing to hide (`keeps`: a surname in a field for surnames).
Limits: masking is not anonymising. What stays visible can single a person out together with other fields.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from privacy.masking.fold import fold

LONGEST = 4096  # code points; longer values have no shape of ours, and folding may lengthen a text eighteenfold
_TOKENS = {"zh": "[已隐藏]", "en": "[redacted]"}


class Kind(StrEnum):
    """What a technique does to a value; HIDE and GENERALISE are irreversible, PSEUDONYM is keyed and not reversible without a search."""

    CLEAR = "clear"
    HIDE = "hide"
    GENERALISE = "generalise"
    PSEUDONYM = "pseudonym"


@dataclass(frozen=True, slots=True)
class MaskContext:
    """Where a value stands. `key` is 32 bytes derived per tenant, used by `pseudonym` only; `language` (`zh`, `en`, `auto`) picks words of ours."""

    key: bytes = b""
    tenant: str = ""
    dataset: str = ""
    field: str = ""
    purpose: str = ""
    category: str = ""
    language: str = "auto"


def _nothing(value: str, context: MaskContext) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Technique:
    """One way to mask.

    `folds` tells whether the value is brought into plain form (width, invisible characters, digits) first, `keeps` which whole values may stay.
    """

    name: str
    kind: Kind
    en: str
    zh: str
    mask: Callable[[str, MaskContext], str | None]
    folds: bool = True
    keeps: Callable[[str, MaskContext], bool] = _nothing

    def apply(self, value: str, context: MaskContext) -> str | None:
        """Return what may be shown of `value`, or None for nothing at all.

        An empty or blank value stays an empty text except under `redact`, which does not even tell that; a token of ours stays a token.
        """
        if self.kind is Kind.CLEAR:
            return value
        if value in _TOKENS.values():
            return value
        if not self.folds:
            return self.mask(value, context)
        if len(value) > LONGEST:
            return token(context)
        plain = fold(value)
        if not plain:
            return ""
        masked = self.mask(plain, context)
        if self.kind is Kind.HIDE and masked is not None and _unhidden(plain, masked) and not self.keeps(plain, context):
            return token(context)
        return masked


def token(context: MaskContext) -> str:
    """Return the fixed word for a hidden value: the same for every value, so that it tells neither length nor script."""
    return _TOKENS["zh" if context.language == "zh" else "en"]


def is_token(text: str) -> bool:
    return text in _TOKENS.values()


def _unhidden(plain: str, masked: str) -> bool:
    # an already masked value may come back as it was; a value with nothing hidden in it may not
    return masked == plain and "*" not in masked and not is_token(masked)
