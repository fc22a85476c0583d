"""`./scripts/run`: from a clone to a service that answers, as a newcomer meets it."""

import json
import re
import shlex
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest

from tests.e2e.running import ROOT, Running, running

pytestmark = pytest.mark.e2e
READMES = ("README.md", "README.zh-CN.md")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run") / "var"


@pytest.fixture(scope="module")
def first(state: Path) -> Iterator[Running]:
    """The first start of a new installation."""
    with running(state) as service:
        yield service


def examples(terminal: str) -> list[str]:
    return [line.strip() for line in terminal.splitlines() if line.strip().startswith(("export ", "TOKEN=", "curl"))]


def test_the_printed_lines_work_when_pasted(first: Running, tmp_path: Path) -> None:
    """What the terminal suggests is the first thing anybody tries."""
    application, auditor, token, detect, mask = examples(first.terminal)
    found = first.shell(f"{application}\n{token}\n{detect}")
    assert found.returncode == 0, found.stderr
    entities = {finding["entity"] for finding in json.loads(found.stdout)["results"][0]}
    assert {"PERSON", "EMAIL_ADDRESS", "CREDIT_CARD"} <= entities
    masked = first.shell(f"{application}\n{token}\n{mask}")
    assert masked.returncode == 0, masked.stderr
    (text,) = json.loads(masked.stdout)["texts"]
    assert text.startswith("李*的手机号是138****8000，")  # the first answer shows what the product does
    assert not re.search(r"\d{17}[\dX]|4111 1111", text)
    verified = first.shell(f'{auditor}\nprivacy audit export log.bundle\nprivacy audit verify log.bundle --log-vkey "$LOG_VKEY"', folder=tmp_path)
    assert verified.returncode == 0, verified.stderr


def test_credentials_are_printed_once_and_kept_nowhere(first: Running, state: Path) -> None:
    """Only who started it first has them."""
    passwords = re.findall(r"(?:password |client_secret |TOTP secret |CLIENT_SECRET=)(\S+)", first.terminal)
    assert len(passwords) >= 4
    kept = b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())
    assert [secret for secret in passwords if secret.encode() in kept] == []


def test_what_it_creates_is_for_its_owner_only(first: Running, state: Path) -> None:
    """Databases and keys are no business of other accounts on the machine."""
    open_to_others = [path.name for path in (state, *state.rglob("*")) if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)]
    assert open_to_others == []


def test_a_taken_port_is_said_and_ends_the_start(tmp_path: Path) -> None:
    """No endless retry behind a friendly message."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(AssertionError, match="did not become ready") as failed, running(tmp_path / "var", PORT=port):
            pass
    assert port in str(failed.value)
    assert "Traceback" not in str(failed.value)


def test_a_misspelt_setting_ends_the_start_with_the_remedy(tmp_path: Path) -> None:
    """The name that was meant is suggested."""
    with pytest.raises(AssertionError, match="PRIVACY_HOST") as failed, running(tmp_path / "var", PRIVACY_HOTS="127.0.0.1"):
        pass
    assert "Traceback" not in str(failed.value)


# --- the README --------------------------------------------------------------------------------------------------------------------


def blocks(readme: str, mark: str) -> list[str]:
    """Return the command blocks of a README that start with ```bash MARK."""
    return re.findall(rf"^```bash {mark}\n(.*?)^```", (ROOT / readme).read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("mark", ["run", "chinook"])
def test_the_chinese_readme_gives_no_command_of_its_own(mark: str) -> None:
    """What it says to run is run, in the English one; comments may be translated, commands may not differ."""

    def commands(readme: str) -> list[str]:
        lines = "\n".join(blocks(readme, mark)).splitlines()
        return [command for line in lines if (command := re.sub(r"(^|\s)#.*", "", line).rstrip())]

    assert commands("README.zh-CN.md")
    assert set(commands("README.zh-CN.md")) <= set(commands("README.md"))


def test_what_the_readme_says_to_run_runs(tmp_path: Path) -> None:
    """The blocks are pasted in order into one shell, against a service started by the README's own command; test_main_job.py does the main job."""
    with running(tmp_path / "var") as service:
        variables = "\n".join(examples(service.terminal)[:2]) + "\n"
        lines = "\n".join(blocks("README.md", "run"))
        done = service.shell(variables + lines.replace("http://127.0.0.1:8000", service.url), folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    promised = re.search(r"The second answer reads `(.+?)`", (ROOT / "README.md").read_text("utf-8"))
    assert promised
    assert promised.group(1) in done.stdout


def test_the_readmes_python_runs_as_it_stands(first: Running, tmp_path: Path) -> None:
    """With nothing but the two variables that the start printed; both READMEs have the same lines."""
    english, chinese = (re.findall(r"^```python run\n(.*?)^```", (ROOT / name).read_text("utf-8"), re.MULTILINE | re.DOTALL) for name in READMES)
    assert [re.sub(r" *#.*", "", text) for text in english] == [re.sub(r" *#.*", "", text) for text in chinese] != []
    script = english[0].replace("http://127.0.0.1:8000", first.url)
    done = first.shell(f"{examples(first.terminal)[0]}\npython - <<'END'\n{script}END", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "138****8000" in done.stdout
    assert "l***@example.com" in done.stdout


def test_a_dpos_first_calls_run_as_they_stand(first: Running, tmp_path: Path) -> None:
    """docs/first-calls.md, from the printed password to a consent that holds."""
    dpo = re.search(r"^  dpo .* password (\S+)  TOTP secret (\S+)$", first.terminal, re.MULTILINE)
    assert dpo
    lines = "\n".join(blocks("docs/first-calls.md", "run")).replace("http://127.0.0.1:8000", first.url)
    done = first.shell(f"DPO_PASSWORD={shlex.quote(dpo.group(1))} CODE={pyotp.TOTP(dpo.group(2)).now()}\n{lines}", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"state":"given"' in done.stdout


# --- last, since it stops the service that the others share ----------------------------------------------------------------------------


def test_a_second_start_keeps_everything_and_prints_no_secret(first: Running, state: Path) -> None:
    """Stopping and starting is nothing special."""
    application = examples(first.terminal)[0]
    assert first.stop() == 0
    with running(state) as second:
        assert "Shown once" not in second.terminal
        assert "users reset" in second.terminal
        again, auditor, token, detect, _ = examples(second.terminal)
        assert again.startswith("export CLIENT_ID=… CLIENT_SECRET=… ")
        assert auditor == examples(first.terminal)[1]
        found = second.shell(f"{application}\n{token}\n{detect}".replace("curl -s", "curl -sf"))
        assert found.returncode == 0, found.stdout
        assert second.stop() == 0
