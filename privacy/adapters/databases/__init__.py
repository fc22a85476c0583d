"""Connected databases and files, opened read-only: SQLite, PostgreSQL, MariaDB and MySQL, CSV. `open_connector` picks by the address.

Nothing here writes to a connected system or keeps a value of it. Read `open.py` first, then `connector.py`.
"""

from privacy.adapters.databases.open import Place, locate, open_connector

__all__ = ["Place", "locate", "open_connector"]
