"""Folding makes look-alikes equal and never loses where a character came from."""

from hypothesis import given
from hypothesis import strategies as st

from privacy.discovery.fold import Folder


def test_full_width_and_odd_dashes_become_their_plain_form() -> None:
    """What reads the same is matched the same."""
    assert Folder().fold("１３８—００１３－８０００").text == "138-0013-8000"


def test_chinese_punctuation_that_ends_a_word_stays_itself() -> None:
    """A full-width comma must not become a part of a URL."""
    assert Folder().fold("a，b；c！d？").text == "a，b；c！d？"


def test_an_invisible_character_inside_a_value_belongs_to_its_span() -> None:
    """Zero-width characters are dropped for matching and kept in the offsets."""
    folded = Folder().fold("x13\u200b8\ufeffy")
    assert folded.text == "x138y"
    assert folded.span(1, 4) == (1, 5)


def test_ascii_text_is_not_copied() -> None:
    """The common case costs nothing."""
    text = "plain"
    assert Folder().fold(text).text is text


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=60))
def test_every_folded_character_maps_to_the_place_it_came_from(text: str) -> None:
    """For any Unicode text, lone surrogates included: same length as its origins, increasing, each in range."""
    folded = Folder().fold(text)
    origins = tuple(range(len(text))) if folded.origins is None else folded.origins
    assert len(folded.text) == len(origins)
    assert list(origins) == sorted(set(origins))
    assert all(0 <= origin < len(text) for origin in origins)
    assert Folder().fold(folded.text).text == folded.text
