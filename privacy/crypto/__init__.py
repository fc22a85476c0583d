"""Ciphers, keys and signatures: the only room that imports `cryptography`.

It turns bytes into ciphertext under a key per data subject, keeps those keys, destroys them for good, and makes search indexes,
derived secrets and signatures. It never knows a policy, never decides who may read, and never writes an audit event.
Read `envelope.py` first (what a ciphertext is), then `keyring.py` (a tenant's keys) and `subject_keys.py` (a person's keys).
"""
