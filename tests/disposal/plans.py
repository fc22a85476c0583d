"""A plan that is done, for tests of what is said about it."""

from datetime import UTC, datetime
from types import MappingProxyType

from privacy.disposal.model import Plan, PlannedRows, PlanState, Share
from privacy.inventory.relations import Erase
from privacy.kernel.ids import DEFAULT_TENANT

AT = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)


def plan_done() -> Plan:
    line = {"dataset": "shop.orders", "action": "delete", "share": "owned", "found": 7, "rows": 7, "columns": [], "reason": "", "rule": "", "until": ""}
    return Plan(
        id="plan-1",
        tenant=DEFAULT_TENANT,
        case="case-1",
        state=PlanState.DONE,
        hash="a" * 64,
        rows=(PlannedRows("shop", "shop.orders", Erase.DELETE, 7, Share.OWNED),),
        obstacles=(),
        carriers=(),
        map_digests=MappingProxyType({"shop": "m"}),
        fingerprints=MappingProxyType({"shop": "f"}),
        made_by="user:alice",
        made_at=AT,
        approved_by="user:dave",
        approved_at=AT,
        systems=("shop",),
        results=MappingProxyType({"shop": {"at": "", "tally": [line], "checked": {"left": {}, "behind": {}, "again": 0, "residue": [], "not_searched": {}}}}),
    )
