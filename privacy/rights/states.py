"""What can be done with a request in which state: one table. Whatever is not in it is refused, and the refusal names what is possible."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from privacy.kernel.errors import Conflict
from privacy.rights.model import OPEN, RequestKind, RequestState

S = RequestState


class Act(StrEnum):
    """What people and jobs do with a request; the words of the timeline."""

    RECEIVE = "receive"
    REPEAT = "repeat"  # the same person asked the same again while it is open
    IDENTIFY = "identify"  # further identifiers of the person
    RECOGNISE = "recognise"  # looked up in the connected systems who it is
    ASK_IDENTITY = "ask_identity"
    VERIFY = "verify"
    PLAN = "plan"
    APPROVE = "approve"
    VOID = "void"  # the plan no longer fits what is there
    RUN = "run"
    FAIL = "fail"
    FINISH = "finish"
    RESUME = "resume"  # a law or a hold that kept rows has ended: a new plan takes up what was put off
    PACKAGE = "package"
    CLOSE = "close"
    NOTHING_HELD = "nothing_held"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    EXTEND = "extend"
    HOLD = "hold"
    RELEASE = "release"


def _to(target: RequestState, *sources: RequestState) -> Mapping[RequestState, RequestState]:
    return dict.fromkeys(sources, target)


_WAITING = (S.RECEIVED, S.IDENTITY_ASKED, S.VERIFIED, S.PLANNED)
_STAYING = {state: state for state in OPEN}

TRANSITIONS: Mapping[Act, Mapping[RequestState, RequestState]] = {
    # other identifiers may lead to somebody else: what was asked of the first is void
    Act.IDENTIFY: _to(S.RECEIVED, S.RECEIVED, S.IDENTITY_ASKED, S.VERIFIED),
    Act.RECOGNISE: {state: state for state in (S.RECEIVED, S.IDENTITY_ASKED)},
    Act.ASK_IDENTITY: _to(S.IDENTITY_ASKED, S.RECEIVED, S.IDENTITY_ASKED),
    Act.VERIFY: _to(S.VERIFIED, S.RECEIVED, S.IDENTITY_ASKED),
    # what one plan could not reach is left to the next
    Act.PLAN: _to(S.PLANNED, S.VERIFIED, S.PLANNED, S.NEEDS_ATTENTION),
    Act.APPROVE: _to(S.APPROVED, S.PLANNED),
    Act.VOID: _to(S.VERIFIED, S.PLANNED, S.APPROVED, S.RUNNING, S.NEEDS_ATTENTION),
    Act.RUN: _to(S.RUNNING, S.APPROVED, S.RUNNING, S.NEEDS_ATTENTION),
    Act.FAIL: _to(S.NEEDS_ATTENTION, S.APPROVED, S.RUNNING, S.NEEDS_ATTENTION),
    Act.FINISH: _to(S.DONE, S.APPROVED, S.RUNNING, S.NEEDS_ATTENTION),
    Act.RESUME: _to(S.PLANNED, S.VERIFIED, S.PLANNED, S.APPROVED, S.NEEDS_ATTENTION, S.DONE),
    Act.PACKAGE: _to(S.READY, S.VERIFIED, S.READY),
    Act.CLOSE: _to(S.DONE, S.RECEIVED, S.IDENTITY_ASKED, S.VERIFIED, S.READY),
    Act.NOTHING_HELD: _to(S.DONE, S.RECEIVED, S.IDENTITY_ASKED),
    Act.REFUSE: _to(S.REFUSED, *_WAITING),
    # once approved the deletion may have begun; nothing can be taken back any more
    Act.WITHDRAW: _to(S.WITHDRAWN, *_WAITING, S.READY),
    Act.REPEAT: _STAYING,
    Act.EXTEND: _STAYING,
    Act.HOLD: {state: state for state in (*_WAITING, S.READY)},
    Act.RELEASE: _STAYING,
}

_ERASING = frozenset({Act.PLAN, Act.APPROVE, Act.VOID, Act.RUN, Act.FAIL, Act.FINISH, Act.RESUME})
PACKAGED = frozenset({RequestKind.ACCESS, RequestKind.PORTABILITY})
# answered without proof of who asks: what they ask for harms nobody else (GDPR 21(3), 7(3); CCPA regulations 7026)
UNPROVEN = frozenset({RequestKind.MARKETING_OBJECTION, RequestKind.WITHDRAWAL, RequestKind.OPT_OUT, RequestKind.COMPLAINT})
STOPPED_BY_HOLD = frozenset({Act.PLAN, Act.APPROVE, Act.PACKAGE, Act.CLOSE})
BY_PEOPLE = frozenset(Act) - {Act.RECEIVE, Act.REPEAT, Act.RECOGNISE, Act.VOID, Act.RUN, Act.FAIL, Act.FINISH, Act.RESUME}


def after(kind: RequestKind, state: RequestState, act: Act) -> RequestState:
    """Return the state that `act` leads to. Raises Conflict naming what can be done instead."""
    if act in possible(kind, state):
        return TRANSITIONS[act][state]
    offered = steps_of(doable(kind, state, held=False))
    remedy = f"Possible now: {', '.join(offered)}." if offered else "It is closed; take in a new request."
    raise Conflict(f"A request of kind {kind.value} in state {state.value} does not allow {act.value}. {remedy}", code="wrong_state")


def possible(kind: RequestKind, state: RequestState) -> tuple[Act, ...]:
    """Return every act that a request of this kind allows in this state, in the order of the table."""
    return tuple(act for act, moves in TRANSITIONS.items() if state in moves and _fits(kind, state, act))


def doable(kind: RequestKind, state: RequestState, *, held: bool) -> tuple[Act, ...]:
    """Return what a person can do now: not what jobs do, nor what a hold stops."""
    offered = (act for act in possible(kind, state) if act in BY_PEOPLE)
    return tuple(act for act in offered if (act is not Act.RELEASE if not held else act is not Act.HOLD and act not in STOPPED_BY_HOLD))


def steps_of(acts: Iterable[Act]) -> list[str]:
    """Return acts in the words of the routes and, but for `identifiers` (there `identify`), of the commands."""
    return list(dict.fromkeys(_STEPS.get(act, act.value) for act in acts))


_STEPS = {Act.IDENTIFY: "identifiers", Act.ASK_IDENTITY: "identity", Act.NOTHING_HELD: "close"}


def _fits(kind: RequestKind, state: RequestState, act: Act) -> bool:
    if act in _ERASING:
        return kind is RequestKind.ERASURE
    if act is Act.PACKAGE:
        return kind in PACKAGED
    if act is Act.CLOSE:
        # an erasure ends with its certificate; everything else is closed by people, after proof of identity where it matters
        return kind is not RequestKind.ERASURE and (kind in UNPROVEN or state in (S.VERIFIED, S.READY))
    return True
