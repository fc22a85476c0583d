"""Runs the real service by its own script, for tests that see what a newcomer sees."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

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

    def shell(self, script: str, folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
        """Run lines in another terminal, in the project's folder or another one."""
        command = ["bash", "-euo", "pipefail", "-c", script]
        return subprocess.run(command, cwd=folder, env=dict(self.environment), capture_output=True, text=True, check=False, timeout=120)


@contextlib.contextmanager
def running(state: Path, *arguments: str, **settings: str) -> Iterator[Running]:
    """Start `scripts/run` on a free port with its data in `state`; lend it once it is ready."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PRIVACY_")}
    environment = inherited | {"PRIVACY_STATE_DIR": str(state), "PORT": str(port), "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}"} | settings
    # a session of its own, as a terminal would give it: Ctrl-C reaches every process of it
    options = {"cwd": ROOT, "env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
    with subprocess.Popen([ROOT / "scripts/run", *arguments], **options) as process:
        service = Running(f"http://127.0.0.1:{port}", process, environment)
        try:
            _wait(service)
            yield service
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _wait(service: Running) -> None:
    ready = threading.Event()

    def listen() -> None:
        assert service.process.stdout
        for line in service.process.stdout:
            service.said.append(line)
            if _READY in line:
                ready.set()
        ready.set()

    threading.Thread(target=listen, daemon=True).start()
    ready.wait(_SECONDS)
    assert _READY in service.terminal, f"the service did not become ready:\n{service.terminal}"
