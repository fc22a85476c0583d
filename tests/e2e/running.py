"""Runs the real service, by its own script as a newcomer does or by `privacy serve`, in processes of its own."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cast import secrets_of_the_cast

ROOT = Path(__file__).parents[2]
_READY = "Ctrl-C ends it."
_SECONDS = 90


@dataclass(slots=True)
class Running:
    """A started service: where it is, what its terminal shows so far."""

    url: str
    process: "subprocess.Popen[str]"
    environment: Mapping[str, str]
    said: list[str] = field(default_factory=list)

    @property
    def terminal(self) -> str:
        return "".join(self.said)

    def stop(self) -> int:
        """Press Ctrl-C and return the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(timeout=10)  # a worker that cannot end is killed after 15

    def shell(self, script: str, folder: Path = ROOT, seconds: float = 120) -> "subprocess.CompletedProcess[str]":
        """Run lines in another terminal, in the project's folder or another one."""
        command = ["bash", "-euo", "pipefail", "-c", script]
        return subprocess.run(command, cwd=folder, env=dict(self.environment), capture_output=True, text=True, check=False, timeout=seconds)


@contextlib.contextmanager
def running(state: Path, *arguments: str, **settings: str) -> Iterator[Running]:
    """Start `scripts/run` on a free port with its data in `state`; lend it once it is ready."""
    settings = {"PORT": str(free_port())} | settings
    with _started([str(ROOT / "scripts/run"), *arguments], _READY, surroundings(state, **settings), settings["PORT"]) as service:
        yield service


@contextlib.contextmanager
def serving(state: Path, **settings: str) -> Iterator[Running]:
    """Start `privacy serve` alone, on an installation that `privacy init` made before."""
    settings = {"PRIVACY_PORT": str(free_port())} | settings
    with _started(["privacy", "serve"], "Privacy Steward listens on", surroundings(state, **settings), settings["PRIVACY_PORT"]) as service:
        yield service
        leaked = secrets_shown(service.terminal)
    assert leaked == [], f"the service's log shows {leaked}"


def surroundings(state: Path, **settings: str) -> dict[str, str]:
    """Return the environment of an installation in `state`: nothing of the caller's settings, our commands on the path."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PRIVACY_")}
    return inherited | {"PRIVACY_STATE_DIR": str(state), "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"} | settings


@contextlib.contextmanager
def _started(command: Sequence[str], ready: str, environment: Mapping[str, str], port: str) -> Iterator[Running]:
    # a session of its own, as a terminal would give it: Ctrl-C reaches every process of it
    options: dict[str, Any] = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
    program = shutil.which(command[0], path=environment["PATH"]) or command[0]
    scheme = "https" if "PRIVACY_TLS_CERTIFICATE" in environment else "http"
    with subprocess.Popen([program, *command[1:]], env=dict(environment), **options) as process:
        service = Running(f"{scheme}://127.0.0.1:{port}", process, environment)
        try:
            _wait(service, ready)
            yield service
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def secrets_shown(text: str) -> list[str]:
    """Return whose values of the cast stand in `text`, plain or as JSON escapes them: names, never values."""
    spellings = {name: (value, json.dumps(value)[1:-1]) for name, value in secrets_of_the_cast().items()}
    return [name for name, (plain, escaped) in spellings.items() if plain in text or escaped in text]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _wait(service: Running, mark: str) -> None:
    ready = threading.Event()

    def listen() -> None:
        assert service.process.stdout
        for line in service.process.stdout:
            service.said.append(line)
            if mark in line:
                ready.set()
        ready.set()

    threading.Thread(target=listen, daemon=True).start()
    ready.wait(_SECONDS)
    assert mark in service.terminal, f"the service did not become ready:\n{service.terminal}"
