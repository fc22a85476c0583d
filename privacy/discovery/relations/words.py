"""The words of `policies/relations.toml`, read strictly and indexed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from privacy.discovery.lexicon import read_toml
from privacy.kernel.errors import Misconfigured

_LISTS = {
    "keys": ("words", "codes", "attributes", "front", "still", "never", "ordinals", "qualifiers"),
    "tables": ("front", "back"),
    "roles": ("self", "peer", "handler", "owner", "receiver", "person", "staff", "employment", "answer", "reference"),
    "polymorphic": ("types",),
}


@dataclass(frozen=True, slots=True)
class RelationWords:
    """Word lists by `section.key`, each word without spaces (`created by` → `createdby`); `concepts` gives the common word of a synonym."""

    lists: Mapping[str, frozenset[str]]
    concepts: Mapping[str, str]
    single: frozenset[str]  # every word of the file by itself

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
        entries = [entry for section in data.values() for words in section.values() for entry in words]
        single = frozenset(singular(word) for entry in entries for word in entry.lower().split())
        return cls(MappingProxyType(lists), MappingProxyType(concepts), single)

    def __getitem__(self, name: str) -> frozenset[str]:
        return self.lists[name]


def joined(words: str) -> str:
    """Return words as names are compared: each in the singular, without spaces."""
    return "".join(singular(word) for word in words.lower().split())


def _words(path: Path | str, where: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
        raise Misconfigured(f"{path}: {where}: must be a list of words.")
    return value


_IE = frozenset({"movie", "cookie", "calorie", "selfie", "rookie", "pie", "tie", "series", "species", "brownie", "genie", "zombie"})
_IRREGULAR = {"people": "person", "children": "child", "men": "man", "women": "woman", "staffs": "staff", "indices": "index", "matrices": "matrix"}


def singular(word: str) -> str:
    """Return an English word in the singular, by its ending alone."""
    if not word.isascii() or len(word) < 4 or word in _IE:
        return _IRREGULAR.get(word, word)
    if word.endswith("ies"):
        return word[:-1] if word[:-1] in _IE else word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")) or (word.endswith("uses") and word[-5:-4] not in "aeo"):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is", "ics")):
        return word[:-1]
    return _IRREGULAR.get(word, word)
