"""The crash drill: an act on the shop is killed at chosen points while others write, taken up again, and must end as if nothing had happened.

`Drill` prepares a world once (installation with the act approved and queued, the shop filled), then tries one point after the other on fresh copies.
"""

import contextlib
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine, create_engine, inspect, text

from privacy.adapters.database_urls import parse_address
from privacy.adapters.store.engine import connection
from privacy.application import Application, build
from privacy.cli.session import operator
from privacy.jobs.runner import run_now
from tests.cast import DAVE
from tests.company import tables
from tests.company.confirming import confirm_shop, connect
from tests.drills.dying import child
from tests.web.steward import config_in, install

Dump = dict[str, dict[tuple[Any, ...], dict[str, Any]]]
_WRITER = "KH0004"  # whose rows others go on writing while the act runs; never those the act is about


class Act(Protocol):
    """What is killed: an erasure, a sweep, an encryption in place.

    `writes` are what others do beside it over and over, each in a transaction of its own, with what `_given` gives; the writer tells each that was
    committed as `place in writes:number`.
    """

    writes: Sequence[str]

    def queue(self, application: Application) -> None:
        """Do everything up to the job: plan, approve, enqueue."""

    def go_on(self, application: Application) -> bool:
        """Ask for what follows when the jobs so far are done, as a person would; False when there is nothing more to do. May be asked again after a kill."""

    def outcome(self, application: Application) -> Mapping[str, Any]:
        """Return what our own stores say in the end, without times and ids."""

    def settle(self, application: Application, dump: Dump, told: Sequence[str]) -> tuple[Dump, Sequence[str]]:
        """Return the shop's rows in a form that two runs can be compared in (ciphertexts opened), and what of the told writes is not there."""


@dataclass(frozen=True)
class Ended:
    """How a run ended: the shop's rows, what our stores say, and what the writer was told that is not there."""

    rows: Dump
    outcome: Mapping[str, Any]
    lost: tuple[str, ...]


