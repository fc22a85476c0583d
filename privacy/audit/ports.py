"""What the log needs from outside: tables, a signing key, a file beside the database, a detector. Row types are here too."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from privacy.kernel.ids import EventId, TenantId
from privacy.kernel.store import Tx

Seal = Callable[[TenantId, str, bytes, bytes], bytes]
"""`KeyRing.seal` or `.unseal`: (tenant, label, data, context) -> bytes."""


class LogState(StrEnum):
    OPEN = "open"
    FORKED = "log_forked"  # the database is older than what was signed, or differs: nothing is signed or recorded any more
    LOST = "signed_lost"  # the record of what was signed is gone, so nobody can tell whether the database is older: as if forked, until it is put back
    CLOSED = "closed"  # forked or lost, and continued under the next generation


@dataclass(frozen=True, slots=True)
class LogRow:
    """One log: a tenant has one open generation. `log_id` is `tenant/generation`, the end of the log's origin."""

    log_id: str
    tenant: TenantId
    generation: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a log is signed: `size` leaves with `root`."""

    log_id: str
    state: LogState
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the sequencer is, over all logs: nothing with seq ≤ `low_water` is left, and at `caught_up_at` nothing at all was."""

    low_water: int
    caught_up_at: datetime


@dataclass(frozen=True, slots=True)
class EventRow:
    """One written event; `seq` is the order of writing, which is not yet the order of the log."""

    log_id: str
    event: EventId
    at: datetime
    entry: bytes
    leaf_hash: bytes
    seq: int = 0


@dataclass(frozen=True, slots=True)
class DisclosureRow:
    """A value the leaf commits to: sealed (salt, value), erasable."""

    tenant: TenantId
    log_id: str
    event: EventId
    field: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """One leaf in an event's tree of subjects. Erasing empties everything but `hash`, so that the paths of its neighbours stay whole."""

    tenant: TenantId
    log_id: str
    event: EventId
    n: int
    hash: bytes
    audit_ref: bytes | None
    fields: tuple[str, ...]
    effect: str
    salt: bytes


@dataclass(frozen=True, slots=True)
class LeafRow:
    """A sequenced event: its index and what it can be found by."""

    log_id: str
    index: int
    seq: int
    event: EventId
    at: datetime
    action: str
    outcome: str
    actor: str
    object_ref: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One leaf as it is read back, not yet compared; `found_by` are the columns it can be found by, in the order of `leaf.search_columns`."""

    index: int
    event: EventId
    entry: bytes
    leaf_hash: bytes
    found_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events; everything given must hold. `audit_refs` are pseudonyms of one subject; an empty tuple matches nothing."""

    actions: tuple[str, ...] = ()
    outcome: str = ""
    actor: str = ""
    object_ref: str = ""
    request_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    audit_refs: tuple[bytes, ...] | None = None


class EventRepository(Protocol):
    """For `Log`: writing events and asking how the log stands."""

    def open_log(self, tx: Tx, row: LogRow) -> None:
        """Insert the log; nothing happens when it exists."""

    def newest_log(self, tx: Tx, tenant: TenantId) -> LogRow | None: ...

    def logs(self, tx: Tx) -> list[LogRow]: ...

    def standings(self, tx: Tx) -> list[Standing]:
        """Return the logs the sequencer saw, without a lock."""

    def save_standing(self, tx: Tx, row: Standing) -> None: ...

    def progress(self, tx: Tx) -> Progress | None: ...

    def add_event(self, tx: Tx, row: EventRow) -> None: ...

    def add_disclosures(self, tx: Tx, rows: Sequence[DisclosureRow]) -> None: ...

    def add_subjects(self, tx: Tx, rows: Sequence[SubjectRow]) -> None: ...

    def oldest_unsequenced(self, tx: Tx, log_id: str, low_water: int) -> datetime | None: ...

    def touch_probe(self, tx: Tx, at: datetime) -> None:
        """Write one row: shows that the database takes writes."""

    def erase_subject(self, tx: Tx, tenant: TenantId, audit_refs: Sequence[bytes]) -> tuple[int, int]:
        """Empty the subject's rows, and remove the disclosures of events that then name nobody any more; return (rows, disclosures)."""


