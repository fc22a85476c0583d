"""The words of consent as frozen values: notices, receipts in a ledger that only grows, questions and states.

Sources: GDPR Art. 4(11), 7 and 13, PIPL Art. 14–17 and 23, the record structure of ISO/IEC TS 27560.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from privacy.kernel.ids import TenantId
from privacy.kernel.terms import SubjectRef

CHANNELS = ("email", "sms", "phone", "post", "push", "messenger")
METHODS = ("web_form", "app", "paper", "phone", "in_person", "api", "import")
EVIDENCE_KINDS = ("form", "recording", "log", "other")
# GDPR 7(1): the controller must be able to show it; here nothing else would show it
NEEDS_EVIDENCE = ("paper", "phone")


class Act(StrEnum):
    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class State(StrEnum):
    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class NoticeContent:
    """What a notice says: once for machines, and once per language for people.

    A change of anything for machines except `contact` and `valid_for` is material: consent given before has to be asked for again (PIPL 14).
    """

    id: str
    controller: str
    purposes: tuple[str, ...]
    scope: str
    method: str
    period: str
    categories: tuple[str, ...]
    texts: Mapping[str, str]
    recipients: tuple[str, ...] = ()
    contact: str = ""
    valid_for: str = ""

    def machine_part(self) -> dict[str, object]:
        return {
            "controller": self.controller,
            "purposes": sorted(self.purposes),
            "scope": self.scope,
            "method": self.method,
            "period": self.period,
            "categories": sorted(self.categories),
            "recipients": sorted(self.recipients),
        }


@dataclass(frozen=True, slots=True)
class Notice:
    """A published version; it never changes. Consent given under a version before `material_since` no longer holds."""

    content: NoticeContent
    version: int
    material_since: int
    digest: str
    published_at: datetime
    published_by: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the proof lies (a form's number, a recording's reference); kept sealed, since such references often name people."""

    kind: str
    reference: str


@dataclass(frozen=True, slots=True)
class Giving:
    """A person agrees. Without `recipient` to internal use, without `channel` to all channels; `at` None means now.

    `reference` is the caller's own mark for this act: the same mark twice is one act.
    """

    subject: SubjectRef
    purpose: str
    notice: str
    notice_version: int
    language: str
    method: str
    recipient: str = ""
    channel: str = ""
    at: datetime | None = None
    expires_at: datetime | None = None
    evidence: Evidence | None = None
    guardian: bool = False
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawing:
    """A person takes it back, with no more than what they gave. Without `recipient` and `channel` everything of the purpose is meant."""

    subject: SubjectRef
    purpose: str
    recipient: str = ""
    channel: str = ""
    method: str = "api"
    at: datetime | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One receipt as the ledger keeps it. `lookup` is a keyed hash of the subject, `sealed` its identifier (None after erasure).

    `document` is what the receipt says, without the identifier; `digest` covers it.
    """

    id: str
    tenant: TenantId
    lookup: bytes
    sealed: bytes | None
    purpose: str
    recipient: str
    channel: str
    act: Act
    at: datetime
    recorded_at: datetime
    expires_at: datetime | None
    notice: str
    notice_version: int
    evidence: bytes | None
    reference: bytes | None
    request_digest: bytes
    document: Mapping[str, object]
    digest: str
    actor: str


@dataclass(frozen=True, slots=True)
class Question:
    """May this subject's data be used for this purpose, by this recipient, over this channel?"""

    subject: SubjectRef
    purpose: str
    recipient: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    """The answer: `at` is when the state began, `receipt` what shows it, `reason` a word that says why (docs/consent.md)."""

    state: State
    at: datetime | None = None
    receipt: str | None = None
    reason: str = ""
    notice: str = ""
    notice_version: int = 0
    expires_at: datetime | None = None

    @property
    def holds(self) -> bool:
        return self.state is State.GIVEN
