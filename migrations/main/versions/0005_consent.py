"""Notices and the ledger of receipts."""

from alembic import op
from sqlalchemy import Column, Integer, UniqueConstraint

from privacy.adapters.store.schema import blob, instant, json_text, key, name

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "consent_notice",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("version", Integer(), primary_key=True, autoincrement=False),
        Column("material_since", Integer(), nullable=False),
        Column("recipients", json_text(), nullable=False),
        Column("content", json_text(), nullable=False),
        Column("digest", name(80), nullable=False),
        Column("published_at", instant(), nullable=False),
        Column("published_by", name(200), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "consent_receipt",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("lookup", blob(32), nullable=False),
        Column("sealed", blob(4096)),
        Column("purpose", key(), nullable=False),
        Column("recipient", name(512), nullable=False),
        Column("channel", key(), nullable=False),
        Column("act", key(), nullable=False),
        Column("at", instant(), nullable=False),
        Column("recorded_at", instant(), nullable=False),
        Column("expires_at", instant()),
        Column("notice", key(), nullable=False),
        Column("notice_version", Integer(), nullable=False),
        Column("evidence", blob(4096)),
        Column("reference", blob(32)),
        Column("request_digest", blob(32), nullable=False),
        Column("document", json_text(), nullable=False),
        Column("digest", name(80), nullable=False),
        Column("actor", name(200), nullable=False),
        UniqueConstraint("tenant", "reference", name="uq_consent_receipt_tenant_reference"),
        if_not_exists=True,
    )
    op.create_index("ix_consent_receipt_subject", "consent_receipt", ["tenant", "lookup", "purpose"], unique=False, if_not_exists=True)
