"""How a subject appears in the ledger: a keyed hash to find it by, and its identifier sealed beside it (decision 18)."""

import hashlib
import hmac

from privacy.consent.model import Evidence
from privacy.consent.ports import Keys
from privacy.kernel.canonical import length_prefixed
from privacy.kernel.ids import TenantId
from privacy.kernel.terms import SubjectRef

_LOOKUP, _SEAL = "consent-lookup", "consent-identity"


class Identities:
    """Guarantee: without the tenant's keys the ledger names nobody. Limit: who has the keys can test a guessed identifier."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def lookup(self, tenant: TenantId, subject: SubjectRef) -> bytes:
        return self.lookups(tenant, [subject])[0]

    def lookups(self, tenant: TenantId, subjects: list[SubjectRef]) -> list[bytes]:
        """Return one keyed hash per subject; the key is derived once."""
        key = self._keys.derive(tenant, _LOOKUP)
        return [_digest(key, b"subject", subject.system, subject.type, subject.key) for subject in subjects]

    def reference(self, tenant: TenantId, actor: str, reference: str) -> bytes:
        """Return the keyed hash of a caller's own mark: callers like to put names into theirs."""
        return _digest(self._keys.derive(tenant, _LOOKUP), b"reference", actor, reference)

    def request_digest(self, tenant: TenantId, *parts: str) -> bytes:
        return _digest(self._keys.derive(tenant, _LOOKUP), b"request", *parts)

    def seal(self, tenant: TenantId, subject: SubjectRef, receipt: str) -> bytes:
        return self._keys.seal(tenant, _SEAL, str(subject).encode("utf-8"), receipt.encode())

    def unseal(self, tenant: TenantId, sealed: bytes, receipt: str) -> SubjectRef:
        return SubjectRef.parse(self._keys.unseal(tenant, _SEAL, sealed, receipt.encode()).decode("utf-8"))

    def seal_evidence(self, tenant: TenantId, evidence: Evidence | None, receipt: str) -> bytes | None:
        return self._keys.seal(tenant, _SEAL, evidence.reference.encode("utf-8"), b"evidence:" + receipt.encode()) if evidence else None

    def unseal_evidence(self, tenant: TenantId, sealed: bytes, receipt: str) -> str:
        return self._keys.unseal(tenant, _SEAL, sealed, b"evidence:" + receipt.encode()).decode("utf-8")


def _digest(key: bytes, kind: bytes, *parts: str) -> bytes:
    return hmac.new(key, length_prefixed([kind, *(part.encode("utf-8") for part in parts)]), hashlib.sha256).digest()
