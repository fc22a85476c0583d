"""Find personal data in free text: `Detector.find`.

    text → chunks → fold (offsets kept) → rules by windows and scripts → checks → context → overlaps → spans of the original

Guarantee: any text of any length is accepted; offsets are code points of the text as given, `0 ≤ start < end ≤ len(text)`, sorted, not
overlapping; nothing is kept between calls; no network, no model. Limit: names and addresses are found beside labels, titles and listed words only;
see docs/detection.md for what is not found. Memory beyond the text and the findings is bounded by the chunk size.
"""

import re
from collections.abc import Iterable, Iterator

from privacy.discovery.findings import Finding, resolve
from privacy.discovery.fold import Folder
from privacy.discovery.foreign import Gate, Recognisers
from privacy.discovery.recognisers import chinese_addresses, chinese_names, chinese_numbers, dates, english, generic, phones, street_addresses
from privacy.discovery.rules import Decoys, Recogniser
from privacy.discovery.scene import Scene
from privacy.kernel.errors import Flaw, InvalidInput

LANGUAGES = ("auto", "en", "zh")
REGIONS = ("CN", "HK", "TW", "US", "GB")
CHUNK = 16_384
OVERLAP = 512  # more than the longest address, and enough for every label before a value


class Detector:
    """Finds personal data in text; safe to share between threads, cheap to call, built once per process.

    `extra` brings recognizers of another library; they are asked only where their gate is open. `regions` are the countries whose national
    numbers and phone plans are tried, in order.
    """

    def __init__(self, extra: Recognisers | None = None, regions: tuple[str, ...] = REGIONS) -> None:
        decoys = Decoys()
        self._recognisers: tuple[Recogniser, ...] = (
            *generic.recognisers(decoys),
            *(chinese_numbers.recognisers(decoys) if {"CN", "HK", "TW", "MO"} & set(regions) else ()),
            *phones.recognisers(decoys, regions),
            *dates.recognisers(),
            *english.recognisers(),
            *street_addresses.recognisers(),
            *chinese_names.recognisers(),
            *chinese_addresses.recognisers(),
        )
        self._gates = _Gates(extra, regions) if extra else None
        self._folder = Folder()
        own = frozenset[str]().union(*(r.entities for r in self._recognisers))
        self._entities = own | (self._gates.entities if self._gates else frozenset())

    @property
    def entities(self) -> frozenset[str]:
        """Return every entity this detector may report."""
        return self._entities

    def find(self, text: str, *, language: str = "auto", entities: frozenset[str] | None = None, min_confidence: float = 0.5) -> list[Finding]:
        """Return what is found in `text`, by position, without overlaps.

        `language` restricts the rules that read words (`en`, `zh`); numbers are always read. `entities` restricts what is reported.
        Raises InvalidInput for an unknown language or entity.
        """
        self._check(language, entities)
        chosen = self._chosen(entities)
        found: list[Finding] = []
        for low, high in _chunks(text):
            lead, tail = max(0, low - OVERLAP), min(len(text), high + OVERLAP)
            for finding in self._scan(text[lead:tail], chosen, language, entities, min_confidence):
                start = finding.start + lead
                # a finding belongs to the chunk in which it starts; what an earlier one covers is taken
                if low <= start < high and (not found or start >= found[-1].end):
                    found.append(Finding(finding.entity, start, finding.end + lead, finding.confidence, finding.basis) if lead else finding)
        return found if entities is None else [f for f in found if f.entity in entities]

    def contains(self, text: str, *, entities: frozenset[str] | None = None, min_confidence: float = 0.5) -> bool:
        """Is there anything? Stops at the first rule that says so; overlaps are not weighed, so that this is quicker and a little more eager."""
        self._check("auto", entities)
        for low, high in _chunks(text):
            scene = Scene(self._folder.fold(text[max(0, low - OVERLAP) : high + OVERLAP]).text)
            for recogniser in self._chosen(entities):
                if recogniser.applies(scene) and any(
                    f.confidence >= min_confidence and (entities is None or f.entity in entities) for f in recogniser.find(scene)
                ):
                    return True
        return False

    def _check(self, language: str, entities: frozenset[str] | None) -> None:
        if language not in LANGUAGES:
            raise InvalidInput(f"The language is one of {', '.join(LANGUAGES)}.", pointer="/language")
        if entities is not None and not entities <= self._entities:
            # the list stands once: callers print both
            known = Flaw("/entities", f"Known are {', '.join(sorted(self._entities))}.")
            raise InvalidInput("An entity is not one this service finds.", flaws=(known,))

    def _chosen(self, entities: frozenset[str] | None) -> tuple[Recogniser, ...]:
        """Return the rules to run: for wanted values all rules for values (a card must be able to outrank a phone), words only where wanted."""
        if entities is None:
            return self._recognisers
        values = any(entities & r.entities for r in self._recognisers if not r.words)
        return tuple(r for r in self._recognisers if entities & r.entities or (values and not r.words))

    def _scan(self, piece: str, chosen: Iterable[Recogniser], language: str, entities: frozenset[str] | None, least: float) -> list[Finding]:
        folded = self._folder.fold(piece)
        scene = Scene(folded.text, language)
        claims = [f for recogniser in chosen if recogniser.applies(scene) for f in recogniser.find(scene) if f.confidence >= least]
        if self._gates:
            claims.extend(f for f in self._gates.find(folded.text, entities) if f.confidence >= least)
        found = resolve(claims) if len(claims) > 1 else claims
        if folded.origins is None:
            return found
        return [Finding(f.entity, *folded.span(f.start, f.end), f.confidence, f.basis) for f in found]


