"""Notices that an SQLite database was moved, deleted or exchanged while it is open: what is written then would be gone with the process.

A descriptor follows its file, not its name. After a rename, or a restore in place, commits go on succeeding into a file that nobody will open
again; the same holds for a write-ahead log that another process removed (`sqlite.org/howtocorrupt.html`, 1.2 and 4).
Limit: what is exchanged between the look and the commit, milliseconds, is not seen before the next transaction.
"""

from pathlib import Path

from privacy.kernel.errors import StoreUnavailable

Identity = tuple[int, int] | None


class Anchor:
    """Remembers which file the first connection opened; every later one, and every transaction, must find the same at that path.

    The log lives as long as any connection does, so it is compared for each connection with the one it found when it was opened.
    """

    def __init__(self, path: str, role: str) -> None:
        self._path, self._role = path, role
        self._held: Identity = None

    def hold(self) -> Identity:
        """Remember the file, now that it is open; return which write-ahead log belongs to it."""
        self._held = self._held or _identity(self._path)
        return _identity(f"{self._path}-wal")

    def check(self, log: Identity = None) -> None:
        """Raises StoreUnavailable when the file is another one than was held, or `log` another than it was. Two `stat` at most."""
        if (self._held and _identity(self._path) != self._held) or (log and _identity(f"{self._path}-wal") != log):
            raise StoreUnavailable(
                f"The file of the {self._role} database was moved, deleted or exchanged while it is in use. "
                "Put it back, or restart the service to use what is there now."
            )

    def release(self) -> None:
        """Forget the file: every connection to it is closed."""
        self._held = None


def _identity(path: str) -> Identity:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
