"""Decisions without values, and their explanation."""

from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field

from privacy.access.requests import DecisionItem, Explain
from privacy.kernel.errors import AccessDenied, AuditUnavailable, InvalidInput
from privacy.kernel.terms import SubjectRef
from privacy.web.api.mask import DecisionAnswer, ReasonAnswer, Word, shown_reasons
from privacy.web.endpoint import Answer, Body, Call, Name, Routes, SubjectText

routes = Routes("decisions")

ActionWord = Literal["mask", "reveal", "protect", "index"]


class DecisionQuestion(Body):
    """May the caller do this with that field, of this subject where one is named?"""

    dataset: Word
    field: Word
    purpose: Word | None = None
    recipient: Word | None = None
    subject: SubjectText | None = None
    action: ActionWord = "mask"


class DecisionsBody(Body):
    items: Annotated[list[DecisionQuestion], Field(max_length=100_000)]


class DecisionsAnswer(Answer):
    """One decision per item, in order."""

    items: list[DecisionAnswer]
    reasons: list[ReasonAnswer]
    policy_version: int


class ExplainBody(Body):
    """Who would see which field for a purpose, and why. No `roles`: every role; no `fields`: every field of the dataset.

    `all_rows` lists also the rows that do not fit and why; `oracle` adds what Casbin answers over the same rows.
    """

    dataset: Word
    purpose: Word | None = None
    recipient: Word | None = None
    action: ActionWord = "mask"
    roles: Annotated[list[Name], Field(max_length=50)] = Field(default_factory=list)
    fields: Annotated[list[Word], Field(max_length=500)] = Field(default_factory=list)
    subject: SubjectText | None = None
    all_rows: bool = False
    oracle: bool = False

    def question(self) -> Explain:
        subject = SubjectRef.parse(self.subject) if self.subject else None
        roles, fields = frozenset(self.roles), frozenset(self.fields)
        return Explain(self.dataset, self.purpose, self.recipient, self.action, roles, fields, subject, self.all_rows, self.oracle)


class RowAnswer(Answer):
    """A row that was looked at. `outcome`: decides, its condition does not hold, comes later, or the column that does not fit."""

    row: str
    priority: int
    condition: str
    effect: str
    technique: str
    outcome: str


class ExplainedAnswer(Answer):
    role: str
    field: str
    category: str
    effect: str
    technique: str
    reason: int
    rows: list[RowAnswer]
    oracle: str


class ExplainAnswer(Answer):
    fields: list[ExplainedAnswer]
    reasons: list[ReasonAnswer]
    policy_version: int


@routes.post(
    "/decisions",
    scope="decide",
    body=DecisionsBody,
    answer=DecisionsAnswer,
    summary="Decide without values",
    errors=(InvalidInput, AuditUnavailable),
)
def decide(call: Call, body: DecisionsBody) -> dict[str, object]:
    items = [_item(place, question) for place, question in enumerate(body.items)]
    batch = call.app.access.decide(call.actor, items, call.request_id)
    return {
        "items": [asdict(item) for item in batch.items],
        "reasons": shown_reasons(batch.reasons, batch.policy_version),
        "policy_version": batch.policy_version,
    }


def _item(place: int, asked: DecisionQuestion) -> DecisionItem:
    subject = SubjectRef.parse(asked.subject, f"/items/{place}/subject") if asked.subject else None
    return DecisionItem(asked.dataset, asked.field, asked.purpose, asked.recipient, subject, asked.action)


@routes.post(
    "/explain",
    scope="explain",
    body=ExplainBody,
    answer=ExplainAnswer,
    summary="Who sees which field, and why",
    errors=(InvalidInput, AccessDenied, AuditUnavailable),
)
def explain(call: Call, body: ExplainBody) -> dict[str, object]:
    explained = call.app.access.explain(call.actor, body.question(), call.request_id)
    return {
        "fields": [asdict(field) for field in explained.fields],
        "reasons": shown_reasons(explained.reasons, explained.policy_version),
        "policy_version": explained.policy_version,
    }
