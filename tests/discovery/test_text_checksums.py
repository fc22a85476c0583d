"""Check digits and numbering plans answer as the standards say."""

import json
from pathlib import Path

import pytest

from privacy.discovery import validators

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "detect_checksums.json").read_text(encoding="utf-8"))
CASES = [(rule, number, verdict) for rule, cases in VECTORS.items() if rule != "note" for verdict in ("valid", "invalid") for number in cases[verdict]]


@pytest.mark.parametrize(("rule", "number", "verdict"), CASES)
def test_a_check_digit_answers_as_its_standard_says(rule: str, number: str, verdict: str) -> None:
    """Known-answer vectors for every validator, right and wrong."""
    assert getattr(validators, rule)(number) is (verdict == "valid")


@pytest.mark.parametrize("rule", [rule for rule in VECTORS if rule not in ("note", "luhn", "us_itin", "us_ssn")])
@pytest.mark.parametrize("text", ["", "0", "X", "１１０１０５", "a" * 40, "0" * 18, "٣" * 18])
def test_a_validator_refuses_nonsense_without_raising(rule: str, text: str) -> None:
    """Empty, short, long and non-ASCII digits are invalid, never an error."""
    assert getattr(validators, rule)(text) is False


@pytest.mark.parametrize(
    ("number", "scheme"),
    [
        ("4111111111111111", "known"),
        ("378282246310005", "known"),
        ("6228480402564890018", "unionpay"),
        ("2221000000000009", "known"),
        ("213112345678901", "known"),
        ("630427373398", "weak"),
        ("9999999999999999", ""),
    ],
)
def test_a_card_number_is_assigned_to_its_scheme_by_prefix_and_length(number: str, scheme: str) -> None:
    """The schemes' own ranges, the new Mastercard series and 15-digit JCB included."""
    assert validators.card_scheme(number) == scheme
