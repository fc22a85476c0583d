"""What notices and receipts say, as plain data with a digest that anybody can compute again.

A receipt's document holds no identifier of the subject: its digest may stand in the log for ever. Source: ISO/IEC TS 27560, Annex A (fields, not syntax).
"""

import hashlib
from collections.abc import Mapping

from privacy.consent.model import Act, Giving, LedgerRow, Notice, NoticeContent, Withdrawing
from privacy.inventory.catalogue_ports import Contents
from privacy.kernel.canonical import canonical_json
from privacy.kernel.clock import rfc3339

FORMAT = "privacy-steward/consent-receipt/1"


def digest(document: Mapping[str, object]) -> str:
    return "sha256:" + hashlib.sha256(canonical_json(document)).hexdigest()


def notice_digest(content: NoticeContent) -> str:
    """Return the digest of everything a notice says: the machine part, contact, validity and every language."""
    texts = [{"language": language, "text": text} for language, text in sorted(content.texts.items())]
    return digest({**content.machine_part(), "id": content.id, "contact": content.contact, "valid_for": content.valid_for, "texts": texts})


def receipt_document(row: LedgerRow, act: Giving | Withdrawing, notice: Notice | None, contents: Contents) -> dict[str, object]:
    """Return what the receipt says, names of today included: a receipt stays readable when the catalogue moves on."""
    return {
        "format": FORMAT,
        "receipt_id": row.id,
        "tenant": row.tenant,
        "act": row.act.value,
        "at": rfc3339(row.at),
        "recorded_at": rfc3339(row.recorded_at),
        "expires_at": rfc3339(row.expires_at) if row.expires_at else None,
        "purpose": _purpose(contents, row.purpose),
        "controller": _controller(contents, row.purpose, notice),
        "recipient": _recipient(contents, row.recipient),
        "channel": row.channel or None,
        "notice": _notice(notice, act),
        "collection": _collection(act, row.actor),
        "withdrawal": "At any time, to the controller's contact, with no more than subject and purpose; what was done before stays lawful.",
    }


def full_receipt(document: Mapping[str, object], digest_: str, subject: str | None, evidence: str | None) -> dict[str, object]:
    """Return the document with what is kept sealed beside it: for who may read consents."""
    return {**document, "subject": subject, "evidence_reference": evidence, "digest": digest_}


def _purpose(contents: Contents, id: str) -> dict[str, object]:
    purpose = contents.purposes[id]
    return {
        "id": id,
        "name": purpose.name,
        "name_zh": purpose.name_zh,
        "lawful_basis": purpose.lawful_basis,
        "separate_consent": purpose.separate_consent,
        "dpv": purpose.dpv,
    }


def _controller(contents: Contents, purpose: str, notice: Notice | None) -> dict[str, object]:
    controller = contents.controllers[contents.purposes[purpose].controller]
    contact = notice.content.contact if notice and notice.content.contact else controller.contact
    return {"id": controller.id, "name": controller.name, "country": controller.country, "contact": contact}


def _recipient(contents: Contents, id: str) -> dict[str, object] | None:
    recipient = contents.recipients.get(id)
    if recipient is None:
        return {"id": id} if id else None
    return {"id": id, "name": recipient.name, "kind": recipient.kind, "country": recipient.country, "contact": recipient.contact}


def _notice(notice: Notice | None, act: Giving | Withdrawing) -> dict[str, object] | None:
    if notice is None or not isinstance(act, Giving):
        return None
    content = notice.content
    said = {"scope": content.scope, "method": content.method, "period": content.period, "categories": list(content.categories)}
    return {"id": content.id, "version": notice.version, "digest": notice.digest, "language": act.language, **said}


def _collection(act: Giving | Withdrawing, actor: str) -> dict[str, object]:
    evidence = act.evidence.kind if isinstance(act, Giving) and act.evidence else None
    guardian = isinstance(act, Giving) and act.guardian
    return {"method": act.method, "recorded_by": actor, "evidence_kind": evidence, "guardian": guardian}


def act_of(act: Giving | Withdrawing) -> Act:
    return Act.GIVEN if isinstance(act, Giving) else Act.WITHDRAWN
