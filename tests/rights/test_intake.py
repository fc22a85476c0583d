"""Taking requests in: what is kept and how, deadlines from the first moment, the same person's open request once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from privacy.adapters.store.engine import SqlStore
from privacy.kernel.errors import AccessDenied, InvalidInput, NotFound
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.plaintext import Plaintext
from privacy.rights.model import NewRequest, Requester, RequestKind, RequestState
from privacy.subjects.model import Identifier, IdentifierKind
from tests.cast import ALICE, BOB, CAROL, CHARLIE, LI_XIAOMING, OTHER_TENANT, actor_as
from tests.rights.office import AGNES, DAY, EMAIL, NAME, PHONE, SWITCHBOARD, Bureau


def test_a_request_is_dated_at_once_and_every_deadline_says_how(office: Bureau) -> None:
    """Rule, version, calendar, zone and inputs stand with each, so that it can be computed again."""
    taken = office.requests.receive(AGNES, NewRequest(RequestKind.ACCESS, "main", (EMAIL,)))
    assert taken.shown.request.state is RequestState.RECEIVED
    assert {clock.regime for clock in taken.shown.clocks} == {"gdpr", "pipl"}
    for clock in taken.shown.clocks:
        assert clock.rule and clock.version >= 1 and clock.zone == "Europe/Berlin" and clock.inputs
    gdpr = next(clock for clock in taken.shown.clocks if clock.regime == "gdpr" and clock.name == "answer")
    assert gdpr.due.isoformat() == "2026-12-22"
    assert taken.shown.days_left is not None and taken.shown.days_left >= 0


@pytest.mark.parametrize("kind", RequestKind)
def test_every_kind_of_request_is_taken_in(office: Bureau, kind: RequestKind) -> None:
    id = office.receive(kind)
    assert office.requests.get(ALICE, id).request.kind is kind


def test_three_regimes_may_apply_and_the_earliest_target_leads(office: Bureau) -> None:
    new = NewRequest(RequestKind.ACCESS, "west", (EMAIL,), regimes=("ccpa", "gdpr", "pipl"))
    shown = office.requests.receive(AGNES, new).shown
    assert {clock.regime for clock in shown.clocks} == {"ccpa", "gdpr", "pipl"}
    answers = [clock for clock in shown.clocks if clock.name == "answer"]
    assert shown.request.target_at is not None
    assert shown.request.target_at.date() <= min(datetime.fromisoformat(clock.target.isoformat()).date() for clock in answers) + DAY


def test_nothing_personal_stands_in_the_database_in_clear(office: Bureau, sqlite_store: SqlStore) -> None:
    """Identifiers and what the person wrote open with the case's own key alone."""
    note, contact = Plaintext("My husband Karl-Heinz moved out"), Plaintext("new.address@post.example")
    office.receive(RequestKind.ACCESS, EMAIL, PHONE, NAME, contact=contact, note=note)
    held = b""
    with sqlite_store.engine.connect() as opened:
        tables = opened.execute(text("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'request%'")).scalars().all()
        for table in tables:
            held += repr(opened.execute(text(f"SELECT * FROM {table}")).all()).encode()
    for secret in (LI_XIAOMING.email, LI_XIAOMING.phone, LI_XIAOMING.name, "Karl-Heinz", "new.address"):
        assert secret.encode() not in held


def test_the_file_is_read_by_the_officer_alone_and_reading_it_is_an_event(office: Bureau) -> None:
    id = office.receive(RequestKind.ACCESS, EMAIL, note=Plaintext("please hurry"))
    for other in (AGNES, BOB, CAROL, CHARLIE, actor_as("approver")):
        with pytest.raises(AccessDenied):
            office.requests.file(other, id)
    file, _, _ = office.requests.file(ALICE, id)
    assert file.identifiers[0].value.reveal() == LI_XIAOMING.email
    assert file.note is not None and file.note.reveal() == "please hurry"
    assert office.log.events[-1].action.value == "rights:request:read"


def test_the_same_person_and_kind_again_is_the_same_request(office: Bureau) -> None:
    """Also in another spelling, and with one identifier more."""
    first = office.requests.receive(AGNES, NewRequest(RequestKind.ERASURE, "main", (EMAIL,)))
    shouted = Identifier(IdentifierKind.EMAIL, Plaintext(f" {LI_XIAOMING.email.upper()} "))
    again = office.requests.receive(AGNES, NewRequest(RequestKind.ERASURE, "main", (shouted, PHONE)))
    assert again.duplicate and not first.duplicate
    assert again.shown.request.id == first.shown.request.id
    assert not office.requests.receive(AGNES, NewRequest(RequestKind.ACCESS, "main", (EMAIL,))).duplicate
    assert not office.requests.receive(AGNES, NewRequest(RequestKind.ERASURE, "west", (EMAIL,))).duplicate


def test_two_people_behind_one_switchboard_are_two_requests(office: Bureau) -> None:
    """A shared value beside contradicting ones makes nobody's request somebody else's."""
    office.receive(RequestKind.ACCESS, EMAIL, SWITCHBOARD)
    colleague = Identifier(IdentifierKind.EMAIL, Plaintext("other@company.example"))
    assert not office.requests.receive(AGNES, NewRequest(RequestKind.ACCESS, "main", (colleague, SWITCHBOARD))).duplicate


def test_what_is_shared_or_unknown_makes_no_two_requests_the_same(office: Bureau) -> None:
    """Also where both say exactly the same: two people may sit behind it, and the second must not be swallowed."""
    unknown = Identifier(IdentifierKind.EMAIL, Plaintext("nobody@company.example"))
    for told in ((SWITCHBOARD,), (unknown,), (EMAIL, unknown), (EMAIL, SWITCHBOARD)):
        office.receive(RequestKind.ERASURE, *told)
        assert not office.requests.receive(AGNES, NewRequest(RequestKind.ERASURE, "main", told)).duplicate, told


