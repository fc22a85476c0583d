"""Why a decision comes out as it does: for each role and field the verdict, the rows that were looked at, and what each of them said."""

from collections.abc import Iterator
from dataclasses import replace

from privacy.access.compiled import mismatch, names_class
from privacy.access.deciding import Decider, Question
from privacy.access.decision import DISCLOSING, ConsentFact, Judge
from privacy.access.policies import Policies
from privacy.access.ports import Consents, OracleRequest, Restrictions
from privacy.access.predicates import holds
from privacy.access.requests import Explain, Explained, ExplainedField, ReasonList, RowNote
from privacy.access.rows import ALLOW, Policy, Row
from privacy.access.trail import Account, Trail
from privacy.audit.events import Action, Outcome
from privacy.inventory.model import Field
from privacy.kernel.errors import AccessDenied, InvalidInput
from privacy.kernel.terms import Actor

_MAX_CELLS = 20_000
EVERY_FIELD = "*"


class Explainer:
    """Answers `explain`. Nothing it says is a value; what it says about a subject's consent is recorded as seen."""

    def __init__(self, decider: Decider, policies: Policies, consents: Consents, restrictions: Restrictions, trail: Trail) -> None:
        self._decider = decider
        self._policies = policies
        self._consents = consents
        self._restrictions = restrictions
        self._trail = trail

    def explain(self, actor: Actor, asked: Explain, request_id: str) -> Explained:
        """Return the explanation.

        Raises InvalidInput for a question too large or a role nobody has, AccessDenied for a subject the caller may not ask about.
        """
        if asked.subject and not actor.scopes & {"mask", "consent:read"}:
            raise AccessDenied("A decision about one subject tells the state of its consent; that needs the scope consent:read or mask.")
        known = self._policies.active(actor.tenant).roles
        if not asked.roles <= known:
            raise InvalidInput(f"Known roles are {', '.join(sorted(known))}.", pointer="/roles")
        reason_list = ReasonList()
        explained: list[ExplainedField] = []
        judges = {role: self._judge(actor, asked, role) for role in sorted(asked.roles or known)}
        for role, judge in judges.items():
            explained += self._role(judge, asked, role, reason_list)
            if len(explained) > _MAX_CELLS:
                raise InvalidInput("The question is too large; name fewer roles or fields.", pointer="/fields")
        any_judge = next(iter(judges.values()))
        account = Account({"roles": len(judges), "cells": len(explained)})
        if asked.subject and (any_judge.bench.asks_consent or asked.action in DISCLOSING):
            account.see(asked.subject, "explained", frozenset({"consent"}))
        self._trail.record(Action.DECISION_EXPLAINED, actor, any_judge.bench, account, request_id, Outcome.SUCCESS)
        return Explained(tuple(explained), reason_list.all(), any_judge.bench.policy_version)

    def _judge(self, actor: Actor, asked: Explain, role: str) -> Judge:
        # purposes a client is registered for limit that client; the question is about the role
        as_role = replace(actor, roles=frozenset({role}), purposes=actor.purposes if asked.purpose is None else ())
        return self._decider.judge(Question(as_role, asked.action, asked.purpose, asked.recipient, asked.dataset))

    def _role(self, judge: Judge, asked: Explain, role: str, reason_list: ReasonList) -> Iterator[ExplainedField]:
        dataset = judge.bench.dataset
        # of an unknown dataset there is one thing to say, about all its fields
        names = sorted(asked.fields) or sorted(dataset.fields if dataset else (EVERY_FIELD,))
        consent = judge.consents(self._consents, self._restrictions, [asked.subject]).get(asked.subject) if asked.subject else None
        for name in names:
            verdict = judge.field(name, consent)
            field = dataset.fields.get(name) if dataset else None
            notes = tuple(self._notes(judge, field, consent, all_rows=asked.all_rows)) if field else ()
            oracle = self._oracle(judge, field, consent) if asked.oracle and field else ""
            category = field.category if field else ""
            yield ExplainedField(role, name, category, verdict.effect.value, verdict.technique, reason_list.place(verdict.reason), notes, oracle)

    def _notes(self, judge: Judge, field: Field, consent: ConsentFact | None, *, all_rows: bool) -> Iterator[RowNote]:
        scope = judge.bench.scope
        if scope is None:
            return
        policy = self._policies.active(judge.bench.tenant).policy
        roles, truths = policy.roles_of(scope.roles), judge.truths(consent)
        decided = False
        for row in policy.rows if all_rows else policy.candidates(scope.action, scope.purpose):
            misfit = mismatch(row, scope, roles) or (None if names_class(row, field.field_class, field.category) else "class")
            if misfit:
                if all_rows:
                    yield _note(row, f"does not fit: {misfit}")
                continue
            if decided:
                yield _note(row, "comes later")
            elif holds(row.condition, row.effect, truths):
                decided = True
                yield _note(row, "decides")
            else:
                yield _note(row, "its condition does not hold")

    def _oracle(self, judge: Judge, field: Field, consent: ConsentFact | None) -> str:
        scope = judge.bench.scope
        if scope is None or (consent is not None and consent.restricted):
            return "not asked: a gate decided"
        policy: Policy = self._policies.active(judge.bench.tenant).policy
        request = OracleRequest(
            scope.roles, scope.purpose, scope.recipient, scope.dataset, field.field_class, field.category, scope.action, scope.region, judge.truths(consent)
        )
        allowed, row = self._policies.oracle.decide(policy, request)
        return f"{ALLOW if allowed else 'deny'} {row}".rstrip()


def _note(row: Row, outcome: str) -> RowNote:
    return RowNote(row.id, row.priority, row.condition, row.effect, row.technique, outcome)
