"""What every room may rely on of a store, on every kind of database."""

import contextlib
import contextvars
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, Integer, MetaData, String, create_engine, insert, select, text, update
from sqlalchemy.engine import make_url

from privacy.adapters.database_urls import parse_address
from privacy.adapters.store.engine import SqlStore, connection
from privacy.adapters.store.schema import Column, Table
from privacy.kernel.errors import Conflict, StoreUnavailable
from privacy.kernel.store import Tx
from tests.cast import LI_XIAOMING

# tables of the suite's own, so that it depends on no room
_TABLES = MetaData()
THINGS = Table("things", _TABLES, Column("id", Integer, primary_key=True, autoincrement=False), Column("word", String(50), unique=True))
BOUND = 3.0  # seconds within which a store gives up
SLACK = 2.0  # for a busy machine

Work = Callable[[Tx], None]


@pytest.fixture
def things_url(empty_url: str) -> str:
    engine = plain_engine(empty_url)
    _TABLES.create_all(engine)
    engine.dispose()
    return empty_url


@pytest.fixture
def things(things_url: str) -> Iterator[SqlStore]:
    store = SqlStore(things_url)
    yield store
    store.close()


def plain_engine(url: str) -> Engine:
    """Connect without any of the store's settings, as another program would."""
    address = parse_address(url, setting="test")
    return create_engine(address.url, connect_args=address.arguments)


def add(number: int, word: str | None = None) -> Work:
    def work(tx: Tx) -> None:
        connection(tx).execute(insert(THINGS).values(id=number, word=word or f"word {number}"))

    return work


def numbers(tx: Tx) -> list[int]:
    return list(connection(tx).execute(select(THINGS.c.id).order_by(THINGS.c.id)).scalars())


@contextlib.contextmanager
def gives_up_in_time() -> Iterator[None]:
    """Expect StoreUnavailable within the promised bound."""
    start = time.monotonic()
    with pytest.raises(StoreUnavailable):
        yield
    assert time.monotonic() - start < BOUND + SLACK


# --- transactions ------------------------------------------------------------------------------------------------------------------


def test_what_run_returns_is_committed_for_every_reader(things: SqlStore, things_url: str) -> None:
    """Once `run` has returned, another program sees the change."""
    things.run(add(1))
    other = SqlStore(things_url)
    assert other.read(numbers) == [1]
    other.close()


def test_the_result_of_the_work_is_handed_back(things: SqlStore) -> None:
    """`run` and `read` return what the work returned."""
    things.run(add(1))
    assert things.run(lambda tx: numbers(tx)[0]) == 1
    assert things.read(lambda tx: (tx.dialect, numbers(tx))) == (things.dialect, [1])


def test_an_exception_undoes_the_work_and_reaches_the_caller_unchanged(things: SqlStore) -> None:
    """A failed work leaves nothing behind, and its own error is re-raised."""

    class OurOwnError(Exception):
        pass

    def work(tx: Tx) -> None:
        add(1)(tx)
        raise OurOwnError("why")

    with pytest.raises(OurOwnError, match="why"):
        things.run(work)
    assert things.read(numbers) == []


def test_a_refused_statement_inside_a_savepoint_leaves_the_rest_of_the_work(things: SqlStore) -> None:
    """Work may try something in a savepoint, catch the refusal and go on."""
    things.run(add(1))

    def work(tx: Tx) -> None:
        add(2)(tx)
        with contextlib.suppress(Exception), connection(tx).begin_nested():
            add(1)(tx)
        add(3)(tx)

    things.run(work)
    assert things.read(numbers) == [1, 2, 3]


def test_reading_cannot_change_anything(things: SqlStore) -> None:
    """A work that writes inside `read` is refused, and nothing is stored."""
    with pytest.raises(StoreUnavailable):
        things.read(add(1))
    assert things.read(numbers) == []


def test_a_duplicate_is_a_conflict_that_names_no_value(things: SqlStore) -> None:
    """What the driver says about a violated key holds the row; neither our error nor its traceback may."""
    things.run(add(1, LI_XIAOMING.name))
    with pytest.raises(Conflict) as refused:
        things.run(add(2, LI_XIAOMING.name))
    assert LI_XIAOMING.name not in "".join(traceback.format_exception(refused.value))