def test_what_a_repeated_request_adds_is_kept_and_the_timeline_says_so(office: Bureau) -> None:
    id = office.receive(RequestKind.ERASURE)
    assert office.requests.receive(AGNES, NewRequest(RequestKind.ERASURE, "main", (EMAIL, PHONE))).shown.request.id == id
    assert [each.kind.value for each in office.requests.file(ALICE, id)[0].identifiers] == ["email", "phone"]
    step = office.requests.timeline(ALICE, id)[1][-1]
    assert (step.act, step.reason, step.details["identifiers"]) == ("repeat", "asked_again", 1)


def test_names_alone_never_make_a_duplicate(office: Bureau) -> None:
    office.receive(RequestKind.ACCESS, NAME)
    assert not office.requests.receive(AGNES, NewRequest(RequestKind.ACCESS, "main", (NAME,))).duplicate


def test_a_closed_request_does_not_stand_in_the_way_of_a_new_one(office: Bureau) -> None:
    id = office.receive(RequestKind.ACCESS)
    office.requests.withdraw(ALICE, id)
    assert office.receive(RequestKind.ACCESS) != id


def test_each_bad_intake_is_refused_where_it_is_wrong(office: Bureau, fixed_clock: object) -> None:
    good = NewRequest(RequestKind.ACCESS, "main", (EMAIL,))
    login = Identifier(IdentifierKind.LOGIN, Plaintext("xiaoming"))
    bad = {
        "/controller": replace(good, controller="nobody"),
        "/regimes": replace(good, regimes=("sharia",)),
        "/received_at": replace(good, received_at=datetime(2027, 1, 1, tzinfo=UTC)),
        "/channel": replace(good, channel="pigeon"),
        "/language": replace(good, language="de"),
        "/requester/evidence": replace(good, requester=Requester.AGENT),
        "/identifiers": replace(good, identifiers=()),
        "/identifiers/0/scope": replace(good, identifiers=(login,)),
        "/identifiers/0/value": replace(good, identifiers=(Identifier(IdentifierKind.EMAIL, Plaintext(" ")),)),
        "/identifiers/1/value": replace(good, identifiers=(EMAIL, Identifier(IdentifierKind.EMAIL, Plaintext("not an email")))),
        "/note": replace(good, note=Plaintext("x" * 20_001)),
    }
    for pointer, new in bad.items():
        with pytest.raises(InvalidInput) as refused:
            office.requests.receive(AGNES, new)
        assert refused.value.flaws[0].pointer == pointer
    assert office.log.events == []


@pytest.mark.parametrize("day", [datetime(2016, 11, 20, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), datetime(2021, 10, 31, 12, tzinfo=UTC)])
def test_a_day_on_which_a_law_was_not_in_force_is_refused_rather_than_left_without_deadline(office: Bureau, day: datetime) -> None:
    """The controller's laws are the GDPR and the PIPL, which began on 1 November 2021."""
    with pytest.raises(InvalidInput) as refused:
        office.receive(received_at=day)
    assert refused.value.flaws[0].pointer == "/received_at"
    assert office.log.events == []


def test_what_came_under_the_laws_of_its_day_has_its_deadlines(office: Bureau) -> None:
    id = office.receive(regimes=("gdpr",), received_at=datetime(2021, 10, 31, 12, tzinfo=UTC))
    shown = office.requests.get(ALICE, id)
    assert shown.clocks and shown.days_left is not None and shown.days_left < 0
    assert id in [each.request.id for each in office.requests.due(ALICE, timedelta(0))]


@pytest.mark.parametrize("nobody", [BOB, CAROL, CHARLIE, actor_as("approver"), actor_as("admin"), actor_as("analyst")])
def test_who_may_not_receive_receives_nothing(office: Bureau, nobody: object) -> None:
    with pytest.raises(AccessDenied):
        office.receive(RequestKind.ACCESS, actor=nobody)  # type: ignore[arg-type]
    assert office.log.events == []


def test_another_tenant_finds_nothing(office: Bureau) -> None:
    id = office.receive()
    with pytest.raises(NotFound):
        office.requests.get(actor_as("dpo", tenant=OTHER_TENANT), id)


def test_what_is_due_comes_first_with_its_days_left(office: Bureau) -> None:
    """Overdue ones are negative."""
    later = office.receive(RequestKind.ACCESS)
    office.clock.advance(timedelta(days=-0))
    earlier = office.receive(RequestKind.ERASURE, received_at=datetime(2026, 9, 1, 9, tzinfo=UTC))
    due = office.requests.due(ALICE, timedelta(days=60))
    assert [each.request.id for each in due] == [earlier, later]
    assert due[0].days_left is not None and due[0].days_left < 0
    assert office.requests.due(ALICE, timedelta(days=0))[0].request.id == earlier


def test_events_name_kinds_and_counts_and_no_value(office: Bureau) -> None:
    office.receive(RequestKind.ERASURE, EMAIL, NAME)
    told = repr(office.log.events)
    assert LI_XIAOMING.email not in told and LI_XIAOMING.name not in told
    assert "kind:erasure" in told and "identifier:email" in told
    assert {event.action.value for event in office.log.events} == {"rights:deadline:set", "rights:request:received"}


def test_without_a_log_nothing_is_taken_in(office: Bureau) -> None:
    office.log.refuse = True
    with pytest.raises(Exception, match="audit log"):
        office.receive()
    office.log.refuse = False
    assert office.requests.due(ALICE, timedelta(days=400)) == []
    assert office.cases.store.read(lambda tx: office.cases.repository.found_by(tx, DEFAULT_TENANT, [bytes(32)])) == {}
