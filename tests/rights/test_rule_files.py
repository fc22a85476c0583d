"""Law as data: what may stand in the files, and what the shipped ones hold."""

import re
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from privacy.kernel.errors import Misconfigured
from privacy.rights.calendars import Calendars
from privacy.rights.deadlines import Deadlines
from privacy.rights.rules import REGIMES, Rules
from tests.rights.legal_days import POLICIES, easter_sunday

RULE = """# a comment
[[rule]]
id = "x.answer"
version = 1
regime = "gdpr"
article = "12(3)"
name = "answer"
kinds = ["access"]
status = "in_force"
valid_from = 2018-05-25
due = { n = 1, unit = "month", roll = "next_working_day", calendar = "establishment" }
en = "Answer."
zh = "答复。"

[rule.source]
cite = "made up"
checked_on = 2026-01-01
"""
CALENDAR = """id = "x"
year = 2026
version = 1
status = "in_force"
checked_on = 2026-01-01
weekend = ["saturday", "sunday"]
off_days = [2026-01-01]
make_up_days = [2026-01-04]

[source]
cite = "made up"
"""


def written(folder: Path, text: str, name: str = "x.toml") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("line", "instead", "complaint"),
    [
        ('status = "in_force"', 'status = "inforce"', r"x.toml:9: status: 'inforce' is not known here; did you mean 'in_force'"),
        ('status = "in_force"', 'status = "repealed"', r"x.toml:9: status: a repealed rule needs valid_to"),
        ('status = "in_force"', 'statsu = "in_force"', r"x.toml:9: statsu: unknown key; did you mean 'status'"),
        ('status = "in_force"', "", r"x.toml:2: rule: the key status is missing"),
        ('regime = "gdpr"', 'regime = "gdrp"', r"x.toml:5: regime: 'gdrp' is not known here; did you mean 'gdpr'"),
        ('kinds = ["access"]', 'kinds = ["acces"]', r"x.toml:8: kinds: 'acces' is not known here; did you mean 'access'"),
        ('kinds = ["access"]', "kinds = []", r"x.toml:8: kinds: name at least one"),
        ("version = 1", 'version = "1"', r"x.toml:4: version: write a whole number"),
        ("version = 1", "version = 0", r"x.toml:4: version: versions start at 1"),
        ("version = 1", "version = true", r"x.toml:4: version: write a whole number"),
        ("valid_from = 2018-05-25", 'valid_from = "2018-05-25"', r"x.toml:10: valid_from: write a day like 2026-01-31, without quotes"),
        ("valid_from = 2018-05-25", "valid_from = 2018-05-25\nvalid_to = 2018-01-01", r"x.toml:11: valid_to: lies before valid_from"),
        ("n = 1, ", "n = 0, ", r"x.toml:11: n: write a number above 0"),
        ("n = 1, ", "n = 1.5, ", r"x.toml:11: n: write a whole number"),
        ('unit = "month"', 'unit = "months"', r"x.toml:11: unit: 'months' is not known here; did you mean 'month'"),
        ('unit = "month"', 'unit = "hour"', r"x.toml:11: unit: a period in hours runs from the instant on"),
        (', calendar = "establishment"', "", r"x.toml:2: calendar: working days and rolling need a calendar"),
        ('roll = "next_working_day", ', "", r"x.toml:11: calendar: working days and rolling need a calendar"),
        ('en = "Answer."', 'en = " "', r"x.toml:12: en: must not be empty"),
        (
            'en = "Answer."',
            'only_if = ["critical"]\nen = "x"',
            r"x.toml:12: only_if: 'critical' is not known here; known are central_body, critical_infrastructure",
        ),
        ('en = "Answer."', 'pause = { on = ["id"] }\nen = "x"', r"x.toml:12: on: 'id' is not known here"),
        ('en = "Answer."', 'pause = { on = ["identity"], than = "resume" }\nen = "x"', r"x.toml:12: than: unknown key; did you mean 'then'"),
        ('cite = "made up"', "", r"x.toml:2: rule: the key cite is missing"),
        ("[[rule]]", "[rule]", r"x.toml:2: rule: write at least one \[\[rule\]\], with two brackets"),
        ("# a comment", "[other]", r"x.toml:1: other: unknown here; only \[\[rule\]\] is known"),
        ("# a comment", "= =", r"x.toml: not TOML"),
    ],
)
def test_a_flaw_in_a_rule_is_told_with_file_line_and_remedy(tmp_path: Path, line: str, instead: str, complaint: str) -> None:
    """A rule that is silently not applied is a deadline that is silently missed."""
    assert line in RULE
    with pytest.raises(Misconfigured, match=complaint):
        Rules.load(written(tmp_path, RULE.replace(line, instead, 1)))


