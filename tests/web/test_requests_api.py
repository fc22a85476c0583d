"""A person's request over HTTP, from receipt to answer, as each member of the cast; the connected shop stands on each of the three databases."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from privacy.jobs.runner import run_now
from tests.cast import LI_XIAOMING, OTHER_TENANT
from tests.company.confirming import TRUTH, confirm_shop, connect
from tests.company.tables import BY_NAME, build, dump
from tests.web.browser import Browser
from tests.web.steward import Steward, open_steward

R = "/api/v1/requests"
EMAIL = {"kind": "email", "value": LI_XIAOMING.email.upper()}


class Desk:
    """The office over HTTP: an agent, an officer, an approver, an auditor and Charlie."""

    def __init__(self, steward: Steward, url: str, messages: Path) -> None:
        self.steward, self.url, self.messages = steward, url, messages
        self._browsers: dict[str, Browser] = {}

    def __getitem__(self, role: str) -> Browser:
        if role not in self._browsers:
            self._browsers[role] = self.steward.browser(role)
        return self._browsers[role]

    def receive(self, kind: str, *identifiers: dict[str, str], **more: Any) -> str:
        body = {"kind": kind, "controller": "main", "identifiers": list(identifiers) or [EMAIL], "regimes": ["gdpr", "pipl"], "language": "zh"} | more
        return str(said(self["agent"].post(R, json=body), 201)["id"])

    def code(self) -> str:
        text = json.loads(self.messages.read_text("utf-8").splitlines()[-1])["text"]
        return next(word for word in "".join(sign if sign.isdecimal() else " " for sign in text).split() if len(word) == 8)

    def verified(self, kind: str, *identifiers: dict[str, str]) -> str:
        id = self.receive(kind, *identifiers)
        said(self["dpo"].post(f"{R}/{id}/verify", json={"attestation": "id_document", "evidence": "copy 17"}), 200)
        return id

    def work(self) -> None:
        run_now(self.steward.application.jobs, self.steward.application.handlers)


def said(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.get_json()
    return told


def opened_desk(installation: Path, folder: Path, url: str) -> Iterator[Desk]:
    build(url)
    opened = open_steward(installation, folder, PRIVACY_MESSENGER="file")
    connect(opened.application, opened.actor(), "shop", url)
    confirm_shop(opened.application, opened.actor())
    yield Desk(opened, url, folder / "messages.jsonl")
    opened.application.close()


@pytest.fixture
def desk(installation: Path, tmp_path: Path, empty_url: str) -> Iterator[Desk]:
    """On each database."""
    yield from opened_desk(installation, tmp_path / "state", empty_url)


@pytest.fixture
def small(installation: Path, tmp_path: Path) -> Iterator[Desk]:
    """Where the kind of database does not matter."""
    yield from opened_desk(installation, tmp_path / "state", f"sqlite:///{tmp_path / 'shop.db'}")


def test_an_access_request_from_receipt_to_package(desk: Desk) -> None:
    """Exactly the rows of the truth, none of anybody else's values, once."""
    truth = TRUTH["people"]["xiaoming"]
    id = desk.receive("access")
    asked = said(desk["agent"].post(f"{R}/{id}/identity", json={}), 200)
    assert asked["channel"] in ("email", "phone") and LI_XIAOMING.email not in asked["sent_to"] and LI_XIAOMING.phone not in asked["sent_to"]
    assert said(desk["dpo"].post(f"{R}/{id}/verify", json={"code": desk.code()}), 200)["verified_how"] == "code"
    assert said(desk["dpo"].post(f"{R}/{id}/package"), 201)["package"]["state"] == "ready"
    assert desk["dpo"].call("HEAD", f"{R}/{id}/package").status_code == 405  # it would take the package and answer none of it
    answer = desk["dpo"].get(f"{R}/{id}/package")
    assert answer.status_code == 200 and answer.content_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        files = {name: archive.read(name).decode("utf-8") for name in archive.namelist()}
    found: dict[str, list[str]] = {}
    for dataset in json.loads(files["data.json"])["datasets"]:
        table = dataset["dataset"].partition(".")[2]
        found.setdefault(table, []).extend("/".join(str(row[key]) for key in BY_NAME[table].key) for row in dataset["rows"])
    assert {table: sorted(keys) for table, keys in found.items()} == {table: sorted(keys) for table, keys in (truth["own"] | truth["shared"]).items()}
    assert [value for value in truth["others"] if value in "\n".join(files.values())] == []
    again = desk["dpo"].get(f"{R}/{id}/package")
    assert (again.status_code, again.get_json()["code"]) == (409, "package_gone")
    said(desk["dpo"].post(f"{R}/{id}/close", json={"outcome": "answered", "note": "handed over at the counter"}), 200)


