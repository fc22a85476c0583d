"""One small tree of errors. The core raises; only `web/problems.py` and `cli/exit_codes.py` translate.

    PrivacyError
    ├── InvalidInput            malformed or unacceptable input; `pointer` says where, never the value
    │   └── PayloadTooLarge     more than the setting allows
    ├── Unauthenticated         nobody, or a token that proves nothing
    ├── AccessDenied            somebody, without the right
    │   └── StepUpRequired      the right needs a second factor, or a fresher one
    ├── ConsentMissing          the purpose needs a consent that is not there
    ├── NotFound
    ├── Conflict                the state does not allow it (duplicate, wrong state, version moved on)
    │   └── OnHold              a legal hold forbids it
    ├── KeyDestroyed            the subject's key was destroyed on purpose
    ├── CiphertextInvalid       malformed, moved, tampered or under an unknown key: one message for all
    ├── TooBusy                 a bounded resource is used up; retry
    │   └── TooManyAttempts     failed sign-ins for one name, or codes to one contact; retry after `retry_after` seconds
    ├── ConnectorUnavailable    a connected system cannot be reached; retry
    ├── StoreUnavailable        our own database cannot be reached; retry
    │   └── AuditUnavailable    the event could not be written, so nothing was disclosed; retry
    ├── AuditBroken             the log contradicts what was signed before
    └── Misconfigured           configuration, keys, policies: the service must not start or go on

`detail` tells what is wrong and how to mend it and never contains a personal value or anything the caller sent.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong in an input: where (JSON pointer, or file:line) and what, in our words."""

    pointer: str
    detail: str


class PrivacyError(Exception):
    """Base of every error the product raises on purpose.

    `code` is stable and public (documented in docs/errors.md); `retryable` tells whether the same call may succeed later.
    """

    code = "internal"
    retryable = False

    def __init__(self, detail: str, *, code: str | None = None, pointer: str = "", flaws: tuple[Flaw, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.flaws = flaws or ((Flaw(pointer, detail),) if pointer else ())


class InvalidInput(PrivacyError):
    code = "invalid_input"


class PayloadTooLarge(InvalidInput):
    code = "payload_too_large"


class Unauthenticated(PrivacyError):
    code = "unauthenticated"


class AccessDenied(PrivacyError):
    code = "access_denied"


class StepUpRequired(AccessDenied):
    code = "insufficient_user_authentication"


class ConsentMissing(PrivacyError):
    code = "consent_missing"


class NotFound(PrivacyError):
    code = "not_found"


class Conflict(PrivacyError):
    code = "conflict"


class OnHold(Conflict):
    code = "on_hold"


class KeyDestroyed(PrivacyError):
    code = "key_destroyed"


class CiphertextInvalid(PrivacyError):
    """The one answer to every unreadable ciphertext, so that a caller learns nothing from the difference."""

    code = "ciphertext_invalid"

    def __init__(self) -> None:
        super().__init__("The ciphertext cannot be opened here: it is malformed, was altered, or belongs to another tenant, dataset, field or subject.")


class TooBusy(PrivacyError):
    code = "too_busy"
    retryable = True


class TooManyAttempts(TooBusy):
    """Raised for known and unknown names alike, so that it tells nothing about who exists."""

    code = "too_many_attempts"

    def __init__(self, retry_after: int, detail: str = "") -> None:
        super().__init__(detail or f"Too many failed attempts to sign in with this name. Try again in {retry_after} seconds.")
        self.retry_after = retry_after


class ConnectorUnavailable(PrivacyError):
    code = "connector_unavailable"
    retryable = True


class StoreUnavailable(PrivacyError):
    code = "store_unavailable"
    retryable = True


class AuditUnavailable(StoreUnavailable):
    code = "audit_unavailable"


class AuditBroken(PrivacyError):
    code = "audit_broken"


class Misconfigured(PrivacyError):
    code = "misconfigured"
