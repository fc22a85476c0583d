"""The detector's promises: offsets, order, thresholds, long texts, memory, no surprises."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.discovery.findings import BASES, Finding, resolve
from privacy.discovery.text import CHUNK, Detector, LeafGuard
from privacy.inventory.taxonomy import Taxonomy
from privacy.kernel.errors import InvalidInput
from tests.discovery.forms import lines

DETECTOR = Detector()
_PIECES = (
    "13800138000",
    "11010519491231002X",
    "a@b.cn",
    "张伟",
    "姓名：",
    "\u200b",
    "１２",
    "Mr. ",
    "4111 1111 1111 1111",
    "路88号",
    "北京市",
    "\n",
    "2024-01-02",
    "\ud800",
    "+",
    "(",
)
_TEXTS = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=()), max_size=200),
    st.lists(st.one_of(st.sampled_from(_PIECES), st.text(max_size=6)), max_size=24).map("".join),
)


@settings(max_examples=300, deadline=None)
@given(_TEXTS)
def test_any_text_is_scanned_and_every_offset_lies_in_it(text: str) -> None:
    """For any Unicode text: no error, spans inside the text, in order, not overlapping, confidence and basis in range."""
    end = 0
    for finding in DETECTOR.find(text, min_confidence=0.0):
        assert end <= finding.start < finding.end <= len(text)
        assert 0.0 <= finding.confidence <= 1.0
        assert finding.basis in BASES
        end = finding.end


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=40), st.text(max_size=40))
def test_a_proven_identifier_is_found_whatever_stands_around_it(before: str, after: str) -> None:
    """Behind a line break, no neighbour hides a number that proves itself."""
    text = f"{before}\n11010519491231002X\n{after}"
    assert any(text[f.start : f.end] == "11010519491231002X" and f.entity == "CN_ID_CARD" for f in DETECTOR.find(text))


def test_a_long_text_gives_the_same_findings_as_its_lines() -> None:
    """Chunks neither lose nor double a finding, and offsets count from the start of the whole."""
    pieces = [line.text for line in lines("CN_ID_CARD", 1200, seed=5)]
    text, expected, at = "\n".join(pieces), [], 0
    for piece in pieces:
        expected += [(f.entity, f.start + at, f.end + at) for f in DETECTOR.find(piece)]
        at += len(piece) + 1
    assert len(text) > 2 * CHUNK
    assert [(f.entity, f.start, f.end) for f in DETECTOR.find(text)] == expected


@pytest.mark.parametrize("shift", range(0, 24, 3))
def test_a_value_on_the_border_of_two_chunks_is_found_once(shift: int) -> None:
    """Even where the text has no break to cut at."""
    text = "啊" * (CHUNK - shift) + "11010519491231002X" + "啊" * 400
    assert [(f.entity, f.start) for f in DETECTOR.find(text)] == [("CN_ID_CARD", CHUNK - shift)]


def test_memory_stays_flat_on_a_long_text() -> None:
    """A quarter of a million characters needs no more than a few chunks beside the text itself."""
    text = "普通的一行文字，没有任何号码。\n" * 16_000
    DETECTOR.find(text[:CHUNK])
    tracemalloc.start()
    try:
        assert DETECTOR.find(text) == []
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_threads_share_one_detector() -> None:
    """The same answers from four threads as from one."""
    texts = [line.text for line in lines("CN_MOBILE", 200, seed=6)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(DETECTOR.find, texts)) == [DETECTOR.find(text) for text in texts]


def test_the_threshold_keeps_what_is_at_least_that_sure() -> None:
    """`min_confidence` is inclusive."""
    text = "单号没有，电话 13800138000"
    confidence = DETECTOR.find(text)[0].confidence
    assert DETECTOR.find(text, min_confidence=confidence)
    assert not DETECTOR.find(text, min_confidence=confidence + 0.01)


def test_only_the_wanted_entities_are_reported_and_overlaps_are_still_weighed() -> None:
    """Asked for phones only, the digits of a card are no phone."""
    wanted = frozenset({"PHONE_NUMBER"})
    assert DETECTOR.find("card 4111 1111 1111 1111", entities=wanted) == []
    assert [f.entity for f in DETECTOR.find("call 212-555-5555, a@b.org", entities=wanted)] == ["PHONE_NUMBER"]


def test_the_language_restricts_words_and_never_numbers() -> None:
    """Under `en` Chinese names are not read, Chinese numbers are."""
    text = "姓名：李小明 13800138000"
    assert [f.entity for f in DETECTOR.find(text, language="en")] == ["CN_MOBILE"]
    assert [f.entity for f in DETECTOR.find("Mr. Baker", language="zh")] == []


@pytest.mark.parametrize("options", [{"language": "klingon"}, {"entities": frozenset({"SHOE_SIZE"})}])
def test_an_unknown_word_is_refused_with_the_known_ones(options: dict[str, object]) -> None:
    """The remedy is named; what the caller sent is not echoed."""
    with pytest.raises(InvalidInput) as refused:
        DETECTOR.find("x", **options)  # type: ignore[arg-type]
    assert "klingon" not in refused.value.detail
    assert "SHOE_SIZE" not in refused.value.detail
    assert refused.value.flaws[0].pointer


def test_every_entity_belongs_to_a_category_of_the_taxonomy() -> None:
    """Nothing is found that policy and masking would not know what to do with."""
    taxonomy = Taxonomy.load(Path(__file__).parents[2] / "policies" / "taxonomy.toml")
    assert taxonomy.entities >= DETECTOR.entities


def test_the_stronger_claim_wins_an_overlap() -> None:
    """Proof before shape, then confidence, then length."""
    card, phone = Finding("CREDIT_CARD", 0, 16, 0.6), Finding("PHONE_NUMBER", 0, 12, 0.95)
    short, long = Finding("URL", 20, 30, 0.6), Finding("URL", 20, 40, 0.6)
    assert resolve([phone, short, card, long]) == [card, long]


def test_contains_says_whether_there_is_anything() -> None:
    """For callers who only need to know: no list, first hit ends the search."""
    assert DETECTOR.contains("写信给 a@example.org")
    assert not DETECTOR.contains("今天的天气很好")
    assert not DETECTOR.contains("写信给 a@example.org", entities=frozenset({"CN_MOBILE"}))


@pytest.mark.parametrize("text", ["致电13800138000投诉", "a@example.org asked", "身份证11010519491231002X"])
def test_the_leaf_guard_recognises_a_value_that_proves_itself(text: str) -> None:
    """Such text is committed to by the log, never kept in a leaf."""
    assert LeafGuard(DETECTOR).is_personal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "customer service",
        "crm.customers",
        "0192f0c8-7d5a-7e1c-a2b3-0123456789ab",
        "2026-11-22T07:30:00.000000Z",
        "10.0.0.7",
        "1234567890",
        "purpose:billing",
        "https://example.com/a",
    ],
)
def test_the_leaf_guard_lets_ids_names_of_things_and_times_pass(text: str) -> None:
    """Our own identifiers, instants, addresses of machines and purposes stay readable in the log."""
    assert not LeafGuard(DETECTOR).is_personal(text)
