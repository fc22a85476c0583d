"""Builders for consent tests: a small company, a notice, keys and pseudonyms that work without a database."""

import hashlib
import hmac
from collections.abc import Sequence

from privacy.consent.model import Giving, NoticeContent, Withdrawing
from privacy.inventory.catalogue_model import Controller, Purpose, Recipient
from privacy.kernel.errors import CiphertextInvalid
from privacy.kernel.ids import TenantId
from privacy.kernel.terms import SubjectRef
from tests.cast import LI_XIAOMING

LI = LI_XIAOMING.ref

ENTRIES = (
    Controller("main", "听涛有限公司", "CN", "Asia/Shanghai", regimes=("pipl",), languages=("zh", "en"), contact="dpo@company.example"),
    Purpose("marketing", "Offers", "main", "consent", ("email", "phone"), needs_consent=True, name_zh="营销"),
    Purpose("sharing", "Sharing", "main", "consent", ("email",), needs_consent=True, separate_consent=True),
    Purpose("old", "Old", "main", "consent", ("email",), needs_consent=True, state="retired"),
    Recipient("parcel", "Parcel Ltd", "processor", "DE", purposes=("marketing",)),
    Recipient("adtech", "Ad Ltd", "third_party", "US", purposes=("sharing",)),
)
NOTICE = NoticeContent(
    "offers",
    "main",
    ("marketing", "sharing", "old"),
    "customers",
    "messages",
    "two years",
    ("email", "phone"),
    {"zh": "告知", "en": "Notice"},
    recipients=("parcel",),
)


def giving(**change: object) -> Giving:
    return Giving(**({"subject": LI, "purpose": "marketing", "notice": "offers", "notice_version": 1, "language": "zh", "method": "web_form"} | change))  # type: ignore[arg-type]


def withdrawing(**change: object) -> Withdrawing:
    return Withdrawing(**({"subject": LI, "purpose": "marketing"} | change))  # type: ignore[arg-type]


class MemoryKeys:
    """Derives by HMAC and seals by a keystream of HMAC blocks with a tag: enough to notice a wrong tenant, label or context."""

    def __init__(self, root: bytes = b"root") -> None:
        self._root = root

    def derive(self, tenant: TenantId, label: str) -> bytes:
        return hmac.digest(self._root, f"{tenant}|{label}".encode(), "sha256")

    def seal(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes:
        stream = hashlib.shake_256(self.derive(tenant, label) + context).digest(len(data))
        body = bytes(a ^ b for a, b in zip(data, stream, strict=True))
        return hmac.digest(self.derive(tenant, label), context + body, "sha256") + body

    def unseal(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes:
        tag, body = data[:32], data[32:]
        if not hmac.compare_digest(tag, hmac.digest(self.derive(tenant, label), context + body, "sha256")):
            raise CiphertextInvalid
        stream = hashlib.shake_256(self.derive(tenant, label) + context).digest(len(body))
        return bytes(a ^ b for a, b in zip(body, stream, strict=True))


def audit_refs(tenant: TenantId, subjects: Sequence[SubjectRef]) -> list[bytes]:
    """Return a pseudonym per subject, as the subject keys give them."""
    return [hashlib.sha256(f"{tenant}|{subject}".encode()).digest() for subject in subjects]
