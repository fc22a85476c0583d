"""Retention rules in force, holds, restrictions and sweeps."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, UniqueConstraint

from privacy.adapters.store.schema import blob, instant, json_text, key, name, text

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "retention_rule",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("version", Integer(), primary_key=True, autoincrement=False),
        Column("system", name(64), nullable=False),
        Column("dataset", name(330), nullable=False),
        Column("dataset_id", key(), nullable=False),
        Column("content", json_text(), nullable=False),
        Column("consequence", key(), nullable=False),
        Column("state", key(), nullable=False),
        Column("hash", name(80), nullable=False),
        Column("effect", json_text()),
        Column("previewed_at", instant()),
        Column("preview_due", BigInteger()),
        Column("proposed_by", name(200), nullable=False),
        Column("proposed_at", instant(), nullable=False),
        Column("approved_by", name(200), nullable=False),
        Column("approved_at", instant()),
        Column("ended_at", instant()),
        if_not_exists=True,
    )
    op.create_table(
        "retention_rule_lock",
        Column("tenant", key(), primary_key=True),
        Column("rule", key(), primary_key=True),
        Column("writes", BigInteger(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "retention_acceptance",
        Column("tenant", key(), primary_key=True),
        Column("statute", key(), primary_key=True),
        Column("version", Integer(), primary_key=True, autoincrement=False),
        Column("accepted_by", name(200), nullable=False),
        Column("accepted_at", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "retention_sweep",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("rule", key(), nullable=False),
        Column("version", Integer(), nullable=False),
        Column("slot", name(128), nullable=False),
        Column("on_day", key(), nullable=False),
        Column("state", key(), nullable=False),
        Column("asked_by", name(200), nullable=False),
        Column("started_at", instant(), nullable=False),
        Column("finished_at", instant()),
        Column("counts", json_text(), nullable=False),
        Column("kept", json_text(), nullable=False),
        Column("rows_left", BigInteger()),
        Column("problem", text(), nullable=False),
        UniqueConstraint("tenant", "rule", "slot", name="uq_retention_sweep_tenant_rule_slot"),
        if_not_exists=True,
    )
    op.create_table(
        "retention_batch",
        Column("tenant", key(), primary_key=True),
        Column("sweep", key(), primary_key=True),
        Column("number", Integer(), primary_key=True, autoincrement=False),
        Column("sealed", blob(1 << 24), nullable=False),
        Column("done", Boolean(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "retention_hold",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("system", name(64), nullable=False),
        Column("dataset", name(330), nullable=False),
        Column("columns", json_text(), nullable=False),
        Column("scope", key(), nullable=False),
        Column("sealed", blob(1 << 16), nullable=False),
        Column("since", instant(), nullable=False),
        Column("until", instant()),
        Column("placed_by", name(200), nullable=False),
        Column("placed_at", instant(), nullable=False),
        Column("released_by", name(200), nullable=False),
        Column("released_at", instant()),
        if_not_exists=True,
    )
    op.create_table(
        "retention_restriction",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("lookup", blob(32), nullable=False),
        Column("sealed", blob(1 << 13), nullable=False),
        Column("case_ref", name(128), nullable=False),
        Column("plan", key(), nullable=False),
        Column("rule", name(128), nullable=False),
        Column("until", instant()),
        Column("set_by", name(200), nullable=False),
        Column("set_at", instant(), nullable=False),
        Column("lifted_by", name(200), nullable=False),
        Column("lifted_at", instant()),
        UniqueConstraint("tenant", "lookup", "case_ref", "rule", name="uq_retention_restriction_tenant_lookup_case_ref_rule"),
        if_not_exists=True,
    )
    op.create_table(
        "retention_waiting",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("case_ref", name(128), nullable=False),
        Column("plan", key(), nullable=False),
        Column("system", name(64), nullable=False),
        Column("dataset", name(330), nullable=False),
        Column("rule", name(128), nullable=False),
        Column("reason", name(500), nullable=False),
        Column("row_count", BigInteger(), nullable=False),
        Column("sealed", blob(1 << 24), nullable=False),
        Column("until", instant()),
        Column("set_at", instant(), nullable=False),
        Column("resumed_at", instant()),
        if_not_exists=True,
    )
    op.create_index("ix_retention_rule_state", "retention_rule", ["tenant", "state"], unique=False, if_not_exists=True)
    op.create_index("ix_retention_hold_system", "retention_hold", ["tenant", "system"], unique=False, if_not_exists=True)
    op.create_index("ix_retention_waiting_plan", "retention_waiting", ["tenant", "plan"], unique=False, if_not_exists=True)
    op.create_index("ix_retention_waiting_until", "retention_waiting", ["tenant", "until"], unique=False, if_not_exists=True)
