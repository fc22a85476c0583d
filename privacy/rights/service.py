"""The use cases of a request: take it in, show it, extend, refuse, hold, withdraw, close, purge its file. Identity, erasure and packages stand beside.

Guarantees: every change is a step of the timeline and an event in the same transaction; no personal value stands in a table in clear; the same
person's open request of the same kind is not opened twice.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType

from privacy.actors.people import require
from privacy.audit.events import Action, Event
from privacy.inventory.catalogue_model import REGIMES, Controller
from privacy.kernel.errors import Conflict, InvalidInput
from privacy.kernel.ids import TenantId, new_id
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor
from privacy.rights.cases import Cases, Note, Telling, days_left, leading
from privacy.rights.closing import closing
from privacy.rights.erasing import FOLLOWS, Erasing
from privacy.rights.identity import Identity
from privacy.rights.letters import Letters, Reason
from privacy.rights.model import OPEN, CaseFile, Clock, NewRequest, Request, Requester, RequestKind, RequestState, Step
from privacy.rights.packages import Packages
from privacy.rights.ports import Catalogue, Page
from privacy.rights.sealing import Lookups
from privacy.rights.states import Act, doable
from privacy.subjects.model import Identifier, IdentifierKind

MOST_IDENTIFIERS = 20
_AT_A_TIME, _MOST_FOLLOWED = 100, 10_000
_LONGEST = 512
_LONGEST_NOTE = 20_000
_CHANNELS = ("web", "email", "phone", "post", "in_person", "app", "authority", "")
_LANGUAGES = ("en", "zh")
_AHEAD = timedelta(minutes=5)  # a caller's clock may be a little ahead of ours


@dataclass(frozen=True, slots=True)
class Shown:
    """A request with its present clocks; `days_left` of the leading one, negative when it is overdue.

    Looked at by itself, an erasure also tells how its plan stands and its problems: by system, or `plan` for what made it void.
    """

    request: Request
    clocks: tuple[Clock, ...]
    days_left: int | None
    possible: tuple[Act, ...]
    plan_state: str = ""
    problems: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class TakenIn:
    shown: Shown
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the person has to be told: the ground and where to complain, in both languages."""

    reason: Reason
    complaints: tuple[tuple[str, str, str], ...]  # regime, English, Chinese


