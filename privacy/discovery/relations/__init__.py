"""Propose how the tables of a system belong together: which columns hold keys of which other table, and whose the rows are.

From declared keys, names and comments (`naming.py`, `candidates.py`), values (`proving.py`) and the structure of the schema (`ownership.py`).
Proposals only: nobody follows them before a person has confirmed them. Values are compared inside the connected system and never kept.
Read `proposing.py` first.
"""
