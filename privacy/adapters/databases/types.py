"""Declared types of every database as one list of families."""

import re

from privacy.discovery.shapes import Family

_WORDS: tuple[tuple[str, Family], ...] = (
    (r"bool|^tinyint\(1\)|^bit(\(1\))?$", Family.BOOLEAN),
    (r"json", Family.JSON),
    (r"uuid|uniqueidentifier", Family.UUID),
    (r"^inet|^cidr|^macaddr", Family.INET),
    (r"^point|geometry|geography|polygon|linestring|^geo", Family.GEO),
    (r"interval|daterange|tsrange|tstzrange|^range", Family.OTHER),
    (r"blob|binary|bytea|image|^raw", Family.BINARY),
    (r"timestamp|datetime", Family.DATETIME),
    (r"^date", Family.DATE),
    (r"^time", Family.TIME),
    (r"^year", Family.INTEGER),
    (r"char|text|clob|string|enum|^set\b|^name$|citext|xml", Family.TEXT),
    (r"int|serial|^bit|^oid$", Family.INTEGER),
    (r"dec|numeric|real|float|double|money|number", Family.DECIMAL),
)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), family) for pattern, family in _WORDS)


def family(declared: str) -> Family:
    """Return the family of a declared type; OTHER for what is unknown (an array, an extension's type)."""
    if declared.startswith("_") or declared.endswith("[]"):
        return Family.OTHER
    return next((kind for pattern, kind in _COMPILED if pattern.search(declared)), Family.OTHER)
