"""The audit log for auditors: events, checkpoints, proofs, tiles in the C2SP layout, and bundles that verify offline."""

import base64
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from privacy.audit.events import Action, Outcome
from privacy.audit.export import ExportRequest
from privacy.audit.ports import EventFilter
from privacy.audit.trail import Page
from privacy.kernel.errors import AuditUnavailable, InvalidInput, NotFound
from privacy.kernel.ids import EventId
from privacy.kernel.terms import SubjectRef
from privacy.web.endpoint import Answer, Binary, Body, Call, JsonInt, Line, Query, Routes, SubjectText, When, form

routes = Routes("audit")
Index = Annotated[int, Field(ge=0, le=2**53 - 1)]
BodyIndex = Annotated[JsonInt, Field(ge=0, le=2**53 - 1)]
Generation = Annotated[int, Field(ge=1, le=10_000)]
EventText = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"), form("the id of an event, as GET /audit/events shows it")]


class LogQuery(Query):
    """Which of the tenant's logs; the newest where nothing is said. A log gets a successor only after a fork."""

    generation: Generation | None = None


class EventsQuery(LogQuery):
    """What to look for; everything given must hold. `before` is the `next` of the page before."""

    action: Action | None = None
    outcome: Outcome | None = None
    actor: Line = ""
    object_ref: Line = ""
    request_id: Line = ""
    since: When | None = None
    until: When | None = None
    before: Index | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class FilterBody(Body):
    """What to look for; everything given must hold. A subject is asked for here and never in an address."""

    actions: Annotated[list[Action], Field(max_length=100)] = Field(default_factory=list)
    outcome: Outcome | None = None
    actor: Line = ""
    object_ref: Line = ""
    request_id: Line = ""
    since: When | None = None
    until: When | None = None
    subject: SubjectText | None = None

    def wanted(self) -> EventFilter:
        actions = tuple(action.value for action in self.actions)
        return EventFilter(actions, self.outcome or "", self.actor, self.object_ref, self.request_id, self.since, self.until)

    def subject_ref(self) -> SubjectRef | None:
        return SubjectRef.parse(self.subject) if self.subject else None


class SearchBody(FilterBody):
    before: BodyIndex | None = None
    limit: Annotated[JsonInt, Field(ge=1, le=1000)] = 100


class ExportBody(FilterBody):
    """The entries from `first` to before `end` (all that are signed). What the filter leaves out stays in the range by its hash."""

    format: Literal["bundle", "csv"] = "bundle"
    first: BodyIndex = 0
    end: BodyIndex | None = None
    generation: Annotated[JsonInt, Field(ge=1, le=10_000)] | None = None


class EventsAnswer(Answer):
    """Signed entries, newest first, as logged, each with its `index`; `next` asks for the page after, null at the end."""

    events: list[dict[str, Any]]
    next: int | None

    @classmethod
    def of(cls, page: Page) -> "EventsAnswer":
        return cls(events=page.events, next=page.next)


class KeyAnswer(Answer):
    """The key to pin. Compare it with what the operator gave you by another way: a log cannot vouch for its own key."""

    vkey: str


class ProofQuery(Query):
    event: EventText


class ProofAnswer(Answer):
    """`entry` is the text whose UTF-8 bytes are logged; `proof` is a C2SP tlog-proof of it."""

    index: int
    entry: str
    proof: str


class DisclosedValue(Answer):
    """A value that an entry commits to: `commitment = base64url(HMAC-SHA-256(salt, ["field",value]))`; `salt` is base64."""

    field: str
    salt: str
    value: Any


class DisclosuresAnswer(Answer):
    """What is not erased yet of the values beside an entry."""

    disclosures: list[DisclosedValue]


class SubjectProofBody(Body):
    event: EventText
    subject: SubjectText


class SubjectRowAnswer(Answer):
    """One row of the entry's tree of subjects: row number, pseudonym, what was affected and how, salt, and the path to `subjects_root` (base64)."""

    n: int
    audit_ref: str
    fields: list[str]
    effect: str
    salt: str
    path: list[str]


class SubjectProofAnswer(Answer):
    """Empty when the event did not concern the subject, or the subject was erased."""

    rows: list[SubjectRowAnswer]


class ConsistencyQuery(LogQuery):
    old: Index


class ConsistencyAnswer(Answer):
    """RFC 6962 consistency proof, base64, from the log of `old` entries to that of `size` under `checkpoint`."""

    origin: str
    old: int
    size: int
    hashes: list[str]
    checkpoint: str


@routes.get("/audit/events", scope="audit:read", query=EventsQuery, answer=EventsAnswer, summary="Signed events, newest first", errors=(NotFound,))
def list_events(call: Call) -> EventsAnswer:
    query: EventsQuery = call.query
    actions = (query.action.value,) if query.action else ()
    wanted = EventFilter(actions, query.outcome or "", query.actor, query.object_ref, query.request_id, query.since, query.until)
    return EventsAnswer.of(call.app.trail.events(call.actor, wanted, before=query.before, limit=query.limit, generation=query.generation))


