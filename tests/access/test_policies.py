"""Policies as governed things: examples, differences, versions, activation, and how fast a change arrives."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from privacy.access.policies import PolicyFiles, examine
from privacy.access.requests import DecisionItem, MaskRecords
from privacy.audit.events import Action
from privacy.kernel.errors import AccessDenied, AuditUnavailable, Conflict, Misconfigured, NotFound
from privacy.kernel.ids import DEFAULT_TENANT
from tests.access.builders import ORACLE, SHIPPED, TAXONOMY, Company, as_role, customer, open_company, operator, words

SHIPPED_FILES = PolicyFiles.read(SHIPPED)


def changed(old: str, new: str, examples: bytes = SHIPPED_FILES.examples) -> PolicyFiles:
    """The shipped policy with one piece replaced; columns may stand at any distance."""
    text = "\n".join(" ".join(line.split()) for line in SHIPPED_FILES.policy.decode().splitlines())
    assert old in text
    return PolicyFiles(text.replace(old, new).encode(), examples)


def without_example(*parts: str) -> bytes:
    lines = SHIPPED_FILES.examples.decode().splitlines()
    return "\n".join(line for line in lines if not any(part in line for part in parts)).encode()


AGENT_SEES_CITY = "support-address, 203, front, support, *, *, address, *, mask, true, default, allow"
OPENED = changed(AGENT_SEES_CITY, AGENT_SEES_CITY.replace("default", "none"), without_example("agent sees the city"))


@pytest.fixture
def company() -> Company:
    return open_company()


def test_the_shipped_policy_has_no_findings_and_keeps_its_examples() -> None:
    """By the compiled tables and by casbin."""
    candidate = examine(SHIPPED_FILES, words(), TAXONOMY, ORACLE)
    assert candidate.findings == () and candidate.failures == () and len(candidate.examples) >= 40


def test_a_policy_that_breaks_an_example_is_not_activated(company: Company) -> None:
    """The example is named with its line, what it expects and what came out."""
    candidate = company.policies.examine(DEFAULT_TENANT, changed(AGENT_SEES_CITY, AGENT_SEES_CITY.replace("default", "none")))
    (failure,) = candidate.failures
    assert (failure.name, failure.expected, failure.decided, failure.rule) == ("agent sees the city", "masked address_city", "clear none", "support-address")
    with pytest.raises(Misconfigured, match="agent sees the city comes out as clear none"):
        company.policies.apply(operator(), candidate)
    assert company.policies.active(DEFAULT_TENANT).version == 1


def test_a_policy_with_a_lint_error_is_not_activated(company: Company) -> None:
    """National ids in clear without a second factor stop it."""
    old = "service-identifier, 110, application, service, *, *, identifier, *, mask, true, default, allow"
    files = changed(old, old.replace("default", "none"), without_example("national id"))
    with pytest.raises(Misconfigured, match="without a second factor"):
        company.policies.apply(operator(), company.policies.examine(DEFAULT_TENANT, files))


def test_the_difference_says_who_gains_what(company: Company) -> None:
    """One change of technique: agents and applications gain addresses in clear for support, whatever the recipient."""
    changes = company.policies.diff(operator(), company.policies.examine(DEFAULT_TENANT, OPENED))
    assert {(c.direction, c.role, c.purpose, c.recipient, c.action) for c in changes} == {
        ("opens", "agent", "support", "*", "mask"),
        ("opens", "application", "support", "*", "mask"),
    }
    assert all(c.categories == ("address",) and c.datasets == ("crm.customer",) and c.facts == "always" for c in changes)


def test_a_rewritten_policy_with_the_same_decisions_has_no_difference(company: Company) -> None:
    """Renamed rows and a row split in two are no change for anybody."""
    halves = "\n".join(f"p, split-{n}, 203, {role}, support, *, *, address, *, mask, true, default, allow" for n, role in enumerate(("agent", "application")))
    files = changed("p, " + AGENT_SEES_CITY, halves)
    assert company.policies.diff(operator(), company.policies.examine(DEFAULT_TENANT, files)) == []


def test_applying_makes_the_next_version_with_its_event(company: Company) -> None:
    """Number, digest, who, when, and in the event how many decisions open and close."""
    version = company.policies.apply(operator(), company.policies.examine(DEFAULT_TENANT, OPENED), "agents need the street", "req-5")
    assert (version.version, version.activated_by) == (2, "operator:test")
    (event,) = company.audit.events
    assert event.action is Action.POLICY_ACTIVATED and event.counts["opens"] == 2 and event.counts["closes"] == 0
    assert event.free == {"note": "agents need the street"} and event.object_ref == "v2"
    assert [found.version for found in company.policies.versions(operator())] == [2, 1]
    assert company.policies.version(operator(), 2).policy == OPENED.policy.decode()
    shown = company.access.mask_records(as_role("agent"), MaskRecords.of("crm.customer", "support", [customer()]))
    assert shown.policy_version == 2 and "417" in shown.records.reveal()[0]["address"]


def test_applying_needs_the_scope(company: Company) -> None:
    """A DPO reads policies and does not change them."""
    with pytest.raises(AccessDenied, match="policy:write"):
        company.policies.apply(as_role("dpo"), company.policies.examine(DEFAULT_TENANT, OPENED))


def test_applying_the_same_rules_again_is_refused(company: Company) -> None:
    """Nothing would change; versions tell changes."""
    with pytest.raises(Conflict, match="version 1 says already"):
        company.policies.apply(operator(), company.policies.examine(DEFAULT_TENANT, SHIPPED_FILES))


def test_two_people_cannot_both_replace_the_version_they_looked_at(company: Company) -> None:
    """The second one is told to look again."""
    candidate = company.policies.examine(DEFAULT_TENANT, OPENED)
    company.policies.active(DEFAULT_TENANT)
    company.repository.epoch[DEFAULT_TENANT] = 7  # what the other one did meanwhile
    with pytest.raises(Conflict, match="activated meanwhile"):
        company.policies.apply(operator(), candidate)


def test_without_its_event_a_policy_is_not_activated(company: Company) -> None:
    """The event is part of the transaction."""
    company.audit.refuse = True
    with pytest.raises(AuditUnavailable):
        company.policies.apply(operator(), company.policies.examine(DEFAULT_TENANT, OPENED))


def test_a_change_by_another_process_arrives_within_a_second(company: Company) -> None:
    """The epoch is read at most once a second, and then the new version decides."""
    company.policies.active(DEFAULT_TENANT)
    reads = company.repository.reads
    for _ in range(100):
        company.policies.active(DEFAULT_TENANT)
    assert company.repository.reads == reads
    other = open_company()
    version = other.policies.apply(operator(), other.policies.examine(DEFAULT_TENANT, OPENED))
    company.repository.rows[DEFAULT_TENANT, 2] = version
    company.repository.epoch[DEFAULT_TENANT] = 2
    assert company.policies.active(DEFAULT_TENANT).version == 1
    company.clock.advance(timedelta(seconds=1))
    assert company.policies.active(DEFAULT_TENANT).version == 2


def test_a_policy_altered_in_the_database_is_noticed(company: Company) -> None:
    """Its digest was taken when it was activated."""
    stored = company.repository.rows[DEFAULT_TENANT, 1]
    company.repository.rows[DEFAULT_TENANT, 3] = replace(stored, version=3, policy=OPENED.policy.decode())
    company.repository.epoch[DEFAULT_TENANT] = 3
    company.clock.advance(timedelta(seconds=1))
    with pytest.raises(Misconfigured, match="differs from its digest"):
        company.policies.active(DEFAULT_TENANT)


def test_loading_the_shipped_policy_again_changes_nothing(company: Company) -> None:
    """`privacy init` may run any number of times."""
    assert company.policies.load_initial(operator(), OPENED) is None
    assert company.policies.active(DEFAULT_TENANT).version == 1


def test_an_unknown_version_is_not_found(company: Company) -> None:
    """With the place to look."""
    with pytest.raises(NotFound, match="policy/versions"):
        company.policies.version(operator(), 99)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("only, three, cells", "11 cells"),
        ("x, emperor, -, service, internal, cn, crm.customer, name, mask, clear, none", "cell roles"),
        ("x, agent, true, service, internal, cn, crm.customer, name, mask, clear, none", "cell facts"),
        ("x, agent, -, fishing, internal, cn, crm.customer, name, mask, clear, none", "cell purpose"),
        ("x, agent, -, service, internal, cn, crm.customer, nose, mask, clear, none", "cell category"),
        ("x, agent, -, service, internal, cn, crm.customer, name, mask, seen, none", "cell effect"),
        ("x, agent, -, service, internal, cn, crm.customer, name, mask, clear, tail4", "cell technique"),
        ("", "no example"),
    ],
)
def test_a_faulty_example_is_refused_with_its_place(line: str, says: str) -> None:
    """Examples are read as strictly as rules."""
    with pytest.raises(Misconfigured, match="is refused for one fault") as caught:
        examine(PolicyFiles(SHIPPED_FILES.policy, line.encode()), words(), TAXONOMY)
    assert caught.value.flaws[0].pointer.startswith("examples.csv:1:") and says in caught.value.flaws[0].detail


def test_callers_do_not_queue_behind_a_slow_look_at_the_epoch(company: Company) -> None:
    """While one looks the others go on with what was right a moment ago; after three seconds without an answer each looks for itself."""
    company.policies.active(DEFAULT_TENANT)
    reads = company.repository.reads
    with company.policies._looking:  # another thread is looking and waits for the database
        company.clock.advance(timedelta(seconds=2))
        company.policies.active(DEFAULT_TENANT)
        assert company.repository.reads == reads
        company.clock.advance(timedelta(seconds=2))
        company.policies.active(DEFAULT_TENANT)
        assert company.repository.reads == reads + 1


def test_answers_stay_right_while_policies_change_under_eight_threads(company: Company) -> None:
    """Every answer fits the version it names: no half-read policy, no plan of another version, no exception."""
    opened, shipped = (company.policies.examine(DEFAULT_TENANT, files) for files in (OPENED, SHIPPED_FILES))
    wrong: list[object] = []
    done = threading.Event()

    def ask() -> None:
        agent, asked = as_role("agent"), [DecisionItem("crm.customer", "address", "support")]
        while not done.wait(0.002):
            try:
                answer = company.access.decide(agent, asked)
            except Exception as error:
                wrong.append(error)
                return
            if (answer.items[0].effect == "clear") != (answer.policy_version % 2 == 0):
                wrong.append(answer)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for candidate in (opened, shipped) * 3:
        company.policies.apply(operator(), candidate)
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == [] and company.policies.active(DEFAULT_TENANT).version == 7
