"""Compiled decisions against casbin, which is the reference: same rows, same request, same answer and same deciding row."""

import threading
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.access.compiled import UNKNOWN_REGION, Plan, PlanCache, Scope, first_match, is_allowed
from privacy.access.lint import lint
from privacy.access.ports import OracleRequest
from privacy.access.predicates import PREDICATES, TRUE, holds
from privacy.access.rows import ANY, EXTERNAL, INTERNAL, Policy, Row
from tests.access.builders import ORACLE, TAXONOMY

ROLES = ("agent", "analyst", "dpo")
GROUPS = ("front", "worker", "all")
PURPOSES = ("service", "support")
RECIPIENTS = ("courier", "agency")
DATASETS = ("crm.customer", "crm.order", "crm", "shop.customer", "-")
PATTERNS = (ANY, "crm*", "crm.*", "crm.customer", "shop.*")
FIELDS = (("contact", "phone"), ("contact", "email"), ("identity", "name"))
CLASSES = (ANY, "contact", "identity", "category:phone", "category:name")
REGIONS = ("cn", "de")
TRUTHS = st.fixed_dictionaries({name: st.just(True) if name == TRUE else st.sampled_from([True, False, None]) for name in PREDICATES})


def often_any(*words: str) -> st.SearchStrategy[str]:
    """Half of the cells say any: rows that never meet a request would prove nothing."""
    return st.one_of(st.just(ANY), st.sampled_from(words))


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    numbers = count()
    effect = st.sampled_from(["allow", "deny"])
    row = st.tuples(
        st.integers(0, 12),
        often_any(*ROLES, *GROUPS),
        often_any(*PURPOSES),
        often_any(INTERNAL, EXTERNAL, *RECIPIENTS),
        often_any(*PATTERNS),
        often_any(*CLASSES),
        often_any(*REGIONS),
        often_any("mask", "reveal"),
        st.sampled_from(sorted(PREDICATES)),
        st.sampled_from(["none", "phone"]),
        effect,
    )
    return [Row(f"r{next(numbers)}", *cells) for cells in draw(st.lists(row, min_size=1, max_size=14))]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    links = {role: frozenset(draw(st.sets(st.sampled_from(GROUPS), max_size=2))) for role in ROLES}
    links["front"] = frozenset(draw(st.sets(st.just("worker"))))
    links["worker"] = frozenset(draw(st.sets(st.just("all"))))
    return Policy.of(draw(rows()), links)


REQUESTS = st.tuples(
    st.frozensets(st.sampled_from(ROLES), min_size=1),
    st.sampled_from(PURPOSES),
    st.sampled_from([INTERNAL, *RECIPIENTS]),
    st.sampled_from(DATASETS),
    st.sampled_from(["mask", "reveal"]),
    st.sampled_from([UNKNOWN_REGION, *REGIONS]),
    st.sampled_from(FIELDS),
    TRUTHS,
)


def compiled(policy: Policy, request: Any) -> tuple[bool, str]:
    *scope, field, truths = request
    step = first_match(Plan(policy, Scope(*scope)).steps(*field), truths)
    return is_allowed(step), step.row if step else ""


def by_casbin(policy: Policy, request: Any) -> tuple[bool, str]:
    roles, purpose, recipient, dataset, action, region, (field_class, category), truths = request
    return ORACLE.decide(policy, OracleRequest(roles, purpose, recipient, dataset, field_class, category, action, region, truths))


@settings(max_examples=200, deadline=None)
@given(policies(), st.lists(REQUESTS, min_size=1, max_size=8))
def test_compiled_decisions_equal_casbins(policy: Policy, requests: list[Any]) -> None:
    """Over random policies and requests, with groups, patterns, regions, recipients and answered or missing conditions."""
    for request in requests:
        assert compiled(policy, request) == by_casbin(policy, request)


def test_a_missing_fact_closes() -> None:
    """A fact nobody knows is false for a row that allows and true for a row that denies."""
    assert not holds("mfa", "allow", {"mfa": None})
    assert holds("mfa", "deny", {"mfa": None})
    assert holds("never_heard_of", "deny", {}) and not holds("never_heard_of", "allow", {})


def row(id: str, priority: int, **cells: str) -> Row:
    told = {"role": ANY, "purpose": ANY, "recipient": ANY, "dataset": ANY, "field_class": ANY, "region": ANY, "action": ANY}
    return Row(id, priority, **{**told, "condition": "true", "technique": "none", "effect": "allow", **cells})  # type: ignore[arg-type]


def test_an_unknown_region_is_closed_to_rows_that_name_one() -> None:
    """Where the data goes is not known: rows that deny a country apply, rows that allow one do not."""
    scope = Scope(frozenset({"agent"}), "support", INTERNAL, "crm.customer", "mask")
    assert Plan(Policy.of([row("a", 1, region="de")]), scope).steps("contact", "phone") == ()
    assert Plan(Policy.of([row("d", 1, region="de", effect="deny")]), scope).steps("contact", "phone")[0].row == "d"


