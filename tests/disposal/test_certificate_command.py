"""`privacy certificates verify`: offline, with the three verdicts, and `privacy ledger` on an installation."""

import json
from pathlib import Path

import pytest

from privacy.cli import privacy
from privacy.crypto.signatures import Ed25519Key
from privacy.disposal.certificate import Certificates
from tests.disposal.plans import plan_done

LOG_NAME = "audit.example.com/audit/default/1"
KEY = Ed25519Key(b"7" * 32)


def run(*arguments: str) -> int:
    return int(privacy.main(list(arguments), standalone_mode=False, prog_name="privacy") or 0)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    note, _ = Certificates(KEY, lambda _tenant: LOG_NAME).issue(plan_done(), {"destroyed": [], "subjects": 1, "kept_for": 0}, "2026-11-22T07:30:00.000000Z")
    path = tmp_path / "certificate.txt"
    path.write_text(note, "utf-8")
    return path


def vkey() -> str:
    from privacy.audit.notes import vkey

    return vkey(LOG_NAME, KEY.public_bytes)


def test_a_certificate_verifies_offline_and_shows_its_counts(certificate: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("certificates", "verify", str(certificate), "--log-vkey", vkey(), "--json") == 0
    said = json.loads(capsys.readouterr().out)["certificate"]
    assert said["systems"][0]["datasets"][0]["deleted"] == 7 and said["case"] == "case-1"
    assert run("certificates", "verify", str(certificate), "--log-vkey", vkey()) == 0


def test_one_changed_letter_or_another_key_or_none_is_told_apart(certificate: Path) -> None:
    assert run("certificates", "verify", str(certificate)) == 3
    certificate.write_text(certificate.read_text("utf-8").replace('"deleted":7', '"deleted":8'), "utf-8")
    assert run("certificates", "verify", str(certificate), "--log-vkey", vkey()) == 1
    certificate.write_bytes(b"\xff")
    assert run("certificates", "verify", str(certificate), "--log-vkey", vkey()) == 1
