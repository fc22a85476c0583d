"""Backup of our own stores as plain files, the same for every kind of database: what was taken from SQLite can be restored into PostgreSQL.

    FOLDER/manifest.json, manifest.sig          what is there, with a digest of each file; signed with the audit log's key
    FOLDER/main/<table>.jsonl.gz                one row a line, in one snapshot of the main database
    FOLDER/keys/<table>.jsonl.gz                wrapped keys: keep these apart and shorter than the rest
    FOLDER/state/…                              what must outlive the databases: log key, signed sizes, token keys, erasure ledger

Never in a backup: the root key. Guarantees: a folder is there whole or not at all; a file that was altered is refused before anything is
changed; a restore that was interrupted is noticed by the next start and simply run again. Limit: rows are as our databases keep them (personal
values sealed, names of datasets and counts readable), so the folder needs the care of the database itself.
"""

import base64
import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Boolean, Column, Connection, MetaData, Table, column, inspect, select, table, text
from sqlalchemy.exc import SQLAlchemyError

from privacy.adapters import migrations
from privacy.adapters.store.engine import SqlStore
from privacy.crypto.signatures import Ed25519Key, verify_ed25519
from privacy.kernel.errors import Conflict, InvalidInput, Misconfigured, StoreUnavailable

_FORMAT = "privacy-steward-backup-1"
_REVISIONS = "schema_version"
_ROWS = 1000
_PATIENCE = 600.0
# in this order of importance: without the first nothing can be signed on, the ledger says what must not come back
STATE_FILES = ("log.key", "token.keys", "signed.json", "erasure.ledger")
_UNFINISHED = "restore.unfinished"

Progress = Callable[[str, int], None]  # (table, rows so far)


@dataclass(frozen=True, slots=True)
class Part:
    """One database in a backup."""

    revision: str
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Manifest:
    made_at: str
    parts: Mapping[str, Part]
    files: Mapping[str, str]  # path inside the folder → SHA-256
    root_key: str
    public: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        parts = {role: {"revision": part.revision, "rows": dict(part.rows)} for role, part in self.parts.items()}
        content = {"format": _FORMAT, "made_at": self.made_at, "parts": parts, "files": dict(self.files), "root_key": self.root_key, "public": self.public}
        return json.dumps(content, indent=1, sort_keys=True).encode()


# --- taking ---------------------------------------------------------------------------------------------------------------------------


def take(folder: Path, stores: Mapping[str, SqlStore], state: Path, key: Ed25519Key, root_key: str, made_at: str, progress: Progress) -> Manifest:
    """Write a backup to `folder`, which must not exist yet.

    `main` is read before `keys`: a key that is made meanwhile is then in the backup without its use, never the other way round.
    Raises Conflict when the folder exists, StoreUnavailable, InvalidInput when the folder cannot be written.
    """
    if folder.exists():
        raise Conflict("The folder exists already; name a new one for each backup.")
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700, parents=True)
        parts = {role: _take_database(partial / role, stores[role], progress) for role in ("main", "keys") if role in stores}
        _take_state(partial / "state", state)
        manifest = Manifest(made_at, parts, _digests(partial), root_key, key.public_bytes.hex())
        _write(partial / "manifest.json", manifest.to_bytes())
        _write(partial / "manifest.sig", key.sign(manifest.to_bytes()))
        partial.rename(folder)
    except OSError:
        raise InvalidInput("The folder cannot be written; name one on a disk with room, in a folder of this user's.") from None
    _sync_folder(folder.parent)
    return manifest


def _take_database(folder: Path, store: SqlStore, progress: Progress) -> Part:
    folder.mkdir(mode=0o700)
    patient = store.patient(_PATIENCE)
    try:
        with patient.engine.connect() as opened:
            connection = _snapshot(opened)
            revision = str(connection.execute(select(column("version_num")).select_from(table(_REVISIONS))).scalar() or "")
            tables = _reflected(connection)
            return Part(revision, {each.name: _take_table(connection, each, folder, progress) for each in tables.sorted_tables})
    except SQLAlchemyError:
        raise StoreUnavailable(f"The {store.role} database cannot be read as a whole; see `privacy doctor`.") from None
    finally:
        patient.close()


