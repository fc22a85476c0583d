"""English words: names after a title, a label or a listed given name, street addresses, postal codes. Without a model; see docs/detection.md for what that means."""

import re
from collections.abc import Iterator

from privacy.discovery.findings import CONTEXT, LABEL, LIST, PATTERN, Finding
from privacy.discovery.gazetteer import GIVEN_NAMES
from privacy.discovery.rules import NA, NB, Recogniser
from privacy.discovery.scene import Scene

_CAP = r"[^\W\d_a-z\u3400-\u9fff][\w'’]*(?:-[^\W\d_a-z\u3400-\u9fff][\w'’]*)*"
_PARTICLE = r"(?:van|von|de|del|della|der|den|di|da|dos|das|du|la|le|bin|binti|ibn|al|el|ter|zu|af|av|y)"
_NAME = rf"{_CAP}\.?(?: (?:{_PARTICLE} ){{0,2}}{_CAP}\.?){{0,3}}"
_TITLES = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Dame|Rev|Hon|Capt|Sgt|Lt|Col|Judge|Senator|Herr|Frau|Mme|Monsieur|Madame|Señor|Señora|Sra|Sr)"
_LABELS = (
    r"(?:(?:full|first|last|family|given|maiden|middle|customer|client|patient|contact|employee|cardholder|account|holder|applicant|recipient|guest|user|my|her|his|the|your|partner's|partner’s)[ \-]){0,2}name(?: in the account)?"
    r"(?: is not correct, please change it to| is|'s|’s| was|:|：|\?| -)|my name's|i am called|signed by|directed by|written by|prepared by|approved by|reported by|sung by|dear|hi|hello|regards,|sincerely,|yours,|cheers,|thanks,|attn:?|attention:|contact:|patient:|customer:|client:|recipient:|user:|sender:|from:|to:|cc:|owner:|author:|manager:|doctor:|nurse:|employee:"
    r"|it's under|is under|on behalf of|speaking with|spoke (?:to|with)|this is|i'm|i’m|i am"
)
# Words that stand capitalised where a name would and are none.
_STOP = frozenset(
    "the a an i it he she we they you this that these those there here what when where why how who which please thank thanks hello hi dear sir madam team all everyone customer client service support sales account bank"
    " monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october november december street avenue road"
    " phone email mail e-mail fax address date time name number card credit debit my your his her our their not no yes ok and or but if in on at for from to of with is are was were be will can could would should do does did"
    " english french german spanish chinese american british european inc ltd llc corp company group university orchestra hotel school hospital street union city new north south east west great united states kingdom"
    " personal info website billing shipping order invoice id ssn url ip re fw subject".split()
)
_WEAK_LABELS = frozenset(("i'm", "i’m", "i am", "this is", "hi", "hello", "to:", "from:", "the name?", "from", "thanks,"))
_STREET = r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Squares|Sq|Terrace|Ter|Way|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Crescent|Close|Alley|Trail|Row|Quay|Walk|Mews|Gardens?|Union|Plaza|Turnpike|Loop|Heights|Hill|Grove|Rue|Via|Calle|Strada|Rua|Avenida)"
_UNIT = r"(?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|Room|Rm|Building|Bldg|Flat|#)\.?\s?#?[0-9A-Za-z\-]{1,8}"
_WORD = r"[^\W\d_a-z\u3400-\u9fff][\w'’.\-]*"
_TOWN = rf"{_WORD}(?: {_WORD}){{0,3}}"


def recognisers(given_names: frozenset[str] = GIVEN_NAMES) -> list[Recogniser]:
    """Return the recognisers that read English words."""
    return [
        Recogniser(frozenset({"PERSON"}), _Names(given_names).find, words=True),
        Recogniser(frozenset({"STREET_ADDRESS"}), _Addresses().find, words=True),
        Recogniser(frozenset({"ZIP_CODE"}), _PostCodes().find, words=True),
    ]


