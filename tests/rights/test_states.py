"""The table of states: nothing that is not in it happens, and nobody gets past proof of identity, a second person, or an end."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.kernel.errors import Conflict
from privacy.rights.model import OPEN, RequestKind, RequestState
from privacy.rights.states import PACKAGED, TRANSITIONS, UNPROVEN, Act, after, possible

ENDS = frozenset(RequestState) - OPEN


@pytest.mark.parametrize("kind", RequestKind)
def test_an_act_leads_where_the_table_says_or_is_refused_with_what_is_possible(kind: RequestKind) -> None:
    """Every combination there is."""
    for state, act in product(RequestState, Act):
        if act in possible(kind, state):
            assert after(kind, state, act) is TRANSITIONS[act][state]
            continue
        with pytest.raises(Conflict) as refused:
            after(kind, state, act)
        assert refused.value.code == "wrong_state"
        assert "Possible now" in refused.value.detail or state in ENDS


@pytest.mark.parametrize("kind", RequestKind)
def test_what_has_ended_stays_as_it_ended(kind: RequestKind) -> None:
    for state in ENDS:
        # what a law or a hold kept of an erasure goes on by itself, when that has ended
        assert possible(kind, state) == ((Act.RESUME,) if (kind, state) == (RequestKind.ERASURE, RequestState.DONE) else ())


@pytest.mark.parametrize("kind", RequestKind)
def test_every_open_state_that_can_be_reached_leads_to_an_end(kind: RequestKind) -> None:
    """No request can get stuck."""
    for state in reached(kind):
        assert state in ENDS or reached(kind, state) & ENDS


def reached(kind: RequestKind, start: RequestState = RequestState.RECEIVED) -> set[RequestState]:
    seen, waiting = {start}, [start]
    while waiting:
        state = waiting.pop()
        for act in possible(kind, state):
            if (target := after(kind, state, act)) not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


@pytest.mark.parametrize("kind", RequestKind)
def test_only_erasures_are_planned_and_only_copies_are_packaged(kind: RequestKind) -> None:
    states = reached(kind)
    assert (RequestState.APPROVED in states) == (kind is RequestKind.ERASURE)
    assert (RequestState.READY in states) == (kind in PACKAGED)


@given(kind=st.sampled_from(RequestKind), choices=st.lists(st.integers(0, 50), max_size=30))
def test_no_sequence_reaches_an_impossible_state(kind: RequestKind, choices: list[int]) -> None:
    """Whatever people and jobs do, in whatever order."""
    state, trail = RequestState.RECEIVED, [(None, RequestState.RECEIVED)]
    for choice in choices:
        # what is taken up again from the end was carried out before: there is a plan
        carried_out = any(act is Act.FINISH for act, _ in trail)
        offered = [act for act in possible(kind, state) if act is not Act.RESUME or carried_out]
        if not offered:
            break
        act = offered[choice % len(offered)]
        state = after(kind, state, act)
        trail.append((act, state))  # type: ignore[arg-type]
    acts = [act for act, _ in trail]
    states = [each for _, each in trail]
    if RequestState.READY in states or RequestState.PLANNED in states:
        assert Act.VERIFY in acts
    if RequestState.RUNNING in states:
        assert Act.APPROVE in acts and kind is RequestKind.ERASURE
    if state is RequestState.DONE and kind not in UNPROVEN and Act.NOTHING_HELD not in acts:
        assert Act.VERIFY in acts
    for (_, one), (act, _other) in pairwise(trail):
        assert one not in ENDS or act is Act.RESUME
        assert act is not None
