"""Requests that were marked with an Idempotency-Key."""

from alembic import op
from sqlalchemy import Column, Integer

from privacy.adapters.store.schema import blob, instant, key, name, text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "idempotent_request",
        Column("lookup", blob(32), primary_key=True),
        Column("tenant", key(), nullable=False),
        Column("request", blob(32), nullable=False),
        Column("status", Integer(), nullable=False),
        Column("location", name(512), nullable=False),
        Column("answer", text(), nullable=False),
        Column("expires_at", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_idempotent_request_expires_at", "idempotent_request", ["expires_at"], unique=False, if_not_exists=True)
