"""The routes, one file per room. A new file is named here and nowhere else."""

from collections.abc import Iterator
from importlib import import_module

from privacy.web.endpoint import Routes

MODULES = (
    "sessions",
    "users",
    "clients",
    "catalogue",
    "consent",
    "systems",
    "relations",
    "subjects",
    "audit",
    "detect",
    "mask",
    "decisions",
    "protect",
    "policy",
    "requests",
    "retention",
    "jobs",
    "columns",
)


def all_routes() -> Iterator[Routes]:
    """Import every listed module and yield its `routes`."""
    for name in MODULES:
        yield import_module(f"{__name__}.{name}").routes
