"""What a column's values tell: the share of distinct values that match a kind *as a whole*, with the Wilson lower bound, so that 3 of 3 is no certainty.

Every kind is a full match with its check digit, calendar or word list. Nothing here keeps a value or puts one into evidence.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from privacy.discovery import validators
from privacy.discovery.lexicon import WordLists

_EMAIL = re.compile(r"[0-9A-Za-z.!#$%&'*+/=?^_`{|}~-]+@(?:[0-9A-Za-z](?:[0-9A-Za-z-]*[0-9A-Za-z])?\.)+[A-Za-z]{2,}")
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:/\d{1,2})?")
_IPV6 = re.compile(r"(?=.*:.*:)[0-9A-Fa-f:]{3,39}(?:/\d{1,3})?")
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使][A-HJ-NP-Z][·\s]?"
    r"(?:[DF][A-HJ-NP-Z0-9]\d{4}|\d{5}[DF]|[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳])"
)
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}")
_NINO = re.compile(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s?\d{2}\s?\d{2}\s?\d{2}\s?[A-D]")
_CN_PASSPORT = re.compile(r"(?:[EG]\d{8}|E[A-HJ-NP-Z]\d{7}|[DSP]E?\d{7,8})")
_PHONE = re.compile(r"\+?[\d\s().\-–/转]{7,26}(?:\s?(?:x|ext\.?|#|转)\s?\d{1,6})?", re.IGNORECASE)
_BARE_PHONE = re.compile(r"\d{10,11}")
_SECRET = re.compile(r"\$(?:2[aby]|argon2\w*|pbkdf2\S*|[156])\$\S+|pbkdf2[_:]\S+|scrypt:\S+|\{SSHA\d*\}\S+")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T\s]+(\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?)?(?:Z|[+-]\d{2}:?\d{2})?")
_DATE_LAST_YEAR = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?")
_DATE_DIGITS = re.compile(r"(19\d\d|20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_ZH_NAME = re.compile(r"[\u4e00-\u9fff]{2,4}|[\u4e00-\u9fff]{1,8}(?:·[\u4e00-\u9fff]{1,8}){1,3}")
_ZH_PART = re.compile(r"[\u4e00-\u9fff]{1,10}(?:省|市|区|县|旗|镇|乡|街道|自治区|自治州|自治县|盟)")
_NAME_TOKEN = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]*)*\.?")
_HONORIFICS = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "md", "dds", "phd", "jr", "sr", "ii", "iii", "iv", "dvm"})
_POSTAL = re.compile(r"\d{6}|\d{5}(?:-\d{3,4})?|\d{4}(?:\s?[A-Z]{2})?|[A-Z]\d[A-Z]\s?\d[A-Z]\d|[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}|\d{2,3}-\d{2,4}|\d{5}-\d{3}")
_STREET_ENDS = ("straße", "strasse", "str", "weg", "gasse", "gade", "gatan", "laan", "straat")
_Z = 1.28


@dataclass(frozen=True, slots=True)
class Match:
    """A kind of value found: `share` of distinct values, `bound` its Wilson lower bound, `weight` how much such a match proves."""

    kind: str
    category: str
    entity: str
    share: float
    bound: float
    weight: float

    coverage: float = 1.0

    @property
    def strength(self) -> float:
        """Return how sure the kind is: no word list holds every name, so that a share near the list's coverage is as good as all."""
        return min(1.0, self.bound / self.coverage) * self.weight


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything the values of one column tell, in numbers."""

    distinct: int = 0
    seen: int = 0
    nulls: int = 0
    matches: tuple[Match, ...] = ()
    numeric: float = 0.0
    letters: float = 0.0
    digits_many: float = 0.0
    at_sign: float = 0.0
    dates: float = 0.0
    timed: float = 0.0
    years: tuple[int, ...] = ()
    mean_length: float = 0.0
    mean_words: float = 0.0
    longest: int = 0
    small_ints: float = 0.0
    media: str = ""
    shares: Mapping[str, float] = field(default_factory=dict)

    def match(self, category: str) -> Match | None:
        """Return the strongest match for `category`."""
        return max((match for match in self.matches if match.category == category), key=lambda match: match.strength, default=None)


def wilson(hits: int, total: int) -> float:
    """Return the lower bound of the share `hits / total` at one-sided 90 % confidence."""
    if total == 0:
        return 0.0
    share, square = hits / total, _Z * _Z
    centre = share + square / (2 * total)
    spread = _Z * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    return max(0.0, (centre - spread) / (1 + square / total))


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    category: str
    entity: str
    weight: float
    least: float
    test: Callable[[str], bool]
    coverage: float = 1.0


class ValueReader:
    """Profiles samples. Immutable, safe to share between threads."""

    def __init__(self, words: WordLists) -> None:
        self._words = words
        self._kinds = (*_identifiers(), *self._listed())

    def profile(self, values: Sequence[str], *, seen: int = 0, nulls: int = 0, media: str = "") -> Profile:
        """Return the profile of distinct `values`."""
        folded = [text for value in values if (text := unicodedata.normalize("NFKC", value).strip())]
        total = len(folded)
        if not total:
            return Profile(seen=seen, nulls=nulls, media=media)
        shares = {kind.name: sum(map(kind.test, folded)) / total for kind in self._kinds}
        matches = [self._match(kind, shares[kind.name], total) for kind in self._kinds if shares[kind.name] >= kind.least]
        matches += self._vocabularies(folded)
        return Profile(
            distinct=total, seen=seen or total, nulls=nulls, matches=tuple(_believable(matches, shares)), shares=shares, media=media, **_shape(folded)
        )

    @staticmethod
    def _match(kind: _Kind, share: float, total: int) -> Match:
        return Match(kind.name, kind.category, kind.entity, share, wilson(round(share * total), total), kind.weight, kind.coverage)

    # -- kinds by word lists -------------------------------------------------------------------------------------------------------

    def _listed(self) -> tuple[_Kind, ...]:
        lists = self._words.lists
        places = lists["countries"] | lists["regions"] | lists["cities"]
        codes = lists["country_codes"] | lists["region_codes"]
        single = lists["en_first_names"] | lists["en_last_names"]
        return (
            _Kind("Chinese names", "name", "PERSON", 0.88, 0.7, self._chinese_name),
            _Kind("full names", "name", "PERSON", 0.86, 0.45, self._full_name, 0.75),
            _Kind("first or last names", "name", "PERSON", 0.7, 0.35, lambda text: text.lower() in single, 0.6),
            _Kind("street addresses", "address", "STREET_ADDRESS", 0.85, 0.5, self._street, 0.8),
            _Kind("Chinese addresses", "address", "CN_ADDRESS", 0.92, 0.5, self._chinese_address),
            _Kind("places", "address", "LOCATION", 0.5, 0.5, lambda text: text.lower() in places or bool(_ZH_PART.fullmatch(text))),
            _Kind("codes of places", "address", "LOCATION", 0.3, 0.9, lambda text: text.isupper() and text.lower() in codes),
            _Kind("job titles", "occupation", "TITLE", 0.72, 0.5, lambda text: len(text) <= 60 and _has_word(text, lists["job_words"])),
            _Kind("companies", "employer", "ORGANIZATION", 0.6, 0.4, lambda text: len(text) <= 80 and _ends_with_word(text, lists["company_words"])),
        )

    def _chinese_name(self, text: str) -> bool:
        if not _ZH_NAME.fullmatch(text):
            return False
        if "·" in text or text[:2] in self._words.lists["zh_compound_surnames"]:
            return True
        # a two-character word that begins like a surname is common (白色, 方便): its second half must be one that names end in
        return len(text) <= 3 and text[0] in self._words.zh_surnames and any(character in self._words.zh_given for character in text[1:])

    def _full_name(self, text: str) -> bool:
        if not 3 < len(text) <= 60:
            return False
        tokens = [token.rstrip(".").lower() for token in text.replace(",", " ").split()]
        tokens = [token for token in tokens if token not in _HONORIFICS]
        if not 2 <= len(tokens) <= 4 or not all(_NAME_TOKEN.fullmatch(token) for token in tokens):
            return False
        first, last = self._words.lists["en_first_names"], self._words.lists["en_last_names"]
        return tokens[0] in first or tokens[-1] in last and tokens[-1] != tokens[0] and len(tokens) == 2 or tokens[-1] in first and "," in text

    def _street(self, text: str) -> bool:
        if not 6 <= len(text) <= 160 or not any(character.isdigit() for character in text):
            return False
        words = [word.strip(".,#").lower() for word in re.split(r"[\s\n]+", text)]
        streets = self._words.lists["street_words"]
        return len(words) >= 2 and any(word in streets or word.rstrip("s") in streets or word.endswith(_STREET_ENDS) for word in words)

    def _chinese_address(self, text: str) -> bool:
        if not 6 <= len(text) <= 120 or not re.search(r"[\u4e00-\u9fff]", text):
            return False
        return sum(mark in text for mark in self._words.lists["zh_address_marks"]) >= 2

    def _vocabularies(self, values: Sequence[str]) -> list[Match]:
        """Small closed vocabularies: nearly all of few distinct values must be in the list, and two of them must be telling."""
        words = {value.lower() for value in values}
        found = []
        for name, (category, weight, telling) in _VOCABULARIES.items():
            known = words & self._words.lists[name]
            if len(words) <= 70 and len(known) >= 0.85 * len(words) and telling(known):
                found.append(Match(name.replace("_", " "), category, category.upper(), len(known) / len(words), 1.0, weight))
        return found


def _pair(*groups: frozenset[str]) -> Callable[[set[str]], bool]:
    return lambda known: all(known & group for group in groups)


_MALE = frozenset({"m", "male", "man", "mr", "mr.", "男", "男性", "先生"})
_FEMALE = frozenset({"f", "female", "woman", "mrs", "mrs.", "ms", "ms.", "miss", "女", "女性", "女士"})
_VOCABULARIES: Mapping[str, tuple[str, float, Callable[[set[str]], bool]]] = {
    "gender": ("gender", 0.9, _pair(_MALE, _FEMALE)),
    "marital_status": ("marital_status", 0.9, lambda known: bool(known & {"married", "已婚", "未婚", "divorced", "离异"}) and len(known) > 1),
    "ethnicity": ("ethnicity", 0.9, lambda known: sum(len(word) > 1 for word in known) > 1),
    "religion": ("religion", 0.85, lambda known: len(known - {"none", "无", "orthodox"}) > 1),
    "political": ("political", 0.85, lambda known: len(known - {"independent"}) > 1),
    "education": ("education", 0.85, lambda known: len(known - {"graduate", "associate", "college"}) > 1),
    "blood_type": ("health", 0.85, lambda known: len(known) > 1 and any("型" in word or word in {"ab", "o+", "o-", "a+", "ab+", "b+"} for word in known)),
    "nationality": ("nationality", 0.7, lambda known: len(known) > 2),
}


def _identifiers() -> tuple[_Kind, ...]:
    compact, digits = validators.compact, validators.digits_of

    def card(text: str) -> bool:
        number = digits(text)
        return 13 <= len(number) <= 19 and len(text) <= len(number) + 4 and validators.card_scheme(number) not in ("", "weak") and validators.luhn(number)

    def mobile(text: str) -> bool:
        number = digits(text)
        number = number[-11:] if len(number) == 13 and number.startswith("86") or len(number) == 15 and number.startswith("0086") else number
        foreign = text.startswith("+") and not text.lstrip("+ (").startswith("86")
        return len(text) <= 20 and not foreign and validators.cn_mobile(number) and not any(character.isalpha() for character in text)

    return (
        _Kind("e-mail addresses", "email", "EMAIL_ADDRESS", 1.0, 0.5, lambda text: bool(_EMAIL.fullmatch(text))),
        _Kind(
            "Chinese resident identity numbers",
            "national_id",
            "CN_ID_CARD",
            1.0,
            0.5,
            lambda text: len(text) <= 24 and validators.cn_resident_id(compact(text)),
        ),
        _Kind("Hong Kong identity numbers", "national_id", "CN_HKID", 0.9, 0.6, lambda text: len(text) <= 12 and validators.hong_kong_id(compact(text))),
        _Kind("Taiwan identity numbers", "national_id", "CN_TWID", 0.9, 0.6, lambda text: len(text) == 10 and validators.taiwan_id(text)),
        _Kind("social security numbers", "national_id", "US_SSN", 0.92, 0.7, lambda text: bool(_SSN.fullmatch(text)) and validators.us_ssn(digits(text))),
        _Kind("national insurance numbers", "national_id", "UK_NINO", 0.9, 0.7, lambda text: bool(_NINO.fullmatch(text))),
        _Kind("passport numbers", "passport", "CN_PASSPORT", 0.62, 0.8, lambda text: bool(_CN_PASSPORT.fullmatch(text))),
        _Kind("card numbers", "bank_card", "CREDIT_CARD", 0.95, 0.6, card),
        _Kind("IBANs", "bank_account", "IBAN_CODE", 1.0, 0.6, lambda text: len(text) <= 42 and validators.iban(compact(text))),
        _Kind("organisation codes", "organisation_id", "CN_USCC", 0.95, 0.6, lambda text: len(text) == 18 and validators.cn_uscc(text.upper())),
        _Kind("Chinese mobile numbers", "phone", "CN_MOBILE", 0.96, 0.6, mobile),
        _Kind(
            "Chinese landline numbers",
            "phone",
            "CN_LANDLINE",
            0.9,
            0.5,
            lambda text: len(text) <= 22 and "-" in text and validators.cn_landline(digits(text)[:12]),
        ),
        _Kind("phone numbers", "phone", "PHONE_NUMBER", 0.85, 0.5, _formatted_phone),
        _Kind("bare phone numbers", "", "PHONE_NUMBER", 0.0, 0.0, lambda text: bool(_BARE_PHONE.fullmatch(text))),
        _Kind(
            "IP addresses",
            "ip_address",
            "IP_ADDRESS",
            0.95,
            0.7,
            lambda text: bool(_IPV4.fullmatch(text) or _IPV6.fullmatch(text) and not _MAC.fullmatch(text)),
        ),
        _Kind("MAC addresses", "device_id", "MAC_ADDRESS", 0.95, 0.7, lambda text: bool(_MAC.fullmatch(text))),
        _Kind("licence plates", "vehicle", "CN_LICENSE_PLATE", 0.95, 0.6, lambda text: bool(_PLATE.fullmatch(text.upper()))),
        _Kind("password hashes", "credential", "CREDENTIAL", 0.95, 0.6, lambda text: bool(_SECRET.fullmatch(text))),
        _Kind("web addresses", "url", "URL", 0.4, 0.6, lambda text: bool(_URL.fullmatch(text))),
        _Kind("postal codes", "address", "LOCATION", 0.3, 0.85, lambda text: bool(_POSTAL.fullmatch(text.upper()))),
    )


def _formatted_phone(text: str) -> bool:
    """A number with a plus, brackets or separators: digits alone are too often something else."""
    if not _PHONE.fullmatch(text) or _DATE.fullmatch(text) or _DATE_LAST_YEAR.fullmatch(text) or _IPV4.fullmatch(text) or _SSN.fullmatch(text):
        return False
    number = validators.digits_of(text)
    if not 7 <= len(number) <= 21 or text.replace(".", "", 1).replace("-", "", 1).isdigit() and len(number) < 10 and "." in text:
        return False
    return text.startswith("+") or "(" in text or sum(character in " .-–/" for character in text.strip()) >= 2 or bool(re.fullmatch(r"0?\d{2,4}-\d{6,8}", text))


def _believable(matches: Sequence[Match], shares: Mapping[str, float]) -> list[Match]:
    """Drop what a stronger kind explains, and lift phones that stand with and without separators in one column."""
    kept = list(matches)
    formatted, bare = shares["phone numbers"], shares["bare phone numbers"]
    if formatted >= 0.25 and formatted + bare >= 0.7 and not any(match.category == "phone" for match in kept):
        kept.append(Match("phone numbers", "phone", "PHONE_NUMBER", formatted + bare, formatted + bare - 0.1, 0.85))
    if shares["places"] >= shares["first or last names"]:
        # Madison, Austin and Florence are towns as well
        kept = [match for match in kept if match.kind != "first or last names"]
    kinds = {match.kind for match in kept}
    if "Chinese addresses" in kinds or "street addresses" in kinds:
        kept = [match for match in kept if match.category != "employer"]
    if "social security numbers" in kinds or "Chinese resident identity numbers" in kinds or "card numbers" in kinds:
        kept = [match for match in kept if match.category != "phone"]
    return kept


def _has_word(text: str, words: frozenset[str]) -> bool:
    lowered = text.lower()
    return any(token in words for token in re.split(r"[^\w.]+", lowered)) or any(word in lowered for word in words if not word.isascii())


def _ends_with_word(text: str, words: frozenset[str]) -> bool:
    lowered = text.lower()
    return any(token in words for token in lowered.replace(",", " ").split()[1:]) or any(lowered.endswith(word) for word in words if not word.isascii())


def parse_year(text: str) -> tuple[int, bool] | None:
    """Return (year, has a time of day other than midnight) when `text` is a whole date, else None."""
    if found := _DATE.fullmatch(text):
        year, month, day = int(found[1]), int(found[2]), int(found[3])
        timed = found[4] is not None and (found[4], found[5]) not in (("00", "00"), ("0", "00"))
    elif found := _DATE_LAST_YEAR.fullmatch(text):
        year, month, day, timed = int(found[3]), int(found[1]), int(found[2]), False
        month, day = (day, month) if month > 12 else (month, day)
    elif found := _DATE_DIGITS.fullmatch(text):
        year, month, day, timed = int(found[1]), int(found[2]), int(found[3]), False
    else:
        return None
    return (year, timed) if validators.calendar(year, month, day) else None


def _shape(values: Sequence[str]) -> dict[str, Any]:
    total = len(values)
    dates = [parsed for value in values if (parsed := parse_year(value))]
    numeric = sum(1 for value in values if re.fullmatch(r"[+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?", value))
    lengths = Counter(len(value) for value in values)
    return {
        "numeric": numeric / total,
        "letters": sum(1 for value in values if any(character.isalpha() for character in value) and not any(character.isdigit() for character in value))
        / total,
        "digits_many": sum(1 for value in values if sum(character.isdigit() for character in value) >= 5) / total,
        "at_sign": sum("@" in value for value in values) / total,
        "dates": len(dates) / total,
        "timed": sum(timed for _, timed in dates) / max(1, len(dates)),
        "years": tuple(sorted(year for year, _ in dates)),
        "mean_length": sum(length * count for length, count in lengths.items()) / total,
        "mean_words": sum(len(value.split()) for value in values) / total,
        "longest": max(lengths),
        "small_ints": sum(1 for value in values if re.fullmatch(r"\d{1,3}", value) and int(value) <= 130) / total,
    }
