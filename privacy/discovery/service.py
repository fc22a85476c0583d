"""Discovery's use cases: connect a system, scan it, and lay what was found before people.

Guarantees: connected systems are only read; samples live as long as one scan and are never stored, logged or shown; our own databases are
refused as systems. A table that cannot be read is reported and stops nothing.
"""

import hmac
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from threading import Semaphore
from typing import Protocol

from privacy.actors.people import require
from privacy.discovery.columns import ColumnClassifier
from privacy.discovery.ports import Connector, Located, Locator, Opener
from privacy.discovery.proposals import Outcome, Proposal, TableReport
from privacy.discovery.shapes import EMPTY, Column, Sample, Table
from privacy.inventory.merging import REFERENCE, Drift, ScannedField, ScannedTable
from privacy.inventory.model import Carrier, Field, Finding, System
from privacy.inventory.service import Inventory, NewSystem
from privacy.kernel.clock import Clock
from privacy.kernel.errors import ConnectorUnavailable, InvalidInput, TooBusy
from privacy.kernel.ids import ControllerId, TenantId
from privacy.kernel.terms import Actor

SAMPLE = 500
_SCANS_AT_ONCE = 2
_NO_FILE = (
    "No system can be connected there: it is no readable SQLite database, no CSV file or folder of them, lies outside the folders that the operator "
    "named, or is the service's own. `privacy systems add` at the shell says which."
)
_DIGEST_LABEL = "discovery-digest"
# tables that stand together in no other database
_OURS = (frozenset({"inventory_state", "catalogue_state", "audit_leaf"}), frozenset({"key_tenant", "tenant_key", "key_event"}))


class Derive(Protocol):
    def __call__(self, tenant: TenantId, label: str) -> bytes:
        """Return 32 bytes of the tenant, stable over key rotation."""


class Progress(Protocol):
    def __call__(self, done: int, total: int, table: str) -> None:
        """Told before each table is sampled."""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """What a scan saw, and how it differs from what the map knew before."""

    reports: tuple[TableReport, ...]
    drift: Drift = field(default_factory=Drift)

    @property
    def proposals(self) -> list[Proposal]:
        return [proposal for report in self.reports for proposal in report.proposals]

    @property
    def problems(self) -> Mapping[str, str]:
        return {report.table.name: report.table.problem for report in self.reports if report.table.problem}


@dataclass(frozen=True, slots=True)
class FoundField:
    """A field with its dataset's name, as the findings list shows it."""

    dataset: str
    field: Field


def look(opener: Opener, classifier: ColumnClassifier, url: str, progress: Progress | None = None) -> tuple[list[TableReport], dict[str, Mapping[str, Sample]]]:
    """Read and classify the system at `url`; also return the samples, which the caller must let go.

    Raises InvalidInput or ConnectorUnavailable when the system as a whole cannot be read.
    """
    with closing(opener(url)) as connector:
        tables = sampled(connector, progress)
    reports = classifier.classify(tables)
    return reports, {table.name: samples for table, samples in tables}


def sampled(connector: Connector, progress: Progress | None) -> list[tuple[Table, Mapping[str, Sample]]]:
    """Return the tables of an open system with a sample of each; one that cannot be read comes with its problem."""
    tables = list(connector.tables())
    _refuse_ours_by_content(tables)
    found: list[tuple[Table, Mapping[str, Sample]]] = []
    for number, table in enumerate(tables):
        if progress is not None:
            progress(number, len(tables), table.name)
        try:
            samples = connector.sample(table, SAMPLE) if table.columns and not table.problem else {}
            found.append((table, samples))
        except ConnectorUnavailable as error:
            # names still tell something; the problem is shown beside what they propose
            found.append((replace(table, problem=error.detail), {}))
    return found


