"""Consent: notices that people are shown, what they agreed to or withdrew, and whether it still holds.

Never decides about access (that room asks here), never forgets a receipt, never keeps a subject's identifier in clear.
Read `model.py` first, then `fold.py` (the rule that turns receipts into a state), then `service.py`.
"""
