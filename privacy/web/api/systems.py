"""Connected systems, their scans, and the data map.

Who may connect a system makes this service open an address of their choosing. So it needs systems:write (in the shipped roles: the DPO alone);
addresses are read-only and of known kinds, our own databases are refused, nothing of an answer is a value of the system.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field as Constraint
from pydantic import StringConstraints

from privacy.discovery.service import FoundField, ScanResult
from privacy.inventory.deciding import FieldDecision
from privacy.inventory.model import Dataset, Field, Gap, System
from privacy.kernel.errors import Conflict, ConnectorUnavailable, InvalidInput, NotFound, PrivacyError, TooBusy
from privacy.web.endpoint import IDENTIFIER, ONE_WORD, Answer, Body, Call, JsonInt, Query, Routes, form

routes = Routes("systems")

SystemName = Annotated[str, StringConstraints(pattern=r"^[\w-]{1,64}$"), form("1 to 64 letters, digits, _ and -, for example crm")]
Address = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=2048), form("one line, for example postgresql://reader@db.example/crm")]
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=512), form(ONE_WORD)]
Id = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$"),
    form(IDENTIFIER),
]


class SystemBody(Body):
    """A system to connect. `url`: sqlite:///path, postgresql://user@host/name, mariadb://user@host/name or csv:/path; stored encrypted, never shown.

    The connection is tried first; `check` false skips that for a database server that cannot be reached yet.
    """

    name: SystemName
    url: Address
    controller: Id | None = None
    check: bool = True


class AddressBody(Body):
    """The new address of a connected system; see POST /systems."""

    url: Address
    check: bool = True


class SystemAnswer(Answer):
    id: str
    name: str
    kind: str
    address: str
    controller: str | None
    created_at: datetime | None
    scanned_at: datetime | None

    @classmethod
    def of(cls, system: System) -> "SystemAnswer":
        return cls(
            id=system.id,
            name=system.name,
            kind=system.kind,
            address=system.shown_url,
            controller=system.controller,
            created_at=system.created_at,
            scanned_at=system.scanned_at,
        )


class SystemsAnswer(Answer):
    systems: list[SystemAnswer]


class EvidenceAnswer(Answer):
    """One reason for a proposal: numbers and words of the schema, never a value."""

    kind: str
    detail: str
    weight: float


class ProposalAnswer(Answer):
    table: str
    column: str
    entity: str
    category: str
    level: int
    confidence: float
    outcome: Literal["auto", "review"]
    evidence: list[EvidenceAnswer]


class SubjectAnswer(Answer):
    table: str
    type: str
    field: str
    evidence: str


class CarrierAnswer(Answer):
    """A column without fixed content: what was not found in it may still be there."""

    table: str
    column: str
    carrier: str


class ProblemAnswer(Answer):
    table: str
    problem: str


class DriftAnswer(Answer):
    new: list[str]
    changed: list[str]
    gone: list[str]


class ScanAnswer(Answer):
    tables: int
    columns: int
    proposals: list[ProposalAnswer]
    subjects: list[SubjectAnswer]
    carriers: list[CarrierAnswer]
    problems: list[ProblemAnswer]
    drift: DriftAnswer

    @classmethod
    def of(cls, result: ScanResult) -> "ScanAnswer":
        reports, drift = result.reports, result.drift
        return cls(
            tables=len(reports),
            columns=sum(len(report.table.columns) for report in reports),
            proposals=[ProposalAnswer.model_validate(proposal.plain()) for proposal in result.proposals],
            subjects=[SubjectAnswer(table=r.table.name, type=r.subject.type, field=r.subject.field, evidence=r.subject.evidence) for r in reports if r.subject],
            carriers=[CarrierAnswer(table=r.table.name, column=column, carrier=kind) for r in reports for column, kind in r.carriers.items()],
            problems=[ProblemAnswer(table=table, problem=problem) for table, problem in result.problems.items()],
            drift=DriftAnswer(new=list(drift.new), changed=list(drift.changed), gone=list(drift.gone)),
        )


class FieldAnswer(Answer):
    """A field of the map. Without a category it counts as the strictest level. `outcome` is what the last scan said: auto, review or none."""

    dataset: str
    field: str
    type: str
    status: str
    category: str
    field_class: str
    level: int
    technique: str
    carrier: str | None
    controls: list[str]
    entity: str
    confidence: float | None
    outcome: str
    drift: str
    evidence: list[EvidenceAnswer]

    @classmethod
    def of(cls, dataset: str, field: Field) -> "FieldAnswer":
        found = field.finding
        return cls(
            dataset=dataset,
            field=field.name,
            type=field.data_type,
            status=field.status.value,
            category=field.category,
            field_class=field.field_class,
            level=field.level,
            technique=field.technique,
            carrier=field.carrier.value if field.carrier else None,
            controls=sorted(field.controls),
            entity=found.entity if found else "",
            confidence=found.confidence if found else None,
            outcome=found.outcome if found else "none",
            drift=found.drift if found else "",
            evidence=[EvidenceAnswer.model_validate(dict(part)) for part in found.evidence] if found else [],
        )


class FindingsAnswer(Answer):
    findings: list[FieldAnswer]

    @classmethod
    def of(cls, found: list[FoundField]) -> "FindingsAnswer":
        return cls(findings=[FieldAnswer.of(item.dataset, item.field) for item in found])


class DecisionBody(Body):
    """`confirm` takes the proposed category unless `category` names one; `level` may raise the category's own level."""

    dataset: Word
    field: Word
    decision: Literal["confirm", "reject", "not_personal"]
    category: Id | None = None
    level: Annotated[JsonInt, Constraint(ge=1, le=4)] | None = None


