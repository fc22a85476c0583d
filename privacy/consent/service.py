"""The use cases of consent: publish a notice, record, withdraw, ask, read a receipt.

Guarantees: receipts are only added, and an erasure takes out of them only what names a person; each act and its event are one transaction; what was
recorded under a caller's reference is recorded once; a question that nothing answers is answered by "never". Left out for now: double opt-in (a second
confirmation by message) and the person's own link.
"""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from privacy.actors.people import require
from privacy.audit.events import Action, AuditLog, Event, SubjectTrace
from privacy.consent.checks import Flaws, check_content, check_giving, check_notice_held, check_subject, check_withdrawing
from privacy.consent.documents import act_of, digest, full_receipt, notice_digest, receipt_document
from privacy.consent.fold import fold
from privacy.consent.identities import Identities
from privacy.consent.model import CHANNELS, Act, ConsentStatus, Giving, LedgerRow, Notice, NoticeContent, Question, Withdrawing
from privacy.consent.periods import after
from privacy.consent.ports import AuditRefs, ConsentRepository, Keys, PurposeCatalogue
from privacy.inventory.catalogue_model import Purpose
from privacy.inventory.catalogue_ports import Contents
from privacy.kernel.clock import Clock, rfc3339
from privacy.kernel.errors import AuditBroken, Conflict, InvalidInput, NotFound, PrivacyError
from privacy.kernel.ids import TenantId, new_id
from privacy.kernel.store import Store, Tx
from privacy.kernel.terms import Actor, SubjectRef

T = TypeVar("T")
MOST_QUESTIONS = 10_000


class _ReferenceReused(Conflict):
    """Told apart from a lost race, which is tried again."""


