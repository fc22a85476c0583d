"""Retention over HTTP, on the whole product: a rule from proposal to sweep, a hold, a restriction that masking obeys; and who may not."""

import sqlite3
from pathlib import Path

import pytest

from privacy.inventory.deciding import FieldDecision
from privacy.inventory.relation_rules import Edge
from privacy.inventory.relations import Ownership
from privacy.jobs.runner import run_now
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.terms import SubjectRef
from tests.web.browser import Browser
from tests.web.steward import Steward

API = "/api/v1"
RULE = {"id": "orders", "dataset": "shop.orders", "clock": "done", "period": "P5Y", "consequence": "delete", "zone": "Asia/Shanghai"}


@pytest.fixture
def shop(steward: Steward, tmp_path: Path) -> Path:
    """A shop whose map is confirmed: customers, their orders."""
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as opened:
        opened.executescript(
            "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT);"
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id), done DATE);"
        )
        opened.executemany("INSERT INTO customers VALUES (?, ?, ?)", [(n, f"Reader {n}", f"r{n}@example.com") for n in (1, 2)])
        opened.executemany("INSERT INTO orders VALUES (?, ?, ?)", [(1, 1, "2012-02-29"), (2, 2, "2013-05-05"), (3, 2, "2026-01-01")])
    opened.close()
    app, actor = steward.application, steward.actor()
    app.discovery.add(actor, "shop", f"sqlite:///{path}")
    app.discovery.scan(actor, "shop")
    personal = {"name": "name", "email": "email"}
    fields = [(dataset.name, field) for dataset in app.inventory.datasets(actor.tenant, "shop") for field in dataset.fields]
    app.inventory.decide(actor, [FieldDecision(name, f, "confirm" if f in personal else "not_personal", personal.get(f)) for name, f in fields])
    app.inventory.set_subject(actor, "shop.customers", "customer", "id")
    app.relations.add(actor, "shop", Edge("orders", ("customer_id",), "customers", ("id",), Ownership.OWNED_BY))
    return path


def ids(path: Path, table: str) -> list[int]:
    with sqlite3.connect(path) as opened:
        found = [row[0] for row in opened.execute(f"SELECT id FROM {table} ORDER BY id")]
    opened.close()
    return found


def test_a_rule_from_proposal_to_sweep(steward: Steward, shop: Path) -> None:
    """Proposed by one person, looked at, approved by another; a hold keeps one row; the job does the rest; everything can be read afterwards."""
    dpo, approver, auditor = (steward.browser(role) for role in ("dpo", "approver", "auditor"))
    proposed = dpo.post(f"{API}/retention/rules", json=RULE | {"statutes": ["cn.ecommerce.31"]})
    assert (proposed.status_code, proposed.get_json()["state"]) == (201, "proposed")
    held = dpo.post(f"{API}/holds", json={"system": "shop", "subject": "shop:customer:1", "reason": "claim of hers", "authority": "court"}).get_json()
    seen = dpo.post(f"{API}/retention/preview", json={"rule": "orders"}).get_json()["previews"][0]
    assert (seen["due"], seen["kept"]) == (1, [{"reason": "hold", "by": held["id"], "rows": 1}])
    assert dpo.post(f"{API}/retention/rules/orders/approve", json={"hash": seen["hash"]}).status_code == 403
    approved = approver.post(f"{API}/retention/rules/orders/approve", json={"hash": seen["hash"]})
    assert approved.get_json()["state"] == "active"
    dry = dpo.post(f"{API}/retention/sweeps", json={"rule": "orders"})
    assert (dry.status_code, dry.get_json()["previews"][0]["due"], dry.get_json()["job"]) == (200, 1, None)
    asked = dpo.post(f"{API}/retention/sweeps", json={"rule": "orders", "run": True})
    assert asked.status_code == 202 and asked.headers["Location"].endswith(asked.get_json()["job"]["id"])
    run_now(steward.application.jobs, steward.application.handlers)
    sweep = auditor.get(f"{API}/retention/sweeps?rule=orders").get_json()["sweeps"][0]
    assert (sweep["state"], sweep["counts"], sweep["kept"], sweep["left"]) == ("done", {"shop.orders": 1}, {"hold": 1}, 0)
    assert ids(shop, "orders") == [1, 3]
    listed = auditor.get(f"{API}/holds").get_json()["holds"][0]
    assert (listed["subject"], listed["reason"], listed["scope"]) == (None, "", "subject")  # an application is not told whom it names
    assert dpo.get(f"{API}/holds").get_json()["holds"][0]["subject"] == "shop:customer:1"
    assert dpo.post(f"{API}/holds/{held['id']}/release").status_code == 200
    run_now(steward.application.jobs, steward.application.handlers)
    assert ids(shop, "orders") == [3]


