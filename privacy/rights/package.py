"""Puts together what a person gets: data.json with everything Art. 15 GDPR and Art. 45 PIPL ask for, one CSV per dataset, what could not be searched, a README.

The rows are exactly those that disposal collects for the person. Limit: one package holds at most `MOST_BYTES`; it is put together in memory.
"""

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from privacy.disposal.model import Collection, RowSet, Share
from privacy.disposal.ports import Target, Targets
from privacy.disposal.target import KeysIn
from privacy.inventory.catalogue_model import Controller
from privacy.inventory.model import Dataset
from privacy.inventory.relations import Ownership, Relation
from privacy.inventory.taxonomy import Taxonomy
from privacy.kernel.clock import Clock, rfc3339
from privacy.kernel.errors import Conflict, ConnectorUnavailable
from privacy.kernel.ids import TenantId
from privacy.kernel.normalise import Normalisers
from privacy.kernel.terms import SubjectRef
from privacy.rights.disclosing import WITHHELD_CCPA, Discloser, Scene, columns_of, own_values
from privacy.rights.letters import Letters
from privacy.rights.model import Request
from privacy.rights.ports import Catalogue, DataMap, Disposal, Finds, Relations
from privacy.rights.readme import readme
from privacy.rights.roles import cut
from privacy.subjects.ports import EncryptedFields

MOST_BYTES = 256 * 1024 * 1024
_BATCH = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_EUROPEAN = frozenset({"gdpr", "uk_gdpr", "pipl"})


@dataclass(frozen=True, slots=True)
class Collected:
    """What disposal found, per system, and what could not be asked."""

    systems: tuple[Collection, ...]
    problems: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return sum(len(rows) for each in self.systems for rows in each.rows if rows.share is not Share.HANDLED)


@dataclass(frozen=True, slots=True)
class Built:
    """A package as bytes (a ZIP archive), with what the event says about it."""

    content: bytes = field(repr=False)
    rows: int
    redacted: int
    carriers: int


@dataclass(slots=True, repr=False)
class _Part:
    """The rows of one dataset and share on their way: as read, then as they may be seen."""

    system: str
    dataset: Dataset
    scene: Scene
    rows: list[dict[str, Any]]
    reasons: list[dict[str, str]] = field(default_factory=list)