def _snapshot(opened: Connection) -> Connection:
    """Begin a transaction in which every table is seen as of one moment."""
    if opened.dialect.name == "sqlite":
        return opened
    connection = opened.execution_options(isolation_level="REPEATABLE READ")
    if connection.dialect.name != "postgresql":
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    return connection


def _reflected(connection: Connection) -> MetaData:
    found = MetaData()
    found.reflect(connection)
    if _REVISIONS in found.tables:
        found.remove(found.tables[_REVISIONS])
    return found


def _take_table(connection: Connection, source: Table, folder: Path, progress: Progress) -> int:
    count = 0
    raw = table(source.name, *[column(each.name) for each in source.columns])  # no types: what the driver gives, not what our columns make of it
    rows = connection.execution_options(stream_results=True, yield_per=_ROWS).execute(select(*raw.columns))
    with _lines_to(folder / f"{source.name}.jsonl.gz") as write:
        write({"columns": [each.name for each in source.columns]})
        for row in rows:
            write([_plain(value) for value in row])
            count += 1
            if count % _ROWS == 0:
                progress(source.name, count)
    progress(source.name, count)
    return count


def _take_state(folder: Path, state: Path) -> None:
    folder.mkdir(mode=0o700)
    for name in STATE_FILES:
        if (state / name).exists():
            _write(folder / name, (state / name).read_bytes())


