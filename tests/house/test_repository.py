"""What the repository promises: reproducible installs, nothing of one machine in it, scripts that run."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

pytestmark = pytest.mark.docs

_ROOT = Path(__file__).parents[2]
_LOCKS = sorted(_ROOT.glob("requirements*.lock"))
# written in parts, or this file would be a finding
_HOSTS = re.compile("python" r"hosted\.org|//py" r"pi\.org|registry\.npm" r"js\.org|deb\.deb" r"ian\.org|registry\.yarn" "pkg", re.IGNORECASE)
_MACHINE = re.compile(r"(?<![\w.$}])/(?:work|root|home/\w+|Users/\w+)/[\w.]")


def tracked() -> list[Path]:
    """Return the text files that git tracks, or all of them where there is no git."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=_ROOT, capture_output=True, check=False)
    names = listed.stdout.decode().split("\0") if listed.returncode == 0 else [str(path.relative_to(_ROOT)) for path in _ROOT.rglob("*.*")]
    return [_ROOT / name for name in names if name and (_ROOT / name).is_file()]


def lines_with(pattern: re.Pattern[str], *, leave_out: str = "") -> list[str]:
    found = []
    for path in tracked():
        name = str(path.relative_to(_ROOT))
        if leave_out and name.startswith(leave_out):
            continue
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name}:{number}" for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]
    return found


@pytest.mark.parametrize("lock", _LOCKS, ids=lambda path: path.name)
def test_a_lock_file_names_versions_and_hashes_and_no_address(lock: Path) -> None:
    """Whoever installs chooses the index; the hash decides what is accepted."""
    text = lock.read_text("utf-8")
    assert re.search(r"https?://", text) is None
    packages = [block for block in re.split(r"\n(?=\S)", text) if block.strip() and not block.startswith("#")]
    assert packages
    assert all("==" in block and "--hash=sha256:" in block for block in packages)


def test_everything_the_project_declares_is_locked() -> None:
    """A dependency that is added without `scripts/lock` would be missing in a fresh clone."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[\[<>=~! ;]", requirement)[0].lower().replace("_", "-") for requirement in requirements}

    def locked(name: str) -> set[str]:
        return set(re.findall(r"^([a-z0-9][a-z0-9.-]*)==", (_ROOT / name).read_text("utf-8"), re.MULTILINE))

    assert names(project["dependencies"]) <= locked("requirements.lock")
    assert names(project["dependencies"]) | names(project["optional-dependencies"]["dev"]) <= locked("requirements-dev.lock")


def test_no_tracked_file_names_a_package_registry() -> None:
    """Mirrors differ from company to company; ours is nobody's business."""
    assert lines_with(_HOSTS) == []


def test_no_tracked_file_names_a_path_of_somebodys_machine() -> None:
    """What works here only works nowhere."""
    assert lines_with(_MACHINE, leave_out="tests/house/test_repository.py") == []


def test_only_ci_knows_what_stands_beside_the_checkout() -> None:
    """A clone is complete by itself."""
    assert lines_with(re.compile(r"\.\./" "shared"), leave_out=".ci/") == []


@pytest.mark.parametrize("script", ["scripts/setup", "scripts/run", "scripts/test", "scripts/check", "scripts/fix", "scripts/lock", ".ci/run"])
def test_a_script_can_be_run(script: str) -> None:
    """Executable, and its shell finds no error in it."""
    path = _ROOT / script
    assert os.access(path, os.X_OK)
    if path.read_text("utf-8").startswith("#!/usr/bin/env bash"):
        subprocess.run(["bash", "-n", str(path)], check=True)


def test_every_script_is_tracked_with_its_run_bit() -> None:
    """A clone on another machine gets the bit from git alone."""
    listed = subprocess.run(["git", "ls-files", "-s", "scripts", ".ci/run"], cwd=_ROOT, capture_output=True, text=True, check=False).stdout
    plain = [line.split("\t")[1] for line in listed.splitlines() if line.startswith("100644")]
    assert [name for name in plain if "." not in Path(name).name] == []


def test_decision_records_are_numbered_without_gaps_or_doubles() -> None:
    """`docs/decisions/0007` means one thing."""
    numbers = sorted(int(path.name[:4]) for path in (_ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_changelog_starts_with_what_is_to_come() -> None:
    """A change is written down with the change."""
    changelog = (_ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(r"^## \[?Unreleased", changelog, re.MULTILINE)


def test_links_between_our_documents_lead_somewhere() -> None:
    """A reader who follows a link finds a file."""
    broken: list[str] = []
    for path in [*(_ROOT / "docs").rglob("*.md"), *_ROOT.glob("*.md")]:
        targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", path.read_text("utf-8"))
        broken += [f"{path.relative_to(_ROOT)} → {target}" for target in targets if not (path.parent / target).exists()]
    assert broken == []


@pytest.mark.parametrize("script", ["run", "setup", "test", "check"])
def test_a_script_asked_for_help_says_how_to_use_it_and_does_nothing(script: str) -> None:
    """From any folder; who asks what a command does has not asked for it to be done."""
    done = subprocess.run([_ROOT / "scripts" / script, "--help"], cwd="/", capture_output=True, text=True, check=False, timeout=5)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) >= 2
    assert not re.search(r"set -|\$\(|^#", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(("script", "argument"), [("run", "--port"), ("run", "demo"), ("setup", "--develop"), ("check", "--fast")])
def test_a_script_does_not_start_on_an_argument_it_does_not_know(script: str, argument: str) -> None:
    """A slip of the fingers is told, with what there is instead."""
    done = subprocess.run([_ROOT / "scripts" / script, argument], capture_output=True, text=True, check=False, timeout=5)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"does not know {argument}" in done.stderr


def test_what_the_readme_writes_is_not_committed() -> None:
    """Its commands are pasted in the project's folder, and what they write holds people's data."""
    text = (_ROOT / "README.md").read_text("utf-8")
    roles, purposes = (re.search(rf"for {name} in ([\w ]+);", text) for name in ("role", "purpose"))
    assert roles
    assert purposes
    written = [f"{role}-{purpose}.csv" for role in roles.group(1).split() for purpose in purposes.group(1).split()]
    written += re.findall(r"privacy audit export (\S+)", text) + re.findall(r'open\("([^"]+)", "w"', text)
    assert len(written) >= 8
    ignored = subprocess.run(["git", "check-ignore", *written], cwd=_ROOT, capture_output=True, text=True, check=False)
    if ignored.returncode == 128:
        pytest.skip("git is not here")
    assert ignored.stdout.split() == written