class Builder:
    """Builds packages. Reads connected systems through disposal's targets, never writes to them."""

    def __init__(
        self,
        disposal: Disposal,
        targets: Targets,
        inventory: DataMap,
        relations: Relations,
        catalogue: Catalogue,
        taxonomy: Taxonomy,
        finder: Finds,
        encrypted: EncryptedFields | None,
        letters: Letters,
        clock: Clock,
        *,
        region: str = "CN",
    ) -> None:
        self._disposal, self._targets, self._inventory, self._relations = disposal, targets, inventory, relations
        self._catalogue, self._taxonomy, self._finder, self._encrypted = catalogue, taxonomy, finder, encrypted
        self._letters, self._clock = letters, clock
        self._normal = Normalisers(region)
        self._classes = {entity: taxonomy.of_entity(entity).field_class for entity in taxonomy.entities}

    def collect(self, request: Request, subjects: Sequence[SubjectRef]) -> Collected:
        """Return the rows that are the person's, by the same walk that an erasure takes; a system that does not answer is told, not left out silently."""
        found: list[Collection] = []
        problems: list[str] = []
        for system in dict.fromkeys(subject.system for subject in subjects):
            try:
                found += self._disposal.collect(request.tenant, [subject for subject in subjects if subject.system == system])
            except ConnectorUnavailable:
                problems.append(system)
        return Collected(tuple(found), tuple(problems))

    def build(
        self, request: Request, subjects: Sequence[SubjectRef], collected: Collected, unsearched: Sequence[str], *, step: Callable[[int], object] | None = None
    ) -> Built:
        """Return the package. Raises ConnectorUnavailable when a system does not answer, Conflict when it would be too large."""
        parts: list[_Part] = []
        done = 0
        for collection in collected.systems:
            for part in self._parts(request.tenant, collection, subjects):
                parts.append(part)
                done += len(part.rows)
                if step:
                    step(done)
        self._redact(request, subjects, parts)
        document = self._document(request, subjects, collected, parts, unsearched)
        carriers = _carriers(collected, parts, unsearched)
        content = self._archive(request, document, parts, carriers)
        redacted = sum(len(reasons) for part in parts for reasons in part.reasons)
        return Built(content, sum(len(part.rows) for part in parts), redacted, len(carriers["carriers"]))

    # --- reading -------------------------------------------------------------------------------------------------------------------

    def _parts(self, tenant: TenantId, collection: Collection, subjects: Sequence[SubjectRef]) -> Iterator[_Part]:
        datasets = {each.name: each for each in self._inventory.datasets(tenant, collection.system)}
        relations = [each for each in self._relations.of_system(tenant, collection.system) if each.confirmed and not each.weak]
        target = self._targets(tenant, collection.system, write=False)
        try:
            for rows in collection.rows:
                if rows.share is not Share.HANDLED and rows.keys:
                    yield self._part(target, tenant, collection.system, datasets[rows.dataset], rows, relations, datasets, subjects)
        finally:
            target.close()

    def _part(
        self,
        target: Target,
        tenant: TenantId,
        system: str,
        dataset: Dataset,
        found: RowSet,
        relations: Sequence[Relation],
        datasets: Mapping[str, Dataset],
        subjects: Sequence[SubjectRef],
    ) -> _Part:
        shape = target.shapes()[found.table]
        locked = self._encrypted.of(tenant, dataset.id) if self._encrypted else {}
        names = [name for name in shape.columns if name not in dataset.ours]
        wanted = [*names, *(each.shadow_column for each in locked.values() if each.shadow_column in shape.columns)]
        rows = []
        for start in range(0, len(found.keys), _BATCH):
            cells = target.select(found.table, wanted, KeysIn(found.key_columns, found.keys[start : start + _BATCH]))
            rows += [dict(zip(wanted, each.values, strict=True)) for each in cells]
        for name, column in locked.items():
            self._unlock(name, column, dataset, system, rows, subjects)
        texts = [name for name in names if shape.columns[name].family in ("text", "json", "other", "unknown")]
        scene = Scene(
            columns_of(dataset, names, texts, _references(dataset, relations, datasets)),
            found.share,
            own=found.via == "subject",
            link=frozenset(role for column in found.link if (role := cut(column).role)),
        )
        return _Part(system, dataset, scene, [{name: _plain(row.get(name)) for name in names} for row in rows])

    def _unlock(self, name: str, column: Any, dataset: Dataset, system: str, rows: list[dict[str, Any]], subjects: Sequence[SubjectRef]) -> None:
        """Put what was encrypted in place back under its field's name, for the person's own rows alone."""
        own = {str(subject): subject for subject in subjects}
        asked: list[tuple[dict[str, Any], SubjectRef, str]] = []
        for row in rows:
            text = row.pop(column.shadow_column, None)
            subject = own.get(f"{system}:{dataset.subject_type}:{row.get(dataset.subject_field or '')}")
            if text and subject is not None:
                asked.append((row, subject, str(text)))
        for (row, _, _), value in zip(asked, column.reveal([(subject, text) for _, subject, text in asked]) if asked else (), strict=True):
            row[name] = value.reveal() if value is not None else None

    # --- redacting -----------------------------------------------------------------------------------------------------------------

    def _redact(self, request: Request, subjects: Sequence[SubjectRef], parts: Sequence[_Part]) -> None:
        own = own_values(((part.scene, row) for part in parts if part.scene.own for row in part.rows), self._normal)
        withheld = WITHHELD_CCPA if "ccpa" in request.regimes and not _EUROPEAN & set(request.regimes) else frozenset[str]()
        discloser = Discloser(own, self._keys(subjects, parts), self._finder, self._classes, language=request.language, withheld=withheld)
        for part in parts:
            for number, row in enumerate(part.rows):
                part.rows[number], reasons = discloser.row(part.scene, row)
                part.reasons.append(reasons)
        # texts come last: by now everything of others that stands in a column of its own is known
        for part in parts:
            for row, reasons in zip(part.rows, part.reasons, strict=True):
                discloser.texts(part.scene, row, reasons)

    def _keys(self, subjects: Sequence[SubjectRef], parts: Sequence[_Part]) -> set[str]:
        keys = {subject.key for subject in subjects}
        for part in parts:
            if part.scene.own:  # a login that other tables refer to is theirs as well
                keys |= {str(value) for row in part.rows for name, value in row.items() if value is not None and _is_account(part, name)}
        return keys

    # --- writing -------------------------------------------------------------------------------------------------------------------

    def _document(
        self, request: Request, subjects: Sequence[SubjectRef], collected: Collected, parts: Sequence[_Part], unsearched: Sequence[str]
    ) -> dict[str, Any]:
        contents = self._catalogue.contents(request.tenant)
        controller = contents.controllers[request.controller]
        now = self._clock.now()
        return {
            "request": {
                "id": request.id,
                "kind": request.kind.value,
                "received_at": rfc3339(request.received_at),
                "made_at": rfc3339(now),
                "regimes": list(request.regimes),
            },
            "controller": {"name": controller.name, "country": controller.country, "contact": controller.contact},
            "about": [str(subject) for subject in subjects],
            "rights": {each.regime: each.zh if request.language == "zh" else each.en for each in self._letters.complaints(request.regimes, now.date())},
            "datasets": [self._described(request.tenant, controller, part) for part in parts],
            "worked_on_as_staff": _handled(collected),
            "not_searched": sorted({*unsearched, *collected.problems}),
            "not_followed": sorted({doubt for each in collected.systems for doubt in each.doubts}),
        }

    def _described(self, tenant: TenantId, controller: Controller, part: _Part) -> dict[str, Any]:
        contents = self._catalogue.contents(tenant)
        fields = {column.name: part.dataset.fields.get(column.name) for column in part.scene.columns}
        categories = sorted({column.category for column in part.scene.columns if column.category and column.category in self._taxonomy.categories})
        purposes = [
            each for each in contents.purposes.values() if each.controller == controller.id and each.state == "live" and set(categories) & set(each.categories)
        ]
        recipients = [each for each in contents.recipients.values() if {purpose.id for purpose in purposes} & set(each.purposes)]
        redactions: dict[str, Counter[str]] = {}
        for reasons in part.reasons:
            for name, reason in reasons.items():
                redactions.setdefault(name, Counter())[reason] += 1
        return {
            "system": part.system,
            "dataset": part.dataset.name,
            "share": part.scene.share.value,
            "categories": [{"id": each, "en": self._taxonomy.category(each).en, "zh": self._taxonomy.category(each).zh} for each in categories],
            "source": sorted({known.description.source for known in fields.values() if known is not None and known.description.source}),
            "purposes": [
                {"id": each.id, "name": each.name, "name_zh": each.name_zh, "lawful_basis": each.lawful_basis, "retention": each.retention} for each in purposes
            ],
            "recipients": [{"name": each.name, "kind": each.kind, "country": each.country} for each in recipients],
            "redacted": {name: dict(counted) for name, counted in sorted(redactions.items())},
            "rows": part.rows,
        }

    def _archive(self, request: Request, document: Mapping[str, Any], parts: Sequence[_Part], carriers: Mapping[str, Any]) -> bytes:
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in self._files(request, document, parts, carriers):
                # a fixed time: the archive of equal data is equal, and tells nothing about this machine
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text.encode("utf-8"), zipfile.ZIP_DEFLATED)
                if whole.tell() > MOST_BYTES:
                    raise Conflict(
                        f"The package is larger than {MOST_BYTES // 1024 // 1024} MiB; hand it over system by system by other means.", code="package_too_large"
                    )
        return whole.getvalue()

    def _files(self, request: Request, document: Mapping[str, Any], parts: Sequence[_Part], carriers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        yield "README.txt", readme(request.language, document)
        yield "data.json", json.dumps(document, ensure_ascii=False, indent=1)
        yield "carriers.json", json.dumps(carriers, ensure_ascii=False, indent=1)
        names: Counter[str] = Counter()
        for part in parts:
            name = _file_name(part.dataset.name)
            names[name] += 1
            yield f"csv/{name}{f'-{names[name]}' if names[name] > 1 else ''}.csv", _csv(part)


def _references(dataset: Dataset, relations: Sequence[Relation], datasets: Mapping[str, Dataset]) -> dict[str, bool]:
    """Return the columns of confirmed relations from this dataset to one about people, True where they name who worked on the row."""
    found: dict[str, bool] = {}
    for relation in relations:
        parent = datasets.get(relation.parent)
        if relation.child_id == dataset.id and parent is not None and parent.subject_type is not None and len(relation.child_columns) == 1:
            staff = relation.role is Ownership.HANDLED_BY
            found[relation.child_columns[0]] = found.get(relation.child_columns[0], False) or staff
    return found


def _is_account(part: _Part, name: str) -> bool:
    column = next(each for each in part.scene.columns if each.name == name)
    return column.category == "account" or column.name == part.dataset.subject_field


def _handled(collected: Collected) -> list[dict[str, Any]]:
    counted: Counter[str] = Counter()
    for each in collected.systems:
        for rows in each.rows:
            if rows.share is Share.HANDLED:
                counted[rows.dataset] += len(rows)
    return [{"dataset": dataset, "rows": count} for dataset, count in sorted(counted.items())]


def _carriers(collected: Collected, parts: Sequence[_Part], unsearched: Sequence[str]) -> dict[str, Any]:
    """List what may hold personal data and could not be looked into: it is there, its content is not known."""
    listed = []
    for part in parts:
        for column in part.scene.columns:
            held = [row for row in part.rows if row.get(column.name) not in (None, "")]
            opaque = [row for row in held if isinstance(row[column.name], dict) and row[column.name].get("carrier")]
            if opaque:
                size = sum(row[column.name]["bytes"] for row in opaque)
                kind = column.carrier.value if column.carrier else "blob"
                listed.append({"dataset": part.dataset.name, "field": column.name, "kind": kind, "rows": len(opaque), "bytes": size, "content": "not searched"})
            elif held and column.carrier is not None:
                listed.append(
                    {"dataset": part.dataset.name, "field": column.name, "kind": column.carrier.value, "rows": len(held), "content": "searched by rules"}
                )
    return {
        "meaning": "Fields whose content has no fixed form. Nobody vouches that what was not found in them is not there.",
        "carriers": listed,
        "not_searched": sorted({*unsearched, *collected.problems}),
    }


def _plain(value: Any) -> Any:
    """Return a database value as JSON holds it; bytes become their place and size, never their content."""
    if isinstance(value, bytes | bytearray | memoryview):
        return {"carrier": "blob", "bytes": len(value)}
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _csv(part: _Part) -> str:
    names = [column.name for column in part.scene.columns]
    text = io.StringIO()
    # a mark at the front, so that spreadsheets read Chinese
    text.write("\ufeff")
    writer = csv.writer(text)
    writer.writerow([_harmless(name) for name in names])
    writer.writerows([_harmless(row.get(name)) for name in names] for row in part.rows)
    return text.getvalue()


def _harmless(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula (CWE-1236); numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return f"[{value.get('carrier')}, {value.get('bytes')} bytes]"
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _file_name(dataset: str) -> str:
    safe = "".join(sign if sign.isalnum() or sign in "._-" else "_" for sign in dataset).strip(".")
    return safe[:100] or "dataset"
