"""How rows of one dataset belong to rows of another, and what erasure does to them. Ownership is a property of an edge, never of a table.

A relation leads from a child (the side that holds the reference) to a parent. Only confirmed relations are ever followed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from privacy.inventory.model import Status
from privacy.kernel.ids import DatasetId, TenantId


class Ownership(StrEnum):
    """What a child row is to the person behind the parent row.

    owned_by      belongs to whom the parent row belongs to (order → customer, order line → order)
    owns          the other way round: the parent row belongs to whom the child row belongs to (customer → address, member → household)
    accessed_by   the person behind the parent may see the child row, somebody else owns it (shared list, message received)
    handled_by    the parent is staff who worked on the child row: disclosed as a count, on erasure the reference alone is cleared
    ref           reference data: never personal, never touched
    """

    OWNED_BY = "owned_by"
    OWNS = "owns"
    ACCESSED_BY = "accessed_by"
    HANDLED_BY = "handled_by"
    REF = "ref"


class Erase(StrEnum):
    """What the erasure of a person does to the rows of a dataset that are theirs."""

    DELETE = "delete"
    ANONYMISE = "anonymise"
    UNLINK = "unlink"
    RESTRICT = "restrict"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Relation:
    """An edge between two datasets of one system. `child` and `parent` are shown names (`shop.orders`); ids stand beside them.

    `weak` relations (equal names, equal phones) feed the review list and are never followed by themselves. `when` restricts a
    polymorphic edge to rows whose columns hold these texts. `depth` bounds a self reference (None: to the end of the chain).
    """

    id: str
    tenant: TenantId
    system: str
    child: str
    child_id: DatasetId
    child_columns: tuple[str, ...]
    parent: str
    parent_id: DatasetId
    parent_columns: tuple[str, ...]
    role: Ownership
    status: Status = Status.PROPOSED
    declared: bool = False
    weak: bool = False
    depth: int | None = None
    when: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    confidence: float = 0.0
    evidence: tuple[Mapping[str, object], ...] = ()
    decided_by: str = ""
    decided_at: datetime | None = None

    @property
    def confirmed(self) -> bool:
        return self.status is Status.CONFIRMED


@dataclass(frozen=True, slots=True)
class Handling:
    """What erasure does to a dataset's rows, decided by a person; without a decision owned rows are deleted.

    `reason` is needed for keep and restrict, `rule` names the retention rule behind it. `replacements` says what an anonymised field
    becomes: `null`, or `text:…` for a fixed text; fields it does not name are emptied where the column allows it.
    """

    dataset: str
    dataset_id: DatasetId
    action: Erase = Erase.DELETE
    reason: str = ""
    rule: str = ""
    replacements: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    decided_by: str = ""
    decided_at: datetime | None = None
