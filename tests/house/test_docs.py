"""Everything public is documented: what a reader cannot find does not exist for them."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from privacy.kernel.errors import PrivacyError

pytestmark = pytest.mark.docs

_ROOT = Path(__file__).parents[2]


@cache
def generator() -> ModuleType:
    """Load scripts/docs.py, which knows how to walk the registries."""
    spec = importlib.util.spec_from_file_location("docs_generator", _ROOT / "scripts" / "docs.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def everything_written() -> str:
    """Return the text of README and docs without decision records, which tell about the past."""
    pages = [path for path in sorted((_ROOT / "docs").rglob("*.md")) if "decisions" not in path.parts]
    return "\n".join(path.read_text("utf-8") for path in [*_ROOT.glob("README*.md"), *pages])


@cache
def stale_pages() -> str:
    """Ask in a process of its own: a command that another test ran keeps the help option of that run."""
    return subprocess.run([sys.executable, _ROOT / "scripts/docs.py", "--check"], capture_output=True, text=True, check=False, cwd=_ROOT).stdout


def missing(words: list[str], page: str = "") -> list[str]:
    """Return the words that no document (or not `page`) mentions as code."""
    text = (_ROOT / "docs" / page).read_text("utf-8") if page else everything_written()
    return [word for word in words if not re.search(rf"[`|\s\"(]{re.escape(word)}[`|\s\"),.:;]", text)]


@pytest.mark.parametrize("page", ["docs/settings.md", "docs/commands.md", "docs/routes.md"])
def test_a_reference_page_says_what_the_code_says(page: str) -> None:
    """`scripts/fix` writes these pages anew."""
    assert page not in stale_pages()


def test_every_route_says_what_it_does() -> None:
    """The table of routes is of use only when every line says something."""
    assert [route.path for route in generator().all_routes() if not route.summary] == []


def test_every_command_says_what_it_does() -> None:
    """`privacy --help` and its page are written from these sentences."""
    assert [name for name, command, _ in generator().walk_commands() if not command.help] == []


def test_every_error_code_is_explained() -> None:
    """A program reads the code; its author looks here."""

    def codes(kind: type[PrivacyError]) -> set[str]:
        return {kind.code}.union(*(codes(child) for child in kind.__subclasses__()))

    assert missing(sorted(codes(PrivacyError)), "errors.md") == []


def test_every_audit_action_is_explained() -> None:
    """An auditor must know what an entry means."""
    from privacy.audit.events import Action

    assert missing([action.value for action in Action], "audit.md") == []


def test_every_masking_technique_is_explained() -> None:
    """Policy rows name techniques; their page says what each shows and hides."""
    from privacy.masking.catalogue import Techniques

    assert missing(sorted(Techniques.shipped().names()), "masking.md") == []


def test_every_policy_predicate_is_explained() -> None:
    """The vocabulary of conditions is closed: this is all there is."""
    from privacy.access.predicates import PREDICATES

    assert missing(sorted(PREDICATES), "policy.md") == []


def test_every_role_and_scope_is_explained() -> None:
    """Who may what is read before it is granted."""
    roles = tomllib.loads((_ROOT / "policies" / "roles.toml").read_text("utf-8"))["role"]
    words = {role["id"] for role in roles} | {scope for role in roles for scope in role["scopes"]}
    assert missing(sorted(words), "roles.md") == []


def test_every_document_can_be_reached_from_the_readme() -> None:
    """A page that nothing leads to is not read."""
    reached: set[Path] = set()
    waiting = [_ROOT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached or not page.exists():
            continue
        reached.add(page)
        waiting += [page.parent / target for target in re.findall(r"\]\(([^)#:\s]+\.md)", page.read_text("utf-8"))]
    pages = {path.resolve() for path in (_ROOT / "docs").rglob("*.md") if "decisions" not in path.parts}
    assert sorted(path.name for path in pages - reached) == []