def test_an_erasure_request_from_receipt_to_certificate(desk: Desk) -> None:
    """Planned by one, approved by another; afterwards the database is what the truth says, and the request is done."""
    truth, before = TRUTH["people"]["xiaoming"], dump(desk.url)
    id = desk.verified("erasure")
    plan = said(desk["dpo"].post(f"{R}/{id}/plan"), 200)
    assert not plan["blocked"], plan["obstacles"]
    (reached,) = said(desk["approver"].get(f"{R}/{id}"), 200)["reached"]
    assert plan["reached"] == [reached] and (reached["system"], reached["how"], reached["proven"]) == ("shop", "given", True)
    assert said(desk["dpo"].post(f"{R}/{id}/approve", json={"plan_hash": plan["hash"]}), 403)["code"] == "access_denied"
    said(desk["approver"].post(f"{R}/{id}/approve", json={"plan_hash": "f" * 64}), 409)
    assert said(desk["approver"].get(f"{R}/{id}/plan"), 200)["hash"] == plan["hash"]
    assert said(desk["approver"].post(f"{R}/{id}/approve", json={"plan_hash": plan["hash"]}), 202)["request_state"] == "approved"
    assert dump(desk.url) == before
    desk.work()
    shown = said(desk["dpo"].get(f"{R}/{id}"), 200)
    assert (shown["state"], shown["outcome"]) == ("done", "erased")
    after = dump(desk.url)
    gone = {
        table: sorted("/".join(map(str, key)) for key in rows.keys() - after[table].keys())
        for table, rows in before.items()
        if rows.keys() - after[table].keys()
    }
    assert gone == {table: sorted(keys) for table, keys in truth["erased"].items()}
    certificate = desk["auditor"].get(f"{R}/{id}/certificate")
    assert certificate.status_code == 200 and LI_XIAOMING.email not in certificate.text and LI_XIAOMING.phone not in certificate.text
    steps = [step["act"] for step in said(desk["auditor"].get(f"{R}/{id}/timeline"), 200)["steps"]]
    assert steps == ["receive", "recognise", "verify", "plan", "approve", "finish"]


@pytest.mark.parametrize("weak", sorted(TRUTH["refused"]))
def test_weak_identity_is_refused_with_its_remedy(small: Desk, weak: str) -> None:
    identifiers = [{"kind": kind, "value": value} for kind, value in TRUTH["refused"][weak].items()]
    id = small.receive("erasure", *identifiers)
    for role, path, body in (("agent", "identity", {}), ("dpo", "verify", {"attestation": "id_document", "evidence": "copy"})):
        refused = said(small[role].post(f"{R}/{id}/{path}", json=body), 409)
        assert refused["code"] == "identity_unclear"
    assert said(small["dpo"].get(f"{R}/{id}"), 200)["doubt"]
    assert not small.messages.exists()
    said(small["dpo"].post(f"{R}/{id}/plan"), 409)


def test_a_contact_of_a_company_gets_no_code_at_the_switchboard(small: Desk) -> None:
    """The phone on file is everybody's there; the e-mail address is her own."""
    id = small.receive("access", {"kind": "email", "value": TRUTH["people"]["aygul"]["identify"]["email"]})
    assert said(small["agent"].post(f"{R}/{id}/identity", json={"channel": "phone"}), 409)["code"] == "identity_unclear"
    assert said(small["agent"].post(f"{R}/{id}/identity", json={}), 200)["channel"] == "email"


def test_the_same_request_again_is_the_same_and_says_so(small: Desk) -> None:
    body = {"kind": "access", "controller": "main", "identifiers": [EMAIL], "regimes": ["gdpr"]}
    first = said(small["agent"].post(R, json=body), 201)
    again = said(small["agent"].post(R, json=body), 200)
    assert again["id"] == first["id"] and again["duplicate"] and not first["duplicate"]


