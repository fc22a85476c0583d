"""A table as relations see it: the names it goes by, its key, its columns with their names, and what kind of rows it holds."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from privacy.discovery.proposals import TableReport
from privacy.discovery.relations.naming import Name, Naming
from privacy.discovery.relations.words import RelationWords
from privacy.discovery.shapes import Column, Family, Sample, Table

_SHARED = 4  # tables that must share a word in front before it is taken for a prefix
_KEYS = frozenset({Family.INTEGER, Family.DECIMAL, Family.TEXT, Family.UUID, Family.BINARY, Family.OTHER})
_SURE = 0.9  # weight from which a table is surely called so
_PERSONAL_KEY = "key of a table about people"


@dataclass(frozen=True, slots=True)
class Part:
    """One column with its name as words; `short` is the name without a prefix that all columns of its table share (`o_custkey` → `custkey`)."""

    column: Column
    name: Name
    short: Name
    comment: Name
    values: int = 0  # distinct values seen, no more than the sample's limit
    cells: int = 0  # cells seen that hold something
    unique: bool | None = None  # every value seen once; None where nothing was seen

    @property
    def holds_keys(self) -> bool:
        return self.column.family in _KEYS


@dataclass(frozen=True, slots=True)
class Alias:
    """A name under which a table may be meant, joined, and how sure that is."""

    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Scene:
    """A table with everything that naming tells about it. `key` is its primary key, declared or inferred; empty where none is seen."""

    table: Table
    name: Name
    aliases: tuple[Alias, ...]
    parts: Mapping[str, Part]
    key: tuple[str, ...]
    inferred_key: bool = False
    person: bool = False
    staff: bool = False
    personal: frozenset[str] = frozenset()  # categories proposed for its columns
    samples: Mapping[str, Sample] = field(default_factory=dict)

    @property
    def lone_key(self) -> str:
        return self.key[0] if len(self.key) == 1 else ""

    def goes_by(self, text: str) -> float:
        return next((alias.weight for alias in self.aliases if alias.text == text), 0.0)


class SceneBuilder:
    """Builds the scenes of one schema."""

    def __init__(self, naming: Naming, words: RelationWords) -> None:
        self._naming = naming
        self._words = words

    def build(self, tables: Sequence[tuple[Table, Mapping[str, Sample]]], reports: Mapping[str, TableReport]) -> list[Scene]:
        """Return a scene for every table that holds rows of its own, views and unreadable ones left out."""
        kept = [(table, samples) for table, samples in tables if table.columns and table.kind != "view"]
        names = {table.name: self._naming.name(table.name.rpartition(".")[2]) for table, _ in kept}
        prefixes = _shared_prefixes(list(names.values()))
        scenes = [self._scene(table, samples, names[table.name], prefixes, reports.get(table.name)) for table, samples in kept]
        scenes = self._keyed(scenes)
        return [replace(scene, staff=True) if self._back_office(scene, scenes) else scene for scene in scenes]

    def _keyed(self, scenes: Sequence[Scene]) -> list[Scene]:
        """Return the scenes, those without a declared key with the one that names and values suggest."""
        sure = {alias.text for scene in scenes for alias in scene.aliases if alias.weight > _SURE}
        known = {alias.text for scene in scenes for alias in scene.aliases}
        guessed = [scene if scene.key else self._with_key(scene, self._guessed_key(scene, sure)) for scene in scenes]
        keyed = [scene if scene.key else self._keyed_by_place(scene, known) for scene in guessed]
        return [replace(scene, staff=True, person=True) if self._staff(scene) else scene for scene in keyed]

    @staticmethod
    def _with_key(scene: Scene, column: str) -> Scene:
        return replace(scene, key=(column,), inferred_key=True) if column else scene

    def _scene(self, table: Table, samples: Mapping[str, Sample], name: Name, prefixes: frozenset[str], report: TableReport | None) -> Scene:
        aliases = self._aliases(table, name, prefixes)
        parts = self._parts(table, samples)
        scene = Scene(table, name, aliases, parts, table.primary_key, samples=samples)
        person = report is not None and ((report.subject is not None and report.subject.evidence == _PERSONAL_KEY) or report.about == "person")
        personal = frozenset(proposal.category for proposal in report.proposals) if report else frozenset()
        return replace(scene, person=person, personal=personal)

    # -- names -------------------------------------------------------------------------------------------------------------------------

    def _aliases(self, table: Table, name: Name, prefixes: frozenset[str]) -> tuple[Alias, ...]:
        found: dict[str, float] = {}

        def add(words: Sequence[str], weight: float) -> None:
            if words and (text := "".join(words)) and found.get(text, 0.0) < weight:
                found[text] = weight

        for words, weight in self._spellings(name.words, prefixes):
            add(words, weight)
            add(self._naming.concepts(words), weight * 0.92)
            for start in range(1, len(words)):  # address_id may mean customer_address, where no table is called address
                add(words[start:], weight * 0.78)
                add(self._naming.concepts(words[start:]), weight * 0.74)
        if table.comment:
            for words, weight in self._spellings(self._naming.clause(table.comment).words, frozenset()):
                if len(words) <= 4:
                    add(words, weight * 0.95)
                    add(self._naming.concepts(words), weight * 0.9)
        return tuple(Alias(text, weight) for text, weight in found.items())

    def _spellings(self, words: tuple[str, ...], prefixes: frozenset[str]) -> list[tuple[tuple[str, ...], float]]:
        """Return the name as it stands, without what tables of this schema put in front, and without what tables put behind."""
        spelled = [(words, 1.0)]
        front, back = self._words["tables.front"], self._words["tables.back"]
        rest = words
        while len(rest) > 1 and (rest[0] in prefixes or rest[0] in front):
            rest = rest[1:]
            spelled.append((rest, 0.98))
        for kept, weight in list(spelled):
            last = kept[-1]
            if len(kept) > 1 and last in back:
                spelled.append((kept[:-1], weight * 0.97))
            elif not last.isascii():
                cut = next((mark for mark in sorted(back, key=len, reverse=True) if not mark.isascii() and last.endswith(mark) and last != mark), "")
                spelled += [((*kept[:-1], last.removesuffix(cut)), weight * 0.98)] if cut else []
        return spelled

    # -- columns -----------------------------------------------------------------------------------------------------------------------

    def _parts(self, table: Table, samples: Mapping[str, Sample]) -> dict[str, Part]:
        names = {column.name: self._naming.name(column.name) for column in table.columns}
        prefix = _column_prefix(list(names.values()))
        prefix = "" if prefix and prefix in self._naming.name(table.name.rpartition(".")[2]).words else prefix
        parts = {}
        for column in table.columns:
            name = names[column.name]
            short = Name(name.words[1:]) if prefix and len(name.words) > 1 and name.words[0] == prefix else name
            comment = self._naming.clause(column.comment) if column.comment else Name(())
            parts[column.name] = _with_sample(Part(column, name, short, comment), samples.get(column.name))
        return parts

    def _guessed_key(self, scene: Scene, sure: Collection[str]) -> str:
        """Return the column that is this table's key by its name and place, unless the values speak against it; `sure`: what tables are surely called."""
        best, score = "", 0.0
        for position, part in enumerate(scene.parts.values()):
            words = part.short.words
            if not part.holds_keys or not words or part.unique is False or (part.cells and scene.samples[part.column.name].nulls):
                continue
            marks = self._key_mark(words)
            own = marks and self._own(scene, "".join(words[:-1]), sure) if len(words) > 1 else 0.0
            bare = marks == 1.0 and len(words) == 1
            value = (1.0 if bare else 0.9 * own if own > 0.7 else 0.7 * self._own(scene, self._without_mark(part.short.joined), sure)) + (
                0.05 if position == 0 else 0.0
            )
            if part.unique and position == 0 and marks:
                value = max(value, 0.6)
            if value > max(score, 0.55):
                best, score = part.column.name, value
        return best

    @staticmethod
    def _own(scene: Scene, text: str, sure: Collection[str]) -> float:
        """`track_id` in playlist_track is the track's where there is a table of tracks."""
        weight = scene.goes_by(text)
        return weight if weight > _SURE or text not in sure else 0.0

    def _keyed_by_place(self, scene: Scene, known: Collection[str]) -> Scene:
        """A first column that is called a key, and of no other table, is its own table's."""
        name, part = next(iter(scene.parts.items()))
        words = part.short.words
        marked = part.holds_keys and len(words) > 1 and self._key_mark(words) == 1.0 and part.unique is not False
        parts = {"".join(words[start:-1]) for start in range(len(words) - 1)}
        somebody = any(word in self._words[f"roles.{kind}"] for word in parts for kind in ("self", "peer", "handler", "owner", "receiver"))
        if not marked or somebody or parts & set(known):
            return scene
        return replace(scene, key=(name,), inferred_key=True)

    def _key_mark(self, words: Sequence[str]) -> float:
        last = words[-1]
        if last in self._words["keys.words"]:
            return 1.0
        return 0.8 if last in self._words["keys.codes"] or last.endswith(tuple(word for word in self._words["keys.words"] if not word.isascii())) else 0.0

    def _without_mark(self, text: str) -> str:
        marks = [*self._words["keys.words"], *self._words["keys.codes"]]
        return next((text.removesuffix(mark) for mark in sorted(marks, key=len, reverse=True) if text.endswith(mark) and text != mark), "")

    # -- people ------------------------------------------------------------------------------------------------------------------------

    def _staff(self, scene: Scene) -> bool:
        if not scene.lone_key:
            return False  # who works where is a list of pairs, not of people
        staff = self._words["roles.staff"]
        told = {alias.text for alias in scene.aliases if alias.weight > 0.9}
        heads = {alias.text for alias in scene.aliases if alias.weight > 0.7}
        return bool(staff & told) or (bool(staff & heads) and not self._words["roles.reference"] & set(scene.name.words))

    def _back_office(self, scene: Scene, scenes: Sequence[Scene]) -> bool:
        """Are these users the people who work with the system, since others are the people it is about?"""
        if not scene.person or scene.staff or not scene.lone_key or scene.goes_by("user") < 0.85:
            return False
        others = [other for other in scenes if other.person and not other.staff and other is not scene and other.lone_key]
        # a profile that points to its user makes the user the person himself
        profiles = any(self._naming.concepts(part.short.words)[:1] == ("user",) for other in others for part in other.parts.values())
        return bool(others) and not profiles


def _with_sample(part: Part, sample: Sample | None) -> Part:
    if sample is None or not sample.seen:
        return part
    cells = sample.seen - sample.nulls - sample.binary
    # beyond the sample's limit nothing can be said of repetitions
    unique = None if not cells or (len(sample.values) < cells and len(sample.values) >= 500) else len(sample.values) == cells
    return replace(part, values=len(sample.values), cells=cells, unique=unique)


def _shared_prefixes(names: Sequence[Name]) -> frozenset[str]:
    """Return the words that at least four tables begin with and that are no table themselves."""
    first = Counter(name.words[0] for name in names if len(name.words) > 1)
    whole = {name.joined for name in names}
    return frozenset(word for word, times in first.items() if times >= _SHARED and word not in whole)


def _column_prefix(names: Sequence[Name]) -> str:
    """Return the word that nearly all columns of a table begin with (`c_name`, `ord_date`), or nothing."""
    first = Counter(name.words[0] for name in names if len(name.words) > 1)
    if not first or len(names) < 3:
        return ""
    word, times = first.most_common(1)[0]
    return word if times >= 0.8 * len(names) else ""
