"""One body, many askers: who asks, for what and for whom decides what comes back, with the rule; what is unknown opens nothing and says what would."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from privacy.client import Client, Problem
from tests.cast import LI_XIAOMING, MARGUERITE, SUBJECTS
from tests.e2e import crm
from tests.e2e.office import Office, ask
from tests.e2e.running import secrets_shown

pytestmark = pytest.mark.e2e

DATASET = "crm.customer"
PERSONAL = ("name", "phone", "email", "id_number", "address", "birth_date")
RECORDS = [crm.record(person) for person in SUBJECTS]


@pytest.fixture(scope="module")
def people(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """The cast's customer database, connected and decided, and two recipients: one with an agreement, one whose agreement is over."""
    office.connect("crm", crm.build(tmp_path_factory.mktemp("crm")), "customer", crm.SUBJECT, crm.FIELDS)
    common = {"kind": "processor", "country": "DE", "agreement_from": "2020-01-01", "purposes": ["service"]}
    dpo = office.as_("dpo")
    dpo.call("POST", "/api/v1/recipients", common | {"id": "parcel", "name": "Parcel Service Ltd"})
    ended = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    dpo.call("POST", "/api/v1/recipients", common | {"id": "formerly", "name": "Former Parcel Ltd", "agreement_to": ended})
    return office


@pytest.fixture(scope="module")
def application(people: Office) -> Client:
    """Bob: registered for service, support and marketing."""
    return people.as_("application")


@pytest.fixture(scope="module")
def marketing(application: Client) -> Client:
    """李小明 has agreed to marketing, Marguerite was never asked."""
    application.give_consent(subject=str(LI_XIAOMING.ref), purpose="marketing", notice="marketing", notice_version=1, language="zh")
    return application


def masked(client: Client, purpose: str, **more: Any) -> dict[str, Any]:
    """Ask for the one body, and see that every record has every field, each with effect, technique and a reason that says something."""
    answer = client.mask(**{"dataset": DATASET, "purpose": purpose, "records": RECORDS} | more)
    assert answer["errors"] == []
    for sent, shown, decisions in zip(more.get("records", RECORDS), answer["records"], answer["decisions"], strict=True):
        assert list(sent) == list(shown) == list(decisions)
        for field, decision in decisions.items():
            reason = answer["reasons"][decision["reason"]]
            assert reason["code"] and reason["text"] and reason["text_zh"]
            assert (decision["effect"] == "withheld") == (shown[field] is None)
            assert (decision["effect"] == "clear") == (decision["technique"] == "none")
            assert decision["effect"] == "withheld" or reason["rule"]
            assert decision["effect"] != "clear" or shown[field] == sent[field]
            assert decision["effect"] != "masked" or shown[field] != sent[field]
    return answer


def effects(answer: dict[str, Any], place: int = 0) -> dict[str, str]:
    return {field: decision["effect"] for field, decision in answer["decisions"][place].items()}


def reason_of(answer: dict[str, Any], field: str, place: int = 0) -> dict[str, Any]:
    reason: dict[str, Any] = answer["reasons"][answer["decisions"][place][field]["reason"]]
    return reason


def nothing_in_clear(answer: dict[str, Any], fields: tuple[str, ...] = PERSONAL) -> bool:
    decided = [decision[field]["effect"] for decision in answer["decisions"] for field in fields]
    return set(decided) == {"withheld"} and secrets_shown(json.dumps(answer, ensure_ascii=False)) == []


def test_the_token_decides(people: Office, application: Client) -> None:
    """For support, a person of the front office and an application see masked values, an analyst none, and each is told the rule."""
    for front in (people.employ("agent"), application):
        answer = masked(front, "support")
        assert {effects(answer, place)[field] for place in (0, 1) for field in ("name", "phone", "email", "id_number")} == {"masked"}
        assert secrets_shown(json.dumps(answer, ensure_ascii=False)) == []
        assert reason_of(answer, "name")["rule"] == "support-identity"
    refused = masked(people.register("analyst"), "support")
    assert nothing_in_clear(refused)
    assert "policy" in reason_of(refused, "name")["text"]


def test_the_purpose_decides(people: Office, application: Client) -> None:
    """The same application sees a name in clear to serve its customer, and numbers that identify masked; analytics sees pseudonyms, and no names."""
    service = masked(application, "service")
    assert effects(service) == dict.fromkeys(crm.FIELDS, "clear") | {"id_number": "masked", "remark": "withheld"}
    assert service["records"][0]["name"] == LI_XIAOMING.name
    assert service["records"][1]["name"] == MARGUERITE.name
    analytics = masked(people.as_("analyst"), "analytics")
    assert effects(analytics)["customer_id"] == "masked"
    assert effects(analytics)["plan"] == "clear"
    assert {effects(analytics)[field] for field in ("name", "phone", "email")} == {"withheld"}
    assert analytics["records"][0]["customer_id"] != analytics["records"][1]["customer_id"]
    assert secrets_shown(json.dumps(analytics, ensure_ascii=False)) == []


