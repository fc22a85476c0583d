"""From a question to a judge: looks up purpose, recipient, dataset and policy, and checks the gates that hold for a whole call."""

from dataclasses import dataclass
from datetime import UTC
from zoneinfo import ZoneInfo

from privacy.access import reasons
from privacy.access.compiled import UNKNOWN_REGION, Plan, PlanCache, Scope
from privacy.access.decision import DISCLOSING, Bench, Judge
from privacy.access.policies import ActivePolicy, Policies
from privacy.access.ports import Categories, DataMap, PurposeCatalogue
from privacy.access.predicates import Facts, Truths, call_truths
from privacy.access.reasons import Reason
from privacy.access.rows import ACTIONS, INTERNAL
from privacy.inventory.catalogue_model import Controller, Purpose, Recipient
from privacy.inventory.model import Dataset
from privacy.kernel.clock import Clock
from privacy.kernel.errors import InvalidInput
from privacy.kernel.terms import Actor

NO_PURPOSE = "-"  # protecting or indexing without naming a purpose: only rows for any purpose apply
NO_DATASET = "-"  # texts that stand in no dataset: only rows for any dataset apply


@dataclass(frozen=True, slots=True)
class Question:
    """What a call is about. `dataset` None means free text of no dataset."""

    actor: Actor
    action: str
    purpose: str | None
    recipient: str | None
    dataset: str | None


class Decider:
    """Makes judges. Safe to share between threads."""

    def __init__(self, policies: Policies, data_map: DataMap, taxonomy: Categories, catalogue: PurposeCatalogue, clock: Clock) -> None:
        self._policies = policies
        self._data_map = data_map
        self._taxonomy = taxonomy
        self._catalogue = catalogue
        self._clock = clock
        self._plans = PlanCache()

    def judge(self, question: Question) -> Judge:
        """Return the judge for one call. Raises InvalidInput when no purpose is named and none is implied, or the action is unknown."""
        actor, tenant = question.actor, question.actor.tenant
        if question.action not in ACTIONS:
            raise InvalidInput(f"The action is one of {', '.join(sorted(ACTIONS))}.", pointer="/action")
        named = question.purpose or _implied_purpose(actor, question.action)
        purpose = self._catalogue.purpose(tenant, named) if named else None
        recipient = self._catalogue.recipient(tenant, question.recipient) if question.recipient else None
        controller = self._catalogue.controller(tenant, purpose.controller) if purpose else None
        dataset = self._data_map.dataset(tenant, question.dataset) if question.dataset else None
        active = self._policies.active(tenant)
        roles = actor.roles & active.roles
        refused = self._refusal(question, named, purpose, recipient, controller, dataset, roles)
        scope = None if refused else _scope(question, roles, purpose, recipient, controller, dataset)
        return Judge(
            Bench(
                tenant=tenant,
                policy_version=active.version,
                policy_ref=active.ref,
                action=question.action,
                purpose=purpose,
                recipient=recipient.id if recipient else None,
                dataset=dataset,
                scope=scope,
                plan=self._plan(active, question, scope),
                truths=self._truths(actor, controller),
                language="zh" if controller and controller.country == "CN" else "auto",
                refused=refused,
            ),
            self._taxonomy,
        )

    def _plan(self, active: ActivePolicy, question: Question, scope: Scope | None) -> Plan | None:
        if scope is None:  # refused before the cache: strangers cannot fill it with words nobody knows
            return None
        return self._plans.get((question.actor.tenant, active.ref, scope), lambda: Plan(active.policy, scope))

    def _truths(self, actor: Actor, controller: Controller | None) -> Truths:
        return call_truths(Facts(actor, self._clock.now(), controller.time_zone if controller else None))

    def _refusal(
        self,
        question: Question,
        named: str | None,
        purpose: Purpose | None,
        recipient: Recipient | None,
        controller: Controller | None,
        dataset: Dataset | None,
        roles: frozenset[str],
    ) -> Reason | None:
        """Return why nothing at all can be disclosed, None when fields have to be looked at."""
        if not roles:
            return reasons.ROLE_UNKNOWN
        if named and (refused := _purpose_refusal(question, purpose)):
            return refused
        if question.recipient and (refused := self._recipient_refusal(purpose, recipient, controller)):
            return refused
        return reasons.DATASET_UNKNOWN if question.dataset and dataset is None else None

    def _recipient_refusal(self, purpose: Purpose | None, recipient: Recipient | None, controller: Controller | None) -> Reason | None:
        if recipient is None:
            return reasons.RECIPIENT_UNKNOWN
        today = self._clock.now().astimezone(ZoneInfo(controller.time_zone) if controller else UTC).date()
        if not recipient.in_force(today):
            return reasons.RECIPIENT_AGREEMENT
        return None if purpose and purpose.id in recipient.purposes else reasons.RECIPIENT_PURPOSE


def _purpose_refusal(question: Question, purpose: Purpose | None) -> Reason | None:
    if purpose is None:
        return reasons.PURPOSE_UNKNOWN
    if question.actor.purposes and purpose.id not in question.actor.purposes:
        return reasons.PURPOSE_NOT_REGISTERED
    if not purpose.assessed:
        return reasons.ASSESSMENT_MISSING
    return None if purpose.state == "live" else reasons.PURPOSE_INACTIVE


def _implied_purpose(actor: Actor, action: str) -> str | None:
    if actor.purposes:
        return actor.purposes[0]
    if action in DISCLOSING:
        raise InvalidInput("Name the purpose: only a client registered for purposes may leave it out.", pointer="/purpose")
    return None


def _scope(
    question: Question, roles: frozenset[str], purpose: Purpose | None, recipient: Recipient | None, controller: Controller | None, dataset: Dataset | None
) -> Scope:
    # where the data goes: to the recipient's country, else it stays with the controller
    country = recipient.country if recipient else controller.country if controller else ""
    return Scope(
        roles,
        purpose.id if purpose else NO_PURPOSE,
        recipient.id if recipient else INTERNAL,
        dataset.name if dataset else NO_DATASET,
        question.action,
        country.lower() or UNKNOWN_REGION,
    )
