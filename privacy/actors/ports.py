"""What this room needs from outside: a store for accounts, slow password hashes, one-time codes, signed tokens, keys."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from privacy.actors.accounts import Attempts, Client, Session, Tenant, User
from privacy.actors.repeats import RepeatRepository
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx


class ActorRepository(RepeatRepository, Protocol):
    """Accounts in the main database. Lookups by user name, client id and token digest cross tenants on purpose: they are how the tenant becomes known."""

    def add_tenant(self, tx: Tx, tenant: Tenant) -> None: ...

    def tenant(self, tx: Tx, tenant: TenantId) -> Tenant | None: ...

    def tenants(self, tx: Tx) -> list[Tenant]: ...

    def add_user(self, tx: Tx, user: User) -> None: ...

    def user(self, tx: Tx, tenant: TenantId, user: str, *, lock: bool = False) -> User | None:
        """Return one user; `lock` it where it is to be saved, for `save_user` writes the whole row."""

    def user_named(self, tx: Tx, username: str) -> User | None: ...

    def users(self, tx: Tx, tenant: TenantId, *, lock: bool = False) -> list[User]:
        """Return all users by name; with `lock` nobody else changes them until the transaction ends."""

    def save_user(self, tx: Tx, user: User) -> None: ...

    def use_totp_step(self, tx: Tx, tenant: TenantId, user: str, step: int) -> bool:
        """Remember that the code of `step` was used; False when this step or a later one was used before."""

    def add_client(self, tx: Tx, client: Client) -> None: ...

    def client(self, tx: Tx, client: str, *, lock: bool = False) -> Client | None: ...

    def clients(self, tx: Tx, tenant: TenantId) -> list[Client]: ...

    def save_client(self, tx: Tx, client: Client) -> None: ...

    def add_session(self, tx: Tx, session: Session) -> None: ...

    def session(self, tx: Tx, digest: bytes) -> tuple[Session, User] | None: ...

    def revoke_session(self, tx: Tx, digest: bytes) -> bool: ...

    def revoke_sessions_of(self, tx: Tx, tenant: TenantId, user: str) -> int: ...

    def delete_sessions_before(self, tx: Tx, instant: datetime) -> int: ...

    def attempts(self, tx: Tx, lookup: bytes) -> Attempts | None:
        """Return the failed attempts for a name's keyed lookup, locked for this transaction."""

    def save_attempts(self, tx: Tx, lookup: bytes, attempts: Attempts) -> None: ...

    def forget_attempts(self, tx: Tx, lookup: bytes) -> None:
        """Delete the row of `lookup`."""

    def forget_attempts_with(self, tx: Tx, beginning: bytes) -> None:
        """Delete every row whose lookup has this beginning."""

    def sweep_attempts(self, tx: Tx, before: datetime) -> None:
        """Delete every row not touched since `before`."""


class Passwords(Protocol):
    """Slow hashes, never more than a few at a time."""

    def hash(self, password: str) -> str: ...

    def verify(self, hashed: str | None, password: str) -> bool:
        """Compare; with None do the same work and return False. Raises TooBusy when too many wait."""

    def outdated(self, hashed: str) -> bool:
        """Tell whether the hash was made with weaker settings than today's."""


class OneTimeCodes(Protocol):
    """RFC 6238 codes."""

    def new_seed(self) -> str: ...

    def step(self, seed: str, code: str, now: datetime) -> int | None:
        """Return the time step whose code this is, now or one step beside, else None."""

    def address(self, seed: str, account: str) -> str:
        """Return the otpauth:// address that an authenticator reads."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified access token says."""

    client: str
    tenant: TenantId
    scopes: frozenset[str]
    issued_at: datetime
    expires_at: datetime
    token_id: str


class Tokens(Protocol):
    """Signed access tokens of applications (RFC 9068)."""

    lifetime: int

    def sign(self, client: Client, scopes: Iterable[str]) -> tuple[str, str]:
        """Return the token and its id (`jti`)."""

    def verify(self, token: str) -> Claims:
        """Return the claims. Raises Unauthenticated, one message for every reason."""


class Keys(Protocol):
    """What is needed of crypto.keyring.KeyRing."""

    def derive(self, tenant: TenantId, label: str) -> bytes: ...

    def seal(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes: ...

    def unseal(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes: ...
