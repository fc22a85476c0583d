"""Consent on every kind of database: acts, states, receipts and notices."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import event, text, update

from privacy.adapters.store.catalogue import SqlCatalogueRepository
from privacy.adapters.store.consent import RECEIPT, SqlConsentRepository
from privacy.adapters.store.engine import SqlStore, connection
from privacy.audit.events import Action
from privacy.consent.model import ConsentStatus, Evidence, Giving, Question, State
from privacy.consent.service import ConsentService
from privacy.inventory.catalogue import Catalogue
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AuditBroken, AuditUnavailable, Conflict, InvalidInput, NotFound
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.terms import SubjectRef
from tests.cast import ALICE, BOB, OTHER_TENANT
from tests.consent.builders import ENTRIES, LI, NOTICE, MemoryKeys, audit_refs, giving, withdrawing
from tests.remembering import RememberingLog


@pytest.fixture
def audit() -> RememberingLog:
    return RememberingLog()


@pytest.fixture
def consent(store: SqlStore, audit: RememberingLog, fixed_clock: FixedClock) -> Iterator[ConsentService]:
    catalogue = Catalogue(store, SqlCatalogueRepository(), audit, fixed_clock)
    catalogue.load(ALICE, ENTRIES)
    service = ConsentService(store, SqlConsentRepository(), catalogue, audit, MemoryKeys(), audit_refs, fixed_clock)
    service.publish(ALICE, NOTICE)
    fixed_clock.advance(timedelta(hours=1))
    audit.events.clear()
    return service


def state(
    consent: ConsentService, subject: SubjectRef = LI, purpose: str = "marketing", recipient: str | None = None, channel: str | None = None
) -> ConsentStatus:
    return consent.statuses(DEFAULT_TENANT, [subject], purpose, recipient, channel)[0]


def test_what_is_given_holds_until_it_is_withdrawn(consent: ConsentService, fixed_clock: FixedClock) -> None:
    """Give, ask, withdraw, ask: each state names the receipt that shows it."""
    given = consent.give(BOB, giving())
    assert (state(consent).state, state(consent).receipt) == (State.GIVEN, given["receipt_id"])
    fixed_clock.advance(timedelta(minutes=1))
    withdrawn = consent.withdraw(BOB, withdrawing())
    assert (state(consent).state, state(consent).receipt, state(consent).at) == (State.WITHDRAWN, withdrawn["receipt_id"], fixed_clock.now())


def test_each_act_is_an_event_of_its_subject_in_the_same_transaction(consent: ConsentService, audit: RememberingLog) -> None:
    """The event names purpose, receipt and digest and holds no identifier; a log that refuses leaves no receipt."""
    receipt = consent.give(BOB, giving(), request_id="r-1")
    (event,) = audit.events
    assert (event.action, event.purpose, event.object_ref, event.related) == (Action.CONSENT_GIVEN, "marketing", receipt["receipt_id"], (receipt["digest"],))
    assert [trace.effect for trace in event.subjects] == ["given"]
    assert str(LI) not in repr(event)
    audit.refuse = True
    with pytest.raises(AuditUnavailable):
        consent.withdraw(BOB, withdrawing())
    audit.refuse = False
    assert state(consent).holds


def test_the_same_reference_records_one_act(consent: ConsentService) -> None:
    """A caller that repeats a call gets the first receipt; under a used reference another act is refused."""
    first = consent.give(BOB, giving(reference="form-7"))
    assert consent.give(BOB, giving(reference="form-7")) == first
    with pytest.raises(Conflict) as refused:
        consent.give(BOB, giving(reference="form-7", channel="sms"))
    assert refused.value.flaws[0].pointer == "/reference"
    assert consent.give(ALICE, giving(reference="form-7"))["receipt_id"] != first["receipt_id"]


def test_the_same_reference_at_the_same_moment_records_one_act(consent: ConsentService) -> None:
    """Two calls in parallel under one reference both get the one receipt."""
    barrier, receipts = Barrier(4), []

    def give() -> None:
        barrier.wait()
        receipts.append(consent.give(BOB, giving(reference="form-8"))["receipt_id"])

    threads = [Thread(target=give) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receipts) == 4
    assert len(set(receipts)) == 1


def test_the_ledger_names_nobody(consent: ConsentService, store: SqlStore) -> None:
    """Subject and evidence are nowhere in the tables in clear; the receipt has both."""
    receipt = consent.give(BOB, giving(method="phone", evidence=Evidence("recording", "tape-417-xiaoming"), reference="li-xiaoming"))
    assert (receipt["subject"], receipt["evidence_reference"]) == ("crm:customer:42", "tape-417-xiaoming")
    row = store.read(lambda tx: connection(tx).execute(text("SELECT * FROM consent_receipt")).one())
    stored = b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    assert not [word for word in (b"customer:42", b"tape-417", b"xiaoming") if word in stored]


def test_a_receipt_that_was_changed_in_the_database_is_not_given_out(consent: ConsentService, store: SqlStore) -> None:
    """A receipt is what was recorded or an alarm."""
    id = str(consent.give(BOB, giving())["receipt_id"])
    document = dict(consent.receipt(ALICE, id))
    assert document["act"] == "given"
    forged = {key: value for key, value in document.items() if key not in ("subject", "evidence_reference", "digest")} | {"channel": "sms"}
    store.run(lambda tx: connection(tx).execute(update(RECEIPT).values(document=forged)))
    with pytest.raises(AuditBroken):
        consent.receipt(ALICE, id)


def test_reading_a_receipt_is_recorded_before_it_is_shown(consent: ConsentService, audit: RememberingLog) -> None:
    """No event, no receipt."""
    id = str(consent.give(BOB, giving())["receipt_id"])
    consent.receipt(ALICE, id, request_id="r-2")
    assert (audit.events[-1].action, audit.events[-1].object_ref, len(audit.events[-1].subjects)) == (Action.RECEIPT_READ, id, 1)
    audit.refuse = True
    with pytest.raises(AuditUnavailable):
        consent.receipt(ALICE, id)


def test_tenants_do_not_see_each_other(consent: ConsentService) -> None:
    """Another tenant finds neither receipt nor notice nor state."""
    id = str(consent.give(BOB, giving())["receipt_id"])
    stranger = replace(ALICE, tenant=OTHER_TENANT)
    with pytest.raises(NotFound):
        consent.receipt(stranger, id)
    with pytest.raises(NotFound):
        consent.notice(stranger, "offers")
    assert consent.statuses(OTHER_TENANT, [LI], "marketing", None)[0].state is State.NEVER


def test_a_thousand_questions_are_answered_in_order_by_one_query_on_the_ledger(consent: ConsentService, store: SqlStore, audit: RememberingLog) -> None:
    """Every third subject agreed; the answers stand where the questions stood, and the event counts them."""
    subjects = [SubjectRef("crm", "customer", f"c{n}") for n in range(1000)]
    for subject in subjects[:60:3]:
        consent.give(BOB, giving(subject=subject))
    statements: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    answers = consent.check(BOB, [Question(subject, "marketing") for subject in subjects])
    assert [n for n, answer in enumerate(answers) if isinstance(answer, ConsentStatus) and answer.holds] == list(range(0, 60, 3))
    assert len([statement for statement in statements if "FROM consent_receipt" in statement]) == 1
    assert dict(audit.events[-1].counts) == {"items": 1000, "given": 20}


def test_one_question_that_cannot_be_understood_leaves_the_others_alone(consent: ConsentService) -> None:
    """The bad item answers with its own error and place."""
    consent.give(BOB, giving())
    good, bad = Question(LI, "marketing"), Question(LI, "no-such-purpose")
    answers = consent.check(BOB, [good, bad, good])
    assert [isinstance(answer, ConsentStatus) and answer.holds for answer in answers] == [True, False, True]
    assert isinstance(answers[1], InvalidInput)
    assert answers[1].flaws[0].pointer == "/items/1/purpose"


def test_a_notice_changes_only_by_a_new_version(consent: ConsentService) -> None:
    """The same content again is the same version; new words are a version that keeps consents, a new scope is one that ends them."""
    consent.give(BOB, giving())
    assert consent.publish(ALICE, NOTICE).version == 1
    reworded = consent.publish(ALICE, replace(NOTICE, texts={"zh": "告知（新）"}))
    assert (reworded.version, reworded.material_since, state(consent).state) == (2, 1, State.GIVEN)
    widened = consent.publish(ALICE, replace(NOTICE, scope="everybody"))
    assert (widened.version, widened.material_since) == (3, 3)
    assert (state(consent).state, state(consent).reason) == (State.EXPIRED, "notice_changed")
    assert consent.notice(ALICE, "offers", 1).content == NOTICE
    assert [notice.version for notice in consent.notices(ALICE)] == [3]


def test_people_agree_to_the_version_in_force_when_they_agreed(consent: ConsentService, fixed_clock: FixedClock) -> None:
    """A paper form that arrives late counts under its version; the old version takes no consent after it was overtaken."""
    signed = fixed_clock.now() - timedelta(minutes=5)
    consent.publish(ALICE, replace(NOTICE, scope="everybody"))
    fixed_clock.advance(timedelta(days=1))
    paper = giving(method="paper", evidence=Evidence("form", "F-1"), at=signed)
    consent.give(BOB, paper)
    assert state(consent).reason == "notice_changed"
    for refused in (giving(), giving(notice_version=2, at=signed)):
        with pytest.raises(InvalidInput) as error:
            consent.give(BOB, refused)
        assert error.value.flaws[0].pointer == "/notice_version"
    consent.give(BOB, giving(notice_version=2))
    assert state(consent).holds


def test_a_late_receipt_does_not_bring_back_what_was_withdrawn(consent: ConsentService, fixed_clock: FixedClock) -> None:
    """Recording yesterday's yes after today's no changes nothing."""
    fixed_clock.advance(timedelta(days=2))
    consent.withdraw(BOB, withdrawing(at=fixed_clock.now() - timedelta(hours=1)))
    consent.give(BOB, giving(at=fixed_clock.now() - timedelta(days=1)))
    assert state(consent).state is State.WITHDRAWN


def test_a_notice_with_a_validity_ends_its_consents(consent: ConsentService, fixed_clock: FixedClock) -> None:
    """Two years mean the same day two years later."""
    consent.publish(ALICE, replace(NOTICE, id="short", valid_for="P2Y"))
    receipt = consent.give(BOB, Giving(LI, "marketing", "short", 1, "en", "web_form"))
    assert receipt["expires_at"] == "2028-11-22T08:30:00.000000Z"
    fixed_clock.advance(timedelta(days=731))
    assert state(consent).state is State.EXPIRED


def test_loading_publishes_only_what_has_no_version_yet(consent: ConsentService) -> None:
    """The files of an installation never overtake a published notice."""
    assert consent.load_notices(ALICE, [replace(NOTICE, scope="other"), replace(NOTICE, id="second")]) == 1
    assert consent.notice(ALICE, "offers").version == 1


@pytest.mark.parametrize("id", ["通知", "𠮷" * 300, "a b", "'; --", "x" * 5000])
def test_an_id_that_nobody_gave_is_unknown_in_any_script(consent: ConsentService, id: str) -> None:
    """Ids of ours are ASCII; asking for others is no failure of the database."""
    with pytest.raises(NotFound):
        consent.notice(ALICE, id)
    with pytest.raises(NotFound):
        consent.receipt(ALICE, id)
    with pytest.raises(InvalidInput):
        consent.give(BOB, giving(notice=id))


def test_a_subject_of_any_script_is_told_apart(consent: ConsentService) -> None:
    """Keys that a database might fold together (case, trailing blank, accents) are different people."""
    keys = ["Müller", "müller", "Muller", "Müller ", "李小明", "李小眀"]
    consent.give(BOB, giving(subject=SubjectRef("crm", "customer", keys[0])))
    states = consent.statuses(DEFAULT_TENANT, [SubjectRef("crm", "customer", key) for key in keys], "marketing", None)
    assert [status.holds for status in states] == [True, False, False, False, False, False]


def test_a_forgotten_subject_never_consented_and_the_ledger_still_folds(consent: ConsentService, store: SqlStore, fixed_clock: FixedClock) -> None:
    """Receipts stay with one pseudonym a person and nothing that leads back; doing it twice is doing it once; others are untouched."""
    other = SubjectRef("crm", "customer", "99")
    paper = consent.give(BOB, giving(method="paper", evidence=Evidence("form", "F-417"), reference="mark-1"))
    fixed_clock.advance(timedelta(minutes=1))
    consent.withdraw(BOB, withdrawing())
    consent.give(BOB, giving(subject=other))
    assert set(consent.named(DEFAULT_TENANT)) == {LI, other}
    assert store.run(lambda tx: consent.forget(tx, DEFAULT_TENANT, [LI], "case-1")) == {"receipts": 2}
    assert store.run(lambda tx: consent.forget(tx, DEFAULT_TENANT, [LI], "case-1")) == {"receipts": 0}
    assert (state(consent).state, state(consent, other).state) == (State.NEVER, State.GIVEN)
    assert set(consent.named(DEFAULT_TENANT)) == {other}
    left = consent.receipt(ALICE, str(paper["receipt_id"]))
    assert (left["subject"], left["evidence_reference"], left["digest"]) == (None, None, paper["digest"])
    with store.engine.connect() as opened:
        rows = [row for row in opened.execute(RECEIPT.select()) if row.sealed is None]
    assert len({bytes(row.lookup) for row in rows}) == 1
    assert {(row.evidence, row.reference) for row in rows} == {(None, None)}
    consent.give(BOB, giving(reference="mark-1"))
    assert state(consent).holds  # a person may come back
