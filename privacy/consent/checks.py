"""What is refused, by the place of the flaw and with what to do instead: acts that could not be shown to be valid later."""

import re
from datetime import datetime, timedelta

from privacy.consent.model import CHANNELS, EVIDENCE_KINDS, METHODS, NEEDS_EVIDENCE, Giving, Notice, NoticeContent, Withdrawing
from privacy.consent.periods import is_period
from privacy.inventory.catalogue_ports import Contents
from privacy.kernel.errors import Flaw, InvalidInput
from privacy.kernel.terms import SubjectRef

_CLOCK_SKEW = timedelta(minutes=5)
_FIRST_YEAR, _LAST_YEAR = 1990, 2200
_LONGEST_LINE = 512
_LONGEST_TEXT = 100_000
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}")


class Flaws:
    """Collects what is wrong, so that it is mended in one go; texts are ours, never the caller's."""

    def __init__(self) -> None:
        self._found: list[Flaw] = []

    def unless(self, good: object, pointer: str, detail: str) -> None:
        if not good:
            self._found.append(Flaw(pointer, detail))

    def line(self, pointer: str, text: str, *, needed: bool = False) -> None:
        self.unless(text.strip() or not needed, pointer, "This text is needed.")
        fits = len(text) <= _LONGEST_LINE and all(character.isprintable() for character in text) and _encodes(text)
        self.unless(fits, pointer, f"One line of at most {_LONGEST_LINE} characters.")

    def among(self, pointer: str, word: str, known: tuple[str, ...]) -> None:
        self.unless(word in known, pointer, f"Known are {', '.join(known)}.")

    def raise_any(self) -> None:
        if self._found:
            raise InvalidInput(self._found[0].detail, flaws=tuple(self._found))


def check_giving(giving: Giving, contents: Contents, now: datetime) -> None:
    """Refuse a consent whose words are unknown here. The notice is checked by `check_notice_held`, inside the transaction."""
    flaws = Flaws()
    _check_common(flaws, giving, contents, now)
    purpose = contents.purposes.get(giving.purpose)
    flaws.unless(purpose is None or purpose.state == "live", "/purpose", "The purpose is not live: a draft or retired purpose takes no consent.")
    recipient_known = not giving.recipient or giving.recipient in contents.recipients
    flaws.unless(recipient_known, "/recipient", "The recipient is not in the catalogue; add it first (POST /api/v1/recipients).")
    flaws.unless(_LANGUAGE.fullmatch(giving.language), "/language", "The language is the tag of the text that was shown, for example zh.")
    ends = giving.expires_at
    flaws.unless(ends is None or ends > (giving.at or now) and ends.year <= _LAST_YEAR, "/expires_at", f"A consent ends after it begins, by {_LAST_YEAR}.")
    _check_evidence(flaws, giving)
    flaws.raise_any()


def check_withdrawing(withdrawing: Withdrawing, contents: Contents, now: datetime) -> None:
    """Refuse only what would make a withdrawal miss: an unknown purpose. A retired one, or a recipient long gone, is fine."""
    flaws = Flaws()
    _check_common(flaws, withdrawing, contents, now)
    flaws.line("/recipient", withdrawing.recipient)
    flaws.raise_any()


def _check_common(flaws: Flaws, act: Giving | Withdrawing, contents: Contents, now: datetime) -> None:
    check_subject(flaws, "/subject", act.subject)
    known = act.purpose in contents.purposes
    flaws.unless(known, "/purpose", "The purpose is not in the catalogue; `privacy purposes list` shows what is, POST /api/v1/purposes adds one.")
    flaws.unless(act.channel in ("", *CHANNELS), "/channel", f"Known are {', '.join(CHANNELS)}; without a channel all are meant.")
    flaws.among("/method", act.method, METHODS)
    flaws.line("/reference", act.reference)
    flaws.unless(act.at is None or act.at.year >= _FIRST_YEAR, "/at", f"The act lies before {_FIRST_YEAR}.")
    flaws.unless(act.at is None or act.at <= now + _CLOCK_SKEW, "/at", "The act lies in the future; leave `at` out for now.")


def check_subject(flaws: Flaws, pointer: str, subject: SubjectRef) -> None:
    text = str(subject)
    good = all((subject.system, subject.type, subject.key)) and len(text) <= _LONGEST_LINE and text.isprintable() and _encodes(text)
    flaws.unless(good, pointer, "A subject is written system:type:key, for example crm:customer:42.")


