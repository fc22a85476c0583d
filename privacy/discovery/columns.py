"""The column classifier: words, comments, values and structure become proposals with their evidence (`auto`, `review` or none).

Guarantee: evidence and proposals hold schema words and numbers, never a value. Limit: no proposal is no proof of absence, and a free text is
listed as a carrier whatever was found in it. Names of people in opaque columns rest on lists of common names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from privacy.discovery.carriers import CarrierReader
from privacy.discovery.combine import AUTO, REVIEW, Candidate, candidates
from privacy.discovery.lexicon import Lexicon, WordLists
from privacy.discovery.names import NameReader
from privacy.discovery.ports import TextFinder
from privacy.discovery.proposals import Evidence, Outcome, Proposal, SubjectProposal, TableReport
from privacy.discovery.shapes import EMPTY, Sample, Table
from privacy.discovery.subject_fields import SubjectReader
from privacy.discovery.table_context import Look, Scene, SceneReader
from privacy.discovery.values import ValueReader
from privacy.inventory.taxonomy import Taxonomy

# events that carry a date of their own: an opaque date is a birth date only where the years lie far back and far apart
_ADULT, _OLDEST, _SPREAD, _LIFETIME, _ELDER = 14, 118, 15, 45, 60


class ColumnClassifier:
    """Classifies the columns of a whole schema at once, since tables explain each other. Thread-safe after construction."""

    def __init__(self, lexicon: Lexicon, words: WordLists, taxonomy: Taxonomy, finder: TextFinder | None, *, this_year: int | None = None) -> None:
        self._taxonomy = taxonomy
        names = NameReader(lexicon)
        values = ValueReader(words)
        self._scenes = SceneReader(names, values)
        self._carriers = CarrierReader(names, values, finder, taxonomy)
        self._subjects = SubjectReader(names)
        self._this_year = this_year

    @classmethod
    def load(cls, policies: Path, taxonomy: Taxonomy, finder: TextFinder | None) -> "ColumnClassifier":
        """Read `columns.toml` and `values.toml` from the folder `policies`. Raises Misconfigured."""
        return cls(Lexicon.load(policies / "columns.toml", taxonomy.categories), WordLists.load(policies / "values.toml"), taxonomy, finder)

    def classify(self, tables: Sequence[tuple[Table, Mapping[str, Sample]]]) -> list[TableReport]:
        """Return one report a table, in order. Tables with a `problem` come back without proposals."""
        scenes = self._scenes.read(tables)
        subjects, references = self._subjects.read(scenes), self._subjects.references(scenes)
        reports = [self._report(scene, samples, subjects) for scene, (_, samples) in zip(scenes, tables, strict=True)]
        return [replace(report, references=references[report.table.name]) for report in reports]

    def _report(self, scene: Scene, samples: Mapping[str, Sample], subjects: Mapping[str, SubjectProposal]) -> TableReport:
        proposals: list[Proposal] = []
        carriers: dict[str, str] = {}
        pairs = self._carriers.key_value(scene, samples)
        for look in scene.looks:
            sample = samples.get(look.column.name, EMPTY)
            carrier = self._carriers.kind(look, sample)
            if carrier:
                carriers[look.column.name] = carrier
            best = self._best(look, scene, sample, carrier, pairs.get(look.column.name))
            if best is not None:
                proposals.append(self._proposal(scene, look, best))
        return TableReport(scene.table, scene.kind.value, tuple(proposals), carriers, subjects.get(scene.table.name))

    def _best(self, look: Look, scene: Scene, sample: Sample, carrier: str, paired: Candidate | None) -> Candidate | None:
        found = list(candidates(look, scene))
        if carrier:
            found += self._carriers.candidates(look, scene, sample, carrier)
        if paired is not None:
            found.append(paired)
        if (birth := self._opaque_birth_date(look, scene)) is not None:
            found.append(birth)
        if carrier == "free_text":
            # one address or name inside sentences does not make the sentences an address
            found = [candidate for candidate in found if candidate.category not in ("address", "name", "employer", "occupation")]
        best = max(found, key=lambda candidate: (candidate.confidence, self._taxonomy.category(candidate.category).level), default=None)
        return best if best and best.confidence >= REVIEW else None

    def _proposal(self, scene: Scene, look: Look, best: Candidate) -> Proposal:
        category = self._taxonomy.category(best.category)
        entity = best.entity if best.entity in self._taxonomy.entities else category.entity
        outcome = Outcome.AUTO if best.confidence >= AUTO else Outcome.REVIEW
        return Proposal(scene.table.name, look.column.name, entity, category.id, category.level, best.confidence, outcome, best.evidence)

    def _opaque_birth_date(self, look: Look, scene: Scene) -> Candidate | None:
        years, profile = look.profile.years, look.profile
        if not look.opaque or look.hints or scene.people < 0.75 or profile.dates < 0.9 or profile.timed > 0.05 or len(years) < 5:
            return None
        now = self._this_year or datetime.now().astimezone().year
        spread = years[-1] - years[0]
        adults = years[-1] <= now - _ADULT and spread >= _SPREAD
        everybody = years[-1] <= now and spread >= _LIFETIME and years[0] <= now - _ELDER
        if years[0] < now - _OLDEST or not (adults or everybody):
            return None
        detail = f"dates from {years[0]} to {years[-1]} in a table about people"
        return Candidate("birth_date", "DATE_OF_BIRTH", 0.6, (Evidence("values", detail, 0.6),))
