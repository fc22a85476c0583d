"""What subjects need from outside: people found and read live in connected systems, columns encrypted there, the data map, keys, and rows of ours."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from privacy.inventory.model import Dataset
from privacy.kernel.ids import DatasetId, TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.store import Tx
from privacy.kernel.terms import SubjectRef
from privacy.subjects.model import IdentifierKind, Review

# --- connected systems ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EncryptedField:
    """A column encrypted in place: how it is searched, and how what was found is read.

    `index` gives the blind index of each value as the index column holds it (a decimal number); `reveal` opens texts of the shadow column,
    each under its row's subject, with None for what does not open.
    """

    index_column: str
    shadow_column: str
    index: Callable[[Sequence[Plaintext]], Sequence[str]]
    reveal: Callable[[Sequence[tuple[SubjectRef, str]]], Sequence[Plaintext | None]]


class EncryptedFields(Protocol):
    """Columns encrypted in place; `protection.columns` has them."""

    def of(self, tenant: TenantId, dataset: DatasetId) -> Mapping[str, EncryptedField]: ...


class NothingEncrypted:
    """An installation in which no column is encrypted in place."""

    def of(self, tenant: TenantId, dataset: DatasetId) -> Mapping[str, EncryptedField]:
        return {}


@dataclass(frozen=True, slots=True)
class Probe:
    """What to look for in one field: `forms` are normalised values (see `normalising.py`)."""

    field: str
    kind: IdentifierKind
    forms: tuple[Plaintext, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A row whose field holds an identifier: the subject's key as text, and which of the probe's forms it was."""

    key: str
    probe: Probe
    form: Plaintext


@dataclass(frozen=True, slots=True)
class Hits:
    """`complete` false: time ran out before the whole table was seen, so that more may hold the value."""

    found: tuple[Hit, ...]
    complete: bool = True


class PeopleSession(Protocol):
    """Connections to the systems of one tenant for the length of one question. Only reads. Methods raise ConnectorUnavailable; each system is tried once."""

    def find(self, dataset: Dataset, probes: Sequence[Probe], encrypted: Mapping[str, EncryptedField]) -> Hits:
        """Return the rows of the dataset whose field holds one of the forms in any spelling: no form is missed, however it is written.

        Of a value that very many subjects hold only some are returned, never fewer than two.
        """

    def read(
        self, dataset: Dataset, fields: Sequence[str], keys: Collection[str], encrypted: Mapping[str, EncryptedField]
    ) -> Mapping[str, Mapping[str, Sequence[Plaintext]]]:
        """Return the fields' values of these subjects, by key and field; keys without a row are left out, empty cells too."""

    def one_row_each(self, dataset: Dataset) -> bool:
        """Tell whether no subject has two rows in the dataset."""


class PeopleFinder(Protocol):
    """Opens connected systems for reading; `adapters.databases.people` is the one that ships."""

    def opened(self, tenant: TenantId) -> AbstractContextManager[PeopleSession]: ...


class DataMap(Protocol):
    """`inventory.service.Inventory` is one."""

    def datasets(self, tenant: TenantId, system: str | None = None) -> Sequence[Dataset]: ...


# --- ours -----------------------------------------------------------------------------------------------------------------------------


class Keys(Protocol):
    """Keyed digests and sealing of the tenant; `crypto.keyring.KeyRing` is one."""

    def derive(self, tenant: TenantId, label: str) -> bytes: ...

    def seal(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes: ...

    def unseal(self, tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes: ...


@dataclass(frozen=True, slots=True)
class PersonRow:
    id: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One subject of a person: `lookup` is its keyed digest, `sealed` its reference, bound to both; `evidence` is sealed, people write it."""

    lookup: bytes
    person: str
    sealed: bytes
    linked_at: datetime
    linked_by: str
    evidence: bytes


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A subject that a review is about. `anchor`: found by a strong identifier, the others are in doubt."""

    review: str
    lookup: bytes
    sealed: bytes
    anchor: bool


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A doubt as kept: `review` without its subjects (they are entries), `digest` tells the same doubt again, `note` is the sealed reason."""

    review: Review
    digest: bytes
    note: bytes | None = None


class SubjectRepository(Protocol):
    """Persons, links and reviews; every method is of one tenant. Subjects appear as keyed digests and sealed texts alone."""

    def add_person(self, tx: Tx, tenant: TenantId, row: PersonRow) -> None: ...

    def person(self, tx: Tx, tenant: TenantId, id: str) -> PersonRow | None: ...

    def links(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> Sequence[LinkRow]:
        """Return all links of every person that one of `lookups` belongs to."""

    def links_of(self, tx: Tx, tenant: TenantId, person: str) -> Sequence[LinkRow]: ...

    def save_links(self, tx: Tx, tenant: TenantId, rows: Sequence[LinkRow]) -> None:
        """Insert or replace by lookup: a subject belongs to one person."""

    def delete_links(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> int: ...

    def apart(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> Collection[tuple[bytes, bytes]]:
        """Return the pairs, each in ascending order, of which at least one is of `lookups`."""

    def save_apart(self, tx: Tx, tenant: TenantId, pairs: Collection[tuple[bytes, bytes]], review: str) -> None: ...

    def delete_apart(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes], *, both: bool) -> int:
        """Remove pairs with one side (`both`: both sides) of `lookups`."""

    def add_reviews(self, tx: Tx, tenant: TenantId, rows: Sequence[ReviewRow], entries: Sequence[EntryRow]) -> Sequence[str]:
        """Add those whose digest is not known and return their ids; a doubt that was decided is not asked again."""

    def reviews(self, tx: Tx, tenant: TenantId, state: str, limit: int) -> Sequence[ReviewRow]:
        """Return reviews in a state ("" for all), oldest first."""

    def review(self, tx: Tx, tenant: TenantId, id: str) -> ReviewRow | None: ...

    def entries(self, tx: Tx, tenant: TenantId, reviews: Collection[str]) -> Sequence[EntryRow]: ...

    def decide(self, tx: Tx, tenant: TenantId, row: ReviewRow) -> bool:
        """Store the decision where the review is still open; tell whether it was."""

    def forget(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> Mapping[str, int]:
        """Remove links, entries and pairs of these subjects, and count what went; persons and reviews stay with their counts."""

    def sealed(self, tx: Tx, tenant: TenantId) -> Sequence[tuple[bytes, bytes]]:
        """Return (lookup, sealed reference) of every subject that a link or a review names, each once."""
