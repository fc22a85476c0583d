"""The audit log: events, leaves, tiles, checkpoints, and what stands erasable beside them."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, UniqueConstraint

from privacy.adapters.store.schema import blob, instant, json_text, key, name, serial, text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "audit_checkpoint",
        Column("log_id", name(128), primary_key=True),
        Column("size", BigInteger(), primary_key=True, autoincrement=False),
        Column("note", text(), nullable=False),
        Column("at", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "audit_disclosure",
        Column("tenant", name(64), nullable=False),
        Column("log_id", name(128), nullable=False),
        Column("event", key(), primary_key=True),
        Column("field", name(128), primary_key=True),
        Column("sealed", blob(1048576), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "audit_event",
        Column("seq", serial(), primary_key=True, autoincrement=True),
        Column("log_id", name(128), nullable=False),
        Column("event", key(), nullable=False),
        Column("at", instant(), nullable=False),
        Column("leaf_hash", blob(32), nullable=False),
        Column("entry", blob(65535), nullable=False),
        UniqueConstraint("event", name="uq_audit_event_event"),
        if_not_exists=True,
    )
    op.create_table(
        "audit_leaf",
        Column("log_id", name(128), primary_key=True),
        Column("leaf_index", BigInteger(), primary_key=True, autoincrement=False),
        Column("event_seq", BigInteger(), nullable=False),
        Column("event", key(), nullable=False),
        Column("at", instant(), nullable=False),
        Column("action", key(), nullable=False),
        Column("outcome", key(), nullable=False),
        Column("actor", name(128), nullable=False),
        Column("object_ref", name(256), nullable=False),
        Column("request_id", name(128), nullable=False),
        UniqueConstraint("event", name="uq_audit_leaf_event"),
        UniqueConstraint("event_seq", name="uq_audit_leaf_event_seq"),
        if_not_exists=True,
    )
    op.create_index("ix_audit_leaf_action", "audit_leaf", ["log_id", "action", "leaf_index"], unique=False, if_not_exists=True)
    op.create_index("ix_audit_leaf_actor", "audit_leaf", ["log_id", "actor", "leaf_index"], unique=False, if_not_exists=True)
    op.create_index("ix_audit_leaf_at", "audit_leaf", ["log_id", "at"], unique=False, if_not_exists=True)
    op.create_index("ix_audit_leaf_object", "audit_leaf", ["log_id", "object_ref", "leaf_index"], unique=False, if_not_exists=True)
    op.create_index("ix_audit_leaf_request", "audit_leaf", ["log_id", "request_id"], unique=False, if_not_exists=True)
    op.create_table(
        "audit_log",
        Column("log_id", name(128), primary_key=True),
        Column("tenant", name(64), nullable=False),
        Column("generation", Integer(), nullable=False),
        Column("created_at", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_audit_log_tenant", "audit_log", ["tenant"], unique=False, if_not_exists=True)
    op.create_table(
        "audit_progress",
        Column("name", key(), primary_key=True),
        Column("low_water", BigInteger(), nullable=False),
        Column("caught_up_at", instant(), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "audit_standing",
        Column("log_id", name(128), primary_key=True),
        Column("state", key(), nullable=False),
        Column("size", BigInteger(), nullable=False),
        Column("root", blob(32), nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "audit_subject",
        Column("tenant", name(64), nullable=False),
        Column("log_id", name(128), nullable=False),
        Column("event", key(), primary_key=True),
        Column("n", Integer(), primary_key=True, autoincrement=False),
        Column("hash", blob(32), nullable=False),
        Column("audit_ref", blob(32)),
        Column("fields", json_text()),
        Column("effect", key()),
        Column("salt", blob(32)),
        if_not_exists=True,
    )
    op.create_index("ix_audit_subject_audit_ref", "audit_subject", ["audit_ref"], unique=False, if_not_exists=True)
    op.create_table(
        "audit_tile",
        Column("log_id", name(128), primary_key=True),
        Column("level", Integer(), primary_key=True, autoincrement=False),
        Column("n", BigInteger(), primary_key=True, autoincrement=False),
        Column("hashes", blob(8192), nullable=False),
        if_not_exists=True,
    )

    # insert-only: also against the application's own mistakes; a server's grants come on top (docs/audit.md)
    dialect = op.get_bind().dialect.name
    for table in ("audit_log", "audit_event", "audit_leaf", "audit_checkpoint"):
        for statement in _refuse_changes(table, dialect):
            op.execute(statement)


def _refuse_changes(table: str, dialect: str) -> list[str]:
    refusal = f"{table} is insert-only"
    if dialect == "postgresql":
        return [
            f"CREATE OR REPLACE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{refusal}'; END $$",
            f"CREATE OR REPLACE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_refuse()",
            f"CREATE OR REPLACE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()",
        ]
    signal = f"FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{refusal}'"
    body = f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END" if dialect == "sqlite" else signal
    return [f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb.upper()} ON {table} {body}" for verb in ("update", "delete")]
