"""Is one of these identifiers in this text, however it is written? Folded, split, in full width, URL-encoded, JSON-escaped, in base64.

A number counts as a whole only, never inside a longer one; an e-mail address and a word in Latin letters end where their characters end. Chinese
has no such ends: 李明 is found in 李明珠 as well, and a person looks at it. Limits: numbers under 5 digits, words under 3 letters (2 Chinese
characters) are no needles, since they are everywhere; text that is compressed or encrypted is not opened.
"""

import binascii
import contextlib
import html
import quopri
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from privacy.kernel.normalise import PLANS
from privacy.masking.fold import fold, is_han
from privacy.subjects.normalising import fifteen, resident_id

_DIGITS, _LETTERS, _HAN = 5, 3, 2  # the least that makes a needle
_DEPTH = 3  # base64 of a URL in JSON
_GAP = r"[\s\-.()/_·•‐-—]{0,3}"
_NUMBER = re.compile(r"\+?[\d\s\-.()/_·•‐-—]*\d[xX]?\Z")
_CODES = "|".join(sorted({plan.code for plan in PLANS.values()}, key=len, reverse=True))
_HOME = 7  # digits a number keeps without its country code
_GAP_WITHIN = r"[\s\-.()/_·•‐-—]{1,3}"
_LATIN = "0-9a-z\u00df-\u024f"
_ADDRESS = r"a-z0-9.+_\\-"  # what people's addresses hold; RFC 5321 allows marks that stand before an address in a query as well
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\([/\"'\\])")
_ENTITY = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z]+);")
_BASE64 = str.maketrans({"-": "+", "_": "/", "\r": None, "\n": None, "=": None})
# what folding may change; plain ASCII and everyday Chinese it leaves alone
_UNUSUAL = re.compile(r"[^ -~\n\u3001-\u3017\u4e00-\u9fff，。！？：；（）]")
_QUOTED = re.compile(r"=[0-9A-F]{2}|=\r?\n")


@dataclass(frozen=True, slots=True, repr=False)
class Trace:
    """What every plain spelling of a needle holds in this order: letters in lower case, digits. For a filter in SQL."""

    characters: str
    bytes: int


@dataclass(frozen=True, slots=True, repr=False)
class _Pattern:
    """A needle's spellings without what may stand before them: that is looked at where one is found, which keeps the search itself fast."""

    body: str
    trace: Trace
    number: bool = False
    before: str = ""  # for a word: characters that would make it another word
    codes: str = ""  # for a number: what may stand before it, as a pattern that ends there