class _Gates:
    """Asks the foreign recognizers for those entities only whose gate the text opens."""

    def __init__(self, extra: Recognisers, regions: tuple[str, ...]) -> None:
        self._extra = extra
        gates: list[Gate] = [g for g in extra.gates() if not g.region or g.region in regions]
        self._gates = [(g.entity, re.compile(g.shape, re.IGNORECASE), re.compile(g.context, re.IGNORECASE) if g.context else None) for g in gates]
        self.entities = frozenset(g.entity for g in gates)

    def find(self, text: str, entities: frozenset[str] | None) -> Iterable[Finding]:
        open_gates = frozenset(
            entity
            for entity, shape, context in self._gates
            if (entities is None or entity in entities) and (context is None or context.search(text)) and shape.search(text)
        )
        return self._extra.find(text, open_gates) if open_gates else ()


class LeafGuard:
    """Says whether a short free-form value holds personal data that proves itself: for the audit log, which then commits to it instead of keeping it.

    Numbers and ids of our own (UUIDs, times, counts, addresses of machines) are exempt; so are names, which without a label prove nothing.
    """

    ENTITIES = frozenset(
        (
            "EMAIL_ADDRESS",
            "IBAN_CODE",
            "CREDIT_CARD",
            "CN_BANK_CARD",
            "CN_ID_CARD",
            "CN_PERMIT",
            "CN_MOBILE",
            "CN_HKID",
            "CN_TWID",
            "CN_PASSPORT",
            "CN_LICENSE_PLATE",
            "US_SSN",
            "CN_QQ",
            "CN_WECHAT",
            "PHONE_NUMBER",
            "CN_LANDLINE",
        )
    )

    def __init__(self, detector: Detector, min_confidence: float = 0.8) -> None:
        self._detector = detector
        self._least = min_confidence
        self._entities = self.ENTITIES & detector.entities

    def is_personal(self, text: str) -> bool:
        """Is there a personal value, with high confidence?"""
        if len(text) < 6:
            return False
        return bool(self._detector.find(text, entities=self._entities, min_confidence=self._least))


def _chunks(text: str) -> Iterator[tuple[int, int]]:
    """Cut at a line break or a space near the end of each chunk, or hard where there is none."""
    low, size = 0, len(text)
    while size - low > CHUNK:
        high = _cut(text, low + CHUNK // 2, low + CHUNK)
        yield low, high
        low = high
    if low < size:
        yield low, size


def _cut(text: str, low: int, high: int) -> int:
    for mark in ("\n", "。", ". ", " "):
        position = text.rfind(mark, low, high)
        if position >= 0:
            return position + len(mark)
    return high