class ConsentService:
    """Consent of all tenants.

    Args:
        keys: derives, seals and unseals (the key ring).
        audit_refs: erasable pseudonyms for the log (of the subject keys).
    """

    def __init__(
        self, store: Store, repository: ConsentRepository, catalogue: PurposeCatalogue, audit: AuditLog, keys: Keys, audit_refs: AuditRefs, clock: Clock
    ) -> None:
        self._store, self._repository, self._catalogue, self._audit, self._clock = store, repository, catalogue, audit, clock
        self._identities = Identities(keys)
        self._audit_refs = audit_refs

    # --- notices -------------------------------------------------------------------------------------------------------------------

    def publish(self, actor: Actor, content: NoticeContent, *, request_id: str = "") -> Notice:
        """Publish the next version of a notice. The same content again is no new version: the published one is returned."""
        require(actor, "catalogue:write")
        return self._publish(actor, content, request_id)

    def load_notices(self, actor: Actor, contents: Sequence[NoticeContent], *, request_id: str = "") -> int:
        """Publish the shipped notices that have no version yet and return how many; for `privacy init` only, scopes are not looked at."""
        known = {notice.content.id for notice in self._store.read(lambda tx: self._repository.notices(tx, actor.tenant))}
        missing = [content for content in contents if content.id not in known]
        for content in missing:
            self._publish(actor, content, request_id)
        return len(missing)

    def notices(self, actor: Actor) -> list[Notice]:
        """Return the newest version of every notice."""
        require(actor, "catalogue:read")
        return self._store.read(lambda tx: self._repository.notices(tx, actor.tenant))

    def notice(self, actor: Actor, id: str, version: int | None = None) -> Notice:
        """Return one version of a notice, the newest when none is named."""
        require(actor, "catalogue:read")
        found = self._store.read(lambda tx: self._repository.notice(tx, actor.tenant, id, version))
        if found is None:
            raise NotFound("There is no such notice, or no such version of it.")
        return found

    def _publish(self, actor: Actor, content: NoticeContent, request_id: str) -> Notice:
        check_content(content, self._catalogue.contents(actor.tenant))

        def write(tx: Tx) -> Notice:
            last = self._repository.notice(tx, actor.tenant, content.id)
            if last is not None and last.digest == notice_digest(content):
                return last
            notice = _next_version(content, last, self._clock.now(), actor.ref)
            self._repository.publish(tx, actor.tenant, notice)
            counts = {"version": notice.version, "material_since": notice.material_since, "languages": len(content.texts)}
            self._audit.append(
                tx,
                Event(
                    Action.NOTICE_PUBLISHED, actor, object_type="notice", object_ref=content.id, counts=counts, request_id=request_id, related=(notice.digest,)
                ),
            )
            return notice

        return self._store.run(write)

    # --- acts ----------------------------------------------------------------------------------------------------------------------

    def give(self, actor: Actor, giving: Giving, *, request_id: str = "") -> dict[str, object]:
        """Record that a person agreed and return the receipt. Raises InvalidInput, with the remedy, for what could not be shown to be valid."""
        require(actor, "consent:write")
        contents = self._catalogue.contents(actor.tenant)
        check_giving(giving, contents, self._clock.now())
        return self._record(actor, giving, contents, request_id)

    def withdraw(self, actor: Actor, withdrawing: Withdrawing, *, request_id: str = "") -> dict[str, object]:
        """Record that a person took consent back and return the receipt; also where none was given: then it is an objection on file."""
        require(actor, "consent:write")
        contents = self._catalogue.contents(actor.tenant)
        check_withdrawing(withdrawing, contents, self._clock.now())
        return self._record(actor, withdrawing, contents, request_id)

    def _record(self, actor: Actor, act: Giving | Withdrawing, contents: Contents, request_id: str) -> dict[str, object]:
        # the keys database is another one: its part is done before, and an unused pseudonym does no harm
        traces = self._traces(actor.tenant, act.subject, act.purpose, act_of(act).value)
        row = self._row(actor, act)

        def write(tx: Tx) -> LedgerRow:
            if twin := row.reference and self._repository.by_reference(tx, actor.tenant, row.reference):
                return _same_or_conflict(twin, row)
            full = self._completed(tx, row, act, contents)
            self._repository.add(tx, full)
            self._audit.append(tx, _event(actor, full, traces, request_id))
            return full

        recorded = _again_on_conflict(lambda: self._store.run(write), again=row.reference is not None)
        return self._shown(recorded)

    def _row(self, actor: Actor, act: Giving | Withdrawing) -> LedgerRow:
        """Return the receipt as far as it can be made outside the transaction: what needs keys."""
        tenant, id, now = actor.tenant, new_id(), self._clock.now()
        evidence = self._identities.seal_evidence(tenant, act.evidence, id) if isinstance(act, Giving) else None
        return LedgerRow(
            id=id,
            tenant=tenant,
            lookup=self._identities.lookup(tenant, act.subject),
            sealed=self._identities.seal(tenant, act.subject, id),
            purpose=act.purpose,
            recipient=act.recipient,
            channel=act.channel,
            act=act_of(act),
            # a clock of the caller's that is a little ahead does not date an act after its recording
            at=min(act.at, now) if act.at else now,
            recorded_at=now,
            expires_at=act.expires_at if isinstance(act, Giving) else None,
            notice=act.notice if isinstance(act, Giving) else "",
            notice_version=act.notice_version if isinstance(act, Giving) else 0,
            evidence=evidence,
            reference=self._identities.reference(tenant, actor.ref, act.reference) if act.reference else None,
            request_digest=self._identities.request_digest(tenant, *_meaning(act)),
            document={},
            digest="",
            actor=actor.ref,
        )

    def _completed(self, tx: Tx, row: LedgerRow, act: Giving | Withdrawing, contents: Contents) -> LedgerRow:
        notice = None
        if isinstance(act, Giving):
            found = self._repository.notice(tx, row.tenant, act.notice, act.notice_version)
            overtaking = self._repository.superseding(tx, row.tenant, act.notice, act.notice_version)
            notice = check_notice_held(act, found, overtaking, row.at)
            if row.expires_at is None and notice.content.valid_for:
                row = replace(row, expires_at=after(row.at, notice.content.valid_for))
        document = receipt_document(row, act, notice, contents)
        return replace(row, document=document, digest=digest(document))

    # --- erasure -------------------------------------------------------------------------------------------------------------------

    def forget(self, tx: Tx, tenant: TenantId, subjects: Sequence[SubjectRef], case: str) -> Mapping[str, int]:
        """Leave a random pseudonym in the receipts of erased subjects, which thereby still fold, and nothing that leads back; return how many receipts.

        A subject asked about afterwards never consented. Idempotent. `case` names the erasure for the caller's event. No key is fetched for it: call it
        with the tenant's keys loaded. The caller's mark goes too, so that what is imported again under it is recorded anew.
        """
        lookups = self._identities.lookups(tenant, list(subjects))
        return {"receipts": sum(self._repository.pseudonymise(tx, tenant, lookup, secrets.token_bytes(32)) for lookup in lookups)}

    def named(self, tenant: TenantId) -> Iterator[SubjectRef]:
        """Yield every subject that the ledger still names: for the replay of the erasure ledger after a restore."""
        rows = self._store.read(lambda tx: self._repository.sealed(tx, tenant))
        yield from (self._identities.unseal(tenant, sealed, receipt) for receipt, sealed in rows)

    # --- questions -----------------------------------------------------------------------------------------------------------------

    def statuses(
        self, tenant: TenantId, subjects: Sequence[SubjectRef], purpose: str, recipient: str | None, channel: str | None = None
    ) -> list[ConsentStatus]:
        """Return one status per subject, in order, with one query for all. For decisions of ours: writes no event, checks no scope."""
        return self._answers(tenant, [Question(subject, purpose, recipient or "", channel or "") for subject in subjects])

    def check(self, actor: Actor, questions: Sequence[Question], *, request_id: str = "") -> list[ConsentStatus | PrivacyError]:
        """Answer each question in order; one that cannot be understood gets its error and leaves the others alone."""
        require(actor, "consent:read")
        if len(questions) > MOST_QUESTIONS:
            raise InvalidInput(f"At most {MOST_QUESTIONS} questions in one call.", pointer="/items")
        contents = self._catalogue.contents(actor.tenant)
        refused = [_refusal(question, place, contents) for place, question in enumerate(questions)]
        good = [question for question, error in zip(questions, refused, strict=True) if error is None]
        answers = iter(self._answers(actor.tenant, good, contents))
        answered = [error if error is not None else next(answers) for error in refused]
        counts = {"items": len(questions), "given": sum(isinstance(answer, ConsentStatus) and answer.holds for answer in answered)}
        self._audit.record(Event(Action.CONSENT_CHECKED, actor, object_type="consent", counts=counts, request_id=request_id))
        return answered

    def _answers(self, tenant: TenantId, questions: Sequence[Question], contents: Contents | None = None) -> list[ConsentStatus]:
        if not questions:
            return []
        purposes = (contents or self._catalogue.contents(tenant)).purposes
        lookups = self._identities.lookups(tenant, [question.subject for question in questions])
        now = self._clock.now()

        def read(tx: Tx) -> list[ConsentStatus]:
            receipts = self._repository.receipts(tx, tenant, set(lookups), {question.purpose for question in questions})
            rules = self._repository.rules(tx, tenant, {receipt.notice for group in receipts.values() for receipt in group})
            return [
                fold(receipts.get((lookup, question.purpose), ()), question.recipient, question.channel, now, rules, separate=_separate(purposes, question))
                for lookup, question in zip(lookups, questions, strict=True)
            ]

        return self._store.read(read)

    # --- receipts ------------------------------------------------------------------------------------------------------------------

    def receipt(self, actor: Actor, id: str, *, request_id: str = "") -> dict[str, object]:
        """Return a receipt in full; its reading is an event of the subject. Raises AuditBroken when it is not what was recorded."""
        require(actor, "consent:read")
        row = self._store.read(lambda tx: self._repository.receipt(tx, actor.tenant, id))
        if row is None:
            raise NotFound("There is no such receipt.")
        if digest(row.document) != row.digest:
            raise AuditBroken("A consent receipt was changed after it was recorded; compare its digest with its event in the audit log.")
        subject = self._subject(row)
        traces = self._traces(actor.tenant, subject, row.purpose, "clear") if subject else ()
        self._audit.record(Event(Action.RECEIPT_READ, actor, object_type="consent", object_ref=id, purpose=row.purpose, subjects=traces, request_id=request_id))
        return self._shown(row)

    def _shown(self, row: LedgerRow) -> dict[str, object]:
        subject = self._subject(row)
        evidence = self._identities.unseal_evidence(row.tenant, row.evidence, row.id) if row.evidence else None
        return full_receipt(row.document, row.digest, str(subject) if subject else None, evidence)

    def _subject(self, row: LedgerRow) -> SubjectRef | None:
        """Return whose receipt it is; None once the person was erased and the ledger keeps a pseudonym only."""
        return self._identities.unseal(row.tenant, row.sealed, row.id) if row.sealed else None

    def _traces(self, tenant: TenantId, subject: SubjectRef, purpose: str, effect: str) -> tuple[SubjectTrace, ...]:
        # an erased subject has no pseudonym any more: the event then names the receipt only
        return tuple(SubjectTrace(ref, (purpose,), effect) for ref in self._audit_refs(tenant, [subject]) if ref)


