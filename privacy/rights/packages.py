"""What is handed over: built once, kept sealed in chunks, read once, gone after a week.

Guarantees: the event of a reading is committed before the first byte leaves; a package is read once, a second reading is refused and needs a new
one; nothing of it stands anywhere in clear. Limit: the whole package is put together in memory, so its size is bounded.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from privacy.actors.people import require
from privacy.audit.events import Action, Event
from privacy.jobs.model import Job, Lease, NewJob
from privacy.kernel.errors import Conflict, NotFound, PrivacyError
from privacy.kernel.ids import TenantId, new_id
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor, SubjectRef
from privacy.rights.cases import Cases, Telling
from privacy.rights.identity import Identity
from privacy.rights.model import Package, PackageState, Request
from privacy.rights.package import Builder, Built
from privacy.rights.ports import Jobs
from privacy.rights.sealing import Lookups
from privacy.rights.states import Act

KIND = "package"
_CHUNK = 1 << 20
_AT_A_TIME = 100
_AT_ONCE = 5_000  # rows; more are put together by a job


@dataclass(frozen=True, slots=True)
class Made:
    """A package that is ready, or the job that makes it."""

    request: Request
    package: Package
    job: Job | None = None


class Packages:
    """Access and portability packages of requests."""

    def __init__(
        self,
        cases: Cases,
        identity: Identity,
        lookups: Lookups,
        builder: Builder,
        jobs: Jobs,
        *,
        days: int = 7,
        at_once: int = _AT_ONCE,
        gate: Callable[[], None] = lambda: None,
    ) -> None:
        self._cases, self._identity, self._lookups, self._builder, self._jobs, self._gate = cases, identity, lookups, builder, jobs, gate
        self._life, self._at_once = timedelta(days=days), at_once

    def make(self, actor: Actor, id: str, *, request_id: str = "") -> Made:
        """Make a package of a verified request; a new one replaces the one before. Large ones are made by a job."""
        require(actor, "requests:write")
        request = self._cases.get(actor.tenant, id)
        self._cases.allowed(request, Act.PACKAGE)
        standing = self._identity.again(actor, request, request_id=request_id)
        subjects, unsearched = standing.subjects, standing.unsearched
        sealed = self._cases.seal.seal_subjects(actor.tenant, id, standing.reached)
        now = self._cases.clock.now()
        about = self._lookups.subjects(actor.tenant, subjects)
        package = Package(new_id(), id, PackageState.BUILDING, now, actor.ref, now + self._life, subjects=about, unsearched=tuple(unsearched))
        collected = self._builder.collect(request, subjects)
        large = collected.size > self._at_once

        def begin(tx: Tx) -> Job | None:
            before = self._cases.found(tx, actor.tenant, id, lock=True)
            self._cases.allowed(before, Act.PACKAGE)
            if before.subjects != request.subjects:  # verified anew, for somebody else perhaps
                raise Conflict("The request was changed by somebody else just now; look at it again.")
            self._cases.repository.save(tx, replace(before, subjects=sealed, version=before.version + 1))
            self._cases.repository.add_package(tx, actor.tenant, package)
            new = NewJob(KIND, {"package": package.id, "request": id}, f"{KIND}:{package.id}")
            return self._jobs.enqueue(tx, actor.tenant, new, by=actor.ref) if large else None

        job = self._cases.store.run(begin)
        if job is not None:
            return Made(self._cases.get(actor.tenant, id), package, job)
        try:
            done = self._keep(actor, package, self._builder.build(request, subjects, collected, unsearched), request_id=request_id)
        except PrivacyError:
            # nobody goes on with it: it must not be taken for one that is still being made
            self._cases.store.run(lambda tx: self._cases.repository.save_package(tx, actor.tenant, replace(package, state=PackageState.EXPIRED)))
            raise
        return Made(done, self._found(actor.tenant, package.id))

    def handle(self, lease: Lease) -> None:
        """Job `package`: put it together and keep it; made anew from the start when it was interrupted."""
        tenant, package = lease.job.tenant, self._found(lease.job.tenant, str(lease.job.payload["package"]))
        if package.state is not PackageState.BUILDING:
            return
        request = self._cases.get(tenant, package.request)
        subjects = self._identity.proven(request)
        collected = self._builder.collect(request, subjects)
        built = self._builder.build(request, subjects, collected, package.unsearched, step=lambda done: lease.renew(done, collected.size))
        self._keep(Actor(package.made_by, tenant), package, built, lease)

    def _keep(self, actor: Actor, package: Package, built: Built, lease: Lease | None = None, *, request_id: str = "") -> Request:
        tenant = actor.tenant
        pieces = [built.content[at : at + _CHUNK] for at in range(0, len(built.content), _CHUNK)]
        # chunks of an attempt that was interrupted would be in the way
        self._cases.store.run(lambda tx: self._cases.repository.drop_chunks(tx, tenant, package.id))
        for seq, piece in enumerate(pieces):
            sealed = self._cases.seal.seal(tenant, package.request, f"package:{package.id}:{seq}", piece)
            self._cases.store.run(partial(self._cases.repository.add_chunk, tenant=tenant, package=package.id, seq=seq, sealed=sealed))
        counts = {"rows": built.rows, "redacted": built.redacted, "carriers": built.carriers, "bytes": len(built.content)}
        ready = replace(
            package, state=PackageState.READY, chunks=len(pieces), size=len(built.content), digest=f"sha256:{hashlib.sha256(built.content).hexdigest()}"
        )
        telling = Telling(Action.PACKAGE_MADE, details=counts | {"package": package.id}, counts=counts, related=(package.id,))

        def finish(tx: Tx) -> Request:
            for older in self._cases.repository.packages(tx, tenant, package.request):
                if older.state is PackageState.READY:
                    self._cases.repository.save_package(tx, tenant, replace(older, state=PackageState.REPLACED))
            self._cases.repository.save_package(tx, tenant, ready)
            done = self._cases.write(tx, actor, package.request, Act.PACKAGE, telling, None, lambda _tx, before: before, request_id)
            if lease is not None:
                lease.complete(tx, counts)
            return done

        return self._cases.store.run(finish)

    def state(self, actor: Actor, id: str) -> Package | None:
        """Return how the newest package of a request stands."""
        require(actor, "requests:read")
        self._cases.get(actor.tenant, id)
        found = self._cases.store.read(lambda tx: self._cases.repository.packages(tx, actor.tenant, id))
        return self._present(found) if found else None

    def read(self, actor: Actor, id: str, *, request_id: str = "") -> tuple[Package, Iterator[bytes]]:
        """Return the package's bytes, once. Raises Conflict `package_gone` when it was read, replaced or has expired, NotFound when none was made."""
        require(actor, "requests:write")
        self._gate()  # a database that was restored under the running service: the log asks once a process only
        now = self._cases.clock.now()

        def take(tx: Tx) -> Package:
            request = self._cases.found(tx, actor.tenant, id, lock=True)
            found = self._cases.repository.packages(tx, actor.tenant, request.id)
            if not found:
                raise NotFound("No package was made for this request; make one with POST …/package.")
            package = self._present(found)
            if package.state is PackageState.BUILDING:
                raise Conflict("The package is being put together; ask for its job.", code="package_not_ready")
            if package.state is not PackageState.READY:
                raise Conflict(f"The package can be read no more: it is {package.state.value}. Make a new one with POST …/package.", code="package_gone")
            read = replace(package, state=PackageState.READ, read_at=now, read_by=actor.ref)
            self._cases.repository.save_package(tx, actor.tenant, read)
            counts = {"bytes": package.size, "chunks": package.chunks}
            event = Event(
                Action.PACKAGE_READ, actor, object_type="request", object_ref=id, counts=counts, related=(package.id, package.digest), request_id=request_id
            )
            self._cases.audit.append(tx, event)
            return read

        package = self._cases.store.run(take)
        return package, self._opened(actor.tenant, package)

    def _opened(self, tenant: TenantId, package: Package) -> Iterator[bytes]:
        for seq in range(package.chunks):
            sealed = self._cases.store.read(partial(self._cases.repository.chunk, tenant=tenant, package=package.id, seq=seq))
            if sealed is None:
                raise NotFound("A part of the package is no longer there.")
            yield self._cases.seal.open(tenant, package.request, f"package:{package.id}:{seq}", sealed)
        self._cases.store.run(lambda tx: self._cases.repository.drop_chunks(tx, tenant, package.id))

    def forget(self, tx: Tx, tenant: TenantId, subjects: Sequence[SubjectRef], case: str) -> int:
        """Remove packages about erased people, in the transaction of the erasure; return how many. Idempotent; the tenant's keys are loaded by then."""
        about = self._cases.repository.packages_about(tx, tenant, self._lookups.subjects(tenant, subjects))
        for package in about:
            self._cases.repository.drop_chunks(tx, tenant, package.id)
            self._cases.repository.save_package(tx, tenant, replace(package, state=PackageState.EXPIRED))
        return len(about)

    def tidy(self, tenant: TenantId) -> int:
        """Remove the chunks of packages that can be read no more; return how many packages."""
        now, count = self._cases.clock.now(), 0
        while stale := self._cases.store.read(lambda tx: self._cases.repository.stale_packages(tx, tenant, now, _AT_A_TIME)):
            for package in stale:
                self._cases.store.run(partial(self._cases.repository.drop_chunks, tenant=tenant, package=package.id))
            count += len(stale)
        return count

    def _present(self, packages: Sequence[Package]) -> Package:
        """Return the one that can be read, else the newest that was not replaced: one that could not be made hides none that was, nor who read it."""
        aged = [self._aged(each) for each in packages]
        ready = [each for each in aged if each.state is PackageState.READY]
        # of some made at once the newest may be one that another replaced
        told = [each for each in aged if each.state is not PackageState.REPLACED and (each.state is not PackageState.EXPIRED or each.digest)]
        return (ready or told or aged)[0]

    def _aged(self, package: Package) -> Package:
        late = package.state is PackageState.READY and package.expires_at <= self._cases.clock.now()
        return replace(package, state=PackageState.EXPIRED) if late else package

    def _found(self, tenant: TenantId, id: str) -> Package:
        found = self._cases.store.read(lambda tx: self._cases.repository.package(tx, tenant, id))
        if found is None:
            raise NotFound("There is no such package.")
        return found
