"""How much text one call may have scanned: detection takes time in proportion to length, and a thread that scans answers nobody else.

Files have no such limit: `privacy detect` and `privacy mask` stream them.
"""

from collections.abc import Iterable
from typing import Any

from privacy.kernel.errors import PayloadTooLarge

LONGEST_TEXT = 256 * 1024  # characters in one text or value
LONGEST_CALL = 2 * 1024 * 1024  # characters in one call


def length_of(record: Any) -> int:
    """Return how many characters of a record may have to be scanned."""
    return sum(len(value) for value in record.values() if isinstance(value, str)) if isinstance(record, dict) else 0


def check_lengths(lengths: Iterable[int], pointer: str) -> None:
    """Raise PayloadTooLarge where a text, or all of them together, would keep a thread too long."""
    known = list(lengths)
    for index, length in enumerate(known):
        if length > LONGEST_TEXT:
            raise PayloadTooLarge(f"A text has at most {LONGEST_TEXT:,} characters; cut it, or give a file to the command line.", pointer=f"{pointer}/{index}")
    check_total(known, pointer)


def check_total(lengths: Iterable[int], pointer: str) -> None:
    """Raise PayloadTooLarge where all of them together would."""
    if sum(lengths) > LONGEST_CALL:
        raise PayloadTooLarge(f"The texts of one call have at most {LONGEST_CALL:,} characters together; send several calls.", pointer=pointer)
