"""The door to plaintext: mask, explain, decide, protect, reveal, index.

Guarantee: what is returned was decided by the active policy and the gates, and its event was committed before; when the log cannot be written
nothing is returned (AuditUnavailable). One bad item never spoils the others. Limit: personal data that no detector finds in a free text stays in it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from privacy.access.ciphertexts import Ciphertexts
from privacy.access.deciding import Decider, Question
from privacy.access.decision import Judge
from privacy.access.decisions import Decisions
from privacy.access.explain import Explainer
from privacy.access.policies import Policies
from privacy.access.ports import AuditRefs, Categories, Consents, DataMap, Derive, PurposeCatalogue, Restrictions, TextDetector, ValueProtection
from privacy.access.records import RecordMasker, bad_item, flaw_of, subject_of
from privacy.access.requests import (
    MAX_ITEMS,
    Box,
    CipherBatch,
    DecidedBatch,
    DecisionItem,
    Explain,
    Explained,
    ItemError,
    MaskedBatch,
    MaskedTexts,
    MaskRecords,
    MaskTexts,
    ReasonList,
)
from privacy.access.texts import TextMasker
from privacy.access.trail import Trail
from privacy.access.values import Painter
from privacy.audit.events import Action, AuditLog
from privacy.discovery.limits import check_lengths, check_total, length_of
from privacy.kernel.clock import Clock
from privacy.kernel.errors import InvalidInput, PayloadTooLarge, PrivacyError
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import Actor, SubjectRef
from privacy.masking.catalogue import Techniques

_KEY_LABEL = "access:pseudonym"


class Access:
    """Use cases of this room; every one takes the actor first. Safe to share between threads."""

    def __init__(
        self,
        policies: Policies,
        inventory: DataMap,
        taxonomy: Categories,
        catalogue: PurposeCatalogue,
        consent: Consents,
        restrictions: Restrictions,
        detector: TextDetector,
        techniques: Techniques,
        keyring_derive: Derive,
        subject_keys: AuditRefs,
        protection: ValueProtection,
        audit: AuditLog,
        clock: Clock,
        *,
        max_items: int = MAX_ITEMS,
    ) -> None:
        self.policies = policies
        self.max_items = max_items
        self._consents = consent
        self._restrictions = restrictions
        self._detector = detector
        self._techniques = techniques
        self._derive = keyring_derive
        self._trail = Trail(audit, subject_keys)
        self._decider = Decider(policies, inventory, taxonomy, catalogue, clock)
        self._explainer = Explainer(self._decider, policies, consent, restrictions, self._trail)
        self._decisions = Decisions(self._decider, consent, restrictions, self._trail)
        self._ciphertexts = Ciphertexts(self._decider, consent, restrictions, protection, self._trail)

    def mask_records(self, actor: Actor, command: MaskRecords, request_id: str = "") -> MaskedBatch:
        """Return the records as the caller may see them, in order, with a decision per record and field."""
        records: Sequence[Any] = command.records.reveal()
        self._check_size(records, "/records")
        check_total(map(length_of, records), "/records")
        judge = self._decider.judge(Question(actor, "mask", command.purpose, command.recipient, command.dataset))
        subjects, errors = _read_subjects(records, judge, command.subject_field)
        consents = judge.consents(self._consents, self._restrictions, list({subject for subject in subjects if subject}))
        reason_list = ReasonList()
        masker = RecordMasker(judge, self._painter(judge), reason_list)
        shown: list[Any] = []
        decisions: list[Mapping[str, Mapping[str, Any]]] = []
        for index, (record, subject) in enumerate(zip(records, subjects, strict=True)):
            if index in errors:
                shown.append(None)
                decisions.append({})
                continue
            masked, decided = masker.mask(index, record, subject, consents.get(subject) if subject else None)
            shown.append(masked)
            decisions.append(decided)
        account = masker.account()
        account.counts["errors"] = len(errors)
        self._trail.record(Action.RECORDS_MASKED, actor, judge.bench, account, request_id)
        return MaskedBatch(Box(shown), decisions, reason_list.all(), judge.bench.policy_version, tuple(errors.values()), judge.bench.not_personal)

    def mask_texts(self, actor: Actor, command: MaskTexts, request_id: str = "") -> MaskedTexts:
        """Return the texts with every found piece as the caller may see it, and a decision per text and piece."""
        self._check_size(command.texts, "/texts")
        check_lengths((len(item.text.reveal()) for item in command.texts), "/texts")
        judge = self._decider.judge(Question(actor, "mask", command.purpose, command.recipient, command.dataset))
        consents = judge.consents(self._consents, self._restrictions, list({item.subject for item in command.texts if item.subject}))
        reason_list = ReasonList()
        masker = TextMasker(judge, self._painter(judge), reason_list)
        done = [masker.mask(item, consents.get(item.subject) if item.subject else None) for item in command.texts]
        self._trail.record(Action.TEXTS_MASKED, actor, judge.bench, masker.account, request_id)
        texts, decisions, spans = zip(*done, strict=True) if done else ((), (), ())
        return MaskedTexts(Box(list(texts)), tuple(decisions), tuple(spans), reason_list.all(), judge.bench.policy_version)

    def decide(self, actor: Actor, items: Sequence[DecisionItem], request_id: str = "") -> DecidedBatch:
        """Return the decision about each item, in order, without any value."""
        self._check_size(items, "/items")
        return self._decisions.decide(actor, items, request_id)

    def explain(self, actor: Actor, asked: Explain, request_id: str = "") -> Explained:
        """Return who sees which field for a purpose and why."""
        return self._explainer.explain(actor, asked, request_id)

    def protect(self, actor: Actor, batch: CipherBatch, request_id: str = "") -> list[str | PrivacyError]:
        """Return each value's ciphertext (`pv1:…`) or the error of its item."""
        self._check_size(batch.items, "/items")
        return self._ciphertexts.protect(actor, batch, request_id)

    def reveal(self, actor: Actor, batch: CipherBatch, request_id: str = "") -> list[Plaintext | PrivacyError]:
        """Return each ciphertext's value or the error of its item."""
        self._check_size(batch.items, "/items")
        return self._ciphertexts.reveal(actor, batch, request_id)

    def index(self, actor: Actor, batch: CipherBatch, request_id: str = "") -> list[str | PrivacyError]:
        """Return each value's blind index or the error of its item."""
        self._check_size(batch.items, "/items")
        return self._ciphertexts.index(actor, batch, request_id)

    def _painter(self, judge: Judge) -> Painter:
        return Painter(judge, self._techniques, self._detector, self._derive(judge.bench.tenant, _KEY_LABEL))

    def _check_size(self, items: Sequence[object], pointer: str) -> None:
        if len(items) > self.max_items:
            raise PayloadTooLarge(f"One call takes at most {self.max_items} items; send the rest in further calls.", pointer=pointer)


def _read_subjects(records: Sequence[Any], judge: Judge, subject_field: str | None) -> tuple[list[SubjectRef | None], dict[int, ItemError]]:
    """Return whom each record is about, and the records that cannot be masked at all."""
    subjects: list[SubjectRef | None] = []
    errors: dict[int, ItemError] = {}
    for index, record in enumerate(records):
        subject = None
        try:
            if (flaw := flaw_of(record)) is not None:
                errors[index] = bad_item(index, InvalidInput.code, flaw)
            else:
                subject = subject_of(record, judge.bench.dataset, subject_field)
        except InvalidInput as error:
            errors[index] = bad_item(index, error.code, error.detail)
        subjects.append(subject)
    return subjects, errors
