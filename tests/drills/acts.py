"""The acts of the crash drill."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from privacy.adapters.store.engine import connection
from privacy.application import Application
from privacy.crypto.signatures import verify_ed25519
from privacy.disposal.certificate import verify
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.terms import SubjectRef
from tests.cast import ALICE, CAROL
from tests.drills.crashing import Dump, approver

_WHO = SubjectRef("shop", "customer", "KH0001")


class Erasure:
    """李小明 is erased from the shop."""

    def queue(self, application: Application) -> None:
        application.subject_keys.for_writing(DEFAULT_TENANT, [_WHO])  # keys of theirs that have to die
        plan = application.disposal.plan(ALICE, "drill", [_WHO])
        application.disposal.approve(approver(), plan.id, plan.hash)

    def outcome(self, application: Application) -> Mapping[str, Any]:
        (plan,) = application.disposal.plans_of(CAROL, "drill")
        note = application.disposal.certificate(CAROL, plan.id).decode()
        said = verify(note, application.trail.vkey(CAROL), verify_ed25519)
        counts = [sorted((key, str(value)) for key, value in each.items()) for system in said["systems"] for each in system["datasets"]]
        entries = [(entry.kind, entry.case, len(entry.lookups)) for entry in application.ledger.entries()]
        destroyed = application.subject_keys.audit_refs(DEFAULT_TENANT, [_WHO]) == [b""]
        acts = Counter(application.store.read(lambda tx: connection(tx).execute(text("SELECT action FROM audit_leaf")).scalars().all()))
        issued, begun = acts["disposal:certificate:issued"], acts["disposal:run:attempted"]
        return {"state": plan.state.value, "counts": counts, "ledger": entries, "keys_destroyed": destroyed, "certificates": issued, "begun": begun}

    def settle(self, application: Application, dump: Dump) -> Dump:
        return dump


ACTS = {"erasure": Erasure}
