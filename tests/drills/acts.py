"""The acts of the crash drill."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import inspect, text

from privacy.adapters.store.engine import connection
from privacy.application import Application
from privacy.crypto.signatures import verify_ed25519
from privacy.disposal.certificate import verify
from privacy.kernel.ids import DEFAULT_TENANT
from privacy.kernel.plaintext import Plaintext
from privacy.kernel.terms import SubjectRef
from privacy.protection.column_model import Phase, ProtectedColumn, Step
from privacy.protection.items import IndexItem, RevealItem
from privacy.retention.model import Consequence, NewRule, Restart
from tests.cast import ALICE, CAROL
from tests.drills.crashing import Dump, approver, engine_at

_WHO = SubjectRef("shop", "customer", "KH0001")


class Erasure:
    """李小明 is erased from the shop."""

    writes: Sequence[str] = ()

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

    def go_on(self, application: Application) -> bool:
        return False

    def settle(self, application: Application, dump: Dump, told: Sequence[str]) -> tuple[Dump, Sequence[str]]:
        return dump, ()


class Sweep:
    """Old orders go with their lines, then customers without a recent order with all that is theirs, and the keys of those customers."""

    writes: Sequence[str] = ()
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

    def go_on(self, application: Application) -> bool:
        return False

    def settle(self, application: Application, dump: Dump, told: Sequence[str]) -> tuple[Dump, Sequence[str]]:
        return dump, ()


class Encryption:
    """E-mail and phone of the shop's customers are encrypted in place while the shop goes on writing them, until the switch refuses it."""

    writes = (
        "UPDATE kh_info SET yx = :changed WHERE kh_bh = 'KH0004'",
        "INSERT INTO kh_info (kh_bh, xm, yx, sjh) VALUES (:bh, '写', :added, :bz)",
        "DELETE FROM kh_info WHERE kh_bh = :gone",
    )
    _AFTER: ClassVar[Mapping[Phase, Step]] = {Phase.COPIED: Step.SWITCH}
    _CHANGED, _ADDED, _REMOVED = range(3)

    def queue(self, application: Application) -> None:
        for draft in application.columns.plan(ALICE, [("shop.kh_info", "yx"), ("shop.kh_info", "sjh")]):
            assert draft.column is not None, draft.obstacles
            application.columns.ask(ALICE, draft.column.id, Step.COPY)

    def go_on(self, application: Application) -> bool:
        following = [(column, step) for column in application.columns.all(ALICE) if (step := self._AFTER.get(column.phase)) is not None]
        for column, step in following:
            application.columns.ask(ALICE, column.id, step)
        return bool(following)

    def outcome(self, application: Application) -> Mapping[str, Any]:
        columns = {column.field: (column.phase.value, column.problem) for column in application.columns.all(CAROL)}
        fields = application.inventory.datasets(DEFAULT_TENANT, "shop")
        controls = sorted(field.name for dataset in fields for field in dataset.fields.values() if "encrypted" in field.controls)
        acts = Counter(application.store.read(lambda tx: connection(tx).execute(text("SELECT action FROM audit_leaf")).scalars().all()))
        return {"columns": columns, "controls": controls, "events": {name: number for name, number in acts.items() if name.startswith("protection:columns")}}

    def settle(self, application: Application, dump: Dump, told: Sequence[str]) -> tuple[Dump, Sequence[str]]:
        rows = dump["kh_info"]
        for column in application.columns.all(CAROL):
            found = self._found(application, column)
            for (key,), row in rows.items():
                row[column.field] = (row[column.field], *found.get(key, (None, None)))
        missing = self._missing(rows, told)
        dump["kh_info"] = {key: row for key, row in rows.items() if not str(key[0]).startswith("W")}
        dump["kh_info"]["KH0004",]["yx"] = None
        return dump, missing

    def _found(self, application: Application, column: ProtectedColumn) -> dict[str, tuple[str | None, bool]]:
        """Return what the column's values are by the shadow, and whether their index is the right one; nothing where our columns are gone."""
        shadow, index, field = column.layout.shadow, column.layout.index, column.field
        engine = engine_at(application.inventory.system_url(DEFAULT_TENANT, "shop"))
        try:
            if shadow not in {each["name"] for each in inspect(engine).get_columns("kh_info")}:
                return {}
            with engine.connect() as opened:
                held = list(opened.execute(text(f"SELECT kh_bh, {shadow}, {index} FROM kh_info WHERE {shadow} IS NOT NULL OR {index} IS NOT NULL")))
        finally:
            engine.dispose()
        tenant, dataset = column.tenant, column.dataset_id
        items = [RevealItem(SubjectRef("shop", "customer", key), field, str(cell)) for key, cell, _ in held]
        values = [str(getattr(value, "reveal", lambda: "does not open")()) for value in application.protection.reveal(tenant, dataset, items)]
        numbers = application.protection.index(tenant, dataset, [IndexItem(field, Plaintext(value), column.category) for value in values])
        return {key: (value, str(number) == right) for (key, _, number), value, right in zip(held, values, numbers, strict=True)}

    def _missing(self, rows: Mapping[tuple[Any, ...], Mapping[str, Any]], told: Sequence[str]) -> list[str]:
        """Return which of the writes that the writer was told of are not what the rows, opened, say."""
        numbers: dict[int, list[int]] = {place: [] for place in range(len(self.writes))}
        for each in told:
            place, _, number = each.partition(":")
            numbers[int(place)].append(int(number))
        here = {str(key[0]): next((cell for cell in row["yx"][:2] if cell), None) for key, row in rows.items()}
        gone = {number - 3 for number in numbers[self._REMOVED]}
        missing = [f"added {n}" for n in numbers[self._ADDED] if n not in gone and n + 3 <= max([0, *gone]) and here.get(f"W{n:06}") != f"n{n}@xie.example"]
        missing += [f"removed {n}" for n in gone if f"W{n:06}" in here]
        last, held = max(numbers[self._CHANGED], default=0), here["KH0004"] or ""
        # one more may have been written and not told
        return missing + [f"changed {last}"] * (last > 0 and held not in (f"w{last}@xie.example", f"w{last + 1}@xie.example"))


class Decryption(Encryption):
    """The same, and all of it undone again."""

    _AFTER: ClassVar[Mapping[Phase, Step]] = {Phase.COPIED: Step.SWITCH, Phase.SWITCHED: Step.UNDO}


ACTS: Mapping[str, Callable[[], Any]] = {"erasure": Erasure, "sweep": Sweep, "encryption": Encryption, "decryption": Decryption}
