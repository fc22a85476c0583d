"""How far this database has followed the erasure ledger."""

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    pass