@routes.post(
    "/audit/events/search",
    scope="audit:read",
    body=SearchBody,
    answer=EventsAnswer,
    summary="Signed events, also by subject: who touched whose data",
    errors=(NotFound, AuditUnavailable),
    max_bytes=65536,
)
def search_events(call: Call, body: SearchBody) -> EventsAnswer:
    return EventsAnswer.of(call.app.trail.events(call.actor, body.wanted(), subject=body.subject_ref(), before=body.before, limit=body.limit))


@routes.get("/audit/checkpoint", scope="audit:read", query=LogQuery, produces="text/plain", summary="The newest signed checkpoint (C2SP)", errors=(NotFound,))
def get_checkpoint(call: Call) -> Binary:
    return Binary(call.app.trail.checkpoint(call.actor, call.query.generation).encode(), "text/plain; charset=utf-8")


@routes.get("/audit/key", scope="audit:read", query=LogQuery, answer=KeyAnswer, summary="The key of the log", errors=(NotFound,))
def get_key(call: Call) -> KeyAnswer:
    return KeyAnswer(vkey=call.app.trail.vkey(call.actor, call.query.generation))


@routes.get("/audit/proof", scope="audit:read", query=ProofQuery, answer=ProofAnswer, summary="One entry with its inclusion proof", errors=(NotFound,))
def get_proof(call: Call) -> ProofAnswer:
    proof = call.app.trail.proof(call.actor, EventId(call.query.event))
    return ProofAnswer(index=proof.index, entry=proof.entry.decode(), proof=proof.proof)


@routes.get(
    "/audit/disclosures",
    scope="audit:export",
    query=ProofQuery,
    answer=DisclosuresAnswer,
    summary="The free text an entry commits to; asking is an event",
    errors=(NotFound, AuditUnavailable),
)
def get_disclosures(call: Call) -> DisclosuresAnswer:
    opened = call.app.trail.disclosed(call.actor, EventId(call.query.event))
    return DisclosuresAnswer(disclosures=[DisclosedValue(field=field, salt=_b64(salt), value=value) for field, (salt, value) in sorted(opened.items())])


@routes.post(
    "/audit/subject-proof",
    scope="audit:export",
    body=SubjectProofBody,
    answer=SubjectProofAnswer,
    summary="What an event did with one subject's fields, provably; asking is an event",
    errors=(NotFound, AuditUnavailable),
    max_bytes=4096,
)
def prove_subject(call: Call, body: SubjectProofBody) -> SubjectProofAnswer:
    found = call.app.trail.subject_proof(call.actor, EventId(body.event), SubjectRef.parse(body.subject))
    return SubjectProofAnswer(
        rows=[
            SubjectRowAnswer(
                n=row.n, audit_ref=_b64(row.audit_ref), fields=list(row.fields), effect=row.effect, salt=_b64(row.salt), path=[_b64(item) for item in row.path]
            )
            for row in found
        ]
    )


@routes.get(
    "/audit/consistency",
    scope="audit:read",
    query=ConsistencyQuery,
    answer=ConsistencyAnswer,
    summary="Proof that the log only grew since an older checkpoint",
    errors=(NotFound, InvalidInput),
)
def get_consistency(call: Call) -> ConsistencyAnswer:
    proof = call.app.trail.consistency(call.actor, call.query.old, call.query.generation)
    hashes = [_b64(item) for item in proof.hashes]
    return ConsistencyAnswer(origin=proof.origin, old=proof.old, size=proof.size, hashes=hashes, checkpoint=proof.checkpoint)


@routes.get(
    "/audit/tile/<path:path>",
    scope="audit:read",
    query=LogQuery,
    produces="application/octet-stream",
    summary="A tile of hashes or a bundle of entries (C2SP tlog-tiles)",
    errors=(NotFound, InvalidInput),
)
def get_tile(call: Call, path: str) -> Binary:
    return Binary(call.app.trail.tile(call.actor, path, call.query.generation), "application/octet-stream")


@routes.post(
    "/audit/exports",
    scope="audit:export",
    body=ExportBody,
    produces=("application/octet-stream", "text/csv"),
    summary="A bundle that verifies offline, or its view as CSV",
    errors=(NotFound, InvalidInput, AuditUnavailable),
    max_bytes=65536,
)
def export(call: Call, body: ExportBody) -> Binary:
    request = ExportRequest(body.first, body.end, body.wanted(), body.subject_ref(), body.generation)
    if body.format == "csv":
        return Binary(call.app.exporter.view(call.actor, request, request_id=call.request_id), "text/csv; charset=utf-8", "audit.csv")
    return Binary(call.app.exporter.bundle(call.actor, request, request_id=call.request_id), "application/octet-stream", "audit.bundle")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
