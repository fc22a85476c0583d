"""Durable jobs, schedules and leases."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, UniqueConstraint

from privacy.adapters.store.schema import instant, json_text, key, name, text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "job",
        Column("id", key(), primary_key=True),
        Column("tenant", key(), nullable=False),
        Column("kind", key(), nullable=False),
        Column("payload", json_text(), nullable=False),
        Column("dedupe", name(255), nullable=False),
        Column("state", key(), nullable=False),
        Column("priority", Integer(), nullable=False),
        Column("run_at", instant(), nullable=False),
        Column("attempts", Integer(), nullable=False),
        Column("max_attempts", Integer(), nullable=False),
        Column("created_at", instant(), nullable=False),
        Column("created_by", name(200), nullable=False),
        Column("lease_until", instant()),
        Column("token", BigInteger(), nullable=False),
        Column("worker", name(200), nullable=False),
        Column("done", BigInteger(), nullable=False),
        Column("total", BigInteger()),
        Column("furthest", BigInteger(), nullable=False),
        Column("step", name(200), nullable=False),
        Column("pause_wanted", Boolean(), nullable=False),
        Column("cancellable", Boolean(), nullable=False),
        Column("lane", name(200), nullable=False),
        Column("lane_held", name(200)),
        Column("error_code", key(), nullable=False),
        Column("error_detail", text(), nullable=False),
        Column("finished_at", instant()),
        Column("result", json_text(), nullable=False),
        UniqueConstraint("tenant", "dedupe", name="uq_job_tenant_dedupe"),
        UniqueConstraint("lane_held", name="uq_job_lane_held"),
        if_not_exists=True,
    )
    op.create_index("ix_job_state", "job", ["state", "priority", "run_at", "id"], unique=False, if_not_exists=True)
    op.create_index("ix_job_tenant", "job", ["tenant", "id"], unique=False, if_not_exists=True)
    op.create_table(
        "leader",
        Column("name", key(), primary_key=True),
        Column("holder", name(200), nullable=False),
        Column("token", BigInteger(), nullable=False),
        Column("until", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "schedule_slot",
        Column("tenant", key(), primary_key=True),
        Column("schedule", key(), primary_key=True),
        Column("slot", instant(), primary_key=True, autoincrement=False),
        Column("plan", name(200), nullable=False),
        Column("job", key(), nullable=False),
        Column("missed", Integer(), nullable=False),
        Column("fired_at", instant(), nullable=False),
        if_not_exists=True,
    )
