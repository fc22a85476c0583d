"""What retention needs from others, named by role. The composition root hands in the real ones."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from privacy.inventory.catalogue_model import Controller
from privacy.inventory.model import Dataset, System
from privacy.inventory.relations import Handling, Relation
from privacy.jobs.model import Job, NewJob
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx
from privacy.kernel.terms import SubjectRef
from privacy.retention.model import Hold, Preview, Restriction, Rule, Sweep


class DataMap(Protocol):
    """The inventory as rules see it."""

    def dataset(self, tenant: TenantId, name: str) -> Dataset | None: ...

    def datasets(self, tenant: TenantId, system: str | None = None) -> Sequence[Dataset]: ...

    def system(self, tenant: TenantId, name: str) -> System:
        """Raises NotFound for a system that is not connected."""


class Relations(Protocol):
    def of_system(self, tenant: TenantId, system: str) -> Sequence[Relation]: ...

    def handlings(self, tenant: TenantId, system: str) -> Mapping[str, Handling]: ...


class Controllers(Protocol):
    def controller(self, tenant: TenantId, id: str) -> Controller | None: ...


class Queue(Protocol):
    def enqueue(self, tx: Tx, tenant: TenantId, new: NewJob, *, by: str = "") -> Job:
        """Put a job into the queue in the caller's transaction; the same `dedupe` again returns the first."""


class Keys(Protocol):
    def derive(self, tenant: TenantId, label: str) -> bytes: ...

    def seal(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes: ...

    def unseal(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes: ...


class ArchiveFile(Protocol):
    def write(self, dataset: str, row: Mapping[str, Any]) -> None:
        """Add one masked row."""


class Archives(Protocol):
    """Masked copies outside every database, readable by the service's user alone."""

    def part(self, tenant: TenantId, sweep: str, batch: int) -> AbstractContextManager[ArchiveFile]:
        """Open the file of one batch; it appears whole and durable when the block ends well, replacing an earlier attempt of the same batch."""

    def drop(self, tenant: TenantId, sweep: str, batch: int) -> None:
        """Remove a batch's file, if there is one."""


class Resumption(Protocol):
    def __call__(self, tx: Tx, tenant: TenantId, case: str, plan: str) -> None:
        """Ask for what a restriction or hold had put off to go on, in the caller's transaction; idempotent."""


@dataclass(frozen=True, slots=True, repr=False)
class HoldRow:
    """A hold as stored: what names a person is sealed."""

    hold: Hold
    sealed: bytes


@dataclass(frozen=True, slots=True, repr=False)
class RestrictionRow:
    """A restriction as stored: found by the keyed hash of its subject, the subject itself and the reason sealed; `plan` when an erasure put rows off."""

    id: str
    tenant: TenantId
    lookup: bytes
    sealed: bytes
    case: str
    plan: str
    rule: str
    until: datetime | None
    set_by: str
    set_at: datetime
    lifted_by: str = ""
    lifted_at: datetime | None = None


@dataclass(frozen=True, slots=True, repr=False)
class WaitingRow:
    """Rows an erasure put off, as one entry per (plan, dataset, rule): their keys sealed, how many, and when they may go."""

    id: str
    tenant: TenantId
    case: str
    plan: str
    system: str
    dataset: str
    rule: str
    reason: str
    rows: int
    sealed: bytes
    until: datetime | None
    set_at: datetime
    resumed_at: datetime | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Batch:
    """One batch of a sweep whose keys had to be known beforehand; `sealed` holds them until `done`."""

    sweep: str
    number: int
    sealed: bytes
    done: bool = False


class RetentionRepository(Protocol):
    """Rows of this room in the main database; every method is of one tenant."""

    # rules
    def lock_rule(self, tx: Tx, tenant: TenantId, id: str) -> None:
        """Make writers of this rule wait for each other until the transaction ends."""

    def rules(self, tx: Tx, tenant: TenantId, *, every: bool = False) -> Sequence[Rule]:
        """Return rules proposed or active, by id and version; with `every` the ended versions as well."""

    def save_rule(self, tx: Tx, rule: Rule) -> None: ...

    def keep_preview(self, tx: Tx, tenant: TenantId, preview: Preview, at: datetime) -> None: ...

    def accepted(self, tx: Tx, tenant: TenantId) -> Mapping[tuple[str, int], str]:
        """Return the statutes accepted by name: (id, version) → who."""

    def accept(self, tx: Tx, tenant: TenantId, statute: str, version: int, by: str, at: datetime) -> None: ...

    # sweeps
    def sweep(self, tx: Tx, tenant: TenantId, rule: str, slot: str) -> Sweep | None: ...

    def sweep_by_id(self, tx: Tx, tenant: TenantId, id: str) -> Sweep | None: ...

    def sweeps(self, tx: Tx, tenant: TenantId, rule: str | None, after: str, limit: int) -> Sequence[Sweep]:
        """Return sweeps newest first, those older than the sweep `after`."""

    def add_sweep(self, tx: Tx, sweep: Sweep) -> None:
        """Insert; a sweep of the same rule and slot that is there already stays."""

    def save_sweep(self, tx: Tx, sweep: Sweep) -> None: ...

    def batches(self, tx: Tx, tenant: TenantId, sweep: str) -> Sequence[Batch]: ...

    def save_batch(self, tx: Tx, tenant: TenantId, batch: Batch) -> None: ...

    def drop_batches(self, tx: Tx, tenant: TenantId, sweep: str) -> None: ...

    # holds
    def holds(self, tx: Tx, tenant: TenantId, system: str | None, *, every: bool = False) -> Sequence[HoldRow]:
        """Return holds not released (with `every` all), newest first; what is sealed comes sealed."""

    def hold(self, tx: Tx, tenant: TenantId, id: str) -> HoldRow | None: ...

    def save_hold(self, tx: Tx, row: HoldRow) -> None: ...

    # restrictions
    def restricted(self, tx: Tx, tenant: TenantId, lookups: Sequence[bytes], at: datetime) -> Mapping[bytes, str]:
        """Return for each restricted lookup the reason, with one query for all of them."""

    def any_restricted(self, tx: Tx, tenant: TenantId) -> bool: ...

    def restrictions(self, tx: Tx, tenant: TenantId, after: str, limit: int, *, every: bool = False) -> Sequence[RestrictionRow]: ...

    def restriction(self, tx: Tx, tenant: TenantId, id: str) -> RestrictionRow | None: ...

    def add_restrictions(self, tx: Tx, rows: Sequence[RestrictionRow]) -> int:
        """Insert those whose (lookup, case, rule) is new; return how many were."""

    def save_restriction(self, tx: Tx, row: RestrictionRow) -> None: ...

    def forget_restricted(self, tx: Tx, tenant: TenantId, lookups: Sequence[bytes]) -> int: ...

    def add_waiting(self, tx: Tx, rows: Sequence[WaitingRow]) -> int: ...

    def waiting(self, tx: Tx, tenant: TenantId, *, at: datetime | None = None, case: str | None = None, system: str | None = None) -> Sequence[WaitingRow]:
        """Return entries not yet resumed: those over by `at`, or all of a case or system."""

    def save_waiting(self, tx: Tx, row: WaitingRow) -> None: ...


class Restricted(Protocol):
    """The register as decisions ask it (implemented here, declared in access/ports.py as well)."""

    def of(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> Mapping[SubjectRef, str]: ...


__all__ = ["Restriction"]
