"""Writes the reference pages from the registries in the code: docs/settings.md, docs/commands.md, docs/routes.md.

`scripts/fix` runs it; a test fails while a page differs from what this would write.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click

_ROOT = Path(__file__).resolve().parent.parent
_NOTE = "<!-- Written by scripts/docs.py from the code; change it there. -->\n"


def pages() -> dict[str, str]:
    """Return every reference page by its path below the project."""
    return {"docs/settings.md": settings(), "docs/commands.md": commands(), "docs/routes.md": routes()}


def settings() -> str:
    from privacy.config import SETTINGS

    rows = ([f"`{s.name}`", _default(s.default), s.meaning + (" **Secret.**" if s.secret else "")] for s in SETTINGS)
    return (
        f"# Settings\n\n{_NOTE}\n"
        "Read once at the start; a name or value that is not understood stops it, with the remedy. Later sources win: default, TOML file named by\n"
        "`PRIVACY_CONFIG` (keys are the names below in lower case without `PRIVACY_`), environment. `<NAME>_FILE` names a file with the value.\n"
        "`{state}` stands for `PRIVACY_STATE_DIR`.\n\n" + _table(["setting", "default", "meaning"], rows)
    )


def commands() -> str:
    head = f"# Commands\n\n{_NOTE}\nExit codes: 0 ok, 1 finding or refusal, 2 usage, 3 environment. `--json` prints one JSON document.\n"
    return "\n".join([head, *_command_help()])


def routes() -> str:
    rows = ([route.method, f"`{_shown(route.path)}`", f"`{route.scope}`", route.summary] for route in sorted(all_routes(), key=lambda r: (r.path, r.method)))
    return (
        f"# Routes\n\n{_NOTE}\n"
        "Scope `public` needs no token, `self` any person's session; who holds which scope: [roles.md](roles.md). Errors: [errors.md](errors.md).\n"
        "Bodies, answers and examples: `/docs` and `/openapi.json` of the running service.\n\n" + _table(["method", "path", "scope", "does"], rows)
    )


def all_routes() -> list[Any]:
    """Return the declared routes; no service behind them is touched."""
    from privacy.web.app import create_app, routes_of

    class Anything(SimpleNamespace):
        def __getattr__(self, name: str) -> "Anything":
            return Anything()

        def __call__(self, *_: object, **__: object) -> "Anything":
            return Anything()

    return routes_of(create_app(Anything(), max_bytes=1))


def walk_commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield every command, groups included, by its full name."""
    from privacy.cli import privacy

    yield from _walk(privacy, None, "privacy")


def _walk(command: click.Command, parent: click.Context | None, name: str) -> Iterator[tuple[str, click.Command, click.Context]]:
    context = click.Context(command, parent=parent, info_name=name.split()[-1], terminal_width=110, max_content_width=110)
    yield name, command, context
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            if found := command.get_command(context, child):
                yield from _walk(found, context, f"{name} {child}")


def _command_help() -> Iterator[str]:
    for name, command, context in walk_commands():
        text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
        yield f"## `{name}`\n\n```text\n{text}\n```\n"


def _shown(path: str) -> str:
    return path.replace("<path:", "<").replace("<", "{").replace(">", "}")


def _default(text: str) -> str:
    # the default may be a path on this machine; readers care for its place in the project
    return f"`{text.replace(str(_ROOT), '.')}`" if text else "–"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in lines)


def main() -> None:
    """Write the pages that differ; with `--check` only name them, and exit 1 when there are any."""
    only_look = "--check" in sys.argv[1:]
    stale = {name: text for name, text in pages().items() if not (_ROOT / name).exists() or (_ROOT / name).read_text("utf-8") != text}
    for name, text in stale.items():
        if only_look:
            print(name)
        else:
            (_ROOT / name).write_text(text, "utf-8")
            print(f"wrote {name}", file=sys.stderr)
    sys.exit(bool(stale and only_look))


if __name__ == "__main__":
    main()
