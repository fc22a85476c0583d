"""Rights: a person's request from receipt to answer, by dated rules of law. Never reads a connected database itself: subjects and disposal do.

Read `model.py` first, then `deadlines.py`, `service.py`.
"""
