"""What the name or comment of a column tells: split into words (English, Chinese, pinyin, initials), then matched head-last against `policies/columns.toml`.

In both languages the last word says what a thing is (`customer e-mail status` is a status), so a match counts only at the end,
behind words that change nothing; words such as *type* or *状态* behind it turn it off.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from privacy.discovery.lexicon import Lexicon, Strength

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[\u3400-\u9fff]+")
_CLAUSE = re.compile(r"[,，;；。:：(（\[【、|/\n\r\t]| - |--|(?<=[\u4e00-\u9fff])(?=[\s0-9])")
_STOP = frozenset({"of", "for", "used", "in", "that", "when", "where", "which", "from", "by", "if", "with", "as", "at", "to", "who", "whose"})
_ARTICLES = frozenset({"the", "a", "an", "this", "its", "their", "his", "her", "s"})
_BASE = {Strength.STRONG: 0.9, Strength.MEDIUM: 0.62, Strength.WEAK: 0.35, Strength.PERSON: 0.3, Strength.PART: 0.3}
# a thing's phone or a shop's address may still be personal; a thing's name, title or picture never is
_OF_PEOPLE_ONLY = frozenset(("name employer occupation url precise_location personal_text biometric account social_account gender income health").split())
_CODES_ARE_NOT_DATA = frozenset({"email", "phone", "credential", "bank_card"})

# `passport_id` is the passport; `address_id` is a row of another table
_IDENTITIES = frozenset({"national_id", "passport", "driver_license", "social_account", "device_id", "email"})


class Kind(StrEnum):
    """What a table, or the word in front of a match, is about."""

    PERSON = "person"
    PUBLIC_PERSON = "public_person"
    ORGANISATION = "organisation"
    THING = "thing"
    LINKED = "linked"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Hint:
    """One reading of a name: `strength` 0 to 1; `owner` whom the word in front names; `phrase` the lexicon's words, which may be shown."""

    category: str
    strength: float
    key: Strength
    phrase: str
    owner: Kind = Kind.NEUTRAL
    source: str = "name"