class Discovery:
    """Scans connected systems into the data map.

    Args:
        derive: `KeyRing.derive`, for keyed digests of samples.
        own: addresses of our own databases, which are never systems.
        roots: folders below which files may be connected by anyone but the operator; None for everywhere.
    """

    def __init__(
        self,
        inventory: Inventory,
        opener: Opener,
        locator: Locator,
        classifier: ColumnClassifier,
        derive: Derive,
        clock: Clock,
        *,
        own: Collection[str] = (),
        roots: Collection[Path] | None = None,
    ) -> None:
        self._inventory, self._open, self._locate, self._classifier = inventory, opener, locator, classifier
        self._derive, self._clock = derive, clock
        self._own = frozenset(locator(url, existing=False).identity for url in own)
        self._roots = None if roots is None else tuple(root.resolve() for root in roots)
        self._slots = Semaphore(_SCANS_AT_ONCE)

    def add(self, actor: Actor, name: str, url: str, *, controller: str | None = None, check: bool = True, request_id: str = "") -> System:
        """Connect a system under `name`, after trying the connection. `check` false skips that, but not for files that calls name.

        Raises InvalidInput for an address that cannot be one, ConnectorUnavailable saying why nobody answers, Conflict when the name is taken.
        """
        require(actor, "systems:write")
        return self._inventory.add_system(actor, self._new(actor, name, url, controller, check=check), request_id=request_id)

    def change(self, actor: Actor, name: str, url: str, *, check: bool = True, request_id: str = "") -> System:
        """Give a connected system another address, with the same care as `add`; its map and decisions stay. Raises NotFound as well."""
        require(actor, "systems:write")
        self._inventory.system(actor.tenant, name)
        return self._inventory.change_system(actor, self._new(actor, name, url, None, check=check), request_id=request_id)

    def scan(self, actor: Actor, name: str, *, progress: Progress | None = None, request_id: str = "") -> ScanResult:
        """Scan a connected system and keep the proposals. Raises ConnectorUnavailable, TooBusy when two scans are running."""
        require(actor, "systems:write")
        ours = self.ours(actor.tenant, name)
        with self.reading(actor, name) as connector:
            found = without(ours, sampled(connector, progress))
            reports, samples = self._classifier.classify(found), {table.name: samples for table, samples in found}
            key, now = self._derive(actor.tenant, _DIGEST_LABEL), self._clock.now()
            tables = [_scanned(report, samples[report.table.name], key, now) for report in reports]
        drift = self._inventory.record_scan(actor, name, tables, request_id=request_id)
        return ScanResult(tuple(reports), drift)

    def ours(self, tenant: TenantId, name: str) -> Mapping[str, frozenset[str]]:
        """Return the columns of ours by table: ciphertexts and their index are no fields of the map."""
        return {dataset.table: dataset.ours for dataset in self._inventory.datasets(tenant, name)}

    @property
    def classifier(self) -> ColumnClassifier:
        return self._classifier

    @contextmanager
    def reading(self, actor: Actor, name: str) -> Iterator[Connector]:
        """Open a connected system for looking at it as a whole, one of two at a time. Raises ConnectorUnavailable, TooBusy, InvalidInput without an address."""
        url = self._inventory.system_url(actor.tenant, name)
        if not url:
            raise InvalidInput("This system has no address: it was removed, or declared by a file (`privacy systems change NAME URL` gives it one).")
        self._refuse_ours(self._locate(url))
        if not self._slots.acquire(blocking=False):
            raise TooBusy("Two scans are running; try again when one has ended.")
        try:
            with closing(self._open(url)) as connector:
                yield connector
        finally:
            self._slots.release()

    def findings(self, actor: Actor, name: str) -> list[FoundField]:
        """Return every field of a system that has a proposal, a carrier or a decision, by dataset and position."""
        require(actor, "systems:read")
        return [
            FoundField(dataset.name, field)
            for dataset in self._inventory.datasets(actor.tenant, name)
            for field in dataset.fields.values()
            if (field.finding or field.carrier or field.status.value != "unknown") and not field.gone
        ]

    def _new(self, actor: Actor, name: str, url: str, controller: str | None, *, check: bool) -> NewSystem:
        remote = not actor.ref.startswith("operator:") and _names_a_file(url)
        try:
            place = self._locate(url)
            self._refuse_ours(place)
            self._refuse_outside(actor, place)
            # a file is kept by its whole path: the service may stand in another folder than the shell
            address = place.shown if place.path is not None else url
            # only now: looking into a file of ours would drop our own locks on it
            with closing(self._open(address)) as connector:
                if check or remote:
                    connector.check()
        except (InvalidInput, ConnectorUnavailable):
            if remote:  # one answer whatever it was: a call must not tell which files there are
                raise InvalidInput(_NO_FILE, pointer="/url") from None
            raise
        return NewSystem(name, place.kind, address, place.shown, ControllerId(controller) if controller else None, place.tls_waiver)

    def _refuse_ours(self, place: Located) -> None:
        if place.identity in self._own:
            raise InvalidInput("This is a database of the service itself; it is never a connected system.", pointer="/url")

    def _refuse_outside(self, actor: Actor, place: Located) -> None:
        if place.path is None or self._roots is None or actor.ref.startswith("operator:"):
            return
        if not any(place.path.is_relative_to(root) for root in self._roots):
            raise InvalidInput("Files may be connected only below the folders that the operator named for it.", pointer="/url")


