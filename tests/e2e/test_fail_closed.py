"""Nothing is disclosed while the log cannot be written, keys are gone, or the root key is not what it should be; and work goes on once it can."""

import contextlib
import ctypes
import fcntl
import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from privacy.adapters.database_urls import parse_address
from privacy.adapters.key_file import FileKeyProvider
from tests.cast import LI_XIAOMING, SUBJECTS
from tests.databases import Kind
from tests.e2e import crm
from tests.e2e.office import Answer, Installation, Office, ask, command, install
from tests.e2e.running import free_port, secrets_shown, serving, surroundings
from tests.e2e.test_footprint import workers
from tests.servers import ServerMissing

pytestmark = pytest.mark.e2e

# --- the audit log cannot be written -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outpost:
    """A service of its own, whose databases a test may trouble."""

    office: Office
    state: Path

    def disclose(self) -> Answer:
        """Ask for what is otherwise answered in clear: a phone number for service."""
        body = {"purpose": "service", "texts": [{"text": f"Call {LI_XIAOMING.phone}", "subject": str(LI_XIAOMING.ref)}]}
        return ask(self.office.url, "POST", "/api/v1/mask", self.office.token("application"), body)

    def seal(self, key: str) -> Answer:
        """Encrypt a value of a subject whose key is not in memory yet."""
        body = {"dataset": "crm.customer", "items": [{"subject": f"crm:customer:{key}", "field": "phone", "value": LI_XIAOMING.phone}]}
        return ask(self.office.url, "POST", "/api/v1/protect", self.office.token("application"), body)


@pytest.fixture(scope="module")
def outpost(installed: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outpost]:
    """On SQLite."""
    copied = installed.copy(tmp_path_factory.mktemp("outpost") / "var")
    with serving(copied.state) as service:
        yield Outpost(Office(service, copied.made), copied.state)


@contextlib.contextmanager
def held_by_a_writer(outpost: Outpost) -> Iterator[None]:
    """Somebody with a tool of their own has begun to write and does not end."""
    with contextlib.closing(sqlite3.connect(outpost.state / "main.db", isolation_level=None)) as opened:
        opened.execute("BEGIN IMMEDIATE")
        yield
        opened.execute("ROLLBACK")


