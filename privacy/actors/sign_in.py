"""People sign in: password, then a one-time code where one is enrolled, then a session.

Guarantees: an unknown name, a wrong password and a disabled account get the same answer after the same work; guesses are counted before they
are tried, so that parallel guessing gains nothing; a one-time code works once. Guesses are counted by name and address: a stranger does not lock the
owner out, unless many addresses guess; then only a sign-in with password and one-time code together passes, from an address that is not blocked
itself. Limits: who shares the stranger's address waits with them (five minutes at most); who knows a right password learns that a code is asked for.
"""

import hashlib
import hmac
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from privacy.actors.accounts import Attempts, OpenedSession, Session, User, canonical_username
from privacy.actors.ports import ActorRepository, Keys, OneTimeCodes, Passwords
from privacy.actors.refusals import Refusals
from privacy.audit.events import Action, AuditLog, Event, Outcome
from privacy.kernel.clock import Clock
from privacy.kernel.errors import InvalidInput, TooManyAttempts, Unauthenticated
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor

SESSION_PREFIX = "pss_"
SEED_LABEL = "actors/totp"
_FREE_ATTEMPTS = 10  # from one address: a household of scripts may start together; guessing needs thousands
_FREE_ATTEMPTS_OF_ALL = 100  # from all addresses together
_LONGEST_BLOCK = 300
_HALF = 16
_FORGET_AFTER = timedelta(hours=1)
_REFUSED = "The name, the password or the one-time code is wrong."


def digest_of(token: str) -> bytes:
    """Return what is stored of a random token: it has 256 bits, so that a fast hash is enough."""
    return hashlib.sha256(token.encode("ascii")).digest()


