"""Columns encrypted in place, for those who search and read them: how a value is found by its index, how a shadow is opened.

Implements the port `EncryptedFields` of subjects. Whoever opens a value has decided that it may be seen, and has written the event.
"""

from collections.abc import Mapping, Sequence
from functools import partial

from privacy.kernel.errors import PrivacyError
from privacy.kernel.ids import DatasetId, TenantId
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.store import Store
from privacy.kernel.terms import SubjectRef
from privacy.protection.column_model import HIDDEN, ProtectedColumn
from privacy.protection.column_ports import ColumnRepository
from privacy.protection.items import IndexItem, RevealItem
from privacy.protection.service import Protection
from privacy.subjects.ports import EncryptedField


class ProtectedColumns:
    """Reads our own store on each call: a column that is switched while somebody looks is found either way."""

    def __init__(self, store: Store, repository: ColumnRepository, protection: Protection) -> None:
        self._store, self._repository, self._protection = store, repository, protection

    def of(self, tenant: TenantId, dataset: DatasetId) -> Mapping[str, EncryptedField]:
        """Return the fields whose values stand in a shadow: from the switch on. Before it the plaintext is what counts, and is searched."""
        return {column.field: self._field(column) for column in self._columns(tenant, dataset) if column.phase in HIDDEN}

    def _columns(self, tenant: TenantId, dataset: DatasetId) -> Sequence[ProtectedColumn]:
        return self._store.read(lambda tx: self._repository.of_dataset(tx, tenant, dataset))

    def _field(self, column: ProtectedColumn) -> EncryptedField:
        return EncryptedField(column.layout.index, column.layout.shadow, partial(self._index, column), partial(self._reveal, column))

    def _index(self, column: ProtectedColumn, values: Sequence[Plaintext]) -> Sequence[str]:
        items = [IndexItem(column.field, value, column.category) for value in values]
        answers = self._protection.index(column.tenant, column.dataset_id, items)
        return [answer for answer in answers if isinstance(answer, str)]

    def _reveal(self, column: ProtectedColumn, texts: Sequence[tuple[SubjectRef, str]]) -> Sequence[Plaintext | None]:
        items = [RevealItem(subject, column.field, text) for subject, text in texts]
        answers = self._protection.reveal(column.tenant, column.dataset_id, items)
        return [None if isinstance(answer, PrivacyError) else answer for answer in answers]
