"""Reading a parsed YAML file strictly: every flaw is collected with its line instead of stopping at the first."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from privacy.kernel.errors import Flaw

_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Marked:
    """A value of a parsed file with the line it stands on; mappings and lists hold further `Marked`."""

    value: object
    line: int


class StrictReader:
    """Walks a document and collects flaws."""

    def __init__(self) -> None:
        self.flaws: list[Flaw] = []

    def mapping(self, entry: Marked, allowed: Collection[str] | None, what: str) -> dict[str, Marked]:
        if not isinstance(entry.value, Mapping):
            self.flaw(entry.line, f"{what} must be a mapping of keys to values")
            return {}
        found = {}
        for key, value in self._pairs(entry.value, what):
            if allowed is not None and key not in allowed:
                self.flaw(value.line, f"unknown key in {what}; known are {', '.join(allowed)}")
            else:
                found[key] = value
        return found

    def _pairs(self, mapping: Mapping[object, object], what: str) -> Iterator[tuple[str, Marked]]:
        for key, value in mapping.items():
            assert isinstance(value, Marked)
            if isinstance(key, str) and 0 < len(key) <= 255:
                yield key, value
            else:
                self.flaw(value.line, f"names in {what} are texts of 1 to 255 characters; put others in quotes")

    def text(self, entry: Marked | None, key: str, line: int) -> str:
        if entry is None:
            return ""
        if not isinstance(entry.value, str) or len(entry.value) > _LONGEST:
            self.flaw(entry.line, f"{key} is a text of at most {_LONGEST} characters")
            return ""
        return entry.value

    def flaw(self, line: int, detail: str) -> None:
        self.flaws.append(Flaw(f"line {line}", detail[0].upper() + detail[1:] + ("" if detail.endswith(".") else ".")))

    def names(self, entry: Marked | None, key: str, line: int) -> tuple[str, ...]:
        """Return a list of texts."""
        items = entry.value if entry is not None and isinstance(entry.value, list) else None
        if items is None or not all(isinstance(item, Marked) and isinstance(item.value, str) and 0 < len(item.value) <= 255 for item in items):
            self.flaw(line if entry is None else entry.line, f"{key} is a list of names")
            return ()
        return tuple(str(item.value) for item in items)

    def yes(self, entry: Marked | None, key: str) -> bool:
        """Return a truth value; a key that is not there is false."""
        if entry is None:
            return False
        if not isinstance(entry.value, bool):
            self.flaw(entry.line, f"{key} is true or false")
            return False
        return entry.value

    def whole(self, entry: Marked | None, key: str) -> int | None:
        """Return a whole number, or None for a key that is not there."""
        if entry is None:
            return None
        if not isinstance(entry.value, int) or isinstance(entry.value, bool):
            self.flaw(entry.line, f"{key} is a number")
            return None
        return entry.value

    def word(self, entry: Marked | None, key: str, allowed: Collection[str], line: int) -> str:
        """Return one of the allowed words, or an empty text after noting the flaw."""
        if entry is None or entry.value not in allowed:
            self.flaw(line if entry is None else entry.line, f"{key} is one of {', '.join(allowed)}")
            return ""
        return str(entry.value)
