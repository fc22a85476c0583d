"""Protect, reveal and index: decided here, done by `protection`. The event says what came of it and is committed before anything is returned.

Items are answered one by one in order: a refused or unreadable one does not spoil the others.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from privacy.access.deciding import Decider, Question
from privacy.access.decision import ConsentFact, Effect, Judge, Verdict
from privacy.access.ports import Consents, Restrictions, ValueProtection
from privacy.access.reasons import SECOND_FACTOR
from privacy.access.requests import CipherBatch, CipherItem
from privacy.access.trail import Account, Trail
from privacy.audit.events import Action, Outcome
from privacy.inventory.model import Dataset
from privacy.kernel.errors import AccessDenied, ConsentMissing, InvalidInput, NotFound, PrivacyError, StepUpRequired
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import Actor, SubjectRef
from privacy.protection.items import IndexItem, ProtectItem, RevealItem

T = TypeVar("T")
_FAILED = "failed"
_ACTIONS = {"protect": Action.VALUES_PROTECTED, "reveal": Action.VALUES_REVEALED, "index": Action.VALUES_INDEXED}


class _Batch(Generic[T]):
    """Answers in the order of the items, filled as they become known."""

    def __init__(self, items: Sequence[CipherItem]) -> None:
        self.items = items
        self.errors: dict[int, PrivacyError] = {}

    @property
    def allowed(self) -> list[int]:
        return [number for number in range(len(self.items)) if number not in self.errors]

    def joined(self, done: Sequence[T | PrivacyError]) -> list[T | PrivacyError]:
        answers: dict[int, T | PrivacyError] = dict(zip(self.allowed, done, strict=True))
        return [answers[number] if number in answers else self.errors[number] for number in range(len(self.items))]


class Ciphertexts:
    """The way to and from ciphertext."""

    def __init__(self, decider: Decider, consents: Consents, restrictions: Restrictions, protection: ValueProtection, trail: Trail) -> None:
        self._decider = decider
        self._consents = consents
        self._restrictions = restrictions
        self._protection = protection
        self._trail = trail

    def protect(self, actor: Actor, batch: CipherBatch, request_id: str) -> list[str | PrivacyError]:
        """Return each value's ciphertext or the error of its item. A field need not be confirmed to be encrypted, only known."""

        def work(dataset: Dataset, items: Sequence[CipherItem]) -> Sequence[str | PrivacyError]:
            made = [ProtectItem(_subject(item), item.field, item.value, dataset.fields[item.field].category) for item in items]
            return self._protection.protect(actor.tenant, dataset.id, made)

        return self._run(actor, "protect", batch, request_id, work, needs_subject=True)

    def reveal(self, actor: Actor, batch: CipherBatch, request_id: str) -> list[Plaintext | PrivacyError]:
        """Return each ciphertext's value, where the policy shows this field in clear for `reveal`, or the error of its item."""

        def work(dataset: Dataset, items: Sequence[CipherItem]) -> Sequence[Plaintext | PrivacyError]:
            made = [RevealItem(_subject(item), item.field, item.value.reveal()) for item in items]
            return self._protection.reveal(actor.tenant, dataset.id, made)

        return self._run(actor, "reveal", batch, request_id, work, needs_subject=True)

    def index(self, actor: Actor, batch: CipherBatch, request_id: str) -> list[str | PrivacyError]:
        """Return each value's blind index or the error of its item."""

        def work(dataset: Dataset, items: Sequence[CipherItem]) -> Sequence[str | PrivacyError]:
            made = [IndexItem(item.field, item.value, dataset.fields[item.field].category) for item in items]
            return self._protection.index(actor.tenant, dataset.id, made)

        return self._run(actor, "index", batch, request_id, work, needs_subject=False)

    def _run(
        self,
        actor: Actor,
        action: str,
        batch: CipherBatch,
        request_id: str,
        work: Callable[[Dataset, Sequence[CipherItem]], Sequence[T | PrivacyError]],
        *,
        needs_subject: bool,
    ) -> list[T | PrivacyError]:
        judge = self._decider.judge(Question(actor, action, batch.purpose, batch.recipient, batch.dataset))
        dataset = judge.bench.dataset
        if dataset is None:
            raise NotFound(
                "The dataset is not in the data map: `privacy systems scan` finds it, `privacy systems list` shows what is there.", pointer="/dataset"
            )
        consents = judge.consents(self._consents, self._restrictions, list({item.subject for item in batch.items if item.subject}))
        decided: _Batch[T] = _Batch(batch.items)
        account = Account({"items": len(batch.items), Effect.CLEAR: 0, Effect.WITHHELD: 0, _FAILED: 0})
        for number, item in enumerate(batch.items):
            self._decide(judge, number, item, consents, decided, account, needs_subject)
        allowed = decided.allowed
        done = work(dataset, [batch.items[number] for number in allowed]) if allowed else []
        for number, result in zip(allowed, done, strict=True):
            _note(account, batch.items[number], result)
        # a value that could not be opened was shown to nobody: recorded as such, or anyone could plant disclosures in the log
        failed = account.counts[_FAILED] and not account.counts[Effect.CLEAR]
        self._trail.record(_ACTIONS[action], actor, judge.bench, account, request_id, Outcome.FAILED if failed else None)
        return decided.joined(done)

    def _decide(
        self,
        judge: Judge,
        number: int,
        item: CipherItem,
        consents: Mapping[SubjectRef, ConsentFact],
        decided: _Batch[T],
        account: Account,
        needs_subject: bool,
    ) -> None:
        if needs_subject and item.subject is None:
            decided.errors[number] = InvalidInput("Name the subject whose value it is, as system:type:key.", pointer=f"/items/{number}/subject")
            return
        verdict = judge.field(item.field, consents.get(item.subject) if item.subject else None)
        account.rules.update(filter(None, [verdict.reason.rule]))
        if verdict.effect is not Effect.CLEAR:
            account.counts[Effect.WITHHELD] += 1
            decided.errors[number] = _refusal(verdict, number)
            return
        account.fields.add(item.field)


def _note(account: Account, item: CipherItem, result: object) -> None:
    """Count what came of one allowed item; only what really came out concerns its subject."""
    if isinstance(result, PrivacyError):
        account.counts[_FAILED] += 1
    else:
        account.counts[Effect.CLEAR] += 1
        account.see(item.subject, Effect.CLEAR, frozenset({item.field}))


def _subject(item: CipherItem) -> SubjectRef:
    if item.subject is None:
        raise AssertionError("items without a subject are refused before")
    return item.subject


def _refusal(verdict: Verdict, number: int) -> PrivacyError:
    """Return the error of one item: the reason's own words, under the code callers can act on."""
    reason = verdict.reason
    if reason.code == "field_unknown":
        return NotFound(reason.en, pointer=f"/items/{number}/field")
    if reason.code.startswith("consent_") or reason.code == "subject_missing":
        return ConsentMissing(reason.en, pointer=f"/items/{number}")
    if reason.code == SECOND_FACTOR:
        return StepUpRequired(reason.en, pointer=f"/items/{number}")
    return AccessDenied(reason.en, pointer=f"/items/{number}")
