"""A fresh installation at the shell: several at once, and its file modes."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from privacy.adapters.private_files import write_once
from tests.e2e.office import Installation, command, install
from tests.e2e.running import surroundings

pytestmark = pytest.mark.e2e


def test_three_at_once_make_one_installation(tmp_path: Path) -> None:
    """One makes it and prints the credentials, the others wait and find it there; nobody fails, and it works."""
    state = tmp_path / "state"
    several = [_start(state) for _ in range(3)]
    told = [process.communicate(timeout=90) for process in several]
    assert [process.returncode for process in several] == [0, 0, 0], told
    answers = [json.loads(out) for out, _ in told]
    assert sorted(answer["created"] for answer in answers) == [False, False, True]
    assert len({answer["log_vkey"] for answer in answers}) == 1
    assert command("doctor", state=state).returncode == 0


def _start(state: Path) -> "subprocess.Popen[str]":
    environment = surroundings(state)
    return subprocess.Popen(["privacy", "init", "--json"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_key_file_is_never_written_over(tmp_path: Path) -> None:
    """Who comes second keeps what is there, and leaves nothing of its own."""
    assert write_once(tmp_path / "key", "first") and not write_once(tmp_path / "key", "second")
    assert (tmp_path / "key").read_text("ascii") == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_nothing_of_an_installation_is_open_to_others(tmp_path: Path) -> None:
    """Whatever the shell's umask says, and also where the folder was made before."""
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o755)
    before = os.umask(0o022)
    try:
        install(state)
    finally:
        os.umask(before)
    assert [path.name for path in (state, *state.rglob("*")) if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("used", ["init", "serve"])
def test_a_used_folder_that_is_open_to_others_is_refused_with_the_remedy(installed: Installation, tmp_path: Path, used: str) -> None:
    """Its mode is the operator's to change, and nothing is done before that."""
    state = installed.copy(tmp_path / "state").state
    state.chmod(0o750)
    refused = command(used, state=state)
    assert refused.returncode == 3 and f"chmod 700 {state}" in refused.stderr and "0750" in refused.stderr
    assert stat.S_IMODE(state.stat().st_mode) == 0o750
