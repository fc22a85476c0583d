"""Retention: statutes, rules, what is due on any day, sweeps; legal holds; the register of restricted subjects."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from privacy.kernel.errors import Conflict, ConnectorUnavailable, NotFound
from privacy.kernel.terms import SubjectRef
from privacy.retention.model import Consequence, Hold, NewHold, NewRule, Preview, Restart, Restriction, Rule, RuleState, Sweep, SweepState
from privacy.retention.service import KnownStatute
from privacy.web.api.jobs import JobAnswer
from privacy.web.endpoint import IDENTIFIER, ONE_WORD, Answer, Body, Call, Day, Line, Name, Query, Reply, Routes, SubjectText, When, form

routes = Routes("retention")

Word = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=512), form(ONE_WORD)]
RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$"), form(IDENTIFIER)]
PeriodText = Annotated[str, StringConstraints(pattern=r"^P[0-9YMD]{2,16}$"), form("a period, for example P3Y, P6M or P90D")]
ZoneName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]{1,64}$"), form("an IANA time zone, for example Asia/Shanghai")]
Hash = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$"), form("sha256: and 64 hexadecimal digits, as the preview gives it")]


class StatuteAnswer(Answer):
    id: str
    version: int
    regime: str
    en: str
    zh: str
    article: str
    clock: str
    min: str | None
    max: str | None
    status: str
    valid_from: date
    valid_to: date | None
    source: str
    checked_on: date
    accepted_by: str

    @classmethod
    def of(cls, known: KnownStatute) -> "StatuteAnswer":
        statute = known.statute
        plain = {name: getattr(statute, name) for name in cls.model_fields if name not in ("min", "max", "accepted_by")}
        least, most = (str(each) if each else None for each in (statute.min, statute.max))
        return cls(**plain, min=least, max=most, accepted_by=known.accepted_by)


class StatutesAnswer(Answer):
    statutes: list[StatuteAnswer]


class RestartBody(Body):
    """Rows of `dataset` that belong to the row and are younger than the period, or have no date yet, keep it."""

    dataset: Word
    clock: Word


class RuleBody(Body):
    """A retention rule as a person proposes it; a rule of the same id gets its next version."""

    id: RuleId
    dataset: Word
    clock: Word
    period: PeriodText
    consequence: Annotated[Consequence, Field(strict=False)]
    statutes: Annotated[list[Name], Field(max_length=20)] = Field(default_factory=list)
    restarts: Annotated[list[RestartBody], Field(max_length=20)] = Field(default_factory=list)
    columns: Annotated[list[Word], Field(max_length=500)] = Field(default_factory=list)
    zone: ZoneName | None = None
    clock_zone: ZoneName | None = None
    valid_from: Day | None = None
    reason: Line = ""

    def rule(self) -> NewRule:
        return NewRule(
            id=self.id,
            dataset=self.dataset,
            clock=self.clock,
            period=self.period,
            consequence=self.consequence,
            statutes=tuple(self.statutes),
            restarts=tuple(Restart(each.dataset, each.clock) for each in self.restarts),
            columns=tuple(self.columns),
            zone=self.zone or "",
            clock_zone=self.clock_zone or "",
            valid_from=self.valid_from,
            reason=self.reason,
        )


class RestartAnswer(Answer):
    dataset: str
    clock: str


class EffectAnswer(Answer):
    """What the rule touches: the part of an approval that no count shows."""

    removes: list[str]
    sets: list[str]
    clears: list[str]
    restarts: list[str]


class RuleAnswer(Answer):
    id: str
    version: int
    state: RuleState
    dataset: str
    clock: str
    clock_zone: str
    zone: str
    period: str
    statutes: list[str]
    restarts: list[RestartAnswer]
    columns: list[str]
    consequence: Consequence
    valid_from: date
    reason: str
    hash: str
    effect: EffectAnswer | None
    proposed_by: str
    proposed_at: datetime
    previewed_at: datetime | None
    approved_by: str
    approved_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, rule: Rule) -> "RuleAnswer":
        plain = {name: getattr(rule, name) for name in cls.model_fields if name not in ("period", "restarts", "effect", "statutes", "columns")}
        return cls(
            **plain,
            period=str(rule.period),
            statutes=list(rule.statutes),
            columns=list(rule.columns),
            restarts=[RestartAnswer(dataset=each.dataset, clock=each.clock) for each in rule.restarts],
            effect=_effect(rule) if rule.effect else None,
        )


class RulesAnswer(Answer):
    rules: list[RuleAnswer]


class EveryQuery(Query):
    every: bool = False


class ApprovalBody(Body):
    """`hash` is that of the preview the approver has looked at."""

    hash: Hash


class PreviewBody(Body):
    """A day to look at; today in each rule's zone when none is named. One rule or all of them."""

    rule: RuleId | None = None
    on: Day | None = None


