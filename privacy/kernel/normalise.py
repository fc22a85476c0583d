"""What counts as the same value, in a blind index and between systems: `１３９ 0417 2263` and `+86 139-0417-2263` are one phone number.

Guarantee: idempotent and total (a value that is not what its category says is compared as text). Standard library only.
Limit: another rule is another index, so a rule is never changed: it gets a new version, and the old index is filled until it is retired.
Source: Unicode NFKC (UAX 15), E.164, GB 11643 (check character X), RFC 5952 (addresses).
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Normaliser:
    """A rule with its version; both are part of the index's name and thereby of its key."""

    name: str
    version: int
    apply: Callable[[str], str]

    @property
    def index_name(self) -> str:
        return f"eq:{self.name}.{self.version}"


@dataclass(frozen=True, slots=True)
class NumberingPlan:
    """How a country's numbers are written at home: its code, the prefix that falls away abroad, and whole numbers without either."""

    code: str
    trunk: str
    national: re.Pattern[str]


# national: the shapes a number may have after its country code; it tells `8613904172263` from a number that merely starts with 86
PLANS: Final[Mapping[str, NumberingPlan]] = MappingProxyType(
    {
        "CN": NumberingPlan("86", "0", re.compile(r"1[3-9]\d{9}|10\d{8}|[2-9]\d{9,10}|[48]00\d{7}")),
        "US": NumberingPlan("1", "1", re.compile(r"[2-9]\d{9}")),
        "GB": NumberingPlan("44", "0", re.compile(r"[1-9]\d{8,9}")),
        "DE": NumberingPlan("49", "0", re.compile(r"[1-9]\d{5,11}")),
        "FR": NumberingPlan("33", "0", re.compile(r"[1-9]\d{8}")),
    }
)
_EXTENSION = re.compile(r"(?:ext\.?|extension|x|转|轉|分机|分機|#|,|;ext=)\s*(\d{1,6})\s*$", re.IGNORECASE)
_TRUNK_IN_BRACKETS = re.compile(r"^(\+\d{1,3}[\s\-.]*)\(0\)")
_PHONE_SHAPE = re.compile(r"\+?[\d\s\-./()]+")
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?|(\d{4})(\d{2})(\d{2})")
_SEPARATORS = re.compile(r"[\s\-./_‐‑–—·•・‧]+")
_SPACE = re.compile(" ")
_DOTS = re.compile("[•・‧∙⋅.·]")


def text(value: str) -> str:
    """Compatibility forms become one, case and outer blanks fall away, inner blanks become one."""
    folded = unicodedata.normalize("NFKC", value).casefold()
    # folding can undo the composition, and the second NFKC can bring back what folds: twice is a fixed point
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded).casefold())
    return " ".join(folded.split())


def name(value: str) -> str:
    """Names are compared without blanks, with one kind of middle dot."""
    return _without(_SPACE, _DOTS.sub("·", text(value)))


def code(value: str) -> str:
    """Numbers of documents and plates: upper case, without blanks and hyphens; a resident id ends in X, never x."""
    return unicodedata.normalize("NFKC", _without(_SEPARATORS, text(value)).upper())


def digits(value: str) -> str:
    """Card numbers: the digits, in whatever groups they were written."""
    plain = _without(_SEPARATORS, text(value))
    return plain if plain.isdecimal() and plain.isascii() else text(value)


def email(value: str) -> str:
    return _without(_SPACE, text(value))


def date(value: str) -> str:
    """Whole dates as `1987-11-23`, year first; others as text."""
    plain = text(value)
    match = _DATE.fullmatch(plain)
    if not match:
        return plain
    year, month, day = match.group(1, 2, 3) if match.group(1) else match.group(4, 5, 6)
    return f"{year}-{int(month):02}-{int(day):02}"


def address_of_host(value: str) -> str:
    plain = text(value)
    try:
        return str(ipaddress.ip_address(plain))
    except ValueError:
        return plain


def phone(region: str) -> Callable[[str], str]:
    """Return the rule for numbers that are at home in `region`: E.164, an extension behind `;ext=`."""
    plan = PLANS.get(region)

    def apply(value: str) -> str:
        plain = text(value).replace("，", ",")
        extension = _EXTENSION.search(plain)
        number = _e164(plain[: extension.start()] if extension else plain, plan)
        if number is None:
            return plain
        return f"{number};ext={extension.group(1)}" if extension else number

    return apply


def _without(what: re.Pattern[str], plain: str) -> str:
    # an accent that stood behind a blank now stands behind a letter, and composes with it
    return unicodedata.normalize("NFKC", what.sub("", plain))


def _e164(written: str, plan: NumberingPlan | None) -> str | None:
    written = _TRUNK_IN_BRACKETS.sub(r"\1", written.strip().replace("(+", "+", 1))
    plain = re.sub(r"\D", "", written)
    if not _PHONE_SHAPE.fullmatch(written) or not 5 <= len(plain) <= 17 or not plain.isascii():
        return None
    if written.startswith("+"):
        return f"+{plain}"
    if plain.startswith("00"):
        return f"+{plain[2:]}"
    return _at_home(plain, plan) if plan else plain


def _at_home(plain: str, plan: NumberingPlan) -> str:
    for prefix in (plan.trunk, plan.code, ""):
        if plain.startswith(prefix) and plan.national.fullmatch(plain[len(prefix) :]):
            return f"+{plan.code}{plain[len(prefix) :]}"
    return plain


_TEXT: Final = Normaliser("text", 1, text)
_BY_CATEGORY: Final[Mapping[str, Normaliser]] = MappingProxyType(
    {
        "email": Normaliser("email", 1, email),
        "name": Normaliser("name", 1, name),
        "relative": Normaliser("name", 1, name),
        "bank_card": Normaliser("digits", 1, digits),
        "birth_date": Normaliser("date", 1, date),
        "employment_date": Normaliser("date", 1, date),
        "date": Normaliser("date", 1, date),
        "ip_address": Normaliser("host", 1, address_of_host),
    }
    | dict.fromkeys(("national_id", "passport", "driver_license", "organisation_id", "bank_account", "vehicle"), Normaliser("code", 1, code))
)


class Normalisers:
    """The rule of every category. `region` is where phone numbers without a country code are at home."""

    def __init__(self, region: str = "CN") -> None:
        self._phone = Normaliser(f"phone-{region.lower()}", 1, phone(region.upper()))

    def of(self, category: str) -> Normaliser:
        return self._phone if category == "phone" else _BY_CATEGORY.get(category, _TEXT)
