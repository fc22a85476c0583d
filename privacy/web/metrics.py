"""What Prometheus reads. Labels are route names, methods and statuses: nothing a caller chooses, nothing about a person."""

from collections.abc import Mapping

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("privacy_requests", "Answered requests.", ("route", "method", "status"), registry=self._registry)
        self._seconds = Histogram("privacy_request_seconds", "Time to answer.", ("route",), buckets=_BUCKETS, registry=self._registry)
        self._jobs = Gauge("privacy_jobs", "Jobs of all tenants that have not ended.", ("state",), registry=self._registry)
        self._ready = Gauge("privacy_ready", "1 while a part of the service is ready.", ("part",), registry=self._registry)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def ready(self, part: str, is_ready: bool) -> None:
        self._ready.labels(part).set(1 if is_ready else 0)

    def jobs(self, counts: Mapping[str, int]) -> None:
        for state, count in counts.items():
            self._jobs.labels(state).set(count)

    def render(self) -> tuple[bytes, str]:
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
