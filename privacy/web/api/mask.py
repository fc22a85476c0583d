"""Masking: the one way by which records and texts come out, each value clear, masked or withheld, with a reason for every one."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from privacy.access.reasons import Reason
from privacy.access.requests import ItemError, MaskedBatch, MaskedTexts, MaskRecords, MaskTexts, TextItem
from privacy.kernel.errors import AuditUnavailable, InvalidInput, PayloadTooLarge
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.web.endpoint import ONE_WORD, Answer, Body, Call, Routes, SubjectText, form

routes = Routes("mask")

Word = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", min_length=1, max_length=256), form(ONE_WORD)]
"""A name in any script. One that nobody knows is no fault of form: it is answered with everything withheld and the remedy."""


class TextBody(Body):
    """A free text and, where known, whom it is about."""

    text: str
    subject: SubjectText | None = None


class MaskBody(Body):
    """`records` of a `dataset`, or `texts`; not both.

    `purpose` may be left out by a client registered for exactly one. `recipient` names who gets the data; without one it is for internal use.
    `subject_field` names the field that holds each subject's key, where the data map does not say.
    """

    dataset: Word | None = None
    purpose: Word | None = None
    recipient: Word | None = None
    subject_field: Word | None = None
    records: Annotated[list[Any], Field(max_length=100_000)] | None = None
    texts: Annotated[list[str | TextBody], Field(max_length=100_000)] | None = None


class ReasonAnswer(Answer):
    """Why, in English and Chinese. `rule` is the deciding row of the policy, `pointer` the first place in the request that it is about."""

    code: str
    text: str
    text_zh: str
    rule: str | None
    pointer: str | None
    policy_version: int


class DecisionAnswer(Answer):
    """`effect` is clear, masked or withheld; `reason` the place in `reasons`."""

    effect: str
    technique: str
    reason: int


class ItemErrorAnswer(Answer):
    pointer: str
    code: str
    detail: str


class SpanAnswer(Answer):
    """A found piece: its place in the text that was sent and in the text that is returned, in code points."""

    start: int
    end: int
    masked_start: int
    masked_end: int
    entity: str
    effect: str
    technique: str
    reason: int


class MaskAnswer(Answer):
    """For records: `records` and `decisions` item by item (null and empty for an item in `errors`). For texts: `texts`, `text_decisions` and `spans`."""

    records: list[dict[str, Any] | None] | None = None
    decisions: list[dict[str, DecisionAnswer]] | None = None
    errors: list[ItemErrorAnswer] | None = None
    texts: list[str | None] | None = None
    text_decisions: list[DecisionAnswer] | None = None
    spans: list[list[SpanAnswer]] | None = None
    reasons: list[ReasonAnswer]
    policy_version: int


@routes.post(
    "/mask",
    scope="mask",
    body=MaskBody,
    answer=MaskAnswer,
    summary="Mask records or texts as the caller may see them",
    errors=(InvalidInput, PayloadTooLarge, AuditUnavailable),
)
def mask(call: Call, body: MaskBody) -> dict[str, object]:
    if (body.records is None) == (body.texts is None):
        raise InvalidInput("Give records or texts, one of the two.", pointer="/records")
    if body.texts is not None:
        return _texts(call.app.access.mask_texts(call.actor, _text_command(body), call.request_id))
    if body.dataset is None:
        raise InvalidInput("Records need the dataset they come from, as system.table: it says what each field holds.", pointer="/dataset")
    command = MaskRecords.of(body.dataset, body.purpose, body.records or [], body.recipient, body.subject_field)
    return _records(call.app.access.mask_records(call.actor, command, call.request_id))


def _text_command(body: MaskBody) -> MaskTexts:
    if body.subject_field is not None:
        raise InvalidInput("A text has no fields; name its subject with it: {text, subject}.", pointer="/subject_field")
    items = tuple(_text_item(place, text) for place, text in enumerate(body.texts or ()))
    return MaskTexts(body.purpose, items, body.recipient, body.dataset)


def _text_item(place: int, text: str | TextBody) -> TextItem:
    if isinstance(text, str):
        return TextItem(Plaintext(text))
    return TextItem(Plaintext(text.text), SubjectRef.parse(text.subject, f"/texts/{place}/subject") if text.subject else None)


def _records(batch: MaskedBatch) -> dict[str, object]:
    # plain data, not models: a thousand records of twenty fields would be validated cell by cell again
    return {
        "records": batch.records.reveal(),
        "decisions": batch.decisions,
        "errors": [shown_error(error) for error in batch.errors],
        "reasons": shown_reasons(batch.reasons, batch.policy_version),
        "policy_version": batch.policy_version,
    }


def _texts(batch: MaskedTexts) -> dict[str, object]:
    return {
        "texts": batch.texts.reveal(),
        "text_decisions": [asdict(decision) for decision in batch.decisions],
        "spans": [[asdict(span) for span in spans] for spans in batch.spans],
        "reasons": shown_reasons(batch.reasons, batch.policy_version),
        "policy_version": batch.policy_version,
    }


def shown_reasons(reasons: Iterable[Reason], policy_version: int) -> list[dict[str, object]]:
    """Return reasons as they stand in answers."""
    return [
        {
            "code": reason.code,
            "text": reason.en,
            "text_zh": reason.zh,
            "rule": reason.rule or None,
            "pointer": reason.pointer or None,
            "policy_version": policy_version,
        }
        for reason in reasons
    ]


def shown_error(error: ItemError) -> dict[str, object]:
    return {"pointer": error.pointer, "code": error.code, "detail": error.detail}