def _next_version(content: NoticeContent, last: Notice | None, now: datetime, by: str) -> Notice:
    version = last.version + 1 if last else 1
    unchanged = last is not None and last.content.machine_part() == content.machine_part()
    return Notice(content, version, last.material_since if last and unchanged else version, notice_digest(content), now, by)


def _event(actor: Actor, row: LedgerRow, traces: tuple[SubjectTrace, ...], request_id: str) -> Event:
    return Event(
        Action.CONSENT_GIVEN if row.act is Act.GIVEN else Action.CONSENT_WITHDRAWN,
        actor,
        object_type="consent",
        object_ref=row.id,
        purpose=row.purpose,
        recipient=row.recipient,
        legal_basis="consent",
        request_id=request_id,
        subjects=traces,
        related=(row.digest,),
    )


def _meaning(act: Giving | Withdrawing) -> list[str]:
    """Return the words that make two requests under one reference the same."""
    words = [act_of(act).value, act.subject.system, act.subject.type, act.subject.key, act.purpose, act.recipient, act.channel, act.method]
    words.append(rfc3339(act.at) if act.at else "")
    if isinstance(act, Giving):
        evidence = [act.evidence.kind, act.evidence.reference] if act.evidence else []
        words += [act.notice, str(act.notice_version), act.language, rfc3339(act.expires_at) if act.expires_at else "", json.dumps([act.guardian, *evidence])]
    return words


