"""Names of people: 李小明 → 李**, 欧阳修 → 欧阳*, 阿卜杜拉·买买提 → 阿***·***, John Smith → J*** S****.

Where a field is known to hold one half of a name, both halves together show what the whole name would: 李 stays, 小明 → **.
"""

import re
import unicodedata

from privacy.masking.fold import clusters, is_han
from privacy.masking.halves import Half, half_of
from privacy.masking.technique import MaskContext, token

_LONGEST_NAME = 80
_MOST_WORDS = 8
_MOST_STARS = 4  # of a long word only this much of its length is told
_DOTS = "·•‧・･∙⋅"
_ANY_DOT = re.compile(f"[{_DOTS}]")
_HAN_BLANK = re.compile(r"(?<=[^\x00-\u2fff]) (?=[^\x00-\u2fff])")
_COMPOUND = frozenset(
    """
        欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 宗政 濮阳 公冶 太叔 申屠
        公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 司寇 巫马 公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁
        拓跋 夹谷 轩辕 令狐 段干 百里 呼延 东郭 南门 羊舌 微生 公户 公玉 公仪 梁丘 公仲 公上 公门 公山 公坚 左丘 公伯
        西门 公祖 第五 公乘 贯丘 公皙 南荣 东里 东宫 仲长 子书 子桑 即墨 达奚 褚师 纳兰 歐陽 東方 獨孤 南宮 聞人
        諸葛 尉遲 赫連 澹臺 濮陽 公孫 長孫 鮮于 司馬 鍾離 軒轅 閭丘
    """.split()
)
_HONORIFICS = tuple(
    """
        先生 女士 小姐 夫人 太太 同学 同志 老师 老師 医生 醫生 大夫 护士 律师 律師 教授 博士 经理 經理 主任 师傅 師傅
        阿姨 叔叔
    """.split()
)
_TITLES = frozenset(
    """
        mr mrs ms miss mx dr prof professor sir dame lord lady rev fr herr frau mme mlle monsieur madame m sr sra srta
        don doña dott ing jr sr. ii iii iv phd md esq
    """.split()
)
_PARTICLES = frozenset("'t af al av bat ben bin bint da das de del dela della den der di do dos du e el i ibn la le ten ter van von y zu zum zur".split())


def name(value: str, context: MaskContext) -> str | None:
    """Keep the surname of a Chinese name (an initial of any other word) and hide the rest; honorifics, which tell sex or rank, are left out."""
    if len(value) > _LONGEST_NAME or not (value.isalpha() or all(map(_belongs, value))):
        return token(context)
    text, half = _close_up(value), half_of(context.field)
    if _ANY_DOT.search(text):
        return _dotted(text, half)
    words = text.split(" ")
    if len(words) > _MOST_WORDS:
        return token(context)
    kept = [word for word in words if not _is_title(word)] or words
    return " ".join(_word(word, position, len(kept), half) for position, word in enumerate(kept))


def is_surname(value: str, context: MaskContext) -> bool:
    """Tell whether `value` is a Chinese surname alone, in a field for surnames: what `name` shows of a whole name, and so of this half."""
    return half_of(context.field) is Half.FAMILY and _is_han_surname(value)


def _is_han_surname(text: str) -> bool:
    return len(text) == 1 and is_han(text) or text in _COMPOUND


def _belongs(character: str) -> bool:
    return character.isalpha() or character in " *-'’.,‐‑" or character in _DOTS or is_han(character) or unicodedata.category(character).startswith("M")


def _close_up(value: str) -> str:
    """Remove the blanks that Chinese forms put between the characters of a name (李　明)."""
    return _HAN_BLANK.sub("", value) if " " in value and not value.isascii() else value


def _dotted(text: str, half: Half) -> str:
    # stars of one length: the parts of transliterated names have telling lengths
    first, *rest = _ANY_DOT.split(text)
    if half is Half.GIVEN and any(map(is_han, text)):
        return "·".join("***" for _ in (first, *rest))
    parts = clusters(first.strip())
    shown = (parts[0] if parts else "*") + ("***" if len(parts) > 1 else "")
    return "·".join([shown, *("***" for _ in rest)])


def _is_title(word: str) -> bool:
    return word.rstrip(".,").lower() in _TITLES and len(word.rstrip(".,")) > 1


def _word(word: str, position: int, count: int, half: Half) -> str:
    if word in _PARTICLES and 0 < position < count - 1 or word in _PARTICLES and count > 1 and position == 0:
        return word
    body = word.rstrip(",")
    comma = "," if body != word else ""
    if body and all(is_han(c) or c == "*" for c in body):
        return _han(body, half) + comma
    return _initial(body) + comma


def _han(text: str, half: Half) -> str:
    if half is Half.FAMILY and _is_han_surname(text):
        return text
    if len(text) > 2 and text.endswith(_HONORIFICS):
        # all of them have two characters; 李女士 names a surname only: one star says that more belongs to it
        text = text[:-2] + ("*" if len(text) == 3 else "")
    if half is Half.GIVEN:
        return "*" * min(len(text), _MOST_STARS)
    if len(text) == 1:
        return "*"
    kept = 2 if text[:2] in _COMPOUND and len(text) > 2 else 1
    return text[:kept] + "*" * min(len(text) - kept, _MOST_STARS)


def _initial(word: str) -> str:
    letters = clusters(word)
    if len(letters) == 2 and letters[1] == ".":
        return letters[0] + "."
    if len(letters) < 2:
        return "*"
    return letters[0] + "*" * min(len(letters) - 1, _MOST_STARS)
