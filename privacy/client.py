"""A typed client in one file, standard library only: copy it into your application.

    client = Client("https://privacy.example", client_id, client_secret)
    masked = client.mask(dataset="crm.customer", purpose="support", records=[...])

It fetches and renews its token, retries what the service calls retryable (429, 503) within a bound, and raises `Problem` with the service's stable
`code` for the rest. Limits: one connection per call; no redirects (they would carry token and data elsewhere); plain http only to this machine.
"""

import http.client
import json
import socket
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

Json = dict[str, Any]
_LOCAL = ("127.0.0.1", "::1", "localhost")
_RETRYABLE = (429, 503)
_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "certificate_not_trusted"),
    (ssl.SSLError, "tls"),
    (socket.gaierror, "name_not_found"),
    (TimeoutError, "timed_out"),
    (ConnectionRefusedError, "refused"),
)
_EARLY = 30.0  # seconds before its end at which a token is renewed


@dataclass(frozen=True, slots=True)
class Sent:
    """One HTTP request as `Client._send` gets it. Has no repr of headers and body: they hold tokens and personal values."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Problem(Exception):
    """The service refused. Go by `code` (stable); `errors` points at what is wrong; nothing here repeats a value that was sent."""

    def __init__(self, status: int, code: str, detail: str, errors: Sequence[Mapping[str, str]] = (), request_id: str = "") -> None:
        super().__init__(f"{status} {code}: {detail}" + (f" (request {request_id})" if request_id else ""))
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.request_id = request_id


class Unreachable(Exception):
    """The service could not be reached, or its answer broke off.

    `reason` is refused, timed_out, name_not_found, certificate_not_trusted, tls, or broken_off (the call may have had its effect).
    """

    def __init__(self, base_url: str, reason: str) -> None:
        super().__init__(f"{base_url} could not be reached: {reason.replace('_', ' ')}")
        self.reason = reason


class Client:
    """Calls the service as an application.

    Args:
        base_url: where the service is, for example https://privacy.example.
        client_id, client_secret: the application's credentials; or
        token: an access token instead (a person's session, for one), which is then never renewed.
        timeout: seconds one HTTP exchange may take.
        patience: seconds of waiting for a service that is busy, over all retries of one call.
    """

    def __init__(self, base_url: str, client_id: str = "", client_secret: str = "", *, token: str = "", timeout: float = 30.0, patience: float = 5.0) -> None:
        parts = urllib.parse.urlsplit(base_url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
            raise ValueError("base_url must be https://…; plain http is for a service on this machine only")
        self._base = base_url.rstrip("/")
        self._credentials = (client_id, client_secret)
        self._token = token
        self._token_until = float("inf") if token else 0.0
        self._timeout = timeout
        self._patience = patience
        self._lock = threading.Lock()
        self._opener = urllib.request.build_opener(_NoRedirects, urllib.request.HTTPSHandler(context=ssl.create_default_context()))

    def __repr__(self) -> str:
        return f"Client({self._base!r})"

    # find and mask

    def detect(self, texts: Sequence[str], *, language: str = "auto", entities: Sequence[str] | None = None, min_confidence: float = 0.5) -> list[Any]:
        """Return one list of findings per text; offsets are Unicode code points. Never the found values."""
        body = _given(texts=list(texts), language=language, entities=entities, min_confidence=min_confidence)
        results: list[Any] = self.call("POST", "/api/v1/detect", body)["results"]
        return results

    def mask(
        self,
        *,
        records: Sequence[Mapping[str, Any]] | None = None,
        texts: Sequence[str | Mapping[str, Any]] | None = None,
        dataset: str | None = None,
        purpose: str | None = None,
        recipient: str | None = None,
        subject_field: str | None = None,
    ) -> Json:
        """Return records (or texts) as this caller may see them, with a decision and a reason for every field.

        A text is a str, or {"text": …, "subject": "crm:customer:42"} where it is known whom it is about.
        """
        body = _given(dataset=dataset, purpose=purpose, recipient=recipient, subject_field=subject_field, records=records, texts=texts)
        return self.call("POST", "/api/v1/mask", body)

    def explain(self, **question: Any) -> Json:
        """Ask who would see which field, and why."""
        return self.call("POST", "/api/v1/explain", question)

    def decide(self, items: Sequence[Mapping[str, Any]], **common: Any) -> Json:
        """Ask for decisions without sending values. What is `common` to all items (dataset, purpose, …) holds where an item does not say otherwise."""
        return self.call("POST", "/api/v1/decisions", {"items": [{**common, **item} for item in items]})

    # protect

    def protect(self, dataset: str, items: Sequence[Mapping[str, Any]], **more: Any) -> list[Json]:
        """Encrypt `{"subject", "field", "value"}` items; answers come in order, each a ciphertext or an error."""
        return self._items("protect", dataset, items, more)

    def reveal(self, dataset: str, items: Sequence[Mapping[str, Any]], **more: Any) -> list[Json]:
        """Decrypt `{"subject", "field", "value"}` items where the policy says so; answers come in order."""
        return self._items("reveal", dataset, items, more)

    def index(self, dataset: str, items: Sequence[Mapping[str, Any]], **more: Any) -> list[Json]:
        """Compute blind indexes of `{"field", "value"}` items; answers come in order."""
        return self._items("index", dataset, items, more)

    # consent

    def give_consent(self, **consent: Any) -> Json:
        """Record a consent and return its receipt."""
        return self.call("POST", "/api/v1/consents", consent)

    def withdraw_consent(self, **withdrawal: Any) -> Json:
        """Record a withdrawal and return its receipt."""
        return self.call("POST", "/api/v1/consents/withdraw", withdrawal)

    def check_consents(self, items: Sequence[Mapping[str, Any]]) -> list[Json]:
        """Return the state of consent for every `{"subject", "purpose", "recipient"?, "channel"?}`, in order."""
        answered: list[Json] = self.call("POST", "/api/v1/consents/check", {"items": list(items)})["items"]
        return answered

    # what there is to name in a call

    def purposes(self) -> list[Json]:
        return self._list("purposes")

    def recipients(self) -> list[Json]:
        return self._list("recipients")

    def notices(self) -> list[Json]:
        """Return the newest version of every notice."""
        return self._list("notices")

    def systems(self) -> list[Json]:
        return self._list("systems")

    # anything else

    def call(self, method: str, path: str, body: Any = None) -> Json:
        """Call any route and return its JSON ({} for no content). Raises Problem or Unreachable."""
        answered = self._authorised(method, path, body)
        if answered.status >= 400:
            _refuse(answered)
        parsed: Json = json.loads(answered.body) if answered.body else {}
        return parsed

    def download(self, path: str) -> bytes:
        """GET anything that is not JSON: an export, a proof."""
        answered = self._authorised("GET", path, None)
        if answered.status >= 400:
            _refuse(answered)
        return answered.body

    def _list(self, name: str) -> list[Json]:
        listed: list[Json] = self.call("GET", f"/api/v1/{name}")[name]
        return listed

    def _items(self, verb: str, dataset: str, items: Sequence[Mapping[str, Any]], more: Mapping[str, Any]) -> list[Json]:
        answered: list[Json] = self.call("POST", f"/api/v1/{verb}", {"dataset": dataset, "items": list(items), **more})["items"]
        return answered

    def _authorised(self, method: str, path: str, body: Any) -> Answered:
        answered = self._patient(method, path, body)
        if answered.status == 401 and self._credentials[0]:
            self._token_until = 0.0  # revoked, or signed by a key that is gone: once more with a fresh one
            answered = self._patient(method, path, body)
        return answered

    def _patient(self, method: str, path: str, body: Any) -> Answered:
        """Retry while the service is busy; only what is safe to repeat: a refused call had no effect."""
        raw = None if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode("utf-8")
        until = time.monotonic() + self._patience
        while True:
            headers = {"Authorization": f"Bearer {self._fresh_token()}", "Accept": "application/json"}
            if raw is not None:
                headers["Content-Type"] = "application/json"
            answered = self._send(Sent(method, path, headers, raw))
            wait = _seconds(answered.headers.get("Retry-After", ""))
            if answered.status not in _RETRYABLE or wait is None or time.monotonic() + wait > until:
                return answered
            time.sleep(wait)

    def _fresh_token(self) -> str:
        with self._lock:
            if time.monotonic() < self._token_until:
                return self._token
            form = {"grant_type": "client_credentials", "client_id": self._credentials[0], "client_secret": self._credentials[1]}
            asked = Sent("POST", "/oauth/token", {"Content-Type": "application/x-www-form-urlencoded"}, urllib.parse.urlencode(form).encode())
            answered = self._send(asked)
            if answered.status != 200:
                _refuse(answered)
            told = json.loads(answered.body)
            self._token = str(told["access_token"])
            life = float(told["expires_in"])
            self._token_until = time.monotonic() + max(life - _EARLY, life / 2)
            return self._token

    def _send(self, sent: Sent) -> Answered:
        """Exchange one request for one answer; replace it to go another way (a test's WSGI call, a pooled connection)."""
        request = urllib.request.Request(self._base + sent.path, sent.body, dict(sent.headers), method=sent.method)  # noqa: S310 - the scheme was checked
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                return Answered(response.status, dict(response.headers.items()), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answered(error.code, dict(error.headers.items()), error.read())
        except (OSError, EOFError, http.client.HTTPException) as error:
            raise Unreachable(self._base, _reason(error)) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def _refuse(answered: Answered) -> NoReturn:
    try:
        told = json.loads(answered.body)
    except ValueError:
        told = {}
    if not isinstance(told, dict):
        told = {}
    code = str(told.get("code") or told.get("error") or "unknown")
    detail = str(told.get("detail") or told.get("error_description") or "The service gave no reason.")
    raise Problem(answered.status, code, detail, told.get("errors", ()), str(told.get("request_id", "")))


def _reason(error: BaseException) -> str:
    """Return the word for a failure of the network; its own text may be in any language and name anything."""
    cause = error.reason if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException) else error
    return next((word for kind, word in _REASONS if isinstance(cause, kind)), "broken_off")


def _given(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value is not None}


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() else None
