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
_ROLES = (
    "attn|attention|contact|patient|customer|client|recipient|user|sender|from|to|cc|owner|author|manager|doctor|nurse|employee|when calling"
    "|tenant|landlord|witness|insured|policyholder|beneficiary|claimant|defendant|plaintiff|applicant|signed|signature|borrower|guarantor|assigned to"
    "|assignee|supervisor|caller|passenger|guardian|spouse|next of kin|emergency contact|contact person|physician|surgeon|therapist|attendees"
    "|participants|prepared for|requested by|card ?holder|bcc"
)
_LABELS = (
    rf"{_WHOSE}name(?: in the account)?(?: is not correct, please change it to| is|'s|’s| was|:|\?| -)?"
    r"|i am called|(?:signed|directed|written|prepared|approved|reported|sung) by"
    rf"|dear|(?:regards|sincerely|yours|cheers|thanks|faithfully|truly|respectfully|wishes),|(?:{_ROLES}):|under|on behalf of|(?:speaking|spoke) (?:to|with)"
)
_SIGN_OFFS = ("best,", "love,", "--", "thx,")  # only where the name stands on the line below
# said of companies and programs as well
_WEAK_ROLES = (
    "buyer|seller|lender|reporter|reviewer|visitor|guest|driver|student|teacher|parent|candidate|operator|agent"
    "|member|payee|payer|consignee|resident|bill to|ship to|sold to|reported by|account holder"
)
_WEAK_LABELS = rf"i'm|i’m|i am|this is|hi|hello|(?:{_WEAK_ROLES}):"
# How the text before a name must end for a label to be possible: settles nearly every name with one comparison.
_ENDINGS = ("name", " is", "'s", "’s", " was", ":", "?", " -", "called", " by", "dear", ",", "under", " of", " to", " with", "'m", "’m", " am", "hi", "hello")
# A role without a colon: some are said of people only, behind the others a listed name must follow (Customer Success is nobody).
_ROLES_OF_PEOPLE = frozenset("cardholder nurse officer detective inspector claimant".split())
_ROLE_WORDS = _ROLES_OF_PEOPLE | frozenset("customer client tenant employee defendant plaintiff witness passenger applicant".split())
# Words that make a title of a thing: behind a label they are no name (Owner: Platform Team, Patient Portal, User Guide).
_ORDINARY = frozenset(
    "portal guide interface form forms safety success care services handbook release manual policy satisfaction survey experience relations management accounts"
    " data list records record history information center centre agreement rights story stories session settings"
    " profile role table input error testing research"
    " acquisition backlog unknown tbd tba none required optional pending finance platform world us sir madam staff department dept office operations"
    " engineering marketing legal hr security compliance procurement logistics admin administrator administration system systems helpdesk desk board committee"
    " council ministry agency association society institute college practitioner training program programme protection journey journeys feedback reviews review"
    " onboarding retention engagement loyalty rewards id ids zero trust architecture first last guide group groups manager managers director yes no"
    " advocate advocates representative representatives dashboard page pages report reports request requests notice notes insights base value lifetime"
    " identity access authentication login logs interaction design flow acceptance education benefits assistance outcomes intake full time statement"
    " everybody folks guys friends colleagues members partners readers valued there again sales reception warehouse dispatch headquarters".split()
)
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
        self._writes = re.compile(r" (?:<|\()[^\s@<>]{1,64}@|(?: <[^<>\n]{1,80}>)? wrote:")
        self._comma_given = re.compile(rf", ({_CAP}(?: {_UPPER}[\w'’\-]*\.?)?)(?= *(?:$|[\n;|(]|, |  ))")
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
                trigger = self._led_by(bare) or (self._trigger(scene, position) if first else trigger)
                begins = bool(word) and bare not in _STOP and bare not in _TITLES | _GREETINGS | _ROLE_WORDS
                if begins:
                    words, start = [word], position
                first = bare in _STOP and bare not in _ROLE_WORDS
            elif not word or bare in _STOP or not (word[0].isupper() or word in _PARTICLES):
                yield from self._judge(scene, start, words, trigger)
                words, trigger = [], ""
            else:
                words.append(word)
            if words and _ends_a_name(words[-1]):
                yield from self._judge(scene, start, words, trigger)
                words, trigger = [], ""
            position += len(word) + 1

    @staticmethod
    def _led_by(bare: str) -> str:
        return "title" if bare in _TITLES else "label" if bare in _GREETINGS else "weak" if bare in _ROLES_OF_PEOPLE else "role" if bare in _ROLE_WORDS else ""

    def _trigger(self, scene: Scene, start: int) -> str:
        """Return what stands directly before: `label`, `weak` (true of more than names) or nothing."""
        before = scene.text[max(0, start - 60) : start]
        stripped = before.rstrip(" \t\r\n\"'“‘(").lower()
        below = "\n" in before[len(stripped) :]
        if below and stripped.endswith(_SIGN_OFFS):
            return "weak" if stripped.endswith("--") else "label"
        if len(stripped) == len(before) or not stripped.endswith(_ENDINGS):
            return ""
        match = self._label.search(stripped)
        if not match:
            return ""
        return "label" if match.group(1) else "weak"

    def _judge(self, scene: Scene, start: int, words: list[str], trigger: str) -> Iterator[Finding]:
        while words and words[-1] in _PARTICLES:
            words.pop()
        known = next((i for i, word in enumerate(words) if _bare(word) in self._given), None)
        ordinary = known != 0 and any(_bare(word) in _ORDINARY for word in words)
        end = start + len(" ".join(words))
        if trigger == "title":
            yield from _name(start, words, 0.85, LABEL)
        elif trigger in ("label", "role", "weak") and ordinary:
            return
        elif trigger == "label":
            given = self._given_behind(scene, start, end, words)
            yield from _name(start, words, 0.8, LABEL, given)
        elif len(words) in (2, 3, 4) and not ordinary and self._writes.match(scene.text, end):
            yield from _name(start, words, 0.8, LABEL)
        elif known == 0 and trigger == "role" or trigger == "weak" and (len(words) > 1 or known == 0):
            yield from _name(start, words, 0.7, LABEL)
        elif known is not None:
            start += sum(len(word) + 1 for word in words[:known])
            yield from _name(start, words[known:], 0.6 if len(words) - known > 1 else 0.5, LIST)

    def _given_behind(self, scene: Scene, start: int, end: int, words: list[str]) -> str:
        """In a form the family name may come first (Name: Okonkwo, Chidi): then what stands behind the comma, to the end of the entry, belongs to it."""
        family = [word for word in words if word.lower() not in _PARTICLES]
        behind = self._comma_given.match(scene.text, end)
        in_form = scene.text[max(0, start - 3) : start].rstrip().endswith(":")
        if not in_form or not behind or len(family) != 1:
            return ""
        given = behind.group(1).split(" ")
        return "" if any(_bare(word) in _STOP | _ORDINARY for word in given) else behind.group(0)


def _name(start: int, words: list[str], confidence: float, basis: str, behind: str = "") -> Iterator[Finding]:
    name = re.sub(r"(?:'s|’s|'|’)$|(?<=\w\w)\.$", "", " ".join(words)) + behind
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
