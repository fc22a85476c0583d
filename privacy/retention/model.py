"""The words of retention: statutes, rules, what is due and what keeps it, sweeps, holds, restrictions. None of them holds a personal value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from privacy.kernel.ids import DatasetId, TenantId
from privacy.kernel.terms import SubjectRef
from privacy.retention.periods import Period


@dataclass(frozen=True, slots=True)
class Statute:
    """One dated provision of law, as policies/retention.toml ships it. `min` and `max` both None: the DPO sets the period.

    `status`: `in_force`, `to_verify` (takes effect once the DPO accepted it by name), `proposed` or `repealed` (never takes effect).
    """

    id: str
    version: int
    regime: str
    en: str
    zh: str
    article: str
    clock: str
    status: str
    valid_from: date
    source: str
    checked_on: date
    min: Period | None = None
    max: Period | None = None
    valid_to: date | None = None

    def valid_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class Consequence(StrEnum):
    """What becomes of a due row."""

    DELETE = "delete"
    ANONYMISE = "anonymise"  # personal fields are replaced, the row stays
    ARCHIVE = "archive"  # a masked copy is written to a file, then the row is deleted
    RESTRICT = "restrict"  # the subject enters the register of restrictions: storage alone
    REVIEW = "review"  # listed for people, nothing is done

    @property
    def removes(self) -> bool:
        return self in (Consequence.DELETE, Consequence.ARCHIVE)


class RuleState(StrEnum):
    PROPOSED = "proposed"
    ACTIVE = "active"
    SUPERSEDED = "superseded"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Restart:
    """A row of `dataset` that belongs to the row starts its clock anew: a new order, that of the customer. `clock` is a column of that dataset."""

    dataset: str
    clock: str


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule as a person proposes it. `zone` "" means that of the system's controller; `clock_zone` "" that nobody knows in which zone the system
    writes times without one: then the reading that keeps a row longer counts. `columns` are the fields the rule is about, empty: all."""

    id: str
    dataset: str
    clock: str
    period: str
    consequence: Consequence
    statutes: tuple[str, ...] = ()
    restarts: tuple[Restart, ...] = ()
    columns: tuple[str, ...] = ()
    zone: str = ""
    clock_zone: str = ""
    valid_from: date | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule would do to which tables, as the confirmed map says today: the part of an approval that counts cannot show."""

    removes: tuple[str, ...] = ()  # datasets whose rows go: dependants first, the rule's own last
    sets: tuple[str, ...] = ()  # fields replaced, `dataset.column`
    clears: tuple[str, ...] = ()  # references to removed rows that are emptied, `dataset.column`
    restarts: tuple[str, ...] = ()  # relations that restart the clock, `dataset.column`


@dataclass(frozen=True, slots=True)
class Kept:
    """Why rows that are due by their clock stay: `hold`, `rule`, `dependant_rule`, `handling`, `shared`, `referenced`; `by` names hold, rule or dataset."""

    reason: str
    by: str
    rows: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What goes on a day and why, counted in the system. Rows past their period = `due` + all of `kept`.

    `earliest` is the day the first of the due rows became due, `next` the next day on which more become due; `undated` rows have no clock and never do.
    """

    rule: str
    version: int
    dataset: str
    consequence: Consequence
    on: date
    zone: str
    cutoff: date
    due: int
    kept: tuple[Kept, ...]
    dependants: Mapping[str, int]
    effect: Effect
    hash: str
    undated: int = 0
    earliest: date | None = None
    next: date | None = None
    statutes: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a rule. `hash` covers all that decides its effect and is what is approved; `effect` is what the approver saw."""

    id: str
    version: int
    tenant: TenantId
    system: str
    dataset: str
    dataset_id: DatasetId
    clock: str
    clock_zone: str
    zone: str
    period: Period
    statutes: tuple[str, ...]
    restarts: tuple[Restart, ...]
    columns: tuple[str, ...]
    consequence: Consequence
    valid_from: date
    reason: str
    state: RuleState
    proposed_by: str
    proposed_at: datetime
    hash: str = ""
    effect: Effect | None = None
    previewed_at: datetime | None = None
    preview_due: int | None = None
    approved_by: str = ""
    approved_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def active(self) -> bool:
        return self.state is RuleState.ACTIVE


@dataclass(frozen=True, slots=True)
class NewHold:
    """A hold to place: on a system, a dataset, one row (`keys`, the primary key in order) or everything of one subject; on all columns or some."""

    system: str
    reason: str
    authority: str
    dataset: str = ""
    keys: tuple[str, ...] = ()
    subject: SubjectRef | None = None
    columns: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def scope(self) -> str:
        return "subject" if self.subject else "row" if self.keys else "dataset" if self.dataset else "system"


@dataclass(frozen=True, slots=True, repr=False)
class Hold:
    """A legal ground that forbids erasure for now. What may name a person (`keys`, `subject`, `reason`, `authority`) is stored sealed and never printed."""

    id: str
    tenant: TenantId
    system: str
    dataset: str
    keys: tuple[str, ...]
    subject: SubjectRef | None
    columns: tuple[str, ...]
    reason: str
    authority: str
    since: datetime
    until: datetime | None
    placed_by: str
    placed_at: datetime
    scope: str = ""  # what is held, without naming anybody: system | dataset | row | subject
    released_by: str = ""
    released_at: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        return self.released_at is None and self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True, repr=False)
class Restriction:
    """A subject whose data may only be stored (PIPL 47, GDPR 18). `case` names what set it (rule, request, plan); `until` is when erasure goes on."""

    id: str
    tenant: TenantId
    subject: SubjectRef | None  # None: not shown to whom asks
    case: str
    rule: str
    reason: str
    until: datetime | None
    set_by: str
    set_at: datetime
    lifted_by: str = ""
    lifted_at: datetime | None = None


class SweepState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    NEEDS_ATTENTION = "needs_attention"


@dataclass(frozen=True, slots=True)
class Sweep:
    """One run of a rule for one slot: exactly one exists per (rule, slot). `counts`: dataset → rows, exact after any crash."""

    id: str
    tenant: TenantId
    rule: str
    version: int
    slot: str
    on: date
    state: SweepState
    asked_by: str
    started_at: datetime
    finished_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    kept: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    left: int | None = None  # due rows a count after the run still found
    problem: str = ""
