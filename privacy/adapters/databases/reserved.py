"""The service's own files, which are never a connected system: told from others by `stat` alone, before anything is opened.

Looking inside would do the harm: closing any descriptor of an SQLite file drops every POSIX lock of this process on it
(sqlite.org/howtocorrupt.html, "Posix advisory locks canceled by a separate thread"); another process then takes itself for the last one,
removes the write-ahead log, and what this one commits afterwards is gone with its end.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from privacy.adapters.database_urls import parse_address
from privacy.kernel.errors import InvalidInput

_BESIDE = ("", "-wal", "-shm", "-journal", ".gate")


@dataclass(frozen=True, slots=True)
class Reserved:
    """Files that are refused by device and inode (so under any link to them), and folders below which all is refused.

    Files that lie directly in a folder are refused under any link as well. Limit: a file that is exchanged between this look and the opening
    is not seen; who can do that can write where the service reads.
    """

    files: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()

    @classmethod
    def of(cls, databases: Collection[str], files: Collection[Path], folders: Collection[Path]) -> "Reserved":
        """Return what these settings name; databases on servers are no files."""
        addresses = (parse_address(url, setting="the address of a database").url for url in databases)
        own = [Path(address.database) for address in addresses if address.get_backend_name() == "sqlite" and address.database]
        beside = tuple(Path(f"{path.resolve()}{suffix}") for path in own for suffix in _BESIDE)
        return cls((*beside, *(path.resolve() for path in files)), tuple(folder.resolve() for folder in folders))

    def refuse(self, path: Path) -> None:
        """Raises InvalidInput when the resolved `path`, or a log that SQLite would open beside it, is one of these."""
        own = set(self._identities())
        if any(path.is_relative_to(folder) for folder in self.folders) or any(_identity(f"{path}{suffix}") in own for suffix in _BESIDE):
            raise InvalidInput("This belongs to the service itself (its databases, keys, state or policies); it is never a connected system.", pointer="/url")

    def _identities(self) -> Iterator[tuple[int, int]]:
        for path in (*self.files, *(entry for folder in self.folders for entry in _entries(folder))):
            if identity := _identity(path):
                yield identity


NOTHING = Reserved()


def _identity(path: Path | str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
