"""What of a row may be handed to a person: their own, and nothing of anybody else's.

In the row about the person everything is theirs but what its columns say is somebody else's (an emergency contact). In every other row the columns form
groups by role: a group that holds one of the person's own values and none that contradicts it is theirs; one that holds another's name, phone, e-mail
or number is theirs only in the values that are equal; one without such values is theirs where the row is. What a value says is decided by the data map;
names of columns only group. References to other people and staff go. What was redacted anywhere, and the names, phones, e-mails and numbers of people
that the rows refer to, are redacted in every text as well.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import permutations
from types import MappingProxyType
from typing import Any

from privacy.disposal.model import Share
from privacy.disposal.values import Key, canonical
from privacy.inventory.model import Carrier, Dataset, Status
from privacy.kernel.normalise import Normalisers
from privacy.rights.ports import Finds
from privacy.rights.roles import NAME, Cut, cut, is_of_others, is_staff

# what tells whose a group is
TELLING = frozenset({"name", "relative", "phone", "email", "national_id", "passport", "driver_license"})
_LIKE = {"relative": "name"}  # compared as
SECRET = frozenset({"credential"})  # handed to nobody
# California: said to be held, never shown (CCPA regulations 7024(d))
WITHHELD_CCPA = frozenset({"national_id", "passport", "driver_license", "bank_card", "bank_account", "biometric"})
ANOTHERS, STAFF, TEXT, HELD, REFERENCE = "another_person", "staff", "in_text", "held_not_shown", "reference_to_another"
_REPLACED_CLASSES = frozenset({"identity", "contact", "identifier", "financial", "address"})
_NEVER_REPLACED = frozenset({"LOCATION", "ZIP_CODE", "DATE_TIME", "AGE", "URL", "ORGANIZATION"})
_LONG_NUMBER = 7  # digits
_WHOLE = re.compile(r"-?\d+\.0+")
_SHORTEST = {True: 4, False: 2}  # letters of a word that is searched for in texts: Latin, Chinese
MARKS = {
    "en": {ANOTHERS: "[another person's]", STAFF: "[staff]", TEXT: "[another person's]", HELD: "[held, not shown]", REFERENCE: "[another person's]"},
    "zh": {ANOTHERS: "［他人信息］", STAFF: "［工作人员］", TEXT: "［他人信息］", HELD: "［已保存，不予展示］", REFERENCE: "［他人信息］"},
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column as redaction sees it: what it holds by the data map (else by its name), whom its name says it is about, what a reference leads to."""

    name: str
    category: str
    cut: Cut
    carrier: Carrier | None = None
    text: bool = False
    decides: bool = True  # the data map says what it holds; False: its name alone does, which groups it and settles nothing

    @property
    def telling(self) -> bool:
        return self.decides and self.category in TELLING


Place = tuple[str, tuple[str, ...]]  # a dataset and the columns by which rows of it are referred to


@dataclass(frozen=True, slots=True)
class Reference:
    """A confirmed relation to a dataset about people: these columns lead `to` it, in rows whose columns hold the texts of `when`; `staff` worked on the row."""

    columns: tuple[str, ...]
    to: Place
    staff: bool = False
    when: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def key(self, row: Mapping[str, Any]) -> Key | None:
        """Return what a row refers to, None where it refers to nobody."""
        if any(canonical(row.get(name) or "") != canonical(text) for name, text in self.when.items()):
            return None
        return key_of(row.get(name) for name in self.columns)


@dataclass(frozen=True, slots=True)
class Scene:
    """One dataset's rows of one share: `own` when each row is the subject, `link` the roles of the columns that led to them (empty: the row's own)."""

    columns: tuple[Column, ...]
    share: Share
    own: bool
    link: frozenset[str] = frozenset()
    references: tuple[Reference, ...] = ()


