"""A small company in memory: the shipped policy and taxonomy, one CRM dataset, a recipient, consents that a test sets. Real rooms wherever they are cheap."""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

from privacy.access.policies import Policies, PolicyFiles, vocabulary
from privacy.access.ports import PolicyVersion
from privacy.access.rows import Vocabulary
from privacy.access.service import Access
from privacy.actors.roles import Roles
from privacy.adapters.casbin_policy import CasbinOracle
from privacy.discovery.text import Detector
from privacy.inventory.catalogue_file import load_catalogue
from privacy.inventory.catalogue_model import Controller, Purpose, Recipient
from privacy.inventory.model import Dataset, Field, Status
from privacy.inventory.taxonomy import Taxonomy
from privacy.kernel.clock import FixedClock
from privacy.kernel.errors import StoreUnavailable
from privacy.kernel.ids import DatasetId, TenantId
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor, SubjectRef
from privacy.masking.catalogue import Techniques
from tests.cast import LI_XIAOMING, actor_as
from tests.remembering import RememberingLog

T = TypeVar("T")
SHIPPED = Path(__file__).parents[2] / "policies"
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)  # a Monday; 10:30 in Berlin
TAXONOMY = Taxonomy.load(SHIPPED / "taxonomy.toml")
TECHNIQUES = Techniques.shipped()
ROLES = Roles.load(SHIPPED / "roles.toml").names()
ORACLE = CasbinOracle.from_file(SHIPPED / "model.conf")


class MemoryTx:
    dialect = "memory"


class MemoryStore:
    """A store whose transactions are plain calls."""

    def run(self, fn: Callable[[Tx], T]) -> T:
        return fn(MemoryTx())

    read = run


class MemoryPolicyRepository:
    """Implements `access.ports.PolicyRepository`; passes the same contract suite as the SQL one."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], PolicyVersion] = {}
        self.epoch: dict[str, int] = {}
        self.reads = 0

    def active(self, tx: Tx, tenant: TenantId) -> int | None:
        self.reads += 1
        return self.epoch.get(tenant)

    def version(self, tx: Tx, tenant: TenantId, version: int) -> PolicyVersion | None:
        return self.rows.get((tenant, version))

    def versions(self, tx: Tx, tenant: TenantId) -> list[PolicyVersion]:
        own = [replace(row, policy="", examples="") for (owner, _), row in self.rows.items() if owner == tenant]
        return sorted(own, key=lambda row: -row.version)

    def add(self, tx: Tx, version: PolicyVersion) -> None:
        self.rows[version.tenant, version.version] = version

    def activate(self, tx: Tx, tenant: TenantId, version: int, replacing: int | None) -> bool:
        if self.epoch.get(tenant) != replacing:
            return False
        self.epoch[tenant] = version
        return True


@dataclass
class MemoryCatalogue:
    """Purposes, recipients and controllers as mappings a test may change."""

    controllers_by_id: dict[str, Controller] = field(default_factory=dict)
    purposes_by_id: dict[str, Purpose] = field(default_factory=dict)
    recipients_by_id: dict[str, Recipient] = field(default_factory=dict)

    @classmethod
    def shipped(cls) -> "MemoryCatalogue":
        catalogue = cls()
        for entry in load_catalogue(SHIPPED / "purposes.toml"):
            kept: dict[str, Any] = {Controller: catalogue.controllers_by_id, Purpose: catalogue.purposes_by_id, Recipient: catalogue.recipients_by_id}[
                type(entry)
            ]
            kept[entry.id] = entry
        catalogue.recipients_by_id["courier"] = Recipient("courier", "Courier", "processor", "DE", date(2026, 1, 1), date(2026, 12, 31), ("service",))
        return catalogue

    def purpose(self, tenant: TenantId, id: str) -> Purpose | None:
        return self.purposes_by_id.get(id)

    def recipient(self, tenant: TenantId, id: str) -> Recipient | None:
        return self.recipients_by_id.get(id)

    def controller(self, tenant: TenantId, id: str) -> Controller | None:
        return self.controllers_by_id.get(id)

    def purposes(self, tenant: TenantId) -> list[Purpose]:
        return list(self.purposes_by_id.values())

    def recipients(self, tenant: TenantId) -> list[Recipient]:
        return list(self.recipients_by_id.values())


@dataclass
class MemoryMap:
    """A data map of given datasets."""

    by_name: dict[str, Dataset] = field(default_factory=dict)
    number: int = 1

    def dataset(self, tenant: TenantId, name: str) -> Dataset | None:
        found = self.by_name.get(name)
        return found if found and found.tenant == tenant else None

    def datasets(self, tenant: TenantId) -> list[Dataset]:
        return [dataset for dataset in self.by_name.values() if dataset.tenant == tenant]

    def version(self, tenant: TenantId) -> int:
        return self.number


@dataclass(frozen=True)
class ConsentOf:
    state: str
    at: datetime | None = None


@dataclass
class MemoryConsents:
    """Consents by (subject, purpose, recipient); counts how often it was asked."""

    given: dict[tuple[SubjectRef, str, str | None], ConsentOf] = field(default_factory=dict)
    calls: int = 0

    def statuses(self, tenant: TenantId, subjects: Sequence[SubjectRef], purpose: str, recipient: str | None, channel: str | None = None) -> list[ConsentOf]:
        self.calls += 1
        return [self.given.get((subject, purpose, recipient), ConsentOf("never")) for subject in subjects]


@dataclass
class MemoryRestrictions:
    """Restricted subjects by tenant; `broken` makes the register one that cannot be read. Counts how often it was asked."""

    restricted: set[tuple[TenantId, SubjectRef]] = field(default_factory=set)
    broken: bool = False
    calls: int = 0

    def of(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> dict[SubjectRef, str]:
        self.calls += 1
        if self.broken:
            raise StoreUnavailable("The database does not answer.")
        return {subject: "rule" for subject in subjects if (tenant, subject) in self.restricted}


class HashedRefs:
    """Audit references as a digest; remembers for whom one was asked."""

    def __init__(self) -> None:
        self.asked: list[SubjectRef] = []
        self.destroyed: set[SubjectRef] = set()

    def audit_refs(self, tenant: TenantId, subjects: Sequence[SubjectRef]) -> list[bytes]:
        self.asked += subjects
        return [b"" if subject in self.destroyed else hashlib.sha256(str(subject).encode()).digest() for subject in subjects]


class NoProtection:
    """For tests in which no ciphertext is made: touching a key would be a fault."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError("keys were touched")


