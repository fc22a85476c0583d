"""Free text: found pieces are replaced, everything else stays, offsets are code points."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.masking.catalogue import Techniques
from privacy.masking.technique import MaskContext
from privacy.masking.text import MaskedSpan, TextSpan, mask_text

TECHNIQUES = Techniques.shipped()
CONTEXT = MaskContext(key=b"k" * 32, tenant="default", purpose="support")


def span(text: str, piece: str, technique: str, entity: str = "X", priority: float = 0.5) -> TextSpan:
    start = text.index(piece)
    return TextSpan(start, start + len(piece), entity, TECHNIQUES.get(technique), priority=priority)


def test_each_piece_is_masked_by_its_own_technique() -> None:
    """Names, phones and hidden pieces of one text each get what their category asks for."""
    text = "𠮷客户李小明，电话13800138000，信仰佛教。"
    spans = [span(text, "13800138000", "phone", "CN_MOBILE"), span(text, "李小明", "name", "PERSON"), span(text, "佛教", "redact", "NRP")]
    masked, done = mask_text(text, spans, CONTEXT)
    assert masked == "𠮷客户李**，电话138****8000，信仰[NRP]。"
    assert [masked[s.new_start : s.new_end] for s in done] == ["李**", "138****8000", "[NRP]"]
    assert done[0] == MaskedSpan(3, 6, "PERSON", "name", 3, 6)


def test_overlapping_pieces_leave_no_end_visible() -> None:
    """Where two findings overlap the whole stretch is hidden under the stronger one's name."""
    text = "mail li.xiaoming@example.com now"
    spans = [span(text, "li.xiaoming", "name", "PERSON", 0.4), span(text, "xiaoming@example.com", "email", "EMAIL_ADDRESS", 0.9)]
    assert mask_text(text, spans, CONTEXT)[0] == "mail [EMAIL_ADDRESS] now"


def test_a_clear_piece_does_not_uncover_a_hidden_one() -> None:
    """A finding shown in clear loses against any overlapping finding that hides."""
    text = "call 13800138000"
    spans = [span(text, "13800138000", "none", "DATE_TIME", 0.99), span(text, "00138000", "phone", "CN_MOBILE", 0.1)]
    assert mask_text(text, spans, CONTEXT)[0] == "call [CN_MOBILE]"


def test_the_same_finding_twice_counts_once() -> None:
    """Two detectors that agree do not turn a mask into a label."""
    text = "call 13800138000"
    assert mask_text(text, [span(text, "13800138000", "phone")] * 2, CONTEXT)[0] == "call 138****8000"


def test_a_span_outside_the_text_is_an_error() -> None:
    """Offsets that do not fit the text mean that they belong to another one."""
    with pytest.raises(ValueError, match="outside"):
        mask_text("abc", [TextSpan(1, 9, "X", TECHNIQUES.get("redact"))], CONTEXT)


@given(text=st.text(min_size=1, max_size=60), data=st.data())
def test_what_was_not_found_is_not_touched(text: str, data: st.DataObject) -> None:
    """Cutting out the replaced pieces leaves exactly the text between the findings."""
    cuts = data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=8, unique=True).map(sorted))
    spans = [TextSpan(a, b, "X", TECHNIQUES.get("redact")) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    masked, done = mask_text(text, spans, CONTEXT)
    kept = "".join(text[a:b] for a, b in zip([0, *[s.end for s in done]], [*[s.start for s in done], len(text)], strict=True))
    left = "".join(masked[a:b] for a, b in zip([0, *[s.new_end for s in done]], [*[s.new_start for s in done], len(masked)], strict=True))
    assert left == kept
