"""Plans of disposal, certificates, and how far this database has followed the erasure ledger."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer

from privacy.adapters.store.schema import blob, instant, key, name, text

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "disposal_plan",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("case_ref", name(128), nullable=False),
        Column("state", key(), nullable=False),
        Column("hash", key(), nullable=False),
        Column("document", text(), nullable=False),
        Column("made_by", name(200), nullable=False),
        Column("made_at", instant(), nullable=False),
        Column("approved_by", name(200), nullable=False),
        Column("approved_at", instant()),
        Column("ended_at", instant()),
        if_not_exists=True,
    )
    op.create_index("ix_disposal_plan_case", "disposal_plan", ["tenant", "case_ref", "made_at"], unique=False, if_not_exists=True)
    op.create_table(
        "disposal_sealed",
        Column("tenant", key(), primary_key=True),
        Column("plan", key(), primary_key=True),
        Column("part", Integer(), primary_key=True, autoincrement=False),
        Column("sealed", blob(1 << 20), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "disposal_certificate",
        Column("tenant", key(), primary_key=True),
        Column("plan", key(), primary_key=True),
        Column("case_ref", name(128), nullable=False),
        Column("text", text(), nullable=False),
        Column("digest", key(), nullable=False),
        Column("issued_at", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "disposal_run",
        Column("tenant", key(), primary_key=True),
        Column("run", key(), primary_key=True),
        Column("case_ref", name(128), primary_key=True),
        Column("state", key(), nullable=False),
        Column("at", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "disposal_ledger_mark",
        Column("id", Integer(), primary_key=True, autoincrement=False),
        Column("seq", BigInteger(), nullable=False),
        Column("hash", key(), nullable=False),
        Column("at", instant(), nullable=False),
        if_not_exists=True,
    )