def derive(tenant: TenantId, label: str) -> bytes:
    return hmac.new(b"a key of the tests", f"{tenant}/{label}".encode(), "sha256").digest()


def field_of(name: str, category: str, status: Status = Status.CONFIRMED) -> Field:
    chosen = TAXONOMY.category(category)
    return Field(name, category, chosen.field_class, chosen.level, chosen.technique, status)


CUSTOMER_FIELDS: Mapping[str, str] = {
    "id": "subject_key",
    "name": "name",
    "phone": "phone",
    "email": "email",
    "id_card": "national_id",
    "card": "bank_card",
    "address": "address",
    "birthday": "birth_date",
    "age": "age",
    "gender": "gender",
    "health": "health",
    "password": "credential",
    "notes": "personal_text",
}


def customers(tenant: str = "default") -> Dataset:
    """The dataset crm.customer: confirmed fields, one only proposed, one rejected, one not personal."""
    fields = {name: field_of(name, category) for name, category in CUSTOMER_FIELDS.items()}
    fields["nickname"] = field_of("nickname", "name", Status.PROPOSED)
    fields["colour"] = field_of("colour", "name", Status.REJECTED)
    fields["created"] = field_of("created", "not_personal", Status.NOT_PERSONAL)
    return Dataset(DatasetId("0190-customer"), TenantId(tenant), "crm", "customer", "customer", "id", fields)


@dataclass
class Company:
    """Access and everything a test looks at or changes beside it."""

    access: Access
    policies: Policies
    repository: MemoryPolicyRepository
    catalogue: MemoryCatalogue
    data_map: MemoryMap
    consents: MemoryConsents
    refs: HashedRefs
    audit: RememberingLog
    clock: FixedClock
    restrictions: MemoryRestrictions

    def consent(self, subject: SubjectRef, purpose: str, state: str, at: datetime | None = None, recipient: str | None = None) -> None:
        self.consents.given[subject, purpose, recipient] = ConsentOf(state, at)


def words(catalogue: MemoryCatalogue | None = None) -> Vocabulary:
    known = catalogue or MemoryCatalogue.shipped()
    return vocabulary(TAXONOMY, TECHNIQUES.names(), ROLES, known.purposes_by_id)


def operator(tenant: str = "default") -> Actor:
    return Actor("operator:test", TenantId(tenant), frozenset({"operator"}), frozenset({"policy:write", "policy:read"}), "os")


def as_role(role: str, *, mfa: bool = False, purposes: Iterable[str] = ()) -> Actor:
    """Somebody in `role`, signed in at NOW, with or without a second factor."""
    return replace(actor_as(role), assurance=2 if mfa else 1, authenticated_at=NOW, purposes=tuple(purposes))


def open_company(files: PolicyFiles | None = None, protection: Any = None, refs: Any = None) -> Company:
    """Return a company whose policy (the shipped one unless given) is active as version 1."""
    catalogue, data_map, consents, audit, clock = (
        MemoryCatalogue.shipped(),
        MemoryMap({"crm.customer": customers()}),
        MemoryConsents(),
        RememberingLog(),
        FixedClock(NOW),
    )
    repository, hashed = MemoryPolicyRepository(), refs or HashedRefs()

    def names(tenant: TenantId) -> list[str]:
        return [dataset.name for dataset in data_map.datasets(tenant)]

    policies = Policies(MemoryStore(), repository, audit, clock, lambda tenant: words(catalogue), TAXONOMY, ORACLE, names, lambda: clock.now().timestamp())
    policies.load_initial(operator(), files or PolicyFiles.read(SHIPPED))
    audit.events.clear()
    restrictions, shielded = MemoryRestrictions(), protection or NoProtection()
    access = Access(policies, data_map, TAXONOMY, catalogue, consents, restrictions, Detector(), TECHNIQUES, derive, hashed, shielded, audit, clock)
    return Company(access, policies, repository, catalogue, data_map, consents, hashed, audit, clock, restrictions)


def customer(key: Any = "42", **changes: Any) -> dict[str, Any]:
    """One record about 李小明 (or another key)."""
    li = LI_XIAOMING
    record = {"id": key, "name": li.name, "phone": li.phone, "email": li.email, "id_card": li.id_number, "card": li.card, "address": li.address}
    return {**record, "birthday": li.birth_date, "age": 39, "gender": "女", "created": "2020-01-01", **changes}
