"""Why a ciphertext does not open: distinct inside, for tests and operators; one and the same outside, so that nobody learns from the difference.

Flaw (a CiphertextInvalid: same code, same text for all)
├── Malformed            not an envelope of ours: length, magic, algorithm or flags
├── UnknownKey           no such key in this tenant
├── CommitmentMismatch   the header belongs to another key
└── TagMismatch          altered, or moved to another tenant, dataset, field or subject
"""

from privacy.kernel.errors import CiphertextInvalid


class Flaw(CiphertextInvalid):
    """Base of the four; callers outside crypto catch CiphertextInvalid and never look closer."""


class Malformed(Flaw):
    pass


class UnknownKey(Flaw):
    pass


class CommitmentMismatch(Flaw):
    pass


class TagMismatch(Flaw):
    pass