class LeafRepository(Protocol):
    """For `Sequencer`: the only writer of everything behind the events."""

    def lock_progress(self, tx: Tx, now: datetime) -> Progress:
        """Read the progress under a lock held to the end of the transaction: one sequencer at a time."""

    def save_progress(self, tx: Tx, row: Progress) -> None: ...

    def progress(self, tx: Tx) -> Progress | None: ...

    def standings(self, tx: Tx) -> list[Standing]: ...

    def save_standing(self, tx: Tx, row: Standing) -> None: ...

    def unsequenced(self, tx: Tx, after: int, upto: int | None, limit: int, without: Sequence[str]) -> list[EventRow]:
        """Return up to `limit` events with after < seq ≤ upto that have no leaf, by seq, leaving out the logs in `without`."""

    def newest_seq(self, tx: Tx) -> int: ...

    def logs(self, tx: Tx) -> list[LogRow]: ...

    def checkpoint(self, tx: Tx, log_id: str, at_most: int | None = None) -> tuple[int, str] | None: ...

    def add_leaves(self, tx: Tx, rows: Sequence[LeafRow]) -> None: ...

    def tile(self, tx: Tx, log_id: str, level: int, n: int) -> bytes:
        """Return the tile, empty when it is not there."""

    def put_tiles(self, tx: Tx, log_id: str, tiles: Mapping[tuple[int, int], bytes]) -> None: ...

    def add_checkpoint(self, tx: Tx, log_id: str, size: int, note: str, at: datetime) -> None: ...


class LogReader(Protocol):
    """For queries, proofs and exports: reads only."""

    def newest_log(self, tx: Tx, tenant: TenantId) -> LogRow | None: ...

    def logs(self, tx: Tx) -> list[LogRow]: ...

    def tile(self, tx: Tx, log_id: str, level: int, n: int) -> bytes: ...

    def checkpoint(self, tx: Tx, log_id: str, at_most: int | None = None) -> tuple[int, str] | None:
        """Return (size, note) of the newest checkpoint, or of the newest with at most that many entries."""

    def entries(self, tx: Tx, log_id: str, first: int, end: int) -> list[Entry]: ...

    def find(self, tx: Tx, log_id: str, wanted: EventFilter, before: int, limit: int) -> list[Entry]:
        """Return up to `limit` entries below index `before`, newest first."""

    def matching(self, tx: Tx, log_id: str, wanted: EventFilter, first: int, end: int) -> set[int]:
        """Return the indexes in [first, end) that match."""

    def index_of(self, tx: Tx, log_id: str, event: EventId) -> int | None: ...

    def disclosures(self, tx: Tx, log_id: str, event: EventId) -> list[DisclosureRow]: ...

    def subjects(self, tx: Tx, log_id: str, event: EventId) -> list[SubjectRow]:
        """Return the event's rows in the order of their tree, erased ones with `audit_ref` None."""


class AuditRepository(EventRepository, LeafRepository, LogReader, Protocol):
    """Everything, as one adapter gives it."""


class Signer(Protocol):
    """The log's Ed25519 key; only the sequencer and exports hold it."""

    @property
    def public_bytes(self) -> bytes: ...

    def sign(self, message: bytes, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed last for a log."""

    size: int
    root: bytes


class SignedState(Protocol):
    """What was signed, kept outside the database: a restored older database is thereby noticed."""

    def load(self) -> Mapping[str, Signed] | None:
        """Return None when there is no file. Raises Misconfigured when it is there but cannot be read."""

    def begin(self) -> None:
        """Make an empty file; nothing happens when there is one."""

    def save(self, log_id: str, signed: Signed) -> None:
        """Keep durably; a smaller size than the one kept changes nothing. Raises AuditBroken when the file is gone, Misconfigured when it cannot be written."""


class LeafGuard(Protocol):
    """The detector, for what callers can write into a leaf."""

    def is_personal(self, text: str) -> bool: ...
