"""One decision: gates first (is the question lawful and known at all), then the rows of the policy.

`Judge` answers for one call: what is the same for all fields and subjects is settled when it is made, each (field, consent) is judged once.
Guarantee: what is unknown (purpose, role, recipient, dataset, field, entity, consent) is withheld, and refused before it reaches a cache.
Limit: a decision is as good as the data map; a column confirmed as the wrong category is decided as that category.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from privacy.access import reasons
from privacy.access.compiled import Plan, Scope, Step, Steps, first_match
from privacy.access.ports import Categories, Consents, Restrictions
from privacy.access.predicates import Truths, consent_truths
from privacy.access.reasons import Reason
from privacy.access.rows import CLEAR_TECHNIQUE, DEFAULT_TECHNIQUE, DENY
from privacy.inventory.catalogue_model import Purpose
from privacy.inventory.model import Dataset, Status
from privacy.inventory.taxonomy import NOT_PERSONAL
from privacy.kernel.ids import TenantId
from privacy.kernel.terms import SubjectRef

TEXT_CATEGORY = "personal_text"
DISCLOSING = frozenset({"mask", "reveal"})
_STRICTEST = "redact"


class Effect(StrEnum):
    CLEAR = "clear"
    MASKED = "masked"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What happens to a value, how, and why. `technique` is `none` for clear values and `-` for withheld ones."""

    effect: Effect
    technique: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class ConsentFact:
    """What is known about one subject: the state of its consent for the purpose and recipient of the call (None: not asked), and whether it is restricted."""

    state: str | None
    at: datetime | None = None
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class Bench:
    """All a judge needs that is the same for a whole call. `refused` set: nothing is disclosed, whatever the field."""

    tenant: TenantId
    policy_version: int
    policy_ref: str
    action: str
    purpose: Purpose | None
    recipient: str | None
    dataset: Dataset | None
    scope: Scope | None
    plan: Plan | None
    truths: Truths
    language: str
    refused: Reason | None

    @property
    def needs_consent(self) -> bool:
        """Return whether data leaves and the purpose rests on consent: encrypting or indexing discloses nothing."""
        return self.purpose is not None and self.purpose.needs_consent and self.action in DISCLOSING

    @property
    def not_personal(self) -> frozenset[str]:
        """Return the fields of the dataset that were declared not personal."""
        fields = self.dataset.fields.values() if self.dataset else ()
        return frozenset(field.name for field in fields if field.status is Status.NOT_PERSONAL)

    @property
    def asks_consent(self) -> bool:
        return self.needs_consent or (self.plan is not None and self.plan.asks_consent)


def _about_people(dataset: Dataset) -> bool:
    """Tell whether rows of `dataset` may be about a person: all, but those in which every field was declared not personal."""
    return dataset.subject_field is not None or any(field.status is not Status.NOT_PERSONAL for field in dataset.fields.values() if not field.gone)


def withheld(reason: Reason) -> Verdict:
    return Verdict(Effect.WITHHELD, "-", reason)


