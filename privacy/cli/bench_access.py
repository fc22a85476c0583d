"""The masking call: a batch beside single calls, and the call beside the same handler without policy, consent and audit.

A whole installation in a temporary folder on SQLite: real token, real keys, real log with durable commits; requests go through the WSGI application.
"""

import json
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from privacy.adapters import log_key_file, migrations
from privacy.adapters.files import yaml_file
from privacy.adapters.key_file import FileKeyProvider
from privacy.adapters.tokens import create_keys
from privacy.application import Application, build, store_of
from privacy.cli.bench_ratio import Ratio, fastest
from privacy.cli.session import operator
from privacy.config import Config, load
from privacy.masking.technique import MaskContext
from privacy.web import create_app
from privacy.web.api.mask import MaskAnswer, MaskBody
from privacy.web.api.mask import routes as mask_routes
from privacy.web.endpoint import Call, Routes

RECORDS = 1000
_SINGLE = 50
# twenty fields: what a customer record of a shop holds
_FIELDS: Mapping[str, str] = {
    "id": "subject_key",
    "name": "name",
    "phone": "phone",
    "mobile": "phone",
    "fax": "phone",
    "email": "email",
    "invoice_email": "email",
    "id_card": "national_id",
    "card": "bank_card",
    "address": "address",
    "delivery_address": "address",
    "birthday": "birth_date",
    "age": "age",
    "gender": "gender",
    "contact_name": "name",
    "relative": "relative",
    "relative_phone": "phone",
    "plate": "vehicle",
    "wechat": "social_account",
    "company": "employer",
}

Send = Callable[[bytes], Any]


def run() -> list[Ratio]:
    """Return the ratios, in records a second."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as closing:
        application = _installation(load({"PRIVACY_STATE_DIR": folder}))
        closing.callback(application.close)
        app, token = create_app(application, rooms=[mask_routes, _bare(application)]), _token(application)
        ours, bare = _sender(app, token, "/api/v1/mask"), _sender(app, token, "/api/v1/bare")
        records = [_record(number) for number in range(RECORDS)]
        batch, singles = _body(records), [_body([record]) for record in records[:_SINGLE]]
        for call in (ours, bare):
            call(batch), call(singles[0])
        return [_batch_against_single(ours, batch, singles), *_with_against_without(ours, bare, batch, singles)]


def _batch_against_single(ours: Send, batch: bytes, singles: list[bytes]) -> Ratio:
    together, alone = fastest(lambda: ours(batch), lambda: [ours(body) for body in singles], passes=5)
    rates = RECORDS / together, len(singles) / alone
    note = "peer: the same call with one record at a time; 20 fields, durable event each; higher is better"
    return Ratio("mask: 1,000 records in one call / single calls", *rates, "records/s", rates[0] / rates[1], note)


def _with_against_without(ours: Send, bare: Send, batch: bytes, singles: list[bytes]) -> list[Ratio]:
    note = "peer: the same techniques and answer behind the same door, without policy, consent, audit; nearer to 1 is better"
    together = fastest(lambda: ours(batch), lambda: bare(batch), passes=5)
    alone = fastest(lambda: [ours(body) for body in singles], lambda: [bare(body) for body in singles], passes=5)
    return [
        Ratio.of_rates("mask: whole call / bare handler, 1,000 records", RECORDS, together, note, "records/s"),
        Ratio.of_rates("mask: whole call / bare handler, 1 record", len(singles), alone, note, "records/s"),
    ]


def _installation(config: Config) -> Application:
    for role in ("main", "keys"):
        store = store_of(config, role)
        migrations.upgrade(store)
        store.close()
    FileKeyProvider.create(config.state_dir / "root.key")
    log_key_file.create(config.state_dir / "log.key", "bench.example/audit")
    create_keys(config.state_dir / "token.keys")
    application = build(config)
    actor = operator(application)
    application.keyring.create_tenant(actor.tenant)
    application.actors.bootstrap_tenant(actor, "Bench")
    application.load_shipped(actor)
    lines = [f"      {name}: {{category: {category}, status: confirmed}}" for name, category in _FIELDS.items()]
    text = "system: crm\ndatasets:\n  customer:\n    subject: {type: customer, field: id}\n    fields:\n" + "\n".join(lines) + "\n"
    application.inventory.import_map(actor, yaml_file.load(text))
    return application


def _token(application: Application) -> str:
    made = application.actors.applications.create(operator(application), "bench", ["agent"], ["support"])
    form = {"grant_type": "client_credentials", "client_id": made.client.id, "client_secret": made.secret}
    answer = create_app(application).test_client().post("/oauth/token", data=form).get_json()
    return str(answer["access_token"])


def _sender(app: Any, token: str, path: str) -> Send:
    client, headers = app.test_client(), {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(body: bytes) -> Any:
        answer = client.post(path, data=body, headers=headers)
        if answer.status_code != 200:
            raise AssertionError(f"the call was answered with {answer.status_code}")
        return answer.get_data()

    return call


def _bare(application: Application) -> Routes:
    """What somebody writes who only wants values masked: a table of techniques and a loop, remembering values within a call like ours."""
    techniques = {name: application.techniques.get(application.taxonomy.category(category).technique).apply for name, category in _FIELDS.items()}
    techniques["id"] = lambda value, context: value
    context = MaskContext(key=bytes(32), purpose="support")
    routes = Routes("bare")

    @routes.post("/bare", scope="mask", body=MaskBody, answer=MaskAnswer, summary="Mask without policy, consent and log")
    def mask(call: Call, body: MaskBody) -> dict[str, object]:
        memo: dict[tuple[str, str], str | None] = {}
        shown, decisions = [], []
        for record in body.records or ():
            masked = {}
            for name, value in record.items():
                key = (name, value)
                if key not in memo:
                    memo[key] = techniques[name](value, context)
                masked[name] = memo[key]
            shown.append(masked)
            decisions.append({name: {"effect": "masked", "technique": "", "reason": 0} for name in record})
        return {"records": shown, "decisions": decisions, "reasons": [], "policy_version": 0}

    return routes


def _body(records: list[dict[str, str]]) -> bytes:
    return json.dumps({"dataset": "crm.customer", "purpose": "support", "records": records}, ensure_ascii=False).encode()


def _record(number: int) -> dict[str, str]:
    """A record of its own: hardly any value is repeated in a batch."""
    n, surname = f"{number:04}", "王李张刘陈杨赵黄"[number % 8]
    return {
        "id": n,
        "name": f"{surname}{chr(0x4E00 + number)}",
        "phone": f"1390417{n}",
        "mobile": f"1380417{n}",
        "fax": f"0215417{n}",
        "email": f"customer{n}@example.com",
        "invoice_email": f"accounts{n}@example.com",
        "id_card": f"42010619871123{n}",
        "card": f"621700417226{n}",
        "address": f"湖北省武汉市武昌区听涛巷{n}号",
        "delivery_address": f"广东省深圳市南山区科技园{n}号",
        "birthday": f"19{50 + number % 50}-0{1 + number % 9}-1{number % 10}",
        "age": str(18 + number % 60),
        "gender": "男女"[number % 2],
        "contact_name": f"{surname}{chr(0x5000 + number)}",
        "relative": f"{surname}{chr(0x5400 + number)}",
        "relative_phone": f"1370417{n}",
        "plate": f"鄂A{number:05}",
        "wechat": f"wx_{n}",
        "company": f"公司{n}",
    }
