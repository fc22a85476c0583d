"""What a table is about, from its name, its columns, its neighbours: most column names mean something only inside the right table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from privacy.discovery.lexicon import Strength
from privacy.discovery.names import Hint, Kind, NameReader
from privacy.discovery.shapes import Column, Family, Sample, Table
from privacy.discovery.values import Profile, ValueReader

# what only a row about a person has, or has together
_DIRECT = frozenset(
    (
        "name email phone national_id birth_date gender passport marital_status employment_date account credential ethnicity bank_card bank_account "
        "driver_license relative income"
    ).split()
)
_SURE = 0.6
_PLACES = frozenset({"city", "state", "county", "province", "zip", "town", "country", "district", "region", "street"})
_SENDING = frozenset({"billing", "bill", "ship", "shipping", "shipped", "delivery", "deliver", "home", "mailing", "invoice", "postal", "residence"})
_PROFILED = frozenset({Family.TEXT, Family.INTEGER, Family.DECIMAL, Family.DATE, Family.DATETIME, Family.OTHER, Family.UUID, Family.INET})
# `parent_id` is a row of the same table more often than somebody's father
_TREES = frozenset({"parent", "child", "owner", "agent", "holder"})


@dataclass(frozen=True, slots=True)
class Look:
    """One column with everything known about it by itself."""

    column: Column
    words: tuple[str, ...]
    name: Hint | None
    comment: Hint | None
    profile: Profile
    key: str = ""

    @property
    def hints(self) -> tuple[Hint, ...]:
        return tuple(hint for hint in (self.name, self.comment) if hint)

    @property
    def opaque(self) -> bool:
        """Does the name say nothing at all (c1, field_7, a)?"""
        return all(len(word) == 1 or word in {"col", "column", "field", "attr", "value", "val", "data", "fld", "var"} for word in self.words)

    def category(self) -> str | None:
        """Return the category this column has beyond doubt, by itself."""
        for hint in self.hints:
            if hint.key is Strength.STRONG and hint.strength >= _SURE and hint.owner not in (Kind.THING, Kind.ORGANISATION):
                return hint.category
        sure = [match for match in self.profile.matches if match.strength >= _SURE and match.category != "address"]
        return max(sure, key=lambda match: match.strength).category if sure else None


@dataclass(frozen=True, slots=True)
class Scene:
    """A table as a whole: `people` 0 to 1 says how sure it is that each row is about a person."""

    table: Table
    kind: Kind
    looks: tuple[Look, ...]
    people: float = 0.0
    contacts: bool = False
    pinyin: int = 0
    employment: bool = False
    address_groups: tuple[str, ...] = ()
    address_by_value: bool = False


class SceneReader:
    """Builds the scenes of a whole schema, then lets neighbours tell about each other."""

    def __init__(self, names: NameReader, values: ValueReader) -> None:
        self._names = names
        self._values = values

    def read(self, tables: Sequence[tuple[Table, Mapping[str, Sample]]]) -> list[Scene]:
        scenes = [self._scene(table, samples) for table, samples in tables]
        about_people = {scene.table.name: scene for scene in scenes if scene.kind is Kind.PERSON or scene.people >= 0.75}
        return [self._with_neighbours(scene, about_people) for scene in scenes]

    def _scene(self, table: Table, samples: Mapping[str, Sample]) -> Scene:
        keys = _keys(table)
        looks = tuple(self._look(column, samples.get(column.name), keys.get(column.name, "")) for column in table.columns)
        kind = self._names.table(table.name, table.comment)
        groups = _address_groups(looks)
        by_value = any(
            match.kind.endswith(" addresses") and match.category == "address" and match.strength >= 0.5 for look in looks for match in look.profile.matches
        )
        scene = Scene(
            table,
            kind,
            looks,
            0.0,
            _has_contact(looks),
            self._pinyin(looks),
            self._names.of_employment(table.name, table.comment) or _has_work(looks),
            groups,
            by_value,
        )
        return replace(scene, people=_people(scene))

    def _look(self, column: Column, sample: Sample | None, key: str) -> Look:
        profile = Profile()
        if sample is not None and column.family in _PROFILED:
            profile = self._values.profile(sample.values, seen=sample.seen, nulls=sample.nulls, media=sample.media)
        elif sample is not None:
            profile = Profile(seen=sample.seen, nulls=sample.nulls, media=sample.media)
        words = tuple(self._names.words(column.name))
        comment = self._names.comment(column.comment) if column.comment else None
        return Look(column, words, self._names.column(column.name), comment, profile, key)

    def _pinyin(self, looks: Sequence[Look]) -> int:
        return sum(1 for look in looks if look.name and look.name.key is Strength.INITIALS)

    def _with_neighbours(self, scene: Scene, about_people: Mapping[str, Scene]) -> Scene:
        if scene.table.name in about_people or scene.kind in (Kind.THING, Kind.ORGANISATION, Kind.PUBLIC_PERSON):
            return scene
        parents = {key.parent for key in scene.table.foreign_keys} & about_people.keys()
        named = any(self._names_a_person(look) for look in scene.looks)
        children = {key.parent for other in about_people.values() for key in other.table.foreign_keys}
        if parents or named or scene.table.name in children:
            return replace(scene, people=max(scene.people, 0.6))
        return scene

    def _names_a_person(self, look: Look) -> bool:
        """Is this `customer_id`, `patient_no`, `kh_id`: a reference to a person?"""
        if set(look.words) & _TREES:
            return False
        return len(look.words) > 1 and look.words[-1] in {"id", "number", "key", "code", "uuid"} and self._names.table("_".join(look.words[:-1])) is Kind.PERSON


def _keys(table: Table) -> dict[str, str]:
    keys = {name: "foreign" for key in table.foreign_keys for name in key.columns}
    return keys | {name: "primary" if len(table.primary_key) == 1 else keys.get(name, "part of primary") for name in table.primary_key}


def _people(scene: Scene) -> float:
    found = {category for look in scene.looks if (category := look.category()) in _DIRECT}
    name_halves = {hint.phrase for look in scene.looks for hint in look.hints if hint.category == "name" and hint.key is Strength.STRONG}
    score = {0: 0.0, 1: 0.3, 2: 0.75}.get(len(found), 0.9)
    if len(name_halves) > 1 and len(found) > 1:
        score = 0.9
    if scene.kind is Kind.PERSON:
        return max(score, 0.9)
    if scene.kind is Kind.LINKED:
        return max(score, 0.65)
    if scene.kind in (Kind.THING, Kind.ORGANISATION, Kind.PUBLIC_PERSON):
        # words mislead (loan applications, payment methods): three kinds of a person's data do not
        return 0.75 if len(found) > 2 else 0.0
    return score


def _has_contact(looks: Sequence[Look]) -> bool:
    """Does an organisation's row also hold a person to talk to?"""
    return any(
        hint.category == "name" and hint.key in (Strength.STRONG, Strength.MEDIUM, Strength.INITIALS) and hint.strength > 0.5
        for look in looks
        for hint in look.hints
    )


def _has_work(looks: Sequence[Look]) -> bool:
    return any(hint.category in ("employment_date", "income") and hint.key is Strength.STRONG for look in looks for hint in look.hints)


def _address_groups(looks: Sequence[Look]) -> tuple[str, ...]:
    """Return the prefixes (`` or `billing`, …) under which at least two parts of one address stand together."""
    groups: dict[str, set[str]] = {}
    for look in looks:
        for hint in look.hints:
            if hint.category == "address" and (hint.strength > 0 or hint.key is Strength.PART):
                groups.setdefault(prefix(look, hint), set()).add(hint.phrase)
    return tuple(sorted(name for name, parts in groups.items() if len(parts) > 1))


def prefix(look: Look, hint: Hint) -> str:
    """Return the word in front of the address part (`billing` in billing_city), or nothing."""
    if hint.source == "comment":
        return ""
    first = hint.phrase.split()[0] if hint.phrase else ""
    at = look.words.index(first) if first in look.words else 0
    word = look.words[at - 1] if at else ""
    # `city_village`, `state_province`: two names of one part
    return "" if word in _PLACES else word


def is_sending(word: str) -> bool:
    return word in _SENDING
