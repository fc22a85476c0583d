"""Tenants, people, applications, sessions."""

from alembic import op
from sqlalchemy import Boolean, Column, Integer, UniqueConstraint

from privacy.adapters.store.schema import blob, instant, json_text, key, name, serial

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "actor_client",
        Column("id", key(), primary_key=True),
        Column("tenant", key(), nullable=False),
        Column("name", name(200), nullable=False),
        Column("roles", json_text(), nullable=False),
        Column("purposes", json_text(), nullable=False),
        Column("active", Boolean(), nullable=False),
        Column("secret_digest", blob(32), nullable=False),
        Column("created_at", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_actor_client_tenant", "actor_client", ["tenant"], unique=False, if_not_exists=True)
    op.create_table(
        "actor_session",
        Column("digest", blob(32), primary_key=True),
        Column("tenant", key(), nullable=False),
        Column("user_id", key(), nullable=False),
        Column("auth", key(), nullable=False),
        Column("assurance", Integer(), nullable=False),
        Column("created_at", instant(), nullable=False),
        Column("expires_at", instant(), nullable=False),
        Column("revoked", Boolean(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_actor_session_expires_at", "actor_session", ["expires_at"], unique=False, if_not_exists=True)
    op.create_index("ix_actor_session_user_id", "actor_session", ["user_id"], unique=False, if_not_exists=True)
    op.create_table(
        "actor_user",
        Column("id", key(), primary_key=True),
        Column("tenant", key(), nullable=False),
        Column("username", name(128), nullable=False),
        Column("roles", json_text(), nullable=False),
        Column("active", Boolean(), nullable=False),
        Column("password_hash", name(512), nullable=False),
        Column("totp_seed", blob(1024)),
        Column("totp_confirmed", Boolean(), nullable=False),
        Column("totp_step", serial(), nullable=False),
        Column("created_at", instant(), nullable=False),
        UniqueConstraint("username", name="uq_actor_user_username"),
        if_not_exists=True,
    )
    op.create_index("ix_actor_user_tenant", "actor_user", ["tenant"], unique=False, if_not_exists=True)
    op.create_table(
        "sign_in_attempts",
        Column("lookup", blob(32), primary_key=True),
        Column("tenant", key(), nullable=False),
        Column("failures", Integer(), nullable=False),
        Column("blocked_until", instant(), nullable=False),
        Column("touched_at", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_sign_in_attempts_touched_at", "sign_in_attempts", ["touched_at"], unique=False, if_not_exists=True)
    op.create_table(
        "tenant",
        Column("tenant", key(), primary_key=True),
        Column("name", name(200), nullable=False),
        Column("active", Boolean(), nullable=False),
        Column("created_at", instant(), nullable=False),
        if_not_exists=True,
    )
