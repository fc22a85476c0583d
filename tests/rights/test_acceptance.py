"""Accepting law by name: who, when, on what ground; once; seen in the log; effective in one tenant only."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from privacy.audit.events import Action
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AccessDenied, AuditUnavailable, Conflict, InvalidInput, NotFound
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor
from privacy.rights.acceptance import Acceptance, RuleAcceptance
from privacy.rights.deadlines import in_effect
from tests.access.builders import MemoryStore
from tests.cast import ALICE, BOB, CAROL, CHARLIE, DAVE, OTHER_TENANT
from tests.remembering import RememberingLog
from tests.rights.legal_days import noon, shipped

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


class MemoryAcceptances:
    def __init__(self) -> None:
        self.rows: list[tuple[TenantId, Acceptance]] = []

    def add(self, tx: Tx, tenant: TenantId, acceptance: Acceptance) -> None:
        self.rows.append((tenant, acceptance))

    def all(self, tx: Tx, tenant: TenantId) -> list[Acceptance]:
        return [row for owner, row in self.rows if owner == tenant]


@pytest.fixture
def log() -> RememberingLog:
    return RememberingLog()


@pytest.fixture
def acceptance(log: RememberingLog) -> RuleAcceptance:
    return RuleAcceptance(shipped(), MemoryStore(), MemoryAcceptances(), log, FixedClock(NOW))


def test_an_accepted_rule_takes_effect_in_its_tenant_and_in_no_other(acceptance: RuleAcceptance) -> None:
    made = acceptance.accept(ALICE, "pipl.dsr.app", 1, "text read by counsel")
    assert made == Acceptance("pipl.dsr.app", 1, ALICE.ref, NOW, "text read by counsel")
    for tenant, rule in ((ALICE.tenant, "pipl.dsr.app"), (OTHER_TENANT, "pipl.dsr.timely")):
        clocks = shipped().clocks("access", ["pipl"], "Asia/Shanghai", "cn", noon("2026-03-02"), accepted=acceptance.accepted(tenant))
        assert [clock.rule for clock in clocks if in_effect(clock)] == [rule]


def test_the_log_names_the_rule_and_keeps_the_reason_erasable(acceptance: RuleAcceptance, log: RememberingLog) -> None:
    acceptance.accept(ALICE, "pipl.dsr.app", 1, "text read by counsel", request_id="r1")
    (event,) = log.events
    assert (event.action, event.actor, event.object_ref, event.request_id) == (Action.RULE_ACCEPTED, ALICE, "pipl.dsr.app@1", "r1")
    assert event.free == {"reason": "text read by counsel"}


def test_a_reason_speaks_of_law_and_not_of_people(log: RememberingLog) -> None:
    """It is kept in clear for as long as the acceptance counts."""

    class Guard:
        def is_personal(self, text: str) -> bool:
            return "@" in text

    rows = MemoryAcceptances()
    acceptance = RuleAcceptance(shipped(), MemoryStore(), rows, log, FixedClock(NOW), Guard())
    with pytest.raises(InvalidInput) as refused:
        acceptance.accept(ALICE, "pipl.dsr.app", 1, "counsel of ortrud@company.example read it")
    assert refused.value.flaws[0].pointer == "/reason" and "ortrud" not in refused.value.detail
    assert (rows.rows, log.events) == ([], [])
    assert acceptance.accept(ALICE, "pipl.dsr.app", 1, "text read by counsel")


def test_accepting_twice_is_once(acceptance: RuleAcceptance, log: RememberingLog) -> None:
    first = acceptance.accept(ALICE, "pipl.dsr.gbt", 1, "first")
    assert acceptance.accept(replace(ALICE, ref="user:other"), "pipl.dsr.gbt", 1, "second") == first
    assert (acceptance.list(CAROL), len(log.events)) == ([first], 1)


def test_a_calendar_is_accepted_by_place_and_year(acceptance: RuleAcceptance) -> None:
    acceptance.accept(ALICE, "us-ca/2026", 1, "compared with the state's list")
    assert acceptance.accepted(ALICE.tenant) == {("us-ca/2026", 1)}


@pytest.mark.parametrize("actor", [BOB, CAROL, CHARLIE, DAVE], ids=lambda actor: actor.ref)
def test_only_who_works_on_requests_accepts_law(acceptance: RuleAcceptance, actor: Actor) -> None:
    with pytest.raises(AccessDenied):
        acceptance.accept(actor, "pipl.dsr.app", 1, "")
    assert acceptance.accepted(actor.tenant) == frozenset()


@pytest.mark.parametrize(
    ("id", "version", "error"),
    [
        ("pipl.dsr.app", 2, NotFound),
        ("nothing", 1, NotFound),
        ("gdpr.dsr.answer", 1, Conflict),
        ("gdpr.breach.authority", 2, Conflict),
        ("de/2026", 1, Conflict),
    ],
)
def test_only_what_waits_to_be_verified_is_accepted(acceptance: RuleAcceptance, id: str, version: int, error: type[Exception]) -> None:
    """Proposed law does not become law by being accepted here."""
    with pytest.raises(error):
        acceptance.accept(ALICE, id, version, "")


def test_strangers_do_not_see_who_accepted_what(acceptance: RuleAcceptance) -> None:
    with pytest.raises(AccessDenied):
        acceptance.list(CHARLIE)


def test_without_its_event_nothing_is_accepted(acceptance: RuleAcceptance, log: RememberingLog) -> None:
    """The store rolls back what raises; here it is enough that the refusal comes out."""
    log.refuse = True
    with pytest.raises(AuditUnavailable):
        acceptance.accept(ALICE, "pipl.dsr.app", 1, "")
