"""Tables of the policy room: versions (only added) and the epoch row that says which version rules a tenant."""

from sqlalchemy import Integer, insert, select, update

from privacy.access.ports import PolicyVersion
from privacy.adapters.store.engine import connection
from privacy.adapters.store.schema import MAIN, Column, Table, instant, key, name, text
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx

policy_version = Table(
    "policy_version",
    MAIN,
    Column("tenant", name(64), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", key(), nullable=False),
    Column("policy", text(), nullable=False),
    Column("examples", text(), nullable=False),
    Column("activated_by", name(128), nullable=False),
    Column("activated_at", instant(), nullable=False),
    Column("note", name(512), nullable=False),
)

policy_epoch = Table(
    "policy_epoch",
    MAIN,
    Column("tenant", name(64), primary_key=True),
    Column("version", Integer, nullable=False),
)

_SHORT = (
    policy_version.c.tenant,
    policy_version.c.version,
    policy_version.c.digest,
    policy_version.c.activated_by,
    policy_version.c.activated_at,
    policy_version.c.note,
)


class SqlPolicyRepository:
    """Implements `access.ports.PolicyRepository`."""

    def active(self, tx: Tx, tenant: TenantId) -> int | None:
        return connection(tx).execute(select(policy_epoch.c.version).where(policy_epoch.c.tenant == tenant)).scalar_one_or_none()

    def version(self, tx: Tx, tenant: TenantId, version: int) -> PolicyVersion | None:
        chosen = select(policy_version).where(policy_version.c.tenant == tenant, policy_version.c.version == version)
        row = connection(tx).execute(chosen).mappings().one_or_none()
        return None if row is None else PolicyVersion(**row)

    def versions(self, tx: Tx, tenant: TenantId) -> list[PolicyVersion]:
        chosen = select(*_SHORT).where(policy_version.c.tenant == tenant).order_by(policy_version.c.version.desc())
        return [PolicyVersion(**row, policy="", examples="") for row in connection(tx).execute(chosen).mappings()]

    def add(self, tx: Tx, version: PolicyVersion) -> None:
        connection(tx).execute(
            insert(policy_version),
            {
                "tenant": version.tenant,
                "version": version.version,
                "digest": version.digest,
                "policy": version.policy,
                "examples": version.examples,
                "activated_by": version.activated_by,
                "activated_at": version.activated_at,
                "note": version.note,
            },
        )

    def activate(self, tx: Tx, tenant: TenantId, version: int, replacing: int | None) -> bool:
        if replacing is None:
            connection(tx).execute(insert(policy_epoch), {"tenant": tenant, "version": version})
            return True
        # compare and set: two people who apply at once cannot both replace the version they looked at
        done = connection(tx).execute(update(policy_epoch).where(policy_epoch.c.tenant == tenant, policy_epoch.c.version == replacing).values(version=version))
        return done.rowcount == 1
