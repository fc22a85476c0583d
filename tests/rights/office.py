"""A rights office on real stores: who somebody is, what disposal does and where messages go are stand-ins that a test can bend."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from privacy.adapters.key_file import FileKeyProvider
from privacy.adapters.store.catalogue import SqlCatalogueRepository
from privacy.adapters.store.keys import SqlKeyRepository
from privacy.adapters.store.requests import SqlRequestRepository
from privacy.crypto.keyring import KeyRing
from privacy.crypto.subject_keys import SubjectKeys
from privacy.disposal.model import Collection, Plan, PlannedRows, PlanState, Share
from privacy.inventory.catalogue import Catalogue
from privacy.inventory.catalogue_model import Controller, Purpose, Recipient
from privacy.inventory.relations import Erase
from privacy.jobs.model import Job, JobState, NewJob
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import ConnectorUnavailable, NotFound
from privacy.kernel.ids import DEFAULT_TENANT, TenantId, new_id
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor, SubjectRef
from privacy.rights.cases import Cases
from privacy.rights.deadlines import Deadlines
from privacy.rights.erasing import Erasing
from privacy.rights.identity import Identity
from privacy.rights.letters import Letters
from privacy.rights.model import NewRequest, RequestKind
from privacy.rights.package import Built, Collected
from privacy.rights.packages import Packages
from privacy.rights.ports import Message
from privacy.rights.sealing import CaseSeal, Lookups
from privacy.rights.service import Requests
from privacy.subjects.model import Contact, Doubt, Identifier, IdentifierKind, Match, Resolution
from privacy.subjects.normalising import Spellings
from privacy.subjects.resolving import check_identifiers
from tests.cast import ALICE, LI_XIAOMING, actor_as
from tests.remembering import RememberingLog

NOW = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
POLICIES = Path(__file__).parents[2] / "policies"
CONTROLLER = Controller("main", "听涛有限公司", "DE", "Europe/Berlin", regimes=("gdpr", "pipl"), languages=("zh", "en"), contact="dpo@company.example")
CALIFORNIA = Controller("west", "Tidewater Inc", "US", "America/Los_Angeles", calendar="us-ca", regimes=("ccpa", "gdpr"), contact="privacy@company.example")
AGNES = actor_as("agent", ref="user:agnes")
ALBERT = actor_as("dpo", ref="user:albert")  # a second officer: may not approve either
LI = LI_XIAOMING
EMAIL = Identifier(IdentifierKind.EMAIL, Plaintext(LI.email))
PHONE = Identifier(IdentifierKind.PHONE, Plaintext(LI.phone))
SWITCHBOARD = Identifier(IdentifierKind.PHONE, Plaintext("010-62345678"))
NAME = Identifier(IdentifierKind.NAME, Plaintext(LI.name))


@dataclass
class KnownPeople:
    """Implements `rights.ports.Subjects`: values that lead to subjects, and those that more than one person shares."""

    people: dict[str, tuple[SubjectRef, ...]] = field(default_factory=dict)
    on_file: dict[SubjectRef, list[Contact]] = field(default_factory=dict)
    unreachable: bool = False

    def check(self, identifiers: Sequence[Identifier]) -> None:
        check_identifiers(identifiers, Spellings())

    def resolve(self, actor: Actor, identifiers: Sequence[Identifier], *, request_id: str = "") -> Resolution:
        matches, doubts = [], []
        if self.unreachable:
            return Resolution((), (Doubt("unreachable", "crm.customer", "email", IdentifierKind.EMAIL),))
        for each in identifiers:
            found = self.people.get(each.value.reveal().strip().lower(), ())
            if each.kind is IdentifierKind.NAME:
                doubts.append(Doubt("weak", "crm.customer", "name", each.kind))
            elif len(found) > 1:
                doubts.append(Doubt("shared", "crm.customer", each.kind.value, each.kind, found))
            else:
                matches += [Match(subject, "crm.customer", each.kind.value, each.kind) for subject in found]
        return Resolution(tuple(matches), tuple(doubts), several_people=len({match.subject for match in matches}) > 1)

    def contacts(self, tenant: TenantId, subject: SubjectRef) -> Sequence[Contact]:
        return self.on_file.get(subject, [])


@dataclass
class Pigeon:
    """Implements `rights.ports.Messenger`: remembers what it carried, or is ill."""

    sent: list[Message] = field(default_factory=list)
    ill: bool = False
    channels: frozenset[str] = frozenset({"email", "phone"})

    def send(self, channel: str, message: Message) -> None:
        if self.ill:
            raise ConnectorUnavailable("The mail server did not take the message.")
        self.sent.append(message)

    @property
    def last_code(self) -> Plaintext:
        text = self.sent[-1].text.reveal()
        return Plaintext(next(word for word in ("".join(sign if sign.isdecimal() else " " for sign in text)).split() if len(word) == 8))


@dataclass
class PaperDisposal:
    """Implements `rights.ports.Disposal` on paper: plans that a test moves from state to state."""

    plans: dict[str, Plan] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)  # of plans, where a test wants one
    collections: list[Collection] = field(default_factory=list)

    def collect(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> Sequence[Collection]:
        return self.collections

    def plan(self, actor: Actor, case: str, subjects: Sequence[SubjectRef], *, request_id: str = "") -> Plan:
        rows = (PlannedRows("crm", "crm.customer", Erase.DELETE, 1, Share.OWNED),)
        id = new_id()
        made = Plan(id, actor.tenant, case, PlanState.PLANNED, f"hash-of-{id}", rows, (), (), {}, {}, actor.ref, FixedClock(NOW).now())
        self.plans[id] = made
        return made

    def plan_of(self, tenant: TenantId, id: str) -> Plan | None:
        return self.plans.get(id)

    def history(self, tenant: TenantId, case: str) -> list[Plan]:
        return [plan for plan in reversed(self.plans.values()) if plan.case == case]

    def job_of(self, plan: Plan) -> Job | None:
        return self.jobs.get(plan.id)

    def put_off(self, case: str, state: PlanState = PlanState.APPROVED, **changes: object) -> str:
        """A hold has ended: the job makes a new plan of the case, under the approval that stands."""
        older = next(iter(self.history(DEFAULT_TENANT, case)))
        fresh = self.plan(Actor("service:disposal", DEFAULT_TENANT), case, ())
        self.move(fresh.id, state, approved_by=older.approved_by, approved_at=older.approved_at, **changes)
        return fresh.id

    def stop(self, id: str, code: str) -> None:
        now = FixedClock(NOW).now()
        self.jobs[id] = Job("job-9", DEFAULT_TENANT, "disposal", {"plan": id}, f"disposal:{id}", JobState.NEEDS_ATTENTION, 100, now, 5, 5, now, error_code=code)

    def approve(self, actor: Actor, id: str, plan_hash: str, *, not_by: Sequence[str] = (), request_id: str = "") -> Plan:
        return self.move(id, PlanState.APPROVED, approved_by=actor.ref, approved_at=NOW)

    def certificate(self, actor: Actor, id: str, *, request_id: str = "") -> bytes:
        if self.plans[id].state is not PlanState.DONE:
            raise NotFound("There is no certificate of this plan: it is not done.")
        return f'{{"certificate": "{id}"}}'.encode()

    def move(self, id: str, state: PlanState, **changes: object) -> Plan:
        self.plans[id] = replace(self.plans[id], state=state, **changes)  # type: ignore[arg-type]
        return self.plans[id]


@dataclass
class PaperBuilder:
    """Stands for `rights.package.Builder`: a package of a given size."""

    content: bytes = b"PK\x03\x04" + b"x" * 3_000_000
    size: int = 3
    unsearched: list[tuple[str, ...]] = field(default_factory=list)  # as each package was told

    def collect(self, request: object, subjects: object) -> Collected:
        return replace_size(self.size)

    def build(self, request: object, subjects: object, collected: object, unsearched: Sequence[str], *, step: object = None) -> Built:
        self.unsearched.append(tuple(unsearched))
        return Built(self.content, 3, 1, 0)


class _Sized(Collected):
    def __init__(self, size: int) -> None:
        super().__init__(())
        object.__setattr__(self, "_size", size)

    __slots__ = ("_size",)

    @property
    def size(self) -> int:
        return int(self._size)  # type: ignore[attr-defined]


def replace_size(size: int) -> Collected:
    return _Sized(size)


@dataclass
class PaperJobs:
    queued: list[NewJob] = field(default_factory=list)

    def enqueue(self, tx: Tx, tenant: TenantId, new: NewJob, *, by: str = "") -> Job:
        self.queued.append(new)
        now = FixedClock(NOW).now()
        return Job("job-1", tenant, new.kind, new.payload, new.dedupe, JobState.READY, 100, now, 0, 5, now, by)


@dataclass
class Bureau:
    """Everything of an office that a test looks at."""

    requests: Requests
    cases: Cases
    subjects: KnownPeople
    pigeon: Pigeon
    disposal: PaperDisposal
    builder: PaperBuilder
    jobs: PaperJobs
    log: RememberingLog
    clock: FixedClock
    keys: SubjectKeys

    def receive(self, kind: RequestKind = RequestKind.ACCESS, *identifiers: Identifier, actor: Actor = AGNES, **more: object) -> str:
        new = NewRequest(kind, str(more.pop("controller", "main")), identifiers or (EMAIL,), **more)  # type: ignore[arg-type]
        return self.requests.receive(actor, new).shown.request.id

    def verified(self, kind: RequestKind = RequestKind.ACCESS, **more: object) -> str:
        id = self.receive(kind, **more)  # type: ignore[arg-type]
        self.requests.identity.attest(ALICE, id, "id_document", Plaintext("copy 17"))
        return id

    def state(self, id: str) -> str:
        return self.cases.get(DEFAULT_TENANT, id).state.value


def open_bureau(store: Store, keys_store: Store, folder: Path, clock: FixedClock, *, messenger: bool = True) -> Bureau:
    """Open an office with 李小明 on file, a switchboard that two people share, and another customer."""
    ring = KeyRing(keys_store, SqlKeyRepository(), FileKeyProvider.create(folder / "root.key"), clock)
    ring.create_tenant(DEFAULT_TENANT)
    keys = SubjectKeys(ring, keys_store, SqlKeyRepository(), clock)
    log = RememberingLog()
    catalogue = Catalogue(store, SqlCatalogueRepository(), log, clock)
    purpose = Purpose("service", "Service", "main", "contract", ("name", "phone"))
    catalogue.load(ALICE, [CONTROLLER, CALIFORNIA, purpose, Recipient("parcel", "Parcel Ltd", "processor", "DE", purposes=("service",))])
    log.events.clear()
    deadlines = Deadlines.load(POLICIES)
    cases = Cases(store, SqlRequestRepository(), log, clock, CaseSeal(keys), deadlines, lambda tenant: frozenset(), catalogue)
    li, other = LI.ref, SubjectRef("crm", "customer", "43")
    office_phone = Contact(IdentifierKind.PHONE, SWITCHBOARD.value, "0***8", "crm.customer", "office")
    own_mail = Contact(IdentifierKind.EMAIL, EMAIL.value, "x***@t…", "crm.customer", "email")
    known = {LI.email: (li,), LI.phone: (li,), SWITCHBOARD.value.reveal(): (li, other), "other@company.example": (other,)}
    subjects = KnownPeople(known, {li: [office_phone, own_mail]})
    pigeon, disposal, builder, jobs = Pigeon(), PaperDisposal(), PaperBuilder(), PaperJobs()
    lookups, letters = Lookups(ring.derive), Letters.load(POLICIES / "requests.toml")
    identity = Identity(cases, lookups, subjects, pigeon if messenger else None)
    erasing = Erasing(cases, identity, disposal, catalogue, letters)
    packages = Packages(cases, identity, lookups, builder, jobs)  # type: ignore[arg-type]
    requests = Requests(cases, catalogue, lookups, letters, identity, erasing, packages)
    return Bureau(requests, cases, subjects, pigeon, disposal, builder, jobs, log, clock, keys)


DAY = timedelta(days=1)
