"""What an auditor holds in hand: one Python file, or a shell and openssl. Both run here for real, without this project's environment."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from privacy.adapters.store.engine import SqlStore
from privacy.audit import verifier
from privacy.audit.export import ExportRequest
from privacy.kernel.clock import FixedClock
from tests.audit.builders import LOG_KEY, OTHER_KEY, World, world
from tests.cast import CAROL

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def audit(sqlite_store: SqlStore, fixed_clock: FixedClock, tmp_path: Path) -> Iterator[World]:
    made = world(sqlite_store, fixed_clock, tmp_path)
    made.write(7)
    yield made
    made.log.close()


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """The verifier, copied out of the project."""
    (tmp_path / "auditor").mkdir()
    return Path(shutil.copy(str(verifier.__file__), tmp_path / "auditor" / "verifier.py"))


def run(alone: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-I", "-S", str(alone), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=alone.parent, env={"PATH": os.environ["PATH"]}, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_one_file_verifies_a_bundle_with_nothing_installed(audit: World, alone: Path) -> None:
    """Isolated from every package: 0 verified, 1 altered, 2 usage, 3 without a key; no value is named."""
    bundle = alone.parent / "audit.bundle"
    old = alone.parent / "old"
    bundle.write_bytes(audit.bundle(ExportRequest(end=7)))
    old.write_text(audit.trail.checkpoint(CAROL), encoding="utf-8")
    view = alone.parent / "audit.csv"
    view.write_bytes(b"".join(audit.exporter.view(CAROL, ExportRequest(end=7))))
    code, said = run(alone, str(bundle), "--log-vkey", audit.vkey, "--old", str(old), "--view", str(view))
    assert (code, said) == (0, "verified: entries 0 to 6 of 7 in audit.example.com/privacy/default/1, 7 disclosed\n")
    bundle.write_bytes(bundle.read_bytes().replace(b'"client:bob"', b'"client:eve"', 1))
    code, said = run(alone, str(bundle), "--log-vkey", audit.vkey)
    assert (code, said) == (1, "NOT VERIFIED: Entry 0 was altered, or an entry was dropped, added or moved there.\n")
    assert run(alone, str(bundle))[0] == 3
    assert run(alone, str(bundle), "--log-vkey", "x")[0] == 3
    assert run(alone, str(bundle) + ".missing", "--log-vkey", audit.vkey)[0] == 2
    assert run(alone)[0] == 2


def test_the_one_file_checks_signatures_and_not_their_presence(audit: World, alone: Path) -> None:
    """openssl says no to a forged signature, and the file says so."""
    assert verifier.openssl_check(LOG_KEY.public_bytes, LOG_KEY.sign(b"text"), b"text")
    assert not verifier.openssl_check(LOG_KEY.public_bytes, OTHER_KEY.sign(b"text"), b"text")
    assert not verifier.openssl_check(LOG_KEY.public_bytes, LOG_KEY.sign(b"text"), b"other")
    assert not verifier.openssl_check(LOG_KEY.public_bytes, b"", b"text")


def test_without_openssl_the_one_file_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tool, no verdict."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(verifier.Unverifiable, match="openssl"):
        verifier.openssl_check(LOG_KEY.public_bytes, bytes(64), b"")


def test_the_verifier_uses_the_standard_library_only() -> None:
    """It is read and run by people who install nothing."""
    text = Path(str(verifier.__file__)).read_text("utf-8")
    modules = {line.split()[1].split(".")[0] for line in text.splitlines() if re.match(r"(import|from) ", line)}
    assert modules <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("index", range(7))
def test_openssl_and_a_shell_check_a_proof(audit: World, tmp_path: Path, index: int) -> None:
    """The script of docs/audit.md, as printed there: right for every index, wrong for another entry, key or proof."""
    script = re.search(r"```sh check-proof\n(.*?)```", (PROJECT / "docs" / "audit.md").read_text("utf-8"), re.DOTALL)
    assert script
    (tmp_path / "check.sh").write_text(script[1], encoding="utf-8")
    entries = audit.store.read(lambda tx: audit.repository.entries(tx, "default/1", 0, 7))
    proof = audit.trail.proof(CAROL, entries[index].event)

    def check(entry: bytes = proof.entry, text: str = proof.proof, vkey: str = audit.vkey) -> bool:
        (tmp_path / "entry").write_bytes(entry)
        (tmp_path / "proof").write_text(text, encoding="utf-8")
        command = ["sh", str(tmp_path / "check.sh"), str(tmp_path / "entry"), str(tmp_path / "proof"), vkey]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode == 0 and "the entry is in the signed log" in done.stdout

    assert check()
    assert not check(entry=entries[index - 1].entry)
    if index in (0, 4):
        assert not check(text=proof.proof.replace("\n7\n", "\n8\n"))
        assert not check(text=proof.proof.replace(f"index {index}", f"index {index + 1}"))
        assert not check(vkey=audit.vkey[:-1] + ("4" if audit.vkey[-1] != "4" else "5"))
        assert not check(text=re.sub(r"(index \d+\n)[^\n]+\n", r"\1", proof.proof))


def test_verifying_at_the_command_line_needs_neither_settings_nor_the_service(audit: World, tmp_path: Path) -> None:
    """`privacy audit verify` loads no database, web or language library, reads no settings and answers by its exit status."""
    bundle = tmp_path / "audit.bundle"
    bundle.write_bytes(audit.bundle())
    unwanted = ("sqlalchemy", "flask", "presidio_analyzer", "spacy", "casbin", "privacy.application", "privacy.config")
    code = f"import sys\nfrom privacy.cli import main\ntry:\n    main(sys.argv[1:])\nfinally:\n    print([name for name in {unwanted} if name in sys.modules])"

    def verify(*more: str) -> tuple[int, str]:
        environment = {"PATH": os.environ["PATH"], "PRIVACY_STATE_DIR": "/nowhere", "PRIVACY_PORT": "not a number"}
        command = [sys.executable, "-c", code, "audit", "verify", str(bundle), *more]
        done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, env=environment, check=False)
        assert done.stdout.strip().endswith("[]")
        return done.returncode, done.stdout + done.stderr

    assert verify("--log-vkey", audit.vkey)[0] == 0
    code_json, said = verify("--log-vkey", audit.vkey, "--json")
    assert code_json == 0
    assert '"verified": true' in said
    assert verify()[0] == 3
    assert verify("--log-vkey", audit.vkey, "--old", "/missing")[0] == 2
    bundle.write_bytes(bundle.read_bytes()[:-2])
    assert verify("--log-vkey", audit.vkey)[0] == 1