def test_the_work_sees_the_callers_context(things: SqlStore) -> None:
    """Context variables, the request id for one, are those of the caller, whichever thread runs the work."""
    request = contextvars.ContextVar("request", default="none")
    request.set("r-1")
    assert things.run(lambda _: request.get()) == "r-1"


# --- many at once ------------------------------------------------------------------------------------------------------------------


def test_thirty_two_threads_commit_each_its_own_work(things: SqlStore, things_url: str) -> None:
    """Every thread finds its row committed the moment its `run` returns."""
    other = SqlStore(things_url)

    def one(number: int) -> bool:
        things.run(add(number))
        return number in other.read(numbers)

    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(one, range(96)))
    other.close()


def test_a_failing_work_spoils_no_other_that_shares_its_commit(things: SqlStore) -> None:
    """Works may be committed in groups; the ones that fail are undone alone."""

    def work(number: int) -> Work:
        def either(tx: Tx) -> None:
            add(number)(tx)
            if number % 2:
                raise ValueError(number)

        return either

    def outcome(number: int) -> bool:
        try:
            things.run(work(number))
        except ValueError as error:
            return error.args == (number,)  # its own error, not a neighbour's
        return number % 2 == 0

    with ThreadPoolExecutor(32) as pool:
        assert all(pool.map(outcome, range(96)))
    assert things.read(numbers) == list(range(0, 96, 2))


def test_works_that_block_each_other_both_succeed(things: SqlStore) -> None:
    """Two works that take the same rows in opposite order deadlock on a server; the loser is run again."""
    things.run(add(1))
    things.run(add(2))
    both_hold_one = threading.Barrier(2)

    def work(first: int, second: int) -> Work:
        def in_order(tx: Tx) -> None:
            rename(tx, first, f"{first} by {first}{second}")
            with contextlib.suppress(threading.BrokenBarrierError):
                both_hold_one.wait(timeout=0.5)  # broken where works run one after the other, and in the second attempt
            rename(tx, second, f"{second} by {first}{second}")

        return in_order

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(things.run, [work(1, 2), work(2, 1)]))
    words = things.read(lambda tx: connection(tx).execute(select(THINGS.c.word).order_by(THINGS.c.id)).scalars().all())
    assert words in (["1 by 12", "2 by 12"], ["1 by 21", "2 by 21"])


def rename(tx: Tx, number: int, word: str) -> None:
    connection(tx).execute(update(THINGS).where(THINGS.c.id == number).values(word=word))


def test_two_processes_share_one_database(things: SqlStore, things_url: str) -> None:
    """The command line writes beside the server, and no work of either is lost."""
    with writer(things_url, first=1000, works=40) as other:
        for number in range(40):
            things.run(add(number))
        assert other.wait(timeout=30) == 0
    assert things.read(numbers) == [*range(40), *range(1000, 1040)]


def test_what_was_answered_survives_the_end_of_the_process(things: SqlStore, things_url: str) -> None:
    """A process killed in the middle of its works has lost none that it had reported as done."""
    with writer(things_url, first=0, works=100_000) as other:
        assert other.stdout is not None
        answered = [int(other.stdout.readline()) for _ in range(25)]
        other.send_signal(signal.SIGKILL)
        answered += [int(line) for line in other.stdout if line.endswith("\n")]
    stored = things.read(numbers)
    assert set(answered) <= set(stored)
    assert stored == list(range(len(stored)))  # and nothing is half there


