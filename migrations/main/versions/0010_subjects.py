"""Persons, their subjects, and the review list."""

from alembic import op
from sqlalchemy import Boolean, Column, Integer, UniqueConstraint

from privacy.adapters.store.schema import blob, instant, key, name

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    _persons()
    _reviews()


def _persons() -> None:
    op.create_table(
        "person",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("created_at", instant(), nullable=False),
        Column("created_by", name(200), nullable=False),
        Column("forgotten", Integer(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "person_subject",
        Column("tenant", key(), primary_key=True),
        Column("lookup", blob(32), primary_key=True),
        Column("person", key(), nullable=False),
        Column("sealed", blob(2048), nullable=False),
        Column("linked_at", instant(), nullable=False),
        Column("linked_by", name(200), nullable=False),
        Column("evidence", blob(4096), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_person_subject_person", "person_subject", ["tenant", "person"], unique=False, if_not_exists=True)
    op.create_table(
        "subjects_apart",
        Column("tenant", key(), primary_key=True),
        Column("low", blob(32), primary_key=True),
        Column("high", blob(32), primary_key=True),
        Column("review", key(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_subjects_apart_high", "subjects_apart", ["tenant", "high"], unique=False, if_not_exists=True)


def _reviews() -> None:
    op.create_table(
        "subject_review",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("digest", blob(32), nullable=False),
        Column("reason", key(), nullable=False),
        Column("dataset", name(512), nullable=False),
        Column("field", name(255), nullable=False),
        Column("kind", key(), nullable=False),
        Column("state", key(), nullable=False),
        Column("count", Integer(), nullable=False),
        Column("created_at", instant(), nullable=False),
        Column("decided_by", name(200), nullable=False),
        Column("decided_at", instant()),
        Column("note", blob(16384)),
        UniqueConstraint("tenant", "digest", name="uq_subject_review_tenant_digest"),
        if_not_exists=True,
    )
    op.create_index("ix_subject_review_state", "subject_review", ["tenant", "state", "created_at"], unique=False, if_not_exists=True)
    op.create_table(
        "subject_review_entry",
        Column("tenant", key(), primary_key=True),
        Column("review", key(), primary_key=True),
        Column("lookup", blob(32), primary_key=True),
        Column("sealed", blob(2048), nullable=False),
        Column("anchor", Boolean(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_subject_review_entry_lookup", "subject_review_entry", ["tenant", "lookup"], unique=False, if_not_exists=True)