@contextlib.contextmanager
def held_by_a_command(outpost: Outpost) -> Iterator[None]:
    """A command of ours has its turn and is stopped."""
    with (outpost.state / "main.db.gate").open("r+b") as gate:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def disk_full(outpost: Outpost) -> Iterator[None]:
    """No file of the serving process may grow."""
    (worker,) = workers(outpost.office.service)
    usual = resource.prlimit(worker, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    yield
    resource.prlimit(worker, resource.RLIMIT_FSIZE, usual)


def is_refused(answer: Answer) -> None:
    """503 with the code, when to come again, and nothing of what was asked for."""
    assert (answer.status, answer.code) == (503, "audit_unavailable"), answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert "nothing was disclosed" in answer.text
    assert secrets_shown(answer.text) == []


@pytest.mark.parametrize("trouble", [held_by_a_writer, held_by_a_command, disk_full], ids=lambda trouble: trouble.__name__)
@pytest.mark.timeout(60)
def test_no_event_no_disclosure(outpost: Outpost, trouble: Callable[[Outpost], contextlib.AbstractContextManager[None]]) -> None:
    """Locked or full, the answer comes and holds nothing; afterwards everything is as before."""
    assert LI_XIAOMING.phone in outpost.disclose().text
    with trouble(outpost):
        is_refused(outpost.disclose())
        assert ask(outpost.office.url, "GET", "/health/live").status == 200
        assert ask(outpost.office.url, "GET", "/health/ready").status == 503
    recovered = outpost.disclose()
    assert (recovered.status, LI_XIAOMING.phone in recovered.text) == (200, True), recovered.text


# --- the same on a server --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ServedOutpost:
    outpost: Outpost
    main: str
    keys: str


@pytest.fixture(scope="module")
def served(kind_of: Callable[[str], Kind], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedOutpost]:
    """On PostgreSQL."""
    try:
        kind = kind_of("postgresql")
    except ServerMissing as missing:
        pytest.skip(f"no postgresql: {missing}")
    state = tmp_path_factory.mktemp("served") / "var"
    with kind.empty() as main, kind.empty() as keys:
        urls = {"PRIVACY_DATABASE_URL": main, "PRIVACY_KEYS_DATABASE_URL": keys}
        made = install(state, **urls).made
        with serving(state, **urls) as service:
            office = Office(service, made)
            office.connect("crm", crm.build(tmp_path_factory.mktemp("crm")), "customer", crm.SUBJECT, crm.FIELDS)
            yield ServedOutpost(Outpost(office, state), main, keys)


@contextlib.contextmanager
def opened(url: str, **how: str) -> Iterator[Connection]:
    address = parse_address(url, setting="test")
    engine = create_engine(address.url, connect_args=address.arguments, poolclass=NullPool, **how)
    with engine.connect() as connection:
        yield connection


@pytest.mark.timeout(60)
def test_a_locked_table_of_events_stops_disclosures(served: ServedOutpost) -> None:
    """PostgreSQL: somebody holds it, nobody gets an answer without an event."""
    assert LI_XIAOMING.phone in served.outpost.disclose().text
    with opened(served.main) as connection:
        connection.execute(text("LOCK TABLE audit_event IN ACCESS EXCLUSIVE MODE"))
        is_refused(served.outpost.disclose())
    assert LI_XIAOMING.phone in served.outpost.disclose().text


@pytest.mark.timeout(60)
def test_without_the_keys_database_nothing_is_encrypted_or_opened(served: ServedOutpost) -> None:
    """503 with the remedy, no value in it; once it is back, so is the service."""
    assert served.outpost.seal("7001").status == 200
    name = make_url(served.keys).database
    with opened(served.main, isolation_level="AUTOCOMMIT") as admin:
        admin.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        admin.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": name})
        try:
            for answer in (served.outpost.seal("7002"), served.outpost.seal("7003")):
                assert (answer.status, answer.code) == (503, "store_unavailable"), answer.text
                assert "privacy doctor" in answer.text
                assert secrets_shown(answer.text) == []
        finally:
            admin.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
    assert served.outpost.seal("7004").status == 200


# --- starting -----------------------------------------------------------------------------------------------------------------------------


def serve_as_somebody_ordinary(state: Path) -> "subprocess.CompletedProcess[str]":
    """Try to serve as an account to which the modes of files matter; root would read and write everything."""
    environment = surroundings(state, PRIVACY_PORT=str(free_port()))
    program = shutil.which("privacy", path=environment["PATH"]) or "privacy"
    blind = _without_roots_eyes if os.geteuid() == 0 else None
    return subprocess.run([program, "serve"], env=environment, preexec_fn=blind, capture_output=True, text=True, check=False, timeout=60)


def _without_roots_eyes() -> None:
    drop_from_bounding_set, override, read_search = 24, 1, 2
    for capability in (override, read_search):
        assert ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0) == 0


def must_refuse(refused: "subprocess.CompletedProcess[str]", remedy: str) -> None:
    assert refused.returncode == 3, refused.stderr
    assert remedy in refused.stderr
    assert "listens on" not in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.fixture
def state(installed: Installation, tmp_path: Path) -> Path:
    return installed.copy(tmp_path / "var").state


def gone(key: Path) -> None:
    key.unlink()


def unreadable(key: Path) -> None:
    key.chmod(0o000)


def open_to_all(key: Path) -> None:
    key.chmod(0o644)


def garbled(key: Path) -> None:
    content = key.read_text()
    key.write_text(content[:-9] + ("A" if content[-9] != "A" else "B") + content[-8:])


def emptied(key: Path) -> None:
    key.write_text("")


