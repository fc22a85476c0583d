"""`privacy deadlines`: what a DPO sees at a shell, without any database."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from privacy.cli.deadlines import deadlines
from privacy.cli.exit_codes import exit_code

TRY = ["try", "--kind", "access", "--zone", "Europe/Berlin", "--calendar", "DE", "--received", "2026-01-31"]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(deadlines, list(arguments), standalone_mode=False)


def tried(*arguments: str) -> dict[str, Any]:
    result = run(*TRY, *arguments, "--json")
    assert result.exception is None
    found: dict[str, Any] = json.loads(result.output)
    return found


def test_a_request_of_the_last_of_january_is_due_on_the_second_of_march() -> None:
    found = tried("--regime", "gdpr")
    assert [(clock["name"], clock["due"], clock["target"]) for clock in found["clocks"]] == [
        ("answer", "2026-03-02", "2026-02-28"),
        ("extension_notice", "2026-03-02", "2026-02-28"),
    ]
    assert found["lead"]["calendar_version"] == "de/2026.1"


def test_the_table_tells_what_has_no_effect_and_what_leads() -> None:
    output = run(*TRY, "--regime", "pipl").output
    assert "to_verify, no effect" in output
    assert "The earliest target leads: 2026-02-15 (pipl.dsr.timely)." in output


def test_acceptance_pauses_and_extension_can_be_tried() -> None:
    assert tried("--regime", "pipl", "--accept", "pipl.dsr.gbt@1")["lead"]["rule"] == "pipl.dsr.gbt"
    events = ["--event", "identity_requested=2026-02-02", "--event", "identity_received=2026-02-12T09:00:00+01:00"]
    assert tried("--regime", "gdpr", *events)["lead"]["due"] == "2026-03-10"
    assert tried("--regime", "gdpr", "--told", "2026-03-02T23:59")["clocks"][0]["due"] == "2026-04-30"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((*TRY, "--regime", "gdrp"), 2),
        ((*TRY, "--regime", "gdpr", "--accept", "pipl.dsr.app"), 2),
        ((*TRY, "--regime", "gdpr", "--event", "identity_requested=yesterday"), 2),
        ((*TRY, "--regime", "gdpr", "--event", "asked=2026-02-02"), 2),
        ((*TRY[:-1], "31.01.2026", "--regime", "gdpr"), 2),
        (("try", "--kind", "access", "--zone", "Mars", "--received", "2026-01-31", "--regime", "gdpr"), 2),
        ((*TRY, "--regime", "gdpr", "--told", "2026-03-03"), 1),
        (("show", "nothing"), 1),
        (("calendars", "--on", "tomorrow"), 2),
    ],
)
def test_what_is_wrong_ends_with_its_exit_code(arguments: tuple[str, ...], code: int) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, Exception)
    assert exit_code(result.exception) == code


def test_list_and_show_name_source_and_status() -> None:
    rules = json.loads(run("list", "--json").output)
    assert {"gdpr", "uk_gdpr", "pipl", "ccpa"} == {rule["regime"] for rule in rules}
    assert all(rule["source"] and rule["status"] for rule in rules)
    versions = json.loads(run("show", "gdpr.breach.authority", "--json").output)
    assert [(rule["version"], rule["status"]) for rule in versions] == [(1, "in_force"), (2, "proposed")]
    assert "stops: identity, clarification; then resume" in run("show", "gdpr.dsr.answer").output


def test_a_missing_year_is_a_finding() -> None:
    """The table of a Chinese year comes late in the year before: from December on its absence is told."""
    assert CliRunner().invoke(deadlines, ["calendars", "--on", "2026-11-30"]).exit_code == 0
    result = CliRunner().invoke(deadlines, ["calendars", "--on", "2026-12-01", "--json"])
    assert result.exit_code == 1
    assert {row["calendar"]: row["missing"] for row in json.loads(result.output) if row["missing"]} == {"cn": "2027"}