class Drill:
    """One act on one database. `url` is an address whose database may be emptied and filled again at will."""

    def __init__(self, folder: Path, url: str, act: Act, fill: Callable[[str], None] = tables.build) -> None:
        self._folder, self._url, self._act, self._fill = folder, url, act, fill
        self._prepared = folder / "prepared"
        self._tries = 0

    def prepare(self) -> None:
        """Make the installation and queue the act."""
        install(self._prepared)
        self._renew_shop()
        with self._opened(self._prepared) as application:
            connect(application, operator(application), "shop", self._url)
            confirm_shop(application, operator(application))
            self._act.queue(application)
            application.sequencer.drain()

    def undisturbed(self) -> tuple[Ended, int]:
        """Run the act to its end and return how it ended, and how many points it has."""
        state, counted = self._renew(), self._folder / "points"
        assert child(lambda: self._work(state), counted=counted)
        return self._ended(state, ()), int(counted.read_text())

    def killed_at(self, point: int) -> Ended:
        """Kill the act at `point` beside a writer, take it up again, and return how it ended."""
        state = self._renew()
        with self._writer() as told:
            child(lambda: self._work(state), fatal=point)
            assert child(lambda: self._work(state)), "the second process was not killed"
            time.sleep(0.02)
        return self._ended(state, tuple(told.read_text().split()))

    # --- inside ------------------------------------------------------------------------------------------------------------------------

    def _renew(self) -> Path:
        self._tries += 1
        state = self._folder / f"try-{self._tries}"
        shutil.copytree(self._prepared, state)
        self._renew_shop()
        return state

    def _renew_shop(self) -> None:
        engine = engine_at(self._url)
        try:
            if engine.dialect.name == "sqlite":
                for suffix in ("", "-wal", "-shm", "-journal"):
                    Path(f"{engine.url.database}{suffix}").unlink(missing_ok=True)
            else:
                with engine.begin() as opened:
                    for name in inspect(opened).get_table_names():
                        opened.exec_driver_sql(f"DROP TABLE {name}{' CASCADE' if engine.dialect.name == 'postgresql' else ''}")
        finally:
            engine.dispose()
        self._fill(self._url)

    @contextlib.contextmanager
    def _opened(self, state: Path) -> Iterator[Application]:
        application = build(config_in(state))
        try:
            yield application
        finally:
            application.close()

    def _work(self, state: Path) -> None:
        with self._opened(state) as application:
            # the killed one's leases would end by themselves in half a minute, and what came back from it would wait a moment
            for hurry in ("UPDATE job SET lease_until = 0 WHERE state = 'leased'", "UPDATE job SET run_at = 0 WHERE state = 'ready'"):
                application.store.run(lambda tx, hurry=hurry: connection(tx).execute(text(hurry)))  # type: ignore[misc]
                application.jobs.leases.reap()
            while True:
                ended = run_now(application.jobs, application.handlers)
                assert [job.error_code for job in ended if job.error_code] == [], [f"{job.kind}: {job.error_code}" for job in ended]
                if not self._act.go_on(application):
                    break

    def _ended(self, state: Path, told: tuple[str, ...]) -> Ended:
        rows = tables.dump(self._url)
        written = {key[0] for key in rows["dd_main"] if str(key[0]).startswith("W")}
        lost = [number for number in told if number.startswith("W") and number not in written]
        for table in ("dd_main", "dd_mx"):
            rows[table] = {key: row for key, row in rows[table].items() if not str(key[0]).startswith("W")}
        rows["kh_info"][_WRITER,]["bz"] = None
        with self._opened(state) as application:
            application.sequencer.drain()
            settled, missing = self._act.settle(application, rows, [each for each in told if not each.startswith("W")])
            return Ended(settled, self._act.outcome(application), (*lost, *missing))

    @contextlib.contextmanager
    def _writer(self) -> Iterator[Path]:
        """Let another process insert and change other people's rows all the time; the file holds what it was told is written."""
        told = self._folder / f"told-{self._tries}"
        told.touch()
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(BaseException):
                _write_on(self._url, told, self._act.writes)
            os._exit(0)
        try:
            yield told
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def approver() -> Any:
    """Dave, signed in just now."""
    return replace(DAVE, authenticated_at=datetime.now(UTC))


def chosen(points: int, count: int, seed: int) -> list[int]:
    """Return `count` of the points, spread by chance but the same for a seed; all of them when there are fewer."""
    return sorted(random.Random(seed).sample(range(1, points + 1), min(count, points)))


def _write_on(url: str, told: Path, writes: Sequence[str]) -> None:
    engine, number = engine_at(url), 0
    while True:
        number += 1
        with contextlib.suppress(Exception):  # a lock that took too long: it was told nothing, so it claims nothing
            with engine.begin() as opened:
                values = {"bh": f"W{number:06}", "kh": _WRITER, "at": "2026-11-22 10:00:00", "bz": f"{number}"}
                opened.execute(text("INSERT INTO dd_main (dd_bh, kh_bh, je, xdsj) VALUES (:bh, :kh, 1, :at)"), values)
                opened.execute(text("INSERT INTO dd_mx (dd_bh, hh, sp_bh, sl) VALUES (:bh, 1, 'SP01', 1)"), values)
                opened.execute(text("UPDATE kh_info SET bz = :bz WHERE kh_bh = :kh"), values)
            with told.open("a") as out:
                out.write(f"W{number:06}\n")
        for place, statement in enumerate(writes):
            with contextlib.suppress(Exception):
                with engine.begin() as opened:
                    opened.execute(text(statement), _given(number))
                with told.open("a") as out:
                    out.write(f"{place}:{number}\n")
        time.sleep(0.005)


def _given(number: int) -> dict[str, str]:
    mails = {"changed": f"w{number}@xie.example", "added": f"n{number}@xie.example"}
    return {"bh": f"W{number:06}", "gone": f"W{number - 3:06}", "bz": f"{number}", **mails}


def engine_at(url: str) -> Engine:
    address = parse_address(url, setting="the shop's address")
    return create_engine(address.url, connect_args=address.arguments)
