"""Persons linked and unlinked, doubts decided by name, and what is left of them after an erasure."""

from collections.abc import Sequence

import pytest
from sqlalchemy import inspect, text

from privacy.adapters.store.engine import SqlStore
from privacy.audit.events import Action
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import AccessDenied, AuditUnavailable, Conflict, InvalidInput, NotFound
from privacy.kernel.ids import DEFAULT_TENANT, DatasetId, TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.subjects.model import IdentifierKind, ReviewState
from privacy.subjects.ports import EncryptedField
from privacy.subjects.service import Subjects
from tests.cast import ALICE, BOB, CAROL, CHARLIE, OTHER_TENANT, actor_as
from tests.remembering import RememberingLog
from tests.subjects.building import EMAIL, PHONE, asked, dataset, fill, refs, service

SUBJECT = IdentifierKind.SUBJECT
CRM1, CRM2, SHOP7, SHOP8 = refs("crm:customer:1", "crm:customer:2", "shop:buyer:7", "shop:buyer:8")
MAP = [
    dataset("crm.customers", "customer", "id", {"email": "email", "phone": "phone"}),
    dataset("shop.buyers", "buyer", "id", {"email": "email", "phone": "phone"}),
]


@pytest.fixture
def audit() -> RememberingLog:
    return RememberingLog()


@pytest.fixture
def subjects(sqlite_store: SqlStore, fixed_clock: FixedClock, tmp_path: object, audit: RememberingLog) -> Subjects:
    """Two systems: the household of customers 1 and 2 shares a phone, which buyer 8 has as well; customer 1 is buyer 7 by e-mail."""
    url = f"sqlite:///{tmp_path}/systems.db"
    fill(
        url,
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, phone TEXT)",
        "CREATE TABLE buyers (id INTEGER PRIMARY KEY, email TEXT, phone TEXT)",
        "INSERT INTO customers VALUES (1, 'li@quillfeather.example', '027-88415500'), (2, 'na@quillfeather.example', '02788415500')",
        "INSERT INTO buyers VALUES (7, 'LI@quillfeather.example', NULL), (8, 'zhao@quillfeather.example', '+86 27 8841 5500')",
    )
    return service(sqlite_store, fixed_clock, {"crm": url, "shop": url}, MAP, audit=audit)


def test_links_join_persons_and_can_be_undone(subjects: Subjects, audit: RememberingLog) -> None:
    """Two persons that turn out to be one become one; taking one subject out leaves the others together."""
    subjects.link(ALICE, [CRM1, SHOP7])
    subjects.link(ALICE, [CRM2, SHOP8])
    joined = subjects.link(ALICE, [SHOP7, SHOP8], request_id="r-9")
    assert set(joined.subjects) == {CRM1, CRM2, SHOP7, SHOP8}
    assert subjects.person_of(DEFAULT_TENANT, CRM2) == joined
    subjects.unlink(ALICE, CRM2)
    assert subjects.person_of(DEFAULT_TENANT, CRM2) is None
    assert set(subjects.person_of(DEFAULT_TENANT, CRM1).subjects) == {CRM1, SHOP7, SHOP8}  # type: ignore[union-attr]
    assert [event.action for event in audit.events[-2:]] == [Action.PERSON_LINKED, Action.PERSON_UNLINKED]
    assert not any(str(CRM1) in repr(event) for event in audit.events)


def test_who_asks_sees_the_person_and_masked_contacts_and_is_recorded(subjects: Subjects, audit: RememberingLog) -> None:
    """The reading is an event of counts, committed before the answer."""
    person = subjects.link(ALICE, [CRM1, SHOP7])
    shown, contacts = subjects.show(CAROL, CRM1, request_id="r-5")
    assert (shown, [contact.masked for contact in contacts]) == (person, ["l***@q…", "…00"])
    assert (audit.events[-1].action, audit.events[-1].object_ref) == (Action.SUBJECTS_RESOLVED, person.id)
    assert dict(audit.events[-1].counts) == {"subjects": 2, "contacts": 2}
    audit.refuse = True
    with pytest.raises(AuditUnavailable):
        subjects.show(CAROL, CRM1)


def test_one_subject_alone_is_no_person(subjects: Subjects) -> None:
    """The last two are taken apart together; there is nothing to link with one."""
    subjects.link(ALICE, [CRM1, SHOP7])
    subjects.unlink(ALICE, CRM1)
    assert subjects.person_of(DEFAULT_TENANT, SHOP7) is None
    with pytest.raises(NotFound):
        subjects.unlink(ALICE, SHOP7)
    with pytest.raises(InvalidInput):
        subjects.link(ALICE, [CRM1, CRM1])


def test_a_refusing_log_leaves_no_link(subjects: Subjects, audit: RememberingLog) -> None:
    """The change and its event are one transaction."""
    audit.refuse = True
    with pytest.raises(AuditUnavailable):
        subjects.link(ALICE, [CRM1, SHOP7])
    assert subjects.person_of(DEFAULT_TENANT, CRM1) is None


