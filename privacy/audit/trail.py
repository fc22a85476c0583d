"""Read the log: pages of events, checkpoints, tiles and proofs. What is answered here anybody can check with `verifier.py` or foreign tools.

Reading by subject is recorded itself; the tenant is always the actor's.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from privacy.audit import merkle, tiles
from privacy.audit.disclosures import unpack
from privacy.audit.events import Action, AuditLog, Event
from privacy.audit.leaf import compared
from privacy.audit.notes import tlog_proof, vkey
from privacy.audit.ports import Entry, EventFilter, LogReader, LogRow, Seal
from privacy.kernel.errors import InvalidInput, NotFound
from privacy.kernel.ids import EventId, TenantId
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor, SubjectRef

SubjectRefs = Callable[[TenantId, Sequence[SubjectRef]], list[bytes]]  # SubjectKeys.audit_refs
MAX_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Events newest first, each with its `index`; `next` is the index to go on before, None at the end."""

    events: list[dict[str, Any]]
    next: int | None


@dataclass(frozen=True, slots=True)
class EventProof:
    """One entry, exactly as logged, and its C2SP tlog-proof."""

    index: int
    entry: bytes
    proof: str


@dataclass(frozen=True, slots=True)
class Consistency:
    """Proof that the log of `size` entries begins with the log of `old` entries."""

    origin: str
    old: int
    size: int
    hashes: list[bytes]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class SubjectProof:
    """One subject's row in an event and its path to `subjects_root` of the entry; see `verifier.subject_hash`."""

    event: EventId
    n: int
    audit_ref: bytes
    fields: tuple[str, ...]
    effect: str
    salt: bytes
    path: list[bytes]