class _lines_to:  # noqa: N801 - reads as what it does
    """A compressed file of JSON lines, mode 0600; the same rows give the same bytes."""

    def __init__(self, path: Path) -> None:
        self._raw = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")
        self._zip = gzip.GzipFile(fileobj=self._raw, mode="wb", mtime=0, compresslevel=6)

    def __enter__(self) -> Callable[[Any], None]:
        return lambda value: cast(None, self._zip.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"))

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return {"b": base64.b64encode(bytes(value)).decode()}
    return value


# --- putting back ---------------------------------------------------------------------------------------------------------------------


def inspect_folder(folder: Path) -> Manifest:
    """Read a backup's manifest and check every file against it. Raises InvalidInput naming the first file that is missing or altered."""
    try:
        content = (folder / "manifest.json").read_bytes()
        read = json.loads(content)
        if read["format"] != _FORMAT:
            raise InvalidInput("The backup is of a format that this version does not know.")
        signed = verify_ed25519(bytes.fromhex(read["public"]), (folder / "manifest.sig").read_bytes(), content)
        parts = {role: Part(part["revision"], part["rows"]) for role, part in read["parts"].items()}
        manifest = Manifest(read["made_at"], parts, read["files"], read["root_key"], read["public"])
    except FileNotFoundError:
        raise InvalidInput("There is no backup in this folder: it has no manifest.json and manifest.sig.") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InvalidInput("The backup's manifest.json is damaged; use another backup.") from None
    if not signed:
        raise InvalidInput("The backup's manifest does not carry a valid signature: it was altered; use another backup.")
    present = _digests(folder)
    for name in sorted((manifest.files.keys() | present.keys()) - {"manifest.json", "manifest.sig"}):
        if name not in manifest.files or present.get(name) != manifest.files[name]:
            raise InvalidInput(f"The backup's file {name!r} is missing, was altered, or is none of it; use another backup.")
    return manifest


def holds_rows(store: SqlStore) -> bool:
    """Tell whether there is anything of ours in the database behind `store`; a database that is not there holds nothing."""
    if store.dialect == "sqlite" and not Path(store.address.url.database or "").exists():
        return False
    with store.engine.connect() as opened:
        return _REVISIONS in inspect(opened).get_table_names()


def put_back(folder: Path, role: str, part: Part, store: SqlStore, progress: Progress) -> int:
    """Replace everything in the database behind `store` by what the backup holds of it, and bring the schema to this version's; return the rows.

    Not one transaction: whoever calls it keeps the service from starting until all parts are back (`unfinished`).
    """
    if not migrations.known(store, part.revision):
        raise Misconfigured(f"The backup's {role} part has schema {part.revision}, which this program does not know: it belongs to a newer version.")
    patient = store.patient(_PATIENCE)
    try:
        with migrations.turn(patient) as opened:
            found = MetaData()
            found.reflect(opened)
            found.drop_all(opened)
        migrations.upgrade(patient, part.revision)
        with migrations.turn(patient) as opened:
            total = sum(_put_table(opened, each, folder / role / f"{each.name}.jsonl.gz", progress) for each in _reflected(opened).sorted_tables)
        migrations.upgrade(patient)
        return total
    except SQLAlchemyError:
        raise StoreUnavailable(f"The {role} database refused what the backup holds; nothing is served until a restore has ended well. Run it again.") from None
    finally:
        patient.close()


def _put_table(opened: Connection, target: Table, path: Path, progress: Progress) -> int:
    if not path.exists():
        return 0
    count, lines = 0, _lines_of(path)
    names = next(lines)["columns"]
    raw = table(target.name, *[Column(name, Boolean) if isinstance(target.c[name].type, Boolean) else column(name) for name in names])
    # what revisions put into a new table is in the backup as well
    opened.execute(raw.delete())
    for rows in _batches(lines, names, {name for name in names if isinstance(target.c[name].type, Boolean)}):
        opened.execute(raw.insert(), rows)
        count += len(rows)
        progress(target.name, count)
    _move_counters(opened, target)
    return count


def _lines_of(path: Path) -> Iterator[Any]:
    with gzip.open(path, "rb") as file:
        for line in file:
            yield json.loads(line.decode("utf-8", "surrogatepass"))


def _batches(lines: Iterator[Any], names: list[str], truths: set[str]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for values in lines:
        row = dict(zip(names, map(_value, values), strict=True))
        batch.append(row | {name: bool(row[name]) for name in truths if row[name] is not None})
        if len(batch) == _ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _value(value: Any) -> Any:
    return base64.b64decode(value["b"]) if isinstance(value, dict) else value


def _move_counters(opened: Connection, target: Table) -> None:
    # PostgreSQL counts apart from the rows: the next number would be one that is taken
    if opened.dialect.name != "postgresql" or len(target.primary_key.columns) != 1:
        return
    name = next(iter(target.primary_key.columns)).name
    counter = opened.execute(text("SELECT pg_get_serial_sequence(:table, :name)"), {"table": f'"{target.name}"', "name": name}).scalar()
    if counter:
        opened.execute(text(f'SELECT setval(:counter, GREATEST((SELECT max("{name}") FROM "{target.name}"), 1))'), {"counter": counter})  # noqa: S608


# --- state ----------------------------------------------------------------------------------------------------------------------------


def put_back_state(folder: Path, state: Path) -> list[str]:
    """Put back the state files that are missing; return their names. What is there is newer than any backup of it and stays.

    Raises Misconfigured when a file that is there is of another installation (another log key).
    """
    kept, ours = folder / "state" / "log.key", state / "log.key"
    if kept.exists() and ours.exists() and kept.read_bytes() != ours.read_bytes():
        raise Misconfigured(
            "The state directory belongs to another installation than the backup: its log key differs. Restore into a state directory of its own."
        )
    missing = [name for name in STATE_FILES if (folder / "state" / name).exists() and not (state / name).exists()]
    for name in missing:
        _write(state / name, (folder / "state" / name).read_bytes())
    _sync_folder(state)
    return missing


def begin_restore(state: Path) -> None:
    """Leave the mark that keeps the service from starting until `end_restore`."""
    _write(state / _UNFINISHED, b"")
    _sync_folder(state)


def end_restore(state: Path) -> None:
    (state / _UNFINISHED).unlink(missing_ok=True)
    _sync_folder(state)


def refuse_unfinished(state: Path) -> None:
    """Raises Misconfigured while a restore has begun and not ended."""
    if (state / _UNFINISHED).exists():
        raise Misconfigured("A restore was begun and has not ended: the databases may hold half of it. Run `privacy restore` again.")


def _digests(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): _digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