class _Names:
    """Runs of capitalised words: after a title or a label, or beginning with a listed given name."""

    def __init__(self, given_names: frozenset[str]) -> None:
        self._titled = re.compile(rf"\b{_TITLES}\b\.?[ \t]({_NAME})")
        self._labelled = re.compile(rf"(?<![\w'’])((?i:{_LABELS}))[\s\"'“]{{1,6}}({_NAME})")
        self._run = re.compile(rf"(?<![\w@./'’\-])({_NAME})")
        self._given = given_names

    def find(self, scene: Scene) -> Iterator[Finding]:
        if not (scene.english_words or scene.has_latin and scene.capitals) or not scene.capitals:
            return
        text = scene.text
        for match in self._titled.finditer(text):
            yield from self._found(text, match.start(1), match.group(1), 0.85, LABEL)
        for match in self._labelled.finditer(text):
            yield from self._by_label(text, match)
        for match in self._run.finditer(text):
            yield from self._by_list(text, match.start(1), match.group(1))

    def _by_label(self, text: str, match: re.Match[str]) -> Iterator[Finding]:
        if not match.group(2)[0].isupper():
            return
        words = match.group(2).split()
        weak = match.group(1).lower() in _WEAK_LABELS
        if weak and len(words) == 1 and words[0].strip(".").lower() not in self._given:
            return
        yield from self._found(text, match.start(2), match.group(2), 0.7 if weak else 0.8, LABEL)

    def _by_list(self, text: str, start: int, run: str) -> Iterator[Finding]:
        words = run.split()
        for index, word in enumerate(words):
            if _bare(word) in self._given:
                name = " ".join(words[index:])
                yield from self._found(text, start + run.index(name), name, 0.6 if len(words) - index > 1 else 0.5, LIST)
                return

    @staticmethod
    def _found(text: str, start: int, run: str, confidence: float, basis: str) -> Iterator[Finding]:
        """Cut the run before the first word that is no name, and the possessive and full stop after it."""
        words: list[str] = []
        for word in run.split(" "):
            if _bare(word) in _STOP or not (word[0].isupper() or re.fullmatch(_PARTICLE, word)):
                break
            words.append(word)
            if word.endswith(("'s", "’s")) or len(word) > 3 and word.endswith("."):
                break
        while words and re.fullmatch(_PARTICLE, words[-1]):
            words.pop()
        name = re.sub(r"(?:'s|’s|'|’)$|(?<=\w\w)\.$", "", " ".join(words))
        if len(name) > 1:
            yield Finding("PERSON", start, start + len(name), confidence, basis)


def _bare(word: str) -> str:
    return re.sub(r"(?:'s|’s)$", "", word.strip(".").lower())


class _Addresses:
    """A house number, a street word or a unit, then town, state and postal code as far as they follow."""

    def __init__(self) -> None:
        tail = rf"(?:[,\s]{{1,4}}{_UNIT})?(?:[,\s]{{1,4}}{_TOWN}(?=[,\s]{{1,4}}(?:[A-Z]{{2}}\b|{_WORD} [0-9]|[0-9]{{4,5}})))?(?:[,\s]{{1,6}}[A-Z]{{2}}\b)?(?:[,\s]{{1,4}}{_WORD})?(?:[,\s]{{1,4}}[0-9]{{5}}(?:-[0-9]{{4}})?{NA})?"
        number = rf"{NB}[0-9]{{1,6}}[A-Za-z]?(?:-[0-9]{{1,5}})?"
        self._street = re.compile(rf"{number} (?:{_WORD} |[0-9]{{1,3}}(?:st|nd|rd|th)? ){{1,4}}?{_STREET}\b\.?(?: {_STREET}\b)?(?: [NSEW]{{1,2}}\b)?{tail}")
        self._unit = re.compile(rf"{number} (?:{_WORD} ?){{1,4}}(?:[0-9]{{1,5}}[A-Za-z]?\.?)?(?:[,\s]{{1,4}}{_UNIT}){tail}")
        self._box = re.compile(
            rf"\b(?:P\.? ?O\.? Box|PSC|Unit|USS|USNS|USNV|USCGC) [0-9A-Z]{{1,6}}(?:,? Box [0-9]{{1,6}})?(?:[,\s]{{1,3}}(?:APO|FPO|DPO) [A-Z]{{2}} [0-9]{{5}})?{tail}"
        )
        self._label = re.compile(r"(?:address|lives? (?:at|in|on)|located at|moved to|ship to|deliver to|住址|地址)[^0-9]{0,24}$", re.IGNORECASE)

    def find(self, scene: Scene) -> Iterator[Finding]:
        if not (scene.has_digits and scene.english_words and scene.capitals):
            return
        for pattern, confidence in ((self._street, 0.7), (self._unit, 0.65), (self._box, 0.6)):
            for match in pattern.finditer(scene.text):
                labelled = self._label.search(scene.before(match.start()))
                yield Finding(
                    "STREET_ADDRESS",
                    match.start(),
                    match.start() + len(match.group().rstrip(" ,\n")),
                    0.85 if labelled else confidence,
                    CONTEXT if labelled else PATTERN,
                )


class _PostCodes:
    """Postal codes after their label; alone they are any number."""

    def __init__(self) -> None:
        self._pattern = re.compile(
            rf"(?:\b(?:zip|post(?:al)?)(?:[ \-]?code)?(?: is)?|邮编|邮政编码|郵編|郵遞區號)[\s:：=是为]{{1,3}}([0-9]{{3}}(?:[ \-]?[0-9]{{2,4}})?(?:-[0-9]{{4}})?|[A-Z]{{1,2}}[0-9][0-9A-Z]? ?[0-9][A-Z]{{2}}|[0-9]{{5}}-[0-9]{{4}}|[0-9]{{4,6}}){NA}",
            re.IGNORECASE,
        )

    def find(self, scene: Scene) -> Iterator[Finding]:
        if scene.has_digits:
            for match in self._pattern.finditer(scene.text):
                yield Finding("ZIP_CODE", *match.span(1), 0.85, LABEL)
