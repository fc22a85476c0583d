"""The use cases of subjects: resolve identifiers, read contacts on file, link and unlink persons, decide what is in doubt, forget.

Guarantees: identifiers are looked up live and never stored; what is stored are keyed digests and sealed references; a link is made by a person or by an
identifier that proves it, never by a name; each change and its event are one transaction. Limit: an answer is as old as its question.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations

from privacy.actors.people import require
from privacy.audit.events import Action, AuditLog, Event
from privacy.kernel.clock import Clock
from privacy.kernel.errors import Conflict, InvalidInput, NotFound
from privacy.kernel.ids import TenantId, new_id
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor, SubjectRef
from privacy.subjects.identities import Identities
from privacy.subjects.masks import masked
from privacy.subjects.model import Contact, Doubt, Identifier, IdentifierKind, Person, Resolution, Review, ReviewState
from privacy.subjects.normalising import Spellings
from privacy.subjects.ports import DataMap, EncryptedFields, EntryRow, Keys, LinkRow, PeopleFinder, PersonRow, ReviewRow, SubjectRepository
from privacy.subjects.resolving import Known, Resolver, check_identifiers

_REVIEWED = ("shared", "weak", "organisation", "contradicting")
_MOST_ENTRIES = 20  # subjects that one review names
_MOST_LINKED = 50
_LONGEST_NOTE = 2000


class Subjects:
    """Who is who, over all connected systems of a tenant.

    Args:
        keys: derives, seals and unseals (the key ring).
        encrypted: columns encrypted in place, which are searched by their blind index.
    """

    def __init__(
        self,
        store: Store,
        repository: SubjectRepository,
        data_map: DataMap,
        finder: PeopleFinder,
        encrypted: EncryptedFields,
        spellings: Spellings,
        audit: AuditLog,
        keys: Keys,
        clock: Clock,
    ) -> None:
        self._store, self._repository, self._map, self._finder, self._encrypted = store, repository, data_map, finder, encrypted
        self._spellings, self._audit, self._clock = spellings, audit, clock
        self._identities = Identities(keys)

    # --- resolving -------------------------------------------------------------------------------------------------------------------

    def check(self, identifiers: Sequence[Identifier]) -> None:
        """Refuse identifiers that can never be resolved, before anything is asked. Raises InvalidInput with the place."""
        check_identifiers(identifiers, self._spellings)

    def resolve(self, actor: Actor, identifiers: Sequence[Identifier], *, request_id: str = "") -> Resolution:
        """Return whose identifiers these are, over all connected systems, with what is in doubt; new doubts enter the review list.

        A system that does not answer comes as a doubt `unreachable`. Raises InvalidInput for identifiers that cannot be looked for.
        """
        require(actor, "requests:receive")
        check_identifiers(identifiers, self._spellings)
        with self._resolver(actor.tenant) as resolver:
            resolution = resolver.resolve(identifiers)
        counts = {"identifiers": len(identifiers), "subjects": len(resolution.subjects), "doubts": len(resolution.doubts)}
        counts |= {"several_people": int(resolution.several_people)}
        reviews = [review for doubt in resolution.doubts for review in self._review(actor.tenant, doubt, resolution)]
        event = Event(Action.SUBJECTS_RESOLVED, actor, object_type="subjects", request_id=request_id, counts=counts)

        def write(tx: Tx) -> None:
            self._repository.add_reviews(tx, actor.tenant, [row for row, _ in reviews], [entry for _, entries in reviews for entry in entries])
            self._audit.append(tx, event)

        self._store.run(write)
        return resolution

    def contacts(self, tenant: TenantId, subject: SubjectRef) -> list[Contact]:
        """Return the subject's own e-mail addresses and phones on file, read live. For services of ours: checks no scope, writes no event.

        Other people's fields (an emergency contact) are left out. Raises ConnectorUnavailable.
        """
        with self._resolver(tenant) as resolver:
            found = resolver.on_file(subject)
        reaching = [(seen, value) for seen, value in found if seen.kind is not IdentifierKind.RESIDENT_ID and self._spellings.forms(seen.kind, value.reveal())]
        return [Contact(seen.kind, value, masked(seen.kind, value.reveal()), seen.dataset, seen.field) for seen, value in reaching]

    @contextmanager
    def _resolver(self, tenant: TenantId) -> Iterator[Resolver]:
        with self._finder.opened(tenant) as session:
            yield Resolver(tenant, self._map.datasets(tenant), session, self._encrypted, self._spellings, _Decisions(self, tenant).known())

    # --- persons ---------------------------------------------------------------------------------------------------------------------

    def link(self, actor: Actor, subjects: Sequence[SubjectRef], *, evidence: str = "", request_id: str = "") -> Person:
        """Make these subjects one person (persons they belonged to become one). Raises InvalidInput for fewer than two or too many."""
        require(actor, "requests:write")
        wanted = list(dict.fromkeys(subjects))
        if not 2 <= len(wanted) <= _MOST_LINKED:
            raise InvalidInput(f"A person links 2 to {_MOST_LINKED} subjects.", pointer="/subjects")
        return self._store.run(lambda tx: self._link(tx, actor, wanted, evidence or "declared", request_id))

    def unlink(self, actor: Actor, subject: SubjectRef, *, request_id: str = "") -> None:
        """Take a subject out of its person; the others stay linked. Raises NotFound for a subject that is linked to none."""
        require(actor, "requests:write")

        def write(tx: Tx) -> None:
            (lookup,) = self._identities.lookups(actor.tenant, [subject])
            mine = next((row for row in self._repository.links(tx, actor.tenant, [lookup]) if row.lookup == lookup), None)
            if mine is None:
                raise NotFound("This subject is linked to no other.")
            left = [row.lookup for row in self._repository.links_of(tx, actor.tenant, mine.person) if row.lookup != lookup]
            # one subject alone is no link
            self._repository.delete_links(tx, actor.tenant, [lookup, *(left if len(left) == 1 else ())])
            self._audit.append(tx, Event(Action.PERSON_UNLINKED, actor, object_type="person", object_ref=mine.person, request_id=request_id))

        self._store.run(write)

    def person_of(self, tenant: TenantId, subject: SubjectRef) -> Person | None:
        """Return the person whom people linked this subject to; None where it stands alone."""
        (lookup,) = self._identities.lookups(tenant, [subject])
        return self._store.read(lambda tx: self._person(tx, tenant, self._repository.links(tx, tenant, [lookup])))

    def show(self, actor: Actor, subject: SubjectRef, *, request_id: str = "") -> tuple[Person | None, list[Contact]]:
        """Return the person of a subject and the contacts on file, for somebody who asks: only their masked forms are meant to be shown.

        Raises ConnectorUnavailable when the system does not answer.
        """
        require(actor, "requests:read")
        person, contacts = self.person_of(actor.tenant, subject), self.contacts(actor.tenant, subject)
        counts = {"subjects": len(person.subjects) if person else 1, "contacts": len(contacts)}
        self._audit.record(
            Event(Action.SUBJECTS_RESOLVED, actor, object_type="person", object_ref=person.id if person else "", counts=counts, request_id=request_id)
        )
        return person, contacts

    def _link(self, tx: Tx, actor: Actor, subjects: Sequence[SubjectRef], evidence: str, request_id: str) -> Person:
        tenant, now = actor.tenant, self._clock.now()
        lookups = self._identities.lookups(tenant, subjects)
        before = self._repository.links(tx, tenant, lookups)
        known = {row.lookup: row for row in before}
        person = before[0].person if before else new_id()
        if not before:
            self._repository.add_person(tx, tenant, PersonRow(person, now, actor.ref))
        fresh = [
            LinkRow(lookup, person, self._identities.seal(tenant, subject, lookup), now, actor.ref, self._identities.seal_evidence(tenant, evidence, lookup))
            for lookup, subject in zip(lookups, subjects, strict=True)
            if lookup not in known
        ]
        moved = [replace(row, person=person) for row in before if row.person != person]
        if len(before) + len(fresh) > _MOST_LINKED:
            raise InvalidInput(f"A person links 2 to {_MOST_LINKED} subjects.", pointer="/subjects")
        self._repository.save_links(tx, tenant, [*moved, *fresh])
        # who links them now overrules who told them apart before
        self._repository.delete_apart(tx, tenant, [*known, *lookups], both=True)
        counts = {"subjects": len(before) + len(fresh), "added": len(moved) + len(fresh)}
        self._audit.append(tx, Event(Action.PERSON_LINKED, actor, object_type="person", object_ref=person, counts=counts, request_id=request_id))
        linked = self._person(tx, tenant, self._repository.links_of(tx, tenant, person))
        assert linked is not None
        return linked

    def _person(self, tx: Tx, tenant: TenantId, rows: Sequence[LinkRow]) -> Person | None:
        row = self._repository.person(tx, tenant, rows[0].person) if rows else None
        if row is None:
            return None
        subjects = sorted((self._identities.unseal(tenant, link.sealed, link.lookup) for link in rows), key=str)
        return Person(row.id, tenant, tuple(subjects), row.created_at)

    # --- reviews ---------------------------------------------------------------------------------------------------------------------

    def reviews(self, actor: Actor, *, state: str = ReviewState.OPEN, limit: int = 200) -> list[Review]:
        """Return what is in doubt (`state` "" for decided ones too), oldest first."""
        require(actor, "requests:read")
        if state not in ("", *ReviewState):
            raise InvalidInput(f"Known states are {', '.join(ReviewState)}.", pointer="/state")

        def read(tx: Tx) -> list[Review]:
            rows = self._repository.reviews(tx, actor.tenant, state, limit)
            return self._shown(actor.tenant, rows, self._repository.entries(tx, actor.tenant, [row.review.id for row in rows]))

        return self._store.read(read)

    def decide(self, actor: Actor, id: str, decision: ReviewState, note: str, *, subjects: Sequence[SubjectRef] = (), request_id: str = "") -> Review:
        """Decide a doubt by name and with a reason.

        `same` links the chosen subjects (all, where none are chosen), `different` keeps machines from linking them, `dismissed` leaves it at that.
        Raises NotFound, Conflict where it was decided already, InvalidInput for subjects the review is not about or a missing reason.
        """
        require(actor, "requests:write")
        if decision is ReviewState.OPEN or not note.strip() or len(note) > _LONGEST_NOTE:
            raise InvalidInput(f"Decide same, different or dismissed, with a reason of 1 to {_LONGEST_NOTE} characters.", pointer="/note")
        return self._store.run(lambda tx: self._decide(tx, actor, id, decision, note.strip(), subjects, request_id))

    def _decide(self, tx: Tx, actor: Actor, id: str, decision: ReviewState, note: str, subjects: Sequence[SubjectRef], request_id: str) -> Review:
        tenant = actor.tenant
        row = self._repository.review(tx, tenant, id)
        if row is None:
            raise NotFound("There is no such review.")
        (asked,) = self._shown(tenant, [row], self._repository.entries(tx, tenant, [id]))
        chosen = list(dict.fromkeys(subjects)) or [*asked.anchors, *asked.subjects]
        if not set(chosen) <= {*asked.anchors, *asked.subjects}:
            raise InvalidInput("Choose among the subjects that the review names.", pointer="/subjects")
        review = replace(row.review, state=decision, decided_by=actor.ref, decided_at=self._clock.now())
        if not self._repository.decide(tx, tenant, replace(row, review=review, note=self._identities.seal_note(tenant, note, id))):
            raise Conflict("This review was decided already; `privacy subjects review list --state same` and the like show how.", code="already_decided")
        if decision is ReviewState.SAME and len(chosen) > 1:
            self._link(tx, actor, chosen, f"review:{id}", request_id)
        if decision is ReviewState.DIFFERENT:
            self._tell_apart(tx, tenant, chosen, asked.anchors, id)
        counts = {"subjects": len(chosen)}
        event = Event(
            Action.REVIEW_DECIDED,
            actor,
            object_type="review",
            object_ref=id,
            counts=counts,
            free={"note": note},
            request_id=request_id,
            related=(decision.value,),
        )
        self._audit.append(tx, event)
        return replace(review, anchors=asked.anchors, subjects=asked.subjects, note=note)

    def _tell_apart(self, tx: Tx, tenant: TenantId, subjects: Sequence[SubjectRef], anchors: Sequence[SubjectRef], review: str) -> None:
        # the anchors are one person by strong identifiers: nobody was asked about them
        pairs = [pair for pair in combinations(subjects, 2) if not set(pair) <= set(anchors)]
        lookups = dict(zip(subjects, self._identities.lookups(tenant, subjects), strict=True))
        self._repository.save_apart(tx, tenant, [_ordered(lookups[one], lookups[other]) for one, other in pairs], review)

    def _review(self, tenant: TenantId, doubt: Doubt, resolution: Resolution) -> Iterator[tuple[ReviewRow, list[EntryRow]]]:
        """Yield the review of a doubt that a person can settle, with its subjects."""
        if doubt.reason not in _REVIEWED or not doubt.subjects:
            return
        id, anchors = new_id(), [subject for subject in resolution.subjects if subject not in doubt.subjects][:_MOST_ENTRIES]
        named = [*anchors, *doubt.subjects[:_MOST_ENTRIES]]
        lookups = self._identities.lookups(tenant, named)
        entries = [
            EntryRow(id, lookup, self._identities.seal(tenant, subject, lookup), number < len(anchors))
            for number, (subject, lookup) in enumerate(zip(named, lookups, strict=True))
        ]
        review = Review(id, doubt.reason, doubt.dataset, doubt.field, doubt.kind, ReviewState.OPEN, len(doubt.subjects), self._clock.now())
        yield ReviewRow(review, self._identities.doubt(tenant, [doubt.reason, doubt.dataset, doubt.field, doubt.kind.value], lookups)), entries

    def _shown(self, tenant: TenantId, rows: Sequence[ReviewRow], entries: Sequence[EntryRow]) -> list[Review]:
        def named(id: str, *, anchor: bool) -> tuple[SubjectRef, ...]:
            mine = [entry for entry in entries if entry.review == id and entry.anchor == anchor]
            return tuple(sorted((self._identities.unseal(tenant, entry.sealed, entry.lookup) for entry in mine), key=str))

        notes = {row.review.id: self._identities.unseal_note(tenant, row.note, row.review.id) for row in rows if row.note}
        return [
            replace(row.review, anchors=named(row.review.id, anchor=True), subjects=named(row.review.id, anchor=False), note=notes.get(row.review.id, ""))
            for row in rows
        ]

    # --- erasure ---------------------------------------------------------------------------------------------------------------------

    def forget(self, tx: Tx, tenant: TenantId, subjects: Sequence[SubjectRef], case: str) -> Mapping[str, int]:
        """Remove links, sealed references and decisions of erased subjects and count what went; persons and reviews keep their counts. Idempotent.

        `case` names the erasure for the caller's event; nothing of it is kept here. Call it with the tenant's keys loaded: no key is fetched for it.
        """
        return self._repository.forget(tx, tenant, self._identities.lookups(tenant, subjects))

    def named(self, tenant: TenantId) -> Iterator[SubjectRef]:
        """Yield every subject that our rows still name: for the replay of the erasure ledger after a restore."""
        rows = self._store.read(lambda tx: self._repository.sealed(tx, tenant))
        yield from (self._identities.unseal(tenant, sealed, lookup) for lookup, sealed in rows)

    # for _Decisions
    def _linked(self, tenant: TenantId, subject: SubjectRef) -> Person | None:
        return self.person_of(tenant, subject)

    def _apart(self, tenant: TenantId, one: SubjectRef, other: SubjectRef) -> bool:
        first, second = self._identities.lookups(tenant, [one, other])
        return self._store.read(lambda tx: _ordered(first, second) in self._repository.apart(tx, tenant, [first]))


class _Decisions:
    """What people decided, read when a resolution asks and remembered as long as it lasts."""

    def __init__(self, subjects: Subjects, tenant: TenantId) -> None:
        self._subjects, self._tenant = subjects, tenant
        self._persons: dict[SubjectRef, Person | None] = {}
        self._members: dict[str, tuple[SubjectRef, ...]] = {}

    def known(self) -> Known:
        return Known(self._person, lambda person: self._members.get(person, ()), lambda one, other: self._subjects._apart(self._tenant, one, other))

    def _person(self, subject: SubjectRef) -> str | None:
        if subject not in self._persons:
            person = self._subjects._linked(self._tenant, subject)
            for member in person.subjects if person else ():
                self._persons[member] = person
            self._persons[subject] = person
            if person:
                self._members[person.id] = person.subjects
        found = self._persons[subject]
        return found.id if found else None


def _ordered(one: bytes, other: bytes) -> tuple[bytes, bytes]:
    return (one, other) if one < other else (other, one)