def without(ours: Mapping[str, frozenset[str]], tables: Sequence[tuple[Table, Mapping[str, Sample]]]) -> list[tuple[Table, Mapping[str, Sample]]]:
    """Return the tables without the columns of ours in them."""
    found: list[tuple[Table, Mapping[str, Sample]]] = []
    for table, samples in tables:
        hidden = ours.get(table.name, frozenset())
        kept = tuple(column for column in table.columns if column.name not in hidden)
        found.append((replace(table, columns=kept) if hidden else table, {name: each for name, each in samples.items() if name not in hidden}))
    return found


def _names_a_file(url: str) -> bool:
    return "://" not in url or url.lower().startswith(("sqlite", "csv:"))


def _refuse_ours_by_content(tables: Sequence[Table]) -> None:
    """Refuse a database of a Privacy Steward under any address: a copy, a backup, or this one by another host name."""
    names = {table.name.rpartition(".")[2] for table in tables}
    if any(marks <= names for marks in _OURS):
        raise InvalidInput("This is a database of Privacy Steward itself, or a copy of one; it is never a connected system.", pointer="/url")


def _scanned(report: TableReport, samples: Mapping[str, Sample], key: bytes, now: datetime) -> ScannedTable:
    table, subject = report.table, report.subject
    proposals = {proposal.column: proposal for proposal in report.proposals}
    keys = _keys(table) | dict.fromkeys(report.references, REFERENCE)
    fields = tuple(
        ScannedField(
            column.name,
            column.type,
            column.nullable,
            keys.get(column.name, ""),
            column.comment,
            Carrier(report.carriers[column.name]) if column.name in report.carriers else None,
            _finding(proposals.get(column.name), column, samples.get(column.name, EMPTY), key, now),
        )
        for column in table.columns
    )
    return ScannedTable(
        table.name, fields, table.kind, table.comment, table.rows, subject.type if subject else None, subject.field if subject else None, table.problem
    )


def _finding(proposal: Proposal | None, column: Column, sample: Sample, key: bytes, now: datetime) -> Finding | None:
    if proposal is None or proposal.outcome is Outcome.NONE:
        return None
    evidence = tuple(part.plain() for part in proposal.evidence)
    return Finding(proposal.category, proposal.entity, round(proposal.confidence, 3), proposal.outcome.value, evidence, digest(column, sample, key), now)


def digest(column: Column, sample: Sample, key: bytes) -> str:
    """Return a keyed digest of a column's type and sample: equal digests mean nothing changed, and no value can be guessed without the key."""
    mac = hmac.new(key, digestmod="sha256")
    for part in (column.type, *sorted(sample.values)):
        raw = part.encode("utf-8", "surrogatepass")
        mac.update(len(raw).to_bytes(4, "big") + raw)
    return mac.hexdigest()[:32]


def _keys(table: Table) -> dict[str, str]:
    keys = {name: "foreign" for key in table.foreign_keys for name in key.columns}
    return keys | dict.fromkeys(table.primary_key, "primary")
