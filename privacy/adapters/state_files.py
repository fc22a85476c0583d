"""What must outlive the databases, as files in the state directory: written to a temporary name, synced, renamed."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from privacy.adapters.private_files import alone
from privacy.audit.ports import Signed
from privacy.kernel.errors import AuditBroken, Misconfigured


class SignedStateFile:
    """The largest size and root signed of each log, in one JSON file; implements `audit.ports.SignedState`.

    Guarantee: after `save` the numbers survive a crash, and they never shrink, also with several processes. Limit: whoever
    can write this file and the database can roll both back; checkpoints kept elsewhere show that.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Mapping[str, Signed] | None:
        try:
            content = json.loads(self._path.read_bytes())
            return {log_id: Signed(int(kept["size"]), bytes.fromhex(kept["root"])) for log_id, kept in content.items()}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            raise Misconfigured(
                f"{self._path.name} in the state directory cannot be read, so nobody can tell whether the audit log was rolled back: put back a copy of it. "
                "If there is none, move it away and run `privacy audit reopen`."
            ) from None

    def begin(self) -> None:
        with self._writing():
            if not self._path.exists():
                self._write({})

    def save(self, log_id: str, signed: Signed) -> None:
        with self._writing():
            kept = self.load()
            if kept is None:
                # what the other logs had signed was in it as well: a new file with this one log would hide the loss
                raise AuditBroken(
                    f"{self._path.name} was taken out of the state directory while the audit log was signed: put it back, or restart the service."
                )
            if log_id not in kept or kept[log_id].size < signed.size:
                self._write({**kept, log_id: signed})

    def _write(self, kept: Mapping[str, Signed]) -> None:
        content = {log_id: {"size": signed.size, "root": signed.root.hex()} for log_id, signed in sorted(kept.items())}
        temporary = self._path.with_suffix(".new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "w", encoding="utf-8") as out:
            json.dump(content, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)  # the new name is in the folder: without this the old file may come back after a crash
        finally:
            os.close(folder)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            with alone(self._path.with_suffix(".lock")):
                yield
        except OSError:
            raise Misconfigured("The state directory cannot be written; the audit log is not signed any further until it can.") from None
