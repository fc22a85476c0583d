"""An operator loses a machine: the stores come back from a backup, or the answer says what is missing."""

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.office import Installation, command

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def kept(installed: Installation, tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, Path]:
    """An installation and a backup of it; a controller was added after the backup."""
    copied = installed.copy(tmp_path_factory.mktemp("kept") / "var")
    folder = tmp_path_factory.mktemp("backups") / "monday"
    assert command("backup", str(folder), state=copied.state).returncode == 0
    assert command("systems", "add", "later", "--no-check", "postgresql://reader@db.example/later", state=copied.state).returncode == 0
    assert command("init", state=copied.state).returncode == 0  # signs what was recorded since
    return copied, folder


def systems(state: Path) -> object:
    return json.loads(command("systems", "list", "--json", state=state).stdout)


def test_a_backup_is_put_back_on_another_machine_with_the_root_key(kept: tuple[Installation, Path], tmp_path: Path) -> None:
    """Everything but the root key is in the backup; that comes from where it is kept."""
    office, folder = kept
    state = tmp_path / "var"
    state.mkdir(mode=0o700)
    refused = command("restore", str(folder), state=state)
    assert refused.returncode == 3 and "root key" in refused.stderr
    shutil.copy(office.state / "root.key", state)
    assert command("restore", str(folder), state=state).returncode == 0
    assert command("doctor", state=state).returncode == 0
    assert systems(state) == []


def test_a_restore_over_an_installation_needs_the_word_and_goes_on_with_a_new_log(kept: tuple[Installation, Path], tmp_path: Path) -> None:
    """What was written after the backup is gone from the database, and the log says that it was rolled back; twice is no more than once."""
    office, folder = kept
    state = office.copy(tmp_path / "var").state
    assert command("restore", str(folder), state=state).returncode == 1
    assert systems(state) != []
    for generation in ("default/2", "default/3"):
        done = command("restore", str(folder), "--replace", "--json", state=state)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["log"] == generation
        assert systems(state) == []
        assert command("doctor", state=state).returncode == 0


def test_a_lost_keys_database_is_refused_and_never_made_anew(kept: tuple[Installation, Path], tmp_path: Path) -> None:
    """An empty ring of keys would open nothing and hide the loss; the keys part of a backup mends it."""
    office, _ = kept
    state = office.copy(tmp_path / "var").state
    for file in state.glob("keys.db*"):
        file.unlink()
    refused = command("init", state=state)
    assert refused.returncode == 3 and "keys database is missing" in refused.stderr
    assert not (state / "keys.db").exists()
    assert command("serve", state=state).returncode == 3
    keys = tmp_path / "keys-alone"
    assert command("backup", str(keys), "--part", "keys", state=office.state).returncode == 0
    assert command("restore", str(keys), state=state).returncode == 0
    assert command("doctor", state=state).returncode == 0
    assert systems(state) != []


def test_a_damaged_backup_changes_nothing(kept: tuple[Installation, Path], tmp_path: Path) -> None:
    office, folder = kept
    state = office.copy(tmp_path / "var").state
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "keys" / "tenant_key.jsonl.gz").unlink()
    refused = command("restore", str(broken), "--replace", state=state)
    assert refused.returncode == 2 and "tenant_key" in refused.stderr
    assert systems(state) != []
