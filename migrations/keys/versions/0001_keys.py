"""Keys of tenants and subjects, wrapped."""

from alembic import op
from sqlalchemy import Column, Integer, UniqueConstraint

from privacy.adapters.store.schema import blob, instant, key, name, serial

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "key_event",
        Column("id", serial(), primary_key=True),
        Column("tenant", name(64), nullable=False),
        Column("action", key(), nullable=False),
        Column("object_ref", key(), nullable=False),
        Column("reason_ref", name(128), nullable=False),
        Column("at", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_key_event_object", "key_event", ["tenant", "object_ref"], unique=False, if_not_exists=True)
    op.create_table(
        "key_tenant",
        Column("tenant", name(64), primary_key=True),
        Column("algorithm", key(), nullable=False),
        Column("digest", key(), nullable=False),
        Column("kek_version", Integer(), nullable=False),
        Column("changes", serial(), nullable=False),
        Column("created_at", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "subject_audit_secret",
        Column("id", serial(), primary_key=True, autoincrement=False),
        Column("tenant", name(64), nullable=False),
        Column("lookup", key(), nullable=False),
        Column("generation", Integer(), nullable=False),
        Column("kek_version", Integer(), nullable=False),
        Column("state", key(), nullable=False),
        Column("wrapped", blob(256)),
        Column("commitment", key(), nullable=False),
        Column("created_at", instant(), nullable=False),
        Column("destroyed_at", instant()),
        Column("reason_ref", name(128), nullable=False),
        UniqueConstraint("tenant", "lookup", "generation", name="uq_subject_audit_secret_tenant_lookup_generation"),
        if_not_exists=True,
    )
    op.create_index("ix_subject_audit_secret_rewrap", "subject_audit_secret", ["tenant", "kek_version", "id"], unique=False, if_not_exists=True)
    op.create_table(
        "subject_key",
        Column("id", serial(), primary_key=True, autoincrement=False),
        Column("tenant", name(64), nullable=False),
        Column("lookup", key(), nullable=False),
        Column("generation", Integer(), nullable=False),
        Column("kek_version", Integer(), nullable=False),
        Column("state", key(), nullable=False),
        Column("wrapped", blob(256)),
        Column("commitment", key(), nullable=False),
        Column("created_at", instant(), nullable=False),
        Column("destroyed_at", instant()),
        Column("reason_ref", name(128), nullable=False),
        UniqueConstraint("tenant", "lookup", "generation", name="uq_subject_key_tenant_lookup_generation"),
        if_not_exists=True,
    )
    op.create_index("ix_subject_key_rewrap", "subject_key", ["tenant", "kek_version", "id"], unique=False, if_not_exists=True)
    op.create_table(
        "tenant_key",
        Column("tenant", name(64), primary_key=True),
        Column("purpose", key(), primary_key=True),
        Column("version", Integer(), primary_key=True, autoincrement=False),
        Column("state", key(), nullable=False),
        Column("wrapped", blob(1024)),
        Column("created_at", instant(), nullable=False),
        Column("destroyed_at", instant()),
        if_not_exists=True,
    )
