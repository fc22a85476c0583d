"""Masking techniques: pure functions from a value to what may be shown of it, or to nothing.

Never decides who sees what, never reads policy, consent or a key store: the key comes in with the call.
Read `technique.py` first, then `catalogue.py`; each other file holds the techniques for one kind of value.
"""