@contextlib.contextmanager
def writer(url: str, *, first: int, works: int) -> Iterator["subprocess.Popen[str]"]:
    """Another process that adds `works` numbers from `first` on and prints each after its commit."""
    program = (
        "import sys\n"
        "from privacy.adapters.store.engine import SqlStore\n"
        "from tests.contract.test_store import add\n"
        "store = SqlStore(sys.argv[1])\n"
        "for number in range(int(sys.argv[2]), int(sys.argv[2]) + int(sys.argv[3])):\n"
        "    store.run(add(number))\n"
        "    print(number, flush=True)\n"
    )
    command = [sys.executable, "-c", program, url, str(first), str(works)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        try:
            yield process
        finally:
            process.kill()


# --- bounded waits -----------------------------------------------------------------------------------------------------------------


def test_a_locked_database_is_unavailable_within_the_bound(things: SqlStore, things_url: str) -> None:
    """Another program that holds what the work needs makes it fail in time instead of hanging."""
    hurried = SqlStore(things_url, timeout=0.5)
    hurried.run(add(1))
    with held(things_url), gives_up_in_time():
        hurried.run(add(2))
    hurried.run(add(3))
    hurried.close()
    assert things.read(numbers) == [1, 3]


@contextlib.contextmanager
def held(url: str) -> Iterator[None]:
    engine = plain_engine(url)
    locks = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "LOCK TABLE things IN ACCESS EXCLUSIVE MODE", "mysql": "LOCK TABLES things WRITE"}
    with engine.connect() as opened:
        opened.exec_driver_sql(locks[opened.dialect.name])
        yield
    engine.dispose()


def test_a_connection_that_the_server_closed_is_replaced(things: SqlStore, things_url: str) -> None:
    """After a restart of the database the next work succeeds without a restart of ours."""
    if things.dialect == "sqlite":
        return  # there is no server that could close anything
    things.run(add(1))
    engine = plain_engine(things_url)
    with engine.connect() as opened:
        if things.dialect == "postgresql":
            opened.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"))
        else:
            others = "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
            for number in opened.execute(text(others)).scalars().all():
                opened.execute(text(f"KILL {number}"))
    engine.dispose()
    things.run(add(2))
    assert things.read(numbers) == [1, 2]


@pytest.mark.parametrize("scheme", ["postgresql", "mariadb"])
def test_a_server_that_is_gone_is_unavailable_within_the_bound(scheme: str) -> None:
    """Nobody listens at the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    store = SqlStore(f"{scheme}://nobody@127.0.0.1:{port}/nothing")
    with gives_up_in_time():
        store.run(add(1))
    store.close()


@pytest.mark.parametrize("scheme", ["postgresql", "mariadb"])
def test_a_server_that_never_answers_is_unavailable_within_the_bound(scheme: str) -> None:
    """Somebody listens at the address and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = SqlStore(f"{scheme}://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing")
        with gives_up_in_time():
            store.run(add(1))
        store.close()


def test_a_server_that_falls_silent_is_unavailable_within_the_bound(things: SqlStore, things_url: str, tmp_path: Path) -> None:
    """The connection stands, but answers no longer come: the wait ends all the same."""
    if things.dialect == "sqlite":
        return  # there is no connection that could fall silent
    with silenceable(things_url, tmp_path) as (url, fall_silent):
        store = SqlStore(url)
        store.run(add(1))
        fall_silent()
        with gives_up_in_time():
            store.run(add(2))
        store.close()


@contextlib.contextmanager
def silenceable(url: str, folder: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Lend an address that leads to the server of `url` until the returned function is called; after that bytes vanish on the way."""
    address = make_url(url)
    socket_path = address.query.get("host") or address.query.get("unix_socket")
    silent, sockets = threading.Event(), []

    def to_server() -> socket.socket:
        if socket_path:
            link = socket.socket(socket.AF_UNIX)
            link.connect(f"{socket_path}/.s.PGSQL.5432" if "host" in address.query else str(socket_path))
            return link
        return socket.create_connection((str(address.host), address.port or 3306))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not silent.is_set():
                    sink.sendall(data)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, server = listener.accept()[0], to_server()
                sockets.extend([client, server])
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        user = f"{address.username}:{address.password}" if address.password else address.username
        yield f"{address.get_backend_name()}://{user}@127.0.0.1:{listener.getsockname()[1]}/{address.database}", silent.set
        for opened in sockets:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    """A missing folder of an SQLite database is an answer, not a traceback."""
    store = SqlStore(f"sqlite:///{tmp_path}/missing/main.db")
    with gives_up_in_time():
        store.run(add(1))
    store.close()
