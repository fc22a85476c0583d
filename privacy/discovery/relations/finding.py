"""Propose the relations of a system: of a connected one into the data map, or of an address with nothing stored."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from types import MappingProxyType

from privacy.actors.people import require
from privacy.discovery.columns import ColumnClassifier
from privacy.discovery.ports import Connector, Opener
from privacy.discovery.relations.proposing import RelationProposal, RelationProposer
from privacy.discovery.service import Discovery, Progress, sampled, without
from privacy.inventory.relating import Proposed, Relations
from privacy.inventory.service import Inventory
from privacy.kernel.errors import Conflict
from privacy.kernel.terms import Actor


@dataclass(frozen=True, slots=True)
class RelateResult:
    """What was proposed, tables that could not be read, and (for a connected system) what that changed in the map."""

    proposals: tuple[RelationProposal, ...]
    tables: int
    problems: Mapping[str, str]
    kept: Proposed | None = None


class RelationFinder:
    """Looks at connected systems and lays what it finds before people."""

    def __init__(self, inventory: Inventory, discovery: Discovery, relations: Relations, proposer: RelationProposer) -> None:
        self._inventory, self._discovery, self._relations, self._proposer = inventory, discovery, relations, proposer

    def propose(self, actor: Actor, name: str, *, progress: Progress | None = None, request_id: str = "") -> RelateResult:
        """Propose the relations of a connected system and keep them for people to decide.

        Raises NotFound, ConnectorUnavailable, TooBusy while two systems are being looked at, Conflict for one that was never scanned.
        """
        require(actor, "systems:write")
        if not any(not dataset.gone for dataset in self._inventory.datasets(actor.tenant, name)):
            raise Conflict("The data map holds nothing of this system yet: scan it first (`privacy systems scan NAME`).")
        ours = self._discovery.ours(actor.tenant, name)
        with self._discovery.reading(actor, name) as connector:
            found = _found(connector, self._discovery.classifier, self._proposer, progress, ours)
        kept = self._relations.keep(actor, name, [proposal.edge() for proposal in found.proposals], request_id=request_id)
        return RelateResult(found.proposals, found.tables, found.problems, kept)


def relate(opener: Opener, classifier: ColumnClassifier, proposer: RelationProposer, url: str, progress: Progress | None = None) -> RelateResult:
    """Propose the relations of the system at `url`; nothing is stored. Raises InvalidInput, ConnectorUnavailable."""
    with closing(opener(url)) as connector:
        return _found(connector, classifier, proposer, progress)


def _found(
    connector: Connector,
    classifier: ColumnClassifier,
    proposer: RelationProposer,
    progress: Progress | None,
    ours: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> RelateResult:
    tables = without(ours, sampled(connector, progress))
    reports = classifier.classify(tables)
    proposals: Sequence[RelationProposal] = proposer.propose(tables, reports, connector)
    return RelateResult(tuple(proposals), len(tables), {table.name: table.problem for table, _ in tables if table.problem})
