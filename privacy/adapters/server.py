"""The HTTP server: gunicorn with threads (docs/decisions/0006). The application is built in the worker, after the fork."""

import logging
import signal
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from privacy.adapters import logs
from privacy.adapters.patience import PatientWorker


@dataclass(frozen=True, slots=True)
class ServerSettings:
    host: str
    port: int
    workers: int
    threads: int
    certificate: Path | None
    key: Path | None
    log_level: str


class _JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's own lines through our formatter; no access log: an address may hold what a caller typed."""

    def setup(self, cfg: Any) -> None:
        self.error_log = logging.getLogger("gunicorn.error")
        self.access_log = logging.getLogger("gunicorn.access")
        self.access_log.disabled = True
        self.error_log.propagate = True  # gunicorn cuts it off, which would send bare lines to standard error
        self.error_log.setLevel(logging.WARNING)

    def reopen_files(self) -> None:
        """Nothing to reopen: lines go to standard error."""


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, settings: ServerSettings, make_app: Callable[[], object]) -> None:
        self._settings = settings
        self._make_app = make_app
        super().__init__()

    def load_config(self) -> None:
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        values: dict[str, Any] = {
            "bind": f"{host}:{self._settings.port}",
            "workers": self._settings.workers,
            "threads": self._settings.threads,
            "worker_class": PatientWorker,
            "worker_connections": 1000,
            "keepalive": 15,
            "timeout": 60,
            "graceful_timeout": 15,
            "preload_app": False,
            "logger_class": _JsonLogger,
            "proc_name": "privacy",
            "control_socket_disable": True,
            "post_worker_init": _leave_interrupts_to_the_parent,
        }
        if self._settings.certificate:
            values |= {"certfile": str(self._settings.certificate), "keyfile": str(self._settings.key), "ssl_context": _tls}
        for name, value in values.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> object:
        return self._make_app()


def _leave_interrupts_to_the_parent(_worker: Any) -> None:
    # Ctrl-C reaches the whole group, and the parent passes it on: taken twice, the worker's thread pool waits for itself until it is killed
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _tls(_config: Any, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def run(settings: ServerSettings, make_app: Callable[[], object]) -> None:
    """Serve until interrupted; `make_app` is called once in every worker process."""
    logs.configure(settings.log_level)
    _Server(settings, make_app).run()
