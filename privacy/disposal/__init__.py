"""Disposal: which rows are a person's (or due), what happens to them, and proof that it did. Used by rights and by retention.

Never decides whether somebody has a right or a rule applies; never follows an unconfirmed relation; never touches other people's rows.
Read `model.py` first, then `closure.py`, `planning.py`, `execution.py`.
"""
