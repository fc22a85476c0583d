"""An SQLite file that is moved, deleted or exchanged under an open store: nothing is written where nobody will find it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from privacy.adapters.store.engine import SqlStore, connection
from privacy.kernel.errors import StoreUnavailable
from privacy.kernel.store import Tx


def put(word: str) -> Callable[[Tx], object]:
    return lambda tx: connection(tx).execute(text("INSERT INTO note VALUES (:word)"), {"word": word})


def notes(tx: Tx) -> list[str]:
    return list(connection(tx).execute(text("SELECT word FROM note")).scalars())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "own.db"


@pytest.fixture
def store(path: Path):  # type: ignore[no-untyped-def]
    store = SqlStore(f"sqlite:///{path}", role="keys", pool_size=2)
    store.run(lambda tx: connection(tx).execute(text("CREATE TABLE note (word TEXT)")))
    store.run(put("before"))
    assert store.read(notes) == ["before"]
    yield store
    store.close()


def moved(path: Path) -> Callable[[], object]:
    path.rename(path.with_suffix(".away"))
    return lambda: path.with_suffix(".away").rename(path)


def exchanged(path: Path) -> Callable[[], object]:
    restored = path.with_suffix(".backup")
    shutil.copy(path, restored)
    back = moved(path)
    restored.rename(path)
    return back


def log_moved(path: Path) -> Callable[[], object]:
    return moved(path.with_name(f"{path.name}-wal"))


@pytest.mark.parametrize("harm", [moved, exchanged, log_moved], ids=lambda harm: harm.__name__)
def test_nothing_is_written_or_read_until_the_file_is_back(store: SqlStore, path: Path, harm: Callable[[Path], Callable[[], object]]) -> None:
    """Both refuse and say which database it is; with the file back all goes on, and what was refused is not there."""
    put_back = harm(path)
    calls: list[Callable[[], object]] = [lambda: store.run(put("lost")), lambda: store.read(notes), lambda: store.run(put("lost"))]
    for refused in calls:
        with pytest.raises(StoreUnavailable, match="the keys database was moved, deleted or exchanged"):
            refused()
    put_back()
    store.run(put("after"))
    assert store.read(notes) == ["before", "after"]


def test_no_empty_database_takes_the_place_of_one_that_is_gone(store: SqlStore, path: Path) -> None:
    """Not even by a new connection: the path stays free for the file to come back."""
    store.engine.dispose()
    path.unlink()
    with pytest.raises(StoreUnavailable):
        store.read(notes)
    assert not path.exists()


def test_a_store_opened_anew_uses_what_is_there(store: SqlStore, path: Path) -> None:
    """A restart after a restore works on the restored file."""
    exchanged(path)
    store.close()
    for beside in ("-wal", "-shm"):
        path.with_name(f"{path.name}{beside}").unlink(missing_ok=True)
    store.run(lambda tx: connection(tx).execute(text("CREATE TABLE IF NOT EXISTS note (word TEXT)")))
    store.run(put("after"))
    assert "after" in store.read(notes)
