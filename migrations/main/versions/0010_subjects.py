"""Persons, their subjects, and the review list."""

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    pass
