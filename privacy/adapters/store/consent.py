"""Tables and repository of consent: published notices and the ledger of receipts. Rows are only added; an erasure takes out what names a person."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, Integer, Row, Table, UniqueConstraint, func, insert, select, update

from privacy.adapters.store.engine import connection
from privacy.adapters.store.schema import MAIN, blob, instant, json_text, key, name
from privacy.consent.fold import Notices, Receipt
from privacy.consent.model import Act, LedgerRow, Notice, NoticeContent
from privacy.kernel.ids import TenantId
from privacy.kernel.store import Tx

NOTICE = Table(
    "consent_notice",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("material_since", Integer, nullable=False),
    Column("recipients", json_text(), nullable=False),
    Column("content", json_text(), nullable=False),
    Column("digest", name(80), nullable=False),
    Column("published_at", instant(), nullable=False),
    Column("published_by", name(200), nullable=False),
)
RECEIPT = Table(
    "consent_receipt",
    MAIN,
    Column("tenant", key(), primary_key=True),
    Column("id", key(), primary_key=True),
    Column("lookup", blob(32), nullable=False),
    Column("sealed", blob(4096)),
    Column("purpose", key(), nullable=False),
    Column("recipient", name(512), nullable=False),
    Column("channel", key(), nullable=False),
    Column("act", key(), nullable=False),
    Column("at", instant(), nullable=False),
    Column("recorded_at", instant(), nullable=False),
    Column("expires_at", instant()),
    Column("notice", key(), nullable=False),
    Column("notice_version", Integer, nullable=False),
    Column("evidence", blob(4096)),
    Column("reference", blob(32)),
    Column("request_digest", blob(32), nullable=False),
    Column("document", json_text(), nullable=False),
    Column("digest", name(80), nullable=False),
    Column("actor", name(200), nullable=False),
    UniqueConstraint("tenant", "reference"),
    Index("ix_consent_receipt_subject", "tenant", "lookup", "purpose"),
)
_FOLDED = ("id", "lookup", "purpose", "recipient", "channel", "act", "at", "expires_at", "notice", "notice_version")
_CHUNK = 5_000  # below every driver's limit of parameters


@dataclass(frozen=True, slots=True)
class _Folded:
    """The columns of a receipt that its state depends on."""

    id: str
    recipient: str
    channel: str
    act: Act
    at: datetime
    expires_at: datetime | None
    notice: str
    notice_version: int


class SqlConsentRepository:
    """Implements `consent.ports.ConsentRepository`."""

    # --- receipts ------------------------------------------------------------------------------------------------------------------

    def add(self, tx: Tx, row: LedgerRow) -> None:
        values = {column.name: getattr(row, column.name) for column in RECEIPT.columns}
        connection(tx).execute(insert(RECEIPT).values(values | {"act": row.act.value, "document": dict(row.document)}))

    def receipt(self, tx: Tx, tenant: TenantId, id: str) -> LedgerRow | None:
        # MariaDB cannot even compare other letters with a column of ASCII: nobody ever gave such an id
        return self._one(tx, RECEIPT.c.tenant == tenant, RECEIPT.c.id == id) if id.isascii() else None

    def by_reference(self, tx: Tx, tenant: TenantId, reference: bytes) -> LedgerRow | None:
        return self._one(tx, RECEIPT.c.tenant == tenant, RECEIPT.c.reference == reference)

    def receipts(self, tx: Tx, tenant: TenantId, lookups: Collection[bytes], purposes: Collection[str]) -> Mapping[tuple[bytes, str], list[Receipt]]:
        found: dict[tuple[bytes, str], list[Receipt]] = {}
        wanted = sorted(lookups)
        columns = [RECEIPT.c[column] for column in _FOLDED]
        for start in range(0, len(wanted), _CHUNK):
            mine = (RECEIPT.c.tenant == tenant, RECEIPT.c.lookup.in_(wanted[start : start + _CHUNK]), RECEIPT.c.purpose.in_(sorted(purposes)))
            for row in connection(tx).execute(select(*columns).where(*mine)):
                folded = _Folded(row.id, row.recipient, row.channel, Act(row.act), row.at, row.expires_at, row.notice, row.notice_version)
                found.setdefault((bytes(row.lookup), row.purpose), []).append(folded)
        return found

    def history(self, tx: Tx, tenant: TenantId, lookup: bytes) -> list[LedgerRow]:
        query = select(RECEIPT).where(RECEIPT.c.tenant == tenant, RECEIPT.c.lookup == lookup).order_by(RECEIPT.c.at, RECEIPT.c.id)
        return [_row(row) for row in connection(tx).execute(query)]

    def pseudonymise(self, tx: Tx, tenant: TenantId, lookup: bytes, pseudonym: bytes) -> int:
        # the request's digest covers the subject: whoever has the keys could test a guess against it
        gone = {"lookup": pseudonym, "sealed": None, "evidence": None, "reference": None, "request_digest": pseudonym}
        mine = (RECEIPT.c.tenant == tenant, RECEIPT.c.lookup == lookup)
        return connection(tx).execute(update(RECEIPT).where(*mine).values(gone)).rowcount

    def sealed(self, tx: Tx, tenant: TenantId) -> list[tuple[str, bytes]]:
        named = (RECEIPT.c.tenant == tenant, RECEIPT.c.sealed.is_not(None))
        one_each = select(func.min(RECEIPT.c.id)).where(*named).group_by(RECEIPT.c.lookup)
        rows = connection(tx).execute(select(RECEIPT.c.id, RECEIPT.c.sealed).where(RECEIPT.c.tenant == tenant, RECEIPT.c.id.in_(one_each)))
        return [(row.id, bytes(row.sealed)) for row in rows]

    def _one(self, tx: Tx, *where: Any) -> LedgerRow | None:
        row = connection(tx).execute(select(RECEIPT).where(*where)).one_or_none()
        return _row(row) if row else None

    # --- notices -------------------------------------------------------------------------------------------------------------------

    def publish(self, tx: Tx, tenant: TenantId, notice: Notice) -> None:
        content = notice.content
        texts = {language: content.texts[language] for language in sorted(content.texts)}
        as_given = {"purposes": list(content.purposes), "categories": list(content.categories), "recipients": list(content.recipients)}
        said = {**content.machine_part(), **as_given, "contact": content.contact, "valid_for": content.valid_for, "texts": texts}
        row = {"tenant": tenant, "id": content.id, "version": notice.version, "material_since": notice.material_since, "content": said}
        row |= {"recipients": list(content.recipients), "digest": notice.digest, "published_at": notice.published_at, "published_by": notice.published_by}
        connection(tx).execute(insert(NOTICE).values(row))

    def notice(self, tx: Tx, tenant: TenantId, id: str, version: int | None = None) -> Notice | None:
        if not id.isascii():
            return None
        query = select(NOTICE).where(NOTICE.c.tenant == tenant, NOTICE.c.id == id).order_by(NOTICE.c.version.desc()).limit(1)
        row = connection(tx).execute(query if version is None else query.where(NOTICE.c.version == version)).one_or_none()
        return _notice(row) if row else None

    def notices(self, tx: Tx, tenant: TenantId) -> list[Notice]:
        newest = select(NOTICE.c.id, func.max(NOTICE.c.version).label("version")).where(NOTICE.c.tenant == tenant).group_by(NOTICE.c.id).subquery()
        both = (NOTICE.c.id == newest.c.id) & (NOTICE.c.version == newest.c.version)
        rows = connection(tx).execute(select(NOTICE).join(newest, both).where(NOTICE.c.tenant == tenant).order_by(NOTICE.c.id))
        return [_notice(row) for row in rows]

    def superseding(self, tx: Tx, tenant: TenantId, id: str, version: int) -> Notice | None:
        if not id.isascii():
            return None
        later = (NOTICE.c.tenant == tenant, NOTICE.c.id == id, NOTICE.c.version > version, NOTICE.c.material_since > version)
        row = connection(tx).execute(select(NOTICE).where(*later).order_by(NOTICE.c.version).limit(1)).one_or_none()
        return _notice(row) if row else None

    def rules(self, tx: Tx, tenant: TenantId, ids: Collection[str]) -> Notices:
        wanted = sorted(set(ids) - {""})
        if not wanted:
            return Notices({}, {})
        columns = (NOTICE.c.id, NOTICE.c.version, NOTICE.c.material_since, NOTICE.c.recipients)
        rows = connection(tx).execute(select(*columns).where(NOTICE.c.tenant == tenant, NOTICE.c.id.in_(wanted)).order_by(NOTICE.c.version)).all()
        return Notices({(row.id, row.version): frozenset(row.recipients) for row in rows}, {row.id: row.material_since for row in rows})


def _row(row: Row[Any]) -> LedgerRow:
    values = dict(row._mapping)
    for column in ("lookup", "request_digest"):
        values[column] = bytes(values[column])
    return LedgerRow(**values | {"act": Act(row.act), "tenant": TenantId(row.tenant)})


def _notice(row: Row[Any]) -> Notice:
    said: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.content.items()}
    return Notice(NoticeContent(id=row.id, **said), row.version, row.material_since, row.digest, row.published_at, row.published_by)
