"""Fold look-alikes before matching, and know where every character came from.

Full-width and other compatibility forms become their plain form, one character for one; dashes, middle dots and spaces become one of each; what
is invisible (zero-width, direction marks, soft hyphen) disappears. Offsets of the folded text map back exactly; ASCII text is not touched.
"""

import re
import unicodedata
from dataclasses import dataclass

_DROPPED = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe00-\ufe0f\ufeff]+")
# Full-width punctuation that ends a word in Chinese stays itself: as ASCII it would be taken for a part of a URL or a number.
_KEPT = frozenset("，；！？＂＇")
_ALIKE = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\ufe58\u30fc", "-"),
    **dict.fromkeys("\u2022\u2027\u30fb\uff65\u22c5\u0387", "·"),
    **dict.fromkeys("\u2028\u2029\u0085", "\n"),
}


class _Table(dict[int, str]):
    """A translation table that fills itself: one entry for every distinct character it was asked about."""

    def __missing__(self, code: int) -> str:
        folded = _fold(chr(code))
        if len(self) < 20_000:  # a bound, since hostile text may use all of Unicode
            self[code] = folded
        return folded


def _fold(character: str) -> str:
    if character in _KEPT:
        return character
    if character in _ALIKE:
        return _ALIKE[character]
    normal = unicodedata.normalize("NFKC", character)
    return normal if len(normal) == 1 else character


@dataclass(frozen=True, slots=True)
class Folded:
    """`text` for the rules; `origins[i]` is where its i-th character stands in the original (None: at the same place)."""

    text: str
    origins: tuple[int, ...] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the original offsets of a non-empty folded span; invisible characters inside belong to it, those after it do not."""
        if self.origins is None:
            return start, end
        return self.origins[start], self.origins[end - 1] + 1


class Folder:
    """Folds text; keeps a bounded table of characters, no text."""

    def __init__(self) -> None:
        self._table = _Table()

    def fold(self, text: str) -> Folded:
        if text.isascii():
            return Folded(text)
        if _DROPPED.search(text) is None:
            return Folded(text.translate(self._table))
        origins = tuple(_visible(text))
        return Folded("".join([text[i] for i in origins]).translate(self._table), origins)


def _visible(text: str) -> list[int]:
    kept: list[int] = []
    position = 0
    for gap in _DROPPED.finditer(text):
        kept.extend(range(position, gap.start()))
        position = gap.end()
    kept.extend(range(position, len(text)))
    return kept
