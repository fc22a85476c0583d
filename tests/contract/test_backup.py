"""A backup is the same whatever database it came from: every row of every table comes back, anywhere, or nothing is changed."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Float, Integer, LargeBinary, MetaData, Table, column, select, table, text

from privacy.adapters import backup, migrations
from privacy.adapters.store.engine import SqlStore
from privacy.crypto.signatures import Ed25519Key
from privacy.kernel.errors import Conflict, InvalidInput, Misconfigured
from tests.databases import DIALECTS, KEYS, MAIN, Kind

KEY = Ed25519Key.from_seed(bytes(range(32)))
Rows = dict[str, list[tuple[Any, ...]]]


def silent(_table: str, _rows: int) -> None:
    pass


@pytest.fixture
def filled(database_kind: Kind) -> Iterator[dict[str, SqlStore]]:
    """Both databases with three rows in every table."""
    with ExitStack() as lent:
        stores = {role: SqlStore(lent.enter_context(database_kind.migrated(role)), role=role, timeout=10) for role in (MAIN, KEYS)}
        for store in stores.values():
            fill(store)
        yield stores
        for store in stores.values():
            store.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "var"
    folder.mkdir(mode=0o700)
    (folder / "log.key").write_text("here/audit c2VlZA==\n")
    (folder / "signed.json").write_text("{}")
    (folder / "root.key").write_text("never")
    return folder


def fill(store: SqlStore) -> None:
    with migrations.turn(store) as opened:
        found = MetaData()
        found.reflect(opened)
        for each in found.sorted_tables:
            if each.name != "schema_version":
                opened.execute(each.delete())
                opened.execute(raw(each).insert(), [{c.name: value_for(c, number) for c in each.columns} for number in (1, 2, 3)])


def raw(each: Table) -> Any:
    return table(each.name, *[column(c.name) if not isinstance(c.type, Boolean) else column(c.name, Boolean) for c in each.columns])


def value_for(c: Any, number: int) -> Any:
    kind = c.type
    if isinstance(kind, Boolean):
        return number % 2 == 0
    if kind.__class__.__name__ == "TINYINT":  # how MariaDB keeps true and false
        return number % 2
    if isinstance(kind, Integer):
        return number * 1_000_003
    if isinstance(kind, Float):
        return number / 8
    if isinstance(kind, LargeBinary) or "BINARY" in kind.__class__.__name__ or "BLOB" in kind.__class__.__name__:
        return bytes([number, 0, 255])
    return f"{number}é李\"'\\\n"[: getattr(kind, "length", None) or 20]


def rows_of(store: SqlStore) -> Rows:
    with store.engine.connect() as opened:
        found = MetaData()
        found.reflect(opened)
        return {each.name: sorted(map(comparable, opened.execute(select(*raw(each).columns))), key=repr) for each in found.sorted_tables}


def comparable(row: Any) -> tuple[Any, ...]:
    values = tuple(bytes(value) if isinstance(value, bytes | memoryview) else value for value in row)
    return tuple(int(value) if isinstance(value, bool) else value for value in values)


def put_back(folder: Path, stores: dict[str, SqlStore]) -> None:
    manifest = backup.inspect_folder(folder)
    for role, part in manifest.parts.items():
        backup.put_back(folder, role, part, stores[role], silent)


def take(folder: Path, stores: dict[str, SqlStore], state: Path) -> backup.Manifest:
    return backup.take(folder, stores, state, KEY, "file:1:mark", "2026-11-22T07:30:00.000000Z", silent)


def test_every_row_of_every_table_comes_back_into_every_kind_of_database(
    filled: dict[str, SqlStore], state: Path, tmp_path: Path, kind_of: Callable[[str], Kind]
) -> None:
    """What was taken from SQLite can be moved to a server, and the other way round."""
    before = {role: rows_of(store) for role, store in filled.items()}
    manifest = take(tmp_path / "copy", filled, state)
    assert {role: dict(part.rows) for role, part in manifest.parts.items()} == {
        role: {name: len(rows) for name, rows in found.items() if name != "schema_version"} for role, found in before.items()
    }
    for dialect in DIALECTS:
        for role in (MAIN, KEYS):
            with kind_of(dialect).empty() as url:
                target = SqlStore(url, role=role, timeout=10)
                backup.put_back(tmp_path / "copy", role, manifest.parts[role], target, silent)
                assert rows_of(target) == before[role]
                assert migrations.pending(target) == []
                target.close()


def test_a_restore_replaces_what_is_there(filled: dict[str, SqlStore], state: Path, tmp_path: Path) -> None:
    """Rows that were written after the backup are gone, and run twice it gives the same."""
    before = {role: rows_of(store) for role, store in filled.items()}
    take(tmp_path / "copy", filled, state)
    with migrations.turn(filled[MAIN]) as opened:
        opened.execute(text("DELETE FROM purpose"))
    for _ in range(2):
        put_back(tmp_path / "copy", filled)
        assert {role: rows_of(store) for role, store in filled.items()} == before


def test_counters_go_on_behind_the_restored_rows(filled: dict[str, SqlStore], state: Path, tmp_path: Path) -> None:
    """The next event gets a number that no restored one has."""
    take(tmp_path / "copy", filled, state)
    put_back(tmp_path / "copy", filled)
    with migrations.turn(filled[MAIN]) as opened:
        found = MetaData()
        found.reflect(opened, only=["audit_event"])
        event = found.tables["audit_event"]
        (serial,) = event.primary_key.columns
        values = {c.name: value_for(c, 9) for c in event.columns if c is not serial}
        opened.execute(raw(event).insert().values(**values))
        assert len(set(opened.execute(select(serial)).scalars())) == 4


def test_the_root_key_is_never_in_a_backup(filled: dict[str, SqlStore], state: Path, tmp_path: Path) -> None:
    """With it the copy would open everything."""
    take(tmp_path / "copy", filled, state)
    assert [path for path in (tmp_path / "copy").rglob("*") if b"never" in (path.read_bytes() if path.is_file() else b"")] == []
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "copy").rglob("*") if path.is_file()} == {0}


@pytest.fixture
def small(sqlite_store: SqlStore, sqlite_keys_store: SqlStore, state: Path, tmp_path: Path) -> Path:
    take(tmp_path / "small", {MAIN: sqlite_store, KEYS: sqlite_keys_store}, state)
    return tmp_path / "small"


def test_an_altered_file_is_refused_by_name(small: Path) -> None:
    """Before anything is changed."""
    victim = next((small / "main").glob("purpose.jsonl.gz"))
    victim.write_bytes(victim.read_bytes() + b"\x00")
    with pytest.raises(InvalidInput, match=r"main/purpose"):
        backup.inspect_folder(small)


def test_a_file_that_was_added_is_refused(small: Path) -> None:
    """It would be put into a table."""
    (small / "main" / "other.jsonl.gz").write_bytes(b"")
    with pytest.raises(InvalidInput, match="none of it"):
        backup.inspect_folder(small)


@pytest.mark.parametrize("change", [{"root_key": "file:2:x"}, {"parts": {}}, {"format": "other"}])
def test_an_altered_manifest_is_refused(small: Path, change: dict[str, Any]) -> None:
    content = json.loads((small / "manifest.json").read_text())
    (small / "manifest.json").write_text(json.dumps(content | change))
    with pytest.raises(InvalidInput):
        backup.inspect_folder(small)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 1}', b"\xff\xfe"])
def test_a_broken_manifest_is_refused_in_words(small: Path, content: bytes) -> None:
    (small / "manifest.json").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"manifest\.json|format"):
        backup.inspect_folder(small)


def test_a_folder_that_exists_is_never_written_over(small: Path, sqlite_store: SqlStore, state: Path) -> None:
    with pytest.raises(Conflict):
        take(small, {MAIN: sqlite_store}, state)


def test_state_that_is_there_is_newer_than_any_backup_of_it(small: Path, state: Path) -> None:
    """An older signed.json would hide a roll-back, an older ledger an erasure."""
    (state / "signed.json").write_text('{"newer": 1}')
    (state / "log.key").unlink()
    assert backup.put_back_state(small, state) == ["log.key"]
    assert (state / "signed.json").read_text() == '{"newer": 1}'


def test_a_backup_of_another_installation_is_refused(small: Path, state: Path) -> None:
    (state / "log.key").write_text("elsewhere/audit b3RoZXI=\n")
    with pytest.raises(Misconfigured, match="another installation"):
        backup.put_back_state(small, state)


def test_a_restore_that_did_not_end_keeps_the_service_from_starting(state: Path) -> None:
    backup.begin_restore(state)
    with pytest.raises(Misconfigured, match="privacy restore"):
        backup.refuse_unfinished(state)
    backup.end_restore(state)
    backup.refuse_unfinished(state)
