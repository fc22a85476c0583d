"""Proof that the request comes from whom it is about: recognise one person, send a one-time code to a contact on file, or attest what people saw.

Guarantees: nothing goes on for several people, a shared value or a name alone; a code goes to a contact that a record matched by the given identifiers
holds and nobody shares, and proves the records that hold that contact alone (and what people linked to them): what else was reached is left out of
plans and packages until it is proven itself; it is kept as a keyed digest, lives a quarter of an hour, and dies of five wrong attempts, of its
use, and of the next code. One answer for wrong, expired, used and missing codes.
"""

import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from privacy.actors.people import require
from privacy.audit.events import Action, Event, Outcome
from privacy.kernel.errors import AccessDenied, Conflict, InvalidInput, PrivacyError, StepUpRequired, TooManyAttempts
from privacy.kernel.ids import new_id
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.store import Tx
from privacy.kernel.terms import Actor, SubjectRef
from privacy.rights.cases import Cases, Change, Telling
from privacy.rights.model import Code, CodeState, Reached, Request
from privacy.rights.ports import Message, Messenger, Subjects
from privacy.rights.sealing import Lookups
from privacy.rights.states import Act
from privacy.subjects.model import Contact, Identifier, IdentifierKind, Match, Reach, Resolution

ATTESTATIONS = ("id_document", "in_person", "signed_in", "known_contact", "notarised", "court_order")
CHANNELS = {IdentifierKind.EMAIL: "email", IdentifierKind.PHONE: "phone"}
_REMEDIES = {
    "several_people": "The identifiers lead to different people. Ask which of them are theirs and take in a request with those alone.",
    "shared": "The identifier is shared by several people (a switchboard, a household). Ask for another (POST …/identifiers): an e-mail address, a phone of "
    "their own, a resident id, or a login with its system.",
    "organisation": "The identifier is an organisation's. Ask the person for one of their own (POST …/identifiers).",
    "weak": "A name, another's field, or a row about a person tells nobody. Ask for a strong identifier (POST …/identifiers): e-mail address, phone, "
    "resident id, login or member card; or look at the review list (`privacy subjects review list`) and give the reference of whom it is (kind `subject`).",
    "contradicting": "The identifier agrees, but other facts of the record do not; look at the review list (`privacy subjects review list`).",
    "unconfirmed": "Identifiers may lie in fields nobody has confirmed yet; confirm them in the data map and try again.",
    "unreachable": "A connected system does not answer, so it is not known who it is. Try again when it does.",
    "not_found": "Nobody in the connected systems has these identifiers. Ask for others (POST …/identifiers), or close the request as nothing_held.",
    "unproven": "The proof covers none of the records that were found. Ask for proof again (POST …/identifiers, then POST …/identity), or attest naming them.",
    "changed": "Since identity was proven another record of the same kind has come to hold these identifiers. Verify again: POST …/identifiers with what the "
    "person gave puts a verified request back; one that was planned already is withdrawn and taken in anew.",
    "found": "The identifiers lead to somebody: check the identity (POST …/identity).",
    "no_contact": "There is no contact on file, of the person's own, that a code can be sent to. Check the identity another way and attest it (POST …/verify).",
}
_SAYING_NOTHING = {  # what to do about a doubt before anybody says that nothing is held
    "several_people": "The identifiers lead to different people; take in a request with those alone that are theirs.",
    "shared": "A value is shared by several people, one of whom this may be. Ask for another identifier (POST …/identifiers).",
    "organisation": "A value is an organisation's on file. Ask the person for one of their own (POST …/identifiers).",
    "contradicting": "A record agrees in part. Look at the review list (`privacy subjects review list`); if it is theirs, add its reference (kind `subject`).",
    "weak": "A name, or another's field, agrees. Look at the review list (`privacy subjects review list`): if it is theirs, add its reference "
    "(kind `subject`); if that cannot be told, refuse as identity_not_proven.",
    "unconfirmed": "A value stands, or may stand, where nobody has confirmed the field or whom the rows are about: confirm it in the data map.",
    "unreachable": "A system could not be searched. Try again when it answers.",
}
_CLOUDING = ("shared", "organisation", "contradicting")
_WORST_FIRST = ("shared", "organisation", "contradicting", "weak", "unconfirmed", "unreachable")
_REFUSED = (
    "The code was not accepted: it is wrong, expired, used or replaced by a newer one, or there were too many attempts. "
    "The request tells how its code stands; send a new one with POST …/identity."
)
_TEXTS = {
    "en": (
        "Your code for your privacy request",
        (
            "Your one-time code for your privacy request to {controller} is {code}. It is valid for {minutes} minutes. "
            "If you made no such request, ignore this message and give the code to nobody."
        ),
    ),
    "zh": (
        "个人信息请求验证码",
        "您向{controller}提出的个人信息请求的验证码为 {code}，{minutes}分钟内有效。如非本人操作，请忽略本消息，切勿将验证码告知他人。",
    ),
}


