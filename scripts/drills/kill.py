#!/usr/bin/env python3
"""Kill the serving processes under load again and again, then compare what callers were told with what the databases and the log hold.

    scripts/drills/kill.py [--times 20] [--threads 8] [--main URL --keys URL]

Shown: every answered call has its event; every recorded consent has exactly one event and the other way round; the log has no gap and verifies
offline with the pinned key. Works in a folder of its own and, with --main and --keys, in empty databases given to it. Exit 1 when anything is wrong.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from privacy.client import Answered, Client, Problem, Unreachable  # noqa: E402 - the project's folder first


class Recording(Client):
    """The shipped client, remembering the request id of every call that was answered with success."""

    answered: list[tuple[str, str]]

    def _send(self, sent: Any) -> Answered:
        answer = super()._send(sent)
        if answer.status < 300 and sent.path.startswith("/api/"):
            self.answered.append((sent.path, answer.headers.get("X-Request-Id", answer.headers.get("x-request-id", ""))))
        return answer


def free_port() -> int:
    """Return a port that is free now, below the range from which the system gives callers theirs: they would hold it after a kill."""
    chosen = random.SystemRandom()
    while True:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", chosen.randrange(20_000, 30_000))) as taken:
            return int(taken.getsockname()[1])


class Drill:
    def __init__(self, folder: Path, threads: int, main: str, keys: str) -> None:
        self.port = free_port()
        self.folder, self.threads = folder, threads
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("PRIVACY_")}
        self.environment |= {"PRIVACY_STATE_DIR": str(folder / "state"), "PRIVACY_PUBLIC_URL": f"http://127.0.0.1:{self.port}", "PRIVACY_PORT": str(self.port)}
        if main:
            self.environment |= {"PRIVACY_DATABASE_URL": main, "PRIVACY_KEYS_DATABASE_URL": keys, "PRIVACY_WORKERS": "2"}
        self.answered: list[tuple[str, str]] = []
        self.consents = 0
        self.random = random.Random(20261122)
        self.made = json.loads(self.privacy("init", "--json"))

    def privacy(self, *arguments: str) -> str:
        done = subprocess.run([sys.executable, "-m", "privacy", *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"privacy {arguments[0]} {arguments[1]}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def run(self, times: int) -> list[str]:
        for round_ in range(times):
            server = self.start()
            try:
                self.load_and_kill(server, only_the_worker=round_ % 4 == 3)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(server.pid, signal.SIGKILL)
                server.wait()
            print(f"kill {round_ + 1} of {times}: {len(self.answered)} calls answered so far", file=sys.stderr)
        return self.compare()

    def start(self) -> "subprocess.Popen[bytes]":
        with (self.folder / "serve.log").open("ab") as log:
            command = [sys.executable, "-m", "privacy", "serve"]
            server = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                probe.sendall(b"GET /health/ready HTTP/1.0\r\n\r\n")
                if b" 200 " in probe.recv(200):
                    return server
            time.sleep(0.1)
        raise SystemExit(f"the service did not become ready: see {self.folder / 'serve.log'}")

    def load_and_kill(self, server: "subprocess.Popen[bytes]", *, only_the_worker: bool) -> None:
        stop = threading.Event()
        workers = [threading.Thread(target=self.call, args=(stop, number)) for number in range(self.threads)]
        for worker in workers:
            worker.start()
        time.sleep(self.random.uniform(0.7, 1.6))
        if only_the_worker:
            subprocess.run(["pkill", "-9", "-P", str(server.pid)], check=False)
        else:
            os.killpg(server.pid, signal.SIGKILL)
        stop.set()
        for worker in workers:
            worker.join()

    def call(self, stop: threading.Event, number: int) -> None:
        account = next(client for client in self.made["clients"] if client["role"] == "application")
        client = Recording(f"http://127.0.0.1:{self.port}", account["client_id"], account["client_secret"], timeout=5)
        client.answered = self.answered
        serial = 0
        while not stop.is_set():
            serial += 1
            with contextlib.suppress(Problem, Unreachable, OSError):
                if serial % 2:
                    client.mask(purpose="service", texts=["call 13800138000"])
                else:
                    subject = f"drill:person:{number}-{time.monotonic_ns()}"
                    client.give_consent(subject=subject, purpose="marketing", notice="marketing", notice_version=1, language="en")

    def compare(self) -> list[str]:
        """Return what is wrong."""
        server = self.start()
        time.sleep(2)  # the sequencer takes what the last kill left behind
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
        bundle = self.folder / "bundle"
        self.privacy("audit", "export", str(bundle))
        verify = [sys.executable, "-m", "privacy", "audit", "verify", str(bundle), "--log-vkey", self.made["log_vkey"]]
        verified = subprocess.run(verify, cwd=ROOT, capture_output=True, text=True, check=False)
        entries = list(_entries(bundle))
        requests = Counter(entry.get("request_id", "") for entry in entries)
        wrong = [f"the bundle does not verify: exit {verified.returncode}: {verified.stderr or verified.stdout}"] if verified.returncode else []
        lost = [path for path, request in self.answered if not requests[request]]
        if lost:
            wrong.append(f"{len(lost)} answered calls have no event: {Counter(lost)}")
        given = Counter(entry["object"]["ref"] for entry in entries if entry["action"] == "consent:receipt:given")
        kept = self.receipts()
        if set(given) != kept or any(count > 1 for count in given.values()):
            alone = len(kept ^ set(given))
            wrong.append(f"consents: {len(kept)} receipts, {len(given)} with an event, {sum(given.values())} events, {alone} without their other half")
        print(f"{len(self.answered)} calls answered, {len(entries)} events, {len(kept)} consents, bundle: exit {verified.returncode}", file=sys.stderr)
        return wrong

    def receipts(self) -> set[str]:
        url = self.environment.get("PRIVACY_DATABASE_URL")
        if url:
            from sqlalchemy import create_engine, text

            from privacy.adapters.database_urls import parse_address

            with create_engine(parse_address(url, setting="--main").url).connect() as connection:
                return {row[0] for row in connection.execute(text("SELECT id FROM consent_receipt"))}
        with contextlib.closing(sqlite3.connect(self.folder / "state" / "main.db")) as connection:
            return {row[0] for row in connection.execute("SELECT id FROM consent_receipt")}


def _entries(bundle: Path) -> Any:
    for line in bundle.read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            content = json.loads(line)
            if "entry" in content:
                yield content["entry"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--main", default="", help="empty main database; default: SQLite in a folder of the drill's own")
    parser.add_argument("--keys", default="", help="empty keys database; goes with --main")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="privacy-kill-") as folder:
        wrong = Drill(Path(folder), asked.threads, asked.main, asked.keys).run(asked.times)
    print("\n".join(wrong) or "nothing lost, nothing doubled, no gap")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
