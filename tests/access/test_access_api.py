"""The routes of this room over the whole application: real tokens, real keys, the real log."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from privacy.adapters.store.audit import events_table
from privacy.adapters.store.engine import connection
from privacy.application import Application
from privacy.audit.events import Action
from privacy.cli.session import operator
from privacy.consent.notice_file import load_notices
from privacy.crypto.envelope import from_text, to_text
from privacy.kernel.errors import StoreUnavailable
from privacy.kernel.store import Tx
from tests.cast import LI_XIAOMING, MARGUERITE
from tests.web.browser import Browser

Clients = Callable[..., Browser]
RECORD = {"id": "42", "name": LI_XIAOMING.name, "phone": LI_XIAOMING.phone, "id_card": LI_XIAOMING.id_number, "created": "2020"}


def body(*records: Any, **more: Any) -> dict[str, Any]:
    return {"dataset": "crm.customer", "purpose": "service", "records": list(records) or [RECORD], **more}


def test_one_body_and_three_tokens(client_for: Clients) -> None:
    """Clear, masked and withheld, each with its reason and rule; a stranger is not let in."""
    application = client_for("application").post("/api/v1/mask", body())
    agent = client_for("agent").post("/api/v1/mask", body(purpose="support"))
    analyst = client_for("analyst").post("/api/v1/mask", body(purpose="analytics"))
    assert [answer.status_code for answer in (application, agent, analyst)] == [200, 200, 200]
    assert application.json["records"][0]["phone"] == LI_XIAOMING.phone and application.json["records"][0]["id_card"] == "4****************9"
    assert agent.json["records"][0]["phone"] == "139****2263" and analyst.json["records"][0]["phone"] is None
    decision = agent.json["decisions"][0]["phone"]
    reason = agent.json["reasons"][decision.pop("reason")]
    assert decision == {"effect": "masked", "technique": "phone"}
    assert (reason["code"], reason["rule"], reason["policy_version"]) == ("rule", "support-contact", 1) and reason["text_zh"]
    assert client_for("stranger").post("/api/v1/mask", body()).status_code == 403


def test_texts_come_back_with_their_pieces(client_for: Clients) -> None:
    """Texts may name their subject; offsets are code points."""
    text = f"𠮷 电话{LI_XIAOMING.phone}"
    answer = client_for("agent").post("/api/v1/mask", {"purpose": "support", "texts": [text, {"text": "ok", "subject": "crm:customer:42"}]})
    assert answer.json["texts"] == ["𠮷 电话139****2263", "ok"]
    (span,) = answer.json["spans"][0]
    assert (span["start"], span["end"], span["masked_start"], span["masked_end"], span["effect"]) == (4, 15, 4, 15, "masked")


@pytest.mark.parametrize(
    ("sent", "status", "pointer"),
    [
        ({"purpose": "service"}, 422, "/records"),
        (body(texts=["a"]), 422, "/records"),
        ({"purpose": "service", "records": [{}]}, 422, "/dataset"),
        ({"dataset": "crm.customer", "records": [{}]}, 422, "/purpose"),
        (body(role="dpo"), 422, "/"),
        (body(purpose=7), 422, "/purpose"),
        (body(*[{}] * 1001), 413, "/records"),
        (body(*[{}] * 100_001), 413, "/records"),
        ({"purpose": "service", "texts": ["a"] * 1001}, 413, "/texts"),
        ({"purpose": "service", "texts": ["a"], "subject_field": "x"}, 422, "/subject_field"),
    ],
)
def test_what_is_no_question_is_refused_with_its_place(client_for: Clients, sent: Any, status: int, pointer: str) -> None:
    """Problem documents, never the value."""
    answer = client_for("application").post("/api/v1/mask", sent)
    assert answer.status_code == status and answer.mimetype == "application/problem+json"
    assert answer.json["errors"][0]["pointer"].startswith(pointer)


def test_one_bad_record_has_its_own_error(client_for: Clients) -> None:
    """The other 999 are masked, in order."""
    records: list[Any] = [{**RECORD, "id": str(number)} for number in range(1000)]
    records[500] = LI_XIAOMING.phone
    answer = client_for("agent").post("/api/v1/mask", body(*records, purpose="support"))
    assert [record and record["id"] for record in answer.json["records"]] == [None if n == 500 else str(n) for n in range(1000)]
    assert [error["pointer"] for error in answer.json["errors"]] == ["/records/500"]
    assert LI_XIAOMING.phone not in answer.get_data(as_text=True)


def test_a_client_with_one_purpose_need_not_name_it(client_for: Clients) -> None:
    """And gets nothing for another."""
    browser = client_for("application", "service")
    sent = body()
    del sent["purpose"]
    assert browser.post("/api/v1/mask", sent).json["records"][0]["phone"] == LI_XIAOMING.phone
    other = browser.post("/api/v1/mask", body(purpose="support")).json
    assert other["records"][0]["phone"] is None and {reason["code"] for reason in other["reasons"]} == {"purpose_not_registered"}


def test_unknown_words_are_answered_with_nothing_in_clear_and_the_remedy(client_for: Clients) -> None:
    """No 404 that a caller would work around, no value."""
    for change in ({"purpose": "fishing"}, {"recipient": "nobody"}, {"dataset": "crm.nowhere"}, {"dataset": "客户"}):
        answer = client_for("application").post("/api/v1/mask", body(**change))
        assert answer.status_code == 200 and set(answer.json["records"][0].values()) == {None}
        assert "privacy " in answer.json["reasons"][0]["text"] or "POST" in answer.json["reasons"][0]["text"]


def test_consent_opens_and_withdrawal_closes(client_for: Clients, steward: Application) -> None:
    """Given through the consent routes, it counts for the next masking call."""
    browser = client_for("application")

    def name() -> Any:
        return browser.post("/api/v1/mask", body(purpose="marketing")).json["records"][0]["name"]

    assert name() is None
    given = {"subject": "crm:customer:42", "purpose": "marketing", "notice": "marketing", "notice_version": 1, "language": "zh"}
    publish_notice(steward)
    assert browser.post("/api/v1/consents", given).status_code == 201
    assert name() == LI_XIAOMING.name
    assert browser.post("/api/v1/consents/withdraw", {"subject": "crm:customer:42", "purpose": "marketing"}).status_code in (200, 201)
    assert name() is None


def publish_notice(steward: Application) -> None:
    for content in load_notices(steward.config.policies / "notices"):
        steward.consent.publish(operator(steward), content)


def test_decisions_and_explanations_hold_no_value(client_for: Clients) -> None:
    """Asked by field; answered with rules."""
    items = [{"dataset": "crm.customer", "field": field, "purpose": "service"} for field in ("phone", "id_card", "unheard")]
    answer = client_for("application").post("/api/v1/decisions", {"items": items})
    assert [item["effect"] for item in answer.json["items"]] == ["clear", "masked", "withheld"]
    asked = {"dataset": "crm.customer", "purpose": "dsr", "roles": ["dpo"], "fields": ["id_card"], "oracle": True}
    explained = client_for("auditor").post("/api/v1/explain", asked).json["fields"][0]
    assert [row["row"] for row in explained["rows"]] == ["dsr-clear", "dsr-masked"] and explained["oracle"] == "allow dsr-masked"


def test_ciphertexts_travel_item_by_item(client_for: Clients) -> None:
    """Protect, index, reveal; each bad item has its own error and the rest is done."""
    browser = client_for("application")
    items = [
        {"subject": "crm:customer:42", "field": "phone", "value": LI_XIAOMING.phone},
        {"subject": "nonsense", "field": "phone", "value": "1"},
        {"subject": "crm:customer:43", "field": "phone", "value": 7},
        {"subject": "crm:customer:43", "field": "phone", "value": MARGUERITE.phone},
    ]
    made = browser.post("/api/v1/protect", {"dataset": "crm.customer", "items": items}).json["items"]
    assert [list(item) for item in made] == [["ciphertext"], ["error"], ["error"], ["ciphertext"]]
    sent = [{**items[place], "value": made[place]["ciphertext"]} for place in (0, 3)] + [{**items[3], "value": made[0]["ciphertext"]}]
    shown = browser.post("/api/v1/reveal", {"dataset": "crm.customer", "purpose": "service", "items": sent}).json["items"]
    assert [item.get("value") for item in shown] == [LI_XIAOMING.phone, MARGUERITE.phone, None]
    assert shown[2]["error"]["code"] == "ciphertext_invalid"
    refused = client_for("agent").post("/api/v1/reveal", {"dataset": "crm.customer", "purpose": "support", "items": sent})
    assert refused.status_code == 403
    indexes = browser.post("/api/v1/index", {"dataset": "crm.customer", "items": [items[0], items[0]]}).json["items"]
    assert indexes[0] == indexes[1] and indexes[0]["index"].isdigit()


def test_every_flipped_bit_spoils_its_own_item_alone(client_for: Clients) -> None:
    """Over HTTP and through the keys database: bits of the text and of the bytes under it, key id included, beside a good item."""
    browser, item = client_for("application"), {"subject": "crm:customer:42", "field": "phone"}
    made = browser.post("/api/v1/protect", {"dataset": "crm.customer", "items": [{**item, "value": LI_XIAOMING.phone}]}).json["items"]
    text = str(made[0]["ciphertext"])
    blob = from_text(text)
    flipped = [[raw.decode("latin-1") for raw in _flips(text.encode())], [to_text(raw) for raw in _flips(blob)]]
    for spoiled in flipped:
        sent = [{**item, "value": value} for value in (text, *spoiled, text)]
        answer = browser.post("/api/v1/reveal", {"dataset": "crm.customer", "purpose": "service", "items": sent})
        assert answer.status_code == 200
        first, *bad, last = answer.json["items"]
        assert first["value"] == last["value"] == LI_XIAOMING.phone
        assert len(bad) == len(spoiled) > 500 and {each["error"]["code"] for each in bad} == {"ciphertext_invalid"}


def _flips(data: bytes) -> list[bytes]:
    return [data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :] for bit in range(len(data) * 8)]


def test_the_policy_can_be_read_by_who_may(client_for: Clients) -> None:
    """The text, its digest, its versions; an application reads none of it."""
    auditor = client_for("auditor")
    policy = auditor.get("/api/v1/policy").json
    assert policy["version"] == 1 and policy["active"] and "support-contact" in policy["policy"]
    assert auditor.get("/api/v1/policy/versions").json["versions"][0]["digest"] == policy["digest"]
    assert auditor.get("/api/v1/policy?version=9").status_code == 404
    assert client_for("application").get("/api/v1/policy").status_code == 403


def test_every_call_has_its_event_in_the_log(client_for: Clients, steward: Application) -> None:
    """It carries the request id that the caller got, and no value."""
    browser = client_for("application")
    before = steward.store.read(_leaves)
    answer: TestResponse = browser.post("/api/v1/mask", body())
    after = steward.store.read(_leaves)
    (leaf,) = [text for text in after if text not in before and Action.RECORDS_MASKED in text]
    assert answer.headers["X-Request-Id"] in leaf and "crm.customer" in leaf
    assert not any(value in "".join(after) for value in LI_XIAOMING.personal_values().values())


def _leaves(tx: Tx) -> list[str]:
    return [entry.decode() for entry in connection(tx).execute(select(events_table.c.entry)).scalars()]


def test_without_the_log_nothing_is_disclosed(client_for: Clients, steward: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 and no value, for records, texts and ciphertexts."""
    browser = client_for("application")
    sent = {"dataset": "crm.customer", "items": [{"subject": "crm:customer:42", "field": "phone", "value": "1"}]}
    monkeypatch.setattr(type(steward.store), "run", _broken)
    answers = [
        browser.post("/api/v1/mask", body()),
        browser.post("/api/v1/mask", {"purpose": "service", "texts": ["x"]}),
        browser.post("/api/v1/protect", sent),
    ]
    assert [answer.status_code for answer in answers] == [503] * 3
    assert all(LI_XIAOMING.phone not in answer.get_data(as_text=True) for answer in answers)


def _broken(store: object, fn: object) -> None:
    raise StoreUnavailable("The database is gone.")
