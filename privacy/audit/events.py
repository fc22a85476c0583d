"""What happened, as one frozen event: the leaf of the log holds no personal value, only names, counts and pseudonyms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from privacy.kernel.ids import EventId
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor


class Outcome(StrEnum):
    SUCCESS = "success"
    DENIED = "denied"
    FAILED = "failed"
    ATTEMPTED = "attempted"


class Action(StrEnum):
    """The closed list of things that are recorded, `source:subject:action`."""

    SYSTEM_INITIALISED = "application:installation:initialised"
    SESSION_OPENED = "actors:session:opened"
    SESSION_REFUSED = "actors:session:refused"
    SESSION_CLOSED = "actors:session:closed"
    TOKEN_ISSUED = "actors:token:issued"
    TOKEN_REFUSED = "actors:token:refused"
    TENANT_CREATED = "actors:tenant:created"
    USER_CREATED = "actors:user:created"
    USER_CHANGED = "actors:user:changed"
    CLIENT_CREATED = "actors:client:created"
    CLIENT_CHANGED = "actors:client:changed"
    CONTROLLER_SAVED = "inventory:controller:saved"
    RECIPIENT_SAVED = "inventory:recipient:saved"
    PURPOSE_SAVED = "inventory:purpose:saved"
    SYSTEM_CONNECTED = "inventory:system:connected"
    SYSTEM_CHANGED = "inventory:system:changed"
    SYSTEM_REMOVED = "inventory:system:removed"
    SYSTEM_SCANNED = "discovery:system:scanned"
    FINDING_DECIDED = "discovery:finding:decided"
    MAP_IMPORTED = "inventory:map:imported"
    MAP_EXPORTED = "inventory:map:exported"
    TEXT_SCANNED = "discovery:text:scanned"
    NOTICE_PUBLISHED = "consent:notice:published"
    CONSENT_GIVEN = "consent:receipt:given"
    CONSENT_WITHDRAWN = "consent:receipt:withdrawn"
    CONSENT_CHECKED = "consent:status:checked"
    RECEIPT_READ = "consent:receipt:read"
    RECORDS_MASKED = "access:records:masked"
    TEXTS_MASKED = "access:texts:masked"
    DECISION_MADE = "access:decision:made"
    DECISION_EXPLAINED = "access:decision:explained"
    POLICY_ACTIVATED = "access:policy:activated"
    VALUES_PROTECTED = "protection:values:protected"
    VALUES_REVEALED = "protection:values:revealed"
    VALUES_INDEXED = "protection:values:indexed"
    KEYS_CHANGED = "protection:keys:changed"
    RELATIONS_PROPOSED = "discovery:relations:proposed"
    RELATION_DECIDED = "inventory:relation:decided"
    HANDLING_DECIDED = "inventory:handling:decided"
    SUBJECTS_RESOLVED = "subjects:identifiers:resolved"
    PERSON_LINKED = "subjects:person:linked"
    PERSON_UNLINKED = "subjects:person:unlinked"
    REVIEW_DECIDED = "subjects:review:decided"
    REQUEST_RECEIVED = "rights:request:received"
    REQUEST_READ = "rights:request:read"
    REQUEST_IDENTITY_ASKED = "rights:identity:asked"
    REQUEST_IDENTITY_CHECKED = "rights:identity:checked"
    REQUEST_DEADLINE_SET = "rights:deadline:set"
    REQUEST_EXTENDED = "rights:request:extended"
    REQUEST_REFUSED = "rights:request:refused"
    REQUEST_HELD = "rights:request:held"
    REQUEST_MOVED = "rights:request:moved"
    REQUEST_CLOSED = "rights:request:closed"
    REQUEST_PURGED = "rights:request:purged"
    PACKAGE_MADE = "rights:package:made"
    PACKAGE_READ = "rights:package:read"
    RULE_ACCEPTED = "rights:rule:accepted"
    PLAN_MADE = "disposal:plan:made"
    PLAN_REHEARSED = "disposal:plan:rehearsed"
    PLAN_APPROVED = "disposal:plan:approved"
    PLAN_VOIDED = "disposal:plan:voided"
    DISPOSAL_ATTEMPTED = "disposal:run:attempted"
    DISPOSAL_DONE = "disposal:run:done"
    CERTIFICATE_ISSUED = "disposal:certificate:issued"
    CERTIFICATE_READ = "disposal:certificate:read"
    LEDGER_REPLAYED = "disposal:ledger:replayed"
    RETENTION_RULE_SAVED = "retention:rule:saved"
    RETENTION_PREVIEWED = "retention:due:previewed"
    SWEEP_APPROVED = "retention:sweep:approved"
    SWEEP_ATTEMPTED = "retention:sweep:attempted"
    SWEEP_DONE = "retention:sweep:done"
    HOLD_PLACED = "retention:hold:placed"
    HOLD_RELEASED = "retention:hold:released"
    RESTRICTION_SET = "retention:restriction:set"
    RESTRICTION_LIFTED = "retention:restriction:lifted"
    COLUMNS_PLANNED = "protection:columns:planned"
    COLUMNS_MOVED = "protection:columns:moved"
    COLUMNS_SWITCHED = "protection:columns:switched"
    COLUMNS_FINALISED = "protection:columns:finalised"
    COLUMNS_UNDONE = "protection:columns:undone"
    SUBJECT_KEYS_DESTROYED = "protection:subject_keys:destroyed"
    JOB_CHANGED = "jobs:job:changed"
    BACKUP_MADE = "application:backup:made"
    BACKUP_RESTORED = "application:backup:restored"
    LOG_READ = "audit:log:read"
    LOG_EXPORTED = "audit:log:exported"
    LOG_FORKED = "audit:log:forked"
    LOG_RESUMED = "audit:log:resumed"


# what hands out data or changes who may see it: refused while the sequencer is so far behind that nobody could prove it soon
DISCLOSING = frozenset(
    {
        Action.TEXTS_MASKED,
        Action.RECORDS_MASKED,
        Action.VALUES_REVEALED,
        Action.RECEIPT_READ,
        Action.MAP_EXPORTED,
        Action.LOG_EXPORTED,
        Action.POLICY_ACTIVATED,
        Action.KEYS_CHANGED,
        Action.PACKAGE_MADE,
        Action.PACKAGE_READ,
        Action.REQUEST_READ,
    }
)


@dataclass(frozen=True, slots=True)
class Decision:
    """Why: the policy version and digest, what was decided, and the rules (row ids) that decided."""

    policy_ref: str
    decision: str
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectTrace:
    """One erasable row: which fields of which subject (by `audit_ref`, 32 bytes) were affected, and how."""

    audit_ref: bytes
    fields: tuple[str, ...]
    effect: str


@dataclass(frozen=True, slots=True)
class Event:
    """One event, at most 16 KiB as a leaf. `free` holds free text (reasons, addresses): committed to by a salted hash, stored beside the leaf, erasable."""

    action: Action
    actor: Actor
    outcome: Outcome = Outcome.SUCCESS
    object_type: str = ""
    object_ref: str = ""
    fields: tuple[str, ...] = ()
    purpose: str = ""
    recipient: str = ""
    legal_basis: str = ""
    request_id: str = ""
    decision: Decision | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    free: Mapping[str, str] = field(default_factory=dict)
    subjects: tuple[SubjectTrace, ...] = ()
    related: tuple[str, ...] = ()


class AuditLog(Protocol):
    """What every room needs of the log."""

    def append(self, tx: Tx, event: Event) -> EventId:
        """Write `event` in the caller's transaction on the main database: no event, no change.

        Raises AuditUnavailable when the log refuses (store broken, sequencer too far behind, log forked).
        """

    def record(self, event: Event) -> EventId:
        """Write `event` in a transaction of its own and return after the commit; call it *before* anything is disclosed.

        Raises AuditUnavailable within the bounded wait (2 s statement time, 3 s in all).
        """
