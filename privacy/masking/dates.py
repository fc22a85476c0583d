"""Dates and ages: 1990-05-12 → 1990, 34岁 → 30–34岁. Bands are five years wide and never overlap."""

import re

from privacy.masking.fold import is_han
from privacy.masking.technique import MaskContext, token

_TIME = r"(?:[T ,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?[AaPp]\.?[Mm]\.?)?(?: ?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?)?"
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH = rf"(?:{'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_YEAR = r"(?P<year>(?:18|19|20|21)\d\d)"
_FORMS = tuple(
    re.compile(form + _TIME, re.IGNORECASE)
    for form in (
        rf"{_YEAR}(?P<zh>年)(?:(?P<month>\d{{1,2}})月(?:(?P<day>\d{{1,2}})[日号])?)?",
        rf"{_YEAR}[-/. ](?P<month>\d{{1,2}})(?:[-/. ](?P<day>\d{{1,2}}))?",
        rf"{_YEAR}(?P<month>\d{{2}})(?P<day>\d{{2}})",
        rf"(?P<day>\d{{1,2}})[-/. ](?P<month>\d{{1,2}})[-/. ]{_YEAR}",
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[-. ]*(?:of )?{_MONTH}[-., ]*{_YEAR}",
        rf"{_MONTH} ?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? {_YEAR}",
        rf"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? (?P<day>\d{{1,2}}) {_MONTH} {_YEAR}",
        rf"{_MONTH} {_YEAR}",
        rf"{_YEAR}",
    )
)
_HAN_DIGITS = str.maketrans("〇零○一二三四五六七八九", "000123456789")
_HAN_DATE = re.compile(r"[〇零○一二三四五六七八九]{4}年(?:[正元一二三四五六七八九十冬腊]{1,3}月(?:[初一二三四五六七八九十廿]{1,3}[日号])?)?")

_AGE = re.compile(r"(?:aged?|age:|年龄[:：]?)? ?(\d{1,3})(?:\.\d{1,6})? ?(周岁|周歲|岁|歲|years? old|years?|yrs?|y/?o|y\.o\.)?", re.IGNORECASE)
_HAN_AGE = re.compile(r"([一二三四五六七八九]?十[一二三四五六七八九]?|[一二三四五六七八九])(?:周岁|岁)")
_INFANT = re.compile(r"(\d{1,2}) ?(个月|月龄|天|周大|months?(?: old)?|weeks?(?: old)?|days?(?: old)?)", re.IGNORECASE)
_BAND = re.compile(r"(\d{1,2})[–-](\d{1,2})(岁?)|90\+(岁?)|90(岁)以上")
_WIDTH = 5
_OLDEST_BAND = 90  # one band for all above: very old people are few
_OLDEST = 130


def date_year(value: str, context: MaskContext) -> str | None:
    """Keep the year of a date with a four-digit year; two-digit years, numbers of seconds and impossible dates are hidden."""
    year = year_of(value)
    if year is None:
        return token(context)
    return f"{year}年" if "年" in value else str(year)


def year_of(value: str) -> int | None:
    """Return the year of a date in one of the usual forms, or None."""
    if len(value) > 64:
        return None
    if _HAN_DATE.fullmatch(value):
        year = int(value[:4].translate(_HAN_DIGITS))
        return year if 1800 <= year < 2200 else None
    for form in _FORMS:
        if (match := form.fullmatch(value)) and _possible(match):
            return int(match["year"])
    return None


def _possible(match: re.Match[str]) -> bool:
    parts = match.groupdict()
    month, day = int(parts.get("month") or 1), int(parts.get("day") or 1)
    # 12/31/1990 is month first in the United States: either order may be meant, the year is the same
    return 1 <= month <= 12 and 1 <= day <= 31 or "month" in parts and match.re is _FORMS[3] and 1 <= day <= 12 and 1 <= month <= 31


def age_band(value: str, context: MaskContext) -> str | None:
    """Put an age into its band (0–4, 5–9 … 85–89, 90+); a date of birth into a band of birth years, since today's date is not ours to know."""
    if len(value) > 64:
        return token(context)
    if band := _BAND.fullmatch(value):
        return _known_band(band, context)
    if _INFANT.fullmatch(value):
        return _band(0, value, context)
    if (age := _age(value)) is not None:
        return _band(age, value, context) if age <= _OLDEST else token(context)
    if (year := year_of(value)) is not None:
        low = year - year % _WIDTH
        return f"{low}–{low + _WIDTH - 1}" + ("年" if "年" in value or context.language == "zh" else "")
    return token(context)


def _age(value: str) -> int | None:
    if match := _AGE.fullmatch(value):
        return int(match[1])
    if match := _HAN_AGE.fullmatch(value):
        tens, ten, ones = match[1].rpartition("十")
        number = {character: place for place, character in enumerate("一二三四五六七八九", 1)}
        return (number.get(tens, 1) * 10 if ten else 0) + number.get(ones, 0)
    return None


def _band(age: int, value: str, context: MaskContext) -> str:
    unit = "岁" if context.language == "zh" or any(map(is_han, value)) else ""
    if age >= _OLDEST_BAND:
        return f"{_OLDEST_BAND}岁以上" if unit else f"{_OLDEST_BAND}+"
    low = age - age % _WIDTH
    return f"{low}–{low + _WIDTH - 1}{unit}"


def _known_band(band: re.Match[str], context: MaskContext) -> str:
    if band[1] is None:
        return band[0]
    low, high = int(band[1]), int(band[2])
    exact = low % _WIDTH == 0 and high - low == _WIDTH - 1 and high < _OLDEST_BAND
    return f"{low}–{high}{band[3]}" if exact else token(context)
