"""Whose identifiers these are, over HTTP, on the shop of three kinds of database: the truth file says who everybody is, and who must not be found."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from privacy.kernel.terms import SubjectRef
from tests.cast import LI_XIAOMING
from tests.company.confirming import TRUTH, confirm_shop, connect
from tests.company.tables import build
from tests.web.browser import Browser
from tests.web.steward import Steward, open_steward

DPO_SHOP = {"kind": "email", "value": LI_XIAOMING.email.upper()}


@pytest.fixture
def steward(installation: Path, tmp_path: Path, empty_url: str) -> Iterator[Steward]:
    """An installation whose DPO has connected the shop and confirmed its map."""
    opened = open_steward(installation, tmp_path / "state")
    build(empty_url)
    connect(opened.application, opened.actor(), "shop", empty_url)
    confirm_shop(opened.application, opened.actor())
    yield opened
    opened.application.close()


@pytest.fixture
def dpo(steward: Steward) -> Browser:
    return steward.browser("dpo")


def identifiers(said: dict[str, str]) -> list[dict[str, str]]:
    return [{"kind": kind, "value": value} for kind, value in said.items()]


def ask(browser: Browser, *said: dict[str, str]) -> dict[str, Any]:
    answer = browser.post("/api/v1/subjects/resolve", json={"identifiers": list(said)})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.get_json()
    return told


def test_everybody_in_the_shop_is_who_the_truth_says(dpo: Browser) -> None:
    """By phone in any spelling, by e-mail in any case; namesakes and colleagues are not them."""
    for person in TRUTH["people"].values():
        found = ask(dpo, *identifiers(person["identify"]))
        assert (found["subjects"], found["several_people"]) == ([f"shop:{person['subject']}"], False)


def test_nobody_is_found_by_what_identifies_nobody(dpo: Browser) -> None:
    """A name alone, a switchboard, nobody's address; and identifiers of two people are said to be."""
    refused = {name: ask(dpo, *identifiers(said)) for name, said in TRUTH["refused"].items()}
    assert [refused[name]["subjects"] for name in ("name_alone", "switchboard", "unknown")] == [[], [], []]
    assert {doubt["reason"] for doubt in refused["switchboard"]["doubts"]} == {"shared"}
    assert {doubt["reason"] for doubt in refused["name_alone"]["doubts"]} == {"weak"}
    assert [found["several_people"] for found in refused.values()] == [False, False, False, True]


def test_one_login_of_a_customer_and_a_colleague_is_told_apart_by_its_scope(dpo: Browser) -> None:
    """张伟 the customer and 张伟 of the staff sign in as zhangwei."""
    login = {"kind": "login", "value": "zhangwei"}
    assert ask(dpo, login | {"scope": "shop.kh_info"})["subjects"] == ["shop:customer:KH0004"]
    assert ask(dpo, login | {"scope": "shop.yg_info"})["subjects"] == ["shop:staff:YG003"]
    assert ask(dpo, login | {"scope": "shop"})["subjects"] == []
    refused = dpo.post("/api/v1/subjects/resolve", json={"identifiers": [login]})
    assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (422, "/identifiers/0/scope")


def test_contacts_are_masked_and_the_persons_own(dpo: Browser) -> None:
    """Neither the employer's number nor a whole address leaves."""
    shown = dpo.post("/api/v1/subjects/person", json={"subject": "shop:customer:KH0001"})
    assert {(contact["kind"], contact["masked"]) for contact in shown.get_json()["contacts"]} == {("phone", "…63"), ("email", "x***@t…")}
    assert LI_XIAOMING.phone not in shown.text
    assert LI_XIAOMING.email not in shown.text


def test_a_doubt_is_decided_and_a_link_undone(dpo: Browser) -> None:
    """The review list, a decision with a reason, the person that comes of it, and the way back."""
    ask(dpo, {"kind": "phone", "value": "010-62345678"})
    (review,) = [each for each in dpo.get("/api/v1/subjects/reviews").get_json()["reviews"] if each["reason"] == "shared"]
    assert review["subjects"] == ["shop:customer:KH0006", "shop:customer:KH0007"]
    path = f"/api/v1/subjects/reviews/{review['id']}"
    decided = dpo.post(path, json={"decision": "same", "note": "seen at the counter"})
    assert (decided.status_code, decided.get_json()["state"]) == (200, "same")
    assert dpo.post(path, json={"decision": "different", "note": "no"}).status_code == 409
    person = dpo.post("/api/v1/subjects/person", json={"subject": "shop:customer:KH0006"}).get_json()
    assert person["subjects"] == ["shop:customer:KH0006", "shop:customer:KH0007"]
    assert dpo.post("/api/v1/subjects/unlink", json={"subject": "shop:customer:KH0006"}).status_code == 204
    assert dpo.post("/api/v1/subjects/unlink", json={"subject": "shop:customer:KH0006"}).status_code == 404
    linked = dpo.post("/api/v1/subjects/link", json={"subjects": ["shop:customer:KH0001", "shop:customer:KH0010"]})
    assert linked.get_json()["subjects"] == ["shop:customer:KH0001", "shop:customer:KH0010"]


def test_each_role_reaches_what_its_scopes_say(steward: Steward) -> None:
    """The front office resolves; auditors and approvers read; nobody but the DPO decides or links."""
    for role in ("application", "analyst", "auditor", "stranger", "approver", "admin", "agent"):
        browser = steward.browser(role)
        resolve = browser.post("/api/v1/subjects/resolve", json={"identifiers": [DPO_SHOP]}).status_code
        reviews = browser.get("/api/v1/subjects/reviews").status_code
        link = browser.post("/api/v1/subjects/link", json={"subjects": ["shop:customer:KH0001", "shop:customer:KH0010"]}).status_code
        assert (resolve == 200, reviews == 200, link == 200) == (role == "agent", role in ("auditor", "approver"), False)


def test_what_is_forgotten_is_gone_from_both_rooms(steward: Steward, dpo: Browser) -> None:
    """The wiring of an erasure: one transaction over links, reviews and receipts."""
    application, tenant = steward.application, steward.actor().tenant
    dpo.post("/api/v1/subjects/link", json={"subjects": ["shop:customer:KH0001", "shop:customer:KH0010"]})
    consent = {"subject": "shop:customer:KH0001", "purpose": "marketing", "notice": "marketing", "notice_version": 1, "language": "zh", "channel": "email"}
    assert dpo.post("/api/v1/consents", json=consent).status_code == 201
    subjects = [SubjectRef("shop", "customer", "KH0001")]
    rooms: list[Callable[..., object]] = [application.subjects.forget, application.consent.forget]
    for _ in range(2):
        application.store.run(lambda tx: [forget(tx, tenant, subjects, "case-1") for forget in rooms])
    assert set(application.subjects.named(tenant)) | set(application.consent.named(tenant)) == {SubjectRef("shop", "customer", "KH0010")}
    assert application.consent.statuses(tenant, subjects, "marketing", None, "email")[0].state == "never"
