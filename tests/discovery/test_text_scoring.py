"""The figures of `privacy evaluate`, worked out by hand."""

import pytest

from privacy.discovery.scoring import Scorer

KNOWN = frozenset({"URL", "PERSON", "AGE"})


def test_exact_and_overlap_are_counted_apart() -> None:
    """One exact hit, one that only touches, one missed, one invented."""
    scorer = Scorer(KNOWN)
    scorer.add([("PERSON", 0, 5), ("PERSON", 10, 20), ("PERSON", 30, 35)], [("PERSON", 0, 5), ("PERSON", 12, 20), ("PERSON", 40, 44)])
    score = scorer.report().scores[0]
    assert (score.n, score.predicted) == (3, 3)
    assert score.f1 == pytest.approx(1 / 3)
    assert score.overlap_f1 == pytest.approx(2 / 3)
    assert score.too_few


def test_other_names_of_a_type_are_understood() -> None:
    """DOMAIN_NAME of public data is our URL."""
    scorer = Scorer(KNOWN)
    scorer.add([("DOMAIN_NAME", 0, 5)], [("URL", 0, 5)])
    assert scorer.report().micro.f1 == 1.0


def test_types_nobody_looks_for_do_not_count_and_are_named() -> None:
    """ORGANIZATION is labelled, but not searched: reported, outside the average."""
    scorer = Scorer(KNOWN)
    scorer.add([("ORGANIZATION", 0, 5), ("URL", 9, 12)], [("URL", 9, 12), ("AGE", 20, 22)])
    report = scorer.report()
    assert report.micro.f1 == 1.0
    assert report.unknown == ("ORGANIZATION",)
    assert report.unlabelled == {"AGE": 1}


def test_a_right_place_with_a_wrong_type_counts_for_any_type_only() -> None:
    """So that confusion of types and missing values can be told apart."""
    scorer = Scorer(KNOWN)
    scorer.add([("URL", 0, 5), ("PERSON", 6, 9)], [("PERSON", 0, 5), ("PERSON", 6, 9)])
    report = scorer.report()
    assert report.any_type.f1 == 1.0
    assert report.micro.f1 == 0.5


def test_false_findings_are_counted_over_the_clean_texts() -> None:
    """Per thousand texts in which nothing is labelled."""
    scorer = Scorer(KNOWN)
    scorer.add([("URL", 0, 5)], [("URL", 0, 5), ("URL", 7, 9)])
    for finding in ([], [("URL", 1, 2)], [], []):
        scorer.add([], finding)
    report = scorer.report()
    assert report.clean_texts == 4
    assert report.false_per_1000_clean == 250.0
