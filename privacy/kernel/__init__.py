"""The words everybody uses: terms, errors, ids, clock, canonical bytes, Plaintext, the store port.

Standard library only; reaches nothing of ours. Read `terms.py` first, then `errors.py`.
"""