def test_steps_end_behind_the_first_row_without_condition() -> None:
    """What can never be reached is not walked."""
    policy = Policy.of([row("a", 1, condition="mfa"), row("b", 2), row("c", 3)])
    plan = Plan(policy, Scope(frozenset({"agent"}), "support", INTERNAL, "crm.customer", "mask"))
    assert [step.row for step in plan.steps("contact", "phone")] == ["a", "b"]


def test_a_decision_looks_at_few_rows_however_large_the_policy() -> None:
    """20,000 rows for other purposes are not walked: the bucket of this purpose holds what may speak."""
    many = [row(f"r{n}", n, purpose=f"p{n}") for n in range(20_000)]
    policy = Policy.of([*many, row("mine", 30_000, purpose="support")])
    assert [found.id for found in policy.candidates("mask", "support")] == ["mine"]


def test_the_cache_is_bounded_and_forgets_the_longest_unused() -> None:
    """A flood of questions costs other callers a recompilation, never memory."""
    cache, made = PlanCache(2), []
    policy = Policy.of([row("a", 1)])

    def ask(purpose: str) -> None:
        def make() -> Plan:
            made.append(purpose)
            return Plan(policy, Scope(frozenset({"agent"}), purpose, INTERNAL, "crm.customer", "mask"))

        cache.get((purpose,), make)

    for purpose in ("a", "b", "a", "c", "a", "b"):
        ask(purpose)
    assert made == ["a", "b", "c", "b"] and len(cache) == 2


def test_many_threads_get_the_same_answers_from_one_plan() -> None:
    """A plan is shared between threads: no false allow, no exception."""
    policy = Policy.of([row("no", 1, field_class="contact", effect="deny"), row("yes", 2)])
    plan = Plan(policy, Scope(frozenset({"agent"}), "support", INTERNAL, "crm.customer", "mask"))
    wrong: list[str] = []

    def ask() -> None:
        for _ in range(2000):
            for field_class, category in (("contact", "phone"), ("identity", "name")):
                step = first_match(plan.steps(field_class, category), {"true": True})
                if step is None or step.row != ("no" if field_class == "contact" else "yes"):
                    wrong.append(field_class)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


CLASS_OF = {id: category.field_class for id, category in TAXONOMY.categories.items()}


def codes(*found: Row, links: dict[str, frozenset[str]] | None = None) -> list[str]:
    return [f"{finding.code} {finding.row}" for finding in lint(Policy.of(found, links), CLASS_OF)]


def test_lint_finds_equal_priority_with_different_outcome() -> None:
    """Which of two rows decides must not hang on their order in the file."""
    a, b = row("a", 1, role="agent", technique="phone", field_class="category:phone"), row("b", 1, role="agent", field_class="contact")
    assert codes(a, b) == ["equal_priority b"]
    assert codes(a, row("b", 1, role="analyst", field_class="contact")) == []
    assert codes(a, row("b", 1, role="front", field_class="contact"), links={"agent": frozenset({"front"})}) == ["equal_priority b"]
    given, withdrawn = row("a", 1, condition="consent_given", technique="phone"), row("b", 1, condition="consent_withdrawn", effect="deny")
    assert codes(given, withdrawn) == []


def test_lint_finds_rows_that_can_never_decide() -> None:
    """A wider row without condition stands before them."""
    wide = row("wide", 1, technique="redact", dataset="crm.*", field_class="contact")
    assert codes(wide, row("late", 2, technique="phone", dataset="crm.customer", field_class="category:phone")) == ["unreachable late"]
    assert codes(wide, row("late", 2, technique="phone", dataset="*", field_class="category:phone")) == []
    assert codes(row("wide", 1, condition="mfa", field_class="contact"), row("late", 2, technique="phone", field_class="contact")) == []


def test_lint_finds_sensitive_fields_in_clear_without_a_second_factor() -> None:
    """Restricted, identifying, financial and secret fields need mfa to be shown; a row for all classes includes them."""
    assert codes(row("a", 1, action="mask")) == ["clear_without_mfa a"]
    assert codes(row("a", 1, action="mask", field_class="category:national_id")) == ["clear_without_mfa a"]
    assert codes(row("a", 1, action="mask", field_class="contact")) == []
    assert codes(row("a", 1, action="mask", condition="mfa")) == []
    assert codes(row("a", 1, action="reveal", field_class="restricted")) == ["clear_without_mfa a"]


def test_lint_names_rules_for_datasets_nobody_has() -> None:
    """A rule for a dataset that is not in the data map is probably misspelt."""
    found = lint(Policy.of([row("a", 1, dataset="cmr.*", technique="phone")]), CLASS_OF, ["crm.customer"])
    assert [finding.code for finding in found] == ["dataset_unmatched"]
