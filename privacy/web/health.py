"""Liveness, readiness, metrics: public, and therefore naming parts and words only, never addresses or texts of errors."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from privacy.kernel.errors import PrivacyError
from privacy.web.endpoint import PUBLIC, Answer, Binary, Call, Reply, Routes
from privacy.web.metrics import Metrics
from privacy.web.problems import logger, place

Check = Callable[[], object]
_KEPT_SECONDS = 1.0  # anyone may ask: a flood of questions must not become a flood of queries


class LiveAnswer(Answer):
    status: str


class ReadyAnswer(Answer):
    """`status` is ready or not_ready; `parts` says for each part ok, or the code of its error."""

    status: str
    parts: dict[str, str]


def health_routes(metrics: Metrics) -> Routes:
    """Return the routes; the state they keep belongs to one application."""
    routes = Routes("health", prefix="")
    readiness = Readiness(metrics)

    @routes.get("/health/live", scope=PUBLIC, answer=LiveAnswer, summary="Is the process alive")
    def live(call: Call) -> LiveAnswer:
        return LiveAnswer(status="live")

    @routes.get("/health/ready", scope=PUBLIC, answer=ReadyAnswer, summary="Can calls be answered; 503 with the parts when not")
    def ready(call: Call) -> Reply:
        parts = readiness.parts(call.app)
        is_ready = all(state == "ok" for state in parts.values())
        headers = {} if is_ready else {"Retry-After": "1"}
        return Reply(ReadyAnswer(status="ready" if is_ready else "not_ready", parts=parts), 200 if is_ready else 503, headers)

    @routes.get("/metrics", scope=PUBLIC, produces="text/plain", summary="Figures for Prometheus")
    def figures(call: Call) -> Binary:
        readiness.parts(call.app)
        content, media_type = metrics.render()
        return Binary(content, media_type)

    return routes


class Readiness:
    """Asks every part of `application.checks`, at most once a second."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._lock = threading.Lock()
        self._until = 0.0
        self._known: dict[str, str] = {}

    def parts(self, application: Any) -> dict[str, str]:
        with self._lock:
            if time.monotonic() >= self._until:
                checks: Mapping[str, Check] = getattr(application, "checks", {})
                self._known = {part: _state(check) for part, check in checks.items()}
                self._until = time.monotonic() + _KEPT_SECONDS
                for part, state in self._known.items():
                    self._metrics.ready(part, state == "ok")
                self._count_jobs(application)
            return dict(self._known)

    def _count_jobs(self, application: Any) -> None:
        # figures that cannot be had are left as they are: the part `database` says why
        if queue := getattr(application, "jobs", None):
            with contextlib.suppress(PrivacyError):
                self._metrics.jobs(queue.counts())


def _state(check: Check) -> str:
    try:
        check()
    except PrivacyError as error:
        return error.code
    except Exception as error:  # noqa: BLE001 - a broken check is a part that is not ready, not a broken answer
        logger.error("readiness: %s at %s", type(error).__name__, place(error))
        return "internal"
    return "ok"
