"""A column that is encrypted in place, as frozen words: where it is, which columns of ours stand beside it, how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from privacy.kernel.ids import DatasetId, TenantId


class Phase(StrEnum):
    """How far a column is. `docs/protect.md` says what a plain SELECT sees in each."""

    PLANNED = "planned"  # nothing in the system yet
    COPYING = "copying"  # our columns are there; the application goes on with the plaintext
    COPIED = "copied"  # every cell stands beside its plaintext, encrypted, and was opened and compared
    SWITCHING = "switching"  # new plaintext is refused; cell by cell the old one goes
    SWITCHED = "switched"  # the plaintext column is empty
    FINALISING = "finalising"
    FINALISED = "finalised"  # there is no way back by ourselves any more
    UNDOING = "undoing"  # the values come back
    UNDONE = "undone"  # as it was; nothing of ours is left in the table


class Step(StrEnum):
    """What a person asks for."""

    COPY = "copy"
    VERIFY = "verify"
    SWITCH = "switch"
    FINALISE = "finalise"
    UNDO = "undo"


class Which(StrEnum):
    """Which rows a pass looks at, and which of the two forms of a value counts."""

    MISSING = "missing"  # the plaintext counts: a value without a shadow, or a shadow without a value
    ALL = "all"  # the plaintext counts: every row
    FILLED = "filled"  # rows that still hold plaintext after the switch
    HIDDEN = "hidden"  # rows whose value stands in the shadow alone
    STORED = "stored"  # the shadow counts: every row


# step → the phases it can be asked for in; a step that is under way can be asked for again, which takes it up where it is
FROM: Mapping[Step, frozenset[Phase]] = {
    Step.COPY: frozenset({Phase.PLANNED, Phase.COPYING, Phase.COPIED}),
    Step.VERIFY: frozenset({Phase.COPIED, Phase.SWITCHED, Phase.FINALISED}),
    Step.SWITCH: frozenset({Phase.COPIED, Phase.SWITCHING, Phase.SWITCHED}),
    Step.FINALISE: frozenset({Phase.SWITCHED, Phase.FINALISING}),
    Step.UNDO: frozenset({Phase.PLANNED, Phase.COPYING, Phase.COPIED, Phase.SWITCHING, Phase.SWITCHED, Phase.UNDOING}),
}
ACTIVE = frozenset(Phase) - {Phase.UNDONE}
# where the shadow is what the column holds, and the plaintext is going, gone or on its way back
HIDDEN = frozenset({Phase.SWITCHING, Phase.SWITCHED, Phase.FINALISING, Phase.FINALISED, Phase.UNDOING})


@dataclass(frozen=True, slots=True)
class Layout:
    """What of the system is concerned: enough to go on, and back, with nothing but the database.

    `required`: the column may not be NULL. `empty` is what stands in a cell whose value is gone: None for NULL, else a value of the column's type.
    `relaxed`: NOT NULL is taken off the column for as long as it is protected. `guarded`: triggers of ours watch the column; where the database did not
    let us make them, passes over the whole column find what changed.
    """

    table: str
    field: str
    key: tuple[str, ...]
    subject: str
    shadow: str
    index: str
    family: str
    required: bool = False
    relaxed: bool = False
    empty: str | None = None
    guarded: bool = True


@dataclass(frozen=True, slots=True)
class Census:
    """A count of the cells of a column at one time.

    `filled`: cells with a value; `encrypted`: those whose shadow opens to exactly that value (after the switch: whose shadow opens);
    `empty`: NULL in both; `waiting`: written by the application since the last pass, which the next one takes; `unfit`: cells that cannot be encrypted
    (no subject, destroyed key, no text that would give the same cell again); `differing`: the shadow opens to something else, or not at all.
    """

    rows: int = 0
    filled: int = 0
    encrypted: int = 0
    empty: int = 0
    waiting: int = 0
    unfit: int = 0
    differing: int = 0

    @property
    def whole(self) -> bool:
        return not (self.unfit or self.differing)

    def plain(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("rows", "filled", "encrypted", "empty", "waiting", "unfit", "differing")}


@dataclass(frozen=True, slots=True)
class ProtectedColumn:
    """One column in protection. `category` chose the rule by which its index compares. `asked` counts the steps asked for."""

    id: str
    tenant: TenantId
    system: str
    dataset: str
    dataset_id: DatasetId
    subject_type: str
    category: str
    layout: Layout
    phase: Phase
    planned_by: str
    planned_at: datetime
    changed_at: datetime
    asked: int = 0
    drop: bool = False
    emptied: bool = False  # the switch has begun: values may stand in the shadow alone
    problem: str = ""
    counts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def field(self) -> str:
        return self.layout.field

    @property
    def name(self) -> str:
        return f"{self.dataset}.{self.layout.field}"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a column cannot be encrypted as things are, and what to do about it. A `note` stops nothing but should be known."""

    code: str
    detail: str
    remedy: str = ""
    note: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """What encrypting a column would do; `column` is None where an obstacle stands in the way."""

    dataset: str
    field: str
    obstacles: tuple[Obstacle, ...]
    rows: int = 0
    filled: int = 0
    seconds: int = 0
    shadow: str = ""
    index: str = ""
    column: ProtectedColumn | None = None

    @property
    def free(self) -> bool:
        return not any(not obstacle.note for obstacle in self.obstacles)