class Requests:
    """People's requests of all tenants. `identity`, `erasing` and `packages` hold the use cases of those steps."""

    def __init__(
        self, cases: Cases, catalogue: Catalogue, lookups: Lookups, letters: Letters, identity: Identity, erasing: Erasing, packages: Packages
    ) -> None:
        self._cases, self._catalogue, self._lookups, self._letters = cases, catalogue, lookups, letters
        self.identity, self.erasing, self.packages = identity, erasing, packages

    # --- intake --------------------------------------------------------------------------------------------------------------------

    def receive(self, actor: Actor, new: NewRequest, *, request_id: str = "") -> TakenIn:
        """Take a request in, or return the open one of the same person and kind. Raises InvalidInput."""
        require(actor, "requests:receive")
        now = self._cases.clock.now()
        controller = self._checked(actor.tenant, new, now)
        case = new_id()
        lookups = self._lookups.strong(actor.tenant, new.identifiers)
        file = self._cases.seal.seal_file(actor.tenant, case, CaseFile(new.identifiers, new.contact, new.note, new.evidence))
        request = Request(
            id=case,
            tenant=actor.tenant,
            kind=new.kind,
            state=RequestState.RECEIVED,
            controller=new.controller,
            regimes=tuple(sorted(set(new.regimes or controller.regimes))),
            received_at=min(new.received_at, now) if new.received_at else now,
            recorded_at=now,
            received_by=actor.ref,
            channel=new.channel,
            language=new.language,
            requester=new.requester,
            identifier_kinds=tuple(sorted({each.kind.value for each in new.identifiers})),
            file=file,
        )

        if twin := self._twin(actor, new, lookups.keys(), request_id):
            return TakenIn(self._asked_again(actor, twin, new, request_id), duplicate=True)

        def write(tx: Tx) -> Request:
            self._cases.repository.add(tx, request, lookups.keys())
            dated = replace(self._cases.first_clocks(tx, actor, request, request_id), version=2)
            self._cases.repository.save(tx, dated)
            telling = Telling(Action.REQUEST_RECEIVED, details={"channel": request.channel, "requester": request.requester.value})
            self._cases.add_step(tx, actor, replace(dated, version=1), Act.RECEIVE, telling, None, "")
            fields = (f"kind:{request.kind.value}", *(f"identifier:{kind}" for kind in request.identifier_kinds), *request.regimes)
            event = Event(
                Action.REQUEST_RECEIVED, actor, object_type="request", object_ref=case, fields=fields, counts={"identifiers": len(new.identifiers)},
                request_id=request_id,
            )  # fmt: skip
            self._cases.audit.append(tx, event)
            return dated

        return TakenIn(self._shown(self._cases.store.run(write)), duplicate=False)

    def _twin(self, actor: Actor, new: NewRequest, lookups: Collection[bytes], request_id: str) -> Request | None:
        """Return the open request of the same kind and person: every strong identifier of both leads, by itself and without doubt, to one subject."""

        def read(tx: Tx) -> list[Request]:
            held = self._cases.repository.found_by(tx, actor.tenant, lookups)
            found = (self._cases.repository.get(tx, actor.tenant, id) for id in held)
            return [each for each in found if each is not None and each.is_open and (each.kind, each.controller) == (new.kind, new.controller)]

        candidates = self._cases.store.read(read)
        mine = self.identity.alone(actor, new.identifiers, request_id=request_id) if candidates else frozenset()
        theirs = (each for each in candidates if mine and mine & self.identity.alone(actor, self._cases.file(each).identifiers, request_id=request_id))
        return next(theirs, None)

    def _asked_again(self, actor: Actor, twin: Request, new: NewRequest, request_id: str) -> Shown:
        """Keep what is new of a repeated request in the file of the first, and say so in its timeline."""
        file = self._cases.file(twin)
        known = self._lookups.strong(actor.tenant, file.identifiers)
        names = {each.value.reveal() for each in file.identifiers if each.kind is IdentifierKind.NAME}
        added = tuple(
            each
            for each in new.identifiers
            if (each.value.reveal() not in names if each.kind is IdentifierKind.NAME else not self._lookups.strong(actor.tenant, [each]).keys() <= known.keys())
        )[: MOST_IDENTIFIERS - len(file.identifiers)]
        sealed = self._cases.seal.seal_file(actor.tenant, twin.id, replace(file, identifiers=(*file.identifiers, *added))) if added else twin.file
        lookups = self._lookups.strong(actor.tenant, added)

        def change(tx: Tx, before: Request) -> Request:
            if before.file != twin.file:
                raise Conflict("The request was changed by somebody else just now; send it again.")
            self._cases.repository.add_lookups(tx, actor.tenant, twin.id, lookups.keys())
            return replace(before, file=sealed, identifier_kinds=tuple(sorted({*before.identifier_kinds, *(each.kind.value for each in added)})))

        counts = {"identifiers": len(added)}
        telling = Telling(Action.REQUEST_MOVED, "asked_again", note=new.note, counts=counts, details=counts)
        return self._shown(self._cases.do(actor, twin.id, Act.REPEAT, telling, change, request_id=request_id))

    def _checked(self, tenant: TenantId, new: NewRequest, now: datetime) -> Controller:
        controller = self._catalogue.contents(tenant).controllers.get(new.controller)
        if controller is None:
            raise InvalidInput("The controller is not in the catalogue; `privacy controllers list` shows those there are.", pointer="/controller")
        if not set(new.regimes) <= set(REGIMES):
            raise InvalidInput(f"Known regimes are {', '.join(REGIMES)}.", pointer="/regimes")
        if not new.regimes and not controller.regimes:
            raise InvalidInput("The controller names no regime and the request none either: no deadline could be set. Name one.", pointer="/regimes")
        if new.received_at is not None and new.received_at > now + _AHEAD:
            raise InvalidInput("A request cannot be received in the future.", pointer="/received_at")
        if new.received_at is not None:
            self._cases.check_receipt(new.kind, new.regimes or controller.regimes, controller, new.received_at)
        if new.channel not in _CHANNELS:
            raise InvalidInput(f"Known channels are {', '.join(filter(None, _CHANNELS))}.", pointer="/channel")
        if new.language not in _LANGUAGES:
            raise InvalidInput(f"Answers are written in {' or '.join(_LANGUAGES)}.", pointer="/language")
        if new.requester is not Requester.SELF and new.evidence is None:
            raise InvalidInput("An agent or relative brings proof of authority: say where it is kept.", pointer="/requester/evidence")
        check_identifiers(new.identifiers)
        self.identity.check(new.identifiers)
        for name, text, longest in (("contact", new.contact, _LONGEST), ("note", new.note, _LONGEST_NOTE), ("evidence", new.evidence, _LONGEST)):
            check_text(text, f"/{name}", longest)
        return controller

    # --- reading -------------------------------------------------------------------------------------------------------------------

    def get(self, actor: Actor, id: str) -> Shown:
        """Return a request as it stands; what its plan has come to is looked up first."""
        require(actor, "requests:read")
        request = self.erasing.followed(self._cases.get(actor.tenant, id))
        state, problems = self.erasing.standing(request)
        return replace(self._shown(request), plan_state=state, problems=problems)

    def page(self, actor: Actor, page: Page) -> list[Shown]:
        """Return requests, the earliest target first."""
        require(actor, "requests:read")
        found = self._cases.store.read(lambda tx: self._cases.repository.page(tx, actor.tenant, page))
        return [self._shown(self.erasing.followed(each)) for each in found]

    def shown(self, actor: Actor, id: str) -> Shown:
        """Return a request to whoever just worked on it."""
        require(actor, "requests:write")
        return self._shown(self._cases.get(actor.tenant, id))

    def asked(self, state: RequestState | None, kind: RequestKind | None, days: int | None, after: str = "", limit: int = 100) -> Page:
        """Return which requests are meant: with `days` the open ones whose target ends within that time."""
        states = (state,) if state else _OPEN if days is not None else ()
        until = None if days is None else self._cases.clock.now() + timedelta(days=days)
        return Page(states, kind, until, after, limit)

    def reasons(self, actor: Actor) -> list[Reason]:
        """Return the grounds of refusal in force today."""
        require(actor, "requests:read")
        return self._letters.reasons(self._cases.clock.now().date())

    def due(self, actor: Actor, within: timedelta, *, limit: int = 100) -> list[Shown]:
        """Return open requests whose target ends within this time, the overdue ones first."""
        return self.page(actor, Page(_OPEN, until=self._cases.clock.now() + within, limit=limit))

    def timeline(self, actor: Actor, id: str) -> tuple[Shown, list[Step], list[tuple[int, Clock]]]:
        """Return every step and every clock ever computed, without personal values: notes stay sealed."""
        require(actor, "requests:read")
        request = self.erasing.followed(self._cases.get(actor.tenant, id))

        def read(tx: Tx) -> tuple[list[Step], list[tuple[int, Clock]]]:
            return self._cases.repository.steps(tx, actor.tenant, id), self._cases.repository.clocks(tx, actor.tenant, id)

        return self._shown(request), *self._cases.store.read(read)

    def file(self, actor: Actor, id: str, *, request_id: str = "") -> tuple[CaseFile, list[tuple[Step, Note]], Sequence[str]]:
        """Return what the person wrote, the notes, and whom it is about; the reading is recorded first."""
        require(actor, "requests:write")
        request = self._cases.get(actor.tenant, id)
        file = self._cases.file(request)
        steps = self._cases.store.read(lambda tx: self._cases.repository.steps(tx, actor.tenant, id))
        notes = [(step, self._cases.read_note(request, step)) for step in steps if step.note]
        subjects = [str(each.subject) for each in self.identity.reached(request)]
        counts = {"identifiers": len(file.identifiers), "notes": len(notes), "subjects": len(subjects)}
        self._cases.audit.record(Event(Action.REQUEST_READ, actor, object_type="request", object_ref=id, counts=counts, request_id=request_id))
        return file, notes, subjects

    def _shown(self, request: Request) -> Shown:
        rows = self._cases.store.read(lambda tx: self._cases.repository.clocks(tx, request.tenant, request.id, request.clocks))
        clocks = tuple(clock for _, clock in rows)
        lead = leading(clocks)
        left = days_left(lead.target, lead.zone, self._cases.clock.now()) if lead and request.is_open else None
        return Shown(request, clocks, left, doable(request.kind, request.state, held=request.held_since is not None))

    # --- acts of people ------------------------------------------------------------------------------------------------------------

    def identify(self, actor: Actor, id: str, identifiers: Sequence[Identifier], *, request_id: str = "") -> Shown:
        """Add identifiers that the person gave later: the way on where the first did not lead to one person."""
        require(actor, "requests:receive")
        check_identifiers(identifiers)
        self.identity.check(identifiers)
        request = self._cases.get(actor.tenant, id)
        file = self._cases.file(request)
        known = self._lookups.strong(actor.tenant, file.identifiers)
        added = tuple(each for each in identifiers if each.kind is IdentifierKind.NAME or not self._lookups.strong(actor.tenant, [each]).keys() <= known.keys())
        everything = (*file.identifiers, *added)
        if len(everything) > MOST_IDENTIFIERS:
            raise InvalidInput(f"A request has at most {MOST_IDENTIFIERS} identifiers.", pointer="/identifiers")
        sealed = self._cases.seal.seal_file(actor.tenant, id, replace(file, identifiers=everything))
        lookups = self._lookups.strong(actor.tenant, added)

        def change(tx: Tx, before: Request) -> Request:
            if before.file != request.file:
                raise Conflict("The request was changed by somebody else just now; look at it again.")
            self._cases.repository.add_lookups(tx, actor.tenant, id, lookups.keys())
            self._cases.repository.void_codes(tx, actor.tenant, id)
            kinds = tuple(sorted({each.kind.value for each in everything}))
            return replace(before, file=sealed, identifier_kinds=kinds, subjects=None, doubt="", verified_how="", verified_by="", verified_at=None)

        telling = Telling(Action.REQUEST_IDENTITY_CHECKED, "identifiers_added", counts={"identifiers": len(added)})
        return self._shown(self._cases.do(actor, id, Act.IDENTIFY, telling, change, request_id=request_id))

    def extend(self, actor: Actor, id: str, reason: str, notified_at: datetime, note: Plaintext | None = None, *, request_id: str = "") -> Shown:
        """Extend the deadlines that law lets be extended; the engine refuses where the person was told too late."""
        require(actor, "requests:write")
        if reason not in EXTENSION_REASONS:
            raise InvalidInput(f"An extension has one of these reasons: {', '.join(EXTENSION_REASONS)}.", pointer="/reason")
        if notified_at > self._cases.clock.now() + _AHEAD:
            raise InvalidInput("Tell the person first; then record when that was.", pointer="/notified_at")
        check_text(note, "/note", _LONGEST_NOTE)
        telling = Telling(Action.REQUEST_EXTENDED, reason, note=note, details={"notified_at": notified_at.isoformat()})

        def change(tx: Tx, before: Request) -> Request:
            return self._cases.extend(tx, actor, before, notified_at, reason, request_id)

        return self._shown(self._cases.do(actor, id, Act.EXTEND, telling, change, request_id=request_id))

    def refuse(self, actor: Actor, id: str, reason: str, note: Plaintext | None = None, *, request_id: str = "") -> tuple[Shown, Refusal]:
        """Refuse for a ground that the request's regimes know today; the answer holds what the person must be told."""
        require(actor, "requests:write")
        check_text(note, "/note", _LONGEST_NOTE)
        request = self._cases.get(actor.tenant, id)
        today = self._cases.clock.now().date()
        ground = self._letters.reason(reason, request.regimes, today)
        telling = Telling(Action.REQUEST_REFUSED, reason, note=note, details={"article": ground.article, "status": ground.status})
        done = self._cases.do(actor, id, Act.REFUSE, telling, closing(self._cases, self._letters, reason), request_id=request_id)
        complaints = tuple((each.regime, each.en, each.zh) for each in self._letters.complaints(request.regimes, today))
        return self._shown(done), Refusal(ground, complaints)

    def hold(self, actor: Actor, id: str, reason: str, note: Plaintext | None = None, *, request_id: str = "") -> Shown:
        """Stop work on a request (a dispute, a court); its deadlines keep running, no law stops them for this."""
        require(actor, "requests:write")
        if reason not in HOLD_REASONS:
            raise InvalidInput(f"A hold has one of these reasons: {', '.join(HOLD_REASONS)}.", pointer="/reason")
        check_text(note, "/note", _LONGEST_NOTE)
        now = self._cases.clock.now()
        telling = Telling(Action.REQUEST_HELD, reason, note=note)
        done = self._cases.do(actor, id, Act.HOLD, telling, lambda _, before: replace(before, held_since=before.held_since or now), request_id=request_id)
        return self._shown(done)

    def release(self, actor: Actor, id: str, note: Plaintext | None = None, *, request_id: str = "") -> Shown:
        """End a hold. Raises Conflict when there is none."""
        require(actor, "requests:write")
        check_text(note, "/note", _LONGEST_NOTE)

        def change(_tx: Tx, before: Request) -> Request:
            if before.held_since is None:
                raise Conflict("The request is not on hold.", code="wrong_state")
            return replace(before, held_since=None)

        telling = Telling(Action.REQUEST_HELD, "released", note=note)
        return self._shown(self._cases.do(actor, id, Act.RELEASE, telling, change, request_id=request_id))

    def withdraw(self, actor: Actor, id: str, note: Plaintext | None = None, *, request_id: str = "") -> Shown:
        """The person takes the request back. What was approved already cannot be taken back: it may have begun."""
        require(actor, "requests:write")
        check_text(note, "/note", _LONGEST_NOTE)
        telling = Telling(Action.REQUEST_CLOSED, "withdrawn", note=note)
        return self._shown(self._cases.do(actor, id, Act.WITHDRAW, telling, closing(self._cases, self._letters, "withdrawn"), request_id=request_id))

    def close(self, actor: Actor, id: str, outcome: str, note: Plaintext | None, evidence: Plaintext | None = None, *, request_id: str = "") -> Shown:
        """Record that people answered; `evidence` says where the answer is kept and is sealed with the note.

        `nothing_held` is for who is not known to any connected system; it is looked up again first.
        """
        require(actor, "requests:write")
        if outcome not in OUTCOMES:
            raise InvalidInput(f"A request is closed as one of: {', '.join(OUTCOMES)}.", pointer="/outcome")
        if note is None or not note.reveal().strip():
            raise InvalidInput("Say what was answered and how: the timeline is what proves it later.", pointer="/note")
        check_text(note, "/note", _LONGEST_NOTE)
        check_text(evidence, "/evidence", _LONGEST)
        if outcome == "nothing_held":
            self.identity.nobody(actor, self._cases.get(actor.tenant, id), request_id=request_id)
        act = Act.NOTHING_HELD if outcome == "nothing_held" else Act.CLOSE
        telling = Telling(Action.REQUEST_CLOSED, outcome, note=note, evidence=evidence if evidence and evidence.reveal().strip() else None)
        return self._shown(self._cases.do(actor, id, act, telling, closing(self._cases, self._letters, outcome), request_id=request_id))

    # --- the requests' own retention -----------------------------------------------------------------------------------------------

    def purge(self, tenant: TenantId) -> int:
        """Remove the files of closed requests whose retention has ended, and what is left of packages; return how many files went.

        Idempotent; a job calls it. The key is destroyed first: what a crash leaves then opens no more.
        """
        now, count = self._cases.clock.now(), 0
        self.packages.tidy(tenant)
        while gone := self._cases.store.read(lambda tx: self._cases.repository.to_purge(tx, tenant, now, _AT_A_TIME)):
            for request in gone:
                self._cases.seal.destroy(tenant, request.id)
                self._cases.store.run(partial(self._forget, seen=request))
            count += len(gone)
        return count

    def follow(self, tenant: TenantId) -> None:
        """Bring every erasure request to where its plan has come, for those nobody looks at."""
        for states in (tuple(sorted(FOLLOWS)), (RequestState.DONE,)):  # what is done in part goes on when what kept the rest has ended
            wanted = Page(states, RequestKind.ERASURE, limit=_MOST_FOLLOWED)
            for request in self._cases.store.read(partial(self._cases.repository.page, tenant=tenant, page=wanted)):
                self.erasing.followed(request)

    def _forget(self, tx: Tx, seen: Request) -> None:
        request = self._cases.found(tx, seen.tenant, seen.id, lock=True)
        if request.purged_at is not None:
            return
        self._cases.repository.forget(tx, request.tenant, request.id)
        purged = replace(request, file=None, subjects=None, purged_at=self._cases.clock.now(), version=request.version + 1)
        self._cases.repository.save(tx, purged)
        actor = Actor("service:rights", request.tenant)
        event = Event(Action.REQUEST_PURGED, actor, object_type="request", object_ref=request.id)
        self._cases.audit.append(tx, event)


