"""The port for recognizers that are not ours (Presidio's): asked only when a cheap gate of theirs is open, so that their library stays unloaded otherwise."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from privacy.discovery.findings import Finding


@dataclass(frozen=True, slots=True)
class Gate:
    """When to ask for `entity`: `shape` matches the text and, unless empty, `context` matches it too. Regular expressions, case ignored."""

    entity: str
    shape: str
    context: str = ""
    region: str = ""  # asked only where this region is on; empty: everywhere


class Recognisers(Protocol):
    """Recognizers of another library."""

    def gates(self) -> tuple[Gate, ...]:
        """Return what can be found here, without loading anything."""

    def find(self, text: str, entities: frozenset[str]) -> Iterable[Finding]:
        """Look for `entities` in `text`. Thread-safe; offsets in code points of `text`; never touches the network."""
