"""Canonical bytes, ids, subjects, time: small words that everything signed or stored depends on."""

import json
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.kernel.canonical import canonical_json, length_prefixed
from privacy.kernel.clock import FixedClock, SystemClock, rfc3339
from privacy.kernel.errors import InvalidInput
from privacy.kernel.ids import new_id
from privacy.kernel.terms import SubjectRef

SAFE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=8), children, max_size=4),
    max_leaves=20,
)


@given(SAFE)
def test_canonical_bytes_carry_the_value_and_nothing_else(value: object) -> None:
    """Reading them back gives the value; writing that again gives the same bytes."""
    written = canonical_json(value)
    assert json.loads(written) == value
    assert canonical_json(json.loads(written)) == written


def test_canonical_bytes_do_not_depend_on_the_order_of_keys() -> None:
    """Two programs that mean the same sign the same."""
    assert canonical_json({"b": 1, "a": {"d": "李", "c": None}}) == '{"a":{"c":null,"d":"李"},"b":1}'.encode()


@pytest.mark.parametrize("value", [1.5, 2**53, -(2**53), {"键": 1}, {1: 2}, b"x", {"a": {1, 2}}, datetime(2026, 1, 1, tzinfo=UTC)])
def test_what_two_programs_could_write_differently_is_refused(value: object) -> None:
    """Floats, large integers, other scripts in keys: each language has its own idea of them."""
    with pytest.raises(ValueError, match=r"canonical|integers"):
        canonical_json(value)


@given(st.lists(st.binary(max_size=40), max_size=6), st.lists(st.binary(max_size=40), max_size=6))
def test_length_prefixed_parts_can_be_read_one_way_only(left: list[bytes], right: list[bytes]) -> None:
    """("ab", "c") and ("a", "bc") are different associated data."""
    assert (length_prefixed(left) == length_prefixed(right)) is (left == right)


def test_ids_sort_by_the_time_they_were_made_and_never_repeat() -> None:
    """Time-ordered keys keep indexes dense; version and variant are those of RFC 9562."""
    made = [new_id() for _ in range(2000)]
    assert len(set(made)) == len(made)
    assert [text[:13] for text in made] == sorted(text[:13] for text in made)
    assert {(uuid.UUID(text).version, uuid.UUID(text).variant) for text in made} == {(7, uuid.RFC_4122)}


@given(st.text(min_size=1, max_size=30).filter(lambda s: ":" not in s), st.text(min_size=1, max_size=30).filter(lambda s: ":" not in s), st.text(min_size=1))
def test_a_subject_reads_back_as_it_was_written(system: str, kind: str, key: str) -> None:
    """Only the key may contain colons."""
    subject = SubjectRef(system, kind, key)
    if len(str(subject)) <= 512:
        assert SubjectRef.parse(str(subject)) == subject


@pytest.mark.parametrize("text", ["", "erp", "erp:person", "erp::417", ":person:417", "erp:person:", "x" * 513])
def test_a_malformed_subject_is_refused_without_being_repeated(text: str) -> None:
    """A key may be a phone number."""
    with pytest.raises(InvalidInput) as refused:
        SubjectRef.parse(text, "/items/0/subject")
    assert refused.value.flaws[0].pointer == "/items/0/subject"
    assert not text or text not in str(refused.value)


def test_written_times_sort_as_text_and_are_utc() -> None:
    """An auditor sorts lines, not instants."""
    shanghai = datetime(2026, 11, 22, 15, 30, tzinfo=timezone(timedelta(hours=8)))
    assert rfc3339(shanghai) == "2026-11-22T07:30:00.000000Z"
    assert rfc3339(shanghai) < rfc3339(shanghai + timedelta(microseconds=1))


def test_a_fixed_clock_moves_only_when_told(fixed_clock: FixedClock) -> None:
    """A deadline is computable for any day."""
    first = fixed_clock.now()
    assert fixed_clock.now() == first
    fixed_clock.advance(timedelta(days=1))
    assert fixed_clock.now() - first == timedelta(days=1)
    assert SystemClock().now().tzinfo is UTC
