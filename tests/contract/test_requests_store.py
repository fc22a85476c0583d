"""The rows of requests on SQLite, PostgreSQL and MariaDB: what is stored comes back, and only the tenant's own."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.requests import SqlAcceptanceRepository, SqlRequestRepository
from privacy.kernel.errors import Conflict
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.rights.acceptance import Acceptance
from privacy.rights.model import Clock, Code, CodeState, Package, PackageState, Request, Requester, RequestKind, RequestState, Step
from privacy.rights.ports import Page
from tests.cast import OTHER_TENANT

NOW = datetime(2026, 11, 22, 7, 30, 0, 123456, tzinfo=UTC)
R = SqlRequestRepository()
REQUEST = Request(
    "r-1", DEFAULT_TENANT, RequestKind.ACCESS, RequestState.RECEIVED, "main", ("gdpr", "pipl"), NOW, NOW, "user:agnes", "web", "zh", Requester.SELF,
    ("email",), b"\x00sealed", None, target_at=NOW + timedelta(days=30),
)  # fmt: skip
DAYS = Clock("gdpr.answer", 3, "gdpr", "de", "de/2026@1", "Europe/Berlin", {"received": "x", "extended": True, "n": 2}, date(2026, 12, 22), date(2026, 12, 21))
HOURS = replace(DAYS, name="confirm_receipt", due=NOW, target=NOW, provisional=True, status="to_verify")
CODE = Code("c-1", "r-1", bytes(32), bytes(range(32)), "email", CodeState.ACTIVE, 0, NOW, NOW + timedelta(minutes=15))
PACKAGE = Package("p-1", "r-1", PackageState.READY, NOW, "user:alice", NOW + timedelta(days=7), 2, 2**33, "sha256:x")


def test_a_request_comes_back_as_it_was_stored(store: SqlStore) -> None:
    store.run(lambda tx: R.add(tx, REQUEST, [bytes(32), bytes(range(32))]))
    assert store.read(lambda tx: R.get(tx, DEFAULT_TENANT, "r-1")) == REQUEST
    assert store.read(lambda tx: R.get(tx, OTHER_TENANT, "r-1")) is None
    assert store.read(lambda tx: R.get(tx, DEFAULT_TENANT, "请求")) is None
    found = store.read(lambda tx: R.found_by(tx, DEFAULT_TENANT, [bytes(32)]))
    assert found == {"r-1": frozenset({bytes(32), bytes(range(32))})}
    assert store.read(lambda tx: R.found_by(tx, OTHER_TENANT, [bytes(32)])) == {}


def test_a_change_of_what_has_moved_on_is_refused(store: SqlStore) -> None:
    store.run(lambda tx: R.add(tx, REQUEST, []))
    store.run(lambda tx: R.save(tx, replace(REQUEST, state=RequestState.VERIFIED, version=2)))
    with pytest.raises(Conflict):
        store.run(lambda tx: R.save(tx, replace(REQUEST, state=RequestState.REFUSED, version=2)))
    assert store.read(lambda tx: R.get(tx, DEFAULT_TENANT, "r-1", lock=False)).state is RequestState.VERIFIED  # type: ignore[union-attr]


def test_pages_follow_the_earliest_target_and_end(store: SqlStore) -> None:
    def write(tx: object) -> None:
        for number in range(5):
            R.add(tx, replace(REQUEST, id=f"r-{number}", target_at=NOW + timedelta(days=number // 2)), [])  # type: ignore[arg-type]

    store.run(write)
    seen: list[str] = []
    for _ in range(3):
        after = Page(after=seen[-1] if seen else "", limit=2)
        seen += [each.id for each in store.read(partial(R.page, tenant=DEFAULT_TENANT, page=after))]
    assert store.read(partial(R.page, tenant=DEFAULT_TENANT, page=Page(after=seen[-1]))) == []
    assert seen == [f"r-{number}" for number in range(5)]
    until = Page((RequestState.RECEIVED,), RequestKind.ACCESS, NOW + timedelta(hours=1))
    assert [each.id for each in store.read(lambda tx: R.page(tx, DEFAULT_TENANT, until))] == ["r-0", "r-1"]
    assert store.read(lambda tx: R.page(tx, DEFAULT_TENANT, Page(kind=RequestKind.ERASURE))) == []


def test_clocks_steps_codes_and_packages_come_back(store: SqlStore) -> None:
    step = Step(1, NOW, "user:alice", "refuse", "received", "refused", "excessive", {"article": "12(5)", "n": 1}, b"\xff\x00")

    def write(tx: object) -> None:
        R.add_clocks(tx, DEFAULT_TENANT, "r-1", 1, [DAYS, HOURS], NOW)  # type: ignore[arg-type]
        R.add_step(tx, DEFAULT_TENANT, "r-1", step)  # type: ignore[arg-type]
        R.add_code(tx, DEFAULT_TENANT, CODE)  # type: ignore[arg-type]
        R.add_package(tx, DEFAULT_TENANT, PACKAGE)  # type: ignore[arg-type]
        R.add_chunk(tx, DEFAULT_TENANT, "p-1", 0, b"\x00" * 1_048_640)  # type: ignore[arg-type]

    store.run(write)
    assert store.read(lambda tx: R.clocks(tx, DEFAULT_TENANT, "r-1")) == [(1, DAYS), (1, HOURS)]
    assert store.read(lambda tx: R.steps(tx, DEFAULT_TENANT, "r-1")) == [step]
    assert store.read(lambda tx: R.newest_code(tx, DEFAULT_TENANT, "r-1")) == CODE
    assert store.read(lambda tx: R.packages(tx, DEFAULT_TENANT, "r-1")) == [PACKAGE]
    assert len(store.read(lambda tx: R.chunk(tx, DEFAULT_TENANT, "p-1", 0)) or b"") == 1_048_640
    for get in (R.clocks, R.steps, R.packages):
        assert store.read(lambda tx, get=get: get(tx, OTHER_TENANT, "r-1")) == []  # type: ignore[misc, operator]


def test_codes_are_counted_by_request_and_by_contact(store: SqlStore) -> None:
    later = replace(CODE, id="c-2", sent_at=NOW + timedelta(minutes=1))

    def write(tx: object) -> None:
        R.add_code(tx, DEFAULT_TENANT, CODE)  # type: ignore[arg-type]
        R.add_code(tx, DEFAULT_TENANT, later)  # type: ignore[arg-type]
        R.add_code(tx, DEFAULT_TENANT, replace(CODE, id="c-3", request="r-2"))  # type: ignore[arg-type]

    store.run(write)
    assert store.read(lambda tx: R.newest_code(tx, DEFAULT_TENANT, "r-1")) == later
    assert store.read(lambda tx: R.codes_since(tx, DEFAULT_TENANT, NOW - timedelta(hours=1), request="r-1")) == 2
    assert store.read(lambda tx: R.codes_since(tx, DEFAULT_TENANT, NOW, contact=CODE.contact)) == 1
    store.run(lambda tx: R.void_codes(tx, DEFAULT_TENANT, "r-1"))
    assert store.read(lambda tx: R.newest_code(tx, DEFAULT_TENANT, "r-1")) == replace(later, state=CodeState.VOIDED)
    assert store.read(lambda tx: R.newest_code(tx, DEFAULT_TENANT, "r-2")).state is CodeState.ACTIVE  # type: ignore[union-attr]


def test_what_is_forgotten_is_gone_and_what_proves_stays(store: SqlStore) -> None:
    closed = replace(REQUEST, state=RequestState.DONE, purge_at=NOW)
    step = Step(1, NOW, "user:alice", "close", "ready", "done", "answered", {}, b"note")

    def write(tx: object) -> None:
        R.add(tx, closed, [bytes(32)])  # type: ignore[arg-type]
        R.add(tx, replace(REQUEST, id="r-2", purge_at=NOW), [bytes(32)])  # type: ignore[arg-type]
        R.add_step(tx, DEFAULT_TENANT, "r-1", step)  # type: ignore[arg-type]
        R.add_code(tx, DEFAULT_TENANT, CODE)  # type: ignore[arg-type]
        R.add_package(tx, DEFAULT_TENANT, replace(PACKAGE, state=PackageState.READ))  # type: ignore[arg-type]
        R.add_chunk(tx, DEFAULT_TENANT, "p-1", 0, b"x")  # type: ignore[arg-type]

    store.run(write)
    assert [each.id for each in store.read(lambda tx: R.to_purge(tx, DEFAULT_TENANT, NOW, 10))] == ["r-1"]
    assert [each.id for each in store.read(lambda tx: R.stale_packages(tx, DEFAULT_TENANT, NOW, 10))] == ["p-1"]
    store.run(lambda tx: R.forget(tx, DEFAULT_TENANT, "r-1"))
    assert store.read(lambda tx: R.found_by(tx, DEFAULT_TENANT, [bytes(32)])).keys() == {"r-2"}
    assert store.read(lambda tx: R.newest_code(tx, DEFAULT_TENANT, "r-1")) is None
    assert store.read(lambda tx: R.chunk(tx, DEFAULT_TENANT, "p-1", 0)) is None
    assert store.read(lambda tx: R.steps(tx, DEFAULT_TENANT, "r-1")) == [replace(step, note=None)]


def test_acceptances_are_of_one_tenant_and_one_version(store: SqlStore) -> None:
    made, repository = Acceptance("pipl.dsr.app", 1, "user:alice", NOW, "read in the official text, 第44条"), SqlAcceptanceRepository()
    store.run(lambda tx: repository.add(tx, DEFAULT_TENANT, made))
    assert store.read(lambda tx: repository.all(tx, DEFAULT_TENANT)) == [made]
    assert store.read(lambda tx: repository.all(tx, OTHER_TENANT)) == []