@dataclass(slots=True)
class Values:
    """Normalised values by category: the person's own, or others' that were met. Never printed."""

    normal: Normalisers
    known: dict[str, set[str]] = field(default_factory=dict, repr=False)
    written: set[str] = field(default_factory=set, repr=False)  # those that tell whose a text is, as they are spelt

    def add(self, category: str, value: object) -> None:
        if text := self.form(category, value):
            self.known.setdefault(_LIKE.get(category, category), set()).add(text)
            if category in TELLING:
                self.written.add(str(value).strip())

    def holds(self, category: str, value: object) -> bool:
        return self.form(category, value) in self.known.get(_LIKE.get(category, category), ())

    def anywhere(self, value: str) -> bool:
        return any(self.form(category, value) in values for category, values in self.known.items())

    def form(self, category: str, value: object) -> str:
        return "" if value is None else self.normal.of(_LIKE.get(category, category)).apply(str(value))


class _Words:
    """Texts to look for in others, in any letter case; of two that begin at one place the longer one counts. Own ones are passed over."""

    def __init__(self) -> None:
        self._by_start: dict[str, dict[str, tuple[str, bool]]] = {}

    def add(self, word: str, *, own: bool) -> None:
        folded = _folded(word)
        known = self._by_start.setdefault(folded[:2], {})
        if own or folded not in known:
            known[folded] = (word, own)

    def without(self, text: str, mark: str) -> str:
        folded, pieces, at, end = _folded(text), [], 0, 0
        while at < len(text) - 1:
            fitting = (held for held in self._by_start.get(folded[at : at + 2], {}).items() if folded.startswith(held[0], at) and _stands(text, at, held[1][0]))
            word, own = max((held[1] for held in fitting), key=lambda held: len(held[0]), default=("", True))
            if not own:
                pieces += [text[end:at], mark]
                end = at + len(word)
            at += len(word) or 1
        return "".join([*pieces, text[end:]])


def _stands(text: str, at: int, word: str) -> bool:
    """Does `word` stand here as a word? Wren not in wrench; Mark the man is no mark. Long numbers may stand inside others (a prefix of the country)."""
    end = at + len(word)
    if word.isascii() and word.isalpha() and word[0].isupper() and not text[at].isupper():
        return False
    if word.isdigit() and len(word) >= _LONG_NUMBER:
        return True
    return not (at and _joins(text[at - 1], text[at])) and not (end < len(text) and _joins(text[end - 1], text[end]))


def _joins(one: str, next_: str) -> bool:
    return one.isascii() and next_.isascii() and one.isalnum() and next_.isalnum()


def _folded(text: str) -> str:
    return "".join(low if len(low := sign.lower()) == 1 else sign for sign in text)


def key_of(values: Iterable[Any]) -> Key | None:
    """Return values as a key that compares across column types, None where one of them is missing."""
    held = tuple(values)
    if any(value is None or value == "" for value in held):
        return None
    return tuple(text.partition(".")[0] if _WHOLE.fullmatch(text) else text for text in map(canonical, held))


def columns_of(dataset: Dataset, names: Sequence[str], texts: Iterable[str]) -> tuple[Column, ...]:
    """Return the columns of a table. A category nobody rejected counts; where the map has none the column's name groups it but decides nothing."""
    written = set(texts)
    columns = []
    for name in names:
        known = dataset.fields.get(name)
        parts = cut(name)
        if known is not None and known.comment and not parts.category and not known.category:
            parts = cut(known.comment)
        mapped = known.category if known is not None and known.status is not Status.REJECTED else ""
        settled = known is not None and known.status is Status.NOT_PERSONAL
        category = "" if settled else mapped or parts.category
        carrier = known.carrier if known is not None else None
        # a column that came after the last scan: nobody has looked at it, so its name has to do
        decides = known is None or bool(mapped)
        columns.append(Column(name, category, parts, carrier, name in written, decides))
    return tuple(columns)


