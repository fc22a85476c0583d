"""Our own databases, by SQLAlchemy Core: `engine.py` runs transactions, `schema.py` has the column words, each other file a room's tables and repositories."""
