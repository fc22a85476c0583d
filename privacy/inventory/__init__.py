"""The data map: systems, datasets and fields with category, level and state; purposes and recipients; gaps between level and control.

Never reads a connected system, never holds a value from one, never decides who sees what.
Read `model.py` first, then `service.py`; `taxonomy.py` is the table everybody shares, `catalogue.py` the purposes.
"""
