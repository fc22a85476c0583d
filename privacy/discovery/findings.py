"""What was found: a frozen span without its value, and the order in which overlapping claims win."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

# Bases, from proof to hint; closed, so that a reviewer's screen can explain each one.
CHECKSUM = "checksum"  # the value proves itself (check digit, calendar, numbering plan)
PATTERN = "pattern"  # the shape alone
CONTEXT = "pattern+context"  # the shape and a word near it
LABEL = "label"  # a label or trigger stands directly before or after it
LIST = "list"  # a listed name or place
BASES = (CHECKSUM, PATTERN, CONTEXT, LABEL, LIST)

# Which claim on the same characters wins: a self-proving identifier over a number, a number over a word. Entities not named here rank between.
_RANKS = {
    **dict.fromkeys(("CN_ID_CARD", "CN_USCC", "IBAN_CODE", "EMAIL_ADDRESS"), 0),
    **dict.fromkeys(("UUID", "MAC_ADDRESS", "IP_ADDRESS", "CRYPTO", "URL"), 1),
    **dict.fromkeys(("CREDIT_CARD", "CN_BANK_CARD"), 2),
    **dict.fromkeys(
        ("CN_MOBILE", "US_SSN", "US_ITIN", "CN_HKID", "CN_TWID", "CN_LANDLINE", "CN_PASSPORT", "CN_PERMIT", "CN_LICENSE_PLATE", "CN_QQ", "CN_WECHAT"), 3
    ),
    **dict.fromkeys(("STREET_ADDRESS", "CN_ADDRESS"), 4),
    **dict.fromkeys(("DATE_OF_BIRTH", "DATE_TIME"), 5),
    "PHONE_NUMBER": 7,
    **dict.fromkeys(("PERSON", "LOCATION", "AGE", "ZIP_CODE"), 8),
}
_OTHERS = 6


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim: `text[start:end]`, in code points of the text as given, is an `entity` with this confidence, on this basis."""

    entity: str
    start: int
    end: int
    confidence: float
    basis: str = PATTERN


def resolve(findings: Iterable[Finding]) -> list[Finding]:
    """Return the winners, none overlapping another, by position. Order of strength: kind of proof, confidence, length, position."""
    kept: list[Finding] = []
    starts: list[int] = []
    for claim in sorted(findings, key=_strength):
        # the winners never overlap each other, so only the neighbours can overlap the claim
        at = bisect_right(starts, claim.start)
        if (at == 0 or kept[at - 1].end <= claim.start) and (at == len(kept) or claim.end <= starts[at]):
            kept.insert(at, claim)
            starts.insert(at, claim.start)
    return kept


def _strength(finding: Finding) -> tuple[int, float, int, int, str]:
    return _RANKS.get(finding.entity, _OTHERS), -finding.confidence, finding.start - finding.end, finding.start, finding.entity
