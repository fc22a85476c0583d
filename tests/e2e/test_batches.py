"""Batches as they come: a thousand records of twenty fields in one call."""

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from privacy.client import Client, Problem
from tests.e2e.office import Office

pytestmark = pytest.mark.e2e

DATASET = "bulk.person"
KINDS = ("name", "phone", "email", "address", "birth_date", "national_id", "not_personal")
FIELDS = {"person_id": "subject_key"} | {f"field{number}": KINDS[number % len(KINDS)] for number in range(19)}
SIZE = 1_000


def value(kind: str, number: int) -> str:
    examples = {
        "name": f"Anna Testperson{number}",
        "phone": f"138{number:08d}",
        "email": f"anna{number}@example.com",
        "address": f"{number} Main Street, Springfield",
        "birth_date": f"19{number % 90 + 10}-04-17",
        "national_id": f"110101199003{number:06d}",
    }
    return examples.get(kind, f"plan {number}")


def records() -> list[dict[str, Any]]:
    return [{"person_id": str(number)} | {field: value(FIELDS[field], number) for field in list(FIELDS)[1:]} for number in range(SIZE)]


@pytest.fixture(scope="module")
def application(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Client:
    path: Path = tmp_path_factory.mktemp("bulk") / "bulk.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as opened, opened:
        opened.execute(f"CREATE TABLE person ({', '.join(f'{field} TEXT' for field in FIELDS)})")
        opened.executemany(f"INSERT INTO person VALUES ({', '.join('?' * len(FIELDS))})", [tuple(record.values()) for record in records()[:20]])
    office.connect("bulk", f"sqlite:///{path}", "person", ("person", "person_id"), FIELDS)
    return office.as_("application")


def test_a_thousand_records_of_twenty_fields_come_back_in_order(application: Client) -> None:
    """Each record at its place, each field with its decision."""
    sent = records()
    assert {len(record) for record in sent} == {20}
    answer = application.mask(dataset=DATASET, purpose="service", records=sent)
    assert answer["errors"] == []
    assert [record["person_id"] for record in answer["records"]] == [str(number) for number in range(SIZE)]
    clear = [field for field, kind in FIELDS.items() if kind != "national_id"]
    assert all(shown[field] == given[field] for shown, given in zip(answer["records"], sent, strict=True) for field in clear)
    hidden = [field for field, kind in FIELDS.items() if kind == "national_id"]
    assert all(shown[field] and shown[field] != given[field] for shown, given in zip(answer["records"], sent, strict=True) for field in hidden)
    assert {tuple(decision) for decision in answer["decisions"]} == {tuple(FIELDS)}


@pytest.mark.parametrize("bad", ["not a record", None, 7, ["a", "list"], {f"f{number}": "x" for number in range(5_000)}])
def test_one_bad_item_does_not_spoil_the_rest(application: Client, bad: object) -> None:
    """It is null and named, everybody else is as without it."""
    sent: list[Any] = records()
    sent[417] = bad
    answer = application.mask(dataset=DATASET, purpose="service", records=sent)
    assert [error["pointer"] for error in answer["errors"]] == ["/records/417"]
    assert (answer["records"][417], answer["decisions"][417]) == (None, {})
    shown = [record["person_id"] for place, record in enumerate(answer["records"]) if place != 417]
    assert shown == [str(number) for number in range(SIZE) if number != 417]


def test_a_thousand_values_are_encrypted_and_opened_in_order(application: Client) -> None:
    """Among them one without a subject and one that was altered on the way."""
    items = [{"subject": f"bulk:person:{number}", "field": "field1", "value": value("phone", number)} for number in range(SIZE)]
    del items[3]["subject"]
    protected = application.protect(DATASET, items)
    assert errors(protected) == [3]
    asked = [item | {"value": answer.get("ciphertext") or ""} for item, answer in zip(items, protected, strict=True)]
    asked[3] = asked[4] | {"subject": "bulk:person:5"}
    revealed = application.reveal(DATASET, asked, purpose="service")
    assert errors(revealed) == [3]
    assert [answer["value"] for answer in revealed if not answer.get("error")] == [item["value"] for place, item in enumerate(items) if place != 3]


def errors(answers: Sequence[dict[str, Any]]) -> list[int]:
    return [place for place, answer in enumerate(answers) if answer.get("error")]


def test_more_than_the_setting_allows_is_refused_whole(application: Client) -> None:
    """With the number, before anything is looked at."""
    with pytest.raises(Problem) as refused:
        application.mask(dataset=DATASET, purpose="service", records=[*records(), {"person_id": "one too many"}])
    assert refused.value.status == 413
    assert "1000" in refused.value.detail