_OPEN = tuple(sorted(OPEN))
EXTENSION_REASONS = ("complexity", "number_of_requests")  # GDPR 12(3); Civ. Code 1798.130(a)(2) asks for reasonable need
HOLD_REASONS = ("dispute", "legal_claim", "authority_order", "clarification")
OUTCOMES = ("answered", "carried_out", "partly", "nothing_held")


def check_identifiers(identifiers: Sequence[Identifier]) -> None:
    """Raise InvalidInput for none, too many, empty or overlong ones, or a login or card without its scope."""
    if not 1 <= len(identifiers) <= MOST_IDENTIFIERS:
        raise InvalidInput(f"A request has 1 to {MOST_IDENTIFIERS} identifiers.", pointer="/identifiers")
    for number, each in enumerate(identifiers):
        check_text(each.value, f"/identifiers/{number}/value", _LONGEST)
        if not each.value.reveal().strip():
            raise InvalidInput("An identifier is not empty.", pointer=f"/identifiers/{number}/value")
        if each.kind in (IdentifierKind.LOGIN, IdentifierKind.MEMBER_CARD) and not each.scope:
            raise InvalidInput(
                "A login or card tells a person only within its system: give the scope, for example shop or shop.customers.",
                pointer=f"/identifiers/{number}/scope",
            )


def check_text(text: Plaintext | None, pointer: str, longest: int) -> None:
    if text is None:
        return
    value = text.reveal()
    if len(value) > longest:
        raise InvalidInput(f"At most {longest} characters.", pointer=pointer)
    if "\x00" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
        raise InvalidInput("The text holds a character that is none.", pointer=pointer)