class Needles:
    """The identifiers of one search. `traces` is empty when there is nothing worth searching for."""

    def __init__(self, values: Sequence[str]) -> None:
        self._raw = tuple(dict.fromkeys(filter(None, map(str.strip, values))))
        patterns = tuple(dict.fromkeys(pattern for value in self._raw for pattern in _patterns(value)))
        self.traces = tuple(dict.fromkeys(pattern.trace for pattern in patterns))
        self.spaced = any(" " in fold(raw) for raw in self._raw)
        self.shortest = min((len(trace.characters) for trace in self.traces), default=0)
        self.run = max(6, min((trace.bytes * 4 // 3 for trace in self.traces), default=0))
        self._search = re.compile("|".join(f"({pattern.body})" for pattern in patterns)).search
        self._before = [
            re.compile(f"(?:{pattern.codes})\\Z" if pattern.number else f"[{pattern.before}]\\Z" if pattern.before else "(?!)") for pattern in patterns
        ]
        self._patterns = patterns
        self._token = re.compile(rf"[A-Za-z0-9+/_-]{{{self.run},}}(?:\r?\n[A-Za-z0-9+/_-]+)*={{0,2}}")
        self._textual = re.compile(b"|".join(dict.fromkeys(_as_bytes(pattern) for pattern in patterns)) or b"(?!)")

    def __repr__(self) -> str:
        return f"Needles({len(self.traces)})"

    def form_in(self, text: str) -> str:
        """Return how one of them is written in `text` (`exact`, `normalised`, `digits`, or the encoding it hides in); empty when none is."""
        if not self.traces:
            return ""
        plain = self._plain(text)
        return plain or next((form for form, view in self._views(text, _DEPTH) if self._plain(view)), "")

    def _plain(self, text: str) -> str:
        folded = (fold(text) if _UNUSUAL.search(text) else text).casefold()
        match = self._search(folded)
        while match is not None:
            if self._stands_alone(folded, match):
                return self._form(text, match[0])
            match = self._search(folded, match.start() + 1)
        return ""

    def _stands_alone(self, folded: str, match: re.Match[str]) -> bool:
        at = (match.lastindex or 1) - 1
        head = folded[max(0, match.start() - 16) : match.start()]
        if not self._patterns[at].number:
            return self._before[at].search(head) is None
        if not head or not (head[-1].isdigit() or (head[-1] == "." and head[-2:-1].isdigit())):
            return True
        # digits stand before it: a country code or a trunk prefix, or else it is part of a longer number
        code = self._before[at].search(head)
        return code is not None and not head[: code.start()][-1:].isdigit()

    def _form(self, text: str, found: str) -> str:
        if any(raw in text for raw in self._raw):
            return "exact"
        if not _NUMBER.match(found) or sum(c.isdigit() for c in found) < _DIGITS:
            return "normalised"
        return "normalised" if found in text.lower() and found.replace("x", "").isdigit() else "digits"

    def _views(self, text: str, depth: int) -> Iterator[tuple[str, str]]:
        """Yield what the text says once decoded, the outermost encoding as its form."""
        if depth:
            for form, view in self._decoded(text):
                yield form, view
                yield from ((form, inner) for _, inner in self._views(view, depth - 1))

    def _decoded(self, text: str) -> Iterator[tuple[str, str]]:
        if "%" in text and _PERCENT.search(text):
            yield from (("url", view) for view in _readings(unquote_to_bytes(text)))
        if "+" in text and self.spaced:
            spaced = text.replace("+", " ")
            yield from (("url", view) for view in (_readings(unquote_to_bytes(spaced)) if "%" in spaced else [spaced]))
        if "\\" in text and _ESCAPED.search(text):
            yield "json", _unescaped(text)
        if "&" in text and _ENTITY.search(text):
            yield "html", html.unescape(text)
        if "=" in text and _QUOTED.search(text):
            yield from (("quoted", view) for view in _readings(quopri.decodestring(text.encode("utf-8", "replace"))))
        for token in self._token.finditer(text):
            yield from (("base64", view) for view in self._from_base64(token[0]))

    def _from_base64(self, token: str) -> Iterator[str]:
        plain = token.translate(_BASE64)
        # a word or a path before the code shifts it by up to three characters
        for start in range(4):
            piece = plain[start:] if (len(plain) - start) % 4 != 1 else plain[start:-1]
            try:
                raw = binascii.a2b_base64(piece + "=" * (-len(piece) % 4))
            except ValueError:
                continue
            if self._textual.search(raw):
                # what stood before the code decodes to bytes of no meaning
                yield raw.decode("utf-8", "ignore")
            if not start and not raw.isascii():
                yield from _old_readings(raw)


def _patterns(value: str) -> Iterator[_Pattern]:
    plain = fold(value)
    if _NUMBER.match(plain) and sum(c.isdigit() for c in plain) >= _DIGITS:
        yield from _number(plain)
        return
    lower = plain.casefold()
    if "@" in lower:
        yield _Pattern(re.escape(lower) + r"(?![a-z0-9\-]|\.[a-z0-9])", Trace(_without_marks(lower), len(lower.encode())), before=_ADDRESS)
        return
    letters = [c for c in lower if not c.isspace()]
    han = [c for c in letters if is_han(c)]
    if len(letters) < (_HAN if len(han) == len(letters) else _LETTERS):
        return
    body = r"[\s·•]{0,2}".join(map(re.escape, (c for c in letters if c not in "·•"))) if han else re.escape(lower).replace(r"\ ", r"\s+")
    after = "" if is_han(letters[-1]) else f"(?![{_LATIN}])"
    yield _Pattern(body + after, Trace(_without_marks("".join(letters)), len(lower.encode())), before="" if is_han(letters[0]) else _LATIN)


def _number(plain: str) -> Iterator[_Pattern]:
    """Yield a number with every spelling of its country code, and an old resident number of 15 digits beside its 18."""
    written = re.sub(r"[^0-9xX]", "", plain).lower()
    spellings = {written}
    if len(written) in (15, 18) and not plain.startswith("+"):
        whole = resident_id(written).lower()
        spellings |= {whole, fifteen(whole.upper()).lower()} - {""}
    home = _home(plain, written)
    for digits in sorted(spellings | ({home} if home else set())):
        if sum(c.isdigit() for c in digits) >= _DIGITS:
            codes = rf"(?:\+|00)?(?:{_CODES}){_GAP}(?:\(0\))?{_GAP}" if _is_national(digits) else "00"
            # a trunk prefix stands before a home number only
            codes = rf"{codes}|(?:(?:\+|00)?[0-9]{{1,3}}{_GAP_WITHIN})?0?{_GAP}" if digits == home else codes
            yield _Pattern(rf"{_GAP.join(digits)}(?![0-9])", Trace(digits, len(digits)), number=True, codes=codes)


def _as_bytes(pattern: _Pattern) -> bytes:
    """Return what decoded bytes must at least look like to hold the needle: a test that most words taken for base64 fail at once."""
    letters = pattern.trace.bytes
    if pattern.number or letters == len(pattern.trace.characters) or "@" in pattern.body:
        return b"[ -~]{%d}" % letters
    # written out, or as ASCII escapes of at least six characters each
    return rb"(?:[\xc3-\xf4][\x80-\xbf]{1,3}[ -~]?|[ -~]){%d}" % max(2, len(pattern.trace.characters))


def _home(plain: str, written: str) -> str:
    """Return the number as it is written in its own country; empty where it says no country."""
    abroad = plain.startswith(("+", "00"))
    if not abroad:
        return ""
    number = written.removeprefix("00")
    for plan in PLANS.values():
        if number.startswith(plan.code) and plan.national.fullmatch(number[len(plan.code) :]):
            return number[len(plan.code) :]
    grouped = re.match(r"(?:\+|00)(\d{1,3})\D", plain)
    rest = number[len(grouped[1]) :] if grouped else ""
    return rest if len(rest) >= _HOME else ""


def _is_national(digits: str) -> bool:
    return digits.isdigit() and any(plan.national.fullmatch(digits) for plan in PLANS.values())


def _without_marks(lower: str) -> str:
    """Keep what SQL compares alike everywhere: ASCII letters and digits, Chinese characters."""
    return "".join(c for c in lower if (c.isascii() and c.isalnum()) or is_han(c))


def _readings(raw: bytes) -> list[str]:
    """Return bytes as text: UTF-8, else as older Chinese systems wrote it."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return [raw.decode(encoding)]
        except UnicodeDecodeError:
            continue
    return [raw.decode("utf-8", "replace")]


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        return chr(int(match[1] or match[2], 16)) if match[1] or match[2] else match[3]

    # a character beyond the first plane is escaped as two halves
    return _ESCAPED.sub(one, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _old_readings(raw: bytes) -> Iterator[str]:
    """Yield bytes that are no UTF-8 as Chinese systems and Windows write text."""
    for encoding in ("gb18030", "utf-16-le") if b"\x00" in raw else ("gb18030",):
        with contextlib.suppress(UnicodeDecodeError):
            yield raw.decode(encoding)
