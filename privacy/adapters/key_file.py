"""The root key in a file of mode 0600: for one host, for development, and for sites whose file comes from a secret store.

    # any comment
    v1 1 <checksum> <base64 of 32 bytes>

One line per version, the highest wraps, all unwrap. Guarantee: a file that others could read, or that is damaged, is refused with the
remedy instead of being worked around. Limit: destroying a version on a disk is best effort; a copy of this file together with copies of
both databases opens everything, so keep it out of their backups.
"""

import base64
import binascii
import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from privacy.adapters.private_files import write_once
from privacy.crypto.flaws import Flaw
from privacy.crypto.wrap import WrappingKey
from privacy.kernel.errors import Misconfigured

_KEY_BYTES = 32
_MARK = b"file1"
_HEADER = """\
# Root key of Privacy Steward. Whoever holds this file and both databases can read every protected value.
# Keep a copy where neither database is backed up; without any copy everything encrypted is lost. Format: version, number, checksum, key.
"""


class FileKeyProvider:
    """The `KeyProvider` of `file:PATH`. Reads the file once, when it is made."""

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        secrets = _read(self._path)
        self._keys = {number: WrappingKey(number, secret) for number, secret in secrets.items()}
        self._marks = {number: _mark(number, secret) for number, secret in secrets.items()}
        self._current = max(secrets)

    @classmethod
    def create(cls, path: Path | str) -> "FileKeyProvider":
        """Make the file with a new key when there is none; an existing file is only read. The folder must exist or be ours to make."""
        target = Path(path)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_once(target, _HEADER + _line(1, os.urandom(_KEY_BYTES)))
        return cls(target)

    def wrap(self, secret: bytes, context: Sequence[str]) -> bytes:
        return self._marks[self._current] + self._keys[self._current].wrap(secret, *context)

    def unwrap(self, wrapped: bytes, context: Sequence[str]) -> bytes:
        size = len(self._marks[self._current])
        for number, mark in self._marks.items():
            if wrapped[:size] == mark:
                return self._opened(number, wrapped[size:], context)
        raise Misconfigured(
            f"The root key file {self._path} is not the one that this keys database was made with. "
            "Restore that file, or connect the keys database that belongs to this one."
        )

    def current_version(self) -> str:
        return f"file:{self._current}:{self._marks[self._current].hex()[-16:]}"

    def health(self) -> str:
        probe = os.urandom(_KEY_BYTES)
        if self.unwrap(self.wrap(probe, ("health",)), ("health",)) != probe:
            raise Misconfigured("The root key does not open what it wrapped.")
        return f"root key file, {len(self._keys)} version(s), current {self.current_version()}"

    def destroy_semantics(self) -> str:
        return "best_effort"

    def _opened(self, number: int, wrapped: bytes, context: Sequence[str]) -> bytes:
        try:
            return self._keys[number].unwrap(wrapped, *context)
        except Flaw:
            raise Misconfigured("A tenant key in the keys database was altered or moved; restore the keys database from a backup.") from None


def _read(path: Path) -> dict[int, bytes]:
    # opened once and checked by its descriptor, so that nobody swaps the file between check and use
    try:
        with path.open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()).st_mode)
            content = file.read(65_536)
    except FileNotFoundError:
        raise Misconfigured(f"The root key file {path} is missing; run `privacy init`, or restore it if this installation has data.") from None
    except OSError:
        raise Misconfigured(f"The root key file {path} cannot be read by this user; make it this user's and mode 0600.") from None
    secrets = dict(_entry(path, number, line) for number, line in enumerate(content.splitlines(), 1) if line.strip() and not line.startswith(b"#"))
    if not secrets:
        raise Misconfigured(f"The root key file {path} holds no key; restore it from your copy. Only on a new installation: remove it and run `privacy init`.")
    return secrets


def _check_mode(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise Misconfigured(f"The root key file {path} is not a regular file.")
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Misconfigured(f"The root key file {path} is open to other users (mode {stat.S_IMODE(mode):04o}); run `chmod 600 {path}`.")


def _entry(path: Path, number: int, line: bytes) -> tuple[int, bytes]:
    damaged = Misconfigured(f"The root key file {path} is damaged in line {number}; restore it from your copy.")
    words = line.split()
    if len(words) != 4 or words[0] != b"v1" or not words[1].isdigit():
        raise damaged
    try:
        secret = base64.b64decode(words[3], validate=True)
    except binascii.Error:
        raise damaged from None
    version = int(words[1])
    # the last character has two free bits: only the one spelling that we write is read
    if len(secret) != _KEY_BYTES or line.strip().decode("ascii", "replace") != _line(version, secret).strip():
        raise damaged
    return version, secret


def _line(version: int, secret: bytes) -> str:
    return f"v1 {version} {_checksum(version, secret)} {base64.b64encode(secret).decode()}\n"


def _checksum(version: int, secret: bytes) -> str:
    # under a key of its own: it stands beside the secret and must not equal any other digest of it
    return hashlib.blake2b(b"checksum %d" % version, key=secret, digest_size=4, person=b"pv1-key-file").hexdigest()


def _mark(version: int, secret: bytes) -> bytes:
    """Name a root key in what it wrapped, so that a wrong file is told from a damaged database."""
    return _MARK + hashlib.blake2b(b"mark %d" % version, key=secret, digest_size=8, person=b"pv1-key-file").digest()
