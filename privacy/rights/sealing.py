"""A case's own key: what a person wrote to us is sealed under it and is gone for good when the case's retention ends (decision 18).

The key is that of a subject `case:request:<id>`, so that it is wrapped, rotated and destroyed like any person's. Lookups are keyed digests: without
the tenant's keys the tables name nobody; who has the keys can test a guessed identifier.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from typing import Any

from privacy.crypto.envelope import key_of, open_envelope, place, seal, subject_part
from privacy.crypto.flaws import Flaw
from privacy.crypto.subject_keys import WantedKey
from privacy.kernel.canonical import length_prefixed
from privacy.kernel.errors import CiphertextInvalid, PrivacyError
from privacy.kernel.ids import TenantId
from privacy.kernel.normalise import Normalisers
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.rights.model import CaseFile, Reached
from privacy.rights.ports import CaseKeys, Derive
from privacy.subjects.model import Identifier, IdentifierKind, Reach

_LOOKUP, _CODE = "rights-lookup", "rights-code"
_PLACE = "request"
# the category whose rule tells when two written forms are the same value
_CATEGORIES = {
    IdentifierKind.EMAIL: "email",
    IdentifierKind.PHONE: "phone",
    IdentifierKind.RESIDENT_ID: "national_id",
}


def case_subject(case: str) -> SubjectRef:
    return SubjectRef("case", "request", case)


class CaseSeal:
    """Seals and opens what belongs to a case; `part` names what it is, so that nothing can be moved elsewhere."""

    def __init__(self, keys: CaseKeys) -> None:
        self._keys = keys

    def seal(self, tenant: TenantId, case: str, part: str, data: bytes) -> bytes:
        """Return `data` sealed. Raises KeyDestroyed for a case whose file was purged."""
        subject = case_subject(case)
        key = self._keys.for_writing(tenant, [subject])[0]
        if isinstance(key, PrivacyError):
            raise key
        return seal(key, place(tenant, _PLACE, part), subject_part(subject.system, subject.type, subject.key), data)

    def open(self, tenant: TenantId, case: str, part: str, blob: bytes) -> bytes:
        """Return what was sealed. Raises KeyDestroyed or CiphertextInvalid."""
        subject = case_subject(case)
        try:
            key = self._keys.for_reading(tenant, [WantedKey(subject, *key_of(blob))])[0]
            if isinstance(key, PrivacyError):
                raise key
            return open_envelope(key, place(tenant, _PLACE, part), subject_part(subject.system, subject.type, subject.key), blob)
        except Flaw:
            raise CiphertextInvalid from None

    def text(self, tenant: TenantId, case: str, part: str, text: Plaintext | None) -> bytes | None:
        """Return a text sealed, None for none."""
        return None if text is None else self.seal(tenant, case, part, text.reveal().encode("utf-8"))

    def destroy(self, tenant: TenantId, case: str) -> None:
        """Destroy the case's key; repeating it changes nothing."""
        self._keys.destroy(tenant, [case_subject(case)], f"request:{case}")

    def seal_file(self, tenant: TenantId, case: str, file: CaseFile) -> bytes:
        identifiers = [[each.kind.value, each.value.reveal(), each.scope] for each in file.identifiers]
        rest = {name: value.reveal() for name in ("contact", "note", "evidence") if (value := getattr(file, name)) is not None}
        return self.seal(tenant, case, "file", json.dumps({"identifiers": identifiers, **rest}, ensure_ascii=False).encode("utf-8"))

    def open_file(self, tenant: TenantId, case: str, blob: bytes) -> CaseFile:
        held = json.loads(self.open(tenant, case, "file", blob))
        identifiers = tuple(Identifier(IdentifierKind(kind), Plaintext(value), scope) for kind, value, scope in held["identifiers"])
        return CaseFile(identifiers, *(Plaintext(held[name]) if name in held else None for name in ("contact", "note", "evidence")))

    def seal_subjects(self, tenant: TenantId, case: str, reached: Sequence[Reached]) -> bytes:
        rows = [[str(each.subject), each.dataset, each.field, each.kind.value, each.how.value, each.person, each.covered] for each in reached]
        return self.seal(tenant, case, "subjects", json.dumps(rows, ensure_ascii=False).encode("utf-8"))

    def open_subjects(self, tenant: TenantId, case: str, blob: bytes | None) -> tuple[Reached, ...]:
        """Return whom a request led to. What was sealed before proof was kept by subject opens as proven for nobody."""
        rows = json.loads(self.open(tenant, case, "subjects", blob)) if blob else []
        return tuple(_reached(row) for row in rows)


def _reached(row: str | list[Any]) -> Reached:
    if isinstance(row, str):
        return Reached(SubjectRef.parse(row), "", "", IdentifierKind.SUBJECT, Reach.FOLLOWED)
    subject, dataset, name, kind, how, person, covered = row
    return Reached(SubjectRef.parse(subject), dataset, name, IdentifierKind(kind), Reach(how), person, covered is True)


class Lookups:
    """Keyed digests of identifiers and of one-time codes."""

    def __init__(self, derive: Derive, region: str = "CN") -> None:
        self._derive = derive
        self._normalisers = Normalisers(region)

    def strong(self, tenant: TenantId, identifiers: Iterable[Identifier]) -> dict[bytes, tuple[IdentifierKind, str]]:
        """Return the digest of every identifier that can tell a person, with its kind and scope: names cannot."""
        key = self._derive(tenant, _LOOKUP)
        strong = (each for each in identifiers if each.kind is not IdentifierKind.NAME)
        return {_digest(key, each.kind.value, each.scope, self.normal(each)): (each.kind, each.scope) for each in strong}

    def contact(self, tenant: TenantId, kind: IdentifierKind, value: Plaintext) -> bytes:
        return _digest(self._derive(tenant, _LOOKUP), "contact", kind.value, self.normal(Identifier(kind, value)))

    def subjects(self, tenant: TenantId, subjects: Iterable[SubjectRef]) -> tuple[str, ...]:
        """Return a keyed digest of each subject."""
        key = self._derive(tenant, _LOOKUP)
        return tuple(sorted(_digest(key, "of", subject.system, subject.type, subject.key).hex() for subject in subjects))

    def code(self, tenant: TenantId, request: str, code_id: str, digits: str) -> bytes:
        """Return what is kept of a code: bound to request and code, so that a row copied elsewhere opens nothing."""
        return _digest(self._derive(tenant, _CODE), request, code_id, digits)

    def normal(self, identifier: Identifier) -> str:
        """Return the form in which two spellings of one value are equal."""
        return self._normalisers.of(_CATEGORIES.get(identifier.kind, "")).apply(identifier.value.reveal())


def _digest(key: bytes, *parts: str) -> bytes:
    return hmac.new(key, length_prefixed([part.encode("utf-8", "surrogatepass") for part in parts]), hashlib.sha256).digest()