def _check_evidence(flaws: Flaws, giving: Giving) -> None:
    evidence = giving.evidence
    needed = giving.method in NEEDS_EVIDENCE
    flaws.unless(evidence or not needed, "/evidence", f"Consent by {' or '.join(NEEDS_EVIDENCE)} needs evidence: the form's or the recording's reference.")
    if evidence:
        flaws.among("/evidence/kind", evidence.kind, EVIDENCE_KINDS)
        flaws.line("/evidence/reference", evidence.reference, needed=True)


def check_notice_held(giving: Giving, notice: Notice | None, superseding: Notice | None, at: datetime) -> Notice:
    """Return the notice the person saw, or refuse: an unknown version, one that was not out yet or was overtaken, one about something else."""
    flaws = Flaws()
    flaws.unless(notice, "/notice_version", "This version of the notice is not published here; GET /api/v1/notices shows which are.")
    flaws.raise_any()
    assert notice is not None
    content = notice.content
    flaws.unless(
        notice.published_at <= at, "/notice_version", "The notice was published after the consent is said to be given; name the version that was shown."
    )
    overtaken = superseding is not None and superseding.published_at <= at
    flaws.unless(not overtaken, "/notice_version", "A later version changed something material before this consent; show the person that one and ask again.")
    flaws.unless(giving.purpose in content.purposes, "/notice", "The notice is not about this purpose; name the one that is.")
    named = not giving.recipient or giving.recipient in content.recipients
    flaws.unless(named, "/recipient", "The notice does not name this recipient, so the person was not told; publish a version that does (PIPL 23).")
    flaws.unless(giving.language in content.texts, "/language", "The notice has no text in this language.")
    flaws.raise_any()
    return notice


def check_content(content: NoticeContent, contents: Contents) -> None:
    """Refuse a notice that leaves out what people must be told (GDPR 13, PIPL 17) or speaks of what the catalogue does not have."""
    flaws = Flaws()
    flaws.unless(_ID.fullmatch(content.id), "/id", "An id is 1 to 64 small letters, digits, dots, dashes or underscores.")
    for pointer, text in (("/scope", content.scope), ("/method", content.method), ("/period", content.period)):
        flaws.line(pointer, text, needed=True)
    flaws.line("/contact", content.contact)
    flaws.unless(not content.valid_for or is_period(content.valid_for), "/valid_for", "A period is written like P2Y (ISO 8601).")
    controller = contents.controllers.get(content.controller)
    flaws.unless(controller, "/controller", "The controller is not in the catalogue; add it first (POST /api/v1/controllers).")
    flaws.unless(content.contact or controller and controller.contact, "/contact", "People must be told whom to contact; give it here or at the controller.")
    _check_purposes(flaws, content, contents)
    flaws.unless(content.categories, "/categories", "A notice names the categories of data it is about.")
    flaws.unless(set(content.recipients) <= contents.recipients.keys(), "/recipients", "A recipient named here is not in the catalogue.")
    _check_texts(flaws, content, controller.languages if controller else ())
    flaws.raise_any()


def _check_purposes(flaws: Flaws, content: NoticeContent, contents: Contents) -> None:
    purposes = [contents.purposes.get(id) for id in content.purposes]
    flaws.unless(purposes, "/purposes", "A notice is about at least one purpose.")
    flaws.unless(all(purposes), "/purposes", "A purpose named here is not in the catalogue; `privacy purposes list` shows what is.")
    same = all(purpose is None or purpose.controller == content.controller for purpose in purposes)
    flaws.unless(same, "/purposes", "A purpose named here belongs to another controller.")


def _check_texts(flaws: Flaws, content: NoticeContent, languages: tuple[str, ...]) -> None:
    flaws.unless(content.texts, "/texts", "A notice has a text in at least one language.")
    served = not languages or any(language in content.texts for language in languages)
    flaws.unless(served, "/texts", "None of the texts is in a language of the controller.")
    for language, text in content.texts.items():
        flaws.unless(_LANGUAGE.fullmatch(language), "/texts", "A text stands under the tag of its language, for example zh.")
        good = text.strip() and len(text) <= _LONGEST_TEXT and "\0" not in text and _encodes(text)
        flaws.unless(good, "/texts", f"A text is 1 to {_LONGEST_TEXT} characters.")


def _encodes(text: str) -> bool:
    # lone surrogates can be neither sealed nor stored
    return not any("\ud800" <= character <= "\udfff" for character in text)
