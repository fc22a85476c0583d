"""Fresh databases for tests: one kind per class, each handing out migrated databases of ours and empty ones.

Speed decides the ways: SQLite copies a migrated file, PostgreSQL clones a migrated template, MariaDB (which has no templates) empties the
tables of one database per worker again.
"""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from privacy.adapters import migrations
from privacy.adapters.database_urls import parse_address
from privacy.adapters.store.engine import SqlStore
from tests import servers
from tests.servers import ServerMissing

MAIN, KEYS = "main", "keys"
DIALECTS = ("sqlite", "postgresql", "mariadb")


class Kind(Protocol):
    """One kind of database, as the fixtures see it."""

    def empty(self) -> contextlib.AbstractContextManager[str]:
        """Lend the address of a database with nothing in it."""

    def migrated(self, role: str) -> contextlib.AbstractContextManager[str]:
        """Lend the address of a database with our tables for `role` (`main` or `keys`) and only the rows that migrations put there."""

    def close(self) -> None: ...


def open_kind(name: str, run: Path, worker: str) -> Kind:
    """Return the kind called `name`, ready. Raises ServerMissing when its server cannot be had."""
    if name == "sqlite":
        return Sqlite(run / f"sqlite-{worker}")
    return Postgresql(run) if name == "postgresql" else Mariadb(run, worker)


class Sqlite:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    @contextlib.contextmanager
    def empty(self) -> Iterator[str]:
        home = self._folder / uuid.uuid4().hex
        home.mkdir()
        try:
            yield f"sqlite:///{home / 'database.sqlite'}"
        finally:
            shutil.rmtree(home, ignore_errors=True)

    @contextlib.contextmanager
    def migrated(self, role: str) -> Iterator[str]:
        with self.empty() as url:
            shutil.copyfile(self._template(role), str(make_url(url).database))
            yield url

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _template(self, role: str) -> Path:
        path = self._folder / f"template-{role}.sqlite"
        if not path.exists():
            migrate(f"sqlite:///{path}", role)
        return path


