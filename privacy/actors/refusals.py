"""Refused sign-ins and token requests in the log: told, but never so often that a stranger can fill it.

The first refusal of a name (or client id) within a minute is an event of its own, at most `_MOST` of them; the others are counted, and the counts
follow as one event per account once the minute is over. Which way a refusal goes depends on what was typed and never on whether it exists.
Limit: the counts of the last minute are in memory; a process that ends takes them along.
"""

import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from privacy.audit.events import AuditLog, Event
from privacy.kernel.clock import Clock

_WINDOW = timedelta(minutes=1)
_MOST = 60


class Refusals:
    """Writes refusals down. Safe to share between threads."""

    def __init__(self, audit: AuditLog, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock
        self._lock = threading.Lock()
        self._until: datetime | None = None
        self._told: set[bytes] = set()
        self._events: dict[tuple[str, str, str], Event] = {}
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def note(self, lookup: bytes, event: Event) -> None:
        """Record `event`, or count it where `lookup` was refused a moment ago. Raises AuditUnavailable like every record."""
        with self._lock:
            due = self._due()
            first = lookup not in self._told and len(self._told) < _MOST
            if first:
                self._told.add(lookup)
            else:
                self._count(event)
        for each in (*due, *((event,) if first else ())):
            self._audit.record(each)

    def flush(self) -> None:
        """Record the counts of a minute that is over: called where somebody signs in."""
        with self._lock:
            due = self._due()
        for each in due:
            self._audit.record(each)

    def _due(self) -> list[Event]:
        now = self._clock.now()
        if self._until is not None and now < self._until:
            return []
        due = [replace(event, counts={"attempts": self._counts[key]}, request_id="") for key, event in self._events.items()]
        self._until = now + _WINDOW
        self._told, self._events, self._counts = set(), {}, Counter()
        return due

    def _count(self, event: Event) -> None:
        key = (event.action.value, event.actor.tenant, event.object_ref)
        self._events.setdefault(key, event)
        self._counts[key] += 1