class DecisionsBody(Body):
    decisions: Annotated[list[DecisionBody], Constraint(min_length=1, max_length=1000)]


class FlawAnswer(Answer):
    code: str
    detail: str


class DecidedAnswer(Answer):
    """What became of one decision, in the order given: the field's new status, or what was wrong."""

    dataset: str
    field: str
    status: str | None = None
    category: str | None = None
    level: int | None = None
    error: FlawAnswer | None = None


class DecisionsAnswer(Answer):
    items: list[DecidedAnswer]


class DatasetAnswer(Answer):
    id: str
    name: str
    system: str
    table: str
    kind: str
    rows: int | None
    subject_type: str | None
    subject_field: str | None
    proposed_subject_type: str | None
    proposed_subject_field: str | None
    problem: str
    gone: bool
    fields: list[FieldAnswer]

    @classmethod
    def of(cls, dataset: Dataset, *, whole: bool = True) -> "DatasetAnswer":
        return cls(
            id=dataset.id,
            name=dataset.name,
            system=dataset.system,
            table=dataset.table,
            kind=dataset.kind,
            rows=dataset.rows,
            subject_type=dataset.subject_type,
            subject_field=dataset.subject_field,
            proposed_subject_type=dataset.proposed_subject_type,
            proposed_subject_field=dataset.proposed_subject_field,
            problem=dataset.problem,
            gone=dataset.gone,
            fields=[FieldAnswer.of(dataset.name, field) for field in dataset.fields.values()] if whole else [],
        )


class DatasetsAnswer(Answer):
    """Datasets by name, without their fields; GET /datasets/{name} has those."""

    datasets: list[DatasetAnswer]
    version: int


class SubjectBody(Body):
    """Whom each row of the dataset is about."""

    subject_type: Annotated[str, StringConstraints(pattern=r"^[^:\x00-\x1f\x7f]{1,128}$"), form("one word without colons, for example customer")]
    subject_field: Word


class OfSystem(Query):
    system: Annotated[str, StringConstraints(pattern=r"^[\w~-]{1,64}$"), form("the name of a system, for example crm, or of an archive, crm~1")] | None = None


class GapAnswer(Answer):
    dataset: str
    field: str
    category: str
    level: int
    status: str
    missing: list[str]
    remedy: str

    @classmethod
    def of(cls, gap: Gap) -> "GapAnswer":
        return cls(
            dataset=gap.dataset,
            field=gap.field,
            category=gap.category,
            level=gap.level,
            status=gap.status.value,
            missing=list(gap.missing),
            remedy=gap.remedy,
        )


class GapsAnswer(Answer):
    gaps: list[GapAnswer]


class MapAnswer(Answer):
    """The map of a system as data: the same keys as in the YAML file of `privacy systems map`."""

    map: dict[str, Any]


@routes.get("/systems", scope="systems:read", answer=SystemsAnswer, summary="List the connected systems")
def list_systems(call: Call) -> SystemsAnswer:
    return SystemsAnswer(systems=[SystemAnswer.of(system) for system in call.app.inventory.systems(call.actor.tenant)])


@routes.post(
    "/systems",
    scope="systems:write",
    body=SystemBody,
    answer=SystemAnswer,
    status=201,
    errors=(Conflict, ConnectorUnavailable),
    summary="Connect a system",
    replay=True,
)
def add_system(call: Call, body: SystemBody) -> SystemAnswer:
    added = call.app.discovery.add(call.actor, body.name, body.url, controller=body.controller, check=body.check, request_id=call.request_id)
    return SystemAnswer.of(added)


