"""From an event to the bytes of its leaf: no personal value gets in.

Free text never enters the leaf: it is committed to by a salted hash under `_sd`, and so is every name that the guard takes for a personal value, and
what would make the leaf longer than 16 KiB. The values go to erasable rows. Per-subject facts go to rows of their own, whose Merkle root the leaf holds.
"""

import hashlib
import json
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from privacy.audit.events import Event
from privacy.audit.merkle import leaf_hash, tree_root
from privacy.audit.ports import Entry, LeafGuard, SubjectRow
from privacy.audit.verifier import commitment, subject_hash
from privacy.kernel.canonical import canonical_json
from privacy.kernel.clock import rfc3339
from privacy.kernel.errors import AuditBroken, InvalidInput
from privacy.kernel.ids import EventId, TenantId

MAX_LEAF = 16 * 1024
# what callers or data can shape, by the path that names the commitment; what we choose ourselves (ids, actions, rules) is exempt
_GUARDED = ("object.ref", "object.fields", "purpose", "recipient", "legal_basis", "request_id", "related")
_LONG = ("object.fields", "related", "authz.rules", "counts")
_ID = re.compile(r"(?:[a-z]+:)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Leaf:
    """`entry` is logged for ever; `disclosed` maps a committed path to (salt, value), to be sealed and kept erasable."""

    entry: bytes
    disclosed: dict[str, tuple[bytes, Any]]


def build_leaf(event: Event, event_id: EventId, at: datetime, guard: "MemoryGuard", subjects: Sequence[SubjectRow]) -> Leaf:
    """Return the leaf of `event`. Raises InvalidInput when it cannot be made to fit."""
    content = _content(event, event_id, at)
    if subjects:
        content["subjects_root"] = tree_root([row.hash for row in subjects]).hex()
        content["subjects_size"] = len(subjects)
    committed: dict[str, Any] = {name: value for name, value in event.free.items() if value}
    for path in _GUARDED:
        if any(guard.is_personal(text) for text in _texts(content, path)):
            committed["/" + path.replace(".", "/")] = _take(content, path)
    entry, disclosed = _encode(content, committed)
    for path in _LONG:
        if len(entry) > MAX_LEAF and _texts(content, path):
            committed["/" + path.replace(".", "/")] = _take(content, path)
            entry, disclosed = _encode(content, committed)
    if len(entry) > MAX_LEAF:
        raise InvalidInput("An audit event has at most 16 KiB: name fewer things in one call.", code="event_too_large")
    return Leaf(entry, disclosed)


def subject_rows(event: Event, event_id: EventId, log_id: str, tenant: TenantId) -> list[SubjectRow]:
    """Return the rows of the event's subjects, each with a salt of its own, so that its hash tells nothing once the row is emptied."""
    salts = os.urandom(32 * len(event.subjects))
    rows = []
    for n, trace in enumerate(event.subjects):
        salt = salts[32 * n : 32 * n + 32]
        hash_ = subject_hash(event_id, trace.audit_ref, trace.fields, trace.effect, salt)
        rows.append(SubjectRow(tenant, log_id, event_id, n, hash_, trace.audit_ref, trace.fields, trace.effect, salt))
    return rows


def search_columns(entry: bytes) -> tuple[str, ...]:
    """Return what an entry can be found by, as it is written beside its index: id, action, outcome, actor, object, request."""
    leaf: dict[str, Any] = json.loads(entry)
    ref = leaf.get("object", {}).get("ref", "")
    return (leaf["id"], leaf["action"], leaf["outcome"], leaf["actor"]["ref"][:128], ref[:256], leaf.get("request_id", "")[:128])


def compared(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Return `entries` when each has the hash and the columns it was signed with; raises AuditBroken naming the first index that does not.

    Limit: who alters an entry together with its hash, or hides one from a filter by its columns, is shown by a bundle, not here.
    """
    for each in entries:
        if not _as_signed(each):
            raise AuditBroken(f"Entry {each.index} of the audit log was altered in the main database: restore it, then run `privacy audit status`.")
    return entries


def has_hash(entry: object, expected: object) -> bool:
    """Tell whether `entry` has this hash; both as they came from the database, where SQLite keeps text for bytes when that is put there."""
    return isinstance(entry, bytes) and leaf_hash(entry) == expected


def _as_signed(entry: Entry) -> bool:
    if not has_hash(entry.entry, entry.leaf_hash):
        return False
    try:
        columns = search_columns(entry.entry)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return columns == entry.found_by and entry.event == columns[0]


def _content(event: Event, event_id: EventId, at: datetime) -> dict[str, Any]:
    actor, decision = event.actor, event.decision
    content: dict[str, Any] = {
        "v": 1,
        "id": event_id,
        "time": rfc3339(at),
        "tenant": actor.tenant,
        "action": event.action.value,
        "outcome": event.outcome.value,
        "actor": {"ref": actor.ref, "roles": sorted(actor.roles), "auth": actor.auth, "assurance": actor.assurance},
        "object": _present({"type": event.object_type, "ref": event.object_ref, "fields": list(event.fields)}),
        "authz": _present({"policy_ref": decision.policy_ref, "decision": decision.decision, "rules": list(decision.rules)}) if decision else {},
        "purpose": event.purpose,
        "recipient": event.recipient,
        "legal_basis": event.legal_basis,
        "request_id": event.request_id,
        "counts": dict(event.counts),
        "related": list(event.related),
    }
    return _present(content)


def _present(content: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if value not in ("", [], {})}


def _encode(content: dict[str, Any], committed: dict[str, Any]) -> tuple[bytes, dict[str, tuple[bytes, Any]]]:
    disclosed = {field: (os.urandom(32), value) for field, value in committed.items()}
    sd = {field: commitment(field, value, salt) for field, (salt, value) in disclosed.items()}
    return canonical_json(_present({**content, "_sd": sd})), disclosed


def _texts(content: dict[str, Any], path: str) -> list[str]:
    outer, _, inner = path.partition(".")
    value = content.get(outer, {}).get(inner) if inner else content.get(outer)
    if isinstance(value, str):
        return [value]
    return list(value or ())


def _take(content: dict[str, Any], path: str) -> Any:
    outer, _, inner = path.partition(".")
    return content[outer].pop(inner) if inner else content.pop(outer)


class MemoryGuard:
    """A guard that remembers its verdicts, since purposes, recipients and field names recur in every event.

    What it remembers is keyed by a digest under a key that dies with the process: no name stays in memory for its sake.
    """

    _MOST = 20_000

    def __init__(self, guard: LeafGuard | None) -> None:
        self._guard = guard
        self._key = os.urandom(32)
        self._verdicts: dict[bytes, bool] = {}
        self._lock = threading.Lock()

    def is_personal(self, text: str) -> bool:
        if self._guard is None or _ID.fullmatch(text):
            return False
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()
        verdict = self._verdicts.get(digest)
        if verdict is None:
            verdict = self._guard.is_personal(text)
            self._remember(digest, verdict)
        return verdict

    def _remember(self, digest: bytes, verdict: bool) -> None:
        with self._lock:
            if len(self._verdicts) >= self._MOST:
                self._verdicts.clear()
            self._verdicts[digest] = verdict
