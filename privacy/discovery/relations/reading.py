"""How a column's name or comment may be read: what it refers to, and the kind of key behind that."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from privacy.discovery.relations.naming import Naming
from privacy.discovery.relations.scenes import Part, Scene
from privacy.discovery.relations.words import RelationWords


@dataclass(frozen=True, slots=True)
class Form:
    """One reading of a column: the words of what it refers to, and the kind of key behind them (`key`, `code`, nothing)."""

    words: tuple[str, ...]
    mark: str
    weight: float
    source: str = "name"
    stripped: bool = False  # without the own table's name in front

    @property
    def joined(self) -> str:
        return "".join(self.words)


class ColumnReader:
    """Reads the columns of one schema; `tables` are the names its tables go by, joined."""

    def __init__(self, naming: Naming, words: RelationWords, tables: Collection[str]) -> None:
        self._naming, self._words, self._tables = naming, words, tables

    def bare(self, part: Part) -> str:
        """Return what a key's name names, joined (`customer_id` → `customer`)."""
        forms = [form for form in self._cut(part.short.words, 1.0, "name") if form.mark]
        return forms[0].joined if forms else part.short.joined

    def forms(self, scene: Scene, part: Part) -> Iterator[Form]:
        """Yield the readings of a column: of its name, of that without its table's words, of its comment."""
        seen: set[tuple[tuple[str, ...], str]] = set()
        spellings = [(part.name.words, 1.0, "name")]
        spellings += [(part.short.words, 0.98, "name")] if part.short != part.name else []
        spellings += [(words, 0.97, "own") for words in self._without_own(scene, part.short.words)]
        if self._naming.numbered:  # address_2_id is an address all the same
            spellings += [(tuple(word for word in words if not word.isdigit()), weight * 0.9, kind) for words, weight, kind in list(spellings)]
        spellings += [(part.comment.words, 0.93, "comment")] if 0 < len(part.comment.words) <= 6 else []
        for words, weight, source in spellings:
            for form in self._cut(words, weight, source):
                if form.words and (form.words, form.mark) not in seen:
                    seen.add((form.words, form.mark))
                    yield replace(form, source="name", stripped=True) if source == "own" else form

    def _without_own(self, scene: Scene, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """`post_author` in posts is the author."""
        for size in range(1, len(words)):
            if scene.goes_by("".join(words[:size])) > 0.7 and not self.mark("".join(words[size:])):
                yield words[size:]

    def _cut(self, words: tuple[str, ...], weight: float, source: str) -> Iterator[Form]:
        """Take the key's word off the end and what changes nothing off the front."""
        front = self._words["keys.front"]
        while len(words) > 1 and words[0] in front:
            words = words[1:]
        if not words:
            return
        *rest, last = words
        mark = self.mark(last)
        if mark and rest:
            yield Form(self._fronted(rest), mark, weight, source)
            if last == "uid":
                yield Form((*rest, "user"), "key", weight * 0.9, source)
        elif last == "uid":
            yield Form(("user",), "key", weight * 0.85, source)
        elif not last.isascii():
            stem, mark = self._han_stem(last)
            if stem and mark:
                yield Form(self._fronted([*rest, stem]), mark, weight, source)
        elif glued := self._glued(last):
            yield Form((*rest, glued[0]), glued[1], weight * 0.97, source)
        yield Form(self._fronted(words), "", weight, source)

    def _fronted(self, words: Sequence[str]) -> tuple[str, ...]:
        """Take 所属 and its like off the front of a Chinese word."""
        first = words[0]
        if first.isascii():
            return tuple(words)
        mark = next((mark for mark in self._words["keys.front"] if not mark.isascii() and first.startswith(mark) and first != mark), "")
        return (first.removeprefix(mark), *words[1:])

    def mark(self, word: str) -> str:
        """Return `key` or `code` for a word that marks one, else nothing."""
        return "key" if word in self._words["keys.words"] else "code" if word in self._words["keys.codes"] else ""

    def _han_stem(self, word: str) -> tuple[str, str]:
        for list_, mark in (("keys.words", "key"), ("keys.codes", "code")):
            for end in sorted((end for end in self._words[list_] if not end.isascii()), key=len, reverse=True):
                if word.endswith(end) and word != end:
                    return word.removesuffix(end), mark
        return "", ""

    def _glued(self, word: str) -> tuple[str, str] | None:
        """Cut `customerid` where no other name marks off its parts, if what is left is a table."""
        for list_, mark in (("keys.words", "key"), ("keys.codes", "code")):
            for end in self._words[list_]:
                if end.isascii() and len(end) > 1 and word.endswith(end) and word.removesuffix(end) in self._tables:
                    return word.removesuffix(end), mark
        return None