def test_linked_subjects_resolve_together(subjects: Subjects) -> None:
    """And two accounts of one person are no longer several people, nor is what they share a household's."""
    subjects.link(ALICE, [CRM1, CRM2])
    resolution = subjects.resolve(ALICE, [asked(EMAIL, "na@quillfeather.example"), asked(EMAIL, "li@quillfeather.example")])
    assert not resolution.several_people
    assert {CRM1, CRM2, SHOP7} <= set(resolution.subjects)
    assert subjects.resolve(ALICE, [asked(PHONE, "027-88415500")]).subjects[:2] == (CRM1, CRM2)


def test_a_shared_value_is_reviewed_once_and_decided_by_name(subjects: Subjects, audit: RememberingLog) -> None:
    """`same` links; the decision says who and why, and stands."""
    for _ in range(2):
        subjects.resolve(ALICE, [asked(PHONE, "02788415500")])
    reviews = subjects.reviews(ALICE)
    assert [(review.reason, review.dataset, review.field, review.count) for review in reviews] == [
        ("shared", "crm.customers", "phone", 2),
        ("shared", "shop.buyers", "phone", 1),
    ]
    decided = subjects.decide(ALICE, reviews[0].id, ReviewState.SAME, "one person, two accounts: seen at the counter", request_id="r-3")
    assert (decided.state, decided.decided_by, decided.subjects) == (ReviewState.SAME, "user:alice", (CRM1, CRM2))
    assert subjects.person_of(DEFAULT_TENANT, CRM1) == subjects.person_of(DEFAULT_TENANT, CRM2)
    assert (audit.events[-1].action, audit.events[-1].object_ref) == (Action.REVIEW_DECIDED, decided.id)
    with pytest.raises(Conflict) as refused:
        subjects.decide(ALICE, decided.id, ReviewState.DIFFERENT, "no")
    assert refused.value.code == "already_decided"
    (kept,) = subjects.reviews(ALICE, state="same")
    assert kept.note == "one person, two accounts: seen at the counter"


def test_who_was_told_apart_is_not_linked_again_by_machine(subjects: Subjects, sqlite_store: SqlStore) -> None:
    """A person's word stands above an equal e-mail; a later link of a person's overrules it."""
    subjects.link(ALICE, [CRM1, SHOP8])
    assert SHOP7 in subjects.resolve(ALICE, [asked(SUBJECT, "crm:customer:1")]).subjects
    subjects.unlink(ALICE, CRM1)
    found = subjects.resolve(ALICE, [asked(PHONE, "02788415500"), asked(EMAIL, "li@quillfeather.example")])
    assert set(found.subjects) == {CRM1, SHOP7}
    review = next(review for review in subjects.reviews(ALICE) if SHOP8 in review.subjects)
    assert set(review.anchors) == {CRM1, SHOP7}
    subjects.decide(ALICE, review.id, ReviewState.DIFFERENT, "another household")
    later = subjects.resolve(ALICE, [asked(SUBJECT, "shop:buyer:8")])
    assert set(later.subjects) == {SHOP8}
    assert not [doubt for doubt in later.doubts if CRM1 in doubt.subjects]
    subjects.link(ALICE, [CRM1, SHOP8])
    assert CRM1 in subjects.resolve(ALICE, [asked(SUBJECT, "shop:buyer:8")]).subjects


def test_a_decision_is_about_the_subjects_named_and_has_a_reason(subjects: Subjects) -> None:
    """A review that is not there, subjects it does not name, no reason: refused, and still open."""
    subjects.resolve(ALICE, [asked(PHONE, "02788415500")])
    review = subjects.reviews(ALICE)[0]
    with pytest.raises(InvalidInput):
        subjects.decide(ALICE, review.id, ReviewState.SAME, "x", subjects=[CRM1, SHOP7])
    with pytest.raises(InvalidInput):
        subjects.decide(ALICE, review.id, ReviewState.SAME, "  ")
    with pytest.raises(InvalidInput):
        subjects.reviews(ALICE, state="maybe")
    with pytest.raises(NotFound):
        subjects.decide(ALICE, "nothing", ReviewState.DISMISSED, "x")
    assert subjects.reviews(ALICE)[0].state is ReviewState.OPEN


def test_nobody_without_the_right_learns_or_changes_anything(subjects: Subjects) -> None:
    """An application resolves nothing; a stranger sees no list; another tenant has its own persons."""
    subjects.link(ALICE, [CRM1, SHOP7])
    for act in (
        lambda: subjects.resolve(BOB, [asked(EMAIL, "li@quillfeather.example")]),
        lambda: subjects.reviews(CHARLIE),
        lambda: subjects.show(CHARLIE, CRM1),
        lambda: subjects.link(CAROL, [CRM1, CRM2]),
        lambda: subjects.unlink(CAROL, CRM1),
        lambda: subjects.decide(CAROL, "x", ReviewState.SAME, "x"),
    ):
        with pytest.raises(AccessDenied):
            act()
    stranger = actor_as("dpo", tenant=OTHER_TENANT)
    assert subjects.show(stranger, CRM1) == (None, [])
    assert subjects.resolve(stranger, [asked(EMAIL, "li@quillfeather.example")]).subjects == ()


