"""A bounded, short-lived memory of keys, emptied for a tenant as soon as one of its keys was destroyed.

The owner passes the tenant's counter of changes, read from the database at the start of its batch: an entry from before the
counter moved is never returned. Age is the second bound, for databases that answer from a lagging replica.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class KeyCache(Generic[K, V]):
    """Least recently used goes first. Names are ids or keyed digests, never a subject's own reference."""

    def __init__(self, capacity: int, seconds: float) -> None:
        self._capacity = capacity
        self._seconds = seconds
        self._entries: OrderedDict[tuple[str, K], tuple[float, V]] = OrderedDict()
        self._changes: dict[str, int] = {}
        self._lock = threading.Lock()

    def get_many(self, tenant: str, names: Iterable[K], changes: int, now: float) -> dict[K, V]:
        """Return what is known and fresh; one lock for the whole batch."""
        found: dict[K, V] = {}
        oldest = now - self._seconds
        with self._lock:
            self._observe(tenant, changes)
            for name in names:
                entry = self._entries.get((tenant, name))
                # an entry from the future means that the clock was set back: its age is unknown
                if entry is not None and oldest < entry[0] <= now:
                    found[name] = entry[1]
                    self._entries.move_to_end((tenant, name))
        return found

    def put_many(self, tenant: str, entries: Mapping[K, V], changes: int, now: float) -> None:
        """Remember what was read under this count; nothing when a change has been seen since."""
        with self._lock:
            if self._changes.get(tenant) != changes:
                return
            for name, value in entries.items():
                self._entries[tenant, name] = (now, value)
                self._entries.move_to_end((tenant, name))
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)

    def _observe(self, tenant: str, changes: int) -> None:
        known = self._changes.setdefault(tenant, changes)
        if changes > known:
            self._changes[tenant] = changes
            for entry in [entry for entry in self._entries if entry[0] == tenant]:
                del self._entries[entry]
