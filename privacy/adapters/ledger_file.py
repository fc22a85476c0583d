"""The erasure ledger: one file of JSON lines in the state directory, each bound to the one before by its hash, outside every database.

Guarantees: `append` returns after the line and the file's name are on disk; processes write one after the other; a line that was torn by a crash
was never acknowledged and is cut off before the next one; a line changed, removed or put in is found, by its number. Limit: whoever can write
this file and both databases can take all three back together; checkpoints of the audit log kept elsewhere show that.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from privacy.adapters.private_files import alone
from privacy.disposal.ports import LedgerEntry
from privacy.kernel.canonical import canonical_json
from privacy.kernel.clock import rfc3339
from privacy.kernel.errors import Misconfigured
from privacy.kernel.ids import TenantId

BEGINNING = "0" * 64
_FIELDS = frozenset({"seq", "previous", "kind", "tenant", "case", "lookups", "systems", "plan", "at", "hash"})


class LedgerFile:
    """Implements `disposal.ports.Ledger`. Reads are kept with the place they reached: a growing file is read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: list[LedgerEntry] = []
        self._size = 0  # bytes read and verified
        self._inode = 0
        self._reading = threading.RLock()

    def append(self, kind: str, tenant: TenantId, case: str, lookups: Sequence[str], systems: Sequence[str], plan: str, at: datetime) -> LedgerEntry:
        """Write durably and return the entry; an equal (kind, tenant, case, plan) is written once and returned again."""
        try:
            with self._reading, alone(self._path.with_suffix(".lock")):
                known = list(self._catch_up())
                for entry in known:
                    if (entry.kind, entry.tenant, entry.case, entry.plan) == (kind, tenant, case, plan):
                        return entry
                previous = known[-1].hash if known else BEGINNING
                entry = _hashed(LedgerEntry(len(known) + 1, previous, kind, tenant, case, tuple(sorted(lookups)), tuple(sorted(systems)), plan, at))
                self._write(entry)
                return entry
        except OSError:
            raise Misconfigured("The erasure ledger in the state directory cannot be written: make the folder this user's. Nothing was erased.") from None

    def entries(self, after: int = 0) -> Iterator[LedgerEntry]:
        yield from self._catch_up()[after:]

    def head(self) -> LedgerEntry | None:
        known = self._catch_up()
        return known[-1] if known else None

    @property
    def path(self) -> Path:
        return self._path

    def _write(self, entry: LedgerEntry) -> None:
        fresh = not self._path.exists()
        with os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
            file.truncate(self._size)  # what a crash tore off was never acknowledged
            file.seek(self._size)
            file.write(canonical_json(_plain(entry)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if fresh:
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _catch_up(self) -> list[LedgerEntry]:
        """Read and verify what was added since; everything again when the file was exchanged or has shrunk."""
        with self._reading:
            return self._caught_up()

    def _caught_up(self) -> list[LedgerEntry]:
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._size:
                    self._read, self._size, self._inode = [], 0, status.st_ino
                if status.st_size > self._size:
                    file.seek(self._size)
                    self._take(file.read())
        except FileNotFoundError:
            self._read, self._size, self._inode = [], 0, 0
        except OSError:
            raise Misconfigured("The erasure ledger in the state directory cannot be read by this user: make it this user's and mode 0600.") from None
        return self._read

    def _take(self, content: bytes) -> None:
        known, size = list(self._read), self._size
        whole, newline, _torn = content.rpartition(b"\n")
        for line in whole.split(b"\n") if newline else ():
            known.append(_entry(line, known[-1] if known else None, len(known) + 1))
            size += len(line) + 1
        self._read, self._size = known, size


def _entry(line: bytes, before: LedgerEntry | None, number: int) -> LedgerEntry:
    try:
        said: dict[str, Any] = json.loads(line)
        if set(said) != _FIELDS:
            raise ValueError
        at = datetime.fromisoformat(said["at"])
        texts = (said["kind"], TenantId(said["tenant"]), said["case"], tuple(said["lookups"]), tuple(said["systems"]), said["plan"])
        entry = LedgerEntry(int(said["seq"]), said["previous"], *texts, at, said["hash"])
        sound = _hashed(entry).hash == entry.hash and entry.seq == number and entry.previous == (before.hash if before else BEGINNING)
        sound = sound and canonical_json(_plain(entry)) == line
    except (ValueError, KeyError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise Misconfigured(
            f"The erasure ledger is damaged at line {number}: put back a copy of erasure.ledger from the state directory's backup. "
            "Until then nothing is disclosed or erased, since nobody can tell what a restore brought back."
        )
    return entry


def _hashed(entry: LedgerEntry) -> LedgerEntry:
    said = _plain(entry)
    del said["hash"]
    texts = (entry.kind, entry.tenant, entry.case, entry.lookups, entry.systems, entry.plan, entry.at)
    return LedgerEntry(entry.seq, entry.previous, *texts, hashlib.sha256(canonical_json(said)).hexdigest())


def _plain(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "previous": entry.previous,
        "kind": entry.kind,
        "tenant": entry.tenant,
        "case": entry.case,
        "lookups": list(entry.lookups),
        "systems": list(entry.systems),
        "plan": entry.plan,
        "at": rfc3339(entry.at),
        "hash": entry.hash,
    }
