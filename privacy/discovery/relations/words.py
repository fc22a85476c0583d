"""The words of `policies/relations.toml`, read strictly and indexed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from privacy.discovery.lexicon import read_toml
from privacy.kernel.errors import Misconfigured

_LISTS = {
    "keys": ("words", "codes", "attributes", "front", "still", "never", "ordinals"),
    "tables": ("front", "back"),
    "roles": ("self", "handler", "owner", "receiver", "person", "staff", "employment", "answer", "reference"),
    "polymorphic": ("types",),
}


@dataclass(frozen=True, slots=True)
class RelationWords:
    """Word lists by `section.key`, each word without spaces (`created by` → `createdby`); `concepts` gives the common word of a synonym."""

    lists: Mapping[str, frozenset[str]]
    concepts: Mapping[str, str]

    @classmethod
    def load(cls, path: Path | str) -> "RelationWords":
        """Read `relations.toml`. Raises Misconfigured for unknown or missing keys and for what is no list of words."""
        data = read_toml(Path(path), {*_LISTS, "concepts"})
        lists: dict[str, frozenset[str]] = {}
        for section, keys in _LISTS.items():
            if wrong := set(data[section]) ^ set(keys):
                raise Misconfigured(f"{path}: {section}: unknown or missing: {', '.join(sorted(wrong))}.")
            for key in keys:
                lists[f"{section}.{key}"] = frozenset(joined(word) for word in _words(path, f"{section}.{key}", data[section][key]))
        concepts: dict[str, str] = {}
        for concept, words in data["concepts"].items():
            for word in _words(path, f"concepts.{concept}", words):
                concepts.setdefault(joined(word), concept)
        return cls(MappingProxyType(lists), MappingProxyType(concepts))

    def __getitem__(self, name: str) -> frozenset[str]:
        return self.lists[name]

    def every(self) -> frozenset[str]:
        """Return every word of the file."""
        return frozenset(self.concepts).union(*self.lists.values())


def joined(word: str) -> str:
    return word.replace(" ", "").lower()


def _words(path: Path | str, where: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise Misconfigured(f"{path}: {where}: must be a list of words.")
    return value
