"""Actors over real adapters, with password hashes that cost little."""

from dataclasses import dataclass
from pathlib import Path

import pyotp

from privacy.actors.ports import Passwords
from privacy.actors.roles import Roles
from privacy.actors.service import Actors
from privacy.adapters.key_file import FileKeyProvider
from privacy.adapters.passwords import Argon2Passwords, TotpCodes
from privacy.adapters.store.actors import SqlActorRepository
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.keys import SqlKeyRepository
from privacy.adapters.tokens import TokenSigner, create_keys
from privacy.crypto.keyring import KeyRing
from privacy.kernel.clock import Clock
from privacy.kernel.ids import DEFAULT_TENANT, TenantId
from privacy.kernel.terms import Actor
from tests.remembering import RememberingLog

ROLES = Path(__file__).parents[2] / "policies" / "roles.toml"
ISSUER = "http://127.0.0.1:8000"
ADMIN_SCOPES = frozenset({"actors:read", "actors:write"})


@dataclass(frozen=True, slots=True)
class Office:
    """Actors, and what a test looks at or moves beside them."""

    actors: Actors
    audit: RememberingLog
    keyring: KeyRing
    tokens: TokenSigner
    token_file: Path
    repository: SqlActorRepository
    clock: Clock

    def operator(self, tenant: TenantId = DEFAULT_TENANT) -> Actor:
        return Actor("operator:test", tenant, frozenset({"operator"}), ADMIN_SCOPES, "os")


def cheap_passwords(*, time_cost: int = 1, concurrent: int = 2, patience: float = 5.0) -> Argon2Passwords:
    """The real hash with the least cost it takes: the cost is no part of what these tests show."""
    return Argon2Passwords(time_cost=time_cost, memory_kib=64, parallelism=1, concurrent=concurrent, patience=patience)


def open_office(
    store: SqlStore,
    keys_store: SqlStore,
    folder: Path,
    clock: Clock,
    tenants: tuple[str, ...] = (DEFAULT_TENANT,),
    passwords: Passwords | None = None,
) -> Office:
    """Return actors with their tenants made."""
    keyring = KeyRing(keys_store, SqlKeyRepository(), FileKeyProvider.create(folder / "root.key"), clock)
    create_keys(folder / "token-keys.json")
    tokens = TokenSigner(folder / "token-keys.json", ISSUER, clock)
    audit, repository = RememberingLog(), SqlActorRepository()
    actors = Actors(store, repository, passwords or cheap_passwords(), TotpCodes(), tokens, audit, Roles.load(ROLES), clock, keyring)
    office = Office(actors, audit, keyring, tokens, folder / "token-keys.json", repository, clock)
    for tenant in tenants:
        keyring.create_tenant(TenantId(tenant))
        actors.bootstrap_tenant(office.operator(TenantId(tenant)), tenant)
    return office


def code_of(seed: str, clock: Clock) -> str:
    """Return what an authenticator shows at this moment."""
    return pyotp.TOTP(seed).at(clock.now())
