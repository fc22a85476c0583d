"""Accounts of people: created, changed and reset by an administrator, each change an event in the same transaction.

Guards: nobody changes their own roles or state, and the last administrator stays one. Approval of role changes by a second person, with a
waiting time, comes with the approvals room; until then every change stands in the log.
"""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace

from privacy.actors.accounts import User, UserCredentials, acceptable_password, canonical_username
from privacy.actors.ports import ActorRepository, Keys, OneTimeCodes, Passwords
from privacy.actors.roles import Roles
from privacy.actors.sign_in import SEED_LABEL
from privacy.audit.events import Action, AuditLog, Event
from privacy.kernel.clock import Clock
from privacy.kernel.errors import AccessDenied, Conflict, InvalidInput, NotFound, Unauthenticated
from privacy.kernel.ids import TenantId, new_id
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor

ADMIN = "admin"


class People:
    """Administration of people's accounts, and what a signed-in person may change about their own."""

    def __init__(
        self,
        store: Store,
        repository: ActorRepository,
        passwords: Passwords,
        codes: OneTimeCodes,
        audit: AuditLog,
        roles: Roles,
        clock: Clock,
        keys: Keys,
        changed: Callable[[], None],
        unlock: Callable[[Tx, str], None],
    ) -> None:
        self._store = store
        self._repository = repository
        self._passwords = passwords
        self._codes = codes
        self._audit = audit
        self._roles = roles
        self._clock = clock
        self._keys = keys
        self._changed = changed
        self._unlock = unlock

    def all(self, actor: Actor) -> list[User]:
        require(actor, "actors:read")
        return self._store.read(lambda tx: self._repository.users(tx, actor.tenant))

    def get(self, actor: Actor, user: str) -> User:
        require(actor, "actors:read")
        return self._store.read(lambda tx: self._found(tx, actor.tenant, user))

    def named(self, actor: Actor, username: str) -> User:
        """Return the account of this name in the actor's tenant."""
        require(actor, "actors:read")
        name = canonical_username(username)
        found = self._store.read(lambda tx: self._repository.user_named(tx, name))
        if found is None or found.tenant != actor.tenant:
            raise NotFound("There is no such user.")
        return found

    def create(self, actor: Actor, username: str, roles: Iterable[str], *, with_totp: bool = False, request_id: str = "") -> UserCredentials:
        """Return a new account with its first password (shown once). Raises Conflict when the name is taken."""
        require(actor, "actors:write")
        password, seed = secrets.token_urlsafe(18), self._codes.new_seed() if with_totp else ""
        user = self._new_user(actor.tenant, username, self._roles.check(roles, "person"), password, seed)

        def work(tx: Tx) -> None:
            if self._repository.user_named(tx, user.username) is not None:
                raise Conflict("This user name is taken.", pointer="/username")
            self._repository.add_user(tx, user)
            self._audit.append(tx, _event(Action.USER_CREATED, actor, user, request_id))

        self._store.run(work)
        return UserCredentials(user, password, seed)

    def change(self, actor: Actor, user: str, *, roles: Iterable[str] | None = None, active: bool | None = None, request_id: str = "") -> User:
        """Set roles or state. Raises AccessDenied for one's own account, Conflict for the last administrator."""
        require(actor, "actors:write")
        wanted = None if roles is None else self._roles.check(roles, "person")

        def work(tx: Tx) -> User:
            known = self._repository.users(tx, actor.tenant, lock=True)
            before = next((each for each in known if each.id == user), None)
            if before is None:
                raise NotFound("There is no such user.")
            after = replace(before, roles=before.roles if wanted is None else wanted, active=before.active if active is None else active)
            _guard(actor, before, after, known)
            if after != before:
                self._repository.save_user(tx, after)
                self._audit.append(tx, _event(Action.USER_CHANGED, actor, after, request_id))
            return after

        changed = self._store.run(work)
        self._changed()
        return changed

    def reset(self, actor: Actor, user: str, *, with_totp: bool = False, request_id: str = "") -> UserCredentials:
        """Give another first password, drop the authenticator and end all sessions of the account."""
        require(actor, "actors:write")
        password, seed = secrets.token_urlsafe(18), self._codes.new_seed() if with_totp else ""
        hashed = self._passwords.hash(password)
        sealed = self._sealed(actor.tenant, user, seed)

        def work(tx: Tx) -> User:
            before = self._found(tx, actor.tenant, user, lock=True)
            if before.ref == actor.ref:
                raise AccessDenied("Change your own password with a session of yours; another administrator can reset your account.")
            after = replace(before, password_hash=hashed, totp_seed=sealed, totp_confirmed=bool(seed), totp_step=0)
            self._repository.save_user(tx, after)
            self._repository.revoke_sessions_of(tx, actor.tenant, user)
            self._audit.append(tx, _event(Action.USER_CHANGED, actor, after, request_id, "password", "totp"))
            return after

        changed = self._store.run(work)
        self._changed()
        return UserCredentials(changed, password, seed)

    def unlock(self, actor: Actor, user: str, *, request_id: str = "") -> User:
        """Forget the failed sign-ins with this account's name, so that its owner need not wait."""
        require(actor, "actors:write")

        def work(tx: Tx) -> User:
            found = self._found(tx, actor.tenant, user)
            self._unlock(tx, found.username)
            self._audit.append(tx, _event(Action.USER_CHANGED, actor, found, request_id, "unlocked"))
            return found

        return self._store.run(work)

    def change_password(self, actor: Actor, current: str, new: str, *, request_id: str = "") -> None:
        """Set one's own password; the present one is asked for, and every session ends."""
        user = self._self(actor)
        if not self._passwords.verify(user.password_hash, current):
            raise InvalidInput("The present password is wrong.", pointer="/current")
        hashed = self._passwords.hash(acceptable_password(new, "/new"))
        self._save_own(actor, lambda present: replace(present, password_hash=hashed), "password", request_id)

    def begin_totp(self, actor: Actor) -> tuple[str, str]:
        """Return a new seed and its address for an authenticator. It counts once a code of it is confirmed."""
        user = self._self(actor)
        seed = self._codes.new_seed()
        sealed = self._sealed(user.tenant, user.id, seed)

        def work(tx: Tx) -> None:
            present = self._found(tx, user.tenant, user.id, lock=True)
            if present.totp_confirmed:
                raise Conflict("An authenticator is enrolled already; an administrator can reset it.")
            self._repository.save_user(tx, replace(present, totp_seed=sealed, totp_step=0))

        self._store.run(work)
        return seed, self._codes.address(seed, user.username)

    def confirm_totp(self, actor: Actor, code: str, *, request_id: str = "") -> None:
        """Enrol the authenticator that was begun; from now on every sign-in needs a code."""
        user = self._self(actor)
        if user.totp_seed is None or user.totp_confirmed:
            raise Conflict("There is no authenticator to confirm; begin with POST /api/v1/sessions/current/totp.")
        seed = self._keys.unseal(user.tenant, SEED_LABEL, user.totp_seed, user.id.encode()).decode("ascii")
        step = self._codes.step(seed, code, self._clock.now())
        if step is None:
            raise InvalidInput("The code does not belong to this authenticator and this time; check the device's clock.", pointer="/code")
        self._save_own(actor, lambda present: replace(present, totp_seed=user.totp_seed, totp_confirmed=True, totp_step=step), "totp", request_id)

    def _save_own(self, actor: Actor, change: Callable[[User], User], field: str, request_id: str) -> None:
        def work(tx: Tx) -> None:
            after = change(self._found(tx, actor.tenant, actor.ref.removeprefix("user:"), lock=True))
            self._repository.save_user(tx, after)
            self._repository.revoke_sessions_of(tx, after.tenant, after.id)
            self._audit.append(tx, _event(Action.USER_CHANGED, actor, after, request_id, field))

        self._store.run(work)
        self._changed()

    def _self(self, actor: Actor) -> User:
        if not actor.ref.startswith("user:"):
            raise AccessDenied("Only a signed-in person has a password and an authenticator.")
        user = self._store.read(lambda tx: self._repository.user(tx, actor.tenant, actor.ref.removeprefix("user:")))
        if user is None or not user.active:
            raise Unauthenticated("The account is no longer active.")
        return user

    def _found(self, tx: Tx, tenant: TenantId, user: str, *, lock: bool = False) -> User:
        found = self._repository.user(tx, tenant, user, lock=lock)
        if found is None:
            raise NotFound("There is no such user.")
        return found

    def _new_user(self, tenant: TenantId, username: str, roles: frozenset[str], password: str, seed: str) -> User:
        made = new_id()
        sealed = self._sealed(tenant, made, seed)
        hashed = self._passwords.hash(password)
        return User(made, tenant, canonical_username(username), roles, True, hashed, sealed, bool(seed), 0, self._clock.now())

    def _sealed(self, tenant: TenantId, user: str, seed: str) -> bytes | None:
        return self._keys.seal(tenant, SEED_LABEL, seed.encode("ascii"), user.encode()) if seed else None


def require(actor: Actor, scope: str) -> None:
    """Raise AccessDenied unless `actor` holds `scope`: the web edge checked it too, the shell and later callers come in here."""
    if scope not in actor.scopes:
        raise AccessDenied(f"This needs the scope {scope}.")


def _guard(actor: Actor, before: User, after: User, known: Iterable[User]) -> None:
    if before.ref == actor.ref and (before.roles, before.active) != (after.roles, after.active):
        raise AccessDenied("Nobody changes their own roles or state; another administrator can.")
    others = [user for user in known if user.id != before.id and user.active and ADMIN in user.roles]
    if ADMIN in before.roles and before.active and not others and not (after.active and ADMIN in after.roles):
        raise Conflict("This is the last active administrator; give another person the role first.")


def _event(action: Action, actor: Actor, user: User, request_id: str, *fields: str) -> Event:
    # roles and state as they are from now on, so that the list of accounts as of any day can be told from the log alone
    state = (*(f"role:{role}" for role in sorted(user.roles)), "state:active" if user.active else "state:disabled")
    return Event(action, actor, object_type="user", object_ref=user.ref, fields=(*fields, *state), request_id=request_id)
