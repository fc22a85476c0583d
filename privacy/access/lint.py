"""What is legal in a policy and still looks wrong. An error stops activation, a warning is shown."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from privacy.access.predicates import TRUE
from privacy.access.rows import ALLOW, ANY, CATEGORY, CLEAR_TECHNIQUE, EXTERNAL, INTERNAL, Policy, Row, dataset_matches

MAX_PAIRWISE = 3000
_HIGH_RISK = frozenset({"restricted", "identifier", "financial", "credential"})
_HIGH_RISK_REVEAL = frozenset({"restricted", "credential"})  # a reveal is one value of one subject, by its own scope and with its own event
_EXCLUDE_EACH_OTHER = frozenset({"consent_given", "consent_withdrawn"})

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, slots=True)
class LintFinding:
    level: str
    code: str
    line: int
    row: str
    detail: str


class Relations:
    """How the words of two rows relate: does one cover the other, can both fit one request?"""

    def __init__(self, policy: Policy, class_of: Mapping[str, str]) -> None:
        self._policy = policy
        self._class_of = class_of  # category id → field class
        self._reaches = {role: policy.roles_of([role]) for role in {row.role for row in policy.rows} | set(policy.links)}

    def covers(self, wide: Row, narrow: Row) -> bool:
        """Return whether every request that fits `narrow` (conditions aside) fits `wide`."""
        return (
            wide.role in (ANY, narrow.role, *self._reaches.get(narrow.role, ()))
            and wide.purpose in (ANY, narrow.purpose)
            and (wide.recipient in (ANY, narrow.recipient) or (wide.recipient == EXTERNAL and narrow.recipient not in (ANY, INTERNAL)))
            and _pattern_covers(wide.dataset, narrow.dataset)
            and (wide.field_class in (ANY, narrow.field_class) or wide.field_class == self._class(narrow.field_class))
            and wide.region in (ANY, narrow.region)
            and wide.action in (ANY, narrow.action)
        )

    def overlaps(self, a: Row, b: Row) -> bool:
        """Return whether one request of a caller with a single role can fit both rows and both conditions."""
        return (
            self._roles_meet(a.role, b.role)
            and _meet(a.purpose, b.purpose)
            and self._recipients_meet(a.recipient, b.recipient)
            and (_pattern_covers(a.dataset, b.dataset) or _pattern_covers(b.dataset, a.dataset))
            and (_meet(a.field_class, b.field_class) or self._class(a.field_class) == b.field_class or self._class(b.field_class) == a.field_class)
            and _meet(a.region, b.region)
            and _meet(a.action, b.action)
            and not (a.condition != b.condition and {a.condition, b.condition} <= _EXCLUDE_EACH_OTHER)
        )

    @staticmethod
    def _recipients_meet(a: str, b: str) -> bool:
        return _meet(a, b) or (EXTERNAL in (a, b) and INTERNAL not in (a, b))

    def classes_in(self, row: Row) -> frozenset[str]:
        """Return the field classes a row opens or closes."""
        if row.field_class == ANY:
            return frozenset(self._class_of.values())
        return frozenset({self._class(row.field_class) or row.field_class})

    def _class(self, name: str) -> str:
        return self._class_of.get(name.removeprefix(CATEGORY), "") if name.startswith(CATEGORY) else ""

    def _roles_meet(self, a: str, b: str) -> bool:
        if ANY in (a, b):
            return True
        return any(a in reached and b in reached for reached in (*self._reaches.values(), {a}, {b}))


def lint(policy: Policy, class_of: Mapping[str, str], datasets: Iterable[str] = ()) -> list[LintFinding]:
    """Return what looks wrong. `class_of` maps category ids to classes; `datasets` are the names in the data map (none: not checked)."""
    relations = Relations(policy, class_of)
    found = [finding for row in policy.rows for finding in _alone(row, relations)]
    names = list(datasets)
    if names:
        found += [
            _finding(WARNING, "dataset_unmatched", row, "No dataset of the data map matches this rule.") for row in policy.rows if not _matches_any(row, names)
        ]
    if len(policy.rows) <= MAX_PAIRWISE:
        found += _pairs(policy.rows, relations)
    else:
        found.append(LintFinding(WARNING, "pairs_not_checked", 0, "", f"More than {MAX_PAIRWISE} rules: overlaps and unreachable rules were not looked for."))
    return found


def _alone(row: Row, relations: Relations) -> Iterable[LintFinding]:
    if row.effect != ALLOW or row.technique != CLEAR_TECHNIQUE or row.condition == "mfa":
        return
    risky = relations.classes_in(row) & (_HIGH_RISK if row.action in ("mask", ANY) else _HIGH_RISK_REVEAL if row.action == "reveal" else frozenset())
    if risky:
        detail = f"It opens {', '.join(sorted(risky))} in clear without a second factor; add the condition mfa, or name narrower classes."
        yield _finding(ERROR, "clear_without_mfa", row, detail)


def _pairs(rows: tuple[Row, ...], relations: Relations) -> Iterable[LintFinding]:
    for place, row in enumerate(rows):
        for earlier in rows[:place]:
            if _always_before(earlier, row) and relations.covers(earlier, row):
                yield _finding(WARNING, "unreachable", row, f"It can never decide: rule {earlier.id} on line {earlier.line} always does before it.")
                break
        for later in _same_priority(rows, place):
            if row.outcome != later.outcome and relations.overlaps(row, later):
                detail = f"It has the priority of rule {row.id} on line {row.line} and another outcome, and both can fit one request; change a priority."
                yield _finding(ERROR, "equal_priority", later, detail)


def _same_priority(rows: tuple[Row, ...], place: int) -> Iterable[Row]:
    for later in rows[place + 1 :]:
        if later.priority != rows[place].priority:
            return
        yield later


def _always_before(earlier: Row, row: Row) -> bool:
    # a row that denies also holds when its fact is missing, one that allows does not: only equal rows cover each other there
    return earlier.condition == TRUE or (earlier.condition == row.condition and earlier.effect == row.effect)


def _meet(a: str, b: str) -> bool:
    return a == b or ANY in (a, b)


def _pattern_covers(wide: str, narrow: str) -> bool:
    if not narrow.endswith(ANY):
        return dataset_matches(wide, narrow)
    return wide.endswith(ANY) and dataset_matches(wide, narrow.removesuffix(ANY))


def _matches_any(row: Row, names: list[str]) -> bool:
    return row.dataset == ANY or any(dataset_matches(row.dataset, name) for name in names)


def _finding(level: str, code: str, row: Row, detail: str) -> LintFinding:
    return LintFinding(level, code, row.line, row.id, detail)
