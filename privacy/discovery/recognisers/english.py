"""English words: names after a title, a label or a listed given name, and postal codes after their label.

Without a model; docs/detection.md says what that means.
"""

import re
from collections.abc import Iterator

from privacy.discovery.findings import LABEL, LIST, Finding
from privacy.discovery.gazetteer import GIVEN_NAMES
from privacy.discovery.rules import NA, Recogniser
from privacy.discovery.scene import Scene

_UPPER = "[^\\W\\d_a-z\u3400-\u9fff]"  # a letter that is not a small ASCII one; capitals of other alphabets are told by str.isupper
_CAP = rf"{_UPPER}[\w'’]*(?:-{_UPPER}[\w'’]*)*"
_PARTICLES = frozenset("van von de del della der den di da do dos das du la le bin binti ibn al el ter zu af av y".split())
_PARTICLE = f"(?:{'|'.join(sorted(_PARTICLES))})"
_TITLES = frozenset(
    "mr mrs ms miss mx dr prof professor sir dame rev hon capt sgt lt col judge senator herr frau mme monsieur madame señor señora sra sr".split()
)
_GREETINGS = frozenset("dear hi hello regards sincerely cheers attn attention contact patient user".split())
_WHOSE = (
    r"(?:(?:full|first|last|family|given|maiden|middle|customer|client|patient|contact|employee|cardholder|account|holder|applicant|recipient"
    r"|guest|user|my|her|his|the|your|partner's|partner’s)[ \-]){0,2}"
)
_ROLES = "attn|attention|contact|patient|customer|client|recipient|user|sender|from|to|cc|owner|author|manager|doctor|nurse|employee|when calling"
_LABELS = (
    rf"{_WHOSE}name(?: in the account)?(?: is not correct, please change it to| is|'s|’s| was|:|\?| -)?"
    r"|i am called|(?:signed|directed|written|prepared|approved|reported|sung) by"
    rf"|dear|(?:regards|sincerely|yours|cheers|thanks),|(?:{_ROLES}):|under|on behalf of|(?:speaking|spoke) (?:to|with)"
)
_WEAK_LABELS = r"i'm|i’m|i am|this is|hi|hello"
# How the text before a name must end for a label to be possible: settles nearly every name with one comparison.
_ENDINGS = ("name", " is", "'s", "’s", " was", ":", "?", " -", "called", " by", "dear", ",", "under", " of", " to", " with", "'m", "’m", " am", "hi", "hello")
# Words that stand capitalised where a name would and are none.
_STOP = frozenset(
    "the a an i i'm i’m it he she we they you this that these those there here what when where why how who which please thank thanks team all everyone"
    " customer client service support sales account bank monday tuesday wednesday thursday friday saturday sunday january february march april may june"
    " july august september october november december street avenue road phone email mail e-mail fax address date time name number card credit debit my"
    " your his her our their not no yes ok and or but if in on at for from to of with is are was were be will can could would should do does did english"
    " french german spanish chinese american british european inc ltd llc corp company group university orchestra hotel school hospital union city new"
    " north south east west great united states kingdom personal info dob mrn sent tel website billing"
    " shipping order invoice id ssn url ip re fw subject".split()
)


def recognisers(given_names: frozenset[str] = GIVEN_NAMES) -> list[Recogniser]:
    """Return the recognisers that read English words."""
    return [
        Recogniser(frozenset({"PERSON"}), _Names(given_names).find, words=True),
        Recogniser(frozenset({"ZIP_CODE"}), _PostCodes().find, words=True, digits=3),
    ]