@routes.put(
    "/systems/<name>/address",
    scope="systems:write",
    body=AddressBody,
    answer=SystemAnswer,
    errors=(NotFound, Conflict, ConnectorUnavailable),
    summary="Give a connected system another address",
)
def change_address(call: Call, body: AddressBody, name: str) -> SystemAnswer:
    return SystemAnswer.of(call.app.discovery.change(call.actor, name, body.url, check=body.check, request_id=call.request_id))


@routes.post(
    "/systems/<name>/remove",
    scope="systems:write",
    answer=SystemAnswer,
    errors=(NotFound, Conflict),
    summary="Disconnect a system and archive its map",
)
def remove_system(call: Call, name: str) -> SystemAnswer:
    return SystemAnswer.of(call.app.inventory.remove_system(call.actor, name, request_id=call.request_id))


@routes.post(
    "/systems/<name>/scan",
    scope="systems:write",
    answer=ScanAnswer,
    errors=(NotFound, InvalidInput, ConnectorUnavailable, TooBusy),
    summary="Scan a system for personal data",
)
def scan(call: Call, name: str) -> ScanAnswer:
    return ScanAnswer.of(call.app.discovery.scan(call.actor, name, request_id=call.request_id))


@routes.get(
    "/systems/<name>/findings", scope="systems:read", answer=FindingsAnswer, errors=(NotFound,), summary="List proposals, carriers and decisions of a system"
)
def findings(call: Call, name: str) -> FindingsAnswer:
    return FindingsAnswer.of(call.app.discovery.findings(call.actor, name))


@routes.get("/systems/<name>/map", scope="systems:read", answer=MapAnswer, errors=(NotFound,), summary="Export the data map of a system")
def export_map(call: Call, name: str) -> MapAnswer:
    return MapAnswer(map=dict(call.app.inventory.export_map(call.actor, name, request_id=call.request_id)))


@routes.post("/findings", scope="systems:write", body=DecisionsBody, answer=DecisionsAnswer, summary="Confirm, reject or declare fields not personal")
def decide(call: Call, body: DecisionsBody) -> DecisionsAnswer:
    decisions = [FieldDecision(item.dataset, item.field, item.decision, item.category, item.level) for item in body.decisions]
    answers = call.app.inventory.decide(call.actor, decisions, request_id=call.request_id)
    return DecisionsAnswer(items=[_decided(item, answer) for item, answer in zip(body.decisions, answers, strict=True)])


@routes.get("/datasets", scope="systems:read", query=OfSystem, answer=DatasetsAnswer, errors=(NotFound,), summary="List the datasets of the map")
def list_datasets(call: Call) -> DatasetsAnswer:
    datasets = call.app.inventory.datasets(call.actor.tenant, call.query.system)
    return DatasetsAnswer(datasets=[DatasetAnswer.of(dataset, whole=False) for dataset in datasets], version=call.app.inventory.version(call.actor.tenant))


@routes.get("/datasets/<name>", scope="systems:read", answer=DatasetAnswer, errors=(NotFound,), summary="Show a dataset with its fields")
def show_dataset(call: Call, name: str) -> DatasetAnswer:
    return DatasetAnswer.of(_dataset(call, name))


@routes.put("/datasets/<name>/subject", scope="systems:write", body=SubjectBody, answer=DatasetAnswer, errors=(NotFound,), summary="Say whom each row is about")
def set_subject(call: Call, body: SubjectBody, name: str) -> DatasetAnswer:
    call.app.inventory.set_subject(call.actor, name, body.subject_type, body.subject_field, request_id=call.request_id)
    return DatasetAnswer.of(_dataset(call, name))


@routes.get(
    "/gaps", scope="systems:read", query=OfSystem, answer=GapsAnswer, errors=(NotFound,), summary="List fields that lack a control their level requires"
)
def list_gaps(call: Call) -> GapsAnswer:
    return GapsAnswer(gaps=[GapAnswer.of(gap) for gap in call.app.inventory.gaps(call.actor.tenant, call.query.system)])


def _dataset(call: Call, name: str) -> Dataset:
    found: Dataset | None = call.app.inventory.dataset(call.actor.tenant, name)
    if found is None:
        raise NotFound("There is no such dataset; GET /datasets lists them.")
    return found


def _decided(item: DecisionBody, answer: Field | PrivacyError) -> DecidedAnswer:
    if isinstance(answer, PrivacyError):
        return DecidedAnswer(dataset=item.dataset, field=item.field, error=FlawAnswer(code=answer.code, detail=answer.detail))
    return DecidedAnswer(dataset=item.dataset, field=item.field, status=answer.status.value, category=answer.category, level=answer.level)
