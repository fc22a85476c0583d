"""Builders for tests of subjects: a confirmed data map over real tables, and the service over it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from privacy.adapters.database_urls import parse_address
from privacy.adapters.databases.open import open_connector
from privacy.adapters.databases.people import LivePeople
from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.subjects import SqlSubjectRepository
from privacy.inventory.model import Dataset, Field, Status
from privacy.kernel.clock import Clock
from privacy.kernel.errors import NotFound
from privacy.kernel.ids import DEFAULT_TENANT, DatasetId, TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.subjects.model import Identifier, IdentifierKind
from privacy.subjects.normalising import Spellings
from privacy.subjects.ports import EncryptedFields, NothingEncrypted
from privacy.subjects.service import Subjects
from tests.consent.builders import MemoryKeys
from tests.remembering import RememberingLog

EMAIL, PHONE, ID, LOGIN, CARD, NAME = (
    IdentifierKind.EMAIL,
    IdentifierKind.PHONE,
    IdentifierKind.RESIDENT_ID,
    IdentifierKind.LOGIN,
    IdentifierKind.MEMBER_CARD,
    IdentifierKind.NAME,
)


def fields(categories: Mapping[str, str], key: str, types: Mapping[str, str], proposed: Sequence[str] = ()) -> Mapping[str, Field]:
    """Return confirmed fields by name; the one called `key` is the lone primary key."""
    return MappingProxyType(
        {
            name: Field(
                name, category, "", 3, "redact", Status.PROPOSED if name in proposed else Status.CONFIRMED, types.get(name, "varchar(200)"),
                key="primary" if name == key else "",
            )
            for name, category in categories.items()
        }
    )  # fmt: skip


def dataset(name: str, type: str | None, subject_field: str | None, categories: Mapping[str, str], **change: Any) -> Dataset:
    """Return a confirmed dataset `system.table`; `key` names its primary key (the subject field where nothing is said), "" for none."""
    system, _, table = name.partition(".")
    key = change.pop("key", subject_field or "")
    types = change.pop("types", {key: "integer"})
    columns = dict.fromkeys([each for each in (key, subject_field) if each], "subject_key") | dict(categories)
    found = fields(columns, key, types, change.pop("proposed", ()))
    return Dataset(DatasetId(f"id-of-{name}"), DEFAULT_TENANT, system, table, type, subject_field, found, **change)


class FixedMap:
    """A data map that is what a test says."""

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self.list = list(datasets)

    def datasets(self, tenant: TenantId, system: str | None = None) -> list[Dataset]:
        return [each for each in self.list if each.tenant == tenant and system in (None, each.system)]


def service(
    store: SqlStore,
    clock: Clock,
    urls: Mapping[str, str],
    datasets: Sequence[Dataset],
    *,
    audit: RememberingLog | None = None,
    encrypted: EncryptedFields | None = None,
    regions: Sequence[str] = ("CN",),
    seconds: float = 20.0,
) -> Subjects:
    """Return the service over systems by their addresses."""

    def address(tenant: TenantId, name: str) -> str:
        if name not in urls:
            raise NotFound("No system with this name is connected.")
        return urls[name]

    spellings = Spellings(regions)
    finder = LivePeople(address, open_connector, spellings, seconds=seconds)
    return Subjects(
        store, SqlSubjectRepository(), FixedMap(datasets), finder, encrypted or NothingEncrypted(), spellings, audit or RememberingLog(), MemoryKeys(), clock
    )


def fill(url: str, *statements: str | tuple[str, Sequence[Mapping[str, Any]]]) -> None:
    """Run statements on a connected database, as its own application would."""
    engine = create_engine(parse_address(url, setting="test").url, poolclass=NullPool)
    with engine.begin() as opened:
        for statement in statements:
            sql, rows = (statement, None) if isinstance(statement, str) else statement
            opened.execute(text(sql), list(rows) if rows else None)
    engine.dispose()


def asked(kind: IdentifierKind, value: str, scope: str = "") -> Identifier:
    return Identifier(kind, Plaintext(value), scope)


def refs(*texts: str) -> list[SubjectRef]:
    return [SubjectRef.parse(text) for text in texts]
