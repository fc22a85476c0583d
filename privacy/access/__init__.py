"""Who may see what: policy rows, facts, decisions, and the one door to plaintext (mask, reveal).

Never holds keys, never detects, never stores a value; a decision without its audit event does not leave this room.
Read `decision.py` first, then `rows.py`, `disclosure.py` and `service.py`.
"""
