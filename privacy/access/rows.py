"""A policy: rows in order, and role groups. Written by people in `policies/policy.csv`, decided by the first row that matches.

The words a row may use are closed (`Vocabulary`); what is outside of them is refused when the policy is read, so that a
misspelt word can never turn into an allowance nobody meant.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from privacy.kernel.canonical import canonical_json

ANY = "*"
INTERNAL = "internal"  # no recipient: the controller's own use
EXTERNAL = "external"  # whichever recipient
CATEGORY = "category:"  # prefix of a class column that names one category instead of a class
CLEAR_TECHNIQUE = "none"
DEFAULT_TECHNIQUE = "default"  # the technique of the field in the data map
ACTIONS = frozenset({"mask", "reveal", "protect", "index"})
ALLOW, DENY = "allow", "deny"
MAX_ROLE_DEPTH = 5
COLUMNS = ("id", "priority", "role", "purpose", "recipient", "dataset", "class", "region", "action", "condition", "technique", "effect")


@dataclass(frozen=True, slots=True)
class Row:
    """One rule. `line` is where it stands in the file, for messages only."""

    id: str
    priority: int
    role: str
    purpose: str
    recipient: str
    dataset: str
    field_class: str
    region: str
    action: str
    condition: str
    technique: str
    effect: str
    line: int = field(default=0, compare=False)

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells in file order: what casbin reads and what a digest covers."""
        return (self.id, str(self.priority), *self.meaning)

    @property
    def meaning(self) -> tuple[str, ...]:
        """The row without its name and place: two rows with one meaning are a slip."""
        where = (self.role, self.purpose, self.recipient, self.dataset, self.field_class, self.region, self.action)
        return (*where, self.condition, self.technique, self.effect)

    @property
    def outcome(self) -> tuple[str, str]:
        return (self.effect, self.technique)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words rows may use. `classes` holds field classes and `category:<id>`; `recipients` None means: not checked here."""

    roles: frozenset[str]
    purposes: frozenset[str]
    classes: frozenset[str]
    techniques: frozenset[str]
    recipients: frozenset[str] | None = None


@dataclass(frozen=True)
class Policy:
    """Rows sorted by priority (file order among equals) and the direct role links role → groups."""

    rows: tuple[Row, ...]
    links: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Row], links: Mapping[str, frozenset[str]] | None = None) -> "Policy":
        return cls(tuple(sorted(rows, key=lambda row: row.priority)), dict(links or {}))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the meaning (not the spelling) of the policy, in hexadecimal."""
        links = sorted([role, group] for role, groups in self.links.items() for group in groups)
        return hashlib.sha256(canonical_json({"rows": [list(row.cells) for row in self.rows], "groups": links})).hexdigest()

    @cached_property
    def _buckets(self) -> Mapping[tuple[str, str], tuple[tuple[int, Row], ...]]:
        """Rows by (action, purpose), each with its rank: a request reads four small buckets instead of the whole policy."""
        buckets: dict[tuple[str, str], list[tuple[int, Row]]] = {}
        for rank, row in enumerate(self.rows):
            buckets.setdefault((row.action, row.purpose), []).append((rank, row))
        return {key: tuple(rows) for key, rows in buckets.items()}

    def candidates(self, action: str, purpose: str) -> list[Row]:
        """Return the rows that may speak about this action and purpose, in deciding order."""
        keys = {(a, p) for a in (action, ANY) for p in (purpose, ANY)}
        return [row for _, row in sorted((ranked for key in keys for ranked in self._buckets.get(key, ())), key=lambda ranked: ranked[0])]

    def roles_of(self, roles: Iterable[str]) -> frozenset[str]:
        """Return `roles` with every group they belong to, directly or through other groups."""
        seen: set[str] = set()
        waiting = list(roles)
        while waiting:
            role = waiting.pop()
            if role not in seen:
                seen.add(role)
                waiting.extend(self.links.get(role, ()))
        return frozenset(seen)


def dataset_matches(pattern: str, dataset: str) -> bool:
    """Return whether `pattern` covers `dataset`: equal, or a prefix before a closing `*`."""
    return dataset.startswith(pattern[:-1]) if pattern.endswith(ANY) else pattern == dataset
