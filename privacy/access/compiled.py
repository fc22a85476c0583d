"""Policies compiled into small tables, so that a decision costs the same whether the policy has ten rows or a hundred thousand.

What cannot change between two calls (rows, roles, purpose, recipient, dataset, action, region) is settled once per `Scope`, and per class and
category of a field; what can (second factor, time, consent) stays as the condition of a `Step`. A changed data map needs no new plan: a field
that changes its class asks for the steps of another class. casbin over the same rows is the reference: tests compare the two.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from privacy.access.predicates import PREDICATES, TRUE, Truths, holds
from privacy.access.rows import ALLOW, ANY, CATEGORY, DENY, EXTERNAL, INTERNAL, Policy, Row, dataset_matches

UNKNOWN_REGION = "unknown"


@dataclass(frozen=True, slots=True)
class Scope:
    """One question to a policy, without the field. `recipient` is `internal` for the controller's own use."""

    roles: frozenset[str]
    purpose: str
    recipient: str
    dataset: str
    action: str
    region: str = UNKNOWN_REGION


@dataclass(frozen=True, slots=True)
class Step:
    """A row that speaks about a field once its condition holds."""

    row: str
    condition: str
    effect: str
    technique: str


Steps = tuple[Step, ...]


def scope_rows(policy: Policy, scope: Scope) -> list[Row]:
    """Return the rows whose columns match `scope`, whatever field and condition they name, in deciding order."""
    roles = policy.roles_of(scope.roles)
    return [row for row in policy.candidates(scope.action, scope.purpose) if mismatch(row, scope, roles) is None]


def mismatch(row: Row, scope: Scope, roles: frozenset[str]) -> str | None:
    """Return the first column of `row` that does not fit `scope` (`roles` with their groups), None when all do."""
    if row.action not in (ANY, scope.action):
        return "action"
    if row.role != ANY and row.role not in roles:
        return "role"
    if row.purpose not in (ANY, scope.purpose):
        return "purpose"
    if row.recipient not in (ANY, scope.recipient) and not (row.recipient == EXTERNAL and scope.recipient != INTERNAL):
        return "recipient"
    if not dataset_matches(row.dataset, scope.dataset):
        return "dataset"
    # a region nobody knows closes: rows that deny apply, rows that allow do not
    if row.region not in (ANY, scope.region) and not (row.effect == DENY and scope.region == UNKNOWN_REGION):
        return "region"
    return None


def names_class(row: Row, field_class: str, category: str) -> bool:
    return row.field_class in (ANY, field_class, CATEGORY + category)


def steps_for(rows: Iterable[Row], field_class: str, category: str) -> Steps:
    """Return the steps for one field class and category, cut behind the first row that always applies."""
    steps: list[Step] = []
    for row in rows:
        if names_class(row, field_class, category):
            steps.append(Step(row.id, row.condition, row.effect, row.technique))
            if row.condition == TRUE:
                break
    return tuple(steps)


def first_match(steps: Steps, truths: Truths) -> Step | None:
    """Return the step that decides, None when no row speaks (which means: withheld)."""
    for step in steps:
        if holds(step.condition, step.effect, truths):
            return step
    return None


def is_allowed(step: Step | None) -> bool:
    return step is not None and step.effect == ALLOW


class Plan:
    """The decisions of one scope: steps per (class, category), each compiled when first asked for."""

    __slots__ = ("_rows", "_steps", "asks_consent")

    def __init__(self, policy: Policy, scope: Scope) -> None:
        self._rows = scope_rows(policy, scope)
        self.asks_consent = any(PREDICATES[row.condition].per_subject for row in self._rows)
        self._steps: dict[tuple[str, str], Steps] = {}

    def steps(self, field_class: str, category: str) -> Steps:
        # two threads may compile the same key at once: they write the same value
        if (steps := self._steps.get((field_class, category))) is None:
            steps = self._steps[field_class, category] = steps_for(self._rows, field_class, category)
        return steps


class PlanCache:
    """At most `size` plans, the longest unused one goes first. Callers must refuse unknown words *before* asking, or strangers could fill it."""

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._plans: OrderedDict[tuple[object, ...], Plan] = OrderedDict()

    def get(self, key: tuple[object, ...], make: Callable[[], Plan]) -> Plan:
        with self._lock:
            if (plan := self._plans.get(key)) is not None:
                self._plans.move_to_end(key)
                return plan
        plan = make()  # outside the lock: a large policy must not hold up other callers
        with self._lock:
            self._plans[key] = plan
            while len(self._plans) > self._size:
                self._plans.popitem(last=False)
        return plan

    def __len__(self) -> int:
        return len(self._plans)
