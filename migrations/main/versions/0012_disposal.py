"""Plans of disposal, their steps, certificates and the place in the ledger."""

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    pass
