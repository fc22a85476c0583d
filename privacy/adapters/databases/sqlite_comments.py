"""Comments inside the text of CREATE TABLE (`-- 手机号`, `/* … */`): the only place where an SQLite schema can explain itself."""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""--(?P<line>[^\n]*)|/\*(?P<block>.*?)\*/|(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])|(?P<string>'(?:[^']|'')*')|(?P<open>\()|(?P<close>\))|(?P<comma>,)|(?P<word>[^\s,()'"`\[\]/-]+)|(?P<end>\n)|.""",
    re.DOTALL | re.VERBOSE,
)
_CONSTRAINTS = frozenset({"constraint", "primary", "foreign", "unique", "check"})
_LONGEST = 200_000
_TABLE = "\0table"


def comments(sql: str) -> tuple[dict[str, str], str]:
    """Return comments by lower-case column name, and the table's own comment.

    A comment belongs to the column defined on its line, or else, on a line of its own, to the next column; what stands before the
    first column's line is about the table.
    """
    reader = _Reader()
    for kind, content in _tokens(sql[:_LONGEST]):
        reader.take(kind, content)
    table = reader.found.pop(_TABLE, "")
    return reader.found, table


class _Reader:
    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._owner = _TABLE
        self._waiting = ""
        self._depth = 0
        self._fresh = False  # the next name begins a column

    def take(self, kind: str, content: str) -> None:
        if kind == "comment":
            self._comment(content)
        elif kind == "open":
            self._depth += 1
            self._fresh = self._fresh or self._depth == 1
        elif kind == "close":
            self._depth -= 1
        elif kind == "comma" and self._depth == 1:
            self._fresh = True
        elif kind == "end" and self._fresh:
            # behind a comma the old column still owns the rest of its line, but not the next line
            self._owner = ""
        elif kind == "name" and self._depth == 1 and self._fresh:
            self._fresh = False
            self._owner = "" if content.lower() in _CONSTRAINTS else content.lower()
            if self._waiting and self._owner:
                self.found.setdefault(self._owner, self._waiting)
            self._waiting = ""

    def _comment(self, content: str) -> None:
        if self._owner:
            self.found.setdefault(self._owner, content)
        else:
            self._waiting = content


def _tokens(sql: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup
        if kind in ("line", "block"):
            yield "comment", match[kind].strip(" *\t\r\n-")[:200]
        elif kind == "quoted":
            yield "name", match[0][1:-1].replace('""', '"').replace("``", "`")
        elif kind == "word":
            yield "name", match[0]
        elif kind in ("open", "close", "comma", "end"):
            yield kind, ""
