"""Policy versions."""

from alembic import op
from sqlalchemy import Column, Integer

from privacy.adapters.store.schema import instant, key, name, text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "policy_epoch",
        Column("tenant", name(64), primary_key=True),
        Column("version", Integer(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "policy_version",
        Column("tenant", name(64), primary_key=True),
        Column("version", Integer(), primary_key=True, autoincrement=False),
        Column("digest", key(), nullable=False),
        Column("policy", text(), nullable=False),
        Column("examples", text(), nullable=False),
        Column("activated_by", name(128), nullable=False),
        Column("activated_at", instant(), nullable=False),
        Column("note", name(512), nullable=False),
        if_not_exists=True,
    )
