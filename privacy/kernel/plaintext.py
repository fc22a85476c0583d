"""Personal values travel as `Plaintext`, so that no log, error, pickle or cache can print one by accident.

A plain slots class, not a dataclass: `dataclasses.asdict` would walk into it and return the value.
"""

import hmac
from typing import NoReturn, SupportsIndex


class Plaintext:
    """A personal value that does not print, pickle, copy, hash or serialise; read it with `.reveal()`."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        return self.__value

    def __repr__(self) -> str:
        return "Plaintext(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "Plaintext(***)"

    def __eq__(self, other: object) -> bool:
        # constant time, since a comparison may be reached by a caller who guesses
        return isinstance(other, Plaintext) and hmac.compare_digest(_bytes(self), _bytes(other))

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("Plaintext is never copied or serialised")


def _bytes(value: Plaintext) -> bytes:
    # surrogatepass: JSON may carry lone surrogates, and a comparison must not raise with the value in its text
    return value.reveal().encode("utf-8", "surrogatepass")
