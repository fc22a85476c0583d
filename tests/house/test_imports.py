"""What the import contracts in pyproject.toml cannot say: which libraries each room may use at all, and what stays unloaded until it is needed."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PRIVACY = _ROOT / "privacy"

# room → the libraries it may import besides the standard library; docs/house.md says why
_LIBRARIES = {
    "kernel": set[str](),
    "client": set(),
    "crypto": {"cryptography"},
    "masking": set(),
    "audit": set(),
    "actors": set(),
    "inventory": set(),
    "consent": set(),
    "discovery": {"regex", "phonenumbers"},
    "protection": set(),
    "access": set(),
    "jobs": set(),
    "subjects": set(),
    "disposal": set(),
    "retention": set(),
    "rights": set(),
    "config": set(),
    "application": set(),
    "web": {"flask", "werkzeug", "pydantic", "pydantic_core", "authlib", "markupsafe", "prometheus_client"},
    "cli": {"click", "rich"},
    "__main__": set(),
}
_HEAVY = {"presidio_analyzer", "presidio_anonymizer", "spacy", "numpy", "alembic", "pyarrow", "pyspark", "duckdb"}


def third_party(path: Path) -> Iterator[str]:
    """Yield the libraries that a file imports anywhere, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for name in names:
            top = name.split(".")[0]
            if top != "privacy" and top not in sys.stdlib_module_names:
                yield top


def ours(path: Path) -> set[str]:
    """Return the modules of ours that a file imports from."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "privacy"}


def room_of(path: Path) -> str:
    return path.relative_to(_PRIVACY).parts[0].removesuffix(".py")


def loaded_by(program: str) -> set[str]:
    """Return the top-level modules that are loaded after `program` ran in a fresh interpreter."""
    report = "import sys, json; sys.stdout.write('\\n' + json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", f"{program}\n{report}"], cwd=_ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("room", _LIBRARIES)
def test_a_room_uses_only_the_libraries_it_was_given(room: str) -> None:
    """Replacing a library means changing one room."""
    found = {(path.name, library) for path in _PRIVACY.rglob("*.py") if room_of(path) == room for library in third_party(path)}
    assert {(name, library) for name, library in found if library not in _LIBRARIES[room]} == set()


def test_every_room_is_in_the_table() -> None:
    """A new room decides what it needs; only adapters may use anything."""
    rooms = {room_of(path) for path in _PRIVACY.rglob("*.py")} - {"__init__", "adapters"}
    assert rooms <= set(_LIBRARIES)


def test_the_client_imports_nothing_of_ours() -> None:
    """It is copied into applications as one file."""
    assert ours(_PRIVACY / "client.py") == set()


def test_the_kernel_reaches_nothing() -> None:
    """What everybody stands on stands on nobody."""
    assert {name for path in (_PRIVACY / "kernel").glob("*.py") for name in ours(path) if not name.startswith("privacy.kernel")} == set()


def test_help_loads_no_heavy_library() -> None:
    """`privacy --help` answers at once."""
    loaded = loaded_by("import sys\nfrom privacy.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass")
    assert loaded & (_HEAVY | {"sqlalchemy", "flask", "cryptography", "pydantic", "casbin"}) == set()


def test_verifying_an_audit_bundle_loads_neither_database_nor_web_nor_nlp() -> None:
    """An auditor's machine needs none of them."""
    loaded = loaded_by("import sys\nfrom privacy.cli import main\ntry:\n    main(['audit', 'verify', '--help'])\nexcept SystemExit:\n    pass")
    assert loaded & (_HEAVY | {"sqlalchemy", "flask", "pydantic", "casbin"}) == set()


def test_importing_everything_does_nothing_else() -> None:
    """No thread, no file, no NLP engine by import alone: work starts when somebody asks for it."""
    program = (
        "import importlib, pkgutil, threading, privacy\n"
        "for module in pkgutil.walk_packages(privacy.__path__, 'privacy.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
    )
    assert loaded_by(program) & _HEAVY == set()