class NameReader:
    """Reads names and comments by one lexicon. Holds no state beyond it, so that threads may share one."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon

    def words(self, name: str) -> list[str]:
        """Split `name` into known words, singular and lower case; unknown words stay as they are, numbers fall away."""
        folded = unicodedata.normalize("NFKC", name)
        # a bracket explains or commands (手机号（必填）): what stands before it is the name
        folded = folded.split("(")[0].strip() or folded
        words: list[str] = []
        for token in _spelled(_WORD.findall(folded)):
            if token.isdigit():
                continue
            words.extend(self._lexicon.split_han(token) if token[0] >= "\u3400" else self._latin(token.lower()))
        return words

    def column(self, name: str) -> Hint | None:
        """Return the reading of a column's name, or None."""
        return self._match(self.words(name))

    def comment(self, comment: str) -> Hint | None:
        """Return the reading of a column's comment: of its first clause, where people say what the column is."""
        clause = next((part for part in _CLAUSE.split(unicodedata.normalize("NFKC", comment)[:200]) if part.strip()), "")
        words = [word for word in self.words(clause) if word not in _ARTICLES]
        readings = [hint for order in (*_turned(words), words) if (hint := self._match(order))]
        best = max(readings, key=lambda hint: hint.strength, default=None)
        return replace(best, source="comment") if best else None

    def table(self, name: str, comment: str = "") -> Kind:
        """Return what a table is about by its name, then by its comment."""
        kinds = [self._about(self.words(text)) for text in (name, _CLAUSE.split(comment)[0]) if text]
        decided = [kind for kind in kinds if kind is not Kind.NEUTRAL]
        # a comment in plain words beats an abbreviated name
        return decided[-1] if decided else Kind.NEUTRAL

    def of_employment(self, *texts: str) -> bool:
        """Does the name or the comment of a table speak of people at work?"""
        return any(word in self._lexicon.context["employment"] for text in texts for word in self.words(text))

    def says_nothing(self, word: str) -> bool:
        """Is `word` one of those that every table carries (`info`, `tbl`, `信息`)?"""
        return word in self._lexicon.context["table_words"]

    # -- words ---------------------------------------------------------------------------------------------------------------------

    def _latin(self, word: str) -> list[str]:
        lexicon = self._lexicon
        if (known := lexicon.known(word)) is not None:
            return known
        if lexicon.initials(word):
            return [word]
        return lexicon.segment(word) or [word]

    # -- matching ------------------------------------------------------------------------------------------------------------------

    def _match(self, words: Sequence[str]) -> Hint | None:
        best: Hint | None = None
        for start, end, entry in self._entries(words):
            hint = self._judge(words[:start], words[end:], entry, " ".join(words[start:end]))
            # the reading nearest to the end wins, the longer one among those; `_entries` yields in that order
            if hint is not None:
                best = hint
                break
        if best and best.strength > 0:
            return best
        return self._initials(words) or (self._somebody(words) if best is None else None)

    def _somebody(self, words: Sequence[str]) -> Hint | None:
        """Read what no phrase names: a role (`reporter`, 跟进人), or a person's number or code (`member_code`)."""
        if not words:
            return None
        last = words[-1]
        if last in self._lexicon.context["person"] or (last[-1] in "人员" and 2 < len(last) < 6):
            return Hint("name", 0.4, Strength.WEAK, last if last.isascii() else last[-1])
        if len(words) > 1 and last in {"number", "code", "编号", "代码"} and words[-2] in self._lexicon.context["person"]:
            return Hint("account", 0.62, Strength.MEDIUM, " ".join(words[-2:]), Kind.PERSON)
        return None

    def _entries(self, words: Sequence[str]) -> Iterator[tuple[int, int, tuple[str, Strength]]]:
        for end in range(len(words), 0, -1):
            for start in range(max(0, end - self._lexicon.longest), end):
                if (entry := self._lexicon.phrase(words[start:end])) is not None:
                    yield start, end, entry

    def _judge(self, before: Sequence[str], behind: Sequence[str], entry: tuple[str, Strength], phrase: str) -> Hint | None:
        category, key = entry
        words = self._lexicon.context
        if category == "name" and any(word in words["kin"] for word in before):
            return Hint("relative", 0.9, Strength.STRONG, phrase, Kind.PERSON)
        rest = [word for word in behind if not self._changes_nothing(word, category)]
        # `city_village` is one place, not the village of a thing
        told = [word for word in before if category != "address" or (self._lexicon.phrase([word]) or ("", key))[0] != category]
        owner = self._owner(told)
        strength = _BASE[key]
        if key is Strength.PERSON and (owner is Kind.PERSON or (owner is Kind.PUBLIC_PERSON and category == "url")):
            strength = 0.85
        elif key is Strength.PERSON and category == "name" and owner is Kind.NEUTRAL and any(len(word) > 1 for word in before):
            strength = 0.15  # the name of something we do not know
        off = any(word in words["neutral"] or word in words["thing"] or word in words["organisation"] for word in rest)
        if off or (before and before[0] in words["neutral_front"]) or _of_something_else(owner, category, key):
            strength = 0.0
        if rest:
            strength *= 0.4
        if owner in (Kind.ORGANISATION, Kind.THING):
            strength *= 0.7
        return Hint(category, strength, key, phrase, Kind.PUBLIC_PERSON if phrase in words["public_person"] else owner)

    def _changes_nothing(self, word: str, category: str) -> bool:
        words = self._lexicon.context
        if word == "id" and category in _IDENTITIES:
            return True
        if word in words["neutral"]:
            return word in words["trailing"] and category not in _CODES_ARE_NOT_DATA
        return word in words["trailing"] or len(word) == 1

    def _owner(self, before: Sequence[str]) -> Kind:
        for word in reversed(before):
            for kind in (Kind.PERSON, Kind.PUBLIC_PERSON, Kind.ORGANISATION, Kind.THING):
                if word in self._lexicon.context[kind.value]:
                    return kind
        return Kind.NEUTRAL

    def _initials(self, words: Sequence[str]) -> Hint | None:
        known = [word for word in words if len(word) > 1]
        if not known:
            return None
        category = self._lexicon.initials(known[-1])
        if category is None or any(word in self._lexicon.context["neutral_front"] for word in known[:-1]):
            return None
        core = self._lexicon.core(known[-1])
        strength = {2: 0.42, 3: 0.68}.get(len(core), 0.8)
        if len(core) < len(known[-1]) or (len(known) > 1 and known[-2] in self._lexicon.context["person_initials"]):
            strength = min(0.85, strength + 0.2)
        owner = Kind.PERSON if strength > 0.6 else Kind.NEUTRAL
        return Hint(category, strength, Strength.INITIALS, known[-1], owner)

    def _about(self, words: Sequence[str]) -> Kind:
        context = self._lexicon.context
        told = [self._lexicon.table_initials(word) for word in words if word not in context["table_words"] and len(word) > 1]
        if not told:
            return Kind.NEUTRAL
        head = told[-1]
        if head in context["person"] or head in context["person_initials"]:
            return Kind.PERSON
        for kind in (Kind.PUBLIC_PERSON, Kind.ORGANISATION, Kind.THING):
            if head in context[kind.value]:
                return kind
        linked = any(word in context["person"] for word in told) or self._lexicon.phrase([head]) in _PEOPLE_TABLES
        return Kind.LINKED if linked else Kind.NEUTRAL


def _spelled(tokens: Sequence[str]) -> Iterator[str]:
    """Join letters written one by one (`D.O.B.` → `DOB`)."""
    run = ""
    for token in tokens:
        if len(token) == 1 and token.isascii() and token.isalpha():
            run += token
            continue
        if run:
            yield from (run,) if len(run) > 2 else run
        run = ""
        yield token
    if run:
        yield from (run,) if len(run) > 2 else run


def _of_something_else(owner: Kind, category: str, key: Strength) -> bool:
    """Is this a thing's name or picture, or an organisation's name?"""
    if owner is Kind.THING:
        return category in _OF_PEOPLE_ONLY or key is not Strength.STRONG
    return owner is Kind.ORGANISATION and category == "name" and key is not Strength.STRONG


_PEOPLE_TABLES = (("address", Strength.MEDIUM), ("address", Strength.STRONG), ("phone", Strength.STRONG), ("email", Strength.STRONG))


def _turned(words: Sequence[str]) -> Iterator[list[str]]:
    """`name of the customer` → `customer name`: what stands behind a preposition belongs in front, for each of them."""
    for index, word in enumerate(words):
        if word in _STOP:
            yield [*(other for other in words[index + 1 :] if other not in _STOP), *words[:index]]