def test_whose_own_row_goes_loses_their_keys(steward: Steward, shop: Path) -> None:
    """In the ledger before the row goes; afterwards nothing encrypted of theirs opens, and no pseudonym in the log leads to them."""
    app, dpo, approver = steward.application, steward.browser("dpo"), steward.browser("approver")
    with sqlite3.connect(shop) as opened:
        opened.execute("ALTER TABLE customers ADD COLUMN joined DATE")
        opened.execute("UPDATE customers SET joined = '2010-01-01'")
    opened.close()
    app.discovery.scan(steward.actor(), "shop")
    one, two = SubjectRef("shop", "customer", "1"), SubjectRef("shop", "customer", "2")
    app.subject_keys.for_writing(DEFAULT_TENANT, [one, two])
    restart = [{"dataset": "shop.orders", "clock": "done"}]
    rule = RULE | {"id": "customers", "dataset": "shop.customers", "clock": "joined", "restarts": restart}
    assert dpo.post(f"{API}/retention/rules", json=rule).status_code == 201
    (seen,) = dpo.post(f"{API}/retention/preview", json={"rule": "customers"}).get_json()["previews"]
    assert (seen["due"], seen["dependants"]) == (1, {"shop.orders": 1})
    approver.post(f"{API}/retention/rules/customers/approve", json={"hash": seen["hash"]})
    dpo.post(f"{API}/retention/sweeps", json={"rule": "customers", "run": True})
    run_now(app.jobs, app.handlers)
    assert ids(shop, "customers") == [2] and ids(shop, "orders") == [2, 3]
    assert [bool(ref) for ref in app.subject_keys.audit_refs(DEFAULT_TENANT, [one, two])] == [False, True]
    assert [(entry.kind, len(entry.lookups)) for entry in app.ledger.entries()] == [("intent", 1), ("completed", 1)]


def test_masking_obeys_a_restriction(steward: Steward, shop: Path) -> None:
    """Restricted by a person: nothing of that customer is shown until it is lifted; others are not touched."""
    dpo, bob = steward.browser("dpo"), steward.browser("application", purposes=("service",))
    body = {"dataset": "shop.customers", "purpose": "service", "records": [{"id": n, "name": f"Reader {n}", "email": f"r{n}@example.com"} for n in (1, 2)]}
    before = bob.post(f"{API}/mask", json=body).get_json()
    assert before["records"][0]["name"] is not None
    assert dpo.post(f"{API}/restrictions", json={"subjects": ["shop:customer:1"], "reason": "contested"}).get_json() == {"new": 1, "before": 0}
    after = bob.post(f"{API}/mask", json=body).get_json()
    assert set(after["records"][0].values()) == {None} and after["records"][1] == before["records"][1]
    assert {after["reasons"][decided["reason"]]["code"] for decided in after["decisions"][0].values()} == {"restricted"}
    (listed,) = dpo.get(f"{API}/restrictions").get_json()["restrictions"]
    assert dpo.post(f"{API}/restrictions/{listed['id']}/lift").status_code == 200
    assert bob.post(f"{API}/mask", json=body).get_json()["records"] == before["records"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"period": "P3W"}, 422, "invalid_input"),
        ({"period": "P2Y", "statutes": ["cn.ecommerce.31"]}, 409, "rule_too_short"),
        ({"statutes": ["de.books"]}, 409, "statute_not_accepted"),
        ({"dataset": "shop.none"}, 404, "not_found"),
        ({"clock": "none"}, 422, "invalid_input"),
        ({"zone": "Mars/Base"}, 422, "invalid_input"),
        ({"consequence": "burn"}, 422, "invalid_input"),
        ({"extra": 1}, 422, "invalid_input"),
        ({"consequence": "restrict"}, 422, "invalid_input"),
        ({"reason": "asked for by li.xiaoming@tingtao.example"}, 422, "invalid_input"),
    ],
)
def test_what_cannot_be_a_rule_is_refused(steward: Steward, shop: Path, change: dict[str, object], status: int, code: str) -> None:
    answer = steward.browser("dpo").post(f"{API}/retention/rules", json=RULE | change)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


@pytest.mark.parametrize(("role", "reads", "writes"), [("stranger", 403, 403), ("analyst", 403, 403), ("auditor", 200, 403), ("approver", 200, 403)])
def test_who_may_not(steward: Steward, role: str, reads: int, writes: int) -> None:
    browser: Browser = steward.browser(role)
    for path in ("/retention/rules", "/retention/statutes", "/retention/sweeps", "/holds", "/restrictions"):
        assert browser.get(f"{API}{path}").status_code == reads, path
    assert browser.post(f"{API}/retention/rules", json=RULE).status_code == writes
    assert browser.post(f"{API}/holds", json={"system": "shop", "reason": "r", "authority": "a"}).status_code == writes
    assert browser.post(f"{API}/restrictions", json={"subjects": ["a:b:c"], "reason": "r"}).status_code == writes
    assert browser.post(f"{API}/retention/rules/orders/retire").status_code == writes
