"""Whether a column could hold the keys of another by its declared type."""

import re

from privacy.discovery.relations.scenes import Part
from privacy.discovery.shapes import Family

_LENGTH = re.compile(r"\((\d+)\)")
_NUMBERS = frozenset({Family.INTEGER, Family.DECIMAL})
_TEXTS = frozenset({Family.TEXT, Family.UUID, Family.OTHER})
_SHORT_CODE, _WIDER = 8, 4


def compatible(child: Part, parent: Part) -> bool:
    """Could `child` hold values of `parent`? Texts and numbers never by type alone; a wide text is no short code."""
    mine, theirs = child.column.family, parent.column.family
    if mine in _NUMBERS and theirs in _NUMBERS:
        # an amount is no key: keys have no places behind the point
        return not (_fraction(child.column.type) or _fraction(parent.column.type))
    if mine in _TEXTS and theirs in _TEXTS:
        return not (_length(parent) and _length(child) and _length(parent) <= _SHORT_CODE and _length(child) > _WIDER * _length(parent))
    return mine is theirs and mine is Family.BINARY


def described(child: Part, parent: Part) -> str:
    """Return the two types as evidence shows them."""
    mine, theirs = child.column.type or child.column.family.value, parent.column.type or parent.column.family.value
    return f"types {mine} and {theirs}" if mine != theirs else f"both {mine}"


def _fraction(declared: str) -> bool:
    found = re.search(r"\(\d+,\s*(\d+)\)", declared)
    return bool(found and int(found[1]))


def _length(part: Part) -> int:
    found = _LENGTH.search(part.column.type)
    return int(found[1]) if found else 0


def is_text(part: Part) -> bool:
    """Is this a column of text?"""
    return part.column.family is Family.TEXT
