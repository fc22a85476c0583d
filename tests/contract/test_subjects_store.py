"""Persons and reviews on every kind of database, and in the memory that other rooms' tests use: one suite, so that the two cannot differ."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.subjects import SqlSubjectRepository
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.store import Store
from privacy.subjects.model import IdentifierKind, Review, ReviewState
from privacy.subjects.ports import EntryRow, LinkRow, PersonRow, ReviewRow, SubjectRepository
from tests.cast import OTHER_TENANT
from tests.databases import DIALECTS, MAIN, Kind
from tests.servers import ServerMissing
from tests.subjects.memory import MemoryStore, MemorySubjectRepository

NOW = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
A, B, C, D = (bytes([n]) * 32 for n in (1, 2, 3, 4))
Pair = tuple[Store, SubjectRepository]


@pytest.fixture(params=["memory", *DIALECTS])
def both(request: pytest.FixtureRequest, kind_of: Callable[[str], Kind]) -> Iterator[Pair]:
    if request.param == "memory":
        yield MemoryStore(), MemorySubjectRepository()
        return
    try:
        kind = kind_of(request.param)
    except ServerMissing as missing:
        pytest.skip(f"no {request.param}: {missing}")
    with kind.migrated(MAIN) as url:
        store = SqlStore(url, role=MAIN)
        yield store, SqlSubjectRepository()
        store.close()


def link(lookup: bytes, person: str, evidence: bytes = b"sealed declared") -> LinkRow:
    return LinkRow(lookup, person, b"sealed" + lookup, NOW, "user:alice", evidence)


def review(id: str, digest: bytes, state: ReviewState = ReviewState.OPEN) -> ReviewRow:
    return ReviewRow(Review(id, "shared", "crm.customers", "手机号", IdentifierKind.PHONE, state, 2, NOW), digest)


def entry(id: str, lookup: bytes, *, anchor: bool = False) -> EntryRow:
    return EntryRow(id, lookup, b"sealed" + lookup, anchor)


def test_a_subject_belongs_to_one_person_and_leads_to_the_others(both: Pair) -> None:
    """Linking it anew moves it; other tenants see nothing."""
    store, repository = both
    store.run(lambda tx: repository.add_person(tx, DEFAULT_TENANT, PersonRow("p1", NOW, "user:alice")))
    store.run(lambda tx: repository.save_links(tx, DEFAULT_TENANT, [link(A, "p1"), link(B, "p1"), link(C, "p2")]))
    assert [row.lookup for row in store.read(lambda tx: repository.links(tx, DEFAULT_TENANT, [B]))] == [A, B]
    store.run(lambda tx: repository.save_links(tx, DEFAULT_TENANT, [link(C, "p1", b"review:1")]))
    assert store.read(lambda tx: repository.links(tx, DEFAULT_TENANT, [C, A])) == [link(A, "p1"), link(B, "p1"), link(C, "p1", b"review:1")]
    assert store.read(lambda tx: repository.links(tx, OTHER_TENANT, [A])) == []
    assert store.read(lambda tx: repository.person(tx, DEFAULT_TENANT, "p1")) == PersonRow("p1", NOW, "user:alice")
    assert store.read(lambda tx: repository.person(tx, OTHER_TENANT, "p1")) is None
    assert store.run(lambda tx: repository.delete_links(tx, DEFAULT_TENANT, [A, D])) == 1
    assert [row.lookup for row in store.read(lambda tx: repository.links_of(tx, DEFAULT_TENANT, "p1"))] == [B, C]


def test_pairs_told_apart_are_found_from_either_side(both: Pair) -> None:
    """And go with one side, or only with both."""
    store, repository = both
    store.run(lambda tx: repository.save_apart(tx, DEFAULT_TENANT, [(A, B), (B, C), (A, B)], "r1"))
    assert set(store.read(lambda tx: repository.apart(tx, DEFAULT_TENANT, [B]))) == {(A, B), (B, C)}
    assert set(store.read(lambda tx: repository.apart(tx, DEFAULT_TENANT, [C, D]))) == {(B, C)}
    assert set(store.read(lambda tx: repository.apart(tx, OTHER_TENANT, [B]))) == set()
    assert store.run(lambda tx: repository.delete_apart(tx, DEFAULT_TENANT, [A, C], both=True)) == 0
    assert store.run(lambda tx: repository.delete_apart(tx, DEFAULT_TENANT, [A, B], both=True)) == 1
    assert store.run(lambda tx: repository.delete_apart(tx, DEFAULT_TENANT, [C], both=False)) == 1


def test_the_same_doubt_is_asked_once(both: Pair) -> None:
    """Even after it was decided; what came second leaves no subject behind."""
    store, repository = both
    first = store.run(lambda tx: repository.add_reviews(tx, DEFAULT_TENANT, [review("r1", A), review("r2", B)], [entry("r1", A), entry("r2", B, anchor=True)]))
    assert list(first) == ["r1", "r2"]
    decided = replace(review("r1", A).review, state=ReviewState.DIFFERENT, decided_by="user:alice", decided_at=NOW)
    assert store.run(lambda tx: repository.decide(tx, DEFAULT_TENANT, ReviewRow(decided, A, b"note")))
    assert not store.run(lambda tx: repository.decide(tx, DEFAULT_TENANT, ReviewRow(decided, A, b"other")))
    again = store.run(lambda tx: repository.add_reviews(tx, DEFAULT_TENANT, [review("r3", A), review("r4", C)], [entry("r3", C), entry("r4", D)]))
    assert list(again) == ["r4"]
    assert store.read(lambda tx: repository.entries(tx, DEFAULT_TENANT, ["r1", "r3", "r4"])) == [entry("r1", A), entry("r4", D)]
    assert store.read(lambda tx: repository.review(tx, DEFAULT_TENANT, "r1")) == ReviewRow(decided, A, b"note")
    assert [row.review.id for row in store.read(lambda tx: repository.reviews(tx, DEFAULT_TENANT, "open", 10))] == ["r2", "r4"]
    assert [row.review.id for row in store.read(lambda tx: repository.reviews(tx, DEFAULT_TENANT, "", 2))] == ["r1", "r2"]
    assert store.read(lambda tx: repository.review(tx, OTHER_TENANT, "r1")) is None
    assert store.read(lambda tx: repository.review(tx, DEFAULT_TENANT, "审")) is None


def test_forgetting_takes_every_row_of_a_subject_and_its_decisions_reasons(both: Pair) -> None:
    """Twice is once; what is about others stays."""
    store, repository = both
    store.run(lambda tx: repository.add_person(tx, DEFAULT_TENANT, PersonRow("p1", NOW, "user:alice")))
    store.run(lambda tx: repository.save_links(tx, DEFAULT_TENANT, [link(A, "p1"), link(B, "p1")]))
    store.run(lambda tx: repository.save_apart(tx, DEFAULT_TENANT, [(A, C), (B, C)], "r1"))
    store.run(lambda tx: repository.add_reviews(tx, DEFAULT_TENANT, [review("r1", A), review("r2", B)], [entry("r1", A), entry("r1", C), entry("r2", D)]))
    for id in ("r1", "r2"):
        decided = replace(review(id, A).review, state=ReviewState.DISMISSED, decided_by="user:alice", decided_at=NOW)
        store.run(lambda tx, decided=decided: repository.decide(tx, DEFAULT_TENANT, ReviewRow(decided, A, b"note")))
    assert {lookup for lookup, _ in store.read(lambda tx: repository.sealed(tx, DEFAULT_TENANT))} == {A, B, C, D}
    assert store.run(lambda tx: repository.forget(tx, OTHER_TENANT, [A])) == {"links": 0, "reviews": 0, "apart": 0}
    assert store.run(lambda tx: repository.forget(tx, DEFAULT_TENANT, [A])) == {"links": 1, "reviews": 1, "apart": 1}
    assert store.run(lambda tx: repository.forget(tx, DEFAULT_TENANT, [A])) == {"links": 0, "reviews": 0, "apart": 0}
    assert {lookup for lookup, _ in store.read(lambda tx: repository.sealed(tx, DEFAULT_TENANT))} == {B, C, D}
    notes = {row.review.id: row.note for row in store.read(lambda tx: repository.reviews(tx, DEFAULT_TENANT, "", 10))}
    assert notes == {"r1": None, "r2": b"note"}
    assert [row.lookup for row in store.read(lambda tx: repository.links_of(tx, DEFAULT_TENANT, "p1"))] == [B]


def test_erasure_is_counted_where_the_person_stays(store: SqlStore) -> None:
    """The row of a person that is left says how many of its subjects were erased, and nothing of whom."""
    repository = SqlSubjectRepository()
    store.run(lambda tx: repository.add_person(tx, DEFAULT_TENANT, PersonRow("p1", NOW, "user:alice")))
    store.run(lambda tx: repository.save_links(tx, DEFAULT_TENANT, [link(A, "p1"), link(B, "p1")]))
    store.run(lambda tx: repository.forget(tx, DEFAULT_TENANT, [A, B]))
    with store.engine.connect() as opened:
        assert opened.execute(text("SELECT forgotten FROM person")).scalar() == 2
