"""What follows when subjects are gone from their systems: ledger, our own stores, keys, and the marks that say how far each database followed.

Order (decision 5): announced in main → ledger intent → rows → second look → forgotten in main, keys destroyed → certificate → ledger completion.
Every part is idempotent, so that whoever goes on after a crash does all of it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from privacy.crypto.subject_keys import DestroyedKey, Destruction
from privacy.disposal.ports import DisposalRepository, Forget, Ledger, LedgerEntry, LedgerKind, Mark, MarkRepository
from privacy.kernel.clock import Clock
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import SubjectRef


class Keys(Protocol):
    """`crypto.subject_keys.SubjectKeys` is one."""

    def destroy(self, tenant: TenantId, subjects: Sequence[SubjectRef], reason_ref: str) -> Destruction: ...


class LookupsOf(Protocol):
    def __call__(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> list[str]:
        """Return the subjects' keyed digests, as the keys database names them."""


class Gate(Protocol):
    def __call__(self) -> None: ...


@dataclass(frozen=True)
class Places:
    """The two databases of ours, each with its mark."""

    main: Store
    repository: DisposalRepository
    keys: Store
    key_marks: MarkRepository


class Departures:
    """Implements `disposal.ports.SubjectsGone` for sweeps; plans use the finer steps."""

    def __init__(self, places: Places, ledger: Ledger, keys: Keys, lookups: LookupsOf, forgets: Sequence[Forget], clock: Clock, gate: Gate) -> None:
        self._places, self._ledger, self._keys, self._lookups, self._forgets, self._clock, self._gate = places, ledger, keys, lookups, forgets, clock, gate

    # --- for sweeps ---------------------------------------------------------------------------------------------------------------------

    def begin(self, tenant: TenantId, case: str, run: str, subjects: Sequence[SubjectRef]) -> None:
        self._gate()
        self.intend(tenant, case, run, subjects, sorted({subject.system for subject in subjects}))

    def finish(self, tenant: TenantId, case: str, run: str, subjects: Sequence[SubjectRef]) -> int:
        destruction = self.part(tenant, case, subjects)
        self.complete(tenant, case, run, subjects, sorted({subject.system for subject in subjects}))
        return destruction.destroyed_now if destruction is not None else 0

    # --- the steps ----------------------------------------------------------------------------------------------------------------------

    def intend(self, tenant: TenantId, case: str, run: str, subjects: Sequence[SubjectRef], systems: Sequence[str]) -> LedgerEntry:
        """Announce in main, then write the intent: an intent that main does not know of came from a main that was replaced by an older one."""
        now = self._clock.now()
        self._places.main.run(lambda tx: self._places.repository.announce(tx, tenant, run, case, now))
        entry = self._ledger.append(LedgerKind.INTENT, tenant, case, self._lookups(tenant, subjects), systems, run, now)
        self.follow(entry)
        return entry

    def part(self, tenant: TenantId, case: str, subjects: Sequence[SubjectRef]) -> Destruction | None:
        """Forget the subjects in main, then destroy their keys: pseudonyms in the log lose their way back last."""
        if not subjects:
            return None
        self._lookups(tenant, subjects)  # loads the tenant's keys, so that forgetting fetches none inside its transaction
        self._places.main.run(lambda tx: self._forget(tx, tenant, subjects, case))
        return self._keys.destroy(tenant, subjects, case)

    def complete(self, tenant: TenantId, case: str, run: str, gone: Sequence[SubjectRef], systems: Sequence[str]) -> LedgerEntry:
        """Say in main that the run has ended, then write the completion: `gone` are those whose keys died."""
        now = self._clock.now()
        self._places.main.run(lambda tx: self._places.repository.conclude(tx, tenant, run, case, now))
        entry = self._ledger.append(LedgerKind.COMPLETED, tenant, case, self._lookups(tenant, gone), systems, run, now)
        self.follow(entry)
        return entry

    def follow(self, entry: LedgerEntry) -> None:
        """Move both marks to this entry: only called when everything up to it was followed."""
        mark, now = Mark(entry.seq, entry.hash), self._clock.now()
        self._places.keys.run(lambda tx: self._places.key_marks.set_mark(tx, mark, now))
        self._places.main.run(lambda tx: self._places.repository.set_mark(tx, mark, now))

    def _forget(self, tx: Tx, tenant: TenantId, subjects: Sequence[SubjectRef], case: str) -> None:
        for forget in self._forgets:
            forget(tx, tenant, subjects, case)


def commitments(destroyed: Mapping[SubjectRef, Sequence[DestroyedKey]]) -> list[dict[str, str | int]]:
    """Return the destroyed keys as a certificate names them, without saying whose they were."""
    found = sorted({(each.commitment, each.generation, each.key_id) for keys in destroyed.values() for each in keys})
    return [{"commitment": commitment, "generation": generation, "key_id": str(key_id)} for commitment, generation, key_id in found]
