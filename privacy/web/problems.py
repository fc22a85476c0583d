"""Errors to RFC 9457 problems: one table for the status, our own words for the text, the request id, never a value of the caller.

docs/errors.md explains every code; `type` leads to the same text on the service's own page.
"""

import json
import logging
import traceback
from collections.abc import Mapping

from flask import Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from privacy.kernel import errors
from privacy.kernel.errors import PrivacyError

logger = logging.getLogger("privacy.web")
MEDIA_TYPE = "application/problem+json"

STATUSES: Mapping[type[PrivacyError], int] = {
    errors.InvalidInput: 422,
    errors.PayloadTooLarge: 413,
    errors.Unauthenticated: 401,
    errors.AccessDenied: 403,
    errors.StepUpRequired: 401,
    errors.ConsentMissing: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.OnHold: 409,
    errors.KeyDestroyed: 410,
    errors.CiphertextInvalid: 422,
    errors.TooBusy: 503,
    errors.TooManyAttempts: 429,
    errors.ConnectorUnavailable: 503,
    errors.StoreUnavailable: 503,
    errors.AuditUnavailable: 503,
    errors.AuditBroken: 500,
    errors.Misconfigured: 500,
    errors.PrivacyError: 500,
}
# codes of the web edge itself, where the class alone does not say enough
STATUS_OF_CODE: Mapping[str, int] = {
    "malformed_json": 400,
    "too_deep": 400,
    "bad_request": 400,
    "request_timeout": 408,
    "unsupported_media_type": 415,
    "idempotency_key_reused": 422,
    "method_not_allowed": 405,
}

TITLES: Mapping[str, str] = {
    "invalid_input": "The input is not acceptable",
    "payload_too_large": "The body is too large",
    "unauthenticated": "Who calls is not known",
    "access_denied": "The caller does not have this right",
    "insufficient_user_authentication": "A second factor is needed",
    "consent_missing": "A consent is missing",
    "not_found": "There is no such thing",
    "conflict": "The state does not allow it",
    "on_hold": "A hold forbids it",
    "key_destroyed": "The key was destroyed",
    "ciphertext_invalid": "The ciphertext cannot be opened",
    "too_busy": "The service is busy",
    "too_many_attempts": "Too many attempts",
    "connector_unavailable": "A connected system does not answer",
    "store_unavailable": "A database does not answer",
    "audit_unavailable": "The event could not be written, so nothing was disclosed",
    "malformed_json": "The body is not JSON as this service reads it",
    "too_deep": "The body is nested too deeply",
    "bad_request": "The request cannot be read",
    "request_timeout": "The request took too long",
    "unsupported_media_type": "The body must be JSON",
    "method_not_allowed": "This address does not know the method",
    "totp_required": "A one-time code is needed",
    "idempotency_key_reused": "The key stands for another request",
    "internal": "Something went wrong on our side",
}
_UNSPOKEN = "Something went wrong on our side; nothing was disclosed. Give the request id to the operator."


class UnsupportedMedia(errors.InvalidInput):
    code = "unsupported_media_type"


def status_of(error: PrivacyError) -> int:
    """Return the HTTP status of `error`: by its code where the web edge has one, else by the nearest class of the table."""
    if error.code in STATUS_OF_CODE:
        return STATUS_OF_CODE[error.code]
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def problem(error: PrivacyError, request_id: str) -> Response:
    """Return the answer for an error we raised on purpose. What went wrong inside is logged and not told."""
    status = status_of(error)
    if status == 500:
        logger.error("%s (%s): %s request=%s", type(error).__name__, error.code, error.detail, request_id)
        return _response(500, "internal", _UNSPOKEN, request_id)
    flaws = [{"pointer": flaw.pointer, "detail": flaw.detail} for flaw in error.flaws]
    response = _response(status, error.code, error.detail, request_id, flaws)
    _challenge(response, error)
    if error.retryable:
        response.headers["Retry-After"] = str(getattr(error, "retry_after", 1))
    return response


def http_problem(error: HTTPException, request_id: str) -> Response:
    """Return the answer for what the framework refused: unknown address, method, unreadable request."""
    status = error.code or 500
    if status == 404:
        return _response(404, "not_found", "There is nothing at this address; /docs lists the calls.", request_id)
    if isinstance(error, RequestEntityTooLarge):
        return _response(413, "payload_too_large", "The body is larger than this call reads.", request_id)
    if isinstance(error, MethodNotAllowed):
        response = _response(405, "method_not_allowed", "This address knows other methods; see the Allow header.", request_id)
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return response
    if status >= 500:
        return unforeseen(error, request_id)
    return _response(400, "bad_request", "The request cannot be read; see /docs for its form.", request_id)


def unforeseen(error: BaseException, request_id: str) -> Response:
    """Return 500 with nothing but the request id; log where it broke, never what it says: a driver or parser may quote a value."""
    logger.error("unforeseen %s at %s request=%s", type(error).__name__, place(error), request_id)
    return _response(500, "internal", _UNSPOKEN, request_id)


def place(error: BaseException) -> str:
    """Return `file:line` of the innermost frame."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rsplit('site-packages/', 1)[-1]}:{frames[-1].lineno}" if frames else "unknown place"


def _challenge(response: Response, error: PrivacyError) -> None:
    if isinstance(error, errors.StepUpRequired):  # RFC 9470
        response.headers["WWW-Authenticate"] = 'Bearer error="insufficient_user_authentication", acr_values="2"'
    elif isinstance(error, errors.Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="privacy-steward"'
    elif isinstance(error, errors.AccessDenied):
        response.headers["WWW-Authenticate"] = 'Bearer error="insufficient_scope"'


def _response(status: int, code: str, detail: str, request_id: str, flaws: list[dict[str, str]] | None = None) -> Response:
    body: dict[str, object] = {
        "type": f"/docs#{code}",
        "title": TITLES.get(code, code.replace("_", " ")),
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id,
    }
    if flaws:
        body["errors"] = flaws
    return Response(json.dumps(body, ensure_ascii=False), status, content_type=MEDIA_TYPE)
