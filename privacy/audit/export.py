"""Write bundles: one canonical file with entries, range proof, signed checkpoint and signed manifest, streamed with flat memory.

A filter hides entries but keeps their hashes in the range, so that nothing can be left out unseen. Every export is an event, written first.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from privacy.audit import merkle
from privacy.audit.events import Action, AuditLog, Event
from privacy.audit.leaf import compared
from privacy.audit.notes import b64, parse_checkpoint, sign
from privacy.audit.ports import Entry, EventFilter, LogReader, Signer
from privacy.audit.trail import Trail
from privacy.audit.verifier import BUNDLE_FORMAT, VIEW_COLUMNS, csv_line, entry_line, hidden_line, manifest_text, view_row
from privacy.kernel.canonical import canonical_json
from privacy.kernel.clock import Clock, rfc3339
from privacy.kernel.errors import AuditBroken, InvalidInput
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor, SubjectRef

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export: the entries [first, end) of a log (all that are signed), of which `wanted` discloses a part."""

    first: int = 0
    end: int | None = None
    wanted: EventFilter = field(default_factory=EventFilter)
    subject: SubjectRef | None = None
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    log_id: str
    origin: str
    first: int
    end: int
    wanted: EventFilter
    header: bytes


class Exporter:
    """Makes bundles and views; needs the log's key for the manifest."""

    def __init__(self, store: Store, repository: LogReader, log: AuditLog, trail: Trail, signer: Signer, origin_of: Callable[[str], str], clock: Clock) -> None:
        self._store, self._repository, self._log, self._trail = store, repository, log, trail
        self._signer, self._origin_of, self._clock = signer, origin_of, clock

    def bundle(self, actor: Actor, request: ExportRequest, *, request_id: str = "") -> Iterator[bytes]:
        """Record the export, then return the bundle in pieces. All that can be refused is refused before the first piece."""
        plan = self._plan(actor, request)
        self._record(actor, plan, "bundle", request_id)
        return self._lines(plan)

    def view(self, actor: Actor, request: ExportRequest, *, request_id: str = "") -> Iterator[bytes]:
        """Record the export, then return the disclosed entries as CSV: readable, and checkable against a bundle of the same range."""
        plan = self._plan(actor, request)
        self._record(actor, plan, "csv", request_id)
        return self._rows(plan)

    def _plan(self, actor: Actor, request: ExportRequest) -> _Plan:
        wanted = self._trail.narrowed(actor, request.wanted, request.subject)

        def look(tx: Tx) -> _Plan:
            log = self._trail.find_log(tx, actor, request.generation)
            note = self._trail.newest(tx, log)[1]
            checkpoint = parse_checkpoint(note)
            end = checkpoint.size if request.end is None else request.end
            if not 0 <= request.first <= end <= checkpoint.size:
                raise InvalidInput(f"The range lies outside the log, which has {checkpoint.size} signed entries.", pointer="/first")
            left, right = merkle.range_proof(self._trail.hashes(tx, log.log_id), request.first, end, checkpoint.size)
            header = {
                "bundle": BUNDLE_FORMAT,
                "checkpoint": note,
                "created": rfc3339(self._clock.now()),
                "end": end,
                "filter": describe(request),
                "first": request.first,
                "left": [b64(item) for item in left],
                "operator": actor.ref,
                "right": [b64(item) for item in right],
            }
            return _Plan(log.log_id, checkpoint.origin, request.first, end, wanted, canonical_json(header) + b"\n")

        return self._store.read(look)

    def _record(self, actor: Actor, plan: _Plan, form: str, request_id: str) -> None:
        counts = {"first": plan.first, "end": plan.end}
        self._log.record(Event(Action.LOG_EXPORTED, actor, object_type=form, object_ref=plan.log_id, counts=counts, request_id=request_id))

    def _lines(self, plan: _Plan) -> Iterator[bytes]:
        digest, disclosed = hashlib.sha256(plan.header), 0
        yield plan.header
        for entries, shown in self._pages(plan):
            lines = [entry_line(e.index, e.entry) if e.index in shown else hidden_line(e.index, e.leaf_hash) for e in entries]
            piece = b"".join(lines)
            digest.update(piece)
            disclosed += len(shown)
            yield piece
        manifest = sign(manifest_text(plan.origin, digest.digest(), plan.end - plan.first, disclosed), plan.origin, self._signer)
        yield canonical_json({"manifest": manifest}) + b"\n"

    def _rows(self, plan: _Plan) -> Iterator[bytes]:
        yield csv_line(VIEW_COLUMNS).encode()
        for entries, shown in self._pages(plan):
            yield "".join(view_row(e.index, e.entry) for e in entries if e.index in shown).encode()

    def _pages(self, plan: _Plan) -> Iterator[tuple[list[Entry], set[int]]]:
        # a transaction a page: entries never change, and a long one would hold up the database's housekeeping
        for begin in range(plan.first, plan.end, _PAGE):
            yield self._page(plan, begin, min(begin + _PAGE, plan.end))

    def _page(self, plan: _Plan, begin: int, end: int) -> tuple[list[Entry], set[int]]:
        everything = plan.wanted == EventFilter()

        def read(tx: Tx) -> tuple[list[Entry], set[int]]:
            shown = set(range(begin, end)) if everything else self._repository.matching(tx, plan.log_id, plan.wanted, begin, end)
            return self._repository.entries(tx, plan.log_id, begin, end), shown

        entries, shown = self._store.read(read)
        if [entry.index for entry in entries] != list(range(begin, end)):
            raise AuditBroken("Entries of the audit log are missing in the database: restore it, then run `privacy audit status`.")
        return list(compared(entries)), shown


def describe(request: ExportRequest) -> dict[str, Any]:
    """Return the filter as the header names it; a subject is not named, only that there was one."""
    wanted = request.wanted
    given: dict[str, Any] = {
        "actions": list(wanted.actions),
        "outcome": wanted.outcome,
        "actor": wanted.actor,
        "object_ref": wanted.object_ref,
        "request_id": wanted.request_id,
        "since": rfc3339(wanted.since) if wanted.since else "",
        "until": rfc3339(wanted.until) if wanted.until else "",
        "subject": request.subject is not None,
    }
    return {key: value for key, value in given.items() if value}
