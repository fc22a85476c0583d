"""What of a row may be handed to a person: their own, and nothing of anybody else's.

In the row about the person everything is theirs but what its columns say is somebody else's (an emergency contact). In every other row the columns form
groups by role: a group that holds one of the person's own values and none that contradicts it is theirs; one that holds another's name, phone, e-mail
or number is theirs only in the values that are equal; one without such values is theirs where the row is. References to other people and staff go.
What was redacted anywhere is redacted in every text as well.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from privacy.disposal.model import Share
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
    to_person: bool = False  # a confirmed reference to a dataset about people
    handled: bool = False  # … as staff who worked on the row


@dataclass(frozen=True, slots=True)
class Scene:
    """One dataset's rows of one share: `own` when the rows are about the subject, `link` the roles of the columns that led to them."""

    columns: tuple[Column, ...]
    share: Share
    own: bool
    link: frozenset[str] = frozenset()


@dataclass(slots=True)
class Values:
    """Normalised values by category: the person's own, or others' that were met. Never printed."""

    normal: Normalisers
    known: dict[str, set[str]] = field(default_factory=dict, repr=False)

    def add(self, category: str, value: object) -> None:
        if text := self.form(category, value):
            self.known.setdefault(_LIKE.get(category, category), set()).add(text)

    def holds(self, category: str, value: object) -> bool:
        return self.form(category, value) in self.known.get(_LIKE.get(category, category), ())

    def anywhere(self, value: str) -> bool:
        return any(self.form(category, value) in values for category, values in self.known.items())

    def form(self, category: str, value: object) -> str:
        return "" if value is None else self.normal.of(_LIKE.get(category, category)).apply(str(value))


def columns_of(dataset: Dataset, names: Sequence[str], texts: Iterable[str], references: Mapping[str, bool]) -> tuple[Column, ...]:
    """Return the columns of a table. `references`: columns that lead to people, True where as staff. A category nobody rejected counts."""
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
        columns.append(Column(name, category, parts, carrier, name in written, name in references, references.get(name, False)))
    return tuple(columns)


def own_values(rows: Iterable[tuple[Scene, Mapping[str, Any]]], normal: Normalisers) -> Values:
    """Return the person's own values, from the rows about them: names also as their parts in any order."""
    own = Values(normal)
    for scene, row in rows:
        mine = [column for column in scene.columns if not is_of_others(column.cut.role) and column.category != "relative"]
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
    """Redacts rows for one person. `met` collects what was redacted, so that texts can be searched for it."""

    def __init__(
        self, own: Values, keys: Iterable[str], finder: Finds, classes: Mapping[str, str], *, language: str = "en", withheld: frozenset[str] = frozenset()
    ) -> None:
        self._own, self._keys, self._finder, self._classes = own, frozenset(keys), finder, classes
        self._marks = MARKS.get(language, MARKS["en"])
        self._withheld = withheld
        self._met: dict[str, None] = {}

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
            if column.name in reasons or not isinstance(value, str) or column.category in TELLING:
                continue
            clean = self._json(value) if column.carrier is Carrier.JSON or value[:1] in "{[" else self.text(value, names_only=column.category == "address")
            if clean != value:
                row[column.name], reasons[column.name] = clean, TEXT

    def text(self, text: str, *, names_only: bool = False) -> str:
        """Return `text` without what is found in it that is not the person's own."""
        for met in sorted(self._met, key=len, reverse=True):
            text = text.replace(met, self._marks[TEXT])
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
        held = (column for column in scene.columns if column.to_person and row.get(column.name) not in (None, ""))
        return {column.name: STAFF if column.handled else REFERENCE for column in held if str(row[column.name]) not in self._keys}

    def _group(self, scene: Scene, role: str, group: Sequence[Column], row: Mapping[str, Any]) -> dict[str, str]:
        """Return what of a group is not theirs: column → reason."""
        filled = [column for column in group if row.get(column.name) not in (None, "")]
        telling = [column for column in filled if column.category in TELLING]
        if not filled or (scene.own and not is_of_others(role) and not any(column.category == "relative" for column in telling)):
            return {}
        if role and role in scene.link:  # the reference itself says who these columns are about
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
        if len(text) >= _SHORTEST[text.isascii()] and not self._own.anywhere(text):
            self._met[text] = None

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
