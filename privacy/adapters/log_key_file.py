"""The audit log's own key and name, in one file of mode 0600 beside neither database: whoever holds it can sign checkpoints."""

import base64
import binascii
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from privacy.adapters.private_files import write_once
from privacy.crypto.signatures import Ed25519Key
from privacy.kernel.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class LogKey:
    """The signing key and the first part of every log's origin; both stay for ever, whatever address the service moves to."""

    origin: str
    key: Ed25519Key

    def origin_of(self, log_id: str) -> str:
        return f"{self.origin}/{log_id}"

    def __repr__(self) -> str:
        return "LogKey(***)"


def create(path: Path, origin: str) -> None:
    """Write a new key to `path` unless there is a file: `origin`, a space, the base64 seed."""
    write_once(path, f"{origin} {base64.b64encode(Ed25519Key.generate().seed).decode()}\n")


def read(path: Path) -> LogKey:
    """Read the key. Raises Misconfigured when the file is missing, open to others or damaged."""
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise Misconfigured(f"The audit log's key file {path} is open to other users; run `chmod 600 {path}`.")
            origin, seed = file.read(4096).decode("ascii").split()
        return LogKey(origin, Ed25519Key.from_seed(base64.b64decode(seed, validate=True)))
    except FileNotFoundError:
        raise Misconfigured(f"The audit log's key file {path} is missing; run `privacy init`, or restore it if this installation has a log.") from None
    except OSError:
        raise Misconfigured(f"The audit log's key file {path} cannot be read by this user; make it this user's and mode 0600.") from None
    except (ValueError, UnicodeDecodeError, binascii.Error):
        raise Misconfigured(f"The audit log's key file {path} is damaged; restore it from your copy.") from None
