"""From evidence to confidence: what the words are worth in this table, what the values prove, and what contradicts both."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from privacy.discovery.lexicon import Strength
from privacy.discovery.names import Hint, Kind
from privacy.discovery.proposals import Evidence
from privacy.discovery.shapes import Family
from privacy.discovery.table_context import Look, Scene, is_sending, prefix
from privacy.discovery.values import Match, Profile

AUTO = 0.72
REVIEW = 0.45
_CAP_REVIEW = 0.68

# categories that say something about a thing as often as about a person
_OF_THINGS_TOO = frozenset(
    (
        "name address employer education occupation gender age nationality health religion ethnicity income url account precise_location "
        "biometric device_id personal_text birth_date employment_date vehicle"
    ).split()
)
_WORDY = frozenset({"Chinese names", "full names", "first or last names", "job titles", "companies", "places"})
_PARTS = frozenset({"places", "codes of places", "postal codes"})
_NUMBERS_ALLOWED = frozenset(
    (
        "phone bank_card bank_account national_id passport driver_license account age income birth_date gender education marital_status "
        "ethnicity nationality religion political credential social_account organisation_id occupation health vehicle device_id "
        "precise_location employment_date"
    ).split()
)
_FRACTIONS_ALLOWED = frozenset({"income", "health", "precise_location", "age"})
_DATES_ALLOWED = frozenset({"birth_date", "employment_date"})


@dataclass(frozen=True, slots=True)
class Candidate:
    category: str
    entity: str
    confidence: float
    evidence: tuple[Evidence, ...]


def candidates(look: Look, scene: Scene) -> Iterator[Candidate]:
    """Yield every category this column may hold, with its confidence in this scene."""
    categories = {hint.category for hint in look.hints} | {match.category for match in look.profile.matches}
    for category in sorted(categories):
        if (candidate := _candidate(category, look, scene)) is not None:
            yield candidate


def _candidate(category: str, look: Look, scene: Scene) -> Candidate | None:
    if not _type_allows(category, look.column.family):
        return None
    evidence: list[Evidence] = []
    told = _told(category, look, scene, evidence)
    match = look.profile.match(category)
    proven = _proven(match, look, scene) if match else 0.0
    if match and proven > 0:
        evidence.append(Evidence("values", f"{match.share:.0%} of {look.profile.distinct} distinct values are {match.kind}", proven))
    if category == "account" and look.column.family is Family.INTEGER:
        # a customer number that is a plain integer is a key or a reference, a number of logins is neither
        told *= 0.4
    if category == "personal_text":
        # a remark is personal by what stands in it, which its name cannot tell
        told = min(told, 0.5 if scene.people >= 0.75 or look.profile.distinct == 0 else 0.4)
    if told and (contradiction := _contradiction(category, look)):
        told *= 0.3
        evidence.append(Evidence("guard", contradiction, -0.7))
    confidence = 1 - (1 - told) * (1 - proven)
    if confidence > (cap := _cap_of_organisations(category, scene)):
        confidence = cap
        evidence.append(Evidence("guard", "nothing in the table is about a person", -0.3))
    if category == "name" and confidence > _CAP_REVIEW and _public(look, scene):
        confidence = _CAP_REVIEW
        evidence.append(Evidence("guard", "people known to the public or named for a work: to be looked at", -0.3))
    if confidence < 0.05:
        return None
    entity = match.entity if match and proven > 0 else ""
    return Candidate(category, entity, min(confidence, 0.99), tuple(evidence))


def _type_allows(category: str, family: Family) -> bool:
    if family in (Family.BOOLEAN, Family.TIME, Family.BINARY, Family.JSON):
        return False
    if family in (Family.DATE, Family.DATETIME):
        return category in _DATES_ALLOWED
    if family is Family.DECIMAL:
        return category in _FRACTIONS_ALLOWED or category in ("phone", "bank_card", "birth_date")
    if family is Family.INTEGER:
        return category in _NUMBERS_ALLOWED or category == "address"
    return True


def _cap_of_organisations(category: str, scene: Scene) -> float:
    """An organisation's address is no person's; its phone and e-mail may be one's. With a contact person in the row both may be."""
    if scene.kind is Kind.NEUTRAL and scene.people < 0.3 and category == "address":
        return _CAP_REVIEW
    if scene.kind is not Kind.ORGANISATION or scene.people >= 0.5:
        return 1.0
    if category in ("address", "precise_location"):
        return _CAP_REVIEW if scene.contacts else 0.4
    return _CAP_REVIEW if category in ("phone", "email") and not scene.contacts else 1.0


