"""The words of `policies/columns.toml` and `policies/values.toml`, read strictly and indexed for matching."""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from privacy.kernel.errors import Misconfigured


class Strength(StrEnum):
    """How much a phrase says by itself; the keys of a category in the file."""

    STRONG = "strong"
    MEDIUM = "medium"
    WEAK = "weak"
    PERSON = "person"
    PART = "part"
    INITIALS = "initials"


_CONTEXT = (
    "person", "person_initials", "public_person", "organisation", "thing", "neutral", "neutral_front", "trailing", "table_words", "kin", "employment",
)  # fmt: skip
# two letters that may be a word of their own inside a run-together name
_PAIRS = frozenset({"id", "no", "ip", "qq", "nm", "dt", "of", "cd"})
# of three letters only these: others turn `support` into `sup port`
_TRIPLES = frozenset({"emp", "usr", "tel", "mob", "pwd", "cus"})

Phrases = Mapping[tuple[str, ...], tuple[str, Strength]]


class Lexicon:
    """Phrases, context words and short forms. Immutable after loading; safe to share between threads."""

    def __init__(self, phrases: Phrases, initials: Mapping[str, str], context: Mapping[str, frozenset[str]], short: Mapping[str, list[str]]) -> None:
        self._phrases = phrases
        self._initials = initials
        self._short = short
        self.context = context
        self.longest = max(map(len, phrases))
        words = {word for phrase in phrases for word in phrase}
        for name in _CONTEXT:
            if name != "person_initials":
                words.update(part for entry in context[name] for part in entry.split())
        self._words = frozenset(word for word in words if word.isascii()) | {"of"}
        self._han = frozenset(word for word in words if not word.isascii())
        self._longest_han = max(map(len, self._han), default=1)
        self.segment = lru_cache(4096)(self._segment)

    @classmethod
    def load(cls, path: Path | str, categories: Collection[str]) -> "Lexicon":
        """Read `columns.toml`. Raises Misconfigured for unknown keys, unknown categories and words that stand for two categories."""
        data = read_toml(Path(path), {"category", "context", "short"})
        phrases: dict[tuple[str, ...], tuple[str, Strength]] = {}
        initials: dict[str, str] = {}
        for category, keys in data["category"].items():
            if category not in categories:
                raise Misconfigured(f"{path}: category.{category}: policies/taxonomy.toml has no such category.")
            for key, entries in keys.items():
                if key not in set(Strength):
                    raise Misconfigured(f"{path}: category.{category}.{key}: unknown key; known are {', '.join(Strength)}.")
                for entry in entries:
                    _add(path, phrases, initials, category, Strength(key), entry)
        if unknown := data["context"].keys() ^ set(_CONTEXT):
            raise Misconfigured(f"{path}: context: needs exactly the keys {', '.join(_CONTEXT)}; look at {', '.join(sorted(unknown))}.")
        context = {name: frozenset(words) for name, words in data["context"].items()}
        short = {word: str(meaning).split() for word, meaning in data["short"].items()}
        return cls(MappingProxyType(phrases), MappingProxyType(initials), MappingProxyType(context), MappingProxyType(short))

    def phrase(self, words: Sequence[str]) -> tuple[str, Strength] | None:
        return self._phrases.get(tuple(words))

    def initials(self, word: str) -> str | None:
        """Return the category that `word` abbreviates (`sjh`, `khsjh`), or None."""
        return self._initials.get(self.core(word))

    def core(self, word: str) -> str:
        """Return `word` without the initials of a person word in front (`khsjh` → `sjh`)."""
        if word in self._initials:
            return word
        for size in (2, 3, 4):
            if word[:size] in self.context["person_initials"] and word[size:] in self._initials:
                return word[size:]
        return word

    def table_initials(self, word: str) -> str:
        """Return the person word at the front of a table's run-together initials (`khxx` → `kh`), else `word` itself."""
        for size in (2, 3):
            if word[:size] in self.context["person_initials"] and word[size:] in self.context["table_words"]:
                return word[:size]
        return word

    def known(self, word: str) -> list[str] | None:
        """Return `word` in the lexicon's spelling (short forms written out, singular), or None when it is unknown."""
        if word in self._short:
            return self._short[word]
        if word in self._words:
            return [word]
        single = _singular(word)
        return [single] if single in self._words else None

    def split_han(self, text: str) -> list[str]:
        """Cut Chinese text into the longest known words; unknown characters stay together."""
        words: list[str] = []
        start = unknown = 0
        while start < len(text):
            size = next((n for n in range(min(self._longest_han, len(text) - start), 0, -1) if text[start : start + n] in self._han), 0)
            if size:
                if unknown < start:
                    words.append(text[unknown:start])
                words.append(text[start : start + size])
                start += size
                unknown = start
            else:
                start += 1
        if unknown < start:
            words.append(text[unknown:start])
        return words

    def _segment(self, word: str) -> list[str] | None:
        """Cut a run-together name (`customeremail`, `shoujihaoma`) into as few known words as possible; None when that leaves a rest."""
        best: list[list[str] | None] = [[], *([None] * len(word))]
        for end in range(2, len(word) + 1):
            for start in range(max(0, end - 16), end - 1):
                piece, before = word[start:end], best[start]
                if before is None or not self._may_stand_inside(piece):
                    continue
                known = self.known(piece)
                if known is not None and (best[end] is None or len(before) + len(known) < len(best[end] or ())):
                    best[end] = before + known
        return best[-1]

    def _may_stand_inside(self, piece: str) -> bool:
        if len(piece) == 2:
            return piece in _PAIRS
        return len(piece) > 3 or piece not in self._short or piece in _TRIPLES


