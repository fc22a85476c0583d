"""Numbers that name a person: phone, identity document, card and account, licence plate.

A masked number keeps its separators, so that its format can still be recognised, and never its middle.
"""

import re
from collections.abc import Callable

from privacy.masking.technique import MaskContext, token

_PHONE = re.compile(r"\+?[0-9*()\[\]\s./\-‐‑–]{3,40}")
_EXTENSION = re.compile(r"\s*(?:转|轉|分机|分機|ext\.?|extension|x|#)\s*[0-9*]{1,6}$", re.IGNORECASE)
_NO_DIGIT = re.compile(r"[^\d*]+")
_SEVERAL = re.compile(r"\s*([/,;、，；|]|\bor\b|或)\s*", re.IGNORECASE)
_MOBILE = re.compile(r"1[3-9*][0-9*]{9}")
_LANDLINE = re.compile(r"0(?:10|2[0-9])[0-9*]{7,8}|0[3-9][0-9]{2}[0-9*]{7,8}")
_TWO_DIGIT_CODES = frozenset(
    """
        20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81
        82 84 86 90 91 92 93 94 95 98
    """.split()
)
_DIGIT = re.compile(r"[\d*]")
_PLATE = re.compile(r"([京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使])([A-Z])[·•.\- ]?([A-Z0-9*]{4,6}[挂学警港澳领]?)")


def phone(value: str, context: MaskContext) -> str | None:
    """Keep 138 and the last four of a Chinese mobile, area code and last four of a landline, elsewhere the country code and less than half."""
    if value.isdigit():
        return _one_phone(value, context)
    parts = _SEVERAL.split(value)
    if len(parts) > 1 and all(_digits(number) >= 7 for number in parts[::2]):
        return "".join(part if place % 2 else _one_phone(part, context) for place, part in enumerate(parts))
    return _one_phone(value, context)


def _one_phone(value: str, context: MaskContext) -> str:
    extension = None if value.isdigit() else _EXTENSION.search(value)
    number = value[: extension.start()] if extension else value
    if not _PHONE.fullmatch(number) or not 4 <= _digits(number) <= 19:
        return token(context)
    digits = _NO_DIGIT.sub("", number)
    first, last = _phone_edges(digits, number.startswith("+"))
    # an extension may be one person's desk
    return _hide(number, first, last, _is_digit) + ("***" if extension else "")


def _phone_edges(digits: str, plus: bool) -> tuple[int, int]:
    """Return how many digits at the front and at the end may be shown."""
    code = _country_code(digits, plus)
    rest = digits[code:]
    chinese = not code or digits[:code].endswith("86")
    if chinese and _MOBILE.fullmatch(rest):
        return code + 3, 4
    if chinese and _LANDLINE.fullmatch(rest):
        area = 3 if rest[1] in "12" else 4
        return code + area, 4 if len(rest) - area == 8 else 2
    return code, max(0, min(4, len(rest) // 2 - 1))


def _country_code(digits: str, plus: bool) -> int:
    """Return the length of the country code (ITU E.164) with its 00, or 0 where none is written."""
    if digits.startswith("00") and len(digits) > 9:
        return 2 + _country_code(digits[2:], plus=True)
    if not plus:
        return 2 if len(digits) == 13 and digits.startswith("86") else 0
    if digits[:1] in ("1", "7"):
        return 1
    return 2 if digits[:2] in _TWO_DIGIT_CODES else 3


def id_number(value: str, context: MaskContext) -> str | None:
    """Keep the first and the last character: the six in front tell the birthplace, the next eight the birthday, the last but one the sex."""
    count = _alphanumerics(value)
    if not 8 <= count <= 34 or not _plain_code(value):
        return token(context)
    return _hide(value, 1, 1, _is_code)


def card(value: str, context: MaskContext) -> str | None:
    """Keep the last four of a card or account; the first six, which name bank and product, are hidden as well."""
    count = _alphanumerics(value)
    if not 8 <= count <= 64 or not _plain_code(value):
        return token(context)
    return _hide(value, 0, 4 if count >= 12 else 2, _is_code)


def plate(value: str, context: MaskContext) -> str | None:
    """Keep province and city letter of a Chinese plate and its last character; of any other plate the two edges."""
    text = value.upper()
    if match := _PLATE.fullmatch(text):
        return match[1] + match[2] + "*" * (len(match[3]) - 1) + match[3][-1]
    if not 5 <= _alphanumerics(text) <= 12 or not _plain_code(text):
        return token(context)
    return _hide(text, 1, 1, _is_code)


def _is_digit(character: str) -> bool:
    return character.isdigit() or character == "*"


def _is_code(character: str) -> bool:
    return character.isalnum() or character == "*"


def _digits(text: str) -> int:
    return len(text) if text.isdigit() else sum(map(_is_digit, text))


def _alphanumerics(text: str) -> int:
    return len(text) if text.isalnum() else sum(map(_is_code, text))


def _plain_code(text: str) -> bool:
    """Tell whether `text` is letters, digits and the usual separators, with a digit (or star) in it: words are no number."""
    return (text.isalnum() or all(_is_code(c) or c in " -./()‐‑–" for c in text)) and _DIGIT.search(text) is not None


def _hide(text: str, first: int, last: int, counts: Callable[[str], bool]) -> str:
    """Star every counting character but the `first` and the `last` ones; separators stay."""
    if text.isdigit():
        return text[:first] + "*" * (len(text) - first - last) + text[len(text) - last :]
    total = sum(map(counts, text))
    place = 0
    shown: list[str] = []
    for character in text:
        if not counts(character):
            shown.append(character)
            continue
        shown.append(character if place < first or place >= total - last else "*")
        place += 1
    return "".join(shown)
