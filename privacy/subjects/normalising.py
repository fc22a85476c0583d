"""When two written identifiers are one: `１３９ 0417-2263` and `+86 139 0417 2263`, an e-mail in another case, an old resident number of 15 digits.

Guarantee: total and idempotent; equal forms are one identifier. Plus-tags of e-mail addresses are kept, logins and cards are compared exactly.
Limit: a phone number without country code is read at home in each of `regions`; it may therefore have several forms.
Source: Unicode NFKC (UAX 15), E.164, GB 11643-1999 (18 digits with check character) and GB 11643-1989 (15 digits).
"""

import re
from collections.abc import Callable, Sequence

from privacy.kernel import normalise
from privacy.kernel.normalise import PLANS, Normalisers
from privacy.subjects.model import IdentifierKind

E164 = Callable[[str, str], str | None]
"""(number as written, region) → `+8613904172263`, or None for what is no number there. For regions whose numbering plan the kernel does not know."""

_FIFTEEN = re.compile(r"\d{6}\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_SHORTEST_PHONE, _SHORTEST_ID = 7, 6
_COUNTRY_CODE = 3  # digits at most


class Spellings:
    """The forms of identifiers. `regions` are where phone numbers without a country code are at home, `e164` reads those of further countries."""

    def __init__(self, regions: Sequence[str] = ("CN",), e164: E164 | None = None) -> None:
        self._regions = tuple(region.upper() for region in regions) or ("CN",)
        self._phones = [Normalisers(region).of("phone").apply for region in self._regions]
        self._e164 = e164

    def forms(self, kind: IdentifierKind, value: str) -> frozenset[str]:
        """Return the forms of `value`; two values are one identifier when they have a form in common. Empty for what cannot be of this kind."""
        match kind:
            case IdentifierKind.PHONE:
                return self._phone(value)
            case IdentifierKind.EMAIL:
                plain = normalise.email(value)
                return frozenset({plain} if _EMAIL.fullmatch(plain) else ())
            case IdentifierKind.RESIDENT_ID:
                plain = resident_id(value)
                return frozenset({plain} if len(plain) >= _SHORTEST_ID and not _monotone(plain) else ())
            case IdentifierKind.NAME:
                plain = normalise.name(value)
                return frozenset({plain} if plain else ())
            case _:
                return frozenset({value} if value.strip() else ())

    def written(self, kind: IdentifierKind, form: str) -> tuple[str, ...]:
        """Return the usual ways of writing a form: what an index is asked for before anything is scanned."""
        if kind is IdentifierKind.PHONE and form.startswith("+"):
            number, _, extension = form[1:].partition(";ext=")
            return () if extension else _phone_spellings(number)
        if kind is IdentifierKind.RESIDENT_ID:
            return tuple(dict.fromkeys((form, form.lower(), fifteen(form) or form)))
        if kind is IdentifierKind.EMAIL:
            return tuple(dict.fromkeys((form, form.upper(), form.capitalize())))
        return (form,)

    def trace(self, kind: IdentifierKind, form: str) -> str:
        """Return the characters, lower case and in order, that every ASCII spelling of `form` holds; empty where only the exact text counts."""
        if kind is IdentifierKind.PHONE:
            return _phone_trace(form)
        if kind is IdentifierKind.RESIDENT_ID:
            return (fifteen(form) or form).lower()
        if kind is IdentifierKind.NAME:
            return form.replace("·", "")  # one of many dots
        return form if kind is IdentifierKind.EMAIL else ""

    def _phone(self, value: str) -> frozenset[str]:
        found = {apply(value) for apply in self._phones}
        if self._e164 is not None:
            found |= {number for region in self._regions if region not in PLANS and (number := self._e164(value, region))}
        return frozenset(form for form in found if _is_phone(form))


def resident_id(value: str) -> str:
    """Return the number in capitals without separators; one of 15 digits in its form of 18 (all bearers were born in the 1900s)."""
    plain = normalise.code(value)
    if not (plain.isascii() and _FIFTEEN.fullmatch(plain)):
        return plain
    body = f"{plain[:6]}19{plain[6:]}"
    return body + _CHECKS[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]


def fifteen(form: str) -> str:
    """Return the old form of a resident number of 18; empty where it never had one."""
    return form[:6] + form[8:17] if len(form) == 18 and form[6:8] == "19" and form[:17].isdecimal() else ""


def _is_phone(form: str) -> bool:
    number = form.partition(";ext=")[0].removeprefix("+")
    home = number[_COUNTRY_CODE:] if form.startswith("+") else number
    return number.isascii() and number.isdecimal() and len(number) >= _SHORTEST_PHONE and not _monotone(home)


def _monotone(plain: str) -> bool:
    """Is it a filler such as 00000000, which people type to get past a form?"""
    return len(set(plain)) == 1


def _phone_trace(form: str) -> str:
    number, _, extension = form.removeprefix("+").partition(";ext=")
    if not form.startswith("+"):
        return number + extension
    return (_national(number) or number[_COUNTRY_CODE:]) + extension


def _national(number: str) -> str:
    plan = next((plan for plan in PLANS.values() if number.startswith(plan.code) and plan.national.fullmatch(number[len(plan.code) :])), None)
    return number[len(plan.code) :] if plan else ""


def _phone_spellings(number: str) -> tuple[str, ...]:
    spellings = [f"+{number}", number, f"00{number}"]
    for plan in PLANS.values():
        home = number[len(plan.code) :]
        if number.startswith(plan.code) and plan.national.fullmatch(home):
            spellings += [home, plan.trunk + home, f"+{plan.code} {home}", f"+{plan.code}-{home}", f"{plan.code}-{home}", *_grouped(home)]
    return tuple(dict.fromkeys(spellings))


def _grouped(home: str) -> list[str]:
    if len(home) == 11:
        return [f"{home[:3]}{mark}{home[3:7]}{mark}{home[7:]}" for mark in "- "]
    if len(home) == 10:
        three = [f"{home[:3]}{mark}{home[3:6]}{mark}{home[6:]}" for mark in "-. "]
        return [*three, f"({home[:3]}) {home[3:6]}-{home[6:]}", f"0{home[:2]}-{home[2:]}", f"0{home[:3]}-{home[3:]}"]
    return []
