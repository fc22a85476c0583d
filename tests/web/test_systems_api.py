"""The data map over HTTP, on the whole product: connect, scan, decide, read; and who may not."""

import sqlite3
from pathlib import Path

import pytest

from tests.web.browser import Browser
from tests.web.steward import Steward

API = "/api/v1"


@pytest.fixture
def shop(tmp_path: Path) -> str:
    path = tmp_path / "shop.sqlite"
    with sqlite3.connect(path) as opened:
        opened.executescript("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, email TEXT, vip BOOLEAN, 备注 TEXT)")
        opened.executemany("INSERT INTO customers VALUES (?, 'Ada Miller', ?, 1, '请周末送货')", [(n, f"a{n}@example.com") for n in range(20)])
    opened.close()
    return f"sqlite:///{path}"


@pytest.fixture
def dpo(steward: Steward) -> Browser:
    return steward.browser("dpo")


def connect(browser: Browser, url: str) -> None:
    assert browser.post(f"{API}/systems", json={"name": "shop", "url": url}).status_code == 201
    assert browser.post(f"{API}/systems/shop/scan").status_code == 200


def test_a_dpo_connects_scans_and_decides(dpo: Browser, shop: str) -> None:
    """The thread over HTTP: proposals with evidence, decisions item by item, the dataset as decided, the gaps that remain."""
    assert dpo.post(f"{API}/systems", json={"name": "shop", "url": shop}).status_code == 201
    scan = dpo.post(f"{API}/systems/shop/scan").get_json()
    proposals = {proposal["column"]: proposal for proposal in scan["proposals"]}
    assert (proposals["email"]["category"], proposals["email"]["outcome"]) == ("email", "auto")
    assert scan["subjects"] == [{"table": "customers", "type": "customer", "field": "id", "evidence": "key of a table about people"}]
    decided = dpo.post(
        f"{API}/findings",
        json={
            "decisions": [
                {"dataset": "shop.customers", "field": name, "decision": how}
                for name, how in (("email", "confirm"), ("vip", "not_personal"), ("no", "confirm"))
            ]
        },
    ).get_json()["items"]
    assert [item["status"] for item in decided] == ["confirmed", "not_personal", None]
    assert decided[2]["error"]["code"] == "not_found"
    dataset = dpo.get(f"{API}/datasets/shop.customers").get_json()
    assert {field["field"]: field["status"] for field in dataset["fields"]}["email"] == "confirmed"
    changed = dpo.put(f"{API}/datasets/shop.customers/subject", json={"subject_type": "customer", "subject_field": "id"}).get_json()
    assert (changed["subject_type"], changed["subject_field"], changed["id"]) == ("customer", "id", dataset["id"])
    gaps = {gap["field"]: gap["remedy"] for gap in dpo.get(f"{API}/gaps?system=shop").get_json()["gaps"]}
    assert "email" not in gaps
    assert "privacy systems confirm shop customers.name" in gaps["name"]
    assert dpo.get(f"{API}/systems/shop/map").get_json()["map"]["system"] == "shop"
    assert [entry["name"] for entry in dpo.get(f"{API}/datasets").get_json()["datasets"]] == ["shop.customers"]


def test_no_answer_shows_credentials_or_values(dpo: Browser, shop: str) -> None:
    """Neither the password of an address nor a sampled value is in any answer of these routes."""
    connect(dpo, shop)
    far = {"name": "far", "url": "postgresql://someone:hunter2secret@127.0.0.1:1/crm"}
    unreached = dpo.post(f"{API}/systems", json=far)
    added = dpo.post(f"{API}/systems", json={**far, "check": False})
    refused = dpo.post(f"{API}/systems/far/scan")
    assert (unreached.status_code, added.status_code, refused.status_code) == (503, 201, 503)
    assert "nothing listens" in unreached.text
    texts = [unreached.text, added.text, refused.text] + [
        dpo.get(f"{API}{path}").text for path in ("/systems", "/systems/shop/findings", "/datasets/shop.customers", "/systems/shop/map", "/gaps")
    ]
    assert not [text for text in texts if "hunter2secret" in text or "someone" in text or "a1@example.com" in text]


def test_the_services_own_databases_are_no_systems(steward: Steward, dpo: Browser) -> None:
    """Whoever may connect systems still cannot read our keys or our log through one."""
    config = steward.application.config
    for url in (config.database_url, config.keys_database_url):
        path = url.removeprefix("sqlite:///")
        for spelling in (url, path, f"sqlite:///{Path(path).parent}/../{Path(path).parent.name}/{Path(path).name}"):
            answer = dpo.post(f"{API}/systems", json={"name": "own", "url": spelling})
            assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, "/url")


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "/etc/passwd", "csv:/etc/passwd", "http://127.0.0.1/", "sqlite:////etc/passwd", "postgresql://localhost/x?hostaddr=10.0.0.1", ""],
)
def test_addresses_that_would_read_other_things_are_refused(dpo: Browser, url: str) -> None:
    """Only databases and CSV files are systems, and only by parameters that lead where the address says."""
    assert dpo.post(f"{API}/systems", json={"name": "x", "url": url}).status_code == 422


