"""Columns of connected databases that are protected in place."""

from alembic import op
from sqlalchemy import Boolean, Column, Integer, UniqueConstraint

from privacy.adapters.store.schema import instant, json_text, key, name, text

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "protected_column",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("system", name(64), nullable=False),
        Column("dataset", name(330), nullable=False),
        Column("dataset_id", key(), nullable=False),
        Column("field", name(255), nullable=False),
        Column("subject_type", name(128), nullable=False),
        Column("category", key(), nullable=False),
        Column("layout", json_text(), nullable=False),
        Column("phase", key(), nullable=False),
        Column("planned_by", name(200), nullable=False),
        Column("planned_at", instant(), nullable=False),
        Column("changed_at", instant(), nullable=False),
        Column("asked", Integer(), nullable=False),
        Column("dropping", Boolean(), nullable=False),
        Column("emptied", Boolean(), nullable=False),
        Column("problem", text(), nullable=False),
        Column("counts", json_text(), nullable=False),
        UniqueConstraint("tenant", "dataset_id", "field", name="uq_protected_column_tenant_dataset_id_field"),
        if_not_exists=True,
    )
