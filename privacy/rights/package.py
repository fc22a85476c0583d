"""Puts together what a person gets: data.json with everything Art. 15 GDPR and Art. 45 PIPL ask for, one CSV per dataset, what could not be searched, a README.

The rows are exactly those that disposal collects for the person. Limit: one package holds at most `MOST_BYTES`; it is put together in memory.
"""

import csv
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from privacy.disposal.model import Collection, RowSet, Share
from privacy.disposal.ports import Target, Targets
from privacy.disposal.target import KeysIn, TableShape
from privacy.disposal.values import Key
from privacy.inventory.catalogue_model import Controller
from privacy.inventory.model import Dataset
from privacy.inventory.relations import Ownership, Relation
from privacy.inventory.taxonomy import Taxonomy
from privacy.kernel.clock import Clock, rfc3339
from privacy.kernel.errors import Conflict, ConnectorUnavailable
from privacy.kernel.ids import TenantId
from privacy.kernel.normalise import Normalisers
from privacy.kernel.terms import SubjectRef
from privacy.rights.disclosing import WITHHELD_CCPA, Discloser, Place, Reference, Scene, columns_of, key_of, own_values, telling_values
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
    led: dict[Place, dict[Key, tuple[Any, ...]]] = field(default_factory=dict)  # whom the rows refer to, by keys as read


@dataclass(frozen=True, slots=True)
class _Ground:
    """One system as packages see it: the datasets by name, those whose rows are people, the confirmed relations."""

    system: str
    target: Target
    datasets: Mapping[str, Dataset]
    people: frozenset[str]
    relations: tuple[Relation, ...]

    def places(self, dataset: Dataset) -> tuple[Reference, ...]:
        """Return where rows of this dataset refer to people: by confirmed relations, and by the confirmed field of the subject where no relation has it."""
        found = [
            Reference(each.child_columns, (each.parent, each.parent_columns), each.role is Ownership.HANDLED_BY, each.when)
            for each in self.relations
            if each.child_id == dataset.id and each.parent in self.people
        ]
        if dataset.name not in self.people and dataset.subject_field and not any(each.columns == (dataset.subject_field,) for each in found):
            about = (each for each in map(self.datasets.__getitem__, sorted(self.people)) if each.subject_type == dataset.subject_type)
            found += [Reference((dataset.subject_field,), (each.name, (each.subject_field or "",))) for each in about]
        return tuple(found)


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
        mine: dict[Place, set[Key]] = {}
        others: list[str] = []
        done = 0
        for collection in collected.systems:
            with self._ground(request.tenant, collection.system) as ground:
                read = []
                for part in self._parts(request.tenant, ground, collection, subjects):
                    read.append(part)
                    done += len(part.rows)
                    if step:
                        step(done)
                mine |= _mine(ground, subjects, read)
                others += self._others(ground, read, mine)
                parts += read
        self._redact(request, parts, mine, others)
        document = self._document(request, subjects, collected, parts, unsearched)
        carriers = _carriers(collected, parts, unsearched)
        content = self._archive(request, document, parts, carriers)
        redacted = sum(len(reasons) for part in parts for reasons in part.reasons)
        return Built(content, sum(len(part.rows) for part in parts), redacted, len(carriers["carriers"]))

    # --- reading -------------------------------------------------------------------------------------------------------------------

    @contextmanager
    def _ground(self, tenant: TenantId, system: str) -> Iterator[_Ground]:
        datasets = {each.name: each for each in self._inventory.datasets(tenant, system)}
        relations = tuple(each for each in self._relations.of_system(tenant, system) if each.confirmed and not each.weak)
        target = self._targets(tenant, system, write=False)
        try:
            yield _Ground(system, target, datasets, _about_people(datasets, target.shapes()), relations)
        finally:
            target.close()

    def _parts(self, tenant: TenantId, ground: _Ground, collection: Collection, subjects: Sequence[SubjectRef]) -> Iterator[_Part]:
        for rows in collection.rows:
            if rows.share is not Share.HANDLED and rows.keys:
                yield self._part(tenant, ground, ground.datasets[rows.dataset], rows, subjects)

    def _part(self, tenant: TenantId, ground: _Ground, dataset: Dataset, found: RowSet, subjects: Sequence[SubjectRef]) -> _Part:
        target, system, shape = ground.target, ground.system, ground.target.shapes()[found.table]
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
        link = {role for column in found.link if (role := cut(column).role)}
        own = found.via == "subject" and dataset.name in ground.people
        if found.via == "subject" and not own:  # rows of the subject's, such as invoices: what has a role of its own in them may be another's
            link |= {"", cut(dataset.subject_field or "").role}
        scene = Scene(columns_of(dataset, names, texts), found.share, own, frozenset(link), ground.places(dataset))
        return _Part(system, dataset, scene, [{name: _plain(row.get(name)) for name in names} for row in rows], led=_led(scene.references, rows))

    def _others(self, ground: _Ground, parts: Sequence[_Part], mine: Mapping[Place, set[Key]]) -> list[str]:
        """Return what names the people these rows refer to: texts must not say what the columns do not. What is encrypted in place is not opened for it."""
        led: dict[Place, dict[Key, tuple[Any, ...]]] = {}
        for part in parts:
            for place, keys in part.led.items():
                led.setdefault(place, {}).update((key, raw) for key, raw in keys.items() if key not in mine.get(place, ()))
        values: list[str] = []
        for (name, columns), keys in led.items():
            dataset, shape = ground.datasets[name], ground.target.shapes().get(ground.datasets[name].table)
            if shape is None or not set(columns) <= shape.columns.keys():
                continue
            telling = [column for column in columns_of(dataset, [each for each in shape.columns if each not in dataset.ours], ()) if column.telling]
            wanted, raw = [column.name for column in telling], list(keys.values())
            for start in range(0, len(raw) if wanted else 0, _BATCH):
                for cells in ground.target.select(dataset.table, wanted, KeysIn(columns, tuple(raw[start : start + _BATCH]))):
                    values += telling_values(telling, dict(zip(wanted, cells.values, strict=True)))
        return list(dict.fromkeys(values))

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

    def _redact(self, request: Request, parts: Sequence[_Part], mine: Mapping[Place, set[Key]], others: Sequence[str]) -> None:
        own = own_values(((part.scene, row) for part in parts if part.scene.own or "" in part.scene.link for row in part.rows), self._normal)
        withheld = WITHHELD_CCPA if "ccpa" in request.regimes and not _EUROPEAN & set(request.regimes) else frozenset[str]()
        discloser = Discloser(own, mine, self._finder, self._classes, language=request.language, withheld=withheld)
        discloser.learn(others)
        for part in parts:
            for number, row in enumerate(part.rows):
                part.rows[number], reasons = discloser.row(part.scene, row)
                part.reasons.append(reasons)
        # texts come last: by now everything of others that stands in a column of its own is known
        for part in parts:
            for row, reasons in zip(part.rows, part.reasons, strict=True):
                discloser.texts(part.scene, row, reasons)

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