def test_a_call_learns_nothing_about_which_files_there_are(dpo: Browser, tmp_path: Path) -> None:
    """Missing, no SQLite, no CSV, a folder with neither: one answer, checked or not, added or changed to."""
    (tmp_path / "note.txt").write_text("nothing", encoding="utf-8")
    (tmp_path / "empty.sqlite").touch()
    (tmp_path / "folder").mkdir()
    places = [str(tmp_path / name) for name in ("missing", "note.txt", "empty.sqlite", "folder", "missing.csv", "folder/x.tsv", "note.txt/x")]
    urls = places + [f"sqlite:///{place}" for place in places] + [f"csv:{place}" for place in places] + ["~nobody/x"]
    answers = {
        (a.status_code, a.get_json()["detail"])
        for url in urls
        for check in (True, False)
        for a in [dpo.post(f"{API}/systems", json={"name": "x", "url": url, "check": check})]
    }
    assert len(answers) == 1
    assert {status for status, _ in answers} == {422}


def test_a_system_is_corrected_and_removed(dpo: Browser, steward: Steward, shop: str, tmp_path: Path) -> None:
    """The address changes and the map stays; a removed system leaves an archive and a free name. The auditor may do neither."""
    connect(dpo, shop)
    before = dpo.get(f"{API}/datasets/shop.customers").get_json()["id"]
    moved = tmp_path / "moved.sqlite"
    moved.write_bytes(Path(shop.removeprefix("sqlite:///")).read_bytes())
    auditor = steward.browser("auditor")
    assert auditor.put(f"{API}/systems/shop/address", json={"url": str(moved)}).status_code == 403
    assert auditor.post(f"{API}/systems/shop/remove").status_code == 403
    changed = dpo.put(f"{API}/systems/shop/address", json={"url": str(moved)})
    assert (changed.status_code, changed.get_json()["address"]) == (200, f"sqlite:///{moved}")
    assert dpo.put(f"{API}/systems/none/address", json={"url": str(moved)}).status_code == 404
    assert dpo.get(f"{API}/datasets/shop.customers").get_json()["id"] == before
    assert dpo.post(f"{API}/systems/shop/remove").get_json()["name"] == "shop~1"
    assert dpo.get(f"{API}/systems").get_json()["systems"] == []
    assert dpo.get(f"{API}/datasets/shop~1.customers").get_json()["id"] == before
    assert len(dpo.get(f"{API}/datasets?system=shop~1").get_json()["datasets"]) == 1
    assert dpo.post(f"{API}/systems/shop~1/remove").status_code == 409
    connect(dpo, shop)
    assert dpo.get(f"{API}/datasets/shop.customers").get_json()["id"] != before


def test_only_the_dpo_connects_and_decides(steward: Steward, dpo: Browser, shop: str) -> None:
    """An application reaches nothing here; auditor and approver read; nobody of them changes anything."""
    connect(dpo, shop)
    for role in ("application", "analyst", "agent", "stranger"):
        browser = steward.browser(role)
        assert browser.get(f"{API}/systems").status_code == 403
        assert browser.post(f"{API}/systems/shop/scan").status_code == 403
    for role in ("auditor", "approver"):
        browser = steward.browser(role)
        assert browser.get(f"{API}/systems/shop/findings").status_code == 200
        assert browser.post(f"{API}/systems", json={"name": "y", "url": shop}).status_code == 403
        assert browser.post(f"{API}/findings", json={"decisions": [{"dataset": "shop.customers", "field": "email", "decision": "confirm"}]}).status_code == 403


def test_a_name_that_is_taken_is_a_conflict_and_one_that_is_missing_not_found(dpo: Browser, shop: str) -> None:
    """409 for a second system of a name, 404 for what is not connected, 422 for a malformed name."""
    connect(dpo, shop)
    assert dpo.post(f"{API}/systems", json={"name": "shop", "url": shop}).status_code == 409
    assert dpo.post(f"{API}/systems/none/scan").status_code == 404
    assert dpo.get(f"{API}/datasets/none.x").status_code == 404
    assert dpo.post(f"{API}/systems", json={"name": "a.b", "url": shop}).status_code == 422