def test_a_call_sent_twice_under_one_key_is_carried_out_once(small: Desk) -> None:
    id, key = small.verified("access"), {"Idempotency-Key": "k-1"}
    first = small["dpo"].post(f"{R}/{id}/hold", json={"reason": "dispute"}, headers=key)
    again = small["dpo"].post(f"{R}/{id}/hold", json={"reason": "dispute"}, headers=key)
    assert first.get_json() == again.get_json() and again.headers["Idempotency-Replayed"] == "true"
    steps = said(small["dpo"].get(f"{R}/{id}/timeline"), 200)["steps"]
    assert [step["act"] for step in steps].count("hold") == 1


def test_each_role_reaches_what_its_scopes_say_and_charlie_nothing(small: Desk) -> None:
    id = small.receive("access")
    reads, writes = (
        [f"{R}", f"{R}/{id}", f"{R}/{id}/timeline", f"{R}/reasons"],
        [f"{R}/{id}/{act}" for act in ("withdraw", "hold", "refuse", "close", "package", "plan")],
    )
    for role, may_read in (
        ("dpo", True),
        ("approver", True),
        ("auditor", True),
        ("agent", False),
        ("application", False),
        ("admin", False),
        ("stranger", False),
    ):
        for path in reads:
            assert small[role].get(path).status_code == (200 if may_read else 403), (role, path)
        assert small[role].get(f"{R}/{id}/file").status_code == (200 if role == "dpo" else 403), role
        if role != "dpo":
            for path in writes:
                assert small[role].post(path, json={}).status_code == 403, (role, path)
        if role not in ("dpo", "agent"):
            assert small[role].post(R, json={}).status_code == 403, role
    assert said(small["dpo"].get(f"{R}/{id}"), 200)["state"] == "received"


def test_another_tenant_finds_nothing(small: Desk) -> None:
    id = small.receive("access")
    small.steward.add_tenant(OTHER_TENANT)
    theirs = small.steward.browser("dpo", OTHER_TENANT)
    assert said(theirs.get(R), 200) == {"requests": [], "next": ""}
    for path in (f"{R}/{id}", f"{R}/{id}/file", f"{R}/{id}/timeline", f"{R}/{id}/package", f"{R}/{id}/certificate", f"{R}/{id}/plan"):
        assert theirs.get(path).status_code == 404, path


def test_what_is_due_is_listed_page_by_page(small: Desk) -> None:
    ids = [small.receive(kind) for kind in ("access", "erasure", "portability")]
    first = said(small["dpo"].get(f"{R}?due=400&limit=2"), 200)
    rest = said(small["dpo"].get(f"{R}?due=400&limit=2&after={first['next']}"), 200)
    assert sorted(each["id"] for each in first["requests"] + rest["requests"]) == sorted(ids)
    assert said(small["dpo"].get(f"{R}?due=0"), 200)["requests"] == []
    clock = first["requests"][0]["clocks"][0]
    assert clock["rule"] and clock["rule_version"] >= 1 and clock["zone"] and clock["inputs"]


def test_no_answer_but_the_file_repeats_what_the_person_said(small: Desk) -> None:
    id = small.receive("access", EMAIL, note="My name is Ortrud", contact="new@post.example")
    dpo = small["dpo"]
    told = dpo.get(f"{R}/{id}").text + dpo.get(f"{R}/{id}/timeline").text + dpo.get(R).text
    assert "Ortrud" not in told and LI_XIAOMING.email not in told.lower() and "new@post" not in told
    file = said(dpo.get(f"{R}/{id}/file"), 200)
    assert file["note"] == "My name is Ortrud" and file["contact"] == "new@post.example"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": "12345678", "attestation": "in_person", "evidence": "x"},
        {"attestation": "in_person"},
        {"code": "1234"},
        {"attestation": "trust", "evidence": "x"},
    ],
)
def test_a_proof_is_one_or_the_other(small: Desk, body: dict[str, str]) -> None:
    id = small.receive("access")
    assert small["dpo"].post(f"{R}/{id}/verify", json=body).status_code == 422