class Trail:
    """Args: `origin_of` names a log by its id; `public` is the log key's; `subject_refs` gives pseudonyms; `unseal` opens what stands beside leaves."""

    def __init__(
        self, store: Store, repository: LogReader, log: AuditLog, origin_of: Callable[[str], str], public: bytes, subject_refs: SubjectRefs, unseal: Seal
    ) -> None:
        self._store, self._repository, self._log, self._origin_of, self._public = store, repository, log, origin_of, public
        self._subject_refs, self._unseal = subject_refs, unseal

    def vkey(self, actor: Actor, generation: int | None = None) -> str:
        """Return the key an auditor pins for the tenant's log; give it to them by another way than the log."""
        log = self._store.read(lambda tx: self.find_log(tx, actor, generation))
        return vkey(self._origin_of(log.log_id), self._public)

    def checkpoint(self, actor: Actor, generation: int | None = None) -> str:
        """Return the newest signed checkpoint."""

        def newest(tx: Tx) -> str:
            return self.newest(tx, self.find_log(tx, actor, generation))[1]

        return self._store.read(newest)

    def events(
        self,
        actor: Actor,
        wanted: EventFilter,
        *,
        subject: SubjectRef | None = None,
        before: int | None = None,
        limit: int = 100,
        generation: int | None = None,
    ) -> Page:
        """Return signed events, newest first. Asking who touched a subject's data is an event itself, written before the answer."""
        if not 0 < limit <= MAX_PAGE:
            raise InvalidInput(f"A page has 1 to {MAX_PAGE} events.", pointer="/limit")
        wanted = self.narrowed(actor, wanted, subject)
        if subject is not None:
            self._log.record(Event(Action.LOG_READ, actor, object_type="log", free={"subject": str(subject)}))

        def find(tx: Tx) -> list[Entry]:
            log = self.find_log(tx, actor, generation)
            return self._repository.find(tx, log.log_id, wanted, (1 << 62) if before is None else before, limit + 1)

        found = compared(self._store.read(find))
        page = found[:limit]
        return Page([{"index": entry.index, **json.loads(entry.entry)} for entry in page], page[-1].index if len(found) > limit else None)

    def narrowed(self, actor: Actor, wanted: EventFilter, subject: SubjectRef | None) -> EventFilter:
        """Return the filter with the subject's pseudonyms."""
        return wanted if subject is None else replace(wanted, audit_refs=tuple(self._subject_refs(actor.tenant, [subject])))

    def disclosed(self, actor: Actor, event: EventId) -> dict[str, tuple[bytes, Any]]:
        """Return what the entry commits to and is not erased yet: field -> (salt, value). Recorded before it is answered."""
        self._log.record(Event(Action.LOG_READ, actor, object_type="event", object_ref=event, fields=("_sd",)))
        rows = self._store.read(lambda tx: self._repository.disclosures(tx, self._locate(tx, actor, event)[0].log_id, event))
        return {row.field: unpack(self._unseal, row) for row in rows}

    # --- proofs ------------------------------------------------------------------------------------------------------------------

    def proof(self, actor: Actor, event: EventId) -> EventProof:
        """Return the entry of `event` and its proof under the newest checkpoint. Raises NotFound until it is signed."""

        def prove(tx: Tx) -> EventProof:
            log, index = self._locate(tx, actor, event)
            size, note = self.newest(tx, log)
            entry = compared(self._repository.entries(tx, log.log_id, index, index + 1))[0].entry
            return EventProof(index, entry, tlog_proof(index, merkle.inclusion_proof(self.hashes(tx, log.log_id), index, size), note))

        return self._store.read(prove)

    def consistency(self, actor: Actor, old: int, generation: int | None = None) -> Consistency:
        """Prove that the newest checkpoint continues the one of `old` entries."""

        def prove(tx: Tx) -> Consistency:
            log = self.find_log(tx, actor, generation)
            size, note = self.newest(tx, log)
            if not 0 < old <= size:
                raise InvalidInput("The older size is between 1 and the size of the newest checkpoint.", pointer="/old")
            return Consistency(self._origin_of(log.log_id), old, size, merkle.consistency_proof(self.hashes(tx, log.log_id), old, size), note)

        return self._store.read(prove)

    def subject_proof(self, actor: Actor, event: EventId, subject: SubjectRef) -> list[SubjectProof]:
        """Show what an event did with one subject's fields, provably, and nothing about the other subjects of it."""
        refs = set(self._subject_refs(actor.tenant, [subject]))
        self._log.record(Event(Action.LOG_READ, actor, object_type="event", object_ref=event, free={"subject": str(subject)}))
        rows = self._store.read(lambda tx: self._repository.subjects(tx, self._locate(tx, actor, event)[0].log_id, event))
        hashes = merkle.of_leaves([row.hash for row in rows])
        return [
            SubjectProof(event, row.n, row.audit_ref, row.fields, row.effect, row.salt, merkle.inclusion_proof(hashes, row.n, len(rows)))
            for row in rows
            if row.audit_ref is not None and row.audit_ref in refs
        ]

    def tile(self, actor: Actor, path: str, generation: int | None = None) -> bytes:
        """Return a tile or an entry bundle by its C2SP path. Raises NotFound beyond the signed size."""
        level, n, width = tiles.parse_tile_path(path)

        def read(tx: Tx) -> bytes:
            log = self.find_log(tx, actor, generation).log_id
            if level is None:
                entries = compared(self._repository.entries(tx, log, n * tiles.WIDTH, n * tiles.WIDTH + width))
                return tiles.entry_bundle([entry.entry for entry in entries]) if len(entries) == width else b""
            data = self._repository.tile(tx, log, level, n)
            return data[: width * tiles.HASH] if len(data) >= width * tiles.HASH else b""

        found = self._store.read(read)
        if not found:
            raise NotFound("The log has no such tile yet.")
        return found

    def hashes(self, tx: Tx, log_id: str) -> merkle.Hashes:
        return tiles.hashes_of(lambda level, n: self._repository.tile(tx, log_id, level, n))

    # --- which log -----------------------------------------------------------------------------------------------------------------

    def find_log(self, tx: Tx, actor: Actor, generation: int | None) -> LogRow:
        """Return the tenant's log of that generation, or its newest. Raises NotFound."""
        if generation is None:
            found = self._repository.newest_log(tx, actor.tenant)
        else:
            found = next((log for log in self._repository.logs(tx) if log.tenant == actor.tenant and log.generation == generation), None)
        if found is None:
            raise NotFound("This tenant has no such audit log yet; it begins with the first event.")
        return found

    def newest(self, tx: Tx, log: LogRow) -> tuple[int, str]:
        """Return (size, signed note) of the newest checkpoint. Raises NotFound."""
        found = self._repository.checkpoint(tx, log.log_id)
        if found is None:
            raise NotFound("Nothing is signed yet; a checkpoint follows within a second of the first event.")
        return found

    def _locate(self, tx: Tx, actor: Actor, event: EventId) -> tuple[LogRow, int]:
        for log in self._repository.logs(tx):
            if log.tenant == actor.tenant and (index := self._repository.index_of(tx, log.log_id, event)) is not None:
                return log, index
        raise NotFound("The log has no such event, or it is not signed yet; it is within a second.")
