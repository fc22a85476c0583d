"""Looking at one connected system for some subjects: map, schema, rows, fates, identifiers; what plans, drift checks and replays are made of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Protocol

from privacy.disposal.closure import Terrain, collect
from privacy.disposal.model import Collection, RowSet, Share
from privacy.disposal.planning import Draft, Rules, draft
from privacy.disposal.ports import DataMap, Holds, Keeps, Target
from privacy.disposal.steps import described
from privacy.disposal.target import KeysIn
from privacy.disposal.values import canonical
from privacy.inventory.model import Dataset
from privacy.kernel.errors import Conflict
from privacy.kernel.ids import TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.subjects.ports import EncryptedFields, NothingEncrypted

# strong identifiers: a name is many people's, and finding it elsewhere would say little
IDENTIFYING = frozenset(
    {"email", "phone", "national_id", "passport", "driver_license", "bank_card", "bank_account", "account", "social_account", "login", "member_card"}
)
_SHORTEST = 5  # shorter texts are found in everything
_MOST_NEEDLES = 200


class Datasets(Protocol):
    """`inventory.service.Inventory` is one."""

    def datasets(self, tenant: TenantId, system: str | None = None) -> Sequence[Dataset]: ...


@dataclass(frozen=True, repr=False)
class Survey:
    """What a look at one system found. `needles` are the subjects' own identifiers, for the search for what was left."""

    terrain: Terrain
    collection: Collection
    draft: Draft
    map_digest: str
    fingerprint: str
    needles: tuple[Plaintext, ...]

    def decides(self, key: bytes) -> dict[str, Any]:
        """Return what an approval binds: another map, schema, row or fate gives another hash."""
        return {"map": self.map_digest, "fingerprint": self.fingerprint, "steps": [described(step, key) for step in self.draft.steps]}


class Surveyor:
    """Reads; writes nothing anywhere."""

    def __init__(self, inventory: Datasets, data_map: DataMap, keeps: Keeps, holds: Holds, encrypted: EncryptedFields | None = None) -> None:
        self._inventory, self._map, self._keeps, self._holds = inventory, data_map, keeps, holds
        self._encrypted = encrypted or NothingEncrypted()

    def terrain(self, tenant: TenantId, system: str, target: Target) -> Terrain:
        datasets = {dataset.table: dataset for dataset in self._inventory.datasets(tenant, system) if not dataset.gone}
        return Terrain(tenant, system, datasets, target.shapes(), tuple(self._map.of_system(tenant, system)))

    def collect(self, tenant: TenantId, system: str, subjects: Sequence[SubjectRef], target: Target) -> Collection:
        return collect(self.terrain(tenant, system, target), target, _of(system, subjects))

    def survey(self, tenant: TenantId, system: str, subjects: Sequence[SubjectRef], target: Target, at: datetime) -> Survey:
        """Raises ConnectorUnavailable, NotFound, Conflict (`drift`, `no_key`, `too_many_rows`)."""
        mine = _of(system, subjects)
        digest = self._map.digest(tenant, system)
        terrain = self.terrain(tenant, system, target)
        found = collect(terrain, target, mine)
        rules = Rules(self._map.handlings(tenant, system), self._keeps(tenant, system, at), self._holds(tenant, system, mine, at), at)
        made = draft(terrain, target, found, rules)
        tables = sorted({step.table for step in made.steps} | {rows.table for rows in found.rows})
        if self._map.digest(tenant, system) != digest:
            raise Conflict("The data map was changed while the plan was made: make it again.", code="drift")
        return Survey(terrain, found, made, digest, target.fingerprint(tables), tuple(_needles(terrain, found, target, self._encrypted)))


def _of(system: str, subjects: Sequence[SubjectRef]) -> tuple[SubjectRef, ...]:
    return tuple(subject for subject in dict.fromkeys(subjects) if subject.system == system)


def _needles(terrain: Terrain, found: Collection, target: Target, encrypted: EncryptedFields) -> Iterator[Plaintext]:
    """Yield the identifiers that stand in the subjects' own rows, each once: those of the rows about them alone, which hold nobody else's."""
    seen: set[str] = set()
    for rows in found.rows:
        if rows.share is not Share.OWNED or rows.via != "subject" or not terrain.has_own_rows(rows.table):
            continue
        columns = [column for column in _identifying(terrain.datasets[rows.table]) if column in terrain.shapes[rows.table].columns]
        plain = (value for cells in (target.select(rows.table, columns, KeysIn(rows.key_columns, rows.keys)) if columns else ()) for value in cells.values)
        for value in chain(plain, _opened(terrain, rows, target, encrypted)):
            text = str(value).strip() if value is not None and not isinstance(value, bytes) else ""
            if len(text) >= _SHORTEST and text not in seen and len(seen) < _MOST_NEEDLES:
                seen.add(text)
                yield Plaintext(text)


def _opened(terrain: Terrain, rows: RowSet, target: Target, encrypted: EncryptedFields) -> Iterator[str]:
    """Yield the identifiers of these rows that stand encrypted in place, opened under the row's own subject."""
    dataset, there = terrain.datasets[rows.table], terrain.shapes[rows.table].columns
    for name, column in encrypted.of(terrain.tenant, dataset.id).items():
        if name in dataset.fields and dataset.fields[name].category in IDENTIFYING and column.shadow_column in there and dataset.subject_field in there:
            cells = target.select(rows.table, [dataset.subject_field or "", column.shadow_column], KeysIn(rows.key_columns, rows.keys))
            held = [
                (SubjectRef(terrain.system, dataset.subject_type or "", canonical(key)), str(text)) for key, text in (each.values for each in cells) if text
            ]
            yield from (value.reveal() for value in column.reveal(held) if value is not None)


def _identifying(dataset: Dataset) -> list[str]:
    return sorted(name for name, field in dataset.fields.items() if field.category in IDENTIFYING and not field.gone and field.carrier is None)


def by_system(subjects: Sequence[SubjectRef]) -> Mapping[str, tuple[SubjectRef, ...]]:
    """Return the subjects grouped by their system, systems in order."""
    return {system: _of(system, subjects) for system in sorted({subject.system for subject in subjects})}
