"""Names keep a family's phone from making one person of it; they never make two records one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.subjects.names import contradict


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("李小明", "王芳"),
        ("李小明", "李小红"),
        ("Na Li", "Wei Li"),
        ("John Smith", "Mary Smith"),
        ("Иван Петров", "Мария Петрова"),
        ("김민수", "박지영"),
        ("欧阳", "阳"),
    ],
)
def test_different_people_of_one_script_contradict(one: str, other: str) -> None:
    """Also those of one family name."""
    assert contradict(one, other)
    assert contradict(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("李 小明", "李小明"),
        ("李小明（VIP）", "李小明"),
        ("LI Na", "Na Li"),
        ("Luís Gonçalves", "Luis Goncalves"),
        ("J. Smith", "John Smith"),
        ("Marguerite Okonkwo-Hale", "Okonkwo-Hale"),
        ("李小明", "Li Xiaoming"),
        ("李*明", "李小明"),
        ("李XX", "李小明"),
        ("", "王芳"),
        ("42", "王芳"),
    ],
)
def test_what_may_be_one_name_or_cannot_be_compared_does_not(one: str, other: str) -> None:
    """Order, accents, initials, additions, another script, a mask."""
    assert not contradict(one, other)
    assert not contradict(other, one)


@given(st.text(max_size=20), st.text(max_size=20))
def test_it_is_the_same_both_ways_and_no_name_contradicts_itself(one: str, other: str) -> None:
    """Whatever stands in a column of names."""
    assert contradict(one, other) == contradict(other, one)
    assert not contradict(one, one)
