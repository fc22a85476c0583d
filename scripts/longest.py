"""Prints the tail of the code base: longest functions and files, widest fan-outs, comments and tests per line. Nothing here fails."""

import ast
import io
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Source:
    """One file: which of its lines hold code (neither blank, comment nor docstring), and what it imports of ours."""

    path: str
    tree: ast.Module
    code: frozenset[int]
    comments: int

    def length(self, node: ast.AST) -> int:
        first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", 0)
        return sum(first <= line <= last for line in self.code)

    @property
    def fan_out(self) -> int:
        imported = {name for node in ast.walk(self.tree) for name in _imported(node) if name.startswith("privacy.")}
        return len(imported)


def main() -> None:
    product, tests = list(_sources("privacy")), list(_sources("tests"))
    functions = sorted(_functions(product), reverse=True)
    lengths = sorted(length for length, _ in functions) or [0]
    lines, test_lines = (sum(len(source.code) for source in sources) for sources in (product, tests))
    _print("longest functions", functions[:6])
    _print("longest files", sorted(((len(s.code), s.path) for s in product), reverse=True)[:6])
    _print("widest fan-outs", sorted(((s.fan_out, s.path) for s in product), reverse=True)[:4])
    quantile = {share: lengths[min(len(lengths) - 1, len(lengths) * share // 100)] for share in (50, 90, 99)}
    comments = 100 * sum(source.comments for source in product) / max(1, lines)
    print(f"{lines} lines of code in {len(product)} files, {test_lines} lines of tests; comments {comments:.1f} per 100 lines;")
    print(f"functions: median {quantile[50]}, nine in ten up to {quantile[90]}, 99 in 100 up to {quantile[99]}, longest {lengths[-1]}")


def _sources(folder: str) -> Iterator[Source]:
    for path in sorted((_ROOT / folder).rglob("*.py")):
        text = path.read_text("utf-8")
        try:
            tree = ast.parse(text)
        except SyntaxError:
            print(f"does not parse: {path.relative_to(_ROOT)}", file=sys.stderr)
            continue
        code, comments = _lines(text, _docstring_lines(tree))
        yield Source(str(path.relative_to(_ROOT)), tree, code, comments)


def _lines(text: str, docstrings: frozenset[int]) -> tuple[frozenset[int], int]:
    code: set[int] = set()
    comments = 0
    quiet = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comments += "noqa" not in token.string and "type: ignore" not in token.string
        elif token.type not in quiet:
            code.update(range(token.start[0], token.end[0] + 1))
    return frozenset(code - docstrings), comments


def _docstring_lines(tree: ast.Module) -> frozenset[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            lines.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return frozenset(lines)


def _functions(sources: list[Source]) -> Iterator[tuple[int, str]]:
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield source.length(node), f"{source.path}:{node.lineno} {node.name}"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def _print(title: str, rows: list[tuple[int, str]]) -> None:
    print(f"{title}:")
    for number, what in rows:
        print(f"  {number:4}  {what}")


if __name__ == "__main__":
    main()
