"""The audit log beside a plain INSERT of the same bytes into a table of the same columns, on a SQLite file with durable commits."""

import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from privacy.adapters.state_files import SignedStateFile
from privacy.adapters.store import audit as tables
from privacy.adapters.store.engine import SqlStore, connection
from privacy.adapters.store.schema import MAIN
from privacy.audit.events import Action, Decision, Event
from privacy.audit.export import Exporter, ExportRequest
from privacy.audit.log import Log
from privacy.audit.sequencer import Sequencer, SequencerThread
from privacy.audit.trail import Trail
from privacy.audit.verifier import verify
from privacy.cli.bench_ratio import Ratio, fastest
from privacy.crypto.signatures import Ed25519Key, verify_ed25519
from privacy.kernel.clock import SystemClock
from privacy.kernel.ids import DEFAULT_TENANT, TenantId
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor

_THREADS = 16
_COUNT = 800
_ACTOR = Actor("client:0198c0de-0000-7000-8000-000000000001", DEFAULT_TENANT, frozenset({"application"}), auth="client_credentials")
_PEER = "peer: INSERT of the same row, a durable transaction each, 16 threads; higher is better"


def run() -> list[Ratio]:
    """Measure for about half a minute."""
    with _bench() as bench:
        bench.store.run(lambda tx: bench.log.append(tx, _event(0)))
        bench.sequencer.drain()  # until its first signature a log looks up its state at every event
        return [
            Ratio.of_rates("append an event", _COUNT, fastest(bench.append, bench.insert, passes=5), _PEER, "events/s"),
            _with_sequencer(bench),
            Ratio.of_rates("record an event, on its own thread", _COUNT, fastest(bench.record, bench.insert, passes=5), _PEER, "events/s"),
            Ratio.of_rates("change with its event in one transaction", _COUNT, fastest(bench.change_and_append, bench.change, passes=5), _CHANGE, "changes/s"),
            _catching_up(bench),
            _verifying(bench),
        ]


_CHANGE = "peer: the same UPDATE in a durable transaction of its own, 16 threads; higher is better"


@dataclass(frozen=True, slots=True)
class _Bench:
    store: SqlStore
    log: Log
    sequencer: Sequencer
    exporter: Exporter
    trail: Trail
    pool: ThreadPoolExecutor

    def append(self) -> None:
        self._each(lambda n: self.store.run(lambda tx: self.log.append(tx, _event(n))))

    def record(self) -> None:
        self._each(lambda n: self.log.record(_event(n)))

    def insert(self) -> None:
        self._each(lambda n: self.store.run(lambda tx: _insert(tx, n)))

    def change(self) -> None:
        self._each(lambda n: self.store.run(lambda tx: _change(tx, n)))

    def change_and_append(self) -> None:
        def both(tx: Tx, n: int) -> None:
            _change(tx, n)
            self.log.append(tx, _event(n))

        self._each(lambda n: self.store.run(lambda tx: both(tx, n)))

    def _each(self, work: Callable[[int], object]) -> None:
        for _ in self.pool.map(work, range(_COUNT)):
            pass


def _with_sequencer(bench: _Bench) -> Ratio:
    bench.sequencer.drain()
    thread = SequencerThread(bench.sequencer, 0.2)
    thread.start()
    try:
        seconds = fastest(bench.append, bench.insert, passes=5)
    finally:
        thread.stop()
    return Ratio.of_rates("append, sequencer beside it", _COUNT, seconds, _PEER, "events/s")


def _catching_up(bench: _Bench) -> Ratio:
    bench.sequencer.drain()

    def pile_up() -> None:
        bench.store.run(lambda tx: [bench.log.append(tx, _event(n)) for n in range(5_000)])

    best = [float("inf"), float("inf")]
    for _ in range(3):
        for side, work in enumerate((bench.sequencer.drain, pile_up)):
            if side == 0:
                pile_up()
            best[side] = min(best[side], _seconds(work))
        bench.sequencer.drain()
    note = "peer: writing the same 5,000 events in one transaction; above 1 the sequencer catches up"
    return Ratio.of_rates("sequence, tile and sign", 5_000, (best[0], best[1]), note, "events/s")


def _verifying(bench: _Bench) -> Ratio:
    bench.sequencer.drain()
    bundle = b"".join(bench.exporter.bundle(_ACTOR, ExportRequest()))
    vkey = bench.trail.vkey(_ACTOR)
    entries = bundle.count(b"\n") - 2
    seconds = fastest(lambda: verify(io.BytesIO(bundle), vkey, verify_ed25519), lambda: hashlib.sha256(bundle).digest(), passes=3)
    return Ratio.of_rates("verify a bundle", entries, seconds, "peer: SHA-256 over the same file; higher is better", "entries/s")


def _seconds(work: Callable[[], object]) -> float:
    import time

    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _event(n: int) -> Event:
    return Event(
        Action.RECORDS_MASKED, _ACTOR, object_type="dataset", object_ref="crm.customer", fields=("name", "phone", "email"), purpose="support",
        request_id=f"0198c0de-0000-7000-8000-{n:012}", decision=Decision("v3@0123456789abcdef", "masked", ("r7", "r9")), counts={"records": 20, "fields": 3},
    )  # fmt: skip


def _insert(tx: Tx, n: int) -> None:
    values = ("default/1", os.urandom(16).hex(), n, bytes(32), bytes(450))
    connection(tx).exec_driver_sql("INSERT INTO plain_event (log_id, event, at, leaf_hash, entry) VALUES (?, ?, ?, ?, ?)", values)


def _change(tx: Tx, n: int) -> None:
    connection(tx).exec_driver_sql("UPDATE thing SET changed = changed + 1 WHERE id = ?", (n % 100,))


@contextmanager
def _bench() -> Iterator[_Bench]:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(_THREADS) as pool:
        store = SqlStore(f"sqlite:///{folder}/bench.sqlite", timeout=20)
        store.run(_prepare)
        key, clock, repository = Ed25519Key.generate(), SystemClock(), tables.SqlAuditRepository()
        log = Log(store, repository, clock, _seal, patience=20)
        state = SignedStateFile(Path(folder, "signed.json"))
        sequencer = Sequencer(store, repository, key, _origin_of, state, clock)
        trail = Trail(store, repository, log, _origin_of, key.public_bytes, lambda tenant, subjects: [], _seal)
        try:
            yield _Bench(store, log, sequencer, Exporter(store, repository, log, trail, key, _origin_of, clock), trail, pool)
        finally:
            log.close()
            store.close()


def _prepare(tx: Tx) -> None:
    opened = connection(tx)
    MAIN.create_all(opened, tables=[table for name, table in MAIN.tables.items() if name.startswith("audit_")])
    opened.exec_driver_sql(
        "CREATE TABLE plain_event (seq INTEGER PRIMARY KEY, log_id TEXT NOT NULL, event TEXT NOT NULL UNIQUE, at INTEGER NOT NULL,"
        " leaf_hash BLOB NOT NULL, entry BLOB NOT NULL)"
    )
    opened.exec_driver_sql("CREATE TABLE thing (id INTEGER PRIMARY KEY, changed INTEGER NOT NULL)")
    for n in range(100):
        opened.exec_driver_sql("INSERT INTO thing VALUES (?, 0)", (n,))


def _origin_of(log_id: str) -> str:
    return f"bench.example/audit/{log_id}"


def _seal(tenant: TenantId, label: str, data: bytes, context: bytes) -> bytes:
    raise AssertionError("the events of this bench hold no free text")
