"""Names of tables and columns as words: camelCase, digits, underscores, Chinese, and run-together names cut by the schema's own words."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from privacy.discovery.relations.words import RelationWords, singular

_TOKEN = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[\u3400-\u9fff]+")
_CLAUSE = re.compile(r"[,，;；。:：(（\[【、|/\n\r\t]| - |--")
_SHORTEST = 3  # letters a word of the schema has inside a run-together name
_LONGEST = 64
_TWO_LETTERS = frozenset({"id", "no", "by", "to", "of", "pk", "fk", "cd", "nr", "sn", "at", "in"})


@dataclass(frozen=True, slots=True)
class Name:
    """A name as words, in lower case and singular; `joined` is all of them together, the form in which names are compared."""

    words: tuple[str, ...]

    @property
    def joined(self) -> str:
        return "".join(self.words)


class Naming:
    """Splits the names of one schema. `segment` cuts run-together words of the language, where the schema's own words do not suffice."""

    def __init__(self, tables: Iterable[str], columns: Iterable[str], words: RelationWords, segment: Callable[[str], Sequence[str] | None]) -> None:
        self._words = words
        tables = list(tables)
        names = [*tables, *columns]
        # where tables differ by a number alone (log_2025, log_2026), numbers are part of names
        self.numbered = len({_digitless(name) for name in tables}) < len(set(tables))
        self._segment = segment
        self._vocabulary = self._learn(names) | {word for word in words.single if word.isascii() and len(word) >= _SHORTEST} | _TWO_LETTERS
        self._read = lru_cache(1 << 16)(self._split)
        self._cut = lru_cache(1 << 16)(self._segmented)

    def name(self, text: str) -> Name:
        """Return a name as words; digits fall away unless they are all there is."""
        return self._read(text)

    def clause(self, comment: str) -> Name:
        """Return the first clause of a comment, where people say what it is."""
        first = next((part.strip() for part in _CLAUSE.split(unicodedata.normalize("NFKC", comment)[:200]) if part.strip()), "")
        return self._read(first)

    def concept(self, word: str) -> str:
        """Return the common word of a synonym (`kehu`, `client` → `customer`), else the word itself."""
        return self._words.concepts.get(word, word)

    def concepts(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the words with each synonym replaced, Chinese ones cut into known things first (订单明细 → order, line)."""
        return tuple(self.concept(part) for word in words for part in self._han(word))

    def _split(self, text: str) -> Name:
        tokens = _TOKEN.findall(unicodedata.normalize("NFKC", text))
        kept = tokens if self.numbered else [token for token in tokens if not token.isdigit()] or tokens
        return Name(tuple(part for token in kept for part in self._parts(token)))

    def _parts(self, token: str) -> Sequence[str]:
        low = token.lower()
        if not low.isascii() or low.isdigit():
            return (low,)
        return tuple(singular(part) for part in self._cut(low))

    def _han(self, word: str) -> Sequence[str]:
        if word.isascii() or word in self._words.concepts:
            return (word,)
        for size in range(len(word) - 1, 0, -1):
            if word[:size] in self._words.concepts:
                return (word[:size], *self._han(word[size:]))
        return (word,)

    # -- run-together names ----------------------------------------------------------------------------------------------------------

    def _learn(self, names: Sequence[str]) -> set[str]:
        """Return the schema's own words: those that are marked off in some name, and what is left of a name when another name is taken from it."""
        marked: Counter[str] = Counter()
        whole: set[str] = set()
        for name in names:
            tokens = [token.lower() for token in _TOKEN.findall(unicodedata.normalize("NFKC", name)) if token.isascii() and not token.isdigit()]
            (marked.update(tokens) if len(tokens) > 1 else whole.update(tokens))
        words = {word for word in marked if len(word) >= _SHORTEST} | {word for word in whole if _SHORTEST <= len(word) <= _LONGEST}
        rest = Counter(part for word in whole if len(word) > 5 for part in _remainders(word, words))
        return words | {part for part, times in rest.items() if times > 1}

    def _segmented(self, token: str) -> tuple[str, ...]:
        if len(token) < 5 or len(token) > _LONGEST or token in self._words.concepts or singular(token) in self._words.concepts:
            return (token,)
        parts = self._by_own_words(token) or tuple(self._segment(token) or ()) or (token,)
        # down to the smallest words, so that a table and a column that names it are cut alike
        return parts if parts == (token,) else tuple(small for part in parts for small in self._cut(part))

    def _by_own_words(self, token: str) -> tuple[str, ...] | None:
        """Cut into as few of the schema's words as possible, the word itself excepted; None when that leaves a rest."""
        best: list[tuple[str, ...] | None] = [(), *([None] * len(token))]
        for end in range(2, len(token) + 1):
            for start in range(end):
                before, piece = best[start], token[start:end]
                if before is None or piece == token or not self._is_word(piece):
                    continue
                current = best[end]
                if current is None or (len(before) + 1, -len(piece)) < (len(current), -len(current[-1])):
                    best[end] = (*before, piece)
        return best[-1]

    def _is_word(self, piece: str) -> bool:
        return piece in self._vocabulary or (len(piece) > _SHORTEST and singular(piece) in self._vocabulary)


def _digitless(name: str) -> str:
    return re.sub(r"[0-9]+", "", name).lower()


def _remainders(word: str, words: set[str]) -> Iterable[str]:
    for cut in range(2, len(word) - 1):
        if word[:cut] in words:
            yield word[cut:]
        if word[cut:] in words:
            yield word[:cut]
