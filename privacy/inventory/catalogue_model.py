"""Who decides, why, and who gets the data: controllers, purposes and recipients as frozen values that check themselves.

Sources: GDPR Art. 6 and 30, PIPL Art. 13 (which knows no legitimate interest), 20–23 and 55.
"""

import re
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from privacy.kernel.errors import Flaw, InvalidInput

REGIMES = ("gdpr", "uk_gdpr", "pipl", "ccpa")
LAWFUL_BASES = (
    "consent",
    "contract",
    "legal_obligation",
    "vital_interests",
    "public_interest",
    "legitimate_interest",
    "employment",  # PIPL 13(2): labour rules and collective contracts
    "public_emergency",  # PIPL 13(4)
    "news_reporting",  # PIPL 13(5)
    "made_public",  # PIPL 13(6)
)
RECIPIENT_KINDS = ("processor", "joint_controller", "third_party", "affiliate", "authority")
PURPOSE_STATES = ("draft", "live", "retired")

_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}")
_PERIOD = re.compile(r"P(?=\d)(?:\d{1,3}Y)?(?:\d{1,3}M)?(?:\d{1,4}D)?")


@dataclass(frozen=True, slots=True)
class Controller:
    """The legal entity that decides (PIPL: 个人信息处理者). Clocks use its zone and calendar; notices name its contact."""

    id: str
    name: str
    country: str
    time_zone: str
    calendar: str = ""
    regimes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en",)
    contact: str = ""
    version: int = 0

    def check(self) -> None:
        flaws = _Flaws()
        flaws.id(self.id)
        flaws.line("name", self.name)
        flaws.line("contact", self.contact, needed=False)
        flaws.unless(re.fullmatch(r"[A-Z]{2}", self.country), "country", "A country is its two capital letters (ISO 3166), for example CN or DE.")
        flaws.unless(_is_zone(self.time_zone), "time_zone", "A time zone is an IANA name, for example Asia/Shanghai.")
        flaws.unless(not self.calendar or _ID.fullmatch(self.calendar), "calendar", "A calendar is named by its id.")
        flaws.among("regimes", self.regimes, REGIMES)
        flaws.unless(self.languages and all(map(_LANGUAGE.fullmatch, self.languages)), "languages", "Languages are tags like en or zh; at least one is needed.")
        flaws.raise_any()


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets the data, for which purposes, and from when to when an agreement covers it (both days included; no date: open)."""

    id: str
    name: str
    kind: str
    country: str
    agreement_from: date | None = None
    agreement_to: date | None = None
    purposes: tuple[str, ...] = ()
    contact: str = ""
    version: int = 0

    def in_force(self, day: date) -> bool:
        """Tell whether an agreement covers `day`; without a first day there is no agreement."""
        return self.agreement_from is not None and self.agreement_from <= day and (self.agreement_to is None or day <= self.agreement_to)

    def check(self) -> None:
        flaws = _Flaws()
        flaws.id(self.id)
        flaws.line("name", self.name)
        flaws.line("contact", self.contact, needed=False)
        flaws.among("kind", (self.kind,), RECIPIENT_KINDS)
        flaws.unless(re.fullmatch(r"[A-Z]{2}", self.country), "country", "A country is its two capital letters (ISO 3166), for example CN or DE.")
        ordered = self.agreement_to is None or self.agreement_from is not None and self.agreement_from <= self.agreement_to
        flaws.unless(ordered, "agreement_to", "An agreement ends on or after the day it begins.")
        flaws.raise_any()


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why data is processed, on which basis, about what, for how long, and what must be there first."""

    id: str
    name: str
    controller: str
    lawful_basis: str
    categories: tuple[str, ...]
    retention: str = ""
    needs_consent: bool = False
    separate_consent: bool = False
    needs_assessment: bool = False
    assessment: str | None = None
    state: str = "live"
    name_zh: str = ""
    dpv: str = ""
    version: int = 0

    @property
    def assessed(self) -> bool:
        """Tell whether the purpose may go live as far as assessments are concerned (GDPR 35, PIPL 55)."""
        return not self.needs_assessment or bool(self.assessment)

    def check(self) -> None:
        flaws = _Flaws()
        flaws.id(self.id)
        flaws.line("name", self.name)
        flaws.line("name_zh", self.name_zh, needed=False)
        flaws.among("lawful_basis", (self.lawful_basis,), LAWFUL_BASES)
        flaws.among("state", (self.state,), PURPOSE_STATES)
        flaws.unless(self.categories, "categories", "A purpose names the categories of data it needs; data of others is withheld.")
        flaws.unless(not self.retention or _PERIOD.fullmatch(self.retention), "retention", "A retention period is written like P3Y, P6M or P90D (ISO 8601).")
        flaws.unless(self.needs_consent or self.lawful_basis != "consent", "needs_consent", "A purpose that rests on consent needs consent: set it to true.")
        flaws.unless(
            self.needs_consent or not self.separate_consent, "separate_consent", "Separate consent is a kind of consent: set needs_consent to true as well."
        )
        flaws.raise_any()


class _Flaws:
    """Collects everything wrong with one entry, so that it is mended in one go."""

    def __init__(self) -> None:
        self._found: list[Flaw] = []

    def unless(self, good: object, key: str, detail: str) -> None:
        if not good:
            self._found.append(Flaw(f"/{key}", detail))

    def id(self, id: str) -> None:
        self.unless(_ID.fullmatch(id), "id", "An id is 1 to 64 small letters, digits, dots, dashes or underscores.")

    def line(self, key: str, text: str, *, needed: bool = True) -> None:
        self.unless(text.strip() or not needed, key, "This text is needed.")
        self.unless(len(text) <= 200 and all(character.isprintable() for character in text), key, "One line of at most 200 characters.")

    def among(self, key: str, words: tuple[str, ...], known: tuple[str, ...]) -> None:
        self.unless(set(words) <= set(known), key, f"Known are {', '.join(known)}.")

    def raise_any(self) -> None:
        if self._found:
            raise InvalidInput(self._found[0].detail, flaws=tuple(self._found))


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return "/" in name or name == "UTC"