# -- words ---------------------------------------------------------------------------------------------------------------------------


def _told(category: str, look: Look, scene: Scene, evidence: list[Evidence]) -> float:
    total = 0.0
    for hint in look.hints:
        if hint.category != category:
            continue
        strength = _worth(hint, look, scene) * _other_source(hint, look)
        if strength > 0:
            evidence.append(Evidence(hint.source, f"“{hint.phrase}” ({hint.key.value})" + _where(hint, scene), strength))
            total = 1 - (1 - total) * (1 - strength)
    return min(total, 0.97)


def _worth(hint: Hint, look: Look, scene: Scene) -> float:
    """Return what the words are worth in this table."""
    if hint.strength == 0:
        return 0.0
    worth = {
        Strength.STRONG: _strong,
        Strength.MEDIUM: _medium,
        Strength.WEAK: lambda hint, scene: hint.strength + (0.15 if scene.people >= 0.6 else 0),
        Strength.PERSON: _person,
        Strength.INITIALS: _initials,
    }
    return _part(hint, look, scene) if hint.key is Strength.PART else worth[hint.key](hint, scene)


def _strong(hint: Hint, scene: Scene) -> float:
    if scene.people >= 0.75 and hint.owner is Kind.ORGANISATION:
        return min(0.85, hint.strength * 1.3)  # a person's office is where the person is reached
    if scene.people >= 0.5 or hint.owner is Kind.PERSON:
        return hint.strength
    if scene.kind is Kind.ORGANISATION and hint.category in ("phone", "email", "address", "account"):
        return hint.strength * (0.85 if scene.contacts else 0.6)
    if scene.kind in (Kind.THING, Kind.ORGANISATION) and hint.category in _OF_THINGS_TOO:
        return hint.strength * 0.55
    return hint.strength


def _medium(hint: Hint, scene: Scene) -> float:
    if hint.category == "account":
        return hint.strength * (0.85 if scene.people < 0.6 else 1)
    if scene.kind is Kind.ORGANISATION:
        return hint.strength * (1.2 if hint.category == "name" else 0.9 if scene.contacts else 0.6)
    if hint.owner is Kind.PERSON or scene.people >= 0.75:
        return min(0.85, hint.strength * 1.35)
    if scene.people >= 0.6:
        return min(0.8, hint.strength * 1.25)
    return hint.strength * (0.5 if scene.kind in (Kind.THING, Kind.PUBLIC_PERSON) else 1)


def _person(hint: Hint, scene: Scene) -> float:
    if hint.strength >= 0.8:
        return hint.strength
    if hint.owner is not Kind.NEUTRAL and hint.owner is not Kind.LINKED:
        return hint.strength if scene.people >= 0.75 else 0.0
    if hint.category == "employment_date" and not scene.employment:
        return 0.0
    if scene.people >= 0.75 and scene.kind is not Kind.PUBLIC_PERSON:
        return (0.85 if scene.people >= 0.9 else 0.75) * (hint.strength / 0.3)
    if hint.category != "name":
        return hint.strength * (1.6 if scene.people >= 0.6 else 0.5)
    return {Kind.PUBLIC_PERSON: 0.5, Kind.THING: 0.0, Kind.ORGANISATION: 0.0}.get(scene.kind, hint.strength * (1.6 if scene.people >= 0.6 else 1.0))


def _initials(hint: Hint, scene: Scene) -> float:
    # one pair of letters means little; among others of its kind it is a habit of the house
    lift = {0: 0.0, 1: 0.0, 2: 0.12}.get(scene.pinyin, 0.25)
    return min(0.9, hint.strength + lift + (0.1 if scene.people >= 0.75 else 0))


