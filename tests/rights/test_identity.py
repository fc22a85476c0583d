"""Proof of identity: one person or nobody, codes to a contact on file alone, one answer for everything that is no proof."""

from datetime import timedelta

import pytest

from privacy.kernel.errors import AccessDenied, Conflict, ConnectorUnavailable, InvalidInput, StepUpRequired, TooManyAttempts
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.plaintext import Plaintext
from privacy.rights.model import CodeState, RequestKind
from privacy.subjects.model import Identifier, IdentifierKind
from tests.cast import ALICE, BOB, CAROL, CHARLIE, DAVE, LI_XIAOMING, actor_as
from tests.rights.office import AGNES, EMAIL, NAME, SWITCHBOARD, Bureau, open_bureau

OTHER = Identifier(IdentifierKind.EMAIL, Plaintext("other@company.example"))


def wrong(code: Plaintext) -> Plaintext:
    return Plaintext(f"{(int(code.reveal()) + 1) % 10**8:08}")


def code_state(office: Bureau, id: str) -> CodeState | None:
    code = office.requests.identity.code_of(office.cases.get(DEFAULT_TENANT, id))
    return code.state if code else None


def test_a_code_goes_to_the_contact_on_file_and_never_to_one_of_the_request(office: Bureau) -> None:
    """Nor to a switchboard, though it is on file: whoever picks it up would have the code."""
    id = office.receive(RequestKind.ACCESS, EMAIL, contact=Plaintext("thief@elsewhere.example"))
    asked = office.requests.identity.ask(AGNES, id)
    assert [message.to.reveal() for message in office.pigeon.sent] == [LI_XIAOMING.email]
    assert asked.shown == "x***@t…" and asked.channel == "email"
    assert office.state(id) == "identity_asked"


def test_the_right_code_proves_once(office: Bureau) -> None:
    id = office.receive()
    office.requests.identity.ask(AGNES, id)
    code = office.pigeon.last_code
    assert len(code.reveal()) == 8
    assert office.requests.identity.verify(ALICE, id, code).verified_how == "code"
    assert office.state(id) == "verified" and code_state(office, id) is CodeState.USED
    with pytest.raises(Conflict):
        office.requests.identity.verify(ALICE, id, code)


def test_what_is_kept_of_a_code_is_not_the_code(office: Bureau) -> None:
    id = office.receive()
    office.requests.identity.ask(AGNES, id)
    code = office.requests.identity.code_of(office.cases.get(DEFAULT_TENANT, id))
    assert code is not None and len(code.digest) == 32
    assert office.pigeon.last_code.reveal() not in repr(office.log.events) + repr(code)


def test_wrong_expired_voided_missing_and_locked_codes_get_one_answer(office: Bureau) -> None:
    """Whoever guesses learns nothing from the difference; the request itself tells its officer how the code stands."""
    said = set()
    for case in ("missing", "wrong", "expired", "voided", "locked"):
        id = office.receive(RequestKind.ACCESS)
        if case != "missing":
            office.requests.identity.ask(AGNES, id)
        code = office.pigeon.last_code if office.pigeon.sent else Plaintext("12345678")
        if case == "expired":
            office.clock.advance(timedelta(minutes=15))
        if case == "voided":
            office.requests.identity.ask(AGNES, id)
        if case == "locked":
            for _ in range(5):
                with pytest.raises(Conflict):
                    office.requests.identity.verify(ALICE, id, wrong(code))
            assert code_state(office, id) is CodeState.LOCKED
        if case == "expired":
            assert code_state(office, id) is CodeState.EXPIRED
        given = wrong(code) if case == "wrong" else code
        with pytest.raises(Conflict) as refused:
            office.requests.identity.verify(ALICE, id, given)
        said.add((refused.value.code, refused.value.detail))
        office.requests.withdraw(ALICE, id)
        office.clock.advance(timedelta(days=1))
    assert len(said) == 1 and next(iter(said))[0] == "code_refused"


def test_five_wrong_attempts_and_the_right_one_comes_too_late(office: Bureau) -> None:
    id = office.receive()
    office.requests.identity.ask(AGNES, id)
    code = office.pigeon.last_code
    for left in (4, 3, 2, 1, 0):
        with pytest.raises(Conflict):
            office.requests.identity.verify(ALICE, id, wrong(code))
        kept = office.requests.identity.code_of(office.cases.get(DEFAULT_TENANT, id))
        assert kept is not None and office.requests.identity.attempts_left(kept) == left
    with pytest.raises(Conflict):
        office.requests.identity.verify(ALICE, id, code)
    assert office.state(id) == "identity_asked"


def test_a_code_of_one_request_opens_no_other(office: Bureau) -> None:
    one, other = office.receive(RequestKind.ACCESS), office.receive(RequestKind.ERASURE)
    office.requests.identity.ask(AGNES, one)
    code = office.pigeon.last_code
    office.requests.identity.ask(AGNES, other)
    with pytest.raises(Conflict):
        office.requests.identity.verify(ALICE, other, code)


def test_codes_are_bounded_by_the_hour_and_by_the_contact(office: Bureau) -> None:
    id = office.receive()
    for _ in range(3):
        office.requests.identity.ask(AGNES, id)
    with pytest.raises(TooManyAttempts):
        office.requests.identity.ask(AGNES, id)
    office.clock.advance(timedelta(hours=2))
    second = office.receive(RequestKind.ERASURE)
    for _ in range(2):
        office.requests.identity.ask(AGNES, second)
    with pytest.raises(TooManyAttempts, match="one contact"):
        office.requests.identity.ask(AGNES, office.receive(RequestKind.PORTABILITY))
    assert len(office.pigeon.sent) == 5