class KeptAnswer(Answer):
    """Rows that are past their period and stay, counted under the first reason that keeps them."""

    reason: str
    by: str
    rows: int


class PreviewAnswer(Answer):
    rule: str
    version: int
    dataset: str
    consequence: Consequence
    on: date
    zone: str
    cutoff: date
    due: int
    kept: list[KeptAnswer]
    dependants: dict[str, int]
    undated: int
    earliest: date | None
    next: date | None
    statutes: list[str]
    effect: EffectAnswer
    hash: str
    obstacles: list[str]

    @classmethod
    def of(cls, found: Preview) -> "PreviewAnswer":
        lists: dict[str, Any] = {"statutes": list(found.statutes), "obstacles": list(found.obstacles), "dependants": dict(found.dependants)}
        plain = {name: getattr(found, name) for name in cls.model_fields if name not in (*lists, "kept", "effect")}
        kept = [KeptAnswer(reason=each.reason, by=each.by, rows=each.rows) for each in found.kept]
        return cls(**plain, **lists, kept=kept, effect=_effect(found))


class PreviewsAnswer(Answer):
    previews: list[PreviewAnswer]


class SweepBody(Body):
    """Without `run` nothing is done: the answer says what a sweep would do now."""

    rule: RuleId
    run: bool = False


class SweepAskedAnswer(Answer):
    """The preview of a dry run, or the job in which the sweep goes on."""

    previews: list[PreviewAnswer]
    job: JobAnswer | None


class SweepAnswer(Answer):
    id: str
    rule: str
    version: int
    slot: str
    on: date
    state: SweepState
    asked_by: str
    started_at: datetime
    finished_at: datetime | None
    counts: dict[str, int]
    kept: dict[str, int]
    left: int | None
    problem: str

    @classmethod
    def of(cls, sweep: Sweep) -> "SweepAnswer":
        plain = {name: getattr(sweep, name) for name in cls.model_fields if name not in ("counts", "kept")}
        return cls(**plain, counts=dict(sweep.counts), kept=dict(sweep.kept))


class SweepsAnswer(Answer):
    sweeps: list[SweepAnswer]
    next: str


class SweepsQuery(Query):
    rule: RuleId | None = None
    after: Name | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class LegalHoldBody(Body):
    """What is held: a system, a dataset, one row of it by its primary key (`keys`, in order), or everything of one subject."""

    system: Word
    dataset: Word | None = None
    keys: Annotated[list[Word], Field(max_length=16)] = Field(default_factory=list)
    subject: SubjectText | None = None
    columns: Annotated[list[Word], Field(max_length=500)] = Field(default_factory=list)
    reason: Line
    authority: Line
    since: When | None = None
    until: When | None = None

    def hold(self) -> NewHold:
        subject = SubjectRef.parse(self.subject) if self.subject else None
        return NewHold(self.system, self.reason, self.authority, self.dataset or "", tuple(self.keys), subject, tuple(self.columns), self.since, self.until)


class LegalHoldAnswer(Answer):
    """A legal hold. `keys`, `subject`, `reason` and `authority` are stored sealed and shown to signed-in people alone."""

    id: str
    system: str
    dataset: str
    scope: str
    keys: list[str]
    subject: str | None
    columns: list[str]
    reason: str
    authority: str
    since: datetime
    until: datetime | None
    placed_by: str
    placed_at: datetime
    released_by: str
    released_at: datetime | None

    @classmethod
    def of(cls, hold: Hold) -> "LegalHoldAnswer":
        lists: dict[str, Any] = {"keys": list(hold.keys), "columns": list(hold.columns)}
        plain = {name: getattr(hold, name) for name in cls.model_fields if name not in (*lists, "subject")}
        return cls(**plain, **lists, subject=str(hold.subject) if hold.subject else None)


class LegalHoldsAnswer(Answer):
    holds: list[LegalHoldAnswer]


