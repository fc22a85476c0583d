"""Phone numbers of any country, and the national numbers of the United States: digits in the groupings people write.

A parse by `phonenumbers` proves a number of the configured regions; elsewhere the grouping, a leading + or 0, and a phone word beside it must do.
"""

import re
from collections.abc import Iterator

import phonenumbers

from privacy.discovery.findings import CHECKSUM, CONTEXT, PATTERN, Finding
from privacy.discovery.rules import NA, NB, SUSPECT, Decoys, Recogniser, Row, compiled
from privacy.discovery.scene import Scene
from privacy.discovery.validators import calendar, digits_of, us_itin, us_ssn

_SSN_WORDS = r"\bssn\b|social\s*security|\bss\s*#|社会安全号"
_ROWS = (
    Row("US_SSN", rf"{NB}(?<![0-9]-)[0-9]{{3}}-[0-9]{{2}}-[0-9]{{4}}{NA}(?!-[0-9])", 0.85, _SSN_WORDS, 1.0, check=us_ssn, digits=9, wary=True),
    Row("US_SSN", rf"{NB}[0-9]{{3}}([ .])[0-9]{{2}}\1[0-9]{{4}}{NA}", 0.5, _SSN_WORDS, 1.0, check=us_ssn, digits=9, wary=True),
    Row("US_SSN", rf"{NB}[0-9]{{9}}{NA}", 0.2, _SSN_WORDS, 0.85, check=us_ssn, digits=9),
    Row("US_ITIN", rf"{NB}9[0-9]{{2}}([\- ])[5-9][0-9]\1[0-9]{{4}}{NA}", 0.6, r"\bitin\b|tax", 0.95, check=us_itin, digits=9, wary=True),
    Row("US_PASSPORT", rf"{NB}(?:[A-Za-z][0-9]{{8}}|[0-9]{{9}}){NA}", 0.1, r"passport", 0.8, digits=8),
)
_WORDS = (
    r"phone|mobile|\bcell|\btel\b|\btel[.:]|telephone|\bfax|\bcall(?:ed|ing|s)?\b|\bring\b|\bdial|\btext(?:ed)? (?:me|us|him|her|them)|\bsms\b|whatsapp"
    r"|\breach(?:ed)?\b|\bdesk\b|hotline|\bpager|landline|viber|telegram"
    r"|telef[oó]n|t[ée]l[ée]phone|rufnummer|m[óo]vil\b|cellulare|mobilnummer|手机|手機|电话|電話|联系方式|致电|拨打|热线|传真|传呼|来电|號碼|聯絡|联系|座机|固话"
)
_WEAK_WORDS = r"my number|number is|contact"  # said of phones and of everything else
_AFTER = r"[\s\-,;(]{0,3}(?:office|fax|mobile|home|cell|work|tel|phone|desk|anrufen|手机|电话)\b"
_OTHERWISE = (
    r"(?:licen[cs]e|passport|account|policy|member(?:ship)?|isbn|issn|employee|student|patient|customer|zip|postal|postcode|routing|swift|vin|imei|tax|udid"
    r"|id)\b[^.;!?\n]{0,18}$"
)


def recognisers(decoys: Decoys, regions: tuple[str, ...]) -> list[Recogniser]:
    """Return the phone recogniser for these regions, and the American numbers where `US` is among them."""
    phone = Recogniser(frozenset({"PHONE_NUMBER"}), _Phone(decoys, regions).find, digits=7)
    return [phone, *(compiled(_ROWS, decoys) if "US" in regions else ())]


