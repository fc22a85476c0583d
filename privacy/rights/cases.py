"""One request under change: load it, check the table of states, change it, write its timeline and its event, all in one transaction.

Guarantee: a request never reaches a state that `states.py` does not allow; every change is a step of the timeline and an event of the log, or did
not happen. What needs keys (sealing) is done before the transaction: the keys are in another database.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from privacy.audit.events import Action, AuditLog, Event, Outcome
from privacy.inventory.catalogue_model import Controller
from privacy.kernel.clock import Clock as Time
from privacy.kernel.days import check_day
from privacy.kernel.errors import Conflict, InvalidInput, Misconfigured, NotFound, OnHold
from privacy.kernel.ids import TenantId, new_id
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor
from privacy.rights.deadlines import ClockEvent, Deadlines, ends_at, lead
from privacy.rights.model import CaseFile, Clock, Request, RequestKind, RequestState, Step
from privacy.rights.ports import Accepting, Catalogue, RequestRepository
from privacy.rights.sealing import CaseSeal
from privacy.rights.states import STOPPED_BY_HOLD, Act, after

# what stops the clocks that the law lets be stopped, and what starts them again
_STOPPING = {Act.ASK_IDENTITY.value: "identity_requested", Act.VERIFY.value: "identity_received", Act.IDENTIFY.value: "identity_received"}


@dataclass(frozen=True, slots=True)
class Telling:
    """What a change leaves behind: a code for why, names and counts for the timeline, free text (sealed), and fields and counts of the event."""

    action: Action
    reason: str = ""
    details: Mapping[str, str | int] | None = None
    note: Plaintext | None = None
    evidence: Plaintext | None = None  # where the answer is kept; sealed with the note
    counts: Mapping[str, int] | None = None
    fields: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    outcome: Outcome = Outcome.SUCCESS
    by: str = ""  # whom the step names where the service only follows what somebody did elsewhere


@dataclass(frozen=True, slots=True, repr=False)
class Note:
    """What somebody wrote beside a step, opened: personal values may be in it."""

    text: str
    evidence: str = ""


Change = Callable[[Tx, Request], Request]


def unchanged(_tx: Tx, request: Request) -> Request:
    return request


class Cases:
    """Requests as rows, their clocks and their timelines."""

    def __init__(
        self, store: Store, repository: RequestRepository, audit: AuditLog, clock: Time, seal: CaseSeal, deadlines: Deadlines, accepted: Accepting,
        catalogue: Catalogue,
    ) -> None:  # fmt: skip
        self.store, self.repository, self.audit, self.clock, self.seal = store, repository, audit, clock, seal
        self._deadlines, self._accepted, self._catalogue = deadlines, accepted, catalogue

    def get(self, tenant: TenantId, id: str) -> Request:
        """Return a request of the tenant. Raises NotFound."""
        return self.store.read(lambda tx: self.found(tx, tenant, id))

    def found(self, tx: Tx, tenant: TenantId, id: str, *, lock: bool = False) -> Request:
        found = self.repository.get(tx, tenant, id, lock=lock) if id.isascii() and len(id) <= 64 else None
        if found is None:
            raise NotFound("There is no such request.")
        return found

    def allowed(self, request: Request, act: Act) -> RequestState:
        """Return the state `act` leads to. Raises Conflict, or OnHold while a hold stops it."""
        target = after(request.kind, request.state, act)
        if request.held_since is not None and act in STOPPED_BY_HOLD:
            raise OnHold("The request is on hold: its timeline says why. Release the hold first, then go on; its deadlines keep running.")
        return target

    def do(self, actor: Actor, id: str, act: Act, telling: Telling, change: Change = unchanged, *, request_id: str = "") -> Request:
        """Carry `act` out in one transaction and return the request after it."""
        note = self.note(actor.tenant, id, telling)
        return self.store.run(lambda tx: self.write(tx, actor, id, act, telling, note, change, request_id))

    def note(self, tenant: TenantId, id: str, telling: Telling) -> tuple[str, bytes] | None:
        """Return the sealed note with the name it is bound to; outside any transaction of the main database."""
        if telling.note is None or not telling.note.reveal():
            return None
        name, text = new_id(), telling.note.reveal()
        if telling.evidence is not None:
            text = json.dumps([text, telling.evidence.reveal()], ensure_ascii=False)
        return name, self.seal.seal(tenant, id, f"note:{name}", text.encode("utf-8"))

    def write(self, tx: Tx, actor: Actor, id: str, act: Act, telling: Telling, note: tuple[str, bytes] | None, change: Change, request_id: str = "") -> Request:
        before = self.found(tx, actor.tenant, id, lock=True)
        target = self.allowed(before, act)
        changed = replace(change(tx, before), state=target, version=before.version + 1)
        self.add_step(tx, actor, changed, act, telling, note, before.state.value)
        # the pause begins and ends with steps, so the clocks follow them
        if act in (Act.ASK_IDENTITY, Act.VERIFY, Act.IDENTIFY):
            changed = self.recompute(tx, actor, changed, request_id)
        self.repository.save(tx, changed)
        return self._told(tx, actor, changed, telling, request_id)

    def add_step(self, tx: Tx, actor: Actor, request: Request, act: Act, telling: Telling, note: tuple[str, bytes] | None, before: str) -> None:
        # whether there is evidence is no secret; what it says is
        details = dict(telling.details or {}) | ({"note": note[0]} if note else {}) | ({"evidence": 1} if note and telling.evidence is not None else {})
        sealed = note[1] if note else None
        step = Step(request.version, self.clock.now(), telling.by or actor.ref, act.value, before, request.state.value, telling.reason, details, sealed)
        self.repository.add_step(tx, request.tenant, request.id, step)

    def _told(self, tx: Tx, actor: Actor, request: Request, telling: Telling, request_id: str) -> Request:
        fields = (f"state:{request.state.value}", *((f"reason:{telling.reason}",) if telling.reason else ()), *telling.fields)
        event = Event(
            telling.action,
            actor,
            telling.outcome,
            object_type="request",
            object_ref=request.id,
            fields=fields,
            counts=dict(telling.counts or {}),
            related=telling.related,
            request_id=request_id,
        )
        self.audit.append(tx, event)
        return request

    # --- what is sealed ------------------------------------------------------------------------------------------------------------

    def file(self, request: Request) -> CaseFile:
        """Return who asks and what they wrote. Raises NotFound when the file was purged."""
        if request.file is None:
            raise NotFound("The file of this request was removed when its retention ended.")
        return self.seal.open_file(request.tenant, request.id, request.file)

    def read_note(self, request: Request, step: Step) -> Note:
        if step.note is None:
            return Note("")
        text = self.seal.open(request.tenant, request.id, f"note:{step.details['note']}", step.note).decode("utf-8")
        return Note(*json.loads(text)) if step.details.get("evidence") == 1 else Note(text)

    # --- clocks --------------------------------------------------------------------------------------------------------------------

    def controller(self, request: Request) -> Controller:
        found = self._catalogue.contents(request.tenant).controllers.get(request.controller)
        if found is None:
            raise Misconfigured("The controller of this request is no longer in the catalogue; save it again (`privacy controllers save`).")
        return found

    def check_receipt(self, kind: RequestKind, regimes: Sequence[str], controller: Controller, received_at: datetime) -> None:
        """Raise InvalidInput for a day before one of the laws begins: it would set no deadline, and nobody would be told so."""
        check_day(received_at, "/received_at")
        day = received_at.astimezone(ZoneInfo(controller.time_zone)).date()
        for regime in regimes:
            first = self._deadlines.rules.first_day(kind.value, regime)
            if first is not None and day < first:
                raise InvalidInput(
                    f"The rules of {regime} for this kind of request begin on {first}; one received before would have no deadline under it. Correct the "
                    "day, or, where it is right, name in `regimes` only laws that were in force on it.",
                    pointer="/received_at",
                )

    def first_clocks(self, tx: Tx, actor: Actor, request: Request, request_id: str) -> Request:
        """Compute the clocks of a request just received. The calendar is the controller's, else its country's."""
        controller = self.controller(request)
        calendar = controller.calendar or controller.country
        accepted = self._accepted(request.tenant)
        clocks = self._deadlines.clocks(request.kind, request.regimes, controller.time_zone, calendar, request.received_at, accepted=accepted)
        return self._with_clocks(tx, actor, request, clocks, request_id)

    def recompute(self, tx: Tx, actor: Actor, request: Request, request_id: str) -> Request:
        """Compute the clocks again with the pauses that the timeline tells; the rule stays the one of the day of receipt, extensions stay."""
        events = events_of(self.repository.steps(tx, request.tenant, request.id))
        accepted = self._accepted(request.tenant)
        clocks = [self._deadlines.renew(each, events=events, accepted=accepted) for each in self._now(tx, request)]
        return self._with_clocks(tx, actor, request, clocks, request_id)

    def extend(self, tx: Tx, actor: Actor, request: Request, notified_at: datetime, reason: str, request_id: str) -> Request:
        """Extend every answer clock whose rule knows an extension. Raises the engine's refusal when none does, or the person was told too late."""
        now, accepted = self.clock.now(), self._accepted(request.tenant)
        clocks = self._now(tx, request)
        extended, refusals = [], []
        for clock in clocks:
            try:
                extended.append(self._deadlines.extend(clock, at=now, notified_at=notified_at, reason=reason, accepted=accepted) if is_answer(clock) else clock)
            except (Conflict, InvalidInput) as refusal:  # one regime without extension does not forbid that of another
                refusals.append(refusal)
                extended.append(clock)
        if refusals and extended == clocks:
            raise refusals[0]
        return self._with_clocks(tx, actor, request, extended, request_id)

    def _now(self, tx: Tx, request: Request) -> list[Clock]:
        return [clock for _, clock in self.repository.clocks(tx, request.tenant, request.id, request.clocks)]

    def _with_clocks(self, tx: Tx, actor: Actor, request: Request, clocks: Sequence[Clock], request_id: str) -> Request:
        generation, now = request.clocks + 1, self.clock.now()
        self.repository.add_clocks(tx, request.tenant, request.id, generation, clocks, now)
        first = leading(clocks)
        rules = tuple(f"{each.rule}@{each.version}" for each in clocks)
        counts = {"clocks": len(clocks), "provisional": sum(each.provisional for each in clocks)}
        event = Event(Action.REQUEST_DEADLINE_SET, actor, object_type="request", object_ref=request.id, fields=rules, counts=counts, request_id=request_id)
        self.audit.append(tx, event)
        return replace(request, clocks=generation, target_at=ends_at(first.target, first.zone) if first else None)


def is_answer(clock: Clock) -> bool:
    return clock.name == "answer"


def leading(clocks: Sequence[Clock]) -> Clock | None:
    """Return the answer clock whose cautious reading ends first; confirmations and notices do not lead while there is an answer to give."""
    return lead([each for each in clocks if is_answer(each)]) or lead(clocks)


def days_left(target: date | datetime, zone: str, now: datetime) -> int:
    """Return how many whole days of the controller's zone are left; 0 is today, negative is overdue."""
    local = ZoneInfo(zone)
    last = target.astimezone(local).date() if isinstance(target, datetime) else target
    return (last - now.astimezone(local).date()).days


def events_of(steps: Sequence[Step]) -> list[ClockEvent]:
    """Return when proof of identity was asked for and when it was there, from the timeline alone."""
    return [ClockEvent(_STOPPING[step.act], step.at) for step in steps if step.act in _STOPPING]
