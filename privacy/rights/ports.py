"""What rights needs from outside: its rows, the clocks of law, who somebody is, what disposal does, a messenger, keys, and the words of the data map."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from privacy.crypto.envelope import SealingKey
from privacy.crypto.subject_keys import Destruction, WantedKey
from privacy.disposal.model import Collection as Collected
from privacy.disposal.model import Plan
from privacy.inventory.catalogue_ports import Contents
from privacy.inventory.model import Dataset
from privacy.inventory.relations import Relation
from privacy.jobs.model import Job, NewJob
from privacy.kernel.errors import PrivacyError
from privacy.kernel.ids import TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor, SubjectRef
from privacy.rights.model import Clock, Code, CodeState, Package, Request, RequestKind, RequestState, Step
from privacy.subjects.model import Contact, Identifier, Resolution


@dataclass(frozen=True, slots=True)
class Page:
    """Which requests are asked for: `after` is the id of the last one of the page before; the earliest target comes first."""

    states: tuple[RequestState, ...] = ()
    kind: RequestKind | None = None
    until: datetime | None = None  # target at or before this instant
    after: str = ""
    limit: int = 100


class RequestRepository(Protocol):
    """Requests with their clocks, steps, codes and packages; every method is of one tenant."""

    def add(self, tx: Tx, request: Request, lookups: Collection[bytes]) -> None: ...

    def get(self, tx: Tx, tenant: TenantId, id: str, *, lock: bool = False) -> Request | None: ...

    def save(self, tx: Tx, request: Request) -> None:
        """Replace the row of version `request.version` − 1. Raises Conflict when it has moved on."""

    def add_lookups(self, tx: Tx, tenant: TenantId, id: str, lookups: Collection[bytes]) -> None: ...

    def found_by(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> Mapping[str, frozenset[bytes]]:
        """Return the requests that hold any of these digests, each with all the digests it holds."""

    def page(self, tx: Tx, tenant: TenantId, page: Page) -> list[Request]: ...

    def to_purge(self, tx: Tx, tenant: TenantId, now: datetime, limit: int) -> list[Request]:
        """Return closed requests whose own retention has ended."""

    def forget(self, tx: Tx, tenant: TenantId, id: str) -> None:
        """Remove lookups, codes, packages and notes of a request."""

    def add_clocks(self, tx: Tx, tenant: TenantId, id: str, generation: int, clocks: Sequence[Clock], at: datetime) -> None: ...

    def clocks(self, tx: Tx, tenant: TenantId, id: str, generation: int | None = None) -> list[tuple[int, Clock]]:
        """Return clocks with the generation they were computed in, oldest first; None: of all generations."""

    def add_step(self, tx: Tx, tenant: TenantId, id: str, step: Step) -> None: ...

    def steps(self, tx: Tx, tenant: TenantId, id: str) -> list[Step]: ...

    def add_code(self, tx: Tx, tenant: TenantId, code: Code) -> None: ...

    def newest_code(self, tx: Tx, tenant: TenantId, request: str, *, lock: bool = False) -> Code | None: ...

    def set_code(self, tx: Tx, tenant: TenantId, id: str, state: CodeState, attempts: int) -> None: ...

    def void_codes(self, tx: Tx, tenant: TenantId, request: str) -> None:
        """Void every active code of a request."""

    def codes_since(self, tx: Tx, tenant: TenantId, since: datetime, *, request: str = "", contact: bytes = b"") -> int: ...

    def add_package(self, tx: Tx, tenant: TenantId, package: Package) -> None: ...

    def package(self, tx: Tx, tenant: TenantId, id: str, *, lock: bool = False) -> Package | None: ...

    def packages(self, tx: Tx, tenant: TenantId, request: str) -> list[Package]:
        """Return the packages of a request, newest first."""

    def packages_about(self, tx: Tx, tenant: TenantId, subjects: Collection[str]) -> list[Package]:
        """Return packages that are built or being built, about any of these digests of subjects."""

    def save_package(self, tx: Tx, tenant: TenantId, package: Package) -> None: ...

    def add_chunk(self, tx: Tx, tenant: TenantId, package: str, seq: int, sealed: bytes) -> None: ...

    def chunk(self, tx: Tx, tenant: TenantId, package: str, seq: int) -> bytes | None: ...

    def drop_chunks(self, tx: Tx, tenant: TenantId, package: str) -> None: ...

    def stale_packages(self, tx: Tx, tenant: TenantId, now: datetime, limit: int) -> list[Package]:
        """Return packages that were read, replaced or have expired, and still hold chunks."""


class Accepting(Protocol):
    def __call__(self, tenant: TenantId) -> frozenset[tuple[str, int]]:
        """Return (id, version) of the rules and calendars that somebody of the tenant accepted."""


class Subjects(Protocol):
    """Who somebody is; `subjects.service.Subjects` is one."""

    def check(self, identifiers: Sequence[Identifier]) -> None:
        """Refuse what can never lead to anybody. Raises InvalidInput with the place, never the value."""

    def resolve(self, actor: Actor, identifiers: Sequence[Identifier], *, request_id: str = "") -> Resolution: ...

    def contacts(self, tenant: TenantId, subject: SubjectRef) -> Sequence[Contact]:
        """Return the ways to reach a subject that are on file, read live, each with a masked form that may be shown."""


class Disposal(Protocol):
    """Which rows are theirs, and what becomes of them; `disposal.service.Disposal` is one."""

    def collect(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> Sequence[Collected]: ...

    def plan(self, actor: Actor, case: str, subjects: Sequence[SubjectRef], *, request_id: str = "") -> Plan: ...

    def plan_of(self, tenant: TenantId, id: str) -> Plan | None: ...

    def history(self, tenant: TenantId, case: str) -> Sequence[Plan]:
        """Return the plans of a case, newest first; one that a job made of what had been put off is among them."""

    def job_of(self, plan: Plan) -> Job | None:
        """Return the job that carries the plan out, None before its approval."""

    def approve(self, actor: Actor, id: str, plan_hash: str, *, not_by: Collection[str] = (), request_id: str = "") -> Plan: ...

    def certificate(self, actor: Actor, id: str, *, request_id: str = "") -> bytes: ...


class Jobs(Protocol):
    def enqueue(self, tx: Tx, tenant: TenantId, new: NewJob, *, by: str = "") -> Job: ...


@dataclass(frozen=True, slots=True)
class Message:
    """What a person gets: plain text in their language. It says nothing about them but the code."""

    to: Plaintext
    subject: str
    text: Plaintext


class Messenger(Protocol):
    """Sends messages over one or more channels (`email`, `phone`)."""

    @property
    def channels(self) -> frozenset[str]: ...

    def send(self, channel: str, message: Message) -> None:
        """Hand the message over. Raises ConnectorUnavailable when it could not be, without the address in any text."""


class DataMap(Protocol):
    """`inventory.service.Inventory` is one."""

    def datasets(self, tenant: TenantId, system: str | None = None) -> list[Dataset]: ...


class Relations(Protocol):
    """`inventory.relating.Relations` is one."""

    def of_system(self, tenant: TenantId, system: str) -> Sequence[Relation]: ...


class Catalogue(Protocol):
    """`inventory.catalogue.Catalogue` is one."""

    def contents(self, tenant: TenantId) -> Contents: ...


class Finds(Protocol):
    """`discovery.text.Detector` is one."""

    def find(self, text: str) -> Sequence["Found"]: ...


class Found(Protocol):
    @property
    def entity(self) -> str: ...

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...


class CaseKeys(Protocol):
    """Keys that belong to one case and die with it; `crypto.subject_keys.SubjectKeys` is one."""

    def for_writing(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> list[SealingKey | PrivacyError]: ...

    def for_reading(self, tenant: TenantId, wanted: Sequence[WantedKey]) -> list[SealingKey | PrivacyError]: ...

    def destroy(self, tenant: TenantId, subjects: Sequence[SubjectRef], reason_ref: str) -> Destruction: ...


class Derive(Protocol):
    def __call__(self, tenant: TenantId, label: str) -> bytes: ...
