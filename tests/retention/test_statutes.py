"""The shipped periods of law: complete, dated, sourced; a broken file stops the start with its line."""

import re
from datetime import date
from pathlib import Path

import pytest

from privacy.kernel.errors import Misconfigured
from privacy.retention.periods import Period
from privacy.retention.statutes import Statutes
from tests.retention.library import POLICIES

SHIPPED = POLICIES / "retention.toml"


def broken(tmp_path: Path, *changes: tuple[str, str]) -> str:
    text = SHIPPED.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (tmp_path / "retention.toml").write_text(text, "utf-8")
    with pytest.raises(Misconfigured) as refused:
        Statutes.load(tmp_path / "retention.toml")
    return refused.value.detail


def test_every_shipped_statute_has_source_day_and_status() -> None:
    """What nobody read in its source waits for acceptance; proposals and repealed law never bind."""
    statutes = list(Statutes.load(SHIPPED))
    assert len(statutes) >= 12
    for statute in statutes:
        assert statute.source and statute.article and statute.checked_on <= date(2026, 12, 31) and statute.status in ("in_force", "to_verify")
        assert statute.min or statute.max or statute.id == "gdpr.request_file"


def test_the_version_that_binds_is_told_by_the_day() -> None:
    """Money laundering: five years under the old law, ten (not verified yet) under the new one."""
    statutes = Statutes.load(SHIPPED)
    old, new = statutes.versions("cn.aml.customer")
    assert (str(old.min), old.status, str(new.min), new.status) == ("P5Y", "in_force", "P10Y", "to_verify")
    assert statutes.binding("cn.aml.customer", date(2026, 1, 1)) == (new,)
    assert statutes.binding("cn.aml.customer", date(2024, 6, 1)) == (old, new)
    assert old.valid_on(date(2024, 12, 31)) and not old.valid_on(date(2025, 1, 1))


def test_a_maximum_is_no_minimum() -> None:
    (credit,) = Statutes.load(SHIPPED).versions("cn.credit.negative")
    assert credit.min is None and credit.max == Period(60, 0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('min = "P3Y"', 'minimum = "P3Y"', r"retention\.toml:15: the key 'minimum' is not known; did you mean 'min'"),
        ('min = "P3Y"', 'min = "3 years"', r"retention\.toml:15: A period is written like P3Y"),
        ('min = "P3Y"', "min = 3", r"retention\.toml:15: min must be a text like P3Y"),
        ('status = "in_force"', 'status = "valid"', r"retention\.toml:16: status must be one of"),
        ("valid_from = 2019-01-01", 'valid_from = "2019-01-01"', r"retention\.toml:17: valid_from must be a day"),
        ("valid_from = 2019-01-01", "valid_from = 2019-01-01\nvalid_to = 2018-01-01", r"retention\.toml:18: valid_to lies before"),
        ("checked_on = 2026-11-22", "", r"retention\.toml:7: the key 'checked_on' is missing"),
        ('min = "P3Y"', "", r"retention\.toml:7: give min or max"),
        ("version = 1", "version = 0", r"retention\.toml:9: version must be"),
        ('id = "cn.ecommerce.31"', 'id = "E-Commerce"', r"retention\.toml:8: an id is"),
        ("version = 2", "version = 1", r"versions of 'cn\.aml\.customer' must grow"),
        ("valid_to = 2024-12-31\n", "", r"version 1 of 'cn\.aml\.customer' has no end"),
        ("[[statute]]", "[[law]]", r"the table 'law' is not known"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert re.search(said, broken(tmp_path, (old, new)))


def test_no_number_of_law_stands_in_the_code() -> None:
    """Periods are data: no text like P3Y outside comments, docstrings and error texts that explain how to write one."""
    room = Path(__file__).parents[2] / "privacy" / "retention"
    for file in room.glob("*.py"):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            if re.search(r'^\s*(?!"""|#).*(?<!`)"P\d+[YMD]"', line):
                raise AssertionError(f"{file.name}:{number}")