class _Names:
    """Runs of capitalised words: after a title or a label, or beginning with a listed given name."""

    def __init__(self, given_names: frozenset[str]) -> None:
        # the lookbehind stands after the first letter, so that the engine can search for that letter
        self._run = re.compile(
            rf"{_UPPER}(?<![^\W\u3400-\u9fff]{_UPPER})(?<![@./'’\-]{_UPPER})[\w'’]*(?:-{_UPPER}[\w'’]*)*\.?(?: (?:{_PARTICLE} ){{0,2}}{_CAP}\.?){{0,4}}"
        )
        self._label = re.compile(rf"(?<![\w'’])(?:({_LABELS})|{_WEAK_LABELS})$")
        self._given = given_names

    def find(self, scene: Scene) -> Iterator[Finding]:
        if not (scene.english_words and scene.capitals):
            return
        for match in self._run.finditer(scene.text):
            if match.group()[0].isupper():
                yield from self._in_run(scene, match.start(), match.group())

    def _in_run(self, scene: Scene, start: int, run: str) -> Iterator[Finding]:
        """Read a run word by word; a full stop after a word that is no title or initial begins a new name."""
        trigger, words, position = "", list[str](), start
        first = True
        for word in [*run.split(" "), ""]:
            bare = _bare(word)
            if not words:
                trigger = "title" if bare in _TITLES else "label" if bare in _GREETINGS else self._trigger(scene, position) if first else trigger
                begins = bool(word) and bare not in _STOP and bare not in _TITLES and bare not in _GREETINGS
                if begins:
                    words, start = [word], position
                first = bare in _STOP
            elif not word or bare in _STOP or not (word[0].isupper() or word in _PARTICLES):
                yield from self._judge(start, words, trigger)
                words, trigger = [], ""
            else:
                words.append(word)
            if words and _ends_a_name(words[-1]):
                yield from self._judge(start, words, trigger)
                words, trigger = [], ""
            position += len(word) + 1

    def _trigger(self, scene: Scene, start: int) -> str:
        """Return what stands directly before: `label`, `weak` (true of more than names) or nothing."""
        before = scene.text[max(0, start - 60) : start]
        stripped = before.rstrip(" \t\r\n\"'“‘(").lower()
        if len(stripped) == len(before) or not stripped.endswith(_ENDINGS):
            return ""
        match = self._label.search(stripped)
        if not match:
            return ""
        return "label" if match.group(1) else "weak"

    def _judge(self, start: int, words: list[str], trigger: str) -> Iterator[Finding]:
        while words and words[-1] in _PARTICLES:
            words.pop()
        known = next((i for i, word in enumerate(words) if _bare(word) in self._given), None)
        if trigger in ("title", "label"):
            yield from _name(start, words, 0.85 if trigger == "title" else 0.8, LABEL)
        elif trigger == "weak" and (len(words) > 1 or known == 0):
            yield from _name(start, words, 0.7, LABEL)
        elif known is not None:
            start += sum(len(word) + 1 for word in words[:known])
            yield from _name(start, words[known:], 0.6 if len(words) - known > 1 else 0.5, LIST)


def _name(start: int, words: list[str], confidence: float, basis: str) -> Iterator[Finding]:
    name = re.sub(r"(?:'s|’s|'|’)$|(?<=\w\w)\.$", "", " ".join(words))
    if len(name) > 1:
        yield Finding("PERSON", start, start + len(name), confidence, basis)


def _ends_a_name(word: str) -> bool:
    """A possessive, or the full stop of a sentence rather than of an initial."""
    return word.endswith(("'s", "’s")) or (len(word) > 3 and word.endswith("."))


def _bare(word: str) -> str:
    return word.strip(".").lower().removesuffix("'s").removesuffix("’s")


class _PostCodes:
    """Postal codes after their label; alone they are any number."""

    def __init__(self) -> None:
        label = r"(?:\b(?:zip|post(?:al)?)(?:[ \-]?code)?(?: is)?[\s:：=]{1,3}|(?:邮编|邮政编码|郵編|郵遞區號)[\s:：=是为]{0,3})"
        code = r"[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}|[0-9]{5}-[0-9]{4}|[0-9]{4,6}|[0-9]{3}(?:[ \-]?[0-9]{2,4})?(?:-[0-9]{4})?"
        self._pattern = re.compile(rf"{label}({code}){NA}(?![ \-][0-9])|{label}({code}){NA}", re.IGNORECASE)

    def find(self, scene: Scene) -> Iterator[Finding]:
        if any(word in scene.lower for word in ("zip", "post", "邮", "郵")):
            for match in self._pattern.finditer(scene.text):
                yield Finding("ZIP_CODE", *match.span(match.lastindex or 0), 0.85, LABEL)
