"""Gathers what a rule has to know about a system: its map, its rules in force, the holds on it, its tables as they are now."""

from dataclasses import replace
from datetime import datetime

from privacy.disposal.ports import Target
from privacy.kernel.clock import Clock
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Store
from privacy.retention.due import Scene
from privacy.retention.holds import Holds
from privacy.retention.ports import DataMap, Relations, RetentionRepository


class Scenes:
    """Reads scenes afresh; nothing is kept between two."""

    def __init__(self, store: Store, repository: RetentionRepository, data_map: DataMap, relations: Relations, holds: Holds, clock: Clock) -> None:
        self._store, self._repository, self._data_map, self._relations, self._holds, self._clock = store, repository, data_map, relations, holds, clock

    def of(self, tenant: TenantId, system: str, target: Target) -> Scene:
        """Return the scene of a connected system that is open. Raises NotFound, StoreUnavailable, ConnectorUnavailable."""
        return Scene(
            tenant=tenant,
            system=system,
            datasets={dataset.name: dataset for dataset in self._data_map.datasets(tenant, system) if not dataset.gone},
            relations=tuple(self._relations.of_system(tenant, system)),
            handlings=self._relations.handlings(tenant, system),
            rules=tuple(rule for rule in self._store.read(lambda tx: self._repository.rules(tx, tenant)) if rule.active and rule.system == system),
            holds=tuple(self._holds.in_force(tenant, system, self._clock.now())),
            shapes=target.shapes(),
        )

    def with_holds(self, scene: Scene, at: datetime) -> Scene:
        """Return the scene with the holds in force at `at`."""
        return replace(scene, holds=tuple(self._holds.in_force(scene.tenant, scene.system, at)))
