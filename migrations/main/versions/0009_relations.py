"""Relations between datasets and what erasure does to them."""

from alembic import op
from sqlalchemy import Boolean, Column, Double, Integer

from privacy.adapters.store.schema import instant, json_text, key, name, text

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "relation",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("system_id", key(), nullable=False),
        Column("child_id", key(), nullable=False),
        Column("child_columns", json_text(), nullable=False),
        Column("parent_id", key(), nullable=False),
        Column("parent_columns", json_text(), nullable=False),
        Column("role", key(), nullable=False),
        Column("status", key(), nullable=False),
        Column("declared", Boolean(), nullable=False),
        Column("weak", Boolean(), nullable=False),
        Column("depth", Integer()),
        Column("conditions", json_text(), nullable=False),
        Column("confidence", Double(), nullable=False),
        Column("evidence", json_text(), nullable=False),
        Column("decided_by", name(200), nullable=False),
        Column("decided_at", instant()),
        if_not_exists=True,
    )
    op.create_index("ix_relation_system_id", "relation", ["tenant", "system_id"], unique=False, if_not_exists=True)
    op.create_table(
        "handling",
        Column("tenant", key(), primary_key=True),
        Column("dataset_id", key(), primary_key=True),
        Column("action", key(), nullable=False),
        Column("reason", text(), nullable=False),
        Column("rule", name(255), nullable=False),
        Column("replacements", json_text(), nullable=False),
        Column("decided_by", name(200), nullable=False),
        Column("decided_at", instant()),
        if_not_exists=True,
    )
