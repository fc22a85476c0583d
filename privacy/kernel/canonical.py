"""Bytes that two programs agree on: canonical JSON (a safe subset of RFC 8785) and length-prefixed parts."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

_SAFE_INTEGER = 2**53 - 1
_PLAIN = frozenset({str, bool, type(None)})
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode  # made once: half the cost of a short text


def canonical_json(value: object) -> bytes:
    """Return `value` as RFC 8785 bytes.

    Accepts null, booleans, strings, integers within ±(2^53−1), lists and mappings with ASCII keys: within these limits
    Python's ordering by code point equals the RFC's by UTF-16 unit, so that no float or key rule needs re-inventing.
    Raises ValueError for anything else; its text names the type only.
    """
    _check(value)
    return _encode(value).encode("utf-8")


def length_prefixed(parts: Iterable[bytes]) -> bytes:
    """Return every part behind its length (u16 big-endian). Unlike joining with a separator this can be read one way only."""
    return b"".join([len(part).to_bytes(2, "big") + part for part in parts])


def _check(value: Any) -> None:
    kind = type(value)
    if kind in _PLAIN:
        return
    if kind is dict or isinstance(value, Mapping):
        for key, item in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise ValueError("canonical JSON keys are ASCII strings")
            if type(item) not in _PLAIN:  # here as well: most items need no call
                _check(item)
    elif isinstance(value, list | tuple):
        for item in value:
            if type(item) not in _PLAIN:
                _check(item)
    elif isinstance(value, int):
        if abs(value) > _SAFE_INTEGER:
            raise ValueError("integers beyond 2^53-1 travel as strings")
    elif not isinstance(value, str):
        raise ValueError(f"canonical JSON cannot carry {kind.__name__}")