class LegalHoldsQuery(EveryQuery):
    system: Word | None = None


class RestrictionsBody(Body):
    """Subjects whose data may from now on only be stored. `until` is when somebody should look again; it ends nothing by itself."""

    subjects: Annotated[list[SubjectText], Field(min_length=1, max_length=1000)]
    reason: Line
    case: Name | None = None
    until: When | None = None


class RestrictedAnswer(Answer):
    new: int
    before: int


class RestrictionAnswer(Answer):
    """One restriction. `subject` and `reason` are stored sealed and shown to signed-in people alone."""

    id: str
    subject: str | None
    case: str
    rule: str
    reason: str
    until: datetime | None
    set_by: str
    set_at: datetime
    lifted_by: str
    lifted_at: datetime | None

    @classmethod
    def of(cls, restriction: Restriction) -> "RestrictionAnswer":
        plain = {name: getattr(restriction, name) for name in cls.model_fields if name != "subject"}
        return cls(**plain, subject=str(restriction.subject) if restriction.subject else None)


class RestrictionsAnswer(Answer):
    restrictions: list[RestrictionAnswer]
    next: str


class RestrictionsQuery(EveryQuery):
    after: Name | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


@routes.get("/retention/statutes", scope="retention:read", answer=StatutesAnswer, summary="The shipped periods of law, with source and status")
def list_statutes(call: Call) -> StatutesAnswer:
    return StatutesAnswer(statutes=[StatuteAnswer.of(each) for each in call.app.retention.statutes(call.actor)])


@routes.post(
    "/retention/statutes/<statute>/accept",
    scope="retention:write",
    answer=StatuteAnswer,
    errors=(NotFound, Conflict),
    summary="Accept by name a statute that was not verified yet",
    replay=True,
)
def accept_statute(call: Call, statute: str) -> StatuteAnswer:
    return StatuteAnswer.of(call.app.retention.accept(call.actor, statute, request_id=call.request_id))


@routes.get("/retention/rules", scope="retention:read", query=EveryQuery, answer=RulesAnswer, summary="Retention rules, proposed and in force")
def list_rules(call: Call) -> RulesAnswer:
    return RulesAnswer(rules=[RuleAnswer.of(rule) for rule in call.app.retention.rules(call.actor, every=call.query.every)])


@routes.post(
    "/retention/rules",
    scope="retention:write",
    body=RuleBody,
    answer=RuleAnswer,
    status=201,
    errors=(NotFound, Conflict, ConnectorUnavailable),
    summary="Propose a retention rule, or its next version",
    replay=True,
)
def propose_rule(call: Call, body: RuleBody) -> RuleAnswer:
    return RuleAnswer.of(call.app.retention.propose(call.actor, body.rule(), request_id=call.request_id))


@routes.post(
    "/retention/rules/<rule>/approve",
    scope="retention:approve",
    body=ApprovalBody,
    answer=RuleAnswer,
    errors=(NotFound, Conflict, ConnectorUnavailable),
    summary="Put a rule in force that somebody else proposed",
    replay=True,
)
def approve_rule(call: Call, body: ApprovalBody, rule: str) -> RuleAnswer:
    return RuleAnswer.of(call.app.retention.approve(call.actor, rule, body.hash, request_id=call.request_id))


@routes.post(
    "/retention/rules/<rule>/retire", scope="retention:write", answer=RuleAnswer, errors=(NotFound,), summary="End a rule: nothing is due under it any more"
)
def retire_rule(call: Call, rule: str) -> RuleAnswer:
    return RuleAnswer.of(call.app.retention.retire(call.actor, rule, request_id=call.request_id))


@routes.post(
    "/retention/preview",
    scope="retention:read",
    body=PreviewBody,
    answer=PreviewsAnswer,
    errors=(NotFound, Conflict, ConnectorUnavailable),
    summary="What goes on a day and why, counted in the systems; nothing is changed",
)
def preview(call: Call, body: PreviewBody) -> PreviewsAnswer:
    found = call.app.retention.preview(call.actor, rule=body.rule, on=body.on, request_id=call.request_id)
    return PreviewsAnswer(previews=[PreviewAnswer.of(each) for each in found])


