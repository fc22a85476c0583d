"""The words of a request: kinds, states, and what a clock says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from privacy.kernel.ids import TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.subjects.model import Identifier, IdentifierKind, Reach


class RequestKind(StrEnum):
    """What a person may ask for. Only access and erasure are carried out end to end by this version; the others are taken in, dated and answered by people."""

    ACCESS = "access"
    ERASURE = "erasure"
    RECTIFICATION = "rectification"
    RESTRICTION = "restriction"
    PORTABILITY = "portability"
    OBJECTION = "objection"
    MARKETING_OBJECTION = "marketing_objection"
    WITHDRAWAL = "withdrawal"
    AUTOMATED_DECISION = "automated_decision"
    OPT_OUT = "opt_out"
    COMPLAINT = "complaint"


class RequestState(StrEnum):
    RECEIVED = "received"
    IDENTITY_ASKED = "identity_asked"
    VERIFIED = "verified"
    PLANNED = "planned"
    APPROVED = "approved"
    RUNNING = "running"
    NEEDS_ATTENTION = "needs_attention"
    READY = "ready"  # the answer can be handed over
    DONE = "done"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Clock:
    """One deadline with everything that made it, so that it can be computed again years later.

    `due` is the reading of the law, `target` the more cautious one that alarms run on: a day in `zone`, or an instant for periods in hours.
    `provisional` when a calendar year was missing or unverified; `status` is `in_force` or `accepted` (both in effect), `to_verify` or `proposed`
    (shown without effect).
    """

    rule: str
    version: int
    regime: str
    calendar: str
    calendar_version: str
    zone: str
    inputs: Mapping[str, str | int | bool]
    due: date | datetime
    target: date | datetime
    provisional: bool = False
    status: str = "in_force"
    name: str = "answer"  # answer | confirm_receipt | extension_notice | …


OPEN = frozenset(RequestState) - {RequestState.DONE, RequestState.REFUSED, RequestState.WITHDRAWN}


class Requester(StrEnum):
    """Who asks: the person, somebody with their authority, or a close relative of a deceased person (PIPL 49)."""

    SELF = "self"
    AGENT = "agent"
    RELATIVE = "relative"


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What is taken in. Without `regimes` the controller's apply; without `received_at` it came now.

    `contact` is where the answer goes; codes never go there. `evidence` refers to the proof of authority an agent or relative brings.
    """

    kind: RequestKind
    controller: str
    identifiers: tuple[Identifier, ...]
    regimes: tuple[str, ...] = ()
    received_at: datetime | None = None
    channel: str = ""
    language: str = "en"
    requester: Requester = Requester.SELF
    evidence: Plaintext | None = None
    contact: Plaintext | None = None
    note: Plaintext | None = None


@dataclass(frozen=True, slots=True)
class CaseFile:
    """What only the case's own key opens: who asks, how to reach them, what they wrote, and whom it turned out to be about."""

    identifiers: tuple[Identifier, ...]
    contact: Plaintext | None = None
    note: Plaintext | None = None
    evidence: Plaintext | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """A subject a request led to, and by what: dataset, field and kind of the identifier, never a value.

    `covered`: the code that went out, or what people attested, proves who asks for this subject; only then it is planned or packaged.
    """

    subject: SubjectRef
    dataset: str
    field: str
    kind: IdentifierKind
    how: Reach
    person: str = ""
    covered: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A request as stored: no personal value in clear. `file` and `subjects` open with the case's key alone, and are gone once the file was purged.

    `doubt` says why nobody could be recognised (`several_people`, `shared`, `weak`, `not_found`, `unreachable`), empty when somebody was.
    `target_at` is the end of the earliest deadline's cautious reading, an instant to sort and alarm by. `version` grows with every change.
    """

    id: str
    tenant: TenantId
    kind: RequestKind
    state: RequestState
    controller: str
    regimes: tuple[str, ...]
    received_at: datetime
    recorded_at: datetime
    received_by: str
    channel: str
    language: str
    requester: Requester
    identifier_kinds: tuple[str, ...]
    file: bytes | None = field(default=None, repr=False)
    subjects: bytes | None = field(default=None, repr=False)
    doubt: str = ""
    verified_how: str = ""
    verified_by: str = ""
    verified_at: datetime | None = None
    held_since: datetime | None = None
    plan: str = ""
    plan_hash: str = ""
    outcome: str = ""
    closed_at: datetime | None = None
    purge_at: datetime | None = None
    purged_at: datetime | None = None
    target_at: datetime | None = None
    clocks: int = 0
    version: int = 1

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline: who did what when, from which state to which, and why (`reason` is a code; `note` opens with the case's key alone)."""

    seq: int
    at: datetime
    actor: str
    act: str
    before: str
    after: str
    reason: str = ""
    details: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))
    note: bytes | None = field(default=None, repr=False)


class CodeState(StrEnum):
    ACTIVE = "active"
    USED = "used"
    VOIDED = "voided"  # a newer code, other identifiers, or it could not be sent
    LOCKED = "locked"  # too many wrong attempts
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Code:
    """A one-time code as kept: a keyed digest. `contact` is a keyed digest of where it went, to bound what one mailbox receives."""

    id: str
    request: str
    digest: bytes = field(repr=False)
    contact: bytes = field(repr=False)
    channel: str
    state: CodeState
    attempts: int
    sent_at: datetime
    expires_at: datetime


class PackageState(StrEnum):
    BUILDING = "building"
    READY = "ready"
    READ = "read"
    REPLACED = "replaced"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Package:
    """What is handed over: sealed chunks in our store until it was read once, was replaced, or expired.

    `subjects` are keyed digests of whom it is about, so that it goes when they are erased. `unsearched` names the datasets that could not be asked
    who the person is.
    """

    id: str
    request: str
    state: PackageState
    made_at: datetime
    made_by: str
    expires_at: datetime
    chunks: int = 0
    size: int = 0
    digest: str = ""
    read_at: datetime | None = None
    read_by: str = ""
    subjects: tuple[str, ...] = ()
    unsearched: tuple[str, ...] = ()