def telling_values(columns: Sequence[Column], row: Mapping[str, Any]) -> list[str]:
    """Return the values of a row about somebody that name them: names whole and in parts, phones, e-mails, numbers."""
    telling = [column for column in columns if column.telling and row.get(column.name) not in (None, "")]
    return [*(str(row[column.name]) for column in telling), *_joined(telling, row)]


def own_values(rows: Iterable[tuple[Scene, Mapping[str, Any]]], normal: Normalisers) -> Values:
    """Return the person's own values, from the rows about them: names also as their parts in any order."""
    own = Values(normal)
    for scene, row in rows:
        about = scene.columns if scene.own else [column for column in scene.columns if column.cut.role in scene.link]
        mine = [column for column in about if not is_of_others(column.cut.role) and column.category != "relative"]
        named = any(column.category == NAME for column in mine if not column.cut.role.startswith("contact"))
        for column in mine:
            # a company's contact person is the person only where the row names no other
            if not (named and "contact" in column.cut.role.split()):
                own.add(column.category, row.get(column.name)) if column.category else None
        for joined in _joined(mine, row):
            own.add(NAME, joined)
    return own


def _joined(columns: Sequence[Column], row: Mapping[str, Any]) -> list[str]:
    parts = [str(row[column.name]) for column in columns if column.category == NAME and row.get(column.name)][:3]
    return [between.join(order) for order in permutations(parts) for between in (" ", "")] if len(parts) > 1 else []