@dataclass(frozen=True, slots=True)
class WordLists:
    """Common names, places and small vocabularies by which values tell what they are; lower case."""

    zh_surnames: frozenset[str]
    zh_given: frozenset[str]
    lists: Mapping[str, frozenset[str]]

    @classmethod
    def load(cls, path: Path | str) -> "WordLists":
        data = read_toml(Path(path), set(_LISTS) | {"zh_surnames", "zh_given"})
        lists = {name: frozenset(word.lower() for word in (data[name].split() if isinstance(data[name], str) else data[name])) for name in _LISTS}
        return cls(frozenset(data["zh_surnames"]), frozenset(data["zh_given"]), MappingProxyType(lists))


_LISTS = (
    "zh_compound_surnames", "en_first_names", "en_last_names", "countries", "country_codes", "regions", "region_codes", "cities", "gender", "marital_status",
    "ethnicity", "religion", "political", "education", "blood_type", "nationality", "job_words", "company_words", "street_words", "zh_address_marks",
)  # fmt: skip


def read_toml(path: Path, keys: Collection[str]) -> dict[str, Any]:
    """Read a TOML file that has exactly these keys at its top."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: cannot be read ({type(error).__name__}). Restore the shipped file or set PRIVACY_POLICIES.") from None
    except tomllib.TOMLDecodeError as error:
        raise Misconfigured(f"{path}: not TOML: {error}") from None
    if wrong := data.keys() ^ set(keys):
        raise Misconfigured(f"{path}: unknown or missing: {', '.join(sorted(wrong))}.")
    return data


def _add(path: Path | str, phrases: dict[tuple[str, ...], tuple[str, Strength]], initials: dict[str, str], category: str, key: Strength, entry: str) -> None:
    if key is Strength.INITIALS:
        taken = initials.setdefault(entry, category)
    else:
        taken, _ = phrases.setdefault(tuple(_units(entry)), (category, key))
    if taken != category:
        raise Misconfigured(f"{path}: category.{category}: a word already stands for {taken}; keep it in one place.")


def _units(entry: str) -> list[str]:
    """Cut a phrase as names are cut: at spaces, hyphens and between scripts (`qq号` → `qq`, `号`)."""
    units: list[str] = []
    for word in entry.replace("-", " ").split():
        unit = ""
        for character in word:
            if unit and unit[-1].isascii() != character.isascii():
                units.append(unit)
                unit = ""
            unit += character
        units.append(unit)
    return units


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word
