"""Requests that a caller marked with an `Idempotency-Key`: each is carried out once, however often it is sent.

Kept for a day, per caller and route: a keyed digest of key and request, the status, the place of what was made; the answer itself only where the
route says that it holds neither personal data nor a secret. Limit: a request that failed is forgotten, so that it can be sent again; where the
database did not answer in time it may have been carried out all the same.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from privacy.kernel.canonical import length_prefixed
from privacy.kernel.clock import Clock
from privacy.kernel.errors import Conflict, InvalidInput
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor

_KEPT = timedelta(days=1)
_LONGEST_ANSWER = 16 * 1024
_RUNNING = "The first request with this Idempotency-Key is still being carried out."


@dataclass(frozen=True, slots=True)
class Repeat:
    """A marked request: `status` is 0 while it runs; `answer` is empty where it was not kept."""

    lookup: bytes
    tenant: TenantId
    request: bytes
    status: int
    location: str
    answer: str
    expires_at: datetime


class RepeatRepository(Protocol):
    def repeat(self, tx: Tx, lookup: bytes) -> Repeat | None: ...

    def add_repeat(self, tx: Tx, repeat: Repeat) -> None: ...

    def save_repeat(self, tx: Tx, repeat: Repeat) -> None: ...

    def delete_repeat(self, tx: Tx, lookup: bytes, before: datetime) -> None:
        """Delete this row, and every row that expired before `before`."""


class Repeats:
    """Decides whether a marked request is new."""

    def __init__(self, store: Store, repository: RepeatRepository, derive: Callable[[TenantId, str], bytes], clock: Clock) -> None:
        self._store = store
        self._repository = repository
        self._derive = derive
        self._clock = clock

    def begin(self, actor: Actor, route: str, key: str, request: bytes) -> Repeat:
        """Return the new request to carry out (status 0), or the one that was carried out before.

        Raises InvalidInput (code `idempotency_key_reused`) when the key stands for another request, Conflict while the first one runs.
        """
        secret = self._derive(actor.tenant, "actors/idempotency")
        # what was sent may be a phone number: a plain hash of it could be guessed
        lookup = hmac.digest(secret, length_prefixed([actor.ref.encode(), route.encode(), key.encode()]), "sha256")
        digest = hmac.digest(secret, lookup + request, "sha256")
        made = Repeat(lookup, actor.tenant, digest, 0, "", "", self._clock.now() + _KEPT)
        try:
            known = self._store.run(lambda tx: self._claim(tx, made))
        except Conflict:  # two arrived together, and the other one's row was first
            raise Conflict(_RUNNING) from None
        if known is None:
            return made
        if not hmac.compare_digest(known.request, digest):
            raise InvalidInput("This Idempotency-Key was used before with another request. Take a new key.", code="idempotency_key_reused")
        if known.status == 0:
            raise Conflict(_RUNNING)
        return known

    def done(self, repeat: Repeat, status: int, location: str, answer: str) -> None:
        kept = replace(repeat, status=status, location=location, answer=answer if len(answer) <= _LONGEST_ANSWER else "")
        self._store.run(lambda tx: self._repository.save_repeat(tx, kept))

    def failed(self, repeat: Repeat) -> None:
        self._store.run(lambda tx: self._repository.delete_repeat(tx, repeat.lookup, self._clock.now()))

    def _claim(self, tx: Tx, made: Repeat) -> Repeat | None:
        now = self._clock.now()
        known = self._repository.repeat(tx, made.lookup)
        if known is not None and known.expires_at > now:
            return known
        if known is not None:
            self._repository.delete_repeat(tx, made.lookup, now)
        self._repository.add_repeat(tx, made)
        return None
