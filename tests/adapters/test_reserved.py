"""Files of the service itself are refused as systems before anything of them is opened."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from privacy.adapters.databases import locate, open_connector
from privacy.adapters.databases.reserved import Reserved
from privacy.kernel.errors import InvalidInput


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "var"
    folder.mkdir()
    for name in ("main.db", "keys.db"):
        sqlite3.connect(folder / name).execute("CREATE TABLE t (id INTEGER)").connection.close()
    for name in ("main.db-wal", "main.db-shm", "main.db.gate", "root.key", "log.key"):
        (folder / name).write_text("x")
    return folder


@pytest.fixture
def reserved(state: Path) -> Reserved:
    databases = [f"sqlite:///{state}/main.db", f"sqlite:///{state}/keys.db", "postgresql://localhost/crm"]
    return Reserved.of(databases, [state / "root.key"], [state])


def as_it_is(path: Path, aside: Path) -> str:
    return str(path)


def with_dots(path: Path, aside: Path) -> str:
    return f"sqlite:///{path.parent}/../{path.parent.name}/{path.name}"


def by_a_link(path: Path, aside: Path) -> str:
    (aside / "link.csv").symlink_to(path)
    return str(aside / "link.csv")


def by_a_hard_link(path: Path, aside: Path) -> str:
    (aside / "hard.csv").hardlink_to(path)
    return f"csv:{aside / 'hard.csv'}"


def by_a_hard_link_as_a_database(path: Path, aside: Path) -> str:
    (aside / "hard.sqlite").hardlink_to(path)
    return f"sqlite:///{aside / 'hard.sqlite'}"


WAYS = [as_it_is, with_dots, by_a_link, by_a_hard_link, by_a_hard_link_as_a_database]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("name", ["main.db", "keys.db", "main.db-wal", "main.db-shm", "main.db.gate", "root.key", "log.key"])
def test_files_of_ours_are_refused_under_any_name(state: Path, reserved: Reserved, tmp_path: Path, name: str, way: Callable[[Path, Path], str]) -> None:
    """By path, dots, symbolic link or hard link; as SQLite or CSV."""
    address = way(state / name, tmp_path)
    for door in (locate, open_connector):
        with pytest.raises(InvalidInput):
            door(address, reserved=reserved)


def test_a_descriptor_of_ours_is_no_way_in(state: Path, reserved: Reserved) -> None:
    """/proc/self/fd names what the service has open."""
    with (state / "main.db").open("rb") as opened, pytest.raises(InvalidInput, match="belongs to the service"):
        open_connector(f"sqlite:////proc/self/fd/{opened.fileno()}", reserved=reserved)


def test_a_log_that_is_ours_beside_a_foreign_database_is_refused(state: Path, reserved: Reserved, tmp_path: Path) -> None:
    """SQLite would open it together with the database."""
    sqlite3.connect(tmp_path / "shop.sqlite").execute("CREATE TABLE t (id INTEGER)").connection.close()
    (tmp_path / "shop.sqlite-wal").hardlink_to(state / "main.db-wal")
    with pytest.raises(InvalidInput, match="belongs to the service"):
        open_connector(str(tmp_path / "shop.sqlite"), reserved=reserved)


def test_the_folder_of_the_state_is_no_folder_of_tables(state: Path, reserved: Reserved, tmp_path: Path) -> None:
    """Neither itself nor anything below it; the folder beside it is."""
    (state / "inner").mkdir()
    for folder in (state, state / "inner"):
        with pytest.raises(InvalidInput, match="belongs to the service"):
            open_connector(f"csv:{folder}", reserved=reserved)
    assert locate(f"csv:{tmp_path}", reserved=reserved).path == tmp_path


def test_a_refused_address_is_never_opened(tmp_path: Path) -> None:
    """Closing a descriptor would drop the locks of this process; a lock taken before a refusal is still there afterwards."""
    own = tmp_path / "own.db"
    sqlite3.connect(own).execute("CREATE TABLE t (id INTEGER)").connection.close()
    holder = sqlite3.connect(own, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(InvalidInput, match="belongs to the service"):
        open_connector(str(own), reserved=Reserved((own,)))
    # asked from another process: this one's own locks never stand in its way
    other = f"import sqlite3; sqlite3.connect({str(own)!r}, timeout=0, isolation_level=None).execute('BEGIN IMMEDIATE')"
    asked = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False, timeout=30)
    assert "database is locked" in asked.stderr
    holder.close()