@dataclass(frozen=True, slots=True)
class CodeRules:
    """Bounds of one-time codes. An attacker who guesses has `attempts` in 10^`digits`, `an_hour` times an hour."""

    digits: int = 8
    life: timedelta = timedelta(minutes=15)
    attempts: int = 5
    an_hour: int = 3  # codes of one request
    to_one_contact: int = 5  # a day, of all requests


@dataclass(frozen=True, slots=True)
class Standing:
    """Whom a verified request may be carried out for: `subjects` are proven; `reached` all it led to; `unsearched` datasets that did not answer."""

    subjects: tuple[SubjectRef, ...]
    unsearched: tuple[str, ...]
    reached: tuple[Reached, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Where a code went (masked) and until when it is valid."""

    request: Request
    channel: str
    shown: str
    expires_at: datetime


class Identity:
    """Recognising and proving. `messenger` None: codes cannot be sent, attestation remains."""

    def __init__(self, cases: Cases, lookups: Lookups, subjects: Subjects, messenger: Messenger | None, rules: CodeRules | None = None) -> None:
        self._cases, self._lookups, self._subjects, self._messenger = cases, lookups, subjects, messenger
        self._rules = rules or CodeRules()

    def check(self, identifiers: Sequence[Identifier]) -> None:
        """Refuse what cannot be an identifier of its kind. Raises InvalidInput with the place."""
        self._subjects.check(identifiers)

    def alone(self, actor: Actor, identifiers: Sequence[Identifier], *, request_id: str = "") -> frozenset[SubjectRef]:
        """Return the subjects to which each strong identifier leads by itself; empty when one is unknown, shared or in doubt."""
        common: frozenset[SubjectRef] | None = None
        for each in identifiers:
            if each.kind is IdentifierKind.NAME:
                continue
            found = self._subjects.resolve(actor, [each], request_id=request_id)
            clouded = any(doubt.reason == "unreachable" or (doubt.reason in _CLOUDING and doubt.kind is each.kind) for doubt in found.doubts)
            if clouded or doubt_of(found):
                return frozenset()
            given = frozenset(match.subject for match in found.matches if match.reach is Reach.GIVEN)
            common = given if common is None else common & given
        return common or frozenset()

    # --- who it is -----------------------------------------------------------------------------------------------------------------

    def recognise(self, actor: Actor, request: Request, *, request_id: str = "") -> tuple[Request, tuple[Reached, ...]]:
        """Look up who the request is about and keep it with the request. Raises Conflict `identity_unclear` saying why not, which is kept too."""
        self._cases.allowed(request, Act.RECOGNISE)
        resolution = self._resolved(actor, request, request_id)
        doubt = doubt_of(resolution)
        reached = () if doubt else tuple(map(_reached, resolution.matches))
        sealed = self._cases.seal.seal_subjects(actor.tenant, request.id, reached) if reached else None
        counts = {"subjects": len(reached), "doubts": len(resolution.doubts)}
        outcome = Outcome.DENIED if doubt else Outcome.SUCCESS
        telling = Telling(Action.REQUEST_IDENTITY_CHECKED, doubt, counts=counts, details=counts, outcome=outcome)

        others = set(reached) != {replace(each, covered=False) for each in self.reached(request)}

        def change(tx: Tx, before: Request) -> Request:
            _unmoved(before, request)
            if not others:  # what a code that was sent will prove stays beside it
                return replace(before, doubt=doubt)
            self._cases.repository.void_codes(tx, actor.tenant, request.id)
            return replace(before, subjects=sealed, doubt=doubt)

        done = self._cases.do(actor, request.id, Act.RECOGNISE, telling, change, request_id=request_id)
        if doubt:
            raise unclear(doubt)
        return done, reached

    def reached(self, request: Request) -> tuple[Reached, ...]:
        """Return whom a request led to, by what, and whom its proof covers; nobody once its file was purged."""
        return self._cases.seal.open_subjects(request.tenant, request.id, request.subjects)

    def proven(self, request: Request) -> tuple[SubjectRef, ...]:
        """Return the subjects that a verified request was proven for."""
        return tuple(each.subject for each in self.reached(request) if each.covered and request.verified_at is not None)

    def again(self, actor: Actor, request: Request, *, request_id: str = "") -> Standing:
        """Return whom a verified request may be carried out for: exactly who was proven, however the connected systems have changed since.

        Records of another kind that are found only now are unproven. Raises Conflict `identity_unclear` when nobody was proven, the identifiers lead to
        several people now, or to a further record of a kind that was there already.
        """
        known, proven = self.reached(request), self.proven(request)
        if not proven:
            raise unclear("unproven")
        resolution = self._resolved(actor, request, request_id)
        if resolution.several_people:
            raise unclear("several_people")
        late = [_reached(match) for match in resolution.matches if match.subject not in {each.subject for each in known}]
        kinds = {(each.subject.system, each.subject.type) for each in known}
        if any((each.subject.system, each.subject.type) in kinds for each in late):
            raise unclear("changed")
        unsearched = tuple(dict.fromkeys(doubt.dataset for doubt in resolution.doubts if doubt.reason == "unreachable"))
        return Standing(proven, unsearched, (*known, *late))

    def nobody(self, actor: Actor, request: Request, *, request_id: str = "") -> None:
        """Raise Conflict, naming why, unless it is certain that no connected system knows the person."""
        given = self._cases.file(request).identifiers
        resolution = self._resolved(actor, request, request_id)
        reasons = {doubt.reason for doubt in resolution.doubts}
        if all(each.kind is IdentifierKind.NAME for each in given):
            reasons.add("weak")  # nobody was looked for
        if resolution.several_people or resolution.matches:
            reasons = {"several_people" if resolution.several_people else "found"}
        if reasons:
            named = [reason for reason in ("several_people", "found", *_WORST_FIRST) if reason in reasons]
            remedies = " ".join(_SAYING_NOTHING.get(reason) or _REMEDIES[reason] for reason in named)
            raise Conflict(f"It is not certain that nothing is held ({', '.join(named)}). {remedies}")

    def _resolved(self, actor: Actor, request: Request, request_id: str) -> Resolution:
        return self._subjects.resolve(actor, self._cases.file(request).identifiers, request_id=request_id)

    # --- codes ---------------------------------------------------------------------------------------------------------------------

    def ask(self, actor: Actor, id: str, channel: str = "", *, request_id: str = "") -> Asked:
        """Send a one-time code to a contact on file; a new code voids the old one.

        Raises Conflict (`identity_unclear`, or no messenger), TooManyAttempts, ConnectorUnavailable when the message could not be handed over.
        """
        require(actor, "requests:receive")
        if channel not in ("", *CHANNELS.values()):
            raise InvalidInput(f"Codes are sent by {' or '.join(CHANNELS.values())}.", pointer="/channel")
        messenger = self._messenger
        if messenger is None:
            raise Conflict("No messenger is set, so codes cannot be sent: set PRIVACY_MESSENGER, or attest the identity (POST …/verify).")
        request = self._cases.get(actor.tenant, id)
        self._cases.allowed(request, Act.ASK_IDENTITY)
        request, reached = self.recognise(actor, request, request_id=request_id)
        contact, holders = self._contact(actor, reached, channel, messenger.channels, request_id)
        code, digits = self._new_code(actor, request, contact)
        sealed = self._cases.seal.seal_subjects(actor.tenant, id, _covered(reached, holders))
        self._cases.store.run(lambda tx: self._begin(tx, actor, request, code, sealed, request_id))
        try:
            messenger.send(code.channel, self._message(request, contact, digits))
        except PrivacyError:
            self._cases.store.run(lambda tx: self._unsent(tx, actor, request, code, request_id))
            raise
        telling = Telling(Action.REQUEST_IDENTITY_ASKED, details={"channel": code.channel}, fields=(f"channel:{code.channel}",))
        done = self._cases.do(actor, id, Act.ASK_IDENTITY, telling, request_id=request_id)
        return Asked(done, code.channel, contact.masked, code.expires_at)

    def code_of(self, request: Request) -> Code | None:
        """Return how the newest code of a request stands, an expired one as such."""
        found = self._cases.store.read(lambda tx: self._cases.repository.newest_code(tx, request.tenant, request.id))
        late = found is not None and found.state is CodeState.ACTIVE and found.expires_at <= self._cases.clock.now()
        return replace(found, state=CodeState.EXPIRED) if found is not None and late else found

    def attempts_left(self, code: Code) -> int:
        return max(0, self._rules.attempts - code.attempts) if code.state is CodeState.ACTIVE else 0

    def _contact(
        self, actor: Actor, reached: Sequence[Reached], channel: str, served: frozenset[str], request_id: str
    ) -> tuple[Contact, frozenset[SubjectRef]]:
        """Return where the code goes, and the subjects whose own records hold that contact: those it proves."""
        # a record that was only followed to may be anybody's, as whoever wrote the one before it chose
        given = [each.subject for each in reached if each.how is Reach.GIVEN]
        on_file = [(subject, each) for subject in given for each in self._subjects.contacts(actor.tenant, subject)]
        # an address on file is one person's mailbox more often than a number is one person's phone, and no number tells whether it takes a text message
        for subject, contact in sorted(on_file, key=lambda each: each[1].kind is not IdentifierKind.EMAIL):
            way = CHANNELS.get(contact.kind, "")
            if way in served and channel in ("", way):
                holders = self._holders(actor, contact, reached, request_id)
                if subject in holders:
                    return contact, holders
        raise unclear("no_contact")

    def _holders(self, actor: Actor, contact: Contact, reached: Sequence[Reached], request_id: str) -> frozenset[SubjectRef]:
        """Return whose the contact is; nobody's when others share it: whoever picks up the switchboard would have the code."""
        found = self._subjects.resolve(actor, [Identifier(contact.kind, contact.value)], request_id=request_id)
        # what is shared of their other values, which the search follows, says nothing against this one
        shared = any(each.reason in ("shared", "organisation") and each.kind is contact.kind for each in found.doubts)
        holders = frozenset(match.subject for match in found.matches if match.reach is Reach.GIVEN)
        theirs = not doubt_of(found) and not shared and holders <= {each.subject for each in reached}
        return holders if theirs else frozenset()

    def _new_code(self, actor: Actor, request: Request, contact: Contact) -> tuple[Code, Plaintext]:
        now, id = self._cases.clock.now(), new_id()
        digits = f"{secrets.randbelow(10**self._rules.digits):0{self._rules.digits}}"
        code = Code(
            id=id,
            request=request.id,
            digest=self._lookups.code(actor.tenant, request.id, id, digits),
            contact=self._lookups.contact(actor.tenant, contact.kind, contact.value),
            channel=CHANNELS[contact.kind],
            state=CodeState.ACTIVE,
            attempts=0,
            sent_at=now,
            expires_at=now + self._rules.life,
        )
        return code, Plaintext(digits)

    def _begin(self, tx: Tx, actor: Actor, request: Request, code: Code, sealed: bytes, request_id: str) -> None:
        now, repository = code.sent_at, self._cases.repository
        before = self._cases.found(tx, actor.tenant, request.id, lock=True)
        self._cases.allowed(before, Act.ASK_IDENTITY)
        _unmoved(before, request)
        hour, day = timedelta(hours=1), timedelta(days=1)
        if repository.codes_since(tx, actor.tenant, now - hour, request=request.id) >= self._rules.an_hour:
            raise TooManyAttempts(int(hour.total_seconds()), f"At most {self._rules.an_hour} codes an hour are sent for one request. Try again later.")
        if repository.codes_since(tx, actor.tenant, now - day, contact=code.contact) >= self._rules.to_one_contact:
            raise TooManyAttempts(int(day.total_seconds()), f"At most {self._rules.to_one_contact} codes a day go to one contact. Try again later.")
        repository.void_codes(tx, actor.tenant, request.id)
        repository.add_code(tx, actor.tenant, code)
        repository.save(tx, replace(before, subjects=sealed, version=before.version + 1))
        self._record(tx, actor, request.id, Action.REQUEST_IDENTITY_ASKED, Outcome.ATTEMPTED, request_id)

    def _unsent(self, tx: Tx, actor: Actor, request: Request, code: Code, request_id: str) -> None:
        self._cases.repository.set_code(tx, actor.tenant, code.id, CodeState.VOIDED, code.attempts)
        self._record(tx, actor, request.id, Action.REQUEST_IDENTITY_ASKED, Outcome.FAILED, request_id)

    def _record(self, tx: Tx, actor: Actor, request: str, action: Action, outcome: Outcome, request_id: str, *fields: str) -> None:
        self._cases.audit.append(tx, Event(action, actor, outcome, object_type="request", object_ref=request, fields=fields, request_id=request_id))

    def _message(self, request: Request, contact: Contact, digits: Plaintext) -> Message:
        subject, text = _TEXTS.get(request.language, _TEXTS["en"])
        minutes = int(self._rules.life.total_seconds() // 60)
        name = self._cases.controller(request).name
        return Message(contact.value, subject, Plaintext(text.format(controller=name, code=digits.reveal(), minutes=minutes)))

    # --- proof ---------------------------------------------------------------------------------------------------------------------

    def verify(self, actor: Actor, id: str, code: Plaintext, *, request_id: str = "") -> Request:
        """Accept a one-time code, once. Raises Conflict `code_refused`, the same for every reason; wrong attempts count."""
        require(actor, "requests:write")
        accepted = self._cases.store.run(lambda tx: self._try(tx, actor, id, code, request_id))
        if accepted is None:
            raise Conflict(_REFUSED, code="code_refused")
        return accepted

    def _try(self, tx: Tx, actor: Actor, id: str, given: Plaintext, request_id: str) -> Request | None:
        repository = self._cases.repository
        request = self._cases.found(tx, actor.tenant, id, lock=True)
        self._cases.allowed(request, Act.VERIFY)
        code = repository.newest_code(tx, actor.tenant, id, lock=True)
        # the digest is computed and compared in every case, so that the time tells nothing
        digest = self._lookups.code(actor.tenant, id, code.id if code else "", given.reveal().strip())
        equal = hmac.compare_digest(digest, code.digest if code else bytes(32))
        live = code is not None and code.state is CodeState.ACTIVE and code.expires_at > self._cases.clock.now() and request.subjects is not None
        if code is None or not (live and equal):
            if code is not None and live:
                attempts = code.attempts + 1
                repository.set_code(tx, actor.tenant, code.id, CodeState.LOCKED if attempts >= self._rules.attempts else CodeState.ACTIVE, attempts)
            self._record(tx, actor, id, Action.REQUEST_IDENTITY_CHECKED, Outcome.DENIED, request_id, "reason:code_refused")
            return None
        repository.set_code(tx, actor.tenant, code.id, CodeState.USED, code.attempts)
        telling = Telling(Action.REQUEST_IDENTITY_CHECKED, "code", fields=("how:code",))
        return self._cases.write(tx, actor, id, Act.VERIFY, telling, None, self._proven(actor, "code"), request_id)

    def attest(self, actor: Actor, id: str, how: str, evidence: Plaintext, subjects: Sequence[SubjectRef] = (), *, request_id: str = "") -> Request:
        """Record how a person proved who they are to people, and where the proof is kept. Only a signed-in person with a second factor attests.

        It covers the subjects that the given identifiers matched, what people linked to them, and of what was only followed to those in `subjects`.
        """
        require(actor, "requests:write")
        if not actor.ref.startswith("user:"):
            raise AccessDenied("Only a signed-in person attests an identity.")
        if actor.assurance < 2:
            raise StepUpRequired("Attesting an identity needs a session with a one-time code: sign in with `totp`.")
        if how not in ATTESTATIONS:
            raise InvalidInput(f"Identity is proven by one of: {', '.join(ATTESTATIONS)}.", pointer="/attestation")
        if not evidence.reveal().strip():
            raise InvalidInput("Say where the proof is kept, for example a reference of the copy.", pointer="/evidence")
        request = self._cases.get(actor.tenant, id)
        self._cases.allowed(request, Act.VERIFY)
        request, reached = self.recognise(actor, request, request_id=request_id)
        if not set(subjects) <= {each.subject for each in reached}:
            raise InvalidInput("Name subjects that the request led to; GET …/file lists them.", pointer="/subjects")
        vouched = {*subjects, *(each.subject for each in reached if each.how is Reach.GIVEN)}
        sealed = self._cases.seal.seal_subjects(actor.tenant, id, _covered(reached, vouched))
        telling = Telling(Action.REQUEST_IDENTITY_CHECKED, how, note=evidence, fields=("how:attested",))

        def change(tx: Tx, before: Request) -> Request:
            _unmoved(before, request)
            self._cases.repository.void_codes(tx, actor.tenant, id)
            return self._proven(actor, "attested")(tx, replace(before, subjects=sealed))

        return self._cases.do(actor, id, Act.VERIFY, telling, change, request_id=request_id)

    def _proven(self, actor: Actor, how: str) -> Change:
        now = self._cases.clock.now()
        return lambda _tx, before: replace(before, verified_how=how, verified_by=actor.ref, verified_at=now)


def _reached(match: Match) -> Reached:
    return Reached(match.subject, match.dataset, match.field, match.kind, match.reach, match.person)


def _covered(reached: Sequence[Reached], proven: Collection[SubjectRef]) -> list[Reached]:
    """Return all that was reached, marking what is proven: those subjects, and what people linked to one of them."""
    persons = {each.person for each in reached if each.subject in proven} - {""}
    return [replace(each, covered=each.subject in proven or each.person in persons) for each in reached]


def doubt_of(resolution: Resolution) -> str:
    """Return why a resolution names nobody, empty when it names one person."""
    if resolution.several_people:
        return "several_people"
    if resolution.matches:
        return ""
    reasons = {doubt.reason for doubt in resolution.doubts}
    return next((reason for reason in _WORST_FIRST if reason in reasons), "not_found")


def remedy_of(doubt: str) -> str:
    """Return what to do about the doubt that a request shows, empty for none."""
    return _REMEDIES.get(doubt, "")


def unclear(doubt: str) -> Conflict:
    return Conflict(f"Nobody can be recognised yet ({doubt}). {_REMEDIES[doubt]}", code="identity_unclear")


def _unmoved(before: Request, seen: Request) -> None:
    # what was looked up belongs to these identifiers
    if before.file != seen.file:
        raise Conflict("The request was changed by somebody else just now; look at it again.")
