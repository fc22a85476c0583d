"""How this room keeps what names a person: a keyed hash to find it by, and the thing itself sealed beside it (decision 18)."""

import json
from collections.abc import Mapping, Sequence

from privacy.crypto.derive import KeyedDigest
from privacy.kernel.canonical import length_prefixed
from privacy.kernel.ids import TenantId
from privacy.kernel.terms import SubjectRef
from privacy.retention.ports import Keys

_LOOKUP, _SEAL = "retention-lookup", "retention-identity"


class Identities:
    """Guarantee: without the tenant's keys the tables of this room name nobody. Limit: who has the keys can test a guessed key of a subject."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def lookups(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> dict[SubjectRef, bytes]:
        """Return one keyed hash per subject; the key is derived once."""
        if not subjects:
            return {}
        digest = KeyedDigest(self._keys.derive(tenant, _LOOKUP))
        return {subject: digest.of(length_prefixed([part.encode() for part in (subject.system, subject.type, subject.key)])) for subject in subjects}

    def seal(self, tenant: TenantId, what: Mapping[str, object], place: str) -> bytes:
        return self._keys.seal(tenant, _SEAL, json.dumps(what, ensure_ascii=False).encode(), place.encode())

    def unseal(self, tenant: TenantId, sealed: bytes, place: str) -> dict[str, object]:
        opened: dict[str, object] = json.loads(self._keys.unseal(tenant, _SEAL, sealed, place.encode()))
        return opened
