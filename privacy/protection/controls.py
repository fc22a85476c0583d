"""Tells the data map what protection did: a field whose values stand encrypted has the control `encrypted`, one that is undone has it no more."""

from dataclasses import replace

from privacy.inventory.ports import FieldRow, InventoryRepository
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx
from privacy.protection.column_model import ProtectedColumn

ENCRYPTED = "encrypted"


class MapControls:
    """Implements `column_ports.Controls` in the transaction of the step."""

    def __init__(self, repository: InventoryRepository) -> None:
        self._repository = repository

    def moved(self, tx: Tx, tenant: TenantId) -> None:
        self._repository.grow(tx, tenant)

    def __call__(self, tx: Tx, tenant: TenantId, column: ProtectedColumn, *, encrypted: bool, gone: bool = False) -> None:
        """Change the field in the map, as long as the system and the dataset are in it. `gone`: the column itself was dropped."""
        system = self._repository.system(tx, tenant, column.system)
        if system is None:
            return
        self._repository.grow(tx, tenant)
        rows = self._repository.datasets(tx, tenant, system.id, [column.layout.table])
        for row in rows:
            field = row.fields.get(column.field)
            if row.id == column.dataset_id and field is not None:
                changed = replace(field, controls=_controls(field, encrypted=encrypted), gone=field.gone or gone)
                self._repository.save_datasets(tx, tenant, [replace(row, fields={column.field: changed})])


def _controls(field: FieldRow, *, encrypted: bool) -> tuple[str, ...]:
    others = set(field.controls) - {ENCRYPTED}
    return tuple(sorted(others | {ENCRYPTED} if encrypted else others))