def test_a_message_that_could_not_be_sent_leaves_no_code_and_stops_no_clock(office: Bureau) -> None:
    id = office.receive()
    office.pigeon.ill = True
    with pytest.raises(ConnectorUnavailable):
        office.requests.identity.ask(AGNES, id)
    assert office.state(id) == "received" and code_state(office, id) is CodeState.VOIDED
    outcomes = [event.outcome.value for event in office.log.events if event.action.value == "rights:identity:asked"]
    assert outcomes == ["attempted", "failed"]


@pytest.mark.parametrize(
    ("identifiers", "doubt"),
    [
        ((NAME,), "weak"),
        ((SWITCHBOARD,), "shared"),
        ((EMAIL, OTHER), "several_people"),
        ((Identifier(IdentifierKind.EMAIL, Plaintext("nobody@x.example")),), "not_found"),
    ],
)
def test_weak_identity_goes_no_further_and_the_request_says_why(office: Bureau, identifiers: tuple[Identifier, ...], doubt: str) -> None:
    """Neither by code nor by attestation; the refusal names the remedy."""
    id = office.receive(RequestKind.ERASURE, *identifiers)
    with pytest.raises(Conflict) as refused:
        office.requests.identity.ask(AGNES, id)
    assert refused.value.code == "identity_unclear" and doubt in refused.value.detail
    with pytest.raises(Conflict):
        office.requests.identity.attest(ALICE, id, "id_document", Plaintext("copy 1"))
    shown = office.requests.get(ALICE, id).request
    assert (shown.state.value, shown.doubt) == ("received", doubt)
    assert office.pigeon.sent == []


def test_another_identifier_is_the_way_on_and_voids_what_was_asked_before(office: Bureau) -> None:
    id = office.receive(RequestKind.ERASURE, SWITCHBOARD)
    with pytest.raises(Conflict):
        office.requests.identity.ask(AGNES, id)
    office.requests.identify(AGNES, id, [EMAIL])
    assert office.requests.get(ALICE, id).request.doubt == ""
    office.requests.identity.ask(AGNES, id)
    old = office.pigeon.last_code
    office.requests.identify(AGNES, id, [Identifier(IdentifierKind.PHONE, Plaintext(LI_XIAOMING.phone))])
    with pytest.raises(Conflict):
        office.requests.identity.verify(ALICE, id, old)


def test_an_unreachable_system_is_not_taken_for_nobody(office: Bureau) -> None:
    id = office.receive()
    office.subjects.unreachable = True
    with pytest.raises(Conflict, match="unreachable"):
        office.requests.identity.ask(AGNES, id)
    with pytest.raises(Conflict, match="not certain"):
        office.requests.close(ALICE, id, "nothing_held", Plaintext("told by letter"))


def test_only_a_person_with_a_second_factor_attests(office: Bureau) -> None:
    id = office.receive()
    for other in (AGNES, BOB, CAROL, CHARLIE, DAVE):
        with pytest.raises(AccessDenied):
            office.requests.identity.attest(other, id, "id_document", Plaintext("copy 1"))
    weak = actor_as("dpo", ref="user:alice")
    object.__setattr__(weak, "assurance", 1)
    with pytest.raises(StepUpRequired):
        office.requests.identity.attest(weak, id, "id_document", Plaintext("copy 1"))
    for how, evidence in (("i_believe_them", "x"), ("id_document", " ")):
        with pytest.raises(InvalidInput):
            office.requests.identity.attest(ALICE, id, how, Plaintext(evidence))
    office.requests.identity.attest(ALICE, id, "id_document", Plaintext("copy 1 in the safe"))
    shown = office.requests.get(ALICE, id).request
    assert (shown.state.value, shown.verified_how, shown.verified_by) == ("verified", "attested", ALICE.ref)


def test_the_wait_for_identity_stops_the_european_clock_and_never_the_californian(office: Bureau) -> None:
    id = office.receive(RequestKind.ACCESS, EMAIL, controller="west", regimes=("gdpr", "ccpa"))

    def due() -> dict[str, str]:
        return {clock.regime: clock.due.isoformat() for clock in office.requests.get(ALICE, id).clocks if clock.name == "answer"}

    before = due()
    office.clock.advance(timedelta(days=1))
    office.requests.identity.ask(AGNES, id)
    office.clock.advance(timedelta(days=10))
    office.requests.identity.ask(AGNES, id)
    office.requests.identity.verify(ALICE, id, office.pigeon.last_code)
    after = due()
    assert after["ccpa"] == before["ccpa"]
    assert after["gdpr"] > before["gdpr"]


def test_without_a_messenger_codes_are_refused_and_attestation_remains(
    sqlite_store: object, sqlite_keys_store: object, tmp_path: object, fixed_clock: object
) -> None:
    office = open_bureau(sqlite_store, sqlite_keys_store, tmp_path, fixed_clock, messenger=False)  # type: ignore[arg-type]
    id = office.receive()
    with pytest.raises(Conflict, match="PRIVACY_MESSENGER"):
        office.requests.identity.ask(AGNES, id)
    office.requests.identity.attest(ALICE, id, "in_person", Plaintext("desk 4"))
    assert office.state(id) == "verified"
