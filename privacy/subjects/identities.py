"""How subjects appear in our rows: a keyed digest to find them by, and their reference sealed beside it (decision 18)."""

import hashlib
import hmac
from collections.abc import Sequence

from privacy.kernel.canonical import length_prefixed
from privacy.kernel.ids import TenantId
from privacy.kernel.terms import SubjectRef
from privacy.subjects.ports import Keys

_LOOKUP, _SEAL, _NOTE, _EVIDENCE = "subjects-lookup", "subjects-reference", "subjects-note", "subjects-evidence"


class Identities:
    """Guarantee: without the tenant's keys the rows name nobody. Limit: who has the keys can test a guessed reference."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def lookups(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> list[bytes]:
        """Return one keyed digest (32 bytes) per subject, in order."""
        key = self._keys.derive(tenant, _LOOKUP)
        return [_digest(key, b"subject", subject.system, subject.type, subject.key) for subject in subjects]

    def doubt(self, tenant: TenantId, parts: Sequence[str], lookups: Sequence[bytes]) -> bytes:
        """Return what tells the same doubt about the same subjects again."""
        return _digest(self._keys.derive(tenant, _LOOKUP), b"doubt", *parts, *(lookup.hex() for lookup in sorted(lookups)))

    def seal(self, tenant: TenantId, subject: SubjectRef, lookup: bytes) -> bytes:
        return self._keys.seal(tenant, _SEAL, str(subject).encode(), lookup)

    def unseal(self, tenant: TenantId, sealed: bytes, lookup: bytes) -> SubjectRef:
        return SubjectRef.parse(self._keys.unseal(tenant, _SEAL, sealed, lookup).decode())

    def seal_evidence(self, tenant: TenantId, evidence: str, lookup: bytes) -> bytes:
        return self._keys.seal(tenant, _EVIDENCE, evidence.encode(), lookup)

    def seal_note(self, tenant: TenantId, note: str, review: str) -> bytes:
        return self._keys.seal(tenant, _NOTE, note.encode(), review.encode())

    def unseal_note(self, tenant: TenantId, sealed: bytes, review: str) -> str:
        return self._keys.unseal(tenant, _NOTE, sealed, review.encode()).decode()


def _digest(key: bytes, kind: bytes, *parts: str) -> bytes:
    return hmac.new(key, length_prefixed([kind, *(part.encode() for part in parts)]), hashlib.sha256).digest()
