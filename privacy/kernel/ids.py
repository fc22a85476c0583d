"""Identifiers: time-ordered UUIDs (RFC 9562, version 7) and unguessable tokens."""

import os
import time
import uuid
from typing import NewType

TenantId = NewType("TenantId", str)
ControllerId = NewType("ControllerId", str)
SystemId = NewType("SystemId", str)
DatasetId = NewType("DatasetId", str)  # immutable; this, never the name, is bound into AAD, keys and indexes
FieldId = NewType("FieldId", str)
PurposeId = NewType("PurposeId", str)
RecipientId = NewType("RecipientId", str)
EventId = NewType("EventId", str)

DEFAULT_TENANT = TenantId("default")


def new_id() -> str:
    """Return a UUIDv7 as text: sortable by creation time to the millisecond, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    tail = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (tail >> 68 & 0xFFF) << 64 | 0b10 << 62 | tail & (1 << 62) - 1
    return str(uuid.UUID(int=value))
