"""Files and folders that nobody but their owner may read: a folder of ours, a lock on it, a file that is written once and whole."""

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from privacy.kernel.errors import Misconfigured


def own_folder(path: Path) -> None:
    """Make `path` with mode 0700, or see that it has it. An empty folder of ours is closed to others; raises Misconfigured for any other open one."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if is_open(path) and not any(path.iterdir()):
            path.chmod(0o700)
    except OSError:
        raise Misconfigured(f"The state directory {path} cannot be made or used by this user; make it this user's and mode 0700.") from None
    refuse_open_folder(path)


def refuse_open_folder(path: Path) -> None:
    """Raise Misconfigured when others could enter `path`: changing the mode of a folder that already has a use is the operator's decision."""
    if is_open(path):
        raise Misconfigured(f"The state directory {path} is open to other users (mode {stat.S_IMODE(path.stat().st_mode):04o}); run `chmod 700 {path}`.")


def is_open(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & 0o077)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, waiting for whoever holds it; the kernel lets it go with the process, however that ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_once(path: Path, content: str) -> bool:
    """Write a new file of mode 0600, whole or not at all; False when there is one, which stays as it is."""
    if path.exists():
        return False
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return _linked(Path(name), path)
    finally:
        Path(name).unlink(missing_ok=True)


def _linked(temporary: Path, path: Path) -> bool:
    try:
        os.link(temporary, path)  # unlike a rename it never replaces
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if path.exists():
            return False
        temporary.rename(path)
    return True
