"""Refusing, extending, holding, closing, the timeline, and the end of a request's own file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from privacy.kernel.errors import AccessDenied, Conflict, InvalidInput, KeyDestroyed, Misconfigured, NotFound, OnHold
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.plaintext import Plaintext
from privacy.rights.letters import Letters
from privacy.rights.model import RequestKind
from privacy.rights.states import UNPROVEN
from privacy.subjects.model import Identifier, IdentifierKind
from tests.cast import ALICE, CAROL, CHARLIE, DAVE, LI_XIAOMING
from tests.rights.office import AGNES, EMAIL, POLICIES, Bureau


@pytest.mark.parametrize("reason", [each.id for each in Letters.load(POLICIES / "requests.toml").reasons(datetime(2026, 11, 22, tzinfo=UTC).date())])
def test_every_refusal_says_its_ground_and_where_to_complain(office: Bureau, reason: str) -> None:
    id = office.receive(RequestKind.ERASURE, regimes=("gdpr", "pipl"))
    shown, refusal = office.requests.refuse(ALICE, id, reason, Plaintext("asked 40 times since Monday"))
    assert shown.request.state.value == "refused" and shown.request.outcome == reason
    assert refusal.reason.article and refusal.reason.zh
    assert {regime for regime, _, _ in refusal.complaints} == {"gdpr", "pipl"}
    assert office.log.events[-1].action.value == "rights:request:refused"
    assert "40 times" not in repr(office.log.events)


def test_a_ground_that_the_regime_does_not_know_is_no_ground(office: Bureau) -> None:
    """The PIPL knows no excessive request; and nothing is refused without a ground."""
    id = office.receive(RequestKind.ACCESS, regimes=("pipl",))
    for reason in ("excessive", "too_much_work", ""):
        with pytest.raises(InvalidInput, match="is refused for one of"):
            office.requests.refuse(ALICE, id, reason)
    assert office.state(id) == "received"


def test_an_extension_needs_a_ground_and_a_notice_in_time(office: Bureau) -> None:
    id = office.receive(RequestKind.ACCESS, EMAIL, regimes=("gdpr",))
    before = office.requests.get(ALICE, id).clocks
    for reason, told in (("holidays", office.clock.now()), ("complexity", office.clock.now() + timedelta(days=2))):
        with pytest.raises(InvalidInput):
            office.requests.extend(ALICE, id, reason, told)
    after = office.requests.extend(ALICE, id, "complexity", office.clock.now()).clocks
    due = {clock.name: clock.due for clock in after}
    assert due["answer"].isoformat() == "2027-02-22" and due["answer"] > next(clock.due for clock in before if clock.name == "answer")
    with pytest.raises(Conflict):
        office.requests.extend(ALICE, id, "complexity", office.clock.now())


def test_a_notice_after_the_first_period_extends_nothing(office: Bureau) -> None:
    id = office.receive(RequestKind.ACCESS, EMAIL, regimes=("gdpr",))
    office.clock.advance(timedelta(days=40))
    with pytest.raises(Conflict):
        office.requests.extend(ALICE, id, "complexity", office.clock.now())
    assert office.requests.get(ALICE, id).request.version == 2


def test_an_extension_outlives_the_wait_for_identity(office: Bureau) -> None:
    """What was granted stays granted when the clocks are computed again."""
    id = office.receive(RequestKind.ACCESS, EMAIL, regimes=("gdpr",))
    office.requests.extend(ALICE, id, "complexity", office.clock.now())
    office.requests.identity.ask(AGNES, id)
    office.clock.advance(timedelta(minutes=2))
    office.requests.identity.verify(ALICE, id, office.pigeon.last_code)
    assert min(clock.due.isoformat() for clock in office.requests.get(ALICE, id).clocks if clock.name == "answer") >= "2027-02-22"


def test_a_hold_stops_the_work_and_no_clock(office: Bureau) -> None:
    id = office.verified(RequestKind.ERASURE)
    due = [clock.due for clock in office.requests.get(ALICE, id).clocks]
    with pytest.raises(InvalidInput):
        office.requests.hold(ALICE, id, "no_time")
    office.requests.hold(ALICE, id, "legal_claim", Plaintext("Az. 4 O 17/26"))
    with pytest.raises(OnHold):
        office.requests.erasing.plan(ALICE, id)
    assert [clock.due for clock in office.requests.get(ALICE, id).clocks] == due
    office.requests.release(ALICE, id)
    office.requests.erasing.plan(ALICE, id)
    with pytest.raises(Conflict):
        office.requests.release(ALICE, id)


@pytest.mark.parametrize("kind", sorted(set(RequestKind) - {RequestKind.ERASURE}))
def test_people_close_what_people_answered_with_a_note(office: Bureau, kind: RequestKind) -> None:
    """After proof of identity, except where none is needed."""
    id = office.receive(kind) if kind in UNPROVEN else office.verified(kind)
    with pytest.raises(InvalidInput):
        office.requests.close(ALICE, id, "answered", Plaintext(" "))
    with pytest.raises(InvalidInput):
        office.requests.close(ALICE, id, "done", Plaintext("letter of today"))
    done = office.requests.close(ALICE, id, "answered", Plaintext("letter of today"), Plaintext("L-2026-17")).request
    assert (done.state.value, done.outcome) == ("done", "answered")
    assert done.closed_at is not None and done.purge_at is not None and done.purge_at > done.closed_at


def test_an_erasure_cannot_be_closed_by_hand(office: Bureau) -> None:
    id = office.verified(RequestKind.ERASURE)
    with pytest.raises(Conflict, match="plan"):
        office.requests.close(ALICE, id, "carried_out", Plaintext("deleted by hand"))


def test_nothing_held_is_looked_up_before_it_is_said(office: Bureau) -> None:
    known = office.receive(RequestKind.ACCESS)
    with pytest.raises(Conflict, match="not certain"):
        office.requests.close(ALICE, known, "nothing_held", Plaintext("not here"))
    unknown = office.receive(RequestKind.ERASURE, Identifier(IdentifierKind.EMAIL, Plaintext("nobody@elsewhere.example")))
    assert office.requests.close(ALICE, unknown, "nothing_held", Plaintext("told by e-mail")).request.outcome == "nothing_held"


def test_the_timeline_tells_who_did_what_when_and_why_and_no_value(office: Bureau) -> None:
    id = office.receive(RequestKind.ACCESS, EMAIL, note=Plaintext("I am the aunt of Ortrud"))
    office.clock.advance(timedelta(hours=1))
    office.requests.identity.ask(AGNES, id)
    office.requests.identity.verify(ALICE, id, office.pigeon.last_code)
    office.requests.refuse(ALICE, id, "others_rights", Plaintext("would disclose Ortrud"))
    shown, steps, clocks = office.requests.timeline(CAROL, id)
    assert [(step.actor, step.act, step.after) for step in steps] == [
        ("user:agnes", "receive", "received"),
        ("user:agnes", "recognise", "received"),
        ("user:agnes", "ask_identity", "identity_asked"),
        ("user:alice", "verify", "verified"),
        ("user:alice", "refuse", "refused"),
    ]
    assert steps[-1].reason == "others_rights" and steps[1].at > steps[0].at
    assert {generation for generation, _ in clocks} == {1, 2, 3}
    told = repr((shown, steps, clocks))
    assert "Ortrud" not in told and LI_XIAOMING.email not in told
    _, notes, _ = office.requests.file(ALICE, id)
    assert [note.text for _, note in notes] == ["would disclose Ortrud"]


def test_where_an_answer_is_kept_is_sealed_with_its_note(office: Bureau) -> None:
    """Approver and auditor read the timeline: it says that there is evidence, the file says which."""
    id = office.verified(RequestKind.RECTIFICATION)
    office.requests.close(ALICE, id, "answered", Plaintext("by letter"), Plaintext("folder of Ortrud, shelf 4"))
    _, steps, _ = office.requests.timeline(DAVE, id)
    assert steps[-1].details["evidence"] == 1 and "Ortrud" not in repr(steps)
    _, notes, _ = office.requests.file(ALICE, id)
    assert (notes[-1][1].text, notes[-1][1].evidence) == ("by letter", "folder of Ortrud, shelf 4")


def test_who_may_only_read_changes_nothing(office: Bureau) -> None:
    id = office.receive()
    for actor in (CAROL, DAVE, CHARLIE, AGNES):
        for act in (
            lambda: office.requests.refuse(actor, id, "excessive"),  # noqa: B023 - called at once
            lambda: office.requests.withdraw(actor, id),  # noqa: B023
            lambda: office.requests.hold(actor, id, "dispute"),  # noqa: B023
            lambda: office.requests.close(actor, id, "answered", Plaintext("x")),  # noqa: B023
            lambda: office.requests.extend(actor, id, "complexity", office.clock.now()),  # noqa: B023
            lambda: office.requests.erasing.plan(actor, id),  # noqa: B023
            lambda: office.requests.packages.make(actor, id),  # noqa: B023
        ):
            with pytest.raises(AccessDenied):
                act()
    for stranger in (CHARLIE, AGNES):
        with pytest.raises(AccessDenied):
            office.requests.get(stranger, id)
    assert office.state(id) == "received"


def test_the_file_goes_when_its_own_retention_ends_and_cannot_be_opened_again(office: Bureau) -> None:
    """The longest period of its regimes counts; what proves the answer stays, what says who asked goes."""
    id = office.receive(RequestKind.ACCESS, EMAIL, regimes=("gdpr", "ccpa"), note=Plaintext("a note"))
    sealed = office.cases.get(DEFAULT_TENANT, id).file
    office.requests.refuse(ALICE, id, "excessive", Plaintext("why"))
    office.clock.advance(timedelta(days=2 * 365 + 1))
    assert office.requests.purge(DEFAULT_TENANT) == 0
    office.clock.advance(timedelta(days=366))
    assert office.requests.purge(DEFAULT_TENANT) == 1
    assert office.requests.purge(DEFAULT_TENANT) == 0
    with pytest.raises(NotFound):
        office.requests.file(ALICE, id)
    assert sealed is not None
    with pytest.raises(KeyDestroyed):
        office.cases.seal.open_file(DEFAULT_TENANT, id, sealed)
    shown, steps, _ = office.requests.timeline(CAROL, id)
    assert shown.request.outcome == "excessive" and all(step.note is None for step in steps)
    assert not office.requests.receive(AGNES, _like(office)).duplicate


def _like(office: Bureau):  # type: ignore[no-untyped-def]
    from privacy.rights.model import NewRequest

    return NewRequest(RequestKind.ACCESS, "main", (EMAIL,))


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ('id = "excessive"', 'id = "excessive"\ncolour = "red"'),
        ('period = "P24M"', 'period = "two years"'),
        ('regime = "ccpa"\nperiod', 'regime = "lgpd"\nperiod'),
        ('status = "in_force"', 'status = "maybe"'),
        ("[[refusal]]", "[[refusals]]"),
        ("valid_from = 2020-08-14", 'valid_from = "soon"'),
    ],
)
def test_a_file_of_grounds_that_is_not_understood_stops_the_start(tmp_path: Path, wrong: str, line: str) -> None:
    """With file, line and what is wrong."""
    text = (POLICIES / "requests.toml").read_text("utf-8")
    assert wrong in text
    path = tmp_path / "requests.toml"
    path.write_text(text.replace(wrong, line, 1), "utf-8")
    with pytest.raises(Misconfigured, match=r"requests\.toml:\d+: "):
        Letters.load(path)
