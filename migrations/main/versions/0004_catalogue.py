"""Controllers, purposes, recipients."""

from alembic import op
from sqlalchemy import Boolean, Column, Integer

from privacy.adapters.store.schema import instant, json_text, key, name

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "catalogue_history",
        Column("tenant", key(), primary_key=True),
        Column("kind", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("version", Integer(), primary_key=True, autoincrement=False),
        Column("entry", json_text(), nullable=False),
        Column("saved_by", name(200), nullable=False),
        Column("saved_at", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "catalogue_state",
        Column("tenant", key(), primary_key=True),
        Column("version", Integer(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "controller",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("name", name(200), nullable=False),
        Column("country", key(), nullable=False),
        Column("time_zone", key(), nullable=False),
        Column("calendar", key(), nullable=False),
        Column("regimes", json_text(), nullable=False),
        Column("languages", json_text(), nullable=False),
        Column("contact", name(200), nullable=False),
        Column("version", Integer(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "purpose",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("name", name(200), nullable=False),
        Column("name_zh", name(200), nullable=False),
        Column("controller", key(), nullable=False),
        Column("lawful_basis", key(), nullable=False),
        Column("categories", json_text(), nullable=False),
        Column("retention", key(), nullable=False),
        Column("needs_consent", Boolean(), nullable=False),
        Column("separate_consent", Boolean(), nullable=False),
        Column("needs_assessment", Boolean(), nullable=False),
        Column("assessment", name(200)),
        Column("state", key(), nullable=False),
        Column("dpv", name(200), nullable=False),
        Column("version", Integer(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "recipient",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("name", name(200), nullable=False),
        Column("kind", key(), nullable=False),
        Column("country", key(), nullable=False),
        Column("agreement_from", key()),
        Column("agreement_to", key()),
        Column("purposes", json_text(), nullable=False),
        Column("contact", name(200), nullable=False),
        Column("version", Integer(), nullable=False),
        if_not_exists=True,
    )
