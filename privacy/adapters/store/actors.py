"""Tables and repository of the accounts: tenants, people, applications, sessions, failed sign-ins."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Integer, Row, Table, UniqueConstraint, delete, insert, select, update

from privacy.actors.accounts import Attempts, Client, Session, Tenant, User
from privacy.actors.repeats import Repeat
from privacy.adapters.store.engine import connection
from privacy.adapters.store.schema import MAIN, blob, instant, json_text, key, name, serial, text, upsert
from privacy.kernel.ids import DEFAULT_TENANT, TenantId
from privacy.kernel.store import Tx

TENANT = Table(
    "tenant",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("name", name(200), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", instant(), nullable=False),
)
USER = Table(
    "actor_user",
    MAIN,
    Column("id", key(), primary_key=True),
    Column("tenant", key(), nullable=False, index=True),
    Column("username", name(128), nullable=False),
    Column("roles", json_text(), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("password_hash", name(512), nullable=False),
    Column("totp_seed", blob(1024)),
    Column("totp_confirmed", Boolean, nullable=False),
    Column("totp_step", serial(), nullable=False),
    Column("created_at", instant(), nullable=False),
    UniqueConstraint("username"),
)
CLIENT = Table(
    "actor_client",
    MAIN,
    Column("id", key(), primary_key=True),
    Column("tenant", key(), nullable=False, index=True),
    Column("name", name(200), nullable=False),
    Column("roles", json_text(), nullable=False),
    Column("purposes", json_text(), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("secret_digest", blob(32), nullable=False),
    Column("created_at", instant(), nullable=False),
)
SESSION = Table(
    "actor_session",
    MAIN,
    Column("digest", blob(32), primary_key=True),
    Column("tenant", key(), nullable=False),
    Column("user_id", key(), nullable=False, index=True),
    Column("auth", key(), nullable=False),
    Column("assurance", Integer, nullable=False),
    Column("created_at", instant(), nullable=False),
    Column("expires_at", instant(), nullable=False, index=True),
    Column("revoked", Boolean, nullable=False),
)
# counted by a keyed digest of the name: people type passwords into the wrong field
ATTEMPTS = Table(
    "sign_in_attempts",
    MAIN,
    Column("lookup", blob(32), primary_key=True),
    Column("tenant", key(), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("blocked_until", instant(), nullable=False),
    Column("touched_at", instant(), nullable=False, index=True),
)

REPEAT = Table(
    "idempotent_request",
    MAIN,
    Column("lookup", blob(32), primary_key=True),
    Column("tenant", key(), nullable=False),
    Column("request", blob(32), nullable=False),
    Column("status", Integer, nullable=False),
    Column("location", name(512), nullable=False),
    Column("answer", text(), nullable=False),
    Column("expires_at", instant(), nullable=False, index=True),
)


class SqlActorRepository:
    """Implements `actors.ports.ActorRepository`."""

    def add_tenant(self, tx: Tx, tenant: Tenant) -> None:
        connection(tx).execute(insert(TENANT).values(tenant=tenant.id, name=tenant.name, active=tenant.active, created_at=tenant.created_at))

    def tenant(self, tx: Tx, tenant: TenantId) -> Tenant | None:
        row = connection(tx).execute(select(TENANT).where(TENANT.c.tenant == tenant)).one_or_none()
        return _tenant(row) if row else None

    def tenants(self, tx: Tx) -> list[Tenant]:
        return [_tenant(row) for row in connection(tx).execute(select(TENANT).order_by(TENANT.c.tenant))]

    def add_user(self, tx: Tx, user: User) -> None:
        connection(tx).execute(insert(USER).values(_of_user(user)))

    def user(self, tx: Tx, tenant: TenantId, user: str, *, lock: bool = False) -> User | None:
        query = select(USER).where(USER.c.tenant == tenant, USER.c.id == user)
        return _user(connection(tx).execute(query.with_for_update() if lock else query).one_or_none())

    def user_named(self, tx: Tx, username: str) -> User | None:
        return _user(connection(tx).execute(select(USER).where(USER.c.username == username)).one_or_none())

    def users(self, tx: Tx, tenant: TenantId, *, lock: bool = False) -> list[User]:
        query = select(USER).where(USER.c.tenant == tenant).order_by(USER.c.username)
        rows = connection(tx).execute(query.with_for_update() if lock else query)
        return [_a_user(row) for row in rows]

    def save_user(self, tx: Tx, user: User) -> None:
        connection(tx).execute(update(USER).where(USER.c.tenant == user.tenant, USER.c.id == user.id).values(_of_user(user)))

    def use_totp_step(self, tx: Tx, tenant: TenantId, user: str, step: int) -> bool:
        mine = (USER.c.tenant == tenant, USER.c.id == user, USER.c.totp_step < step)
        return connection(tx).execute(update(USER).where(*mine).values(totp_step=step)).rowcount == 1

    def add_client(self, tx: Tx, client: Client) -> None:
        connection(tx).execute(insert(CLIENT).values(_of_client(client)))

    def client(self, tx: Tx, client: str, *, lock: bool = False) -> Client | None:
        query = select(CLIENT).where(CLIENT.c.id == client)
        row = connection(tx).execute(query.with_for_update() if lock else query).one_or_none()
        return _a_client(row) if row else None

    def clients(self, tx: Tx, tenant: TenantId) -> list[Client]:
        rows = connection(tx).execute(select(CLIENT).where(CLIENT.c.tenant == tenant).order_by(CLIENT.c.name, CLIENT.c.id))
        return [_a_client(row) for row in rows]

    def save_client(self, tx: Tx, client: Client) -> None:
        connection(tx).execute(update(CLIENT).where(CLIENT.c.tenant == client.tenant, CLIENT.c.id == client.id).values(_of_client(client)))

    def add_session(self, tx: Tx, session: Session) -> None:
        connection(tx).execute(
            insert(SESSION).values(
                digest=session.digest,
                tenant=session.tenant,
                user_id=session.user,
                auth=session.auth,
                assurance=session.assurance,
                created_at=session.created_at,
                expires_at=session.expires_at,
                revoked=session.revoked,
            )
        )

    def session(self, tx: Tx, digest: bytes) -> tuple[Session, User] | None:
        row = connection(tx).execute(select(SESSION).where(SESSION.c.digest == digest)).one_or_none()
        if row is None:
            return None
        user = self.user(tx, TenantId(row.tenant), row.user_id)
        session = Session(digest, TenantId(row.tenant), row.user_id, row.auth, row.assurance, row.created_at, row.expires_at, row.revoked)
        return (session, user) if user else None

    def revoke_session(self, tx: Tx, digest: bytes) -> bool:
        mine = (SESSION.c.digest == digest, SESSION.c.revoked.is_(False))
        return connection(tx).execute(update(SESSION).where(*mine).values(revoked=True)).rowcount == 1

    def revoke_sessions_of(self, tx: Tx, tenant: TenantId, user: str) -> int:
        mine = (SESSION.c.tenant == tenant, SESSION.c.user_id == user, SESSION.c.revoked.is_(False))
        return connection(tx).execute(update(SESSION).where(*mine).values(revoked=True)).rowcount

    def delete_sessions_before(self, tx: Tx, instant: datetime) -> int:
        return connection(tx).execute(delete(SESSION).where(SESSION.c.expires_at < instant)).rowcount

    def attempts(self, tx: Tx, lookup: bytes) -> Attempts | None:
        row = connection(tx).execute(select(ATTEMPTS).where(ATTEMPTS.c.lookup == lookup).with_for_update()).one_or_none()
        return Attempts(row.failures, row.blocked_until, row.touched_at) if row else None

    def save_attempts(self, tx: Tx, lookup: bytes, attempts: Attempts) -> None:
        row = {
            "lookup": lookup,
            "tenant": DEFAULT_TENANT,  # a name that nobody has belongs to no tenant
            "failures": attempts.failures,
            "blocked_until": attempts.blocked_until,
            "touched_at": attempts.touched_at,
        }
        upsert(connection(tx), ATTEMPTS, [row], ["lookup"], ["failures", "blocked_until", "touched_at"])

    def forget_attempts(self, tx: Tx, lookup: bytes) -> None:
        connection(tx).execute(delete(ATTEMPTS).where(ATTEMPTS.c.lookup == lookup))

    def forget_attempts_with(self, tx: Tx, beginning: bytes) -> None:
        last = beginning + b"\xff" * (32 - len(beginning))
        connection(tx).execute(delete(ATTEMPTS).where(ATTEMPTS.c.lookup >= beginning, ATTEMPTS.c.lookup <= last))

    def sweep_attempts(self, tx: Tx, before: datetime) -> None:
        connection(tx).execute(delete(ATTEMPTS).where(ATTEMPTS.c.touched_at < before))

    def repeat(self, tx: Tx, lookup: bytes) -> Repeat | None:
        row = connection(tx).execute(select(REPEAT).where(REPEAT.c.lookup == lookup)).one_or_none()
        return Repeat(row.lookup, TenantId(row.tenant), row.request, row.status, row.location, row.answer, row.expires_at) if row else None

    def add_repeat(self, tx: Tx, repeat: Repeat) -> None:
        connection(tx).execute(insert(REPEAT).values(_of_repeat(repeat)))

    def save_repeat(self, tx: Tx, repeat: Repeat) -> None:
        connection(tx).execute(update(REPEAT).where(REPEAT.c.lookup == repeat.lookup).values(_of_repeat(repeat)))

    def delete_repeat(self, tx: Tx, lookup: bytes, before: datetime) -> None:
        connection(tx).execute(delete(REPEAT).where((REPEAT.c.lookup == lookup) | (REPEAT.c.expires_at <= before)))


def _of_repeat(repeat: Repeat) -> dict[str, Any]:
    return {
        "lookup": repeat.lookup,
        "tenant": repeat.tenant,
        "request": repeat.request,
        "status": repeat.status,
        "location": repeat.location,
        "answer": repeat.answer,
        "expires_at": repeat.expires_at,
    }


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(TenantId(row.tenant), row.name, row.active, row.created_at)


def _of_user(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "tenant": user.tenant,
        "username": user.username,
        "roles": sorted(user.roles),
        "active": user.active,
        "password_hash": user.password_hash,
        "totp_seed": user.totp_seed,
        "totp_confirmed": user.totp_confirmed,
        "totp_step": user.totp_step,
        "created_at": user.created_at,
    }


def _user(row: Row[Any] | None) -> User | None:
    return _a_user(row) if row is not None else None


def _a_user(row: Row[Any]) -> User:
    return User(
        row.id,
        TenantId(row.tenant),
        row.username,
        frozenset(row.roles),
        row.active,
        row.password_hash,
        row.totp_seed,
        row.totp_confirmed,
        row.totp_step,
        row.created_at,
    )


def _of_client(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "tenant": client.tenant,
        "name": client.name,
        "roles": sorted(client.roles),
        "purposes": list(client.purposes),
        "active": client.active,
        "secret_digest": client.secret_digest,
        "created_at": client.created_at,
    }


def _a_client(row: Row[Any]) -> Client:
    purposes = tuple(row.purposes)
    return Client(row.id, TenantId(row.tenant), row.name, frozenset(row.roles), purposes, row.active, row.secret_digest, row.created_at)
