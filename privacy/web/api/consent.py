"""Notices, consents, withdrawals, questions and receipts.

A person's own link (withdraw without an operator) comes with the public page; it will call `ConsentService.withdraw` like these routes.
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from privacy.consent.model import ConsentStatus, Evidence, Giving, Notice, NoticeContent, Question, Withdrawing
from privacy.consent.service import MOST_QUESTIONS
from privacy.kernel.errors import Conflict, InvalidInput, NotFound, PrivacyError
from privacy.kernel.terms import SubjectRef
from privacy.web.api.catalogue import Id, Ids
from privacy.web.endpoint import ONE_LINE, Answer, Body, Call, JsonInt, Line, Query, Reply, Routes, SubjectText, When, form

routes = Routes("consent")

Version = Annotated[JsonInt, Field(ge=1, le=2**31 - 1)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$"), form("a language tag, for example en, zh or zh-Hant")]
NeededLine = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", min_length=1, max_length=512), form(ONE_LINE)]


class NoticeBody(Body):
    """The next version of a notice: for machines, and the text for people in each language."""

    id: Id
    controller: Id
    purposes: Annotated[Ids, Field(min_length=1)]
    scope: NeededLine
    method: NeededLine
    period: NeededLine
    categories: Annotated[Ids, Field(min_length=1)]
    recipients: Ids = Field(default_factory=list)
    contact: Line = ""
    valid_for: Line = ""
    texts: Annotated[dict[Language, str], Field(min_length=1, max_length=50)]

    def content(self) -> NoticeContent:
        values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in self.model_dump().items()}
        return NoticeContent(**values)


class NoticeAnswer(Answer):
    """A published version. Consent given under a version before `material_since` has to be asked for again."""

    id: str
    version: int
    material_since: int
    digest: str
    published_at: datetime
    published_by: str
    controller: str
    purposes: list[str]
    scope: str
    method: str
    period: str
    categories: list[str]
    recipients: list[str]
    contact: str
    valid_for: str
    texts: dict[str, str]

    @classmethod
    def of(cls, notice: Notice) -> "NoticeAnswer":
        content = notice.content
        return cls(
            id=content.id,
            version=notice.version,
            material_since=notice.material_since,
            digest=notice.digest,
            published_at=notice.published_at,
            published_by=notice.published_by,
            controller=content.controller,
            purposes=list(content.purposes),
            scope=content.scope,
            method=content.method,
            period=content.period,
            categories=list(content.categories),
            recipients=list(content.recipients),
            contact=content.contact,
            valid_for=content.valid_for,
            texts=dict(content.texts),
        )


class NoticesAnswer(Answer):
    notices: list[NoticeAnswer]


class NoticeQuery(Query):
    """`version` names an older version; without it the newest is meant."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class EvidenceBody(Body):
    """Where the proof lies: kind is form, recording, log or other. The reference is kept sealed."""

    kind: Line
    reference: NeededLine


class ConsentBody(Body):
    """A person agrees, after reading a version of a notice in a language."""

    subject: SubjectText
    purpose: Id
    notice: Id
    notice_version: Version
    language: Language
    method: Line = "api"
    recipient: Id | None = None
    channel: Line | None = None
    at: When | None = None
    expires_at: When | None = None
    evidence: EvidenceBody | None = None
    guardian: bool = False
    reference: Line | None = None

    def command(self) -> Giving:
        return Giving(
            SubjectRef.parse(self.subject),
            self.purpose,
            self.notice,
            self.notice_version,
            self.language,
            self.method,
            self.recipient or "",
            self.channel or "",
            self.at,
            self.expires_at,
            Evidence(self.evidence.kind, self.evidence.reference) if self.evidence else None,
            self.guardian,
            self.reference or "",
        )


class WithdrawalBody(Body):
    """A person takes consent back. Only subject and purpose are needed; without recipient and channel all of them are meant."""

    subject: SubjectText
    purpose: Id
    recipient: Line | None = None
    channel: Line | None = None
    method: Line = "api"
    at: When | None = None
    reference: Line | None = None

    def command(self) -> Withdrawing:
        subject = SubjectRef.parse(self.subject)
        return Withdrawing(subject, self.purpose, self.recipient or "", self.channel or "", self.method, self.at, self.reference or "")


class ReceiptAnswer(Answer):
    """What was agreed or withdrawn, by the fields of ISO/IEC TS 27560. `digest` covers all but subject, evidence_reference and itself."""

    format: str
    receipt_id: str
    tenant: str
    act: str
    at: str
    recorded_at: str
    expires_at: str | None
    purpose: dict[str, Any]
    controller: dict[str, Any]
    recipient: dict[str, Any] | None
    channel: str | None
    notice: dict[str, Any] | None
    collection: dict[str, Any]
    withdrawal: str
    subject: str | None
    evidence_reference: str | None
    digest: str


