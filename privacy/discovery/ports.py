"""What discovery needs from outside: a detector for texts, connected systems, and the map that keeps what was found."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from privacy.discovery.shapes import Inclusion, KeyShape, Sample, Table


class Found(Protocol):
    """A span a text detector reports."""

    @property
    def entity(self) -> str: ...

    @property
    def confidence(self) -> float: ...


class TextFinder(Protocol):
    """Finds personal data in a text; `discovery.text.Detector` is the one that ships."""

    def find(self, text: str, *, language: str = "auto", entities: frozenset[str] | None = None, min_confidence: float = 0.5) -> Sequence[Found]:
        """Return the spans found. Thread-safe; keeps and logs nothing."""


class Connector(Protocol):
    """An open, read-only view of a connected system. Its methods never write, and end within a bounded time."""

    @property
    def kind(self) -> str:
        """Return `sqlite`, `postgresql`, `mysql` or `csv`."""

    def check(self) -> None:
        """Connect and no more. Raises ConnectorUnavailable, saying in words what is wrong: the name, the password, the host, the time, the certificate."""

    def tables(self) -> Sequence[Table]:
        """Return all tables, views or files; one that cannot be read comes with its `problem` and without columns.

        Raises ConnectorUnavailable when the system as a whole cannot be reached.
        """

    def sample(self, table: Table, limit: int) -> Mapping[str, Sample]:
        """Return up to `limit` distinct non-null values of each column. Raises ConnectorUnavailable when the table cannot be read in time."""

    def included(
        self, child: Table, child_columns: Sequence[str], parent: Table, parent_columns: Sequence[str], sample: int, by: str = ""
    ) -> Mapping[str, Inclusion]:
        """Look up to `sample` distinct values of the child's columns up in the parent's, inside the system; no value leaves it.

        With `by`, a column of the child that names kinds, one answer a kind (by its text); without, one answer under ``. An empty child gives no answer.
        Raises ConnectorUnavailable when that takes too long or is not allowed.
        """

    def key_shape(self, table: Table, columns: Sequence[str]) -> KeyShape:
        """Return how the filled cells of columns look as a key, from 200,000 rows at most. Raises ConnectorUnavailable."""

    def close(self) -> None: ...


class Located(Protocol):
    """Where an address points, without its credentials."""

    @property
    def kind(self) -> str: ...

    @property
    def shown(self) -> str:
        """Return the address without user name and password."""

    @property
    def identity(self) -> tuple[str, ...]:
        """Return what is equal for two addresses of one database."""

    @property
    def path(self) -> Path | None:
        """Return the file or folder, or None for a server."""

    @property
    def tls_waiver(self) -> str:
        """Return why the server's certificate is not verified; empty where it is."""


class Locator(Protocol):
    """Reads an address without opening it; `adapters.databases.locate` is the one that ships."""

    def __call__(self, url: str, *, existing: bool = True) -> Located:
        """Raises InvalidInput for what is no address, or (unless `existing` is false) no file."""


class Opener(Protocol):
    """Opens a connector for an address; `adapters.databases.open_connector` is the one that ships."""

    def __call__(self, url: str) -> Connector:
        """Raises InvalidInput for an address it cannot read, ConnectorUnavailable when nobody answers, Misconfigured for unverified TLS."""
