"""Read JSON Lines as a stream: one object a line, errors by line number, never by content."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be used, and why."""

    number: int
    detail: str


def read_objects(stream: IO[bytes]) -> Iterator[tuple[int, dict[str, Any] | BadLine]]:
    """Yield every non-empty line with its number, as an object or as what is wrong with it."""
    for number, line in enumerate(stream, start=1):
        content = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if content.strip():
            yield number, _read(number, content)


def _read(number: int, line: bytes) -> dict[str, Any] | BadLine:
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return BadLine(number, "is not UTF-8; convert the file first")
    except json.JSONDecodeError as error:
        return BadLine(number, f"is not JSON (column {error.colno}); write one JSON object a line")
    except (RecursionError, ValueError):
        return BadLine(number, "is JSON this program cannot read: nested too deeply, or a number too long")
    return value if isinstance(value, dict) else BadLine(number, "is JSON but not an object")
