"""Columns in place over HTTP, with real tokens: plan, steps as jobs, who may."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from privacy.inventory.deciding import FieldDecision
from privacy.jobs.runner import run_now
from tests.cast import ALICE
from tests.web.browser import Browser
from tests.web.steward import Steward


@pytest.fixture
def crm(steward: Steward, tmp_path: Path) -> Steward:
    path = tmp_path / "crm.db"
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT)")
        opened.execute("INSERT INTO customers VALUES (1, 'a@people.example'), (2, NULL)")
    application, actor = steward.application, steward.actor()
    application.discovery.add(actor, "crm", str(path))
    application.discovery.scan(actor, "crm")
    application.inventory.decide(actor, [FieldDecision("crm.customers", "email", "confirm", "email")])
    application.inventory.set_subject(actor, "crm.customers", "customer", "id")
    return steward


def test_a_column_goes_through_its_phases(crm: Steward, client_for: Callable[..., Browser]) -> None:
    dpo, body = client_for("dpo"), {"columns": [{"dataset": "crm.customers", "field": "email"}]}
    (seen,) = dpo.post("/api/v1/column-plans", json=body | {"keep": False}).get_json()["drafts"]
    assert (seen["rows"], seen["filled"]) == (2, 1) and dpo.get("/api/v1/columns").get_json() == {"columns": []}
    (draft,) = dpo.post("/api/v1/column-plans", json=body).get_json()["drafts"]
    place = f"/api/v1/columns/{draft['column']['id']}"
    for step, phase in (("copy", "copied"), ("verify", "copied"), ("switch", "switched"), ("undo", "undone")):
        asked = dpo.post(f"{place}/{step}")
        assert asked.status_code == 202
        assert asked.get_json()["job"]["payload"]["step"] == step
        run_now(crm.application.jobs, crm.application.handlers)
        assert dpo.get(place).get_json()["phase"] == phase
    refused = dpo.post(f"{place}/switch")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "wrong_phase")
    assert len(dpo.get("/api/v1/columns", query_string={"system": "crm"}).get_json()["columns"]) == 1


def test_only_who_may_protect_asks_and_only_who_may_look_sees(crm: Steward, client_for: Callable[..., Browser]) -> None:
    (draft,) = crm.application.columns.plan(ALICE, [("crm.customers", "email")])
    assert draft.column is not None
    place = f"/api/v1/columns/{draft.column.id}"
    assert client_for("auditor").get(place).status_code == 200
    assert client_for("auditor").post(f"{place}/copy").status_code == 403
    assert client_for("application").get(place).status_code == 403
    assert client_for("dpo").get("/api/v1/columns/nobody").status_code == 404