def _part(hint: Hint, look: Look, scene: Scene) -> float:
    group = prefix(look, hint)
    scale = hint.strength / 0.3
    if group in scene.address_groups:
        if scene.people >= 0.6 or is_sending(group) or hint.owner is Kind.PERSON:
            return 0.85 * scale
        if scene.kind is Kind.ORGANISATION:
            return (0.5 if scene.contacts else 0.3) * scale
        return (0.5 if scene.kind is Kind.NEUTRAL else 0.2) * scale
    if hint.phrase == "state":
        return 0.2 * scale  # alone it is a state of affairs
    if scene.people >= 0.75 and scene.kind is not Kind.LINKED:
        return 0.75 * scale
    return 0.5 * scale if is_sending(group) or scene.people >= 0.6 else 0.15 * scale


def _other_source(hint: Hint, look: Look) -> float:
    """A comment that says something else weakens the name, and the vaguer the name the more; a name weakens a comment little."""
    if hint.source == "comment":
        return 1.0 if look.name is None or look.name.category == hint.category or look.name.key in (Strength.INITIALS, Strength.PERSON) else 0.85
    if not look.column.comment:
        return 1.0
    if look.comment is None:
        return 0.9 if hint.key is Strength.STRONG else 0.45
    if look.comment.category == hint.category:
        return 1.0
    return 0.7 if hint.key is Strength.STRONG else 0.35


def _where(hint: Hint, scene: Scene) -> str:
    if hint.owner is Kind.PERSON:
        return " of a person"
    return " in a table about people" if scene.people >= 0.6 else ""


# -- values --------------------------------------------------------------------------------------------------------------------------


def _proven(match: Match, look: Look, scene: Scene) -> float:
    strength = match.strength
    if look.key == "primary" and look.column.family is Family.INTEGER:
        return 0.0
    if match.kind in _PARTS:
        return _proven_part(match, look, scene)
    if match.kind in _WORDY:
        strength *= _trust_in_words(match, look, scene)
    if match.kind == "web addresses":
        return 0.0 if not look.hints else strength
    if look.key == "foreign" and match.kind not in ("e-mail addresses", "Chinese resident identity numbers"):
        strength *= 0.3
    # what stands among other personal columns is more likely to be one itself
    return 1 - (1 - strength) * (1 - 0.35) if scene.people >= 0.75 and strength >= 0.35 else strength


def _trust_in_words(match: Match, look: Look, scene: Scene) -> float:
    trust = 1.0 if look.profile.distinct >= 5 else 0.55
    if match.kind in ("job titles", "companies") and scene.people < 0.6:
        trust *= 0.4
    if match.kind == "first or last names" and scene.people < 0.6:
        trust *= 0.75
    named = any(hint.category == match.category and hint.strength > 0 for hint in look.hints)
    if scene.kind in (Kind.THING, Kind.ORGANISATION) and not named:
        trust *= 0.6 if match.category == "name" else 0.3
    if not look.opaque and not named:
        # the name is made of words, and they say something else
        trust *= 0.8 if scene.people >= 0.75 else 0.6
    return trust


def _proven_part(match: Match, look: Look, scene: Scene) -> float:
    beside = scene.address_by_value or any(hint.category == "address" for hint in look.hints)
    if not beside or (scene.people < 0.6 and not scene.address_by_value):
        return 0.0
    if look.column.family is Family.INTEGER and not look.hints:
        return 0.0
    if not look.opaque and not look.hints:
        return 0.0
    return {"places": 0.75, "codes of places": 0.6, "postal codes": 0.6}[match.kind] * math.sqrt(match.bound)


# -- guards --------------------------------------------------------------------------------------------------------------------------


def _public(look: Look, scene: Scene) -> bool:
    return scene.kind is Kind.PUBLIC_PERSON or any(hint.owner is Kind.PUBLIC_PERSON for hint in look.hints)


