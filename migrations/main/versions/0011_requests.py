"""People's requests, their deadlines, codes and packages."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer

from privacy.adapters.store.schema import blob, instant, json_text, key, name, text

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "request",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("kind", key(), nullable=False),
        Column("state", key(), nullable=False),
        Column("controller", key(), nullable=False),
        Column("regimes", json_text(), nullable=False),
        Column("received_at", instant(), nullable=False),
        Column("recorded_at", instant(), nullable=False),
        Column("received_by", name(200), nullable=False),
        Column("channel", key(), nullable=False),
        Column("language", key(), nullable=False),
        Column("requester", key(), nullable=False),
        Column("identifier_kinds", json_text(), nullable=False),
        Column("file", blob(2**20)),
        Column("subjects", blob(2**20)),
        Column("doubt", key(), nullable=False),
        Column("verified_how", key(), nullable=False),
        Column("verified_by", name(200), nullable=False),
        Column("verified_at", instant()),
        Column("held_since", instant()),
        Column("plan", key(), nullable=False),
        Column("plan_hash", name(128), nullable=False),
        Column("outcome", key(), nullable=False),
        Column("closed_at", instant()),
        Column("purge_at", instant()),
        Column("purged_at", instant()),
        Column("target_at", instant()),
        Column("clocks", Integer(), nullable=False),
        Column("version", Integer(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_request_due", "request", ["tenant", "state", "target_at"], unique=False, if_not_exists=True)
    op.create_index("ix_request_purge", "request", ["purge_at"], unique=False, if_not_exists=True)
    op.create_table(
        "request_lookup",
        Column("tenant", key(), primary_key=True),
        Column("lookup", blob(32), primary_key=True),
        Column("request", key(), primary_key=True),
        if_not_exists=True,
    )
    op.create_index("ix_request_lookup_request", "request_lookup", ["tenant", "request"], unique=False, if_not_exists=True)
    op.create_table(
        "request_clock",
        Column("tenant", key(), primary_key=True),
        Column("request", key(), primary_key=True),
        Column("generation", Integer(), primary_key=True, autoincrement=False),
        Column("seq", Integer(), primary_key=True, autoincrement=False),
        Column("name", key(), nullable=False),
        Column("rule", name(128), nullable=False),
        Column("rule_version", Integer(), nullable=False),
        Column("regime", key(), nullable=False),
        Column("calendar", key(), nullable=False),
        Column("calendar_version", text(), nullable=False),
        Column("zone", key(), nullable=False),
        Column("inputs", json_text(), nullable=False),
        Column("due", key(), nullable=False),
        Column("target", key(), nullable=False),
        Column("provisional", Boolean(), nullable=False),
        Column("status", key(), nullable=False),
        Column("computed_at", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "request_step",
        Column("tenant", key(), primary_key=True),
        Column("request", key(), primary_key=True),
        Column("seq", Integer(), primary_key=True, autoincrement=False),
        Column("at", instant(), nullable=False),
        Column("actor", name(200), nullable=False),
        Column("act", key(), nullable=False),
        Column("before", key(), nullable=False),
        Column("after", key(), nullable=False),
        Column("reason", key(), nullable=False),
        Column("details", json_text(), nullable=False),
        Column("note", blob(2**17)),
        if_not_exists=True,
    )
    op.create_table(
        "request_code",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("request", key(), nullable=False),
        Column("digest", blob(32), nullable=False),
        Column("contact", blob(32), nullable=False),
        Column("channel", key(), nullable=False),
        Column("state", key(), nullable=False),
        Column("attempts", Integer(), nullable=False),
        Column("sent_at", instant(), nullable=False),
        Column("expires_at", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_request_code_request", "request_code", ["tenant", "request", "sent_at"], unique=False, if_not_exists=True)
    op.create_index("ix_request_code_contact", "request_code", ["tenant", "contact", "sent_at"], unique=False, if_not_exists=True)
    op.create_table(
        "request_package",
        Column("tenant", key(), primary_key=True),
        Column("id", key(), primary_key=True),
        Column("request", key(), nullable=False),
        Column("state", key(), nullable=False),
        Column("made_at", instant(), nullable=False),
        Column("made_by", name(200), nullable=False),
        Column("expires_at", instant(), nullable=False),
        Column("chunks", Integer(), nullable=False),
        Column("size", BigInteger(), nullable=False),
        Column("digest", name(80), nullable=False),
        Column("read_at", instant()),
        Column("read_by", name(200), nullable=False),
        Column("subjects", json_text(), nullable=False),
        Column("unsearched", json_text(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_request_package_request", "request_package", ["tenant", "request"], unique=False, if_not_exists=True)
    op.create_index("ix_request_package_expires", "request_package", ["expires_at"], unique=False, if_not_exists=True)
    op.create_table(
        "request_package_chunk",
        Column("tenant", key(), primary_key=True),
        Column("package", key(), primary_key=True),
        Column("seq", Integer(), primary_key=True, autoincrement=False),
        Column("sealed", blob(2**21), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "rule_acceptance",
        Column("tenant", key(), primary_key=True),
        Column("id", name(128), primary_key=True),
        Column("version", Integer(), primary_key=True, autoincrement=False),
        Column("accepted_by", name(200), nullable=False),
        Column("accepted_at", instant(), nullable=False),
        Column("reason", text(), nullable=False),
        if_not_exists=True,
    )