def test_our_rows_name_nobody(subjects: Subjects, sqlite_store: SqlStore) -> None:
    """Neither an identifier nor a reference stands in any of our tables in clear."""
    subjects.resolve(ALICE, [asked(PHONE, "02788415500")])
    subjects.decide(ALICE, subjects.reviews(ALICE)[0].id, ReviewState.SAME, "Li and Na are one")
    subjects.link(ALICE, [CRM1, SHOP7], evidence="Li and Na showed both at the counter")
    with sqlite_store.engine.connect() as opened:
        for table in ("person", "person_subject", "subjects_apart", "subject_review", "subject_review_entry"):
            whole = repr(opened.execute(text(f"SELECT * FROM {table}")).all())
            assert not any(trace in whole for trace in ("quillfeather", "8841", "crm:customer", "shop:buyer", "Li and Na"))
        assert "person_subject" in inspect(opened).get_table_names()


def test_an_erased_person_leaves_counts_and_nothing_else(subjects: Subjects, sqlite_store: SqlStore) -> None:
    """Links, sealed references and reasons go; doing it again changes nothing."""
    subjects.resolve(ALICE, [asked(PHONE, "02788415500")])
    subjects.decide(ALICE, subjects.reviews(ALICE)[0].id, ReviewState.SAME, "reason")
    subjects.link(ALICE, [CRM1, SHOP7])
    assert set(subjects.named(DEFAULT_TENANT)) == {CRM1, CRM2, SHOP7, SHOP8}
    gone = sqlite_store.run(lambda tx: subjects.forget(tx, DEFAULT_TENANT, [CRM1, SHOP7], "case-1"))
    assert gone == {"links": 2, "reviews": 1, "apart": 0}
    assert sqlite_store.run(lambda tx: subjects.forget(tx, DEFAULT_TENANT, [CRM1, SHOP7], "case-1")) == {"links": 0, "reviews": 0, "apart": 0}
    assert subjects.person_of(DEFAULT_TENANT, CRM1) is None
    assert set(subjects.named(DEFAULT_TENANT)) == {CRM2, SHOP8}
    left = subjects.reviews(ALICE, state="same")[0]
    assert (left.count, left.subjects, left.note) == (2, (CRM2,), "")


class _Shadowed:
    """A column encrypted in place, as `protection` gives it: here by turning texts round, indexed by their length and last figure."""

    def of(self, tenant: TenantId, dataset: DatasetId) -> dict[str, EncryptedField]:
        if dataset != MAP[0].id:
            return {}
        return {"email": EncryptedField("email_bidx", "email_enc", self._index, self._reveal)}

    @staticmethod
    def _index(values: Sequence[Plaintext]) -> list[str]:
        return [str(len(value.reveal())) for value in values]

    @staticmethod
    def _reveal(texts: Sequence[tuple[SubjectRef, str]]) -> list[Plaintext | None]:
        return [None if text == "destroyed" else Plaintext(text[::-1]) for _, text in texts]


def test_a_person_is_found_by_an_email_that_was_encrypted_in_place(sqlite_store: SqlStore, fixed_clock: FixedClock, empty_url: str) -> None:
    """By the blind index; its collisions are opened and compared, and what no longer opens is nobody's."""
    fill(
        empty_url,
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(80), phone VARCHAR(40), email_enc VARCHAR(200), email_bidx BIGINT)",
        "CREATE TABLE buyers (id INTEGER PRIMARY KEY, email VARCHAR(80), phone VARCHAR(40))",
        "INSERT INTO buyers VALUES (7, 'Li@quillfeather.example', NULL)",
        (
            "INSERT INTO customers VALUES (:id, NULL, NULL, :shadow, :number)",
            [
                {"id": 1, "shadow": "li@quillfeather.example"[::-1], "number": 23},
                {"id": 2, "shadow": "na@quillfeather.example"[::-1], "number": 23},
                {"id": 3, "shadow": "destroyed", "number": 23},
            ],
        ),
    )
    subjects = service(sqlite_store, fixed_clock, {"crm": empty_url, "shop": empty_url}, MAP, encrypted=_Shadowed())
    found = subjects.resolve(ALICE, [asked(EMAIL, "LI@quillfeather.example")])
    assert (set(found.subjects), found.doubts) == ({CRM1, SHOP7}, ())
    (contact,) = subjects.contacts(DEFAULT_TENANT, CRM1)
    assert (contact.value.reveal(), contact.masked) == ("li@quillfeather.example", "l***@q…")
    assert set(subjects.resolve(ALICE, [asked(SUBJECT, "crm:customer:1")]).subjects) == {CRM1, SHOP7}
