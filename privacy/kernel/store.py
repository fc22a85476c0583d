"""The port to a database of ours. Rooms hold a `Store` and repositories; only adapters know SQL."""

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Tx(Protocol):
    """An open transaction, opaque to the rooms: they hand it on to repositories and to the audit log."""

    @property
    def dialect(self) -> str:
        """Return `sqlite`, `postgresql` or `mysql` (MariaDB included)."""


class Store(Protocol):
    """One of our databases (main or keys)."""

    def run(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in one durable read-write transaction and return its result after the commit.

        `fn` is short, does no remote I/O, touches nothing but the transaction and may be called again after a
        serialisation failure. An exception from `fn` rolls its work back and is re-raised.
        Raises StoreUnavailable when the database does not answer in time.
        """

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` in a read-only transaction, beside the writers."""

    def tidy(self, seconds: float = 5.0) -> bool:
        """After something was destroyed: let the database's files forget it, as far as we may ask. Never raises.

        Return False when it could not be done within `seconds`: old values may stand in the write-ahead log until the next time.
        """