class Judge:
    """Decides for one call. Not shared between threads."""

    def __init__(self, bench: Bench, taxonomy: Categories) -> None:
        self.bench = bench
        self._taxonomy = taxonomy
        self._verdicts: dict[tuple[str, str, ConsentFact | None], Verdict] = {}
        self._covered = frozenset(bench.purpose.categories) if bench.purpose else frozenset()
        self._about_people = bench.dataset is not None and _about_people(bench.dataset)

    def consents(self, consents: Consents, restrictions: Restrictions, subjects: Sequence[SubjectRef]) -> Mapping[SubjectRef, ConsentFact]:
        """Fetch what decides about these `subjects`: consent states where a gate or a row asks for them, and who is restricted; one query each."""
        bench = self.bench
        if bench.refused or not subjects:
            return {}
        facts = self._consents(consents, subjects)
        restricted = restrictions.of(bench.tenant, subjects) if bench.action in DISCLOSING else {}
        return {**facts, **{subject: replace(facts.get(subject, ConsentFact(None)), restricted=True) for subject in restricted}}

    def _consents(self, consents: Consents, subjects: Sequence[SubjectRef]) -> Mapping[SubjectRef, ConsentFact]:
        bench = self.bench
        if not bench.purpose or not bench.asks_consent:
            return {}
        # always with the recipient, as POST /consents/check asks: whether a consent to the purpose reaches it is for the consent room to say
        states = consents.statuses(bench.tenant, subjects, bench.purpose.id, bench.recipient)
        return {subject: ConsentFact(str(status.state), status.at) for subject, status in zip(subjects, states, strict=True)}

    def field(self, name: str, consent: ConsentFact | None) -> Verdict:
        """Decide about a field of the dataset; `consent` None means: no subject, or no consent asked for."""
        key = ("field", name, consent)
        if (verdict := self._verdicts.get(key)) is None:
            verdict = self._verdicts[key] = self._field(name, consent)
        return verdict

    def finding(self, entity: str, consent: ConsentFact | None) -> Verdict:
        """Decide about something found in free text by the category of its entity."""
        key = ("entity", entity, consent)
        if (verdict := self._verdicts.get(key)) is None:
            verdict = self._verdicts[key] = self._finding(entity, consent)
        return verdict

    def text(self, consent: ConsentFact | None) -> Verdict:
        """Decide about a whole free text that stands in no field."""
        if refused := self._refused(consent):
            return withheld(refused)
        return self._category(TEXT_CATEGORY, consent)

    def truths(self, consent: ConsentFact | None) -> Truths:
        return {**self.bench.truths, **consent_truths(consent.state if consent else None)}

    def category_of(self, entity: str) -> str:
        """Return the category of an entity, "" for one the taxonomy does not know."""
        return self._taxonomy.of_entity(entity).id if entity in self._taxonomy.entities else ""

    def _field(self, name: str, consent: ConsentFact | None) -> Verdict:
        bench = self.bench
        if refused := self._refused(consent):
            return withheld(refused)
        if bench.dataset is None:
            return withheld(reasons.DATASET_UNKNOWN)
        field = bench.dataset.fields.get(name)
        if field is None or field.gone:
            return withheld(reasons.field_unknown(bench.dataset, ""))
        if not field.status.settled and bench.action != "protect":
            return withheld(reasons.field_undecided(bench.dataset, field))
        if field.status is Status.NOT_PERSONAL:
            # of somebody who did not consent nothing is shown, not even what is not personal by itself
            if (consent or self._about_people) and (missing := self._consent_refusal(consent)):
                return withheld(missing)
            category = self._taxonomy.category(NOT_PERSONAL)
            return self._by_rows(category.field_class, category.id, category.technique, consent)
        return self._gated(field.field_class, field.category, field.technique, consent)

    def _finding(self, entity: str, consent: ConsentFact | None) -> Verdict:
        if refused := self._refused(consent):
            return withheld(refused)
        if entity not in self._taxonomy.entities:
            return withheld(reasons.ENTITY_UNKNOWN)
        return self._category(self._taxonomy.of_entity(entity).id, consent)

    def _category(self, id: str, consent: ConsentFact | None) -> Verdict:
        category = self._taxonomy.category(id)
        return self._gated(category.field_class, category.id, category.technique, consent)

    def _gated(self, field_class: str, category: str, technique: str, consent: ConsentFact | None) -> Verdict:
        bench = self.bench
        if bench.purpose and not self._covered & {category, field_class, "*"}:
            return withheld(reasons.CATEGORY_NOT_IN_PURPOSE)
        if refused := self._consent_refusal(consent):
            return withheld(refused)
        return self._by_rows(field_class, category, technique, consent)

    def _refused(self, consent: ConsentFact | None) -> Reason | None:
        """Return why nothing is disclosed, whatever the field: of a restricted subject not even what is not personal by itself."""
        return self.bench.refused or (reasons.RESTRICTED if consent is not None and consent.restricted else None)

    def _consent_refusal(self, consent: ConsentFact | None) -> Reason | None:
        """Return why the purpose's need of consent stops this subject's data, None when nothing is needed or it is given."""
        if not self.bench.needs_consent:
            return None
        if consent is None or consent.state is None:
            return reasons.SUBJECT_MISSING
        return None if consent.state == "given" else reasons.consent_reason(consent.state, consent.at)

    def _by_rows(self, field_class: str, category: str, technique: str, consent: ConsentFact | None) -> Verdict:
        if self.bench.plan is None:
            return withheld(reasons.NO_RULE)
        steps = self.bench.plan.steps(field_class, category)
        return verdict_of(steps, self.truths(consent), technique)


def verdict_of(steps: Steps, truths: Truths, default_technique: str) -> Verdict:
    """Return what the rows say: the first one whose condition holds decides, none means withheld."""
    step = first_match(steps, truths)
    if step is None:
        return withheld(_nearest(steps))
    if step.effect == DENY:
        return withheld(reasons.rule_decided(step.row, Effect.WITHHELD, ""))
    technique = step.technique
    if technique == DEFAULT_TECHNIQUE:
        # a data map that knows no technique for personal data must not open the field
        technique = default_technique if default_technique not in ("", CLEAR_TECHNIQUE) else _STRICTEST
    effect = Effect.CLEAR if technique == CLEAR_TECHNIQUE else Effect.MASKED
    return Verdict(effect, technique, reasons.rule_decided(step.row, effect, technique))


def _nearest(steps: Steps) -> Reason:
    unmet: list[Step] = [step for step in steps if step.effect != DENY]
    return reasons.condition_unmet(unmet[0].row, unmet[0].condition) if unmet else reasons.NO_RULE
