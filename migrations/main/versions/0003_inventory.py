"""The data map: systems, datasets, fields."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer

from privacy.adapters.store.schema import blob, instant, json_text, key, name, text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "dataset",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("system_id", key(), nullable=False),
        Column("table_name", name(255), nullable=False),
        Column("kind", key(), nullable=False),
        Column("comment", text(), nullable=False),
        Column("row_estimate", BigInteger()),
        Column("subject_type", name(128)),
        Column("subject_field", name(255)),
        Column("proposed_subject_type", name(128)),
        Column("proposed_subject_field", name(255)),
        Column("problem", text(), nullable=False),
        Column("gone", Boolean(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("uq_dataset_table", "dataset", ["tenant", "system_id", "table_name"], unique=True, if_not_exists=True)
    op.create_table(
        "field",
        Column("tenant", key(), primary_key=True),
        Column("dataset_id", key(), primary_key=True),
        Column("name", name(255), primary_key=True),
        Column("position", Integer(), nullable=False),
        Column("data_type", text(), nullable=False),
        Column("nullable", Boolean(), nullable=False),
        Column("key", key(), nullable=False),
        Column("comment", text(), nullable=False),
        Column("carrier", key()),
        Column("status", key(), nullable=False),
        Column("category", key(), nullable=False),
        Column("level", Integer()),
        Column("technique", key()),
        Column("controls", json_text(), nullable=False),
        Column("description", json_text(), nullable=False),
        Column("finding", json_text()),
        Column("decided_by", name(200), nullable=False),
        Column("decided_at", instant()),
        Column("gone", Boolean(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "inventory_state",
        Column("tenant", key(), primary_key=True),
        Column("version", BigInteger(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "system",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("name", name(64), nullable=False),
        Column("kind", key(), nullable=False),
        Column("shown_url", text(), nullable=False),
        Column("sealed_url", blob(8192), nullable=False),
        Column("controller", key()),
        Column("tls_waiver", name(300), nullable=False),
        Column("created_at", instant(), nullable=False),
        Column("scanned_at", instant()),
        if_not_exists=True,
    )
    op.create_index("uq_system_name", "system", ["tenant", "name"], unique=True, if_not_exists=True)
