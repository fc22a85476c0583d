"""The audit log: events, an RFC 6962 Merkle log, signed checkpoints, proofs, bundles and their offline verification.

Never holds a personal value, never decides, never masks. Read `events.py` first, then `log.py`.
"""
