"""What disposal needs from outside: connected databases it may write to, a ledger outside any database, and its own rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from privacy.disposal.target import Applied, Cells, Hit, Rehearsal, Statement, TableShape, Where
from privacy.kernel.ids import TenantId
from privacy.kernel.plaintext import Plaintext


class Target(Protocol):
    """A connected database, open for reading and writing. Every method raises ConnectorUnavailable when the database does not answer or refuses.

    No error text carries a value. Every wait ends: lock, statement and idle time-outs are set on every connection.
    """

    @property
    def kind(self) -> str:
        """Return `sqlite`, `postgresql` or `mysql`."""

    def shapes(self) -> Mapping[str, TableShape]:
        """Return every table by its name in the data map."""

    def fingerprint(self, tables: Sequence[str]) -> str:
        """Return a digest of the shapes of these tables and of every table that refers to them: another digest means the schema changed."""

    def select(self, table: str, columns: Sequence[str], where: Where, *, limit: int | None = None) -> Iterator[Cells]:
        """Stream rows in constant memory, in primary-key order where there is one."""

    def count(self, table: str, where: Where) -> int: ...

    def rehearse(self, statements: Sequence[Statement], *, seconds: float = 30.0) -> Rehearsal:
        """Run the statements in one transaction and roll it back."""

    def apply(self, run: str, batch: int, token: int, statements: Sequence[Statement]) -> Applied:
        """Run the statements and insert the marker (run, batch) in one transaction; when the marker is there already do nothing and return it.

        `token` is the fencing token of the lease: refused (Conflict) when a higher one has written a marker of this run.
        Raises Conflict with code `constraint_violated` when a constraint stops it; nothing of the batch is done then.
        """

    def applied(self, run: str) -> Sequence[Applied]:
        """Return the markers of a run, in order of batch; empty when there is no marker table."""

    def boundaries(self, table: str, where: Where, rows: int) -> Iterator[tuple[object, object]]:
        """Yield (low, high) of the table's single-column key that cut the matching rows into ranges of about `rows`."""

    def residue(self, table: str, columns: Sequence[str], needles: Sequence[Plaintext], *, limit: int = 100) -> Iterator[Hit]:
        """Search text and JSON columns for identifiers in every form they may take."""

    def tidy(self, tables: Sequence[str]) -> None:
        """After a run: overwrite or vacuum what the database keeps of deleted rows, as far as it can be asked to."""

    def close(self) -> None: ...


class Targets(Protocol):
    def __call__(self, tenant: TenantId, system: str, *, write: bool = True) -> Target:
        """Open a connected system. Raises NotFound, ConnectorUnavailable, Conflict (`read_only` where writing is refused, `needs_replay` after a restore)."""


class LedgerKind:
    INTENT = "intent"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One line of the erasure ledger: keyed hashes only. `lookups` are the subjects' keyed digests, `systems` name where rows were removed."""

    seq: int
    previous: str
    kind: str
    tenant: TenantId
    case: str
    lookups: tuple[str, ...]
    systems: tuple[str, ...]
    plan: str
    at: datetime
    hash: str = ""


class Ledger(Protocol):
    """Append-only, hash-chained, fsynced, outside every database (decision 5)."""

    def append(self, kind: str, tenant: TenantId, case: str, lookups: Sequence[str], systems: Sequence[str], plan: str, at: datetime) -> LedgerEntry:
        """Write durably and return the entry; an equal (kind, case) is written once and returned again."""

    def entries(self, after: int = 0) -> Iterator[LedgerEntry]:
        """Yield entries with seq > `after`, verified link by link. Raises Misconfigured naming the line when the chain is broken."""

    def head(self) -> LedgerEntry | None: ...
