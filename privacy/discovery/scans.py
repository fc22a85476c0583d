"""The use case behind `POST /detect`: scan texts or records, write down that it happened, say where things are and never what they are."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from privacy.audit.events import Action, AuditLog, Event
from privacy.discovery.findings import Finding
from privacy.discovery.limits import check_lengths, length_of
from privacy.discovery.text import Detector
from privacy.kernel.errors import InvalidInput, PayloadTooLarge
from privacy.kernel.terms import Actor

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Scope:
    """What to look for: the words of `Detector.find`."""

    language: str = "auto"
    entities: frozenset[str] | None = None
    min_confidence: float = 0.5


@dataclass(frozen=True, slots=True)
class FieldFinding:
    """A finding in one field of a record; offsets count in the value's text form."""

    field: str
    finding: Finding


class TextScans:
    """Scans on behalf of an actor. Every scan is in the log with counts by entity, before the answer leaves."""

    def __init__(self, detector: Detector, audit: AuditLog, max_items: int = 1000) -> None:
        self._detector = detector
        self._audit = audit
        self._max_items = max_items

    def texts(self, actor: Actor, texts: Sequence[str], scope: Scope, request_id: str = "") -> list[list[Finding]]:
        """Return one list of findings per text, in order. Raises AuditUnavailable rather than answer unrecorded."""
        self._check(len(texts), "/texts")
        check_lengths(map(len, texts), "/texts")
        results = [self._find(text, scope) for text in texts]
        self._record(actor, len(texts), [finding for result in results for finding in result], request_id)
        return results

    def records(self, actor: Actor, records: Sequence[Mapping[str, Scalar]], scope: Scope, request_id: str = "") -> list[list[FieldFinding]]:
        """Return one list per record, in order; the field's name counts as a label of its value."""
        self._check(len(records), "/records")
        check_lengths(map(length_of, records), "/records")
        results = [self._in_record(record, scope) for record in records]
        self._record(actor, len(records), [found.finding for result in results for found in result], request_id)
        return results

    def _check(self, count: int, pointer: str) -> None:
        if not count:
            raise InvalidInput("There is nothing to scan: give at least one item.", pointer=pointer)
        if count > self._max_items:
            raise PayloadTooLarge(f"At most {self._max_items} items a call; send several calls.", pointer=pointer)

    def _find(self, text: str, scope: Scope) -> list[Finding]:
        return self._detector.find(text, language=scope.language, entities=scope.entities, min_confidence=scope.min_confidence)

    def _in_record(self, record: Mapping[str, Scalar], scope: Scope) -> list[FieldFinding]:
        found = []
        for field, value in record.items():
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                found += [FieldFinding(field, finding) for finding in self._in_field(field, str(value), scope)]
        return found

    def _in_field(self, field: str, value: str, scope: Scope) -> list[Finding]:
        """Read the value behind its field's name, as a reader would, and report what lies in the value."""
        label = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", field) + ": "
        found = self._find(label + value, scope)
        shift = len(label)
        return [Finding(f.entity, f.start - shift, f.end - shift, f.confidence, f.basis) for f in found if f.start >= shift]

    def _record(self, actor: Actor, items: int, findings: Sequence[Finding], request_id: str) -> None:
        counts = Counter(finding.entity for finding in findings)
        self._audit.record(
            Event(Action.TEXT_SCANNED, actor, object_type="text", counts={"items": items, "findings": len(findings), **counts}, request_id=request_id)
        )
