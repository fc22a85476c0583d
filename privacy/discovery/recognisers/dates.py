"""Dates and times, birth dates and ages, in numbers, English and Chinese. A bare year or a weekday is a weak finding of its own (0.5)."""

import re
from collections.abc import Iterator

from privacy.discovery.findings import CONTEXT, LABEL, PATTERN, Finding
from privacy.discovery.rules import NA, NB, Recogniser
from privacy.discovery.scene import Scene
from privacy.discovery.validators import calendar

_MONTH = r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])(?:st|nd|rd|th)?"
_YEAR = r"(?:1[89]|20)[0-9]{2}"
_CLOCK = r"(?:[01]?[0-9]|2[0-4]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?(?:\s?[AaPp][Mm]\b)?(?:Z|[+\-][0-9]{2}:?[0-9]{2})?"
_TIME = rf"(?:[T ,]{{1,2}}{_CLOCK})?"
_BIRTH_LABEL = (
    r"(?:出生(?:日期|时间|年月日?|于|於)?|生于|生於|生年月日|生日"
    r"|\bD\.?O\.?B\.?|\bdate of birth|\bbirth\s?date|\bbirthday)[\s\"']{0,3}[:：=\-]?[\s\"']{0,3}(?:is|是|为)?\s?$"
)
_YEAR_WORDS = ("in", "since", "of", "during", "from", "until", "till", "by", "before", "after", "circa", "year", "is a", "was a", "©", "the")
_AGE_BEFORE = ("aged", "age", "age:", "age of", "age is", "turned", "turn", "turning")
_AGE_BEFORE_ZH = ("年龄", "年齡", "今年", "现年", "現年")


def recognisers() -> list[Recogniser]:
    """Return the recognisers of dates, birth dates and ages."""
    return [
        Recogniser(frozenset({"DATE_TIME", "DATE_OF_BIRTH"}), _Dates().find),
        Recogniser(frozenset({"DATE_TIME"}), _Vague().find, words=True),
        Recogniser(frozenset({"AGE"}), _Ages().find, words=True, digits=1),
    ]


class _Dates:
    """Full dates. A label directly before makes it a date of birth; in prose it stays a date."""

    def __init__(self) -> None:
        self._iso = re.compile(rf"(?<![0-9A-Za-z./\-])({_YEAR})([\-/.])([0-9]{{1,2}})\2([0-9]{{1,2}}){_TIME}(?![0-9A-Za-z]|[./\-][0-9])")
        self._numeric = re.compile(rf"(?<![0-9A-Za-z./\-])([0-9]{{1,2}})([\-/.])([0-9]{{1,2}})\2({_YEAR}|[0-9]{{2}}){_TIME}(?![0-9A-Za-z]|[./\-][0-9])")
        self._english = re.compile(
            rf"{NB}(?:{_DAY} (?:of )?{_MONTH},? {_YEAR}|{_MONTH} {_DAY},? {_YEAR}|{_DAY}-{_MONTH}-(?:{_YEAR}|[0-9]{{2}})"
            rf"|{_MONTH} {_YEAR}|{_DAY} (?:of )?{_MONTH}|{_MONTH} {_DAY}){_TIME}{NA}"
        )
        self._month = re.compile("Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec")
        spelled = "[一二三四五六七八九〇零]{4}年[一二三四五六七八九十]{1,2}月[一二三四五六七八九十]{1,3}[日号號]"
        self._chinese = re.compile(rf"(?:1[89]|20)[0-9]{{2}}\s?年\s?[0-9]{{1,2}}\s?月(?:\s?[0-9]{{1,2}}\s?[日号號])?|{spelled}")
        self._birth = re.compile(_BIRTH_LABEL, re.IGNORECASE)
        # forms that are a date only beside a word of birth: 19900520, 1985.06, 90年5月20日, 民國75年3月8日
        era = r"(?:(?:民国|民國)\s?)?[0-9]{2,3}\s?年\s?[0-9]{1,2}\s?月(?:\s?[0-9]{1,2}\s?[日号號])?"
        self._loose = re.compile(
            rf"(?<![0-9A-Za-z./\-])(?:((?:19|20)[0-9]{{2}})(0[1-9]|1[0-2])([0-3][0-9])|(?:19|20)[0-9]{{2}}[./\-](?:1[0-2]|0?[1-9])|{era}){NA}(?![./\-][0-9])"
        )
        self._born = re.compile(r"\s?(?:出生|生(?=[，,。；）)\s]|$))")

    def find(self, scene: Scene) -> Iterator[Finding]:
        text = scene.text
        for low, high in scene.windows(4):
            for match in self._iso.finditer(text, low, high):
                if calendar(int(match.group(1)), int(match.group(3)), int(match.group(4))):
                    yield self._judge(scene, match, 0.85)
            for match in self._numeric.finditer(text, low, high):
                if _day_and_month(int(match.group(1)), int(match.group(3))):
                    yield self._judge(scene, match, _numeric_weight(match))
        if scene.has_digits and ("生" in text or "birth" in scene.lower or "dob" in scene.lower):
            yield from self._loosely(scene)
        if scene.has_digits and scene.english_words and self._month.search(text):
            for match in self._english.finditer(text):
                yield self._judge(scene, match, 0.8)
        if scene.chinese_words and "月" in text:
            for match in self._chinese.finditer(text):
                yield self._judge(scene, match, 0.8)

    def _loosely(self, scene: Scene) -> Iterator[Finding]:
        for match in self._loose.finditer(scene.text):
            whole = match.group(1) is None or calendar(int(match.group(1)), int(match.group(2)), int(match.group(3)))
            if whole and self._of_birth(scene, match):
                yield Finding("DATE_OF_BIRTH", *match.span(), 0.9, LABEL)

    def _of_birth(self, scene: Scene, match: re.Match[str]) -> bool:
        return bool(self._birth.search(scene.before(match.start(), 24)) or self._born.match(scene.text, match.end()))

    def _judge(self, scene: Scene, match: re.Match[str], confidence: float) -> Finding:
        if self._of_birth(scene, match):
            return Finding("DATE_OF_BIRTH", *match.span(), 0.95, LABEL)
        return Finding("DATE_TIME", *match.span(), confidence, PATTERN)


