"""A small Chinese shop with no declared key between its tables: what people's rights and erasure are tried on.

`tables.py` declares it for three databases, `rows.py` fills it, `truth.toml` says whose every row is. The truth was written from the rows, by hand,
before anything read them.
"""
