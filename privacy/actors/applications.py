"""Applications that call the service: registered by an administrator, with roles, purposes and a secret that is shown once and stored as a digest."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace

from privacy.actors.accounts import Client, ClientCredentials
from privacy.actors.people import require
from privacy.actors.ports import ActorRepository, Tokens
from privacy.actors.refusals import Refusals
from privacy.actors.roles import Roles
from privacy.audit.events import Action, AuditLog, Event, Outcome
from privacy.kernel.clock import Clock
from privacy.kernel.errors import NotFound
from privacy.kernel.ids import DEFAULT_TENANT, new_id
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor

_SECRET_PREFIX = "pcs_"  # lets secret scanners recognise one


class Applications:
    """Administration of application clients, and the tokens they are given."""

    def __init__(
        self,
        store: Store,
        repository: ActorRepository,
        tokens: Tokens,
        audit: AuditLog,
        roles: Roles,
        clock: Clock,
        changed: Callable[[], None],
        refusals: Refusals,
    ) -> None:
        self._store = store
        self._repository = repository
        self._tokens = tokens
        self._audit = audit
        self._roles = roles
        self._clock = clock
        self._changed = changed
        self._refusals = refusals

    def all(self, actor: Actor) -> list[Client]:
        require(actor, "actors:read")
        return self._store.read(lambda tx: self._repository.clients(tx, actor.tenant))

    def get(self, actor: Actor, client: str) -> Client:
        require(actor, "actors:read")
        return self._store.read(lambda tx: self._found(tx, actor, client))

    def create(self, actor: Actor, name: str, roles: Iterable[str], purposes: Iterable[str] = (), *, request_id: str = "") -> ClientCredentials:
        """Register an application and return its secret, once."""
        require(actor, "actors:write")
        secret = new_secret()
        held = self._roles.check(roles, "application")
        client = Client(new_id(), actor.tenant, name, held, tuple(dict.fromkeys(purposes)), True, _digest(secret), self._clock.now())

        def work(tx: Tx) -> None:
            self._repository.add_client(tx, client)
            self._audit.append(tx, _event(Action.CLIENT_CREATED, actor, client, request_id))

        self._store.run(work)
        return ClientCredentials(client, secret)

    def change(
        self,
        actor: Actor,
        client: str,
        *,
        roles: Iterable[str] | None = None,
        purposes: Iterable[str] | None = None,
        active: bool | None = None,
        request_id: str = "",
    ) -> Client:
        """Set roles, purposes or state; tokens given out before follow at once."""
        require(actor, "actors:write")
        held = None if roles is None else self._roles.check(roles, "application")

        def changed(before: Client) -> Client:
            return replace(
                before,
                roles=before.roles if held is None else held,
                purposes=before.purposes if purposes is None else tuple(dict.fromkeys(purposes)),
                active=before.active if active is None else active,
            )

        return self._save(actor, client, changed, request_id)

    def renew_secret(self, actor: Actor, client: str, *, request_id: str = "") -> ClientCredentials:
        """Give another secret; the old one ends now, tokens made with it within their ten minutes."""
        require(actor, "actors:write")
        secret = new_secret()
        return ClientCredentials(self._save(actor, client, lambda before: replace(before, secret_digest=_digest(secret)), request_id, "secret"), secret)

    def find(self, client: str) -> Client | None:
        """Return an active client of an active tenant by its id, or None: for the token endpoint."""

        def look(tx: Tx) -> Client | None:
            found = self._repository.client(tx, client)
            tenant = self._repository.tenant(tx, found.tenant if found else DEFAULT_TENANT)
            return found if found and found.active and tenant and tenant.active else None

        return self._store.read(look)

    def issue_token(self, client: Client, scopes: Iterable[str], request_id: str = "") -> str:
        """Return a signed access token; the event is durable before it leaves."""
        token, token_id = self._tokens.sign(client, scopes)
        self._audit.record(Event(Action.TOKEN_ISSUED, _as_actor(client), object_type="token", object_ref=token_id, request_id=request_id))
        return token

    def token_refused(self, client: Client | None, named: str, request_id: str = "") -> None:
        """Record a refused token request for the id `named`, known or not, so that neither the answer's time nor the log's growth tells which."""
        tenant, ref = (client.tenant, client.ref) if client else (DEFAULT_TENANT, "")
        event = Event(Action.TOKEN_REFUSED, Actor("anonymous", tenant), Outcome.DENIED, "client", ref, request_id=request_id)
        self._refusals.note(_digest(f"client:{named}"), event)

    def allowed_scopes(self, client: Client) -> frozenset[str]:
        return self._roles.scopes(client.roles)

    def _save(self, actor: Actor, client: str, change: Callable[[Client], Client], request_id: str, *fields: str) -> Client:
        def work(tx: Tx) -> Client:
            before = self._found(tx, actor, client, lock=True)
            after = change(before)
            if after != before:
                self._repository.save_client(tx, after)
                self._audit.append(tx, _event(Action.CLIENT_CHANGED, actor, after, request_id, *fields))
            return after

        saved = self._store.run(work)
        self._changed()
        return saved

    def _found(self, tx: Tx, actor: Actor, client: str, *, lock: bool = False) -> Client:
        found = self._repository.client(tx, client, lock=lock)
        if found is None or found.tenant != actor.tenant:
            raise NotFound("There is no such client.")
        return found


def new_secret() -> str:
    return _SECRET_PREFIX + secrets.token_urlsafe(32)


def is_secret_of(client: Client | None, secret: str) -> bool:
    """Compare in constant time, for an unknown client too. A secret has 256 random bits, so that its SHA-256 need not be slow."""
    same = hmac.compare_digest(client.secret_digest if client else bytes(32), _digest(secret))
    return same and client is not None


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _as_actor(client: Client) -> Actor:
    return Actor(client.ref, client.tenant, client.roles, frozenset(), "client_credentials", purposes=client.purposes)


def _event(action: Action, actor: Actor, client: Client, request_id: str, *fields: str) -> Event:
    roles, purposes = sorted(client.roles), client.purposes
    state = (*(f"role:{role}" for role in roles), *(f"purpose:{purpose}" for purpose in purposes), "state:active" if client.active else "state:disabled")
    return Event(action, actor, object_type="client", object_ref=client.ref, fields=(*fields, *state), request_id=request_id)