@pytest.mark.parametrize(
    ("line", "instead", "complaint"),
    [
        ("year = 2026", "year = 2025", r"x.toml:7: off_days: write days of 2025"),
        ("year = 2026", "", r"x.toml:7: off_days: a calendar of every year knows weekends alone"),
        ("[2026-01-01]", "[2026-01-01, 2026-01-01]", r"x.toml:7: off_days: write days of 2026, each once"),
        ("[2026-01-01]", '["2026-01-01"]', r"x.toml:7: off_days: write days of 2026"),
        ("[2026-01-01]", "[2026-01-04]", r"x.toml:8: make_up_days: 2026-01-04 cannot be both off and worked"),
        ("[2026-01-04]", "[2026-01-05]", r"x.toml:8: make_up_days: a worked day must be one of the weekend"),
        ('weekend = ["saturday", "sunday"]', "", r"weekend: name the days of the weekend"),
        ('"saturday", ', '"samedi", ', r"x.toml:6: weekend: 'samedi' is not known here"),
        ('status = "in_force"', 'status = "proposed"', r"x.toml:4: status: 'proposed' is not known here"),
        ('cite = "made up"', 'cite = ""', r"x.toml:11: cite: say where the days come from"),
        ('id = "x"', 'id = "X Y"', r"x.toml:1: id: write small letters"),
        ("version = 1", "verion = 1", r"x.toml:3: verion: unknown key; did you mean 'version'"),
    ],
)
def test_a_flaw_in_a_calendar_is_told_with_file_line_and_remedy(tmp_path: Path, line: str, instead: str, complaint: str) -> None:
    assert line in CALENDAR
    with pytest.raises(Misconfigured, match=complaint):
        Calendars.load(written(tmp_path, CALENDAR.replace(line, instead, 1)))


def test_a_version_is_given_once(tmp_path: Path) -> None:
    written(tmp_path, RULE, "a.toml")
    with pytest.raises(Misconfigured, match="version 1 twice"):
        Rules.load(written(tmp_path, RULE, "b.toml"))
    for path in tmp_path.iterdir():
        path.unlink()
    written(tmp_path, CALENDAR, "a.toml")
    with pytest.raises(Misconfigured, match="version 1 twice"):
        Calendars.load(written(tmp_path, CALENDAR, "b.toml"))


