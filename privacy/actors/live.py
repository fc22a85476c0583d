"""A one-second memory of who is still active, so that a busy client costs one read a second and a disabled one is refused at once."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")
_SECONDS = 1.0
_MOST = 10_000


class Live:
    """Remembers what `load` returned for at most a second. Nothing found is never remembered; a change made here forgets everything."""

    def __init__(self, seconds: float = _SECONDS, tick: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._tick = tick
        self._lock = threading.Lock()
        self._generation = 0
        self._known: dict[Hashable, tuple[float, Any]] = {}

    def get(self, key: Hashable, load: Callable[[], T | None]) -> T | None:
        now = self._tick()
        with self._lock:
            known = self._known.get(key)
            generation = self._generation
        if known is not None and known[0] > now:
            found: T = known[1]
            return found
        loaded = load()
        if loaded is not None:
            self._remember(key, loaded, now + self._seconds, generation)
        return loaded

    def forget(self) -> None:
        with self._lock:
            self._generation += 1
            self._known.clear()

    def _remember(self, key: Hashable, value: object, until: float, generation: int) -> None:
        with self._lock:
            if generation != self._generation:  # something changed while we read: what we hold may be the old state
                return
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = (until, value)
