"""An audit log that remembers its events in memory, for tests of rooms that write some; it can be told to refuse."""

from privacy.audit.events import Event
from privacy.kernel.errors import AuditUnavailable
from privacy.kernel.ids import EventId, new_id
from privacy.kernel.store import Tx


class RememberingLog:
    """Implements `audit.events.AuditLog`. `refuse` makes it behave as a log whose store is gone."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.refuse = False

    def append(self, tx: Tx, event: Event) -> EventId:
        return self.record(event)

    def record(self, event: Event) -> EventId:
        if self.refuse:
            raise AuditUnavailable("The audit log cannot be written.")
        self.events.append(event)
        return EventId(new_id())