def _contradiction(category: str, look: Look) -> str:
    """Return why the values cannot be what the words say, or nothing. Few or no values contradict nothing."""
    profile, family = look.profile, look.column.family
    if look.key == "primary" and family in (Family.INTEGER, Family.UUID):
        return "a surrogate key"
    if look.key in ("foreign", "part of primary") and family in (Family.INTEGER, Family.UUID):
        return "a reference, not the data itself"
    if profile.distinct < 2:
        return ""
    rule = _RULES.get(category)
    return rule(profile) if rule else ""


_Rule = Callable[[Profile], str]


def _no_words(profile: Profile) -> str:
    if profile.numeric >= 0.6 or profile.dates >= 0.6:
        return "the values are numbers or dates"
    return "the values are e-mail addresses" if profile.shares.get("e-mail addresses", 0) > 0.6 else ""


def _no_name(profile: Profile) -> str:
    if profile.mean_words > 7:
        return "the values are sentences"
    coded = profile.longest <= 2 and profile.letters > 0.9 and profile.distinct < 100 and profile.shares.get("Chinese names", 0) < 0.5
    return "the values are codes" if coded else _no_words(profile)


def _no_occupation(profile: Profile) -> str:
    return "the values are forms of address" if profile.match("gender") is not None else _no_words(profile)


def _no_email(profile: Profile) -> str:
    return "no value holds an @" if profile.at_sign < 0.3 and profile.mean_length < 25 else ""


def _no_phone(profile: Profile) -> str:
    if profile.dates > 0.6:
        return "the values are dates"
    # a ciphertext is long and may stand in the column all the same
    return "the values hold too few digits" if profile.digits_many < 0.5 and profile.mean_length < 40 else ""


def _no_date(profile: Profile) -> str:
    # years (1962) and months (1962-02) are kept where a whole date is not
    short = profile.mean_length <= 7.5 and profile.digits_many + profile.numeric > 0.8
    return "" if profile.dates >= 0.5 or short else "the values are no dates"


def _no_age(profile: Profile) -> str:
    return "the values are no ages" if profile.numeric > 0.8 and profile.small_ints < 0.8 else ""


def _no_address(profile: Profile) -> str:
    if profile.dates > 0.6 or profile.mean_length < 1.5:
        return "the values are no places"
    return "the values are numbers, not places" if profile.numeric > 0.8 and profile.shares.get("postal codes", 0) < 0.5 else ""


def _no_number(profile: Profile) -> str:
    if profile.letters > 0.6:
        return "the values hold no digits"
    return "the values are too short" if profile.numeric > 0.8 and profile.mean_length < 5 else ""


def _no_vocabulary(profile: Profile) -> str:
    return "too many different values" if profile.distinct > 80 or profile.mean_length > 30 else ""


def _no_technical_id(profile: Profile) -> str:
    return "the values are small numbers" if profile.numeric > 0.8 and profile.mean_length < 7 else ""


def _no_amount(profile: Profile) -> str:
    return "the values are no amounts" if profile.numeric < 0.5 and profile.letters > 0.6 else ""


def _no_coordinate(profile: Profile) -> str:
    return "the values are no coordinates" if profile.letters > 0.6 else ""


def _no_account(profile: Profile) -> str:
    return "the values are sentences" if profile.mean_words > 4 else ""


def _no_health(profile: Profile) -> str:
    return "the values are dates" if profile.dates > 0.8 else ""


_RULES: Mapping[str, _Rule] = {
    "name": _no_name,
    "relative": _no_words,
    "employer": _no_words,
    "occupation": _no_occupation,
    "email": _no_email,
    "phone": _no_phone,
    **dict.fromkeys(("birth_date", "employment_date"), _no_date),
    "age": _no_age,
    "address": _no_address,
    **dict.fromkeys(("national_id", "passport", "bank_card", "bank_account", "driver_license"), _no_number),
    **dict.fromkeys(("gender", "marital_status", "ethnicity", "political", "religion"), _no_vocabulary),
    **dict.fromkeys(("ip_address", "device_id"), _no_technical_id),
    "income": _no_amount,
    "precise_location": _no_coordinate,
    **dict.fromkeys(("account", "social_account"), _no_account),
    "health": _no_health,
}
