"""Find personal data in texts or records. The answer says where and what kind, never the value."""

from typing import Annotated, Literal

from pydantic import Field

from privacy.discovery.findings import Finding
from privacy.discovery.scans import Scope, TextScans
from privacy.kernel.errors import AuditUnavailable, InvalidInput, PayloadTooLarge
from privacy.web.endpoint import Answer, Body, Call, Name, Routes

routes = Routes("detect")
Scalar = str | int | float | bool | None


class DetectBody(Body):
    """`texts` or `records`, not both. A record's field names count as labels of their values."""

    texts: Annotated[list[str], Field(max_length=10_000)] | None = None
    records: Annotated[list[dict[str, Scalar]], Field(max_length=10_000)] | None = None
    language: Literal["auto", "en", "zh"] = "auto"
    entities: Annotated[list[Name], Field(min_length=1, max_length=100)] | None = None
    min_confidence: Annotated[float, Field(ge=0, le=1, strict=False)] = 0.5

    def scope(self) -> Scope:
        return Scope(self.language, frozenset(self.entities) if self.entities else None, self.min_confidence)


class FindingAnswer(Answer):
    """Offsets are code points of the text, or of the field's value as text."""

    entity: str
    start: int
    end: int
    confidence: float
    basis: str
    field: str | None = None


class DetectAnswer(Answer):
    """One list per text or record, in order."""

    results: list[list[FindingAnswer]]


@routes.post(
    "/detect",
    scope="detect",
    body=DetectBody,
    answer=DetectAnswer,
    summary="Find personal data in texts or records",
    errors=(InvalidInput, PayloadTooLarge, AuditUnavailable),
)
def detect(call: Call, body: DetectBody) -> dict[str, object]:
    if (body.texts is None) == (body.records is None):
        raise InvalidInput("Give texts or records, one of the two.", pointer="/texts")
    scans = TextScans(call.app.detector, call.app.audit, call.app.config.max_records)
    if body.records is not None:
        found = scans.records(call.actor, body.records, body.scope(), call.request_id)
        return {"results": [[{**_shown(item.finding), "field": item.field} for item in each] for each in found]}
    return {"results": [[_shown(finding) for finding in each] for each in scans.texts(call.actor, body.texts or [], body.scope(), call.request_id)]}


def _shown(finding: Finding) -> dict[str, object]:
    return {"entity": finding.entity, "start": finding.start, "end": finding.end, "confidence": finding.confidence, "basis": finding.basis}
