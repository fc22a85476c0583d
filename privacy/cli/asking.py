"""Questions at the shell: on standard error and hidden at a terminal; without one, a line of standard input each, so that scripts can answer."""

import sys

import click


def ask(prompt: str, *, hidden: bool = True) -> str:
    """Return the answer. Raises click.UsageError when standard input has ended."""
    if sys.stdin.isatty():
        return str(click.prompt(prompt, hide_input=hidden, err=True))
    line = sys.stdin.readline(65_536)
    if not line:
        raise click.UsageError(f"{prompt}: there is no terminal to ask at and no line left on standard input.")
    return line.rstrip("\r\n")
