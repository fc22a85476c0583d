"""Values to ciphertext and back, and to search indexes: batches of (subject, field, value) of one dataset.

It knows keys and values, never policy: whoever calls has decided that this actor may, and has written the event. It answers item by
item, so that one bad value does not spoil a batch. Read `service.py` first, then `normalise.py` (what counts as equal in an index).
"""
