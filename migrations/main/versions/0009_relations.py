"""Relations between datasets and what erasure does to them."""

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    pass