def _about_people(datasets: Mapping[str, Dataset], shapes: Mapping[str, TableShape]) -> frozenset[str]:
    """Return the datasets each row of which is a subject: the confirmed field of the subject is the table's own key.

    Where a database declares no such key for any table of that kind of subject every table with a confirmed subject counts.
    """
    about = [each for each in datasets.values() if each.subject_type is not None and each.subject_field is not None]
    keyed = {each.name: each.subject_type for each in about if each.table in shapes and _keys_a_row(shapes[each.table], each.subject_field or "")}
    return frozenset(each.name for each in about if each.name in keyed or each.subject_type not in keyed.values())


def _keys_a_row(shape: TableShape, column: str) -> bool:
    return (column,) in (shape.primary_key, *shape.unique)


def _led(references: Sequence[Reference], rows: Iterable[Mapping[str, Any]]) -> dict[Place, dict[Key, tuple[Any, ...]]]:
    led: dict[Place, dict[Key, tuple[Any, ...]]] = {}
    for row in rows:
        for reference in references:
            if (key := reference.key(row)) is not None:
                led.setdefault(reference.to, {})[key] = tuple(row[name] for name in reference.columns)
    return led


def _mine(ground: _Ground, subjects: Sequence[SubjectRef], parts: Sequence[_Part]) -> dict[Place, set[Key]]:
    """Return which keys of each dataset about people are the person's: those of the subjects, and of the rows that are theirs alone."""
    found: dict[Place, set[Key]] = {}
    for place in {reference.to for part in parts for reference in part.scene.references}:
        dataset, columns = ground.datasets[place[0]], place[1]
        rows = (row for part in parts if part.dataset.name == dataset.name and part.scene.share is Share.OWNED for row in part.rows)
        keys = [key_of(row.get(name) for name in columns) for row in rows]
        if columns == (dataset.subject_field,):
            keys += [key_of([each.key]) for each in subjects if (each.system, each.type) == (ground.system, dataset.subject_type)]
        found[place] = {key for key in keys if key is not None}
    return found


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
