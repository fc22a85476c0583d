"""Looking after keys: status and rotation, each rotation with its event before and after.

The values and the keys of subjects live in another database than the log, so the event comes first as `attempted`, then the effect,
then the outcome: a process that dies in between leaves an attempt that says what was going on.
"""

from privacy.audit.events import Action, AuditLog, Event, Outcome
from privacy.crypto.keyring import KeyRing, KeyStatus
from privacy.crypto.rotation import RotationReport, rotate
from privacy.crypto.subject_keys import SubjectKeys
from privacy.kernel.errors import AccessDenied, PrivacyError
from privacy.kernel.terms import Actor


class KeyCare:
    """For operators; shows and moves keys without ever showing one."""

    def __init__(self, keyring: KeyRing, subject_keys: SubjectKeys, audit: AuditLog) -> None:
        self._ring = keyring
        self._keys = subject_keys
        self._audit = audit

    def status(self, actor: Actor) -> KeyStatus:
        _require(actor, "systems:read")
        return self._ring.status(actor.tenant)

    def rotate(self, actor: Actor, request_id: str = "") -> RotationReport:
        """Rewrap the tenant's keys under a new version and destroy the older ones; safe to repeat after an interruption."""
        _require(actor, "systems:write")
        self._audit.record(_event(actor, Outcome.ATTEMPTED, request_id))
        try:
            report = rotate(self._ring, self._keys, actor.tenant)
        except PrivacyError:
            self._audit.record(_event(actor, Outcome.FAILED, request_id))
            raise
        self._audit.record(_event(actor, Outcome.SUCCESS, request_id, report))
        return report


def _event(actor: Actor, outcome: Outcome, request_id: str, report: RotationReport | None = None) -> Event:
    counts = {"version": report.version, "rewrapped": report.rewrapped, "retired": len(report.retired)} if report else {}
    return Event(Action.KEYS_CHANGED, actor, outcome, object_type="tenant_keys", object_ref="kek", request_id=request_id, counts=counts)


def _require(actor: Actor, scope: str) -> None:
    if scope not in actor.scopes:
        raise AccessDenied(f"This needs the scope {scope}.")
