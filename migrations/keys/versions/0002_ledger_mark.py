"""How far this database has followed the erasure ledger."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer

from privacy.adapters.store.schema import instant, key

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "ledger_mark",
        Column("id", Integer(), primary_key=True, autoincrement=False),
        Column("seq", BigInteger(), nullable=False),
        Column("hash", key(), nullable=False),
        Column("at", instant(), nullable=False),
        if_not_exists=True,
    )
