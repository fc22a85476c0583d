"""Rotation of keys at the shell, beside the service and without it."""

import json
from pathlib import Path

import pytest

from tests.cast import LI_XIAOMING, MARGUERITE
from tests.e2e import crm
from tests.e2e.office import Installation, Office, ask, command
from tests.e2e.running import serving

pytestmark = pytest.mark.e2e


def test_values_from_before_a_rotation_still_open(installed: Installation, tmp_path: Path) -> None:
    """`privacy keys rotate`, with the service stopped and once more while it runs: old and new ciphertexts are revealed."""
    copied = installed.copy(tmp_path / "state")
    with serving(copied.state) as service:
        office = Office(service, copied.made)
        office.connect("crm", crm.build(tmp_path), "customer", crm.SUBJECT, crm.FIELDS)
        old = _protect(office, LI_XIAOMING.phone)
    assert command("keys", "rotate", state=copied.state).returncode == 0
    with serving(copied.state) as service:
        office = Office(service, copied.made)
        new = _protect(office, MARGUERITE.phone)
        assert _reveal(office, old, new) == [LI_XIAOMING.phone, MARGUERITE.phone]
        rotated = command("keys", "rotate", "--json", state=copied.state)
        assert rotated.returncode == 0, rotated.stderr
        assert _reveal(office, old, new, _protect(office, "1")) == [LI_XIAOMING.phone, MARGUERITE.phone, "1"]
    events = command("audit", "events", "--action", "protection:keys:changed", "--json", state=copied.state)
    assert [event["outcome"] for event in json.loads(events.stdout)] == ["success", "attempted"] * 2


def _protect(office: Office, value: str) -> str:
    items = [{"subject": "crm:customer:42", "field": "phone", "value": value}]
    answer = ask(office.url, "POST", "/api/v1/protect", office.token("application"), {"dataset": "crm.customer", "items": items})
    assert answer.status == 200, answer.text
    return str(json.loads(answer.body)["items"][0]["ciphertext"])


def _reveal(office: Office, *ciphertexts: str) -> list[str]:
    items = [{"subject": "crm:customer:42", "field": "phone", "value": text} for text in ciphertexts]
    answer = ask(office.url, "POST", "/api/v1/reveal", office.token("application"), {"dataset": "crm.customer", "purpose": "service", "items": items})
    assert answer.status == 200, answer.text
    return [item["value"] for item in json.loads(answer.body)["items"]]
