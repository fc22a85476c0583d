"""Relations over HTTP, on the whole product: propose, decide, add, handle; and who may not."""

import sqlite3
from pathlib import Path

import pytest

from tests.web.browser import Browser
from tests.web.steward import Steward

API = "/api/v1"


@pytest.fixture
def dpo(steward: Steward, tmp_path: Path) -> Browser:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as opened:
        opened.executescript("""
            CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT);
            CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INT REFERENCES customers(id), note TEXT);
        """)
        opened.executemany("INSERT INTO customers VALUES (?, 'Ada Miller', ?)", [(n, f"a{n}@example.com") for n in range(20)])
    opened.close()
    browser = steward.browser("dpo")
    assert browser.post(f"{API}/systems", json={"name": "shop", "url": f"sqlite:///{path}"}).status_code == 201
    assert browser.post(f"{API}/relations", json={"system": "shop"}).status_code == 409
    assert browser.post(f"{API}/systems/shop/scan").status_code == 200
    return browser


def test_a_dpo_proposes_and_decides(dpo: Browser) -> None:
    """Proposals with evidence, decisions item by item, one added by hand, handlings; the digest tells that erasure would differ."""
    proposed = dpo.post(f"{API}/relations", json={"system": "shop"}).get_json()
    (proposal,) = proposed["proposals"]
    assert (proposal["child"], proposal["parent"], proposal["role"], proposal["declared"], proposed["new"]) == ("orders", "customers", "owned_by", True, 1)
    assert {"kind", "detail", "weight"} == set(proposal["evidence"][0])
    listed = dpo.get(f"{API}/relations?system=shop").get_json()
    (known,) = listed["relations"]
    assert (known["status"], listed["handlings"]) == ("proposed", [])
    decided = dpo.post(
        f"{API}/relations/decisions",
        json={"system": "shop", "decisions": [{"id": known["id"], "decision": "confirm"}, {"id": "0" * 32, "decision": "reject"}]},
    ).get_json()["items"]
    assert decided[0]["relation"]["status"] == "confirmed"
    assert decided[1]["error"]["code"] == "not_found"
    edge = {
        "system": "shop",
        "child": "orders",
        "child_columns": ["note"],
        "parent": "customers",
        "parent_columns": ["email"],
        "role": "owned_by",
        "weak": True,
    }
    assert dpo.post(f"{API}/relations/edges", json=edge).get_json()["status"] == "confirmed"
    assert dpo.post(f"{API}/relations/edges", json=edge | {"child_columns": ["nothing"]}).status_code == 422
    handled = dpo.post(
        f"{API}/handlings",
        json={
            "decisions": [
                {"dataset": "shop.orders", "action": "keep"},
                {"dataset": "shop.orders", "action": "keep", "reason": "accounts"},
                {"dataset": "shop.orders", "action": "keep", "reason": "ring 13812345678"},
            ]
        },
    ).get_json()["items"]
    assert (handled[0]["error"]["code"], handled[1]["handling"]["reason"]) == ("invalid_input", "accounts")
    assert handled[2]["error"]["code"] == "invalid_input"  # reasons stand in clear
    now = dpo.get(f"{API}/relations?system=shop").get_json()
    assert now["digest"] != listed["digest"]
    assert dpo.get(f"{API}/systems/shop/map").get_json()["map"]["relations"][0]["status"] == "confirmed"


def test_reading_is_not_deciding(dpo: Browser, steward: Steward) -> None:
    """An auditor lists relations and changes none; a stranger does not even list."""
    assert steward.browser("auditor").get(f"{API}/relations?system=shop").status_code == 200
    assert steward.browser("auditor").post(f"{API}/relations", json={"system": "shop"}).status_code == 403
    assert steward.browser("stranger").get(f"{API}/relations?system=shop").status_code == 403
    assert dpo.get(f"{API}/relations?system=nothing").status_code == 404
