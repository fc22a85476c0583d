"""A job as frozen words: what to do (a kind and ids), how far it is, who holds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx


class JobState(StrEnum):
    READY = "ready"
    LEASED = "leased"
    PAUSED = "paused"
    DONE = "done"
    NEEDS_ATTENTION = "needs_attention"  # out of attempts, or an error that trying again cannot mend
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to enqueue. `payload` holds ids and numbers alone. `dedupe` is unique per tenant: enqueueing it again returns the first."""

    kind: str
    payload: Mapping[str, str | int]
    dedupe: str
    priority: int = 100  # lower runs first
    run_at: datetime | None = None
    max_attempts: int = 5


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    tenant: TenantId
    kind: str
    payload: Mapping[str, str | int]
    dedupe: str
    state: JobState
    priority: int
    run_at: datetime
    attempts: int
    max_attempts: int
    created_at: datetime
    created_by: str = ""
    lease_until: datetime | None = None
    token: int = 0
    worker: str = ""
    done: int = 0
    total: int | None = None
    step: str = ""
    pause_wanted: bool = False
    error_code: str = ""
    finished_at: datetime | None = None
    result: Mapping[str, str | int] = field(default_factory=lambda: MappingProxyType({}))


class Lease(Protocol):
    """A job while a handler works on it. The handler calls `renew` at least every few seconds of work, at points where it may stop."""

    @property
    def job(self) -> Job: ...

    @property
    def token(self) -> int:
        """Return the fencing token: grows with every lease of the job, never repeats."""

    def renew(self, done: int, total: int | None = None, step: str = "") -> None:
        """Prolong the lease and show progress. Raises LeaseLost when another worker holds it, PauseWanted when a person asked for a pause."""

    def complete(self, tx: Tx, result: Mapping[str, str | int] | None = None) -> None:
        """Mark the job done in the transaction of its last effect. Raises LeaseLost, which rolls it all back."""


class LeaseLost(Exception):
    """Another worker took over: stop at once, write nothing more."""


class PauseWanted(Exception):
    """A person asked for a pause: stop at this point; the job goes on from here when resumed."""


class Handler(Protocol):
    def __call__(self, lease: Lease) -> None:
        """Do the job, idempotently: it may have been begun before. Return when done (`complete` called, or the runner completes it).

        A retryable PrivacyError or an unexpected error puts it back with a delay; any other PrivacyError needs attention at once.
        """