class SignIn:
    """Opens and closes sessions."""

    def __init__(
        self,
        store: Store,
        repository: ActorRepository,
        passwords: Passwords,
        codes: OneTimeCodes,
        audit: AuditLog,
        clock: Clock,
        keys: Keys,
        lifetime: int,
        refusals: Refusals,
    ) -> None:
        self._store = store
        self._repository = repository
        self._passwords = passwords
        self._codes = codes
        self._audit = audit
        self._clock = clock
        self._keys = keys
        self._lifetime = lifetime
        self._refusals = refusals
        self._sweep_at = clock.now()

    def open(self, username: str, password: str, totp: str | None, request_id: str, source: str = "") -> OpenedSession:
        """Return a new session. Raises Unauthenticated (code `totp_required` when only the code is missing) or TooManyAttempts."""
        name = _canonical(username)
        lookup = self._lookup(name, source)
        pressed = self._store.run(lambda tx: self._count(tx, lookup, bool(totp)))
        user = self._store.read(lambda tx: self._repository.user_named(tx, name))
        if not self._passwords.verify(user.password_hash if user else None, password) or user is None or not self._active(user):
            raise self._refused(user, lookup, request_id)
        step = self._step(user, totp, lookup, request_id)
        if pressed and step is None:
            raise self._refused(user, lookup, request_id)
        return self._session(user, step, lookup, password, request_id)

    def close(self, actor: Actor, token: str, request_id: str) -> None:
        """End the session of this token."""

        def work(tx: Tx) -> None:
            if self._repository.revoke_session(tx, digest_of(token)):
                self._audit.append(tx, Event(Action.SESSION_CLOSED, actor, object_type="user", object_ref=actor.ref, request_id=request_id))

        self._store.run(work)

    def seed_of(self, user: User) -> str:
        if user.totp_seed is None:
            return ""
        return self._keys.unseal(user.tenant, SEED_LABEL, user.totp_seed, user.id.encode()).decode("ascii")

    def _active(self, user: User) -> bool:
        tenant = self._store.read(lambda tx: self._repository.tenant(tx, user.tenant))
        return user.active and tenant is not None and tenant.active

    def unlock(self, tx: Tx, username: str) -> None:
        """Forget all failed attempts with this name, from wherever they came."""
        self._repository.forget_attempts_with(tx, self._lookup(username, "")[:_HALF])

    def _lookup(self, name: str, source: str) -> bytes:
        """Return the row of a name and an address: people type passwords into the wrong field, so neither stands there readable."""
        key = self._keys.derive(DEFAULT_TENANT, "actors/sign-in")
        first = hmac.digest(key, name.encode("utf-8"), "sha256")[:_HALF]
        return first + hmac.digest(key, first + source.encode("utf-8"), "sha256")[:_HALF]

    def _count(self, tx: Tx, lookup: bytes, with_code: bool) -> bool:
        """Count this attempt before it is tried; True when it passes only by its code. Raises TooManyAttempts while name and address are blocked."""
        now = self._clock.now()
        if now >= self._sweep_at:
            self._sweep_at = now + timedelta(minutes=1)
            self._repository.sweep_attempts(tx, now - _FORGET_AFTER)
        of_all = _of_all(lookup)
        known, all_known = self._repository.attempts(tx, lookup), self._repository.attempts(tx, of_all)
        pressed = all_known is not None and all_known.blocked_until > now
        if known and known.blocked_until > now:
            raise _too_many(known, now)
        if all_known and pressed and not with_code:
            raise _too_many(all_known, now)
        self._repository.save_attempts(tx, lookup, _one_more(known, _FREE_ATTEMPTS, now))
        self._repository.save_attempts(tx, of_all, _one_more(all_known, _FREE_ATTEMPTS_OF_ALL, now))
        return pressed

    def _step(self, user: User, totp: str | None, lookup: bytes, request_id: str) -> int | None:
        if user.totp_seed is None or not user.totp_confirmed:
            return None
        if not totp:
            raise Unauthenticated("This account also needs a one-time code: send `totp`.", code="totp_required", pointer="/totp")
        step = self._codes.step(self.seed_of(user), totp, self._clock.now())
        if step is None:
            raise self._refused(user, lookup, request_id)
        return step

    def _session(self, user: User, step: int | None, lookup: bytes, password: str, request_id: str) -> OpenedSession:
        token = SESSION_PREFIX + secrets.token_urlsafe(32)
        now = self._clock.now()
        auth, assurance = ("password", 1) if step is None else ("password+totp", 2)
        session = Session(digest_of(token), user.tenant, user.id, auth, assurance, now, now + timedelta(seconds=self._lifetime))
        actor = Actor(user.ref, user.tenant, user.roles, frozenset(), auth, assurance, now)
        rehashed = self._passwords.hash(password) if self._passwords.outdated(user.password_hash) else ""

        def work(tx: Tx) -> bool:
            if step is not None and not self._repository.use_totp_step(tx, user.tenant, user.id, step):
                return False
            if rehashed and (present := self._repository.user(tx, user.tenant, user.id, lock=True)):
                self._repository.save_user(tx, replace(present, password_hash=rehashed))
            self._repository.add_session(tx, session)
            self._repository.forget_attempts(tx, lookup)
            self._repository.forget_attempts(tx, _of_all(lookup))
            self._repository.delete_sessions_before(tx, now - timedelta(days=1))
            self._audit.append(tx, Event(Action.SESSION_OPENED, actor, object_type="user", object_ref=user.ref, request_id=request_id))
            return True

        self._refusals.flush()
        if not self._store.run(work):
            raise self._refused(user, lookup, request_id)
        return OpenedSession(token, self._lifetime, assurance, user.roles)

    def _refused(self, user: User | None, lookup: bytes, request_id: str) -> Unauthenticated:
        nobody = Actor("anonymous", user.tenant if user else DEFAULT_TENANT)
        about = user.ref if user else ""
        self._refusals.note(lookup, Event(Action.SESSION_REFUSED, nobody, Outcome.DENIED, object_type="user", object_ref=about, request_id=request_id))
        return Unauthenticated(_REFUSED)


def _canonical(username: str) -> str:
    try:
        return canonical_username(username)
    except InvalidInput:
        return ""  # no such account can exist; the work that follows is the same


def _of_all(lookup: bytes) -> bytes:
    return lookup[:_HALF] + bytes(_HALF)


def _one_more(known: Attempts | None, free: int, now: datetime) -> Attempts:
    failures = known.failures + 1 if known and now - known.touched_at < _FORGET_AFTER else 1
    seconds = 0 if failures < free else min(_LONGEST_BLOCK, 2 ** min(failures - free, 9))
    return Attempts(failures, now + timedelta(seconds=seconds), now)


def _too_many(known: Attempts, now: datetime) -> TooManyAttempts:
    return TooManyAttempts(max(1, round((known.blocked_until - now).total_seconds())))
