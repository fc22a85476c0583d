"""The use cases of this room behind one door: sign in, be recognised, administer people and applications, set up a new installation."""

from collections.abc import Iterable

from privacy.actors.accounts import ClientCredentials, OpenedSession, Session, Tenant, User, UserCredentials, canonical_username
from privacy.actors.applications import Applications
from privacy.actors.live import Live
from privacy.actors.people import People
from privacy.actors.ports import ActorRepository, Claims, Keys, OneTimeCodes, Passwords, Tokens
from privacy.actors.refusals import Refusals
from privacy.actors.repeats import Repeats
from privacy.actors.roles import Roles
from privacy.actors.sign_in import SESSION_PREFIX, SignIn, digest_of
from privacy.audit.events import Action, AuditLog, Event
from privacy.kernel.clock import Clock
from privacy.kernel.errors import Unauthenticated
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor

SELF = "self"  # what every signed-in person may do about their own session
SESSION_SECONDS = 3600
STRONG = frozenset(
    {
        "systems:write", "systems:protect", "requests:write", "requests:approve", "retention:write", "retention:approve", "audit:export", "actors:write",
        "policy:write",
    }
)  # fmt: skip
"""What a person may do only in a session with a second factor: change who sees what, or carry the log away."""
_STRONG_ASSURANCE = 2
_REFUSED = "The access token is not valid: it is unknown, expired or revoked. Get a new one."


class Actors:
    """Who calls. `people` and `applications` administer; `authenticate` recognises."""

    def __init__(
        self,
        store: Store,
        repository: ActorRepository,
        passwords: Passwords,
        codes: OneTimeCodes,
        tokens: Tokens,
        audit: AuditLog,
        roles: Roles,
        clock: Clock,
        keys: Keys,
        *,
        session_seconds: int = SESSION_SECONDS,
    ) -> None:
        self.roles = roles
        self.token_seconds = tokens.lifetime
        self._store = store
        self._repository = repository
        self._tokens = tokens
        self._audit = audit
        self._clock = clock
        self._live = Live()
        refusals = Refusals(audit, clock)
        self._sign_in = SignIn(store, repository, passwords, codes, audit, clock, keys, session_seconds, refusals)
        self.repeats = Repeats(store, repository, keys.derive, clock)
        self.people = People(store, repository, passwords, codes, audit, roles, clock, keys, self._live.forget, self._sign_in.unlock)
        self.applications = Applications(store, repository, tokens, audit, roles, clock, self._live.forget, refusals)

    def open_session(self, username: str, password: str, totp: str | None = None, *, request_id: str = "", source: str = "") -> OpenedSession:
        """Sign a person in; `source` is the address they come from. Raises Unauthenticated with the same text for every reason, or TooManyAttempts."""
        return self._sign_in.open(username, password, totp, request_id, source)

    def close_session(self, actor: Actor, token: str, *, request_id: str = "") -> None:
        """Revoke the session of this token at once."""
        self._sign_in.close(actor, token, request_id)
        self._live.forget()

    def authenticate(self, bearer: str) -> Actor:
        """Return who this token stands for, with the rights they have now (roles are read live, at most a second old).

        Raises Unauthenticated, with one text for every reason.
        """
        if bearer.startswith(SESSION_PREFIX):
            return self._person(bearer)
        return self._application(self._tokens.verify(bearer))

    def needs_second_factor(self, actor: Actor, scope: str) -> bool:
        """Would a session with a second factor have `scope`, which this one lacks?"""
        return scope in STRONG and scope not in actor.scopes and actor.ref.startswith("user:") and scope in self.roles.scopes(actor.roles)

    def _person(self, bearer: str) -> Actor:
        digest = digest_of(bearer) if bearer.isascii() else b""
        found = self._live.get(("session", digest), lambda: self._store.read(lambda tx: self._repository.session(tx, digest)))
        if found is None or not self._is_open(*found):
            raise Unauthenticated(_REFUSED)
        session, user = found
        scopes = (self.roles.scopes(user.roles) - (frozenset() if session.assurance >= _STRONG_ASSURANCE else STRONG)) | {SELF}
        return Actor(user.ref, user.tenant, user.roles, scopes, session.auth, session.assurance, session.created_at)

    def _is_open(self, session: Session, user: User) -> bool:
        return not session.revoked and session.expires_at > self._clock.now() and user.active and self._tenant_active(session.tenant)

    def _application(self, claims: Claims) -> Actor:
        client = self._live.get(("client", claims.client), lambda: self._store.read(lambda tx: self._repository.client(tx, claims.client)))
        if client is None or not client.active or client.tenant != claims.tenant or not self._tenant_active(client.tenant):
            raise Unauthenticated(_REFUSED)
        # a token may carry fewer scopes than its client has, never more
        scopes = self.roles.scopes(client.roles) & claims.scopes
        return Actor(client.ref, client.tenant, client.roles, scopes, "client_credentials", 1, claims.issued_at, client.purposes)

    def _tenant_active(self, tenant: TenantId) -> bool:
        found = self._live.get(("tenant", tenant), lambda: self._store.read(lambda tx: self._repository.tenant(tx, tenant)))
        return found is not None and found.active

    def tenants(self) -> list[TenantId]:
        """Return the active tenants: for work that no person asks for, such as schedules."""
        return [tenant.id for tenant in self._store.read(self._repository.tenants) if tenant.active]

    # setting up: each is idempotent, so that `privacy init` can run again

    def bootstrap_tenant(self, actor: Actor, name: str) -> bool:
        """Create the actor's tenant; False when it is there."""

        def work(tx: Tx) -> bool:
            if self._repository.tenant(tx, actor.tenant) is not None:
                return False
            self._repository.add_tenant(tx, Tenant(actor.tenant, name, True, self._clock.now()))
            self._audit.append(tx, Event(Action.TENANT_CREATED, actor, object_type="tenant", object_ref=actor.tenant))
            return True

        created = self._store.run(work)
        self._live.forget()
        return created

    def bootstrap_user(self, actor: Actor, username: str, roles: Iterable[str], *, with_totp: bool = True) -> UserCredentials | None:
        """Create a person with first password and authenticator seed; None when the name exists."""
        name = canonical_username(username)
        if self._store.read(lambda tx: self._repository.user_named(tx, name)) is not None:
            return None
        return self.people.create(actor, username, roles, with_totp=with_totp)

    def bootstrap_client(self, actor: Actor, name: str, roles: Iterable[str], purposes: Iterable[str] = ()) -> ClientCredentials | None:
        """Register an application; None when one of this name exists in the tenant."""
        if any(client.name == name for client in self._store.read(lambda tx: self._repository.clients(tx, actor.tenant))):
            return None
        return self.applications.create(actor, name, roles, purposes)
