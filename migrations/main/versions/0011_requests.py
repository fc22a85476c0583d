"""People's requests, their deadlines, codes and packages."""

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    pass
