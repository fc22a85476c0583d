"""Persons and reviews in memory: a faithful stand-in of `SqlSubjectRepository` for tests of rooms above, under the same contract suite."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx
from privacy.subjects.model import ReviewState
from privacy.subjects.ports import EntryRow, LinkRow, PersonRow, ReviewRow

T = TypeVar("T")


class _Tx:
    dialect = "memory"


class MemoryStore:
    """A store without a database: what `run` is given happens at once and is not undone."""

    def run(self, fn: Callable[[Tx], T]) -> T:
        return fn(_Tx())

    def read(self, fn: Callable[[Tx], T]) -> T:
        return fn(_Tx())


class MemorySubjectRepository:
    """Implements `subjects.ports.SubjectRepository`."""

    def __init__(self) -> None:
        self._persons: dict[tuple[TenantId, str], PersonRow] = {}
        self._links: dict[tuple[TenantId, bytes], LinkRow] = {}
        self._pairs: dict[tuple[TenantId, bytes, bytes], str] = {}
        self._reviews: dict[tuple[TenantId, str], ReviewRow] = {}
        self._entries: dict[tuple[TenantId, str, bytes], EntryRow] = {}

    def add_person(self, tx: Tx, tenant: TenantId, row: PersonRow) -> None:
        self._persons[tenant, row.id] = row

    def person(self, tx: Tx, tenant: TenantId, id: str) -> PersonRow | None:
        return self._persons.get((tenant, id))

    def links(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> Sequence[LinkRow]:
        persons = {row.person: None for (of, lookup), row in self._links.items() if of == tenant and lookup in lookups}
        return [row for person in persons for row in self.links_of(tx, tenant, person)]

    def links_of(self, tx: Tx, tenant: TenantId, person: str) -> Sequence[LinkRow]:
        return sorted((row for (of, _), row in self._links.items() if of == tenant and row.person == person), key=lambda row: row.lookup)

    def save_links(self, tx: Tx, tenant: TenantId, rows: Sequence[LinkRow]) -> None:
        self._links |= {(tenant, row.lookup): row for row in rows}

    def delete_links(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> int:
        return sum(self._links.pop((tenant, lookup), None) is not None for lookup in set(lookups))

    def apart(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> Collection[tuple[bytes, bytes]]:
        return {(low, high) for of, low, high in self._pairs if of == tenant and {low, high} & set(lookups)}

    def save_apart(self, tx: Tx, tenant: TenantId, pairs: Collection[tuple[bytes, bytes]], review: str) -> None:
        for low, high in pairs:
            self._pairs.setdefault((tenant, low, high), review)

    def delete_apart(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes], *, both: bool) -> int:
        gone = [pair for pair in self.apart(tx, tenant, lookups) if not both or set(pair) <= set(lookups)]
        for low, high in gone:
            del self._pairs[tenant, low, high]
        return len(gone)

    def add_reviews(self, tx: Tx, tenant: TenantId, rows: Sequence[ReviewRow], entries: Sequence[EntryRow]) -> Sequence[str]:
        added = []
        for row in rows:
            if row.digest not in {known.digest for (of, _), known in self._reviews.items() if of == tenant}:
                self._reviews[tenant, row.review.id] = row
                added.append(row.review.id)
        for entry in entries:
            if entry.review in added:
                self._entries.setdefault((tenant, entry.review, entry.lookup), entry)
        return sorted(added)

    def reviews(self, tx: Tx, tenant: TenantId, state: str, limit: int) -> Sequence[ReviewRow]:
        mine = [row for (of, _), row in self._reviews.items() if of == tenant and state in ("", row.review.state)]
        return sorted(mine, key=lambda row: (row.review.created_at, row.review.dataset, row.review.field, row.review.id))[:limit]

    def review(self, tx: Tx, tenant: TenantId, id: str) -> ReviewRow | None:
        return self._reviews.get((tenant, id))

    def entries(self, tx: Tx, tenant: TenantId, reviews: Collection[str]) -> Sequence[EntryRow]:
        mine = [entry for (of, review, _), entry in self._entries.items() if of == tenant and review in reviews]
        return sorted(mine, key=lambda entry: (entry.review, entry.lookup))

    def decide(self, tx: Tx, tenant: TenantId, row: ReviewRow) -> bool:
        known = self._reviews.get((tenant, row.review.id))
        if known is None or known.review.state is not ReviewState.OPEN:
            return False
        self._reviews[tenant, row.review.id] = row
        return True

    def forget(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> Mapping[str, int]:
        entries = [key for key in self._entries if key[0] == tenant and key[2] in lookups]
        for _, review, _ in entries:
            row = self._reviews[tenant, review]
            self._reviews[tenant, review] = ReviewRow(row.review, row.digest)
        for key in entries:
            del self._entries[key]
        return {"links": self.delete_links(tx, tenant, lookups), "reviews": len(entries), "apart": self.delete_apart(tx, tenant, lookups, both=False)}

    def sealed(self, tx: Tx, tenant: TenantId) -> Sequence[tuple[bytes, bytes]]:
        rows = [(row.lookup, row.sealed) for (of, _), row in self._links.items() if of == tenant]
        return list(dict([*rows, *((entry.lookup, entry.sealed) for (of, _, _), entry in self._entries.items() if of == tenant)]).items())