def _day_and_month(first: int, second: int) -> bool:
    return calendar(2000, first, second) or calendar(2000, second, first)


def _numeric_weight(match: re.Match[str]) -> float:
    """Three dotted numbers with a short last one are a version as often as a day."""
    if len(match.group(4)) == 4:
        return 0.8
    return 0.4 if match.group(2) == "." else 0.55


class _Vague:
    """Weekdays, and years after a word that makes them one."""

    def __init__(self) -> None:
        self._weekday = re.compile(r"[MTWFS](?:on|ues|ednes|hurs|ri|atur|un)day\b(?<![A-Za-z](?:Mon|Fri|Sun)day)")
        self._year = re.compile(r"(?:1[89]|20)[0-9]{2}(?<=[ ©][0-9]{4})(?![0-9A-Za-z%]|[.,:/\-][0-9])")

    def find(self, scene: Scene) -> Iterator[Finding]:
        if not scene.english_words:
            return
        if "day" in scene.text:
            for match in self._weekday.finditer(scene.text):
                yield Finding("DATE_TIME", *match.span(), 0.5, PATTERN)
        for match in self._year.finditer(scene.text) if scene.most_digits >= 4 else ():
            if _follows(scene, match.start(), _YEAR_WORDS):
                yield Finding("DATE_TIME", *match.span(), 0.5, CONTEXT)


class _Ages:
    """Ages up to 120; the finding covers the number only, so that the sentence stays readable when it is generalised."""

    def __init__(self) -> None:
        self._number = re.compile(r"(?<![0-9A-Za-z.,/:\-])[0-9]{1,3}(?![0-9])")
        self._after = re.compile(r"[ \-](?:years?|yrs?)[ \-]old\b| ?(?:y/o|yo\b|yrs?\b|years of age)", re.IGNORECASE)
        self._after_zh = re.compile(r"\s?(?:周岁|岁|歲|周歲)")
        self._free = re.compile(r"(?:[.;!?]|,|$| and\b| years| this\b| last\b| in\b)(?![0-9])")
        self._free_zh = re.compile("[^0-9年月日.%]|$")

    def find(self, scene: Scene) -> Iterator[Finding]:
        for match in self._number.finditer(scene.text):
            if int(match.group()) <= 120 and (self._english(scene, match) or self._chinese(scene, match)):
                yield Finding("AGE", *match.span(), 0.7, CONTEXT)

    def _english(self, scene: Scene, match: re.Match[str]) -> bool:
        if not scene.english_words:
            return False
        if self._after.match(scene.text, match.end()):
            return True
        if not self._free.match(scene.text, match.end()):
            return False
        return _follows(scene, match.start(), _AGE_BEFORE) or (len(match.group()) == 2 and _follows(scene, match.start(), ("i'm", "i’m", "i am")))

    def _chinese(self, scene: Scene, match: re.Match[str]) -> bool:
        if not scene.chinese_words:
            return False
        if self._after_zh.match(scene.text, match.end()):
            return True
        before = scene.before(match.start(), 8).rstrip(" :：是为")
        return before.endswith(_AGE_BEFORE_ZH) and self._free_zh.match(scene.text, match.end()) is not None


def _follows(scene: Scene, start: int, words: tuple[str, ...]) -> bool:
    """Does one of these words stand directly before?"""
    before = scene.before(start, 14).lower().rstrip()  # lowered after cutting: lower() may change the length
    return any(before.endswith(word) and not before[: -len(word)][-1:].isalnum() for word in words)
