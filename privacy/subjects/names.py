"""Whether two names may be one person's. Names never link; they only keep a phone number from linking a family.

What cannot be compared (other scripts, masked or single letters) does not contradict. Limit: a name that was changed contradicts, and goes to a person.
"""

import re
import unicodedata

from privacy.kernel import normalise

_WORD = re.compile(r"[^\W\d_]+")
_MASK = re.compile(r"[*＊×●○]|[xX]{2,}$")
_WIDE = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL"})


def contradict(one: str, other: str) -> bool:
    """Tell whether two names, as written on file, are hardly one person's."""
    first, second = _words(one), _words(other)
    if first == second or not first or not second or _MASK.search(one) or _MASK.search(other) or _scripts(first) != _scripts(second):
        return False
    if _scripts(first) & _WIDE:
        short, long = sorted(("".join(first), "".join(second)), key=len)
        return not (len(short) > 1 and short in long)
    few, many = sorted((first, second), key=len)
    return not all(any(_abbreviates(word, each) for each in many) for word in few)


def _words(name: str) -> list[str]:
    folded = unicodedata.normalize("NFKD", normalise.text(name))
    return _WORD.findall("".join(sign for sign in folded if not unicodedata.combining(sign)))


def _abbreviates(word: str, other: str) -> bool:
    """`j` and `john`, either way round."""
    short, long = sorted((word, other), key=len)
    return short == long or len(short) == 1 and long.startswith(short)


def _scripts(words: list[str]) -> frozenset[str]:
    return frozenset(unicodedata.name(sign, "?").split()[0].partition("-")[0] for word in words for sign in word)
