"""Decisions without values: may the caller do this with that field? For callers that mask by themselves, and for screens that hide a column."""

from collections.abc import Sequence

from privacy.access.deciding import Decider, Question
from privacy.access.decision import Judge, Verdict
from privacy.access.ports import Consents, Restrictions
from privacy.access.requests import Decided, DecidedBatch, DecisionItem, ReasonList
from privacy.access.trail import Account, Trail
from privacy.audit.events import Action, Outcome
from privacy.kernel.errors import InvalidInput
from privacy.kernel.terms import Actor

MAX_QUESTIONS = 20  # different (dataset, purpose, recipient, action) in one call: each is one event

_Key = tuple[str, str | None, str | None, str]


class Decisions:
    """Answers `decide`, one event per dataset, purpose, recipient and action."""

    def __init__(self, decider: Decider, consents: Consents, restrictions: Restrictions, trail: Trail) -> None:
        self._decider = decider
        self._consents = consents
        self._restrictions = restrictions
        self._trail = trail

    def decide(self, actor: Actor, items: Sequence[DecisionItem], request_id: str) -> DecidedBatch:
        groups: dict[_Key, list[int]] = {}
        for number, item in enumerate(items):
            groups.setdefault((item.dataset, item.purpose, item.recipient, item.action), []).append(number)
        if len(groups) > MAX_QUESTIONS:
            raise InvalidInput(f"One call asks about at most {MAX_QUESTIONS} different datasets, purposes, recipients and actions.", pointer="/items")
        reason_list = ReasonList()
        verdicts: dict[int, Verdict] = {}
        version = 0
        for (dataset, purpose, recipient, action), numbers in groups.items():
            judge = self._decider.judge(Question(actor, action, purpose, recipient, dataset))
            version = judge.bench.policy_version
            verdicts |= self._group(actor, judge, items, numbers, request_id)
        decided = [Decided(verdicts[n].effect.value, verdicts[n].technique, reason_list.place(verdicts[n].reason)) for n in range(len(items))]
        return DecidedBatch(tuple(decided), reason_list.all(), version)

    def _group(self, actor: Actor, judge: Judge, items: Sequence[DecisionItem], numbers: list[int], request_id: str) -> dict[int, Verdict]:
        subjects = list({subject for number in numbers if (subject := items[number].subject)})
        consents = judge.consents(self._consents, self._restrictions, subjects)
        verdicts, account = {}, Account({"items": len(numbers)})
        for number in numbers:
            item = items[number]
            verdict = verdicts[number] = judge.field(item.field, consents.get(item.subject) if item.subject else None)
            account.counts[verdict.effect] = account.counts.get(verdict.effect, 0) + 1
            account.rules.update(filter(None, [verdict.reason.rule]))
        for subject in consents:
            # no value was seen, but the answer tells the state of the subject's consent, or that it is restricted
            account.see(subject, "decided", frozenset({"consent"}))
        self._trail.record(Action.DECISION_MADE, actor, judge.bench, account, request_id, Outcome.SUCCESS)
        return verdicts
