"""Who calls: people who sign in, applications with credentials, their roles, sessions and tokens.

Never decides what a caller sees of personal data (access does) and never stores a password, a secret or a token that could be used again.
Read `service.py` first, then `sign_in.py`.
"""
