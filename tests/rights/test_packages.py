"""Packages: sealed, read once, replaced, expired, made by a job when large; the event comes before the bytes."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from privacy.adapters.store.engine import SqlStore
from privacy.jobs.model import Job, JobState
from privacy.kernel.errors import AccessDenied, AuditUnavailable, Conflict, ConnectorUnavailable, NotFound
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.store import Tx
from privacy.kernel.terms import SubjectRef
from privacy.rights.model import RequestKind
from privacy.rights.package import Built
from tests.cast import ALICE, CAROL, CHARLIE, DAVE, LI_XIAOMING
from tests.rights.office import AGNES, NOW, Bureau


def test_a_package_is_read_once_and_whole(office: Bureau) -> None:
    id = office.verified()
    made = office.requests.packages.make(ALICE, id)
    assert made.request.state.value == "ready" and made.package.size == len(office.builder.content)
    package, chunks = office.requests.packages.read(ALICE, id)
    assert b"".join(chunks) == office.builder.content
    assert package.read_by == ALICE.ref
    with pytest.raises(Conflict) as refused:
        office.requests.packages.read(ALICE, id)
    assert refused.value.code == "package_gone"


def test_the_reading_is_recorded_before_a_byte_leaves(office: Bureau) -> None:
    id = office.verified()
    office.requests.packages.make(ALICE, id)
    office.log.refuse = True
    with pytest.raises(AuditUnavailable):
        office.requests.packages.read(ALICE, id)
    office.log.refuse = False
    _, chunks = office.requests.packages.read(ALICE, id)
    assert office.log.events[-1].action.value == "rights:package:read"
    assert b"".join(chunks)


def test_a_new_package_takes_the_place_of_the_old_one(office: Bureau) -> None:
    id = office.verified(RequestKind.PORTABILITY)
    office.requests.packages.make(ALICE, id)
    b"".join(office.requests.packages.read(ALICE, id)[1])
    office.builder.content = b"PK another"
    office.requests.packages.make(ALICE, id)
    assert b"".join(office.requests.packages.read(ALICE, id)[1]) == b"PK another"


def test_a_package_expires(office: Bureau) -> None:
    id = office.verified()
    office.requests.packages.make(ALICE, id)
    office.clock.advance(timedelta(days=7))
    with pytest.raises(Conflict, match="expired"):
        office.requests.packages.read(ALICE, id)
    state = office.requests.packages.state(CAROL, id)
    assert state is not None and state.state.value == "expired"


def test_nothing_of_a_package_stands_in_the_database_in_clear_and_its_chunks_go(office: Bureau, sqlite_store: SqlStore) -> None:
    office.builder.content = b"PK" + b"very personal " * 100
    id = office.verified()
    office.requests.packages.make(ALICE, id)

    def chunks() -> list[bytes]:
        with sqlite_store.engine.connect() as opened:
            return list(opened.execute(text("SELECT sealed FROM request_package_chunk")).scalars())

    assert chunks() and all(b"personal" not in chunk for chunk in chunks())
    office.requests.packages.read(ALICE, id)  # taken, and the connection broke
    office.requests.purge(DEFAULT_TENANT)
    assert chunks() == []


def test_only_who_answers_makes_and_reads_packages(office: Bureau) -> None:
    id = office.verified()
    office.requests.packages.make(ALICE, id)
    for actor in (AGNES, CAROL, DAVE, CHARLIE):
        with pytest.raises(AccessDenied):
            office.requests.packages.make(actor, id)
        with pytest.raises(AccessDenied):
            office.requests.packages.read(actor, id)


def test_no_package_before_proof_of_identity_nor_of_another_kind(office: Bureau) -> None:
    for id in (office.receive(), office.verified(RequestKind.ERASURE)):
        with pytest.raises(Conflict):
            office.requests.packages.make(ALICE, id)
        with pytest.raises(NotFound):
            office.requests.packages.read(ALICE, id)


def test_a_package_of_somebody_who_was_erased_since_is_gone(office: Bureau) -> None:
    """It would be a copy of what was just erased."""
    id = office.verified()
    office.requests.packages.make(ALICE, id)
    forget = office.requests.packages.forget
    other = SubjectRef("crm", "customer", "43")
    assert office.cases.store.run(lambda tx: forget(tx, DEFAULT_TENANT, [other], "case")) == 0
    assert office.cases.store.run(lambda tx: forget(tx, DEFAULT_TENANT, [LI_XIAOMING.ref], "case")) == 1
    assert office.cases.store.run(lambda tx: forget(tx, DEFAULT_TENANT, [LI_XIAOMING.ref], "case")) == 0
    with pytest.raises(Conflict, match="expired"):
        office.requests.packages.read(ALICE, id)


def test_one_that_could_not_be_made_hides_none_that_was(office: Bureau) -> None:
    id = office.verified()
    office.requests.packages.make(ALICE, id)
    build, office.builder.build = office.builder.build, _unreachable  # type: ignore[method-assign]
    with pytest.raises(ConnectorUnavailable):
        office.requests.packages.make(ALICE, id)
    office.builder.build = build  # type: ignore[method-assign]
    assert b"".join(office.requests.packages.read(ALICE, id)[1]) == office.builder.content


def test_a_package_tells_what_could_not_be_searched_whichever_way_it_is_made(office: Bureau) -> None:
    id = office.verified()
    office.subjects.unreachable = True
    office.requests.packages.make(ALICE, id)
    office.builder.size = 100_000
    office.requests.packages.handle(PaperLease(office.requests.packages.make(ALICE, id).package.id))  # type: ignore[arg-type]
    by_call, by_job = office.builder.unsearched
    assert by_call == by_job and by_call


def test_of_packages_made_at_once_the_one_that_was_read_is_shown(office: Bureau) -> None:
    """The newest one may have been ready first, and be replaced by an older one."""
    office.builder.size = 100_000
    id = office.verified()
    older, newer = (office.requests.packages.make(ALICE, id).package.id for _ in range(2))
    for package in (newer, older):
        office.requests.packages.handle(PaperLease(package))  # type: ignore[arg-type]
    office.requests.packages.read(ALICE, id)
    shown = office.requests.packages.state(CAROL, id)
    assert shown is not None and (shown.id, shown.state.value, shown.read_by) == (older, "read", ALICE.ref)


def _unreachable(*_: object, **__: object) -> Built:
    raise ConnectorUnavailable("The system does not answer.")


class PaperLease:
    """A lease that remembers progress and completion."""

    def __init__(self, package: str) -> None:
        self.job = Job("job-1", DEFAULT_TENANT, "package", {"package": package}, "x", JobState.LEASED, 100, NOW, 1, 5, NOW)
        self.token, self.result = 1, {}  # type: ignore[var-annotated]

    def renew(self, done: int, total: int | None = None, step: str = "") -> None: ...

    def guard(self, tx: Tx) -> None: ...

    def complete(self, tx: Tx, result: object = None) -> None:
        self.result = result  # type: ignore[assignment]


def test_a_large_one_is_made_by_a_job_once_however_often_it_runs(office: Bureau) -> None:
    office.builder.size = 100_000
    id = office.verified()
    made = office.requests.packages.make(ALICE, id)
    assert made.job is not None and made.request.state.value == "verified"
    assert [job.kind for job in office.jobs.queued] == ["package"]
    with pytest.raises(Conflict, match="put together"):
        office.requests.packages.read(ALICE, id)
    lease = PaperLease(made.package.id)
    office.requests.packages.handle(lease)  # type: ignore[arg-type]
    office.requests.packages.handle(lease)  # type: ignore[arg-type]
    assert lease.result
    assert office.state(id) == "ready"
    assert b"".join(office.requests.packages.read(ALICE, id)[1]) == office.builder.content
