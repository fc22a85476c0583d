"""How the datasets of a system belong together, and what erasure does to each: proposals, decisions, handlings. Nothing here reads a value."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field as Constraint
from pydantic import StringConstraints

from privacy.discovery.relations.finding import RelateResult
from privacy.discovery.relations.proposing import RelationProposal
from privacy.inventory.relating import HandlingDecision
from privacy.inventory.relation_rules import Edge, RelationDecision
from privacy.inventory.relations import Erase, Handling, Ownership, Relation
from privacy.kernel.errors import Conflict, ConnectorUnavailable, InvalidInput, NotFound, PrivacyError, TooBusy
from privacy.web.api.systems import EvidenceAnswer, FlawAnswer, ProblemAnswer, Word
from privacy.web.endpoint import Answer, Body, Call, JsonInt, Query, Routes, form

routes = Routes("relations")

SystemName = Annotated[str, StringConstraints(pattern=r"^[\w~-]{1,64}$"), form("the name of a system, for example crm, or of an archive, crm~1")]
RelationId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$"), form("32 hexadecimal digits, as GET /relations gives them")]
Columns = Annotated[list[Word], Constraint(min_length=1, max_length=16)]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=500), form("one line of at most 500 characters")]
Role = Literal["owned_by", "owns", "accessed_by", "handled_by", "ref"]
Depth = Annotated[JsonInt, Constraint(ge=1, le=100)]


class RelationsQuery(Query):
    system: SystemName


class ProposeBody(Body):
    """A connected system that has been scanned."""

    system: SystemName


class RelationAnswer(Answer):
    """A relation between two datasets. Only confirmed ones are followed; weak ones only feed the review list."""

    id: str
    child: str
    child_columns: list[str]
    parent: str
    parent_columns: list[str]
    role: Role
    status: str
    declared: bool
    weak: bool
    depth: int | None
    when: dict[str, str]
    confidence: float
    evidence: list[EvidenceAnswer]
    decided_by: str
    decided_at: datetime | None

    @classmethod
    def of(cls, relation: Relation) -> "RelationAnswer":
        return cls(
            id=relation.id,
            child=relation.child,
            child_columns=list(relation.child_columns),
            parent=relation.parent,
            parent_columns=list(relation.parent_columns),
            role=relation.role.value,
            status=relation.status.value,
            declared=relation.declared,
            weak=relation.weak,
            depth=relation.depth,
            when=dict(relation.when),
            confidence=relation.confidence,
            evidence=[EvidenceAnswer.model_validate(dict(part)) for part in relation.evidence],
            decided_by=relation.decided_by,
            decided_at=relation.decided_at,
        )


class HandlingAnswer(Answer):
    """What erasure does to the rows of a dataset; a dataset that is not listed has its owned rows deleted."""

    dataset: str
    action: str
    reason: str
    rule: str
    replacements: dict[str, str]
    decided_by: str
    decided_at: datetime | None

    @classmethod
    def of(cls, handling: Handling) -> "HandlingAnswer":
        return cls(
            dataset=handling.dataset,
            action=handling.action.value,
            reason=handling.reason,
            rule=handling.rule,
            replacements=dict(handling.replacements),
            decided_by=handling.decided_by,
            decided_at=handling.decided_at,
        )


class RelationsAnswer(Answer):
    """Every relation and handling of a system; `digest` changes when what an erasure would do may change."""

    relations: list[RelationAnswer]
    handlings: list[HandlingAnswer]
    digest: str


class RelationProposalAnswer(Answer):
    child: str
    child_columns: list[str]
    parent: str
    parent_columns: list[str]
    role: Role
    confidence: float
    declared: bool
    weak: bool
    when: dict[str, str]
    evidence: list[EvidenceAnswer]

    @classmethod
    def of(cls, proposal: RelationProposal) -> "RelationProposalAnswer":
        return cls.model_validate({"when": {}} | proposal.plain() | {"weak": proposal.weak})


class ProposedAnswer(Answer):
    """What a look at the system proposes: `new` of them were not known before, `sure` ones may be confirmed in bulk."""

    tables: int
    proposals: list[RelationProposalAnswer]
    problems: list[ProblemAnswer]
    new: int
    sure: int

    @classmethod
    def of(cls, result: RelateResult) -> "ProposedAnswer":
        kept = result.kept
        return cls(
            tables=result.tables,
            proposals=[RelationProposalAnswer.of(proposal) for proposal in result.proposals],
            problems=[ProblemAnswer(table=table, problem=problem) for table, problem in result.problems.items()],
            new=len(kept.new) if kept else 0,
            sure=kept.sure if kept else 0,
        )


class RelationDecisionBody(Body):
    """`confirm` takes the proposed role unless one is given; `reject` says that there is no such relation."""

    id: RelationId
    decision: Literal["confirm", "reject"]
    role: Role | None = None
    depth: Depth | None = None


class RelationDecisionsBody(Body):
    system: SystemName
    decisions: Annotated[list[RelationDecisionBody], Constraint(min_length=1, max_length=1000)]


class RelationDecidedAnswer(Answer):
    """What became of one decision, in the order given: the relation, or what was wrong."""

    id: str
    relation: RelationAnswer | None = None
    error: FlawAnswer | None = None


class RelationDecisionsAnswer(Answer):
    items: list[RelationDecidedAnswer]


class EdgeBody(Body):
    """A relation that somebody knows of, by table names: confirmed at once."""

    system: SystemName
    child: Word
    child_columns: Columns
    parent: Word
    parent_columns: Columns
    role: Role
    weak: bool = False
    depth: Depth | None = None
    when: dict[Word, Word] = Constraint(default_factory=dict, max_length=8)


class HandlingBody(Body):
    """What erasure shall do to a dataset. `keep` and `restrict` need a reason; `replacements` (with `anonymise`): field → `null` or `text:…`."""

    dataset: Word
    action: Literal["delete", "anonymise", "unlink", "restrict", "keep"]
    reason: Text = ""
    rule: Text = ""
    replacements: dict[Word, Text] = Constraint(default_factory=dict, max_length=500)


class HandlingsBody(Body):
    decisions: Annotated[list[HandlingBody], Constraint(min_length=1, max_length=1000)]


class HandledAnswer(Answer):
    """What became of one decision, in the order given: the handling, or what was wrong."""

    dataset: str
    handling: HandlingAnswer | None = None
    error: FlawAnswer | None = None


class HandlingsAnswer(Answer):
    items: list[HandledAnswer]


@routes.get(
    "/relations", scope="systems:read", query=RelationsQuery, answer=RelationsAnswer, errors=(NotFound,), summary="List relations and handlings of a system"
)
def list_relations(call: Call) -> RelationsAnswer:
    relations, tenant, system = call.app.relations, call.actor.tenant, call.query.system
    return RelationsAnswer(
        relations=[RelationAnswer.of(relation) for relation in relations.of_system(tenant, system)],
        handlings=[HandlingAnswer.of(handling) for handling in relations.handlings(tenant, system).values()],
        digest=relations.digest(tenant, system),
    )


@routes.post(
    "/relations",
    scope="systems:write",
    body=ProposeBody,
    answer=ProposedAnswer,
    errors=(NotFound, Conflict, InvalidInput, ConnectorUnavailable, TooBusy),
    summary="Propose how the tables of a system belong together",
)
def propose(call: Call, body: ProposeBody) -> ProposedAnswer:
    return ProposedAnswer.of(call.app.relation_finder.propose(call.actor, body.system, request_id=call.request_id))


@routes.post(
    "/relations/decisions",
    scope="systems:write",
    body=RelationDecisionsBody,
    answer=RelationDecisionsAnswer,
    errors=(NotFound, Conflict),
    summary="Confirm or reject relations",
)
def decide(call: Call, body: RelationDecisionsBody) -> RelationDecisionsAnswer:
    decisions = [RelationDecision(item.id, item.decision, Ownership(item.role) if item.role else None, item.depth) for item in body.decisions]
    answers = call.app.relations.decide(call.actor, body.system, decisions, request_id=call.request_id)
    return RelationDecisionsAnswer(items=[_decided(item.id, answer) for item, answer in zip(body.decisions, answers, strict=True)])


@routes.post(
    "/relations/edges",
    scope="systems:write",
    body=EdgeBody,
    answer=RelationAnswer,
    errors=(NotFound, Conflict),
    summary="Add a relation by hand",
)
def add_edge(call: Call, body: EdgeBody) -> RelationAnswer:
    edge = Edge(
        body.child, tuple(body.child_columns), body.parent, tuple(body.parent_columns), Ownership(body.role), weak=body.weak, depth=body.depth, when=body.when
    )  # fmt: skip
    return RelationAnswer.of(call.app.relations.add(call.actor, body.system, edge, request_id=call.request_id))


@routes.post("/handlings", scope="systems:write", body=HandlingsBody, answer=HandlingsAnswer, summary="Say what erasure does to datasets")
def handle(call: Call, body: HandlingsBody) -> HandlingsAnswer:
    decisions = [HandlingDecision(item.dataset, Erase(item.action), item.reason, item.rule, item.replacements) for item in body.decisions]
    answers = call.app.relations.handle(call.actor, decisions, request_id=call.request_id)
    return HandlingsAnswer(items=[_handled(item.dataset, answer) for item, answer in zip(body.decisions, answers, strict=True)])


def _decided(id: str, answer: Relation | PrivacyError) -> RelationDecidedAnswer:
    if isinstance(answer, PrivacyError):
        return RelationDecidedAnswer(id=id, error=FlawAnswer(code=answer.code, detail=answer.detail))
    return RelationDecidedAnswer(id=id, relation=RelationAnswer.of(answer))


def _handled(dataset: str, answer: Handling | PrivacyError) -> HandledAnswer:
    if isinstance(answer, PrivacyError):
        return HandledAnswer(dataset=dataset, error=FlawAnswer(code=answer.code, detail=answer.detail))
    return HandledAnswer(dataset=dataset, handling=HandlingAnswer.of(answer))
