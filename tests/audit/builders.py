"""A whole audit log over a store: what `application.py` wires, with keys and a state file of the test's own."""

import hashlib
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy.adapters.state_files import SignedStateFile
from privacy.adapters.store.audit import SqlAuditRepository
from privacy.audit import verifier
from privacy.audit.events import Action, Event, SubjectTrace
from privacy.audit.export import Exporter, ExportRequest
from privacy.audit.log import Log
from privacy.audit.ports import LeafGuard
from privacy.audit.sequencer import Sequencer
from privacy.audit.trail import Trail
from privacy.crypto.signatures import Ed25519Key, verify_ed25519
from privacy.kernel.clock import Clock
from privacy.kernel.ids import EventId, TenantId
from privacy.kernel.store import Store
from privacy.kernel.terms import Actor, SubjectRef
from tests.cast import BOB, CAROL

LOG_KEY = Ed25519Key(b"\x11" * 32)
OTHER_KEY = Ed25519Key(b"\x22" * 32)
_SEAL_KEY = AESGCM(b"\x33" * 32)


def origin_of(log_id: str) -> str:
    return f"audit.example.com/privacy/{log_id}"


def seal(tenant: TenantId, label: str, data: bytes, context: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + _SEAL_KEY.encrypt(nonce, data, f"{tenant}|{label}|".encode() + context)


def unseal(tenant: TenantId, label: str, data: bytes, context: bytes) -> bytes:
    return _SEAL_KEY.decrypt(data[:12], data[12:], f"{tenant}|{label}|".encode() + context)


def audit_ref(subject: SubjectRef) -> bytes:
    """A pseudonym as the keys database would give it."""
    return hashlib.sha256(b"secret of the test" + str(subject).encode()).digest()


def subject_refs(tenant: TenantId, subjects: Sequence[SubjectRef]) -> list[bytes]:
    return [audit_ref(subject) for subject in subjects]


@dataclass(slots=True)
class World:
    """One installation's audit log."""

    store: Store
    clock: Clock
    log: Log
    sequencer: Sequencer
    trail: Trail
    exporter: Exporter
    repository: SqlAuditRepository

    def write(self, count: int, **more: Any) -> list[EventId]:
        """Record `count` events and sequence them."""
        ids = [self.log.record(event(**{"request_id": f"r{n}", **more})) for n in range(count)]
        self.sequencer.drain()
        return ids

    def bundle(self, request: ExportRequest | None = None) -> bytes:
        return b"".join(self.exporter.bundle(CAROL, request or ExportRequest()))

    @property
    def vkey(self) -> str:
        return self.trail.vkey(CAROL)


def world(store: Store, clock: Clock, state: Path, *, guard: LeafGuard | None = None, key: Ed25519Key = LOG_KEY, batch: int = 5_000) -> World:
    repository = SqlAuditRepository()
    log = Log(store, repository, clock, seal, guard)
    sequencer = Sequencer(store, repository, key, origin_of, SignedStateFile(state / "signed.json"), clock, batch=batch)
    trail = Trail(store, repository, log, origin_of, key.public_bytes, subject_refs, unseal)
    return World(store, clock, log, sequencer, trail, Exporter(store, repository, log, trail, key, origin_of, clock), repository)


def event(action: Action = Action.DECISION_MADE, actor: Actor = BOB, *, subjects: Sequence[SubjectRef] = (), **more: Any) -> Event:
    """One event; each of `subjects` becomes the trace of a masked phone."""
    traces = tuple(SubjectTrace(audit_ref(subject), ("phone",), "masked") for subject in subjects)
    return replace(Event(action, actor, object_type="dataset", object_ref="crm.customer", purpose="support", subjects=traces), **more)


def verify(bundle: bytes, vkey: str, old: str | None = None) -> verifier.Report:
    return verifier.verify(io.BytesIO(bundle), vkey, verify_ed25519, old)


def vectors(name: str) -> Any:
    """Return tests/vectors/<name>.json."""
    return json.loads((Path(__file__).parent.parent / "vectors" / f"{name}.json").read_text("utf-8"))