def test_no_rules_at_all_is_a_broken_installation(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no deadline rules"):
        Rules.load(tmp_path)


@pytest.mark.parametrize(
    ("file", "change", "complaint"),
    [
        ("deadlines/gdpr.toml", lambda text: text.replace("n = 72", "n = 96"), "gdpr.breach.authority/1 was changed after its release"),
        ("deadlines/ccpa.toml", lambda text: text.replace("ccpa.opt_out", "ccpa.optout"), "ccpa.opt_out/1 was released and is gone"),
        ("calendars/de-2026.toml", lambda text: text.replace("2026-05-14,", "2026-05-15,"), "de/2026/1 was changed after its release"),
        ("calendars/cn-2026.toml", None, "cn/2026/1 was released and is gone"),
    ],
)
def test_what_was_released_neither_changes_nor_goes(tmp_path: Path, file: str, change: Callable[[str], str] | None, complaint: str) -> None:
    """Else a stored deadline could no longer be computed again."""
    for folder in ("deadlines", "calendars"):
        shutil.copytree(POLICIES / folder, tmp_path / folder)
    Deadlines.load(tmp_path)
    path = tmp_path / file
    if change:
        assert change(path.read_text("utf-8")) != path.read_text("utf-8")
        path.write_text(change(path.read_text("utf-8")), "utf-8")
    else:
        path.unlink()
    with pytest.raises(Misconfigured, match=complaint):
        Deadlines.load(tmp_path)


def test_words_about_a_released_rule_may_be_mended_and_own_rules_added(tmp_path: Path) -> None:
    shutil.copytree(POLICIES / "deadlines", tmp_path / "deadlines")
    path = tmp_path / "deadlines" / "gdpr.toml"
    path.write_text(path.read_text("utf-8").replace("checked_on = 2026-11-22", "checked_on = 2027-01-31"), "utf-8")
    written(tmp_path / "deadlines", RULE, "our_own.toml")
    assert Rules.load(tmp_path / "deadlines").get("x.answer", 1)


def test_a_rule_cannot_name_a_calendar_that_is_not_there(tmp_path: Path) -> None:
    """It would be provisional for ever and nobody would know why."""
    for folder in ("deadlines", "calendars"):
        shutil.copytree(POLICIES / folder, tmp_path / folder)
    written(tmp_path / "deadlines", RULE.replace('"establishment"', '"cnn"'), "our_own.toml")
    with pytest.raises(Misconfigured, match=r"x.answer names the calendar cnn"):
        Deadlines.load(tmp_path)


def test_everything_shipped_is_released() -> None:
    """To release is to add its line to released.toml, whose digests `strict_file.digest` computes."""
    released = {folder: (POLICIES / folder / "released.toml").read_text("utf-8") for folder in ("deadlines", "calendars")}
    assert [rule.key for rule in Rules.load(POLICIES / "deadlines") if f'"{rule.id}/{rule.version}" =' not in released["deadlines"]] == []
    assert [year.name for year in Calendars.load(POLICIES / "calendars") if f'"{year.name}/{year.version}" =' not in released["calendars"]] == []


def test_every_regime_has_an_answer_in_force_for_access_and_erasure() -> None:
    rules = Rules.load(POLICIES / "deadlines")
    for regime in REGIMES:
        for kind in ("access", "erasure", "rectification"):
            assert "answer" in {rule.name for rule, status in rules.applying(kind, regime, date(2026, 6, 1), (), ()) if status == "in_force"}


def test_every_rule_says_where_it_comes_from_and_when_that_was_checked() -> None:
    for each in (*Rules.load(POLICIES / "deadlines"), *Calendars.load(POLICIES / "calendars")):
        assert each.source.cite
        assert date(2026, 1, 1) <= each.source.checked_on


# name in the file's comment → how the day is found; the other way round than the files were made
_AFTER_EASTER = {"Karfreitag": -2, "Good Friday": -2, "goede vrijdag": -2, "Ostermontag": 1, "Easter Monday": 1, "lundi de Pâques": 1, "tweede paasdag": 1} | {
    "Christi Himmelfahrt": 39, "Ascension": 39, "hemelvaartsdag": 39, "Pfingstmontag": 50, "lundi de Pentecôte": 50, "tweede pinksterdag": 50,
}  # fmt: skip


@pytest.mark.parametrize("path", sorted((POLICIES / "calendars").glob("*-20*.toml")), ids=lambda path: path.stem)
def test_days_in_a_calendar_are_what_their_comment_says(path: Path) -> None:
    """Feasts by Easter, and the weekday written beside each day."""
    lines = re.findall(r"^    (\d{4}-\d\d-\d\d),  # (\w{3}), (.+)$", path.read_text("utf-8"), re.MULTILINE)
    assert lines or path.stem.startswith("cn-")
    for text, weekday, name in lines:
        day = date.fromisoformat(text)
        assert day.strftime("%a") == weekday
        if name in _AFTER_EASTER:
            assert day == easter_sunday(day.year) + timedelta(days=_AFTER_EASTER[name]), name
