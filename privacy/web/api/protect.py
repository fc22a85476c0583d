"""Protect, reveal and index: values to ciphertext, back, and to something that can be searched by. Answers item by item in order."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from privacy.access.requests import CipherBatch, CipherItem
from privacy.kernel.errors import AuditUnavailable, InvalidInput, NotFound, PrivacyError
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.web.api.mask import Word
from privacy.web.endpoint import Answer, Body, Call, Routes

routes = Routes("protect")


class ItemBody(Body):
    """One value of one field. A subject or a value that is wrong is an error of this item only; `value` is a text (a ciphertext for reveal)."""

    field: str
    value: Any
    subject: str | None = None


class ProtectBody(Body):
    """Items of one dataset. `purpose` is needed to reveal, unless the client is registered for exactly one."""

    dataset: Word
    purpose: Word | None = None
    recipient: Word | None = None
    items: Annotated[list[ItemBody], Field(max_length=100_000)]


class ErrorAnswer(Answer):
    code: str
    detail: str


class ProtectedAnswer(Answer):
    ciphertext: str | None = None
    error: ErrorAnswer | None = None


class RevealedAnswer(Answer):
    value: str | None = None
    error: ErrorAnswer | None = None


class IndexedAnswer(Answer):
    index: str | None = None
    error: ErrorAnswer | None = None


class ProtectAnswer(Answer):
    """Each item is a ciphertext or an error."""

    items: list[ProtectedAnswer]


class RevealAnswer(Answer):
    """Each item is a value or an error."""

    items: list[RevealedAnswer]


class IndexAnswer(Answer):
    """Each item is an index (a decimal number as text) or an error."""

    items: list[IndexedAnswer]


_ERRORS: tuple[type[PrivacyError], ...] = (InvalidInput, NotFound, AuditUnavailable)


@routes.post("/protect", scope="protect", body=ProtectBody, answer=ProtectAnswer, summary="Encrypt values, each under its subject's key", errors=_ERRORS)
def protect(call: Call, body: ProtectBody) -> dict[str, object]:
    return {"items": _shown("ciphertext", call.app.access.protect(call.actor, _batch(body), call.request_id))}


@routes.post("/reveal", scope="reveal", body=ProtectBody, answer=RevealAnswer, summary="Decrypt values, where the policy shows them in clear", errors=_ERRORS)
def reveal(call: Call, body: ProtectBody) -> dict[str, object]:
    return {"items": _shown("value", call.app.access.reveal(call.actor, _batch(body), call.request_id))}


@routes.post("/index", scope="index", body=ProtectBody, answer=IndexAnswer, summary="Compute blind indexes to search by", errors=_ERRORS)
def index(call: Call, body: ProtectBody) -> dict[str, object]:
    return {"items": _shown("index", call.app.access.index(call.actor, _batch(body), call.request_id))}


def _batch(body: ProtectBody) -> CipherBatch:
    return CipherBatch(body.dataset, tuple(_item(item) for item in body.items), body.purpose, body.recipient)


def _item(item: ItemBody) -> CipherItem:
    try:
        subject = SubjectRef.parse(item.subject) if item.subject else None
    except InvalidInput:
        subject = None  # answered as an item without subject, so that one misspelt item does not stop the batch
    return CipherItem(item.field, Plaintext(item.value), subject)


def _shown(name: str, answers: Iterable[object]) -> list[dict[str, object]]:
    shown: list[dict[str, object]] = []
    for answer in answers:
        if isinstance(answer, PrivacyError):
            shown.append({"error": {"code": answer.code, "detail": answer.detail}})
        else:
            shown.append({name: answer.reveal() if isinstance(answer, Plaintext) else answer})
    return shown
