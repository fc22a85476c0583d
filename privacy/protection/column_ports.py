"""What protecting columns in place needs from outside: the connected table, rows of ours, the data map, the queue."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from privacy.inventory.model import Dataset
from privacy.inventory.relations import Relation
from privacy.jobs.model import Job, NewJob
from privacy.kernel.ids import DatasetId, TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.store import Tx
from privacy.protection.column_model import Layout, Obstacle, ProtectedColumn, Which

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Cell:
    """One row as the move sees it: its key, whose it is (None for nobody), the value as text (None for NULL), and what stands in our two columns.

    `plain` is None as well where the column holds what stands for "gone" and there is a shadow. `raw` is the cell as the driver gave it: a write names it,
    so that it only hits what was read. `fit` false: the cell has no text form from which the database would make the same cell again.
    """

    key: Key
    subject: str | None
    plain: Plaintext | None
    raw: Any
    shadow: str | None
    index: int | None
    fit: bool = True


@dataclass(frozen=True, slots=True, repr=False)
class Sealed:
    """What a cell becomes: `shadow` and `index` None for an empty one."""

    cell: Cell
    shadow: str | None
    index: int | None


class ShadowTable(Protocol):
    """One column of a connected table, open for moving. Every method is one short transaction, safe to repeat.

    Methods raise ConnectorUnavailable (retryable: a lock, a lost connection), Conflict `read_only`, `lease_lost` when another worker has written with a
    higher token, `constraint_violated`, `schema_changed`.
    """

    def prepare(self, layout: Layout, token: int) -> Layout:
        """Make our columns, the index and, where this user may, the trigger that empties them when the value changes; return the layout as it came out."""

    def page(self, layout: Layout, which: Which, after: Key, limit: int) -> Sequence[Cell]:
        """Return rows in the order of their key, those beyond `after`."""

    def fill(self, layout: Layout, token: int, sealed: Sequence[Sealed], *, empty: bool) -> int:
        """Write our two columns of rows whose value is still the one read, `empty` emptying the value in the same stroke; return how many."""

    def guard(self, layout: Layout, token: int) -> None:
        """From here on new plaintext is refused (trigger); NOT NULL is taken off where that was planned."""

    def open(self, layout: Layout, token: int) -> None:
        """Let plaintext in again: the trigger of the copying phase is back."""

    def restore(self, layout: Layout, token: int, values: Sequence[tuple[Cell, Plaintext]]) -> int:
        """Put values back into emptied cells whose shadow is still the one read, clearing the shadow; return how many."""

    def finish(self, layout: Layout, token: int, *, drop: bool) -> None:
        """Drop the plaintext column with our triggers, or keep it empty with the trigger that refuses new plaintext."""

    def remove(self, layout: Layout, token: int, *, emptied: bool) -> bool:
        """Take everything of ours out of the table; False, and nothing done, while an emptied cell still has its value in the shadow alone (`emptied`)."""

    def write_phase(self, layout: Layout, token: int, phase: str) -> None:
        """Write the phase into the marker table, with what is needed to go on without our own database."""

    def tidy(self, layout: Layout) -> None:
        """Let go of old row versions that still hold plaintext, as far as this user may."""

    def close(self) -> None: ...


class Survey(Protocol):
    """What a plan asks of the connected table."""

    def obstacles(self, table: str, field: str, subject: str) -> Sequence[Obstacle]: ...

    def draw(self, table: str, field: str, subject: str) -> Layout:
        """Return names and facts for the column; names are free in the table, at most 63 characters."""

    def count(self, table: str, field: str) -> tuple[int, int]:
        """Return rows, and rows with a value."""


class Shadows(Protocol):
    """Opens a connected system for protecting columns; `adapters.databases.shadow` is the one that ships."""

    def __call__(self, tenant: TenantId, system: str, move: str) -> "Opened": ...


class Opened(ShadowTable, Survey, Protocol):
    pass


class ColumnRepository(Protocol):
    """Protected columns of a tenant. One that was undone makes room for the next plan of the same column."""

    def all(self, tx: Tx, tenant: TenantId, system: str = "") -> Sequence[ProtectedColumn]: ...

    def of_dataset(self, tx: Tx, tenant: TenantId, dataset: DatasetId) -> Sequence[ProtectedColumn]: ...

    def get(self, tx: Tx, tenant: TenantId, id: str, *, lock: bool = False) -> ProtectedColumn | None: ...

    def add(self, tx: Tx, column: ProtectedColumn) -> bool:
        """Insert, in the place of an undone one of the same field; False when the field has one already."""

    def save(self, tx: Tx, column: ProtectedColumn) -> None: ...


class DataMap(Protocol):
    """`inventory.service.Inventory` is one."""

    def datasets(self, tenant: TenantId, system: str | None = None) -> Sequence[Dataset]: ...

    def dataset(self, tenant: TenantId, name: str) -> Dataset | None: ...


class Relations(Protocol):
    """`inventory.relating.Relations` is one."""

    def of_system(self, tenant: TenantId, system: str) -> Sequence[Relation]: ...


class Controls(Protocol):
    """Tells the data map what protection does in its systems."""

    def moved(self, tx: Tx, tenant: TenantId) -> None:
        """Columns of ours come into a table, or go: whoever remembers the map reads it again."""

    def __call__(self, tx: Tx, tenant: TenantId, column: ProtectedColumn, *, encrypted: bool, gone: bool = False) -> None:
        """Say that a field is, or is no longer, encrypted where it lies; `gone`: that its column was dropped."""


class Queue(Protocol):
    """`jobs.service.Jobs` is one."""

    def enqueue(self, tx: Tx, tenant: TenantId, new: NewJob, *, by: str = "") -> Job: ...

    def find(self, tenant: TenantId, dedupe: str) -> Job | None: ...


Progress = Callable[[str, int, int | None], None]
Counts = Mapping[str, int]
