"""A data map of a small shop, and a seal that is real enough to notice a wrong tenant, label or context."""

import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path

from privacy.adapters.store.engine import SqlStore
from privacy.adapters.store.inventory import SqlInventoryRepository
from privacy.adapters.store.relations import SqlRelationRepository
from privacy.audit.events import AuditLog
from privacy.inventory.merging import ScannedField, ScannedTable
from privacy.inventory.model import Carrier, Finding
from privacy.inventory.service import Inventory, NewSystem
from privacy.inventory.taxonomy import Taxonomy
from privacy.kernel.clock import Clock
from privacy.kernel.ids import TenantId

TAXONOMY = Taxonomy.load(Path(__file__).parents[2] / "policies" / "taxonomy.toml")
SHOP = NewSystem("shop", "sqlite", "postgresql://someone:hunter2secret@db.example.com/shop", "postgresql://db.example.com/shop")
NOW = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)


def toy_seal(tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes:
    return _tag(tenant, label, data, context) + bytes(byte ^ 0x5A for byte in data)


def toy_unseal(tenant: TenantId, label: str, data: bytes, context: bytes = b"") -> bytes:
    plain = bytes(byte ^ 0x5A for byte in data[32:])
    assert data[:32] == _tag(tenant, label, plain, context)
    return plain


def _tag(tenant: TenantId, label: str, data: bytes, context: bytes) -> bytes:
    return hmac.new(b"toy", b"\0".join((tenant.encode(), label.encode(), context, data)), hashlib.sha256).digest()


def inventory_on(store: SqlStore, audit: AuditLog, clock: Clock) -> Inventory:
    return Inventory(store, SqlInventoryRepository(), TAXONOMY, audit, clock, toy_seal, toy_unseal, relations=SqlRelationRepository(), poll_seconds=0)


def found(category: str, outcome: str = "auto", confidence: float = 0.9) -> Finding:
    evidence = ({"kind": "name", "detail": "“email” (strong)", "weight": 0.9},)
    return Finding(category, TAXONOMY.category(category).entity, confidence, outcome, evidence, "0" * 32, NOW)


def customers(*more: ScannedField) -> ScannedTable:
    fields = (
        ScannedField("id", "INTEGER", nullable=False, key="primary"),
        ScannedField("name", "TEXT", finding=found("name")),
        ScannedField("email", "TEXT", finding=found("email"), comment="电子邮箱"),
        ScannedField("nick", "TEXT", finding=found("account", "review", 0.5)),
        ScannedField("vip", "BOOLEAN"),
        ScannedField("remark", "TEXT", carrier=Carrier.FREE_TEXT),
    )
    return ScannedTable("customers", (*fields, *more), rows=59, subject_type="customer", subject_field="id")


def orders() -> ScannedTable:
    fields = (
        ScannedField("id", "INTEGER", nullable=False, key="primary"),
        ScannedField("customer_id", "INTEGER", nullable=False),
        ScannedField("shop_no", "TEXT"),
        ScannedField("buyer", "TEXT", comment="买家"),
        ScannedField("phone", "TEXT", finding=found("phone")),
    )
    return ScannedTable("orders", fields, rows=412)