_NO_WORD = "\0"  # what is no text at all is in no catalogue, and is answered like any other unknown word


class QuestionBody(Body):
    """May this subject's data be used for this purpose, by this recipient, over this channel? All are texts.

    A subject that is not written system:type:key, or any other part that cannot be understood, is an error of this item only.
    """

    subject: Any = None
    purpose: Any = None
    recipient: Any = None
    channel: Any = None

    def question(self) -> Question:
        return Question(self._subject(), _word(self.purpose), _word(self.recipient), _word(self.channel))

    def _subject(self) -> SubjectRef:
        try:
            return SubjectRef.parse(_word(self.subject))
        except InvalidInput:
            return SubjectRef("", "", "")  # which nobody is: refused, in its place, with the right spelling


def _word(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else _NO_WORD


class CheckBody(Body):
    items: Annotated[list[QuestionBody], Field(max_length=MOST_QUESTIONS)]


class ItemProblem(Answer):
    code: str
    detail: str


class StatusAnswer(Answer):
    """`state` is given, withdrawn, expired or never; only `given` allows anything. A question that cannot be understood has `error` instead."""

    state: str | None = None
    at: datetime | None = None
    expires_at: datetime | None = None
    receipt: str | None = None
    reason: str | None = None
    error: ItemProblem | None = None

    @classmethod
    def of(cls, answer: ConsentStatus | PrivacyError) -> "StatusAnswer":
        if isinstance(answer, PrivacyError):
            return cls(error=ItemProblem(code=answer.code, detail=answer.detail))
        return cls(state=answer.state.value, at=answer.at, expires_at=answer.expires_at, receipt=answer.receipt, reason=answer.reason)


class CheckAnswer(Answer):
    items: list[StatusAnswer]


@routes.get("/notices", scope="catalogue:read", answer=NoticesAnswer, summary="The newest version of every notice")
def list_notices(call: Call) -> NoticesAnswer:
    return NoticesAnswer(notices=[NoticeAnswer.of(notice) for notice in call.app.consent.notices(call.actor)])


@routes.get("/notices/<notice>", scope="catalogue:read", query=NoticeQuery, answer=NoticeAnswer, summary="One notice", errors=(NotFound,))
def get_notice(call: Call, notice: str) -> NoticeAnswer:
    return NoticeAnswer.of(call.app.consent.notice(call.actor, notice, call.query.version))


@routes.post(
    "/notices",
    scope="catalogue:write",
    body=NoticeBody,
    answer=NoticeAnswer,
    status=201,
    summary="Publish the next version of a notice",
    replay=True,
    errors=(Conflict,),
)
def publish_notice(call: Call, body: NoticeBody) -> NoticeAnswer:
    return NoticeAnswer.of(call.app.consent.publish(call.actor, body.content(), request_id=call.request_id))


@routes.post("/consents", scope="consent:write", body=ConsentBody, answer=ReceiptAnswer, status=201, summary="Record a consent", errors=(Conflict,))
def give(call: Call, body: ConsentBody) -> Reply:
    return _recorded(call.app.consent.give(call.actor, body.command(), request_id=call.request_id))


@routes.post(
    "/consents/withdraw", scope="consent:write", body=WithdrawalBody, answer=ReceiptAnswer, status=201, summary="Record a withdrawal", errors=(Conflict,)
)
def withdraw(call: Call, body: WithdrawalBody) -> Reply:
    return _recorded(call.app.consent.withdraw(call.actor, body.command(), request_id=call.request_id))


@routes.post("/consents/check", scope="consent:read", body=CheckBody, answer=CheckAnswer, summary="Ask whether consents hold, many at once, in order")
def check(call: Call, body: CheckBody) -> CheckAnswer:
    questions = [item.question() for item in body.items]
    return CheckAnswer(items=[StatusAnswer.of(answer) for answer in call.app.consent.check(call.actor, questions, request_id=call.request_id)])


@routes.get("/consents/<receipt>/receipt", scope="consent:read", answer=ReceiptAnswer, summary="A receipt", errors=(NotFound,))
def get_receipt(call: Call, receipt: str) -> ReceiptAnswer:
    return ReceiptAnswer.model_validate(call.app.consent.receipt(call.actor, receipt, request_id=call.request_id))


def _recorded(receipt: dict[str, Any]) -> Reply:
    return Reply(ReceiptAnswer(**receipt), headers={"Location": f"/api/v1/consents/{receipt['receipt_id']}/receipt"})
