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
from privacy.retention.model import Consequence, NewRule, Restart
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


class Sweep:
    """Old orders go with their lines, then customers without a recent order with all that is theirs, and the keys of those customers."""

    rules = (
        NewRule("orders", "shop.dd_main", "xdsj", "P1Y", Consequence.DELETE, zone="Asia/Shanghai"),
        NewRule("customers", "shop.kh_info", "csrq", "P1Y", Consequence.DELETE, restarts=(Restart("shop.dd_main", "xdsj"),), zone="Asia/Shanghai"),
    )

    def queue(self, application: Application) -> None:
        for rule in self.rules:
            application.retention.propose(ALICE, rule)
            (seen,) = application.retention.preview(ALICE, rule=rule.id)
            application.retention.approve(approver(), rule.id, seen.hash)
            application.retention.ask(ALICE, rule.id)

    def outcome(self, application: Application) -> Mapping[str, Any]:
        swept = {sweep.rule: sweep for sweep in application.retention.sweeps(CAROL).sweeps}
        said = {id: (sweep.state.value, dict(sweep.counts), dict(sweep.kept), sweep.left) for id, sweep in swept.items()}
        entries = [(entry.kind, len(entry.lookups)) for entry in application.ledger.entries()]
        acts = Counter(application.store.read(lambda tx: connection(tx).execute(text("SELECT action FROM audit_leaf")).scalars().all()))
        events = {name: acts[f"retention:sweep:{name}"] for name in ("attempted", "done")}
        left = application.store.read(lambda tx: connection(tx).execute(text("SELECT count(*) FROM retention_batch")).scalar_one())
        return {"sweeps": said, "ledger": entries, "events": events, "sealed_left": left}

    def settle(self, application: Application, dump: Dump) -> Dump:
        return dump


ACTS = {"erasure": Erasure, "sweep": Sweep}
