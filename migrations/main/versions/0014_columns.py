"""Columns of connected databases that are protected in place."""

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    pass
