"""Chinook on SQLite, PostgreSQL and MariaDB: the vectors everybody can check, every other row equal afterwards."""

import os
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from privacy.adapters.database_urls import parse_address
from privacy.disposal.model import PlanState, Share
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.terms import SubjectRef
from privacy.retention.model import NewHold
from tests.cast import ALICE
from tests.company.confirming import confirm_chinook, connect
from tests.discovery.building import run_script
from tests.disposal.erasing import Case
from tests.web.steward import Steward

_DATA = Path(os.environ.get("PRIVACY_TEST_DATA", "/nonexistent"), "chinook")
_SCRIPTS = {"postgresql": "Chinook_PostgreSql.sql", "mysql": "Chinook_MySql.sql", "mariadb": "Chinook_MySql.sql"}
pytestmark = pytest.mark.skipif(not _DATA.exists(), reason="PRIVACY_TEST_DATA is not set")
Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture
def chinook(office: Steward, empty_url: str) -> Case:
    kind = empty_url.split(":")[0].split("+")[0]
    if kind == "sqlite":
        shutil.copyfile(_DATA / "Chinook_Sqlite.sqlite", empty_url.removeprefix("sqlite:///"))
        Path(empty_url.removeprefix("sqlite:///")).chmod(0o600)
    else:
        run_script(empty_url, (_DATA / _SCRIPTS[kind]).read_text(encoding="utf-8-sig"))
    connect(office.application, office.actor(), "chinook", empty_url)
    confirm_chinook(office.application, office.actor(), "chinook", snake if kind == "postgresql" else str)
    return Case(office.application, empty_url)


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def plain(name: str) -> str:
    return name.replace("_", "").lower()


def dump(url: str) -> Rows:
    """Return all rows of all tables but our marker's, names and order made alike."""
    address = parse_address(url, setting="chinook")
    engine = create_engine(address.url, connect_args=address.arguments)
    quote = engine.dialect.identifier_preparer.quote_identifier
    with engine.connect() as opened:
        names = [name for name in inspect(opened).get_table_names() if not name.startswith("privacy_steward")]
        found = {plain(name): sorted(map(tuple, opened.execute(text(f"SELECT * FROM {quote(name)}"))), key=repr) for name in names}
    engine.dispose()
    return found


def difference(before: Rows, after: Rows) -> dict[str, tuple[int, int]]:
    """Return per table how many rows are gone and how many are changed; anything new counts as changed."""
    told = {}
    for table, rows in before.items():
        gone, fresh = Counter(rows) - Counter(after[table]), Counter(after[table]) - Counter(rows)
        if gone or fresh:
            told[table] = (gone.total() - fresh.total(), fresh.total())
    return told


def counts(case: Case, kind: str, key: str) -> dict[tuple[str, str], int]:
    (found,) = case.application.disposal.collect(DEFAULT_TENANT, [SubjectRef("chinook", kind, key)])
    told: dict[tuple[str, str], int] = {}
    for rows in found.rows:
        told[plain(rows.table), rows.share.value] = told.get((plain(rows.table), rows.share.value), 0) + len(rows)
    return told


def test_what_belongs_to_customers_and_staff(chinook: Case) -> None:
    own = Share.OWNED.value
    assert counts(chinook, "customer", "1") == {("customer", own): 1, ("invoice", own): 7, ("invoiceline", own): 38}
    assert counts(chinook, "customer", "59") == {("customer", own): 1, ("invoice", own): 6, ("invoiceline", own): 36}
    assert counts(chinook, "employee", "2") == {("employee", own): 1, ("employee", "handled"): 3}
    assert counts(chinook, "employee", "3") == {("employee", own): 1, ("customer", "handled"): 21}


def test_an_invoice_about_a_customer_is_no_customer(chinook: Case) -> None:
    """`confirm --all-auto` says whom an invoice is about: by it the customer's rows are the same, and an invoice that is held keeps its lines."""
    invoice = next(each.name for each in chinook.application.inventory.datasets(DEFAULT_TENANT, "chinook") if plain(each.table) == "invoice")
    spelled = snake if invoice.endswith(".invoice") else str
    chinook.application.inventory.set_subject(ALICE, invoice, "customer", spelled("CustomerId"))
    own = Share.OWNED.value
    assert counts(chinook, "customer", "1") == {("customer", own): 1, ("invoice", own): 7, ("invoiceline", own): 38}

    chinook.application.holds.place(ALICE, NewHold("chinook", "claim", "court", dataset=invoice, keys=("98",)))
    made = chinook.plan(SubjectRef("chinook", "customer", "1"))
    told = {(plain(row.dataset.partition(".")[2]), row.action.value): row.rows for row in made.rows}
    assert told == {
        ("customer", "anonymise"): 1,
        ("invoice", "restrict"): 1,
        ("invoiceline", "restrict"): 2,
        ("invoice", "delete"): 6,
        ("invoiceline", "delete"): 36,
    }


def test_erasing_a_customer_and_two_employees_touches_their_rows_alone(chinook: Case) -> None:
    before = dump(chinook.url)

    first = chinook.erase(SubjectRef("chinook", "customer", "1"), case="c1")
    assert first.state is PlanState.DONE, dict(first.problems)
    after = dump(chinook.url)
    assert difference(before, after) == {"customer": (1, 0), "invoice": (7, 0), "invoiceline": (38, 0)}
    assert {row.dataset.lower().replace("_", ""): row.rows for row in first.rows} == {"chinook.customer": 1, "chinook.invoice": 7, "chinook.invoiceline": 38}

    assert chinook.erase(SubjectRef("chinook", "employee", "3"), case="e3").state is PlanState.DONE
    third = dump(chinook.url)
    left = len([1 for row in after["customer"] if row[-1] == 3])
    assert difference(after, third) == {"employee": (1, 0), "customer": (0, left)}

    assert chinook.erase(SubjectRef("chinook", "employee", "2"), case="e2").state is PlanState.DONE
    assert difference(third, dump(chinook.url)) == {"employee": (1, 2)}  # employee 3, who reported to 2, is gone already
