"""What a leaf commits to, kept beside it: (salt, value), sealed under the tenant's key and erasable."""

import base64
import json
from typing import Any

from privacy.audit.ports import DisclosureRow, Seal
from privacy.kernel.canonical import canonical_json
from privacy.kernel.ids import EventId, TenantId

_LABEL = "audit-disclosure"


def pack(seal: Seal, tenant: TenantId, event: EventId, field: str, salt: bytes, value: Any) -> bytes:
    """Return the sealed pair, bound to its event and field: it opens nowhere else."""
    data = canonical_json({"salt": base64.b64encode(salt).decode(), "value": value})
    return seal(tenant, _LABEL, data, _context(event, field))


def unpack(unseal: Seal, row: DisclosureRow) -> tuple[bytes, Any]:
    """Return (salt, value), which `verifier.commitment` turns into what the leaf holds."""
    opened = json.loads(unseal(row.tenant, _LABEL, row.sealed, _context(row.event, row.field)))
    return base64.b64decode(opened["salt"]), opened["value"]


def _context(event: EventId, field: str) -> bytes:
    return canonical_json([event, field])
