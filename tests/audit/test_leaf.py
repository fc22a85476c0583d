"""What becomes of an event: canonical bytes, nothing personal, nothing too long."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.audit.events import Action, Decision, Event, Outcome
from privacy.audit.leaf import MAX_LEAF, MemoryGuard, build_leaf, subject_rows
from privacy.audit.merkle import tree_root
from privacy.audit.verifier import commitment, leaf_hash, subject_hash
from privacy.kernel.canonical import canonical_json
from privacy.kernel.errors import InvalidInput
from privacy.kernel.ids import EventId, new_id
from tests.audit.builders import audit_ref, event
from tests.cast import BOB, LI_XIAOMING, MARGUERITE

AT = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
ID = EventId("0198c0de-0000-7000-8000-000000000001")


class NamesOfTheCast:
    """A guard that knows two people."""

    def __init__(self) -> None:
        self.asked = 0

    def is_personal(self, text: str) -> bool:
        self.asked += 1
        values = (*LI_XIAOMING.personal_values().values(), *MARGUERITE.personal_values().values())
        return any(value in text for value in values)


def leaf_of(given: Event, guard: NamesOfTheCast | None = None) -> tuple[dict[str, object], dict[str, tuple[bytes, object]]]:
    leaf = build_leaf(given, ID, AT, MemoryGuard(guard), subject_rows(given, ID, "default/1", BOB.tenant))
    assert canonical_json(json.loads(leaf.entry)) == leaf.entry
    return json.loads(leaf.entry), leaf.disclosed


def test_a_leaf_says_who_did_what_under_which_decision() -> None:
    """Every fact of an event has its place; what is empty is left out."""
    decision = Decision("v3@ab12", "allow", ("p7", "p9"))
    content, disclosed = leaf_of(
        event(
            Action.VALUES_REVEALED,
            outcome=Outcome.DENIED,
            fields=("phone",),
            recipient="parcel",
            legal_basis="contract",
            request_id="q1",
            decision=decision,
            counts={"items": 2},
        )
    )
    assert content == {
        "v": 1, "id": ID, "time": "2026-11-22T07:30:00.000000Z", "tenant": "default", "action": "protection:values:revealed", "outcome": "denied",
        "actor": {"ref": "client:bob", "roles": ["application"], "auth": "client_credentials", "assurance": 1},
        "object": {"type": "dataset", "ref": "crm.customer", "fields": ["phone"]},
        "authz": {"policy_ref": "v3@ab12", "decision": "allow", "rules": ["p7", "p9"]},
        "purpose": "support", "recipient": "parcel", "legal_basis": "contract", "request_id": "q1", "counts": {"items": 2},
    }  # fmt: skip
    assert disclosed == {}


def test_free_text_is_committed_to_and_never_logged() -> None:
    """The leaf holds a salted hash; salt and value go elsewhere, and together they open it."""
    content, disclosed = leaf_of(event(free={"reason": f"客户 {LI_XIAOMING.name} 来电", "address": "10.1.2.3", "empty": ""}))
    assert LI_XIAOMING.name not in json.dumps(content, ensure_ascii=False)
    assert set(disclosed) == {"reason", "address"}
    assert content["_sd"] == {field: commitment(field, value, salt) for field, (salt, value) in disclosed.items()}
    assert len({salt for salt, _ in disclosed.values()}) == 2


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"object_ref": f"crm:customer:{LI_XIAOMING.phone}"}, "/object/ref"),
        ({"fields": ("phone", MARGUERITE.email)}, "/object/fields"),
        ({"purpose": MARGUERITE.name}, "/purpose"),
        ({"recipient": LI_XIAOMING.name}, "/recipient"),
        ({"legal_basis": LI_XIAOMING.address}, "/legal_basis"),
        ({"request_id": LI_XIAOMING.id_number}, "/request_id"),
        ({"related": (LI_XIAOMING.card,)}, "/related"),
    ],
)
def test_a_name_that_is_a_personal_value_is_replaced_by_a_commitment(more: dict[str, object], path: str) -> None:
    """Callers choose field names and references; where one carries a person's data the event stays and the value does not."""
    content, disclosed = leaf_of(event(**more), NamesOfTheCast())
    (value,) = more.values()
    assert set(disclosed) == {path}
    assert disclosed[path][1] == (list(value) if isinstance(value, tuple) else value)
    shown = json.dumps(content, ensure_ascii=False)
    assert not any(personal in shown for personal in (*LI_XIAOMING.personal_values().values(), *MARGUERITE.personal_values().values()))


def test_the_guard_is_asked_once_for_each_name_and_never_for_ids() -> None:
    """Purposes and fields recur in every event; identifiers of ours cannot be personal values."""
    guard = NamesOfTheCast()
    remembering = MemoryGuard(guard)
    for _ in range(5):
        build_leaf(event(fields=("phone", "email"), request_id=f"user:{new_id()}"), ID, AT, remembering, [])
    assert guard.asked == 4  # crm.customer, phone, email, support


def test_what_does_not_fit_is_committed_to() -> None:
    """An event with thousands of field names is still an event, of at most 16 KiB."""
    names = tuple(f"column_{n:05}" for n in range(3000))
    content, disclosed = leaf_of(event(fields=names))
    assert disclosed["/object/fields"][1] == list(names)
    assert len(canonical_json(content)) <= MAX_LEAF


def test_an_event_that_cannot_be_made_to_fit_is_refused() -> None:
    """Long references are the caller's mistake, said without quoting them."""
    with pytest.raises(InvalidInput) as refused:
        leaf_of(event(object_ref="x" * 20_000))
    assert "xxx" not in refused.value.detail


def test_subjects_stand_in_rows_and_their_root_in_the_leaf() -> None:
    """No pseudonym enters the leaf, only a root over salted rows."""
    given_event = event(subjects=[LI_XIAOMING.ref, MARGUERITE.ref])
    rows = subject_rows(given_event, ID, "default/1", BOB.tenant)
    content = json.loads(build_leaf(given_event, ID, AT, MemoryGuard(None), rows).entry)
    assert content["subjects_root"] == tree_root([row.hash for row in rows]).hex()
    assert content["subjects_size"] == 2
    for row, subject in zip(rows, (LI_XIAOMING, MARGUERITE), strict=True):
        assert row.hash == subject_hash(ID, audit_ref(subject.ref), ("phone",), "masked", row.salt)
        assert row.hash != leaf_hash(audit_ref(subject.ref))
    assert rows[0].salt != rows[1].salt


@given(st.text(), st.dictionaries(st.text(alphabet="abcdef", min_size=1), st.integers(-(2**53) + 1, 2**53 - 1)))
def test_any_text_and_number_has_one_canonical_leaf(text: str, counts: dict[str, int]) -> None:
    """Whatever Unicode a name holds, the bytes are read back to themselves."""
    content, _ = leaf_of(event(object_ref=text, counts=counts))
    assert content.get("counts", {}) == counts
