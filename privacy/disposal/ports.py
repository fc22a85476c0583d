"""What disposal needs from outside: connected databases it may write to, a ledger outside any database, and its own rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from privacy.disposal.model import Plan
from privacy.disposal.target import Applied, Cells, Hit, Rehearsal, Statement, TableShape, Where
from privacy.inventory.relations import Handling, Relation
from privacy.kernel.ids import DatasetId, TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.store import Tx
from privacy.kernel.terms import SubjectRef


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


class DataMap(Protocol):
    """The decided part of a system's map (`inventory.relating.Relations` is one)."""

    def of_system(self, tenant: TenantId, system: str) -> Sequence[Relation]: ...

    def handlings(self, tenant: TenantId, system: str) -> Mapping[str, Handling]: ...

    def digest(self, tenant: TenantId, system: str) -> str: ...


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


# --- what forbids erasure for now -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Keep:
    """A statutory minimum on one dataset: rows whose `clock` is at or after `instant`, or NULL, are kept under `rule`; without `clock` every row is.

    `release` tells from a row's clock (aware) when it may go: the retention room's calendar arithmetic. None: no date can be told.
    """

    dataset: str
    rule: str
    reason: str
    clock: str = ""
    instant: datetime | None = None
    release: Callable[[datetime], datetime] | None = None


class Keeps(Protocol):
    def __call__(self, tenant: TenantId, system: str, at: datetime) -> Sequence[Keep]:
        """Return the minimum periods in force on datasets of this system at `at`."""


@dataclass(frozen=True, slots=True, repr=False)
class Hold:
    """A legal hold as it reaches an erasure: the whole system, or one dataset, or one row of it by its key as texts.

    Holds on subjects are resolved by the holder: it returns those of the subjects asked about, so a hold never has to name a person here.
    Nor does it bring its reason, which may name one: plans, certificates and registers say that a hold is the ground, and its id.
    """

    id: str
    dataset: str = ""
    key: tuple[str, ...] = ()
    until: datetime | None = None


class Holds(Protocol):
    def __call__(self, tenant: TenantId, system: str, subjects: Sequence[SubjectRef], at: datetime) -> Sequence[Hold]:
        """Return the holds in force on this system, on its datasets and rows, and on any of these subjects."""


@dataclass(frozen=True, slots=True, repr=False)
class RestrictedRows:
    """Rows that stay for now: nobody may process them except to store and protect them, and at `until` (None: on release) they go."""

    system: str
    dataset: str
    dataset_id: DatasetId
    table: str
    key_columns: tuple[str, ...]
    keys: tuple[tuple[Any, ...], ...]
    rule: str
    reason: str
    until: datetime | None = None


class Restrictions(Protocol):
    """The register of restricted subjects and rows (retention). It keeps keyed digests or sealed values, never these keys in clear."""

    def register(self, tx: Tx, tenant: TenantId, case: str, plan: str, subjects: Sequence[SubjectRef], rows: Sequence[RestrictedRows]) -> None:
        """Enter what a plan restricted; the same (plan, dataset, rule) again changes nothing. At `until` the register asks for a new plan of the case."""


class NoRegister:
    """A register for an installation without one: rows stay all the same, since the plan leaves them where they are."""

    def register(self, tx: Tx, tenant: TenantId, case: str, plan: str, subjects: Sequence[SubjectRef], rows: Sequence[RestrictedRows]) -> None: ...


# --- our own stores --------------------------------------------------------------------------------------------------------------------


class Forget(Protocol):
    def __call__(self, tx: Tx, tenant: TenantId, subjects: Sequence[SubjectRef], case: str) -> object:
        """Remove what a room of ours in the main database holds about these subjects; idempotent."""


class Known(Protocol):
    def __call__(self, tenant: TenantId) -> Iterator[SubjectRef]:
        """Yield every subject a room of ours still names in the main database (opened from its seals): for the replay of the ledger."""


class SubjectsGone(Protocol):
    """What has to follow when subjects' own rows are removed (disposal implements it, retention's sweeps call it).

    Call `begin` before the first row goes and `finish` when they are gone and looked for again; both idempotent per (case, subjects).
    """

    def begin(self, tenant: TenantId, case: str, run: str, subjects: Sequence[SubjectRef]) -> None:
        """Write the ledger's intent; `run` is the run id of the target's markers."""

    def finish(self, tenant: TenantId, case: str, run: str, subjects: Sequence[SubjectRef]) -> int:
        """Forget the subjects in our stores, destroy their keys, complete the ledger; return how many keys died now."""


# --- rows of our own -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a database of ours has followed the ledger."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class CertificateRow:
    plan: str
    case: str
    text: str
    digest: str
    issued_at: datetime


class DisposalRepository(Protocol):
    """Plans with their sealed part, certificates, and the place in the ledger; all in the main database."""

    def add_plan(self, tx: Tx, plan: Plan, sealed: Sequence[bytes]) -> None: ...

    def plan(self, tx: Tx, tenant: TenantId, id: str, *, lock: bool = False) -> Plan | None: ...

    def plans_of(self, tx: Tx, tenant: TenantId, case: str) -> Sequence[Plan]:
        """Return a case's plans, newest first."""

    def save_plan(self, tx: Tx, plan: Plan) -> None: ...

    def sealed(self, tx: Tx, tenant: TenantId, id: str) -> Sequence[bytes]:
        """Return the sealed parts in order; empty once they were dropped."""

    def drop_sealed(self, tx: Tx, tenant: TenantId, id: str) -> None: ...

    def add_certificate(self, tx: Tx, tenant: TenantId, row: CertificateRow) -> None:
        """Insert; a plan has one certificate, the first one stays."""

    def certificate(self, tx: Tx, tenant: TenantId, plan: str) -> CertificateRow | None: ...

    def announce(self, tx: Tx, tenant: TenantId, run: str, case: str, at: datetime) -> None:
        """Remember that a run of a case is about to begin; the same again changes nothing."""

    def conclude(self, tx: Tx, tenant: TenantId, run: str, case: str, at: datetime) -> None:
        """Remember that it has ended; announces it where that is not there."""

    def run_state(self, tx: Tx, tenant: TenantId, run: str, case: str) -> str:
        """Return `announced`, `concluded`, or an empty text for a run nobody announced here."""

    def mark(self, tx: Tx) -> Mark | None: ...

    def set_mark(self, tx: Tx, mark: Mark, at: datetime) -> None: ...


class MarkRepository(Protocol):
    """The same mark in the keys database."""

    def mark(self, tx: Tx) -> Mark | None: ...

    def set_mark(self, tx: Tx, mark: Mark, at: datetime) -> None: ...