class _Phone:
    """Candidates of 7 to 15 digits outside dates, decimals and labelled identifiers, then proof, then words, then grouping."""

    def __init__(self, decoys: Decoys, regions: tuple[str, ...]) -> None:
        # atomic: a candidate is taken whole or not at all, and hostile runs of digits cost linear time
        self._candidate = re.compile(
            r"(?<![0-9A-Za-z@#/=_\-+])(?<![0-9][.,])"
            r"(?>(?:\+ ?)?\(?\+?[0-9]+\)?(?:(?:[ \t]?[.\-/·][ \t]?|[ \t]{1,2})\(?[0-9]+\)?|\([0-9]+\)?|(?<=\))[0-9]+){0,8})"
            r"(?:[ ]?(?:x|ext\.?|extension|转|轉)[ ]?[0-9]{1,6})?(?![0-9A-Za-z@%])(?![.,:][0-9])",
            re.IGNORECASE,
        )
        self._words = re.compile(_WORDS, re.IGNORECASE)
        self._weak = re.compile(_WEAK_WORDS, re.IGNORECASE)
        self._after = re.compile(_AFTER, re.IGNORECASE)
        self._otherwise = re.compile(_OTHERWISE, re.IGNORECASE)
        self._extension = re.compile(r"[ ]?(?:x|ext|转|轉)", re.IGNORECASE)
        self._decoys = decoys
        self._regions = regions

    def find(self, scene: Scene) -> Iterator[Finding]:
        for low, high in scene.windows(7):
            for match in self._candidate.finditer(scene.text, low, high):
                found = self._judge(scene, *match.span())
                if found:
                    yield found

    def _judge(self, scene: Scene, start: int, end: int) -> Finding | None:
        start, end = _balanced(scene.text, start, end)
        shown = self._extension.split(scene.text[start:end])[0]
        number = digits_of(shown)
        if not 7 <= len(number) <= 15 or _is_something_else(shown):
            return None
        # 400 and 800 numbers of China are a company's; nobody has one at home
        hotline = scene.has_han and len(number) == 10 and number.startswith(("400", "800"))
        if hotline or self._decoys.stand_before(scene, start):
            return Finding("PHONE_NUMBER", start, end, SUSPECT, PATTERN)
        word = self._words.search(scene.before(start)) or self._after.match(scene.text, end)
        if not word and self._otherwise.search(scene.before(start)):
            return Finding("PHONE_NUMBER", start, end, SUSPECT, PATTERN)
        word = word or self._weak.search(scene.before(start))
        confidence, basis = self._weigh(scene, shown, number, word is not None)
        return Finding("PHONE_NUMBER", start, end, confidence, basis)

    def _weigh(self, scene: Scene, shown: str, number: str, word: bool) -> tuple[float, str]:
        international = shown.startswith(("+", "(+", "00"))
        phone_like = not shown.isdigit() and _grouped_like_a_phone(shown)
        if international or (phone_like and not word and not scene.has_han):
            proof = self._parsed(shown, international)
            if proof == "valid":
                return (0.95 if international else 0.75), CHECKSUM
            if international and proof == "possible" and shown[0] != "0":
                return 0.8, PATTERN
        if word:
            return 0.8, CONTEXT
        if scene.has_han or shown.isdigit():
            return SUSPECT, PATTERN  # nothing but digits, or a grouping that Chinese text uses for anything
        return (0.5 if phone_like else SUSPECT), PATTERN

    def _parsed(self, shown: str, international: bool) -> str:
        """Return `valid`, `possible` or an empty string for the first region that can read it."""
        best = ""
        for region in (None,) if international and "+" in shown else self._regions:
            try:
                parsed = phonenumbers.parse(shown, region)
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number(parsed):
                return "valid"
            best = best or ("possible" if phonenumbers.is_possible_number(parsed) else "")
        return best


def _balanced(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out a bracket whose other half is not inside: (see 555 1234) and the like."""
    if text[start] == "(" and text.find(")", start, end) < 0:
        start += 1
    if text[end - 1] == ")" and text.find("(", start, end) < 0:
        end -= 1
    return start, end


def _is_something_else(shown: str) -> bool:
    """Dates, ranges of years and thousands are digits in groups, too."""
    groups = re.findall("[0-9]+", shown)
    if len(groups) >= 3 and _is_date(groups):
        return True
    if len(groups) == 2 and all(len(g) == 4 and g[:2] in ("18", "19", "20") for g in groups):
        return True
    thousands = "." in shown or " " in shown
    return thousands and len(groups) >= 3 and all(len(g) == 3 for g in groups[1:]) and all(g == "000" for g in groups[2:])


def _is_date(groups: list[str]) -> bool:
    year, month, day = (int(g) if len(g) <= 4 else 0 for g in (groups if len(groups[0]) == 4 else [groups[2], groups[1], groups[0]])[:3])
    if len(groups[0]) != 4 and len(groups[2]) != 4 or not 1850 <= year <= 2100:
        return False
    return any(calendar(year, *pair) for pair in ((month, day), (day, month)))


def _grouped_like_a_phone(shown: str) -> bool:
    sizes = [len(g) for g in re.findall("[0-9]+", shown)]
    if not 8 <= sum(sizes) <= 13 or len(sizes) < 2 or max(sizes) > 5:
        return False
    trunk = shown.lstrip("( ")[0] == "0" or "(" in shown
    return (min(sizes) >= 2 and len(sizes) >= 3) or (len(sizes) == 2 and sizes == [4, 4]) or trunk
