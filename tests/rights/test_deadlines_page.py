"""docs/deadlines.md names every rule and calendar with period, status and source: a DPO reads the page, not the files."""

from pathlib import Path

import pytest

from privacy.rights.calendars import Calendars
from privacy.rights.rules import COUNTINGS, MISSING_DAYS, ROLLS, STATUSES, STOPS, UNITS, Rule, Rules
from tests.rights.legal_days import POLICIES

pytestmark = pytest.mark.docs

PAGE = (Path(__file__).parents[2] / "docs" / "deadlines.md").read_text("utf-8")
ROWS = {line.split("|")[1].strip(): line for line in PAGE.splitlines() if line.startswith("| `")}


@pytest.mark.parametrize("rule", list(Rules.load(POLICIES / "deadlines")), ids=lambda rule: f"{rule.id}@{rule.version}")
def test_every_rule_stands_there_as_it_is(rule: Rule) -> None:
    row = ROWS.get(f"`{rule.id}` {rule.version}", "")
    target = "the same" if rule.target == rule.due else str(rule.target)
    wanted = [rule.name, str(rule.due), f"| {target} |", f"| {rule.status}", str(rule.valid_from), rule.source.cite, str(rule.source.checked_on)]
    wanted += [str(rule.extension.due)] if rule.extension else []
    wanted += ["stands in"] if rule.stands_in else []
    assert [word for word in (*wanted, *rule.only_if) if word not in row] == []


def test_every_calendar_stands_there_with_its_years() -> None:
    missing = []
    for year in Calendars.load(POLICIES / "calendars"):
        row = ROWS.get(f"`{year.id}`", "")
        wanted = [year.source.cite, f"{year.year} (to_verify)" if year.status == "to_verify" else str(year.year or "every year")]
        missing += [f"{year.name}: {word}" for word in wanted if word not in row]
    assert missing == []


@pytest.mark.parametrize("word", [*UNITS, *COUNTINGS, *MISSING_DAYS, *ROLLS, *STATUSES, *STOPS])
def test_every_word_of_a_rule_file_is_explained(word: str) -> None:
    assert f"`{word}`" in PAGE or f'"{word}"' in PAGE


def test_no_rule_stands_there_that_is_gone() -> None:
    known = {f"`{rule.id}` {rule.version}" for rule in Rules.load(POLICIES / "deadlines")}
    assert {name for name in ROWS if name[-1].isdigit()} == known