@routes.post(
    "/retention/sweeps",
    scope="retention:write",
    body=SweepBody,
    answer=SweepAskedAnswer,
    errors=(NotFound, Conflict, ConnectorUnavailable),
    summary="Say what a sweep would do now; with run, do it (202)",
)
def ask_sweep(call: Call, body: SweepBody) -> SweepAskedAnswer | Reply:
    if body.run:
        job = call.app.retention.ask(call.actor, body.rule, request_id=call.request_id)
        return Reply(SweepAskedAnswer(previews=[], job=JobAnswer.of(job)), 202, {"Location": f"/api/v1/jobs/{job.id}"})
    found = call.app.retention.preview(call.actor, rule=body.rule, request_id=call.request_id)
    return SweepAskedAnswer(previews=[PreviewAnswer.of(each) for each in found], job=None)


@routes.get("/retention/sweeps", scope="retention:read", query=SweepsQuery, answer=SweepsAnswer, summary="Sweeps, newest first")
def list_sweeps(call: Call) -> SweepsAnswer:
    query: SweepsQuery = call.query
    page = call.app.retention.sweeps(call.actor, rule=query.rule, after=query.after or "", limit=query.limit)
    return SweepsAnswer(sweeps=[SweepAnswer.of(each) for each in page.sweeps], next=page.next)


@routes.get("/retention/sweeps/<sweep>", scope="retention:read", answer=SweepAnswer, errors=(NotFound,), summary="One sweep: what went, what stayed and why")
def get_sweep(call: Call, sweep: str) -> SweepAnswer:
    return SweepAnswer.of(call.app.retention.sweep(call.actor, sweep))


@routes.get("/holds", scope="retention:read", query=LegalHoldsQuery, answer=LegalHoldsAnswer, summary="Legal holds")
def list_holds(call: Call) -> LegalHoldsAnswer:
    found = call.app.holds.all(call.actor, system=call.query.system, every=call.query.every)
    return LegalHoldsAnswer(holds=[LegalHoldAnswer.of(hold) for hold in found])


@routes.post("/holds", scope="retention:write", body=LegalHoldBody, answer=LegalHoldAnswer, status=201, errors=(NotFound,), summary="Forbid erasure for now")
def place_hold(call: Call, body: LegalHoldBody) -> LegalHoldAnswer:
    return LegalHoldAnswer.of(call.app.holds.place(call.actor, body.hold(), request_id=call.request_id))


@routes.post(
    "/holds/<hold>/release",
    scope="retention:write",
    answer=LegalHoldAnswer,
    errors=(NotFound, Conflict),
    summary="End a hold; what waited is scheduled at once",
)
def release_hold(call: Call, hold: str) -> LegalHoldAnswer:
    return LegalHoldAnswer.of(call.app.holds.release(call.actor, hold, request_id=call.request_id))


@routes.get("/restrictions", scope="retention:read", query=RestrictionsQuery, answer=RestrictionsAnswer, summary="Restricted subjects, newest first")
def list_restrictions(call: Call) -> RestrictionsAnswer:
    query: RestrictionsQuery = call.query
    page = call.app.restrictions.page(call.actor, after=query.after or "", limit=query.limit, every=query.every)
    return RestrictionsAnswer(restrictions=[RestrictionAnswer.of(each) for each in page.restrictions], next=page.next)


@routes.post("/restrictions", scope="retention:write", body=RestrictionsBody, answer=RestrictedAnswer, status=201, summary="Restrict subjects to storage alone")
def restrict(call: Call, body: RestrictionsBody) -> RestrictedAnswer:
    subjects = [SubjectRef.parse(each, f"/subjects/{number}") for number, each in enumerate(body.subjects)]
    new, before = call.app.restrictions.set(call.actor, subjects, body.reason, case=body.case or "", until=body.until, request_id=call.request_id)
    return RestrictedAnswer(new=new, before=before)


@routes.post("/restrictions/<restriction>/lift", scope="retention:write", answer=RestrictionAnswer, errors=(NotFound, Conflict), summary="Lift a restriction")
def lift_restriction(call: Call, restriction: str) -> RestrictionAnswer:
    return RestrictionAnswer.of(call.app.restrictions.lift(call.actor, restriction, request_id=call.request_id))


def _effect(of: Preview | Rule) -> EffectAnswer:
    effect = of.effect
    if effect is None:
        raise AssertionError("unreachable")
    return EffectAnswer(removes=list(effect.removes), sets=list(effect.sets), clears=list(effect.clears), restarts=list(effect.restarts))
