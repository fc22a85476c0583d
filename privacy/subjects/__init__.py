"""Subjects: who is who over the connected systems, by strong identifiers alone. Never links on a name; never keeps an identifier in clear.

A weak match goes to the review list. Read `model.py` first, then `resolving.py`, `service.py`.
"""
