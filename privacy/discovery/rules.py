"""A rule as data: a shape, an optional check, the words that raise or lower it. Most recognisers are rows of this kind."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from privacy.discovery.findings import CHECKSUM, CONTEXT, PATTERN, Finding
from privacy.discovery.scene import Scene
from privacy.discovery.validators import compact

# ASCII boundaries, never \b: a Chinese character is a word character and may stand directly beside a number.
NB = r"(?<![0-9A-Za-z])"
NA = r"(?![0-9A-Za-z])"
HAN = "[\u3400-\u9fff\uf900-\ufaff]"
SUSPECT = 0.3  # what is left of a number that is labelled as something else

# Labels of numbers that are nobody's: directly before a number they outweigh its shape.
_DECOYS = (
    r"(?:订单|訂單|单|單|运单|快递|物流|流水|交易|合同|发票|批次|物料|产品|商品|设备|工单|案件|项目|凭证|票据|文件|型|货|批|期|版本|序列|证书|账单)(?:编)?(?:号|號|码|碼)(?:码)?"
    r"|编号|編號|版本|条形?码|(?:金额|价格|总计|数量)"
    r"|\b(?:order|tracking|invoice|ticket|serial|batch|version|sku|part|item|product|case|ref(?:erence)?|transaction|isbn|barcode|ean|contract|model|build)"
    r"(?:\s*(?:number|no\.?|id|code|#))?"
)


def either(words: str) -> str:
    """Return the alternation of the words of a list, the longest first, so that the longer of two is taken."""
    return "(?:" + "|".join(sorted(words.split(), key=len, reverse=True)) + ")"


@dataclass(frozen=True, slots=True)
class Recogniser:
    """What it may report, how it looks, and whether it reads words (names, addresses, dates) or values that stand for themselves."""

    entities: frozenset[str]
    find: Callable[[Scene], Iterable[Finding]]
    words: bool = False
    digits: int = 0  # not asked where fewer digits than this stand together
    needs: str = ""  # nor where this is not in the text
    han: bool = False  # nor where nothing is Chinese

    def applies(self, scene: Scene) -> bool:
        """Can there be anything in this scene? Cheap: most rules are settled here."""
        return self.digits <= scene.most_digits and (not self.han or scene.has_han) and (not self.needs or self.needs in scene.text)


@dataclass(frozen=True, slots=True)
class Row:
    """One rule. `confidence` holds for the shape alone, `raised` with a word of `near` in the 40 characters before, `proven` when `check` passes.

    A failing `check` kills the match. Without `proven` the check is necessary but proves nothing. `digits` and `needs` say what must be in the
    text before the pattern is tried at all. `wary` rows are lowered when a decoy label (order number, …) stands directly before.
    """

    entity: str
    pattern: str
    confidence: float = 0.5
    near: str = ""
    raised: float = 0.85
    check: Callable[[str], bool] | None = None
    proven: float = 0.0
    digits: int = 0
    needs: str = ""
    wary: bool = False
    han: bool = False


class Decoys:
    """Recognises a label that says a number is an order, a version, an amount."""

    def __init__(self) -> None:
        self._pattern = re.compile(rf"(?:{_DECOYS})[\s:：#.\-是为為（(]{{0,4}}$", re.IGNORECASE)

    def stand_before(self, scene: Scene, start: int) -> bool:
        return self._pattern.search(scene.before(start, 24)) is not None


class PatternRule:
    """A compiled `Row`."""

    __slots__ = ("_check", "_decoys", "_near", "_pattern", "_row")

    def __init__(self, row: Row, decoys: Decoys) -> None:
        self._row = row
        self._pattern = re.compile(row.pattern)
        self._near = re.compile(row.near, re.IGNORECASE) if row.near else None
        self._check = row.check
        self._decoys = decoys

    def recogniser(self) -> Recogniser:
        return Recogniser(frozenset({self._row.entity}), self.find, digits=self._row.digits, needs=self._row.needs, han=self._row.han)

    def find(self, scene: Scene) -> Iterator[Finding]:
        row = self._row
        windows = scene.windows(row.digits) if row.digits else [(0, len(scene.text))]
        for low, high in windows:
            yield from self._search(scene, low, high)

    def _search(self, scene: Scene, low: int, high: int) -> Iterator[Finding]:
        match = self._pattern.search(scene.text, low, high)
        while match:
            found = self._judge(scene, match)
            if found:
                yield found
            # A refused match may hide a good one that begins inside it ("No 3 110105…").
            match = self._pattern.search(scene.text, match.end() if found else match.start() + 1, high)

    def _judge(self, scene: Scene, match: re.Match[str]) -> Finding | None:
        row, (start, end) = self._row, match.span()
        if self._check and not self._check(compact(match.group())):
            return None
        if row.wary and self._decoys.stand_before(scene, start):
            return Finding(row.entity, start, end, SUSPECT, PATTERN)
        if row.proven:
            return Finding(row.entity, start, end, row.proven, CHECKSUM)
        if self._near and self._near.search(scene.before(start)):
            return Finding(row.entity, start, end, row.raised, CONTEXT)
        return Finding(row.entity, start, end, row.confidence, PATTERN)


def compiled(rows: Iterable[Row], decoys: Decoys) -> list[Recogniser]:
    """Compile rows into recognisers."""
    return [PatternRule(row, decoys).recogniser() for row in rows]
