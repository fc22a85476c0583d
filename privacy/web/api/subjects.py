"""Whose identifiers these are, who is one person, and what people decide where machines must not. Identifiers travel in bodies, never in addresses."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from privacy.kernel.errors import Conflict, ConnectorUnavailable, NotFound
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.subjects.model import Contact, Doubt, Identifier, IdentifierKind, Match, Person, Resolution, Review, ReviewState
from privacy.subjects.resolving import MOST_IDENTIFIERS
from privacy.web.endpoint import ONE_LINE, Answer, Body, Call, Line, Query, Routes, SubjectText, form

routes = Routes("subjects")

NeededLine = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", min_length=1, max_length=512), form(ONE_LINE)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Kind = Literal["email", "phone", "resident_id", "login", "member_card", "subject", "name"]
Subjects = Annotated[list[SubjectText], Field(max_length=50)]


class IdentifierBody(Body):
    """One thing a person says about themselves. A login or a card needs its scope."""

    kind: Kind
    value: NeededLine
    scope: Line = ""

    def identifier(self) -> Identifier:
        return Identifier(IdentifierKind(self.kind), Plaintext(self.value), self.scope)


class ResolveBody(Body):
    identifiers: Annotated[list[IdentifierBody], Field(min_length=1, max_length=MOST_IDENTIFIERS)]


class MatchAnswer(Answer):
    """A subject that an identifier led to: by which field, never by which value."""

    subject: str
    dataset: str
    field: str
    kind: IdentifierKind
    how: str

    @classmethod
    def of(cls, match: Match) -> "MatchAnswer":
        return cls(subject=str(match.subject), dataset=match.dataset, field=match.field, kind=match.kind, how=match.reach.value)


class DoubtAnswer(Answer):
    """Why something was not linked. `unreachable` means that nothing is known about that system."""

    reason: str
    dataset: str
    field: str
    kind: IdentifierKind
    subjects: list[str]

    @classmethod
    def of(cls, doubt: Doubt) -> "DoubtAnswer":
        return cls(reason=doubt.reason, dataset=doubt.dataset, field=doubt.field, kind=doubt.kind, subjects=list(map(str, doubt.subjects)))


class ResolutionAnswer(Answer):
    """Whose the identifiers are. With `several_people` they contradict each other, and nobody may be acted on."""

    subjects: list[str]
    matches: list[MatchAnswer]
    doubts: list[DoubtAnswer]
    several_people: bool

    @classmethod
    def of(cls, found: Resolution) -> "ResolutionAnswer":
        return cls(
            subjects=list(map(str, found.subjects)),
            matches=list(map(MatchAnswer.of, found.matches)),
            doubts=list(map(DoubtAnswer.of, found.doubts)),
            several_people=found.several_people,
        )


class SubjectBody(Body):
    subject: SubjectText


class ContactAnswer(Answer):
    """A way to reach the subject that is on file, as it may be shown."""

    kind: IdentifierKind
    masked: str
    dataset: str
    field: str

    @classmethod
    def of(cls, contact: Contact) -> "ContactAnswer":
        return cls(kind=contact.kind, masked=contact.masked, dataset=contact.dataset, field=contact.field)


class PersonAnswer(Answer):
    """The subjects that people said are one person. `id` is null where the subject stands alone."""

    id: str | None
    subjects: list[str]
    contacts: list[ContactAnswer]

    @classmethod
    def of(cls, person: Person | None, asked: SubjectRef | None = None, contacts: list[Contact] | None = None) -> "PersonAnswer":
        subjects = person.subjects if person else (asked,) if asked else ()
        return cls(id=person.id if person else None, subjects=list(map(str, subjects)), contacts=list(map(ContactAnswer.of, contacts or [])))


class LinkBody(Body):
    """Subjects that are one person; `evidence` says how that is known, without values."""

    subjects: Annotated[Subjects, Field(min_length=2)]
    evidence: Annotated[Line, Field(max_length=200)] = ""


class ReviewsQuery(Query):
    state: ReviewState | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 200


class ReviewAnswer(Answer):
    """A doubt that a person settles. `anchors` were found by strong identifiers, `subjects` are in doubt; erased ones are left out of both."""

    id: str
    reason: str
    dataset: str
    field: str
    kind: IdentifierKind
    state: ReviewState
    count: int
    anchors: list[str]
    subjects: list[str]
    created_at: datetime
    decided_by: str
    decided_at: datetime | None
    note: str

    @classmethod
    def of(cls, review: Review) -> "ReviewAnswer":
        values = {name: getattr(review, name) for name in cls.model_fields}
        return cls(**values | {"anchors": list(map(str, review.anchors)), "subjects": list(map(str, review.subjects))})


class ReviewsAnswer(Answer):
    reviews: list[ReviewAnswer]


class DecideBody(Body):
    """`same` links the subjects (those named, or all), `different` keeps machines from linking them, `dismissed` leaves it at that."""

    decision: Literal["same", "different", "dismissed"]
    note: Note
    subjects: Subjects = Field(default_factory=list)


@routes.post("/subjects/resolve", scope="requests:receive", body=ResolveBody, answer=ResolutionAnswer, summary="Find whose identifiers these are")
def resolve(call: Call, body: ResolveBody) -> ResolutionAnswer:
    return ResolutionAnswer.of(call.app.subjects.resolve(call.actor, [each.identifier() for each in body.identifiers], request_id=call.request_id))


@routes.post(
    "/subjects/person", scope="requests:read", body=SubjectBody, answer=PersonAnswer, summary="Whom a subject is linked with, and contacts on file, masked",
    errors=(ConnectorUnavailable,),
)  # fmt: skip
def person(call: Call, body: SubjectBody) -> PersonAnswer:
    subject = SubjectRef.parse(body.subject)
    return PersonAnswer.of(*_shown(call, subject))


@routes.post("/subjects/link", scope="requests:write", body=LinkBody, answer=PersonAnswer, summary="Say that subjects are one person")
def link(call: Call, body: LinkBody) -> PersonAnswer:
    return PersonAnswer.of(call.app.subjects.link(call.actor, _refs(body.subjects), evidence=body.evidence, request_id=call.request_id))


@routes.post("/subjects/unlink", scope="requests:write", body=SubjectBody, status=204, summary="Take a subject out of its person", errors=(NotFound,))
def unlink(call: Call, body: SubjectBody) -> None:
    call.app.subjects.unlink(call.actor, SubjectRef.parse(body.subject), request_id=call.request_id)


@routes.get("/subjects/reviews", scope="requests:read", query=ReviewsQuery, answer=ReviewsAnswer, summary="What is in doubt, oldest first")
def reviews(call: Call) -> ReviewsAnswer:
    query: ReviewsQuery = call.query
    found = call.app.subjects.reviews(call.actor, state=query.state or ReviewState.OPEN, limit=query.limit)
    return ReviewsAnswer(reviews=list(map(ReviewAnswer.of, found)))


@routes.post("/subjects/reviews/<review>", scope="requests:write", body=DecideBody, answer=ReviewAnswer, summary="Settle a doubt", errors=(NotFound, Conflict))
def decide(call: Call, body: DecideBody, review: str) -> ReviewAnswer:
    decision = ReviewState(body.decision)
    return ReviewAnswer.of(call.app.subjects.decide(call.actor, review, decision, body.note, subjects=_refs(body.subjects), request_id=call.request_id))


def _shown(call: Call, subject: SubjectRef) -> tuple[Person | None, SubjectRef, list[Contact]]:
    found, contacts = call.app.subjects.show(call.actor, subject, request_id=call.request_id)
    return found, subject, contacts


def _refs(texts: list[str]) -> list[SubjectRef]:
    return [SubjectRef.parse(text, f"/subjects/{number}") for number, text in enumerate(texts)]
