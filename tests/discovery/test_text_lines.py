"""What is found in single lines, and what must not be: the requirement lines of the room."""

import json
from pathlib import Path

import pytest

from privacy.discovery.text import Detector
from tests.discovery.forms import MAKERS, decoys, lines

LINES = json.loads((Path(__file__).parents[1] / "vectors" / "detect_lines.json").read_text(encoding="utf-8"))["lines"]


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


@pytest.mark.parametrize("line", LINES, ids=[str(number) for number in range(len(LINES))])
def test_a_line_yields_exactly_these_findings(detector: Detector, line: dict[str, object]) -> None:
    """Entity, place and order, nothing more and nothing less."""
    text = str(line["text"])
    assert [[f.entity, text[f.start : f.end]] for f in detector.find(text)] == line["findings"]


@pytest.mark.parametrize("entity", MAKERS)
def test_a_chinese_identifier_is_found_in_every_form_people_write(detector: Detector, entity: str) -> None:
    """Plain, spaced, dashed, dotted, full-width, zero-width: exact F1 at least .99 on 400 generated lines each."""
    hits = extra = missed = 0
    for line in lines(entity, 400, seed=20):
        found = [(f.entity, f.start, f.end) for f in detector.find(line.text)]
        hit = (line.entity, line.start, line.end) in found
        hits, missed, extra = hits + hit, missed + (not hit), extra + len(found) - hit
    assert 2 * hits / (2 * hits + extra + missed) >= 0.99


def test_numbers_that_are_nobodys_are_left_alone(detector: Detector) -> None:
    """Orders, parcels, contracts, materials, versions, amounts, broken checksums: at most 5 lines in 1000 with a finding."""
    assert sum(1 for line in decoys(2000, seed=21) if detector.find(line)) <= 10


@pytest.mark.parametrize("label", ["订单号", "运单号：", "流水号 ", "order no. ", "Invoice #", "serial number: "])
def test_a_label_that_says_otherwise_outweighs_the_shape(detector: Detector, label: str) -> None:
    """An order number of eleven digits is not a mobile number."""
    assert detector.find(f"{label}13800138000") == []


def test_a_mistyped_identity_number_is_reported_below_the_usual_threshold() -> None:
    """With its label and a real birth date it is probably somebody's; a reviewer can ask for it."""
    text = "身份证号110105194912310021"
    assert Detector().find(text) == []
    assert [f.entity for f in Detector().find(text, min_confidence=0.4)] == ["CN_ID_CARD"]
