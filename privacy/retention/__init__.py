"""Retention: dated rules, what is due and why, sweeps on schedule, holds and restrictions. Never shortens what a statute demands.

Read `rules.py` first, then `due.py`, `sweeps.py`, `service.py`.
"""
