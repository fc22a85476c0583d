"""The import contracts are planted against: a rule that lets a violation pass is found here, not in review."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]

# file to add → what it imports → the contract that must break
_PLANTED = {
    "kernel/planted.py": ("import privacy.crypto", "floors"),
    "audit/planted.py": ("def lazily() -> None:\n    import privacy.adapters.store.engine", "floors"),
    "newroom/__init__.py": ("", "floors"),
    "crypto/planted.py": ("import privacy.crypto.planted_too", "no-cycles"),
    "crypto/planted_too.py": ("import privacy.crypto.planted", "no-cycles"),
    "access/planted.py": ("def lazily() -> None:\n    import sqlalchemy", "pure-core"),
    "consent/planted.py": ("import presidio_analyzer", "pure-core"),
    "masking/planted.py": ("from cryptography.hazmat.primitives import hashes", "crypto-only-here"),
    "adapters/planted.py": ("import cryptography.x509\nimport flask", "adapters-no-web"),
    "web/planted.py": ("import sqlalchemy", "one-sql-door"),
    "cli/planted.py": ("import casbin", "one-sql-door"),
}
_NAMES = {
    "floors": "Floors: every room imports only rooms below it",
    "no-cycles": "No cycles between siblings, at any depth",
    "pure-core": "The core knows no web, no SQL, no policy engine, no NLP engine",
    "crypto-only-here": "Only crypto imports cryptography",
    "one-sql-door": "Web and command line never import SQLAlchemy, casbin or Presidio",
    "adapters-no-web": "Adapters know no Flask",
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Check a copy of the house with every violation planted at once; return what is said about each broken contract."""
    house = tmp_path_factory.mktemp("house")
    shutil.copytree(_ROOT / "privacy", house / "privacy", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(_ROOT / "pyproject.toml", house)
    for name, (imports, _) in _PLANTED.items():
        path = house / "privacy" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(imports + "\n")
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=house, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin", "COLUMNS": "300"})
    details = done.stdout.partition("Broken contracts")[2]
    starts = {key: details.find(name) for key, name in _NAMES.items()}
    ends = sorted([*starts.values(), len(details)])
    return {key: details[start : next(end for end in ends if end > start)] for key, start in starts.items() if start >= 0}


@pytest.mark.parametrize("planted", _PLANTED)
def test_a_planted_violation_breaks_its_contract(broken: dict[str, str], planted: str) -> None:
    """Upward imports, lazy imports, cycles, undeclared rooms and misplaced libraries are all seen, each by its own rule."""
    contract = _PLANTED[planted][1]
    module = "privacy." + planted.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    if contract == "no-cycles":
        module = "." + module.rsplit(".", 1)[1]  # cycles are told relative to their room
    assert module in broken[contract]
