"""A hold restricts, its release lets the erasure go on by itself; nothing that came meanwhile is taken without a person's approval."""

from privacy.audit.ports import EventFilter
from privacy.disposal.model import PlanState
from privacy.inventory.relations import Erase
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.retention.model import NewHold
from tests.cast import ALICE, CAROL
from tests.company import tables
from tests.disposal import shop
from tests.disposal.erasing import Case
from tests.disposal.test_erasure import do, expected

HOLD = NewHold("shop", "claim of Okonkwo", "Wuhan court", dataset="shop.dd_main", keys=("DD0001",))


def held(case: Case) -> str:
    hold = case.application.holds.place(ALICE, HOLD)
    case.application.subject_keys.audit_refs(DEFAULT_TENANT, [shop.subject("xiaoming")])
    return hold.id


def test_a_held_order_stays_with_its_lines_untouched_and_goes_when_the_hold_ends(case: Case) -> None:
    before, hold = tables.dump(case.url), held(case)

    done = case.erase(shop.subject("xiaoming"))

    after = tables.dump(case.url)
    assert done.state is PlanState.DONE
    restricted = {row.dataset: row.rows for row in done.rows if row.action is Erase.RESTRICT}
    assert restricted == {"shop.dd_main": 1, "shop.dd_mx": 2, "shop.dd_fj": 1}
    assert after["dd_main"][("DD0001",)] == before["dd_main"][("DD0001",)] and after["dd_mx"][("DD0001", 1)] == before["dd_mx"][("DD0001", 1)]
    assert after["kh_info"][("KH0001",)]["xm"] == "[erased]" and after["kh_info"][("KH0001",)]["sjh"] is None
    assert case.application.subject_keys.audit_refs(DEFAULT_TENANT, [shop.subject("xiaoming")]) != [b""]

    case.application.holds.release(ALICE, hold)
    case.run()

    assert tables.dump(case.url) == expected(before, "xiaoming")
    assert case.application.subject_keys.audit_refs(DEFAULT_TENANT, [shop.subject("xiaoming")]) == [b""]
    newest, _ = case.application.disposal.plans_of(ALICE, "case-1")
    assert newest.state is PlanState.DONE and newest.approved_by == case.approver.ref and newest.made_by == "service:disposal"


def test_why_a_hold_was_placed_stands_in_no_plan_certificate_register_or_event(case: Case) -> None:
    """The reason may name a person; the rule names the hold, and the hold tells signed-in people why."""
    hold = held(case)
    done = case.erase(shop.subject("xiaoming"))

    register = case.application.restrictions.page(ALICE).restrictions
    events = case.application.trail.events(CAROL, EventFilter()).events
    note = case.application.disposal.certificate(CAROL, done.id).decode()
    assert "Okonkwo" not in repr((done, register, events)) + note
    assert {each.rule for each in register} == {f"hold:{hold}"} and all(each.reason.endswith("a legal hold") for each in register)
    assert ("a legal hold", f"hold:{hold}") in {(row.reason, row.rule) for row in done.rows}


def test_a_row_that_came_meanwhile_waits_for_a_person(case: Case) -> None:
    hold = held(case)
    case.erase(shop.subject("xiaoming"))
    do(case.url, "INSERT INTO hy_card (hykh, kh_bh, jf) VALUES ('8800417999', 'KH0001', 0)")
    before = tables.dump(case.url)

    case.application.holds.release(ALICE, hold)
    case.run()

    assert tables.dump(case.url) == before
    assert case.application.disposal.plans_of(ALICE, "case-1")[0].state is PlanState.PLANNED