class Discloser:
    """Redacts rows for one person. `mine`: the rows of theirs that references lead to. What was redacted is collected, so that texts can be searched for it."""

    def __init__(
        self,
        own: Values,
        mine: Mapping[Place, AbstractSet[Key]],
        finder: Finds,
        classes: Mapping[str, str],
        *,
        language: str = "en",
        withheld: frozenset[str] = frozenset(),
    ) -> None:
        self._own, self._mine, self._finder, self._classes = own, mine, finder, classes
        self._marks = MARKS.get(language, MARKS["en"])
        self._withheld = withheld
        self._met = _Words()
        # a number of theirs stays theirs where somebody else's reads the same
        for word in own.written | {part for keys in mine.values() for key in keys for part in key}:
            self._met.add(word, own=True)

    def learn(self, values: Iterable[str]) -> None:
        """Take in values of other people, so that they are redacted in every text."""
        for value in values:
            self._remember(value)

    def row(self, scene: Scene, row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the row as it may be seen, without looking into texts yet, and what was redacted: column → reason."""
        reasons = self._references(scene, row)
        for role in {column.cut.role for column in scene.columns}:
            group = [column for column in scene.columns if column.cut.role == role and column.category and column.name not in reasons]
            reasons |= self._group(scene, role, group, row)
        reasons |= {column.name: HELD for column in scene.columns if column.category in (SECRET | self._withheld) and row.get(column.name) not in (None, "")}
        for name, reason in reasons.items():
            if reason in (ANOTHERS, STAFF, REFERENCE):
                self._remember(row[name])
        return {name: self._marks[reasons[name]] if name in reasons else value for name, value in row.items()}, reasons

    def texts(self, scene: Scene, row: dict[str, Any], reasons: dict[str, str]) -> None:
        """Replace in every text of `row` what is somebody else's; call it when all rows were redacted, so that `met` is whole."""
        for column in scene.columns:
            value = row.get(column.name)
            if column.name in reasons or not isinstance(value, str) or column.telling:
                continue
            clean = self._json(value) if column.carrier is Carrier.JSON or value[:1] in "{[" else self.text(value, names_only=column.category == "address")
            if clean != value:
                row[column.name], reasons[column.name] = clean, TEXT

    def text(self, text: str, *, names_only: bool = False) -> str:
        """Return `text` without what is found in it that is not the person's own."""
        text = self._met.without(text, self._marks[TEXT])
        if len(text) < 2:
            return text
        pieces, end = [], 0
        for found in self._finder.find(text):
            value = text[found.start : found.end]
            if self._is_others(found.entity, value, names_only) and found.start >= end:
                pieces += [text[end : found.start], self._marks[TEXT]]
                end = found.end
        return "".join([*pieces, text[end:]])

    def _is_others(self, entity: str, value: str, names_only: bool) -> bool:
        kind = self._classes.get(entity, "")
        if entity in _NEVER_REPLACED or kind not in _REPLACED_CLASSES or (names_only and kind == "address"):
            return False
        return self._marks[TEXT] not in value and not self._own.anywhere(value)

    def _references(self, scene: Scene, row: Mapping[str, Any]) -> dict[str, str]:
        """Return what leads to others: staff always, however their number reads; people unless it is a row of the person's own in that very dataset."""
        reasons, own = dict[str, str](), set[str]()
        for reference in scene.references:
            key = reference.key(row)
            if key is not None and not reference.staff and key in self._mine.get(reference.to, ()):
                own.update(reference.columns)
            elif key is not None:
                reasons |= {name: STAFF if reference.staff else REFERENCE for name in reference.columns if reasons.get(name) != STAFF}
        return {name: reason for name, reason in reasons.items() if reason == STAFF or name not in own}

    def _group(self, scene: Scene, role: str, group: Sequence[Column], row: Mapping[str, Any]) -> dict[str, str]:
        """Return what of a group is not theirs: column → reason."""
        filled = [column for column in group if row.get(column.name) not in (None, "")]
        telling = [column for column in filled if column.telling]
        if not filled or (scene.own and not is_of_others(role) and not any(column.category == "relative" for column in telling)):
            return {}
        if role in scene.link and not is_of_others(role):  # the reference itself says who these columns are about
            return {}
        reason = STAFF if is_staff(role) else ANOTHERS
        if not telling:
            # an address beside nobody's name goes with the row; in a row that is somebody else's it stays theirs
            return {column.name: reason for column in filled} if scene.share is Share.ACCESSED or is_staff(role) else {}
        equal = self._equal(telling, row)
        if len(equal) == len(telling):
            return {}
        return {column.name: reason for column in filled if column.name not in equal}

    def _equal(self, telling: Sequence[Column], row: Mapping[str, Any]) -> set[str]:
        equal = {column.name for column in telling if self._own.holds(column.category, row[column.name])}
        names = [column for column in telling if column.category == NAME]
        if len(names) > 1:
            whole = any(self._own.holds(NAME, joined) for joined in _joined(names, row))
            # the parts of a name count together: another John is not this John
            equal = (equal - {column.name for column in names}) | ({column.name for column in names} if whole else set())
        return equal

    def _remember(self, value: object) -> None:
        text = str(value).strip()
        short = len(text) < _SHORTEST[text.isascii()] or (text.isdigit() and len(text) < _LONG_NUMBER)  # a year, an amount
        if not short and not self._own.anywhere(text):
            self._met.add(text, own=False)

    def _json(self, text: str) -> str:
        try:
            held = json.loads(text)
        except (ValueError, RecursionError):
            return self.text(text)
        if not isinstance(held, dict | list):
            return self.text(text)
        clean = self._walked(held, 0)
        return text if clean == held else json.dumps(clean, ensure_ascii=False)

    def _walked(self, held: Any, depth: int) -> Any:
        if depth > 40:
            return self._marks[TEXT]
        if isinstance(held, str):
            return self.text(held)
        if isinstance(held, list):
            return [self._walked(each, depth + 1) for each in held]
        if not isinstance(held, dict):
            return held
        columns = tuple(Column(name, parts.category, parts, text=True) for name in held for parts in (cut(name),))
        flat = {name: value for name, value in held.items() if not isinstance(value, dict | list)}
        clean, reasons = self.row(Scene(columns, Share.OWNED, own=False), flat)
        kept = {
            name: self._walked(value, depth + 1)
            for name, value in held.items()
            if name not in reasons and (cut(name).category not in TELLING or name not in flat)
        }
        return {name: kept.get(name, clean.get(name, value)) for name, value in held.items()}
