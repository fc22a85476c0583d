"""People's requests from receipt to answer: intake, proof of identity, plan and approval of an erasure, packages, refusal, extension, timeline.

No answer but the file and the package holds a personal value. Identifiers and codes travel in bodies, never in addresses.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from privacy.disposal.model import Obstacle, Plan, PlannedRows
from privacy.inventory.catalogue_model import Recipient
from privacy.kernel.errors import AccessDenied, Conflict, ConnectorUnavailable, InvalidInput, NotFound, OnHold, StepUpRequired, TooManyAttempts
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.rights.acceptance import Acceptance
from privacy.rights.cases import Note
from privacy.rights.erasing import Certified, Planned
from privacy.rights.identity import ATTESTATIONS
from privacy.rights.model import CaseFile, Clock, Code, NewRequest, Package, Reached, Request, Requester, RequestKind, RequestState, Step
from privacy.rights.service import MOST_IDENTIFIERS, Refusal, Shown
from privacy.rights.states import steps_of
from privacy.web.api.catalogue import Id
from privacy.web.api.subjects import IdentifierBody, NeededLine
from privacy.web.endpoint import Answer, Binary, Body, Call, JsonInt, Line, Name, Query, Reply, Routes, SubjectText, When, form

routes = Routes("requests")

Text = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Kind = Literal[
    "access", "erasure", "rectification", "restriction", "portability", "objection", "marketing_objection", "withdrawal", "automated_decision",
    "opt_out", "complaint",
]  # fmt: skip
Regime = Literal["gdpr", "uk_gdpr", "pipl", "ccpa"]
Intake = Literal["web", "email", "phone", "post", "in_person", "app", "authority"]
Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$"), form("the eight digits of the code")]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z:_-]{1,128}$"), form("the hash of the plan, as it was read")]


class RequesterBody(Body):
    """Who asks. An agent or a relative brings proof of authority: `evidence` says where it is kept."""

    kind: Literal["self", "agent", "relative"] = "self"
    evidence: NeededLine | None = None


class RequestBody(Body):
    """A request as a person makes it. Codes go to a contact on file, never to `contact`."""

    kind: Kind
    controller: Id
    identifiers: Annotated[list[IdentifierBody], Field(min_length=1, max_length=MOST_IDENTIFIERS)]
    regimes: Annotated[list[Regime], Field(max_length=4)] = Field(default_factory=list)
    received_at: When | None = None
    channel: Intake | None = None
    language: Literal["en", "zh"] = "en"
    requester: RequesterBody = RequesterBody()
    contact: NeededLine | None = None
    note: Text | None = None

    def command(self) -> NewRequest:
        return NewRequest(
            RequestKind(self.kind),
            self.controller,
            tuple(each.identifier() for each in self.identifiers),
            tuple(self.regimes),
            self.received_at,
            self.channel or "",
            self.language,
            Requester(self.requester.kind),
            _plaintext(self.requester.evidence),
            _plaintext(self.contact),
            _plaintext(self.note),
        )


class IdentifiersBody(Body):
    identifiers: Annotated[list[IdentifierBody], Field(min_length=1, max_length=MOST_IDENTIFIERS)]


class IdentityBody(Body):
    """By which channel the code is to be sent; without one by the first that is on file and can be served."""

    channel: Literal["email", "phone"] | None = None


class VerifyBody(Body):
    """Either the code, or how identity was proven to people and where the proof is kept."""

    code: Digits | None = None
    attestation: Literal["id_document", "in_person", "signed_in", "known_contact", "notarised", "court_order"] | None = None
    evidence: NeededLine | None = None
    subjects: Annotated[list[SubjectText], Field(max_length=50)] = Field(default_factory=list)


class ApproveBody(Body):
    plan_hash: Hash


class RefuseBody(Body):
    reason: Id
    note: Text | None = None


class ExtendBody(Body):
    """The person must have been told, with the reason, before the first period ended."""

    reason: Literal["complexity", "number_of_requests"]
    notified_at: When
    note: Text | None = None


class HoldBody(Body):
    reason: Literal["dispute", "legal_claim", "authority_order", "clarification"]
    note: Text | None = None


class NoteBody(Body):
    note: Text | None = None


class CloseBody(Body):
    """What people answered, and how. `nothing_held` is looked up again before it is said."""

    outcome: Literal["answered", "carried_out", "partly", "nothing_held"]
    note: Text
    evidence: Line = ""


class RequestsQuery(Query):
    state: RequestState | None = None
    kind: RequestKind | None = None
    due: Annotated[int, Field(ge=0, le=3650)] | None = None
    after: Name | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class ClockAnswer(Answer):
    """A deadline with everything that made it. `target` is the cautious reading that alarms run on, `due` that of the law."""

    name: str
    rule: str
    rule_version: int
    regime: str
    calendar: str
    calendar_version: str
    zone: str
    inputs: dict[str, str | int | bool]
    due: str
    target: str
    provisional: bool
    status: str

    @classmethod
    def of(cls, clock: Clock) -> "ClockAnswer":
        same = ("name", "rule", "regime", "calendar", "calendar_version", "zone", "provisional", "status")
        values = {word: getattr(clock, word) for word in same}
        return cls(**values, rule_version=clock.version, inputs=dict(clock.inputs), due=_limit(clock.due), target=_limit(clock.target))


class CodeAnswer(Answer):
    """How the newest code stands."""

    state: str
    channel: str
    sent_at: datetime
    expires_at: datetime
    attempts_left: int


class PackageAnswer(Answer):
    """How the newest package stands."""

    state: str
    made_at: datetime
    expires_at: datetime
    size: int
    digest: str
    read_at: datetime | None
    read_by: str

    @classmethod
    def of(cls, package: Package) -> "PackageAnswer":
        return cls(**{word: getattr(package, word) for word in cls.model_fields if word != "state"}, state=package.state.value)


class ReachedAnswer(Answer):
    """A record of a person that the request led to, and by what: neither whose it is nor any value."""

    system: str
    type: str
    dataset: str
    field: str
    kind: str
    how: str
    proven: bool

    @classmethod
    def all(cls, request: Request, reached: Sequence[Reached]) -> "list[ReachedAnswer]":
        return [
            cls(
                system=each.subject.system,
                type=each.subject.type,
                dataset=each.dataset,
                field=each.field,
                kind=each.kind.value,
                how=each.how.value,
                proven=each.covered and request.verified_at is not None,
            )
            for each in reached
        ]


class RequestAnswer(Answer):
    """A request without any personal value. `possible` lists what can be done with it now."""

    id: str
    kind: RequestKind
    state: RequestState
    duplicate: bool = False
    controller: str
    regimes: list[str]
    received_at: datetime
    recorded_at: datetime
    received_by: str
    channel: str
    language: str
    requester: Requester
    identifier_kinds: list[str]
    doubt: str
    verified_how: str
    verified_by: str
    verified_at: datetime | None
    held_since: datetime | None
    plan: str
    plan_state: str
    problems: dict[str, str]
    outcome: str
    closed_at: datetime | None
    purge_at: datetime | None
    purged_at: datetime | None
    days_left: int | None
    possible: list[str]
    clocks: list[ClockAnswer]
    code: CodeAnswer | None = None
    package: PackageAnswer | None = None
    reached: list[ReachedAnswer] = Field(default_factory=list)

    @classmethod
    def of(
        cls, shown: Shown, *, duplicate: bool = False, code: CodeAnswer | None = None, package: Package | None = None, reached: Sequence[Reached] = ()
    ) -> "RequestAnswer":
        own = ("reached", "duplicate", "days_left", "possible", "plan_state", "problems", "clocks", "code", "package", "regimes", "identifier_kinds")
        values = {word: getattr(shown.request, word) for word in cls.model_fields if word not in own}
        return cls(
            **values,
            duplicate=duplicate,
            regimes=list(shown.request.regimes),
            identifier_kinds=list(shown.request.identifier_kinds),
            days_left=shown.days_left,
            possible=steps_of(shown.possible),
            plan_state=shown.plan_state,
            problems=dict(shown.problems),
            clocks=list(map(ClockAnswer.of, shown.clocks)),
            code=code,
            package=PackageAnswer.of(package) if package else None,
            reached=ReachedAnswer.all(shown.request, reached),
        )


class RequestsAnswer(Answer):
    requests: list[RequestAnswer]
    next: str


class HeldIdentifierAnswer(Answer):
    kind: str
    value: str
    scope: str


class NoteAnswer(Answer):
    at: datetime
    act: str
    text: str
    evidence: str | None


class FileAnswer(Answer):
    """What the person wrote and what was noted: personal values. Reading it is an event."""

    identifiers: list[HeldIdentifierAnswer]
    contact: str | None
    note: str | None
    evidence: str | None
    subjects: list[str]
    notes: list[NoteAnswer]

    @classmethod
    def of(cls, file: CaseFile, notes: Sequence[tuple[Step, Note]], subjects: Sequence[str]) -> "FileAnswer":
        held = [HeldIdentifierAnswer(kind=each.kind.value, value=each.value.reveal(), scope=each.scope) for each in file.identifiers]
        texts = {word: value.reveal() if (value := getattr(file, word)) else None for word in ("contact", "note", "evidence")}
        noted = [NoteAnswer(at=step.at, act=step.act, text=note.text, evidence=note.evidence or None) for step, note in notes]
        return cls(identifiers=held, **texts, subjects=list(subjects), notes=noted)


class AskedAnswer(Answer):
    """Where the code went, masked."""

    request: str
    state: RequestState
    channel: str
    sent_to: str
    expires_at: datetime


class ComplaintAnswer(Answer):
    regime: str
    en: str
    zh: str


class RefusalAnswer(Answer):
    """The refused request, and what the person has to be told."""

    request: RequestAnswer
    reason: str
    en: str
    zh: str
    article: str
    status: str
    complaints: list[ComplaintAnswer]

    @classmethod
    def of(cls, shown: Shown, refusal: Refusal) -> "RefusalAnswer":
        complaints = [ComplaintAnswer(regime=regime, en=en, zh=zh) for regime, en, zh in refusal.complaints]
        ground = refusal.reason
        words = {"reason": ground.id, "en": ground.en, "zh": ground.zh, "article": ground.article, "status": ground.status}
        return cls(request=RequestAnswer.of(shown), complaints=complaints, **words)


class StepAnswer(Answer):
    """One step: who did what when, from which state to which, and the code of the reason. What was noted beside it is in the file."""

    seq: int
    at: datetime
    actor: str
    act: str
    before: str
    after: str
    reason: str
    details: dict[str, str | int]

    @classmethod
    def of(cls, step: Step) -> "StepAnswer":
        details = {word: value for word, value in step.details.items() if word != "note"}
        return cls(**{word: getattr(step, word) for word in cls.model_fields if word != "details"}, details=details)


class PastClockAnswer(ClockAnswer):
    """A deadline as it was computed once; the highest generation is the present one."""

    generation: int


class TimelineAnswer(Answer):
    """Every step, and every deadline ever computed."""

    request: RequestAnswer
    steps: list[StepAnswer]
    deadlines: list[PastClockAnswer]


class PlannedRowsAnswer(Answer):
    """What happens to rows of one table."""

    system: str
    dataset: str
    action: str
    rows: int
    share: str
    columns: list[str]
    reason: str
    rule: str
    until: datetime | None

    @classmethod
    def of(cls, rows: PlannedRows) -> "PlannedRowsAnswer":
        same = {word: getattr(rows, word) for word in ("system", "dataset", "rows", "reason", "rule", "until")}
        return cls(**same, action=rows.action.value, share=rows.share.value, columns=list(rows.columns))


class ObstacleAnswer(Answer):
    """What stands in the way (`blocks`), or what the approver must know."""

    code: str
    where: str
    detail: str
    remedy: str
    blocks: bool

    @classmethod
    def of(cls, obstacle: Obstacle) -> "ObstacleAnswer":
        return cls(**{word: getattr(obstacle, word) for word in cls.model_fields})


class ToTellAnswer(Answer):
    """A recipient who must be told of the erasure (GDPR 19)."""

    id: str
    name: str
    contact: str

    @classmethod
    def of(cls, recipient: Recipient) -> "ToTellAnswer":
        return cls(id=recipient.id, name=recipient.name, contact=recipient.contact)


class PlanAnswer(Answer):
    """A plan as it is read before it is approved. `hash` is what the approval names."""

    request: str
    request_state: RequestState
    plan: str
    hash: str
    state: str
    blocked: bool
    rows: list[PlannedRowsAnswer]
    obstacles: list[ObstacleAnswer]
    carriers: list[str]
    unsearched: list[str]
    reached: list[ReachedAnswer]
    problems: dict[str, str]
    recipients: list[ToTellAnswer]
    made_by: str
    made_at: datetime
    approved_by: str
    approved_at: datetime | None

    @classmethod
    def of(cls, planned: Planned) -> "PlanAnswer":
        plan: Plan = planned.plan
        same = {word: getattr(plan, word) for word in ("hash", "blocked", "made_by", "made_at", "approved_by", "approved_at")}
        return cls(
            **same,
            request=planned.request.id,
            request_state=planned.request.state,
            plan=plan.id,
            state=plan.state.value,
            rows=list(map(PlannedRowsAnswer.of, plan.rows)),
            obstacles=list(map(ObstacleAnswer.of, plan.obstacles)),
            carriers=list(plan.carriers),
            unsearched=list(planned.unsearched),
            reached=ReachedAnswer.all(planned.request, planned.reached),
            problems=dict(plan.problems),
            recipients=list(map(ToTellAnswer.of, planned.recipients)),
        )


class CertificateAnswer(Answer):
    """A signed certificate as text, byte for byte, of one plan of the request."""

    plan: str
    approved_by: str
    ended_at: datetime | None
    certificate: str

    @classmethod
    def of(cls, found: Certified) -> "CertificateAnswer":
        return cls(plan=found.plan, approved_by=found.approved_by, ended_at=found.ended_at, certificate=found.text.decode("utf-8"))


class CertificatesAnswer(Answer):
    """What a law or a hold kept goes later and has a certificate of its own."""

    certificates: list[CertificateAnswer]


class MadeAnswer(Answer):
    """The package, or the job that puts it together."""

    request: str
    state: RequestState
    package: PackageAnswer
    job: str | None
    reached: list[ReachedAnswer]


class RefusalReasonAnswer(Answer):
    id: str
    en: str
    zh: str
    regimes: list[str]
    article: str
    status: str
    source: str
    checked_on: date


class ReasonsAnswer(Answer):
    reasons: list[RefusalReasonAnswer]


class AcceptanceBody(Body):
    """Take responsibility for a rule of law, or a calendar, that nobody has verified yet."""

    rule: Annotated[
        str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_./-]{0,127}$"), form("a rule or a calendar's year, for example pipl.dsr.app or us-ca/2026")
    ]
    rule_version: Annotated[JsonInt, Field(ge=1, le=10_000)]
    reason: NeededLine


class AcceptanceAnswer(Answer):
    """Who took responsibility for which rule, when and why."""

    rule: str
    rule_version: int
    accepted_by: str
    accepted_at: datetime
    reason: str

    @classmethod
    def of(cls, made: Acceptance) -> "AcceptanceAnswer":
        return cls(rule=made.id, rule_version=made.version, accepted_by=made.accepted_by, accepted_at=made.accepted_at, reason=made.reason)


class AcceptancesAnswer(Answer):
    acceptances: list[AcceptanceAnswer]


# --- intake and reading ----------------------------------------------------------------------------------------------------------------


@routes.post(
    "/requests", scope="requests:receive", body=RequestBody, answer=RequestAnswer, status=201,
    other_status=200, summary="Take in a person's request", replay=True,
    errors=(Conflict,),
)  # fmt: skip
def receive(call: Call, body: RequestBody) -> Reply:
    """A second request of the same person and kind while the first is open is the first: 200, `duplicate`."""
    taken = call.app.requests.receive(call.actor, body.command(), request_id=call.request_id)
    answer = RequestAnswer.of(taken.shown, duplicate=taken.duplicate)
    return Reply(answer, status=200 if taken.duplicate else 201, headers={"Location": f"/api/v1/requests/{answer.id}"})


@routes.get("/requests", scope="requests:read", query=RequestsQuery, answer=RequestsAnswer, summary="Requests, the earliest target first")
def list_requests(call: Call) -> RequestsAnswer:
    query: RequestsQuery = call.query
    page = call.app.requests.asked(query.state, query.kind, query.due, query.after or "", query.limit)
    found = call.app.requests.page(call.actor, page)
    more = found[-1].request.id if len(found) == query.limit else ""
    return RequestsAnswer(requests=list(map(RequestAnswer.of, found)), next=more)


@routes.get("/requests/reasons", scope="requests:read", answer=ReasonsAnswer, summary="The grounds on which a request may be refused today")
def list_reasons(call: Call) -> ReasonsAnswer:
    shown = [
        RefusalReasonAnswer(
            id=each.id,
            en=each.en,
            zh=each.zh,
            regimes=list(each.regimes),
            article=each.article,
            status=each.status,
            source=each.source,
            checked_on=each.checked_on,
        )
        for each in call.app.requests.reasons(call.actor)
    ]
    return ReasonsAnswer(reasons=shown)


@routes.get("/requests/<request>", scope="requests:read", answer=RequestAnswer, summary="One request with its deadlines", errors=(NotFound,))
def get_request(call: Call, request: str) -> RequestAnswer:
    requests = call.app.requests
    shown = requests.get(call.actor, request)
    code = requests.identity.code_of(shown.request)
    told = _code(code, requests.identity.attempts_left(code)) if code else None
    reached = requests.identity.reached(shown.request)
    return RequestAnswer.of(shown, code=told, package=requests.packages.state(call.actor, request), reached=reached)


@routes.get("/requests/<request>/file", scope="requests:write", answer=FileAnswer, summary="What the person wrote", errors=(NotFound,))
def read_file(call: Call, request: str) -> FileAnswer:
    return FileAnswer.of(*call.app.requests.file(call.actor, request, request_id=call.request_id))


@routes.get("/requests/<request>/timeline", scope="requests:read", answer=TimelineAnswer, summary="Every step, who and why", errors=(NotFound,))
def timeline(call: Call, request: str) -> TimelineAnswer:
    shown, steps, clocks = call.app.requests.timeline(call.actor, request)
    deadlines = [PastClockAnswer(**ClockAnswer.of(clock).model_dump(), generation=generation) for generation, clock in clocks]
    return TimelineAnswer(request=RequestAnswer.of(shown), steps=list(map(StepAnswer.of, steps)), deadlines=deadlines)


@routes.get("/deadlines/acceptances", scope="requests:read", answer=AcceptancesAnswer, summary="Rules of law that were accepted unverified")
def list_acceptances(call: Call) -> AcceptancesAnswer:
    return AcceptancesAnswer(acceptances=list(map(AcceptanceAnswer.of, call.app.acceptance.list(call.actor))))


@routes.post(
    "/deadlines/acceptances",
    scope="requests:write",
    body=AcceptanceBody,
    answer=AcceptanceAnswer,
    status=201,
    summary="Accept a rule of law that is to be verified, by name",
    replay=True,
    errors=(NotFound, Conflict),
)
def accept_rule(call: Call, body: AcceptanceBody) -> AcceptanceAnswer:
    return AcceptanceAnswer.of(call.app.acceptance.accept(call.actor, body.rule, body.rule_version, body.reason, request_id=call.request_id))


# --- identity --------------------------------------------------------------------------------------------------------------------------


@routes.post(
    "/requests/<request>/identifiers", scope="requests:receive", body=IdentifiersBody, answer=RequestAnswer, summary="Add identifiers the person gave later",
    replay=True, errors=(NotFound, Conflict),
)  # fmt: skip
def add_identifiers(call: Call, body: IdentifiersBody, request: str) -> RequestAnswer:
    identifiers = [each.identifier() for each in body.identifiers]
    return RequestAnswer.of(call.app.requests.identify(call.actor, request, identifiers, request_id=call.request_id))


@routes.post(
    "/requests/<request>/identity", scope="requests:receive", body=IdentityBody, answer=AskedAnswer, summary="Send a one-time code to a contact on file",
    errors=(NotFound, Conflict, TooManyAttempts, ConnectorUnavailable),
)  # fmt: skip
def ask_identity(call: Call, body: IdentityBody, request: str) -> AskedAnswer:
    asked = call.app.requests.identity.ask(call.actor, request, body.channel or "", request_id=call.request_id)
    return AskedAnswer(request=asked.request.id, state=asked.request.state, channel=asked.channel, sent_to=asked.shown, expires_at=asked.expires_at)


@routes.post(
    "/requests/<request>/verify", scope="requests:write", body=VerifyBody, answer=RequestAnswer, summary="Accept a code, or attest an identity",
    errors=(NotFound, Conflict, StepUpRequired, AccessDenied, ConnectorUnavailable),
)  # fmt: skip
def verify(call: Call, body: VerifyBody, request: str) -> RequestAnswer:
    identity, attested = call.app.requests.identity, body.attestation is not None and body.evidence is not None
    if body.code is not None and body.attestation is None and body.evidence is None and not body.subjects:
        identity.verify(call.actor, request, Plaintext(body.code), request_id=call.request_id)
    elif attested and body.code is None:
        assert body.attestation is not None and body.evidence is not None
        named = [SubjectRef.parse(each) for each in body.subjects]
        identity.attest(call.actor, request, body.attestation, Plaintext(body.evidence), named, request_id=call.request_id)
    else:
        raise InvalidInput(f"Send either `code`, or `attestation` ({', '.join(ATTESTATIONS)}) with `evidence` and, where needed, `subjects`.", pointer="/")
    return RequestAnswer.of(call.app.requests.shown(call.actor, request))


# --- acts of people --------------------------------------------------------------------------------------------------------------------


@routes.post(
    "/requests/<request>/refuse", scope="requests:write", body=RefuseBody, answer=RefusalAnswer, summary="Refuse, on a ground of law", replay=True,
    errors=(NotFound, Conflict),
)  # fmt: skip
def refuse(call: Call, body: RefuseBody, request: str) -> RefusalAnswer:
    return RefusalAnswer.of(*call.app.requests.refuse(call.actor, request, body.reason, _plaintext(body.note), request_id=call.request_id))


@routes.post(
    "/requests/<request>/extend", scope="requests:write", body=ExtendBody, answer=RequestAnswer, summary="Extend the deadline, after telling the person",
    replay=True, errors=(NotFound, Conflict),
)  # fmt: skip
def extend(call: Call, body: ExtendBody, request: str) -> RequestAnswer:
    note = _plaintext(body.note)
    return RequestAnswer.of(call.app.requests.extend(call.actor, request, body.reason, body.notified_at, note, request_id=call.request_id))


@routes.post(
    "/requests/<request>/hold", scope="requests:write", body=HoldBody, answer=RequestAnswer, summary="Stop work on a request", replay=True,
    errors=(NotFound, Conflict),
)  # fmt: skip
def hold(call: Call, body: HoldBody, request: str) -> RequestAnswer:
    return RequestAnswer.of(call.app.requests.hold(call.actor, request, body.reason, _plaintext(body.note), request_id=call.request_id))


@routes.post(
    "/requests/<request>/release", scope="requests:write", body=NoteBody, answer=RequestAnswer, summary="End a hold", replay=True, errors=(NotFound, Conflict)
)
def release(call: Call, body: NoteBody, request: str) -> RequestAnswer:
    return RequestAnswer.of(call.app.requests.release(call.actor, request, _plaintext(body.note), request_id=call.request_id))


@routes.post(
    "/requests/<request>/withdraw", scope="requests:write", body=NoteBody, answer=RequestAnswer, summary="The person takes the request back", replay=True,
    errors=(NotFound, Conflict),
)  # fmt: skip
def withdraw_request(call: Call, body: NoteBody, request: str) -> RequestAnswer:
    return RequestAnswer.of(call.app.requests.withdraw(call.actor, request, _plaintext(body.note), request_id=call.request_id))


@routes.post(
    "/requests/<request>/close", scope="requests:write", body=CloseBody, answer=RequestAnswer, summary="Record what people answered", replay=True,
    errors=(NotFound, Conflict, OnHold),
)  # fmt: skip
def close(call: Call, body: CloseBody, request: str) -> RequestAnswer:
    note = Plaintext(body.note)
    return RequestAnswer.of(call.app.requests.close(call.actor, request, body.outcome, note, _plaintext(body.evidence), request_id=call.request_id))


# --- erasure ---------------------------------------------------------------------------------------------------------------------------


@routes.post(
    "/requests/<request>/plan", scope="requests:write", answer=PlanAnswer, summary="Plan an erasure: which rows, what happens to them",
    errors=(NotFound, Conflict, OnHold, ConnectorUnavailable),
)  # fmt: skip
def plan(call: Call, request: str) -> PlanAnswer:
    return PlanAnswer.of(call.app.requests.erasing.plan(call.actor, request, request_id=call.request_id))


@routes.get("/requests/<request>/plan", scope="requests:read", answer=PlanAnswer, summary="The plan as it stands", errors=(NotFound,))
def get_plan(call: Call, request: str) -> PlanAnswer:
    return PlanAnswer.of(call.app.requests.erasing.shown(call.actor, request))


@routes.post(
    "/requests/<request>/approve", scope="requests:approve", body=ApproveBody, answer=PlanAnswer, status=202, summary="Approve exactly this plan",
    errors=(NotFound, Conflict, OnHold, StepUpRequired, AccessDenied),
)  # fmt: skip
def approve(call: Call, body: ApproveBody, request: str) -> PlanAnswer:
    return PlanAnswer.of(call.app.requests.erasing.approve(call.actor, request, body.plan_hash, request_id=call.request_id))


@routes.get("/requests/<request>/certificate", scope="requests:read", produces="application/json", summary="The signed certificate", errors=(NotFound,))
def certificate(call: Call, request: str) -> Binary:
    text = call.app.requests.erasing.certificate(call.actor, request, request_id=call.request_id)
    return Binary(text, "application/json", filename=f"certificate-{request}.json")


@routes.get("/requests/<request>/certificates", scope="requests:read", answer=CertificatesAnswer, summary="Every certificate, newest first", errors=(NotFound,))
def certificates(call: Call, request: str) -> CertificatesAnswer:
    found = call.app.requests.erasing.certificates(call.actor, request, request_id=call.request_id)
    return CertificatesAnswer(certificates=list(map(CertificateAnswer.of, found)))


# --- packages --------------------------------------------------------------------------------------------------------------------------


@routes.post(
    "/requests/<request>/package", scope="requests:write", answer=MadeAnswer, status=201,
    other_status=202, summary="Put together what is handed to the person",
    errors=(NotFound, Conflict, OnHold, ConnectorUnavailable),
)  # fmt: skip
def make_package(call: Call, request: str) -> Reply:
    made = call.app.requests.packages.make(call.actor, request, request_id=call.request_id)
    job = made.job.id if made.job else None
    reached = ReachedAnswer.all(made.request, call.app.requests.identity.reached(made.request))
    answer = MadeAnswer(request=request, state=made.request.state, package=PackageAnswer.of(made.package), job=job, reached=reached)
    return Reply(answer, status=202 if job else 201, headers={"Location": f"/api/v1/jobs/{job}" if job else f"/api/v1/requests/{request}/package"})


@routes.get(
    "/requests/<request>/package",
    scope="requests:write",
    produces="application/zip",
    summary="Download the package, once",
    errors=(NotFound, Conflict),
    once=True,
)
def read_package(call: Call, request: str) -> Binary:
    package, chunks = call.app.requests.packages.read(call.actor, request, request_id=call.request_id)
    headers = {"Content-Length": str(package.size), "Cache-Control": "no-store"}
    return Binary(chunks, "application/zip", filename=f"package-{request}.zip", headers=headers)


def _plaintext(text: str | None) -> Plaintext | None:
    return None if text is None else Plaintext(text)


def _limit(limit: date | datetime) -> str:
    return limit.isoformat()


def _code(code: Code, left: int) -> CodeAnswer:
    return CodeAnswer(state=code.state.value, channel=code.channel, sent_at=code.sent_at, expires_at=code.expires_at, attempts_left=left)
