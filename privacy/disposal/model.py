"""What disposal finds and decides, as frozen words: rows by key, what happens to them, and the plan that binds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from privacy.inventory.relations import Erase
from privacy.kernel.ids import DatasetId, TenantId
from privacy.kernel.terms import SubjectRef


class Share(StrEnum):
    """Whose a found row is."""

    OWNED = "owned"  # the subject's alone
    SHARED = "shared"  # other people own it too: never deleted, never blanked
    ACCESSED = "accessed"  # somebody else's; the subject may see it
    HANDLED = "handled"  # the subject worked on it as staff: counted, the reference alone is cleared


@dataclass(frozen=True, slots=True, repr=False)
class RowSet:
    """Rows of one table by the key tuples of `key_columns`. `via` names the relation (or `subject`) that led to them; `link` its child columns."""

    dataset: str
    dataset_id: DatasetId
    table: str
    key_columns: tuple[str, ...]
    keys: tuple[tuple[Any, ...], ...]
    share: Share
    via: str = "subject"
    link: tuple[str, ...] = ()
    depth: int = 0

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class OtherPeople:
    """Rows that *are* subjects outside the case, to which relations led (`via`, in words): neither taken nor passed through."""

    table: str
    rows: int
    via: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Collection:
    """Everything of some subjects in one system. `carriers` are fields without fixed content in these rows (`table.column` → carrier)."""

    tenant: TenantId
    system: str
    subjects: tuple[SubjectRef, ...]
    rows: tuple[RowSet, ...]
    carriers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    doubts: tuple[str, ...] = ()  # unconfirmed relations that touch these tables, in words: not followed
    others: tuple[OtherPeople, ...] = ()


class PlanState(StrEnum):
    PLANNED = "planned"
    APPROVED = "approved"
    RUNNING = "running"
    DONE = "done"
    VOID = "void"  # something moved on since: a new plan is needed
    NEEDS_ATTENTION = "needs_attention"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that blocks approval (`blocks`) or that the approver must know. `remedy` says what to do."""

    code: str
    where: str
    detail: str
    remedy: str
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class PlannedRows:
    """What will happen to the rows of one table: the count is exact. `columns` are those set or cleared; `reason` and `rule` for kept and restricted rows."""

    system: str
    dataset: str
    action: Erase
    rows: int
    share: Share
    columns: tuple[str, ...] = ()
    reason: str = ""
    rule: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as people read and approve it. `hash` covers rows by key, actions, order, map digest and schema fingerprints; the keys themselves stay sealed."""

    id: str
    tenant: TenantId
    case: str
    state: PlanState
    hash: str
    rows: tuple[PlannedRows, ...]
    obstacles: tuple[Obstacle, ...]
    carriers: tuple[str, ...]
    map_digests: Mapping[str, str]
    fingerprints: Mapping[str, str]
    made_by: str
    made_at: datetime
    approved_by: str = ""
    approved_at: datetime | None = None
    problems: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # system → why it could not be planned or finished
    systems: tuple[str, ...] = ()  # those the plan covers
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))  # system → what was done and what a second look found
    ended_at: datetime | None = None

    @property
    def blocked(self) -> bool:
        return any(obstacle.blocks for obstacle in self.obstacles)