def _same_or_conflict(twin: LedgerRow, row: LedgerRow) -> LedgerRow:
    if twin.request_digest != row.request_digest:
        raise _ReferenceReused("Another act was recorded under this reference; use a new reference for a new act.", pointer="/reference")
    return twin


def _again_on_conflict(work: Callable[[], T], *, again: bool) -> T:
    """Run `work`; where two callers record under one reference at once, the loser looks again and finds the winner's receipt."""
    try:
        return work()
    except _ReferenceReused:
        raise
    except Conflict:
        if not again:
            raise
        return work()


def _separate(purposes: Mapping[str, Purpose], question: Question) -> bool:
    # what is not known is treated as the stricter case
    purpose = purposes.get(question.purpose)
    return purpose is None or purpose.separate_consent


def _refusal(question: Question, place: int, contents: Contents) -> PrivacyError | None:
    flaws = Flaws()
    check_subject(flaws, f"/items/{place}/subject", question.subject)
    known = question.purpose in contents.purposes
    flaws.unless(known, f"/items/{place}/purpose", "The purpose is not in the catalogue; `privacy purposes list` shows what is.")
    recipient = not question.recipient or question.recipient in contents.recipients
    flaws.unless(recipient, f"/items/{place}/recipient", "The recipient is not in the catalogue.")
    flaws.unless(question.channel in ("", *CHANNELS), f"/items/{place}/channel", f"Known are {', '.join(CHANNELS)}.")
    try:
        flaws.raise_any()
    except InvalidInput as refused:
        return refused
    return None
