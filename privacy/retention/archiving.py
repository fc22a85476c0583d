"""Masked copies of rows that a rule archives: every personal field by the technique of its category, what nobody decided not at all."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from privacy.inventory.model import Dataset, Field, Status
from privacy.masking.catalogue import Techniques
from privacy.masking.technique import MaskContext

_STRICTEST = "redact"
_CLEAR = "none"


class Copyist:
    """Copies rows of one dataset. The subject's key and what is personal are masked; a field declared not personal stays as it is.

    Limit: masked is not anonymous; what stays visible can single a person out together with other fields.
    """

    def __init__(self, dataset: Dataset, techniques: Techniques, key: bytes) -> None:
        self._dataset, self._techniques, self._key = dataset, techniques, key

    def copy(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._cell(name, value) for name, value in row.items()}

    def _cell(self, name: str, value: Any) -> Any:
        field = self._dataset.fields.get(name)
        if value is None or field is None or not field.status.settled:
            return None
        if name == self._dataset.subject_field:
            return self._masked("pseudonym", field, value)
        if field.status is Status.NOT_PERSONAL:
            return _plain(value)
        technique = field.technique if field.technique not in ("", _CLEAR) else _STRICTEST
        return self._masked(technique, field, value)

    def _masked(self, technique: str, field: Field, value: Any) -> str | None:
        if isinstance(value, bytes | bytearray | memoryview | bool):
            return None
        context = MaskContext(self._key, self._dataset.tenant, self._dataset.name, field.name, "archive", field.category)
        return self._techniques.get(technique).apply(str(_plain(value)), context)


def _plain(value: Any) -> Any:
    """Return a value as JSON carries it; bytes have no masked form and stay out."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)
