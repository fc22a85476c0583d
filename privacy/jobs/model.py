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
    """A job to enqueue. `payload` holds ids and numbers alone. `dedupe` is unique per tenant: enqueueing it again returns the first.

    Of the jobs of one `lane` of a tenant (`system:<id>` for work on a connected system) one runs at a time; "" is no lane. `max_attempts` counts
    attempts that came no further than the one before. Only the room a job belongs to ends one that is not `cancellable`, because it would leave half done
    what people rely on.
    """

    kind: str
    payload: Mapping[str, str | int]
    dedupe: str
    priority: int = 100  # lower runs first
    run_at: datetime | None = None
    max_attempts: int = 5
    lane: str = ""
    cancellable: bool = True


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
    lane: str = ""
    cancellable: bool = True
    error_detail: str = ""  # what is wrong and how to mend it, in our words


class Lease(Protocol):
    """A job while a handler works on it.

    The handler calls `renew` at least every few seconds of work, at points where it may stop, and nobody renews for it: a handler that hangs loses the job.
    """

    @property
    def job(self) -> Job:
        """Return the job as it was when it was taken: `done`, `total` and `step` tell where the attempt before this one was."""

    @property
    def token(self) -> int:
        """Return the fencing token: grows with every lease of the job, never repeats."""

    def renew(self, done: int, total: int | None = None, step: str = "") -> None:
        """Prolong the lease and show progress: `done` of `total` units (rows, steps) and a word for the present step.

        Cheap enough for every batch: it is written about once a second. Raises LeaseLost when another worker holds the job, PauseWanted when a person
        asked for a pause, StopWanted when this process ends. Let all three pass.
        """

    def guard(self, tx: Tx) -> None:
        """Hold the job in the transaction of a step whose effect is in the main database. Raises LeaseLost, which rolls the step back."""

    def complete(self, tx: Tx, result: Mapping[str, str | int] | None = None) -> None:
        """Mark the job done in the transaction of its last effect. Raises LeaseLost, which rolls it all back."""


class Interruption(Exception):
    """The handler is to stop here. No error: the job goes on later, or somebody else has it."""


class LeaseLost(Interruption):
    """Another worker took over: stop at once, write nothing more."""


class PauseWanted(Interruption):
    """A person asked for a pause: stop at this point; the job goes on from here when resumed."""


class StopWanted(Interruption):
    """The process ends: stop at this point; another process goes on from here."""


class Handler(Protocol):
    def __call__(self, lease: Lease) -> None:
        """Do the job, idempotently: it may have been begun before. Return when done (`complete` called, or the runner completes it).

        A retryable PrivacyError or an unexpected error puts it back with a delay; any other PrivacyError needs attention at once.
        """
