"""Find personal data: in free text (`text.py`, read that first) and in columns (`columns*`, `service.py`).

The scanner is ours and works alone, in process, without a model and without the network. It never keeps, logs or returns a value: a finding is
an entity, two offsets, a confidence and the basis for it. Standard library, `regex` and `phonenumbers` only; Presidio's recognizers come in by
the port in `foreign.py`.
"""
