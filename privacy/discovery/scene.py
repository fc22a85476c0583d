"""One piece of folded text and the cheap facts about it that decide which rules run: its windows of digits, its scripts."""

import re
from collections.abc import Iterator

CONTEXT_WIDTH = 40
_PADDING = 20  # what may stand around the digits of a number: (+86), letters of a code, an extension
_CLUSTER = re.compile(r"[0-9](?:[ \t.\-·()/_:+]{0,3}[0-9])*")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile("[A-Za-z]{2}")
_CAPITAL = re.compile("[^\\W\\d_a-z\u3400-\u9fff]")
SEPARATORS = str.maketrans("", "", " \t.-·()/_:+")


class Scene:
    """A chunk of folded text. Facts are computed once, on first use; the rules of one chunk share them."""

    __slots__ = ("_clusters", "_windows", "capitals", "has_han", "has_latin", "language", "lower", "most_digits", "text")

    def __init__(self, text: str, language: str = "auto") -> None:
        self.text = text
        self.language = language
        ascii_only = text.isascii()
        self.has_han = not ascii_only and _HAN.search(text) is not None
        self.has_latin = _LATIN.search(text) is not None
        self.capitals = _CAPITAL.search(text) is not None
        self._clusters = [(m.start(), m.end(), _count(m.group())) for m in _CLUSTER.finditer(text)]
        self.most_digits = max([count for _, _, count in self._clusters], default=0)
        self.lower = text.lower() if self.has_latin else text
        self._windows: dict[int, list[tuple[int, int]]] = {}

    @property
    def has_digits(self) -> bool:
        return bool(self._clusters)

    @property
    def chinese_words(self) -> bool:
        """Do the rules that read Chinese words run?"""
        return self.has_han and self.language != "en"

    @property
    def english_words(self) -> bool:
        """Do the rules that read English words run?"""
        return self.has_latin and self.language != "zh"

    def windows(self, digits: int) -> list[tuple[int, int]]:
        """Return the places where at least `digits` digits stand together, padded and merged. Numbers are looked for here only."""
        known = self._windows.get(digits)
        if known is None:
            known = self._windows[digits] = list(self._merged(digits))
        return known

    def _merged(self, digits: int) -> Iterator[tuple[int, int]]:
        low, high = -1, -1
        for start, end, count in self._clusters:
            if count < digits:
                continue
            if low >= 0 and start - _PADDING <= high:
                high = end + _PADDING
            else:
                if low >= 0:
                    yield low, high
                low, high = max(0, start - _PADDING), end + _PADDING
        if low >= 0:
            yield low, high

    def before(self, start: int, width: int = CONTEXT_WIDTH) -> str:
        return self.text[max(0, start - width) : start]


def _count(cluster: str) -> int:
    return len(cluster) if cluster.isdigit() else len(cluster.translate(SEPARATORS))