@pytest.mark.parametrize(
    ("harm", "remedy"),
    [
        (gone, "is missing; run `privacy init`, or restore it"),
        (unreadable, "make it this user's and mode 0600"),
        (open_to_all, "run `chmod 600 "),
        (garbled, "restore it from your copy"),
        (emptied, "restore it from your copy"),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_a_root_key_file_that_is_not_right_stops_the_start(state: Path, harm: Callable[[Path], None], remedy: str) -> None:
    """The service says which file and what to do, and ends with 3; the key is not shown."""
    secret = (state / "root.key").read_text().split()[-1]
    harm(state / "root.key")
    refused = serve_as_somebody_ordinary(state)
    must_refuse(refused, remedy)
    assert "root.key" in refused.stderr
    assert secret not in refused.stderr


def test_a_database_that_cannot_be_written_stops_the_start(state: Path) -> None:
    """Its files belong to somebody else, say: then no event could be written."""
    for path in state.glob("main.db*"):
        path.chmod(0o400)
    must_refuse(serve_as_somebody_ordinary(state), "The main database did not answer")


def test_a_folder_that_cannot_be_written_stops_the_start(state: Path) -> None:
    """Mounted read-only: neither events nor what was signed could be kept."""
    state.chmod(0o500)
    try:
        must_refuse(serve_as_somebody_ordinary(state), "cannot be written")
    finally:
        state.chmod(0o700)


@pytest.mark.parametrize("database", ["main.db", "keys.db"])
def test_a_database_that_is_gone_stops_the_start(state: Path, database: str) -> None:
    """And no empty one takes its place unseen."""
    for path in state.glob(f"{database}*"):
        path.unlink()
    must_refuse(serve_as_somebody_ordinary(state), "run `privacy init`")


# --- both databases in other hands ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stolen(installed: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything of an installation that has worked with the cast, but for the root key."""
    copied = installed.copy(tmp_path_factory.mktemp("victim") / "var")
    with serving(copied.state) as service:
        office = Office(service, copied.made)
        office.connect("crm", crm.build(tmp_path_factory.mktemp("crm")), "customer", crm.SUBJECT, crm.FIELDS)
        bob = office.as_("application")
        records = [crm.record(person) for person in SUBJECTS]
        fields = [field for field, category in crm.FIELDS.items() if category not in ("", "not_personal", "subject_key")]
        items = [{"subject": str(person.ref), "field": field, "value": crm.record(person)[field]} for person in SUBJECTS for field in fields]
        protected = bob.protect("crm.customer", items)
        assert all(item["ciphertext"] for item in protected)
        assert bob.mask(dataset="crm.customer", purpose="service", records=records)["errors"] == []
        evidence = {"kind": "form", "reference": f"signed by {LI_XIAOMING.name}, {LI_XIAOMING.id_number}"}
        given = {"purpose": "marketing", "notice": "marketing", "notice_version": 1, "language": "zh", "evidence": evidence}
        bob.give_consent(subject=str(LI_XIAOMING.ref), **given)
        service.stop()
    (copied.state / "root.key").unlink()
    return copied.state


def test_stolen_databases_hold_no_value(stolen: Path) -> None:
    """Neither what was encrypted, nor what was masked, nor the free text of an evidence."""
    files = {path.name: path.read_bytes() for path in stolen.iterdir() if path.is_file()}
    assert {"main.db", "keys.db"} <= files.keys()
    values = {f"{person.key}.{field}": value for person in SUBJECTS for field, value in person.personal_values().items()}
    assert [(file, name) for file, content in files.items() for name, value in values.items() if value.encode() in content] == []


def test_stolen_databases_are_not_served_with_another_root_key(stolen: Path, tmp_path: Path) -> None:
    """Whoever makes a root key of their own is told that it is not the one."""
    state = shutil.copytree(stolen, tmp_path / "var")
    FileKeyProvider.create(state / "root.key")
    must_refuse(serve_as_somebody_ordinary(state), "is not the one that this keys database was made with")


def test_initialising_around_stolen_databases_makes_no_new_root_key(stolen: Path, tmp_path: Path) -> None:
    """It could open nothing, and would hide that the right one is missing."""
    state = shutil.copytree(stolen, tmp_path / "var")
    refused = command("init", state=state)
    must_refuse(refused, "restore that file")
    assert not (state / "root.key").exists()


# --- after an interruption -------------------------------------------------------------------------------------------------------------------


def test_commands_run_while_no_service_did_do_not_keep_it_from_starting(state: Path, tmp_path: Path) -> None:
    """What they logged waits for the service that signs it, however long."""
    assert command("systems", "add", "later", crm.build(tmp_path), state=state).returncode == 0
    with contextlib.closing(sqlite3.connect(state / "main.db")) as database, database:
        database.execute("DROP TRIGGER audit_event_no_update")  # an hour passes
        assert database.execute("UPDATE audit_event SET at = at - 3600000000").rowcount > 0
    with serving(state) as service:
        assert ask(service.url, "GET", "/health/ready").status == 200