class Postgresql:
    def __init__(self, run: Path) -> None:
        self._run = run
        self._url, self._own = self._find()
        # FILE_COPY needs a checkpoint, cheap only where nothing is fsynced, that is in a cluster of our own
        self._strategy = "FILE_COPY" if self._own else "WAL_LOG"
        self._admin = _admin(self._url)
        with servers.locked(run / "postgresql-sweep.lock"):
            for name in servers.abandoned(self._names()):
                self._drop(name)

    @contextlib.contextmanager
    def empty(self) -> Iterator[str]:
        with self._database(f"CREATE DATABASE {{}} TEMPLATE template0 ENCODING 'UTF8' STRATEGY {self._strategy}") as url:
            yield url

    @contextlib.contextmanager
    def migrated(self, role: str) -> Iterator[str]:
        with self._database(f"CREATE DATABASE {{}} TEMPLATE {self._template(role)} STRATEGY {self._strategy}") as url:
            yield url

    def close(self) -> None:
        # another worker may still need the template; the last one to find it unused is the one that made the run's folder
        self._admin.dispose()

    def drop_templates(self) -> None:
        for role in (MAIN, KEYS):
            self._drop(self._template_name(role))

    @contextlib.contextmanager
    def _database(self, statement: str) -> Iterator[str]:
        name = servers.run_name(self._run) + uuid.uuid4().hex[:10]
        self._do(statement.format(name))
        try:
            yield _text(self._url.set(database=name))
        finally:
            self._drop(name)

    def _template(self, role: str) -> str:
        name = self._template_name(role)
        with servers.locked(self._run / f"postgresql-{role}.lock"):
            if name not in self._names():
                building = f"{name}_building"
                self._do(f"CREATE DATABASE {building} TEMPLATE template0 ENCODING 'UTF8'")
                migrate(_text(self._url.set(database=building)), role)
                self._do(f"ALTER DATABASE {building} RENAME TO {name}")  # only a finished template bears the name
        return name

    def _template_name(self, role: str) -> str:
        return f"{servers.run_name(self._run)}template_{role}"

    def _find(self) -> tuple[URL, bool]:
        if given := os.environ.get("TEST_POSTGRES_URL"):
            return _reachable(given, "TEST_POSTGRES_URL"), False
        return make_url(servers.shared(self._run, "postgresql", servers.start_postgresql)["url"]), True

    def _names(self) -> list[str]:
        with self._admin.connect() as opened:
            return list(opened.execute(text("SELECT datname FROM pg_database")).scalars())

    def _drop(self, name: str) -> None:
        self._do(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _do(self, statement: str) -> None:
        with self._admin.connect() as opened:
            opened.execute(text(statement))


class Mariadb:
    def __init__(self, run: Path, worker: str) -> None:
        self._prefix = servers.run_name(run)
        self._worker = worker
        self._url = self._find(run)
        self._admin = _admin(self._url)
        self._kept: dict[str, _Emptied] = {}
        with servers.locked(run / "mariadb-sweep.lock"):
            for name in servers.abandoned(self._names()):
                self._drop(name)

    @contextlib.contextmanager
    def empty(self) -> Iterator[str]:
        name = self._create(uuid.uuid4().hex[:10])
        try:
            yield _text(self._url.set(database=name))
        finally:
            self._drop(name)

    @contextlib.contextmanager
    def migrated(self, role: str) -> Iterator[str]:
        """Lend the worker's database of `role`; one at a time, since it is the same one again."""
        kept = self._kept.pop(role, None) or self._build(role)
        try:
            yield kept.url
        finally:
            self._end_connections(kept.name)
            if kept.restore():
                self._kept[role] = kept
            else:
                self._drop(kept.name)

    def close(self) -> None:
        for kept in self._kept.values():
            kept.engine.dispose()
            self._drop(kept.name)
        self._admin.dispose()

    def _build(self, role: str) -> "_Emptied":
        name = self._create(f"{self._worker}_{role}_{uuid.uuid4().hex[:6]}")
        url = _text(self._url.set(database=name))
        migrate(url, role)
        return _Emptied(name, url)

    def _create(self, suffix: str) -> str:
        name = self._prefix + suffix
        self._do(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def _end_connections(self, name: str) -> None:
        # a transaction that a test left open would hold its tables, and emptying them would wait for ever
        with self._admin.connect() as opened:
            left = opened.execute(text("SELECT id FROM information_schema.processlist WHERE db = :name"), {"name": name}).scalars().all()
            for number in left:
                with contextlib.suppress(Exception):  # gone meanwhile
                    opened.execute(text(f"KILL {int(number)}"))

    def _find(self, run: Path) -> URL:
        if given := os.environ.get("TEST_MARIADB_URL"):
            return _reachable(given, "TEST_MARIADB_URL")
        if servers.loopback_answers(3306):
            with contextlib.suppress(ServerMissing):
                return _reachable("mariadb://root@127.0.0.1:3306/", "127.0.0.1:3306")
        return make_url(servers.shared(run, "mariadb", servers.start_mariadb)["url"])

    def _names(self) -> list[str]:
        with self._admin.connect() as opened:
            return list(opened.execute(text("SHOW DATABASES")).scalars())

    def _drop(self, name: str) -> None:
        self._do(f"DROP DATABASE IF EXISTS {name}")

    def _do(self, statement: str) -> None:
        with self._admin.connect() as opened:
            opened.execute(text(statement))


class _Emptied:
    """A migrated MariaDB database that is put back to its first state after every test; TRUNCATE passes the triggers that refuse DELETE."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url
        self.engine = _engine(url)
        with self.engine.connect() as opened:
            self._tables = _tables(opened)
            self._first_rows = {table: rows for table in self._tables if (rows := _rows(opened, table))}

    def restore(self) -> bool:
        """Empty what the test filled. Return False when the test changed the tables themselves, so that this database is spent."""
        with self.engine.connect() as opened:
            if _tables(opened) != self._tables:
                self.engine.dispose()
                return False
            opened.execute(text("SET SESSION foreign_key_checks=0, lock_wait_timeout=10"))
            for table in self._filled(opened):
                opened.execute(text(f"TRUNCATE `{table}`"))
                for row in self._first_rows.get(table, ()):
                    columns = ", ".join(f"`{column}`" for column in row)
                    opened.execute(text(f"INSERT INTO `{table}` ({columns}) VALUES ({', '.join(f':{column}' for column in row)})"), row)
            opened.commit()
        return True

    def _filled(self, opened: Connection) -> list[str]:
        if not self._tables:
            return []
        probe = " UNION ALL ".join(f"SELECT '{table}' FROM DUAL WHERE EXISTS (SELECT 1 FROM `{table}`)" for table in self._tables)
        filled = opened.execute(text(probe)).scalars().all()
        untouched = {table for table, rows in self._first_rows.items() if _rows(opened, table) == rows}
        return [table for table in {*filled, *self._first_rows} if table not in untouched]


def migrate(url: str, role: str) -> None:
    """Bring the database at `url` to the newest schema for `role`, the way an operator does."""
    store = SqlStore(url, role=role)
    try:
        migrations.upgrade(store)
    finally:
        store.close()


def _tables(opened: Connection) -> tuple[str, ...]:
    return tuple(sorted(inspect(opened).get_table_names()))


def _rows(opened: Connection, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in opened.execute(text(f"SELECT * FROM `{table}` LIMIT 200")).mappings()]


def _reachable(given: str, called: str) -> URL:
    url = make_url(given)
    engine = _admin(url)
    try:
        with engine.connect():
            return url
    except Exception as error:
        raise ServerMissing(f"{called} does not answer ({type(error).__name__})") from None
    finally:
        engine.dispose()


def _admin(url: URL) -> Engine:
    return _engine(_text(url), isolation_level="AUTOCOMMIT")


def _engine(url: str, **options: Any) -> Engine:
    address = parse_address(url, setting="the test database", timeout=10)
    return create_engine(address.url, connect_args=address.arguments, poolclass=NullPool, hide_parameters=True, **options)


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
