"""One body for every call that takes one, as the description shows it: complete enough to be sent after changing names."""

from collections.abc import Mapping
from typing import Any

_QUESTION = {"subject": "crm:customer:42", "purpose": "marketing", "channel": "email"}
_LOG = {"since": "2026-11-01T00:00:00Z", "subject": "crm:customer:42"}
_VALUE = {"subject": "crm:customer:42", "field": "phone"}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "oauth.token": {"grant_type": "client_credentials"},
    "sessions.open_session": {"username": "dpo", "password": "the first password", "totp": "123456"},
    "sessions.change_password": {"current": "the first password", "new": "a sentence nobody else would say"},
    "sessions.confirm_totp": {"code": "123456"},
    "users.create_user": {"username": "carol", "roles": ["auditor"], "with_totp": True},
    "users.change_user": {"roles": ["auditor"], "active": True},
    "users.reset_user": {"with_totp": True},
    "clients.create_client": {"name": "Billing", "roles": ["application"], "purposes": ["service", "support"]},
    "clients.change_client": {"purposes": ["service"]},
    "catalogue.save_controller": {
        "id": "main",
        "name": "Our company",
        "country": "DE",
        "time_zone": "Europe/Berlin",
        "regimes": ["gdpr"],
        "languages": ["en", "zh"],
        "contact": "privacy@company.example",
    },
    "catalogue.save_recipient": {
        "id": "parcel",
        "name": "Parcel Service Ltd",
        "kind": "processor",
        "country": "DE",
        "agreement_from": "2026-01-01",
        "purposes": ["service"],
    },
    "catalogue.save_purpose": {
        "id": "warranty",
        "name": "Handle warranty claims",
        "name_zh": "处理保修",
        "controller": "main",
        "lawful_basis": "contract",
        "categories": ["name", "phone", "address"],
        "retention": "P2Y",
    },
    "consent.publish_notice": {
        "id": "newsletter",
        "controller": "main",
        "purposes": ["marketing"],
        "scope": "customers",
        "method": "collected from the person; used to send messages",
        "period": "until withdrawn",
        "categories": ["name", "email"],
        "valid_for": "P2Y",
        "texts": {"en": "We would like to write to you about our offers. …", "zh": "我们希望向您发送优惠信息。……"},
    },
    "consent.give": {"subject": "crm:customer:42", "purpose": "marketing", "notice": "marketing", "notice_version": 1, "language": "zh", "channel": "email"},
    "consent.withdraw": {"subject": "crm:customer:42", "purpose": "marketing"},
    "consent.check": {"items": [_QUESTION]},
    "systems.add_system": {"name": "crm", "url": "sqlite:////srv/data/crm.db"},
    "systems.change_address": {"url": "sqlite:////srv/data/crm-2026.db"},
    "systems.decide": {"decisions": [{"dataset": "crm.customer", "field": "phone", "decision": "confirm"}]},
    "systems.set_subject": {"subject_type": "customer", "subject_field": "id"},
    "subjects.resolve": {"identifiers": [{"kind": "phone", "value": "+86 138 0013 8000"}, {"kind": "login", "value": "lixm", "scope": "crm.customer"}]},
    "subjects.person": {"subject": "crm:customer:42"},
    "subjects.link": {"subjects": ["crm:customer:42", "shop:buyer:7"], "evidence": "both accounts shown at the counter"},
    "subjects.unlink": {"subject": "shop:buyer:7"},
    "subjects.decide": {"decision": "different", "note": "Mother and son share the phone."},
    "audit.search_events": _LOG | {"limit": 20},
    "audit.prove_subject": {"event": "01936f6a-0000-7000-8000-000000000000", "subject": "crm:customer:42"},
    "audit.export": {"format": "bundle", "first": 0},
    "detect.detect": {"texts": ["客户李小明，手机13800138000"], "language": "auto"},
    "mask.mask": {"dataset": "crm.customer", "purpose": "support", "records": [{"id": "42", "name": "李小明", "phone": "13800138000"}]},
    "decisions.decide": {"items": [{"dataset": "crm.customer", "field": "phone", "purpose": "support"}]},
    "decisions.explain": {"dataset": "crm.customer", "purpose": "support", "roles": ["agent"]},
    "protect.protect": {"dataset": "crm.customer", "items": [_VALUE | {"value": "13800138000"}]},
    "protect.reveal": {"dataset": "crm.customer", "purpose": "service", "items": [_VALUE | {"value": "pv1:…"}]},
    "protect.index": {"dataset": "crm.customer", "items": [{"field": "phone", "value": "13800138000"}]},
}
