"""Golden decisions: `policies/examples.csv` says what a policy must decide; run by `privacy policy test` and before every activation.

A line has eleven cells: name, roles, facts, purpose, recipient, region, dataset, category, action, effect, technique. Roles and facts are joined by `+`;
facts name the conditions that hold (`mfa+consent_given`, or `-` for none), all others do not. The gates (is the purpose in force, …) are not part of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from privacy.access.compiled import UNKNOWN_REGION, Plan, Scope
from privacy.access.decision import Effect, Verdict, verdict_of
from privacy.access.loader import Cell, Refusals, read_cells
from privacy.access.ports import Categories, Oracle, OracleRequest
from privacy.access.predicates import PREDICATES, TRUE
from privacy.access.rows import ACTIONS, ANY, DEFAULT_TECHNIQUE, Policy, Vocabulary

COLUMNS = ("name", "roles", "facts", "purpose", "recipient", "region", "dataset", "category", "action", "effect", "technique")
_NONE = "-"


@dataclass(frozen=True, slots=True)
class Example:
    name: str
    roles: frozenset[str]
    facts: frozenset[str]
    purpose: str
    recipient: str
    region: str
    dataset: str
    category: str
    action: str
    effect: str
    technique: str
    line: int

    @property
    def truths(self) -> Mapping[str, bool | None]:
        return {name: name == TRUE or name in self.facts for name in PREDICATES}

    @property
    def scope(self) -> Scope:
        return Scope(self.roles, self.purpose, self.recipient, self.dataset, self.action, self.region)


@dataclass(frozen=True, slots=True)
class ExampleFailure:
    """An example that came out otherwise. `oracle_differs`: compiled decision and casbin disagree, which is our bug and never the policy's."""

    name: str
    line: int
    expected: str
    decided: str
    rule: str
    oracle_differs: bool = False


def read_examples(data: bytes, source: str, words: Vocabulary) -> tuple[Example, ...]:
    """Return the examples in `data`. Raises Misconfigured with file, line, column and remedy for what cannot be an example."""
    refusals = Refusals(source)
    examples = []
    for cells in read_cells(data, source, refusals):
        if len(cells) != len(COLUMNS) or not all(cell.text for cell in cells):
            refusals.add(cells[0].line, cells[0].column, f"An example has {len(COLUMNS)} cells, none empty: {', '.join(COLUMNS)}.")
        elif _words_known(cells, words, refusals):
            examples.append(_example(cells))
    if not examples and not refusals:
        refusals.add(1, 1, "There is no example in this file; a policy is activated only when its examples come out as written.")
    refusals.raise_any()
    return tuple(examples)


def _example(cells: list[Cell]) -> Example:
    name, roles, facts, purpose, recipient, region, dataset, category, action, effect, technique = (cell.text for cell in cells)
    region = UNKNOWN_REGION if region in (ANY, _NONE) else region
    return Example(name, _joined(roles), _joined(facts), purpose, recipient, region, dataset, category, action, effect, technique, cells[0].line)


def _words_known(cells: list[Cell], words: Vocabulary, refusals: Refusals) -> bool:
    by_name = dict(zip(COLUMNS, cells, strict=True))
    known = {
        "roles": words.roles,
        "facts": frozenset(PREDICATES) - {TRUE},
        "purpose": words.purposes | {_NONE},
        "category": frozenset(name.partition(":")[2] for name in words.classes if ":" in name),
        "action": ACTIONS,
        "effect": frozenset(Effect),
        "technique": words.techniques - {DEFAULT_TECHNIQUE} | {_NONE},
    }
    right = True
    for name, choices in known.items():
        given = _joined(by_name[name].text) if name in ("roles", "facts") else {by_name[name].text}
        if not given <= choices:
            refusals.add(by_name[name].line, by_name[name].column, f"Unknown word in the cell {name}; known are {', '.join(sorted(choices)[:40])}.")
            right = False
    return right


def _joined(text: str) -> frozenset[str]:
    return frozenset() if text == _NONE else frozenset(part.strip() for part in text.split("+"))


def run_examples(policy: Policy, examples: tuple[Example, ...], taxonomy: Categories, oracle: Oracle | None = None) -> list[ExampleFailure]:
    """Return the examples that do not come out as written, by the compiled policy or, where given, by casbin."""
    return [failure for example in examples if (failure := _run(policy, example, taxonomy, oracle))]


def _run(policy: Policy, example: Example, taxonomy: Categories, oracle: Oracle | None) -> ExampleFailure | None:
    category = taxonomy.category(example.category)
    verdict = verdict_of(Plan(policy, example.scope).steps(category.field_class, category.id), example.truths, category.technique)
    expected, decided = f"{example.effect} {example.technique}", f"{verdict.effect} {verdict.technique}"
    if oracle and not _agrees(oracle, policy, example, category.field_class, verdict):
        return ExampleFailure(example.name, example.line, expected, decided, verdict.reason.rule, oracle_differs=True)
    return None if expected == decided else ExampleFailure(example.name, example.line, expected, decided, verdict.reason.rule)


def _agrees(oracle: Oracle, policy: Policy, example: Example, field_class: str, verdict: Verdict) -> bool:
    scope = example.scope
    request = OracleRequest(
        scope.roles, scope.purpose, scope.recipient, scope.dataset, field_class, example.category, scope.action, scope.region, example.truths
    )
    allowed, row = oracle.decide(policy, request)
    if verdict.reason.code != "rule":
        return not allowed and row == ""
    return allowed == (verdict.effect is not Effect.WITHHELD) and row == verdict.reason.rule