def test_the_recipient_decides(application: Client) -> None:
    """Under an agreement a recipient gets what the service needs; without one, after its end, or for a purpose beyond it: nothing."""
    parcel = masked(application, "service", recipient="parcel")
    assert parcel["records"][0]["address"] == LI_XIAOMING.address
    assert effects(parcel)["id_number"] == "masked"
    for recipient, purpose, code in (("formerly", "service", "recipient_agreement"), ("parcel", "support", "recipient_purpose")):
        answer = masked(application, purpose, recipient=recipient)
        assert nothing_in_clear(answer, tuple(crm.FIELDS))
        assert reason_of(answer, "name")["code"] == code
        assert "POST /api/v1/recipients" in reason_of(answer, "name")["text"]


def test_consent_decides_person_by_person(marketing: Client) -> None:
    """One has agreed and is shown, the other was never asked and is not; after the withdrawal neither is."""
    answer = masked(marketing, "marketing")
    assert (answer["records"][0]["email"], answer["records"][1]["email"]) == (LI_XIAOMING.email, None)
    assert effects(answer)["birth_date"] == "masked"
    assert reason_of(answer, "email", 1)["code"] == "consent_missing"
    assert "POST /api/v1/consents" in reason_of(answer, "email", 1)["text"]
    assert not {value for value in MARGUERITE.personal_values().values() if value in json.dumps(answer, ensure_ascii=False)}
    marketing.withdraw_consent(subject=str(LI_XIAOMING.ref), purpose="marketing")
    after = masked(marketing, "marketing")
    assert nothing_in_clear(after)
    assert {reason_of(after, field)["code"] for field in ("name", "phone", "email")} == {"consent_withdrawn"}


def test_a_second_factor_decides(people: Office) -> None:
    """The DPO, signed in with a one-time code, sees a person's own data for that person's request."""
    answer = masked(people.as_("dpo"), "dsr")
    assert [answer["records"][0][field] for field in PERSONAL] == [RECORDS[0][field] for field in PERSONAL]
    assert reason_of(answer, "id_number")["rule"] == "dsr-clear"


def test_an_unknown_field_is_withheld_and_the_command_named(application: Client) -> None:
    """Also one that is known but undecided; the rest of the record is not spoilt."""
    answer = masked(application, "service", records=[RECORDS[0] | {"nickname": LI_XIAOMING.name}])
    assert effects(answer)["nickname"] == "withheld"
    assert "privacy systems confirm crm customer.FIELD" in reason_of(answer, "nickname")["text"]
    assert reason_of(answer, "nickname")["pointer"] == "/records/0/nickname"
    assert "privacy systems confirm crm customer.remark" in reason_of(answer, "remark")["text"]
    assert effects(answer)["plan"] == "clear"


@pytest.mark.parametrize(
    ("asked", "code", "remedy"),
    [
        ({"purpose": "curiosity"}, "purpose_unknown", "POST /api/v1/purposes"),
        ({"purpose": "analytics"}, "purpose_not_registered", "privacy clients"),
        ({"purpose": "service", "recipient": "somebody"}, "recipient_unknown", "POST /api/v1/recipients"),
        ({"purpose": "service", "dataset": "crm.suppliers"}, "dataset_unknown", "privacy systems add"),
    ],
)
def test_what_nobody_declared_opens_nothing_and_says_what_would(application: Client, asked: dict[str, str], code: str, remedy: str) -> None:
    """Purpose, registration, recipient, dataset."""
    answer = application.mask(**{"dataset": DATASET, "records": RECORDS} | asked)
    assert nothing_in_clear(answer, tuple(crm.FIELDS))
    reason = reason_of(answer, "name")
    assert reason["code"] == code
    assert remedy in reason["text"]


def test_an_unknown_role_cannot_be_given_and_opens_nothing(people: Office, application: Client) -> None:
    """Neither to an application nor in a question."""
    with pytest.raises(Problem) as refused:
        people.register("clairvoyant")
    assert refused.value.status == 422
    assert "only these can be held here: application" in refused.value.detail
    with pytest.raises(Problem) as refused:
        application.explain(dataset=DATASET, purpose="service", roles=["clairvoyant"])
    assert "Known roles are" in refused.value.detail


def test_charlie_gets_nothing_on_any_route(people: Office) -> None:
    """A valid token without rights, and no token: every route of the service's own description, with a body that would be answered to others."""
    charlie = people.register("stranger")._fresh_token()
    described = json.loads(ask(people.url, "GET", "/openapi.json").body)
    doors, tried = [], 0
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            if operation.get("security") == []:
                doors.append(path)
                continue
            tried += 1
            filled = path.replace("{name}", DATASET)
            body = {"dataset": DATASET, "purpose": "service", "records": RECORDS} if method in ("post", "put") else None
            for token, status in ((charlie, 403), ("", 401)):
                answer = ask(people.url, method.upper(), filled, token, body)
                assert answer.status == status, (method, path)
                assert secrets_shown(answer.text) == []
    assert sorted(doors) == ["/api/v1/sessions", "/docs", "/health/live", "/health/ready", "/metrics", "/oauth/token", "/openapi.json"]
    assert tried >= 50
