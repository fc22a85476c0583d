"""Tables and repository of subjects: persons, their links, pairs told apart, and the review list. Subjects appear as keyed digests and sealed texts alone."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, Row, Table, UniqueConstraint, and_, delete, insert, select, update

from privacy.adapters.store.engine import connection
from privacy.adapters.store.schema import MAIN, blob, instant, key, name, upsert
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx
from privacy.subjects.model import IdentifierKind, Review, ReviewState
from privacy.subjects.ports import EntryRow, LinkRow, PersonRow, ReviewRow

PERSON = Table(
    "person",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("created_at", instant(), nullable=False),
    Column("created_by", name(200), nullable=False),
    Column("forgotten", Integer, nullable=False),
)
LINK = Table(
    "person_subject",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("lookup", blob(32), primary_key=True),
    Column("person", key(), nullable=False),
    Column("sealed", blob(2048), nullable=False),
    Column("linked_at", instant(), nullable=False),
    Column("linked_by", name(200), nullable=False),
    Column("evidence", blob(4096), nullable=False),
    Index("ix_person_subject_person", "tenant", "person"),
)
APART = Table(
    "subjects_apart",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("low", blob(32), primary_key=True),
    Column("high", blob(32), primary_key=True),
    Column("review", key(), nullable=False),
    Index("ix_subjects_apart_high", "tenant", "high"),
)
REVIEW = Table(
    "subject_review",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("digest", blob(32), nullable=False),
    Column("reason", key(), nullable=False),
    Column("dataset", name(512), nullable=False),
    Column("field", name(255), nullable=False),
    Column("kind", key(), nullable=False),
    Column("state", key(), nullable=False),
    Column("count", Integer, nullable=False),
    Column("created_at", instant(), nullable=False),
    Column("decided_by", name(200), nullable=False),
    Column("decided_at", instant()),
    Column("note", blob(16384)),
    UniqueConstraint("tenant", "digest"),
    Index("ix_subject_review_state", "tenant", "state", "created_at"),
)
ENTRY = Table(
    "subject_review_entry",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("review", key(), primary_key=True),
    Column("lookup", blob(32), primary_key=True),
    Column("sealed", blob(2048), nullable=False),
    Column("anchor", Boolean, nullable=False),
    Index("ix_subject_review_entry_lookup", "tenant", "lookup"),
)
_CHUNK = 2_000  # below every driver's limit of parameters


class SqlSubjectRepository:
    """Implements `subjects.ports.SubjectRepository`."""

    # --- persons -----------------------------------------------------------------------------------------------------------------------

    def add_person(self, tx: Tx, tenant: TenantId, row: PersonRow) -> None:
        values = {"tenant": tenant, "id": row.id, "created_at": row.created_at, "created_by": row.created_by, "forgotten": 0}
        connection(tx).execute(insert(PERSON).values(values))

    def person(self, tx: Tx, tenant: TenantId, id: str) -> PersonRow | None:
        row = connection(tx).execute(select(PERSON).where(PERSON.c.tenant == tenant, PERSON.c.id == id)).one_or_none()
        return PersonRow(row.id, row.created_at, row.created_by) if row else None

    def links(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> Sequence[LinkRow]:
        persons: dict[str, None] = {}
        for part in _chunks(lookups):
            mine = select(LINK.c.person).where(LINK.c.tenant == tenant, LINK.c.lookup.in_(part)).order_by(LINK.c.linked_at, LINK.c.person)
            persons |= dict.fromkeys(connection(tx).execute(mine).scalars())
        return [row for person in persons for row in self.links_of(tx, tenant, person)]

    def links_of(self, tx: Tx, tenant: TenantId, person: str) -> Sequence[LinkRow]:
        rows = connection(tx).execute(select(LINK).where(LINK.c.tenant == tenant, LINK.c.person == person).order_by(LINK.c.lookup))
        return [LinkRow(bytes(row.lookup), row.person, bytes(row.sealed), row.linked_at, row.linked_by, bytes(row.evidence)) for row in rows]

    def save_links(self, tx: Tx, tenant: TenantId, rows: Sequence[LinkRow]) -> None:
        columns = ("lookup", "person", "sealed", "linked_at", "linked_by", "evidence")
        values = [{"tenant": tenant} | {column: getattr(row, column) for column in columns} for row in rows]
        upsert(connection(tx), LINK, values, ("tenant", "lookup"), columns[1:])

    def delete_links(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> int:
        return _delete(tx, LINK, tenant, lookups)

    # --- told apart --------------------------------------------------------------------------------------------------------------------

    def apart(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> Collection[tuple[bytes, bytes]]:
        found: set[tuple[bytes, bytes]] = set()
        for part in _chunks(lookups):
            for side in (APART.c.low, APART.c.high):
                rows = connection(tx).execute(select(APART.c.low, APART.c.high).where(APART.c.tenant == tenant, side.in_(part)))
                found |= {(bytes(low), bytes(high)) for low, high in rows}
        return found

    def save_apart(self, tx: Tx, tenant: TenantId, pairs: Collection[tuple[bytes, bytes]], review: str) -> None:
        rows = [{"tenant": tenant, "low": low, "high": high, "review": review} for low, high in pairs]
        upsert(connection(tx), APART, rows, ("tenant", "low", "high"), ())

    def delete_apart(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes], *, both: bool) -> int:
        pairs = self.apart(tx, tenant, lookups)
        mine = set(lookups)
        gone = [pair for pair in pairs if not both or set(pair) <= mine]
        for low, high in gone:
            connection(tx).execute(delete(APART).where(APART.c.tenant == tenant, APART.c.low == low, APART.c.high == high))
        return len(gone)

    # --- reviews -----------------------------------------------------------------------------------------------------------------------

    def add_reviews(self, tx: Tx, tenant: TenantId, rows: Sequence[ReviewRow], entries: Sequence[EntryRow]) -> Sequence[str]:
        digests = {row.digest for row in rows}
        known = {bytes(digest) for part in _chunks(digests) for digest in connection(tx).execute(_digests(tenant, part)).scalars()}
        fresh = list({row.digest: row for row in rows if row.digest not in known}.values())
        upsert(connection(tx), REVIEW, [_review_values(tenant, row) for row in fresh], ("tenant", "digest"), ())
        # a concurrent question may have been first: only what is there takes entries
        ids = {row.review.id for row in fresh}
        added = {row.id for part in _chunks(digests) for row in connection(tx).execute(_ids(tenant, part))} & ids
        values = [
            {"tenant": tenant, "review": entry.review, "lookup": entry.lookup, "sealed": entry.sealed, "anchor": entry.anchor}
            for entry in entries
            if entry.review in added
        ]
        upsert(connection(tx), ENTRY, values, ("tenant", "review", "lookup"), ())
        return sorted(added)

    def reviews(self, tx: Tx, tenant: TenantId, state: str, limit: int) -> Sequence[ReviewRow]:
        query = select(REVIEW).where(REVIEW.c.tenant == tenant).order_by(REVIEW.c.created_at, REVIEW.c.dataset, REVIEW.c.field, REVIEW.c.id).limit(limit)
        return [_review(row) for row in connection(tx).execute(query.where(REVIEW.c.state == state) if state else query)]

    def review(self, tx: Tx, tenant: TenantId, id: str) -> ReviewRow | None:
        row = connection(tx).execute(select(REVIEW).where(REVIEW.c.tenant == tenant, REVIEW.c.id == id)).one_or_none() if id.isascii() else None
        return _review(row) if row else None

    def entries(self, tx: Tx, tenant: TenantId, reviews: Collection[str]) -> Sequence[EntryRow]:
        found: list[EntryRow] = []
        for part in _chunks(reviews):
            rows = connection(tx).execute(select(ENTRY).where(ENTRY.c.tenant == tenant, ENTRY.c.review.in_(part)).order_by(ENTRY.c.review, ENTRY.c.lookup))
            found += [EntryRow(row.review, bytes(row.lookup), bytes(row.sealed), row.anchor) for row in rows]
        return found

    def decide(self, tx: Tx, tenant: TenantId, row: ReviewRow) -> bool:
        review = row.review
        values = {"state": review.state.value, "decided_by": review.decided_by, "decided_at": review.decided_at, "note": row.note}
        still_open = and_(REVIEW.c.tenant == tenant, REVIEW.c.id == review.id, REVIEW.c.state == ReviewState.OPEN.value)
        return connection(tx).execute(update(REVIEW).where(still_open).values(values)).rowcount == 1

    # --- erasure -----------------------------------------------------------------------------------------------------------------------

    def forget(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> Mapping[str, int]:
        persons: dict[str, int] = {}
        for part in _chunks(lookups):
            for person in connection(tx).execute(select(LINK.c.person).where(LINK.c.tenant == tenant, LINK.c.lookup.in_(part))).scalars():
                persons[person] = persons.get(person, 0) + 1
        for person, count in persons.items():
            forgotten = PERSON.c.forgotten + count
            connection(tx).execute(update(PERSON).where(PERSON.c.tenant == tenant, PERSON.c.id == person).values(forgotten=forgotten))
        self._clear_notes(tx, tenant, lookups)
        return {
            "links": _delete(tx, LINK, tenant, lookups),
            "reviews": _delete(tx, ENTRY, tenant, lookups),
            "apart": self.delete_apart(tx, tenant, lookups, both=False),
        }

    def sealed(self, tx: Tx, tenant: TenantId) -> Sequence[tuple[bytes, bytes]]:
        found: dict[bytes, bytes] = {}
        for table in (LINK, ENTRY):
            found |= {
                bytes(lookup): bytes(sealed)
                for lookup, sealed in connection(tx).execute(select(table.c.lookup, table.c.sealed).where(table.c.tenant == tenant))
            }
        return list(found.items())

    def _clear_notes(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes]) -> None:
        # a reason in somebody's words may speak of the person
        for part in _chunks(lookups):
            about = select(ENTRY.c.review).where(ENTRY.c.tenant == tenant, ENTRY.c.lookup.in_(part))
            connection(tx).execute(update(REVIEW).where(REVIEW.c.tenant == tenant, REVIEW.c.id.in_(about)).values(note=None))


def _digests(tenant: TenantId, part: Sequence[bytes]) -> Any:
    return select(REVIEW.c.digest).where(REVIEW.c.tenant == tenant, REVIEW.c.digest.in_(part))


def _ids(tenant: TenantId, part: Sequence[bytes]) -> Any:
    return select(REVIEW.c.id).where(REVIEW.c.tenant == tenant, REVIEW.c.digest.in_(part))


def _delete(tx: Tx, table: Table, tenant: TenantId, lookups: Collection[bytes]) -> int:
    statements = [delete(table).where(table.c.tenant == tenant, table.c.lookup.in_(part)) for part in _chunks(lookups)]
    return sum(connection(tx).execute(statement).rowcount for statement in statements)


def _chunks(items: Collection[Any]) -> Iterator[list[Any]]:
    whole = sorted(set(items))
    return (whole[start : start + _CHUNK] for start in range(0, len(whole), _CHUNK))


def _review_values(tenant: TenantId, row: ReviewRow) -> dict[str, Any]:
    review = row.review
    columns = ("id", "reason", "dataset", "field", "count", "created_at", "decided_by", "decided_at")
    plain = {column: getattr(review, column) for column in columns}
    return {"tenant": tenant, "digest": row.digest, "kind": review.kind.value, "state": review.state.value, "note": row.note} | plain


def _review(row: Row[Any]) -> ReviewRow:
    review = Review(
        row.id, row.reason, row.dataset, row.field, IdentifierKind(row.kind), ReviewState(row.state), row._mapping["count"], row.created_at,
        decided_by=row.decided_by, decided_at=row.decided_at,
    )  # fmt: skip
    return ReviewRow(review, bytes(row.digest), bytes(row.note) if row.note else None)
